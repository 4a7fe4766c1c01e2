"""Unannounced parcels on screen: the queue, writing one down, matching and discarding it."""

import uuid
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Role, Viewer
from backend.core import clock, text
from backend.core.errors import Conflict, Fault, Invalid, NotFound, Refusal
from backend.core.text import N_
from backend.files import queries as files_queries
from backend.messages import actions as messages
from backend.registry.rules import NoSuchWarehouse
from backend.returns import parcels
from backend.returns.parcels import Found
from backend.stages.rules import Subject
from frontend import lists, web
from frontend.messages import pages as messages_pages
from frontend.render import Form
from frontend.returns import words
from frontend.returns.grading import handler, photos_of
from frontend.stock import forms, scope

_FILTERS = ("state", "warehouse", "search")
_STATE_KINDS: Mapping[str, str] = {"waiting": "warn", "matched": "ok", "discarded": "neutral"}
_NUMBER_WANTED = N_("Give the number of the return that the parcel belongs to.")


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see returns."""
    return access_rules.require(request.user, Right.SEE_RETURNS)


def _states() -> dict[str, tuple[str, str]]:
    return {name: (_STATE_KINDS[name], text.gettext(word)) for name, word in parcels.STATE_NAMES.items()}


@get("/parcels")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Unannounced parcels, the latest first."""
    viewer, filters = reader(request), lists.asked(request, *_FILTERS)
    found = await lists.shown(request, parcels.PARCELS, filters, lambda: parcels.clauses(viewer, filters))
    return web.page(
        request,
        "returns/parcels.html",
        status=found.status,
        list=found,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        states=_states(),
        handles=viewer.may(Right.HANDLE_RETURNS) and bool(viewer.warehouse_ids),
        now=clock.now(),
    )


@get("/parcels.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    return lists.file(
        request, "parcels", parcels.PARCELS, parcels.clauses(reader(request), lists.asked(request, *_FILTERS))
    )


@get("/parcels/new")
async def show_new(request: Request[Any, Any, Any]) -> Response[str]:
    """The form for a parcel; `warehouse` and `tracking_no` may be given in the address."""
    given = lists.asked(request, "warehouse", "tracking_no")
    return await _new(request, Form({"key": forms.new_key(), **given}))


@post("/parcels/new", request_max_body_size=web.LARGEST_FORM)
async def record(request: Request[Any, Any, Any]) -> Response[Any]:
    """Write the parcel down; a refused form keeps its photos."""
    viewer, typed = handler(request), await web.form(request)
    try:
        photos = [*web.listed(typed, "kept"), *await photos_of(viewer, request)]
        typed["kept"] = ",".join(photos)
        if not typed.get("warehouse"):
            raise Invalid([Fault("warehouse", "", N_("Choose a warehouse."))])
        found = Found(
            tracking_no=typed.get("tracking_no", ""),
            carrier=typed.get("carrier", ""),
            sender=typed.get("sender", ""),
            contents=typed.get("contents", ""),
            photos=photos,
        )
        made = await parcels.record(viewer, typed["warehouse"], found, request_key=typed.get("key", ""))
    except (Invalid, Conflict, NoSuchWarehouse) as refusal:
        return await _new(request, forms.again(typed, refusal), forms.status_of(refusal))
    said = text.gettext("The parcel waits as %(number)s. Write the number on it.", number=made.number)
    return web.redirect(request, f"/returns/parcels/{made.id}", flash=("ok", said))


async def _new(request: Request[Any, Any, Any], form: Form, status: int = 200) -> Response[str]:
    warehouses = scope.choices(await scope.warehouses(handler(request)))
    kept = len(web.listed(form.values, "kept"))
    return web.page(request, "returns/parcel_new.html", status=status, form=form, warehouses=warehouses, kept=kept)


@get("/parcels/{parcel_id:uuid}")
async def show(request: Request[Any, Any, Any], parcel_id: FromPath[uuid.UUID]) -> Response[str]:
    """One parcel."""
    return await _page(request, parcel_id, {})


@post("/parcels/{parcel_id:uuid}")
async def act(request: Request[Any, Any, Any], parcel_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Match it with a return, take a match back, or discard it; `deed` says which."""
    viewer, typed = handler(request), await forms.read(request)
    deed, here = typed.get("deed", ""), f"/returns/parcels/{parcel_id}"
    try:
        if deed == "match":
            number = typed.get("number", "")
            if not number:
                raise Invalid([Fault("number", "", _NUMBER_WANTED)])
            rma_id = await parcels.match(viewer, parcel_id, number)
            said = text.gettext("The parcel belongs to this return now. Receive its goods.")
            return web.redirect(request, messages.path_of("return", rma_id), flash=("ok", said))
        if deed == "unmatch":
            await parcels.unmatch(viewer, parcel_id, note=typed.get("note", ""))
            said = text.gettext("The parcel waits for its return again.")
        elif deed == "discard":
            await parcels.discard(viewer, parcel_id, note=typed.get("note", ""))
            said = text.gettext("The parcel is discarded.")
        else:
            raise Invalid
    except (Invalid, Conflict, NotFound) as refusal:
        if isinstance(refusal, parcels.NoSuchParcel):
            raise
        form = forms.again(typed, _of_number(deed, refusal, typed), deed)
        return await _page(request, parcel_id, {deed: form}, 422 if isinstance(refusal, Invalid | NotFound) else 409)
    return web.redirect(request, here, flash=("ok", said))


def _of_number(deed: str, refusal: Refusal, typed: Mapping[str, str]) -> Refusal:
    """A return that cannot take the parcel is a fault of the number that was typed."""
    if deed == "match" and not refusal.faults and not isinstance(refusal, parcels.Settled):
        return Invalid([Fault("number", typed.get("number", ""), refusal.sentence, refusal.facts)])
    return refusal


async def _page(
    request: Request[Any, Any, Any], parcel_id: uuid.UUID, refused: Mapping[str, Form], status: int = 200
) -> Response[str]:
    viewer = reader(request)
    row = await parcels.parcel(viewer, parcel_id)
    handles = viewer.may(Right.HANDLE_RETURNS) and access_rules.runs_warehouse(viewer, row["warehouse_id"])
    waiting = row["state"] == parcels.WAITING
    deeds = []
    if handles and waiting:
        deeds.append("match")
    if handles and waiting and row["due_at"] <= clock.now() and Role.OPERATOR_MANAGER in viewer.roles:
        deeds.append("discard")
    if handles and row["state"] == "matched":
        deeds.append("unmatch")
    return web.page(
        request,
        "returns/parcel.html",
        status=status,
        row=row,
        forms={
            deed: refused.get(deed) or Form(prefix=deed) for deed in (*deeds, *(d for d in refused if d not in deeds))
        },
        candidates=await parcels.candidates(viewer, row) if "match" in deeds else [],
        photos=await files_queries.attachments(viewer, row["warehouse_id"], ["parcel"], [parcel_id]),
        thread=await messages_pages.thread(request, Subject.PARCEL, parcel_id),
        states=_states(),
        stages=words.stages(),
    )
