"""The committee's screens: adding, correcting and ending editions of rules."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.regulations import actions, editions, facts, queries, rules, statements
from backend.regulations.editions import Edition
from backend.regulations.facts import FactKind
from backend.regulations.rules import CLOCK_NAMES
from frontend import lists, web
from frontend.regulations import forms, words
from frontend.render import Form
from frontend.stock import forms as stock_forms


@get("/rules/new")
async def show_new(request: Request[Any, Any, Any]) -> Response[str]:
    """An empty form, or one that begins with what another edition says (`rule` and `edition` in the address)."""
    _keeper(request)
    asked = lists.asked(request, "rule", "edition")
    values: dict[str, str] = {"status": "live"}
    if asked["rule"]:
        model = await _edition(asked["rule"], asked["edition"])
        values = forms.values_of(model) | {"from": "", "to": "", "status": "live"}
    return _form(request, Form({**values, "key": stock_forms.new_key()}))


@post("/rules/new")
async def add(request: Request[Any, Any, Any]) -> Response[Any]:
    """Add an edition."""
    viewer, typed = _keeper(request), await web.form(request)
    try:
        made = await actions.add_edition(
            viewer, forms.raw_of(typed), note=typed.get("note", ""), request_key=typed.get("key", "")
        )
    except (Invalid, Conflict) as refusal:
        return _form(request, forms.again(typed, refusal), status=stock_forms.status_of(refusal))
    said = text.gettext("The edition %(edition)s of rule %(rule)s is added.", edition=made.name, rule=made.rule_id)
    return web.redirect(request, f"/regulations/rules/{made.rule_id}", flash=("ok", said))


@get("/rules/{rule_id:str}/{name:str}/correct")
async def show_correction(
    request: Request[Any, Any, Any], rule_id: FromPath[str], name: FromPath[str]
) -> Response[str]:
    """The form with what the edition says now."""
    _keeper(request)
    edition = await _edition(rule_id, name)
    version = await queries.version(rule_id, name)
    values = {**forms.values_of(edition), "key": stock_forms.new_key(), "version": str(version)}
    return _form(request, Form(values), edition)


@post("/rules/{rule_id:str}/{name:str}/correct")
async def correct(request: Request[Any, Any, Any], rule_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """Correct an edition."""
    viewer, typed = _keeper(request), await web.form(request)
    edition = await _edition(rule_id, name)
    try:
        await actions.correct_edition(
            viewer,
            rule_id,
            name,
            _version(typed),
            forms.raw_of(typed),
            note=typed.get("note", ""),
            request_key=typed.get("key", ""),
        )
    except (Invalid, Conflict) as refusal:
        return _form(request, forms.again(typed, refusal), edition, stock_forms.status_of(refusal))
    said = text.gettext("The edition %(edition)s of rule %(rule)s is corrected.", edition=name, rule=rule_id)
    return web.redirect(request, f"/regulations/rules/{rule_id}", flash=("ok", said))


@get("/rules/{rule_id:str}/{name:str}/end")
async def show_end(request: Request[Any, Any, Any], rule_id: FromPath[str], name: FromPath[str]) -> Response[str]:
    """The form that ends or withdraws an edition."""
    _keeper(request)
    edition = await _edition(rule_id, name)
    version = await queries.version(rule_id, name)
    return _end_form(request, Form({"key": stock_forms.new_key(), "version": str(version)}), edition)


@post("/rules/{rule_id:str}/{name:str}/end")
async def end(request: Request[Any, Any, Any], rule_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """End or withdraw an edition."""
    viewer, typed = _keeper(request), await web.form(request)
    edition = await _edition(rule_id, name)
    faults: list[Fault] = []
    ends_on = statements.day("ends_on", typed.get("ends_on", ""), faults)
    if typed.get("way") == "end" and not typed.get("ends_on"):
        faults.append(Fault("ends_on", "", N_("Give the last day on which the edition counts.")))
    elif typed.get("way") not in ("end", "withdraw"):
        faults.append(Fault("way", "", N_("Say whether the edition ends with a day or is withdrawn.")))
    try:
        if faults:
            statements.note(typed.get("note", ""), faults)
            raise Invalid(faults)
        await actions.end_edition(
            viewer,
            rule_id,
            name,
            _version(typed),
            ends_on=ends_on if typed["way"] == "end" else None,
            note=typed.get("note", ""),
            request_key=typed.get("key", ""),
        )
    except (Invalid, Conflict) as refusal:
        moved = [
            Fault("ends_on" if each.field == "to" else each.field, each.value, each.sentence, each.facts)
            for each in refusal.faults
        ]
        form = forms.again(typed, Invalid(moved) if moved else refusal)
        return _end_form(request, form, edition, stock_forms.status_of(refusal))
    if typed["way"] == "end":
        said = text.gettext("The edition %(edition)s of rule %(rule)s is ended.", edition=name, rule=rule_id)
    else:
        said = text.gettext("The edition %(edition)s of rule %(rule)s is withdrawn.", edition=name, rule=rule_id)
    return web.redirect(request, "/regulations/rules", flash=("ok", said))


def _keeper(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.KEEP_REGULATIONS)


async def _edition(rule_id: str, name: str) -> Edition:
    found = (await queries.editions()).edition(rule_id, name)
    if found is None:
        raise rules.NoSuchRule(rule=rule_id)
    return found


def _version(typed: dict[str, str]) -> int:
    number = typed.get("version", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise rules.EditionChanged
    return int(number)


def _form(
    request: Request[Any, Any, Any], form: Form, corrected: Edition | None = None, status: int = 200
) -> Response[str]:
    return web.page(
        request,
        "regulations/edition_form.html",
        status=status,
        form=form,
        corrected=corrected,
        rows=range(forms.COMPARISONS),
        places=words.places(),
        bases=words.choices(editions.BASIS_NAMES),
        statuses=words.choices(editions.STATUS_NAMES),
        effects=words.choices(editions.EFFECT_NAMES),
        grades=[(grade, f"{grade} · {word}") for grade, word in words.choices(editions.GRADES)],
        doubts=words.choices(editions.DOUBTS),
        documents=words.choices(facts.DOCUMENTS),
        facts=words.fact_choices(),
        dates=words.fact_choices(FactKind.DATE),
        relations=words.choices(editions.RELATION_NAMES),
        clocks=words.choices(CLOCK_NAMES),
    )


def _end_form(request: Request[Any, Any, Any], form: Form, edition: Edition, status: int = 200) -> Response[str]:
    shown = words.edition(edition)
    return web.page(request, "regulations/end_form.html", status=status, form=form, shown=shown, edition=edition)
