"""What happens with trade files: one is imported by command, or uploaded and worked off behind the page."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotFound, Refusal
from backend.core.text import N_
from backend.registry.queries import Organisation
from backend.registry.rules import Warehouse
from backend.trade import mapping as mappings
from backend.trade import places, queries, rules, source, work
from backend.trade.mapping import FileMapping
from backend.trade.posting import Desk, Run
from backend.trade.reasons import WHY_NAMES, Why
from backend.trade.rules import State, Step
from backend.trade.source import Source

SQL = blocks(Path(__file__).with_name("actions.sql"))
TELL_SECONDS = 0.5
T = TypeVar("T")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file. `posted` are the rows in the book now, `already` those of them from earlier runs."""

    run_id: uuid.UUID
    rows: int
    posted: int
    already: int
    rejected: int
    reasons: dict[str, int]
    opened: int
    opened_items: int
    new_items: int
    spellings: int
    seconds: float
    rows_per_second: float
    rejected_file: str | None

    def as_json(self) -> dict[str, Any]:
        """The summary for programs."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def lines(self) -> list[tuple[str, int]]:
        """The summary for people: (message id, count)."""
        return [
            (N_("Rows of the file"), self.rows),
            (N_("Posted"), self.posted),
            (N_("of these by earlier imports"), self.already),
            (N_("Rejected"), self.rejected),
            *((WHY_NAMES[Why(why)], count) for why, count in sorted(self.reasons.items())),
            (N_("Pieces of opening stock"), self.opened),
            (N_("New items"), self.new_items),
            (N_("Items with several spellings"), self.spellings),
            (N_("Rows per second"), round(self.rows_per_second)),
        ]


# ------------------------------------------------------------------------------------------------------- by command

importer = places.importer


async def import_trade(
    viewer: Viewer,
    file: Path,
    *,
    warehouse: str,
    exporter: str,
    mapping: str,
    open_missing: bool,
    create: bool,
    progress: Callable[[int, int | None], None],
    folder: Path | None = None,
) -> Summary:
    """Bring a file through the ledger; every row is posted, or rejected with its reason in a file of just those rows.

    `create` makes the warehouse, the exporter and the items that are missing. `progress` is told what is done and the
    whole, first in bytes of the file, then in rows. Rejected rows are written into `folder` (here, if not given).
    Refuses (`FileRefused`) what cannot be read to its end before anything is posted.
    """
    began = time.monotonic()
    chosen = mappings.load(mapping)
    rules.require_import(viewer)
    viewer, place = await places.standing(viewer, warehouse)
    owner = await places.owner_named(viewer, exporter)
    if place is None and not create:
        raise rules.NoSuchWarehouse(warehouse=warehouse)
    if owner is None and not create:
        raise rules.NoSuchExporter(exporter=exporter)
    if place is None and chosen.warehouse is None:
        raise rules.MappingMakesNoWarehouse(warehouse=warehouse, mapping=chosen.name)
    origin = await asyncio.to_thread(source.examine, file, chosen, progress)

    async def tell(step: Step, done: int, whole: int) -> None:
        progress(done, whole)

    async with work.hands() as hands:
        await hands.alone(values.code_of(warehouse), values.code_of(exporter))
        # Whoever went first may have made them.
        viewer, place = await places.standing(viewer, warehouse)
        owner = owner or await places.owner_named(viewer, exporter)
        run_id = await _unfinished(place, owner, chosen, origin, open_missing, create)
        if run_id is None or not await hands.take(run_id):
            run_id = values.new_id()
            await hands.take(run_id)
        await work.drop_left_behind()
        run = Run(run_id, chosen, origin, tell)
        try:
            await run.stage(zone=places.zone_of(chosen, place), owner_code=values.code_of(exporter))
            if place is None or owner is None:
                viewer, place, owner = await places.make_missing(viewer, warehouse, exporter, place, owner, chosen)
            desk = await places.desk_at(viewer, place, owner, chosen, file.name, open_missing, create)
            await _begin(desk, run)
            await run.book(desk)
        finally:
            await run.clear()
    return await _summary(desk, run_id, chosen, time.monotonic() - began, folder or Path.cwd())


async def _unfinished(
    place: Warehouse | None,
    owner: Organisation | None,
    chosen: FileMapping,
    origin: Source,
    open_missing: bool,
    create: bool,
) -> uuid.UUID | None:
    """The run of the same file that was stopped, to go on with."""
    if place is None or owner is None:
        return None
    found: uuid.UUID | None = await DB.value(
        SQL["unfinished"], place.id, owner.id, chosen.name, origin.digest, open_missing, create
    )
    return found


async def _begin(desk: Desk, run: Run) -> None:
    await DB.run(
        SQL["begin"],
        desk.warehouse_id,
        run.id,
        desk.owner_id,
        desk.viewer.organisation_id,
        desk.viewer.user_id,
        desk.viewer.channel,
        run.mapping.name,
        desk.file_name,
        run.source.digest,
        desk.open_missing,
        desk.create_items,
        run.source.size,
    )


async def _summary(desk: Desk, run_id: uuid.UUID, chosen: FileMapping, seconds: float, folder: Path) -> Summary:
    row = await DB.row(SQL["summary"], desk.warehouse_id, run_id)
    assert row is not None
    kept = None
    if row["rejected"]:
        kept = await queries.write_rejected(desk.viewer, run_id, chosen, folder, desk.file_name)
    return Summary(
        **dict(row),
        run_id=run_id,
        seconds=seconds,
        rows_per_second=row["rows"] / seconds,
        rejected_file=str(kept) if kept else None,
    )


# ------------------------------------------------------------------------------------------------------- by the page


async def queue(viewer: Viewer, given: Mapping[str, str], stored: Path, file_name: str) -> uuid.UUID:
    """Take an uploaded file in, to be worked off behind the page; the id of its run.

    `given`: warehouse, exporter, mapping, open_missing and create_items (anything but empty is yes).
    """
    rules.require_import(viewer)
    faults: list[Fault] = []
    no_place = N_("There is no warehouse “%(value)s”. Choose one of yours.")
    place = await _named(places.place_named(viewer, given.get("warehouse", "")), "warehouse", given, no_place, faults)
    no_owner = N_("There is no exporter “%(value)s”. Check the code.")
    owner = await _named(places.owner_named(viewer, given.get("exporter", "")), "exporter", given, no_owner, faults)
    chosen = None
    if given.get("mapping") in mappings.known():
        chosen = mappings.load(given["mapping"])
    else:
        faults.append(_unknown("mapping", given, N_("There is no mapping “%(value)s”. Choose one of the list.")))
    size = stored.stat().st_size if file_name else 0
    if not size:
        faults.append(Fault("file", file_name, N_("Choose the file to import.")))
    if faults or place is None or owner is None or chosen is None:
        raise Invalid(faults)
    run_id = values.new_id()
    await DB.run(
        SQL["queue"],
        place.id,
        run_id,
        owner.id,
        viewer.organisation_id,
        viewer.user_id,
        viewer.channel,
        chosen.name,
        file_name,
        str(stored),
        bool(given.get("open_missing")),
        bool(given.get("create_items")),
        size,
    )
    return run_id


async def _named(
    found: Awaitable[T | None], field: str, given: Mapping[str, str], sentence: str, faults: list[Fault]
) -> T | None:
    """What a field of the form names; a fault when there is none, or it is refused."""
    try:
        named = await found
    except Refusal as refusal:
        faults.append(Fault(field, given.get(field, ""), refusal.sentence, refusal.facts))
        return None
    if named is None:
        faults.append(_unknown(field, given, sentence))
    return named


async def resume(viewer: Viewer, run_id: uuid.UUID) -> None:
    """Allow an interrupted run of an uploaded file to be worked off again."""
    row = await queries.run(viewer, run_id)
    if not access_rules.runs_warehouse(viewer, row["warehouse_id"]):
        raise rules.NotYourWarehouse(warehouse=row["warehouse"])
    if not row["stored_file"]:
        raise rules.FileGone(name=row["file_name"])


def _unknown(field: str, given: Mapping[str, str], sentence: str) -> Fault:
    value = given.get(field, "")
    return Fault(field, value, sentence if value else N_("Fill in this field."), {"value": value})


async def work_off(run_id: str) -> None:
    """Work off a queued or interrupted run; does nothing when it is finished or another worker has it."""
    number = uuid.UUID(run_id)
    row = await DB.row(SQL["queued"], number)
    if row is None:
        raise NotFound
    async with work.hands() as hands:
        if not await hands.take(number):
            return
        await hands.alone(row["warehouse"], row["owner"])
        if await DB.value("select state from trade_run where id = $1", number) in (State.DONE, State.REFUSED):
            return
        await work.drop_left_behind()
        await DB.run(SQL["start"], row["warehouse_id"], number)
        stored = Path(row["stored_file"] or "")
        try:
            await _work_off(row, stored)
        except Refusal as refusal:
            await DB.run(SQL["refuse"], row["warehouse_id"], number, _kept(refusal))
    stored.unlink(missing_ok=True)


async def _work_off(row: asyncpg.Record, stored: Path) -> None:
    if not stored.is_file():
        raise rules.FileGone(name=row["file_name"])
    chosen = mappings.load(row["mapping"])
    viewer = places.console(Kind.OPERATOR, row["organisation_id"], row["organisation"], {}, (row["warehouse_id"],))
    viewer = msgspec.structs.replace(viewer, user_id=row["actor_id"], channel=row["channel"])
    place = await places.place_named(viewer, row["warehouse"])
    owner = await places.owner_named(viewer, row["owner"])
    if place is None or owner is None:
        raise NotFound
    told_at = 0.0

    async def tell(step: Step, done: int, whole: int) -> None:
        nonlocal told_at
        if step is Step.READING and (time.monotonic() - told_at > TELL_SECONDS or done == whole):
            told_at = time.monotonic()
            await DB.run(SQL["reading"], row["warehouse_id"], row["id"], done, run.rows)

    origin = await asyncio.to_thread(source.examine, stored, chosen, lambda done, whole: None)
    run = Run(row["id"], chosen, origin, tell)
    try:
        await run.stage(zone=places.zone_of(chosen, place), owner_code=owner.code)
        desk = await places.desk_at(
            viewer, place, owner, chosen, row["file_name"], row["open_missing"], row["create_missing"]
        )
        await run.book(desk)
    finally:
        await run.clear()


def _kept(refusal: Refusal) -> dict[str, Any]:
    """A refusal as it is kept with the run, to be said in the language of whoever looks."""
    plain = [
        {"field": f.field, "value": str(f.value), "sentence": f.sentence, "facts": _plain(f.facts)}
        for f in refusal.faults
    ]
    return {"code": refusal.code, "sentence": refusal.sentence, "facts": _plain(refusal.facts), "faults": plain}


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: fact if isinstance(fact, int) else str(fact) for name, fact in facts.items()}
