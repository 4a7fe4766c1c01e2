"""Holds of pledged goods: placed with a pledge, lifted with it, by the room that keeps pledges and inside its transaction."""

import uuid
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from backend.access.rules import Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault
from backend.stock import actions, queries, rules

SQL = blocks(Path(__file__).with_name("pledging.sql"))


async def hold_pledged(viewer: Viewer, held: Sequence[tuple[queries.BalanceAt, int]], *, note: str) -> list[uuid.UUID]:
    """Freeze pieces of several balances of one warehouse for a pledge, inside its transaction; the ids of the holds.

    The caller has checked that the goods are the viewer's to pledge; more than is free is refused (`NotEnoughFree`).
    """
    ids = [values.new_id() for _ in held]
    keys = [(hold_id, *key[1:], quantity) for hold_id, (key, quantity) in zip(ids, held, strict=True)]
    columns = [list(column) for column in zip(*keys, strict=True)]
    try:
        async with DB.transaction():
            await DB.run(SQL["hold_pledged"], held[0][0][0], *columns, note, viewer.organisation_id, viewer.user_id)
    except asyncpg.ForeignKeyViolationError as error:
        raise rules.NoSuchStock from error
    except asyncpg.CheckViolationError as error:
        raise await _too_few_of(viewer, held) from error
    return ids


async def release_pledged(viewer: Viewer, warehouse_id: int, hold_ids: Sequence[uuid.UUID], *, note: str) -> int:
    """Lift the holds of a pledge that has ended, inside its transaction; the pieces that are free now.

    The database refuses it while the pledge has not ended.
    """
    found: int = await DB.value(SQL["release_pledged"], warehouse_id, list(hold_ids), viewer.user_id, note)
    return found


async def _too_few_of(viewer: Viewer, held: Sequence[tuple[queries.BalanceAt, int]]) -> rules.NotEnoughFree:
    """What is free of each of several balances that were to be held, where it is less than was wanted."""
    wanted: dict[queries.BalanceAt, int] = {}
    for key, quantity in held:
        wanted[key] = wanted.get(key, 0) + quantity
    faults = []
    for number, (key, quantity) in enumerate(held):
        row = await queries.balance(viewer, key)
        if row["free"] < wanted[key]:
            (fault,) = actions.too_few(row, wanted[key]).faults
            faults.append(Fault(f"lines.{number}.quantity", quantity, fault.sentence, fault.facts))
    return rules.NotEnoughFree(faults)
