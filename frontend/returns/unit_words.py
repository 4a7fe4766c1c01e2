"""Returned units in the reader's words: states, grades, dispositions, and the tabs of the steps."""

from collections.abc import Mapping

from backend.access.rules import Kind, Viewer
from backend.core import text
from backend.core.text import N_
from backend.returns import checklists, decisions, rules, units
from backend.returns.rules import Disposition, Grade, UnitState

_STATE_KINDS: Mapping[UnitState, str] = {
    UnitState.RECEIVED: "warn",
    UnitState.GRADED: "warn",
    UnitState.DECIDED: "warn",
    UnitState.DISPOSED: "ok",
    UnitState.REVERSED: "neutral",
}
_GRADE_KINDS: Mapping[Grade, str] = {Grade.A: "ok", Grade.B: "", Grade.C: "warn", Grade.D: "bad"}
_TABS = (
    ("receive", N_("To receive"), "/returns/to-receive"),
    ("grade", N_("To grade"), "/returns/to-grade"),
    ("decide", N_("To decide"), "/returns/to-decide"),
    ("carry_out", N_("To carry out"), "/returns/to-carry-out"),
)
MOST_COUNTED = 1000


def states() -> dict[str, tuple[str, str]]:
    """How each state of a unit is shown: the kind of its chip and its word."""
    return {each.value: (_STATE_KINDS[each], text.gettext(rules.UNIT_STATE_NAMES[each])) for each in UnitState}


def grades() -> dict[str, tuple[str, dict[str, str]]]:
    """How each grade is shown: the kind of its mark, and its name by language."""
    named = checklists.edition().grades
    return {each.value: (_GRADE_KINDS[each], named[each].name) for each in Grade}


def dispositions() -> dict[str, str]:
    """The word of each disposition."""
    return {each.value: text.gettext(rules.DISPOSITION_NAMES[each]) for each in Disposition}


def disposition_choices(given: list[str]) -> list[tuple[str, str]]:
    """What units of these grades may become, as options of a select."""
    names = dispositions()
    return [(kind.value, names[kind.value]) for kind in decisions.possible_kinds(given)]


async def tabs(viewer: Viewer, current: str) -> list[tuple[str, str, bool, int | None]]:
    """The steps as tabs, each with how much waits there."""
    counted = await units.counts(viewer)
    shown = [each for each in _TABS if viewer.kind is not Kind.EXPORTER or each[0] != "receive" or counted["receive"]]
    return [(text.gettext(label), href, name == current, counted[name]) for name, label, href in shown]
