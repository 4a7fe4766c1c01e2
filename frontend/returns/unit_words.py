"""Returned units in the reader's words: states, grades, dispositions, and the tabs of the steps."""

from collections.abc import Mapping

from backend.access.rules import Kind, Viewer
from backend.core import clock, text
from backend.core.text import N_
from backend.returns import checklists, decisions, rules, units
from backend.returns.rules import Disposition, Grade, UnitState
from backend.returns.terms import Terms
from backend.stages import rules as stages_rules
from frontend import render
from frontend.lists import Row

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


def until(row: Row, agreed: Terms | None) -> tuple[str, str] | None:
    """Until when the owner decides on a graded unit and what happens without a decision: kind of notice and sentence.

    None where no clock of deciding runs for the unit.
    """
    waits = row["state"] == UnitState.GRADED and row["regrade"] != "asked" and row["investigation"] != "open"
    if not waits or row["stage"] != "deciding" or not row["due_at"]:
        return None
    kind = agreed.agreement.defaults.get(Grade(row["grade"])) if agreed else None
    when = render.instant(row["due_at"], row["time_zone"], zone=True)
    level = {"overdue": "bad", "soon": "warn"}.get(stages_rules.standing(row["due_at"], clock.now()).value, "neutral")
    if kind is None or (kind is Disposition.REPAIR and row["quantity"] > 1):
        return level, text.gettext("The owner decides until %(when)s. Without a decision the unit waits on.", when=when)
    return level, text.gettext(
        "The owner decides until %(when)s. Without a decision it becomes, as agreed beforehand: %(kind)s.",
        when=when,
        kind=dispositions()[kind.value],
    )


async def tabs(viewer: Viewer, current: str) -> list[tuple[str, str, bool, int | None]]:
    """The steps as tabs, each with how much waits there."""
    counted = await units.counts(viewer)
    shown = [each for each in _TABS if viewer.kind is not Kind.EXPORTER or each[0] != "receive" or counted["receive"]]
    return [(text.gettext(label), href, name == current, counted[name]) for name, label, href in shown]
