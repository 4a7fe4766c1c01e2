"""What happens to batches home while their owner collects them: opened, planned, filled, made ready, agreed to, cancelled.

What the warehouse does with them afterwards is in `sending`.
"""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed
from backend.core.text import N_
from backend.regulations import queries as law
from backend.returns import batches, custody, eligibility, home_rules, standing
from backend.returns.custody import Batch, Held
from backend.returns.eligibility import Eligibility
from backend.returns.home_rules import Stage, Step
from backend.stock import codes
from backend.stock.rules import SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("home.sql"))
LONGEST_KEY = 200
_READY = N_("Batch %(number)s of %(name)s is ready to be packed in warehouse %(warehouse)s.")
_CANCELLED = N_("Batch %(number)s was cancelled by %(name)s.")


class Opened(msgspec.Struct, frozen=True):
    """The batch that was opened; `repeated` when its request key had opened it before."""

    id: uuid.UUID
    number: str
    warehouse_id: int
    repeated: bool


class StockLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pieces that lie in the warehouse, by codes; `lot` empty is no lot."""

    item: str
    location: str
    quantity: int
    lot: str = ""
    condition: str = "GOOD"


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """Goods on their way into a batch: a unit, or pieces of a balance, and the field that named them."""

    field: str
    name: str
    item_id: int
    lot_id: int
    location_id: int
    condition: int
    quantity: int
    unit_id: uuid.UUID | None = None
    original_state: bool | None = True


# -------------------------------------------------------------------------------------------------- opening, planning


async def open_batch(viewer: Viewer, warehouse: str, given: Mapping[str, str], *, request_key: str) -> Opened:
    """Open an empty batch of the viewer's goods in a warehouse; `given` as typed: cause, home_area, planned_on, statement."""
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    if viewer.kind is not Kind.EXPORTER:
        raise NotAllowed
    faults: list[Fault] = []
    custody.key_faults(request_key, faults)
    plan = home_rules.plan(given, law.today(), faults)
    place = await DB.row(SQL["place"], values.code_of(warehouse))
    if place is None or place["status"] in ("draft", "closed"):
        faults.append(
            Fault("warehouse", warehouse, codes.NoSuchWarehouse.sentence, {"warehouse": values.code_of(warehouse)})
        )
    if faults or plan is None or place is None:
        raise Invalid(faults)
    asked = values.digest([place["id"], plan])
    made = Opened(values.new_id(), values.new_number("H"), place["id"], False)
    now = clock.now()
    async with DB.transaction():
        kept = await DB.value(
            SQL["open"],
            made.warehouse_id,
            made.id,
            made.number,
            viewer.organisation_id,
            plan.home_area,
            plan.cause,
            plan.planned_on,
            plan.statement,
            viewer.organisation_id,
            viewer.user_id,
            request_key,
            asked,
            now,
        )
        if kept is not None:
            row = await DB.row(custody.SQL["lock"], made.id)
            assert row is not None
            batch = Batch(**{name: row[name] for name in Batch.__struct_fields__})
            await custody.enter(batch, now)
            await journal.write(viewer, "batch.opened", "batch", made.id, after=plan, warehouse_id=made.warehouse_id)
            return made
    before = await DB.row(SQL["opened_before"], viewer.organisation_id, request_key)
    if before is None:
        raise Conflict
    if before["request_hash"] != asked:
        raise SameKeyOtherRequest(key=request_key)
    return Opened(before["id"], before["number"], before["warehouse_id"], True)


async def change_plan(
    viewer: Viewer,
    batch_id: uuid.UUID,
    given: Mapping[str, str],
    *,
    taxed_agreed: bool = False,
    revision: int | None = None,
    request_key: str,
) -> None:
    """Plan an open batch anew (home_area, planned_on, statement as typed); every line is judged again.

    Refuses a plan that closes the customs route for a line, or has one taxed without an agreement, naming each.
    """
    async with custody.take(viewer, batch_id, revision, request_key, ["plan", dict(given), taxed_agreed]) as held:
        if held is None:
            return
        batch = held.batch
        custody.require_owner(viewer, batch)
        home_rules.require_stage(batch.stage, batch.number, Stage.OPEN)
        faults: list[Fault] = []
        plan = home_rules.plan(given, law.today(), faults, batch.cause)
        if plan is None:
            raise Invalid(faults)
        await custody.judge_again(held, plan, taxed_agreed=taxed_agreed)
        await held.keep(
            "planned",
            before=batch.plan,
            after=plan,
            home_area=plan.home_area,
            planned_on=plan.planned_on,
            statement=plan.statement,
        )


async def agree_to_tax(viewer: Viewer, batch_id: uuid.UUID, *, revision: int | None = None, request_key: str) -> None:
    """Agree, as the owner of the goods, to pay duty and tax for the lines of a batch for which they are due by now."""
    async with custody.take(viewer, batch_id, revision, request_key, ["agree_to_tax"]) as held:
        if held is None:
            return
        custody.require_owner(viewer, held.batch)
        home_rules.require_stage(held.batch.stage, held.batch.number, Stage.OPEN, Stage.READY, Stage.PACKED)
        await custody.judge_again(held, held.batch.plan, taxed_agreed=True)
        await held.keep("tax_agreed")


# --------------------------------------------------------------------------------------------------- filling, emptying


async def add(
    viewer: Viewer,
    batch_id: uuid.UUID,
    *,
    units: Sequence[str] = (),
    stock: Sequence[StockLine] = (),
    taxed_agreed: bool = False,
    revision: int | None = None,
    request_key: str,
) -> None:
    """Put goods into an open batch: units that are decided to go home, by code, and free pieces from the shelf.

    All of them or none: refuses every unit and line that may not join, with what the law says (`NotForHome`). Lines for
    which duty and tax are due join only with `taxed_agreed`, those whose customs route is closed never.
    """
    asked = ["add", list(units), [msgspec.to_builtins(line) for line in stock], taxed_agreed]
    async with custody.take(viewer, batch_id, revision, request_key, asked) as held:
        if held is None:
            return
        batch = held.batch
        custody.require_owner(viewer, batch)
        home_rules.require_stage(batch.stage, batch.number, Stage.OPEN)
        faults: list[Fault] = []
        if not units and not stock:
            faults.append(Fault("", "", N_("Choose what goes home first.")))
        count = await DB.value(
            "select count(*) from home_line where warehouse_id = $1 and batch_id = $2", batch.warehouse_id, batch.id
        )
        if fault := home_rules.many_fault(count + len(units) + len(stock)):
            raise home_rules.NotForHome([fault])
        goods = await _units(batch, units, faults) + await _stock(viewer, batch, stock, faults)
        facts = await custody.facts_of(batch.owner_id, [each.lot_id for each in goods])
        lines = [eligibility.Line(facts=facts[each.lot_id], original_state=each.original_state) for each in goods]
        found = eligibility.judge_all(await law.editions(), batch.plan, lines, law.today())
        for each, said in zip(goods, found, strict=True):
            if fault := home_rules.law_fault(each.field, each.name, said, taxed_agreed=taxed_agreed):
                faults.append(fault)
        if faults:
            raise home_rules.NotForHome(faults)
        await _keep_lines(held, goods, found, taxed_agreed)
        await held.keep("filled", after={"units": list(units), "stock": stock})


async def _units(batch: Batch, given: Sequence[str], faults: list[Fault]) -> list[Goods]:
    wanted = [values.code_of(code) for code in given]
    rma_ids = [row["rma_id"] for row in await DB.fetch(SQL["returns_of"], wanted, batch.owner_id)]
    await standing.lock_returns(rma_ids)
    rows = {row["code"]: row for row in await DB.fetch(SQL["units"], wanted, batches.unsold_reasons())}
    goods: list[Goods] = []
    for number, code in enumerate(wanted):
        field, row = f"units.{number}", rows.get(code)
        unit = None
        if row is not None:
            unit = home_rules.Unit(**{name: row[name] for name in home_rules.Unit.__struct_fields__})
        fault = home_rules.unit_fault(
            field, code, unit, warehouse_id=batch.warehouse_id, owner_id=batch.owner_id, cause=batch.cause
        )
        if fault is None and code in wanted[:number]:
            fault = Fault(field, code, N_("Unit %(value)s is named twice."), {"value": code})
        if fault is not None or row is None:
            faults += [fault] if fault else []
            continue
        goods.append(
            Goods(
                field=field,
                name=code,
                item_id=row["item_id"],
                lot_id=row["lot_id"],
                location_id=row["location_id"],
                condition=row["condition"],
                quantity=row["quantity"],
                unit_id=row["id"],
                original_state=not row["altered"],
            )
        )
    return goods


async def _stock(viewer: Viewer, batch: Batch, given: Sequence[StockLine], faults: list[Fault]) -> list[Goods]:
    if not given:
        return []
    if fault := home_rules.stock_fault("stock", batch.cause):
        faults.append(fault)
        return []
    asked = [
        codes.Request(
            viewer.organisation_code,
            line.item,
            line.lot or None,
            line.location,
            "TRANSIT",
            line.condition,
            line.condition,
            line.quantity,
        )
        for line in given
    ]
    wrong: list[Fault] = []
    found = await codes.postings(batch.warehouse_id, asked, wrong, path="stock")
    if wrong:
        faults += [Fault(_own_field(fault.field), fault.value, fault.sentence, fault.facts) for fault in wrong]
        return []
    goods = [
        Goods(
            field=f"stock.{number}.quantity",
            name=values.code_of(line.item),
            item_id=posting.item_id,
            lot_id=posting.lot_id,
            location_id=posting.source_id,
            condition=posting.condition,
            quantity=posting.quantity,
        )
        for number, (line, posting) in enumerate(zip(given, found, strict=True))
    ]
    faults += await _few(batch, goods)
    worked_on = await custody.worked_on(batch.warehouse_id, batch.owner_id, [each.item_id for each in goods])
    return [
        msgspec.structs.replace(each, original_state=None) if (each.item_id, each.lot_id) in worked_on else each
        for each in goods
    ]


def _own_field(field: str) -> str:
    """Where goods lie is the source of a posting, and the location of a line here."""
    return field.replace(".source", ".location").replace(".target_condition", ".condition")


async def _few(batch: Batch, goods: Sequence[Goods]) -> list[Fault]:
    """The faults of balances from which more is wanted than is free to go home; several lines of one are added up."""
    wanted: dict[tuple[int, int, int, int], int] = {}
    for each in goods:
        key = (each.item_id, each.lot_id, each.location_id, each.condition)
        wanted[key] = wanted.get(key, 0) + each.quantity
    if not wanted:
        return []
    columns = [list(column) for column in zip(*wanted, strict=True)]
    rows = await DB.fetch(SQL["free"], batch.warehouse_id, batch.owner_id, *columns)
    free = {key: row["free"] for key, row in zip(wanted, rows, strict=True)}
    faults = []
    for each in goods:
        key = (each.item_id, each.lot_id, each.location_id, each.condition)
        if wanted[key] > free[key]:
            faults.append(home_rules.few_fault(each.field, each.name, wanted[key], free[key]))
    return faults


async def _keep_lines(held: Held, goods: Sequence[Goods], found: Sequence[Eligibility], taxed_agreed: bool) -> None:
    rows = [
        (
            each.unit_id,
            each.item_id,
            each.lot_id,
            each.location_id,
            each.condition,
            each.quantity,
            msgspec.json.encode(said).decode(),
            held.viewer.user_id if taxed_agreed and said.tax == "taxed" else None,
        )
        for each, said in zip(goods, found, strict=True)
    ]
    batch = held.batch
    columns = [list(column) for column in zip(*rows, strict=True)]
    try:
        await DB.run(SQL["add_lines"], batch.warehouse_id, batch.id, batch.owner_id, *columns)
    except asyncpg.UniqueViolationError as error:
        raise home_rules.BatchChanged(number=batch.number) from error


async def remove(
    viewer: Viewer, batch_id: uuid.UUID, line_nos: Sequence[int], *, revision: int | None = None, request_key: str
) -> None:
    """Take lines out of an open batch; their goods stay where they are."""
    async with custody.take(viewer, batch_id, revision, request_key, ["remove", list(line_nos)]) as held:
        if held is None:
            return
        batch = held.batch
        custody.require_owner(viewer, batch)
        home_rules.require_stage(batch.stage, batch.number, Stage.OPEN)
        gone = {
            row["line_no"] for row in await DB.fetch(SQL["remove_lines"], batch.warehouse_id, batch.id, list(line_nos))
        }
        faults = [
            Fault("lines", number, N_("This batch has no line %(line)s."), {"line": number})
            for number in line_nos
            if number not in gone
        ]
        if not line_nos:
            faults.append(Fault("lines", "", N_("Choose the lines to take out.")))
        if faults:
            raise Invalid(faults)
        await held.keep("emptied", before={"lines": sorted(gone)})


# ------------------------------------------------------------------------------------------------------- moving it on


async def make_ready(viewer: Viewer, batch_id: uuid.UUID, *, revision: int | None = None, request_key: str) -> None:
    """Hand a filled batch over to the warehouse, which packs it."""
    async with custody.take(viewer, batch_id, revision, request_key, ["ready"]) as held:
        if held is None:
            return
        batch = held.batch
        custody.require_owner(viewer, batch)
        stage = home_rules.after(Step.READY, batch.stage, batch.number)
        await custody.judge_again(held, batch.plan, taxed_agreed=False)
        if not await DB.value(
            "select exists (select from home_line where warehouse_id = $1 and batch_id = $2)",
            batch.warehouse_id,
            batch.id,
        ):
            raise home_rules.NothingInIt(number=batch.number)
        made = await held.keep("made_ready", stage=stage)
        await custody.tell(made, made.operator_id, _READY, name=viewer.name, warehouse=made.warehouse)


async def reopen(
    viewer: Viewer, batch_id: uuid.UUID, *, note: str = "", revision: int | None = None, request_key: str
) -> None:
    """Take a batch that nobody has packed yet back to change it; the operator may send it back too, saying why."""
    async with custody.take(viewer, batch_id, revision, request_key, ["reopen", note]) as held:
        if held is None:
            return
        batch = held.batch
        stage = home_rules.after(Step.REOPEN, batch.stage, batch.number)
        if access_rules.runs_warehouse(viewer, batch.warehouse_id):
            access_rules.require(viewer, Right.HANDLE_RETURNS)
            home_rules.require_why(note)
            made = await held.keep("sent_back", after={"note": note}, stage=stage)
            sentence = N_("%(name)s sent batch %(number)s back to you: %(note)s")
            await custody.tell(made, made.owner_id, sentence, "warn", name=viewer.name, note=note)
            return
        custody.require_owner(viewer, batch)
        await held.keep("reopened", stage=stage)


async def cancel(
    viewer: Viewer, batch_id: uuid.UUID, *, note: str, revision: int | None = None, request_key: str
) -> None:
    """Cancel a batch that has not left: its goods stay, its units wait for another batch or decision."""
    async with custody.take(viewer, batch_id, revision, request_key, ["cancel", note]) as held:
        if held is None:
            return
        batch = held.batch
        custody.require_owner(viewer, batch)
        stage = home_rules.after(Step.CANCEL, batch.stage, batch.number)
        home_rules.require_why(note)
        await DB.run(SQL["end_lines"], batch.warehouse_id, batch.id)
        made = await held.keep("cancelled", before={"stage": batch.stage}, after={"note": note}, stage=stage)
        if batch.stage != Stage.OPEN:
            await custody.tell(made, made.operator_id, _CANCELLED, "warn", name=viewer.name)
