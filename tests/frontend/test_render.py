"""Formats of every language, the environment, and the house rules of templates and stylesheet."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
import pytest
from babel import Locale, numbers

from backend.core import text
from backend.core.errors import Fault, Invalid
from frontend import render

TEMPLATES = sorted(path for path in render.ROOT.rglob("*.html") if "node_modules" not in path.parts)
ENVIRONMENT = render.environment()
MORNING = datetime(2026, 11, 23, 8, 42, tzinfo=UTC)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with text.speaking("en"):
        yield


def said(source: str, **context: Any) -> str:
    return ENVIRONMENT.from_string(source).render(**context)


# formats


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize("value", [0, 7, -3, 999, 1000, 1234567, -45000])
def test_whole_numbers_are_written_as_cldr_writes_them(language: str, value: int) -> None:
    with text.speaking(language):
        assert render.number(value) == numbers.format_decimal(value, locale=Locale.parse(language))


@pytest.mark.parametrize("language", [*text.LANGUAGES, "de", "fr", "pl"])
@pytest.mark.parametrize("value", ["1234.5", "0.125", "-9876543.21", "12", "0.0005", "100.10"])
def test_decimals_are_written_as_cldr_writes_them(language: str, value: str) -> None:
    with text.speaking(language):
        expected = numbers.format_decimal(Decimal(value), locale=Locale.parse(language))
        assert render.number(Decimal(value)) == expected


@pytest.mark.parametrize(
    ("language", "kilogram", "metre"), [("en", "kg", "m²"), ("zh_CN", "千克", "平方米"), ("ar", "كغم", "م²")]
)
def test_units_beside_fields(language: str, kilogram: str, metre: str) -> None:
    with text.speaking(language):
        assert said("{{ unit('mass-kilogram') }} {{ unit('area-square-meter') }}") == f"{kilogram} {metre}"
    assert render.centimetres(Decimal("12.5")) == "12.5 cm"


def test_facts_in_sentences_of_pages() -> None:
    """Codes are isolated in Arabic, lists joined by the language; what is markup is left to itself."""
    with text.speaking("ar"):
        assert said("{{ _('%(code)s غير معروف', code='A<1>') }}") == "\u2068A&lt;1&gt;\u2069 غير معروف"
        assert said("{{ _('%(code)s غير معروف', code='<bdi>A-1</bdi>'|safe) }}") == "<bdi>A-1</bdi> غير معروف"
        assert said("{{ ngettext('%(num)s x %(code)s', '%(num)s xs %(code)s', 4, code='B-2') }}").startswith("4 ")
    with text.speaking("zh_CN"):
        assert said("{{ _('%(codes)s。', codes=['A', 'B', 'C']) }}") == "A、B和C。"
        assert said("{{ ['A', '<B>']|listed }}") == "A和&lt;B&gt;"


def test_number_of_decimals_sign_and_missing() -> None:
    assert render.number(Decimal("1234.5"), 2) == "1,234.50"
    assert render.number(Decimal("-0.001"), 1) == "0.0"
    assert render.number(5, 1) == "5.0"
    assert render.number(2, signed=True) == "+2"
    assert render.number(-2, signed=True) == "-2"
    assert render.number(0, signed=True) == "0"
    assert render.number(None) == render.percent(None) == render.area(None) == render.day(None) == "–"


def test_arabic_writes_latin_digits() -> None:
    with text.speaking("ar"):
        written = [
            render.number(1234567),
            render.percent(Decimal("0.974")),
            render.area(1250),
            render.instant(MORNING, "Asia/Riyadh"),
            render.day(MORNING.date()),
            render.ago(MORNING - timedelta(hours=4), MORNING),
            render.money(Decimal("1234.5"), "USD"),
        ]
    assert not re.search("[٠-٩۰-۹]", " ".join(written))
    assert "1,234,567" in written[0]
    assert "97.4" in written[1]
    assert "4" in written[5]


def test_percent_and_units() -> None:
    assert render.percent(Decimal("0.974")) == "97.4%"
    assert render.percent(Decimal("0.77"), 0) == "77%"
    assert render.percent(Decimal("0.061"), signed=True) == "+6.1%"
    assert render.area(1250) == "1,250 m²"
    assert render.weight(Decimal("2.5")) == "2.5 kg"
    assert render.size(2_400_000) == "2.4 MB"
    assert render.money(Decimal("1234.5"), "EUR") == "€1,234.50"
    with text.speaking("zh_CN"):
        assert render.area(1250) == "1,250平方米"
    with text.speaking("de"):
        assert render.percent(Decimal("0.974")) == "97,4\N{NO-BREAK SPACE}%"


def test_instants_are_shown_in_the_zone_of_the_place() -> None:
    assert render.instant(MORNING, "Europe/Berlin").replace("\N{NARROW NO-BREAK SPACE}", " ") == "Nov 23, 2026, 9:42 AM"
    assert render.instant(MORNING, "Asia/Kolkata", zone=True).endswith("UTC+5:30")
    assert render.instant(MORNING, "America/New_York", zone=True).endswith("UTC-5")
    assert render.instant(MORNING, "UTC", zone=True).endswith("UTC")
    with text.speaking("zh_CN"):
        assert render.instant(MORNING, "Asia/Shanghai") == "2026年11月23日 16:42"
        assert render.instant(datetime(2026, 11, 23, 17, 5, tzinfo=UTC), "Asia/Shanghai") == "2026年11月24日 01:05"
        assert render.day(date(2026, 11, 23), "full") == "2026年11月23日星期一"
        assert render.month(date(2026, 11, 23)) == "2026年11月"


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=4, minutes=50), "4 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=8), "1 week ago"),
        (timedelta(days=400), "1 year ago"),
        (timedelta(hours=-3), "in 3 hours"),
    ],
)
def test_ago_says_the_largest_whole_unit(back: timedelta, expected: str) -> None:
    assert render.ago(MORNING - back, MORNING) == expected


# names


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("zh_CN", {"TW": "中国台湾", "HK": "中国香港", "MO": "中国澳门", "DE": "德国", "150": "欧洲"}),
        ("en", {"TW": "Taiwan, China", "HK": "Hong Kong, China", "MO": "Macao, China", "DE": "Germany"}),
        ("ar", {"TW": "تايوان، الصين", "HK": "هونغ كونغ، الصين", "MO": "ماكاو، الصين", "DE": "ألمانيا"}),
        ("de", {"TW": "Taiwan, China"}),
    ],
)
def test_countries_and_regions(language: str, names: dict[str, str]) -> None:
    with text.speaking(language):
        assert {code: render.territory(code) for code in names} == names
        chosen = dict(render.territories())
        assert all(chosen[code] == expected for code, expected in names.items() if code.isalpha())
        assert not {"ZZ", "EU", "UN", "XA"} & set(chosen)


def test_an_unknown_territory_stays_itself() -> None:
    assert render.territory("QX") == "QX"
    assert render.territory("de") == "Germany"
    assert render.territory(None) == "–"


@pytest.mark.parametrize(
    ("language", "value", "expected"),
    [
        ("zh_CN", {"zh": "汉堡仓", "en": "Hamburg"}, "汉堡仓"),
        ("zh_CN", {"zh": "", "en": "Hamburg"}, "Hamburg"),
        ("en", {"zh": "汉堡仓"}, "汉堡仓"),
        ("ar", {"zh": "汉堡仓", "en": "Hamburg"}, "Hamburg"),
        ("ar", {"de": "Hamburg"}, "Hamburg"),
        ("en", "Hamburg", "Hamburg"),
        ("en", None, ""),
        ("en", {}, ""),
    ],
)
def test_names_fall_back(language: str, value: Any, expected: str) -> None:
    with text.speaking(language):
        assert render.name(value) == expected


# environment


def test_filters_are_not_folded_at_compile_time() -> None:
    template = ENVIRONMENT.from_string("{{ 1234.5|number }} {{ 'DE'|territory }}")
    with text.speaking("zh_CN"):
        assert template.render() == "1,234.5 德国"
    with text.speaking("de"):
        assert template.render() == "1.234,5 Deutschland"


def test_every_filter_is_kept_from_folding() -> None:
    for key in render.FILTERS:
        assert ENVIRONMENT.filters[key].jinja_pass_arg is jinja2.utils._PassArg.context


def test_what_is_missing_is_an_error_and_none_is_nothing() -> None:
    with pytest.raises(jinja2.UndefinedError):
        said("{{ nothing }}")
    with pytest.raises(jinja2.UndefinedError):
        said("{{ row.nothing }}", row={})
    assert said("<{{ x }}>", x=None) == "<>"


def test_sentences_are_filled_and_escaped() -> None:
    assert said("{{ _('By %(who)s', who=who) }}", who="<b>") == "By &lt;b&gt;"
    assert said("{{ ngettext('%(num)s row', '%(num)s rows', 3) }}") == "3 rows"
    assert said("{{ pgettext('nav', 'Home') }}") == "Home"
    assert said(
        "{% trans count=n, n=n|number %}{{ n }} row{% pluralize count %}{{ n }} rows{% endtrans %}", n=1200
    ) == ("1,200 rows")


def test_static_urls_change_with_the_content() -> None:
    assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{12}", render.static("app.css"))
    with pytest.raises(FileNotFoundError):
        render.static("nothing.css")
    url = render.vendor("htmx.org", "htmx.min.js")
    assert (render.STATIC / url.removeprefix("/static/")).is_file()


def test_icons() -> None:
    assert 'class="icon turns"' in render.icon("chevron-right")
    assert 'class="icon big"' in render.icon("package", "big")
    with pytest.raises(LookupError):
        render.icon("no-such-icon")


def test_a_sparkline_is_drawn_inside_its_box() -> None:
    points = re.search('points="([^"]+)"', render.spark([1, Decimal("4.5"), 2]))
    assert points is not None
    assert all(0 <= float(part) <= 80 for point in points[1].split() for part in point.split(","))
    assert render.spark([3]) == ""
    assert "points" in render.spark([2, 2, 2])


# forms and pages


def test_a_refusal_becomes_a_form_with_its_errors_beside_the_fields() -> None:
    refusal = Invalid([Fault("area", "12", "The area must be at least %(least)s square metres.", {"least": 100})])
    form = render.Form.of_refusal({"area": "12"}, refusal)
    assert form.refused
    assert form.errors == {"area": ["The area must be at least 100 square metres."]}
    page = said(
        "{% import 'macros.html' as ui with context %}{{ ui.error_summary(form) }}"
        "{{ ui.field(form, 'area', 'Area', type='number', hint='All floors', required=true, min='0') }}",
        form=form,
    )
    assert "1 thing needs your attention" in page
    assert 'href="#f-area"' in page
    assert 'value="12"' in page
    assert 'aria-describedby="f-area-hint f-area-error"' in page
    assert 'aria-invalid="true"' in page
    assert ' min="0"' in page


def test_a_field_that_was_not_sent_was_left_empty() -> None:
    form = render.Form({"note": "kept"})
    assert (form.values["key"], "key" in form.values, form.values.get("key")) == ("", False, None)
    assert said("<input value=\"{{ form.values['key'] }}\">", form=form) == '<input value="">'


def test_a_password_is_not_sent_back() -> None:
    form = render.Form(values={"password": "secret", "note": "<kept>"})
    page = said(
        "{% import 'macros.html' as ui with context %}"
        "{{ ui.field(form, 'password', 'Password', type='password') }}{{ ui.field(form, 'note', 'Note') }}",
        form=form,
    )
    assert "secret" not in page
    assert 'value="&lt;kept&gt;"' in page


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_an_error_page_needs_nothing_but_its_own_words(language: str) -> None:
    with text.speaking(language):
        page = ENVIRONMENT.get_template("error.html").render(number=404, title="T", sentence="S")
    assert f'lang="{text.tag(language)}" dir="{text.direction(language)}"' in page
    assert "<h1>T</h1>" in page


def test_the_frame_of_somebody_signed_in() -> None:
    class Viewer:
        name = "Zhang Ming"
        organisation_name = "Zone <office>"
        role_names = ("Assessor", "Admin")

    page = ENVIRONMENT.get_template("error.html").render(
        number=403,
        title="T",
        sentence="S",
        viewer=Viewer(),
        theme="dark",
        csrf_token="tok'en",
        path="/stock/?q=a&b=c",
        languages=text.LANGUAGES,
        flash=[("ok", "Saved.")],
        nav=[{"label": "Goods", "items": [{"label": "Stock", "href": "/stock/", "icon": "packages", "current": True}]}],
    )
    assert 'data-theme="dark"' in page
    assert 'hx-headers:inherited=\'{"x-csrftoken": "tok\\u0027en"}\'' in page
    assert 'name="_csrf_token" value="tok&#39;en"' in page
    assert 'value="/stock/?q=a&amp;b=c"' in page
    assert "Zone &lt;office&gt;" in page
    assert 'action="/access/sign-out"' in page
    assert 'aria-current="page"' in page


def test_a_refused_htmx_request_gets_an_alert() -> None:
    assert "<p>No &amp; no.</p>" in ENVIRONMENT.get_template("_alert.html").render(sentence="No & no.")


def test_a_field_that_was_left_empty_is_not_told_that_nothing_is_wrong() -> None:
    sentence = "“%(value)s” is not a customs district. It has four digits, e.g. 4602 for Luoyang."
    wrong = [Fault("area", value, sentence, {"value": value}) for value in ("", "46")]
    form = render.Form.of_refusal({}, Invalid(wrong))
    assert form.errors["area"] == ["This may not be left empty.", sentence % {"value": "46"}]


# house rules


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(render.ROOT).as_posix())
def test_templates_keep_the_content_security_policy(path: Path) -> None:
    source = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    ENVIRONMENT.parse(source)
    assert not re.search(r"\sstyle\s*=", source), "an inline style breaks the policy: use a class"
    assert not re.search(r"<style\b", source)
    assert not re.search(r"<script(?![^>]*\bsrc=)", source), "an inline script breaks the policy"
    assert not re.search(r"\shx-on\b|\son[a-z]+\s*=|javascript:|\bjs:", source)
    assert not re.search(r'hx-trigger="[^"]*\[', source), "a trigger filter needs eval"
    assert not re.search(r'(?:src|href)="https?://', source) or "rel=" in source


def used_icons() -> Iterator[tuple[str, str]]:
    for path in TEMPLATES:
        source = path.read_text(encoding="utf-8")
        for found in re.findall(r"\bicon\(\s*[\"']([a-z0-9-]+)[\"']", source):
            yield path.name, found
        for found in re.findall(r"\bicon_name=[\"']([a-z0-9-]+)[\"']", source):
            yield path.name, found
        for found in re.findall(r"ui\.empty\(\s*[\"']([a-z0-9-]+)[\"']", source):
            yield path.name, found


def test_every_icon_in_use_is_in_the_sprite() -> None:
    sprite = render._icons(render.static("icons.svg"))
    used = list(used_icons())
    assert used
    assert [(where, name) for where, name in used if name not in sprite] == []
    assert sprite >= render._TURNING


def test_colours_are_tokens() -> None:
    css = (render.STATIC / "app.css").read_text(encoding="utf-8")
    head, _, rest = css.partition("/* tokens ")
    _, _, components = rest.partition("/* end of tokens ")
    assert components
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", head + components)


def test_both_dark_themes_hold_the_same_tokens() -> None:
    css = (render.STATIC / "app.css").read_text(encoding="utf-8")
    chosen = re.search(r':root\[data-theme="dark"\] \{(.*?)\}', css, re.DOTALL)
    preferred = re.search(r"prefers-color-scheme: dark\) \{\s*:root[^{]*\{(.*?)\}", css, re.DOTALL)
    assert chosen is not None
    assert preferred is not None
    assert chosen[1].split() == preferred[1].split()


def test_the_stylesheet_serves_both_directions_of_writing() -> None:
    css = (render.STATIC / "app.css").read_text(encoding="utf-8")
    assert not re.search(r"\b(?:margin|padding|border)-(?:left|right)\b|[^-]\b(?:left|right)\s*:|float\s*:", css)
    assert re.findall(r"text-align:\s*(left|right)", css) == ["right"], "only numbers, in both directions"
