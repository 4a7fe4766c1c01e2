"""How open stages are counted: by which dimensions, and in which classes of age. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from backend.core.errors import Fault
from backend.core.text import N_


class Age(StrEnum):
    """How many whole days a document has been in its stage, in classes; named by the first and last day."""

    UP_TO_2 = "0-2"
    UP_TO_7 = "3-7"
    UP_TO_14 = "8-14"
    UP_TO_30 = "15-30"
    OLDER = "31"


AGE_NAMES: Mapping[Age, str] = {
    Age.UP_TO_2: N_("0 to 2 days"),
    Age.UP_TO_7: N_("3 to 7 days"),
    Age.UP_TO_14: N_("8 to 14 days"),
    Age.UP_TO_30: N_("15 to 30 days"),
    Age.OLDER: N_("More than 30 days"),
}
# The first day of every class but the youngest.
AGE_BOUNDS = (3, 8, 15, 31)


class Dimension(StrEnum):
    """By what open stages are counted."""

    STAGE = "stage"
    WAREHOUSE = "warehouse"
    OWNER = "owner"
    REASON = "reason"
    SUPERVISION = "supervision"
    ALL = "all"


DIMENSION_NAMES: Mapping[Dimension, str] = {
    Dimension.STAGE: N_("By stage"),
    Dimension.WAREHOUSE: N_("By warehouse"),
    Dimension.OWNER: N_("By exporter"),
    Dimension.REASON: N_("By reason"),
    Dimension.SUPERVISION: N_("By supervision code"),
    Dimension.ALL: N_("All together"),
}


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents are open at one point of a dimension: `ages` in the order of `Age`, `key` as lists filter by it.

    For the stages `key` is the stage and `subject` the kind of document; `names` are those of a warehouse or exporter.
    """

    dimension: Dimension
    key: str
    open: int
    overdue: int
    soon: int
    ages: tuple[int, ...]
    subject: str = ""
    turn: str = ""
    names: Mapping[str, str] = {}
    oldest: datetime | None = None

    @property
    def overdue_share(self) -> float | None:
        """The share that is past its time; None where nothing is open."""
        return self.overdue / self.open if self.open else None


def entered_between(age: Age, now: datetime) -> tuple[datetime | None, datetime]:
    """After which instant (None: any), and until which, a document of this age entered its stage."""
    place = list(Age).index(age)
    least = AGE_BOUNDS[place - 1] if place else 0
    after = now - timedelta(days=AGE_BOUNDS[place]) if place < len(AGE_BOUNDS) else None
    return after, now - timedelta(days=least)


def age_fault(value: str) -> Fault:
    """The fault of a class of age that there is not."""
    return Fault("age", value, N_("“%(value)s” is not possible here. Choose one of the list."), {"value": value})


# ------------------------------------------------------------------------------------------------------ reconciliation


class Wrong(StrEnum):
    """How a row of a room and a document of the ledger do not fit together."""

    NO_DOCUMENT = "no_document"
    NO_ROW = "no_row"
    NOT_REVERSED = "not_reversed"
    REVERSED_ONLY = "reversed_only"
    OTHER_QUANTITY = "other_quantity"
    OTHER_ENDS = "other_ends"
    OTHER_CHARGE = "other_charge"


WRONG_NAMES: Mapping[Wrong, str] = {
    Wrong.NO_DOCUMENT: N_("No document in the ledger"),
    Wrong.NO_ROW: N_("A document that nothing stands for"),
    Wrong.NOT_REVERSED: N_("Undone, but its document stands"),
    Wrong.REVERSED_ONLY: N_("Its document was reversed, but it stands"),
    Wrong.OTHER_QUANTITY: N_("Other pieces in the ledger"),
    Wrong.OTHER_ENDS: N_("Went somewhere else, or in another condition"),
    Wrong.OTHER_CHARGE: N_("Other pieces were charged"),
}


class Effect(StrEnum):
    """What rooms do that the ledger must show."""

    RECEIPT = "receipt"
    GRADING = "grading"
    DISPOSITION = "disposition"
    DESTRUCTION = "destruction"
    DISPATCH = "dispatch"
    ARRIVAL = "arrival"
    TAKE_IN = "take_in"
    REPAIR_END = "repair_end"
    PARTS = "parts"
    TRANSFORMATION = "transformation"


EFFECT_NAMES: Mapping[Effect, str] = {
    Effect.RECEIPT: N_("Receipt of a return"),
    Effect.GRADING: N_("Grading"),
    Effect.DISPOSITION: N_("Decision carried out"),
    Effect.DESTRUCTION: N_("Record of destruction"),
    Effect.DISPATCH: N_("Leaving of a batch"),
    Effect.ARRIVAL: N_("Arrival of a batch"),
    Effect.TAKE_IN: N_("Unit taken in for repair"),
    Effect.REPAIR_END: N_("Repair ended"),
    Effect.PARTS: N_("Use of parts"),
    Effect.TRANSFORMATION: N_("Transformation in a job"),
}
