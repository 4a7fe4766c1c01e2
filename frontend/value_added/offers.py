"""What warehouses offer: the public catalogue, one offer, and its keeping by the warehouse's manager."""

import uuid
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Invalid
from backend.registry import queries as registry_queries
from backend.registry.rules import NoSuchWarehouse
from backend.value_added import offering, queries, rules
from backend.value_added.rules import Kind, NoSuchOffer
from frontend import lists, render, web
from frontend.render import Form
from frontend.stock import forms, scope
from frontend.value_added import words

_FILTERS = ("kind", "warehouse", "country", "state")


def asker(request: Request[Any, Any, Any]) -> Viewer | None:
    """Whoever is signed in; nobody sees what is public."""
    return request.user if isinstance(request.user, Viewer) else None


@get("/value-added/offers")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """The catalogue: for everybody what listed warehouses offer, for a manager also what is withdrawn."""
    viewer, filters = asker(request), lists.asked(request, *_FILTERS)
    found = await lists.shown(request, queries.OFFERS, filters, lambda: queries.offer_clauses(viewer, filters))
    return web.page(
        request,
        "value_added/offers.html",
        status=found.status,
        list=found,
        kinds=words.kinds(),
        icons=words.ICONS,
        units=words.units(),
        price=words.price,
        countries=[(code, render.territory(code)) for code in await registry_queries.countries(viewer)],
        keeps=viewer is not None and viewer.may(Right.KEEP_OFFERS) and bool(viewer.warehouse_ids),
        own=frozenset(viewer.warehouse_ids) if viewer else frozenset(),
    )


@get("/value-added/offers.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """The catalogue as a file."""
    clauses = queries.offer_clauses(asker(request), lists.asked(request, *_FILTERS))
    return lists.file(request, "services", queries.OFFERS, clauses)


@get("/value-added/offers/{offer_id:uuid}")
async def show(request: Request[Any, Any, Any], offer_id: FromPath[uuid.UUID]) -> Response[str]:
    """One offer: what, price, lead time, documents needed."""
    viewer = asker(request)
    row = await queries.offer(viewer, offer_id)
    kind = Kind(row["kind"])
    return web.page(
        request,
        "value_added/offer.html",
        row=row,
        kind=words.kinds()[kind],
        icon_name=words.ICONS[kind],
        units=words.units(),
        price=words.price(row["price"], row["currency"]),
        documents=[words.document_kinds()[each] for each in row["documents"]],
        own_room=rules.OWN_ROOMS.get(kind, ""),
        alters=rules.breaks_original_state(kind),
        asks=viewer is not None and viewer.kind is OrganisationKind.EXPORTER and viewer.may(Right.REQUEST_SERVICES),
        open=row["active"] and row["warehouse_status"] == "listed",
        keeps=viewer is not None
        and viewer.may(Right.KEEP_OFFERS)
        and access_rules.runs_warehouse(viewer, row["warehouse_id"]),
    )


@get("/value-added/offers/new")
async def new(request: Request[Any, Any, Any]) -> Response[str]:
    """The form for a new offer."""
    viewer = access_rules.require(request.user, Right.KEEP_OFFERS)
    given = {name: value for name, value in lists.asked(request, "kind", "warehouse").items() if value}
    return await _form(request, viewer, Form({"unit": "job", "lead_days": "3", **given}))


@post("/value-added/offers/new")
async def create(request: Request[Any, Any, Any]) -> Response[Any]:
    """Make an offer."""
    viewer = access_rules.require(request.user, Right.KEEP_OFFERS)
    given = await web.form(request)
    try:
        offer_id = await offering.create_offer(viewer, given)
    except (Invalid, NoSuchWarehouse) as refusal:
        return await _form(request, viewer, forms.again(given, refusal), status=422)
    said = text.gettext("The offer is made. Exporters find it in the catalogue.")
    return web.redirect(request, f"/value-added/offers/{offer_id}", flash=("ok", said))


@get("/value-added/offers/{offer_id:uuid}/edit")
async def edited(request: Request[Any, Any, Any], offer_id: FromPath[uuid.UUID]) -> Response[str]:
    """The form of an offer that is stated anew."""
    viewer = access_rules.require(request.user, Right.KEEP_OFFERS)
    row = await queries.offer(viewer, offer_id)
    if not access_rules.runs_warehouse(viewer, row["warehouse_id"]):
        raise NoSuchOffer
    typed = {
        "kind": row["kind"],
        "warehouse": row["warehouse"],
        "price": "" if row["price"] is None else format(row["price"].normalize(), "f"),
        "currency": row["currency"] or "",
        "unit": row["unit"],
        "lead_days": str(row["lead_days"]),
        "documents": ",".join(row["documents"]),
        "version": str(row["version"]),
    }
    for language in values.NAME_LANGUAGES:
        typed[f"name_{language}"] = row["names"].get(language, "")
        typed[f"description_{language}"] = row["descriptions"].get(language, "")
    return await _form(request, viewer, Form(typed), row)


@post("/value-added/offers/{offer_id:uuid}/edit")
async def edit(request: Request[Any, Any, Any], offer_id: FromPath[uuid.UUID]) -> Response[Any]:
    """State an offer anew."""
    viewer = access_rules.require(request.user, Right.KEEP_OFFERS)
    row = await queries.offer(viewer, offer_id)
    if not access_rules.runs_warehouse(viewer, row["warehouse_id"]):
        raise NoSuchOffer
    given = await web.form(request)
    try:
        await offering.restate_offer(viewer, offer_id, _number(given), given)
    except (Invalid, Conflict) as refusal:
        typed = {**given, "kind": row["kind"], "warehouse": row["warehouse"]}
        return await _form(request, viewer, web.form_from(typed, refusal), row, forms.status_of(refusal))
    said = text.gettext("The offer is stated anew. Jobs keep what they were asked under.")
    return web.redirect(request, f"/value-added/offers/{offer_id}", flash=("ok", said))


@post("/value-added/offers/{offer_id:uuid}/withdraw")
async def withdraw(request: Request[Any, Any, Any], offer_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Offer it no longer."""
    viewer = access_rules.require(request.user, Right.KEEP_OFFERS)
    await offering.withdraw_offer(viewer, offer_id, _number(await web.form(request)))
    said = text.gettext("The offer is withdrawn. Jobs that were asked for under it go on.")
    return web.redirect(request, f"/value-added/offers/{offer_id}", flash=("ok", said))


def _number(given: dict[str, str]) -> int:
    number = given.get("version", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Conflict
    return int(number)


async def _form(
    request: Request[Any, Any, Any], viewer: Viewer, form: Form, edited: Any = None, status: int = 200
) -> Response[str]:
    return web.page(
        request,
        "value_added/offer_form.html",
        status=status,
        form=form,
        edited=edited,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        kinds=list(words.kinds().items()),
        units=list(words.units().items()),
        documents=list(words.document_kinds().items()),
        languages_of_text=[("en", "en"), ("zh", "zh_CN"), ("ar", "ar")],
    )


HANDLERS = (listed, listed_file, new, create, show, edited, edit, withdraw)
