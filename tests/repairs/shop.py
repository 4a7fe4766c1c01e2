"""What the tests of repairs begin with: an operator with a workshop, and an exporter whose machines and parts lie there."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from backend.access.rules import Viewer
from backend.charges import queries as charges_queries
from backend.core import clock, values
from backend.core.database import DB
from backend.registry.rules import Item, Warehouse
from backend.repairs import actions, bench, ending, faultbook, orders, queries, quoting
from backend.stock import ledger
from backend.stock.queries import BalanceAt
from backend.stock.rules import Condition, Place, Posting, Reason
from tests import build


def fresh() -> str:
    """A request key that nobody used."""
    return str(values.new_id())


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

    async def diagnosed(self, *codes: str, repairable: bool = True, **order: Any) -> uuid.UUID:
        """A fresh order from stock with a diagnosis."""
        done = await self.from_stock(**order)
        given = {"codes": codes or ("MA_BEARING",), "repairable": repairable, "note": ""}
        await actions.diagnose(self.operator, done.id, **given, request_key=fresh())  # type: ignore[arg-type]
        return done.id

    async def quote(
        self,
        order_id: uuid.UUID,
        *,
        pieces: int = 2,
        price: str = "12.50",
        minutes: int = 90,
        rate: str = "40",
        **more: Any,
    ) -> uuid.UUID:
        """A quote of some motors and ninety minutes; its id."""
        given = {
            "parts": [quoting.PartAsked(self.part.code, pieces, Decimal(price))] if pieces else [],
            "minutes": minutes,
            "rate": Decimal(rate),
            "currency": "EUR",
            "expires_at": clock.now() + timedelta(days=7),
            "note": "",
            "request_key": fresh(),
            **more,
        }
        return (await quoting.quote(self.operator, order_id, **given)).id

    async def answer(self, order_id: uuid.UUID, quote_id: uuid.UUID, *, approve: bool = True, note: str = "") -> None:
        given = {"quote_id": quote_id, "approve": approve, "note": note or ("" if approve else "Too dear")}
        await quoting.answer(self.exporter, order_id, **given, request_key=fresh())  # type: ignore[arg-type]

    async def approved(self, **quote: Any) -> uuid.UUID:
        """An order whose quote its owner has approved."""
        order_id = await self.diagnosed()
        await self.answer(order_id, await self.quote(order_id, **quote))
        return order_id

    async def use(self, order_id: uuid.UUID, quantity: int = 1, **part: Any) -> uuid.UUID:
        """Motors of the second bin used up; the step."""
        taken = bench.PartTaken(**{"item": self.part.code, "location": self.bins[1], "quantity": quantity, **part})
        return (await bench.use_parts(self.operator, order_id, parts=[taken], note="", request_key=fresh())).id

    async def work(self, order_id: uuid.UUID, minutes: int = 60, *, done: bool = False) -> None:
        await bench.work(self.operator, order_id, minutes=minutes, note="", done=done, request_key=fresh())

    async def tested(self, order_id: uuid.UUID, **answers: str) -> None:
        """A test in which everything is in order but `answers`."""
        order = await self.seen(order_id)
        fine = dict.fromkeys(faultbook.book().checks_of(order["item_class"]), "ok")
        await bench.record_test(self.operator, order_id, answers={**fine, **answers}, note="", request_key=fresh())

    async def finish(self, order_id: uuid.UUID, *, condition: str = "GOOD", location: str = "") -> None:
        given = {"location": location or self.bins[2], "condition": condition, "note": ""}
        await ending.finish(self.operator, order_id, **given, request_key=fresh())

    async def charges(self, order_id: uuid.UUID) -> list[dict[str, Any]]:
        """What was charged for an order, oldest first, as its owner sees it."""
        order = await self.seen(order_id)
        clauses = charges_queries.charge_clauses(self.exporter, {"number": order["number"]})
        return [dict(row) for row in reversed((await charges_queries.CHARGES.page(clauses)).rows)]

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
