"""Money given back to buyers, as the owner of the goods records it: the last of four steps, capped by what was dealt with."""

import uuid
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.charges import rules as charges_rules
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid, NotFound
from backend.core.text import N_
from backend.returns import rules, standing, steps
from backend.returns.booking import LARGEST_LINE_NUMBER
from backend.stock.rules import SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("refunds.sql"))
LARGEST_AMOUNT = Decimal("999999999.99")
LONGEST_REFERENCE = 100

_NO_LINE = N_("This return has no line %(line)s. Load it again.")
_TOO_MANY = N_(
    "Of %(item)s, %(open)s pieces are dealt with and not refunded; %(wanted)s are too many. Money follows what became of the goods."
)
_NO_AMOUNT = N_("“%(value)s” is not an amount. Give 0 to %(most)s with at most two decimals, e.g. 12.50.")
_NO_DAY = N_("“%(value)s” is not possible: money was given back after the return was booked, and not in the future.")
_WHY_REVERSED = N_("Say why the refund does not hold.")


class NoSuchRefund(NotFound):
    """There is no such refund, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_("There is no such refund in your view. It may belong to somebody else.")


class AlreadyReversed(Conflict):
    """A refund is reversed once."""

    sentence: ClassVar[str] = N_("This refund was reversed already. Load the return again to see where it stands.")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """Money given back for pieces of a line; `refunded_on` is the day in the warehouse's zone."""

    line_no: int
    quantity: int
    amount: Decimal
    currency: str
    refunded_on: date
    reference: str = ""


class Refunded(msgspec.Struct, frozen=True, kw_only=True):
    """The refund that was recorded; `repeated` when its request key had recorded it before."""

    id: uuid.UUID
    repeated: bool


async def refund(viewer: Viewer, rma_id: uuid.UUID, given: Given, *, request_key: str) -> Refunded:
    """Record money that the owner has given back to its buyer, for no more pieces than were dealt with."""
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    faults = steps.key_faults(request_key)
    currency = charges_rules.currency("currency", given.currency, faults)
    faults += _amount_faults(given.amount)
    faults += steps.length_faults("reference", given.reference, LONGEST_REFERENCE)
    if not 0 < given.quantity <= values.LARGEST_QUANTITY:
        faults.append(values.quantity_fault("quantity", given.quantity))
    request_hash = values.digest([rma_id, given])
    made = values.new_id()
    async with DB.transaction():
        await standing.lock_returns([rma_id])
        row = await _line(viewer, rma_id, given.line_no)
        if known := await DB.row(SQL["known"], row["warehouse_id"], request_key):
            if known["request_hash"] != request_hash:
                raise SameKeyOtherRequest(key=request_key)
            return Refunded(id=known["id"], repeated=True)
        if given.quantity > row["open"]:
            facts = {"item": row["item"], "open": row["open"], "wanted": given.quantity}
            faults.append(Fault("quantity", given.quantity, _TOO_MANY, facts))
        today = clock.business_day(clock.now(), row["time_zone"])
        booked_on = clock.business_day(row["booked_at"], row["time_zone"])
        # A buyer may have had its money on the day before the parcel was announced in another zone.
        if not booked_on - timedelta(days=1) <= given.refunded_on <= today + timedelta(days=1):
            said = given.refunded_on.isoformat()
            faults.append(Fault("refunded_on", said, _NO_DAY, {"value": said}))
        if faults:
            raise Invalid(faults)
        await DB.run(
            SQL["refund"],
            row["warehouse_id"],
            made,
            rma_id,
            given.line_no,
            given.quantity,
            given.amount,
            currency,
            given.reference.strip(),
            given.refunded_on,
            viewer.user_id,
            request_key,
            request_hash,
        )
        after = {
            "refund": made,
            "line": given.line_no,
            "quantity": given.quantity,
            "amount": f"{given.amount} {currency}",
        }
        await journal.write(viewer, "return.refunded", "return", rma_id, after=after, warehouse_id=row["warehouse_id"])
    return Refunded(id=made, repeated=False)


async def reverse_refund(viewer: Viewer, refund_id: uuid.UUID, *, note: str) -> None:
    """Say that a refund does not hold, once; its pieces may be refunded again."""
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    async with DB.transaction():
        head = await DB.row(SQL["head"], refund_id)
        if head is None or not access_rules.owns(viewer, head["owner_id"]):
            raise NoSuchRefund
        if faults := steps.why_fault("note", note, _WHY_REVERSED):
            raise Invalid(faults)
        await standing.lock_returns([head["rma_id"]])
        done = await DB.value(SQL["reverse"], head["warehouse_id"], refund_id, clock.now(), viewer.user_id, note)
        if done is None:
            raise AlreadyReversed
        after = {"refund": refund_id, "note": note}
        await journal.write(
            viewer, "return.refund_reversed", "return", head["rma_id"], after=after, warehouse_id=head["warehouse_id"]
        )


async def of_return(warehouse_id: int, rma_id: uuid.UUID) -> list[asyncpg.Record]:
    """The refunds of a return that the caller has found in the viewer's scope."""
    return await DB.fetch(SQL["of_return"], warehouse_id, rma_id)


async def _line(viewer: Viewer, rma_id: uuid.UUID, line_no: int) -> asyncpg.Record:
    row = await DB.row(SQL["line"], rma_id, line_no) if 0 < line_no <= LARGEST_LINE_NUMBER else None
    if row is not None and access_rules.owns(viewer, row["owner_id"]):
        return row
    found = (await standing.returns([rma_id])).get(rma_id)
    if found is None or not access_rules.owns(viewer, found.owner_id):
        raise rules.NoSuchReturn
    raise Invalid([Fault("line", line_no, _NO_LINE, {"line": line_no})])


def _amount_faults(amount: Decimal) -> list[Fault]:
    exponent = amount.as_tuple().exponent
    if amount.is_finite() and 0 <= amount <= LARGEST_AMOUNT and isinstance(exponent, int) and exponent >= -2:
        return []
    facts = {"value": str(amount), "most": f"{LARGEST_AMOUNT:,}"}
    return [Fault("amount", str(amount), _NO_AMOUNT, facts)]
