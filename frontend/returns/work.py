"""The worklists of returned goods: returns to receive, units to grade, to decide, to carry out; each as a page and a file."""

from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.returns import units
from backend.returns.rules import Disposition, Grade
from backend.returns.units import Queue
from frontend import lists, web
from frontend.returns import unit_words, words
from frontend.stock import scope


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see returns."""
    return access_rules.require(request.user, Right.SEE_RETURNS)


@get("/to-receive")
async def to_receive(request: Request[Any, Any, Any]) -> Response[str]:
    """Returns that are expected or being received, those that are due first."""
    viewer, filters = reader(request), lists.asked(request, *units.EXPECTED_FILTERS)
    found = await lists.shown(request, units.EXPECTED, filters, lambda: units.expected_clauses(viewer, filters))
    return web.page(
        request,
        "returns/to_receive.html",
        status=found.status,
        list=found,
        tabs=await unit_words.tabs(viewer, "receive"),
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        kinds=words.kinds(),
        reasons=dict(words.every_reason()),
        stages={name: shown for name, shown in words.stages().items() if name in ("booked", "receiving")},
        handles=viewer.may(Right.HANDLE_RETURNS) and bool(viewer.warehouse_ids),
    )


@get("/to-receive.csv")
async def to_receive_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    viewer = reader(request)
    clauses = await units.expected_clauses(viewer, lists.asked(request, *units.EXPECTED_FILTERS))
    return lists.file(request, "to-receive", units.EXPECTED, clauses)


@get("/to-grade")
async def to_grade(request: Request[Any, Any, Any]) -> Response[str]:
    """Units that wait to be graded, or to be looked at again."""
    return await _units(request, Queue.GRADE, "grade")


@get("/to-decide")
async def to_decide(request: Request[Any, Any, Any]) -> Response[str]:
    """Units that wait for their owner's decision."""
    return await _units(request, Queue.DECIDE, "decide")


@get("/to-carry-out")
async def to_carry_out(request: Request[Any, Any, Any]) -> Response[str]:
    """Units whose decision is to be carried out."""
    return await _units(request, Queue.CARRY_OUT, "carry_out")


@get("/to-grade.csv")
async def to_grade_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    return await _file(request, Queue.GRADE)


@get("/to-decide.csv")
async def to_decide_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    return await _file(request, Queue.DECIDE)


@get("/to-carry-out.csv")
async def to_carry_out_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    return await _file(request, Queue.CARRY_OUT)


async def _units(request: Request[Any, Any, Any], queue: Queue, tab: str) -> Response[str]:
    """A worklist: three queries (the rows, how much waits, the warehouses to choose from) and one for each code asked for."""
    viewer, filters = reader(request), lists.asked(request, *units.UNIT_FILTERS)
    found = await lists.shown(request, units.UNITS, filters, lambda: units.unit_clauses(viewer, queue, filters))
    handles = viewer.may(Right.HANDLE_RETURNS) and bool(viewer.warehouse_ids)
    action = {Queue.GRADE: "/returns/grade", Queue.DECIDE: "/returns/decide", Queue.CARRY_OUT: "/returns/carry-out"}
    may = viewer.may(Right.DECIDE_RETURNS) if queue is Queue.DECIDE else handles
    return web.page(
        request,
        "returns/to_do.html",
        status=found.status,
        list=found,
        queue=queue.value,
        tabs=await unit_words.tabs(viewer, tab),
        action=action[queue] if may else "",
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        states=unit_words.states(),
        grades=unit_words.grades(),
        grade_choices=[(grade.value, grade.value) for grade in Grade],
        dispositions=unit_words.dispositions(),
        send_home=Disposition.SEND_HOME.value,
    )


async def _file(request: Request[Any, Any, Any], queue: Queue) -> Stream:
    viewer = reader(request)
    clauses = await units.unit_clauses(viewer, queue, lists.asked(request, *units.UNIT_FILTERS))
    return lists.file(request, f"to-{queue.value}", units.UNITS, clauses)
