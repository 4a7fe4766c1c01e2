"""The lines of a return as a file: CSV in UTF-8, UTF-16 or GB18030, with commas, semicolons or tabs. Pure.

Everything wrong with it is named at once, each with its row in the file and its column.
"""

import codecs
import csv
import io
import uuid
from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from backend.core import text, values
from backend.core.errors import Fault
from backend.core.text import N_
from backend.returns import booking, places
from backend.returns.booking import Line
from backend.returns.rules import Basis
from backend.stock.rules import CONDITION_NAMES

LARGEST_FILE = 2_000_000
LONGEST_CELL = 20_000
MOST_FAULTS = 1000
ENCODINGS = ("utf-8", "gb18030")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

# The columns, by the names that programs write; people may write the heading in any of our languages.
HEADINGS: Mapping[str, str] = {
    "item": N_("Item"),
    "quantity": N_("Quantity"),
    "basis": N_("Basis"),
    "order": N_("Order"),
    "warehouse": N_("Warehouse"),
    "lot": N_("Lot"),
    "document": N_("Document"),
    "document_line": N_("Line of the document"),
    "declaration": N_("Declaration number"),
    "declaration_line": N_("Declaration line"),
    "location": N_("Location"),
    "condition": N_("Condition"),
    "serials": N_("Serial numbers"),
    "note": N_("Note"),
}
NEEDED = ("item", "quantity")
# What people write under “Basis” besides the words that programs write; in any of our languages.
BASIS_WORDS: Mapping[str, Basis] = {
    N_("Order"): Basis.SHIPPED,
    N_("Export declaration"): Basis.SHIPPED,
    N_("Line of a sale"): Basis.SHIPPED,
    N_("Shipped"): Basis.SHIPPED,
    N_("Unsold goods"): Basis.UNSOLD,
    N_("Unsold, at a location"): Basis.UNSOLD,
    N_("Only the buyer's paper"): Basis.PAPER,
}


class Read(msgspec.Struct, frozen=True):
    """The lines of a file that can be read, the row of the file in which each stands, and what is wrong with the others."""

    lines: list[Line]
    rows: list[int]
    faults: list[Fault]


def read(name: str, data: bytes) -> Read:
    """The lines of a file, and everything wrong with it that can be seen without the database.

    Faults name the row of the file and the column (``rows.7.quantity``), or the ``file``. A line of which the quantity
    alone cannot be read stands among the lines with one piece, so that all else that is wrong with it is found as well.
    """
    faults: list[Fault] = []
    lines: list[Line] = []
    numbers: list[int] = []
    columns: list[str] = []
    count = 0
    for number, cells in _rows(name, data, faults):
        if not columns:
            columns = _columns(number, cells, faults)
        elif any(cell.strip() for cell in cells):
            count += 1
            before = len(faults)
            if count <= booking.MOST_LINES and before < MOST_FAULTS:
                line = _line(number, columns, cells, faults)
                if all(fault.field == f"rows.{number}.quantity" for fault in faults[before:]):
                    lines.append(line)
                    numbers.append(number)
    if not columns and not faults:
        faults.append(Fault("file", name, N_("The file “%(name)s” is empty. Choose another one."), {"name": name}))
    if count > booking.MOST_LINES:
        sentence = N_("A return has at most %(most)s lines, these are %(count)s. Book several returns.")
        faults.append(Fault("file", count, sentence, {"most": booking.MOST_LINES, "count": count}))
    elif columns and not count:
        faults.append(Fault("file", name, N_("The file has a heading, but no lines under it.")))
    return Read(lines, numbers, faults)


def template() -> bytes:
    """An empty file with the headings in the language of the moment, as spreadsheets open it."""
    headings = ",".join(f'"{text.gettext(heading)}"' for heading in HEADINGS.values())
    return codecs.BOM_UTF8 + headings.encode() + b"\r\n"


def in_the_file(fault: Fault, rows: list[int]) -> Fault:
    """A fault of a line of the booking as a fault of the row of the file in which it stands."""
    parts = fault.field.split(".")
    if parts[0] != "lines" or len(parts) < 3:
        return fault
    return msgspec.structs.replace(fault, field=".".join(["rows", str(rows[int(parts[1])]), *parts[2:]]))


def _rows(name: str, data: bytes, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """The rows of the file with their numbers; a file that is no table gives none, and a fault."""
    facts = {"name": name}
    if not data:
        faults.append(Fault("file", name, N_("The file “%(name)s” is empty. Choose another one."), facts))
        return
    if len(data) > LARGEST_FILE:
        sentence = N_("The file “%(name)s” is larger than 2 MB. A return has at most 500 lines; split the file.")
        faults.append(Fault("file", name, sentence, facts))
        return
    if data[:2] == b"PK" or data[:4] == b"\xd0\xcf\x11\xe0":
        sentence = N_("“%(name)s” is a workbook or an archive. Save the sheet as CSV, or unpack it.")
        faults.append(Fault("file", name, sentence, facts))
        return
    written = _decoded(data)
    if written is None or "\0" in written:
        sentence = N_("The file “%(name)s” is not text in UTF-8 or GB18030. Save it as CSV (UTF-8).")
        faults.append(Fault("file", name, sentence, facts))
        return
    head = written[: written.find("\n")] if "\n" in written else written
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell[:LONGEST_CELL] for cell in cells]
    except csv.Error:
        sentence = N_("Row %(row)s cannot be read: a quotation mark is not closed, or a cell is too long.")
        faults.append(Fault(f"rows.{reader.line_num}.row", "", sentence, {"row": reader.line_num}))


def _decoded(data: bytes) -> str | None:
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    for encoding in (marked,) if marked else ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _columns(number: int, cells: list[str], faults: list[Fault]) -> list[str]:
    """What each column is; unknown, doubled and missing ones become faults."""
    known = {places.folded(code.replace("_", " ")): code for code in HEADINGS}
    for language in text.LANGUAGES:
        spoken = text.translations(language)
        known |= {places.folded(spoken.gettext(heading)): code for code, heading in HEADINGS.items()}
    found: list[str] = []
    for cell in cells:
        code = known.get(places.folded(cell.replace("_", " ")), "")
        if code in found and code:
            sentence = N_("The column “%(value)s” stands twice. Leave one out.")
            faults.append(Fault(f"rows.{number}.{code}", cell, sentence, {"value": cell}))
        elif not code and cell.strip():
            sentence = N_("There is no column “%(value)s” in a file of lines. Use: %(columns)s.")
            facts = {"value": cell[:80], "columns": list(HEADINGS)}
            faults.append(Fault(f"rows.{number}.heading", cell[:80], sentence, facts))
        found.append(code)
    for code in NEEDED:
        if code not in found:
            sentence = N_("The column “%(value)s” is missing. Begin with the template, which has all of them.")
            faults.append(Fault(f"rows.{number}.{code}", "", sentence, {"value": code}))
    return found


def _line(number: int, columns: list[str], cells: list[str], faults: list[Fault]) -> Line:
    """One line; what it says wrongly becomes faults of its row."""
    at = f"rows.{number}."
    given = {code: cell.strip() for code, cell in zip(columns, cells, strict=False) if code}
    extra = [cell for cell in cells[len(columns) :] if cell.strip()]
    if extra:
        sentence = N_(
            "This row has more cells than the heading: “%(value)s”. Put texts with separators in quotation marks."
        )
        faults.append(Fault(f"{at}row", extra[0][:80], sentence, {"value": extra[0][:80]}))
    document: uuid.UUID | None = None
    if typed := given.get("document", ""):
        try:
            document = uuid.UUID(typed)
        except ValueError:
            sentence = N_("“%(value)s” is not the number of a document. Copy it from the page of the sale.")
            faults.append(Fault(f"{at}document", typed, sentence, {"value": typed}))
    return Line(
        item=given.get("item", ""),
        quantity=values.quantity(f"{at}quantity", given.get("quantity", ""), faults) or 1,
        basis=_word(given.get("basis", "") or Basis.SHIPPED, _bases()),
        order=given.get("order", ""),
        warehouse=given.get("warehouse", ""),
        lot=given.get("lot", ""),
        document=document,
        document_line=_number(f"{at}document_line", given.get("document_line", ""), faults),
        declaration=given.get("declaration", ""),
        declaration_line=_number(f"{at}declaration_line", given.get("declaration_line", ""), faults),
        location=given.get("location", ""),
        condition=values.code_of(_word(given.get("condition", "") or "GOOD", _conditions())),
        serials=serials_of(given.get("serials", "")),
        note=given.get("note", ""),
    )


def _word(written: str, known: Mapping[str, str]) -> str:
    """The value that a word stands for, whatever its language; one that is unknown stays as it is."""
    return known.get(places.folded(written), written)


@cache
def _bases() -> Mapping[str, str]:
    return {each.value: each.value for each in Basis} | _spoken(BASIS_WORDS)


@cache
def _conditions() -> Mapping[str, str]:
    return _spoken({name: condition.name for condition, name in CONDITION_NAMES.items()})


def _spoken(words: Mapping[str, str]) -> dict[str, str]:
    """What each message stands for, under its words in all our languages."""
    spoken = [text.translations(language) for language in text.LANGUAGES]
    return {places.folded(each.gettext(word)): value for word, value in words.items() for each in spoken}


def serials_of(typed: str) -> list[str]:
    """Serial numbers as people write several: between commas, semicolons, bars or line ends."""
    for sign in (";", "；", "，", "、", "|", "\n", "\r"):
        typed = typed.replace(sign, ",")
    return [each.strip() for each in typed.split(",") if each.strip()]


def _number(field: str, typed: str, faults: list[Fault]) -> int | None:
    """A whole number of a line, or None when it is left empty."""
    if not typed:
        return None
    if typed.isascii() and typed.isdecimal() and 0 < len(typed) <= 9:
        return int(typed)
    sentence = N_("“%(value)s” is not the number of a line. Give a whole number, e.g. 3.")
    faults.append(Fault(field, typed[:50], sentence, {"value": typed[:50]}))
    return None
