"""The evidence pack of a return: who, what, when, in which state each unit was, and what proves the pictures."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from backend.core import text
from backend.core.text import N_
from frontend import pdf, render
from frontend.pdf import Document
from frontend.photographs import Photograph
from frontend.table import Cell, Column, Row
from frontend.typeset import PALE, Style, isolated, ltr, printable


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: `sentence` is a message id, filled with `facts`; `who` did it, `note` is theirs."""

    at: datetime
    sentence: str
    facts: Mapping[str, object] = {}
    who: str = ""
    note: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the checklist and its answer, both in the language of the paper, or message ids."""

    question: str
    answer: str
    note: str = ""


class EvidenceUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that came back, how it was graded and what was decided; `disposition` is a message id.

    `edition` names the grading standard. `photos` are those of its inspections.
    """

    code: str
    item_code: str
    item_name: str
    quantity: int
    received_at: datetime
    lot: str = ""
    serial: str = ""
    grade: str = ""
    grader: str = ""
    graded_at: datetime | None = None
    edition: str = ""
    answers: Sequence[Answer] = ()
    note: str = ""
    disposition: str = ""
    photos: Sequence[Photograph] = ()


class EvidencePack(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one return; `kind` and `stage` are message ids, `zone` is the warehouse's.

    `url` is the https address of the return, `made_at` the instant of the paper.
    """

    number: str
    url: str
    made_at: datetime
    zone: str
    warehouse: str
    warehouse_code: str
    operator: str
    owner: str
    kind: str
    stage: str
    booked_at: datetime
    reason: str = ""
    reference: str = ""
    country: str = ""
    sender: Sequence[str] = ()
    note: str = ""
    timeline: Sequence[Happening] = ()
    units: Sequence[EvidenceUnit] = ()
    files: Sequence[Photograph] = ()


def evidence_pack(content: EvidencePack, language: str) -> bytes:
    """The pack as PDF; its foot carries the SHA-256 of all it says, pictures by their own hashes."""
    with pdf.document(
        N_("Evidence pack of a return"),
        language,
        number=content.number,
        organisation=content.operator,
        on=pdf.day_of(content.made_at, content.zone),
        link=content.url,
        foot=f"SHA-256 {pdf.fingerprint(_without_pictures(content))}",
    ) as document:
        _head(document, content)
        _timeline(document, content)
        for unit in content.units:
            _unit(document, unit, content.zone)
        if content.files:
            document.heading(text.gettext(N_("Papers of the return")), follows=140)
            document.photographs(content.files, content.zone)
        document.hashes([*(photo for unit in content.units for photo in unit.photos), *content.files], content.zone)
        _stamp(document, content)
        return document.pdf()


def _without_pictures(content: EvidencePack) -> EvidencePack:
    def bare(files: Sequence[Photograph]) -> list[Photograph]:
        return [msgspec.structs.replace(file, content=None) for file in files]

    units = [msgspec.structs.replace(unit, photos=bare(unit.photos)) for unit in content.units]
    return msgspec.structs.replace(content, units=units, files=bare(content.files))


def _head(document: Document, content: EvidencePack) -> None:
    document.facts(
        [
            (text.gettext(N_("Kind")), text.gettext(content.kind)),
            (text.gettext(N_("Stage")), text.gettext(content.stage)),
            (text.gettext(N_("Reason")), isolated(printable(content.reason)) if content.reason else ""),
            (text.gettext(N_("Booked at")), pdf.in_both_zones(content.booked_at, content.zone)),
            (text.gettext(N_("Reference")), ltr(content.reference) if content.reference else ""),
            (text.gettext(N_("Sent from")), isolated(render.territory(content.country)) if content.country else ""),
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
            *([(text.gettext(N_("Sender")), [isolated(line) for line in content.sender])] if content.sender else []),
        ]
    )
    if content.note:
        document.text(isolated(printable(content.note)))


def _timeline(document: Document, content: EvidencePack) -> None:
    document.heading(text.gettext(N_("What happened")))
    columns = [
        Column(text.gettext(N_("Time"))),
        Column(text.gettext(N_("Event"))),
        Column(text.gettext(N_("By"))),
    ]
    rows: list[Row] = [
        [
            pdf.moment(event.at, content.zone),
            Cell(
                pdf.spoken(event.sentence, event.facts, content.zone),
                isolated(printable(event.note)) if event.note else "",
            ),
            isolated(event.who) if event.who else render.MISSING,
        ]
        for event in content.timeline
    ]
    document.table(columns, rows, Style(8.5), empty=text.gettext(N_("Nothing has happened yet.")))


def _unit(document: Document, unit: EvidenceUnit, zone: str) -> None:
    document.heading(text.gettext(N_("Unit %(code)s"), code=ltr(unit.code)), follows=150)
    document.facts(
        [
            (text.gettext(N_("Item")), f"{ltr(unit.item_code)}\n{isolated(printable(unit.item_name))}"),
            (text.gettext(N_("Grade")), ltr(unit.grade) if unit.grade else text.gettext(N_("Not graded yet"))),
            (text.gettext(N_("Decision")), text.gettext(unit.disposition)),
            (text.gettext(N_("Pieces")), ltr(render.number(unit.quantity))),
            (text.gettext(N_("Serial number")), ltr(unit.serial) if unit.serial else ""),
            (text.gettext(N_("Lot")), ltr(unit.lot) if unit.lot else ""),
            (text.gettext(N_("Received at")), pdf.in_both_zones(unit.received_at, zone)),
            (text.gettext(N_("Graded at")), pdf.in_both_zones(unit.graded_at, zone)),
            (text.gettext(N_("Graded by")), isolated(unit.grader) if unit.grader else ""),
            (text.gettext(N_("Grading standard")), isolated(unit.edition) if unit.edition else ""),
        ]
    )
    if unit.answers:
        columns = [Column(text.gettext(N_("Question"))), Column(text.gettext(N_("Answer")), share=0.3)]
        rows: list[Row] = [
            [
                Cell(text.gettext(each.question), isolated(printable(each.note)) if each.note else ""),
                text.gettext(each.answer),
            ]
            for each in unit.answers
        ]
        document.table(columns, rows, Style(8.5))
    if unit.note:
        document.text(isolated(printable(unit.note)))
    if unit.photos:
        document.skip(4)
        document.photographs(unit.photos, zone)


def _stamp(document: Document, content: EvidencePack) -> None:
    document.skip(2)
    document.text(
        text.gettext(
            N_(
                "Made from the platform's records on %(utc)s (%(here)s at the warehouse). The SHA-256 at the foot of each "
                "page is that of all this pack says; the same records give the same one."
            ),
            utc=isolated(render.instant(content.made_at, "UTC", zone=True)),
            here=isolated(render.instant(content.made_at, content.zone, zone=True)),
        ),
        Style(8, colour=PALE),
    )
