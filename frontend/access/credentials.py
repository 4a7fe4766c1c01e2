"""What a person gets in with: their sessions and API tokens, on their own pages and on the administrators'."""

from typing import Any

from litestar import Request, Response
from litestar.response import Stream

from backend.access import queries
from backend.access.rules import RIGHT_NAMES, Right
from backend.core import text
from frontend import lists, web
from frontend.access import words


async def sessions(request: Request[Any, Any, Any], user_id: int, base: str, **context: Any) -> Response[str]:
    """The sessions of a person; those of `base` can be ended."""
    viewer, filters = web.viewer(request), lists.asked(request, "state")
    found = await lists.shown(request, queries.SESSIONS, filters, lambda: queries.sessions(viewer, user_id, **filters))
    return web.page(
        request,
        "access/sessions.html",
        status=found.status,
        list=found,
        base=base,
        zone=viewer.time_zone,
        mine=viewer.session_id,
        browser=words.browser_name,
        **context,
    )


def sessions_file(request: Request[Any, Any, Any], user_id: int) -> Stream:
    """The sessions of a person as a file."""
    clauses = queries.sessions(web.viewer(request), user_id, **lists.asked(request, "state"))
    return lists.file(request, "sessions", queries.SESSIONS, clauses)


async def tokens(
    request: Request[Any, Any, Any], user_id: int, base: str, status: int = 200, **context: Any
) -> Response[str]:
    """The API tokens of a person; those of `base` can be ended."""
    viewer, filters = web.viewer(request), lists.asked(request, "state")
    found = await lists.shown(request, queries.TOKENS, filters, lambda: queries.tokens(viewer, user_id, **filters))
    return web.page(
        request,
        "access/tokens.html",
        status=max(status, found.status),
        list=found,
        base=base,
        zone=viewer.time_zone,
        right_names={right.value: text.gettext(RIGHT_NAMES[right]) for right in Right},
        **context,
    )


def tokens_file(request: Request[Any, Any, Any], user_id: int) -> Stream:
    """The API tokens of a person as a file."""
    clauses = queries.tokens(web.viewer(request), user_id, **lists.asked(request, "state"))
    return lists.file(request, "tokens", queries.TOKENS, clauses)
