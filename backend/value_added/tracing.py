"""Where the pieces of a lot went, and what a lot is made of: the trace, exact in both directions, in the viewer's scope.

An owner follows its goods through the network; an operator what was made of a lot, and lies, in its own warehouses, and
everything that goods in its warehouses are made of.
"""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Viewer
from backend.core.database import DB, blocks
from backend.core.listing import where
from backend.stock import lineage, listings, origins
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules
from backend.stock.origins import Goods

SQL = blocks(Path(__file__).with_name("tracing.sql"))
MOST_SHIPMENTS = 200
ON_HAND = 0


class Somewhere(msgspec.Struct, frozen=True):
    """Pieces of a lot somewhere: on hand in a warehouse (`place` 0), or what went from there to an outside place less what
    came back. Each of the `pieces` holds `share` pieces of the traced lot, all of them together `held`.
    """

    lot: Mapping[str, Any]
    warehouse: Mapping[str, Any]
    place: int
    pieces: int
    share: Fraction
    held: Fraction


class Part(msgspec.Struct, frozen=True):
    """Goods that a lot is made of: `share` pieces of them in each of its pieces; `is_root` when they were received so."""

    lot: Mapping[str, Any]
    share: Fraction
    is_root: bool


class Forward(msgspec.Struct, frozen=True):
    """Where the pieces of a lot went: as they are, or within what was made of them; and what was shipped to buyers."""

    places: list[Somewhere]
    shipments: list[Mapping[str, Any]]


async def lot(viewer: Viewer, lot_id: int) -> asyncpg.Record:
    """A lot, if it is the viewer's to see."""
    clauses = [*await stock_queries.lot_clauses(viewer, {}), where("t.id = ?", lot_id)]
    page = await listings.LOTS.page(clauses, limit=1)
    if not page.rows:
        raise stock_rules.NoSuchStock
    return page.rows[0]


async def lots_named(viewer: Viewer, code: str, item: str = "", most: int = 20) -> list[asyncpg.Record]:
    """The lots of this code (and of this item, if its code is given) that the viewer may see, latest first."""
    clauses = await stock_queries.lot_clauses(viewer, {"lot": code, "item": item})
    page = await listings.LOTS.page(clauses, limit=most)
    return list(page.rows)


async def trace_forward(viewer: Viewer, lot_id: int) -> Forward:
    """Where the pieces of a lot are now, in itself and in everything that was made of it."""
    await lot(viewer, lot_id)
    rows = [row for row in await lineage.above([lot_id]) if _sees(viewer, row["warehouse_id"], row["owner_id"])]
    known = await _lots({lot_id, *(row["lot_id"] for row in rows)})
    goods = {(row["item_id"], row["id"]) for row in known.values()}
    start = (known[lot_id]["item_id"], lot_id)
    shares = origins.shares(start, goods, lineage.edges_of(rows))
    there = [
        row
        for row in await lineage.whereabouts(known)
        if _sees(viewer, row["warehouse_id"], known[row["lot_id"]]["owner_id"])
    ]
    houses = {row["id"]: row for row in await DB.fetch(SQL["warehouses"], [row["warehouse_id"] for row in there])}
    places = []
    for row in there:
        made = known[row["lot_id"]]
        share = shares.get((made["item_id"], made["id"]), Fraction(0))
        held = share * row["pieces"]
        if held:
            house = houses[row["warehouse_id"]]
            places.append(Somewhere(made, house, row["place"], row["pieces"], share, held))
    own = list(viewer.warehouse_ids) if viewer.kind is OrganisationKind.OPERATOR else None
    shipped: list[Mapping[str, Any]] = []
    for row in await lineage.shipments(known, own, MOST_SHIPMENTS):
        made = known[row["lot_id"]]
        share = shares.get((made["item_id"], made["id"]), Fraction(0))
        if share:
            shipped.append({**row, "lot": made, "held": share * row["quantity"]})
    return Forward(places, shipped)


async def trace_backward(viewer: Viewer, lot_id: int) -> list[Part]:
    """What a piece of a lot is made of: every lot on the way down to those that were received, the nearest first."""
    seen = await lot(viewer, lot_id)
    rows = await lineage.below([lot_id])
    edges = lineage.edges_of(rows)
    known = await _lots({lot_id, *(row["input_lot_id"] for row in rows if row["input_lot_id"])})
    bare = {row["input_item_id"] for row in rows if not row["input_lot_id"]}
    items = {row["id"]: row for row in await DB.fetch(SQL["items"], list(bare))}
    start = (known[lot_id]["item_id"], lot_id)
    parts: dict[Goods, Fraction] = {}
    for row in rows:
        goods = (row["input_item_id"], row["input_lot_id"])
        if goods not in parts:
            parts[goods] = origins.shares(goods, [start], edges).get(start, Fraction(0))
    found = []
    for (item_id, each), share in parts.items():
        bare_lot = {"id": 0, "code": "", "item": "", "item_names": {}, "owner": seen["owner"]}
        bare_lot |= {"declaration_no": None, "declaration_line": None}
        if not each:
            bare_lot |= {"item": items[item_id]["code"], "item_names": items[item_id]["names"], "item_id": item_id}
        found.append(Part(known[each] if each else bare_lot, share, each not in edges))
    return sorted(found, key=lambda part: (not part.is_root, part.lot["item"], part.lot["code"]))


async def _lots(lot_ids: set[int]) -> dict[int, asyncpg.Record]:
    return {row["id"]: row for row in await DB.fetch(SQL["lots"], list(lot_ids))}


def _sees(viewer: Viewer, warehouse_id: int, owner_id: int) -> bool:
    return (
        access_rules.sees_everything(viewer)
        or access_rules.runs_warehouse(viewer, warehouse_id)
        or access_rules.owns(viewer, owner_id)
    )
