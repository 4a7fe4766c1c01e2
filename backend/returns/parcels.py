"""Parcels that nobody announced: they wait until they are matched with a return, or their time is over and they are discarded."""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Role, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed, NotFound
from backend.core.listing import Clause, Column, Key, Listing, on_the_clock, where
from backend.core.text import N_, P_
from backend.files import actions as files_actions
from backend.messages import actions as messages
from backend.returns import receiving, standing, steps
from backend.stages import actions as stages
from backend.stages import rules as stages_rules
from backend.stages.rules import Subject
from backend.stock import codes
from backend.stock.rules import SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("parcels.sql"))
LONGEST_TEXT = 100
LONGEST_CONTENTS = 1000
WAITING = "waiting"
STATE_NAMES: Mapping[str, str] = {
    WAITING: N_("Waits for its return"),
    "matched": N_("Matched"),
    "discarded": N_("Discarded"),
}

_SAY_SOMETHING = N_("Write down what could tell whose parcel it is: its tracking number, its sender, or what is in it.")
_MATCHED = N_("A parcel that came without a return number was matched with return %(number)s.")
_WHY_DISCARDED = N_("Say what was tried, and what becomes of the parcel.")
_WHY_UNMATCHED = N_("Say why the parcel does not belong to that return.")

PARCELS = Listing(
    source="blind_parcel b join warehouse w on w.id = b.warehouse_id "
    "left join rma r on r.warehouse_id = b.warehouse_id and r.id = b.rma_id",
    fields={
        "id": "b.id",
        "number": "b.number",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "tracking_no": "b.tracking_no",
        "carrier": "b.carrier",
        "sender": "b.sender",
        "contents": "b.contents",
        "state": "b.state",
        "arrived_at": "b.arrived_at",
        "due_at": "b.due_at",
        "rma_number": "r.number",
        "rma_id": "b.rma_id",
    },
    key=(Key("b.arrived_at", "timestamptz"), Key("b.id", "uuid")),
    descending=True,
    json=(
        *("id", "number", "warehouse", "tracking_no", "carrier", "sender", "contents", "state", "arrived_at", "due_at"),
        "rma_number",
    ),
    columns=(
        Column(N_("Number"), "b.number"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Tracking number"), "b.tracking_no", free_text=True),
        Column(N_("Carrier"), "b.carrier", free_text=True),
        Column(N_("Sender"), "b.sender", free_text=True),
        Column(N_("Contents"), "b.contents", free_text=True),
        Column(N_("State"), "b.state"),
        on_the_clock(P_("time", "Arrived"), "b.arrived_at"),
        on_the_clock(N_("Due"), "b.due_at"),
        Column(N_("Return"), "r.number"),
    ),
)


class NoSuchParcel(NotFound):
    """There is no such parcel, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_("There is no such parcel in your view. It may wait in somebody else's warehouse.")


class IsHere(Conflict):
    """The tracking number is written down already."""

    sentence: ClassVar[str] = N_("A parcel with this tracking number waits here already, as %(number)s.")


class IsExpected(Conflict):
    """The parcel was announced after all."""

    sentence: ClassVar[str] = N_("This parcel is expected here with return %(number)s. Receive it there.")


class Settled(Conflict):
    """A parcel is matched or discarded once."""

    sentence: ClassVar[str] = N_("Parcel %(number)s is settled already. Load it again to see what became of it.")


class NotYetDue(Conflict):
    """A parcel waits for its owner until its time is over."""

    sentence: ClassVar[str] = N_("Parcel %(number)s is kept for its owner until %(day)s. Discard it after that day.")


class ManagersOnly(NotAllowed):
    """Throwing somebody's goods away is a manager's decision."""

    sentence: ClassVar[str] = N_("Only a manager of the operator discards a parcel. Ask one of them.")


class NotMatched(Conflict):
    """Only a match is taken back."""

    sentence: ClassVar[str] = N_("Parcel %(number)s is not matched with a return, or was opened as one of it already.")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel without a return, as it is written down; `photos` are hashes of files that the operator has brought."""

    tracking_no: str = ""
    carrier: str = ""
    sender: str = ""
    contents: str = ""
    photos: list[str] = []


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The parcel that was written down; `repeated` when its request key had done so before."""

    id: uuid.UUID
    number: str
    repeated: bool


async def record(viewer: Viewer, warehouse: str, found: Found, *, request_key: str) -> Recorded:
    """Write a parcel down that came without a return: it waits to be matched until its time is over."""
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    faults = steps.key_faults(request_key)
    tracking_no = values.code_of(found.tracking_no)
    for field in ("tracking_no", "carrier", "sender"):
        faults += steps.length_faults(field, getattr(found, field), LONGEST_TEXT)
    faults += steps.length_faults("contents", found.contents, LONGEST_CONTENTS)
    if not (tracking_no or found.sender.strip() or found.contents.strip()):
        faults.append(Fault("tracking_no", "", _SAY_SOMETHING))
    if faults:
        raise Invalid(faults)
    request_hash = values.digest(found)
    at = clock.now()
    made = Recorded(id=values.new_id(), number=values.new_number("B"), repeated=False)
    async with DB.transaction():
        await DB.run(SQL["one_at_a_time"], warehouse_id)
        if known := await DB.row(SQL["known"], warehouse_id, request_key):
            if known["request_hash"] != request_hash:
                raise SameKeyOtherRequest(key=request_key)
            return Recorded(id=known["id"], number=known["number"], repeated=True)
        if waiting := await DB.row(SQL["waiting_as"], warehouse_id, tracking_no):
            raise (IsHere if waiting["what"] == "blind" else IsExpected)(number=waiting["number"])
        due_at = stages_rules.due_at(Subject.PARCEL, WAITING, at)
        await DB.run(
            SQL["record"],
            warehouse_id,
            made.id,
            made.number,
            tracking_no,
            found.carrier.strip(),
            found.sender.strip(),
            found.contents.strip(),
            viewer.user_id,
            at,
            due_at,
            request_key,
            request_hash,
        )
        await files_actions.attach(
            viewer,
            found.photos,
            warehouse_id=warehouse_id,
            owner_id=viewer.organisation_id,
            subject="parcel",
            subject_id=made.id,
        )
        await stages.enter(_entry(warehouse_id, viewer.organisation_id, made.id, made.number, at, due_at))
        await journal.write(
            viewer, "parcel.recorded", "parcel", made.id, after={"number": made.number}, warehouse_id=warehouse_id
        )
    return made


async def match(viewer: Viewer, parcel_id: uuid.UUID, number: str) -> uuid.UUID:
    """A parcel belongs to a return that its warehouse expects: it is one of its parcels now, at the dock; the return's id.

    Its photos are seen by the owner of the goods from now on, and the owner hears of it.
    """
    at = clock.now()
    async with DB.transaction():
        parcel = await _locked(viewer, parcel_id)
        _require_waiting(parcel)
        warehouse_id = parcel["warehouse_id"]
        rma_id = await receiving.locked(viewer, warehouse_id, number)
        given = (await standing.returns([rma_id]))[rma_id]
        receiving.require_open(given.number, given.stage)
        parcel_no = await DB.value(
            SQL["add_parcel"],
            warehouse_id,
            rma_id,
            parcel["tracking_no"],
            parcel["carrier"],
            parcel["arrived_at"],
            viewer.user_id,
        )
        await DB.run(SQL["settle"], warehouse_id, parcel_id, "matched", rma_id, parcel_no, at, viewer.user_id, "")
        hashes = [row["hash"] for row in await DB.fetch(SQL["hashes"], warehouse_id, parcel_id)]
        await files_actions.attach(
            viewer, hashes, warehouse_id=warehouse_id, owner_id=given.owner_id, subject="rma", subject_id=rma_id
        )
        await stages.leave(Subject.PARCEL, warehouse_id, [parcel_id], at)
        await standing.follow([rma_id], at)
        after = {"return": given.number, "parcel": parcel_no}
        await journal.write(viewer, "parcel.matched", "parcel", parcel_id, after=after, warehouse_id=warehouse_id)
        await messages.notify_all(
            [
                messages.News(
                    organisation_id=given.owner_id,
                    level="neutral",
                    sentence=_MATCHED,
                    facts={"number": given.number},
                    href=messages.path_of("return", rma_id),
                )
            ]
        )
    return rma_id


async def unmatch(viewer: Viewer, parcel_id: uuid.UUID, *, note: str) -> None:
    """A match was wrong: before the parcel is opened as one of the return it waits again, for the time it had."""
    if faults := steps.why_fault("note", note, _WHY_UNMATCHED):
        raise Invalid(faults)
    at = clock.now()
    async with DB.transaction():
        parcel = await _locked(viewer, parcel_id)
        warehouse_id, rma_id = parcel["warehouse_id"], parcel["rma_id"]
        if parcel["state"] != "matched":
            raise NotMatched(number=parcel["number"])
        await standing.lock_returns([rma_id])
        if await DB.value(SQL["take_parcel"], warehouse_id, rma_id, parcel["parcel_no"]) is None:
            raise NotMatched(number=parcel["number"])
        await DB.run(SQL["settle"], warehouse_id, parcel_id, WAITING, None, None, None, None, None)
        entry = _entry(warehouse_id, parcel["operator_id"], parcel_id, parcel["number"], at, parcel["due_at"])
        await stages.enter(entry)
        await standing.follow([rma_id], at)
        await journal.write(
            viewer,
            "parcel.unmatched",
            "parcel",
            parcel_id,
            before={"return": rma_id},
            after={"note": note},
            warehouse_id=warehouse_id,
        )


async def discard(viewer: Viewer, parcel_id: uuid.UUID, *, note: str) -> None:
    """Nobody claimed the parcel in its time: a manager says what becomes of it."""
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    if Role.OPERATOR_MANAGER not in viewer.roles:
        raise ManagersOnly
    if faults := steps.why_fault("note", note, _WHY_DISCARDED):
        raise Invalid(faults)
    at = clock.now()
    async with DB.transaction():
        parcel = await _locked(viewer, parcel_id)
        _require_waiting(parcel)
        if at < parcel["due_at"]:
            raise NotYetDue(number=parcel["number"], day=parcel["due_at"].date().isoformat())
        warehouse_id = parcel["warehouse_id"]
        await DB.run(SQL["settle"], warehouse_id, parcel_id, "discarded", None, None, at, viewer.user_id, note)
        await stages.leave(Subject.PARCEL, warehouse_id, [parcel_id], at)
        await journal.write(
            viewer, "parcel.discarded", "parcel", parcel_id, after={"note": note}, warehouse_id=warehouse_id
        )


async def parcel(viewer: Viewer, parcel_id: uuid.UUID) -> asyncpg.Record:
    """An unannounced parcel in a warehouse of the viewer's, or for the committee."""
    row = await DB.row(SQL["parcel"], parcel_id)
    if row is None or not (
        access_rules.sees_everything(viewer) or access_rules.runs_warehouse(viewer, row["warehouse_id"])
    ):
        raise NoSuchParcel
    return row


async def candidates(viewer: Viewer, row: asyncpg.Record) -> list[asyncpg.Record]:
    """Returns that a parcel that `parcel` has found could belong to."""
    words = re.findall(r"[^\s,;:()]{3,}", f"{row['sender']} {row['contents']} {row['tracking_no']}".upper())
    return await DB.fetch(SQL["candidates"], row["warehouse_id"], row["tracking_no"], words[:100])


def clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope (an operator's warehouses, everything for the committee) and the filters state, warehouse, search."""
    found: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        found.append(where("b.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        found.append(where("false"))
    if state := filters.get("state"):
        if state not in STATE_NAMES:
            sentence = N_("“%(value)s” is not possible here. Choose one of the list.")
            raise Invalid([Fault("state", state, sentence, {"value": state})])
        found.append(where("b.state = ?", state))
    if warehouse := filters.get("warehouse"):
        found.append(where("w.code = ?", values.code_of(warehouse)))
    if search := filters.get("search"):
        code = values.code_of(search)
        found.append(
            where(
                "(b.number = ? or b.tracking_no = ? or strpos(lower(b.sender), ?) > 0 or strpos(lower(b.contents), ?) > 0)",
                *(code, code, search.lower(), search.lower()),
            )
        )
    return found


def _entry(
    warehouse_id: int, operator_id: int, parcel_id: uuid.UUID, number: str, at: datetime, due_at: datetime
) -> stages.Entry:
    # Whose goods they are is not known: the operator answers for them.
    return stages.Entry(
        subject=Subject.PARCEL,
        subject_id=parcel_id,
        warehouse_id=warehouse_id,
        owner_id=operator_id,
        number=number,
        stage=WAITING,
        at=at,
        due_at=due_at,
    )


async def _locked(viewer: Viewer, parcel_id: uuid.UUID) -> asyncpg.Record:
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    row = await DB.row(SQL["lock"], parcel_id)
    if row is None or not access_rules.runs_warehouse(viewer, row["warehouse_id"]):
        raise NoSuchParcel
    return row


def _require_waiting(parcel: asyncpg.Record) -> None:
    if parcel["state"] != WAITING:
        raise Settled(number=parcel["number"])
