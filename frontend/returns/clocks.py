"""Goods abroad whose clocks run: by warehouse and lot, with the days that are left and the way into a batch home."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from backend.access.rules import Kind, Right, Viewer
from backend.core import text
from backend.regulations import queries as law
from backend.regulations import rules as law_rules
from backend.returns import warnings
from backend.returns.warnings import Until
from backend.stock import declarations
from frontend import lists, web
from frontend.lists import Row
from frontend.regulations import words as law_words
from frontend.regulations.clocks import line_path
from frontend.returns.batches import reader
from frontend.stock import scope


@get("/clocks")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Goods abroad, those exported first come first."""
    viewer, filters = reader(request), lists.asked(request, *warnings.FILTERS)
    found = await lists.shown(request, warnings.ABROAD, filters, lambda: warnings.clauses(viewer, filters))
    decides = viewer.kind is Kind.EXPORTER and viewer.may(Right.DECIDE_RETURNS)
    return web.page(
        request,
        "returns/clocks.html",
        status=found.status,
        list=found,
        rows=await _rows(found.rows, _way_of(viewer)),
        own=scope.has_one_owner(viewer),
        decides=decides,
        untils=[(each.value, text.gettext(name)) for each, name in warnings.UNTIL_NAMES.items()],
        warehouses=scope.choices(await scope.warehouses(viewer)),
        today=law.today(),
    )


@get("/clocks.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    viewer = reader(request)
    clauses = await warnings.clauses(viewer, lists.asked(request, *warnings.FILTERS))
    return lists.file(request, "goods-abroad", warnings.ABROAD, clauses)


def _way_of(viewer: Viewer) -> Callable[[str, str, int], str]:
    """Where a declaration line leads: to its clocks, or to its statement for whoever sees only their own part of it."""

    def statement(owner: str, declaration: str, line: int) -> str:
        asked = {"owner": owner, "declaration": declaration, "line": str(line)}
        return lists.address("/stock/declarations/line", asked)

    return statement if declarations.is_partial(viewer) else line_path


async def _rows(rows: Sequence[Row], way: Callable[[str, str, int], str]) -> list[dict[str, Any]]:
    """Each row with its two clocks as they stand today."""
    editions, today = await law.editions(), law.today()
    shown = []
    for row, facts in zip(rows, await warnings.facts_of(rows), strict=True):
        clocks = {each.name: each for each in law_rules.clocks(editions, facts, today)}
        standing = warnings.standing(editions, facts, today)
        number = row["declaration_no"]
        batch = {"warehouse": row["warehouse"], "cause": "unsold", "declaration": number, "item": row["item"]}
        shown.append(
            {
                **row,
                "tax": law_words.clock(clocks["tax_return"]),
                "customs": law_words.clock(clocks["customs_return"]),
                "slow": Until.SLOW in standing,
                "closed": Until.CLOSED in standing,
                "line_href": way(row["owner"], number, row["declaration_line"]) if number else "",
                "batch_href": lists.address("/returns/batches/new", batch),
            }
        )
    return shown
