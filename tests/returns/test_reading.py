"""The lines of a return as a file: what people's spreadsheets write, and every mistake named with row and column."""

import pytest

from backend.core import text
from backend.returns import reading
from backend.returns.booking import Line


def wrong(data: str | bytes) -> dict[str, str]:
    read = reading.read("lines.csv", data.encode() if isinstance(data, str) else data)
    return {fault.field: fault.sentence % fault.facts for fault in read.faults}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_is_read_as_spreadsheets_write_it(encoding: str, separator: str) -> None:
    rows = [
        ["item", "quantity", "order", "note"],
        ["SKU-1", "3", "A 1", "破损"],
        ["", "", "", ""],
        ["sku-2", "٤", "A 2", ""],
    ]
    data = "\r\n".join(separator.join(row) for row in rows).encode(encoding)
    read = reading.read("lines.csv", data)
    assert read.faults == []
    assert read.lines == [
        Line(item="SKU-1", quantity=3, order="A 1", note="破损"),
        Line(item="sku-2", quantity=4, order="A 2"),
    ]
    assert read.rows == [2, 4]


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_the_template_of_each_language_is_understood(language: str) -> None:
    with text.speaking(language):
        empty = reading.template()
    read = reading.read("lines.csv", empty + b"SKU,1,paper,,,,,,,,,,S1;S2,\r\n")
    assert read.lines == [Line(item="SKU", quantity=1, basis="paper", serials=["S1", "S2"])]


def test_every_mistake_is_named_at_once_with_its_row_and_column() -> None:
    faults = wrong(
        "Item,Quantity,Colour,document,declaration line\n"
        "A,many,,,\n"
        "B,1,,not-a-number,\n"
        "C,1,,,first\n"
        "D,1,,,,,too,far\n"
        "E,1,,,\n"
    )
    assert set(faults) == {
        "rows.1.heading",
        "rows.2.quantity",
        "rows.3.document",
        "rows.4.declaration_line",
        "rows.5.row",
    }
    assert "“Colour”" in faults["rows.1.heading"]


def test_a_line_without_a_quantity_is_looked_at_like_the_others() -> None:
    read = reading.read("lines.csv", b"item,quantity,order\nA,many,O-1\nB,1,O-2\n")
    assert [fault.field for fault in read.faults] == ["rows.2.quantity"]
    assert [(line.item, line.order) for line in read.lines] == [("A", "O-1"), ("B", "O-2")]


@pytest.mark.parametrize(
    ("basis", "condition", "meant"),
    [
        ("", "", ("shipped", "GOOD")),
        ("Order", "", ("shipped", "GOOD")),
        ("PAPER", "", ("paper", "GOOD")),
        ("Only the buyer\u2019s paper", "", ("paper", "GOOD")),
        ("unsold goods", "Second-grade", ("unsold", "SECOND")),
        ("unsold", "damaged", ("unsold", "DAMAGED")),
        ("borrowed", "rotten", ("borrowed", "ROTTEN")),
    ],
)
def test_basis_and_condition_may_be_written_in_words(basis: str, condition: str, meant: tuple[str, str]) -> None:
    data = f"item,quantity,basis,condition\nA,1,{basis},{condition}\n".encode()
    [line] = reading.read("lines.csv", data).lines
    assert (line.basis, line.condition) == meant


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_words_of_every_language_are_understood(language: str) -> None:
    with text.speaking(language):
        basis, condition = text.gettext("Unsold, at a location"), text.gettext("Damaged")
    [line] = reading.read("lines.csv", f"item;quantity;basis;condition\nA;1;{basis};{condition}\n".encode()).lines
    assert (line.basis, line.condition) == ("unsold", "DAMAGED")


@pytest.mark.parametrize(
    ("data", "field", "why"),
    [
        (b"", "file", "is empty"),
        (b"item,quantity\n", "file", "no lines under it"),
        (b"PK\x03\x04", "file", "workbook"),
        (b"item\x00,quantity\nA,1\n", "file", "not text"),
        (b"\xff\xff\xff\xff", "file", "not text"),
        (b"a" * 2_000_001, "file", "larger than 2 MB"),
        (b"quantity\n1\n", "rows.1.item", "is missing"),
        (b"item,item,quantity\nA,B,1\n", "rows.1.item", "stands twice"),
        (b'item,quantity\n"A,1\n', "rows.2.row", "quotation mark"),
        (b"item,quantity,order\n" + b"A,1,O\n" * 501, "file", "these are 501"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(data: bytes, field: str, why: str) -> None:
    assert why in wrong(data)[field]


def test_five_hundred_lines_fit() -> None:
    assert len(reading.read("x.csv", b"item,quantity,order\n" + b"A,1,O\n" * 500).lines) == 500
