"""The labels of returns: what a parcel on its way back says, and what sticks on a unit."""

from collections.abc import Sequence
from datetime import date

import msgspec
from reportlab.lib.units import mm

from backend.core import text
from backend.core.text import N_
from frontend import barcodes, pdf, render
from frontend.pdf import Label
from frontend.table import Cell, Column, Row
from frontend.typeset import Style, isolated, ltr, printable

BLACK = "#000000"
_SAID = Style(7.5, colour=BLACK, leading=1.35)
_STRONG = Style(10, bold=True, colour=BLACK, leading=1.3)
_LINE = Style(11, colour=BLACK, leading=1.3)
_NAME = Style(13, bold=True, colour=BLACK, leading=1.3)
_NUMBER = Style(24, bold=True, colour=BLACK, leading=1.2)
_LIST = Style(8, colour=BLACK, leading=1.3)


# ---------------------------------------------------------------------------------------------------- return label


class LabelItem(msgspec.Struct, frozen=True, kw_only=True):
    """Goods expected back: code, name in the reader's language, pieces."""

    code: str
    name: str
    quantity: int


class ReturnLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What the parcels of a return must say.

    `url` is the https address of the return, `address` the lines of the warehouse as its post office reads them, `owner`
    whose goods they are, `sender` who sends them.
    """

    number: str
    url: str
    warehouse: str
    warehouse_code: str
    address: Sequence[str]
    owner: str
    items: Sequence[LabelItem]
    parcels: int = 1
    expected_on: date | None = None
    reference: str = ""
    sender: Sequence[str] = ()


def return_label(content: ReturnLabel, language: str, size: tuple[float, float] = pdf.LABEL) -> bytes:
    """A label for each expected parcel; goods that do not fit on it follow as a packing list on labels of its own."""
    with pdf.label(N_("Return label"), language, size) as label:
        label.number = content.number
        listed = True
        for parcel in range(1, content.parcels + 1):
            if parcel > 1:
                label.fresh()
            listed = _parcel(label, content, parcel)
        if not listed:
            label.turn()
            label.text(text.gettext(N_("Packing list: put this into the parcel.")), _STRONG)
            _goods(label, content)
        return label.pdf()


def _parcel(label: Label, content: ReturnLabel, parcel: int) -> bool:
    """The label of one parcel; says whether the goods found room on it."""
    label.place(label.paragraph(ltr(content.warehouse_code), _STRONG), 0, label.y, label.width, "end")
    label.text(text.gettext(N_("Return to")), _SAID)
    label.text(isolated(content.warehouse), _NAME)
    for line in content.address:
        label.text(isolated(line), _LINE)
    label.y -= 4
    label.rule(weight=1.4)
    label.y -= 5
    label.text(ltr(content.number), _NUMBER, "centre")
    label.y -= 3
    if label.bars(content.number, 13 * mm):
        label.y -= 6
    label.rule()
    label.y -= 4
    _beside_the_code(label, content, parcel)
    label.rule()
    label.y -= 2
    if content.sender:
        label.text(text.gettext(N_("Sender: %(sender)s"), sender=isolated(" · ".join(content.sender))), _LIST)
    if label.fits_here(lambda: _goods(label, content)):
        return True
    said = text.gettext(
        N_("%(lines)s kinds of goods, %(pieces)s pieces in all: see the packing list."),
        lines=ltr(render.number(len(content.items))),
        pieces=ltr(render.number(sum(item.quantity for item in content.items))),
    )
    label.text(said, _STRONG)
    return False


def _beside_the_code(label: Label, content: ReturnLabel, parcel: int) -> None:
    top = label.y
    size = label.qr(content.url, 0, top - 4, 31 * mm)
    offset = size + 12
    width = label.width - offset
    count = text.gettext(
        N_("%(parcel)s of %(parcels)s"),
        parcel=ltr(render.number(parcel)),
        parcels=ltr(render.number(content.parcels)),
    )
    facts = [
        (N_("Parcel"), count),
        (N_("Goods of"), isolated(content.owner)),
        (N_("Expected on"), isolated(render.day(content.expected_on)) if content.expected_on else ""),
        (N_("Reference"), ltr(content.reference) if content.reference else ""),
    ]
    y = top
    for name, value in facts:
        if value:
            y -= label.place(label.paragraph(text.gettext(name), _SAID), offset, y, width)
            y -= label.place(label.paragraph(value, _STRONG), offset, y, width) + 1
    label.y = min(top - 4 - size, y) - 6


def _goods(label: Label, content: ReturnLabel) -> None:
    columns = [Column(text.gettext(N_("Goods"))), Column(text.gettext(N_("Pieces")), "number")]
    rows: list[Row] = [
        [Cell(ltr(item.code), isolated(printable(item.name))), ltr(render.number(item.quantity))]
        for item in content.items
    ]
    label.table(columns, rows, _LIST)


# ----------------------------------------------------------------------------------------------------- unit labels


class UnitLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What sticks on a returned unit: its code, the address of its page, what it is, and a short line (grade, place)."""

    code: str
    url: str
    item_code: str
    item_name: str
    line: str = ""


class _Box(msgspec.Struct, frozen=True):
    """A label's place on its page: upper left corner and size."""

    x: float
    top: float
    width: float
    height: float


# Labels of 63.5 x 38.1 mm, three beside each other and seven below, on A4.
_COLUMNS, _ROWS, _WIDTH, _HEIGHT, _SIDE, _TOP, _GAP = 3, 7, 63.5 * mm, 38.1 * mm, 7.2 * mm, 15.15 * mm, 2.5 * mm


def unit_labels(units: Sequence[UnitLabel], language: str, *, sheet: bool = False) -> bytes:
    """A page of 62 x 40 mm for each unit, or with `sheet` 21 labels of 63.5 x 38.1 mm on each page of A4."""
    with pdf.label(N_("Unit labels"), language, pdf.A4 if sheet else pdf.SMALL_LABEL) as label:
        a_page = _COLUMNS * _ROWS if sheet else 1
        for at, unit in enumerate(units):
            if at and not at % a_page:
                label.fresh()
            _unit(label, unit, _place(label, at % a_page) if sheet else _Box(0, pdf.SMALL_LABEL[1], *pdf.SMALL_LABEL))
        return label.pdf()


def _place(label: Label, at: int) -> _Box:
    column, row = at % _COLUMNS, at // _COLUMNS
    column = _COLUMNS - 1 - column if label.rtl else column
    return _Box(_SIDE + column * (_WIDTH + _GAP), pdf.A4[1] - _TOP - row * _HEIGHT, _WIDTH, _HEIGHT)


def _unit(label: Label, unit: UnitLabel, box: _Box) -> None:
    """Bars and code across the label, below them the QR and beside it what the unit is."""
    pad = 2.2 * mm
    inner, low = box.width - 2 * pad, box.top - box.height + pad
    y = box.top - pad
    if bars := barcodes.bars(unit.code, box.width - 1 * mm, 9 * mm):
        left, above = box.x + (box.width - float(bars.width)) / 2, y
        label.draw(lambda canvas: barcodes.draw_bars(canvas, bars, left, above))
        y -= float(bars.barHeight) + 1
    code = label.paragraph(ltr(unit.code), Style(10.5, bold=True, colour=BLACK, leading=1.25))
    y -= label.put(code, box.x + pad, y, inner, "centre")
    y -= 3
    dots = barcodes.dots_for(unit.url, y - low)
    size, corner = barcodes.qr_size(unit.url, dots), y
    x = box.x + pad if not label.rtl else box.x + pad + inner - size
    label.draw(lambda canvas: barcodes.draw_qr(canvas, unit.url, x, corner, dots))
    beside = inner - size - barcodes.quiet(dots) - 2
    words = box.x + pad + (inner - beside if not label.rtl else 0)
    for said, style in (
        (ltr(unit.item_code), Style(8.5, bold=True, colour=BLACK, leading=1.25)),
        (isolated(printable(unit.item_name)), Style(7.5, colour=BLACK, leading=1.3)),
        (isolated(unit.line), Style(7.5, colour=BLACK, leading=1.3)),
    ):
        paragraph = label.paragraph(said, style)
        room = max(int((y - low + 2) / paragraph.leading), 0)
        y -= label.put(paragraph, words, y, beside, most=room)
