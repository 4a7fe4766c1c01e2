"""The screens of repairs: the queue, the bench, fault rates, terms of warranty."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.response import Redirect, Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, text
from backend.core.listing import Listing
from backend.repairs import queries
from backend.stages import rules as stages_rules
from frontend import lists, web
from frontend.repairs import bench, faults, opening, warranty, words
from frontend.stock import scope


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see repairs."""
    return access_rules.require(request.user, Right.SEE_REPAIRS)


def _asked(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The filters of the address; an address without any asks for what is open."""
    filters = lists.asked(request, *queries.FILTERS)
    return filters if any(filters.values()) else {**filters, "state": "open"}


def _listing(filters: dict[str, str]) -> Listing:
    """What is open stands in the order in which it came; what ended, the latest first."""
    return queries.ORDERS if filters["state"] == "open" else queries.LATEST


@get("/repairs")
async def queue(request: Request[Any, Any, Any]) -> Response[str]:
    """Work orders: the queue of a workshop, or an exporter's own."""
    viewer, filters = reader(request), _asked(request)
    found = await lists.shown(request, _listing(filters), filters, lambda: queries.order_clauses(viewer, filters))
    now = clock.now()
    return web.page(
        request,
        "repairs/orders.html",
        status=found.status,
        list=found,
        rows=[
            {**row, "standing": _standing(row["due_at"], now), "reported": words.reported(row["fault"])}
            for row in found.rows
        ],
        figures=await queries.figures(viewer),
        over_days=queries.FIGURES_OVER.days,
        stages=words.stages(),
        standings=words.standings(),
        stage_choices=[(name, chip[1]) for name, chip in words.stages().items()],
        standing_choices=[(name, chip[1]) for name, chip in words.standings().items()],
        technicians=[(str(row["id"]), row["name"]) for row in await queries.technicians(viewer)],
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        works=viewer.may(Right.DO_REPAIRS),
        asks=viewer.may(Right.DECIDE_REPAIRS),
    )


def _standing(due_at: Any, now: Any) -> str:
    return stages_rules.standing(due_at, now).value if due_at else ""


@get("/repairs.csv")
async def queue_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    filters = _asked(request)
    clauses = queries.order_clauses(reader(request), filters)
    return lists.file(request, "repairs", _listing(filters), clauses)


@get("/repairs/scan")
async def scan(request: Request[Any, Any, Any]) -> Redirect:
    """Go to the work order that a scanned code names: its number, the label of its unit, a serial."""
    viewer = reader(request)
    code = lists.asked(request, "code")["code"]
    order_id = await queries.by_code(viewer, code) if code else None
    if order_id is not None:
        return web.redirect(request, f"/repairs/{order_id}")
    said = text.gettext(
        "No work order has the number, unit or serial “%(code)s”. Scan again, or look in the list.", code=code
    )
    return web.redirect(request, "/repairs", flash=("warn", said))


router = Router(
    path="/",
    route_handlers=[
        *(queue, queue_file, scan, opening.show, opening.open_order),
        *(bench.show, bench.act, bench.add_photos, bench.sheet),
        *(faults.show, faults.file, warranty.show, warranty.set_months),
    ],
    include_in_schema=False,
)
