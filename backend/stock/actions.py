"""What happens to stock: posting documents, holding and releasing, reserving, reversing, registering lots."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_, Word
from backend.stock import codes, ledger, queries, rules
from backend.stock.rules import Condition, HoldReason, Posting, Reason

SQL = blocks(Path(__file__).with_name("actions.sql"))
LONGEST_TEXT = 500
LONGEST_RESERVATION = timedelta(days=90)
LONGEST_KEY = 200


class LotExists(Conflict):
    """An item has one lot of a code."""

    sentence: ClassVar[str] = N_("Item %(item)s has a lot “%(lot)s” already. Use it, or choose another code.")


class Reserved(msgspec.Struct, frozen=True):
    """A reservation that was made, or had been made under the same key."""

    id: uuid.UUID
    repeated: bool


async def post_document(
    viewer: Viewer,
    warehouse: str,
    reason: str,
    lines: Sequence[codes.Request],
    *,
    request_key: str,
    request_hash: bytes,
    occurred_at: datetime | None = None,
    reference: str = "",
    note: str = "",
) -> ledger.Posted:
    """Book a document given in codes; refuses every bad line at once (`Invalid`), nothing half done."""
    access_rules.require(viewer, Right.POST_STOCK)
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    faults: list[Fault] = []
    why = Reason.__members__.get(reason)
    if why not in rules.BOOKED_ALONE:
        choices = [each.name for each in Reason if each in rules.BOOKED_ALONE]
        faults.append(
            Fault(
                "reason",
                reason,
                N_("“%(value)s” is not a reason. Choose one of: %(choices)s."),
                {"value": reason, "choices": choices},
            )
        )
    _check_key(request_key, faults)
    _check_length("reference", reference, faults)
    _check_length("note", note, faults)
    postings = await codes.postings(warehouse_id, lines, faults)
    if occurred_at is not None:
        faults += rules.time_faults("occurred_at", occurred_at, clock.now())
    if faults or why is None:
        raise Invalid(faults)
    return await ledger.post(
        ledger.actor_of(viewer),
        warehouse_id,
        why,
        postings,
        request_key=request_key,
        request_hash=request_hash,
        occurred_at=occurred_at,
        reference=reference,
        note=note,
    )


async def adjust(
    viewer: Viewer, key: queries.BalanceAt, *, way: str, quantity: int, seen: int, note: str, request_key: str
) -> ledger.Posted:
    """Bring a balance to what was counted (`way` counted), or by some pieces up or down (more, fewer), for a reason said.

    `seen` is what the book said when the count began; a balance that has moved since is refused (`StockMoved`).
    """
    access_rules.require(viewer, Right.POST_STOCK)
    row = await queries.balance(viewer, key)
    await codes.warehouse_to_work_in(viewer, row["warehouse"])
    faults: list[Fault] = []
    change = {"counted": quantity - seen, "more": quantity, "fewer": -quantity}.get(way)
    if change is None:
        faults.append(Fault("way", way, N_("Say whether you counted, or give pieces more or fewer.")))
    elif not (0 if way == "counted" else 1) <= quantity <= values.LARGEST_QUANTITY:
        faults.append(values.quantity_fault("quantity", quantity))
    elif change == 0:
        faults.append(
            Fault(
                "quantity",
                quantity,
                N_("The book says %(on_hand)s already. Nothing is to be adjusted."),
                {"on_hand": seen},
            )
        )
    if not note:
        faults.append(Fault("note", note, N_("Say why the stock is adjusted.")))
    _check_length("note", note, faults)
    _check_key(request_key, faults)
    if faults or not change:
        raise Invalid(faults)
    warehouse_id, owner_id, item_id, lot_id, location_id, condition = key
    source_id, target_id = int(rules.Place.ADJUSTMENT), location_id
    if change < 0:
        source_id, target_id = target_id, source_id
    line = Posting(owner_id, item_id, lot_id, source_id, target_id, condition, condition, abs(change))
    async with DB.transaction():
        posted = await ledger.post(
            ledger.actor_of(viewer),
            warehouse_id,
            Reason.ADJUSTMENT,
            [line],
            request_key=request_key,
            request_hash=values.digest([key, way, quantity, seen, note]),
            note=note,
        )
        # The posting has locked the balance: what it holds now is what was counted, or something else moved.
        if way == "counted" and not posted.repeated:
            on_hand = (await queries.balance(viewer, key))["on_hand"]
            if on_hand != quantity:
                raise rules.StockMoved(on_hand=on_hand - change, seen=seen)
    return posted


async def reverse(viewer: Viewer, warehouse_id: int, document_id: uuid.UUID, *, note: str) -> ledger.Posted:
    """Undo a document by its mirror image: the same goods back, once. 冲正.

    A document that belongs to a repair, a job or a return is refused (`UndoneElsewhere`); its room calls `undo`.
    """
    access_rules.require(viewer, Right.POST_STOCK)
    head = await queries.document(viewer, warehouse_id, document_id)
    if not access_rules.runs_warehouse(viewer, warehouse_id):
        raise rules.NotYourWarehouse(warehouse=head["warehouse"])
    if rules.is_undone_elsewhere(head["reason"], head["reference"]):
        raise rules.UndoneElsewhere(reference=head["reference"])
    return await undo(viewer, warehouse_id, document_id, note=note)


async def undo(viewer: Viewer, warehouse_id: int, document_id: uuid.UUID, *, note: str) -> ledger.Posted:
    """`reverse` for the room that made the document, inside its transaction; the caller has checked that the viewer may."""
    head = await queries.document(viewer, warehouse_id, document_id)
    if head["reverses_id"] is not None or head["reversed_by"] is not None:
        raise rules.AlreadyReversed
    faults: list[Fault] = []
    if not note:
        faults.append(Fault("note", note, N_("Say why the document is reversed.")))
    _check_length("note", note, faults)
    if faults:
        raise Invalid(faults)
    lines = await queries.document_postings(warehouse_id, document_id)
    try:
        return await ledger.post(
            ledger.actor_of(viewer),
            warehouse_id,
            Reason.REVERSAL,
            rules.reversed_lines(lines),
            request_key=f"reversal:{document_id}",
            request_hash=document_id.bytes,
            reference=head["reference"],
            note=note,
            reverses_id=document_id,
        )
    except asyncpg.RestrictViolationError as error:
        raise rules.ComingBack(reference=head["reference"]) from error


async def hold(
    viewer: Viewer, key: queries.BalanceAt, *, quantity: int, reason: str, note: str, request_key: str
) -> uuid.UUID:
    """Freeze pieces of a balance: the operator of the warehouse, or the owner of the goods."""
    access_rules.require(viewer, Right.HOLD_STOCK)
    row = await queries.balance(viewer, key)
    faults: list[Fault] = []
    if reason not in {each.value for each in rules.HELD_ALONE}:
        faults.append(Fault("reason", reason, N_("Choose a reason for the hold.")))
    if quantity <= 0 or quantity > values.LARGEST_QUANTITY:
        faults.append(values.quantity_fault("quantity", quantity))
    _check_length("note", note, faults)
    _check_key(request_key, faults)
    if faults:
        raise Invalid(faults)
    asked = values.digest([key, quantity, reason, note])
    arguments = (*key[1:], quantity, reason, note, viewer.organisation_id, viewer.user_id, request_key, asked)
    try:
        async with DB.transaction():
            placed: uuid.UUID | None = await DB.value(SQL["hold"], key[0], values.new_id(), *arguments)
            if placed is not None:
                await journal.write(
                    viewer,
                    "hold.placed",
                    "hold",
                    placed,
                    after={"quantity": quantity, "reason": reason},
                    warehouse_id=key[0],
                )
    except asyncpg.CheckViolationError as error:
        raise too_few(row, quantity) from error
    if placed is not None:
        return placed
    before = await DB.row(SQL["held_before"], key[0], viewer.organisation_id, request_key)
    if before is None or before["request_hash"] != asked:
        raise rules.SameKeyOtherRequest(key=request_key)
    known: uuid.UUID = before["id"]
    return known


async def release(viewer: Viewer, warehouse_id: int, hold_id: uuid.UUID, *, note: str) -> None:
    """Lift a hold: only the organisation that placed it."""
    access_rules.require(viewer, Right.HOLD_STOCK)
    row = await DB.row(SQL["hold_head"], warehouse_id, hold_id)
    if row is None or not queries.sees(viewer, warehouse_id, row["owner_id"]):
        raise rules.NoSuchStock
    if row["organisation_id"] != viewer.organisation_id:
        raise access_rules.NotYourOrganisation
    if row["reason"] == HoldReason.PLEDGE:
        raise rules.Pledged
    faults: list[Fault] = []
    _check_length("note", note, faults)
    if faults:
        raise Invalid(faults)
    async with DB.transaction():
        if await DB.value(SQL["release"], warehouse_id, hold_id, viewer.user_id, note) is None:
            raise rules.AlreadyEnded
        await journal.write(viewer, "hold.released", "hold", hold_id, after={"note": note}, warehouse_id=warehouse_id)


async def reserve(
    viewer: Viewer,
    *,
    warehouse: str,
    owner: str,
    item: str,
    lot: str | None,
    location: str | None,
    condition: str,
    quantity: int,
    source: str,
    expires_at: datetime,
    request_key: str,
) -> Reserved:
    """Promise free pieces to a source until they are given back or the time is over; all of them or none."""
    access_rules.require(viewer, Right.RESERVE_STOCK)
    faults: list[Fault] = []
    warehouse_id, owner_id, item_id, lot_id, location_id = await _goods(
        viewer, warehouse, owner, item, lot, location, faults
    )
    state = Condition.__members__.get(condition)
    if state not in rules.SELLABLE:
        shown = Word(rules.CONDITION_NAMES[state]) if state else condition
        faults.append(Fault("condition", condition, rules.NotSellable.sentence, {"condition": shown}))
    if not 0 < quantity <= values.LARGEST_QUANTITY:
        faults.append(values.quantity_fault("quantity", quantity))
    if not source:
        faults.append(Fault("source", source, N_("Say what the reservation is for, e.g. an order number.")))
    _check_length("source", source, faults)
    _check_key(request_key, faults)
    now = clock.now()
    if expires_at.tzinfo is None or not now < expires_at <= now + LONGEST_RESERVATION:
        faults.append(
            Fault(
                "expires_at",
                str(expires_at),
                N_("A reservation ends in the future, at most %(days)s days from now; “%(value)s” does not."),
                {"value": str(expires_at), "days": LONGEST_RESERVATION.days},
            )
        )
    if faults:
        raise Invalid(faults)
    asked = values.digest([owner_id, item_id, lot_id, location_id, condition, quantity, source, expires_at])
    before = await DB.row(SQL["reserved_before"], warehouse_id, viewer.organisation_id, request_key)
    if before is None:
        await ledger.expire_reservations(warehouse_id)
        made = await DB.row(
            SQL["reserve"],
            warehouse_id,
            values.new_id(),
            owner_id,
            item_id,
            int(state or 0),
            lot_id,
            location_id,
            quantity,
            source,
            viewer.organisation_id,
            viewer.user_id,
            request_key,
            asked,
            expires_at,
        )
        if made is not None and made["id"] is not None:
            return Reserved(made["id"], False)
        before = await DB.row(SQL["reserved_before"], warehouse_id, viewer.organisation_id, request_key)
        if before is None:
            facts = {
                "free": made["free"] if made else 0,
                "item": values.code_of(item),
                "location": values.code_of(location or warehouse),
                "wanted": quantity,
            }
            raise rules.NotEnoughFree([Fault("quantity", quantity, rules.NotEnoughFree.line, facts)])
    if before["request_hash"] != asked:
        raise rules.SameKeyOtherRequest(key=request_key)
    return Reserved(before["id"], True)


async def cancel_reservation(viewer: Viewer, reservation_id: uuid.UUID) -> None:
    """Give reserved pieces back: the organisation that reserved them, or the operator of the warehouse."""
    access_rules.require(viewer, Right.RESERVE_STOCK)
    row = await DB.row(SQL["reservation_head"], reservation_id)
    if row is None or not queries.sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchStock
    if row["organisation_id"] != viewer.organisation_id and not access_rules.runs_warehouse(
        viewer, row["warehouse_id"]
    ):
        raise access_rules.NotYourOrganisation
    async with DB.transaction():
        if await DB.value(SQL["end_reservation"], row["warehouse_id"], reservation_id, "cancelled") is None:
            raise rules.AlreadyEnded
        await journal.write(
            viewer, "reservation.cancelled", "reservation", reservation_id, warehouse_id=row["warehouse_id"]
        )


async def register_lot(
    viewer: Viewer,
    *,
    owner: str,
    item: str,
    code: str,
    declaration_no: str = "",
    declaration_line: int | None = None,
    supervision_code: str = "",
    exported_on: date | None = None,
    expires_on: date | None = None,
    faults: Sequence[Fault] = (),
) -> int:
    """Register a batch of an item, with the export declaration line it left the country under.

    `faults` are those that whoever read the input has found already; they are refused together with the others.
    """
    if not (viewer.may(Right.POST_STOCK) or viewer.may(Right.KEEP_ITEMS)):
        access_rules.require(viewer, Right.POST_STOCK)
    faults = list(faults)
    lot_code = values.goods_code("lot", code, faults)
    row = await DB.row(
        "select i.id, i.owner_id from item i join organisation o on o.id = i.owner_id where o.code = $1 and i.code = $2",
        values.code_of(owner),
        values.code_of(item),
    )
    if row is None or (viewer.kind is Kind.EXPORTER and row["owner_id"] != viewer.organisation_id):
        faults.append(codes.unknown_item(item, owner))
    if bool(declaration_no) != bool(declaration_line):
        faults.append(
            Fault(
                "declaration_line",
                declaration_line or "",
                N_("A declaration number and its line belong together. Give both or neither."),
            )
        )
    if supervision_code and not (
        supervision_code.isascii() and supervision_code.isdecimal() and len(supervision_code) == 4
    ):
        faults.append(
            Fault(
                "supervision_code",
                supervision_code,
                N_("“%(value)s” is not a supervision code. It has four digits, e.g. 9810."),
                {"value": supervision_code},
            )
        )
    if faults or row is None:
        raise Invalid(faults)
    async with DB.transaction():
        lot_id: int | None = await DB.value(
            SQL["lot"],
            row["owner_id"],
            row["id"],
            lot_code,
            declaration_no or None,
            declaration_line,
            supervision_code or None,
            exported_on,
            expires_on,
        )
        if lot_id is None:
            raise LotExists(item=values.code_of(item), lot=lot_code)
        await journal.write(viewer, "lot.registered", "lot", lot_id, after={"item": item, "code": lot_code})
    return lot_id


async def _goods(
    viewer: Viewer,
    warehouse: str,
    owner: str,
    item: str,
    lot: str | None,
    location: str | None,
    faults: list[Fault],
) -> tuple[int, int, int, int | None, int | None]:
    """Ids of what is to be reserved, within the viewer's scope."""
    code = values.code_of(warehouse)
    row = await DB.row(codes.SQL["warehouse_for_posting"], code)
    owner_row = await DB.row(codes.SQL["owners"], [values.code_of(owner)])
    if row is None:
        raise codes.NoSuchWarehouse(warehouse=code)
    owner_id = owner_row["id"] if owner_row else 0
    if not queries.sees(viewer, row["id"], owner_id):
        if viewer.kind is Kind.EXPORTER:
            raise rules.NoSuchStock
        raise codes.NoSuchWarehouse(warehouse=code)
    request = codes.Request(owner, item, lot, "SUPPLIER", location or "BUYER", "GOOD", "GOOD", 1)
    found = await codes.postings(row["id"], [request], faults, path="")
    if not found:
        return row["id"], owner_id, 0, None, None
    posting: Posting = found[0]
    return (
        row["id"],
        owner_id,
        posting.item_id,
        posting.lot_id if lot else None,
        posting.target_id if location else None,
    )


def too_few(row: asyncpg.Record, wanted: int) -> rules.NotEnoughFree:
    """What is free of a balance of which more is wanted."""
    facts = {"free": row["free"], "item": row["item"], "location": row["location"], "wanted": wanted}
    return rules.NotEnoughFree([Fault("quantity", wanted, rules.NotEnoughFree.line, facts)])


def _check_length(field: str, text: str, faults: list[Fault]) -> None:
    faults += values.text_faults(field, text, LONGEST_TEXT)


def _check_key(key: str, faults: list[Fault]) -> None:
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        faults.append(
            Fault(
                "Idempotency-Key",
                key[:50],
                N_("Every write needs a request key of 1 to %(most)s printable characters, new for each new request."),
                {"most": LONGEST_KEY},
            )
        )
