"""The router of the ledger's screens, and its two large lists: stock on hand and movements."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router, get
from litestar.response import Stream

from backend.access.rules import Right, Viewer
from backend.core.listing import Clause
from backend.stock import queries
from frontend import web
from frontend.stock import balance, booking, documents, holds, lists, lots, past, reservations, words

_BALANCE_FILTERS = ("warehouse", "owner", "item", "lot", "location", "condition")
_MOVEMENT_FILTERS = ("warehouse", "owner", "item", "location", "reason", "reference", "from", "to")


@get("/balances")
async def balances(request: Request[Any, Any, Any]) -> Response[str]:
    """Stock on hand. Two queries (the rows, the warehouses to choose from) and one for each code asked for."""
    viewer, filters = lists.reader(request), lists.asked(request, *_BALANCE_FILTERS)
    found = await lists.shown(request, queries.BALANCES, queries.balance_clauses, filters)
    return web.page(
        request,
        "stock/balances.html",
        status=found.status,
        list=found,
        warehouses=lists.choices(await lists.warehouses(viewer)),
        own=lists.has_one_owner(viewer),
        conditions=words.conditions(),
        condition_choices=words.condition_choices(),
        posts=viewer.may(Right.POST_STOCK) and bool(viewer.warehouse_ids),
    )


@get("/balances.csv")
async def balances_file(request: Request[Any, Any, Any]) -> Stream:
    """Stock on hand as a file."""
    filters = lists.asked(request, *_BALANCE_FILTERS)
    return await lists.file(request, "stock", queries.BALANCES, queries.balance_clauses, filters)


@get("/movements")
async def movements(request: Request[Any, Any, Any]) -> Response[str]:
    """Movements, the latest first; days are those of the chosen warehouse, else of the reader."""
    viewer, filters = lists.reader(request), lists.asked(request, *_MOVEMENT_FILTERS)
    warehouses = await lists.warehouses(viewer)
    zone = lists.zone_of(viewer, warehouses, filters["warehouse"])

    async def clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
        after = lists.place(request)
        return [
            *await queries.movement_clauses(viewer, filters),
            *await queries.latest_clauses(viewer, filters, after, lists.ROWS),
        ]

    found = await lists.shown(request, queries.MOVEMENTS, clauses, filters, zone)
    return web.page(
        request,
        "stock/movements.html",
        status=found.status,
        list=found,
        warehouses=lists.choices(warehouses),
        own=lists.has_one_owner(viewer),
        reasons=words.reasons(),
        places=words.places(),
        conditions=words.conditions(),
        posts=viewer.may(Right.POST_STOCK) and bool(viewer.warehouse_ids),
    )


@get("/movements.csv")
async def movements_file(request: Request[Any, Any, Any]) -> Stream:
    """Movements as a file."""
    viewer, filters = lists.reader(request), lists.asked(request, *_MOVEMENT_FILTERS)
    zone = lists.zone_of(viewer, await lists.warehouses(viewer), filters["warehouse"])
    return await lists.file(request, "movements", queries.MOVEMENTS, queries.movement_clauses, filters, zone)


router = Router(
    path="/stock",
    route_handlers=[
        balances,
        balances_file,
        balance.show,
        balance.act,
        movements,
        movements_file,
        documents.show,
        documents.act,
        booking.show,
        booking.book,
        holds.listed,
        holds.listed_file,
        holds.show,
        holds.release,
        reservations.listed,
        reservations.listed_file,
        reservations.show,
        reservations.reserve,
        reservations.cancel,
        lots.listed,
        lots.listed_file,
        lots.show,
        lots.register,
        past.show,
        past.file,
    ],
    include_in_schema=False,
)
