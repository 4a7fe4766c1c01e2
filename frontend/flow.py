"""Things put one below the other on as many pages as they need: words, facts, tables, pictures, codes.

Everything is measured first and drawn last, so that a page can say how many there are and a refusal leaves nothing half
written. Places are counted from the side where the language starts, so that a page in Arabic is the mirror of one in
English; numbers stand flush right in both. Measures are points.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from backend.core import text
from frontend import barcodes, typeface
from frontend.photographs import encoded, shrunk
from frontend.table import Column, Row, Table
from frontend.typeset import INK, PALE, Align, Line, Paragraph, Style, is_rtl

LINE, LINE_STRONG, SOFT = "#dfe3de", "#8a938c", "#f1f3f0"
BODY, SMALL, TINY = Style(9), Style(7.5, colour=PALE), Style(6.5, colour=PALE)
STRONG = Style(9, bold=True)
HEADING = Style(11.5, bold=True)
LABEL = Style(7.5, colour=PALE)

Draw = Callable[[Canvas], None]


class Picture(NamedTuple):
    """A picture as it was taken (JPEG or PNG), the lines under it, and what is said where it cannot be shown."""

    content: bytes | None
    caption: Sequence[str]
    instead: str


class Flow:
    """Pages that fill from the top; `Document` and `Label` in `pdf.py` give them heads and feet."""

    # The colours of what is secondary, of lines between rows and of lines under titles.
    quiet, hairline, strong_line = PALE, LINE, LINE_STRONG

    def __init__(self, language: str, size: tuple[float, float], margins: tuple[float, float, float]) -> None:
        """`size` is width and height, `margins` are top, sides and bottom of the body."""
        self.language, self.rtl = language, is_rtl(language)
        self.page_width, self.page_height = size
        self.top, self.side, self.bottom = margins
        self.width = self.page_width - 2 * self.side
        self.pages: list[list[Draw]] = [[]]
        self._made: dict[tuple[str, Style], Paragraph] = {}
        self.y = self.page_height - self.top

    # ---------------------------------------------------------------------------------------------- places

    def x(self, offset: float, width: float) -> float:
        """The left edge of a box that begins `offset` from the start of the body."""
        return self.page_width - self.side - offset - width if self.rtl else self.side + offset

    @property
    def room(self) -> float:
        """How much height the page has left."""
        return self.y - self.bottom

    @property
    def full(self) -> float:
        """The height of an empty page's body, as pages after the first have it."""
        return self.page_height - self.next_top() - self.bottom

    def next_top(self) -> float:
        """Where the body of a page after the first begins, from the paper's edge."""
        return self.top

    def turn(self) -> None:
        """Go on with a new page."""
        self.pages.append([])
        self.y = self.page_height - self.next_top()

    def keep(self, height: float) -> None:
        """Turn the page unless `height` fits on it, or fits on none."""
        if height > self.room and self.pages[-1] and height <= self.full:
            self.turn()

    def fits_here(self, fill: Callable[[], None]) -> bool:
        """Do `fill` if all of it stands on this page; else leave everything as it was."""
        pages, things, y = len(self.pages), len(self.pages[-1]), self.y
        fill()
        if len(self.pages) == pages:
            return True
        del self.pages[pages:], self.pages[-1][things:]
        self.y = y
        return False

    def draw(self, drawing: Draw) -> None:
        """Draw something on the current page."""
        self.pages[-1].append(drawing)

    def skip(self, height: float) -> None:
        """Leave a gap, but not at the top of a page."""
        if self.pages[-1]:
            self.y -= height

    # ----------------------------------------------------------------------------------------------- words

    def paragraph(self, words: str, style: Style = BODY) -> Paragraph:
        """Words in the language of the pages; the same words come again in tables and are prepared once."""
        made = self._made.get((words, style))
        if made is None:
            made = self._made[words, style] = Paragraph(words, style, self.language)
        return made

    def text(
        self, words: str, style: Style = BODY, align: Align = "start", indent: float = 0, width: float | None = None
    ) -> None:
        """A paragraph, going on over the page if it must."""
        self.flow_of(self.paragraph(words, style), align, indent, width)

    def flow_of(
        self, paragraph: Paragraph, align: Align = "start", indent: float = 0, width: float | None = None
    ) -> None:
        """The lines of a paragraph from here on."""
        wide = (width or self.width) - indent
        lines = paragraph.lines(wide)
        while lines:
            fits = max(int((self.room + 0.01) / paragraph.leading), 0)
            if not fits or (fits == 1 and len(lines) == 2 and self.pages[-1]):
                self.turn()
                continue
            self.ink(paragraph, lines[:fits], self.x(indent, wide), self.y, wide, align)
            self.y -= paragraph.leading * len(lines[:fits])
            lines = lines[fits:]

    def ink(
        self, paragraph: Paragraph, lines: Sequence[Line], x: float, top: float, width: float, align: Align = "start"
    ) -> None:
        """Draw lines of a paragraph at a place on the paper."""
        self.draw(lambda canvas: paragraph.draw_lines(canvas, lines, x, top, width, align))

    def put(
        self, paragraph: Paragraph, x: float, top: float, width: float, align: Align = "start", most: int = 1000
    ) -> float:
        """Draw at most `most` lines of a paragraph at a place on the paper; says how high it is."""
        lines = paragraph.lines(width)[:most]
        self.ink(paragraph, lines, x, top, width, align)
        return paragraph.leading * len(lines)

    def place(self, paragraph: Paragraph, offset: float, top: float, width: float, align: Align = "start") -> float:
        """Draw a paragraph at a place of its own without moving on; says how high it is."""
        lines = paragraph.lines(width)
        self.ink(paragraph, lines, self.x(offset, width), top, width, align)
        return paragraph.leading * len(lines)

    def heading(self, words: str, follows: float = 70) -> None:
        """A heading that stays with what follows it."""
        paragraph = self.paragraph(words, HEADING)
        height = paragraph.height(self.width)
        self.keep(height + 14 + follows)
        self.skip(10)
        self.place(paragraph, 0, self.y, self.width)
        self.y -= height + 4

    def rule(self, colour: str = "", weight: float = 0.5) -> None:
        """A line across the body."""
        x, y, width, colour = self.side, self.y, self.width, colour or self.hairline
        self.draw(lambda canvas: line_of(canvas, x, y, x + width, y, colour, weight))

    def note(self, words: str, style: Style = BODY) -> None:
        """Words on a soft ground, kept together where a page is long enough."""
        pad = 7.0
        paragraph = self.paragraph(words, style)
        height = paragraph.height(self.width - 2 * pad) + 2 * pad
        self.keep(height)
        if height > self.room:
            self.text(words, style)
            return
        x, y, width = self.x(0, self.width), self.y, self.width
        self.draw(lambda canvas: _ground(canvas, x, y - height, width, height))
        self.place(paragraph, pad, self.y - pad, self.width - 2 * pad)
        self.y -= height + 4

    # ----------------------------------------------------------------------------------------------- facts

    def facts(self, pairs: Iterable[tuple[str, str]], columns: int = 3, style: Style = STRONG) -> None:
        """What is what: each name small above its value, `columns` beside each other."""
        gap = 12.0
        width = (self.width - gap * (columns - 1)) / columns
        shown = [(self.paragraph(name, LABEL), self.paragraph(value, style)) for name, value in pairs if value]
        for at in range(0, len(shown), columns):
            row = shown[at : at + columns]
            height = max(name.height(width) + value.height(width) for name, value in row) + 5
            if height > self.full / 2:
                self._long_facts(row)
                continue
            self.keep(height)
            for place, (name, value) in enumerate(row):
                offset = place * (width + gap)
                below = self.place(name, offset, self.y, width)
                self.place(value, offset, self.y - below, width)
            self.y -= height

    def _long_facts(self, row: Sequence[tuple[Paragraph, Paragraph]]) -> None:
        """Facts of which one is a whole text: one below the other, over as many pages as they need."""
        for name, value in row:
            self.keep(name.leading + 2 * value.leading)
            self.y -= self.place(name, 0, self.y, self.width)
            self.flow_of(value)
            self.y -= 5

    def boxes(self, boxes: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Two or three parties beside each other: a small title, a bold first line, the rest below it."""
        gap, pad = 10.0, 7.0
        width = (self.width - gap * (len(boxes) - 1)) / len(boxes)
        stacks = [
            [
                self.paragraph(title, LABEL),
                *(self.paragraph(line, BODY if at else STRONG) for at, line in enumerate(filter(None, lines))),
            ]
            for title, lines in boxes
        ]
        height = max(sum(each.height(width - 2 * pad) for each in stack) for stack in stacks) + 2 * pad
        if height > self.full / 2:
            for stack in stacks:
                for each in stack:
                    self.flow_of(each)
                self.y -= 5
            return
        self.keep(height)
        for place, stack in enumerate(stacks):
            offset, top = place * (width + gap), self.y
            x = self.x(offset, width)
            self.draw(lambda canvas, x=x, top=top: _frame(canvas, x, top - height, width, height))  # type: ignore[misc]
            top -= pad
            for each in stack:
                top -= self.place(each, offset + pad, top, width - 2 * pad)
        self.y -= height + 6

    def table(self, columns: Sequence[Column], rows: Iterable[Row], style: Style = BODY, empty: str = "") -> None:
        """Rows under titles that come again on every page; `empty` is said where there are none."""
        body = list(rows)
        if body or not empty:
            Table(self, columns, body, style).draw()
        else:
            self.text(empty, style._replace(colour=self.quiet))

    # ------------------------------------------------------------------------------------ pictures and codes

    def pictures(self, pictures: Sequence[Picture], columns: int = 3, height: float = 42 * mm) -> None:
        """Pictures in rows, each over its caption."""
        gap = 8.0
        width = (self.width - gap * (columns - 1)) / columns
        for at in range(0, len(pictures), columns):
            row = pictures[at : at + columns]
            captions = [[self.paragraph(line, TINY) for line in each.caption] for each in row]
            below = max(sum(line.height(width) for line in caption) for caption in captions)
            self.keep(height + below + 10)
            for place, each in enumerate(row):
                offset = place * (width + gap)
                self._picture(each, offset, width, height)
                top = self.y - height - 2
                for line in captions[place]:
                    top -= self.place(line, offset, top, width)
            self.y -= height + below + 10

    def _picture(self, picture: Picture, offset: float, width: float, height: float) -> None:
        x, y = self.x(offset, width), self.y - height
        self.draw(lambda canvas: _frame(canvas, x, y, width, height))
        image = shrunk(picture.content, width, height)
        if image is None:
            words = self.paragraph(picture.instead, SMALL)
            high = words.height(width - 16)
            self.place(words, offset + 8, self.y - (height - high) / 2, width - 16, "centre")
            return
        scale = min(width / image.width, height / image.height)
        wide, high = image.width * scale, image.height * scale
        reader = ImageReader(encoded(image))
        self.draw(lambda canvas: canvas.drawImage(reader, x + (width - wide) / 2, y + (height - high) / 2, wide, high))

    def qr(self, content: str, offset: float, top: float, side: float) -> float:
        """Draw a QR code in a square of `side` at a place of its own, with room around it; says how large it became."""
        dots = barcodes.dots_for(content, side)
        size = barcodes.qr_size(content, dots)
        x = self.x(offset, size)
        self.draw(lambda canvas: barcodes.draw_qr(canvas, content, x, top, dots))
        return size

    def bars(self, code: str, height: float, room: float | None = None, offset: float = 0) -> bool:
        """A code as bars in the middle of `room`, moving on; False where Code 128 cannot carry it there."""
        room = room or self.width
        made = barcodes.bars(code, room, height)
        if made is None:
            return False
        x, top = self.x(offset, room) + (room - float(made.width)) / 2, self.y
        self.draw(lambda canvas: barcodes.draw_bars(canvas, made, x, top))
        self.y -= height
        return True

    def lines_to_sign(self, labels: Sequence[str], height: float = 34) -> None:
        """Lines to sign on, each over what it is for."""
        gap = 18.0
        width = (self.width - gap * (len(labels) - 1)) / len(labels)
        captions = [self.paragraph(label, SMALL) for label in labels]
        below = max(caption.height(width) for caption in captions)
        self.keep(height + below + 4)
        for place, caption in enumerate(captions):
            offset = place * (width + gap)
            x, y = self.x(offset, width), self.y - height
            self.draw(lambda canvas, x=x, y=y: line_of(canvas, x, y, x + width, y, INK, 0.6))  # type: ignore[misc]
            self.place(caption, offset, y - 2, width)
        self.y -= height + below + 6

    # ---------------------------------------------------------------------------------------------- writing

    def written(self, title: str, author: str, subject: str, label: bool = False) -> bytes:
        """The PDF: the same things give the same bytes."""
        file = io.BytesIO()
        canvas = Canvas(
            file,
            pagesize=(self.page_width, self.page_height),
            invariant=1,
            pageCompression=1,
            initialFontName=typeface.font("NotoSans-Regular.ttf").fontName,
            lang=text.tag(self.language),
        )
        canvas.setTitle(title)
        canvas.setAuthor(author)
        canvas.setSubject(subject)
        canvas.setCreator("Luocang")
        canvas.setViewerPreference("DisplayDocTitle", "true")
        if self.rtl:
            canvas.setViewerPreference("Direction", "R2L")
        if label:
            canvas.setViewerPreference("PrintScaling", "None")
        with typeface.writing:
            for page in self.pages:
                for drawing in page:
                    drawing(canvas)
                canvas.showPage()
            canvas.save()
        return file.getvalue()


def line_of(canvas: Canvas, x: float, y: float, to_x: float, to_y: float, colour: str, weight: float) -> None:
    canvas.setStrokeColor(HexColor(colour))
    canvas.setLineWidth(weight)
    canvas.line(x, y, to_x, to_y)


def _frame(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    canvas.setStrokeColor(HexColor(LINE))
    canvas.setLineWidth(0.6)
    canvas.roundRect(x, y, width, height, 3, stroke=1, fill=0)


def _ground(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    canvas.setFillColor(HexColor(SOFT))
    canvas.roundRect(x, y, width, height, 3, stroke=0, fill=1)
