"""Holds: the list, one hold, and its release."""

import uuid
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access.rules import Right
from backend.core import text
from backend.core.errors import Invalid
from backend.stock import actions, listings, queries, rules
from backend.stock.rules import HoldReason
from frontend import lists, render, web
from frontend.render import Form
from frontend.stock import balance, forms, scope, words

_FILTERS = ("state", "reason", "warehouse", "owner", "item")


@get("/holds")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Holds, the latest first."""
    viewer, filters = scope.reader(request), lists.asked(request, *_FILTERS)
    found = await lists.shown(request, listings.HOLDS, filters, lambda: queries.hold_clauses(viewer, filters))
    return web.page(
        request,
        "stock/holds.html",
        status=found.status,
        list=found,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        states=words.states(words.HOLD_STATES),
        reasons=words.hold_reasons(),
        conditions=words.conditions(),
        holds=viewer.may(Right.HOLD_STOCK),
    )


@get("/holds.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """Holds as a file."""
    clauses = await queries.hold_clauses(scope.reader(request), lists.asked(request, *_FILTERS))
    return lists.file(request, "holds", listings.HOLDS, clauses)


@get("/holds/{warehouse_id:int}/{hold_id:uuid}")
async def show(
    request: Request[Any, Any, Any], warehouse_id: FromPath[int], hold_id: FromPath[uuid.UUID]
) -> Response[str]:
    """One hold."""
    return await _page(request, warehouse_id, hold_id, Form())


@post("/holds/{warehouse_id:int}/{hold_id:uuid}")
async def release(
    request: Request[Any, Any, Any], warehouse_id: FromPath[int], hold_id: FromPath[uuid.UUID]
) -> Response[Any]:
    """Release the hold; the reader is led to the goods that are free now."""
    viewer, typed = scope.reader(request), await forms.read(request)
    row = await queries.hold(viewer, forms.bounded(warehouse_id), hold_id)
    try:
        await actions.release(viewer, warehouse_id, hold_id, note=typed.get("note", ""))
    except Invalid as refusal:
        return await _page(request, warehouse_id, hold_id, forms.again(typed, refusal), forms.status_of(refusal))
    except (rules.AlreadyEnded, rules.Pledged) as refusal:
        flash = ("warn", text.say(refusal.sentence, refusal.facts))
        return web.redirect(request, request.url.path, flash=flash)
    said = text.ngettext(
        "The hold on %(count)s piece is released.",
        "The hold on %(count)s pieces is released.",
        row["quantity"],
        count=render.number(row["quantity"]),
    )
    return web.redirect(request, balance.path_of(row), flash=("ok", said))


async def _page(
    request: Request[Any, Any, Any], warehouse_id: int, hold_id: uuid.UUID, form: Form, status: int = 200
) -> Response[str]:
    viewer = scope.reader(request)
    row = await queries.hold(viewer, forms.bounded(warehouse_id), hold_id)
    is_own = row["organisation_id"] == viewer.organisation_id and row["reason"] != HoldReason.PLEDGE
    return web.page(
        request,
        "stock/hold.html",
        status=status,
        row=row,
        balance=balance.path_of(row),
        reason=words.hold_reasons().get(row["reason"], row["reason"]),
        states=words.states(words.HOLD_STATES),
        condition=words.conditions()[row["condition"]],
        pledged=row["reason"] == HoldReason.PLEDGE,
        releases=row["released_at"] is None and is_own and viewer.may(Right.HOLD_STOCK),
        form=form,
    )
