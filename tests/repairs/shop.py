"""What the tests of repairs begin with: an operator with a workshop, and an exporter whose machines and parts lie there."""

import uuid
from typing import Any

from backend.access.rules import Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.registry.rules import Item, Warehouse
from backend.repairs import actions, orders, queries
from backend.stock import ledger
from backend.stock.queries import BalanceAt
from backend.stock.rules import Condition, Place, Posting, Reason
from tests import build


class Shop:
    """An operator's warehouse with a workshop and two bins; an exporter with a machine (HS 8467) and a spare part in them."""

    operator: Viewer
    exporter: Viewer
    warehouse: Warehouse
    bins: list[str]
    machine: Item
    part: Item

    @property
    def workshop(self) -> str:
        return "WORKSHOP"

    async def place(self, code: str) -> int:
        found: int = await DB.value(
            "select id from location where warehouse_id = $1 and code = $2", self.warehouse.id, code
        )
        return found

    async def key(self, goods: Item, code: str, condition: Condition = Condition.GOOD, lot_id: int = 0) -> BalanceAt:
        return (self.warehouse.id, goods.owner_id, goods.id, lot_id, await self.place(code), int(condition))

    async def pieces(self, goods: Item, code: str, condition: Condition) -> int:
        """On hand of an item at a place in a condition."""
        found = await DB.value(
            "select coalesce(sum(on_hand), 0)::bigint from stock_on_hand where warehouse_id = $1 and item_id = $2 "
            "and location_id = $3 and condition = $4",
            self.warehouse.id,
            goods.id,
            await self.place(code),
            int(condition),
        )
        return int(found)

    async def from_stock(self, viewer: Viewer | None = None, *, serial: str | None = None, **more: Any) -> orders.Done:
        """An order for a machine of the first bin, opened by the operator unless somebody else asks."""
        given = {"fault": "Does not switch on", "request_key": str(values.new_id()), **more}
        key = given.pop("key", None) or await self.key(self.machine, self.bins[0])
        return await actions.open_from_stock(viewer or self.operator, key, serial=serial, **given)

    async def from_return(self, *, condition: Condition = Condition.QUARANTINE, **more: Any) -> uuid.UUID:
        """A machine that came back from a buyer, brought to the workshop as the returns desk does it, and its order."""
        at, unit = clock.now(), values.new_id()
        workshop = await self.place(self.workshop)
        goods = (self.machine.owner_id, self.machine.id, 0)
        line = Posting(*goods, int(Place.BUYER), workshop, int(condition), int(condition), 1)
        actor = ledger.actor_of(self.operator)
        await ledger.post(actor, self.warehouse.id, Reason.RETURN, [line], request_key=str(unit), request_hash=b"")
        given = {
            "warehouse_id": self.warehouse.id,
            "owner_id": self.machine.owner_id,
            "item_id": self.machine.id,
            "lot_id": 0,
            "condition": int(condition),
            "serial": None,
            "unit_code": f"{values.new_number('R')}U1",
            "return_unit_id": unit,
            "fault": "Buyer says it smokes",
            "request_key": f"open:{unit}",
            "at": at,
            **more,
        }
        return await actions.open_order(self.operator, **given)

    async def seen(self, order_id: uuid.UUID) -> dict[str, Any]:
        """A work order as its operator sees it."""
        return dict(await queries.order(self.operator, order_id))


async def shop(**item: str) -> Shop:
    """A fresh shop: five machines in the first bin, twenty parts in the second."""
    made = Shop()
    operator, made.exporter = await build.operator(), await build.exporter()
    made.warehouse = await build.warehouse(operator)
    made.operator = await build.again(operator)
    made.bins = await build.bins(made.operator, made.warehouse, 3)
    made.machine = await build.item(made.exporter, **{"hs_code": "846721", "name_en": "Drill", **item})
    made.part = await build.item(made.exporter, hs_code="850132", name_en="Motor")
    await build.stocked(made.operator, made.warehouse, made.machine, made.bins[0], 5)
    await build.stocked(made.operator, made.warehouse, made.part, made.bins[1], 20)
    return made
