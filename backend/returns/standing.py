"""How far returns are: they are locked while somebody works on their units, and their stage follows what was done."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.messages import actions as messages
from backend.messages.actions import News
from backend.returns import steps
from backend.returns.rules import Stage
from backend.returns.steps import Standing
from backend.stages import actions as stages
from backend.stages import rules as stages_rules
from backend.stages.actions import Entry
from backend.stages.rules import Subject

SQL = blocks(Path(__file__).with_name("standing.sql"))
_TO_DECIDE = N_("Return %(number)s is graded and waits for your decision until %(day)s.")


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """A return with how far it is."""

    warehouse_id: int
    warehouse: str
    time_zone: str
    operator_id: int
    id: uuid.UUID
    number: str
    owner_id: int
    kind: str
    reason: str
    stage: str
    decide_days: int | None
    standing: Standing


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit as a step finds it, with its return; `turn` is the number of its last inspection, `graders` who made all of them."""

    given: Return
    warehouse_id: int
    id: uuid.UUID
    rma_id: uuid.UUID
    number: str
    line_no: int
    unit_no: int
    code: str
    owner_id: int
    item_id: int
    item: str
    hs_code: str | None
    lot_id: int
    quantity: int
    serial: str | None
    state: str
    location_id: int
    location: str | None
    condition: int
    receipt_document_id: uuid.UUID
    received_at: datetime
    received_by: int
    inspection_id: uuid.UUID | None
    turn: int
    graders: list[int]
    graded_before: bool
    grade: str | None
    regrade: str
    altered: bool
    investigation: str | None
    disposition_id: uuid.UUID | None
    disposition: str | None
    decided_as: str | None
    decided_by: int | None
    decided_at: datetime | None
    decision_note: str | None
    request_key: str | None
    document_id: uuid.UUID | None
    document_line: int | None
    follow_up: str | None
    follow_up_id: uuid.UUID | None

    @property
    def waits_for(self) -> str | None:
        """The field of its return's standing in which it counts."""
        return steps.waits_for(self.state, self.regrade)


_UNIT_COLUMNS = tuple(name for name in Unit.__struct_fields__ if name != "given")
_RETURN_COLUMNS = tuple(name for name in Return.__struct_fields__ if name not in ("id", "standing"))


async def lock_units(codes: Sequence[str]) -> None:
    """Hold the returns of these units until the transaction ends."""
    await DB.run(SQL["lock"], [values.code_of(code) for code in codes])


async def lock_returns(rma_ids: Iterable[uuid.UUID]) -> None:
    """Hold these returns until the transaction ends."""
    await DB.run(SQL["lock_returns"], list(rma_ids))


async def units(codes: Sequence[str], inspection_key: str = "") -> list[Unit]:
    """The units of these codes, each once, by return and number; codes that are none are left out.

    `graded_before` says whether something in their warehouse was graded under the key of an inspection.
    """
    wanted = list(dict.fromkeys(values.code_of(code) for code in codes))
    given: dict[uuid.UUID, Return] = {}
    found = []
    for row in await DB.fetch(SQL["units"], wanted, inspection_key):
        if row["rma_id"] not in given:
            given[row["rma_id"]] = _return(row, row["rma_id"])
        found.append(Unit(given=given[row["rma_id"]], **{name: row[name] for name in _UNIT_COLUMNS}))
    return found


async def handled(viewer: Viewer, codes: Sequence[str], inspection_key: str = "") -> list[Unit]:
    """Units in warehouses that the viewer's organisation runs, all of them; their returns are locked."""
    await lock_units(codes)
    return _all(
        await units(codes, inspection_key), codes, lambda each: access_rules.runs_warehouse(viewer, each.warehouse_id)
    )


async def owned(viewer: Viewer, codes: Sequence[str]) -> list[Unit]:
    """Units of the viewer's goods, all of them; their returns are locked."""
    await lock_units(codes)
    return _all(await units(codes), codes, lambda each: access_rules.owns(viewer, each.owner_id))


def _all(found: list[Unit], codes: Sequence[str], may: Callable[[Unit], bool]) -> list[Unit]:
    seen = {each.code: each for each in found if may(each)}
    for code in codes:
        if values.code_of(code) not in seen:
            raise steps.NoSuchUnit(unit=values.code_of(code)[:64])
    if not seen:
        raise Invalid([Fault("units", 0, N_("Choose at least one unit."))])
    return list(seen.values())


async def returns(rma_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Return]:
    """Returns with how far they are, by id."""
    rows = await DB.fetch(SQL["standings"], list(dict.fromkeys(rma_ids)))
    return {row["id"]: _return(row, row["id"]) for row in rows}


def _return(row: Mapping[str, Any], rma_id: uuid.UUID) -> Return:
    standing = Standing(**{name: int(row[name]) for name in Standing.__struct_fields__})
    return Return(id=rma_id, standing=standing, **{name: row[name] for name in _RETURN_COLUMNS})


async def follow(rma_ids: Iterable[uuid.UUID], at: datetime) -> dict[uuid.UUID, Return]:
    """Let the stages of returns that were worked on follow, inside the caller's transaction; the owner hears when it is to decide.

    The returns as they are now, by id.
    """
    found = await returns(rma_ids)
    await settle(found.values(), at)
    return found


async def moved(units: Iterable[Unit], to: str, at: datetime) -> None:
    """Let the stages of returns follow, as `follow` does, when all that happened is that units, as they were found, count in
    another field of their standing now.
    """
    changes: dict[uuid.UUID, Counter[str]] = {}
    given: dict[uuid.UUID, Return] = {}
    for unit in units:
        given[unit.rma_id] = unit.given
        change = changes.setdefault(unit.rma_id, Counter())
        change[to] += 1
        if unit.waits_for:
            change[unit.waits_for] -= 1
    await settle((_changed(given[rma_id], change) for rma_id, change in changes.items()), at)


def _changed(given: Return, change: Mapping[str, int]) -> Return:
    counts = {name: getattr(given.standing, name) + number for name, number in change.items()}
    return msgspec.structs.replace(given, standing=msgspec.structs.replace(given.standing, **counts))


async def settle(given: Iterable[Return], at: datetime) -> None:
    """Bring every return to the stage that its standing says, where it is not there yet."""
    going = [(each, steps.stage_of(each.standing)) for each in given]
    going = [(each, stage) for each, stage in going if stage != each.stage]
    if not going:
        return
    await DB.write(SQL["restage"], [each.id for each, _ in going], [stage.value for _, stage in going], at)
    entries = [_entry(each, stage, at) for each, stage in going if stage is not Stage.CLOSED]
    await stages.enter(*entries)
    closed: dict[int, list[uuid.UUID]] = {}
    for each, stage in going:
        if stage is Stage.CLOSED:
            closed.setdefault(each.warehouse_id, []).append(each.id)
    for warehouse_id, ids in closed.items():
        await stages.leave(Subject.RETURN, warehouse_id, ids, at)
    await messages.notify_all(
        [
            News(
                organisation_id=each.owner_id,
                level="neutral",
                sentence=_TO_DECIDE,
                facts={"number": each.number, "day": str(deadline(each, at).date())},
                href=messages.path_of("return", each.id),
            )
            for each, stage in going
            if stage is Stage.DECIDING
        ]
    )


def deadline(given: Return, at: datetime) -> datetime:
    """Until when the owner decides on what is graded now: the days that it agreed to, else those of the stage."""
    if given.decide_days is None:
        return stages_rules.due_at(Subject.RETURN, Stage.DECIDING, at)
    return at + timedelta(days=given.decide_days)


def _entry(given: Return, stage: Stage, at: datetime) -> Entry:
    return Entry(
        subject=Subject.RETURN,
        subject_id=given.id,
        warehouse_id=given.warehouse_id,
        owner_id=given.owner_id,
        number=given.number,
        stage=stage,
        at=at,
        due_at=deadline(given, at) if stage is Stage.DECIDING else None,
        reason=given.reason,
    )
