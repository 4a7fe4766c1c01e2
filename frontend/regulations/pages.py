"""The router of the rules' screens, and what everybody reads: the list of rules, and one rule."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import text
from backend.core.errors import Fault
from backend.core.text import N_, P_
from backend.regulations import editions, queries, rules, statements
from frontend import lists, render, web
from frontend.regulations import clocks, keeping, words

_FILTERS = ("text", "family", "status", "on")
ACT_NAMES = {
    "added": N_("Added"),
    "corrected": N_("Corrected"),
    "ended": P_("rule", "Ended"),
    "withdrawn": N_("Withdrawn"),
}


@get("/rules")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Every edition of every rule; `on` keeps those that a basis date falls under."""
    viewer = access_rules.require(request.user, Right.SEE_REGULATIONS)
    filters, faults = lists.asked(request, *_FILTERS), list[Fault]()
    day = statements.day("on", filters["on"], faults)
    found = queries.selected(await queries.editions(), filters["family"], filters["status"], day, filters["text"])
    return web.page(
        request,
        "regulations/rules.html",
        status=422 if faults else 200,
        wrong=[web.said(fault) for fault in faults],
        rows=[] if faults else [words.edition(each) for each in found],
        filters=filters,
        families=words.choices(editions.FAMILY_NAMES),
        statuses=words.choices(editions.STATUS_NAMES),
        keeps=viewer.may(Right.KEEP_REGULATIONS),
    )


@get("/rules/{rule_id:str}")
async def show(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> Response[str]:
    """One rule: its editions, their conditions in words, sources and history."""
    viewer = access_rules.require(request.user, Right.SEE_REGULATIONS)
    found = (await queries.editions()).of(rule_id)
    acts = await queries.history(rule_id)
    if not found and not acts:
        raise rules.NoSuchRule(rule=rule_id)
    history = [
        {
            "title": f"{text.gettext(ACT_NAMES[act['act']])} · {act['edition']}",
            "at": render.instant(act["recorded_at"], viewer.time_zone),
            "text": f"{act['note']} — {act['actor']}, {render.name(act['organisation_names'])}",
        }
        for act in acts
    ]
    return web.page(
        request,
        "regulations/rule.html",
        rule_id=rule_id,
        shown=[words.edition(each) for each in reversed(found)],
        history=history,
        keeps=viewer.may(Right.KEEP_REGULATIONS),
    )


router = Router(
    path="/regulations",
    route_handlers=[
        listed,
        show,
        keeping.show_new,
        keeping.add,
        keeping.show_correction,
        keeping.correct,
        keeping.show_end,
        keeping.end,
        clocks.listed,
        clocks.listed_file,
        clocks.show,
        clocks.state,
        clocks.free,
    ],
    include_in_schema=False,
)
