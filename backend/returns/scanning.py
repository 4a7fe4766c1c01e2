"""What a scan at the dock does: it takes a return in hand, marks a parcel as arrived, receives a piece, or says what is wrong.

Every object that can be held before the scanner has an answer of its own, with a way on.
"""

import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Invalid, Refusal
from backend.core.text import N_, Word
from backend.messages import actions as messages
from backend.returns import receiving, scanned, steps
from backend.returns.arrivals import Arrived
from backend.returns.rules import DISPOSITION_NAMES, Disposition, Stage, UnitState
from backend.returns.scanned import Code, Kind
from backend.stock import codes

SQL = blocks(Path(__file__).with_name("scanning.sql"))
MOST_CHOICES = 10


class Found(StrEnum):
    """What was before the scanner."""

    NOTHING = "nothing"
    RETURN = "return"
    RETURN_COMPLETE = "return_complete"
    RETURN_CLOSED = "return_closed"
    RETURN_CANCELLED = "return_cancelled"
    RETURN_UNKNOWN = "return_unknown"
    OTHER_WAREHOUSE = "other_warehouse"
    NOT_HERE = "not_here"
    PARCEL_ARRIVED = "parcel_arrived"
    PARCEL_KNOWN = "parcel_known"
    PARCEL_UNKNOWN = "parcel_unknown"
    PARCEL_WAITING = "parcel_waiting"
    RECEIVED = "received"
    ITEM_COMPLETE = "item_complete"
    ITEM_FOREIGN = "item_foreign"
    SERIAL_WANTED = "serial_wanted"
    CHOOSE = "choose"
    UNIT_TO_GRADE = "unit_to_grade"
    UNIT_TO_DECIDE = "unit_to_decide"
    UNIT_TO_CARRY_OUT = "unit_to_carry_out"
    UNIT_TO_SEND_HOME = "unit_to_send_home"
    UNIT_DONE = "unit_done"
    UNIT_REVERSED = "unit_reversed"
    UNIT_UNKNOWN = "unit_unknown"
    BELONGS_ELSEWHERE = "belongs_elsewhere"
    LOCATION = "location"
    WAREHOUSE = "warehouse"
    ITEM_UNEXPECTED = "item_unexpected"
    MISTYPED = "mistyped"
    UNKNOWN = "unknown"
    REFUSED = "refused"


SENTENCES: Mapping[Found, str] = {
    Found.NOTHING: N_("Nothing was scanned. Scan a return, a parcel, a unit or an item."),
    Found.RETURN: N_("Return %(number)s is in hand. Scan its items, or receive it whole."),
    Found.RETURN_COMPLETE: N_("Everything of return %(number)s is received. Scan the next one, or grade its units."),
    Found.RETURN_CLOSED: N_("Return %(number)s is closed. Put the parcel aside as an unannounced one."),
    Found.RETURN_CANCELLED: N_("Return %(number)s was cancelled. Put the parcel aside as an unannounced one."),
    Found.RETURN_UNKNOWN: N_("There is no return %(number)s here. Put the parcel aside as an unannounced one."),
    Found.OTHER_WAREHOUSE: N_(
        "Return %(number)s is expected at warehouse %(warehouse)s. Send the parcel there, or change the warehouse."
    ),
    Found.NOT_HERE: N_("Return %(number)s is not expected here. Put the parcel aside as an unannounced one."),
    Found.PARCEL_ARRIVED: N_(
        "Parcel %(parcel)s of return %(number)s has arrived. Scan its items, or receive it whole."
    ),
    Found.PARCEL_KNOWN: N_("Parcel %(parcel)s of return %(number)s had arrived already. It is in hand again."),
    Found.PARCEL_UNKNOWN: N_("Return %(number)s has no parcel %(parcel)s. The return itself is in hand."),
    Found.PARCEL_WAITING: N_("This parcel waits here already as unannounced parcel %(number)s."),
    Found.RECEIVED: N_("One piece of %(item)s is received as unit %(unit)s. %(open)s are still expected."),
    Found.ITEM_COMPLETE: N_(
        "All pieces of %(item)s that were booked are received. Is this one more? Enter it below with surplus taken in."
    ),
    Found.ITEM_FOREIGN: N_(
        "%(item)s is not part of return %(number)s. Put the piece aside, or scan the return that it belongs to."
    ),
    Found.SERIAL_WANTED: N_("%(item)s was booked with serial numbers. Scan the serial number of this piece."),
    Found.CHOOSE: N_("Several returns fit “%(code)s”. Choose the one that the parcel belongs to."),
    Found.UNIT_TO_GRADE: N_("Unit %(unit)s is received and waits to be graded."),
    Found.UNIT_TO_DECIDE: N_("Unit %(unit)s is graded %(grade)s and waits for its owner's decision. Put it back."),
    Found.UNIT_TO_CARRY_OUT: N_("Unit %(unit)s is decided: %(kind)s. It is to be carried out."),
    Found.UNIT_TO_SEND_HOME: N_("Unit %(unit)s goes home to China. Put it with the goods of its batch."),
    Found.UNIT_DONE: N_("Unit %(unit)s is done: %(kind)s. Take its label off."),
    Found.UNIT_REVERSED: N_(
        "The receipt of unit %(unit)s was reversed. Take its label off and receive the piece again."
    ),
    Found.UNIT_UNKNOWN: N_("There is no unit %(unit)s here. Check its label; it may belong to another warehouse."),
    Found.BELONGS_ELSEWHERE: N_("%(number)s is no return: it is a document of the kind “%(kind)s”."),
    Found.LOCATION: N_("%(code)s is a location. Scan a return, a parcel, a unit or an item."),
    Found.WAREHOUSE: N_("%(code)s is a warehouse. Scan a return, a parcel, a unit or an item."),
    Found.ITEM_UNEXPECTED: N_("No return with item %(code)s is expected here. Scan its parcel, or put it aside."),
    Found.MISTYPED: N_(
        "“%(code)s” looks like one of our numbers, but a sign of it is wrong. Scan it again, or compare it."
    ),
    Found.UNKNOWN: N_("Nothing here is known as “%(code)s”. If it is a parcel, put it aside as an unannounced one."),
}
_DOCUMENTS = {
    "B": N_("Unannounced parcel"),
    "H": N_("Batch home"),
    "D": N_("Destruction record"),
    "W": N_("Repair"),
    "S": N_("Service job"),
    "P": N_("Pledge"),
    "N": N_("Inventory statement"),
}
_GOOD = frozenset({Found.RETURN, Found.PARCEL_ARRIVED, Found.RECEIVED, Found.UNIT_TO_GRADE, Found.UNIT_TO_CARRY_OUT})
_ASIDE = frozenset(
    {
        *(Found.RETURN_CLOSED, Found.RETURN_CANCELLED, Found.RETURN_UNKNOWN, Found.NOT_HERE, Found.UNKNOWN),
        *(Found.ITEM_FOREIGN, Found.ITEM_UNEXPECTED),
    }
)
_WARN = frozenset(
    {
        *(Found.RETURN_COMPLETE, Found.PARCEL_KNOWN, Found.PARCEL_UNKNOWN, Found.CHOOSE, Found.UNIT_TO_DECIDE),
        *(Found.UNIT_TO_SEND_HOME, Found.UNIT_DONE, Found.SERIAL_WANTED),
    }
)

Signal = Literal["ok", "warn", "bad"]


class Choice(msgspec.Struct, frozen=True):
    """A return to choose: its number, its owner's names, and what it was found by."""

    number: str
    owner_names: dict[str, str]
    found_by: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan is answered with: a signal, a sentence with its facts, the return that is in hand now, and the way on.

    `href` leads to what was found; `aside`: it can be put aside as an unannounced parcel, under the code that was scanned.
    """

    found: Found
    sentence: str
    facts: Mapping[str, object] = {}
    in_hand: str = ""
    parcel_no: int | None = None
    href: str = ""
    choices: list[Choice] = []
    warehouse: str = ""
    code: str = ""

    @property
    def signal(self) -> Signal:
        """How it sounds and looks."""
        if self.found in _GOOD:
            return "ok"
        return "warn" if self.found in _WARN else "bad"

    @property
    def aside(self) -> bool:
        """Whether the thing may be put aside as an unannounced parcel."""
        return self.found in _ASIDE


async def scan(
    viewer: Viewer, warehouse: str, typed: str, *, in_hand: str = "", parcel_no: int | None = None, request_key: str
) -> Answer:
    """Understand a scan and do what it means; `in_hand` is the return whose items are being scanned.

    A parcel's label or tracking number marks it as arrived, an item of the return in hand receives one piece of it. Every
    other object is answered with what it is and where it belongs; nothing of other warehouses is told but that it is theirs.
    """
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    code = scanned.read(typed)
    desk = _Desk(viewer, warehouse, warehouse_id, values.code_of(in_hand), parcel_no, request_key, code)
    try:
        return await desk.answer()
    except (Refusal, Invalid) as refusal:
        fault = refusal.faults[0] if refusal.faults else None
        sentence, facts = (fault.sentence, fault.facts) if fault else (refusal.sentence, refusal.facts)
        return Answer(found=Found.REFUSED, sentence=sentence, facts=facts, in_hand=desk.in_hand, code=code.text)


async def hand(viewer: Viewer, warehouse: str, number: str) -> list[asyncpg.Record]:
    """The lines of a return that is in hand at a warehouse of the viewer's; nothing for any other."""
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    return await DB.fetch(SQL["hand"], warehouse_id, values.code_of(number))


class _Desk:
    """One scan at a warehouse's desk."""

    def __init__(
        self,
        viewer: Viewer,
        warehouse: str,
        warehouse_id: int,
        in_hand: str,
        parcel_no: int | None,
        request_key: str,
        code: Code,
    ) -> None:
        self.viewer, self.warehouse, self.warehouse_id = viewer, warehouse, warehouse_id
        self.in_hand, self.parcel_no, self.request_key, self.code = in_hand, parcel_no, request_key, code

    async def answer(self) -> Answer:
        """What the code means here."""
        code = self.code
        if code.kind is Kind.NOTHING:
            return self._say(Found.NOTHING)
        if code.kind in (Kind.RETURN, Kind.PARCEL):
            return await self._return(code.number, code.part or None, code.id)
        if code.kind is Kind.UNIT:
            return await self._unit()
        if code.kind is Kind.ELSEWHERE:
            return await self._document()
        for look in (self._of_hand, self._tracked, self._foreign_to_hand, self._by_item, self._other_code):
            if found := await look():
                return found
        return self._say(Found.MISTYPED if code.mistyped else Found.UNKNOWN, code=code.text[:64])

    def _say(self, found: Found, *, in_hand: str | None = None, href: str = "", **facts: object) -> Answer:
        return Answer(
            found=found,
            sentence=SENTENCES[found],
            facts=facts,
            in_hand=self.in_hand if in_hand is None else in_hand,
            parcel_no=self.parcel_no if in_hand is None else None,
            href=href,
            code=self.code.text[:100],
        )

    # ------------------------------------------------------------------------------------------ returns and parcels

    async def _return(self, number: str, parcel_no: int | None, rma_id: uuid.UUID | None = None) -> Answer:
        row = await DB.row(SQL["return_named"], number, rma_id)
        if row is None:
            return self._say(Found.RETURN_UNKNOWN, in_hand="", number=number or self.code.text[:64])
        number = row["number"]
        if row["warehouse_id"] != self.warehouse_id:
            if access_rules.runs_warehouse(self.viewer, row["warehouse_id"]):
                said = self._say(Found.OTHER_WAREHOUSE, in_hand="", number=number, warehouse=row["warehouse"])
                return msgspec.structs.replace(said, warehouse=row["warehouse"])
            return self._say(Found.NOT_HERE, in_hand="", number=number)
        href = messages.path_of("return", row["id"])
        if row["stage"] == Stage.CANCELLED:
            return self._say(Found.RETURN_CANCELLED, in_hand="", href=href, number=number)
        if row["stage"] == Stage.CLOSED:
            return self._say(Found.RETURN_CLOSED, in_hand="", href=href, number=number)
        if parcel_no is not None:
            return await self._parcel(row["id"], number, parcel_no, href)
        found = Found.RETURN if row["outstanding"] else Found.RETURN_COMPLETE
        return self._say(found, in_hand=number, href=href, number=number)

    async def _parcel(self, rma_id: uuid.UUID, number: str, parcel_no: int, href: str) -> Answer:
        row = await DB.row(SQL["parcel_of"], self.warehouse_id, rma_id, parcel_no)
        if row is None:
            return self._say(Found.PARCEL_UNKNOWN, in_hand=number, href=href, number=number, parcel=parcel_no)
        known = row["arrived_at"] is not None
        if not known:
            await receiving.arrive(self.viewer, self.warehouse, number, parcel_no=parcel_no)
        said = self._say(
            Found.PARCEL_KNOWN if known else Found.PARCEL_ARRIVED,
            in_hand=number,
            href=href,
            number=number,
            parcel=parcel_no,
        )
        return msgspec.structs.replace(said, parcel_no=parcel_no)

    async def _tracked(self) -> Answer | None:
        rows = await DB.fetch(SQL["tracked"], self.code.text, self.warehouse_id)
        here = [row for row in rows if row["warehouse_id"] == self.warehouse_id and row["number"]]
        still = [row for row in here if row["is_open"]] or here
        if len(still) == 1:
            return await self._return(still[0]["number"], still[0]["parcel_no"])
        if still:
            return self._choose([Choice(row["number"], {}, self.code.text[:64]) for row in still])
        if waiting := next((row for row in rows if row["blind"]), None):
            href = messages.path_of("parcel", waiting["blind_id"])
            return self._say(Found.PARCEL_WAITING, in_hand="", href=href, number=waiting["blind"])
        if rows:
            return await self._return(rows[0]["number"], None)
        return None

    def _choose(self, choices: Sequence[Choice]) -> Answer:
        said = self._say(Found.CHOOSE, in_hand="", code=self.code.text[:64])
        return msgspec.structs.replace(said, choices=list(choices[:MOST_CHOICES]))

    # --------------------------------------------------------------------------------------------------------- items

    async def _of_hand(self) -> Answer | None:
        """A piece of the return in hand: it is received."""
        if not self.in_hand:
            return None
        code = self.code
        serial = code.serial or code.text
        rows = await DB.fetch(SQL["held_lines"], self.warehouse_id, self.in_hand, serial, list(code.items))
        if not rows:
            return None
        by_serial = [row for row in rows if row["is_serial"]]
        open_rows = [row for row in by_serial or rows if row["open"] > 0]
        if not open_rows:
            return self._say(Found.ITEM_COMPLETE, item=rows[0]["item"])
        if by_serial:
            return await self._receive(open_rows[0], serial)
        if code.serial:
            return await self._receive(open_rows[0], code.serial)
        plain = [row for row in open_rows if row["expected"] - len(row["serials"]) > row["plain"] or not row["serials"]]
        if not plain:
            return self._say(Found.SERIAL_WANTED, item=open_rows[0]["item"])
        return await self._receive(plain[0], "")

    async def _receive(self, line: asyncpg.Record, serial: str) -> Answer:
        piece = Arrived(line_no=line["line_no"], quantity=1, serials=[serial] if serial else [])
        done = await receiving.receive(
            self.viewer,
            self.warehouse,
            self.in_hand,
            [piece],
            request_key=self.request_key,
            parcel_no=self.parcel_no,
        )
        open_now = line["open"] if done.repeated else line["open"] - 1
        href = f"/returns/units/{done.units[0]}"
        return self._say(Found.RECEIVED, href=href, item=line["item"], unit=done.units[0], open=open_now)

    async def _foreign_to_hand(self) -> Answer | None:
        if not self.in_hand:
            return None
        item = await DB.value(SQL["item_known"], self.warehouse_id, self.in_hand, list(self.code.items))
        return self._say(Found.ITEM_FOREIGN, item=item, number=self.in_hand) if item else None

    async def _by_item(self) -> Answer | None:
        """A return is found by what comes back with it, or by what its owner calls it."""
        rows = []
        if not self.in_hand:
            rows = await DB.fetch(SQL["item_expected"], self.warehouse_id, list(self.code.items))
        rows = rows or await DB.fetch(SQL["referenced"], self.warehouse_id, self.code.text)
        if len(rows) == 1:
            return await self._return(rows[0]["number"], None)
        if rows:
            return self._choose([Choice(row["number"], row["owner_names"], row["item"]) for row in rows])
        return None

    async def _other_code(self) -> Answer | None:
        row = await DB.row(SQL["other_code"], self.warehouse_id, self.code.text, list(self.code.items))
        return self._say(Found(row["found"]), code=row["code"]) if row else None

    # --------------------------------------------------------------------------------------- units and other documents

    async def _unit(self) -> Answer:
        code = self.code.text
        row = await DB.row(SQL["unit"], code)
        if row is None or not access_rules.runs_warehouse(self.viewer, row["warehouse_id"]):
            return self._say(Found.UNIT_UNKNOWN, unit=code)
        if row["warehouse_id"] != self.warehouse_id:
            said = self._say(Found.OTHER_WAREHOUSE, number=row["number"], warehouse=row["warehouse"])
            return msgspec.structs.replace(said, warehouse=row["warehouse"])
        kind = Word(DISPOSITION_NAMES[Disposition(row["disposition"])]) if row["disposition"] else ""
        page = f"/returns/units/{code}"
        if row["state"] == UnitState.REVERSED:
            return self._say(Found.UNIT_REVERSED, unit=code)
        if steps.waits_for(row["state"], row["regrade"]) == "to_grade":
            return self._say(Found.UNIT_TO_GRADE, href=f"/returns/grade?units={code}", unit=code)
        if row["state"] == UnitState.GRADED:
            return self._say(Found.UNIT_TO_DECIDE, href=page, unit=code, grade=row["grade"])
        if row["state"] == UnitState.DISPOSED:
            return self._say(Found.UNIT_DONE, href=page, unit=code, kind=kind)
        if row["disposition"] == Disposition.SEND_HOME:
            return self._say(Found.UNIT_TO_SEND_HOME, href=page, unit=code)
        return self._say(Found.UNIT_TO_CARRY_OUT, href=f"/returns/carry-out?units={code}", unit=code, kind=kind)

    async def _document(self) -> Answer:
        number = self.code.number
        row = await DB.row(SQL["elsewhere"], number)
        href = ""
        if row is not None and access_rules.runs_warehouse(self.viewer, row["warehouse_id"]):
            href = {
                "destruction": f"/returns/destructions/{row['id']}",
                "pledge": f"/value-added/pledges/{row['id']}",
            }.get(row["subject"]) or messages.path_of(row["subject"], row["id"])
        return self._say(Found.BELONGS_ELSEWHERE, href=href, number=number, kind=Word(_DOCUMENTS[number[0]]))
