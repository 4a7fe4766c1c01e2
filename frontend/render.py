"""How pages are rendered: the Jinja environment, the formats of every language, and forms.

Formats follow the language of the moment (`backend.core.text.current`), with Latin digits everywhere. What is costly in
Babel is asked once per language and kept, so that a cell costs about a microsecond.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, cast
from zoneinfo import ZoneInfo

import jinja2
import msgspec
from babel import dates, numbers, units
from markupsafe import Markup, escape

from backend.core import clock, text
from backend.core.errors import Fault, Refusal
from backend.core.text import N_

ROOT = Path(__file__).resolve().parent
STATIC = ROOT / "static"
STATIC_URL = "/static/"
MISSING = "–"

Number = int | Decimal | float
F = TypeVar("F", bound=Callable[..., Any])

# ---------------------------------------------------------------------------------------------------------- numbers


class _Symbols(NamedTuple):
    """How one language writes numbers; `table` is None where Python's own separators are right."""

    table: dict[int, str] | None
    percent: tuple[str, str]


@lru_cache(maxsize=32)
def _symbols(language: str) -> _Symbols:
    locale = text.locale(language)
    group, point = numbers.get_group_symbol(locale), numbers.get_decimal_symbol(locale)
    before, after = numbers.format_percent(Decimal("0.5"), locale=locale).split("50")
    plain = (group, point) == (",", ".")
    return _Symbols(None if plain else {ord(","): group, ord("."): point}, (before, after))


def _digits(value: Number, decimals: int | None, signed: bool = False) -> str:
    if type(value) is int and decimals is None:
        written = f"{value:,}"
    else:
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
        if decimals is None:
            written = f"{exact:,.3f}".rstrip("0").rstrip(".")
        else:
            written = f"{exact:,.{decimals}f}"
        if written[0] == "-" and not written.strip("-0.,"):
            written = written[1:]
    if signed and written[0] != "-" and written.strip("0.,"):
        written = "+" + written
    table = _symbols(text.current.get()).table
    return written.translate(table) if table else written


def number(value: Number | None, decimals: int | None = None, signed: bool = False) -> str:
    """A number, grouped; without `decimals` up to three that matter; `signed` puts a plus. None is a dash."""
    return MISSING if value is None else _digits(value, decimals, signed)


def percent(value: Number | None, decimals: int = 1, signed: bool = False) -> str:
    """A ratio as a percentage: 0.974 -> 97.4%."""
    if value is None:
        return MISSING
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    before, after = _symbols(text.current.get()).percent
    return f"{before}{_digits(exact * 100, decimals, signed)}{after}"


# The one unit of ours that the short Chinese of CLDR leaves in Latin letters, beside 厘米 and 平方米.
_LONG_UNITS = frozenset({("zh_CN", "mass-kilogram")})


@lru_cache(maxsize=256)
def _unit(language: str, unit: str) -> tuple[str, str]:
    length: Literal["long", "short"] = "long" if (language, unit) in _LONG_UNITS else "short"
    before, after = units.format_unit(5, unit, length, locale=text.locale(language)).split("5")
    return before, after


def _measured(value: Number | None, unit: str, decimals: int | None) -> str:
    if value is None:
        return MISSING
    before, after = _unit(text.current.get(), unit)
    return f"{before}{_digits(value, decimals)}{after}"


def unit(name: str) -> str:
    """The sign of a unit beside a field: kg, 千克, كغم."""
    before, after = _unit(text.current.get(), name)
    return f"{before}{after}".strip()


def area(value: Number | None, decimals: int | None = None) -> str:
    """Square metres."""
    return _measured(value, "area-square-meter", decimals)


def weight(value: Number | None, decimals: int | None = None) -> str:
    """Kilograms."""
    return _measured(value, "mass-kilogram", decimals)


def centimetres(value: Number | None, decimals: int | None = None) -> str:
    """A length in centimetres."""
    return _measured(value, "length-centimeter", decimals)


def volume(value: Number | None, decimals: int | None = None) -> str:
    """Cubic metres."""
    return _measured(value, "volume-cubic-meter", decimals)


def duration(seconds: Number | None) -> str:
    """How long something took: seconds, from two minutes on minutes."""
    if seconds is None or seconds < 120:
        return _measured(seconds, "duration-second", 1)
    return _measured(Decimal(str(seconds)) / 60, "duration-minute", 1)


def size(value: int | None) -> str:
    """Bytes, in the largest decimal unit that keeps a whole number readable."""
    if value is None:
        return MISSING
    for unit, factor in (("gigabyte", 10**9), ("megabyte", 10**6), ("kilobyte", 10**3)):
        if value >= factor:
            return _measured(Decimal(value) / factor, f"digital-{unit}", 1)
    return _measured(value, "digital-byte", None)


@lru_cache(maxsize=4096)
def _money(language: str, amount: Decimal, currency: str) -> str:
    return str(numbers.format_currency(amount, currency, locale=text.locale(language)))


def money(amount: Decimal | int | None, currency: str) -> str:
    """An amount in a currency (ISO 4217), with the currency's own number of decimals."""
    return MISSING if amount is None else _money(text.current.get(), Decimal(amount), currency)


# ------------------------------------------------------------------------------------------------------------ times


@lru_cache(maxsize=512)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


@lru_cache(maxsize=8192)
def _day(language: str, value: date, style: str) -> str:
    return str(dates.format_date(value, style, locale=text.locale(language)))


@lru_cache(maxsize=8192)
def _clock(language: str, hour: int, minute: int) -> str:
    moment = datetime(2000, 1, 1, hour, minute, tzinfo=UTC)
    return str(dates.format_time(moment, "short", locale=text.locale(language)))


@lru_cache(maxsize=32)
def _joined(language: str) -> str:
    return str(text.locale(language).datetime_formats["medium"]).replace("'", "")


def _offset(moment: datetime) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if not minutes else f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def instant(value: datetime | None, tz: str, zone: bool = False) -> str:
    """An instant as date and time of day in the IANA zone `tz`; `zone` adds the offset, like UTC+1."""
    if value is None:
        return MISSING
    local, language = value.astimezone(_zone(tz)), text.current.get()
    written = _joined(language).format(
        _clock(language, local.hour, local.minute), _day(language, local.date(), "medium")
    )
    return f"{written} {_offset(local)}" if zone else written


def day(value: date | None, style: str = "medium") -> str:
    """A date; `style` is short, medium, long or full (with the weekday)."""
    if value is None:
        return MISSING
    return _day(text.current.get(), value.date() if isinstance(value, datetime) else value, style)


@lru_cache(maxsize=1024)
def _month(language: str, value: date) -> str:
    return str(dates.format_skeleton("yMMMM", value, locale=text.locale(language)))


def month(value: date | None) -> str:
    """The month of a date: November 2026."""
    return MISSING if value is None else _month(text.current.get(), date(value.year, value.month, 1))


@lru_cache(maxsize=4096)
def _distance(language: str, unit: str, count: int) -> str:
    span = timedelta(seconds=count * dates.TIMEDELTA_UNITS[[u for u, _ in dates.TIMEDELTA_UNITS].index(unit)][1])
    locale = text.locale(language)
    return str(dates.format_timedelta(span, granularity="second", threshold=1, add_direction=True, locale=locale))


def ago(value: datetime | None, now: datetime | None = None) -> str:
    """How long ago, or in how long, in the largest whole unit: 4 hours ago."""
    if value is None:
        return MISSING
    seconds = int((value - (now or clock.now())).total_seconds())
    for unit, length in dates.TIMEDELTA_UNITS:
        if unit != "second" and abs(seconds) >= length:
            return _distance(text.current.get(), unit, int(seconds / length))
    return text.gettext(N_("just now"))


# ------------------------------------------------------------------------------------------------------------ names

# Parts of China that CLDR names without saying so, in every language we speak.
_TERRITORIES: dict[str, dict[str, str]] = {
    "zh": {"TW": "中国台湾", "HK": "中国香港", "MO": "中国澳门"},
    "en": {"TW": "Taiwan, China", "HK": "Hong Kong, China", "MO": "Macao, China"},
    "ar": {"TW": "تايوان، الصين", "HK": "هونغ كونغ، الصين", "MO": "ماكاو، الصين"},
}
_NO_PLACES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
_FALLBACKS = {"zh": ("zh", "en", "ar"), "en": ("en", "zh", "ar"), "ar": ("ar", "en", "zh")}


@lru_cache(maxsize=32)
def _places(language: str) -> dict[str, str]:
    base = language.split("_")[0]
    return {**text.locale(language).territories, **_TERRITORIES.get(base, _TERRITORIES["en"])}


def territory(code: str | None) -> str:
    """The name of a country or region (ISO 3166) or of a group of them (UN M49); an unknown code stays itself."""
    return MISSING if not code else _places(text.current.get()).get(code.upper(), code)


@lru_cache(maxsize=32)
def _choices(language: str) -> tuple[tuple[str, str], ...]:
    sorting = _places("en") if language.startswith("zh") else _places(language)
    codes = [code for code in _places(language) if len(code) == 2 and code.isalpha() and code not in _NO_PLACES]
    return tuple((code, _places(language)[code]) for code in sorted(codes, key=lambda code: sorting[code]))


def territories() -> tuple[tuple[str, str], ...]:
    """Every country or region as (code, name), for a select; Chinese is sorted by the English names."""
    return _choices(text.current.get())


def name(value: Mapping[str, str] | str | None) -> str:
    """The name in the language of the moment from ``{"zh": ..., "en": ..., "ar": ...}``, else the next best."""
    if not value:
        return ""
    if isinstance(value, str):
        return value
    base = text.current.get().split("_")[0]
    for key in _FALLBACKS.get(base, (base, "en", "zh")):
        if found := value.get(key):
            return found
    return next((found for found in value.values() if found), "")


# ----------------------------------------------------------------------------------------------------- static files


@lru_cache(maxsize=256)
def _version(file: str, changed_at_ns: int) -> str:
    return sha256(Path(file).read_bytes()).hexdigest()[:12]


def static(path: str) -> str:
    """The URL of a file under `static/`, with its content in the query so that it may be cached for ever."""
    file = f"{STATIC}/{path}"
    return f"{STATIC_URL}{path}?v={_version(file, os.stat(file).st_mtime_ns)}"


@lru_cache(maxsize=1)
def _vendored() -> dict[tuple[str, str], str]:
    manifest = json.loads((STATIC / "vendor" / "manifest.json").read_bytes())
    return {(entry["package"], Path(file).name): file for file, entry in manifest.items()}


def vendor(package: str, file: str) -> str:
    """The URL of a vendored file, e.g. ``vendor("htmx.org", "htmx.min.js")``; its folder carries the version."""
    return f"{STATIC_URL}vendor/{_vendored()[package, file]}"


# Icons that point somewhere: they turn round where text runs from right to left.
_TURNING = frozenset(
    {
        *("arrow-back-up", "arrow-left", "arrow-right", "chevron-left", "chevron-right", "external-link"),
        *("file-export", "file-import", "list", "list-check", "login", "logout", "package-export", "package-import"),
        *("send", "truck", "truck-delivery", "truck-return", "help-circle"),
    }
)


@lru_cache(maxsize=2)
def _icons(url: str) -> frozenset[str]:
    return frozenset(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))


@lru_cache(maxsize=1024)
def _icon(url: str, name: str, kind: str) -> Markup:
    if name not in _icons(url):
        raise LookupError(f"There is no icon {name!r} in the sprite: add it to frontend/package.json, run vendor.py.")
    classes = " ".join(["icon", *(["turns"] if name in _TURNING else []), *([kind] if kind else [])])
    return Markup('<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
        classes, url, name
    )


def icon(name: str, kind: str = "") -> Markup:
    """An icon of the sprite, hidden from screen readers; `kind` adds a class such as ``big``."""
    return _icon(static("icons.svg"), name, kind)


def spark(values: Sequence[Number], width: int = 80, height: int = 26) -> Markup:
    """A trend line of a few values, decoration beside a number that says it in words."""
    if len(values) < 2:
        return Markup("")
    heights = [float(value) for value in values]
    least = min(heights)
    span = (max(heights) - least) or 1.0
    step = (width - 4) / (len(heights) - 1)
    points = " ".join(
        f"{2 + i * step:.1f},{height - 3 - (value - least) / span * (height - 6):.1f}"
        for i, value in enumerate(heights)
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" width="{w}" height="{h}" aria-hidden="true" focusable="false">'
        '<polyline points="{points}"/></svg>'
    ).format(w=width, h=height, points=points)


# ------------------------------------------------------------------------------------------------------------ forms


class _Typed(dict[str, str]):
    """What was typed; a field that was not sent was left empty."""

    def __missing__(self, name: str) -> str:
        return ""


def said_of(fault: Fault) -> str:
    """A fault's sentence in the reader's language; where nothing was given, that it is needed, not that nothing is wrong."""
    if "“%(value)s”" in fault.sentence and str(fault.facts.get("value", "?")).strip() == "":
        return text.gettext("This may not be left empty.")
    return text.say(fault.sentence, fault.facts)


class Form(msgspec.Struct):
    """What a form shows: the values as they were typed, the errors of each field, and what is wrong as a whole.

    `prefix` begins the ids of its fields: give two forms on one page different ones.
    """

    values: dict[str, str] = msgspec.field(default_factory=dict)
    errors: dict[str, list[str]] = msgspec.field(default_factory=dict)
    summary: list[str] = msgspec.field(default_factory=list)
    prefix: str = "f"

    def __post_init__(self) -> None:
        self.values = _Typed(self.values)

    @property
    def refused(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.errors or self.summary)

    @classmethod
    def of_refusal(cls, values: Mapping[str, str], refusal: Refusal, prefix: str = "f") -> "Form":
        """The form again, with a refusal's faults beside their fields, said in the language of the moment."""
        form = cls(values=dict(values), prefix=prefix)
        for fault in refusal.faults:
            said = said_of(fault)
            form.errors.setdefault(fault.field, []).append(said) if fault.field else form.summary.append(said)
        if not refusal.faults:
            form.summary.append(text.say(refusal.sentence, refusal.facts))
        return form


# ------------------------------------------------------------------------------------------------------ environment

FILTERS: dict[str, Callable[..., str]] = {
    "number": number,
    "percent": percent,
    "area": area,
    "weight": weight,
    "centimetres": centimetres,
    "volume": volume,
    "size": size,
    "money": money,
    "instant": instant,
    "day": day,
    "month": month,
    "ago": ago,
    "duration": duration,
    "territory": territory,
    "name": name,
    "listed": text.listed,
}


def _unfolded(function: Callable[..., str]) -> Callable[..., str]:
    """The filter, kept out of compile-time folding: its answer depends on the language of the moment."""

    @jinja2.pass_context
    def run(context: jinja2.runtime.Context, *arguments: Any, **options: Any) -> str:
        return function(*arguments, **options)

    return run


def _gettext(message: str) -> str:
    return text.translations(text.current.get()).gettext(message)


def _ngettext(singular: str, plural: str, n: int) -> str:
    return text.translations(text.current.get()).ngettext(singular, plural, n)


def _pgettext(context: str, message: str) -> str:
    return text.translations(text.current.get()).pgettext(context, message)


def _npgettext(context: str, singular: str, plural: str, n: int) -> str:
    return text.translations(text.current.get()).npgettext(context, singular, plural, n)


def _speaking_facts(function: Callable[..., str]) -> Callable[..., str]:
    """Jinja's own function, given every fact as it stands in a sentence of the language of the moment."""

    @jinja2.pass_context
    def run(context: jinja2.runtime.Context, *words: Any, **facts: Any) -> str:
        return function(context, *words, **{name: text.spoken(fact) for name, fact in facts.items()})

    return run


def _blank(value: object) -> object:
    """None is written as nothing."""
    return "" if value is None else value


def _joined_words(parts: Iterable[object], separator: str = " · ") -> Markup:
    return Markup(separator).join(escape(part) for part in parts if part)


@lru_cache(maxsize=2)
def environment(reload: bool = False) -> jinja2.Environment:
    """The environment of every page, made once: templates stand under `frontend/`; `reload` looks for changed ones."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_blank,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=reload,
        extensions=["jinja2.ext.i18n"],
    )
    # Raw lookups: Jinja fills the placeholders itself and escapes what it fills in.
    env.install_gettext_callables(  # type: ignore[attr-defined]
        _gettext, _ngettext, newstyle=True, pgettext=_pgettext, npgettext=_npgettext
    )
    for key in ("gettext", "ngettext", "pgettext", "npgettext"):
        env.globals[key] = _speaking_facts(cast("Callable[..., str]", env.globals[key]))
    for key, function in FILTERS.items():
        env.filters[key] = _unfolded(function)
    env.filters["joined"] = _joined_words
    env.globals.update(
        static=static,
        vendor=vendor,
        icon=icon,
        unit=unit,
        spark=spark,
        territories=territories,
        language=text.current.get,
        tag=text.tag,
        direction=text.direction,
        own_name=text.own_name,
    )
    return env
