"""What people state of rules and lines, read from text as typed; everything wrong is named at once. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from backend.core import values
from backend.core.errors import Fault
from backend.core.text import N_, Word
from backend.regulations.facts import ANSWERS, CAUSES, FACTS
from backend.regulations.rules import LineFacts

LONGEST_NOTE, LONGEST_KEY = 500, 200
EARLIEST = date(2000, 1, 1)
DAYS = (
    "exported_on",
    "released_on",
    "left_area_on",
    "settled_on",
    "sold_on",
    "filed_on",
    "accounted_on",
    "evidence_on",
)
CODES = ("supervision_code", "customs_area")
FLAGS = ("is_food", "refund_taken")
_CODE_SENTENCES: Mapping[str, str] = {
    "supervision_code": N_("“%(value)s” is not a supervision code. It has four digits, e.g. 9810."),
    "customs_area": N_("“%(value)s” is not a customs district. It has four digits, e.g. 4602 for Luoyang."),
    "home_area": N_("“%(value)s” is not a customs district. It has four digits, e.g. 4602 for Luoyang."),
}


def note(text: str, faults: list[Fault]) -> None:
    """Why something is changed: 1 to 500 characters."""
    if not text.strip():
        faults.append(Fault("note", text, N_("Say why, so that others can follow it later.")))
    faults += values.text_faults("note", text, LONGEST_NOTE)


def request_key(key: str, faults: list[Fault]) -> None:
    """A key of 1 to 200 printable characters."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        faults.append(
            Fault(
                "Idempotency-Key",
                key[:50],
                N_("Every write needs a request key of 1 to %(most)s printable characters, new for each new request."),
                {"most": LONGEST_KEY},
            )
        )


def day(field: str, text: str, faults: list[Fault], latest: date | None = None) -> date | None:
    """A day from 2000 on, at most `latest`; None when left empty."""
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        faults.append(Fault(field, text, N_("“%(value)s” is not a day. Write it like 2026-11-23."), {"value": text}))
        return None
    if found < EARLIEST or found > (latest or date(2099, 12, 31)):
        sentence = N_("The day %(value)s is not possible here. Give one from %(first)s to %(last)s.")
        last = (latest or date(2099, 12, 31)).isoformat()
        faults.append(Fault(field, text, sentence, {"value": text, "first": EARLIEST.isoformat(), "last": last}))
    return found


def code(field: str, text: str, faults: list[Fault]) -> str | None:
    """Four digits; None when left empty."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) == 4):
        faults.append(Fault(field, text, _CODE_SENTENCES[field], {"value": text}))
    return text


def flag(field: str, text: str, faults: list[Fault]) -> bool | None:
    """yes or no; None when left empty."""
    if text not in ("", "yes", "no"):
        sentence = N_("“%(value)s” is neither yes nor no. Choose one, or leave it open.")
        faults.append(Fault(field, text, sentence, {"value": text}))
    return {"yes": True, "no": False}.get(text)


def line_facts(given: Mapping[str, str], faults: list[Fault], today: date) -> dict[str, Any]:
    """The facts of a line as typed, by name; what happened lies at most a day ahead of `today` (zones)."""
    latest = today + timedelta(days=1)
    found: dict[str, Any] = {name: day(name, given.get(name, ""), faults, latest) for name in DAYS}
    found |= {name: code(name, given.get(name, ""), faults) for name in CODES}
    found |= {name: flag(name, given.get(name, ""), faults) for name in FLAGS}
    for name, before in (("filed_on", "exported_on"), ("settled_on", "exported_on"), ("accounted_on", "settled_on")):
        earlier, later = found[before], found[name]
        if earlier and later and later < earlier:
            sentence = N_("The day %(value)s lies before %(earlier)s (%(what)s). Check both.")
            facts = {"value": later.isoformat(), "earlier": earlier.isoformat(), "what": Word(FACTS[before].label)}
            faults.append(Fault(name, given[name], sentence, facts))
    return found


def what_if(given: Mapping[str, str], faults: list[Fault]) -> LineFacts:
    """The facts of a made-up line, as typed; days may lie ahead."""
    found: dict[str, Any] = {name: day(name, given.get(name, ""), faults) for name in DAYS}
    found |= {name: code(name, given.get(name, ""), faults) for name in CODES}
    found |= {name: flag(name, given.get(name, ""), faults) for name in FLAGS}
    value = values.measure("value_cny", given.get("value_cny", ""), faults, most="1000000000000")
    return LineFacts(**found, value_cny=value, answers=answers(given, faults))


def answers(given: Mapping[str, str], faults: list[Fault]) -> dict[str, bool]:
    """The yes-or-no facts that were answered."""
    found = {name: flag(name, given.get(name, ""), faults) for name in ANSWERS}
    return {name: value for name, value in found.items() if value is not None}


def cause(text: str, faults: list[Fault]) -> str:
    """Why goods come back."""
    if text not in CAUSES:
        faults.append(Fault("cause", text, N_("Say why the goods come back: unsold, or returned by the buyer.")))
    return text
