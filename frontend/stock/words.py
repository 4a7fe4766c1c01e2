"""The ledger's words on screen: conditions, reasons, places and states, in the reader's language."""

from collections.abc import Mapping

from backend.core import text
from backend.core.text import N_
from backend.stock import rules
from backend.stock.rules import Condition, HoldReason, Place, Reason

CONDITION_KINDS: Mapping[Condition, str] = {
    Condition.GOOD: "ok",
    Condition.SECOND: "neutral",
    Condition.DAMAGED: "bad",
    Condition.QUARANTINE: "warn",
}
HOLD_STATES = {"live": N_("Live"), "released": N_("Released")}
RESERVATION_STATES = {"live": N_("Live"), "expired": N_("Expired"), "cancelled": N_("Cancelled")}
STATE_KINDS = {"live": "ok", "expired": "warn", "cancelled": "neutral", "released": "neutral"}


def conditions() -> dict[str, tuple[str, str]]:
    """How each condition is shown, by its name: the kind of its chip and its word."""
    return {each.name: (CONDITION_KINDS[each], text.gettext(rules.CONDITION_NAMES[each])) for each in Condition}


def condition_choices() -> list[tuple[str, str]]:
    """Conditions to choose from."""
    return [(each.name, text.gettext(rules.CONDITION_NAMES[each])) for each in Condition]


def reasons() -> dict[str, str]:
    """The word of each reason, by its name."""
    return {each.name: text.gettext(rules.REASON_NAMES[each]) for each in Reason}


def places() -> dict[str, str]:
    """The word of each virtual place, by its name."""
    return {each.name: text.gettext(rules.PLACE_NAMES[each]) for each in Place}


def hold_reasons() -> dict[str, str]:
    """The word of each reason for a hold, by its value."""
    return {each.value: text.gettext(rules.HOLD_REASON_NAMES[each]) for each in HoldReason}


def hold_choices() -> list[tuple[str, str]]:
    """Reasons for which a person holds goods, to choose from."""
    return [
        (each.value, text.gettext(rules.HOLD_REASON_NAMES[each])) for each in HoldReason if each in rules.HELD_ALONE
    ]


def states(names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """How each state of a list is shown: the kind of its chip and its word."""
    return {name: (STATE_KINDS[name], text.gettext(word)) for name, word in names.items()}
