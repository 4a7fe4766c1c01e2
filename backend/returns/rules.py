"""The words of returns: kinds, stages, grades, dispositions. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from backend.core.errors import NotFound
from backend.core.text import N_, P_


class Kind(StrEnum):
    """Why goods come back at all."""

    BUYER = "buyer"
    UNDELIVERABLE = "undeliverable"
    REMOVAL = "removal"
    RECALL = "recall"
    UNSOLD = "unsold"


KIND_NAMES: Mapping[Kind, str] = {
    Kind.BUYER: N_("Buyer return"),
    Kind.UNDELIVERABLE: N_("Undeliverable parcel"),
    Kind.REMOVAL: N_("Removal from a platform"),
    Kind.RECALL: N_("Recall"),
    Kind.UNSOLD: N_("Unsold goods"),
}


class Stage(StrEnum):
    """Where a return stands; it follows the unit that is furthest behind."""

    BOOKED = "booked"
    RECEIVING = "receiving"
    GRADING = "grading"
    DECIDING = "deciding"
    WORKING = "working"
    CLOSED = "closed"
    CANCELLED = "cancelled"


STAGE_NAMES: Mapping[Stage, str] = {
    Stage.BOOKED: N_("On its way"),
    Stage.RECEIVING: N_("Being received"),
    Stage.GRADING: N_("To be graded"),
    Stage.DECIDING: N_("To be decided"),
    Stage.WORKING: N_("To be carried out"),
    Stage.CLOSED: P_("document", "Closed"),
    Stage.CANCELLED: N_("Cancelled"),
}


class Basis(StrEnum):
    """What a line stands on: a movement to a buyer, stock that lies there, or only the buyer's paper."""

    SHIPPED = "shipped"
    UNSOLD = "unsold"
    PAPER = "paper"


class Investigation(StrEnum):
    """How the look into a line stands that has only the buyer's word; goods of a refused one are not received."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class UnitState(StrEnum):
    """How far a unit is."""

    RECEIVED = "received"
    GRADED = "graded"
    DECIDED = "decided"
    DISPOSED = "disposed"
    REVERSED = "reversed"


UNIT_STATE_NAMES: Mapping[UnitState, str] = {
    UnitState.RECEIVED: N_("Received"),
    UnitState.GRADED: N_("Graded"),
    UnitState.DECIDED: N_("Decided"),
    UnitState.DISPOSED: N_("Carried out"),
    UnitState.REVERSED: N_("Receipt reversed"),
}


class Grade(StrEnum):
    """等级: the published grades of returned goods."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Disposition(StrEnum):
    """处置: what becomes of a unit."""

    RESTOCK = "RESTOCK"
    RELABEL = "RELABEL"
    REPAIR = "REPAIR"
    SECOND = "SECOND"
    SEND_HOME = "SEND_HOME"
    DONATE = "DONATE"
    SCRAP = "SCRAP"


DISPOSITION_NAMES: Mapping[Disposition, str] = {
    Disposition.RESTOCK: N_("Back to stock as good"),
    Disposition.RELABEL: N_("Relabel"),
    Disposition.REPAIR: N_("Repair"),
    Disposition.SECOND: N_("Sell as second grade"),
    Disposition.SEND_HOME: N_("Send home to China"),
    Disposition.DONATE: N_("Donate"),
    Disposition.SCRAP: N_("Scrap"),
}


class NoSuchReturn(NotFound):
    """There is no such return, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "There is no such return in your view. Check the number; it may belong to somebody else."
    )
