"""The router of the ledger's screens, and its two large lists: stock on hand and movements."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.response import Stream

from backend.access.rules import Right
from backend.core.listing import Clause
from backend.stock import listings, queries
from frontend import lists, web
from frontend.stock import balance, booking, declarations, documents, holds, lots, past, reservations, scope, words

_BALANCE_FILTERS = ("warehouse", "owner", "item", "lot", "location", "condition")
_MOVEMENT_FILTERS = (
    *("warehouse", "owner", "item", "lot", "declaration", "location", "reason", "reference"),
    *("from", "to"),
)


@get("/balances")
async def balances(request: Request[Any, Any, Any]) -> Response[str]:
    """Stock on hand. Two queries (the rows, the warehouses to choose from) and one for each code asked for."""
    viewer, filters = scope.reader(request), lists.asked(request, *_BALANCE_FILTERS)
    found = await lists.shown(request, listings.BALANCES, filters, lambda: queries.balance_clauses(viewer, filters))
    return web.page(
        request,
        "stock/balances.html",
        status=found.status,
        list=found,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        conditions=words.conditions(),
        condition_choices=words.condition_choices(),
        posts=viewer.may(Right.POST_STOCK) and bool(viewer.warehouse_ids),
    )


@get("/balances.csv")
async def balances_file(request: Request[Any, Any, Any]) -> Stream:
    """Stock on hand as a file."""
    clauses = await queries.balance_clauses(scope.reader(request), lists.asked(request, *_BALANCE_FILTERS))
    return lists.file(request, "stock", listings.BALANCES, clauses)


@get("/movements")
async def movements(request: Request[Any, Any, Any]) -> Response[str]:
    """Movements, the latest first; days are those of the chosen warehouse, else of the reader."""
    viewer, filters = scope.reader(request), lists.asked(request, *_MOVEMENT_FILTERS)
    warehouses = await scope.warehouses(viewer)
    zone = scope.zone_of(viewer, warehouses, filters["warehouse"])

    async def clauses() -> list[Clause]:
        return [
            *await queries.movement_clauses(viewer, {**filters, "time_zone": zone}),
            *await queries.latest_clauses(viewer, filters, lists.place(request), lists.ROWS),
        ]

    found = await lists.shown(request, listings.MOVEMENTS, filters, clauses)
    return web.page(
        request,
        "stock/movements.html",
        status=found.status,
        list=found,
        warehouses=scope.choices(warehouses),
        own=scope.has_one_owner(viewer),
        reasons=words.reasons(),
        places=words.places(),
        conditions=words.conditions(),
        posts=viewer.may(Right.POST_STOCK) and bool(viewer.warehouse_ids),
    )


@get("/movements.csv")
async def movements_file(request: Request[Any, Any, Any]) -> Stream:
    """Movements as a file."""
    viewer, filters = scope.reader(request), lists.asked(request, *_MOVEMENT_FILTERS)
    zone = scope.zone_of(viewer, await scope.warehouses(viewer), filters["warehouse"])
    clauses = await queries.movement_clauses(viewer, {**filters, "time_zone": zone})
    return lists.file(request, "movements", listings.MOVEMENTS, clauses)


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
        declarations.listed,
        declarations.listed_file,
        declarations.show,
        past.show,
        past.file,
    ],
    include_in_schema=False,
)
