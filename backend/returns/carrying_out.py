"""What a decision becomes in the warehouse: put back, to the workshop, given away, destroyed; each one movement, undone by a reversal."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.charges import actions as charges
from backend.charges.actions import Step
from backend.charges.rules import Activity
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.files.actions import Evidence
from backend.repairs import actions as repairs
from backend.repairs import rules as repairs_rules
from backend.returns import decisions, goods, standing, steps
from backend.returns.receipt import columns
from backend.returns.rules import Disposition, UnitState
from backend.returns.standing import Unit
from backend.stock import actions as stock_actions
from backend.stock import queries as stock_queries
from backend.stock.ledger import Entry
from backend.stock.rules import Condition, Place, Posting, Reason, SameKeyOtherRequest
from backend.value_added import actions as value_added
from backend.value_added import rules as value_added_rules

SQL = blocks(Path(__file__).with_name("dispositions.sql"))
MOST_UNITS = 1000
LONGEST_TEXT = 200

_NO_BIN = N_("This warehouse has no bin “%(value)s”. Give the code of the bin that the goods are put into.")
_BIN_WANTED = N_("Say into which bin the goods are put.")
_METHOD_WANTED = N_("Say how the goods were destroyed, or to whom they were given.")
_PHOTO_WANTED = N_("Take a photo of the goods that are destroyed or given away first: it is the proof.")
_NOT_BROUGHT = N_("“%(value)s” is not a photo that your organisation has brought. Send the photo first.")
_TOO_MANY = N_("At most %(most)s units are carried out at once. Carry out the others afterwards.")
_WHY_UNDONE = N_("Say why it is undone.")
_ACTIVITIES = {
    Disposition.RESTOCK: Activity.RETURN_RESTOCK,
    Disposition.SECOND: Activity.RETURN_RESTOCK,
    Disposition.SCRAP: Activity.RETURN_SCRAP,
    Disposition.DONATE: Activity.RETURN_DONATION,
}
_OVER = frozenset({*(each.value for each in value_added_rules.ENDED - {value_added_rules.Stage.CLOSED}), "given_up"})


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The units for which their decision was carried out; `repeated` when the request key had done so before."""

    units: list[str]
    repeated: bool


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """How a decision is carried out: the bin for goods that are sold again; for goods that are destroyed or given away the
    method (or who got them), a witness, the place, and photos (hashes).
    """

    location: str = ""
    method: str = ""
    witness: str = ""
    place: str = ""
    photos: list[str] = []


class _Carried(msgspec.Struct, frozen=True, kw_only=True):
    """A unit with where its goods go."""

    unit: Unit
    kind: Disposition
    reason: Reason
    target_id: int
    condition: int
    document_id: uuid.UUID | None = None
    line_no: int = 1
    follow_up: str | None = None
    follow_up_id: uuid.UUID | None = None

    @property
    def posting(self) -> Posting:
        """The movement."""
        unit = self.unit
        return Posting(
            unit.owner_id,
            unit.item_id,
            unit.lot_id,
            unit.location_id,
            self.target_id,
            unit.condition,
            self.condition,
            unit.quantity,
        )

    @property
    def is_gone(self) -> bool:
        """Whether the goods are in the warehouse no more; their last place is kept then."""
        return self.kind in decisions.DESTROYED


async def carry_out(viewer: Viewer, units: Sequence[str], deed: Deed, *, request_key: str) -> Done:
    """Carry out what was decided for units of one warehouse, all of one kind: all of them or none.

    Each unit is one document of the ledger (what is destroyed or given away together is one for each owner, with a record
    of it). What is sold again goes to a bin, as good or as second grade; what is worked on goes to the workshop, where its
    work order or job begins. Goods that are held stay where they are (`HeldBack`); goods go home with a batch only.
    """
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    faults = steps.key_faults(request_key)
    if len(units) > MOST_UNITS:
        faults.append(Fault("units", len(units), _TOO_MANY, {"most": MOST_UNITS}))
    if faults:
        raise Invalid(faults)
    at = clock.now()
    request_hash = values.digest([[values.code_of(code) for code in units], deed])
    keys = [f"carry:{request_key}#{number}" for number in range(1, len(units) + 1)]
    async with goods.moving():
        found = await standing.handled(viewer, units)
        if found[0].state == UnitState.DISPOSED:
            before = await DB.fetch(SQL["carried_out_before"], found[0].warehouse_id, viewer.organisation_id, keys)
            if any(row["request_hash"] != request_hash for row in before):
                raise SameKeyOtherRequest(key=request_key)
            if before:
                return Done(units=[row["code"] for row in before], repeated=True)
        carried = await _planned(viewer, found, deed)
        carried, entries = _movements(carried, keys, request_hash)
        warehouse_id = carried[0].unit.warehouse_id
        if carried[0].kind in decisions.WORKED_ON:
            # Work orders and jobs look for their goods in the workshop.
            await goods.book(viewer, warehouse_id, entries)
            entries = []
        carried = await _go_on(viewer, carried, deed, request_key, at)
        await _keep(viewer, carried, at)
        await standing.moved([each.unit for each in carried], "done", at)
        await goods.book(viewer, warehouse_id, entries)
    return Done(units=[each.unit.code for each in carried], repeated=False)


async def undo(viewer: Viewer, unit: str, *, note: str) -> list[str]:
    """Undo what was carried out for a unit: the goods go back where they lay, and it is to be carried out again.

    What was destroyed or given away by one document comes back together; their codes. What goes on as a repair or a service
    is cancelled there first; what is charged is charged back.
    """
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    if faults := steps.why_fault("note", note, _WHY_UNDONE):
        raise Invalid(faults)
    at = clock.now()
    async with DB.transaction():
        (found,) = await standing.handled(viewer, [unit])
        if decisions.require_carried_out(found.code, found.state, found.disposition) is Disposition.SEND_HOME:
            raise decisions.GoesWithBatch(unit=found.code)
        assert found.document_id is not None
        rows = await DB.fetch(SQL["with_document"], found.warehouse_id, found.document_id)
        units = await standing.handled(viewer, [row["code"] for row in rows])
        rows = await DB.fetch(SQL["with_document"], found.warehouse_id, found.document_id)
        for row in rows:
            if row["refunded"]:
                raise decisions.Refunded(unit=row["code"])
            if (row["order_stage"] or row["job_stage"] or "cancelled") not in _OVER:
                raise decisions.GoesOn(unit=row["code"], number=row["order_number"] or row["job_number"])
        lines = await stock_queries.document_postings(found.warehouse_id, found.document_id)
        await goods.undone(stock_actions.undo(viewer, found.warehouse_id, found.document_id, note=note))
        back = [(row["id"], values.new_id(), *_lay(lines, row["line_no"])) for row in rows]
        await DB.run(SQL["undo"], found.warehouse_id, *columns(back, 4), viewer.user_id, at, note)
        for row in rows:
            await charges.charge_back(found.warehouse_id, "disposition", row["id"], at)
        codes = [row["code"] for row in rows]
        for given in (await standing.follow({each.rma_id for each in units}, at)).values():
            after = {"units": [each.code for each in units if each.rma_id == given.id], "note": note}
            await journal.write(
                viewer, "return.disposition_undone", "return", given.id, after=after, warehouse_id=given.warehouse_id
            )
    return codes


def _lay(lines: Sequence[Posting], line_no: int | None) -> tuple[int, int]:
    """Where goods lay, and in which condition, before a line of a document moved them."""
    line = lines[(line_no or 1) - 1]
    return line.source_id, line.condition


async def _planned(viewer: Viewer, found: Sequence[Unit], deed: Deed) -> list[_Carried]:
    """Where every unit goes; refuses every bad field at once."""
    kinds = {decisions.require_decided(each.code, each.state, each.disposition) for each in found}
    if len(kinds) > 1:
        raise Invalid([Fault("units", "", decisions.SEVERAL_WAYS)])
    kind = kinds.pop()
    if kind is Disposition.SEND_HOME:
        raise decisions.GoesWithBatch(unit=found[0].code)
    warehouse_id = found[0].warehouse_id
    if any(each.warehouse_id != warehouse_id for each in found):
        raise Invalid([Fault("units", "", decisions.SEVERAL_PLACES)])
    faults: list[Fault] = []
    target_id = await _target(warehouse_id, kind, deed, faults)
    if kind in decisions.DESTROYED:
        faults += await _proof_faults(viewer, deed)
    if faults:
        raise Invalid(faults)
    conditions = {Disposition.RESTOCK: Condition.GOOD, Disposition.SECOND: Condition.SECOND}
    return [
        _Carried(
            unit=each,
            kind=kind,
            reason={Disposition.SCRAP: Reason.SCRAP, Disposition.DONATE: Reason.DONATION}.get(kind, Reason.MOVE),
            target_id=target_id,
            condition=int(conditions.get(kind, each.condition)),
        )
        for each in found
    ]


async def _target(warehouse_id: int, kind: Disposition, deed: Deed, faults: list[Fault]) -> int:
    if kind in decisions.DESTROYED:
        return int(Place.SCRAP)
    code = "WORKSHOP" if kind in decisions.WORKED_ON else values.code_of(deed.location)
    if not code:
        faults.append(Fault("location", "", _BIN_WANTED))
        return 0
    row = await DB.row(SQL["places"], warehouse_id, [code])
    if row is None or (row["kind"] == "workshop") != (kind in decisions.WORKED_ON):
        faults.append(Fault("location", deed.location, _NO_BIN, {"value": deed.location[:64]}))
        return 0
    return int(row["id"])


async def _proof_faults(viewer: Viewer, deed: Deed) -> list[Fault]:
    faults = [] if deed.method.strip() else [Fault("method", deed.method, _METHOD_WANTED)]
    for field in ("method", "witness", "place"):
        faults += steps.length_faults(field, getattr(deed, field), LONGEST_TEXT)
    known = set(await files_queries.photos_among(viewer, deed.photos)) if deed.photos else set()
    if not deed.photos:
        faults.append(Fault("photos", 0, _PHOTO_WANTED))
    faults += [
        Fault("photos", digest[:64], _NOT_BROUGHT, {"value": digest[:64]})
        for digest in deed.photos
        if digest not in known
    ]
    return faults


def _movements(
    carried: Sequence[_Carried], keys: Sequence[str], request_hash: bytes
) -> tuple[list[_Carried], list[Entry]]:
    """The units with the document that moves each, one for each unit, or one for each owner of goods that are gone."""
    if carried[0].is_gone:
        by_owner = sorted(carried, key=lambda each: each.unit.owner_id)
        groups = [list(group) for _, group in groupby(by_owner, key=lambda each: each.unit.owner_id)]
    else:
        groups = [[each] for each in carried]
    entries = [
        Entry(
            reason=group[0].reason,
            postings=[each.posting for each in group],
            request_key=key,
            request_hash=request_hash,
            reference=group[0].unit.number,
            document_id=values.new_id(),
        )
        for group, key in zip(groups, keys, strict=False)
    ]
    moved = [
        msgspec.structs.replace(each, document_id=entry.document_id, line_no=line_no)
        for group, entry in zip(groups, entries, strict=True)
        for line_no, each in enumerate(group, 1)
    ]
    return moved, entries


async def _go_on(
    viewer: Viewer, carried: Sequence[_Carried], deed: Deed, request_key: str, at: datetime
) -> list[_Carried]:
    """What begins because of it: the records of what is gone, work orders, jobs."""
    kind = carried[0].kind
    if kind in decisions.DESTROYED:
        return await _destroyed(viewer, carried, deed, at)
    if kind is Disposition.REPAIR:
        return await _repairs(viewer, carried, request_key, at)
    if kind is Disposition.RELABEL:
        return [await _relabelled(viewer, each, request_key, at) for each in carried]
    return list(carried)


async def _destroyed(viewer: Viewer, carried: Sequence[_Carried], deed: Deed, at: datetime) -> list[_Carried]:
    warehouse_id = carried[0].unit.warehouse_id
    records = {each.document_id: (values.new_id(), each.unit.owner_id) for each in carried}
    rows = [(record, values.new_number("D"), owner_id, document) for document, (record, owner_id) in records.items()]
    await DB.run(
        SQL["destroy"],
        warehouse_id,
        carried[0].kind,
        deed.method.strip(),
        deed.witness.strip(),
        deed.place.strip(),
        at,
        viewer.user_id,
        at,
        *columns(rows, 4),
    )
    evidence = [Evidence(owner_id, record, deed.photos) for record, owner_id in records.values()]
    await files_actions.attach_each(viewer, evidence, warehouse_id=warehouse_id, subject="destruction")
    return [
        msgspec.structs.replace(each, follow_up="destruction", follow_up_id=records[each.document_id][0])
        for each in carried
    ]


async def _repairs(viewer: Viewer, carried: Sequence[_Carried], request_key: str, at: datetime) -> list[_Carried]:
    warehouse_id = carried[0].unit.warehouse_id
    rows = await DB.fetch(SQL["repair_facts"], warehouse_id, [each.unit.id for each in carried])
    known = {row["id"]: row for row in rows}
    opened = []
    for each in carried:
        unit, facts = each.unit, known[each.unit.id]
        order_id = await repairs.open_order(
            viewer,
            warehouse_id=warehouse_id,
            owner_id=unit.owner_id,
            item_id=unit.item_id,
            lot_id=unit.lot_id,
            condition=each.condition,
            serial=unit.serial,
            unit_code=unit.code,
            return_unit_id=unit.id,
            fault=str(facts["fault"])[: repairs_rules.LONGEST_TEXT],
            request_key=f"{request_key}:{unit.code}",
            at=at,
            reference=unit.number,
            sold_at=facts["sold_at"],
        )
        opened.append(msgspec.structs.replace(each, follow_up="work_order", follow_up_id=order_id))
    return opened


async def _relabelled(viewer: Viewer, each: _Carried, request_key: str, at: datetime) -> _Carried:
    unit = each.unit
    job = await value_added.request_from_return(
        viewer,
        warehouse_id=unit.warehouse_id,
        owner_id=unit.owner_id,
        item_id=unit.item_id,
        lot_id=unit.lot_id,
        condition=each.condition,
        quantity=unit.quantity,
        unit_code=unit.code,
        return_unit_id=unit.id,
        note=unit.decision_note or "",
        request_key=f"{request_key}:{unit.code}",
        at=at,
    )
    return msgspec.structs.replace(each, follow_up="service_job", follow_up_id=job.id)


async def _keep(viewer: Viewer, carried: Sequence[_Carried], at: datetime) -> None:
    warehouse_id = carried[0].unit.warehouse_id
    rows = [
        (
            each.unit.disposition_id,
            each.document_id,
            each.line_no,
            each.follow_up,
            each.follow_up_id,
            each.unit.location_id if each.is_gone else each.target_id,
            each.condition,
            each.kind in decisions.WORKED_ON,
        )
        for each in carried
    ]
    await DB.write(SQL["carry_out"], warehouse_id, *columns(rows, 8), viewer.user_id, at)
    await charges.record(
        *(
            Step(
                warehouse_id=warehouse_id,
                owner_id=each.unit.owner_id,
                activity=_ACTIVITIES[each.kind],
                quantity=each.unit.quantity,
                source="disposition",
                source_id=each.unit.disposition_id,
                number=each.unit.number,
                occurred_at=at,
            )
            for each in carried
            if each.kind in _ACTIVITIES and each.unit.disposition_id is not None
        )
    )
