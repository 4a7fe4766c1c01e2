"""A work order for a unit in stock: the operator moves it to the workshop, its owner asks for that."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from litestar import Request, Response, get, post

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed
from backend.core.text import N_
from backend.repairs import actions, queries, rules
from backend.stock import codes
from frontend import lists, web
from frontend.render import Form
from frontend.stock import forms, scope
from frontend.stock import words as stock_words

_GOODS = ("warehouse", "owner", "item", "lot", "location", "condition")
_NO_STOCK = N_("There is no such piece at this place in your view. Check the codes against the stock on hand.")
# Where a refusal of the ledger or of the stock is shown.
_FIELDS = {"lines.0.quantity": "location"}


def _opener(request: Request[Any, Any, Any]) -> Viewer:
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    if not (viewer.may(Right.DO_REPAIRS) or viewer.may(Right.DECIDE_REPAIRS)):
        raise NotAllowed
    return viewer


@get("/repairs/new")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """The form; the goods may be given in the address."""
    viewer = _opener(request)
    given = {name: value for name, value in lists.asked(request, *_GOODS).items() if value}
    return await _page(request, viewer, Form({"key": forms.new_key(), "condition": "GOOD", **given}))


@post("/repairs/new")
async def open_order(request: Request[Any, Any, Any]) -> Response[Any]:
    """Open the work order."""
    viewer, typed = _opener(request), await forms.read(request)
    try:
        done = await _open(viewer, typed)
    except (Invalid, Conflict, codes.NoSuchWarehouse) as refusal:
        return await _page(request, viewer, forms.again(typed, refusal), forms.status_of(refusal))
    if done.repeated:
        flash = "neutral", text.gettext("This form had opened the work order already.")
    elif viewer.kind is Kind.OPERATOR:
        flash = "ok", text.gettext("The work order is open; the unit is in the workshop, in quarantine.")
    else:
        flash = "ok", text.gettext("The repair is asked for. The operator brings the unit to the workshop.")
    return web.redirect(request, f"/repairs/{done.id}", flash=flash)


async def _open(viewer: Viewer, typed: Mapping[str, str]) -> Any:
    faults: list[Fault] = []
    goods = {name: typed.get(name, "") for name in _GOODS}
    for name, sentence in (
        ("warehouse", N_("Choose a warehouse.")),
        ("item", N_("Give the item's code.")),
        ("location", N_("Say where the unit lies.")),
    ):
        if not goods[name]:
            faults.append(Fault(name, "", sentence))
    since, months = _warranty(typed, faults)
    if not typed.get("fault", "").strip():
        faults.append(Fault("fault", "", N_("Say what is wrong with the unit, as it was reported.")))
    key = None
    if all(goods[name] for name in ("warehouse", "item", "location")):
        try:
            key = await queries.balance_key(viewer, **goods)
        except rules.NoSuchGoods:
            faults.append(Fault("location", goods["location"], _NO_STOCK))
    if key is None:
        raise Invalid(faults)
    try:
        return await actions.open_from_stock(
            viewer,
            key,
            serial=typed.get("serial") or None,
            fault=typed.get("fault", ""),
            warranty_from=since,
            warranty_months=months,
            sale_reference=typed.get("sale_reference", ""),
            request_key=forms.key_of(typed, faults),
        )
    except Invalid as refusal:
        raise forms.together(faults, refusal, lambda path: _FIELDS.get(path, path)) from refusal


def _warranty(typed: Mapping[str, str], faults: list[Fault]) -> tuple[date | None, int | None]:
    since, months = typed.get("warranty_from", ""), typed.get("warranty_months", "")
    day = None
    if since:
        try:
            day = date.fromisoformat(since)
        except ValueError:
            sentence = N_("“%(value)s” is not a day. Write it like 2026-11-23.")
            faults.append(Fault("warranty_from", since, sentence, {"value": since}))
    return day, whole("warranty_months", months, faults)


def whole(field: str, typed: str, faults: list[Fault]) -> int | None:
    """A whole number of minutes or months as it was typed; None when the field is left empty, or with a fault."""
    if not typed:
        return None
    plain = typed.strip()
    if plain.isdecimal() and len(plain) <= 6:
        return int(plain)
    faults.append(Fault(field, typed, N_("“%(value)s” is not a whole number. Write it like 12."), {"value": typed}))
    return None


async def _page(request: Request[Any, Any, Any], viewer: Viewer, form: Form, status: int = 200) -> Response[str]:
    return web.page(
        request,
        "repairs/new.html",
        status=status,
        form=form,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        conditions=stock_words.condition_choices(),
        moves=viewer.kind is Kind.OPERATOR,
        longest_fault=rules.LONGEST_TEXT,
    )
