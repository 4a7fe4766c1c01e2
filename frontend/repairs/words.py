"""The words of repairs on screen, in the reader's language."""

from collections.abc import Mapping

from backend.core import text
from backend.core.text import N_
from backend.repairs import faultbook, rules
from backend.repairs.rules import QuoteState, Stage
from backend.returns import reasons
from backend.stages import rules as stages_rules
from frontend import render

STAGE_KINDS: Mapping[Stage, str] = {
    Stage.REQUESTED: "neutral",
    Stage.DIAGNOSING: "warn",
    Stage.QUOTED: "warn",
    Stage.REPAIRING: "neutral",
    Stage.TESTING: "neutral",
    Stage.FINISHED: "ok",
    Stage.GIVEN_UP: "bad",
    Stage.CANCELLED: "neutral",
}
QUOTE_KINDS: Mapping[QuoteState, str] = {
    QuoteState.OPEN: "warn",
    QuoteState.APPROVED: "ok",
    QuoteState.REFUSED: "bad",
    QuoteState.EXPIRED: "bad",
    QuoteState.WITHDRAWN: "neutral",
}
STANDING_KINDS = {"overdue": "bad", "soon": "warn", "running": "ok"}
WARRANTY_SOURCES = {"sale": N_("from its sale"), "given": N_("as it was given")}
Chip = tuple[str, str]


def stages() -> dict[str, Chip]:
    """How each stage is shown: the kind of its chip and its word."""
    return {each.value: (STAGE_KINDS[each], text.gettext(rules.STAGE_NAMES[each])) for each in Stage}


def quote_states() -> dict[str, Chip]:
    """How each state of a quote is shown."""
    return {each.value: (QUOTE_KINDS[each], text.gettext(rules.QUOTE_STATE_NAMES[each])) for each in QuoteState}


def standings() -> dict[str, Chip]:
    """How a stage stands against its clock."""
    return {
        each.value: (STANDING_KINDS[each], text.gettext(stages_rules.STANDING_NAMES[each]))
        for each in stages_rules.Standing
    }


def origins() -> dict[str, str]:
    """The word of each origin of a unit."""
    return {each.value: text.gettext(word) for each, word in rules.ORIGIN_NAMES.items()}


def answers() -> dict[str, str]:
    """The words that a check of a test is answered with."""
    return {value: text.gettext(word) for value, word in rules.ANSWER_NAMES.items()}


def code_choices(item_class: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The fault codes of a class as groups of choices: its own, then those of every item."""
    book = faultbook.book()
    groups = [item_class] if item_class == faultbook.GENERAL else [item_class, faultbook.GENERAL]
    return [
        (
            render.name(book.classes[group].names),
            [(code, f"{render.name(names)} · {code}") for code, names in book.classes[group].codes.items()],
        )
        for group in groups
    ]


def code_name(code: str) -> str:
    """What a fault code means."""
    return render.name(faultbook.book().names_of(code))


def checks(item_class: str) -> list[tuple[str, str]]:
    """The checks of a final test of a class: name, and its words."""
    return [(name, render.name(words)) for name, words in faultbook.book().checks_of(item_class).items()]


def reported(fault: str) -> str:
    """The fault as it was reported; where a return reported it, the word of its reason."""
    return reasons.name_of(fault, text.current.get())
