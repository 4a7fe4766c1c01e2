"""What happens at the dock: parcels arrive, goods are received into quarantine, the rest does not come, a receipt is reversed."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.charges import actions as charges
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_, Word
from backend.messages import actions as messages
from backend.returns import arrivals, goods, rules, standing, steps
from backend.returns.arrivals import Arrived, ExpectedLine, Sorted
from backend.returns.receipt import Head, Line, Receipt, Received, line_of
from backend.returns.rules import STAGE_NAMES, Stage
from backend.returns.standing import Return
from backend.stock import actions as stock_actions
from backend.stock import codes
from backend.stock.rules import Reason, SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("receiving.sql"))
_SURPLUS = N_(
    "More came with return %(number)s than was booked: %(pieces)s pieces. They lie in quarantine and are investigated."
)
_MISSING = N_("Of return %(number)s, %(pieces)s pieces did not come. The warehouse has closed the receipt.")
_WHY_REVERSED = N_("Say why the receipt is reversed.")
_WHY_MISSING = N_("Say how it is known that nothing more comes, e.g. what the carrier said.")


async def receive(
    viewer: Viewer,
    warehouse: str,
    number: str,
    arrived: Sequence[Arrived],
    *,
    request_key: str,
    parcel_no: int | None = None,
    surplus: bool = False,
) -> Received:
    """Take pieces of a return in: into quarantine at the dock, each piece a unit with a code.

    More than is expected is refused, unless `surplus` takes it in on lines of their own, which are investigated. The
    pieces are booked as one document (two, where goods of a buyer and unsold goods come together).
    """
    asked = values.digest([values.code_of(number), list(arrived), parcel_no, surplus])
    return await _receive(viewer, warehouse, number, list(arrived), request_key, asked, parcel_no, surplus)


async def receive_all(
    viewer: Viewer, warehouse: str, number: str, *, request_key: str, parcel_no: int | None = None
) -> Received:
    """Take in everything that is still expected of a return, as it was booked."""
    asked = values.digest([values.code_of(number), "all", parcel_no])
    return await _receive(viewer, warehouse, number, None, request_key, asked, parcel_no, False)


async def _receive(
    viewer: Viewer,
    warehouse: str,
    number: str,
    arrived: list[Arrived] | None,
    request_key: str,
    request_hash: bytes,
    parcel_no: int | None,
    surplus: bool,
) -> Received:
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    if faults := steps.key_faults(request_key):
        raise Invalid(faults)
    at = clock.now()
    async with goods.moving():
        rma_id = await locked(viewer, warehouse_id, number)
        keys = {Reason.RETURN: f"receipt:{request_key}", Reason.MOVE: f"receipt:move:{request_key}"}
        rows = await DB.fetch(SQL["expected"], warehouse_id, rma_id, viewer.organisation_id, list(keys.values()))
        head = Head.of(rows[0])
        if head.documents:
            if head.request_hash != request_hash:
                raise SameKeyOtherRequest(key=request_key)
            return head.received(await DB.fetch(SQL["received_units"], warehouse_id, head.documents, rma_id), True)
        require_open(head.number, head.stage)
        if parcel_no is not None and parcel_no not in head.parcels:
            raise arrivals.NoSuchParcel(number=head.number, parcel=parcel_no)
        lines = {row["line_no"]: line_of(row) for row in rows}
        sorted_out = _sorted_out(head.number, lines, arrived, surplus)
        await _check_serials(head.owner_id, lines, sorted_out)
        made = Receipt(head, lines, sorted_out)
        entries = await made.keep(viewer, keys, request_hash, parcel_no, at)
        after = await standing.follow([rma_id], at)
        await made.charge(at)
        if made.surplus:
            await _tell(after[rma_id], _SURPLUS, made.surplus)
        await goods.book(viewer, warehouse_id, entries)
    return head.received([{"code": code} for code in made.codes], False)


async def arrive(viewer: Viewer, warehouse: str, number: str, *, parcel_no: int | None = None) -> int:
    """A parcel of a return is at the dock, not unpacked yet: the clock of receiving begins. Its number.

    Without a `parcel_no`: the only one that is on its way, or of a return without parcels its first.
    """
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    at = clock.now()
    async with DB.transaction():
        rma_id = await locked(viewer, warehouse_id, number)
        before = (await standing.returns([rma_id]))[rma_id]
        require_open(before.number, before.stage)
        known = await DB.fetch(SQL["parcels"], warehouse_id, rma_id)
        if parcel_no is None:
            coming = [row["parcel_no"] for row in known if row["arrived_at"] is None]
            if len(coming) > 1:
                raise arrivals.WhichParcel(number=before.number)
            if not coming and known:
                return int(known[-1]["parcel_no"])
            parcel_no = coming[0] if coming else 1
        elif parcel_no not in [row["parcel_no"] for row in known]:
            raise arrivals.NoSuchParcel(number=before.number, parcel=parcel_no)
        if await DB.value(SQL["arrive"], warehouse_id, rma_id, parcel_no, at, viewer.user_id) is not None:
            after = {"parcel": parcel_no}
            await journal.write(viewer, "return.arrived", "return", rma_id, after=after, warehouse_id=warehouse_id)
            await standing.follow([rma_id], at)
    return parcel_no


async def close_receipt(viewer: Viewer, warehouse: str, number: str, *, note: str) -> int:
    """What is still outstanding of a return does not come any more; how many pieces. Its owner hears of it."""
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    if faults := steps.why_fault("note", note, _WHY_MISSING):
        raise Invalid(faults)
    at = clock.now()
    async with DB.transaction():
        rma_id = await locked(viewer, warehouse_id, number)
        before = (await standing.returns([rma_id]))[rma_id]
        require_open(before.number, before.stage)
        pieces: int = await DB.value(SQL["miss"], warehouse_id, rma_id, at)
        if not pieces:
            raise arrivals.NothingOutstanding(number=values.code_of(number))
        after = {"pieces": pieces, "note": note}
        await journal.write(viewer, "return.receipt_closed", "return", rma_id, after=after, warehouse_id=warehouse_id)
        found = await standing.follow([rma_id], at)
        await _tell(found[rma_id], _MISSING, pieces)
    return pieces


async def reverse_receipt(viewer: Viewer, unit: str, *, note: str) -> list[str]:
    """Undo the receipt that a unit came in with, before anything of it is graded; the codes of its units.

    The goods go back where they came from, may come once more, and what was charged is charged back.
    """
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    if faults := steps.why_fault("note", note, _WHY_REVERSED):
        raise Invalid(faults)
    at = clock.now()
    async with DB.transaction():
        (found,) = await standing.handled(viewer, [unit])
        if found.state == rules.UnitState.REVERSED:
            raise steps.ReceiptReversed(unit=found.code)
        document_id = found.receipt_document_id
        units = await DB.fetch(SQL["receipt"], found.warehouse_id, document_id)
        if graded := [row["code"] for row in units if row["state"] != rules.UnitState.RECEIVED]:
            raise arrivals.AlreadyGraded(unit=graded[0])
        await goods.undone(stock_actions.undo(viewer, found.warehouse_id, document_id, note=note))
        await DB.run(SQL["unreceive"], found.warehouse_id, document_id)
        await charges.charge_back(found.warehouse_id, "receipt", document_id, at)
        reversed_units = [row["code"] for row in units]
        await journal.write(
            viewer,
            "return.receipt_reversed",
            "return",
            found.rma_id,
            after={"units": reversed_units, "note": note},
            warehouse_id=found.warehouse_id,
        )
        await standing.follow([found.rma_id], at)
    return reversed_units


def require_open(number: str, stage: str) -> None:
    """Goods of a return in this stage may be received."""
    if stage in (Stage.CLOSED, Stage.CANCELLED):
        raise arrivals.ReturnOver(number=number, stage=Word(STAGE_NAMES[Stage(stage)]))


async def locked(viewer: Viewer, warehouse_id: int, number: str) -> uuid.UUID:
    """The return of a number, which this warehouse expects; held until the transaction ends."""
    code = values.code_of(number)
    row = await DB.row(SQL["lock_number"], code)
    if row is None:
        raise rules.NoSuchReturn
    if row["warehouse_id"] != warehouse_id:
        if not access_rules.runs_warehouse(viewer, row["warehouse_id"]):
            raise arrivals.NotExpectedHere(number=code)
        place = (await standing.returns([row["id"]]))[row["id"]]
        raise arrivals.ExpectedElsewhere(number=code, warehouse=place.warehouse)
    found: uuid.UUID = row["id"]
    return found


def _sorted_out(number: str, lines: dict[int, Line], arrived: list[Arrived] | None, surplus: bool) -> list[Sorted]:
    expected = {line_no: line.expected for line_no, line in lines.items()}
    if arrived is None:
        arrived = [_rest(line) for line in expected.values() if line.open > 0]
        if not arrived:
            raise arrivals.NothingOutstanding(number=number)
    faults: list[Fault] = []
    found = arrivals.sort_out(number, expected, arrived, surplus=surplus, faults=faults)
    if faults:
        raise Invalid(faults)
    return found


def _rest(line: ExpectedLine) -> Arrived:
    """Everything that a line still expects."""
    serials = [serial for serial in line.serials if serial not in line.here][: line.open]
    return Arrived(line_no=line.line_no, quantity=line.open, serials=serials)


async def _check_serials(owner_id: int, lines: dict[int, Line], found: Sequence[Sorted]) -> None:
    pairs = [
        (lines[each.line_no].item_id, serial) for each in found for serial in [*each.serials, *each.surplus_serials]
    ]
    if not pairs:
        return
    items, serials = zip(*pairs, strict=True)
    row = await DB.row(SQL["serials_here"], owner_id, list(items), list(serials))
    if row is not None:
        raise arrivals.SerialHere(serial=row["serial"], unit=row["code"])


async def _tell(given: Return, sentence: str, pieces: int) -> None:
    await messages.notify_all(
        [
            messages.News(
                organisation_id=given.owner_id,
                level="warn",
                sentence=sentence,
                facts={"number": given.number, "pieces": pieces},
                href=messages.path_of("return", given.id),
            )
        ]
    )
