"""A warehouse with offers, and an exporter whose goods lie in it."""

import itertools
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from backend.access.rules import Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.registry.rules import Item, Warehouse
from backend.stock import actions as stock_actions
from backend.stock import declarations
from backend.stock import queries as stock_queries
from backend.value_added import actions, offering, queries, quoting
from backend.value_added.actions import RecipeLine, Wish
from tests import build

_numbers = itertools.count(1)


class Shop:
    """An operator with a warehouse and two bins, and an exporter."""

    operator: Viewer
    exporter: Viewer
    warehouse: Warehouse
    bins: list[str]

    async def offer(self, kind: str = "customs", **given: str) -> uuid.UUID:
        """An offer's id."""
        facts = {
            "warehouse": self.warehouse.code,
            "kind": kind,
            "name_en": f"Offer {next(_numbers)}",
            "price": "2.50",
            "currency": "EUR",
            "unit": "piece" if kind == "processing" else "job",
            "lead_days": "3",
        }
        return await offering.create_offer(self.operator, {**facts, **given})

    async def version(self, offer_id: uuid.UUID) -> uuid.UUID:
        """The id of an offer's version of today."""
        found: uuid.UUID = (await queries.offer(self.operator, offer_id))["id"]
        return found

    async def asked(self, kind: str = "customs", **wish: Any) -> uuid.UUID:
        """A job that was just asked for."""
        offer_id = wish.pop("offer_id", None) or await self.version(await self.offer(kind))
        given = {"quantity": Decimal(1), "text": "Clear two pallets, please", **wish}
        made = await actions.request(self.exporter, Wish(offer_id=offer_id, **given), request_key=key())
        return made.id

    async def quoted(self, kind: str = "customs", **wish: Any) -> uuid.UUID:
        """A job with an open quote."""
        job_id = await self.asked(kind, **wish)
        await self.quote(job_id)
        return job_id

    async def accepted(self, kind: str = "customs", **wish: Any) -> uuid.UUID:
        """A job whose quote was accepted."""
        job_id = await self.quoted(kind, **wish)
        await quoting.answer(self.exporter, job_id, await self.revision(job_id), accept=True)
        return job_id

    async def quote(self, job_id: uuid.UUID, **given: Any) -> None:
        """Quote a job as it was asked for."""
        job = await queries.job(self.operator, job_id)
        terms = {
            "price": Decimal("2.50"),
            "currency": "EUR",
            "quantity": job["quantity"],
            "expires_at": clock.now() + timedelta(days=7),
        }
        await quoting.quote(self.operator, job_id, job["revision"], **{**terms, **given})

    async def revision(self, job_id: uuid.UUID) -> int:
        found: int = (await queries.job(self.operator, job_id))["revision"]
        return found

    async def stage(self, job_id: uuid.UUID) -> str:
        found: str = (await queries.job(self.operator, job_id))["stage"]
        return found

    async def item(self, **given: str) -> Item:
        return await build.item(self.exporter, **given)

    async def lot(self, goods: Item, code: str = "", **given: Any) -> str:
        """The code of a fresh lot."""
        made = code or f"L-{next(_numbers)}"
        await stock_actions.register_lot(
            self.exporter, owner=self.exporter.organisation_code, item=goods.code, code=made, **given
        )
        return made

    async def stocked(self, goods: Item, quantity: int, place: str = "", **given: Any) -> None:
        await build.stocked(self.operator, self.warehouse, goods, place or self.bins[0], quantity, **given)

    async def on_hand(self, goods: Item) -> dict[tuple[str, str, str], int]:
        """What lies where of an item: pieces by lot, place and condition."""
        rows = await DB.fetch(
            "select coalesce(t.code, '') as lot, l.code, b.condition, b.on_hand from stock_on_hand b "
            "join location l on l.id = b.location_id left join lot t on t.id = b.lot_id where b.item_id = $1",
            goods.id,
        )
        names = {1: "GOOD", 2: "SECOND", 3: "DAMAGED", 4: "QUARANTINE"}
        return {(row["lot"], row["code"], names[row["condition"]]): row["on_hand"] for row in rows}

    async def told(self, viewer: Viewer) -> list[str]:
        """The sentences that a party was told, latest last."""
        rows = await DB.fetch(
            "select sentence from notification where organisation_id = $1 order by id", viewer.organisation_id
        )
        return [row["sentence"] for row in rows]


async def opened() -> Shop:
    """A fresh shop."""
    shop = Shop()
    operator, shop.exporter = await build.operator(), await build.exporter()
    shop.warehouse = await build.warehouse(operator)
    shop.operator = await build.again(operator)
    shop.bins = await build.bins(shop.operator, shop.warehouse, 2)
    return shop


def key() -> str:
    """A fresh request key."""
    return str(values.new_id())


def line(goods: Item, quantity: int = 1, **given: Any) -> RecipeLine:
    """A line of a recipe."""
    return RecipeLine(goods.code, quantity, **given)


async def book_is_right() -> bool:
    """Whether the ledger contradicts itself nowhere, and every declaration line adds up."""
    return not await stock_queries.differences() and not await declarations.differences()
