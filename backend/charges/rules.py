"""Activities that are charged, their units, and what a price may be. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from babel.numbers import list_currencies

from backend.core.errors import Conflict, Fault
from backend.core.text import N_


class Activity(StrEnum):
    """What a warehouse does for goods, as prices name it. What has its own quote (repairs, jobs) carries that price."""

    RETURN_RECEIPT = "return_receipt"
    RETURN_INSPECTION = "return_inspection"
    RETURN_RESTOCK = "return_restock"
    RETURN_SCRAP = "return_scrap"
    RETURN_DONATION = "return_donation"
    RETURN_HOME = "return_home"
    REPAIR_LABOUR = "repair_labour"
    REPAIR_PART = "repair_part"
    SERVICE = "service"


class Unit(StrEnum):
    """What is counted."""

    PIECE = "piece"
    PARCEL = "parcel"
    HOUR = "hour"
    JOB = "job"
    ORDER = "order"
    CUBIC_METRE = "m3"
    KILOGRAM = "kg"
    DAY = "day"
    MONTH = "month"
    PERCENT = "percent"


ACTIVITY_NAMES: Mapping[Activity, str] = {
    Activity.RETURN_RECEIPT: N_("Receiving a returned piece"),
    Activity.RETURN_INSPECTION: N_("Inspecting and grading a piece"),
    Activity.RETURN_RESTOCK: N_("Putting a returned piece back"),
    Activity.RETURN_SCRAP: N_("Destroying a piece"),
    Activity.RETURN_DONATION: N_("Giving a piece away"),
    Activity.RETURN_HOME: N_("Sending a piece home"),
    Activity.REPAIR_LABOUR: N_("Repair, labour"),
    Activity.REPAIR_PART: N_("Repair, parts"),
    Activity.SERVICE: N_("Value-added service"),
}
UNIT_NAMES: Mapping[Unit, str] = {
    Unit.PIECE: N_("piece"),
    Unit.PARCEL: N_("parcel"),
    Unit.HOUR: N_("hour"),
    Unit.JOB: N_("job"),
    Unit.ORDER: N_("order"),
    Unit.CUBIC_METRE: N_("m³"),
    Unit.KILOGRAM: N_("kg"),
    Unit.DAY: N_("day"),
    Unit.MONTH: N_("month"),
    Unit.PERCENT: N_("per cent of value"),
}
# The unit in which a price list asks for each activity.
UNITS: Mapping[Activity, Unit] = {
    Activity.RETURN_RECEIPT: Unit.PIECE,
    Activity.RETURN_INSPECTION: Unit.PIECE,
    Activity.RETURN_RESTOCK: Unit.PIECE,
    Activity.RETURN_SCRAP: Unit.PIECE,
    Activity.RETURN_DONATION: Unit.PIECE,
    Activity.RETURN_HOME: Unit.PIECE,
    Activity.REPAIR_LABOUR: Unit.HOUR,
}
LARGEST_PRICE = Decimal("9999999")
CURRENCIES = frozenset(list_currencies())


class PriceExists(Conflict):
    """A price begins on a day once."""

    sentence: ClassVar[str] = N_(
        "There is a price for this activity from %(day)s on already. Choose another first day; a price is never changed."
    )


def currency(field: str, text: str, faults: list[Fault]) -> str:
    """An ISO 4217 code; anything else becomes a fault."""
    code = text.strip().upper()
    if code not in CURRENCIES:
        faults.append(
            Fault(field, text, N_("“%(value)s” is not a currency. Give its three letters, e.g. EUR."), {"value": text})
        )
    return code


def amount(field: str, value: Decimal | None, faults: list[Fault]) -> Decimal:
    """A price from 0 to 9,999,999 with at most four decimals; anything else becomes a fault."""
    if value is None:
        faults.append(Fault(field, "", N_("Give the price.")))
        return Decimal(0)
    exponent = value.as_tuple().exponent
    if not (value.is_finite() and 0 <= value <= LARGEST_PRICE) or not isinstance(exponent, int) or exponent < -4:
        faults.append(
            Fault(
                field,
                str(value),
                N_("“%(value)s” is not a price. Give 0 to %(most)s with at most four decimals."),
                {"value": str(value), "most": str(LARGEST_PRICE)},
            )
        )
    return value
