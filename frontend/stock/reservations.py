"""Reservations: the list, making one, and giving its pieces back."""

import uuid
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, text
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.stock import actions, codes, listings, queries, rules
from frontend import lists, render, web
from frontend.render import Form
from frontend.stock import forms, scope, words

_FILTERS = ("state", "source", "warehouse", "owner", "item")
_GOODS = ("warehouse", "owner", "item", "lot", "location", "condition")
USUAL_TIME = timedelta(days=7)


@get("/reservations")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Reservations, the latest first."""
    viewer, filters = scope.reader(request), lists.asked(request, *_FILTERS)
    found = await lists.shown(
        request, listings.RESERVATIONS, filters, lambda: queries.reservation_clauses(viewer, filters)
    )
    return web.page(
        request,
        "stock/reservations.html",
        status=found.status,
        list=found,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        states=words.states(words.RESERVATION_STATES),
        conditions=words.conditions(),
        reserves=viewer.may(Right.RESERVE_STOCK),
        organisation_id=viewer.organisation_id,
        warehouse_ids=frozenset(viewer.warehouse_ids),
    )


@get("/reservations.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """Reservations as a file."""
    clauses = await queries.reservation_clauses(scope.reader(request), lists.asked(request, *_FILTERS))
    return lists.file(request, "reservations", listings.RESERVATIONS, clauses)


@get("/reservations/new")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """The form; the goods may be given in the address."""
    viewer = access_rules.require(request.user, Right.RESERVE_STOCK)
    given = {name: value for name, value in lists.asked(request, *_GOODS).items() if value}
    zone = scope.zone_of(viewer, await scope.warehouses(viewer), given.get("warehouse", ""))
    until = (clock.now() + USUAL_TIME).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")
    return await _page(request, viewer, Form({"key": forms.new_key(), "expires_at": until, **given}))


@post("/reservations/new")
async def reserve(request: Request[Any, Any, Any]) -> Response[Any]:
    """Reserve; all the pieces or none."""
    viewer = access_rules.require(request.user, Right.RESERVE_STOCK)
    typed = await forms.read(request)
    faults: list[Fault] = []
    warehouse = typed.get("warehouse", "")
    if not warehouse:
        faults.append(Fault("warehouse", warehouse, N_("Choose a warehouse.")))
    if not typed.get("item"):
        faults.append(Fault("item", "", N_("Give the item's code.")))
    quantity = forms.quantity("quantity", typed.get("quantity", ""), faults)
    zone = scope.zone_of(viewer, await scope.warehouses(viewer), warehouse)
    until = forms.instant("expires_at", typed.get("expires_at", ""), zone, faults)
    if not typed.get("expires_at"):
        faults.append(Fault("expires_at", "", N_("Say until when the pieces are kept.")))
    try:
        if not warehouse:
            raise Invalid(faults)
        reserved = await actions.reserve(
            viewer,
            warehouse=warehouse,
            owner=viewer.organisation_code if scope.has_one_owner(viewer) else typed.get("owner", ""),
            item=typed.get("item", ""),
            lot=typed.get("lot") or None,
            location=typed.get("location") or None,
            condition=typed.get("condition", ""),
            quantity=quantity,
            source=typed.get("source", ""),
            expires_at=until or clock.now(),
            request_key=forms.key_of(typed, faults),
        )
    except (Invalid, Conflict, codes.NoSuchWarehouse) as refusal:
        found = forms.together(faults, refusal, lambda path: "location" if path == "target" else path)
        return await _page(request, viewer, forms.again(typed, found), forms.status_of(found))
    if reserved.repeated:
        flash = "neutral", text.gettext("This form had reserved the pieces already.")
    else:
        flash = (
            "ok",
            text.ngettext(
                "%(count)s piece is reserved.",
                "%(count)s pieces are reserved.",
                quantity,
                count=render.number(quantity),
            ),
        )
    return web.redirect(request, "/stock/reservations?state=live", flash=flash)


@post("/reservations/{reservation_id:uuid}/cancel")
async def cancel(request: Request[Any, Any, Any], reservation_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Give the pieces of a reservation back, and return to the list as it was."""
    viewer, typed = scope.reader(request), await forms.read(request)
    try:
        await actions.cancel_reservation(viewer, reservation_id)
        flash = "ok", text.gettext("The reservation is cancelled; its pieces are free again.")
    except rules.AlreadyEnded as refusal:
        flash = "warn", text.say(refusal.sentence, refusal.facts)
    return web.redirect(request, web.local(typed.get("next"), "/stock/reservations"), flash=flash)


async def _page(request: Request[Any, Any, Any], viewer: Viewer, form: Form, status: int = 200) -> Response[str]:
    sellable = {condition.name for condition in rules.SELLABLE}
    return web.page(
        request,
        "stock/reserve.html",
        status=status,
        form=form,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        conditions=[choice for choice in words.condition_choices() if choice[0] in sellable],
        longest=actions.LONGEST_RESERVATION.days,
    )
