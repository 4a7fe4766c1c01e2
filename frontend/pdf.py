"""The paper of every printed document: `Document` on A4 with head and foot, `Label` for thermal printers.

A room's `pdf.py` puts its words on one of them and asks for the bytes. Both speak one language, the reader's, and run in
its direction; the same content gives the same bytes, so a document can be proven by its hash.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Response
from reportlab.lib.units import mm

from backend.core import clock, text
from backend.core.text import N_
from frontend import barcodes, render
from frontend.flow import LINE, Flow, Picture, line_of
from frontend.photographs import Photograph, listed
from frontend.table import Cell, Column, Row
from frontend.typeset import ACCENT, PALE, Style, isolated, ltr, printable

A4 = (210 * mm, 297 * mm)
LABEL = (100 * mm, 150 * mm)
LABEL_A6 = (105 * mm, 148 * mm)
SMALL_LABEL = (62 * mm, 40 * mm)

TITLE = Style(17, bold=True, leading=1.3)
PLAIN = str.maketrans("", "", "\u2066\u2067\u2068\u2069")


def fingerprint(content: msgspec.Struct) -> str:
    """The SHA-256 of what a document says, in hexadecimal: of its canonical JSON, whatever the language of the paper."""
    return sha256(msgspec.json.encode(content, order="sorted", enc_hook=_unspoken)).hexdigest()


def _unspoken(fact: object) -> str:
    """A fact that is a message id, whatever the language in which it is spoken."""
    if isinstance(fact, str):
        return str.__str__(fact)
    raise NotImplementedError


def day_of(instant: datetime, zone: str) -> date:
    """The day of a paper: that of its instant on the warehouse's clock."""
    return clock.business_day(instant, zone)


def moment(instant: datetime | None, zone: str) -> Cell:
    """An instant in UTC and, below, on the warehouse's clock."""
    utc, here = render.instant(instant, "UTC", zone=True), render.instant(instant, zone, zone=True)
    return Cell(isolated(utc), isolated(here) if here != utc else "")


def in_both_zones(instant: datetime | None, zone: str) -> str:
    """The same for a fact: empty where there is no instant."""
    cell = moment(instant, zone)
    return "\n".join(filter(None, (cell.words, cell.below))) if instant else ""


def spoken(sentence: str, facts: Mapping[str, object], zone: str) -> str:
    """A message id with its facts as paper takes them: dates and numbers in the language, codes and names by themselves."""
    said: dict[str, object] = {}
    for name, fact in facts.items():
        if isinstance(fact, text.Word):
            said[name] = fact
        elif isinstance(fact, datetime):
            said[name] = isolated(render.instant(fact, zone, zone=True))
        elif isinstance(fact, date):
            said[name] = isolated(render.day(fact))
        elif isinstance(fact, int | Decimal):
            said[name] = ltr(render.number(fact))
        elif isinstance(fact, list | tuple):
            said[name] = [printable(str(each)) for each in fact]
        else:
            said[name] = isolated(printable(str(fact)))
    return text.say(sentence, said)


@contextmanager
def document(
    title: str,
    language: str,
    *,
    number: str = "",
    organisation: str = "",
    on: date | None = None,
    foot: str = "",
    link: str = "",
) -> Iterator["Document"]:
    """A document to fill, its words spoken in `language`; `title` is a message id, everything else is printed as it comes.

    `on` is the day of the paper, `foot` a hash or address for every page, `link` what the code at the head opens.
    """
    with text.speaking(language):
        yield Document(text.gettext(title), language, number, organisation, on, foot, link)


@contextmanager
def label(title: str, language: str, size: tuple[float, float] = LABEL) -> Iterator["Label"]:
    """A label to fill, its words spoken in `language`; `title` is a message id."""
    with text.speaking(language):
        yield Label(text.gettext(title), language, size)


async def answer(name: str, paper: Callable[..., bytes], *content: Any) -> Response[bytes]:
    """The paper that `paper` makes of `content`, shown by the browser as ``<name>.pdf``; it is made in a thread."""
    made = await asyncio.to_thread(paper, *content)
    headers = {
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}.pdf",
        "Cache-Control": "private, no-store",
    }
    return Response(made, media_type="application/pdf", headers=headers)


class Document(Flow):
    """A4 with title, number, organisation and date at the head, and page x of y at the foot of every page."""

    def __init__(
        self, title: str, language: str, number: str, organisation: str, on: date | None, foot: str, link: str
    ) -> None:
        """See `document`; made where its language is spoken."""
        super().__init__(language, A4, (16 * mm, 16 * mm, 19 * mm))
        self.title, self.number, self.organisation, self.foot = title, number, organisation, foot
        self._head(on, link)

    def next_top(self) -> float:
        """Later pages begin under one line that says what they belong to."""
        return self.top + 16

    def _head(self, on: date | None, link: str) -> None:
        start, side = self.y, 24 * mm
        width = self.width
        if link:
            drawn = barcodes.qr_size(link, barcodes.dots_for(link, side))
            self.qr(link, width - drawn, start, side)
            width -= drawn + 16
        if self.organisation:
            self.text(isolated(self.organisation), Style(8.5, colour=PALE), width=width)
        self.text(self.title, TITLE, width=width)
        facts = [ltr(self.number) if self.number else "", isolated(render.day(on, "long")) if on else ""]
        if any(facts):
            self.skip(2)
            self.text("  ·  ".join(filter(None, facts)), Style(9.5, colour=PALE), width=width)
        if link:
            self.y = min(self.y, start - drawn - 4)
        self.y -= 5
        self.rule(ACCENT, 1.2)
        self.y -= 9

    def turn(self) -> None:
        """Go on with a new page under its short head."""
        super().turn()
        short = self.title if not self.number else f"{self.title}  ·  {ltr(self.number)}"
        y = self.page_height - self.top
        self.place(self.paragraph(short, Style(8, colour=PALE)), 0, y, self.width)
        x, below = self.side, y - 13
        width = self.width
        self.draw(lambda canvas: line_of(canvas, x, below, x + width, below, ACCENT, 0.8))
        self._blank = len(self.pages[-1])

    def keep(self, height: float) -> None:
        """Turn the page unless `height` fits on it; never leave a page that holds only its head."""
        if len(self.pages) > 1 and len(self.pages[-1]) == self._blank:
            return
        super().keep(height)

    def skip(self, height: float) -> None:
        """Leave a gap, but not under the short head of a page."""
        if len(self.pages) > 1 and len(self.pages[-1]) == self._blank:
            return
        super().skip(height)

    def photographs(self, files: Sequence[Photograph], zone: str) -> None:
        """Photographs with what they are proven by: name, size, the instant they were received, SHA-256."""
        none = text.gettext(N_("This file cannot be shown on paper."))
        changed = text.gettext(N_("The stored file does not have this SHA-256 any more. It is not shown."))
        self.pictures(
            [
                Picture(
                    file.content if file.is_intact else None,
                    [
                        isolated(printable(file.name)),
                        f"{isolated(render.size(file.size))}  ·  {isolated(render.instant(file.stored_at, zone, zone=True))}",
                        ltr(f"SHA-256 {file.sha256}"),
                    ],
                    none if file.is_intact else changed,
                )
                for file in files
            ]
        )

    def hashes(self, files: Sequence[Photograph], zone: str) -> None:
        """Every file with its hash, and what the hashes prove and what not."""
        self.heading(text.gettext(N_("Files and their hashes")))
        columns = [
            Column("", "number"),
            Column(text.gettext(N_("File")), share=0.28),
            Column(text.gettext(N_("Size")), "number"),
            Column(text.gettext(N_("Received by the platform"))),
            Column(ltr("SHA-256"), share=0.34),
        ]
        rows: list[Row] = [
            [
                ltr(render.number(at)),
                isolated(printable(file.name)),
                isolated(render.size(file.size)),
                moment(file.stored_at, zone),
                ltr(file.sha256),
            ]
            for at, file in enumerate(listed(files), start=1)
        ]
        self.table(columns, rows, Style(8), empty=text.gettext(N_("No files are attached.")))
        self.skip(4)
        self.note(
            text.gettext(
                N_(
                    "What the hashes prove: a SHA-256 is the fingerprint of a file. The platform computed it when it received "
                    "the file, at the time stated, and keeps it unchanged. Whoever has a file can compute its SHA-256 with any "
                    "program; if it is the same, the file is the one that was received, to the last bit. The hashes do not "
                    "prove what a picture shows or when it was taken. Pictures on this paper are smaller copies; the hashes "
                    "are those of the original files."
                )
            ),
            Style(8),
        )

    def pdf(self) -> bytes:
        """The finished document."""
        total = len(self.pages)
        body, self.pages = self.pages, []
        for number, page in enumerate(body, start=1):
            self.pages.append(page)
            self._foot(number, total)
        return self.written(self.title.translate(PLAIN), self.organisation, self.number)

    def _foot(self, number: int, total: int) -> None:
        y = self.bottom - 8
        x, width = self.side, self.width
        self.draw(lambda canvas: line_of(canvas, x, y, x + width, y, LINE, 0.5))
        small = Style(6.8, colour=PALE)
        said = text.gettext(
            N_("Page %(page)s of %(pages)s"), page=ltr(render.number(number)), pages=ltr(render.number(total))
        )
        place = self.paragraph(said, small)
        beside = place.widest + 14
        self.place(place, 0, y - 4, self.width, "end")
        if self.foot:
            self.place(self.paragraph(ltr(self.foot), small), 0, y - 4, self.width - beside)


class Label(Flow):
    """A label of a thermal printer, black on white, its body 4 mm from the edge; what is too long goes on on another."""

    def __init__(self, title: str, language: str, size: tuple[float, float] = LABEL) -> None:
        super().__init__(language, size, (4 * mm, 4 * mm, 8 * mm))
        self.title, self.number = title, ""

    quiet = hairline = strong_line = "#000000"

    def fresh(self) -> None:
        """Begin another label."""
        super().turn()

    def turn(self) -> None:
        """Go on on another label, which says what it belongs to."""
        super().turn()
        if self.number:
            self.text(ltr(self.number), Style(13, bold=True, colour="#000000"))
            self.rule("#000000", 0.8)
            self.y -= 5

    def pdf(self) -> bytes:
        """The finished labels, to be printed at their own size."""
        total = len(self.pages)
        body, self.pages = self.pages, []
        for number, page in enumerate(body, start=1):
            self.pages.append(page)
            if total > 1 and self.number:
                said = text.gettext(
                    N_("Label %(page)s of %(pages)s"), page=ltr(render.number(number)), pages=ltr(render.number(total))
                )
                self.place(self.paragraph(said, Style(7, colour="#000000")), 0, self.bottom - 2, self.width, "end")
        return self.written(self.title.translate(PLAIN), "", self.number, label=True)
