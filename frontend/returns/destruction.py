"""The record of goods that were destroyed or given away: what, how, where, before whom, with pictures."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from backend.core import text
from backend.core.text import N_
from frontend import pdf, render
from frontend.photographs import Photograph, listed
from frontend.table import Cell, Column, Row
from frontend.typeset import PALE, Style, isolated, ltr, printable


class DestroyedGoods(msgspec.Struct, frozen=True, kw_only=True):
    """Goods on the record; `decided_as` is a message id: by the owner, or by the default agreed beforehand."""

    item_code: str
    item_name: str
    quantity: int
    unit: str = ""
    serial: str = ""
    lot: str = ""
    grade: str = ""
    decided_as: str = ""


class DestructionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Goods taken out of the world together. `donated` tells a gift from scrap; `document` is the ledger's document."""

    number: str
    url: str
    made_at: datetime
    zone: str
    warehouse: str
    warehouse_code: str
    operator: str
    owner: str
    donated: bool
    method: str
    destroyed_at: datetime
    goods: Sequence[DestroyedGoods]
    witness: str = ""
    place: str = ""
    recorded_by: str = ""
    document: str = ""
    photos: Sequence[Photograph] = ()


def destruction_record(content: DestructionRecord, language: str) -> bytes:
    """The record as PDF, to be signed by the warehouse and the witness."""
    bare = msgspec.structs.replace(content, photos=listed(content.photos))
    with pdf.document(
        N_("Record of a donation") if content.donated else N_("Record of destruction"),
        language,
        number=content.number,
        organisation=content.operator,
        on=pdf.day_of(content.made_at, content.zone),
        link=content.url,
        foot=f"SHA-256 {pdf.fingerprint(bare)}",
    ) as document:
        when = N_("Given away at") if content.donated else N_("Destroyed at")
        who = N_("Received by") if content.donated else N_("Witness")
        document.facts(
            [
                (text.gettext(when), pdf.in_both_zones(content.destroyed_at, content.zone)),
                (text.gettext(N_("Method")), isolated(printable(content.method))),
                (text.gettext(N_("Place")), isolated(printable(content.place)) if content.place else ""),
                (text.gettext(who), isolated(content.witness) if content.witness else ""),
                (text.gettext(N_("Recorded by")), isolated(content.recorded_by) if content.recorded_by else ""),
                (text.gettext(N_("Document in the ledger")), ltr(content.document) if content.document else ""),
            ]
        )
        document.skip(4)
        document.boxes(
            [
                (text.gettext(N_("Owner of the goods")), [isolated(content.owner)]),
                (
                    text.gettext(N_("Warehouse")),
                    [isolated(content.warehouse), ltr(content.warehouse_code), isolated(content.operator)],
                ),
            ]
        )
        document.heading(text.gettext(N_("Goods")))
        document.table(_columns(), _rows(content.goods), Style(8.5))
        if content.photos:
            document.heading(text.gettext(N_("Photos")), follows=160)
            document.photographs(content.photos, content.zone)
        document.hashes(content.photos, content.zone)
        document.skip(6)
        document.text(_confirmation(content.donated))
        document.skip(4)
        document.lines_to_sign(
            [
                text.gettext(N_("For the warehouse: name and signature")),
                text.gettext(who),
                text.gettext(N_("Date")),
            ],
            height=42,
        )
        made = text.gettext(
            N_("Printed from the platform's records on %(utc)s."),
            utc=isolated(render.instant(content.made_at, "UTC", zone=True)),
        )
        document.text(made, Style(8, colour=PALE))
        return document.pdf()


def _confirmation(donated: bool) -> str:
    if donated:
        return text.gettext(N_("We confirm that the goods listed were given away and did not come back into trade."))
    return text.gettext(
        N_("We confirm that the goods listed were destroyed as stated and cannot come back into trade.")
    )


def _columns() -> list[Column]:
    return [
        Column("", "number"),
        Column(text.gettext(N_("Item"))),
        Column(text.gettext(N_("Unit"))),
        Column(text.gettext(N_("Lot"))),
        Column(text.gettext(N_("Grade"))),
        Column(text.gettext(N_("Decision"))),
        Column(text.gettext(N_("Pieces")), "number"),
    ]


def _rows(goods: Sequence[DestroyedGoods]) -> list[Row]:
    rows: list[Row] = [
        [
            ltr(render.number(at)),
            Cell(ltr(each.item_code), isolated(printable(each.item_name))),
            Cell(ltr(each.unit), ltr(each.serial) if each.serial else "") if each.unit else render.MISSING,
            ltr(each.lot) if each.lot else render.MISSING,
            ltr(each.grade) if each.grade else render.MISSING,
            text.gettext(each.decided_as) or render.MISSING,
            ltr(render.number(each.quantity)),
        ]
        for at, each in enumerate(goods, start=1)
    ]
    total = ltr(render.number(sum(each.quantity for each in goods)))
    rows.append(["", Cell(text.gettext(N_("Total")), bold=True), "", "", "", "", Cell(total, bold=True)])
    return rows
