"""What an exporter agrees beforehand: days to decide, and what becomes of each grade when they are over."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import text
from backend.core.errors import Conflict, Invalid
from backend.core.listing import Clause
from backend.returns import defaults as agreements
from backend.returns import rules, terms
from backend.returns.rules import Grade
from frontend import lists, web
from frontend.render import Form
from frontend.stock import forms, scope

_FILTERS = ("owner", "history")


def _reader(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.SEE_RETURNS)


@get("/terms")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """An exporter's own terms with their history; others see those of the exporters they work for."""
    return await _page(request, None)


@get("/terms.csv")
async def file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    viewer = _reader(request)
    return lists.file(request, "terms", terms.TERMS, _clauses(viewer, lists.asked(request, *_FILTERS)))


@post("/terms")
async def agree(request: Request[Any, Any, Any]) -> Response[Any]:
    """Agree new terms."""
    viewer, typed = _reader(request), await forms.read(request)
    chosen = {grade.value: typed.get(f"default_{grade}", "") for grade in Grade}
    try:
        await terms.agree(viewer, typed.get("decide_days", ""), chosen, seen=typed.get("seen"))
    except (Invalid, Conflict) as refusal:
        if isinstance(refusal, agreements.TermsChanged):
            now = await terms.current(viewer.organisation_id)
            typed = {**typed, "seen": str(now.id) if now else ""}
        return await _page(request, forms.again(typed, refusal), forms.status_of(refusal))
    said = text.gettext("Your terms are agreed. They hold for decisions that are due from now on.")
    return web.redirect(request, "/returns/terms", flash=("ok", said))


def _clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """An exporter always sees how its own terms came about."""
    return terms.clauses(viewer, {**filters, "history": "yes"} if viewer.kind is Kind.EXPORTER else filters)


async def _page(request: Request[Any, Any, Any], form: Form | None, status: int = 200) -> Response[str]:
    viewer = _reader(request)
    filters = lists.asked(request, *_FILTERS)
    found = await lists.shown(request, terms.TERMS, filters, lambda: _clauses(viewer, filters))
    agrees = viewer.kind is Kind.EXPORTER and viewer.may(Right.DECIDE_RETURNS)
    own = await terms.current(viewer.organisation_id) if viewer.kind is Kind.EXPORTER else None
    return web.page(
        request,
        "returns/terms.html",
        status=max(status, found.status),
        list=found,
        own=scope.has_one_owner(viewer),
        holds=own,
        agrees=agrees,
        form=form or Form(_typed(own)),
        choices={
            grade.value: [
                (each.value, text.gettext(rules.DISPOSITION_NAMES[each])) for each in agreements.POSSIBLE[grade]
            ]
            for grade in Grade
        },
        dispositions={each.value: text.gettext(name) for each, name in rules.DISPOSITION_NAMES.items()},
        zone=viewer.time_zone,
        most=agreements.MOST_DAYS,
    )


def _typed(own: terms.Terms | None) -> dict[str, str]:
    """The form as it begins: what holds now."""
    if own is None:
        return {"seen": "", "decide_days": str(agreements.USUAL_DAYS)}
    chosen = {f"default_{grade}": disposition.value for grade, disposition in own.agreement.defaults.items()}
    return {"seen": str(own.id), "decide_days": str(own.agreement.decide_days), **chosen}
