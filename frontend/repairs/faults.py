"""Fault and failure rates: a table, bars, a file."""

from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import text
from backend.core.errors import Invalid
from backend.repairs import failures
from backend.repairs.failures import By
from frontend import lists, web
from frontend.repairs import words
from frontend.stock import scope

BARS = 12


@get("/repairs/faults")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """Rates by model, lot, owner or heading over a period; the fault codes that were found."""
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    filters = lists.asked(request, *failures.FILTERS)
    what, wrong = None, Invalid()
    try:
        what = await failures.asked(viewer, filters)
    except Invalid as refusal:
        wrong = refusal
    listing = failures.rates(what) if what else failures.rates(await failures.asked(viewer, {}))

    def clauses() -> list[Any]:
        if what is None:
            raise wrong
        return failures.nothing_beyond(what)

    found = await lists.shown(request, listing, filters, clauses)
    codes = await failures.fault_codes(what) if what else []
    by = what.by if what else By.ITEM
    return web.page(
        request,
        "repairs/faults.html",
        status=found.status,
        list=found,
        by=by,
        period=(what.since, what.until) if what else None,
        tabs=[
            (text.gettext(failures.BY_NAMES[each]), lists.address(found.path, {**filters, "by": each}), each is by)
            for each in By
        ],
        bars=[row for row in found.rows if row["repairs"] and row["fault_rate"] is not None][:BARS],
        codes=[{**row, "name": words.code_name(row["code"])} for row in codes],
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
    )


@get("/repairs/faults.csv")
async def file(request: Request[Any, Any, Any]) -> Stream:
    """The rates as a file."""
    viewer = access_rules.require(request.user, Right.SEE_REPAIRS)
    what = await failures.asked(viewer, lists.asked(request, *failures.FILTERS))
    return lists.file(request, f"faults-by-{what.by}", failures.rates(what), failures.nothing_beyond(what))
