"""Choosing what goes home: units that are decided, and pieces from the shelf, each with what the law says of it."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid
from backend.regulations import queries as law
from backend.returns import batches, custody, eligibility, home
from backend.returns.eligibility import Line, Plan
from backend.returns.home import StockLine
from backend.returns.home_rules import Stage
from backend.stock.rules import Condition
from frontend import lists, web
from frontend.render import Form
from frontend.returns import batch_words
from frontend.returns.batches import path_of, reader, revision_of
from frontend.stock import forms
from frontend.stock import words as stock_words

_FILTERS = ("declaration", "item")
_TAKE = "take."


@get("/batches/{batch_id:uuid}/goods")
async def show(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> Response[str]:
    """What may join the batch; a declaration number and an item narrow it."""
    return await _page(request, batch_id, Form({"key": forms.new_key()}))


@post("/batches/{batch_id:uuid}/goods")
async def add(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Put what was chosen into the batch: all of it or nothing."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    typed = await web.form(request)
    faults: list[Fault] = []
    units, fields, stock = _chosen(typed, faults)
    try:
        if faults:
            raise Invalid(faults)
        await home.add(
            viewer,
            batch_id,
            units=units,
            stock=stock,
            taxed_agreed=typed.get("taxed_agreed") == "yes",
            revision=revision_of(typed),
            request_key=typed.get("key", ""),
        )
    except (Invalid, Conflict) as refusal:
        found = Invalid([_beside(fault, units, fields) for fault in refusal.faults]) if refusal.faults else refusal
        form = forms.again(typed, found)
        return await _page(request, batch_id, form, forms.status_of(refusal))
    said = text.gettext("The goods are in the batch.")
    return web.redirect(request, path_of(batch_id), flash=("ok", said))


def field_of(row: Mapping[str, Any]) -> str:
    """The field in which pieces of a balance are typed."""
    codes = (row["item"], row["lot"] or "", row["location"], Condition(row["condition"]).name)
    return _TAKE + "|".join(quote(code, safe="") for code in codes)


def _chosen(typed: Mapping[str, str], faults: list[Fault]) -> tuple[list[str], list[str], list[StockLine]]:
    """The units that were ticked, and the fields with pieces in them with the lines they stand for."""
    fields: list[str] = []
    lines: list[StockLine] = []
    for name, value in typed.items():
        parts = [unquote(part) for part in name.removeprefix(_TAKE).split("|")]
        if not name.startswith(_TAKE) or not value or len(parts) != 4:
            continue
        item, lot, location, condition = parts
        quantity = forms.quantity(name, value, faults)
        fields.append(name)
        lines.append(StockLine(item=item, lot=lot, location=location, condition=condition, quantity=quantity))
    return web.listed(typed, "unit"), fields, lines


def _beside(fault: Fault, units: Sequence[str], fields: Sequence[str]) -> Fault:
    """A fault of the request beside the field of the form that it is about."""
    kind, _, rest = fault.field.partition(".")
    number = int(rest.split(".")[0]) if rest.split(".")[0].isdecimal() else -1
    field = fault.field if fault.field.startswith(_TAKE) else ""
    if kind == "units" and number < len(units):
        field = f"unit.{units[number]}"
    elif kind == "stock" and 0 <= number < len(fields):
        field = fields[number]
    return Fault(field, fault.value, fault.sentence, fault.facts)


async def _page(request: Request[Any, Any, Any], batch_id: uuid.UUID, form: Form, status: int = 200) -> Response[str]:
    viewer, filters = reader(request), lists.asked(request, *_FILTERS)
    head = await batches.batch(viewer, batch_id)
    if not _fills(viewer, head):
        return web.redirect(request, path_of(batch_id))
    units = await batches.units_for_home(head, filters["declaration"], filters["item"])
    stock = await batches.stock_for_home(head, filters["declaration"], filters["item"])
    judged = await _judged(head, [*units, *stock])
    conditions = stock_words.conditions()
    shown = [
        {**row, "law": said, "condition_chip": conditions[Condition(row["condition"]).name]}
        for row, said in zip([*units, *stock], judged, strict=True)
    ]
    form.values["revision"] = str(head["revision"])
    return web.page(
        request,
        "returns/batch_goods.html",
        status=status,
        head=head,
        cause=batch_words.causes()[head["cause"]],
        form=form,
        units=shown[: len(units)],
        stock=[{**row, "field": field_of(row)} for row in shown[len(units) :]],
        ticked=web.listed(form.values, "unit"),
        taxed=any(each["law"]["taxed"] and not each["law"]["closed"] for each in shown),
        most=batches.MOST_CANDIDATES,
        filters=filters,
        base=path_of(batch_id),
        action=lists.address(f"{path_of(batch_id)}/goods", filters),
        clear_url=f"{path_of(batch_id)}/goods" if any(filters.values()) else "",
    )


def _fills(viewer: Viewer, head: Mapping[str, Any]) -> bool:
    return (
        head["stage"] == Stage.OPEN and access_rules.owns(viewer, head["owner_id"]) and viewer.may(Right.DECIDE_RETURNS)
    )


async def _judged(head: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the law says of each of these goods under the plan of the batch."""
    facts = await custody.facts_of(head["owner_id"], [row["lot_id"] for row in rows])
    plan = Plan(cause=head["cause"], home_area=head["home_area"], planned_on=head["planned_on"])
    states = await custody.states_of(head["warehouse_id"], head["owner_id"], rows)
    lines = [Line(facts=facts[row["lot_id"]], original_state=state) for row, state in zip(rows, states, strict=True)]
    return [batch_words.verdict(said) for said in eligibility.judge_all(await law.editions(), plan, lines, law.today())]
