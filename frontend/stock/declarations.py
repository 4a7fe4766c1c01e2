"""Declaration lines: the list with every term, and one line by lot and by warehouse, as the book stands or stood."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from backend.access.rules import Right, Viewer
from backend.core import clock, text
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause
from backend.stock import declarations, rules
from backend.stock.rules import NoSuchDeclarationLine
from frontend import lists, render, web
from frontend.stock import forms, scope

ROWS = 50
_FILTERS = ("owner", "declaration", "item", "at")
_WHICH = ("owner", "declaration", "line", "at")


@get("/declarations")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Every declaration line of the viewer's scope with what became of its goods."""
    viewer, filters = scope.reader(request), lists.asked(request, *_FILTERS)
    faults: list[Fault] = []
    at = _instant(viewer, filters["at"], faults)

    async def clauses() -> list[Clause]:
        if faults:
            raise Invalid(faults)
        return await declarations.clauses(viewer, filters)

    found = await lists.shown(request, declarations.listing(viewer, at), filters, clauses, ROWS)
    return web.page(
        request,
        "stock/declarations.html",
        status=found.status,
        list=found,
        at=at,
        zone=viewer.time_zone,
        terms=headings(),
        own=scope.has_one_owner(viewer),
        partial=declarations.is_partial(viewer),
    )


@get("/declarations.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """The whole list as a file."""
    viewer, filters = scope.reader(request), lists.asked(request, *_FILTERS)
    faults: list[Fault] = []
    at = _instant(viewer, filters["at"], faults)
    if faults:
        raise Invalid(faults)
    name = f"declaration-lines-{filters['at'][:10]}" if at else "declaration-lines"
    return lists.file(request, name, declarations.listing(viewer, at), await declarations.clauses(viewer, filters))


@get("/declarations/line")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """One declaration line."""
    viewer, asked = scope.reader(request), lists.asked(request, *_WHICH)
    faults: list[Fault] = []
    at = _instant(viewer, asked["at"], faults)
    statement = await declarations.statement(
        viewer, asked["declaration"], _line(asked), owner=asked["owner"], at=None if faults else at
    )
    return web.page(
        request,
        "stock/declaration.html",
        status=422 if faults else 200,
        wrong=[web.said(fault) for fault in faults],
        found=statement,
        asked=asked,
        zone=viewer.time_zone,
        terms=headings(),
        figures=[
            {"label": word, "value": render.number(getattr(statement.whole, name))} for name, word in headings().items()
        ],
        partial=declarations.is_partial(viewer),
        own=scope.has_one_owner(viewer),
        sees_clocks=viewer.may(Right.SEE_REGULATIONS) and not declarations.is_partial(viewer),
    )


def headings() -> dict[str, str]:
    """The terms in their order, each with its word."""
    return {name: text.gettext(declarations.HEADINGS[name]) for name in declarations.NAMES}


def _instant(viewer: Viewer, typed: str, faults: list[Fault]) -> datetime | None:
    """A past instant on the reader's clock; None is as the book stands."""
    at = forms.instant("at", typed, viewer.time_zone, faults)
    if at is not None:
        faults += rules.time_faults("at", at, clock.now())
    return at


def _line(asked: Mapping[str, str]) -> int:
    typed = asked["line"]
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 10):
        raise NoSuchDeclarationLine(declaration=asked["declaration"], line=typed)
    return int(typed)
