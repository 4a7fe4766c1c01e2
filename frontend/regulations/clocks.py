"""Clocks of declaration lines: the exporter's own lines, one line with what is still possible, and facts typed freely."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.regulations import actions, queries, rules, statements
from backend.regulations import facts as fact_words
from backend.regulations.editions import Editions
from backend.regulations.facts import FACTS
from backend.regulations.rules import LineFacts, ReturnFacts
from backend.stock import declarations
from backend.stock.rules import NoSuchDeclarationLine
from frontend import lists, render, web
from frontend.regulations import words
from frontend.render import Form
from frontend.stock import scope

ROWS = 50
_FILTERS = ("owner", "declaration", "item")
_WHICH = ("owner", "declaration", "line")
_RETURN = ("returned_on", "cause", "original_state", "home_area")
_CODES = ("9810", "9610", "9710", "1210")


@get("/clocks")
async def listed(request: Request[Any, Any, Any]) -> Response[Any]:
    """Declaration lines with the state of their clocks."""
    viewer = _reader(request)
    if not _has_lines(viewer):
        return web.redirect(request, "/regulations/clocks/free")
    filters = lists.asked(request, *_FILTERS)
    found = await lists.shown(request, queries.LINES, filters, lambda: queries.line_clauses(viewer, filters), ROWS)
    editions, today = await queries.editions(), queries.today()
    shown = [
        {
            "row": row,
            "href": line_path(row["owner"], row["declaration_no"], row["declaration_line"]),
            "clocks": [words.clock(each) for each in rules.clocks(editions, queries.line_facts(row), today)],
        }
        for row in found.rows
    ]
    return web.page(
        request, "regulations/clocks.html", status=found.status, list=found, rows=shown, own=scope.has_one_owner(viewer)
    )


@get("/clocks.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """Declaration lines as a file."""
    viewer = _reader(request)
    clauses = await queries.line_clauses(viewer, lists.asked(request, *_FILTERS))
    return lists.file(request, "declaration-lines", queries.LINES, clauses)


@get("/clocks/line")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """One line: its five clocks, what a return may expect, every rule that concerns it."""
    viewer, asked = _reader(request), lists.asked(request, *_WHICH)
    line = await queries.line(viewer, asked["declaration"], _number(asked), asked["owner"])
    return await _line_page(request, viewer, line)


@post("/clocks/line")
async def state(request: Request[Any, Any, Any]) -> Response[Any]:
    """State what is known of a line."""
    viewer, typed = access_rules.require(request.user, Right.STATE_DECLARATIONS), await web.form(request)
    line = await queries.line(viewer, typed.get("declaration", ""), _number(typed))
    try:
        made = await actions.state_declaration_facts(
            viewer, line.declaration_no, line.declaration_line, _revision(typed), typed
        )
    except (Invalid, Conflict) as refusal:
        form = web.form_from(typed, refusal)
        return await _line_page(request, viewer, line, form, 422 if isinstance(refusal, Invalid) else 409)
    path = line_path(made.owner, made.declaration_no, made.declaration_line)
    return web.redirect(request, path, flash=("ok", text.gettext("The facts of this line are kept.")))


@get("/clocks/free")
async def free(request: Request[Any, Any, Any]) -> Response[str]:
    """Facts typed freely, and what the rules say of them. Nothing is kept."""
    _reader(request)
    names = (*statements.DAYS, *statements.CODES, *statements.FLAGS, *fact_words.ANSWERS, *_RETURN, "value_cny")
    asked, faults = lists.asked(request, *names), list[Fault]()
    line = statements.what_if(asked, faults)
    answer = None
    if any(asked.values()) and not faults:
        answer = await _answers(line, asked, faults)
    form = web.form_from(asked, Invalid(faults) if faults else None)
    return web.page(
        request,
        "regulations/free.html",
        status=422 if faults else 200,
        form=form,
        answer=None if faults else answer,
        codes=[(code, code) for code in _CODES],
        yes_or_no=yes_or_no(),
        days=[(name, text.gettext(FACTS[name].label)) for name in statements.DAYS],
        questions=[(name, text.gettext(FACTS[name].label)) for name in fact_words.ANSWERS],
        causes=words.choices(fact_words.CAUSES),
        today=queries.today(),
    )


def line_path(owner: str, declaration_no: str, declaration_line: int) -> str:
    """The address of a line's clocks."""
    query = urlencode({"owner": owner, "declaration": declaration_no, "line": declaration_line})
    return f"/regulations/clocks/line?{query}"


def yes_or_no() -> list[tuple[str, str]]:
    """The answers to a question of fact."""
    return [("yes", text.gettext("Yes")), ("no", text.gettext("No"))]


async def _line_page(
    request: Request[Any, Any, Any], viewer: Viewer, line: queries.Line, form: Form | None = None, status: int = 200
) -> Response[str]:
    asked, faults = lists.asked(request, *_RETURN), list[Fault]()
    if not any(asked.values()):
        asked |= {"returned_on": queries.today().isoformat(), "cause": "unsold", "original_state": "yes"}
        asked["home_area"] = line.facts.customs_area or ""
    answer = await _answers(line.facts, asked, faults)
    statement = await declarations.statement(viewer, line.declaration_no, line.declaration_line, owner=line.owner)
    states = viewer.may(Right.STATE_DECLARATIONS) and viewer.kind is Kind.EXPORTER
    return web.page(
        request,
        "regulations/line.html",
        status=422 if faults and status == 200 else status,
        line=line,
        known=_known(line.facts),
        answer=answer,
        on_hand=statement.whole.on_hand,
        what_if=web.form_from(asked, Invalid(faults) if faults else None, "w"),
        form=form or Form(_stated(line)),
        states=states,
        yes_or_no=yes_or_no(),
        causes=words.choices(fact_words.CAUSES),
        days=[(name, text.gettext(FACTS[name].label)) for name in statements.DAYS],
        today=queries.today(),
    )


async def _answers(line: LineFacts, asked: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    """What the rules say: the clocks, a return as `asked` (if it is complete), the other rules."""
    editions = await queries.editions()
    today = queries.today()
    return {
        "clocks": [words.clock(each) for each in rules.clocks(editions, line, today)],
        "outcome": _outcome(editions, line, asked, faults, today),
        "others": words.findings(rules.judge_line(editions, line)),
        "today": today,
    }


def _outcome(
    editions: Editions, line: LineFacts, asked: Mapping[str, str], faults: list[Fault], today: date
) -> dict[str, Any] | None:
    returned_on = statements.day("returned_on", asked["returned_on"], faults) or today
    cause = statements.cause(asked["cause"] or "unsold", faults)
    original_state = statements.flag("original_state", asked["original_state"], faults)
    home_area = statements.code("home_area", asked["home_area"], faults)
    if faults:
        return None
    facts = ReturnFacts(
        line=line,
        returned_on=returned_on,
        cause="return" if cause == "return" else "unsold",
        original_state=original_state,
        home_area=home_area,
    )
    shown = words.outcome(rules.judge_return(editions, facts))
    return {**shown, "returned_on": returned_on}


def _known(line: LineFacts) -> list[tuple[str, str | None]]:
    """What is known of a line, label and value."""
    days = [(name, getattr(line, name)) for name in statements.DAYS]
    flags = [(name, getattr(line, name)) for name in statements.FLAGS]
    words_of, code = dict(yes_or_no()), FACTS["supervision_code"]
    return [
        (text.gettext(code.label), line.supervision_code),
        (text.gettext(N_("Customs district of the export")), line.customs_area),
        *((text.gettext(FACTS[name].label), render.day(day) if day else None) for name, day in days),
        *(
            (text.gettext(FACTS[name].label), None if flag is None else words_of["yes" if flag else "no"])
            for name, flag in flags
        ),
    ]


def _stated(line: queries.Line) -> dict[str, str]:
    values = {}
    for name, value in line.stated.items():
        if isinstance(value, bool):
            values[name] = "yes" if value else "no"
        elif isinstance(value, date):
            values[name] = value.isoformat()
        else:
            values[name] = value or ""
    return {**values, "revision": str(line.revision)}


def _number(asked: Mapping[str, str]) -> int:
    typed = asked.get("line", "")
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 10):
        raise NoSuchDeclarationLine(declaration=asked.get("declaration", ""), line=typed)
    return int(typed)


def _revision(typed: Mapping[str, str]) -> int:
    number = typed.get("revision", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Conflict
    return int(number)


def _reader(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.SEE_REGULATIONS)


def _has_lines(viewer: Viewer) -> bool:
    """Whether the viewer has declaration lines of its own, or sees everybody's."""
    return viewer.kind is Kind.EXPORTER or access_rules.sees_everything(viewer)
