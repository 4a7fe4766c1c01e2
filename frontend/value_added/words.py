"""The words of services on screen, in the reader's language."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from backend.charges.rules import UNIT_NAMES, Unit
from backend.core import text
from backend.value_added import papers, pledge_rules, rules
from backend.value_added.pledge_rules import State
from backend.value_added.rules import Kind, Outcome, Stage
from frontend import render

W = TypeVar("W", bound=StrEnum)

STAGE_KINDS: Mapping[Stage, str] = {
    Stage.REQUESTED: "neutral",
    Stage.QUOTED: "warn",
    Stage.ACCEPTED: "neutral",
    Stage.PERFORMING: "neutral",
    Stage.DONE: "warn",
    Stage.DISPUTED: "bad",
    Stage.CLOSED: "ok",
    Stage.REFUSED: "neutral",
    Stage.CANCELLED: "neutral",
}
OUTCOME_KINDS: Mapping[Outcome, str] = {Outcome.SUCCEEDED: "ok", Outcome.PARTLY: "warn", Outcome.FAILED: "bad"}
STATE_KINDS: Mapping[State, str] = {
    State.OFFERED: "neutral",
    State.AGREED: "warn",
    State.RELEASED: "ok",
    State.WITHDRAWN: "neutral",
}
ICONS: Mapping[Kind, str] = {
    Kind.FORWARDING: "ship",
    Kind.CUSTOMS: "file-text",
    Kind.MARKETING: "chart-line",
    Kind.RETURNS: "truck-return",
    Kind.REPAIR: "tools",
    Kind.PROCESSING: "box",
    Kind.FINANCE: "coin",
}


def _said(names: Mapping[W, str]) -> dict[str, str]:
    return {value.value: text.gettext(word) for value, word in names.items()}


def kinds() -> dict[str, str]:
    """The word of each kind of service, by its value."""
    return _said(rules.KIND_NAMES)


def processes() -> dict[str, str]:
    """The word of each process, by its value."""
    return _said(rules.PROCESS_NAMES)


def document_kinds() -> dict[str, str]:
    """The word of each kind of document, by its value."""
    return _said(papers.DOCUMENT_NAMES)


def stages() -> dict[str, tuple[str, str]]:
    """How each stage is shown, by its value: the kind of its chip and its word."""
    return {each.value: (STAGE_KINDS[each], text.gettext(rules.STAGE_NAMES[each])) for each in Stage}


def outcomes() -> dict[str, tuple[str, str]]:
    """How each outcome is shown, by its value: the kind of its chip and its word."""
    return {each.value: (OUTCOME_KINDS[each], text.gettext(rules.OUTCOME_NAMES[each])) for each in Outcome}


def partner_statuses() -> dict[str, str]:
    """How far a referred matter is, in words, by its value."""
    return _said(rules.PARTNER_STATUS_NAMES)


def steps() -> dict[str, str]:
    """The word of each kind of step, by its value."""
    return _said(rules.STEP_NAMES)


def units() -> dict[str, str]:
    """The word of each unit, by its value."""
    return {each.value: text.gettext(UNIT_NAMES[each]) for each in Unit}


def states() -> dict[str, tuple[str, str]]:
    """How each state of a pledge is shown, by its value: the kind of its chip and its word."""
    return {each.value: (STATE_KINDS[each], text.gettext(pledge_rules.STATE_NAMES[each])) for each in State}


def price(amount: Decimal | None, currency: str | None) -> str:
    """The price of one unit: with as many decimals as it has, where they are more than its currency's own."""
    if amount is None or currency is None:
        return ""
    if amount == amount.quantize(Decimal("0.01")):
        return render.money(amount, currency)
    return f"{render.number(amount, 4)} {currency}"


def exact(value: Fraction) -> str:
    """A count of pieces that may be a part of one: 5, or 3 1/6."""
    whole, rest = divmod(value.numerator, value.denominator)
    if not rest:
        return render.number(whole)
    part = f"{rest}/{value.denominator}"
    return f"{render.number(whole)} {part}" if whole else part
