"""Refunds on the page of a return: recorded by the owner of the goods, and taken back."""

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from backend.access.rules import Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.returns import refunds
from backend.returns.refunds import Given
from frontend import web
from frontend.returns import booked
from frontend.returns.deciding import decider
from frontend.stock import forms

_NO_AMOUNT = N_("Give the amount that the buyer got back.")
_NO_DAY = N_("“%(value)s” is not a day. Write it like 2026-11-23.")
_NO_LINE = N_("Choose a line.")


@post("/{rma_id:uuid}/refunds")
async def refund(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Record a refund."""
    viewer, typed = decider(request), await forms.read(request)
    try:
        done = await refunds.refund(viewer, rma_id, _given(typed), request_key=typed.get("key", ""))
    except (Invalid, Conflict) as refusal:
        form = forms.again(typed, refusal, "refund")
        return await booked.page(request, rma_id, refunding=form, status=forms.status_of(refusal))
    said = text.gettext("The refund is recorded.")
    return web.redirect(request, f"/returns/{rma_id}#money", flash=("neutral" if done.repeated else "ok", said))


@post("/{rma_id:uuid}/refunds/{refund_id:uuid}/reverse")
async def reverse(
    request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID], refund_id: FromPath[uuid.UUID]
) -> Response[Any]:
    """Say that a refund does not hold."""
    viewer, typed = decider(request), await forms.read(request)
    return await _reverse(request, viewer, rma_id, refund_id, typed)


async def _reverse(
    request: Request[Any, Any, Any], viewer: Viewer, rma_id: uuid.UUID, refund_id: uuid.UUID, typed: Mapping[str, str]
) -> Response[Any]:
    try:
        await refunds.reverse_refund(viewer, refund_id, note=typed.get("note", ""))
    except (Invalid, Conflict) as refusal:
        said = " ".join(web.said(fault) for fault in refusal.faults) or text.say(refusal.sentence, refusal.facts)
        return web.redirect(request, f"/returns/{rma_id}#money", flash=("bad", said))
    return web.redirect(
        request,
        f"/returns/{rma_id}#money",
        flash=("ok", text.gettext("The refund is taken back; it stays in the list.")),
    )


def _given(typed: Mapping[str, str]) -> Given:
    faults: list[Fault] = []
    line = typed.get("line", "")
    if not (line.isascii() and line.isdecimal() and 0 < len(line) < 7):
        faults.append(Fault("line", line, _NO_LINE))
    quantity = forms.quantity("quantity", typed.get("quantity", ""), faults)
    before = len(faults)
    amount = values.measure("amount", typed.get("amount", ""), faults, most="999999999.99")
    if amount is None and len(faults) == before:
        faults.append(Fault("amount", "", _NO_AMOUNT))
    day = date.min
    given = typed.get("refunded_on", "")
    try:
        day = date.fromisoformat(given)
    except ValueError:
        faults.append(Fault("refunded_on", given, _NO_DAY, {"value": given}))
    if faults:
        raise Invalid(faults)
    return Given(
        line_no=int(line),
        quantity=quantity,
        amount=amount or Decimal(0),
        currency=typed.get("currency", ""),
        refunded_on=day,
        reference=typed.get("reference", ""),
    )
