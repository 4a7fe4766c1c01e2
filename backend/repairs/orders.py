"""What every deed at a work order begins and goes on with: the locked order, who may act, the request key, the next stage."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Invalid
from backend.files import queries as files_queries
from backend.messages import actions as messages
from backend.repairs import rules
from backend.repairs.rules import Stage
from backend.stages import actions as stages
from backend.stages.rules import Subject
from backend.stock import rules as stock_rules

SQL = blocks(Path(__file__).with_name("actions.sql"))
Row = Mapping[str, Any]


class Done(msgspec.Struct, frozen=True):
    """What a deed made (or the order it was done to); `repeated` when its request key had done it before."""

    id: uuid.UUID
    repeated: bool


async def locked(viewer: Viewer, order_id: uuid.UUID) -> asyncpg.Record:
    """A work order in the viewer's scope, locked until the caller's transaction ends."""
    row = await DB.row(SQL["lock"], order_id)
    if row is None or not files_queries.sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchOrder
    return row


def require_bench(viewer: Viewer, order: Row) -> None:
    """Refuses everybody but the operator of the order's warehouse, and everything in a closed warehouse."""
    access_rules.require(viewer, Right.DO_REPAIRS)
    if not access_rules.runs_warehouse(viewer, order["warehouse_id"]):
        raise rules.NotYourBench(warehouse=order["warehouse"])
    if order["warehouse_status"] == "closed":
        raise stock_rules.WarehouseClosed(warehouse=order["warehouse"])


def require_owner(viewer: Viewer, order: Row) -> None:
    """Refuses everybody but the owner of the unit."""
    if not access_rules.owns(viewer, order["owner_id"]):
        raise rules.NotYourUnit
    access_rules.require(viewer, Right.DECIDE_REPAIRS)


def lies(order: Row) -> tuple[int, int]:
    """Where a unit lies and in which condition, as ids."""
    return order["location_id"], order["condition"]


async def claim(
    viewer: Viewer, warehouse_id: int, order_id: uuid.UUID, deed: str, key: str, asked: object, result_id: uuid.UUID
) -> uuid.UUID | None:
    """Take the request key for a deed: None when it is new, else what it made before; another content is refused."""
    if faults := rules.key_faults(key):
        raise Invalid(faults)
    digest = values.digest([deed, asked])
    arguments = (warehouse_id, viewer.organisation_id, key)
    if await DB.value(SQL["claim_key"], *arguments, digest, order_id, deed, result_id) is not None:
        return None
    before = await DB.row(SQL["claimed_before"], *arguments)
    if before is None or before["request_hash"] != digest:
        raise stock_rules.SameKeyOtherRequest(key=key)
    known: uuid.UUID = before["result_id"]
    return known


def entry(order: Row, stage: Stage, at: datetime, due_at: datetime | None = None) -> stages.Entry:
    """The entry of a work order into a stage that has a clock."""
    return stages.Entry(
        subject=Subject.REPAIR,
        subject_id=order["id"],
        warehouse_id=order["warehouse_id"],
        owner_id=order["owner_id"],
        number=order["number"],
        stage=stage,
        at=at,
        due_at=due_at,
    )


async def go(viewer: Viewer, order: Row, stage: Stage, at: datetime, *, due_at: datetime | None = None) -> None:
    """Let a locked work order go on to another open stage; whoever works on it becomes its technician if it has none."""
    assert rules.may_go(Stage(order["stage"]), stage), (order["stage"], stage)
    by = viewer.user_id if access_rules.runs_warehouse(viewer, order["warehouse_id"]) else None
    await DB.run(SQL["go"], order["warehouse_id"], order["id"], stage, by)
    await stages.enter(entry(order, stage, at, due_at))


async def note(viewer: Viewer, order: Row, deed: str, after: Mapping[str, object]) -> None:
    """Write the deed into the journal."""
    await journal.write(
        viewer, f"repair.{deed}", "work_order", order["id"], after=after, warehouse_id=order["warehouse_id"]
    )


def news(order: Row, organisation_id: int, sentence: str, *, level: Any = "neutral", **facts: object) -> messages.News:
    """Something that one of the two parties of a work order should know."""
    return messages.News(
        organisation_id=organisation_id,
        level=level,
        sentence=sentence,
        facts={"number": order["number"], "item": order["item"], **facts},
        href=messages.path_of(Subject.REPAIR, order["id"]),
    )
