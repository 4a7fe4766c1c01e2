"""The send-home pack 退运资料: goods that go back to China together, by declaration line, with their clocks and papers."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from backend.core import text
from backend.core.text import N_
from frontend import pdf, render
from frontend.pdf import Document
from frontend.table import Cell, Column, Row
from frontend.typeset import PALE, Style, isolated, ltr, printable

# The papers have no other name than the one Chinese customs and tax offices give them.
REASON_STATEMENT, SELF_DECLARATION, CERTIFICATE = "原因说明", "自我声明", "《出口货物已补税/未退税证明》"


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """One of the five clocks of a declaration line: `name` and `state` are message ids, both days included.

    `note` is what remains to be said, in the language of the paper.
    """

    name: str
    state: str
    starts_on: date | None = None
    ends_on: date | None = None
    remaining_days: int | None = None
    rule: str = ""
    is_over: bool = False
    note: str = ""


class Eligibility(msgspec.Struct, frozen=True, kw_only=True):
    """What a return may expect: `question` and `answer` are message ids, `because` the sentence that decides it.

    `rule` and `source` say where it is written; `needs_person` marks what a person has to confirm.
    """

    question: str
    answer: str
    because: str = ""
    rule: str = ""
    source: str = ""
    needs_person: bool = False


class HomeGoods(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of a declaration line in the batch; `condition` is a message id, `units` the codes of returned units."""

    item_code: str
    item_name: str
    quantity: int
    condition: str = ""
    lot: str = ""
    units: Sequence[str] = ()
    country_of_sale: str = ""


class HomeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration line 报关单项号 with the goods that come back under it; empty `declaration_no` is not known."""

    declaration_no: str
    declaration_line: int | None
    supervision_code: str
    goods: Sequence[HomeGoods]
    exported_on: date | None = None
    released_on: date | None = None
    clocks: Sequence[Clock] = ()
    eligibility: Sequence[Eligibility] = ()


class SendHomePack(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that goes home; `cause` is a message id, `is_unsold` tells unsold goods from buyers' returns.

    `statement` is the owner's own reason; `home_area` the customs district, four digits and name as it comes.
    `certificate_needed`: an export refund was taken or may have been, so that it is repaid and proven first.
    """

    number: str
    url: str
    made_at: datetime
    zone: str
    warehouse: str
    warehouse_code: str
    operator: str
    owner: str
    home_area: str
    cause: str
    is_unsold: bool
    planned_on: date
    lines: Sequence[HomeLine]
    statement: str = ""
    owner_code: str = ""
    carrier: str = ""
    transport_no: str = ""
    return_declaration_no: str = ""
    certificate_needed: bool = True


def send_home_pack(content: SendHomePack, language: str) -> bytes:
    """The pack as PDF: goods by declaration line, clocks, what the rules say, the statement to sign, what to bring."""
    with pdf.document(
        N_("Goods sent home: papers for customs"),
        language,
        number=content.number,
        organisation=content.owner,
        on=pdf.day_of(content.made_at, content.zone),
        link=content.url,
        foot=f"SHA-256 {pdf.fingerprint(content)}",
    ) as document:
        _head(document, content)
        for line in content.lines:
            _line(document, line)
        _statement(document, content)
        _reminder(document, content)
        document.skip(8)
        document.lines_to_sign(
            [
                text.gettext(N_("Owner of the goods: name and seal")),
                text.gettext(N_("Person in charge: signature")),
                text.gettext(N_("Date")),
            ],
            height=46,
        )
        return document.pdf()


def _head(document: Document, content: SendHomePack) -> None:
    pieces = sum(goods.quantity for line in content.lines for goods in line.goods)
    document.facts(
        [
            (text.gettext(N_("Cause")), text.gettext(content.cause)),
            (text.gettext(N_("Planned arrival")), isolated(render.day(content.planned_on))),
            (text.gettext(N_("Customs district of the re-entry")), isolated(content.home_area)),
            (text.pgettext("count", "Declaration lines"), ltr(render.number(len(content.lines)))),
            (text.gettext(N_("Pieces")), ltr(render.number(pieces))),
            (text.gettext(N_("Carrier")), isolated(content.carrier) if content.carrier else ""),
            (text.gettext(N_("Transport document")), ltr(content.transport_no) if content.transport_no else ""),
            (
                text.gettext(N_("Declaration of the return")),
                ltr(content.return_declaration_no) if content.return_declaration_no else "",
            ),
        ]
    )
    document.skip(4)
    owner = [isolated(content.owner), ltr(content.owner_code) if content.owner_code else ""]
    document.boxes(
        [
            (text.gettext(N_("Owner of the goods")), owner),
            (
                text.gettext(N_("Sent from the overseas warehouse")),
                [isolated(content.warehouse), ltr(content.warehouse_code), isolated(content.operator)],
            ),
        ]
    )


def _line(document: Document, line: HomeLine) -> None:
    if line.declaration_no:
        title = text.gettext(
            N_("Declaration %(number)s, line %(line)s"),
            number=ltr(line.declaration_no),
            line=ltr(render.number(line.declaration_line)),
        )
    else:
        title = text.gettext(N_("Goods without a known export declaration"))
    document.heading(title, follows=110)
    document.facts(
        [
            (text.gettext(N_("Supervision code")), ltr(line.supervision_code) if line.supervision_code else ""),
            (text.gettext(N_("Exported on")), isolated(render.day(line.exported_on)) if line.exported_on else ""),
            (text.gettext(N_("Released on")), isolated(render.day(line.released_on)) if line.released_on else ""),
        ]
    )
    _goods(document, line.goods)
    if line.clocks:
        document.skip(3)
        _clocks(document, line.clocks)
    if line.eligibility:
        document.skip(3)
        _eligibility(document, line.eligibility)


def _goods(document: Document, goods: Sequence[HomeGoods]) -> None:
    columns = [
        Column(text.gettext(N_("Item"))),
        Column(text.gettext(N_("Lot"))),
        Column(text.gettext(N_("Units"))),
        Column(text.gettext(N_("Condition"))),
        Column(text.gettext(N_("Pieces")), "number"),
    ]
    rows: list[Row] = [
        [
            Cell(ltr(each.item_code), isolated(printable(each.item_name))),
            ltr(each.lot) if each.lot else render.MISSING,
            "\n".join(ltr(unit) for unit in each.units) or render.MISSING,
            text.gettext(each.condition) or render.MISSING,
            ltr(render.number(each.quantity)),
        ]
        for each in goods
    ]
    total = ltr(render.number(sum(each.quantity for each in goods)))
    rows.append([Cell(text.gettext(N_("Total")), bold=True), "", "", "", Cell(total, bold=True)])
    document.table(columns, rows, Style(8.5))


def _clocks(document: Document, clocks: Sequence[Clock]) -> None:
    columns = [
        Column(text.gettext(N_("Clock"))),
        Column(text.gettext(N_("First day"))),
        Column(text.gettext(N_("Last day"))),
        Column(text.gettext(N_("Days left")), "number"),
        Column(text.gettext(N_("State"))),
        Column(text.gettext(N_("Rule"))),
    ]
    rows: list[Row] = [
        [
            Cell(text.gettext(clock.name), clock.note, bold=clock.is_over),
            isolated(render.day(clock.starts_on)),
            isolated(render.day(clock.ends_on)),
            ltr(render.number(clock.remaining_days)),
            Cell(text.gettext(clock.state), bold=clock.is_over),
            ltr(clock.rule) if clock.rule else render.MISSING,
        ]
        for clock in clocks
    ]
    document.table(columns, rows, Style(8.5))


def _eligibility(document: Document, answers: Sequence[Eligibility]) -> None:
    columns = [
        Column(text.gettext(N_("What the rules say"))),
        Column(text.gettext(N_("Answer"))),
        Column(text.gettext(N_("Rule and source"))),
    ]
    person = text.gettext(N_("To be confirmed by a person before anybody relies on it."))
    rows: list[Row] = [
        [
            Cell(text.gettext(each.question), each.because),
            Cell(text.gettext(each.answer), person if each.needs_person else "", bold=True),
            Cell(ltr(each.rule) if each.rule else render.MISSING, isolated(each.source) if each.source else ""),
        ]
        for each in answers
    ]
    document.table(columns, rows, Style(8.5))


def _statement(document: Document, content: SendHomePack) -> None:
    """What the owner declares and signs."""
    if content.is_unsold:
        title = text.gettext(N_("Self-declaration %(chinese)s"), chinese=_chinese(SELF_DECLARATION))
        cause = text.gettext(
            N_("The goods listed above were exported under the declarations named and have not been sold abroad.")
        )
    else:
        title = text.gettext(N_("Statement of the reason %(chinese)s"), chinese=_chinese(REASON_STATEMENT))
        cause = text.gettext(
            N_("The goods listed above were exported under the declarations named and were returned by buyers abroad.")
        )
    document.heading(title, follows=120)
    document.text(cause)
    if content.statement:
        document.skip(3)
        document.text(text.gettext(N_("Reason: %(reason)s"), reason=isolated(printable(content.statement))))
    document.skip(3)
    document.text(
        text.gettext(
            N_(
                "We declare that they are the goods originally exported, in their original state: no part was added, nothing "
                "was processed or altered. We answer for the truth of this statement."
            )
        )
    )
    if text.current.get() != "zh_CN":
        document.skip(3)
        said = text.gettext(N_("This is a translation for reading. For the customs file, print this paper in Chinese."))
        document.text(said, Style(8, colour=PALE))


def _chinese(name: str) -> str:
    return isolated(name) if text.current.get() != "zh_CN" else ""


def _reminder(document: Document, content: SendHomePack) -> None:
    document.heading(text.gettext(N_("What belongs to this pack")), follows=60)
    needed = [
        text.gettext(N_("The export declaration or list of every line above.")),
        text.gettext(N_("This statement, signed and sealed."))
        if content.is_unsold
        else text.gettext(N_("The return records of the platform, or the agreements on the returns.")),
    ]
    for sentence in needed:
        document.text(f"□  {sentence}")
    if content.certificate_needed:
        document.skip(4)
        document.note(
            text.gettext(
                N_(
                    "If a refund of export tax was taken for any of these goods, the pre-refund HWC-YT included, repay it "
                    "first and bring the certificate %(certificate)s."
                ),
                certificate=isolated(CERTIFICATE),
            )
        )
