"""How the lists of access are shown: rows, filters kept in the address, the way on, the file."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response
from litestar.response import Stream

from backend.access import queries
from backend.access.rules import RIGHT_NAMES, Right
from backend.core import text
from backend.core.listing import Clause, Listing
from frontend import web

_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class Shown(msgspec.Struct, frozen=True):
    """A page of a list: its rows, the filters it was asked with, and the addresses around it."""

    rows: Sequence[Mapping[str, Any]]
    filters: dict[str, str]
    next_url: str
    first_url: str
    export_url: str
    clear_url: str


def asked(request: Request[Any, Any, Any], *names: str) -> dict[str, str]:
    """The filters of these names as the address gives them; one that is absent is empty."""
    return {name: request.query_params.get(name, "").strip() for name in names}


async def shown(
    request: Request[Any, Any, Any], listing: Listing, clauses: Sequence[Clause], filters: dict[str, str]
) -> Shown:
    """The page that the address asks for."""
    path = request.url.path
    after = request.query_params.get("after", "")
    found = await listing.page(clauses, after=after or None)
    kept = {name: value for name, value in filters.items() if value}
    return Shown(
        rows=found.rows,
        filters=filters,
        next_url=_address(path, {**kept, "after": found.after}) if found.after else "",
        first_url=_address(path, kept) if after else "",
        export_url=_address(f"{path}.csv", kept),
        clear_url=path if kept else "",
    )


def file(request: Request[Any, Any, Any], name: str, listing: Listing, clauses: Sequence[Clause]) -> Stream:
    """The whole list as a file named `name`."""
    headings = [text.gettext(column.heading) for column in listing.columns]
    return web.csv(request, name, listing.csv(clauses, headings))


async def sessions(request: Request[Any, Any, Any], user_id: int, base: str, **context: Any) -> Response[str]:
    """The sessions of a person; those of `base` can be ended."""
    viewer, filters = web.viewer(request), asked(request, "state")
    found = await shown(request, queries.SESSIONS, queries.sessions(viewer, user_id, **filters), filters)
    return web.page(
        request,
        "access/sessions.html",
        list=found,
        base=base,
        zone=viewer.time_zone,
        mine=viewer.session_id,
        browser=browser_name,
        **context,
    )


def sessions_file(request: Request[Any, Any, Any], user_id: int) -> Stream:
    """The sessions of a person as a file."""
    clauses = queries.sessions(web.viewer(request), user_id, **asked(request, "state"))
    return file(request, "sessions", queries.SESSIONS, clauses)


async def tokens(
    request: Request[Any, Any, Any], user_id: int, base: str, status: int = 200, **context: Any
) -> Response[str]:
    """The API tokens of a person; those of `base` can be ended."""
    viewer, filters = web.viewer(request), asked(request, "state")
    found = await shown(request, queries.TOKENS, queries.tokens(viewer, user_id, **filters), filters)
    return web.page(
        request,
        "access/tokens.html",
        status=status,
        list=found,
        base=base,
        zone=viewer.time_zone,
        right_names={right.value: text.gettext(RIGHT_NAMES[right]) for right in Right},
        **context,
    )


def tokens_file(request: Request[Any, Any, Any], user_id: int) -> Stream:
    """The API tokens of a person as a file."""
    clauses = queries.tokens(web.viewer(request), user_id, **asked(request, "state"))
    return file(request, "tokens", queries.TOKENS, clauses)


def browser_name(user_agent: str) -> str:
    """A browser and its system as people call them, else what the browser says of itself."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return text.gettext("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or user_agent[:60] or text.gettext("Unknown browser")


def _address(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
