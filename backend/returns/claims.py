"""Which pieces the lines of a return stand for: sales that may still come back, goods that lie unsold, or a buyer's word."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import asyncpg
import msgspec

from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault
from backend.core.text import N_
from backend.returns import booking
from backend.returns.booking import Line
from backend.returns.rules import Basis
from backend.stock.rules import Condition

SQL = blocks(Path(__file__).with_name("claims.sql"))
# So many sales one line may be spread over.
MOST_SALES = 2000
NOBODY = "00000000-0000-0000-0000-000000000000"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a return in ids, as it is kept: one for each sale that a line of the booking is spread over."""

    item_id: int
    lot_id: int
    quantity: int
    basis: Basis
    sale: tuple[int, object, int] | None
    shipped: int
    location_id: int | None
    lies_in: int
    condition: int | None
    serials: list[str]
    note: str
    supervision_code: str
    declaration: tuple[str, int] | None
    exported_on: date | None
    hs_code: str | None
    weight_kg: Decimal | None
    longest_cm: Decimal | None


_NO_ITEM = N_("You have no item “%(value)s”. Check the code, or register the item first.")
_NO_LOT = N_("Item %(item)s has no lot “%(value)s”. Register the lot first, or leave it empty.")
_NO_WAREHOUSE = N_("There is no warehouse “%(value)s”. Check its code in the list of warehouses.")
_NO_LOCATION = N_("Warehouse %(warehouse)s has no location “%(value)s”. Check where the goods lie in your stock.")
_NO_CONDITION = N_("“%(value)s” is not a condition. Use GOOD, SECOND, DAMAGED or QUARANTINE.")
_NO_DECLARATION = N_("You have no lot of declaration %(value)s, line %(line)s. Check both, or register the lot first.")
_OTHER_ITEM = N_("Line %(line)s of declaration %(value)s is not of item %(item)s. Check the item or the line.")
_NOT_SHIPPED = N_(
    "No piece of %(item)s was shipped to a buyer in this way. Check the order number, or book the line on the buyer's "
    "paper; it will be investigated."
)
_TOO_MANY = N_(
    "Of %(item)s only %(free)s pieces that were shipped in this way can still come back, %(wanted)s are wanted. Lower the "
    "quantity; the others are expected by another return or came back already."
)
_TOO_FEW_LIE = N_(
    "Only %(free)s of %(item)s lie free at %(location)s and are expected by no other return, %(wanted)s are wanted. Lower "
    "the quantity, or release what is held or reserved."
)
_TOO_MANY_SALES = N_(
    "%(wanted)s pieces of %(item)s are spread over more than %(most)s sales. Name the orders, or book several lines."
)
_ELSEWHERE = N_(
    "These goods lie in warehouse %(value)s. Unsold goods are returned where they lie: choose that warehouse."
)
_SERIAL_TAKEN = N_(
    "The serial number “%(value)s” is in return %(number)s already. A piece comes back once; check the number."
)


async def resolve(
    owner_id: int,
    warehouse_id: int | None,
    lines: Mapping[int, Line],
    faults: list[Fault],
    *,
    rma_id: object = NOBODY,
    path: str = "lines",
) -> list[Taken]:
    """What the lines (by their place in the booking) stand for; everything wrong with them becomes faults of their fields.

    A line is spread over the oldest sales that fit it. `warehouse_id` is where the return goes, if that is known. A handful
    of statements for any number of lines. Call it inside the transaction that books, so that serial numbers and unsold
    goods are not promised twice at once.
    """
    conditions = {number: Condition.__members__.get(line.condition) for number, line in lines.items()}
    for number, condition in conditions.items():
        if condition is None:
            value = lines[number].condition
            faults.append(Fault(f"{path}.{number}.condition", value, _NO_CONDITION, {"value": value}))
    asked = {number: line for number, line in lines.items() if conditions[number]}
    waiting = {values.code_of(line.item) for line in asked.values() if line.serials or line.basis == Basis.UNSOLD}
    if waiting:
        await DB.run(SQL["lock_items"], owner_id, list(waiting))
    rows = await DB.fetch(SQL["resolve"], owner_id, *_columns(asked, conditions), MOST_SALES)
    found: dict[int, list[asyncpg.Record]] = {number: [] for number in asked}
    for row in rows:
        found[row["n"]].append(row)
    spread = _Spread(warehouse_id, path, faults)
    for number, candidates in found.items():
        spread.take(number, asked[number], candidates)
    if spread.without:
        await _explain(owner_id, asked, spread.without, path, faults)
    await _check_serials(owner_id, spread.taken, rma_id, asked, path, faults)
    return spread.taken


async def give_back(warehouse_id: int, rma_id: object, quantities: Mapping[int, int]) -> None:
    """Give up the claims on pieces that will not come (so many of each line), inside the caller's transaction."""
    if quantities:
        await DB.run(SQL["give_back"], warehouse_id, rma_id, list(quantities), list(quantities.values()))


def _columns(lines: Mapping[int, Line], conditions: Mapping[int, Condition | None]) -> list[list[object]]:
    """The lines as the columns that the statement `resolve` takes."""
    rows = [
        (
            number,
            values.code_of(line.item),
            line.quantity,
            line.basis,
            line.order.strip(),
            values.code_of(line.warehouse),
            values.code_of(line.lot),
            line.document,
            line.document_line,
            line.declaration.strip(),
            line.declaration_line,
            values.code_of(line.location),
            int(conditions[number] or 0),
        )
        for number, line in lines.items()
    ]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(13)]


class _Spread:
    """Spreads lines over their candidates; what one line has taken is not there for the next."""

    def __init__(self, warehouse_id: int | None, path: str, faults: list[Fault]) -> None:
        self._warehouse_id, self._path, self._faults = warehouse_id, path, faults
        self._used: dict[object, int] = {}
        self.taken: list[Taken] = []
        self.without: dict[int, int] = {}

    def take(self, number: int, line: Line, candidates: Sequence[asyncpg.Record]) -> None:
        """Take the pieces of a line from its candidates; what is wrong becomes a fault."""
        at, first = f"{self._path}.{number}.", candidates[0]
        if unknown := _unknown_code(line, first, at):
            self._faults.append(unknown)
        elif line.basis == Basis.PAPER:
            self.taken.append(_taken(line, first, line.quantity, list(line.serials)))
        elif line.basis == Basis.UNSOLD:
            self._take_unsold(line, first, at)
        elif first["document_id"] is None:
            self.without[number] = first["item_id"]
        else:
            self._take_shipped(line, candidates, at)

    def _take_unsold(self, line: Line, row: asyncpg.Record, at: str) -> None:
        if self._warehouse_id is not None and row["known_warehouse_id"] != self._warehouse_id:
            code = values.code_of(line.warehouse)
            self._faults.append(Fault(f"{at}warehouse", line.warehouse, _ELSEWHERE, {"value": code}))
            return
        key = ("unsold", row["known_warehouse_id"], row["item_id"], row["lot_id"], row["location_id"], row["condition"])
        free = max(0, (row["remaining"] or 0) - self._used.get(key, 0))
        if free < line.quantity:
            facts = {"free": free, "wanted": line.quantity, "item": values.code_of(line.item)}
            facts["location"] = values.code_of(line.location)
            self._faults.append(Fault(f"{at}quantity", line.quantity, _TOO_FEW_LIE, facts))
            return
        self._used[key] = self._used.get(key, 0) + line.quantity
        self.taken.append(_taken(line, row, line.quantity, list(line.serials)))

    def _take_shipped(self, line: Line, candidates: Sequence[asyncpg.Record], at: str) -> None:
        left, serials, free = line.quantity, list(line.serials), 0
        taken: list[Taken] = []
        for row in candidates:
            key = row["warehouse_id"], row["document_id"], row["line_no"]
            open_ = row["remaining"] - self._used.get(key, 0)
            free += open_
            if not (quantity := min(left, open_)):
                continue
            self._used[key] = self._used.get(key, 0) + quantity
            taken.append(_taken(line, row, quantity, serials[:quantity]))
            left, serials = left - quantity, serials[quantity:]
            if not left:
                break
        facts = {"free": free, "wanted": line.quantity, "item": values.code_of(line.item), "most": MOST_SALES}
        if left:
            sentence = _TOO_MANY_SALES if len(candidates) >= MOST_SALES else _TOO_MANY
            self._faults.append(Fault(f"{at}quantity", line.quantity, sentence, facts))
        else:
            self.taken += taken


def _unknown_code(line: Line, row: asyncpg.Record, at: str) -> Fault | None:
    """The fault of the first code of a line that names nothing."""
    facts = {"item": values.code_of(line.item), "warehouse": values.code_of(line.warehouse)}
    for name, missing, sentence in (
        ("item", row["item_id"] is None, _NO_ITEM),
        ("warehouse", bool(line.warehouse) and row["known_warehouse_id"] is None, _NO_WAREHOUSE),
        ("lot", bool(line.lot) and row["known_lot_id"] is None, _NO_LOT),
        ("location", line.basis == Basis.UNSOLD and row["location_id"] is None, _NO_LOCATION),
    ):
        if missing:
            value: str = getattr(line, name)
            return Fault(f"{at}{name}", value, sentence, {"value": values.code_of(value), **facts})
    return None


def _taken(line: Line, row: asyncpg.Record, quantity: int, serials: list[str]) -> Taken:
    sale = (row["warehouse_id"], row["document_id"], row["line_no"]) if row["document_id"] else None
    return Taken(
        item_id=row["item_id"],
        lot_id=row["lot_id"],
        quantity=quantity,
        basis=Basis(line.basis),
        sale=sale,
        shipped=row["shipped"] or 0,
        location_id=row["location_id"] if line.basis == Basis.UNSOLD else None,
        lies_in=row["known_warehouse_id"] or 0,
        condition=None if line.basis == Basis.PAPER else row["condition"],
        serials=[booking.serial_of(serial) for serial in serials],
        note=line.note.strip(),
        supervision_code=row["supervision_code"] or "",
        declaration=(row["declaration_no"], row["declaration_line"]) if row["declaration_no"] else None,
        exported_on=row["exported_on"],
        hs_code=row["hs_code"],
        weight_kg=row["weight_kg"],
        longest_cm=row["longest_cm"],
    )


async def _explain(
    owner_id: int, lines: Mapping[int, Line], without: Mapping[int, int], path: str, faults: list[Fault]
) -> None:
    """Say of every line for which nothing is left whether nothing ever was."""
    asked = {number: lines[number] for number in without}
    rows = await DB.fetch(
        SQL["ever_shipped"],
        owner_id,
        list(asked),
        list(without.values()),
        [line.order.strip() for line in asked.values()],
        [line.document for line in asked.values()],
        [line.declaration.strip() for line in asked.values()],
        [line.declaration_line for line in asked.values()],
    )
    for row in rows:
        line = asked[row["n"]]
        facts = {"item": values.code_of(line.item), "wanted": line.quantity, "free": 0}
        facts |= {"value": line.declaration, "line": line.declaration_line or 0}
        at = f"{path}.{row['n']}."
        if line.declaration and not row["declared"]:
            faults.append(Fault(f"{at}declaration", line.declaration, _NO_DECLARATION, facts))
        elif line.declaration and not row["of_this_item"]:
            faults.append(Fault(f"{at}declaration_line", line.declaration_line, _OTHER_ITEM, facts))
        elif row["shipped"]:
            faults.append(Fault(f"{at}quantity", line.quantity, _TOO_MANY, facts))
        else:
            field = "order" if line.order else "document" if line.document else "declaration"
            faults.append(Fault(f"{at}{field}", str(getattr(line, field)), _NOT_SHIPPED, facts))


async def _check_serials(
    owner_id: int, taken: Sequence[Taken], rma_id: object, lines: Mapping[int, Line], path: str, faults: list[Fault]
) -> None:
    named = [(each.item_id, serial, each.sale[1] if each.sale else None) for each in taken for serial in each.serials]
    if not named:
        return
    rows = await DB.fetch(
        SQL["serials_taken"], owner_id, *(list(column) for column in zip(*named, strict=True)), rma_id
    )
    at = {booking.serial_of(serial): number for number, line in lines.items() for serial in line.serials}
    for serial, number in dict.fromkeys((row["serial"], row["number"]) for row in rows):
        faults.append(Fault(f"{path}.{at[serial]}.serials", serial, _SERIAL_TAKEN, {"value": serial, "number": number}))
