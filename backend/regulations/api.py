"""Rules and clocks for machines. The shapes here are a contract: they are added to, never changed."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.regulations import queries, rules, speech, statements, writing
from backend.regulations.editions import Edition, Family, Status
from backend.regulations.evaluation import Finding
from backend.regulations.facts import ANSWERS
from backend.regulations.rules import Clock, LineFacts, Outcome, ReturnFacts

_SOURCE_FIELDS = ("id", "grade", "act", "address")


class WhatIfLine(msgspec.Struct, forbid_unknown_fields=True):
    """What is known of a declaration line; whatever is left out is not known. `answers`: yes-or-no facts by name."""

    supervision_code: str | None = None
    exported_on: date | None = None
    released_on: date | None = None
    left_area_on: date | None = None
    settled_on: date | None = None
    sold_on: date | None = None
    filed_on: date | None = None
    accounted_on: date | None = None
    evidence_on: date | None = None
    customs_area: str | None = None
    is_food: bool | None = None
    refund_taken: bool | None = None
    value_cny: Decimal | None = None
    answers: dict[str, bool] = {}


class WhatIfReturn(msgspec.Struct, forbid_unknown_fields=True):
    """A return to be judged. `cause` is unsold or return; `home_area` the customs district of the re-entry."""

    line: WhatIfLine
    returned_on: date
    cause: str
    original_state: bool | None = None
    home_area: str | None = None


@get(
    "/regulations/rules",
    tags=["Rules"],
    summary="Rules",
    description="Every edition of every rule, in the form in which the rule files are written. `on` keeps those that a "
    "basis date falls under.",
)
async def listed(
    request: Request[Any, Any, Any],
    family: FromQuery[str] = "",
    standing: Annotated[str, QueryParameter(name="status", required=False, description="live, ended or check.")] = "",
    on: Annotated[str, QueryParameter(name="on", required=False, description="A basis date, like 2026-11-23.")] = "",
) -> dict[str, Any]:
    """Rules."""
    access_rules.require(request.user, Right.SEE_REGULATIONS)
    faults: list[Fault] = []
    _one_of("family", family, list(Family), faults)
    _one_of("status", standing, list(Status), faults)
    day = statements.day("on", on, faults)
    if faults:
        raise Invalid(faults)
    found = queries.selected(await queries.editions(), family, standing, day)
    return {"rows": [_edition(each) for each in found], "after": None}


@get("/regulations/rules/{rule_id:str}", tags=["Rules"], summary="One rule with its editions")
async def one(request: Request[Any, Any, Any], rule_id: FromPath[str]) -> dict[str, Any]:
    """One rule."""
    access_rules.require(request.user, Right.SEE_REGULATIONS)
    found = (await queries.editions()).of(rule_id)
    if not found:
        raise rules.NoSuchRule(rule=rule_id)
    return {"rule": rule_id, "editions": [_edition(each) for each in found]}


@post(
    "/regulations/judge",
    status_code=200,
    tags=["Rules"],
    summary="Judge a return",
    description="Whether goods of a line may come back, and whether free of duty and tax: what if. Nothing is kept. "
    "`person` means that a fact is missing, a rule is marked check, or no rule covers the date.",
)
async def judge(request: Request[Any, Any, Any], data: JSONBody[WhatIfReturn]) -> dict[str, Any]:
    """Judge a return."""
    access_rules.require(request.user, Right.SEE_REGULATIONS)
    faults: list[Fault] = []
    statements.cause(data.cause, faults)
    statements.code("home_area", data.home_area or "", faults)
    for field in statements.CODES:
        statements.code(field, getattr(data.line, field) or "", faults)
    for name in data.line.answers.keys() - set(ANSWERS):
        sentence = N_("“%(value)s” is not a question that can be answered here. Choose one of: %(choices)s.")
        faults.append(Fault("line.answers", name, sentence, {"value": name, "choices": list(ANSWERS)}))
    if faults:
        raise Invalid(faults)
    line = msgspec.convert(msgspec.to_builtins(data.line), LineFacts)
    facts = ReturnFacts(
        line=line,
        returned_on=data.returned_on,
        cause="unsold" if data.cause == "unsold" else "return",
        original_state=data.original_state,
        home_area=data.home_area,
    )
    return _outcome(rules.judge_return(await queries.editions(), facts))


@get(
    "/regulations/clocks",
    tags=["Rules"],
    summary="Clocks of a declaration line",
    description="The five legal clocks of one of your own declaration lines as they stand on a day (today in China).",
)
async def clocks(
    request: Request[Any, Any, Any],
    declaration: FromQuery[str],
    line: FromQuery[int],
    owner: FromQuery[str] = "",
    on: Annotated[str, QueryParameter(name="on", required=False, description="A day, like 2026-11-23.")] = "",
) -> dict[str, Any]:
    """Clocks of a declaration line."""
    viewer = access_rules.require(request.user, Right.SEE_REGULATIONS)
    faults: list[Fault] = []
    day = statements.day("on", on, faults) or queries.today()
    if faults:
        raise Invalid(faults)
    found = await queries.line(viewer, declaration, line, owner)
    editions = await queries.editions()
    return {
        "owner": found.owner,
        "declaration": found.declaration_no,
        "line": found.declaration_line,
        "on": day,
        "facts": msgspec.to_builtins(found.facts),
        "clocks": [_clock(each) for each in rules.clocks(editions, found.facts, day)],
    }


def _one_of(field: str, value: str, choices: list[Any], faults: list[Fault]) -> None:
    if value and value not in choices:
        sentence = N_("“%(value)s” is not possible here. Choose one of: %(choices)s.")
        faults.append(Fault(field, value, sentence, {"value": value, "choices": list(choices)}))


def _edition(edition: Edition) -> dict[str, Any]:
    return {"edition": edition.name, "needs_person": edition.is_doubtful, **writing.raw_of(edition)}


def _source(found: Any) -> dict[str, str] | None:
    return {name: getattr(found, name) for name in _SOURCE_FIELDS} if found else None


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "rule": found.rule_id,
        "edition": found.edition or None,
        "title": found.titles,
        "verdict": found.verdict.value,
        "effect": found.effect.value if found.effect else None,
        "sentence": speech.finding(found),
        "reasons": [speech.say(each) for each in found.reasons],
        "basis": found.basis,
        "basis_date": found.basis_day,
        "missing": list(found.missing),
        "notes": [speech.say(each) for each in found.notes],
        "doubts": list(found.doubts),
        "needs_person": found.needs_person,
        "source": _source(found.source),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "customs": outcome.customs.value,
        "tax": outcome.tax.value,
        "needs_person": outcome.needs_person,
        "missing": list(outcome.missing),
        "documents": list(outcome.documents),
        "duties": [speech.say(each) for each in outcome.duties],
        "gaps": [speech.say(each) for each in outcome.gaps],
        "findings": [_finding(each) for each in outcome.findings],
    }


def _clock(found: Clock) -> dict[str, Any]:
    return {
        "clock": found.name,
        "state": found.state.value,
        "starts_on": found.starts_on,
        "ends_on": found.ends_on,
        "remaining_days": found.remaining_days,
        "warning_days": found.warning_days,
        "missing": found.missing or None,
        "rule": found.rule_id or None,
        "edition": found.edition or None,
        "needs_person": found.needs_person,
        "slow_on": found.slow_on,
        "is_slow": found.is_slow,
        "notes": [speech.say(each) for each in found.notes],
        "source": _source(found.source),
    }


router = Router(path="/api/v1", route_handlers=[listed, one, judge, clocks])
