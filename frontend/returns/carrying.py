"""Carrying decisions out on screen: put back, to the workshop, given away or destroyed with photos."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get, post

from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid
from backend.returns import carrying_out, decisions, units
from backend.returns.carrying_out import Deed
from backend.returns.rules import Disposition
from frontend import web
from frontend.render import Form
from frontend.returns import unit_words
from frontend.returns.grading import chosen, handler, photos_of
from frontend.stock import forms


@get("/carry-out")
async def show(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form for the units that the address names."""
    form = Form({"key": forms.new_key(), "next": web.local(request.query_params.get("next"), "")})
    return await _page(request, chosen(request), form)


@post("/carry-out", request_max_body_size=web.LARGEST_FORM)
async def carry_out(request: Request[Any, Any, Any]) -> Response[Any]:
    """Carry out what was decided for the units; a refused form keeps its photos."""
    viewer, typed = handler(request), await web.form(request)
    codes = web.listed(typed, "units")
    try:
        photos = [*web.listed(typed, "kept"), *await photos_of(viewer, request)]
        typed["kept"] = ",".join(photos)
        deed = Deed(
            location=typed.get("location", ""),
            method=typed.get("method", ""),
            witness=typed.get("witness", ""),
            place=typed.get("place", ""),
            photos=photos,
        )
        done = await carrying_out.carry_out(viewer, codes, deed, request_key=typed.get("key", ""))
    except (Invalid, Conflict) as refusal:
        shown = refusal
        if isinstance(refusal, Invalid):
            plain = ("units", "Idempotency-Key")
            shown = Invalid(
                [
                    Fault("" if each.field in plain else each.field, each.value, each.sentence, each.facts)
                    for each in refusal.faults
                ]
            )
        return await _page(request, codes, forms.again(typed, shown), forms.status_of(refusal))
    said = text.ngettext("%(n)s unit is carried out.", "%(n)s units are carried out.", len(done.units))
    way = web.local(typed.get("next"), "/returns/to-carry-out")
    return web.redirect(request, way, flash=("neutral" if done.repeated else "ok", said))


async def _page(request: Request[Any, Any, Any], codes: Sequence[str], form: Form, status: int = 200) -> Response[Any]:
    """The form; the units of one kind together, others are left for later."""
    viewer = handler(request)
    if not codes:
        return web.redirect(request, "/returns/to-carry-out")
    rows = await units.several(viewer, codes)
    waiting = [row for row in rows if row["state"] == "decided" and row["disposition"] != Disposition.SEND_HOME]
    kind = waiting[0]["disposition"] if waiting else ""
    own = [row for row in waiting if row["disposition"] == kind]
    bins = []
    if kind and Disposition(kind) in decisions.BINS_ONLY:
        bins = await units.bins_for(own[0]["warehouse_id"], [row["item_id"] for row in own])
    return web.page(
        request,
        "returns/carry_out.html",
        status=status,
        form=form,
        rows=own,
        others=[row for row in rows if row not in own],
        kind=kind,
        to_bin=bool(kind) and Disposition(kind) in decisions.BINS_ONLY,
        destroyed=bool(kind) and Disposition(kind) in decisions.DESTROYED,
        bins=[(code, "") for code in bins],
        grades=unit_words.grades(),
        states=unit_words.states(),
        dispositions=unit_words.dispositions(),
        kept=len(web.listed(form.values, "kept")),
    )
