"""How the lists of the ledger are shown: filters kept in the address, rows by keyset, the file, and what was asked wrongly."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import text
from backend.core.errors import Invalid
from backend.core.listing import Clause, Listing
from backend.registry import queries as registry_queries
from frontend import render, web
from frontend.stock import forms

ROWS = 100
MOST_WAREHOUSES = 200
Row = Mapping[str, Any]
Clauses = Callable[[Viewer, Mapping[str, str]], Awaitable[list[Clause]]]


class Shown(msgspec.Struct, frozen=True):
    """A page of a list: its rows, what it was asked, the addresses around it, and what was wrong with the asking."""

    path: str
    rows: list[Row]
    filters: dict[str, str]
    next_url: str
    first_url: str
    export_url: str
    clear_url: str
    wrong: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        return 422 if self.wrong else 200


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see stock."""
    return access_rules.require(request.user, Right.SEE_STOCK)


def asked(request: Request[Any, Any, Any], *names: str) -> dict[str, str]:
    """The filters of these names as the address gives them; one that is absent is empty."""
    return {name: forms.plain(request.query_params.get(name, "")) for name in names}


def place(request: Request[Any, Any, Any]) -> str | None:
    """The place in the list after which the page begins."""
    return forms.plain(request.query_params.get("after", "")) or None


async def shown(
    request: Request[Any, Any, Any],
    listing: Listing,
    clauses: Clauses,
    filters: dict[str, str],
    zone: str = "",
    limit: int = ROWS,
) -> Shown:
    """The page of `listing` that the address asks for; days are taken in the time zone `zone`.

    A filter or a place that makes no sense gives an empty page that says so.
    """
    path, after = request.url.path, place(request)
    kept = {name: value for name, value in filters.items() if value}
    rows: list[Row] = []
    on: str | None = None
    wrong: tuple[str, ...] = ()
    try:
        scope = await clauses(reader(request), {**filters, "time_zone": zone})
        page = await listing.page(scope, after=after, limit=limit)
        rows, on = page.rows, page.after
    except Invalid as refusal:
        wrong = tuple(web.said(fault) for fault in refusal.faults)
    return Shown(
        path=path,
        rows=rows,
        filters=filters,
        next_url=address(path, {**kept, "after": on}) if on else "",
        first_url=address(path, kept) if after else "",
        export_url=address(f"{path}.csv", kept) if rows else "",
        clear_url=path if kept else "",
        wrong=wrong,
    )


async def file(
    request: Request[Any, Any, Any],
    name: str,
    listing: Listing,
    clauses: Clauses,
    filters: dict[str, str],
    zone: str = "",
) -> Stream:
    """The whole list as a file named `name`, with the filters of its page."""
    scope = await clauses(reader(request), {**filters, "time_zone": zone})
    return web.csv(request, name, listing.csv(scope, headings(listing)))


def headings(listing: Listing) -> list[str]:
    """The headings of a file in the reader's language."""
    return [text.gettext(column.heading) for column in listing.columns]


async def warehouses(viewer: Viewer) -> list[Row]:
    """The warehouses to choose from (an operator's own, else the network's), by code; empty when they are too many."""
    clauses = registry_queries.warehouse_clauses(viewer, {})
    found = await registry_queries.WAREHOUSES.page(clauses, limit=MOST_WAREHOUSES)
    return [] if found.after else found.rows


def choices(found: list[Row]) -> list[tuple[str, str]]:
    """Warehouses as options of a select: code, and the code with the name."""
    return [(row["code"], f"{row['code']} · {render.name(row['names'])}") for row in found]


def zone_of(viewer: Viewer, found: list[Row], code: str) -> str:
    """The time zone of the warehouse of this code among `found`, else the viewer's."""
    return next((row["time_zone"] for row in found if row["code"] == code), viewer.time_zone)


def has_one_owner(viewer: Viewer) -> bool:
    """Whether everything the viewer sees is the viewer's own, so that a column for the owner says nothing."""
    return viewer.kind is Kind.EXPORTER


def address(path: str, query: Mapping[str, str]) -> str:
    """A path with a query."""
    return f"{path}?{urlencode(query)}" if query else path
