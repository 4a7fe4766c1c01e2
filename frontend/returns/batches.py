"""Batches home: the list, opening one, and one batch with everything that may be done with it."""

import uuid
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid
from backend.files import actions as files_actions
from backend.returns import batches, custody, home, home_rules, papers, sending
from backend.returns.eligibility import Plan
from backend.returns.home_rules import Packed, Stage, Step
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from frontend import lists, web
from frontend.messages import pages as messages_pages
from frontend.render import Form
from frontend.returns import batch_words
from frontend.stock import forms, scope

_PLAN = ("warehouse", "cause", "home_area", "planned_on", "statement")
# Where the goods are chosen after a batch was opened for them.
_ASKED = ("declaration", "item")


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see returns."""
    return access_rules.require(request.user, Right.SEE_RETURNS)


def path_of(batch_id: uuid.UUID) -> str:
    """Where a batch is shown."""
    return f"/returns/batches/{batch_id}"


@get("/batches")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Batches in the viewer's scope, the latest first."""
    viewer, filters = reader(request), lists.asked(request, *batches.FILTERS)
    found = await lists.shown(request, batches.BATCHES, filters, lambda: batches.clauses(viewer, filters))
    return web.page(
        request,
        "returns/batches.html",
        status=found.status,
        list=found,
        own=scope.has_one_owner(viewer),
        opens=_opens(viewer),
        stages=batch_words.stages(),
        stage_choices=[(name, word[1]) for name, word in batch_words.stages().items()],
        causes=batch_words.causes(),
        warehouses=scope.choices(await scope.warehouses(viewer)),
    )


@get("/batches.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    clauses = batches.clauses(reader(request), lists.asked(request, *batches.FILTERS))
    return lists.file(request, "batches", batches.BATCHES, clauses)


@get("/batches/new")
async def new(request: Request[Any, Any, Any]) -> Response[str]:
    """The form for a batch; warehouse and cause, and the goods to choose afterwards, may be given in the address."""
    given = {name: value for name, value in lists.asked(request, *_PLAN, *_ASKED).items() if value}
    return await _new_page(request, Form({"key": forms.new_key(), "cause": "unsold", **given}))


@post("/batches/new")
async def open_one(request: Request[Any, Any, Any]) -> Response[Any]:
    """Open a batch and go on to choose its goods."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    typed = await web.form(request)
    try:
        made = await home.open_batch(viewer, typed.get("warehouse", ""), typed, request_key=typed.get("key", ""))
    except (Invalid, Conflict) as refusal:
        return await _new_page(request, forms.again(typed, refusal), forms.status_of(refusal))
    said = text.gettext("Batch %(number)s is open. Choose what goes home.", number=made.number)
    goods = lists.address(f"{path_of(made.id)}/goods", {name: typed.get(name, "") for name in _ASKED})
    return web.redirect(request, goods, flash=("ok", said))


async def _new_page(request: Request[Any, Any, Any], form: Form, status: int = 200) -> Response[str]:
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    return web.page(
        request,
        "returns/batch_new.html",
        status=status,
        form=form,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        causes=batch_words.causes(),
        longest=home_rules.LONGEST_STATEMENT,
    )


def _opens(viewer: Viewer) -> bool:
    return viewer.kind is Kind.EXPORTER and viewer.may(Right.DECIDE_RETURNS)


# ----------------------------------------------------------------------------------------------------------- one batch


@get("/batches/{batch_id:uuid}")
async def show(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> Response[str]:
    """One batch: its goods by declaration line with the clocks of each, its papers, its way, its messages."""
    return await _page(request, batch_id, {})


@post("/batches/{batch_id:uuid}")
async def act(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Do something with the batch; `deed` says what."""
    viewer, typed = reader(request), await web.form(request)
    deed = typed.get("deed", "")
    do = _DEEDS.get(deed)
    if do is None:
        raise Invalid
    try:
        said = await do(viewer, batch_id, typed)
    except (Invalid, Conflict) as refusal:
        return await _page(request, batch_id, {deed: _again(typed, refusal, deed)}, forms.status_of(refusal))
    return web.redirect(request, path_of(batch_id), flash=("ok", said))


@post("/batches/{batch_id:uuid}/papers", request_max_body_size=web.LARGEST_FORM)
async def add_papers(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Keep papers with the batch: certificates, platform records, photos."""
    viewer = reader(request)
    await batches.batch(viewer, batch_id)
    try:
        files = await files_actions.take_in(viewer, await web.uploads(request, "files"), field="files")
        await papers.add(viewer, batch_id, files)
    except Invalid as refusal:
        return await _page(request, batch_id, {"papers": forms.again({}, refusal, "papers")}, 422)
    said = text.gettext("The papers are kept with the batch.")
    return web.redirect(request, path_of(batch_id), flash=("ok", said))


def _again(typed: Mapping[str, str], refusal: Invalid | Conflict, deed: str) -> Form:
    """The form of a deed once more; what is wrong with goods that have no field in it is said above it."""
    if isinstance(refusal, Invalid):
        counted = deed in ("pack", "arrive")
        refusal = Invalid(
            [
                fault if counted or not fault.field.startswith("lines") else Fault("", *_rest(fault))
                for fault in refusal.faults
            ]
        )
    return forms.again(typed, refusal, deed)


def _rest(fault: Fault) -> tuple[object, str, Mapping[str, object]]:
    return fault.value, fault.sentence, fault.facts


def _asked(typed: Mapping[str, str]) -> dict[str, Any]:
    """The request key and the revision that the form was made for."""
    return {"request_key": typed.get("key", ""), "revision": revision_of(typed)}


def revision_of(typed: Mapping[str, str]) -> int:
    """The revision of the batch as the reader saw it; one that is none fits no batch."""
    revision = typed.get("revision", "")
    return int(revision) if is_whole(revision) else 0


def is_whole(typed: str) -> bool:
    """Whether this is a whole number that anybody would type."""
    return typed.isdecimal() and len(typed) < 10


async def _plan(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    given = {name: typed.get(name, "") for name in ("home_area", "planned_on", "statement")}
    agreed = typed.get("taxed_agreed") == "yes"
    await home.change_plan(viewer, batch_id, given, taxed_agreed=agreed, **_asked(typed))
    return text.gettext("The plan is changed, and every line was judged anew.")


async def _remove(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    numbers = [int(each) for each in web.listed(typed, "line") if is_whole(each)]
    await home.remove(viewer, batch_id, numbers, **_asked(typed))
    return text.gettext("The lines are taken out of the batch.")


async def _ready(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    await home.make_ready(viewer, batch_id, **_asked(typed))
    return text.gettext("The warehouse has been told to pack the batch.")


async def _agree(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    await home.agree_to_tax(viewer, batch_id, **_asked(typed))
    return text.gettext("You agreed to pay duty and tax where they are due.")


async def _reopen(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    await home.reopen(viewer, batch_id, note=typed.get("note", ""), **_asked(typed))
    return text.gettext("The batch is being collected again.")


async def _cancel(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    await home.cancel(viewer, batch_id, note=typed.get("note", ""), **_asked(typed))
    return text.gettext("The batch is cancelled; its goods stay where they are.")


async def _pack(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    faults: list[Fault] = []
    lines = [
        Packed(line_no=line_no, quantity=quantity, location=typed.get(f"lines.{line_no}.location", ""))
        for line_no, quantity in _counted(typed, faults)
    ]
    if faults:
        raise Invalid(faults)
    await sending.pack(viewer, batch_id, lines, **_asked(typed))
    return text.gettext("The batch is packed.")


async def _unpack(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    await sending.unpack(viewer, batch_id, note=typed.get("note", ""), **_asked(typed))
    return text.gettext("The batch is to be packed again.")


async def _dispatch(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    faults: list[Fault] = []
    head = await batches.batch(viewer, batch_id)
    at = forms.instant("occurred_at", typed.get("occurred_at", ""), head["time_zone"], faults)
    if faults:
        raise Invalid(faults)
    carrier, number = typed.get("carrier", ""), typed.get("transport_no", "")
    await sending.dispatch(viewer, batch_id, carrier=carrier, transport_no=number, occurred_at=at, **_asked(typed))
    return text.gettext("The batch has left the warehouse; its goods are in transit.")


async def _undo_dispatch(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    await sending.undo_dispatch(viewer, batch_id, note=typed.get("note", ""), **_asked(typed))
    return text.gettext("The leaving is undone by a reversal; the goods are in the warehouse again.")


async def _arrive(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    faults: list[Fault] = []
    lines = _counted(typed, faults)
    at = forms.instant("occurred_at", typed.get("occurred_at", ""), viewer.time_zone, faults)
    if faults:
        raise Invalid(faults)
    declaration = typed.get("return_declaration_no", "")
    await sending.confirm_arrival(
        viewer, batch_id, lines, return_declaration_no=declaration, occurred_at=at, **_asked(typed)
    )
    return text.gettext("The arrival is confirmed.")


async def _undo_arrival(viewer: Viewer, batch_id: uuid.UUID, typed: Mapping[str, str]) -> str:
    await sending.undo_arrival(viewer, batch_id, note=typed.get("note", ""), **_asked(typed))
    return text.gettext("The arrival is undone by a reversal; the goods are in transit again.")


_DEEDS = {
    "plan": _plan,
    "remove": _remove,
    "ready": _ready,
    "agree": _agree,
    "reopen": _reopen,
    "cancel": _cancel,
    "pack": _pack,
    "unpack": _unpack,
    "dispatch": _dispatch,
    "undo_dispatch": _undo_dispatch,
    "arrive": _arrive,
    "undo_arrival": _undo_arrival,
}


def _counted(typed: Mapping[str, str], faults: list[Fault]) -> list[tuple[int, int]]:
    """The pieces that were typed line by line; nothing typed is no answer."""
    found = []
    for name, value in typed.items():
        parts = name.split(".")
        if len(parts) != 3 or parts[0] != "lines" or parts[2] != "quantity" or not is_whole(parts[1]):
            continue
        plain = value.strip()
        if is_whole(plain) and int(plain) == 0:
            found.append((int(parts[1]), 0))
        elif plain:
            found.append((int(parts[1]), forms.quantity(name, plain, faults)))
    return found


async def _page(
    request: Request[Any, Any, Any], batch_id: uuid.UUID, refused: Mapping[str, Form], status: int = 200
) -> Response[str]:
    viewer = reader(request)
    head = await batches.batch(viewer, batch_id)
    rows = await batches.lines(head)
    may = _may(viewer, head)
    if "agree" in may:
        plan = Plan(cause=head["cause"], home_area=head["home_area"], planned_on=head["planned_on"])
        live = [row for row in rows if row["live"]]
        if not await custody.unpaid(plan, head["warehouse_id"], head["owner_id"], live):
            may.remove("agree")
    shown = {
        deed: _with_revision(refused[deed], head["revision"])
        if deed in refused
        else Form(_begin(deed, head, rows), prefix=deed)
        for deed in may
    }
    # A deed that the batch does not allow any more is refused above the page.
    lost = [sentence for deed, form in refused.items() if deed not in may for sentence in _sentences(form)]
    return web.page(
        request,
        "returns/batch.html",
        status=status,
        head=head,
        stage=batch_words.stages()[head["stage"]],
        cause=batch_words.causes()[head["cause"]],
        groups=await batch_words.groups(head, rows),
        counted=[row for row in rows if row["live"] and (head["stage"] != Stage.SENT or row["packed"])],
        forms=shown,
        lost=lost,
        away=(head["packed"] or 0) - head["arrived"] if head["stage"] in (Stage.SENT, Stage.ARRIVED) else 0,
        papers=await papers.of_batch(viewer, head),
        way=batch_words.way(await stages_queries.history(viewer, Subject.BATCH, batch_id), head),
        thread=await messages_pages.thread(request, Subject.BATCH, batch_id),
        zone=head["time_zone"],
        reader_zone=viewer.time_zone,
        today=batch_words.today(),
        base=path_of(batch_id),
        own=scope.has_one_owner(viewer),
        longest=home_rules.LONGEST_STATEMENT,
    )


def _sentences(form: Form) -> list[str]:
    return [*form.summary, *(sentence for sentences in form.errors.values() for sentence in sentences)]


def _with_revision(form: Form, revision: int) -> Form:
    """A refused form looks at the batch as it is now."""
    return Form({**form.values, "revision": str(revision)}, form.errors, form.summary, form.prefix)


def _begin(deed: str, head: Mapping[str, Any], rows: list[Any]) -> dict[str, str]:
    """What the form of a deed holds before anybody types."""
    values = {"key": forms.new_key(), "revision": str(head["revision"])}
    if deed == "plan":
        values |= {
            "home_area": head["home_area"],
            "planned_on": str(head["planned_on"]),
            "statement": head["statement"],
        }
    elif deed == "pack":
        values |= {f"lines.{row['line_no']}.quantity": str(row["quantity"]) for row in rows if row["live"]}
    elif deed == "arrive":
        values |= {f"lines.{row['line_no']}.quantity": str(row["packed"]) for row in rows if row["live"]}
    return values


def _may(viewer: Viewer, head: Mapping[str, Any]) -> list[str]:
    """The deeds that this viewer may do with this batch now, the one that moves it on first."""
    stage = head["stage"]
    steps = set(home_rules.possible_steps(stage))
    owns = access_rules.owns(viewer, head["owner_id"])
    decides = owns and viewer.may(Right.DECIDE_RETURNS)
    handles = access_rules.runs_warehouse(viewer, head["warehouse_id"]) and viewer.may(Right.HANDLE_RETURNS)
    party = handles or (owns and viewer.may(Right.BOOK_RETURNS))
    open_, waiting = stage == Stage.OPEN, stage in (Stage.OPEN, Stage.READY, Stage.PACKED)
    possible = (
        ("ready", decides and open_ and head["lines"] > 0),
        ("pack", handles and Step.PACK in steps),
        ("dispatch", handles and Step.DISPATCH in steps),
        ("arrive", party and Step.ARRIVE in steps),
        ("plan", decides and open_),
        ("remove", decides and open_ and head["lines"] > 0),
        ("agree", decides and waiting and head["lines"] > 0),
        ("reopen", (decides or handles) and Step.REOPEN in steps),
        ("unpack", handles and Step.UNPACK in steps),
        ("undo_dispatch", handles and Step.UNDO_DISPATCH in steps),
        ("undo_arrival", party and Step.UNDO_ARRIVAL in steps),
        ("cancel", decides and Step.CANCEL in steps),
        ("papers", handles or owns),
    )
    return [deed for deed, allowed in possible if allowed]
