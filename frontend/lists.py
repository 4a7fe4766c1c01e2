"""How lists are shown: filters kept in the address, rows by keyset, the file, and what was asked wrongly."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.response import Stream

from backend.core import text
from backend.core.errors import Invalid
from backend.core.listing import Clause, Listing
from frontend import web

ROWS = 100
Row = Mapping[str, Any]
Clauses = Sequence[Clause]


class Shown(msgspec.Struct, frozen=True):
    """A page of a list: its rows, what it was asked, the addresses around it, and what was wrong with the asking."""

    path: str
    rows: Sequence[Row]
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


def asked(request: Request[Any, Any, Any], *names: str) -> dict[str, str]:
    """The filters of these names as the address gives them; one that is absent is empty."""
    return {name: web.plain(request.query_params.get(name, "")) for name in names}


def place(request: Request[Any, Any, Any]) -> str | None:
    """The place in the list after which the page begins."""
    return web.plain(request.query_params.get("after", "")) or None


async def shown(
    request: Request[Any, Any, Any],
    listing: Listing,
    filters: dict[str, str],
    clauses: Callable[[], Clauses | Awaitable[Clauses]],
    limit: int = ROWS,
) -> Shown:
    """The page of `listing` that the address asks for; `clauses` makes its scope and conditions.

    A filter or a place that makes no sense gives an empty page that says so.
    """
    path, after = request.url.path.rstrip("/"), place(request)
    rows: Sequence[Row] = []
    on: str | None = None
    wrong: tuple[str, ...] = ()
    try:
        made = clauses()
        page = await listing.page(await made if isawaitable(made) else made, after=after, limit=limit)
        rows, on = page.rows, page.after
    except Invalid as refusal:
        wrong = tuple(web.said(fault) for fault in refusal.faults)
    return Shown(
        path=path,
        rows=rows,
        filters=filters,
        next_url=address(path, {**filters, "after": on}) if on else "",
        first_url=address(path, filters) if after else "",
        export_url="" if wrong else address(f"{path}.csv", filters),
        clear_url=path if any(filters.values()) else "",
        wrong=wrong,
    )


def file(request: Request[Any, Any, Any], name: str, listing: Listing, clauses: Clauses) -> Stream:
    """The whole list as a file named `name`, its headings in the reader's language."""
    headings = [text.gettext(column.heading) for column in listing.columns]
    return web.csv(request, name, listing.csv(clauses, headings))


def address(path: str, query: Mapping[str, str | None]) -> str:
    """`path` with those parts of `query` that say something."""
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path
