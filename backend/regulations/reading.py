"""From files and forms to editions: every word checked against the vocabulary, everything wrong named at once. Pure.

A raw edition is a mapping as TOML and JSON give it; `writing` makes one again. Fields of faults are paths within it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar, cast

from backend.core import values
from backend.core.errors import Fault
from backend.core.text import N_
from backend.regulations.editions import (
    DOUBTS,
    GRADES,
    PARTS,
    Basis,
    Comparison,
    Edition,
    Effect,
    Family,
    Relation,
    Source,
    Status,
)
from backend.regulations.facts import CAUSES, DOCUMENTS, FACTS, FactKind
from backend.regulations.windows import CLOCKS, ClockName, Window

LANGUAGES = ("zh", "en", "ar")
RULE_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+){1,5}")
LONGEST_TITLE, LONGEST_TEXT, MOST_COMPARISONS, LONGEST_PERIOD = 200, 2000, 8, 3660
E = TypeVar("E", bound=StrEnum)

UNKNOWN = N_("“%(value)s” is not possible here. Choose one of: %(choices)s.")
_MISSING: Mapping[str, str] = {
    "title_zh": N_("The title is missing in Chinese. Write it in Chinese, English and Arabic."),
    "title_en": N_("The title is missing in English. Write it in Chinese, English and Arabic."),
    "title_ar": N_("The title is missing in Arabic. Write it in Chinese, English and Arabic."),
    "text_zh": N_("The text is missing in Chinese. Write it in Chinese, English and Arabic."),
    "text_en": N_("The text is missing in English. Write it in Chinese, English and Arabic."),
    "text_ar": N_("The text is missing in Arabic. Write it in Chinese, English and Arabic."),
}
_NO_FIELD = N_("There is no field “%(value)s” in an edition. Leave it out.")
_NO_DAY = N_("“%(value)s” is not a day. Write it like 2026-11-23.")
_NO_COUNT = N_("“%(value)s” is not a whole number from 0 to %(most)s.")
_FIELDS = frozenset(
    [
        "rule",
        "family",
        "part",
        "basis",
        "from",
        "to",
        "status",
        "source",
        "holds",
        "fails",
        "when",
        "must",
        "window",
        "documents",
        "doubts",
        "value",
        "title",
        "text",
    ]
)
_WINDOW_FIELDS = frozenset(
    ["clock", "starts", "starts_for", "or_later", "next_month", "months", "days", "until", "warn_days", "slow_days"]
)
_RELATIONS = {
    FactKind.FLAG: (Relation.IS,),
    FactKind.CODE: (Relation.IN, Relation.NOT_IN),
    FactKind.AMOUNT: (Relation.AT_MOST,),
    FactKind.DATE: (Relation.IN_WINDOW,),
}


class _Reader:
    """One raw edition being read; `faults` grows."""

    def __init__(self, raw: Mapping[str, Any], at: str, faults: list[Fault]) -> None:
        self.raw, self.at, self.faults = raw, at, faults

    def wrong(self, field: str, value: object, sentence: str, **facts: object) -> None:
        """Name one thing wrong."""
        shown = str(value)[:80]
        self.faults.append(Fault(self.at + field, shown, sentence, {"value": shown, **facts}))

    def text(self, field: str, most: int = 200) -> str:
        """A line or paragraph of text, empty when absent."""
        value = self.raw.get(field, "")
        if not isinstance(value, str) or len(value) > most:
            self.wrong(field, value, N_("This text has more than %(most)s characters. Shorten it."), most=most)
            return ""
        self.faults += values.text_faults(self.at + field, value, most)
        return value.strip()

    def member(self, field: str, kind: type[E], value: object = None) -> E | None:
        """A word of a closed list."""
        value = self.raw.get(field, "") if value is None else value
        if isinstance(value, str) and value in list(kind):
            return kind(value)
        self.wrong(field, value, UNKNOWN, choices=list(kind))
        return None

    def among(self, field: str, value: object, choices: Iterable[str]) -> str:
        """One of `choices`, or a fault and an empty word."""
        known = list(choices)
        if isinstance(value, str) and value in known:
            return value
        self.wrong(field, value, UNKNOWN, choices=list(known))
        return ""

    def day(self, field: str) -> date | None:
        """A day, None when absent."""
        value = self.raw.get(field)
        if value in (None, ""):
            return None
        if type(value) is date:
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.wrong(field, value, _NO_DAY)
            return None

    def words(self, field: str, choices: Iterable[str]) -> tuple[str, ...]:
        """A list of words of a closed list."""
        value = self.raw.get(field, [])
        if not isinstance(value, list):
            self.wrong(field, value, N_("This must be a list."))
            return ()
        return tuple(dict.fromkeys(word for each in value if (word := self.among(field, each, choices))))

    def by_language(self, field: str, most: int) -> dict[str, str]:
        """The same in Chinese, English and Arabic; all three are needed."""
        value = self.raw.get(field, {})
        given = value if isinstance(value, Mapping) else {}
        found = {}
        for language in LANGUAGES:
            said = given.get(language, "")
            if not isinstance(said, str) or not said.strip():
                self.wrong(f"{field}_{language}", "", _MISSING[f"{field}_{language}"])
            elif len(said) > most:
                self.wrong(
                    f"{field}_{language}",
                    said,
                    N_("This text has more than %(most)s characters. Shorten it."),
                    most=most,
                )
            else:
                self.faults += values.text_faults(f"{self.at}{field}_{language}", said, most)
                found[language] = " ".join(said.split())
        for language in given.keys() - set(LANGUAGES):
            self.wrong(f"{field}_{language}", language, UNKNOWN, choices=list(LANGUAGES))
        return found


def edition(raw: Mapping[str, Any], faults: list[Fault], at: str = "") -> Edition | None:
    """The edition that `raw` says, or None with a fault for everything wrong in it."""
    before = len(faults)
    reader = _Reader(raw, at, faults)
    for name in raw.keys() - _FIELDS:
        reader.wrong(name, name, _NO_FIELD)
    rule_id = str(raw.get("rule", ""))
    if not RULE_ID.fullmatch(rule_id) or len(rule_id) > 40:
        reader.wrong(
            "rule",
            rule_id,
            N_("“%(value)s” is not the id of a rule. Use capital letters and hyphens, e.g. RET-TAX-2028."),
        )
    family = reader.member("family", Family)
    part = reader.among("part", raw.get("part", ""), PARTS[family]) if family else ""
    basis, status = reader.member("basis", Basis), reader.member("status", Status)
    starts_on, ends_on = reader.day("from"), reader.day("to")
    _period(reader, starts_on, ends_on, status)
    holds = reader.member("holds", Effect)
    fails = reader.member("fails", Effect) if raw.get("fails") else None
    window = _window(reader)
    when, must = _comparisons(reader, "when", window), _comparisons(reader, "must", window)
    if must and fails is None and not all(test.assumed for test in must):
        reader.wrong("fails", "", N_("Say what follows where the condition is not fulfilled."))
    source = _source(reader)
    titles, texts = reader.by_language("title", LONGEST_TITLE), reader.by_language("text", LONGEST_TEXT)
    documents, doubts = reader.words("documents", DOCUMENTS), reader.words("doubts", DOUBTS)
    value = reader.text("value", 100)
    if len(faults) > before or not (family and basis and status and holds and source):
        return None
    return Edition(
        rule_id=rule_id,
        family=family,
        part=part,
        basis=basis,
        starts_on=starts_on,
        ends_on=ends_on,
        status=status,
        holds=holds,
        fails=fails,
        source=source,
        titles=titles,
        texts=texts,
        when=when,
        must=must,
        window=window,
        documents=documents,
        doubts=doubts,
        value=value,
    )


def _period(reader: _Reader, starts_on: date | None, ends_on: date | None, status: Status | None) -> None:
    if starts_on and ends_on and starts_on > ends_on:
        reader.wrong(
            "to", ends_on, N_("The last day %(value)s lies before the first day %(starts_on)s."), starts_on=starts_on
        )
    if starts_on is None and not reader.raw.get("from") and status is not Status.CHECK:
        reader.wrong(
            "from", "", N_("Give the first day. Only an edition that is to be checked may have an unknown one.")
        )
    if status is Status.ENDED and ends_on is None and not reader.raw.get("to"):
        reader.wrong("to", "", N_("An edition that has ended needs its last day."))


def _source(reader: _Reader) -> Source | None:
    raw = reader.raw.get("source", {})
    given = raw if isinstance(raw, Mapping) else {}
    act, address = str(given.get("act", "")).strip(), str(given.get("address", "")).strip()
    grade = reader.among("source_grade", given.get("grade", ""), GRADES)
    if not act or len(act) > LONGEST_TEXT:
        reader.wrong("source_act", act, N_("Name the act or page in which this is written."))
    if address and not re.fullmatch(r"https?://\S{3,500}", address):
        reader.wrong(
            "source_address",
            address,
            N_("“%(value)s” is not an address of a page. Write it like https://example.org/page."),
        )
    source_id = str(given.get("id", "")).strip()[:40]
    return Source(source_id, grade, act, address) if act and grade else None


def _comparisons(reader: _Reader, field: str, window: Window | None) -> tuple[Comparison, ...]:
    raw = reader.raw.get(field, [])
    if not isinstance(raw, list) or len(raw) > MOST_COMPARISONS:
        reader.wrong(field, "", N_("A condition is a list of at most %(most)s comparisons."), most=MOST_COMPARISONS)
        return ()
    found = [_comparison(reader, f"{field}.{number}", each, window) for number, each in enumerate(raw)]
    return tuple(each for each in found if each)


def _comparison(reader: _Reader, field: str, raw: Any, window: Window | None) -> Comparison | None:
    given = raw if isinstance(raw, Mapping) else {}
    before = len(reader.faults)
    name = reader.among(field, given.get("fact", ""), FACTS)
    words = [word for word in given if word not in ("fact", "assumed")]
    if len(words) != 1 or words[0] not in list(Relation):
        reader.wrong(field, ", ".join(words), UNKNOWN, choices=list(Relation))
        return None
    if not name:
        return None
    relation, fact = Relation(words[0]), FACTS[name]
    if relation not in _RELATIONS[fact.kind]:
        reader.wrong(field, relation.value, UNKNOWN, choices=list(_RELATIONS[fact.kind]))
        return None
    value = given[relation.value]
    values = tuple(str(each) for each in (value if isinstance(value, list) else [value]))
    if relation is Relation.IS:
        reader.among(field, values[0] if len(values) == 1 else "", ("yes", "no"))
    elif relation is Relation.IN_WINDOW:
        values = ()
        if window is None and not reader.raw.get("window"):
            reader.wrong(field, "", N_("This condition speaks of a window, but the edition has none. Fill it in."))
    elif relation is Relation.AT_MOST:
        if len(values) != 1 or not _is_amount(values[0]):
            reader.wrong(field, value, N_("“%(value)s” is not an amount. Write it with a point, e.g. 5000.00."))
    elif not values:
        reader.wrong(field, "", N_("Name at least one value."))
    else:
        for each in values:
            if name == "cause":
                reader.among(field, each, CAUSES)
            elif not re.fullmatch(r"[0-9]{4}", each):
                reader.wrong(field, each, N_("“%(value)s” is not a supervision code. It has four digits, e.g. 9810."))
    if len(reader.faults) > before:
        return None
    return Comparison(name, relation, values, given.get("assumed") is True)


def _is_amount(text: str) -> bool:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and 0 <= number < 10**12


def _window(reader: _Reader) -> Window | None:
    raw = reader.raw.get("window")
    if not raw:
        return None
    given = raw if isinstance(raw, Mapping) else {}
    before = len(reader.faults)
    for name in given.keys() - _WINDOW_FIELDS:
        reader.wrong(f"window_{name}", name, _NO_FIELD)
    dates = [name for name, fact in FACTS.items() if fact.kind is FactKind.DATE]
    clock = reader.among("window_clock", given.get("clock", ""), CLOCKS)
    starts = reader.among("window_starts", given.get("starts", ""), dates)
    starts_for = given.get("starts_for", {})
    if not isinstance(starts_for, Mapping):
        reader.wrong("window_starts_for", starts_for, _NO_FIELD)
        starts_for = {}
    for code, name in starts_for.items():
        if not re.fullmatch(r"[0-9]{4}", str(code)):
            reader.wrong(
                "window_starts_for", code, N_("“%(value)s” is not a supervision code. It has four digits, e.g. 9810.")
            )
        reader.among("window_starts_for", name, dates)
    or_later = given.get("or_later", "")
    if or_later:
        reader.among("window_or_later", or_later, dates)
    counts = {}
    for name in ("months", "days", "slow_days"):
        counts[name] = _count(reader, f"window_{name}", given.get(name, 0))
    until = str(given.get("until", ""))
    if until and not _is_day_of_year(until):
        reader.wrong("window_until", until, N_("“%(value)s” is not a day of the year. Write it like 04-30."))
    if bool(until) == bool(counts["months"] or counts["days"]):
        reader.wrong("window_months", "", N_("A window has either months and days, or a last day in the next year."))
    warn_days = given.get("warn_days", [60, 30, 7])
    if not isinstance(warn_days, list) or len(warn_days) > 5:
        reader.wrong("window_warn_days", warn_days, N_("Give at most five numbers of days, e.g. 60, 30, 7."))
        warn_days = []
    warned = tuple(sorted({_count(reader, "window_warn_days", each) for each in warn_days}, reverse=True))
    if len(reader.faults) > before:
        return None
    return Window(
        clock=cast("ClockName", clock),
        starts=starts,
        starts_for={str(code): str(name) for code, name in starts_for.items()},
        or_later=str(or_later),
        next_month=given.get("next_month") is True,
        months=counts["months"],
        days=counts["days"],
        until=until,
        warn_days=warned,
        slow_days=counts["slow_days"],
    )


def _count(reader: _Reader, field: str, value: object) -> int:
    text = str(value)
    if (
        type(value) in (int, str)
        and text.isascii()
        and text.isdecimal()
        and len(text) < 6
        and int(text) <= LONGEST_PERIOD
    ):
        return int(text)
    reader.wrong(field, value, _NO_COUNT, most=LONGEST_PERIOD)
    return 0


def _is_day_of_year(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date.fromisoformat(f"2001-{text}")
    except ValueError:
        return False
    return True
