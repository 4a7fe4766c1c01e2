"""The sheet of a work order 维修工单: it goes with the unit from the bench to the shelf.

A pure function of its struct: code as bars and QR, fault, diagnosis, quote with parts and labour, result.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec
from reportlab.lib.units import mm

from backend.core import text
from backend.core.text import N_
from frontend import barcodes, pdf, render
from frontend.pdf import Document
from frontend.photographs import Photograph, listed
from frontend.table import Cell, Column, Row
from frontend.typeset import PALE, Style, isolated, ltr, printable


class QuoteLine(msgspec.Struct, frozen=True, kw_only=True):
    """A part or a piece of work: `quantity` in pieces or hours, prices in the currency of the quote."""

    kind: Literal["part", "labour"]
    words: str
    quantity: Decimal
    price: Decimal
    code: str = ""

    @property
    def amount(self) -> Decimal:
        """What the line costs."""
        return self.quantity * self.price


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a repair ended: `outcome` is a message id, `tests` are what was tried and found."""

    outcome: str
    finished_at: datetime
    finished_by: str = ""
    note: str = ""
    tests: Sequence[str] = ()
    warranty_until: date | None = None


class WorkOrderSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A work order as it stands; `stage`, `warranty` and `quote_state` are message ids."""

    number: str
    url: str
    made_at: datetime
    zone: str
    warehouse: str
    warehouse_code: str
    operator: str
    owner: str
    unit: str
    item_code: str
    item_name: str
    stage: str
    opened_at: datetime
    fault: str
    serial: str = ""
    lot: str = ""
    rma: str = ""
    place: str = ""
    warranty: str = ""
    due_at: datetime | None = None
    technician: str = ""
    diagnosis: str = ""
    currency: str = ""
    quote: Sequence[QuoteLine] = ()
    quote_state: str = ""
    quote_valid_until: datetime | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    result: Result | None = None
    photos: Sequence[Photograph] = ()


def work_order_sheet(content: WorkOrderSheet, language: str) -> bytes:
    """The sheet as PDF; what has not happened yet is left open to be written in by hand."""
    bare = msgspec.structs.replace(content, photos=listed(content.photos))
    with pdf.document(
        N_("Work order"),
        language,
        number=content.number,
        organisation=content.operator,
        on=pdf.day_of(content.made_at, content.zone),
        link=content.url,
        foot=f"SHA-256 {pdf.fingerprint(bare)}",
    ) as document:
        _unit(document, content)
        _words(document, N_("Fault as reported"), content.fault)
        _words(document, N_("Diagnosis"), content.diagnosis)
        _quote(document, content)
        _result(document, content)
        if content.photos:
            document.heading(text.gettext(N_("Photos")), follows=160)
            document.photographs(content.photos, content.zone)
        made = text.gettext(
            N_("Printed from the platform's records on %(utc)s."),
            utc=isolated(render.instant(content.made_at, "UTC", zone=True)),
        )
        document.skip(4)
        document.text(made, Style(8, colour=PALE))
        return document.pdf()


def _unit(document: Document, content: WorkOrderSheet) -> None:
    """The unit with its code to scan, and what is known of it."""
    code = Style(15, bold=True, leading=1.3)
    made = barcodes.bars(content.unit, document.width, 12 * mm)
    if made is not None:
        # Flush with the start of the page: the white before the bars is the margin's.
        quiet = float(made.lquiet)
        document.bars(content.unit, 12 * mm, float(made.width), -quiet)
        document.y -= 3
    document.text(ltr(content.unit), code)
    document.skip(4)
    document.facts(
        [
            (text.gettext(N_("Item")), f"{ltr(content.item_code)}\n{isolated(printable(content.item_name))}"),
            (text.gettext(N_("Owner of the goods")), isolated(content.owner)),
            (text.gettext(N_("Stage")), text.gettext(content.stage)),
            (text.gettext(N_("Serial number")), ltr(content.serial) if content.serial else ""),
            (text.gettext(N_("Lot")), ltr(content.lot) if content.lot else ""),
            (text.gettext(N_("Return")), ltr(content.rma) if content.rma else ""),
            (text.gettext(N_("Warehouse")), f"{isolated(content.warehouse)} {ltr(content.warehouse_code)}"),
            (text.gettext(N_("Place")), ltr(content.place) if content.place else ""),
            (text.gettext(N_("Warranty")), text.gettext(content.warranty)),
            (text.gettext(N_("Opened at")), pdf.in_both_zones(content.opened_at, content.zone)),
            (text.gettext(N_("Due at")), pdf.in_both_zones(content.due_at, content.zone)),
            (text.gettext(N_("Technician")), isolated(content.technician) if content.technician else ""),
        ]
    )


def _words(document: Document, title: str, words: str) -> None:
    """A free text, or room to write it."""
    document.heading(text.gettext(title), follows=60)
    if words:
        document.text(isolated(printable(words)))
    else:
        _room(document)


def _room(document: Document, lines: int = 3) -> None:
    document.keep(lines * 22)
    for _ in range(lines):
        document.y -= 20
        document.rule()
    document.y -= 4


def _quote(document: Document, content: WorkOrderSheet) -> None:
    document.heading(text.gettext(N_("Quote: parts and labour")), follows=90)
    columns = [
        Column(text.gettext(N_("Kind"))),
        Column(text.gettext(N_("What"))),
        Column(text.gettext(N_("Quantity")), "number"),
        Column(text.gettext(N_("Price")), "number"),
        Column(text.gettext(N_("Amount")), "number"),
    ]
    rows: list[Row] = [
        [
            text.gettext(N_("Part")) if line.kind == "part" else text.gettext(N_("Labour")),
            Cell(isolated(printable(line.words)), ltr(line.code) if line.code else ""),
            _quantity(line),
            ltr(render.money(line.price, content.currency)),
            ltr(render.money(line.amount, content.currency)),
        ]
        for line in content.quote
    ]
    if not rows:
        document.text(text.gettext(N_("There is no quote yet.")), Style(9, colour=PALE))
        return
    total = sum((line.amount for line in content.quote), Decimal(0))
    said = Cell(ltr(render.money(total, content.currency)), bold=True)
    rows.append([Cell(text.gettext(N_("Total")), bold=True), "", "", "", said])
    document.table(columns, rows, Style(8.5))
    document.facts(
        [
            (text.gettext(N_("Decision of the owner")), text.gettext(content.quote_state)),
            (text.gettext(N_("Decided by")), isolated(content.decided_by) if content.decided_by else ""),
            (text.gettext(N_("Decided at")), pdf.in_both_zones(content.decided_at, content.zone)),
            (text.gettext(N_("Quote valid until")), pdf.in_both_zones(content.quote_valid_until, content.zone)),
        ]
    )


def _quantity(line: QuoteLine) -> str:
    if line.kind == "part":
        return ltr(render.number(line.quantity))
    return text.gettext(N_("%(hours)s h"), hours=ltr(render.number(line.quantity)))


def _result(document: Document, content: WorkOrderSheet) -> None:
    document.heading(text.gettext(N_("Result")), follows=100)
    result = content.result
    if result is None:
        _room(document)
        document.lines_to_sign(
            [text.gettext(N_("Technician: name and signature")), text.gettext(N_("Date"))], height=30
        )
        return
    document.facts(
        [
            (text.gettext(N_("Outcome")), text.gettext(result.outcome)),
            (text.gettext(N_("Finished at")), pdf.in_both_zones(result.finished_at, content.zone)),
            (text.gettext(N_("Finished by")), isolated(result.finished_by) if result.finished_by else ""),
            (
                text.gettext(N_("Warranty on the repair until")),
                isolated(render.day(result.warranty_until)) if result.warranty_until else "",
            ),
        ]
    )
    for test in result.tests:
        document.text(f"•  {isolated(printable(test))}")
    if result.note:
        document.skip(3)
        document.text(isolated(printable(result.note)))
