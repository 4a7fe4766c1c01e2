"""What happens to prices and charges: a manager sets a price, rooms record what they performed, undone steps are charged back."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.charges import rules
from backend.charges.rules import Activity, Unit
from backend.core import journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.registry import queries as registry_queries

SQL = blocks(Path(__file__).with_name("actions.sql"))


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A performed step: `source` and `source_id` (and `source_line`) name the row that proves it.

    With `price` and `currency` it carries its own agreed price (a quote); else the price list says it.
    """

    warehouse_id: int
    owner_id: int
    activity: Activity
    quantity: Decimal | int
    source: str
    source_id: uuid.UUID
    number: str
    occurred_at: datetime
    source_line: int = 0
    unit: Unit | None = None
    price: Decimal | None = None
    currency: str | None = None


async def record(*steps: Step) -> None:
    """Charge performed steps, inside the caller's transaction; one statement, each step once."""
    if not steps:
        return
    rows = [
        (
            step.warehouse_id,
            values.new_id(),
            step.owner_id,
            step.activity,
            Decimal(step.quantity),
            step.unit or rules.UNITS[step.activity],
            step.price,
            step.currency,
            step.source,
            step.source_id,
            step.source_line,
            step.number,
            step.occurred_at,
        )
        for step in steps
    ]
    await DB.write(SQL["record"], *(list(column) for column in zip(*rows, strict=True)))


async def charge_back(warehouse_id: int, source: str, source_id: uuid.UUID, at: datetime) -> None:
    """Charge a step that was undone back, inside the caller's transaction."""
    await DB.run(SQL["charge_back"], warehouse_id, source, source_id, at)


async def set_price(viewer: Viewer, given: Mapping[str, str]) -> uuid.UUID:
    """Ask a price from a day on; `given`: warehouse, activity, owner (a code, or empty for everybody), amount, currency, valid_from."""
    access_rules.require(viewer, Right.KEEP_PRICES)
    faults: list[Fault] = []
    warehouse = await registry_queries.warehouse_worked_in(viewer, given.get("warehouse", ""))
    activity = given.get("activity", "")
    if activity not in {each.value for each in rules.UNITS}:
        faults.append(Fault("activity", activity, N_("Choose an activity.")))
    owner_id = None
    if owner := given.get("owner"):
        owner_id = await DB.value(SQL["exporter"], values.code_of(owner))
        if owner_id is None:
            faults.append(
                Fault("owner", owner, N_("There is no exporter “%(value)s”. Check the code."), {"value": owner})
            )
    before = len(faults)
    typed = values.measure("amount", given.get("amount", ""), faults)
    amount = rules.amount("amount", typed, faults) if len(faults) == before else Decimal(0)
    currency = rules.currency("currency", given.get("currency", ""), faults)
    valid_from = _day("valid_from", given.get("valid_from", ""), faults)
    if faults or valid_from is None:
        raise Invalid(faults)
    async with DB.transaction():
        made: uuid.UUID | None = await DB.value(
            SQL["set_price"],
            warehouse.id,
            values.new_id(),
            owner_id,
            activity,
            amount,
            currency,
            valid_from,
            viewer.organisation_id,
            viewer.user_id,
        )
        if made is None:
            raise rules.PriceExists(day=valid_from.isoformat())
        after = {"activity": activity, "amount": str(amount), "currency": currency, "from": valid_from.isoformat()}
        await journal.write(viewer, "price.set", "price", made, after=after, warehouse_id=warehouse.id)
    return made


def _day(field: str, text: str, faults: list[Fault]) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        faults.append(Fault(field, text, N_("“%(value)s” is not a day. Write it like 2026-11-23."), {"value": text}))
        return None
