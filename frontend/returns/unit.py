"""One returned unit: what it is, every look at it, every decision, and what may be done with it now; its label."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.files import queries as files_queries
from backend.messages import actions as messages
from backend.returns import advice, carrying_out, dispositions, grading, queries, receiving, terms, units
from backend.returns.rules import Disposition, UnitState
from frontend import pdf, render, web
from frontend.lists import Row
from frontend.render import Form
from frontend.returns import batch_words, unit_words, words
from frontend.returns.deciding import said_answers
from frontend.returns.grading import chosen, photo_rows
from frontend.returns.pdf import UnitLabel, unit_labels
from frontend.stock import forms
from frontend.stock import words as stock_words

_FOLLOW_UPS: Mapping[str, str] = {"work_order": "repair", "service_job": "service", "batch": "batch"}


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see returns."""
    return access_rules.require(request.user, Right.SEE_RETURNS)


@get("/units/{code:str}")
async def show(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[str]:
    """One unit."""
    return await _page(request, code, {})


@post("/units/{code:str}")
async def act(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """Reverse its receipt, split it, ask for a second look or not, take its decision back, undo what was carried out."""
    viewer, typed = reader(request), await forms.read(request)
    deed = typed.get("deed", "")
    try:
        said = await _act(viewer, deed, code, typed)
    except (Invalid, Conflict) as refusal:
        form = forms.again(typed, refusal, deed)
        return await _page(request, code, {deed: form}, forms.status_of(refusal))
    return web.redirect(request, f"/returns/units/{values.code_of(code)}", flash=("ok", said))


async def _act(viewer: Viewer, deed: str, code: str, typed: Mapping[str, str]) -> str:
    """Do what the form asks; what is said then."""
    note = typed.get("note", "")
    if deed == "receipt":
        reversed_units = await receiving.reverse_receipt(viewer, code, note=note)
        return text.ngettext(
            "The receipt of %(n)s unit is reversed.", "The receipt of %(n)s units is reversed.", len(reversed_units)
        )
    if deed == "split":
        of = typed.get("of", "")
        faults: list[Fault] = []
        quantity = forms.quantity("quantity", typed.get("quantity", ""), faults)
        if faults:
            raise Invalid(faults)
        part = await grading.split(
            viewer, code, quantity=quantity, of=int(of) if of.isascii() and of.isdecimal() and len(of) < 19 else 0
        )
        return text.gettext("%(count)s pieces are unit %(code)s now.", count=render.number(quantity), code=part)
    if deed == "regrade":
        await grading.ask_regrade(viewer, [code], note=note)
        return text.gettext("A second look is asked for. Another person will grade the unit.")
    if deed == "withdraw":
        await grading.withdraw_regrade(viewer, [code])
        return text.gettext("The second look is not asked for any more.")
    if deed == "revoke":
        await dispositions.revoke(viewer, [code], note=note)
        return text.gettext("The decision is taken back. The unit waits for a new one.")
    if deed == "undo":
        undone = await carrying_out.undo(viewer, code, note=note)
        return text.ngettext(
            "It is undone for %(n)s unit, which is to be carried out again.",
            "It is undone for %(n)s units, which are to be carried out again.",
            len(undone),
        )
    raise Invalid


@get("/unit-labels.pdf")
async def labels(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Labels of the units that the address names, or of all units of a return (`rma`, its id); `sheet` for A4."""
    viewer, codes = reader(request), chosen(request)
    if rma := request.query_params.get("rma"):
        try:
            head = await queries.rma(viewer, uuid.UUID(rma))
        except ValueError:
            head = await queries.rma_by_number(viewer, rma)
        rows = await units.of_return(head["warehouse_id"], head["id"])
        codes += [row["code"] for row in rows if row["state"] != UnitState.REVERSED]
    if not codes:
        raise Invalid
    base = request.app.state.settings.base_url
    content = [
        UnitLabel(
            code=row["code"],
            url=f"{base}/returns/units/{row['code']}",
            item_code=row["item"],
            item_name=render.name(row["item_names"]),
            line=" · ".join(each for each in (row["grade"], row["serial"], row["location"]) if each),
        )
        for row in await units.several(viewer, codes)
    ]
    labels_of = partial(unit_labels, sheet=request.query_params.get("sheet") == "yes")
    return await pdf.answer("units", labels_of, content, text.current.get())


def follow_up(row: Row) -> tuple[str, str] | None:
    """What goes on because of a disposition: its number and where it is shown."""
    if not row["follow_up"]:
        return None
    number = row["follow_up_number"] or ""
    if row["follow_up"] == "destruction":
        return number, f"/returns/destructions/{row['follow_up_id']}"
    return number, messages.path_of(_FOLLOW_UPS[row["follow_up"]], row["follow_up_id"])


async def _page(
    request: Request[Any, Any, Any], code: str, refused: Mapping[str, Form], status: int = 200
) -> Response[str]:
    viewer = reader(request)
    row = await units.unit(viewer, code)
    looks = await units.inspections([row])
    made = await units.decisions(row)
    records = [each["follow_up_id"] for each in made if each["follow_up"] == "destruction"]
    files = await files_queries.attachments(
        viewer, row["warehouse_id"], ["inspection", "destruction"], [*(look["id"] for look in looks), *records]
    )
    handles = viewer.may(Right.HANDLE_RETURNS) and access_rules.runs_warehouse(viewer, row["warehouse_id"])
    decides = viewer.may(Right.DECIDE_RETURNS) and access_rules.owns(viewer, row["owner_id"])
    advised = await advice.advice([row]) if row["state"] == UnitState.GRADED else {}
    return web.page(
        request,
        "returns/unit.html",
        status=status,
        row=row,
        looks=[{"look": look, "answers": said_answers(look)} for look in looks],
        made=[{"made": each, "follow_up": follow_up(each)} for each in made],
        photos=photo_rows(files),
        law=batch_words.verdict(advised[row["code"]]) if advised else None,
        until=unit_words.until(row, await terms.current(row["owner_id"])) if advised else None,
        forms={deed: refused.get(deed) or Form(prefix=deed) for deed in _deeds(row, handles, decides)},
        handles=handles,
        decides=decides,
        reason=words.reason(row["reason"]),
        kind=words.kinds()[row["kind"]],
        states=unit_words.states(),
        grades=unit_words.grades(),
        dispositions=unit_words.dispositions(),
        condition=list(stock_words.conditions().values())[row["condition"] - 1],
        send_home=Disposition.SEND_HOME.value,
    )


def _deeds(row: Row, handles: bool, decides: bool) -> list[str]:
    """What the viewer may do with the unit now, beside grading, deciding and carrying out, which have their own screens."""
    state, regrade = row["state"], row["regrade"]
    found = []
    if handles and state == UnitState.RECEIVED:
        found.append("receipt")
    if row["quantity"] > 1 and state in (UnitState.RECEIVED, UnitState.GRADED) and (handles or decides):
        found.append("split")
    if decides and state == UnitState.GRADED and regrade == "none":
        found.append("regrade")
    if decides and state == UnitState.GRADED and regrade == "asked":
        found.append("withdraw")
    if decides and state == UnitState.DECIDED:
        found.append("revoke")
    if handles and state == UnitState.DISPOSED and row["disposition"] != Disposition.SEND_HOME:
        found.append("undo")
    return found
