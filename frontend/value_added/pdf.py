"""The inventory statement 库存证明 for banks and insurers: what of an owner's goods lies where at an instant.

A pure function of its struct; the statement's SHA-256 is that of what it says, so that a paper and the platform can be
compared.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from backend.core import text
from backend.core.text import N_
from frontend import pdf, render
from frontend.pdf import Document
from frontend.table import Cell, Column, Row
from frontend.typeset import PALE, Style, isolated, ltr, printable


class InventoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of one item, lot and condition (a message id): pieces on hand; of these held, and of these pledged."""

    item_code: str
    item_name: str
    on_hand: int
    lot: str = ""
    condition: str = ""
    held: int = 0
    pledged: int = 0


class InventoryStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What lay in a warehouse for one owner at the instant `as_at`, by the ledger.

    `number` and `url` name the statement on the platform, `addressee` who asked for it, `purpose` for what; `reference`
    is the contract or pledge it belongs to. `digest` is the SHA-256 of the statement as the platform keeps it.
    """

    number: str
    url: str
    made_at: datetime
    as_at: datetime
    zone: str
    warehouse: str
    warehouse_code: str
    address: Sequence[str]
    operator: str
    owner: str
    owner_code: str
    lines: Sequence[InventoryLine]
    addressee: str = ""
    purpose: str = ""
    reference: str = ""
    last_movement: str = ""
    digest: str = ""


def inventory_statement(content: InventoryStatement, language: str) -> bytes:
    """The statement as PDF; every page carries its SHA-256 and says which page of how many it is."""
    digest = content.digest or pdf.fingerprint(content)
    with pdf.document(
        N_("Inventory statement"),
        language,
        number=content.number,
        organisation=content.operator,
        on=pdf.day_of(content.made_at, content.zone),
        link=content.url,
        foot=f"SHA-256 {digest}",
    ) as document:
        _head(document, content)
        document.heading(text.gettext(N_("Goods on hand")))
        document.table(_columns(), _rows(content.lines), Style(8.5), empty=text.gettext(N_("No goods were on hand.")))
        _end(document, content, digest)
        return document.pdf()


def _head(document: Document, content: InventoryStatement) -> None:
    document.facts(
        [
            (text.gettext(N_("As at")), pdf.in_both_zones(content.as_at, content.zone)),
            (text.gettext(N_("Pieces on hand")), ltr(render.number(sum(line.on_hand for line in content.lines)))),
            (text.gettext(N_("Of these pledged")), ltr(render.number(sum(line.pledged for line in content.lines)))),
            (text.gettext(N_("Made for")), isolated(printable(content.addressee)) if content.addressee else ""),
            (text.gettext(N_("Purpose")), isolated(printable(content.purpose)) if content.purpose else ""),
            (text.gettext(N_("Reference")), ltr(content.reference) if content.reference else ""),
        ]
    )
    document.skip(4)
    document.boxes(
        [
            (text.gettext(N_("Owner of the goods")), [isolated(content.owner), ltr(content.owner_code)]),
            (
                text.gettext(N_("Warehouse")),
                [
                    isolated(content.warehouse),
                    ltr(content.warehouse_code),
                    *(isolated(line) for line in content.address),
                ],
            ),
        ]
    )


def _columns() -> list[Column]:
    return [
        Column("", "number"),
        Column(text.gettext(N_("Item"))),
        Column(text.gettext(N_("Lot"))),
        Column(text.gettext(N_("Condition"))),
        Column(text.gettext(N_("On hand")), "number"),
        Column(text.gettext(N_("Held")), "number"),
        Column(text.gettext(N_("Pledged")), "number"),
    ]


def _rows(lines: Sequence[InventoryLine]) -> list[Row]:
    rows: list[Row] = [
        [
            ltr(render.number(at)),
            Cell(ltr(line.item_code), isolated(printable(line.item_name))),
            ltr(line.lot) if line.lot else render.MISSING,
            text.gettext(line.condition) or render.MISSING,
            ltr(render.number(line.on_hand)),
            ltr(render.number(line.held)),
            ltr(render.number(line.pledged)),
        ]
        for at, line in enumerate(lines, start=1)
    ]
    if rows:
        totals = [sum(getattr(line, name) for line in lines) for name in ("on_hand", "held", "pledged")]
        said = [Cell(ltr(render.number(total)), bold=True) for total in totals]
        rows.append(["", Cell(text.gettext(N_("Total")), bold=True), "", "", *said])
    return rows


def _end(document: Document, content: InventoryStatement, digest: str) -> None:
    document.skip(6)
    document.note(
        text.gettext(
            N_(
                "The quantities are those of the platform's ledger at the instant named, in which movements are only added "
                "and never changed. Held goods may not be shipped; pledged ones are held for a creditor. The statement says "
                "nothing of the value of the goods. SHA-256 of its content: %(digest)s. Compare it with the one shown at the "
                "address in the code."
            ),
            digest=ltr(digest),
        ),
        Style(8),
    )
    document.skip(6)
    document.lines_to_sign(
        [
            text.gettext(N_("For the warehouse: name, signature and seal")),
            text.gettext(N_("Date")),
        ],
        height=42,
    )
    facts = [
        text.gettext(
            N_("Printed from the platform's records on %(utc)s."),
            utc=isolated(render.instant(content.made_at, "UTC", zone=True)),
        )
    ]
    if content.last_movement:
        said = text.gettext(N_("Last document in the ledger: %(document)s."), document=ltr(content.last_movement))
        facts.append(said)
    document.text(" ".join(facts), Style(8, colour=PALE))
