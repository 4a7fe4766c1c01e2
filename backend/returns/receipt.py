"""A receipt: the units that arrived pieces make, and what the ledger, the lines and the charges get of them."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access.rules import Viewer
from backend.charges import actions as charges
from backend.charges.actions import Step
from backend.charges.rules import Activity
from backend.core import values
from backend.core.database import DB, blocks
from backend.returns import arrivals
from backend.returns.arrivals import ExpectedLine, Sorted
from backend.returns.rules import Basis
from backend.stock.ledger import Entry
from backend.stock.rules import Condition, Place, Posting, Reason

SQL = blocks(Path(__file__).with_name("receiving.sql"))


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What was received: the return, the codes of its new units; `repeated` when the request key had received them before."""

    warehouse_id: int
    rma_id: uuid.UUID
    number: str
    units: list[str]
    repeated: bool


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The return as its receipt finds it; `documents` and `request_hash` are what the request key booked before."""

    warehouse_id: int
    id: uuid.UUID
    number: str
    owner_id: int
    stage: str
    dock_id: int
    last_unit: int
    parcels: list[int]
    documents: list[uuid.UUID]
    request_hash: bytes | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> "Head":
        """The head that every row of `expected` repeats."""
        return cls(**{name: row[name] for name in cls.__struct_fields__})

    def received(self, units: Sequence[Mapping[str, Any]], repeated: bool) -> Received:
        """What was received of it."""
        return Received(
            warehouse_id=self.warehouse_id,
            rma_id=self.id,
            number=self.number,
            units=[row["code"] for row in units],
            repeated=repeated,
        )


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the return as the ledger needs it."""

    item_id: int
    lot_id: int
    basis: str
    location_id: int | None
    condition: int | None
    expected: ExpectedLine


def line_of(row: asyncpg.Record) -> Line:
    """A line as `expected` gives it."""
    expected = ExpectedLine(
        line_no=row["line_no"],
        item=row["item"],
        quantity=row["quantity"],
        received=row["received"],
        missing=row["missing"],
        serials=row["serials"],
        here=row["here"],
        plain=row["plain"],
        investigation=row["investigation"],
    )
    return Line(
        item_id=row["item_id"],
        lot_id=row["lot_id"],
        basis=row["basis"],
        location_id=row["location_id"],
        condition=row["condition"],
        expected=expected,
    )


class Receipt:
    """The units that arrived pieces make, and what the ledger, the lines and the charges get of them."""

    def __init__(self, given: Head, lines: dict[int, Line], found: Sequence[Sorted]) -> None:
        self.given, self.lines = given, lines
        self.units: list[tuple[int, int, int, str | None]] = []  # line_no, line of the goods, pieces, serial
        self.extra: dict[int, tuple[int, int]] = {}  # line_no of a surplus line: line of the goods, pieces
        next_line = max(lines) + 1
        for each in found:
            self._add(each.line_no, each.line_no, each.serials, each.plain)
            if each.surplus:
                self.extra[next_line] = each.line_no, each.surplus
                self._add(next_line, each.line_no, each.surplus_serials, each.surplus_plain)
                next_line += 1
        self.numbers = range(given.last_unit + 1, given.last_unit + 1 + len(self.units))
        self.codes = [f"{given.number}U{number}" for number in self.numbers]
        self.surplus = sum(pieces for _, pieces in self.extra.values())
        self.document_of: dict[int, uuid.UUID] = {}

    def _add(self, line_no: int, of: int, serials: Sequence[str], plain: int) -> None:
        self.units += [(line_no, of, 1, serial) for serial in serials]
        self.units += [(line_no, of, pieces, None) for pieces in arrivals.units_of(plain)]

    def pieces(self) -> dict[int, int]:
        """Pieces by the line that they are received on."""
        found: dict[int, int] = {}
        for line_no, _, pieces, _ in self.units:
            found[line_no] = found.get(line_no, 0) + pieces
        return found

    def reason_of(self, line_no: int) -> Reason:
        """Unsold goods move to the dock; everything else comes from its buyer."""
        unsold = line_no not in self.extra and self.lines[line_no].basis == Basis.UNSOLD
        return Reason.MOVE if unsold else Reason.RETURN

    def posting(self, line_no: int, pieces: int) -> Posting:
        """The movement of a line's pieces into quarantine at the dock."""
        line = self.lines[self.extra[line_no][0] if line_no in self.extra else line_no]
        after = int(Condition.QUARANTINE)
        source, before = int(Place.BUYER), after
        if self.reason_of(line_no) is Reason.MOVE:
            source, before = line.location_id or 0, line.condition or 0
        return Posting(
            self.given.owner_id, line.item_id, line.lot_id, source, self.given.dock_id, before, after, pieces
        )

    async def keep(
        self, viewer: Viewer, keys: dict[Reason, str], request_hash: bytes, parcel_no: int | None, at: datetime
    ) -> list[Entry]:
        """Keep the units, inside the caller's transaction; what the ledger has to book for it."""
        pieces = self.pieces()
        reasons = {line_no: self.reason_of(line_no) for line_no in pieces}
        documents = {reason: values.new_id() for reason in reasons.values()}
        self.document_of = {line_no: documents[reason] for line_no, reason in reasons.items()}
        try:
            await DB.run(SQL["receive"], *self._columns(viewer, self.document_of, pieces, parcel_no, at))
        except asyncpg.UniqueViolationError as error:
            raise arrivals.SerialTwice from error
        return [
            Entry(
                reason=reason,
                postings=[self.posting(no, count) for no, count in pieces.items() if reasons[no] is reason],
                request_key=keys[reason],
                request_hash=request_hash,
                reference=self.given.number,
                document_id=document_id,
            )
            for reason, document_id in documents.items()
        ]

    async def charge(self, at: datetime) -> None:
        """Charge the receipt that was kept."""
        await charges.record(
            *(
                Step(
                    warehouse_id=self.given.warehouse_id,
                    owner_id=self.given.owner_id,
                    activity=Activity.RETURN_RECEIPT,
                    quantity=count,
                    source="receipt",
                    source_id=self.document_of[line_no],
                    source_line=line_no,
                    number=self.given.number,
                    occurred_at=at,
                )
                for line_no, count in self.pieces().items()
            )
        )

    def _columns(
        self,
        viewer: Viewer,
        of_line: dict[int, uuid.UUID],
        pieces: dict[int, int],
        parcel_no: int | None,
        at: datetime,
    ) -> list[object]:
        """The arguments of the statement `receive`."""
        extra = [(no, self.lines[of].item_id, self.lines[of].lot_id, count) for no, (of, count) in self.extra.items()]
        units = [
            (values.new_id(), no, number, code, line.item_id, line.lot_id, count, serial, of_line[no])
            for (no, of, count, serial), number, code in zip(self.units, self.numbers, self.codes, strict=True)
            for line in (self.lines[of],)
        ]
        booked = {no: count for no, count in pieces.items() if no not in self.extra}
        return [
            self.given.warehouse_id,
            self.given.id,
            self.given.owner_id,
            *columns(extra, 4),
            self.given.dock_id,
            int(Condition.QUARANTINE),
            at,
            viewer.user_id,
            *columns(units, 9),
            parcel_no,
            list(booked),
            list(booked.values()),
        ]


def columns(rows: Sequence[Sequence[object]], width: int) -> list[list[object]]:
    """Rows as columns, for a statement that unnests them."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
