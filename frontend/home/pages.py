"""The overview of whoever is signed in, and the page where the API can be read and tried."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from litestar import Request, Response, Router, get
from litestar.response import Redirect

from backend.access.rules import Kind, Right, Viewer
from backend.core import text
from backend.core.text import N_
from backend.monitor import queries as monitor_queries
from backend.registry.rules import STATUS_NAMES, Status
from backend.stages import queries as stages_queries
from backend.stages.rules import Standing, Turn
from backend.stock import figures, rules
from backend.stock.figures import Figures
from backend.stock.rules import Reason
from frontend import lists, render, web
from frontend.monitor import words as monitor_words

MOST_WAREHOUSES, MOST_WAITING = 8, 6
# Whose turn a viewer's own is; the committee looks at everybody's.
_TURNS: Mapping[Kind, Turn] = {Kind.OPERATOR: Turn.OPERATOR, Kind.EXPORTER: Turn.OWNER}


class Step(NamedTuple):
    """One thing to do at the beginning; `right` is what following its link needs."""

    title: str
    why: str
    href: str
    right: Right | None = None


_BEGINNINGS: Mapping[Kind, tuple[Step, ...]] = {
    Kind.OPERATOR: (
        Step(
            N_("Enter your warehouse"),
            N_("Its name, address, time zone and capacity. The committee lists it when it is complete."),
            "/registry/warehouses",
        ),
        Step(
            N_("Add its locations"),
            N_("Docks and bins, one by one or a whole range at once. Goods always lie in a location."),
            "/registry/warehouses",
        ),
        Step(
            N_("Book the first receipt"),
            N_("By hand, from a file, or from your own system through the API."),
            "/stock/post?reason=RECEIPT",
            Right.POST_STOCK,
        ),
    ),
    Kind.EXPORTER: (
        Step(
            N_("Register your items"),
            N_("Code, names, customs data and barcodes. Operators book goods under these codes."),
            "/registry/items",
        ),
        Step(
            N_("Choose a warehouse"),
            N_("The directory shows where the network has room, and who operates it."),
            "/registry/warehouses",
        ),
        Step(
            N_("See your goods arrive"),
            N_("As soon as an operator books a receipt, stock and movements appear here."),
            "/stock/balances",
        ),
    ),
    Kind.COMMITTEE: (
        Step(
            N_("Bring in operators and exporters"),
            N_("Organisations, and the people who work for them."),
            "/access/organisations",
            Right.MANAGE_PEOPLE,
        ),
        Step(
            N_("List the first warehouses"),
            N_("Operators enter them; the committee checks and lists them."),
            "/registry/warehouses",
        ),
        Step(
            N_("Watch goods move"),
            N_("Every movement of the network appears here as soon as it is booked."),
            "/stock/movements",
        ),
    ),
}
_STATUS_KINDS = {Status.DRAFT: "neutral", Status.LISTED: "ok", Status.SUSPENDED: "warn", Status.CLOSED: "neutral"}


@get("/")
async def overview(request: Request[Any, Any, Any]) -> Response[Any]:
    """The overview; whoever is not signed in sees the public directory.

    Cost: one query for the latest documents (along their key, eight for each warehouse), two for what waits (along the
    index of what is open) and three for the figures, which are kept for 30 seconds for each scope
    (`backend/stock/figures.py`): counting is never paid for by each view.
    """
    if not isinstance(request.user, Viewer):
        return Redirect("/registry", status_code=303)
    viewer = request.user
    counted = await figures.figures(viewer)
    steps = _steps(viewer, counted)
    reasons = {int(reason): text.gettext(rules.REASON_NAMES[reason]) for reason in Reason}
    return web.page(
        request,
        "home/overview.html",
        counted=counted,
        kpis=_kpis(viewer, counted),
        warehouses=counted.warehouses[:MOST_WAREHOUSES],
        statuses={status.value: (_STATUS_KINDS[status], text.gettext(STATUS_NAMES[status])) for status in Status},
        documents=await figures.latest_documents(viewer),
        reasons=reasons,
        steps=steps,
        **await _waiting(viewer),
        zone=viewer.time_zone,
        posts=viewer.may(Right.POST_STOCK) and bool(viewer.warehouse_ids),
    )


@get("/api")
async def api(request: Request[Any, Any, Any]) -> Response[str]:
    """The calls of the API, to read and to try."""
    return web.page(request, "home/api.html")


def _kpis(viewer: Viewer, counted: Figures) -> list[dict[str, Any]]:
    """The key figures, already written."""
    label = N_("Warehouses with your goods") if viewer.kind is Kind.EXPORTER else N_("Warehouses")
    by_status = Counter(Status(each.status) for each in counted.warehouses)
    share = Decimal(counted.held) / counted.pieces if counted.pieces else Decimal(0)
    today = counted.movements[-1]
    return [
        {
            "label": text.gettext(label),
            "value": render.number(len(counted.warehouses)),
            "note": " · ".join(
                f"{text.gettext(STATUS_NAMES[each])} {render.number(by_status[each])}"
                for each in Status
                if by_status[each]
            ),
            "href": "/registry/warehouses",
        },
        {
            "label": text.gettext("Pieces on hand"),
            "value": render.number(counted.pieces),
            "note": text.gettext("counted %(ago)s", ago=render.ago(counted.counted_at)),
            "href": "/stock/balances",
        },
        {
            "label": text.gettext("Pieces held"),
            "value": render.number(counted.held),
            "note": text.gettext(
                "%(share)s of all pieces", share=render.percent(share, 1 if share >= Decimal("0.01") else 2)
            ),
            "href": "/stock/holds?state=live",
        },
        {
            "label": text.gettext("Live reservations"),
            "value": render.number(counted.reservations),
            "href": "/stock/reservations?state=live",
        },
        {
            "label": text.gettext("Movements in %(days)s days", days=len(counted.movements)),
            "value": render.number(sum(counted.movements)),
            "note": text.ngettext(
                "%(count)s of them today", "%(count)s of them today", today, count=render.number(today)
            ),
            "trend": counted.movements if any(counted.movements) else (),
            "href": "/stock/movements",
        },
    ]


async def _waiting(viewer: Viewer) -> dict[str, Any]:
    """What is open of returns, repairs and jobs and waits for the viewer: counted by how it stands, the first due first."""
    if not viewer.may(Right.SEE_RETURNS):
        return {"waiting": (), "standings": ()}
    turn = _TURNS.get(viewer.kind, "")
    counts = await monitor_queries.standings(viewer, turn)
    page = await stages_queries.OPEN.page(
        stages_queries.open_clauses(viewer, {"turn": turn} if turn else {"standing": Standing.OVERDUE}),
        limit=MOST_WAITING,
    )
    return {
        "waiting": [monitor_words.open_stage(row) for row in page.rows],
        "waiting_url": lists.address("/monitor/due", {"turn": turn} if turn else {"standing": Standing.OVERDUE}),
        "open_work": sum(counts.values()),
        "standings": [
            (kind, word, counts[Standing(name)], lists.address("/monitor/due", {"standing": name, "turn": turn}))
            for name, (kind, word) in monitor_words.standings().items()
        ],
        "subjects": monitor_words.subjects(),
        "standing_words": monitor_words.standings(),
    }


def _steps(viewer: Viewer, counted: Figures) -> list[dict[str, Any]]:
    """What a viewer who has only begun does next; empty as soon as goods have moved."""
    if counted.has_documents:
        return []
    has_warehouse = bool(counted.warehouses)
    is_listed = any(each.status == Status.LISTED for each in counted.warehouses)
    done = {
        Kind.OPERATOR: (has_warehouse, has_warehouse and counted.has_bins, False),
        Kind.EXPORTER: (counted.has_items, False, False),
        Kind.COMMITTEE: (has_warehouse or counted.has_items, is_listed, False),
    }[viewer.kind]
    first = done.index(False)
    return [
        {
            "title": text.gettext(step.title),
            "text": text.gettext(step.why),
            "state": "done" if done[number] else "now" if number == first else "todo",
            "href": step.href if step.right is None or viewer.may(step.right) else "",
        }
        for number, step in enumerate(_BEGINNINGS[viewer.kind])
    ]


router = Router(path="/", route_handlers=[overview, api], include_in_schema=False)
