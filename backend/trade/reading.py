"""Rows of a trade file, read in batches: taken, or rejected with the reason. Every row ends up in one of the two.

This is the hot loop of an import, a few microseconds a row: what a cell means is worked out once and remembered.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto

from backend.core import values
from backend.core.text import N_
from backend.trade import rules
from backend.trade.mapping import FileMapping, Kind
from backend.trade.reasons import LONGEST_CELL, Why
from backend.trade.source import Lines, refused

REMEMBERED = 50_000
T = TypeVar("T")

# (line, key, item, change, reason, reference, seconds since 1970): the columns of the staged rows.
Taken = tuple[int, UUID, str, int, int, str, int]
# (line, column, value, reason, cells): the columns of the staged rejects.
Rejected = tuple[int, str, str, str, list[str]]


class Batch(msgspec.Struct):
    """Some rows. `names` counts (item cell, description) pairs, `origins` tells (line, run, line) of corrected rows."""

    taken: list[Taken] = msgspec.field(default_factory=list)
    rejected: list[Rejected] = msgspec.field(default_factory=list)
    names: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    origins: list[tuple[int, UUID, int]] = msgspec.field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.taken) + len(self.rejected)


class Remembered(dict[str, T], Generic[T]):
    """What `find` says of a cell, worked out once; forgets everything when too many different cells came."""

    def __init__(self, find: Callable[[str], T]) -> None:
        self._find = find

    def __missing__(self, cell: str) -> T:
        if len(self) >= REMEMBERED:
            self.clear()
        value = self[cell] = self._find(cell)
        return value


class Table:
    """The rows behind a heading."""

    def __init__(self, lines: Lines, mapping: FileMapping) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self.lines = lines
        self.mapping = mapping
        self.reader = csv.reader(iter(lines), delimiter=mapping.delimiter, strict=True)
        try:
            header = next((cells for cells in self.reader if cells), [])
        except csv.Error:
            raise _open_quotation(1, lines.current) from None
        if not header:
            raise refused("file", "", N_("The file has no rows. Export it again."))
        self.columns = header
        self.at = rules.positions(mapping, header)
        self.origin_at = header.index(rules.ORIGIN) if rules.ORIGIN in header else None
        self.header = [name for name in header if name not in rules.EXTRA_COLUMNS]
        self._last = self.reader.line_num

    def own_cells(self, cells: Sequence[str]) -> list[str]:
        """The cells of the retailer's own columns as they were before a rejected row was written out."""
        if self.origin_at is None:
            return list(cells)
        kept = [cell for name, cell in zip(self.columns, cells, strict=False) if name not in rules.EXTRA_COLUMNS]
        return [rules.restored(cell) for cell in kept + list(cells[len(self.columns) :])]

    def batches(self, *, zone: str, now: datetime, salt: bytes, size: int) -> Iterator[Batch]:
        """Every row, `size` at a time. `zone` is the file's, `salt` tells keys of other owners and mappings apart."""
        mapping, width, spoiled, reader = self.mapping, len(self.columns), self.lines.spoiled, self.reader
        dates = rules.Dates(mapping, zone)
        earliest, latest = rules.earliest(), rules.latest(now)
        reference_at, item_at = self.at[mapping.reference], self.at[mapping.item]
        quantity_at, instant_at = self.at[mapping.quantity], self.at[mapping.occurred_at]
        described_at = self.at[mapping.description] if mapping.description else None
        identity_at = [self.at[column] for column in mapping.identity]
        restore = self.origin_at is not None
        references = Remembered(rules.reference_of)
        items = Remembered(rules.item_of)
        quantities = Remembered(_bounded)
        instants = Remembered(lambda cell: _between(dates.read(cell), earliest, latest))
        ruled = dict.fromkeys(column for rule in mapping.rules for column in rule.when)
        fitting = [(self.at[column], Remembered(_fits(mapping, column))) for column in ruled]
        meaning = rules.meanings(mapping)
        outcomes = {1 << n: meaning[rule.then] for n, rule in enumerate(mapping.rules)}
        outcomes[1 << len(mapping.rules)] = meaning[Kind.SALE]
        every = (2 << len(mapping.rules)) - 1
        uuid, salted = pgproto.UUID, hashlib.blake2b(salt, digest_size=11)

        last = self._last
        batch, full_at = Batch(), last + size
        take, names = batch.taken.append, batch.names
        while True:
            try:
                for cells in reader:
                    line, last = last + 1, reader.line_num
                    if len(cells) != width or line != last or spoiled:
                        if not cells:
                            continue
                        if fault := self._unreadable(line, last, cells):
                            batch.rejected.append(fault)
                            continue
                    if restore:
                        cells = [rules.restored(cell) for cell in cells]
                    bits = every
                    for at, remembered in fitting:
                        bits &= remembered[cells[at]]
                    outcome = outcomes[bits & -bits]
                    reference = references[cells[reference_at]]
                    item = items[cells[item_at]]
                    quantity = quantities[cells[quantity_at]]
                    instant = instants[cells[instant_at]]
                    if not (
                        outcome.reason and reference and item and quantity and instant and quantity * outcome.sign >= 0
                    ):
                        batch.rejected.append(self._rejected(line, cells, dates, now))
                    else:
                        named = f"{reference}\x1f{item}\x1f{quantity}"
                        for at in identity_at:
                            named += "\x1f" + cells[at]
                        digest = salted.copy()
                        digest.update(named.encode())
                        key = uuid(instant.to_bytes(5, "big") + digest.digest())
                        take((line, key, item, quantity * outcome.factor, outcome.reason, reference, instant))
                        adjusted = outcome.kind is Kind.ADJUSTMENT or described_at is None
                        names[cells[item_at], "" if adjusted else cells[described_at]] += 1  # type: ignore[index]
                        if restore and (origin := _origin(cells[self.origin_at])):  # type: ignore[index]
                            batch.origins.append((line, *origin))
                    if line >= full_at:
                        yield batch
                        batch, full_at = Batch(), line + size
                        take, names = batch.taken.append, batch.names
                break
            except csv.Error as error:
                line, last = last + 1, reader.line_num
                batch.rejected.append(self._unparted(line, last, error))
        if batch.rows:
            yield batch

    def _unreadable(self, line: int, last: int, cells: list[str]) -> Rejected | None:
        """What is wrong with a row of several lines, with a spoiled line or a wrong number of cells."""
        spoiled = [self.lines.spoiled.pop(number, None) for number in range(line, last + 1)]
        why = next((each for each in spoiled if each), None)
        whole = why is None and len(cells) == len(self.columns)
        # A cell of several lines that holds as many delimiters as a row has swallowed one, if not more.
        if last > line and (not whole or any(cell.count(self.mapping.delimiter) >= len(cells) - 1 for cell in cells)):
            raise _open_quotation(line, cells[0])
        if whole:
            return None
        if why is None:
            return (line, "", str(len(cells)), Why.CELLS, self.own_cells(cells))
        value = next((cell for cell in cells if "\N{SYMBOL FOR NULL}" in cell), cells[0])
        place = cells.index(value)
        column = self.columns[place] if place < len(self.columns) else ""
        return (line, column, value[: rules.SHOWN], why, self.own_cells(cells))

    def _unparted(self, line: int, last: int, error: csv.Error) -> Rejected:
        """A row whose cells could not be told apart; refuses the file where the next row begins nobody knows."""
        text = self.lines.current.rstrip("\n")
        too_long = "larger" in str(error)
        if last > line or "end of data" in str(error) or (too_long and text.count('"') % 2):
            raise _open_quotation(line, text)
        return (line, "", text[: rules.SHOWN], Why.TOO_LONG if too_long else Why.QUOTES, [text])

    def _rejected(self, line: int, cells: list[str], dates: rules.Dates, now: datetime) -> Rejected:
        named = {column: cells[place] for column, place in self.at.items()}
        column, why = rules.why_not(self.mapping, named, dates, now)
        # The cells were restored already where that was due.
        kept = (
            cells
            if self.origin_at is None
            else [cell for name, cell in zip(self.columns, cells, strict=True) if name not in rules.EXTRA_COLUMNS]
        )
        return (line, column, named[column][: rules.SHOWN], why, kept)

    def cells_at(self, wanted: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
        """The cells of the rows at some lines, in rising order; goes on where the last call ended."""
        lines = iter(wanted)
        line = next(lines, None)
        while line is not None:
            try:
                for cells in self.reader:
                    start, self._last = self._last + 1, self.reader.line_num
                    if start == line:
                        yield line, self.own_cells(cells)
                        line = next(lines, None)
                        if line is None:
                            break
                else:
                    return
            except csv.Error:
                self._last = self.reader.line_num


def _fits(mapping: FileMapping, column: str) -> Callable[[str], int]:
    return lambda cell: rules.fits(mapping, column, cell)


def _bounded(cell: str) -> int | None:
    pieces = rules.pieces_of(cell)
    return pieces if pieces is not None and abs(pieces) <= values.LARGEST_QUANTITY else None


def _between(instant: int | None, earliest: int, latest: int) -> int | None:
    return instant if instant is not None and earliest <= instant <= latest else None


def _origin(cell: str) -> tuple[UUID, int] | None:
    """Which rejected row this one corrects, from ``run:line``."""
    run, _, line = cell.strip().partition(":")
    try:
        return (UUID(run), int(line)) if len(line) < 10 else None
    except ValueError:
        return None


def _open_quotation(line: int, text: Any) -> rules.FileRefused:
    return refused(
        f"line {line}",
        str(text)[: rules.SHOWN],
        N_(
            "A quotation mark is opened in line %(line)s and not closed where it should be, so that the rows behind it "
            "cannot be told apart. Write a quotation mark inside a text twice. The line begins: %(value)s"
        ),
        line=line,
    )
