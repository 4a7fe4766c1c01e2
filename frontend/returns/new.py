"""Booking a return in the browser: it is written down, warehouses are proposed, one is chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid, Refusal
from backend.core.text import N_
from backend.returns import actions, booking, proposals, reading
from backend.returns.routing import Proposal, Said
from backend.returns.rules import Kind
from backend.stock.rules import SameKeyOtherRequest
from frontend import lists, render, web
from frontend.render import Form
from frontend.returns import draft, lines, words
from frontend.returns.draft import Draft, Written
from frontend.stock import forms

FIRST_PROPOSALS = 20
_MULTILINE = ("tracking", "note", "kept_lines", "draft")


@get("/new")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """An empty return; kind, and item and order of a first line, may be given in the address."""
    access_rules.require(request.user, Right.BOOK_RETURNS)
    given = lists.asked(request, "kind", "item", "order", "quantity", "warehouse", "document", "line")
    first = {"item": given["item"], "quantity": given["quantity"]}
    if given["document"]:
        first |= {"basis": "document", "number": given["document"], "number_line": given["line"]}
        first["warehouse"] = given["warehouse"]
    elif given["order"]:
        first |= {"basis": "order", "number": given["order"]}
    typed = {f"lines.0.{name}": value for name, value in first.items() if value}
    return _page(request, {"key": forms.new_key(), "kind": given["kind"] or Kind.BUYER.value, **typed})


@get("/template.csv")
async def template(request: Request[Any, Any, Any]) -> Response[bytes]:
    """An empty file of lines, with its headings in the reader's language."""
    access_rules.require(request.user, Right.BOOK_RETURNS)
    headers = {"Content-Disposition": 'attachment; filename="return-lines.csv"'}
    return Response(reading.template(), media_type="text/csv", headers=headers)


@post("/new", request_max_body_size=web.LARGEST_FORM)
async def write(request: Request[Any, Any, Any]) -> Response[Any]:
    """The return as it is written down: more rows, or the warehouses that are proposed for it."""
    viewer = access_rules.require(request.user, Right.BOOK_RETURNS)
    typed = await read(request)
    deed = typed.pop("deed", "")
    if deed == "more":
        return _page(request, typed, rows=lines.rows_of(typed) + lines.MORE_ROWS)
    if deed == "drop":
        kept = {name: value for name, value in typed.items() if name not in ("kept_lines", "kept_name")}
        return _page(request, kept)
    if deed == "edit":
        return _page(request, draft.typed_of(_draft(typed)))
    photos, file = await web.uploads(request, "photo_files"), await web.uploads(request, "lines_file")
    made = await draft.written(viewer, typed, photos, file)
    try:
        found = await proposals.proposals(viewer, made.draft.booking, made.draft.wishes)
    except Invalid as refusal:
        return _refused(request, typed, made, refusal)
    if made.faults:
        return _refused(request, typed, made, Invalid(made.faults))
    return _proposed(request, made.draft, found)


@post("/book", request_max_body_size=web.LARGEST_FORM)
async def book(request: Request[Any, Any, Any]) -> Response[Any]:
    """Book what was written down to the warehouse that was chosen."""
    viewer = access_rules.require(request.user, Right.BOOK_RETURNS)
    typed = await read(request)
    made = _draft(typed)
    asked = msgspec.structs.replace(made.booking, warehouse=typed.get("warehouse", ""))
    try:
        found = await proposals.proposals(viewer, made.booking, made.wishes)
        chosen = next((each for each in found if each.code == asked.warehouse), None)
        kept = proposals.kept(chosen) if chosen else {}
    except Invalid:
        # Booked by the same form a moment ago, or no longer possible: the action says which.
        found, kept = [], {}
    try:
        booked = await actions.book(viewer, asked, request_key=made.key, proposal=kept)
    except SameKeyOtherRequest as refusal:
        return _page(request, {}, forms.again(draft.typed_of(made), refusal), status=409)
    except (Invalid, Conflict) as refusal:
        if found and all(fault.field == "warehouse" for fault in refusal.faults):
            return _proposed(request, made, found, refusal)
        written = Written(draft=made, faults=[], numbers=list(range(len(made.booking.lines))))
        return _refused(request, draft.typed_of(made), written, refusal)
    said = (
        text.gettext("This form had booked return %(number)s already.", number=booked.number)
        if booked.repeated
        else text.gettext(
            "Return %(number)s is booked. Print its label and put it on the parcel.", number=booked.number
        )
    )
    flash = ("neutral" if booked.repeated else "ok", said)
    return web.redirect(request, f"/returns/{booked.id}", flash=flash)


async def read(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of the form, as plain lines but where several lines are meant."""
    given = await web.form(request)
    return {name: value if name in _MULTILINE else web.plain(value) for name, value in given.items()}


def _draft(typed: Mapping[str, str]) -> Draft:
    """The draft that a page of proposals carries on."""
    try:
        return msgspec.json.decode(typed.get("draft", ""), type=Draft)
    except msgspec.DecodeError:
        sentence = N_("The return that was written down did not arrive whole. Write it down again.")
        raise Invalid([Fault("draft", "", sentence)]) from None


def _refused(request: Request[Any, Any, Any], typed: dict[str, str], made: Written, refusal: Refusal) -> Response[str]:
    """The form again, every fault beside its field; those of a file in a table of rows and columns."""
    refusal = forms.together(made.faults, refusal, made.field_of)
    of_file: list[Fault] = []
    others: list[Fault] = []
    for fault in refusal.faults:
        if made.file_rows is not None and fault.field.startswith("lines."):
            fault = reading.in_the_file(fault, made.file_rows)
        (of_file if fault.field.startswith("rows.") else others).append(fault)
    form = web.form_from(typed, Invalid(others) if others else None)
    if not refusal.faults:
        form = forms.again(typed, refusal)
    if of_file:
        count = len(of_file)
        said = text.ngettext(
            "The file “%(name)s” has %(count)s mistake. Correct it and choose the file again.",
            "The file “%(name)s” has %(count)s mistakes. Correct them and choose the file again.",
            count,
            name=made.file_name,
            count=render.number(count),
        )
        form.summary.append(said)
        form.values.pop("kept_lines", None)
    return _page(request, typed, form, status=forms.status_of(refusal), of_file=of_file)


def _page(
    request: Request[Any, Any, Any],
    typed: Mapping[str, str],
    form: Form | None = None,
    rows: int = 0,
    status: int = 200,
    of_file: Sequence[Fault] = (),
) -> Response[str]:
    form = form or Form(dict(typed))
    given = form.values.get("kind", "")
    kind = Kind(given) if given in list(Kind) else Kind.BUYER
    return web.page(
        request,
        "returns/new.html",
        status=status,
        form=form,
        kind=kind.value,
        kinds=words.kinds(),
        reasons=words.reasons_for(kind),
        bases=words.bases(kind),
        conditions=words.conditions(),
        asks_place=kind is not Kind.UNSOLD,
        wishes=words.capabilities(wishes=True),
        rows=min(lines.MOST_ROWS, max(rows, lines.rows_of(form.values))),
        most_rows=lines.MOST_ROWS,
        most_lines=booking.MOST_LINES,
        photos=len(web.listed(form.values, "photos")),
        kept=_count(form.values.get("kept_lines", "")),
        of_file=[_in_words(fault) for fault in of_file],
    )


def _count(kept: str) -> int:
    """How many lines of a file are kept."""
    try:
        return len(msgspec.json.decode(kept, type=list[Any])) if kept else 0
    except msgspec.DecodeError:
        return 0


def _in_words(fault: Fault) -> dict[str, str]:
    """A fault of a file as a row of the table of them."""
    _, row, column = fault.field.split(".", 2)
    heading = text.gettext(reading.HEADINGS[column]) if column in reading.HEADINGS else ""
    return {"row": row, "column": heading, "value": str(fault.value or ""), "sentence": web.said(fault)}


def _said(reason: Said) -> str:
    """A reason in words, its whole numbers written as the reader writes them."""
    facts = {name: render.number(value) if type(value) is int else value for name, value in reason.facts.items()}
    return text.say(reason.sentence, facts)


def _proposed(
    request: Request[Any, Any, Any], made: Draft, found: Sequence[Proposal], refusal: Refusal | None = None
) -> Response[str]:
    """The warehouses that are proposed, with what speaks for and against each."""
    shown = [(each, [(reason.level, _said(reason)) for reason in each.reasons]) for each in found]
    return web.page(
        request,
        "returns/proposals.html",
        status=forms.status_of(refusal) if refusal else 200,
        possible=[(each, said) for each, said in shown if each.possible],
        impossible=[(each, said) for each, said in shown if not each.possible],
        first=FIRST_PROPOSALS,
        draft=msgspec.json.encode(made).decode(),
        asked=made.booking,
        kind=words.kinds()[made.booking.kind],
        reason=words.reason(made.booking.reason),
        pieces=sum(line.quantity for line in made.booking.lines),
        wrong=[web.said(fault) for fault in refusal.faults] if refusal else [],
    )
