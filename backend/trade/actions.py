"""What happens with trade files: one is imported by command, or uploaded and worked off behind the page."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access import actions as access_actions
from backend.access import guards
from backend.access import queries as access_queries
from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotFound, Refusal
from backend.core.text import N_
from backend.registry import actions as registry_actions
from backend.registry import queries as registry_queries
from backend.registry import rules as registry_rules
from backend.registry.queries import Organisation
from backend.registry.rules import Status, Warehouse
from backend.stock import rules as stock_rules
from backend.trade import mapping as mappings
from backend.trade import queries, rules, source, work
from backend.trade.mapping import FileMapping
from backend.trade.posting import Desk, Run
from backend.trade.rules import State, Step
from backend.trade.source import Source

SQL = blocks(Path(__file__).with_name("actions.sql"))
TELL_SECONDS = 0.5


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
            *((rules.WHY_NAMES[rules.Why(why)], count) for why, count in sorted(self.reasons.items())),
            (N_("Pieces of opening stock"), self.opened),
            (N_("New items"), self.new_items),
            (N_("Items with several spellings"), self.spellings),
            (N_("Rows per second"), round(self.rows_per_second)),
        ]


# ------------------------------------------------------------------------------------------------------- by command


async def importer(email: str | None, warehouse: str) -> Viewer:
    """For whom a command imports: the person of that address, else the operator of the warehouse, else the console.

    The console acts for a warehouse that is still to be made; it is user 0 of the organisation it acts for.
    """
    if email:
        return await access_queries.viewer_by_email(email, "command")
    code = values.code_of(warehouse)
    if manager := await DB.row(SQL["manager"], code):
        found = await guards.viewer_of_person(manager["email"], manager["organisation"])
        assert found is not None
        return msgspec.structs.replace(found, rights=frozenset(Right))
    if row := await DB.row(SQL["operator"], code):
        return _console(Kind.OPERATOR, row["id"], row["code"], row["names"], tuple(row["warehouse_ids"]))
    return _console(Kind.COMMITTEE, 0, "", {}, ())


def _console(
    kind: Kind, organisation_id: int, code: str, names: Mapping[str, str], warehouses: tuple[int, ...]
) -> Viewer:
    return Viewer(
        user_id=0,
        name="luocang import",
        email="",
        organisation_id=organisation_id,
        organisation_code=code,
        organisation_names=dict(names),
        kind=kind,
        roles=frozenset(),
        rights=frozenset(Right),
        language="en",
        time_zone="UTC",
        channel="command",
        warehouse_ids=warehouses,
    )


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
    place = await _place(viewer, warehouse)
    owner = await _owner(viewer, exporter)
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
        run_id = await _unfinished(place, owner, chosen, origin, open_missing, create)
        if run_id is None or not await hands.take(run_id):
            run_id = values.new_id()
            await hands.take(run_id)
        await work.drop_left_behind()
        run = Run(run_id, chosen, origin, tell)
        try:
            await run.stage(zone=_zone(chosen, place), owner_code=values.code_of(exporter))
            if place is None or owner is None:
                viewer, place, owner = await _make(viewer, warehouse, exporter, place, owner, chosen)
            desk = await _desk(viewer, place, owner, chosen, file.name, open_missing, create)
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


# ----------------------------------------------------------------------------------------- where, whose, and the making


async def _place(viewer: Viewer, warehouse: str) -> Warehouse | None:
    """The warehouse, which the viewer's organisation must operate; None when there is none."""
    try:
        place = await registry_queries.warehouse_seen(viewer, warehouse)
    except NotFound:
        return None
    if not registry_rules.operates(viewer, place):
        raise rules.NotYourWarehouse(warehouse=place.code)
    if place.status is Status.CLOSED:
        raise stock_rules.WarehouseClosed(warehouse=place.code)
    return place


async def _owner(viewer: Viewer, exporter: str) -> Organisation | None:
    """The exporter; None when there is none."""
    try:
        owner = await registry_queries.organisation_by_code(viewer, exporter)
    except NotFound:
        return None
    if owner.kind is not Kind.EXPORTER or not owner.active:
        raise rules.NotAnExporter(exporter=owner.code)
    return owner


async def _make(
    viewer: Viewer,
    warehouse: str,
    exporter: str,
    place: Warehouse | None,
    owner: Organisation | None,
    chosen: FileMapping,
) -> tuple[Viewer, Warehouse, Organisation]:
    """Make what is missing: the exporter, the warehouse, and its operator when the console imports for nobody."""
    async with DB.transaction():
        if owner is None:
            await access_actions.create_organisation(viewer, exporter, Kind.EXPORTER, {"en": values.code_of(exporter)})
            owner = await registry_queries.organisation_by_code(viewer, exporter)
        if place is None:
            code = values.code_of(warehouse)
            given = {**msgspec.structs.asdict(chosen.warehouse), "code": code, "name_en": code}  # type: ignore[arg-type]
            given |= {"city_en": given.pop("city"), "area_m2": "0", "capacity_m3": "0", "taxonomy": "own_use"}
            if viewer.kind is not Kind.OPERATOR:
                given["operator"] = await _make_operator(viewer, code)
            place = await registry_actions.create_warehouse(viewer, given)
            if viewer.kind is not Kind.OPERATOR:
                viewer = _console(
                    Kind.OPERATOR, place.operator_id, place.operator_code, place.operator_names, (place.id,)
                )
    return viewer, place, owner


async def _make_operator(viewer: Viewer, warehouse: str) -> str:
    """The code of the organisation that operates a warehouse made here."""
    code = f"{warehouse[:23]}-OPERATOR"
    try:
        await registry_queries.organisation_by_code(viewer, code)
    except NotFound:
        await access_actions.create_organisation(viewer, code, Kind.OPERATOR, {"en": code})
    return code


async def _desk(
    viewer: Viewer,
    place: Warehouse,
    owner: Organisation,
    chosen: FileMapping,
    file_name: str,
    open_missing: bool,
    create_items: bool,
) -> Desk:
    """Where to book; makes the mapping's bin when the warehouse lacks it."""
    find = "select id, kind from location where warehouse_id = $1 and code = $2"
    row = await DB.row(find, place.id, chosen.location)
    if row is None:
        await registry_actions.create_locations(viewer, place.code, {"pattern": chosen.location, "kind": "bin"})
        row = await DB.row(find, place.id, chosen.location)
    assert row is not None
    if row["kind"] in ("zone", "aisle"):
        raise rules.NoPlaceForGoods(location=chosen.location, warehouse=place.code)
    return Desk(
        viewer=viewer,
        warehouse_id=place.id,
        location_id=row["id"],
        owner_id=owner.id,
        file_name=file_name,
        open_missing=open_missing,
        create_items=create_items,
    )


def _zone(chosen: FileMapping, place: Warehouse | None) -> str:
    """The zone of the file's dates."""
    if chosen.zone != mappings.WAREHOUSE_ZONE:
        return chosen.zone
    if place is not None:
        return place.time_zone
    assert chosen.warehouse is not None
    return chosen.warehouse.time_zone


# ------------------------------------------------------------------------------------------------------- by the page


async def queue(viewer: Viewer, given: Mapping[str, str], stored: Path, file_name: str) -> uuid.UUID:
    """Take an uploaded file in, to be worked off behind the page; the id of its run.

    `given`: warehouse, exporter, mapping, open_missing and create_items (anything but empty is yes).
    """
    rules.require_import(viewer)
    faults: list[Fault] = []
    place = owner = chosen = None
    try:
        place = await _place(viewer, given.get("warehouse", ""))
    except Refusal as refusal:
        faults.append(Fault("warehouse", given.get("warehouse", ""), refusal.sentence, refusal.facts))
    else:
        if place is None:
            faults.append(_unknown("warehouse", given, N_("There is no warehouse “%(value)s”. Choose one of yours.")))
    try:
        owner = await _owner(viewer, given.get("exporter", ""))
    except Refusal as refusal:
        faults.append(Fault("exporter", given.get("exporter", ""), refusal.sentence, refusal.facts))
    else:
        if owner is None:
            faults.append(_unknown("exporter", given, N_("There is no exporter “%(value)s”. Check the code.")))
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
    viewer = _console(Kind.OPERATOR, row["organisation_id"], row["organisation"], {}, (row["warehouse_id"],))
    viewer = msgspec.structs.replace(viewer, user_id=row["actor_id"], channel=row["channel"])
    place = await _place(viewer, row["warehouse"])
    owner = await _owner(viewer, row["owner"])
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
        await run.stage(zone=_zone(chosen, place), owner_code=owner.code)
        desk = await _desk(viewer, place, owner, chosen, row["file_name"], row["open_missing"], row["create_missing"])
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
