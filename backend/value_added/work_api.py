"""Work on jobs for machines: steps, referrals, transformations, the result and the word on it. Shapes are added to, never changed."""

import uuid
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response, Router, post
from litestar.params import FromPath, JSONBody

from backend.core.errors import Fault, Invalid, told_as
from backend.core.text import N_
from backend.value_added import performing, processing
from backend.value_added.api import REVISION, TAGS, IdempotencyKey, reader
from backend.value_added.processing import Put, Taken


class WorkStep(msgspec.Struct, forbid_unknown_fields=True):
    """What was done, with hashes of photos that were brought before."""

    note: str
    photos: list[str] = []


class Referral(msgspec.Struct, forbid_unknown_fields=True):
    """How far a matter is at a partner: sent, taken_on, papers_wanted, running, ended or declined."""

    partner: str
    status: str
    reference: str = ""
    note: str = ""
    files: list[str] = []


class Transformation(msgspec.Struct, forbid_unknown_fields=True):
    """Runs of the recipe: the pieces taken, in the order in which they are used up, and the pieces put."""

    runs: int
    taken: list[Taken]
    put: list[Put]
    note: str = ""
    photos: list[str] = []


class Undoing(msgspec.Struct, forbid_unknown_fields=True):
    """Why a transformation is taken back."""

    why: str


class Result(msgspec.Struct, forbid_unknown_fields=True):
    """How it went (succeeded, partly or failed), and how much of what was quoted was done."""

    revision: int
    outcome: str
    quantity: Decimal
    note: str
    photos: list[str] = []


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """The owner's word on a result; what is wrong with it, if it is not accepted."""

    revision: int
    accept: bool
    note: str = ""
    photos: list[str] = []


class Settlement(msgspec.Struct, forbid_unknown_fields=True):
    """The operator's answer to a dispute: redo, stand_by or waive."""

    revision: int
    way: str
    note: str


class Stepped(msgspec.Struct):
    """The step that was recorded; for a transformation also its document in the ledger."""

    step: uuid.UUID
    document: uuid.UUID | None = None


@post("/services/jobs/{job_id:uuid}/steps", tags=TAGS, summary="Record a step of work", status_code=201)
async def work(
    request: Request[Any, Any, Any],
    job_id: FromPath[uuid.UUID],
    data: JSONBody[WorkStep],
    idempotency_key: IdempotencyKey = "",
) -> Stepped:
    """Record a step."""
    made = await performing.work(
        reader(request), job_id, note=data.note, photos=data.photos, request_key=idempotency_key
    )
    return Stepped(made)


@post("/services/jobs/{job_id:uuid}/referrals", tags=TAGS, summary="Say how far a referred matter is", status_code=201)
async def refer(
    request: Request[Any, Any, Any],
    job_id: FromPath[uuid.UUID],
    data: JSONBody[Referral],
    idempotency_key: IdempotencyKey = "",
) -> Stepped:
    """Record where a matter stands at a partner."""
    made = await performing.refer(
        reader(request),
        job_id,
        partner=data.partner,
        reference=data.reference,
        status=data.status,
        note=data.note,
        files=data.files,
        request_key=idempotency_key,
    )
    return Stepped(made)


@post(
    "/services/jobs/{job_id:uuid}/transformations",
    tags=TAGS,
    summary="Transform goods",
    description="One document of the ledger: everything that went in and came out, lots carried through. 201 when booked, "
    "200 when the key had booked it before, 422 when components are not free.",
)
async def transform(
    request: Request[Any, Any, Any],
    job_id: FromPath[uuid.UUID],
    data: JSONBody[Transformation],
    idempotency_key: IdempotencyKey = "",
) -> Response[Stepped]:
    """Transform goods."""
    made = await processing.transform(
        reader(request),
        job_id,
        runs=data.runs,
        taken=data.taken,
        put=data.put,
        note=data.note,
        photos=data.photos,
        request_key=idempotency_key,
    )
    return Response(Stepped(made.step_id, made.document_id), status_code=200 if made.repeated else 201)


@post(
    "/services/jobs/{job_id:uuid}/transformations/{step_id:uuid}/reversal",
    tags=TAGS,
    summary="Undo a transformation",
    description="The same goods back, while the job is being done and what was made still lies where it was put.",
    status_code=200,
)
async def undo(
    request: Request[Any, Any, Any],
    job_id: FromPath[uuid.UUID],
    step_id: FromPath[uuid.UUID],
    data: JSONBody[Undoing],
) -> Stepped:
    """Undo a transformation."""
    posted = await processing.undo_transform(reader(request), job_id, step_id, why=data.why)
    return Stepped(step_id, posted.document_id)


@post(
    "/services/jobs/{job_id:uuid}/result",
    tags=TAGS,
    summary="Report the result",
    description=REVISION,
    status_code=204,
)
async def report(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID], data: JSONBody[Result]) -> None:
    """Report the result."""
    await performing.report(
        reader(request),
        job_id,
        data.revision,
        outcome=data.outcome,
        quantity=data.quantity,
        note=data.note,
        photos=data.photos,
    )


@post(
    "/services/jobs/{job_id:uuid}/verdict",
    tags=TAGS,
    summary="Accept or dispute the result",
    description=REVISION,
    status_code=204,
)
async def verdict(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID], data: JSONBody[Verdict]) -> None:
    """The owner's word on the result."""
    viewer = reader(request)
    if data.accept:
        if data.photos:
            raise Invalid([Fault("photos", "", N_("Photos belong to a dispute. Leave them out."))])
        await performing.approve(viewer, job_id, data.revision, note=data.note)
    else:
        with told_as({"why": "note"}):
            await performing.dispute(viewer, job_id, data.revision, why=data.note, photos=data.photos)


@post(
    "/services/jobs/{job_id:uuid}/settlement",
    tags=TAGS,
    summary="Answer a dispute",
    description=REVISION,
    status_code=204,
)
async def settle(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID], data: JSONBody[Settlement]) -> None:
    """The operator's answer to a dispute."""
    await performing.settle(reader(request), job_id, data.revision, way=data.way, note=data.note)


router = Router(path="/api/v1", route_handlers=[work, refer, transform, undo, report, verdict, settle])
