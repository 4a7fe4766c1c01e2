"""Which pieces the lines of a return stand for: sales that may still come back, goods that lie unsold, or a buyer's word."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec

from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault
from backend.core.text import N_
from backend.returns import booking
from backend.returns.booking import Line
from backend.returns.rules import Basis
from backend.stock.rules import Condition

SQL = blocks(Path(__file__).with_name("claims.sql"))
# So many sales one line may be spread over.
MOST_SALES = 2000
SALES_READ = (20, 200)
TRIES = 5
T = TypeVar("T")
NOBODY = "00000000-0000-0000-0000-000000000000"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a return in ids, as it is kept: one for each sale over which the line `number` of the booking is spread."""

    number: int
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


async def retried(act: Callable[[bool], Awaitable[T]]) -> T:
    """Run an act that claims pieces; again, waiting for others (`act(True)`), when somebody claimed the same pieces, or used
    the same request key, first.
    """
    for attempt in range(TRIES):
        try:
            return await act(attempt > 0)
        except asyncpg.CheckViolationError as error:
            if error.constraint_name != "return_claim_shipped":
                raise
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "rma_organisation_id_request_key_key":
                raise
        except asyncpg.DeadlockDetectedError:
            pass
    raise Conflict


async def resolve(
    owner_id: int,
    warehouse_id: int | None,
    lines: Mapping[int, Line],
    faults: list[Fault],
    *,
    rma_id: object = NOBODY,
    path: str = "lines",
    wait: bool = False,
) -> list[Taken]:
    """What the lines (by their place in the booking) stand for; everything wrong with them becomes faults of their fields.

    A line is spread over the oldest sales that fit it. `warehouse_id` is where the return goes, if that is known. A handful
    of statements for any number of lines. Call it inside the transaction that books, so that serial numbers and unsold
    goods are not promised twice at once; with `wait` bookings of all these items wait for each other.
    """
    asked = {number: line for number, line in lines.items() if _condition(line) is not None}
    for number, line in lines.items():
        if number not in asked:
            field = f"{path}.{number}.condition"
            faults.append(Fault(field, line.condition, _NO_CONDITION, {"value": line.condition}))
    waiting = {
        values.code_of(line.item) for line in asked.values() if wait or line.serials or line.basis == Basis.UNSOLD
    }
    if waiting:
        await DB.run(SQL["lock_items"], owner_id, list(waiting))
    known = await _known(owner_id, asked, path, faults)
    found = await _candidates(owner_id, {number: asked[number] for number in known}, known)
    spread = _Spread(warehouse_id, path, faults)
    for number, code in known.items():
        spread.take(number, asked[number], code, found.get(number, []))
    if spread.without:
        await _explain(owner_id, asked, spread.without, path, faults)
    await _check_serials(owner_id, spread.taken, rma_id, path, faults)
    return sorted(spread.taken, key=lambda each: each.number)


def _condition(line: Line) -> Condition | None:
    return Condition.__members__.get(line.condition)


async def _known(owner_id: int, lines: Mapping[int, Line], path: str, faults: list[Fault]) -> dict[int, asyncpg.Record]:
    """What the codes of the lines name, line by line; a line with a code that names nothing is left out, with a fault."""
    rows = await DB.fetch(
        SQL["codes"],
        owner_id,
        list(lines),
        [values.code_of(line.item) for line in lines.values()],
        [values.code_of(line.warehouse) for line in lines.values()],
        [values.code_of(line.lot) for line in lines.values()],
        [values.code_of(line.location) if line.basis == Basis.UNSOLD else "" for line in lines.values()],
    )
    known = {}
    for row in sorted(rows, key=lambda row: row["n"]):
        if fault := _unknown_code(lines[row["n"]], row, f"{path}.{row['n']}."):
            faults.append(fault)
        else:
            known[row["n"]] = row
    return known


async def _candidates(
    owner_id: int, lines: Mapping[int, Line], known: Mapping[int, asyncpg.Record]
) -> dict[int, list[asyncpg.Record]]:
    """What each line may take from, oldest first: one statement for each way in which lines say where they come from."""
    ways: dict[str, list[tuple[object, ...]]] = {}
    wanted: Counter[int] = Counter()
    for number, line in lines.items():
        code = known[number]
        goods = number, code["item_id"], code["warehouse_id"]
        wanted[code["item_id"]] += line.quantity
        if line.basis == Basis.UNSOLD:
            place = code["location_id"], int(_condition(line) or 0)
            ways.setdefault("unsold", []).append((*goods, code["lot_id"] or 0, *place))
        elif line.basis == Basis.SHIPPED and line.document is not None:
            ways.setdefault("by_document", []).append((*goods, line.document, line.document_line))
        elif line.basis == Basis.SHIPPED and line.declaration:
            declared = line.declaration.strip(), line.declaration_line
            ways.setdefault("by_declaration", []).append((*goods, code["lot_id"], *declared))
        elif line.basis == Basis.SHIPPED:
            ways.setdefault("by_order", []).append((*goods, code["lot_id"], line.order.strip()))
    found: dict[int, list[asyncpg.Record]] = {}
    for way, rows in ways.items():
        statement = SQL[way]
        if way == "by_declaration":
            # Every sale has at least one piece left, so that as many sales as pieces are enough.
            most = max(wanted.values())
            enough = next((bound for bound in SALES_READ if bound >= most), MOST_SALES)
            statement = statement.replace(f"limit {MOST_SALES}", f"limit {enough}")
        for row in await DB.fetch(statement, owner_id, *(list(column) for column in zip(*rows, strict=True))):
            found.setdefault(row["n"], []).append(row)
    return found


async def give_back(warehouse_id: int, rma_id: object, quantities: Mapping[int, int]) -> None:
    """Give up the claims on pieces that will not come (so many of each line), inside the caller's transaction."""
    if quantities:
        await DB.run(SQL["give_back"], warehouse_id, rma_id, list(quantities), list(quantities.values()))


class _Spread:
    """Spreads lines over their candidates; what one line has taken is not there for the next."""

    def __init__(self, warehouse_id: int | None, path: str, faults: list[Fault]) -> None:
        self._warehouse_id, self._path, self._faults = warehouse_id, path, faults
        self._used: Counter[object] = Counter()
        self.taken: list[Taken] = []
        self.without: dict[int, int] = {}

    def take(self, number: int, line: Line, code: asyncpg.Record, candidates: Sequence[asyncpg.Record]) -> None:
        """Take the pieces of a line from its candidates; what is wrong becomes a fault."""
        if line.basis == Basis.PAPER:
            self.taken.append(_taken(number, line, code, None, line.quantity, list(line.serials)))
        elif line.basis == Basis.UNSOLD:
            self._take_unsold(number, line, code, candidates)
        elif candidates:
            self._take_shipped(number, line, code, candidates)
        else:
            self.without[number] = code["item_id"]

    def _take_unsold(self, number: int, line: Line, code: asyncpg.Record, candidates: Sequence[asyncpg.Record]) -> None:
        at = f"{self._path}.{number}."
        if self._warehouse_id is not None and code["warehouse_id"] != self._warehouse_id:
            facts: dict[str, object] = {"value": values.code_of(line.warehouse)}
            self._faults.append(Fault(f"{at}warehouse", line.warehouse, _ELSEWHERE, facts))
            return
        key = code["item_id"], code["lot_id"], code["location_id"], line.condition
        free = max(0, sum(row["remaining"] for row in candidates) - self._used[key])
        if free < line.quantity:
            facts = {"free": free, "wanted": line.quantity, "item": values.code_of(line.item)}
            facts["location"] = values.code_of(line.location)
            self._faults.append(Fault(f"{at}quantity", line.quantity, _TOO_FEW_LIE, facts))
            return
        self._used[key] += line.quantity
        self.taken.append(_taken(number, line, code, None, line.quantity, list(line.serials)))

    def _take_shipped(
        self, number: int, line: Line, code: asyncpg.Record, candidates: Sequence[asyncpg.Record]
    ) -> None:
        left, serials, free = line.quantity, list(line.serials), 0
        taken: list[Taken] = []
        for row in candidates[:MOST_SALES]:
            key = row["warehouse_id"], row["document_id"], row["line_no"]
            open_ = row["remaining"] - self._used[key]
            free += open_
            if not (quantity := min(left, open_)):
                continue
            self._used[key] += quantity
            taken.append(_taken(number, line, code, row, quantity, serials[:quantity]))
            left, serials = left - quantity, serials[quantity:]
            if not left:
                break
        if not left:
            self.taken += taken
            return
        for each in taken:
            self._used[each.sale] -= each.quantity
        facts = {"free": free, "wanted": line.quantity, "item": values.code_of(line.item), "most": MOST_SALES}
        sentence = _TOO_MANY_SALES if len(candidates) >= MOST_SALES else _TOO_MANY
        self._faults.append(Fault(f"{self._path}.{number}.quantity", line.quantity, sentence, facts))


def _unknown_code(line: Line, row: asyncpg.Record, at: str) -> Fault | None:
    """The fault of the first code of a line that names nothing."""
    facts = {"item": values.code_of(line.item), "warehouse": values.code_of(line.warehouse)}
    for name, missing, sentence in (
        ("item", row["item_id"] is None, _NO_ITEM),
        ("warehouse", bool(line.warehouse) and row["warehouse_id"] is None, _NO_WAREHOUSE),
        ("lot", bool(line.lot) and row["lot_id"] is None, _NO_LOT),
        ("location", line.basis == Basis.UNSOLD and row["location_id"] is None, _NO_LOCATION),
    ):
        if missing:
            value: str = getattr(line, name)
            return Fault(f"{at}{name}", value, sentence, {"value": values.code_of(value), **facts})
    return None


def _taken(
    number: int, line: Line, code: asyncpg.Record, sale: asyncpg.Record | None, quantity: int, serials: list[str]
) -> Taken:
    lot = sale or code
    return Taken(
        number=number,
        item_id=code["item_id"],
        lot_id=lot["lot_id"] or 0,
        quantity=quantity,
        basis=Basis(line.basis),
        sale=(sale["warehouse_id"], sale["document_id"], sale["line_no"]) if sale else None,
        shipped=sale["shipped"] if sale else 0,
        location_id=code["location_id"] if line.basis == Basis.UNSOLD else None,
        lies_in=code["warehouse_id"] or 0,
        condition=sale["condition"] if sale else int(_condition(line) or 0) if line.basis == Basis.UNSOLD else None,
        serials=[booking.serial_of(serial) for serial in serials],
        note=line.note.strip(),
        supervision_code=lot["supervision_code"] or "",
        declaration=(lot["declaration_no"], lot["declaration_line"]) if lot["declaration_no"] else None,
        exported_on=lot["exported_on"],
        hs_code=code["hs_code"],
        weight_kg=code["weight_kg"],
        longest_cm=code["longest_cm"],
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


async def _check_serials(owner_id: int, taken: Sequence[Taken], rma_id: object, path: str, faults: list[Fault]) -> None:
    named = [(each.item_id, serial, each.sale[1] if each.sale else None) for each in taken for serial in each.serials]
    if not named:
        return
    rows = await DB.fetch(
        SQL["serials_taken"], owner_id, *(list(column) for column in zip(*named, strict=True)), rma_id
    )
    # Makers number their items alike: a serial belongs to the line of its item.
    at = {(each.item_id, serial): each.number for each in taken for serial in each.serials}
    for item_id, serial, number in dict.fromkeys((row["item_id"], row["serial"], row["number"]) for row in rows):
        field = f"{path}.{at[item_id, serial]}.serials"
        faults.append(Fault(field, serial, _SERIAL_TAKEN, {"value": serial, "number": number}))
