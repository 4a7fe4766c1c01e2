"""The monitor for machines: figures of the zone, and the list of what is open and due."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get
from litestar.params import FromQuery, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.monitor import queries, reconciliation
from backend.monitor.rules import Age
from backend.stages import queries as stages_queries

JSON = "application/json"
After = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="Place in the list, from `after` of the page before."),
]
Limit = Annotated[int, QueryParameter(name="limit", required=False, description="Rows on a page, 1 to 500.")]


class Count(msgspec.Struct):
    """How many documents are open at one point of a dimension; `ages` by class of days."""

    dimension: str
    key: str
    subject: str
    turn: str
    open: int
    overdue: int
    soon: int
    ages: dict[str, int]
    oldest: datetime | None


@get(
    "/monitor/figures",
    tags=["Monitor"],
    summary="Open stages of the whole zone, counted",
    description="One entry for each stage, warehouse, exporter, reason and supervision code, and one for all together.",
)
async def figures(
    request: Request[Any, Any, Any],
    subject: FromQuery[str] = "",
    stage: FromQuery[str] = "",
    turn: FromQuery[str] = "",
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    reason: FromQuery[str] = "",
    supervision: FromQuery[str] = "",
) -> list[Count]:
    """What is open, by every dimension."""
    viewer = access_rules.require(request.user, Right.SEE_MONITOR)
    asked = (subject, stage, turn, warehouse, owner, reason, supervision)
    found = await queries.figures(viewer, dict(zip(queries.FIGURE_FILTERS, asked, strict=True)))
    return [
        Count(
            each.dimension,
            each.key,
            each.subject,
            each.turn,
            each.open,
            each.overdue,
            each.soon,
            dict(zip((age.value for age in Age), each.ages, strict=True)),
            each.oldest,
        )
        for points in found.values()
        for each in points
    ]


@get(
    "/monitor/stages",
    media_type=JSON,
    tags=["Monitor"],
    summary="What is open, the first due first",
    description="A page of rows, each an object, and `after`, the place where the next page begins (null at the end).",
)
async def stages(
    request: Request[Any, Any, Any],
    subject: FromQuery[str] = "",
    stage: FromQuery[str] = "",
    turn: FromQuery[str] = "",
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    reason: FromQuery[str] = "",
    supervision: FromQuery[str] = "",
    standing: FromQuery[str] = "",
    age: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Open stages in the viewer's scope."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    asked = (subject, stage, turn, warehouse, owner, reason, supervision, standing, age)
    clauses = queries.due_clauses(viewer, dict(zip(queries.DUE_FILTERS, asked, strict=True)))
    return await stages_queries.OPEN.json_page(clauses, after=after, limit=limit)


@get(
    "/monitor/reconciliation",
    media_type=JSON,
    tags=["Monitor"],
    summary="Days that were paired with the ledger",
    description="A page of rows, each an object, and `after`, the place where the next page begins (null at the end).",
)
async def runs(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    day: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Pairings in the viewer's scope, the latest first."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    clauses = reconciliation.run_clauses(viewer, {"warehouse": warehouse, "day": day})
    return await reconciliation.RUNS.json_page(clauses, after=after, limit=limit)


@get(
    "/monitor/orphans",
    media_type=JSON,
    tags=["Monitor"],
    summary="What does not fit between rooms and ledger",
    description="As the latest pairing of each day found it; `history` yes: what earlier ones found as well.",
)
async def orphans(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    day: FromQuery[str] = "",
    wrong: FromQuery[str] = "",
    effect: FromQuery[str] = "",
    subject: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    number: FromQuery[str] = "",
    history: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Entries in the viewer's scope, the latest first."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    asked = (warehouse, day, wrong, effect, subject, owner, number, history)
    clauses = reconciliation.orphan_clauses(viewer, dict(zip(reconciliation.ORPHAN_FILTERS, asked, strict=True)))
    return await reconciliation.ORPHANS.json_page(clauses, after=after, limit=limit)


router = Router(path="/api/v1", route_handlers=[figures, stages, runs, orphans])
