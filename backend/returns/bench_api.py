"""The inspection bench for machines: checklists, grades, second looks, splits, how graders agree."""

import uuid
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import clock
from backend.core.errors import Fault, Invalid, told_as
from backend.core.text import N_
from backend.returns import checklists, grading, units
from backend.returns.api import JSON, After, IdempotencyKey, Limit
from backend.returns.grading import Look
from backend.returns.handling_shapes import LIST, ONCE, TAGS, ChosenUnits, UnitCodes, status

_USUAL_DAYS = timedelta(days=90)


class Inspected(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How identical units were found; see GET /returns/checklists for questions and answers, POST /files for photos."""

    units: list[str]
    answers: dict[str, str]
    grade: str
    photos: list[str]
    note: str = ""
    location: str = ""
    quantity: int | None = None


class NewInspections(msgspec.Struct, forbid_unknown_fields=True):
    """Units of one warehouse that were graded: all of them or none."""

    looks: list[Inspected]


class GradedUnits(msgspec.Struct):
    """The units that were graded and their inspections."""

    units: list[str]
    inspections: list[uuid.UUID]


class NewSplit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`quantity` pieces of a unit that has `of` become a unit of their own."""

    unit: str
    quantity: int
    of: int


class SplitUnit(msgspec.Struct):
    """The new unit."""

    unit: str


@get("/returns/checklists", tags=TAGS, summary="The published checklists and grades")
async def published(request: Request[Any, Any, Any]) -> checklists.Edition:
    """Classes of goods with their questions, answers and grades, in every language."""
    access_rules.require(request.user, Right.SEE_RETURNS)
    return checklists.edition()


@post("/returns/inspections", tags=TAGS, summary="Grade units", description=ONCE)
async def grade(
    request: Request[Any, Any, Any], data: JSONBody[NewInspections], idempotency_key: IdempotencyKey = ""
) -> Response[GradedUnits]:
    """Grade units of one warehouse."""
    viewer = access_rules.require(request.user, Right.HANDLE_RETURNS)
    looks = [
        Look(
            units=each.units,
            answers=each.answers,
            grade=each.grade,
            photos=each.photos,
            note=each.note,
            location=each.location,
            quantity=each.quantity,
        )
        for each in data.looks
    ]
    alone = {name: f"looks.0.{name}" for name in Inspected.__struct_fields__} if len(looks) == 1 else {}
    with told_as(alone):
        done = await grading.grade_many(viewer, looks, request_key=idempotency_key)
    return Response(GradedUnits(done.units, done.inspections), status_code=status(done.repeated))


@post("/returns/regrades", tags=TAGS, summary="Ask for a second look", status_code=204)
async def regrade(request: Request[Any, Any, Any], data: JSONBody[ChosenUnits]) -> None:
    """Ask, as the owner, that another person grades units again."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await grading.ask_regrade(viewer, data.units, note=data.note)


@post("/returns/regrades/withdrawn", tags=TAGS, summary="Ask for no second look", status_code=204)
async def withdraw(request: Request[Any, Any, Any], data: JSONBody[UnitCodes]) -> None:
    """Take the wish for a second look back."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    await grading.withdraw_regrade(viewer, data.units)


@post("/returns/splits", tags=TAGS, summary="Split a unit of several pieces")
async def split(request: Request[Any, Any, Any], data: JSONBody[NewSplit]) -> SplitUnit:
    """Make pieces a unit of their own."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    return SplitUnit(await grading.split(viewer, data.unit, quantity=data.quantity, of=data.of))


@get("/returns/agreement", media_type=JSON, tags=TAGS, summary="How graders agree", description=LIST)
async def agreement(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    since: Annotated[str, QueryParameter(name="from", required=False, description="First day, like 2026-11-01.")] = "",
    until: Annotated[str, QueryParameter(name="to", required=False, description="Last day, like 2026-11-30.")] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Second looks by another person, for each warehouse (grader null) and grader, of the last 90 days or between two days."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    today = clock.business_day(clock.now(), viewer.time_zone)
    first, last = _day("from", since, today - _USUAL_DAYS), _day("to", until, today)
    listing = units.agreement(first, last, viewer.time_zone)
    return await listing.json_page(units.agreement_clauses(viewer, {"warehouse": warehouse}), after=after, limit=limit)


def _day(field: str, given: str, otherwise: date) -> date:
    try:
        day = date.fromisoformat(given) if given else otherwise
        return min(max(day, date(2000, 1, 1)), date(2999, 1, 1))
    except ValueError:
        sentence = N_("“%(value)s” is not a day. Write it like 2026-11-23.")
        raise Invalid([Fault(field, given, sentence, {"value": given})]) from None


HANDLERS = [published, grade, regrade, withdraw, split, agreement]
