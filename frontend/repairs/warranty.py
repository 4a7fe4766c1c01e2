"""How many months an exporter warrants its items from a sale on."""

from typing import Any

from litestar import Request, Response, get, post

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text
from backend.core.errors import Fault, Invalid, NotAllowed
from backend.core.text import N_
from backend.repairs import actions, queries
from backend.repairs.warranties import LONGEST_WARRANTY
from frontend import web
from frontend.render import Form
from frontend.repairs import opening
from frontend.stock import forms, scope


def _owner(request: Request[Any, Any, Any]) -> Viewer:
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    if not scope.has_one_owner(viewer):
        raise NotAllowed
    return viewer


@get("/repairs/warranty")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """The months that count now."""
    return await _page(request, Form())


@post("/repairs/warranty")
async def set_months(request: Request[Any, Any, Any]) -> Response[Any]:
    """Other months for one item or all, for warranties that begin to be kept from now on."""
    viewer, typed = _owner(request), await forms.read(request)
    faults: list[Fault] = []
    months = opening.whole("months", typed.get("months", ""), faults)
    if months is None and not faults:
        faults.append(Fault("months", "", N_("Give the months; 0 is no warranty.")))
    item_id = None
    if code := typed.get("item", ""):
        item_id = await queries.own_item(viewer, code)
        if item_id is None:
            sentence = N_("You have no item “%(value)s”. Check the code, or leave the field empty for all items.")
            faults.append(Fault("item", code, sentence, {"value": code}))
    try:
        if faults or months is None:
            raise Invalid(faults)
        await actions.set_warranty(viewer, item_id=item_id, months=months)
    except Invalid as refusal:
        return await _page(request, forms.again(typed, refusal), 422)
    return web.redirect(request, "/repairs/warranty", flash=("ok", text.gettext("The warranty is set.")))


async def _page(request: Request[Any, Any, Any], form: Form, status: int = 200) -> Response[str]:
    viewer = _owner(request)
    return web.page(
        request,
        "repairs/warranty.html",
        status=status,
        form=form,
        terms=await queries.warranty_terms(viewer),
        sets=viewer.may(Right.DECIDE_REPAIRS),
        longest=LONGEST_WARRANTY,
        time_zone=viewer.time_zone,
    )
