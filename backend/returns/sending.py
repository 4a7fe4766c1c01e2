"""What happens to batches home in the warehouse and on the way: packed, sent through TRANSIT, arrived in China, and undone."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.charges import actions as charges
from backend.charges.actions import Step as Charged
from backend.charges.rules import Activity
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotAllowed
from backend.core.text import N_
from backend.returns import batches, custody, decisions, home_rules, standing
from backend.returns.custody import Batch, Held
from backend.returns.home_rules import Packed, Step
from backend.stock import actions as stock_actions
from backend.stock import codes, ledger
from backend.stock.rules import NotEnoughFree, Place, Posting, Reason, time_faults

SQL = blocks(Path(__file__).with_name("sending.sql"))
LONGEST_TEXT = 200
LONGEST_DECLARATION = 40
_PACKED = N_("Batch %(number)s is packed. Pieces: %(packed)s of %(pieces)s.")
_SENT = N_("Batch %(number)s has left warehouse %(warehouse)s and is on its way home. Pieces: %(pieces)s.")
_ARRIVED = N_("Batch %(number)s has arrived. Pieces: %(arrived)s of %(pieces)s.")
_SHORT = N_("Batch %(number)s has arrived short. Pieces: %(arrived)s of %(pieces)s. The others stay in transit.")
_BACK = N_("%(name)s undid a step of batch %(number)s: %(note)s")
_NO_PLACE = N_("This warehouse has no location “%(value)s” that holds goods. Use one of its bins or docks.")


async def pack(
    viewer: Viewer,
    batch_id: uuid.UUID,
    lines: Sequence[Packed],
    *,
    revision: int | None = None,
    request_key: str,
) -> None:
    """Confirm, as the warehouse, what was put in of every line: at most as many pieces as planned, a unit as a whole or not.

    A line's `location` says where its goods were taken from if they lay elsewhere by then.
    """
    asked = ["pack", [[line.line_no, line.quantity, line.location] for line in lines]]
    async with custody.take(viewer, batch_id, revision, request_key, asked) as held:
        if held is None:
            return
        batch = held.batch
        _require_operator(viewer, batch)
        stage = home_rules.after(Step.PACK, batch.stage, batch.number)
        rows = await _live(batch)
        expected = {row["line_no"]: (row["quantity"], row["unit_id"] is not None) for row in rows}
        given = [(line.line_no, line.quantity) for line in lines]
        faults = home_rules.counted_faults(expected, given, whole_units=True)
        places = await _places(batch, lines, faults)
        if faults:
            raise Invalid(faults)
        packed = sum(line.quantity for line in lines)
        if not packed:
            raise home_rules.NothingInIt(number=batch.number)
        await DB.run(
            SQL["packed"],
            batch.warehouse_id,
            batch.id,
            [line.line_no for line in lines],
            [line.quantity for line in lines],
            [places.get(values.code_of(line.location)) for line in lines],
        )
        made = await held.keep("packed", after={"lines": given}, stage=stage, packed_at=held.at)
        pieces = sum(row["quantity"] for row in rows)
        level = "neutral" if packed == pieces else "warn"
        await custody.tell(made, made.owner_id, _PACKED, level, packed=packed, pieces=pieces)


async def unpack(
    viewer: Viewer, batch_id: uuid.UUID, *, note: str, revision: int | None = None, request_key: str
) -> None:
    """Undo the packing, as the warehouse, to count again or to send the batch back to its owner."""
    async with custody.take(viewer, batch_id, revision, request_key, ["unpack", note]) as held:
        if held is None:
            return
        batch = held.batch
        _require_operator(viewer, batch)
        stage = home_rules.after(Step.UNPACK, batch.stage, batch.number)
        home_rules.require_why(note)
        await DB.run(SQL["unpacked"], batch.warehouse_id, batch.id)
        made = await held.keep("unpacked", after={"note": note}, stage=stage, packed_at=None)
        await custody.tell(made, made.owner_id, _BACK, name=viewer.name, note=note)


async def dispatch(
    viewer: Viewer,
    batch_id: uuid.UUID,
    *,
    carrier: str = "",
    transport_no: str = "",
    occurred_at: datetime | None = None,
    revision: int | None = None,
    request_key: str,
) -> None:
    """Let a packed batch leave: one document takes every line from its location to TRANSIT, in the condition it has.

    The law is asked once more: what may not go home any more, or only taxed without an agreement, keeps it here
    (`NotForHome`); so do goods that are held, promised or not there (`NotEnoughFree`). The decisions of its units are
    carried out by this document.
    """
    asked = ["dispatch", carrier, transport_no, occurred_at]
    async with custody.take(viewer, batch_id, revision, request_key, asked) as held:
        if held is None:
            return
        batch = held.batch
        _require_operator(viewer, batch)
        stage = home_rules.after(Step.DISPATCH, batch.stage, batch.number)
        faults: list[Fault] = []
        home_rules.long_fault("carrier", carrier, LONGEST_TEXT, faults)
        home_rules.long_fault("transport_no", transport_no, LONGEST_TEXT, faults)
        if faults:
            raise Invalid(faults)
        rows = [row for row in await _live(batch) if row["packed"]]
        rma_ids = sorted({row["rma_id"] for row in rows if row["rma_id"]})
        await standing.lock_returns(rma_ids)
        await custody.judge_again(held, batch.plan, taxed_agreed=False, left_behind=True)
        at = occurred_at or held.at
        document_id = await _post(
            held, Reason.DISPATCH, rows, "packed", lambda row: (row["location_id"], int(Place.TRANSIT)), at
        )
        await _send_units(held, rows, document_id, at)
        await DB.run(SQL["leave_behind"], batch.warehouse_id, batch.id)
        await charges.record(*(_charge(batch, row, number, document_id, at) for number, row in enumerate(rows, 1)))
        made = await held.keep(
            "sent",
            after={"document": document_id, "carrier": carrier, "transport_no": transport_no},
            stage=stage,
            carrier=carrier,
            transport_no=transport_no,
            dispatch_document_id=document_id,
            sent_at=at,
        )
        await standing.follow(rma_ids, held.at)
        pieces = sum(row["packed"] for row in rows)
        await custody.tell(made, made.owner_id, _SENT, warehouse=made.warehouse, pieces=pieces)


async def undo_dispatch(
    viewer: Viewer, batch_id: uuid.UUID, *, note: str, revision: int | None = None, request_key: str
) -> None:
    """Undo the leaving of a batch by a reversal: its goods lie where they were taken from, its units wait again."""
    async with custody.take(viewer, batch_id, revision, request_key, ["undo_dispatch", note]) as held:
        if held is None:
            return
        batch = held.batch
        _require_operator(viewer, batch)
        stage = home_rules.after(Step.UNDO_DISPATCH, batch.stage, batch.number)
        home_rules.require_why(note)
        document_id = batch.dispatch_document_id
        assert document_id is not None
        rows = [row for row in await _live(batch) if row["packed"]]
        rma_ids = sorted({row["rma_id"] for row in rows if row["rma_id"]})
        await standing.lock_returns(rma_ids)
        units = [row["unit_id"] for row in rows if row["unit_id"]]
        if units and (code := await DB.value(SQL["refunded"], batch.warehouse_id, units)):
            raise decisions.Refunded(unit=code)
        await stock_actions.undo(viewer, batch.warehouse_id, document_id, note=note)
        if units:
            await DB.fetch(
                SQL["bring_units_back"],
                batch.warehouse_id,
                units,
                document_id,
                viewer.user_id,
                held.at,
                note,
            )
        await charges.charge_back(batch.warehouse_id, "dispatch", document_id, held.at)
        before = {"document": document_id, "sent_at": batch.sent_at}
        made = await held.keep(
            "dispatch_undone",
            before=before,
            after={"note": note},
            stage=stage,
            dispatch_document_id=None,
            sent_at=None,
        )
        await standing.follow(rma_ids, held.at)
        await custody.tell(made, made.owner_id, _BACK, "warn", name=viewer.name, note=note)


async def confirm_arrival(
    viewer: Viewer,
    batch_id: uuid.UUID,
    arrived: Sequence[tuple[int, int]],
    *,
    return_declaration_no: str = "",
    occurred_at: datetime | None = None,
    revision: int | None = None,
    request_key: str,
) -> None:
    """Confirm, as the owner or the warehouse, what arrived of every line (line, pieces): one document TRANSIT to ORIGIN.

    What did not arrive stays in transit and is shown with the batch.
    """
    asked = ["arrive", [list(each) for each in arrived], return_declaration_no, occurred_at]
    async with custody.take(viewer, batch_id, revision, request_key, asked) as held:
        if held is None:
            return
        batch = held.batch
        _require_party(viewer, batch)
        stage = home_rules.after(Step.ARRIVE, batch.stage, batch.number)
        rows = [row for row in await _live(batch) if row["packed"]]
        expected = {row["line_no"]: (row["packed"], False) for row in rows}
        faults = home_rules.counted_faults(expected, arrived, whole_units=False)
        home_rules.long_fault("return_declaration_no", return_declaration_no, LONGEST_DECLARATION, faults)
        at = occurred_at or held.at
        unclear = time_faults("occurred_at", at, held.at)
        faults += unclear
        if not unclear and batch.sent_at is not None and at < batch.sent_at:
            sentence = N_("The batch left at %(sent)s. Give a later time for its arrival.")
            sent = batch.sent_at.isoformat(timespec="minutes")
            faults.append(Fault("occurred_at", at.isoformat(), sentence, {"sent": sent}))
        if not faults and not any(quantity for _, quantity in arrived):
            faults.append(Fault("", 0, N_("Nothing has arrived by these numbers. Give what arrived.")))
        if faults:
            raise Invalid(faults)
        came = dict(arrived)
        counted = [{**row, "arrived": came[row["line_no"]]} for row in rows if came[row["line_no"]]]
        document_id = await _post(
            held, Reason.ARRIVAL, counted, "arrived", lambda row: (int(Place.TRANSIT), int(Place.ORIGIN)), at
        )
        await DB.run(SQL["arrived"], batch.warehouse_id, batch.id, list(came), list(came.values()))
        made = await held.keep(
            "arrived",
            after={"document": document_id, "lines": list(arrived), "return_declaration_no": return_declaration_no},
            stage=stage,
            arrival_document_id=document_id,
            arrived_at=at,
            return_declaration_no=return_declaration_no,
        )
        await _tell_of_arrival(viewer, made, sum(row["packed"] for row in rows), sum(came.values()))


async def undo_arrival(
    viewer: Viewer, batch_id: uuid.UUID, *, note: str, revision: int | None = None, request_key: str
) -> None:
    """Undo a confirmed arrival by a reversal: the goods are in transit again."""
    async with custody.take(viewer, batch_id, revision, request_key, ["undo_arrival", note]) as held:
        if held is None:
            return
        batch = held.batch
        _require_party(viewer, batch)
        stage = home_rules.after(Step.UNDO_ARRIVAL, batch.stage, batch.number)
        home_rules.require_why(note)
        document_id = batch.arrival_document_id
        assert document_id is not None
        await stock_actions.undo(viewer, batch.warehouse_id, document_id, note=note)
        await DB.run(SQL["not_arrived"], batch.warehouse_id, batch.id)
        made = await held.keep(
            "arrival_undone",
            before={"document": document_id, "return_declaration_no": batch.return_declaration_no},
            after={"note": note},
            stage=stage,
            arrival_document_id=None,
            arrived_at=None,
            return_declaration_no="",
        )
        await custody.tell(made, _other(viewer, made), _BACK, "warn", name=viewer.name, note=note)


# ---------------------------------------------------------------------------------------------------------- one by one


def _require_operator(viewer: Viewer, batch: Batch) -> None:
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    if not access_rules.runs_warehouse(viewer, batch.warehouse_id):
        raise NotAllowed


def _require_party(viewer: Viewer, batch: Batch) -> None:
    if access_rules.runs_warehouse(viewer, batch.warehouse_id):
        access_rules.require(viewer, Right.HANDLE_RETURNS)
        return
    access_rules.require(viewer, Right.BOOK_RETURNS)
    if not access_rules.owns(viewer, batch.owner_id):
        raise NotAllowed


def _other(viewer: Viewer, batch: Batch) -> int:
    """The other party: the owner for the warehouse, the operator for the owner."""
    return batch.owner_id if access_rules.runs_warehouse(viewer, batch.warehouse_id) else batch.operator_id


async def _live(batch: Batch) -> list[asyncpg.Record]:
    rows = await DB.fetch(batches.SQL["lines"], batch.warehouse_id, batch.id)
    return sorted((row for row in rows if row["live"]), key=lambda row: int(row["line_no"]))


async def _places(batch: Batch, lines: Sequence[Packed], faults: list[Fault]) -> dict[str, int]:
    """The ids of the locations that were named, by code; unknown ones become faults."""
    named = {values.code_of(line.location) for line in lines if line.location}
    rows = await DB.fetch(codes.SQL["locations"], batch.warehouse_id, list(named)) if named else []
    found = {row["code"]: row["id"] for row in rows}
    for line in lines:
        if line.location and values.code_of(line.location) not in found:
            field = f"lines.{line.line_no}.location"
            faults.append(Fault(field, line.location, _NO_PLACE, {"value": line.location}))
    return found


async def _post(
    held: Held,
    reason: Reason,
    rows: Sequence[Mapping[str, Any]],
    counted: str,
    ends: Callable[[Mapping[str, Any]], tuple[int, int]],
    at: datetime,
) -> uuid.UUID:
    """One document for these lines, line by line; what is short is named by the lines of the batch."""
    batch = held.batch
    postings = [
        Posting(
            batch.owner_id,
            row["item_id"],
            row["lot_id"],
            *ends(row),
            row["condition"],
            row["condition"],
            row[counted],
        )
        for row in rows
    ]
    try:
        posted = await ledger.post(
            ledger.actor_of(held.viewer),
            batch.warehouse_id,
            reason,
            postings,
            request_key=f"batch:{batch.id}:{batch.revision}",
            request_hash=values.digest([reason, postings]),
            occurred_at=at,
            reference=batch.number,
        )
    except NotEnoughFree as refusal:
        raise NotEnoughFree(
            [
                Fault(
                    f"lines.{rows[int(fault.field.split('.')[1])]['line_no']}.quantity",
                    fault.value,
                    fault.sentence,
                    fault.facts,
                )
                for fault in refusal.faults
            ]
        ) from refusal
    return posted.document_id


async def _send_units(held: Held, rows: Sequence[Mapping[str, Any]], document_id: uuid.UUID, at: datetime) -> None:
    """Carry out the decisions of the units among these lines; refuses when one of them changed its mind meanwhile."""
    batch = held.batch
    going = [(row["unit_id"], number) for number, row in enumerate(rows, 1) if row["unit_id"]]
    if not going:
        return
    units, numbers = (list(column) for column in zip(*going, strict=True))
    gone = await DB.fetch(
        SQL["send_units"], batch.warehouse_id, units, numbers, held.viewer.user_id, document_id, at, batch.id
    )
    if sum(row["units"] for row in gone) != len(units):
        raise home_rules.BatchChanged(number=batch.number)


def _charge(batch: Batch, row: Mapping[str, Any], number: int, document_id: uuid.UUID, at: datetime) -> Charged:
    return Charged(
        warehouse_id=batch.warehouse_id,
        owner_id=batch.owner_id,
        activity=Activity.RETURN_HOME,
        quantity=row["packed"],
        source="dispatch",
        source_id=document_id,
        source_line=number,
        number=batch.number,
        occurred_at=at,
    )


async def _tell_of_arrival(viewer: Viewer, batch: Batch, pieces: int, arrived: int) -> None:
    """The other party hears of an arrival; of a short one both do."""
    short = arrived < pieces
    parties: Iterable[int] = (batch.owner_id, batch.operator_id) if short else (_other(viewer, batch),)
    for organisation_id in parties:
        await custody.tell(
            batch,
            organisation_id,
            _SHORT if short else _ARRIVED,
            "warn" if short else "neutral",
            arrived=arrived,
            pieces=pieces,
        )
