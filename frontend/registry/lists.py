"""How the registry's lists are shown: rows, filters kept in the address, the way on, the file."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.response import Stream

from backend.core import text
from backend.core.listing import Clause, Listing
from frontend import web

PAGE = 50


class Shown(msgspec.Struct, frozen=True):
    """A page of a list: its rows, the filters it was asked with, and the addresses around it."""

    rows: Sequence[Mapping[str, Any]]
    filters: dict[str, str]
    path: str
    next_url: str
    first_url: str
    export_url: str
    clear_url: str


def asked(request: Request[Any, Any, Any], *names: str) -> dict[str, str]:
    """The filters of these names as the address gives them; one that is absent is empty."""
    return {name: request.query_params.get(name, "").strip() for name in names}


async def shown(
    request: Request[Any, Any, Any], path: str, listing: Listing, clauses: Sequence[Clause], filters: dict[str, str]
) -> Shown:
    """The page of the list at `path` that the address asks for."""
    after = request.query_params.get("after", "")
    found = await listing.page(clauses, after=after or None, limit=PAGE)
    return Shown(
        rows=found.rows,
        filters=filters,
        path=path,
        next_url=address(path, {**filters, "after": found.after}) if found.after else "",
        first_url=address(path, filters) if after else "",
        export_url=address(f"{path}.csv", filters),
        clear_url=path if any(filters.values()) else "",
    )


def file(request: Request[Any, Any, Any], name: str, listing: Listing, clauses: Sequence[Clause]) -> Stream:
    """The whole list as a file named `name`."""
    headings = [text.gettext(column.heading) for column in listing.columns]
    return web.csv(request, name, listing.csv(clauses, headings))


def address(path: str, query: Mapping[str, str | None]) -> str:
    """`path` with those parts of `query` that say something."""
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path
