"""The committee's form for an edition: from an edition to its fields and back, and faults to the fields they belong to."""

import re
from collections.abc import Mapping
from typing import Any

from backend.core import text
from backend.core.errors import Fault, Invalid, Refusal
from backend.core.text import N_
from backend.regulations import reading, writing
from backend.regulations.editions import Edition, Relation
from backend.regulations.facts import FACTS
from backend.stock.rules import SameKeyOtherRequest
from frontend import render, web
from frontend.regulations import words
from frontend.stock import forms as stock_forms

_SENT_BEFORE = N_(
    "This form was sent before with other values, and those are kept. Look at the rule first; send the form again if "
    "this is to be kept as well."
)
COMPARISONS = 5
LANGUAGES = ("zh", "en", "ar")
_PLAIN = ("rule", "basis", "from", "to", "status", "holds", "fails", "value")
_WINDOW = ("clock", "starts", "or_later", "months", "days", "until", "slow_days")


def values_of(edition: Edition) -> dict[str, str]:
    """The fields of a form that says what `edition` says."""
    raw = writing.raw_of(edition)
    found = {name: raw[name] for name in _PLAIN}
    found["place"] = f"{raw['family']}.{raw['part']}"
    for language in LANGUAGES:
        found[f"title_{language}"], found[f"text_{language}"] = raw["title"][language], raw["text"][language]
    found |= {f"source_{name}": value for name, value in raw["source"].items()}
    found["documents"], found["doubts"] = ",".join(raw["documents"]), ",".join(raw["doubts"])
    for field in ("when", "must"):
        for number, each in enumerate(raw[field]):
            relation = next(name for name in each if name not in ("fact", "assumed"))
            value = each[relation]
            found[f"{field}_{number}_fact"], found[f"{field}_{number}_relation"] = each["fact"], relation
            found[f"{field}_{number}_value"] = _typed(value)
            found[f"{field}_{number}_assumed"] = "yes" if each.get("assumed") else ""
    if window := raw.get("window"):
        found |= {f"window_{name}": str(window[name] or "") for name in _WINDOW}
        found["window_next_month"] = "yes" if window["next_month"] else ""
        found["window_warn_days"] = ", ".join(str(days) for days in window["warn_days"])
        found["window_starts_for"] = "; ".join(
            f"{code} {text.gettext(FACTS[name].label)}" for code, name in window["starts_for"].items()
        )
    return found


def raw_of(typed: Mapping[str, str]) -> dict[str, Any]:
    """The raw edition that a form says; whatever is wrong with it is found when it is read."""
    family, _, part = typed.get("place", "").partition(".")
    raw: dict[str, Any] = {name: typed.get(name, "") for name in _PLAIN}
    raw |= {"family": family, "part": part}
    for name in ("title", "text"):
        raw[name] = {language: typed.get(f"{name}_{language}", "") for language in LANGUAGES}
    raw["source"] = {name: typed.get(f"source_{name}", "") for name in ("id", "grade", "act", "address")}
    raw["documents"], raw["doubts"] = web.listed(typed, "documents"), web.listed(typed, "doubts")
    for field in ("when", "must"):
        raw[field] = [made for number in range(COMPARISONS) if (made := _comparison(typed, f"{field}_{number}"))]
    if any(typed.get(f"window_{name}") for name in (*_WINDOW, "starts_for")):
        raw["window"] = _window(typed)
    return raw


def _comparison(typed: Mapping[str, str], name: str) -> dict[str, Any] | None:
    fact, relation, value = (typed.get(f"{name}_{part}", "") for part in ("fact", "relation", "value"))
    if not (fact or relation or value):
        return None
    given: Any = value
    if relation in (Relation.IN, Relation.NOT_IN):
        given = _words(value)
    elif relation == Relation.IN_WINDOW:
        given = True
    return {"fact": fact, relation: given} | ({"assumed": True} if typed.get(f"{name}_assumed") == "yes" else {})


def _window(typed: Mapping[str, str]) -> dict[str, Any]:
    window: dict[str, Any] = {
        name: typed.get(f"window_{name}", "") for name in ("clock", "starts", "or_later", "until")
    }
    for name in ("months", "days", "slow_days"):
        window[name] = typed.get(f"window_{name}", "") or 0
    window["next_month"] = typed.get("window_next_month") == "yes"
    window["warn_days"] = _words(typed.get("window_warn_days", ""))
    names = {text.gettext(fact.label).casefold(): name for name, fact in FACTS.items()}
    pairs = [pair.split() for pair in re.split("[;；؛]", typed.get("window_starts_for", "")) if pair.strip()]
    window["starts_for"] = {code: names.get(" ".join(day).casefold(), " ".join(day)) for code, *day in pairs}
    return window


def _words(typed: str) -> list[str]:
    return [word for word in re.split(r"[\s,，、،]+", typed) if word]


def _typed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is True else str(value)


def again(typed: Mapping[str, str], refusal: Refusal) -> render.Form:
    """The form once more, every fault beside its field; one that was sent before with other values gets a new key."""
    if isinstance(refusal, SameKeyOtherRequest):
        return render.Form({**typed, "key": stock_forms.new_key()}, summary=[text.gettext(_SENT_BEFORE)])
    if refusal.faults:
        refusal = Invalid([_beside(each) for each in refusal.faults])
    return stock_forms.again(typed, refusal)


def _beside(fault: Fault) -> Fault:
    """A fault beside the field of the form that it belongs to, in the words that the form offers."""
    field, choices = _field(fault.field), fault.facts.get("choices")
    if fault.sentence == reading.UNKNOWN and not fault.value:
        return Fault(field, "", N_("Choose one of the list."), {})
    if not isinstance(choices, list):
        return Fault(field, fault.value, fault.sentence, fault.facts)
    offered = words.offered()
    said = {
        "value": offered.get(str(fault.value), fault.value),
        "choices": [offered.get(each, each) for each in choices],
    }
    return Fault(field, fault.value, fault.sentence, {**fault.facts, **said})


def _field(name: str) -> str:
    if name in ("family", "part"):
        return "place"
    if found := re.fullmatch(r"(when|must)\.(\d+)", name):
        return f"{found[1]}_{found[2]}_fact"
    return {"Idempotency-Key": "", "when": "when_0_fact", "must": "must_0_fact"}.get(name, name)
