"""Returns in the reader's words: kinds, reasons, stages, and what a line may stand on."""

from collections.abc import Mapping

from backend.core import text
from backend.core.text import N_
from backend.returns import booking, reasons, routing, rules
from backend.returns.rules import Basis, Investigation, Kind, Stage
from backend.stock import rules as stock_rules
from backend.stock.rules import Condition

_STAGE_KINDS: Mapping[Stage, str] = {
    Stage.BOOKED: "neutral",
    Stage.RECEIVING: "warn",
    Stage.GRADING: "warn",
    Stage.DECIDING: "warn",
    Stage.WORKING: "warn",
    Stage.CLOSED: "ok",
    Stage.CANCELLED: "neutral",
}
_INVESTIGATIONS: Mapping[Investigation, tuple[str, str]] = {
    Investigation.OPEN: ("warn", N_("Under investigation")),
    Investigation.ACCEPTED: ("ok", N_("Accepted after investigation")),
    Investigation.REFUSED: ("bad", N_("Refused after investigation")),
}
# What a line of the form may stand on: its value, the basis and the field that its number fills, and its name.
BASES: Mapping[str, tuple[Basis, str, str]] = {
    "order": (Basis.SHIPPED, "order", N_("Order")),
    "declaration": (Basis.SHIPPED, "declaration", N_("Export declaration")),
    "document": (Basis.SHIPPED, "document", N_("Line of a sale")),
    "unsold": (Basis.UNSOLD, "location", N_("Unsold, at a location")),
    "paper": (Basis.PAPER, "", N_("Only the buyer's paper")),
}


def kinds() -> dict[str, str]:
    """Kinds of return."""
    return {kind.value: text.gettext(name) for kind, name in rules.KIND_NAMES.items()}


def reason(code: str) -> str:
    """A reason by its code."""
    return reasons.name_of(code, text.current.get())


def reasons_for(kind: Kind) -> list[tuple[str, str]]:
    """The reasons for a kind of return, as options of a select."""
    return [(code, reason(code)) for code in reasons.reasons_for(kind)]


def every_reason() -> list[tuple[str, str]]:
    """All reasons, as options of a select."""
    return [(code, reason(code)) for code in reasons.reasons()]


def stages() -> dict[str, tuple[str, str]]:
    """Stages: kind of chip, and name."""
    return {stage.value: (_STAGE_KINDS[stage], text.gettext(name)) for stage, name in rules.STAGE_NAMES.items()}


def bases(kind: Kind) -> list[tuple[str, str]]:
    """What a line may stand on in this kind of return, as options of a select."""
    possible = booking.BASES[kind]
    return [(value, text.gettext(name)) for value, (basis, _, name) in BASES.items() if basis in possible]


def conditions() -> list[tuple[str, str]]:
    """Conditions of unsold goods, as options of a select."""
    return [(each.name, text.gettext(stock_rules.CONDITION_NAMES[each])) for each in Condition]


def capabilities(*, wishes: bool = False) -> list[tuple[str, str]]:
    """What a desk can do; for `wishes` without what every return needs and what goods need by themselves."""
    fixed = {routing.Capability.GRADING, *routing.needed_by_goods()} if wishes else set()
    return [(each.value, text.gettext(name)) for each, name in routing.CAPABILITY_NAMES.items() if each not in fixed]


def investigations() -> dict[str, tuple[str, str]]:
    """How an investigation stands: kind of chip, and name."""
    return {each.value: (kind, text.gettext(name)) for each, (kind, name) in _INVESTIGATIONS.items()}
