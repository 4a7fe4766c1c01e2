"""Languages: which one is spoken, and that the catalogues are whole."""

import pytest
from babel import Locale

from backend import texts
from backend.core import text


@pytest.mark.parametrize(
    ("wishes", "accept", "spoken"),
    [
        ((), "", "en"),
        (("ar",), "zh-CN", "ar"),
        (("", None), "zh-CN,zh;q=0.9", "zh_CN"),
        (("xx",), "de;q=0.9, zh-TW", "zh_CN"),
        ((), "zh-Hans-CN", "zh_CN"),
        ((), "ar-EG,en;q=0.5", "ar"),
        ((), "en;q=0.2, ar;q=0.8", "ar"),
        ((), "fr, de;q=nonsense", "en"),
        ((), "ar;q=0, en", "en"),
    ],
)
def test_a_language_is_found(wishes: tuple[str | None, ...], accept: str, spoken: str) -> None:
    assert text.negotiate(*wishes, accept=accept) == spoken


def test_the_catalogues_are_complete() -> None:
    assert texts.faults() == []


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_plural_forms_stand_where_cldr_has_them(language: str) -> None:
    catalogue = text.translations(language)
    order = {"ar": ["zero", "one", "two", "few", "many", "other"], "en": ["one", "other"], "zh_CN": ["other"]}[language]
    rule = Locale.parse(language).plural_form
    for n in (0, 1, 2, 3, 10, 11, 99, 100, 103, 111):
        assert order[catalogue.plural(n)] == rule(n)  # type: ignore[attr-defined]


def test_facts_that_are_words_are_translated_with_their_sentence() -> None:
    with text.speaking("zh_CN"):
        said = text.say("Choose %(what)s.", {"what": text.Word("Good")})
    assert said.endswith("良品.") or "Good" not in said
