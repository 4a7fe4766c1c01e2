"""Returns that are booked: the list, one return, and what may still happen to its booking."""

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.returns import booking, changes, listings, queries, rules
from backend.returns.booking import Change, Parcel
from backend.returns.rules import Kind, Stage
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from frontend import lists, web
from frontend.lists import Row
from frontend.messages import pages as messages_pages
from frontend.render import Form
from frontend.returns import draft, lines, new, return_units, words
from frontend.stock import forms, scope


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see returns."""
    return access_rules.require(request.user, Right.SEE_RETURNS)


@get("/")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Returns in the viewer's scope, the latest first."""
    viewer, filters = reader(request), lists.asked(request, *queries.FILTERS)
    found = await lists.shown(request, listings.RETURNS, filters, lambda: queries.clauses(viewer, filters))
    return web.page(
        request,
        "returns/list.html",
        status=found.status,
        list=found,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        kinds=words.kinds(),
        reasons=dict(words.every_reason()),
        stages=words.stages(),
        books=viewer.may(Right.BOOK_RETURNS),
        desks=viewer.may(Right.KEEP_PRICES),
    )


@get("/returns.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """Returns as a file."""
    viewer = reader(request)
    clauses = await queries.clauses(viewer, lists.asked(request, *queries.FILTERS))
    return lists.file(request, "returns", listings.RETURNS, clauses)


@get("/{rma_id:uuid}")
async def show(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Response[str]:
    """One return."""
    return await page(request, rma_id)


@post("/{rma_id:uuid}/cancel")
async def cancel(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Cancel the return."""
    viewer, typed = reader(request), await forms.read(request)
    try:
        await changes.cancel(viewer, rma_id, _revision(typed), typed.get("note", ""))
    except (Invalid, Conflict) as refusal:
        form = web.form_from(typed, refusal, "cancel")
        return await page(request, rma_id, cancelling=form, status=forms.status_of(refusal))
    return _back(
        request, rma_id, "ok", text.gettext("The return is cancelled. Its pieces may be returned another way.")
    )


@post("/{rma_id:uuid}/lines/{line_no:int}/finding")
async def settle(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID], line_no: FromPath[int]) -> Response[Any]:
    """Settle the investigation of a line."""
    viewer, typed = reader(request), await forms.read(request)
    try:
        await changes.settle(viewer, rma_id, line_no, typed.get("verdict", ""), typed.get("note", ""))
    except (Invalid, Conflict) as refusal:
        form = web.form_from(typed, refusal, f"finding-{line_no}")
        return await page(request, rma_id, settling=(line_no, form), status=forms.status_of(refusal))
    said = text.gettext("What you found on line %(line)s is kept; its exporter has been told.", line=line_no)
    return _back(request, rma_id, "ok", said)


@get("/{rma_id:uuid}/change")
async def edit(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Response[Any]:
    """What may still be changed of the return."""
    viewer = reader(request)
    head = await queries.rma(viewer, rma_id)
    if not changeable(viewer, head):
        refusal = booking.TooLateToChange(stage=words.stages()[head["stage"]][1], number=head["number"])
        return _back(request, rma_id, "warn", text.say(refusal.sentence, refusal.facts))
    typed = {
        "revision": str(head["revision"]),
        "reference": head["reference"],
        "note": head["note"],
        "expected_on": head["expected_on"].isoformat() if head["expected_on"] else "",
        **draft.typed_parcels(await _expected(head)),
        **lines.typed_of(lines.booked(await queries.lines(head))),
    }
    return await _change_page(request, head, Form(typed))


@post("/{rma_id:uuid}/change", request_max_body_size=web.LARGEST_FORM)
async def change(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Change the return, or show the form with more rows."""
    viewer, typed = reader(request), await new.read(request)
    head = await queries.rma(viewer, rma_id)
    if typed.pop("deed", "") == "more":
        return await _change_page(request, head, Form(typed), rows=lines.rows_of(typed) + lines.MORE_ROWS)
    faults: list[Fault] = []
    numbers: list[int] = []
    try:
        numbers, asked = await _change(viewer, head, typed, await web.uploads(request, "photo_files"), faults)
        await changes.change(viewer, rma_id, _revision(typed), asked)
    except (Invalid, Conflict) as refusal:
        shown = forms.together(faults, refusal, lambda path: field_of(path, numbers))
        form = web.form_from(typed, shown)
        return await _change_page(request, head, form, status=forms.status_of(refusal))
    return _back(request, rma_id, "ok", text.gettext("The return is changed. The operator has been told."))


def field_of(path: str, numbers: Sequence[int]) -> str:
    """Where the form shows a fault of the change."""
    return "tracking" if path.startswith("parcels") else lines.field_of(path, numbers)


async def _change(
    viewer: Viewer, head: Row, typed: Mapping[str, str], photos: Sequence[draft.Upload], faults: list[Fault]
) -> tuple[list[int], Change]:
    """What the form changes: only what is another than it was, so that a stage lets through what it can."""
    numbers, given = lines.read(typed, head["kind"], faults)
    parcels = draft.parcels_of(typed, faults)
    expected_on = draft.day_of(typed, faults)
    before = lines.booked(await queries.lines(head))
    asked = Change(
        reference=typed["reference"] if typed.get("reference", head["reference"]) != head["reference"] else None,
        note=typed["note"] if typed.get("note", head["note"]) != head["note"] else None,
        expected_on=expected_on if expected_on != head["expected_on"] else None,
        parcels=parcels if "tracking" in typed and parcels != await _expected(head) else None,
        lines=given if numbers and given != before and len(before) <= lines.MOST_ROWS else None,
    )
    if faults:
        raise Invalid(faults)
    hashes = await files_actions.take_in(viewer, photos, field="photo_files", photos_only=True) if photos else []
    return numbers, msgspec.structs.replace(asked, photos=hashes)


async def _expected(head: Row) -> list[Parcel]:
    """The parcels of a return as they were named."""
    found = await queries.parcels(head)
    return [Parcel(tracking_no=row["tracking_no"] or "", carrier=row["carrier"]) for row in found]


async def _change_page(
    request: Request[Any, Any, Any], head: Row, form: Form, rows: int = 0, status: int = 200
) -> Response[str]:
    kind = Kind(head["kind"])
    count = len(await queries.lines(head))
    return web.page(
        request,
        "returns/change.html",
        status=status,
        head=head,
        form=form,
        may=booking.CHANGEABLE.get(Stage(head["stage"]), frozenset()),
        too_many=count > lines.MOST_ROWS,
        kind=kind.value,
        bases=words.bases(kind),
        conditions=words.conditions(),
        rows=min(lines.MOST_ROWS, max(rows, lines.rows_of(form.values))),
        most_rows=lines.MOST_ROWS,
    )


async def page(
    request: Request[Any, Any, Any],
    rma_id: uuid.UUID,
    *,
    cancelling: Form | None = None,
    settling: tuple[int, Form] | None = None,
    refunding: Form | None = None,
    status: int = 200,
) -> Response[str]:
    """The page of a return; a form that was refused is shown again."""
    viewer = reader(request)
    head = await queries.rma(viewer, rma_id)
    found = await queries.lines(head)
    return web.page(
        request,
        "returns/return.html",
        status=status,
        head=head,
        kind=words.kinds()[head["kind"]],
        reason=words.reason(head["reason"]),
        stage=words.stages()[head["stage"]],
        stages=words.stages(),
        events=_events(head, await stages_queries.history(viewer, Subject.RETURN, rma_id)),
        lines=found,
        units=await return_units.of_return(viewer, head, found, refunding),
        bases=_stood_on(found),
        investigations=words.investigations(),
        parcels=await queries.parcels(head),
        photos=await files_queries.attachments(viewer, head["warehouse_id"], ["rma"], [rma_id]),
        thread=await messages_pages.thread(request, Subject.RETURN, rma_id),
        reasons=[
            (said["level"], text.say(said["sentence"], said["facts"])) for said in head["proposal"].get("reasons", [])
        ],
        points=Decimal(head["proposal"].get("points", 0)),
        changes=changeable(viewer, head),
        cancels=_owns(viewer, head) and head["stage"] == Stage.BOOKED,
        settles=viewer.may(Right.HANDLE_RETURNS) and access_rules.runs_warehouse(viewer, head["warehouse_id"]),
        cancelling=cancelling or Form(prefix="cancel"),
        settling=settling,
        empty_form=lambda line_no: Form(prefix=f"finding-{line_no}"),
        is_open=head["closed_at"] is None,
    )


def _stood_on(found: Sequence[Row]) -> dict[int, str]:
    """What each line stands on, in words."""
    said = {
        rules.Basis.SHIPPED: text.gettext("Shipped to a buyer"),
        rules.Basis.UNSOLD: text.gettext("Unsold"),
        rules.Basis.PAPER: text.gettext("Only the buyer's paper"),
    }
    return {row["line_no"]: said[rules.Basis(row["basis"])] for row in found}


def _events(head: Row, history: Sequence[Row]) -> list[dict[str, Any]]:
    """The way of a return so far: every stage it was in."""
    names, zone = words.stages(), head["time_zone"]
    events = [
        {
            "stage": names[row["stage"]][1],
            "at": row["entered_at"],
            "due_at": row["due_at"] if row["left_at"] is None else None,
            "state": "now" if row["left_at"] is None else "done",
            "zone": zone,
        }
        for row in history
    ]
    if head["closed_at"]:
        name = names[head["stage"]][1]
        events.append({"stage": name, "at": head["closed_at"], "due_at": None, "state": "done", "zone": zone})
    return events


def _owns(viewer: Viewer, head: Row) -> bool:
    return viewer.may(Right.BOOK_RETURNS) and access_rules.owns(viewer, head["owner_id"])


def changeable(viewer: Viewer, head: Row) -> bool:
    """Whether the viewer may still change something of the booking."""
    return _owns(viewer, head) and Stage(head["stage"]) in booking.CHANGEABLE


def _revision(typed: Mapping[str, str]) -> int:
    """The revision of the return as the reader saw it; one that is none fits no return."""
    given = typed.get("revision", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 9 else 0


def _back(request: Request[Any, Any, Any], rma_id: uuid.UUID, kind: str, said: str) -> Response[Any]:
    return web.redirect(request, f"/returns/{rma_id}", flash=(kind, said))
