"""What was charged, and the prices of a warehouse."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.charges import actions, queries
from backend.charges.rules import ACTIVITY_NAMES, UNIT_NAMES, UNITS, Activity, Unit
from backend.core import clock, text
from backend.core.errors import Conflict, Invalid
from backend.registry.rules import NoSuchWarehouse
from frontend import lists, web
from frontend.render import Form
from frontend.stock import forms, scope

_FILTERS = ("warehouse", "owner", "activity", "number", "priced")


def activities() -> dict[str, str]:
    """The word of each activity, by its value."""
    return {each.value: text.gettext(ACTIVITY_NAMES[each]) for each in Activity}


def units() -> dict[str, str]:
    """The word of each unit, by its value."""
    return {each.value: text.gettext(UNIT_NAMES[each]) for each in Unit}


@get("/charges")
async def charged(request: Request[Any, Any, Any]) -> Response[str]:
    """Performed steps with their prices, latest first."""
    viewer = access_rules.require(request.user, Right.SEE_CHARGES)
    filters = lists.asked(request, *_FILTERS)
    found = await lists.shown(request, queries.CHARGES, filters, lambda: queries.charge_clauses(viewer, filters))
    return web.page(
        request,
        "charges/charges.html",
        status=found.status,
        list=found,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        activities=activities(),
        units=units(),
    )


@get("/charges.csv")
async def charges_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    viewer = access_rules.require(request.user, Right.SEE_CHARGES)
    filters = lists.asked(request, *_FILTERS)
    return lists.file(request, "charges", queries.CHARGES, queries.charge_clauses(viewer, filters))


@get("/charges/prices")
async def prices(request: Request[Any, Any, Any]) -> Response[str]:
    """What warehouses ask for their steps."""
    viewer = access_rules.require(request.user, Right.SEE_CHARGES)
    return await _prices(
        request, viewer, Form({"valid_from": clock.business_day(clock.now(), viewer.time_zone).isoformat()})
    )


@post("/charges/prices")
async def set_price(request: Request[Any, Any, Any]) -> Response[Any]:
    """Ask a price from a day on."""
    viewer = access_rules.require(request.user, Right.KEEP_PRICES)
    typed = await forms.read(request)
    try:
        await actions.set_price(viewer, typed)
    except (Invalid, Conflict, NoSuchWarehouse) as refusal:
        return await _prices(request, viewer, forms.again(typed, refusal), forms.status_of(refusal))
    return web.redirect(request, "/charges/prices", flash=("ok", text.gettext("The price is set.")))


@get("/charges/prices.csv")
async def prices_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    viewer = access_rules.require(request.user, Right.SEE_CHARGES)
    filters = lists.asked(request, "warehouse", "activity")
    return lists.file(request, "prices", queries.PRICES, queries.price_clauses(viewer, filters))


async def _prices(request: Request[Any, Any, Any], viewer: Viewer, form: Form, status: int = 200) -> Response[str]:
    filters = lists.asked(request, "warehouse", "activity")
    found = await lists.shown(request, queries.PRICES, filters, lambda: queries.price_clauses(viewer, filters))
    return web.page(
        request,
        "charges/prices.html",
        status=max(status, found.status),
        list=found,
        form=form,
        keeps=viewer.may(Right.KEEP_PRICES),
        warehouses=scope.choices(await scope.warehouses(viewer)),
        activities=activities(),
        priced=[(each.value, text.gettext(ACTIVITY_NAMES[each])) for each in UNITS],
    )


router = Router(
    path="/",
    route_handlers=[charged, charges_file, prices, set_price, prices_file],
    include_in_schema=False,
)
