"""Tables on paper: columns as wide as their words need, titles again on every page, rows that may go on over one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from frontend.typeset import Align, Line, Paragraph, Style

if TYPE_CHECKING:
    from frontend.flow import Flow

_PAD, _GAP = 3.0, 12.0
_FEWEST_LINES = 3  # a row is not begun where not even these have room
_WIDEST_WORD = 1 / 3  # of the table: a longer code is broken rather than pushing the other columns aside


class Column(msgspec.Struct, frozen=True):
    """A column: its title, what stands in it, and its share of the table's width where its words shall not decide."""

    title: str
    kind: Literal["text", "number"] = "text"
    share: float | None = None

    @property
    def side(self) -> Align:
        """Numbers stand flush right in every language, so that their digits are one below the other."""
        return "right" if self.kind == "number" else "start"


class Cell(msgspec.Struct, frozen=True):
    """What stands in a table: words, and paler ones below them."""

    words: str
    below: str = ""
    bold: bool = False


Row = Sequence[str | Cell]


class Table:
    """Rows ready to be drawn on the pages of a flow."""

    def __init__(self, flow: "Flow", columns: Sequence[Column], rows: Sequence[Row], style: Style) -> None:
        """Every row has a cell for every column."""
        self.flow, self.columns, self.style = flow, columns, style
        small = Style(style.size - 1.5, bold=True, colour=flow.quiet)
        self.titles = [flow.paragraph(column.title, small) for column in columns]
        self.rows = [[self._stack(cell) for cell in row] for row in rows]
        self.widths = self._widths()
        self.head = max(title.height(width) for title, width in zip(self.titles, self.widths, strict=True)) + 2 * _PAD

    def _stack(self, cell: str | Cell) -> list[Paragraph]:
        if isinstance(cell, str):
            return [self.flow.paragraph(cell, self.style)]
        stack = [self.flow.paragraph(cell.words, self.style._replace(bold=cell.bold))]
        if cell.below:
            paler = self.style._replace(size=self.style.size - 1.5, colour=self.flow.quiet)
            stack.append(self.flow.paragraph(cell.below, paler))
        return stack

    def _widths(self) -> list[float]:
        """How wide each column is: as wide as it likes where all have room together, else by what they need."""
        room = self.flow.width - _GAP * (len(self.columns) - 1)
        least, most = [], []
        for at, column in enumerate(self.columns):
            if column.share is not None:
                least.append(column.share * room)
                most.append(column.share * room)
                continue
            stack = [self.titles[at], *(paragraph for row in self.rows for paragraph in row[at])]
            least.append(min(max(paragraph.narrowest for paragraph in stack), room * _WIDEST_WORD) + 0.1)
            most.append(max(least[at], max(paragraph.widest for paragraph in stack) + 0.1))
        if sum(most) <= room:
            return _shared(
                most, [0.0 if column.kind == "number" else most[at] for at, column in enumerate(self.columns)], room
            )
        if sum(least) >= room:
            return [each * room / sum(least) for each in least]
        return _flooded(least, most, room)

    def draw(self) -> None:
        """Draw the rows, turning pages as needed."""
        self.flow.keep(self.head + (_height(self._cut(self.rows[0])) if self.rows else 0))
        self._draw_titles()
        for row in self.rows:
            cells = self._cut(row)
            while any(cells):
                height = _height(cells)
                moves = height > self.flow.room + 0.01 and height <= self.flow.full - self.head
                if moves or self.flow.room < self.style.size * _FEWEST_LINES + 2 * _PAD:
                    self.flow.turn()
                    self._draw_titles()
                cells = self._draw_row(cells)
        self.flow.y -= 4

    def _cut(self, row: list[list[Paragraph]]) -> list[list[tuple[Paragraph, Line]]]:
        """The lines of each cell of a row."""
        return [
            [(paragraph, line) for paragraph in stack for line in paragraph.lines(width)]
            for stack, width in zip(row, self.widths, strict=True)
        ]

    def _draw_titles(self) -> None:
        offset = 0.0
        for column, title, width in zip(self.columns, self.titles, self.widths, strict=True):
            top = self.flow.y - self.head + _PAD + title.height(width)
            self.flow.place(title, offset, top, width, column.side)
            offset += width + _GAP
        self.flow.y -= self.head
        self.flow.rule(self.flow.strong_line, 0.8)

    def _draw_row(self, cells: list[list[tuple[Paragraph, Line]]]) -> list[list[tuple[Paragraph, Line]]]:
        """Draw as much of a row as the page has room for; gives what is left of it."""
        room = self.flow.room - 2 * _PAD
        offset = used = 0.0
        left = []
        for column, pieces, width in zip(self.columns, cells, self.widths, strict=True):
            height, count = 0.0, 0
            for paragraph, line in pieces:
                if count and height + paragraph.leading > room + 0.01:
                    break
                self.flow.ink(
                    paragraph, [line], self.flow.x(offset, width), self.flow.y - _PAD - height, width, column.side
                )
                height += paragraph.leading
                count += 1
            left.append(pieces[count:])
            used = max(used, height)
            offset += width + _GAP
        self.flow.y -= used + 2 * _PAD
        self.flow.rule()
        return left


def _flooded(least: Sequence[float], most: Sequence[float], room: float) -> list[float]:
    """Short columns get all they like, the long ones share what is left, none less than it needs."""
    widths = list(least)
    spare = room - sum(least)
    wishing = sorted(range(len(least)), key=lambda at: most[at] - least[at])
    while wishing:
        at = wishing.pop(0)
        given = min(most[at] - least[at], spare / (len(wishing) + 1))
        widths[at] += given
        spare -= given
    return widths


def _height(cells: list[list[tuple[Paragraph, Line]]]) -> float:
    """How high a row is."""
    return max(sum(paragraph.leading for paragraph, _ in cell) for cell in cells) + 2 * _PAD


def _shared(widths: Sequence[float], wishes: Sequence[float], room: float) -> list[float]:
    """`widths` and what is left of `room`, given out by `wishes`."""
    spare, total = room - sum(widths), sum(wishes)
    if not total:
        return [width + spare / len(widths) for width in widths]
    return [width + spare * wish / total for width, wish in zip(widths, wishes, strict=True)]
