"""The inspection bench on screen: the grading form with its checklist and photos, the published grades, how graders agree."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import clock, text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.returns import checklists, grading, units
from backend.returns.grading import Look
from backend.returns.rules import Grade, UnitState
from frontend import lists, web
from frontend.lists import Row
from frontend.render import Form
from frontend.returns import unit_words, words
from frontend.stock import forms, scope

MOST_DAYS = 366
USUAL_DAYS = 90
_NO_DAY = N_("“%(value)s” is not a day. Write it like 2026-11-23.")


@get("/grade")
async def show(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form for the units that the address names."""
    return await _page(
        request,
        chosen(request),
        Form({"key": forms.new_key(), "next": web.local(request.query_params.get("next"), "")}),
    )


@post("/grade", request_max_body_size=web.LARGEST_FORM)
async def grade(request: Request[Any, Any, Any]) -> Response[Any]:
    """Grade the units; a refused form keeps its photos."""
    viewer, typed = handler(request), await web.form(request)
    codes = web.listed(typed, "units")
    try:
        photos = [*web.listed(typed, "kept"), *await photos_of(viewer, request)]
        typed["kept"] = ",".join(photos)
        faults: list[Fault] = []
        look = _look(codes, typed, photos, faults)
        if faults:
            raise Invalid(faults)
        done = await grading.grade(viewer, look, request_key=typed.get("key", ""))
    except (Invalid, Conflict) as refusal:
        return await _page(request, codes, forms.again(typed, _named(refusal)), forms.status_of(refusal))
    said = text.ngettext(
        "%(n)s unit is graded %(grade)s: %(codes)s.",
        "%(n)s units are graded %(grade)s: %(codes)s.",
        len(done.units),
        grade=look.grade,
        codes=text.few(done.units),
    )
    way = web.local(typed.get("next"), "/returns/to-grade")
    return web.redirect(request, way, flash=("neutral" if done.repeated else "ok", said))


def handler(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and handles returns."""
    return access_rules.require(request.user, Right.HANDLE_RETURNS)


def chosen(request: Request[Any, Any, Any]) -> list[str]:
    """The codes of the units that the address names, once or repeated, separated by commas or not."""
    given = request.query_params.getall("units", [])
    return [values.code_of(code) for each in given for code in each.split(",") if code.strip()]


async def photos_of(viewer: Viewer, request: Request[Any, Any, Any]) -> list[str]:
    """The photos that came with a form, kept; their hashes."""
    files = await web.uploads(request, "photos")
    return await files_actions.take_in(viewer, files, photos_only=True) if files else []


def _look(codes: list[str], typed: Mapping[str, str], photos: list[str], faults: list[Fault]) -> Look:
    answers = {name.removeprefix("answers."): value for name, value in typed.items() if name.startswith("answers.")}
    quantity = typed.get("quantity", "")
    return Look(
        units=codes,
        answers={name: value for name, value in answers.items() if value},
        grade=typed.get("grade", ""),
        photos=photos,
        note=typed.get("note", ""),
        location=typed.get("location", ""),
        quantity=values.quantity("quantity", quantity, faults) if quantity else None,
    )


def _named(refusal: Invalid | Conflict) -> Invalid | Conflict:
    """A missing grade is said in the words of the form, not of the interface for programs."""
    if not isinstance(refusal, Invalid):
        return refusal
    plain = {"units", "Idempotency-Key"}
    return Invalid(
        [
            Fault("" if each.field in plain else each.field, each.value, _CHOOSE_GRADE, {})
            if each.field == "grade" and not each.value
            else Fault("" if each.field in plain else each.field, each.value, each.sentence, each.facts)
            for each in refusal.faults
        ]
        or [Fault("", "", refusal.sentence, refusal.facts)]
    )


_CHOOSE_GRADE = N_("Choose a grade.")


async def _page(request: Request[Any, Any, Any], codes: Sequence[str], form: Form, status: int = 200) -> Response[Any]:
    """The form; four queries (the units, their looks, photos of earlier looks, places)."""
    viewer = handler(request)
    if not codes:
        return web.redirect(request, "/returns/to-grade")
    found = await units.several(viewer, codes)
    rows = [row for row in found if row["item_id"] == found[0]["item_id"]]
    item_class = checklists.class_of(rows[0]["hs_code"])
    edition = checklists.edition()
    asked_again = any(row["regrade"] == "asked" for row in rows)
    looks = [] if asked_again else await units.inspections(rows)
    photos = await files_queries.attachments(
        viewer, rows[0]["warehouse_id"], ["inspection"], [look["id"] for look in looks[:3]]
    )
    return web.page(
        request,
        "returns/grade.html",
        status=status,
        form=form,
        rows=rows,
        others=[row for row in found if row["item_id"] != rows[0]["item_id"]],
        codes=[row["code"] for row in rows],
        item_class=edition.classes[item_class],
        checklist=edition.checklist(item_class),
        edition=edition,
        grades=unit_words.grades(),
        reason=words.reason(rows[0]["reason"]),
        asked_again=asked_again,
        corrects=any(row["state"] == UnitState.GRADED and row["regrade"] != "asked" for row in rows),
        looks=looks,
        photos=photos,
        kept=len(web.listed(form.values, "kept")),
    )


# ------------------------------------------------------------------------------------------------------------ published


@get("/grades")
async def published(request: Request[Any, Any, Any]) -> Response[str]:
    """The published grades and checklists, for everybody."""
    edition = checklists.edition()
    wanted = request.query_params.get("class", "")
    return web.page(
        request,
        "returns/grades.html",
        edition=edition,
        shown=wanted if wanted in edition.classes else "",
        grades=unit_words.grades(),
        kinds={grade.value: unit_words.disposition_choices([grade.value]) for grade in Grade},
    )


@get("/agreement")
async def agreement(request: Request[Any, Any, Any]) -> Response[str]:
    """How graders agree, by warehouse and grader, between two days."""
    viewer, filters, since, until, wrong = _agreement_asked(request)
    found = await lists.shown(
        request,
        units.agreement(since, until, viewer.time_zone),
        filters,
        lambda: units.agreement_clauses(viewer, filters),
    )
    return web.page(
        request,
        "returns/agreement.html",
        status=422 if wrong else found.status,
        list=found,
        wrong=wrong,
        since=since,
        until=until,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        people=viewer.kind is not Kind.EXPORTER,
    )


@get("/agreement.csv")
async def agreement_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    viewer, filters, since, until, _ = _agreement_asked(request)
    listing = units.agreement(since, until, viewer.time_zone)
    return lists.file(request, "agreement", listing, units.agreement_clauses(viewer, filters))


def _agreement_asked(request: Request[Any, Any, Any]) -> tuple[Viewer, dict[str, str], date, date, list[str]]:
    """Who asks, what, from which day to which: the last 90 days unless the address says otherwise."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    filters = lists.asked(request, "warehouse", "from", "to")
    today = clock.business_day(clock.now(), viewer.time_zone)
    wrong: list[str] = []
    days = []
    for name, otherwise in (("from", today - timedelta(days=USUAL_DAYS)), ("to", today)):
        try:
            day = date.fromisoformat(filters[name]) if filters[name] else otherwise
            days.append(min(max(day, date(2000, 1, 1)), date(2999, 1, 1)))
        except ValueError:
            wrong.append(text.say(_NO_DAY, {"value": filters[name]}))
            days.append(otherwise)
    return viewer, filters, days[0], days[1], wrong


def photo_rows(files: Sequence[Row]) -> dict[Any, list[Row]]:
    """Attachments by what they are evidence of."""
    found: dict[Any, list[Row]] = {}
    for file in files:
        found.setdefault(file["subject_id"], []).append(file)
    return found
