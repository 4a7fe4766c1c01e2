"""Lots: the list, and registering one with the export declaration it left the country under."""

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Stream

from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed
from backend.core.text import N_
from backend.stock import actions, listings, queries
from frontend import lists, web
from frontend.render import Form
from frontend.stock import forms, scope

_FILTERS = ("owner", "item", "lot", "declaration")


def registers(viewer: Viewer) -> bool:
    """Whether the viewer may register lots at all."""
    return viewer.may(Right.POST_STOCK) or viewer.may(Right.KEEP_ITEMS)


@get("/lots")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Lots, the latest first."""
    viewer, filters = scope.reader(request), lists.asked(request, *_FILTERS)
    found = await lists.shown(request, listings.LOTS, filters, lambda: queries.lot_clauses(viewer, filters))
    return web.page(
        request,
        "stock/lots.html",
        status=found.status,
        list=found,
        own=scope.has_one_owner(viewer),
        registers=registers(viewer),
    )


@get("/lots.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """Lots as a file."""
    clauses = await queries.lot_clauses(scope.reader(request), lists.asked(request, *_FILTERS))
    return lists.file(request, "lots", listings.LOTS, clauses)


@get("/lots/new")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """The form; owner and item may be given in the address."""
    given = {name: value for name, value in lists.asked(request, "owner", "item").items() if value}
    return _page(request, Form(given))


@post("/lots/new")
async def register(request: Request[Any, Any, Any]) -> Response[Any]:
    """Register a lot."""
    viewer, typed = _registrar(request), await forms.read(request)
    faults: list[Fault] = []
    line = _line(typed.get("declaration_line", ""), faults)
    exported_on = _day("exported_on", typed.get("exported_on", ""), faults)
    expires_on = _day("expires_on", typed.get("expires_on", ""), faults)
    if not typed.get("item"):
        faults.append(Fault("item", "", N_("Give the item's code.")))
    try:
        await actions.register_lot(
            viewer,
            owner=viewer.organisation_code if scope.has_one_owner(viewer) else typed.get("owner", ""),
            item=typed.get("item", ""),
            code=typed.get("lot", ""),
            declaration_no=typed.get("declaration_no", ""),
            declaration_line=line,
            supervision_code=typed.get("supervision_code", ""),
            exported_on=exported_on,
            expires_on=expires_on,
            faults=faults,
        )
    except (Invalid, Conflict) as refusal:
        found = forms.together(faults, refusal)
        return _page(request, forms.again(typed, found), forms.status_of(found))
    facts = {"lot": values.code_of(typed["lot"]), "item": values.code_of(typed["item"])}
    said = text.gettext("Lot %(lot)s of item %(item)s is registered.", **facts)
    if viewer.warehouse_ids:
        said += " " + text.gettext("It appears in this list as soon as goods of it are in one of your warehouses.")
    return web.redirect(request, "/stock/lots", flash=("ok", said))


def _registrar(request: Request[Any, Any, Any]) -> Viewer:
    viewer = scope.reader(request)
    if not registers(viewer):
        raise NotAllowed
    return viewer


def _line(typed: str, faults: list[Fault]) -> int | None:
    if not typed:
        return None
    if typed.isascii() and typed.isdecimal() and len(typed) <= 4 and int(typed) > 0:
        return int(typed)
    faults.append(
        Fault(
            "declaration_line",
            typed,
            N_("“%(value)s” is not a line of a declaration. Give its number, e.g. 3."),
            {"value": typed},
        )
    )
    return None


def _day(field: str, typed: str, faults: list[Fault]) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        faults.append(Fault(field, typed, N_("“%(value)s” is not a day. Write it like 2026-11-23."), {"value": typed}))
        return None


def _page(request: Request[Any, Any, Any], form: Form, status: int = 200) -> Response[str]:
    viewer = _registrar(request)
    return web.page(request, "stock/lot.html", status=status, form=form, own=scope.has_one_owner(viewer))
