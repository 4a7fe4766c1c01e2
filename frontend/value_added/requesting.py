"""Asking for a service: the form of a wish, with its recipe and papers."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.value_added import actions, queries, rules
from backend.value_added.actions import RecipeLine, Wish
from backend.value_added.jobs import Document
from backend.value_added.rules import Kind
from frontend import web
from frontend.render import Form
from frontend.stock import forms
from frontend.stock import words as stock_words
from frontend.value_added import words

ROWS, MORE_ROWS, MOST_ROWS = 3, 3, 24
Row = Mapping[str, Any]


@get("/value-added/offers/{offer_id:uuid}/request")
async def show(request: Request[Any, Any, Any], offer_id: FromPath[uuid.UUID]) -> Response[str]:
    """The form."""
    viewer = access_rules.require(request.user, Right.REQUEST_SERVICES)
    row = await queries.offer(viewer, offer_id)
    form = Form({"key": forms.new_key(), "offer": str(row["id"]), "quantity": "1"})
    return await _page(request, row, form, ROWS)


@post("/value-added/offers/{offer_id:uuid}/request", request_max_body_size=web.LARGEST_FORM)
async def ask(request: Request[Any, Any, Any], offer_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Ask for it. Files that were sent with a refused form are kept, and need not be sent again."""
    viewer = access_rules.require(request.user, Right.REQUEST_SERVICES)
    row = await queries.offer(viewer, offer_id)
    typed = await web.form(request)
    rows = _rows(typed)
    if typed.get("deed") == "more":
        return await _page(request, row, Form(typed), min(rows + MORE_ROWS, MOST_ROWS))
    faults: list[Fault] = []
    try:
        typed |= await _papers(request, viewer, row, faults)
        ins, in_rows = lines(typed, "ins", rows, faults)
        outs, out_rows = lines(typed, "outs", rows, faults)
        wish = Wish(
            offer_id=_version(typed),
            quantity=values.measure("quantity", typed.get("quantity", ""), faults) or Decimal(0),
            text=typed.get("text", ""),
            wanted_on=_day(typed.get("wanted_on", ""), faults),
            process=typed.get("process", ""),
            ins=ins,
            outs=outs,
            documents=_documents(typed),
        )
        try:
            made = await actions.request(viewer, wish, request_key=forms.key_of(typed, faults))
        except Invalid as refusal:
            places = {"ins": in_rows, "outs": out_rows}
            raise forms.together(faults, refusal, lambda field: _renamed(field, places, wish)) from refusal
    except (Invalid, Conflict) as refusal:
        if isinstance(refusal, rules.OfferChanged):
            typed |= {"offer": str(row["id"])}
        return await _page(request, row, forms.again(typed, refusal), rows, forms.status_of(refusal))
    said = text.gettext("Your request %(number)s is sent. The warehouse answers with a quote.", number=made.number)
    return web.redirect(request, f"/value-added/{made.id}", flash=("ok", said))


def lines(typed: Mapping[str, str], side: str, rows: int, faults: list[Fault]) -> tuple[list[RecipeLine], list[int]]:
    """The filled lines of one side of the recipe, and the rows in which they stand."""
    found, places = [], []
    for row in range(rows):
        item, quantity, lot = (typed.get(f"{side}.{row}.{name}", "") for name in ("item", "quantity", "lot"))
        if not (item or quantity or lot):
            continue
        pieces = forms.quantity(f"{side}.{row}.quantity", quantity, faults)
        condition = typed.get(f"{side}.{row}.condition", "") or "GOOD"
        found.append(RecipeLine(item, pieces or 1, lot or None, condition))
        places.append(row)
    return found, places


def _renamed(field: str, places: Mapping[str, Sequence[int]], wish: Wish) -> str:
    """Where a fault of the wish stands in the form."""
    side, _, rest = field.partition(".")
    number, _, name = rest.partition(".")
    if side in places and number.isdecimal() and int(number) < len(places[side]):
        return f"{side}.{places[side][int(number)]}.{name}"
    if side == "documents" and number.isdecimal() and int(number) < len(wish.documents):
        return f"file_{wish.documents[int(number)].kind}"
    return field


def _rows(typed: Mapping[str, str]) -> int:
    given = typed.get("rows", "")
    return min(int(given), MOST_ROWS) if given.isdecimal() and len(given) < 4 else ROWS


def _version(typed: Mapping[str, str]) -> uuid.UUID:
    try:
        return uuid.UUID(typed.get("offer", ""))
    except ValueError:
        raise rules.NoSuchOffer from None


def _day(typed: str, faults: list[Fault]) -> date | None:
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        sentence = N_("“%(value)s” is not a day. Write it like 2026-11-23.")
        faults.append(Fault("wanted_on", typed, sentence, {"value": typed}))
        return None


def needed(row: Row) -> list[str]:
    """The kinds of documents that the form asks for: those that the offer needs, and any other."""
    return [*row["documents"], *(["other"] if "other" not in row["documents"] else [])]


async def _papers(request: Request[Any, Any, Any], viewer: Viewer, row: Row, faults: list[Fault]) -> dict[str, str]:
    """The hashes of the files that came with the form, by field."""
    found: dict[str, str] = {}
    for kind in needed(row):
        try:
            hashes = await files_actions.take_in(
                viewer, await web.uploads(request, f"file_{kind}"), field=f"file_{kind}"
            )
        except Invalid as refusal:
            faults += refusal.faults
            continue
        if hashes:
            found[f"kept_{kind}"] = ",".join(hashes)
    return found


def _documents(typed: Mapping[str, str]) -> list[Document]:
    return [
        Document(name.removeprefix("kept_"), digest)
        for name in typed
        if name.startswith("kept_")
        for digest in web.listed(typed, name)
    ]


async def _page(request: Request[Any, Any, Any], row: Row, form: Form, rows: int, status: int = 200) -> Response[str]:
    kind = Kind(row["kind"])
    if kind in rules.OWN_ROOMS:
        raise rules.HasItsOwnRoom(kind=text.Word(rules.KIND_NAMES[kind]))
    return web.page(
        request,
        "value_added/request.html",
        status=status,
        row=row,
        form=form,
        rows=rows,
        more=rows < MOST_ROWS,
        is_processing=kind is Kind.PROCESSING,
        processes=list(words.processes().items()),
        units=words.units(),
        price=words.price(row["price"], row["currency"]),
        conditions=stock_words.condition_choices(),
        needed=needed(row),
        document_kinds=words.document_kinds(),
    )


HANDLERS = (show, ask)
