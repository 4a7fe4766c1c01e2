"""Stock as it was at a past instant."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from backend.access.rules import Kind, Viewer
from backend.core import clock
from backend.core.errors import Fault, Invalid, NotFound
from backend.core.text import N_
from backend.registry import queries as registry_queries
from backend.registry.rules import Warehouse
from backend.stock import codes, queries, rules
from frontend import lists, web
from frontend.stock import forms, scope, words

MOST_SHOWN = 300
_FILTERS = ("warehouse", "at")


@get("/at")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """The stock of one warehouse at an instant of its own clock; the first rows here, all in the file."""
    viewer, filters = scope.reader(request), lists.asked(request, *_FILTERS)
    form, found, warehouse, instant = web.form_from(filters), None, None, None
    if any(filters.values()):
        try:
            warehouse, instant = await _moment(viewer, filters)
            listing = queries.stock_at_list(viewer, warehouse.id, instant)
            found = await listing.page([], limit=MOST_SHOWN)
        except Invalid as refusal:
            form = web.form_from(filters, refusal)
    return web.page(
        request,
        "stock/at.html",
        status=422 if form.refused else 200,
        form=form,
        rows=found.rows if found else None,
        has_more=found is not None and found.after is not None,
        most=MOST_SHOWN,
        warehouse=warehouse,
        instant=instant,
        export_url=lists.address("/stock/at.csv", filters),
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        conditions=words.conditions(),
    )


@get("/at.csv")
async def file(request: Request[Any, Any, Any]) -> Stream:
    """All of it as a file."""
    viewer, filters = scope.reader(request), lists.asked(request, *_FILTERS)
    warehouse, instant = await _moment(viewer, filters)
    listing = queries.stock_at_list(viewer, warehouse.id, instant)
    name = f"stock-{warehouse.code}-{filters['at'][:10]}".replace("/", "-")
    return lists.file(request, name, listing, [])


async def _moment(viewer: Viewer, filters: dict[str, str]) -> tuple[Warehouse, datetime]:
    """The warehouse and the instant asked for; an operator asks about its own warehouses only."""
    faults: list[Fault] = []
    warehouse, code = None, filters["warehouse"]
    with suppress(NotFound):
        warehouse = await registry_queries.warehouse_seen(viewer, code)
    if warehouse is None or (viewer.kind is Kind.OPERATOR and warehouse.id not in viewer.warehouse_ids):
        sentence = codes.NoSuchWarehouse.sentence if code else N_("Choose a warehouse.")
        faults.append(Fault("warehouse", code, sentence, {"warehouse": code}))
    zone = warehouse.time_zone if warehouse else viewer.time_zone
    instant = forms.instant("at", filters["at"], zone, faults)
    if instant:
        faults += rules.time_faults("at", instant, clock.now())
    elif not filters["at"]:
        faults.append(Fault("at", "", N_("Give a day and a time.")))
    if faults or warehouse is None or instant is None:
        raise Invalid(faults)
    return warehouse, instant
