"""Lots that are made of others, as the ledger keeps them: registered, remembered, followed up and down.

Called by the room that transforms goods, inside its transaction, and by traces. Who may see what is said by the callers.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import asyncpg

from backend.core.database import DB, blocks
from backend.core.errors import Conflict
from backend.stock.origins import Edges, LotFacts, Origin

SQL = blocks(Path(__file__).with_name("lineage.sql"))


async def facts_of(lot_ids: Iterable[int]) -> dict[int, LotFacts]:
    """The facts of lots, by id."""
    rows = await DB.fetch(SQL["facts"], list(lot_ids))
    return {row["id"]: LotFacts(**{name: row[name] for name in LotFacts.__struct_fields__}) for row in rows}


async def below(lot_ids: Iterable[int]) -> list[asyncpg.Record]:
    """What lots were made of, all the way down, each origin once with the document that made it."""
    return await DB.fetch(SQL["below"], list(lot_ids))


async def above(lot_ids: Iterable[int]) -> list[asyncpg.Record]:
    """What was made of lots, all the way up, each origin once with the document that made it."""
    return await DB.fetch(SQL["above"], list(lot_ids))


def edges_of(rows: Iterable[Mapping[str, int]]) -> Edges:
    """Rows of `below` and `above` as what each lot was made of."""
    found: dict[int, tuple[Origin, ...]] = {}
    for row in rows:
        origin = Origin(row["input_item_id"], row["input_lot_id"], row["pieces"], row["per"])
        found[row["lot_id"]] = (*found.get(row["lot_id"], ()), origin)
    return found


async def like_named(item_ids: Iterable[int], codes: Iterable[str], prefix: str) -> dict[tuple[int, str], int]:
    """The lots of items that bear one of `codes`, or a code that begins with `prefix`: (item, code) to id."""
    rows = await DB.fetch(SQL["like_named"], list(item_ids), list(codes), prefix)
    return {(row["item_id"], row["code"]): row["id"] for row in rows}


async def register(owner_id: int, lots: Sequence[LotFacts]) -> list[int]:
    """Register lots, inside the caller's transaction; their ids in the same order. One that is there is a `Conflict`."""
    if not lots:
        return []
    columns = [[getattr(lot, name) for lot in lots] for name in LotFacts.__struct_fields__]
    rows = await DB.fetch(SQL["new_lots"], owner_id, *columns)
    if len(rows) != len(lots):
        raise Conflict
    made = {(row["item_id"], row["code"]): row["id"] for row in rows}
    return [made[lot.item_id, lot.code] for lot in lots]


async def remember(
    warehouse_id: int, document_id: uuid.UUID, owner_id: int, origins: Mapping[int, Sequence[Origin]]
) -> None:
    """Remember what new lots were made of by a document, inside the caller's transaction."""
    rows = [
        (lot_id, each.item_id, each.lot_id, each.pieces, each.per) for lot_id, many in origins.items() for each in many
    ]
    if rows:
        columns = (list(column) for column in zip(*rows, strict=True))
        await DB.run(SQL["keep_origins"], warehouse_id, document_id, owner_id, *columns)


async def whereabouts(lot_ids: Iterable[int]) -> list[asyncpg.Record]:
    """Where the pieces of lots are: warehouse_id, lot_id, place (0: on hand there, else a virtual place), pieces."""
    return await DB.fetch(SQL["whereabouts"], list(lot_ids))


async def shipments(lot_ids: Iterable[int], warehouse_ids: Sequence[int] | None, most: int) -> list[asyncpg.Record]:
    """What was shipped of lots to buyers (from these warehouses; None: all), latest first, at most `most`."""
    return await DB.fetch(SQL["shipments"], list(lot_ids), warehouse_ids, most)
