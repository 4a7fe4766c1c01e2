"""Files as they come: well written, badly written, broken, hostile. No database."""

import codecs
import gzip
import io
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.trade import mapping, reading, rules, source
from backend.trade.mapping import FileMapping
from backend.trade.reading import Batch, Table
from backend.trade.reasons import Why
from backend.trade.rules import FileRefused
from tests.trade import files
from tests.trade.files import HEADER, Row, row
from tests.trade.test_mapping import MARKTKAUF

RETAIL = mapping.load("online-retail")
PUBLIC_DATA = Path(__file__).parents[2].parent / "shared" / "data" / "online-retail-2010-12--2011-01.csv.gz"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def read(path: Path, chosen: FileMapping = RETAIL, size: int = 1000) -> Batch:
    """Everything in a file."""
    origin = source.examine(path, chosen, lambda done, whole: None)
    with source.opened(origin) as (text, _):
        whole = Batch()
        for batch in Table(source.Lines(text), chosen).batches(zone="Europe/London", now=NOW, salt=b"x", size=size):
            whole.taken += batch.taken
            whole.rejected += batch.rejected
            whole.names += batch.names
            whole.origins += batch.origins
    return whole


def given_file(tmp_path: Path, content: bytes | str) -> Path:
    """A file with this content."""
    path = tmp_path / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def reasons(batch: Batch) -> list[tuple[int, str, str, str]]:
    """Line, column, value and reason of the rejected rows."""
    return [rejected[:4] for rejected in batch.rejected]


def refusal(path: Path, chosen: FileMapping = RETAIL) -> str:
    """Why the file is refused, in words."""
    with pytest.raises(FileRefused) as refused:
        read(path, chosen)
    return " ".join(fault.sentence % fault.facts for fault in refused.value.faults)


@pytest.mark.skipif(not PUBLIC_DATA.exists(), reason="the public data set is not beside the project")
def test_the_public_data_set_is_read_whole() -> None:
    whole = read(PUBLIC_DATA, size=20_000)
    assert whole.rows == 77_628
    assert Counter(taken[4] for taken in whole.taken) == {4: 75_606, 5: 1_377, 6: 269}
    assert {rejected[3] for rejected in whole.rejected} == {Why.NOT_GOODS}
    assert len({taken[0] for taken in whole.taken} | {rejected[0] for rejected in whole.rejected}) == 77_628


def test_a_row_becomes_what_it_means(tmp_path: Path) -> None:
    rows = [row(), row("C1", quantity=-2), row("9", quantity=-3, description="", price="0.0"), row(item=" 85123a")]
    whole = read(files.write(tmp_path / "f.csv", rows))
    instant = int(datetime(2010, 12, 1, 8, 26, tzinfo=UTC).timestamp())
    assert [taken[2:] for taken in whole.taken] == [
        ("85123A", -6, 4, "536365", instant),
        ("85123A", 2, 5, "C1", instant),
        ("85123A", -3, 6, "9", instant),
        ("85123A", -6, 4, "536365", instant),
    ]
    assert whole.names[("85123A", "WHITE HANGING HEART")] == 2
    assert whole.names[("85123A", "")] == 1


def test_a_key_is_of_the_row_not_of_its_writing(tmp_path: Path) -> None:
    same = [row(), row(item="85123a", quantity="6.0", at="2010-12-01 08:26", description="other", price="3")]
    other = [row(quantity=7), row(invoice="1"), row(item="85123B"), row(at="2010-12-01 08:27:00")]
    keys = [taken[1] for taken in read(files.write(tmp_path / "f.csv", [*same, *other])).taken]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "cp1252"])
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    word = "Café £20 déjà" if encoding == "cp1252" else "保温杯 500ml"
    whole = read(files.write(tmp_path / "f.csv", [row(description=word)], encoding=encoding))
    assert list(whole.names) == [("85123A", word)]


def test_packed_and_plain_are_the_same_file(tmp_path: Path) -> None:
    plain = source.examine(files.write(tmp_path / "a.csv", [row()]), RETAIL, lambda *_: None)
    packed = source.examine(files.write(tmp_path / "b.dat", [row()], packed=True), RETAIL, lambda *_: None)
    assert plain.digest == packed.digest


def test_line_ends_and_blank_lines_do_not_matter(tmp_path: Path) -> None:
    content = files.text([row(), row("2")]).replace("\n", "\r\n").replace("\r\n536365", "\r\n\r\n536365") + "\r\n\r\n"
    whole = read(given_file(tmp_path, content))
    assert [taken[0] for taken in whole.taken] == [3, 4]


def test_a_cell_may_have_lines(tmp_path: Path) -> None:
    whole = read(given_file(tmp_path, files.text([row(description='"TWO\nLINES, ""5"""'), row("2"), row(item="POST")])))
    assert [taken[0] for taken in whole.taken] == [2, 4]
    assert reasons(whole) == [(5, "StockCode", "POST", Why.NOT_GOODS)]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row(quantity="1.5"), ("Quantity", "1.5", Why.QUANTITY)),
        (row(quantity="0"), ("Quantity", "0", Why.ZERO)),
        (row(quantity="99999999999"), ("Quantity", "99999999999", Why.HUGE)),
        (row(quantity="-6", invoice="536365", price="2.55")[:7], ("", "7", Why.CELLS)),
        ((*row(), "surplus"), ("", "9", Why.CELLS)),
        (row(at="12/1/2010 8:26"), ("InvoiceDate", "12/1/2010 8:26", Why.DATE)),
        (row(at="2030-12-01 08:26:00"), ("InvoiceDate", "2030-12-01 08:26:00", Why.FUTURE)),
        (row(item="=HYPERLINK(1)"), ("StockCode", "=HYPERLINK(1)", Why.ITEM)),
        (row(item=""), ("StockCode", "", Why.ITEM)),
        (row(invoice=""), ("InvoiceNo", "", Why.REFERENCE)),
        (row(description="A\0B"), ("Description", "A␀B", Why.NUL)),
        (row(item="A\0B"), ("StockCode", "A␀B", Why.NUL)),
        (row(description="X" * 70_000), ("", ",".join(row(description="X" * 70_000))[:200], Why.TOO_LONG)),
        (row(description="X" * 3_000_000), ("InvoiceNo", "536365", Why.TOO_LONG)),
        (row(description='"12" RULER"'), ("", ",".join(row(description='"12" RULER"'))[:200], Why.QUOTES)),
    ],
)
def test_a_bad_row_is_rejected_and_the_others_go_on(tmp_path: Path, bad: Row, told: tuple[str, str, str]) -> None:
    whole = read(given_file(tmp_path, files.text([row("1"), bad, row("3")])))
    assert [taken[5] for taken in whole.taken] == ["1", "3"]
    assert reasons(whole) == [(3, *told)]
    assert all("\0" not in cell for cell in whole.rejected[0][4])


def test_a_header_without_rows_is_an_empty_import(tmp_path: Path) -> None:
    assert read(given_file(tmp_path, files.text([]))).rows == 0


def open_quotation(end: str = "") -> str:
    """A file in which line 3 opens a quotation mark for nothing."""
    rows = [row(str(n)) for n in range(1, 9)]
    rows[1] = row("2", description='"SIGN')
    if end:
        rows[5] = row("6", description=end)
    return files.text(rows)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\n\n", "no rows"),
        (b"PK\x03\x04" + b"x" * 99, "workbook"),
        (gzip.compress(files.text([row()] * 500).encode(), mtime=0)[:-30], "cut off"),
        (gzip.compress(files.text([row()]).encode(), mtime=0)[:40] + b"\xff" * 60, "damaged"),
        (files.text([row()]).replace(",", ";").encode(), "parted by “;”"),
        (files.text([row()], header=("InvoiceNo", "Code", *HEADER[2:])).encode(), "“StockCode” is missing"),
        (open_quotation().encode(), "opened in line 3"),
        (open_quotation('MUG"').encode(), "opened in line 3"),
        (open_quotation('"MUG').encode(), "opened in line 3"),
        (files.text([row(description='"' + "x\n" * 40_000 + '"')]).encode(), "opened in line 2"),
        (files.text([row(description='"' + "x" * 2_000_000 + '"')]).encode(), "longer than"),
        (('"' + "x" * 70_000).encode(), "opened in line 1"),
        (codecs.BOM_UTF8 + b"InvoiceNo,\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_whose_rows_cannot_be_trusted_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    assert word in refusal(given_file(tmp_path, content))


def test_bytes_of_no_encoding_name_their_line(tmp_path: Path) -> None:
    content = files.text([row(), row("2", description="CAF\udcff")]).encode(errors="surrogateescape")
    chosen = mapping.read("strict", MARKTKAUF.replace(b', "cp1252"', b""))
    assert "Line 3 holds the bytes ff" in refusal(given_file(tmp_path, content), chosen)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "nothing.csv")
    assert "is a folder" in refusal(tmp_path)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = files.write(tmp_path / "f.csv", [row()])
    origin = source.examine(path, RETAIL, lambda *_: None)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(rules.FileChanged):
        source.require_unchanged(origin)


class Endless(io.TextIOBase):
    """A text that goes on for 2 GB in one cell."""

    def __init__(self) -> None:
        self.left = 2 << 30
        self.start: str | None = files.text([row()]) + "536366,85123A,"

    def read(self, size: int | None = -1, /) -> str:
        """The next characters."""
        assert size is not None
        if self.start is not None:
            piece, self.start = self.start, None
            return piece
        if self.left <= 0:
            return ""
        self.left -= size
        return "x" * size if self.left > 0 else ",6,2010-12-01 08:26:00,1,,UK\n" + ",".join(row("3")) + "\n"


def test_a_cell_of_two_gigabytes_needs_no_memory() -> None:
    tracemalloc.start()
    table = Table(source.Lines(Endless()), RETAIL)
    batches = list(table.batches(zone="Europe/London", now=NOW, salt=b"x", size=1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [taken[5] for taken in batches[0].taken] == ["536365", "3"]
    assert reasons(batches[0]) == [(3, "InvoiceNo", "536366", Why.TOO_LONG)]
    assert peak < 16 << 20


class Growing(io.TextIOBase):
    """A file of many different rows that is made while it is read."""

    def __init__(self, rows: int) -> None:
        self.rows, self.at = rows, 0

    def read(self, size: int | None = -1, /) -> str:
        """The next rows."""
        if self.at == 0:
            self.at = 1
            return files.text([])
        if self.at > self.rows:
            return ""
        first, self.at = self.at, self.at + 2000
        return "".join(
            ",".join(row(f"N{n}", item=f"I{n}", description=f"MUG {n}")) + "\n" for n in range(first, self.at)
        )


def peak_of(rows: int) -> int:
    """The most memory that reading so many rows takes."""
    tracemalloc.start()
    table = Table(source.Lines(Growing(rows)), RETAIL)
    read_rows = sum(batch.rows for batch in table.batches(zone="Europe/London", now=NOW, salt=b"x", size=1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read_rows == rows
    return peak


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "REMEMBERED", 2000)
    assert peak_of(40_000) < peak_of(4_000) + (1 << 20)


def test_another_retailer_with_other_columns_delimiter_and_dates(tmp_path: Path) -> None:
    chosen = mapping.read("marktkauf", MARKTKAUF)
    content = (
        "Position;Beleg;Datum;Artikel;Menge;Vorgang\n"
        "1;B-1;24.12.2025;S-1;3;Verkauf\n"
        "2;B-1;24.12.2025 13:30;S-1;3;Verkauf\n"
        "3;B-2;27.12.2025;S-1;1;Retoure\n"
        "4;B-2;27.12.2025;VERSAND;1;Verkauf\n"
        "5;B-3;2025-12-27;S-1;1;Verkauf\n"
    )
    whole = read(given_file(tmp_path, content), chosen)
    assert [taken[2:6] for taken in whole.taken] == [("S-1", -3, 4, "B-1"), ("S-1", -3, 4, "B-1"), ("S-1", 1, 5, "B-2")]
    assert reasons(whole) == [(5, "Artikel", "VERSAND", Why.NOT_GOODS), (6, "Datum", "2025-12-27", Why.DATE)]


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(['"', "\n", ",", "\r\n"]),
            max_size=9,
        ),
        max_size=12,
    )
)
def test_every_line_is_taken_rejected_or_the_file_is_refused(rows: list[list[str]]) -> None:
    content = (
        files.text([row("1"), *[tuple(each) for each in rows], row("3")]).replace("\r\n", "\n").replace("\r", "\n")
    )
    table = Table(source.Lines(io.StringIO(content)), RETAIL)
    try:
        batches = list(table.batches(zone="Europe/London", now=NOW, salt=b"x", size=3))
    except FileRefused:
        # A quotation mark that swallows rows: the whole file is refused.
        return
    seen = sorted(each[0] for batch in batches for each in (*batch.taken, *batch.rejected))
    assert len(set(seen)) == len(seen)
    if '"' not in content:
        lines = content.split("\n")[1:]
        assert seen == [number for number, line in enumerate(lines, 2) if line]
    assert 2 in seen


def lines_of(batch: Batch) -> Sequence[int]:
    """The lines of the rejected rows."""
    return [rejected[0] for rejected in batch.rejected]


def test_the_cells_of_any_row_are_found_again(tmp_path: Path) -> None:
    rows = [row("1"), row(description='"A\nB"'), row("3", quantity="x"), row(description='"1" B"'), row("5")]
    origin = source.examine(given_file(tmp_path, files.text(rows)), RETAIL, lambda *_: None)
    with source.opened(origin) as (text, _):
        table = Table(source.Lines(text), RETAIL)
        found = [(line, cells[0]) for part in ([2], [5, 7]) for line, cells in table.cells_at(part)]
    assert found == [(2, "1"), (5, "3"), (7, "5")]
