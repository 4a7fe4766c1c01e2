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


def test_no_code_of_a_program_is_taken_for_a_word() -> None:
    ids = [str(message.id) for message in texts.extracted() if message.id]
    assert [each for each in ids if "_" in each and each.isidentifier()] == []


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_plural_forms_stand_where_cldr_has_them(language: str) -> None:
    catalogue = text.translations(language)
    order = {"ar": ["zero", "one", "two", "few", "many", "other"], "en": ["one", "other"], "zh_CN": ["other"]}[language]
    rule = Locale.parse(language).plural_form
    for n in (0, 1, 2, 3, 10, 11, 99, 100, 103, 111):
        assert order[catalogue.plural(n)] == rule(n)  # type: ignore[attr-defined]


def test_a_list_in_a_sentence_is_joined_as_its_language_does() -> None:
    facts = {"choices": ["GOOD", "SECOND", "DAMAGED"]}
    assert text.say("Choose one of: %(choices)s.", facts) == "Choose one of: GOOD, SECOND, and DAMAGED."
    with text.speaking("zh_CN"):
        assert text.say("%(choices)s。", facts) == "GOOD、SECOND和DAMAGED。"
        assert text.say("%(choices)s。", {"choices": [text.Word("Quarantine")]}) == "隔离。"
    with text.speaking("ar"):
        assert "و" in text.say("%(choices)s.", facts)
        assert "," not in text.say("%(choices)s.", facts)
    assert text.listed([]) == ""


def test_one_english_word_has_a_translation_for_each_of_its_meanings() -> None:
    stage, status = text.P_("document", "Closed"), "Closed"
    assert text.gettext(stage) == text.gettext(status) == "Closed"
    with text.speaking("zh_CN"):
        assert (
            text.gettext(stage)
            == text.pgettext("document", "Closed")
            == text.say("%(stage)s", {"stage": text.Word(stage)})
        )
        assert text.gettext(stage) != text.gettext(status)


def test_of_many_the_first_few_are_named() -> None:
    assert text.few(["U1", "U2", "U3"]) == "U1, U2, and U3"
    assert text.few(["U1", "U2", "U3", "U4", "U5"]) == "U1, U2, U3, and 2 more"
    with text.speaking("zh_CN"):
        assert text.few(["U1", "U2", "U3", "U4"]) == "U1、U2、U3和另外1项"


@pytest.mark.parametrize("fact", ["R-7K2M", "2026-03-01", "-5", "GOOD", "شركة 7", "Liu & Co."])
def test_a_fact_does_not_scramble_an_arabic_sentence(fact: str) -> None:
    with text.speaking("ar"):
        assert text.say("الرمز «%(value)s» غير معروف.", {"value": fact}) == f"الرمز «\u2068{fact}\u2069» غير معروف."
        assert text.gettext("«%(value)s»", value=fact) == f"«\u2068{fact}\u2069»"


def test_what_runs_with_the_sentence_is_written_plainly() -> None:
    with text.speaking("ar"):
        assert text.say("%(n)s: %(word)s", {"n": 12, "word": text.Word("Good")}).startswith("12: ")
        assert text.say("%(n)s", {"n": "1203"}) == "1203"
    assert text.say("“%(value)s”", {"value": "R-7K2M"}) == "“R-7K2M”"
    assert text.say("“%(value)s”", {"value": "مخزن"}) == "“\u2068مخزن\u2069”", "Arabic in an English sentence"


def test_what_somebody_typed_stays_in_its_isolate() -> None:
    with text.speaking("ar"):
        said = text.say("«%(value)s» غير معروف.", {"value": "a\u2069\u2067b"})
    assert said == "«\u2068ab\u2069» غير معروف."


def test_facts_that_are_words_are_translated_with_their_sentence() -> None:
    with text.speaking("zh_CN"):
        said = text.say("Choose %(what)s.", {"what": text.Word("Good")})
    assert said.endswith("良品.") or "Good" not in said
