"""The screens of exporters' items."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right
from backend.core import text, values
from backend.core.errors import Invalid
from backend.registry import actions, queries, rules
from backend.registry.rules import Item
from frontend import lists, render, web
from frontend.registry import forms


@get("/registry/items")
async def items(request: Request[Any, Any, Any]) -> Response[Any]:
    """The items in the viewer's scope."""
    viewer = web.viewer(request)
    filters = lists.asked(request, "q", "owner")
    found = await lists.shown(
        request, queries.ITEMS, filters, lambda: queries.item_clauses(viewer, filters), forms.ROWS
    )
    return web.page(
        request,
        "registry/items.html",
        status=found.status,
        list=found,
        own=viewer.kind is Kind.EXPORTER,
        by_operator=viewer.kind is Kind.OPERATOR,
        owners=[(each.code, render.name(each.names)) for each in await queries.owners(viewer)],
        may_create=rules.may_keep_items(viewer),
    )


@get("/registry/items.csv")
async def items_csv(request: Request[Any, Any, Any]) -> Stream:
    """The items in the viewer's scope as CSV."""
    clauses = await queries.item_clauses(web.viewer(request), lists.asked(request, "q", "owner"))
    return lists.file(request, "items", queries.ITEMS, clauses)


@get("/registry/items/new")
async def new_item(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form for a new item."""
    viewer = web.viewer(request)
    rules.require_owner(viewer, viewer.organisation_id)
    return _item_form(request, render.Form())


@post("/registry/items/new")
async def create_item(request: Request[Any, Any, Any]) -> Response[Any]:
    """Open an item."""
    viewer = web.viewer(request)
    given = await web.form(request)
    try:
        item = await actions.create_item(viewer, given)
    except Invalid as invalid:
        return _item_form(request, web.form_from(given, invalid), status=422)
    said = text.gettext("Item %(code)s was created.", code=item.code)
    return web.redirect(request, f"/registry/items/{item.id}", flash=("ok", said))


@get("/registry/items/{item_id:int}")
async def item(request: Request[Any, Any, Any], item_id: FromPath[int]) -> Response[Any]:
    """An item's page."""
    viewer = web.viewer(request)
    seen = await queries.item_seen(viewer, item_id)
    return web.page(
        request,
        "registry/item.html",
        item=seen,
        name_pairs=forms.name_pairs(seen.names),
        may_edit=rules.may_keep_items(viewer) and access_rules.owns(viewer, seen.owner_id),
        may_see_stock=viewer.may(Right.SEE_STOCK),
        stock_path=lists.address("/stock/balances", {"owner": seen.owner_code, "item": seen.code}),
        movements_path=lists.address("/stock/movements", {"owner": seen.owner_code, "item": seen.code}),
    )


@get("/registry/items/{item_id:int}/edit")
async def edited_item(request: Request[Any, Any, Any], item_id: FromPath[int]) -> Response[Any]:
    """The form of an item's facts."""
    viewer = web.viewer(request)
    seen = await queries.item_seen(viewer, item_id)
    rules.require_owner(viewer, seen.owner_id)
    return _item_form(request, render.Form(values=_typed_item(seen)), seen)


@post("/registry/items/{item_id:int}/edit")
async def edit_item(request: Request[Any, Any, Any], item_id: FromPath[int]) -> Response[Any]:
    """Keep an item's facts."""
    viewer = web.viewer(request)
    given = await web.form(request)
    try:
        kept = await actions.edit_item(viewer, item_id, forms.revision(given), given)
    except Invalid as invalid:
        seen = await queries.item_seen(viewer, item_id)
        return _item_form(request, web.form_from(given, invalid), seen, status=422)
    said = text.gettext("Item %(code)s was saved.", code=kept.code)
    return web.redirect(request, f"/registry/items/{kept.id}", flash=("ok", said))


def _item_form(
    request: Request[Any, Any, Any], form: render.Form, edited: Item | None = None, status: int = 200
) -> Response[Any]:
    base = f"/registry/items/{edited.id}" if edited else "/registry/items"
    return web.page(request, "registry/item_form.html", status=status, form=form, edited=edited, base=base)


def _typed_item(seen: Item) -> dict[str, str]:
    """An item's facts as they would be typed."""
    typed = {
        "hs_code": seen.hs_code or "",
        "weight_kg": forms.decimal(seen.weight_kg),
        "length_cm": forms.decimal(seen.length_cm),
        "width_cm": forms.decimal(seen.width_cm),
        "height_cm": forms.decimal(seen.height_cm),
        "gtins": "\n".join(seen.gtins),
        "own_barcodes": "\n".join(seen.own_barcodes),
        "revision": str(seen.revision),
    }
    return typed | {f"name_{language}": seen.names.get(language, "") for language in values.NAME_LANGUAGES}


HANDLERS = (items, items_csv, new_item, create_item, item, edited_item, edit_item)
