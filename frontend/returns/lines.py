"""The lines of a return as rows of a form: what was typed becomes lines, and what is wrong goes back beside its cell."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from backend.core import values
from backend.core.errors import Fault
from backend.core.text import N_
from backend.returns import reading
from backend.returns.booking import Line
from backend.returns.rules import Basis, Kind
from backend.stock.rules import Condition
from frontend.returns import words

FIRST_ROWS = 4
MORE_ROWS = 6
MOST_ROWS = 60
CELLS = ("item", "quantity", "number", "number_line", "warehouse", "lot", "serials", "note")
_CELL = re.compile(r"lines\.(\d{1,3})\.(\w+)")
# Where a fault of a line is shown.
_SHOWN_AT = {
    **dict.fromkeys(("order", "declaration", "document", "location"), "number"),
    **dict.fromkeys(("declaration_line", "document_line"), "number_line"),
    "condition": "basis",
}


def rows_of(typed: Mapping[str, str]) -> int:
    """How many rows the form that was sent had."""
    numbers = [int(found[1]) for name in typed if (found := _CELL.fullmatch(name))]
    return min(MOST_ROWS, max(numbers, default=FIRST_ROWS - 1) + 1)


def read(typed: Mapping[str, str], kind: str, faults: list[Fault]) -> tuple[list[int], list[Line]]:
    """The rows that were filled in and the lines that they say; what cannot be read becomes faults of its cell."""
    numbers: list[int] = []
    lines: list[Line] = []
    for number in range(rows_of(typed)):
        cell = {name: typed.get(f"lines.{number}.{name}", "") for name in (*CELLS, "basis", "condition")}
        if any(cell[name] for name in CELLS):
            numbers.append(number)
            if kind == Kind.UNSOLD:
                cell["basis"] = "unsold"
            lines.append(_line(f"lines.{number}.", cell, faults))
    return numbers, lines


def _line(at: str, cell: Mapping[str, str], faults: list[Fault]) -> Line:
    basis, field, _ = words.BASES.get(cell["basis"], (Basis.SHIPPED, "order", ""))
    line_no = _number(f"{at}number_line", cell["number_line"], faults)
    document: uuid.UUID | None = None
    if field == "document" and cell["number"]:
        try:
            document = uuid.UUID(cell["number"])
        except ValueError:
            sentence = N_("“%(value)s” is not the number of a document. Copy it from the page of the sale.")
            faults.append(Fault(f"{at}number", cell["number"], sentence, {"value": cell["number"]}))
    if not cell["quantity"]:
        faults.append(Fault(f"{at}quantity", "", N_("Give the quantity in whole pieces.")))
    number = cell["number"]
    return Line(
        item=cell["item"],
        quantity=values.quantity(f"{at}quantity", cell["quantity"], faults) if cell["quantity"] else 0,
        basis=basis.value,
        order=number if field == "order" else "",
        declaration=number if field == "declaration" else "",
        declaration_line=line_no if field == "declaration" else None,
        document=document,
        document_line=line_no if field == "document" else None,
        location=number if field == "location" else "",
        condition=cell["condition"] or "GOOD",
        warehouse=cell["warehouse"],
        lot=cell["lot"],
        serials=reading.serials_of(cell["serials"]),
        note=cell["note"],
    )


def _number(field: str, typed: str, faults: list[Fault]) -> int | None:
    if not typed:
        return None
    if typed.isascii() and typed.isdecimal() and len(typed) <= 9:
        return int(typed)
    sentence = N_("“%(value)s” is not the number of a line. Give a whole number, e.g. 3.")
    faults.append(Fault(field, typed, sentence, {"value": typed}))
    return None


def typed_of(lines: Sequence[Line]) -> dict[str, str]:
    """Lines as the form would have said them."""
    typed: dict[str, str] = {}
    for number, line in enumerate(lines[:MOST_ROWS]):
        basis = _basis_of(line)
        cell = {
            "item": line.item,
            "quantity": str(line.quantity),
            "basis": basis,
            "number": line.order or line.declaration or line.location or str(line.document or ""),
            "number_line": str(line.declaration_line or line.document_line or ""),
            "warehouse": line.warehouse,
            "lot": line.lot,
            "condition": line.condition,
            "serials": ", ".join(line.serials),
            "note": line.note,
        }
        typed |= {f"lines.{number}.{name}": value for name, value in cell.items() if value}
    return typed


def booked(found: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The lines of a return that is booked as they could be booked again: exactly these sales and places."""
    return [
        Line(
            item=row["item"],
            quantity=row["quantity"],
            basis=row["basis"],
            document=row["sale_document_id"],
            document_line=row["sale_line_no"],
            warehouse=(row["sale_warehouse"] if row["basis"] == Basis.SHIPPED else row["lies_in"]) or "",
            lot="" if row["basis"] == Basis.SHIPPED else row["lot"] or "",
            location=row["location"] or "",
            condition=Condition(row["condition"]).name if row["basis"] == Basis.UNSOLD else "GOOD",
            serials=row["serials"],
            note=row["note"],
        )
        for row in found
    ]


def _basis_of(line: Line) -> str:
    if line.basis in (Basis.UNSOLD, Basis.PAPER):
        return line.basis
    return "declaration" if line.declaration else "document" if line.document else "order"


def field_of(path: str, numbers: Sequence[int]) -> str:
    """The field of the form that a fault of a line is about; `numbers` are the rows in which the lines stand."""
    found = _CELL.fullmatch(path)
    if found is None:
        return f"lines.{numbers[0] if numbers else 0}.item" if path == "lines" else path
    place = int(found[1])
    number = numbers[place] if place < len(numbers) else place
    return f"lines.{number}.{_SHOWN_AT.get(found[2], found[2])}"
