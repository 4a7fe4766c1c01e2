"""What becomes of graded units, as their owner decides: photos, answers and the law's word beside the choice."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.files import queries as files_queries
from backend.returns import advice, checklists, decisions, dispositions, terms, units
from backend.returns.rules import Disposition
from backend.returns.units import Queue
from frontend import web
from frontend.lists import Row
from frontend.render import Form
from frontend.returns import batch_words, unit_words, words
from frontend.returns.grading import chosen, photo_rows
from frontend.stock import forms

MOST_SHOWN = 100
_CHOOSE = N_("Choose what becomes of at least one unit.")


def decider(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and decides on returns."""
    return access_rules.require(request.user, Right.DECIDE_RETURNS)


@get("/decide")
async def show(request: Request[Any, Any, Any]) -> Response[Any]:
    """The units that the address names, or those of a return (`rma`), to decide on."""
    viewer, codes = decider(request), chosen(request)
    if number := values.code_of(request.query_params.get("rma", "")):
        clauses = await units.unit_clauses(viewer, Queue.DECIDE, {"search": number})
        codes += [row["code"] for row in (await units.UNITS.page(clauses, limit=MOST_SHOWN)).rows]
    form = Form({"key": forms.new_key(), "next": web.local(request.query_params.get("next"), "")})
    return await _page(request, codes, form)


@post("/decide")
async def decide(request: Request[Any, Any, Any]) -> Response[Any]:
    """Decide: the kind that is chosen for a unit, else the one for all; a unit without either is left as it is."""
    viewer, typed = decider(request), await forms.read(request)
    codes = web.listed(typed, "units")
    wishes: dict[str, list[str]] = {}
    for code in codes:
        if kind := typed.get(f"kind.{code}") or typed.get("kind", ""):
            wishes.setdefault(kind, []).append(code)
    try:
        if not wishes:
            raise Invalid([Fault("kind", "", _CHOOSE)])
        done = await dispositions.decide_each(
            viewer, wishes, note=typed.get("note", ""), request_key=typed.get("key", "")
        )
    except (Invalid, Conflict) as refusal:
        return await _page(request, codes, forms.again(typed, _beside(refusal)), forms.status_of(refusal))
    said = text.ngettext("%(n)s unit is decided.", "%(n)s units are decided.", len(done.units))
    way = web.local(typed.get("next"), "/returns/to-decide")
    return web.redirect(request, way, flash=("neutral" if done.repeated else "ok", said))


def _beside(refusal: Invalid | Conflict) -> Invalid | Conflict:
    """What is wrong with one unit is said beside its choice."""
    if not isinstance(refusal, Invalid) or not refusal.faults:
        return refusal
    return Invalid(
        [
            Fault(
                f"kind.{each.value}" if each.field == "units" and each.value else _plain(each.field),
                each.value,
                each.sentence,
                each.facts,
            )
            for each in refusal.faults
        ]
    )


def _plain(field: str) -> str:
    return "" if field in ("units", "Idempotency-Key") else field


async def _page(request: Request[Any, Any, Any], codes: Sequence[str], form: Form, status: int = 200) -> Response[Any]:
    """The page: the units, their looks and photos for each warehouse, and what the law says of them."""
    viewer = decider(request)
    if not codes:
        return web.redirect(request, "/returns/to-decide")
    rows = await units.several(viewer, codes[:MOST_SHOWN])
    advised = await advice.advice(rows)
    agreed = await terms.current(viewer.organisation_id)
    shown = []
    for warehouse_id in dict.fromkeys(row["warehouse_id"] for row in rows):
        own = [row for row in rows if row["warehouse_id"] == warehouse_id]
        looks = {look["id"]: look for look in await units.inspections(own)}
        files = await files_queries.attachments(viewer, warehouse_id, ["inspection"], list(looks))
        photos = photo_rows(files)
        for row in own:
            look = looks.get(row["inspection_id"])
            shown.append(
                {
                    "row": row,
                    "look": look,
                    "answers": said_answers(look) if look else [],
                    "photos": photos.get(row["inspection_id"], []),
                    "law": batch_words.verdict(advised[row["code"]]),
                    "choices": unit_words.disposition_choices([row["grade"]]) if row["grade"] else [],
                    "until": unit_words.until(row, agreed),
                    "open": row["state"] == "graded" and row["regrade"] != "asked",
                }
            )
    grades = [each["row"]["grade"] for each in shown if each["open"]]
    return web.page(
        request,
        "returns/decide.html",
        status=status,
        form=form,
        shown=shown,
        more=max(0, len(codes) - MOST_SHOWN),
        choices=unit_words.disposition_choices(grades) if grades else [],
        grades=unit_words.grades(),
        states=unit_words.states(),
        dispositions=unit_words.dispositions(),
        reasons=dict(words.every_reason()),
        repair=Disposition.REPAIR.value,
        kinds=decisions.KINDS_OF,
    )


def said_answers(look: Row) -> list[tuple[Mapping[str, str], Mapping[str, str], str]]:
    """The answers of a look as (question, answer, best grade), those that lower the grade first.

    An edition that is in force no more may have had other questions: what is known is said, the rest is left out.
    """
    edition = checklists.edition()
    found = []
    for name, given in look["answers"].items():
        question = edition.questions.get(name)
        if question and (answer := question.answer(given)):
            found.append((question.text, answer.text, answer.best.value))
    return sorted(found, key=lambda each: each[2], reverse=True)
