"""The router of the monitor's screens: the zone in figures, and what is due."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, text
from backend.core.errors import Invalid
from backend.core.listing import BOM
from backend.core.text import N_, P_
from backend.messages import actions as messages
from backend.monitor import queries, reconciliation, rules
from backend.monitor.rules import Dimension, Figure, Wrong
from backend.stages import queries as stages_queries
from backend.stages import rules as stages_rules
from backend.stock import rules as stock_rules
from frontend import lists, render, web
from frontend.monitor import words
from frontend.stock import scope

MOST_POINTS = 12
MOST_RUNS = 40


class Point(msgspec.Struct, frozen=True):
    """A figure as it is shown: its word, its code, and the list behind it."""

    figure: Figure
    name: str
    code: str
    href: str


@get("/monitor")
async def zone(request: Request[Any, Any, Any]) -> Response[str]:
    """The whole zone: what is open along every dimension. Two queries: the figures, the warehouses to choose from."""
    viewer = access_rules.require(request.user, Right.SEE_MONITOR)
    filters = lists.asked(request, *queries.FIGURE_FILTERS)
    wrong: tuple[str, ...] = ()
    found: Mapping[Dimension, Sequence[Figure]] = {dimension: [] for dimension in Dimension}
    try:
        found = await queries.figures(viewer, filters)
    except Invalid as refusal:
        wrong = tuple(web.said(fault) for fault in refusal.faults)
    points = {dimension: [_point(each, filters) for each in figures] for dimension, figures in found.items()}
    return web.page(
        request,
        "monitor/zone.html",
        status=422 if wrong else 200,
        wrong=wrong,
        filters=filters,
        clear_url="/monitor" if any(filters.values()) else "",
        all=next(iter(found[Dimension.ALL]), None),
        points=points,
        titles={each.value: text.gettext(rules.DIMENSION_NAMES[each]) for each in Dimension},
        most=MOST_POINTS,
        ages=words.ages(),
        subjects=words.subjects(),
        turns=words.turns(),
        stages=words.stage_choices(filters["subject"]),
        warehouses=scope.choices(await scope.warehouses(viewer)),
        due_url=lists.address("/monitor/due", filters),
        standing_urls={
            each.value: lists.address("/monitor/due", {**filters, "standing": each.value})
            for each in stages_rules.Standing
        },
        reasons=words.reasons_to_choose(),
        export_url=lists.address("/monitor/figures.csv", filters),
        now=clock.now(),
    )


def _point(figure: Figure, filters: Mapping[str, str]) -> Point:
    own = {"stage": {"subject": figure.subject, "stage": figure.key}}.get(
        figure.dimension.value, {figure.dimension.value: figure.key}
    )
    href = (
        lists.address("/monitor/due", {**filters, **own}) if figure.dimension is not Dimension.ALL else "/monitor/due"
    )
    return Point(figure, name_of(figure), figure.key if figure.names else "", href if figure.key else "")


def name_of(figure: Figure) -> str:
    """What a point of a dimension is called."""
    if figure.dimension is Dimension.STAGE:
        return words.stage(figure.subject, figure.key)
    if figure.dimension is Dimension.REASON:
        return words.reason(figure.key)
    return render.name(figure.names) or figure.key


_HEADINGS = (
    *(N_("Counted by"), N_("Kind"), N_("Code"), N_("Name"), N_("Whose turn"), P_("documents", "Open"), N_("Overdue")),
    N_("Due within a day"),
)


@get("/monitor/figures.csv")
async def figures_file(request: Request[Any, Any, Any]) -> Stream:
    """All figures as a file."""
    viewer = access_rules.require(request.user, Right.SEE_MONITOR)
    found = await queries.figures(viewer, lists.asked(request, *queries.FIGURE_FILTERS))

    subjects, turns = words.subjects(), words.turns()

    async def rows() -> AsyncIterator[bytes]:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([text.gettext(each) for each in _HEADINGS] + list(words.ages().values()))
        for dimension, figures in found.items():
            for each in figures:
                writer.writerow(
                    [
                        text.gettext(rules.DIMENSION_NAMES[dimension]),
                        subjects.get(each.subject, each.subject),
                        _plain(each.key),
                        _plain(name_of(each)),
                        turns.get(each.turn, each.turn),
                        each.open,
                        each.overdue,
                        each.soon,
                        *each.ages,
                    ]
                )
        yield BOM + out.getvalue().encode()

    return web.csv(request, "monitor", rows())


def _plain(value: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


@get("/monitor/due")
async def due(request: Request[Any, Any, Any]) -> Response[str]:
    """What is open in the viewer's scope, the first due first."""
    viewer, filters = _reader(request), lists.asked(request, *queries.DUE_FILTERS)
    found = await lists.shown(request, stages_queries.OPEN, filters, lambda: queries.due_clauses(viewer, filters))
    counts = await queries.standings(viewer)
    return web.page(
        request,
        "monitor/due.html",
        status=found.status,
        list=found,
        rows=[words.open_stage(row) for row in found.rows],
        own=scope.has_one_owner(viewer),
        sees_zone=viewer.may(Right.SEE_MONITOR),
        tabs=[
            (text.gettext(N_("Everything open")), _tab(filters, ""), not filters["standing"], sum(counts.values())),
            *(
                (word[1], _tab(filters, name), filters["standing"] == name, counts[stages_rules.Standing(name)])
                for name, word in words.standings().items()
            ),
        ],
        subjects=words.subjects(),
        turns=words.turns(),
        stages=words.stage_choices(filters["subject"]),
        standings=words.standings(),
        reasons=words.reasons_to_choose(),
        ages=words.ages(),
        warehouses=scope.choices(await scope.warehouses(viewer)),
    )


@get("/monitor/due.csv")
async def due_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    viewer = _reader(request)
    clauses = queries.due_clauses(viewer, lists.asked(request, *queries.DUE_FILTERS))
    return lists.file(request, "due", stages_queries.OPEN, clauses)


def _reader(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.SEE_RETURNS)


def _tab(filters: Mapping[str, str], standing: str) -> str:
    """The list of one standing; its counts are those of everything in view, so other filters end here."""
    return lists.address("/monitor/due", {"standing": standing})


@get("/monitor/reconciliation")
async def orphans(request: Request[Any, Any, Any]) -> Response[str]:
    """What does not fit between rooms and ledger, and the days that were paired."""
    viewer, filters = _reader(request), lists.asked(request, *reconciliation.ORPHAN_FILTERS)
    found = await lists.shown(
        request, reconciliation.ORPHANS, filters, lambda: reconciliation.orphan_clauses(viewer, filters)
    )
    runs: Sequence[lists.Row] = []
    if not found.wrong:
        page = await reconciliation.RUNS.page(reconciliation.run_clauses(viewer, filters), limit=MOST_RUNS)
        runs = page.rows
    return web.page(
        request,
        "monitor/reconciliation.html",
        status=found.status,
        list=found,
        rows=[_orphan(row) for row in found.rows],
        runs=runs,
        own=scope.has_one_owner(viewer),
        wrongs=words.wrongs(),
        effects=words.effects(),
        subjects=words.subjects(),
        warehouses=scope.choices(await scope.warehouses(viewer)),
    )


@get("/monitor/reconciliation.csv")
async def orphans_file(request: Request[Any, Any, Any]) -> Stream:
    """What does not fit, as a file."""
    viewer = _reader(request)
    clauses = reconciliation.orphan_clauses(viewer, lists.asked(request, *reconciliation.ORPHAN_FILTERS))
    return lists.file(request, "orphans", reconciliation.ORPHANS, clauses)


@get("/monitor/reconciliation/days.csv")
async def runs_file(request: Request[Any, Any, Any]) -> Stream:
    """The days that were paired, as a file."""
    viewer = _reader(request)
    clauses = reconciliation.run_clauses(viewer, lists.asked(request, *reconciliation.RUN_FILTERS))
    return lists.file(request, "reconciliation", reconciliation.RUNS, clauses)


def _orphan(row: lists.Row) -> dict[str, Any]:
    """An orphan with the addresses of both sides."""
    document = row["document"]
    return {
        **row,
        "href": messages.path_of(row["subject"], row["subject_id"]),
        "document_href": f"/stock/documents/{row['warehouse_id']}/{document}"
        if document and row["wrong"] != Wrong.NO_DOCUMENT
        else "",
        "reason_name": text.gettext(stock_rules.REASON_NAMES[stock_rules.Reason(row["reason"])])
        if row["reason"]
        else "",
    }


router = Router(
    path="/",
    route_handlers=[zone, figures_file, due, due_file, orphans, orphans_file, runs_file],
    include_in_schema=False,
)
