"""What a row of a trade file means, why one is rejected, and what stock allows. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import values
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed, NotFound
from backend.core.text import N_
from backend.stock import rules as stock_rules
from backend.stock.rules import Reason
from backend.trade.mapping import FileMapping, Kind
from backend.trade.reasons import LONGEST_REFERENCE, Why

SHOWN = 200
LINE, COLUMN, VALUE, REASON, ORIGIN = EXTRA_COLUMNS = (
    "luocang_line",
    "luocang_column",
    "luocang_value",
    "luocang_reason",
    "luocang_origin",
)


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    READING = "reading"
    POSTING = "posting"
    DONE = "done"
    REFUSED = "refused"


STATE_NAMES: Mapping[State, str] = {
    State.QUEUED: N_("Waiting"),
    State.READING: N_("Reading"),
    State.POSTING: N_("Posting"),
    State.DONE: N_("Done"),
    State.REFUSED: N_("Refused"),
}


class Step(StrEnum):
    """What a run is doing, for whoever watches; counted in bytes of the file, then in rows."""

    CHECKING = "checking"
    READING = "reading"
    SORTING = "sorting"
    POSTING = "posting"


STEP_NAMES: Mapping[Step, str] = {
    Step.CHECKING: N_("Checking the file"),
    Step.READING: N_("Reading rows"),
    Step.SORTING: N_("Matching with the book"),
    Step.POSTING: N_("Posting movements"),
}


class FileRefused(Invalid):
    """Nothing of the file was booked; `faults` says what to correct."""

    sentence: ClassVar[str] = N_("The file cannot be imported. Nothing was posted.")


class NoSuchWarehouse(NotFound):
    """The warehouse is missing, or not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "There is no warehouse “%(warehouse)s”. Check --warehouse, or add --create to make it."
    )


class NoSuchExporter(NotFound):
    """The exporter is missing."""

    sentence: ClassVar[str] = N_("There is no exporter “%(exporter)s”. Check --exporter, or add --create to make it.")


class MappingMakesNoWarehouse(NotFound):
    """`--create` has nothing to make the warehouse of."""

    sentence: ClassVar[str] = N_(
        "There is no warehouse “%(warehouse)s”, and the mapping “%(mapping)s” has no part [warehouse] to make it of."
    )


class NotYourWarehouse(NotAllowed):
    """Only the operator of a warehouse imports into it."""

    sentence: ClassVar[str] = N_("Only the operator of warehouse %(warehouse)s may import trade files into it.")


class StockKeepsMoving(Conflict):
    """Somebody takes the same goods while the file is posted."""

    sentence: ClassVar[str] = N_(
        "The same stock keeps being moved by others. What was posted is kept; run the same import again to finish it."
    )


class FileGone(Conflict):
    """An uploaded file is no longer there."""

    sentence: ClassVar[str] = N_(
        "The uploaded file “%(name)s” is no longer there. Upload it again; nothing is posted twice."
    )


class FileChanged(Conflict):
    """The file was written to while it was read."""

    sentence: ClassVar[str] = N_("The file “%(name)s” was changed while it was read. Nothing was posted; try again.")


class NotAnExporter(Invalid):
    """The goods of a file belong to an exporter at work."""

    sentence: ClassVar[str] = N_(
        "“%(exporter)s” is no active exporter. Give the code of the exporter who owns the goods."
    )


class NoPlaceForGoods(Conflict):
    """Goods lie in bins, docks and workshops only."""

    sentence: ClassVar[str] = N_(
        "%(location)s in warehouse %(warehouse)s is no bin, so that no goods can lie there. Name another location in the mapping."
    )


def require_import(viewer: Viewer) -> None:
    """The viewer may import trade files at all; into which warehouses, its operator decides."""
    access_rules.require(viewer, Right.IMPORT_TRADE)


# ------------------------------------------------------------------------------------------------------------- cells


def reference_of(cell: str) -> str | None:
    """The invoice number in a cell, or None."""
    text = cell.strip()
    return text if 0 < len(text) <= LONGEST_REFERENCE and text.isprintable() else None


def item_of(cell: str) -> str | None:
    """The item code in a cell in its one spelling, or None."""
    code = values.code_of(cell)
    return code if values.GOODS_CODE.fullmatch(code) and code.isprintable() else None


_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(?:\.0{1,2})?")


def pieces_of(cell: str) -> int | None:
    """The signed pieces in a cell, or None where they are not whole; ``6.0`` is how some programs write 6."""
    text = cell.strip()
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None


class Dates:
    """Reads the dates of a mapping as seconds since 1970 UTC."""

    def __init__(self, mapping: FileMapping, zone: str) -> None:
        self._patterns = mapping.patterns
        self._zone = ZoneInfo(zone)

    def read(self, cell: str) -> int | None:
        """The instant in a cell, or None."""
        text = cell.strip()
        for pattern in self._patterns:
            if found := pattern.fullmatch(text):
                try:
                    parts = {name: int(digits) for name, digits in found.groupdict().items()}
                    return int(datetime(**parts, tzinfo=self._zone).timestamp())
                except (ValueError, OverflowError):
                    return None
        return None


class Meaning:
    """What a kind of row does: its quantity times `factor` is the change at the warehouse; `sign` is the one it needs."""

    __slots__ = ("factor", "kind", "reason", "sign")

    def __init__(self, kind: Kind, factor: int, sign: int, reason: int) -> None:
        self.kind, self.factor, self.sign, self.reason = kind, factor, sign, reason


def meanings(mapping: FileMapping) -> dict[Kind, Meaning]:
    """What each kind of row does in files of this mapping; a sign of 0 takes both."""
    back = -1 if mapping.returns_are_negative else 1
    return {
        Kind.SALE: Meaning(Kind.SALE, -1, 1, Reason.SALE),
        Kind.RETURN: Meaning(Kind.RETURN, back, back, Reason.RETURN),
        Kind.ADJUSTMENT: Meaning(Kind.ADJUSTMENT, 1, 0, Reason.ADJUSTMENT),
        Kind.NOT_GOODS: Meaning(Kind.NOT_GOODS, 0, 0, 0),
    }


def fits(mapping: FileMapping, column: str, cell: str) -> int:
    """Bits of the rules that a cell leaves possible: rule n is bit n; the bit behind the last rule, a sale, always."""
    bits = 1 << len(mapping.rules)
    for number, rule in enumerate(mapping.rules):
        pattern = rule.when.get(column)
        if pattern is None or pattern.fullmatch(cell):
            bits |= 1 << number
    return bits


def kind_of(mapping: FileMapping, cells: Mapping[str, str]) -> Kind:
    """The kind of a row by the first rule that fits (what the bits of `fits` say together)."""
    for rule in mapping.rules:
        if all(pattern.fullmatch(cells[column]) for column, pattern in rule.when.items()):
            return rule.then
    return Kind.SALE


def why_not(mapping: FileMapping, cells: Mapping[str, str], dates: Dates, now: datetime) -> tuple[str, Why]:
    """The first thing wrong with a row that is not taken: its column and the reason."""
    kind = kind_of(mapping, cells)
    if kind is Kind.NOT_GOODS:
        return next(column for rule in mapping.rules if rule.then is kind for column in rule.when), Why.NOT_GOODS
    if reference_of(cells[mapping.reference]) is None:
        return mapping.reference, Why.REFERENCE
    if item_of(cells[mapping.item]) is None:
        return mapping.item, Why.ITEM
    pieces = pieces_of(cells[mapping.quantity])
    if pieces is None:
        return mapping.quantity, Why.QUANTITY
    if pieces == 0:
        return mapping.quantity, Why.ZERO
    if abs(pieces) > values.LARGEST_QUANTITY:
        return mapping.quantity, Why.HUGE
    instant = dates.read(cells[mapping.occurred_at])
    if instant is None:
        return mapping.occurred_at, Why.DATE
    if instant < earliest():
        return mapping.occurred_at, Why.TOO_OLD
    if instant > latest(now):
        return mapping.occurred_at, Why.FUTURE
    return mapping.quantity, Why.SIGN


def earliest() -> int:
    """The first instant that the book takes, in seconds since 1970."""
    return int(stock_rules.EARLIEST.timestamp())


def latest(now: datetime) -> int:
    """The last instant that the book takes."""
    return int((now + stock_rules.LATE_AFTER).timestamp())


def positions(mapping: FileMapping, header: Sequence[str]) -> dict[str, int]:
    """Where each column of the mapping stands; refuses a heading without them, naming the likely cause."""
    plain = [_plain(name) for name in header]
    faults: list[Fault] = []
    found: dict[str, int] = {}
    for column in mapping.columns:
        places = [place for place, name in enumerate(plain) if name == _plain(column)]
        if len(places) == 1:
            found[column] = places[0]
        elif places:
            faults.append(
                Fault(
                    column,
                    column,
                    N_("The column “%(column)s” is there %(times)s times. Leave one."),
                    {"column": column, "times": len(places)},
                )
            )
        else:
            faults.append(
                Fault(
                    column,
                    column,
                    N_("The column “%(column)s” is missing. The file has: %(columns)s."),
                    {"column": column, "columns": [name[:40] for name in header[:20]]},
                )
            )
    if len(header) == 1 and (other := next((mark for mark in ",;\t|" if mark in header[0]), None)):
        faults = [
            Fault(
                "delimiter",
                header[0][:SHOWN],
                N_(
                    "The cells of the first line are parted by “%(found)s”, the mapping “%(mapping)s” expects “%(wanted)s”. "
                    "Choose another mapping, or save the file with “%(wanted)s”. The line is: %(value)s"
                ),
                {
                    "found": other if other != "\t" else "TAB",
                    "wanted": mapping.delimiter,
                    "mapping": mapping.name,
                    "value": header[0][:SHOWN],
                },
            )
        ]
    if faults:
        raise FileRefused(faults)
    return found


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


# ----------------------------------------------------------------------------------------------- corrected rows

_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*")


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `restored` gives it back as it was."""
    if cell[:1] == "'" or (cell[:1] in ("=", "+", "-", "@", "\t", "\r") and cell and not _NUMBER.fullmatch(cell)):
        return "'" + cell
    return cell


def restored(cell: str) -> str:
    """A cell of a file of rejected rows, as it was before `neutral`."""
    return cell[1:] if cell[:1] == "'" else cell


# ---------------------------------------------------------------------------------------------------------- stock


class NotEnough:
    """Judges the rows of items in the order of time: one that finds too little is left out, those behind it go on."""

    def __init__(self) -> None:
        self._item_id = 0
        self._change = 0

    def leaves_out(self, item_id: int, free: int, change: int) -> bool:
        """Whether the row is left out. `free` is what is free from its time on, before any of these rows."""
        if item_id != self._item_id:
            self._item_id, self._change = item_id, 0
        if change < 0 and free + self._change + change < 0:
            return True
        self._change += change
        return False
