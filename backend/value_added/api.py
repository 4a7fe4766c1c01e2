"""Services for machines: offers, jobs from request to acceptance, their steps. Shapes are added to, never changed."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core.errors import told_as
from backend.stock.rules import Condition
from backend.value_added import actions, offering, queries, quoting
from backend.value_added.actions import RecipeLine, Wish
from backend.value_added.jobs import Document

JSON = "application/json"
TAGS = ["Services"]
_LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."
REVISION = "`revision` is the one that was read; 409 when the job has gone on since."

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        description="New for each new request; the same key and body give the first answer again.",
    ),
]
After = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="Place in the list, from `after` of the page before."),
]
Limit = Annotated[int, QueryParameter(name="limit", required=False, description="Rows on a page, 1 to 500.")]


class Words(msgspec.Struct, forbid_unknown_fields=True):
    """A text in at least one language."""

    zh: str = ""
    en: str = ""
    ar: str = ""


class OfferFacts(msgspec.Struct, forbid_unknown_fields=True):
    """An offer: names and descriptions by language, the price of one unit (null: by agreement), lead time in days, the
    kinds of documents that are needed. `version` is the one that was read, when an offer is stated anew.
    """

    warehouse: str
    kind: str
    names: Words
    unit: str
    lead_days: int
    descriptions: Words = msgspec.field(default_factory=Words)
    price: Decimal | None = None
    currency: str = ""
    documents: list[str] = []
    version: int = 0


class OfferId(msgspec.Struct):
    """An offer; it keeps this id over its versions."""

    offer_id: uuid.UUID


class OfferVersion(msgspec.Struct, forbid_unknown_fields=True):
    """The version of an offer that was read."""

    version: int


class NewJob(msgspec.Struct, forbid_unknown_fields=True):
    """A request under an offer's version (`offer`, its `id` in the list of offers).

    For light processing `quantity` counts runs of the recipe: `process` is kit, dekit, relabel or repack, `ins` and `outs`
    are what one run takes in and gives out.
    """

    offer: uuid.UUID
    quantity: Decimal
    text: str = ""
    wanted_on: date | None = None
    process: str = ""
    ins: list[RecipeLine] = []
    outs: list[RecipeLine] = []
    documents: list[Document] = []


class JobId(msgspec.Struct):
    """The job that was made."""

    job: uuid.UUID
    number: str


class Quote(msgspec.Struct, forbid_unknown_fields=True):
    """What a job costs: the price of one unit, how many, until when the quote holds."""

    revision: int
    price: Decimal
    currency: str
    quantity: Decimal
    expires_at: datetime
    note: str = ""


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The owner's answer to a quote."""

    revision: int
    accept: bool
    why: str = ""


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """Why a job is declined or cancelled."""

    revision: int
    why: str = ""


class Papers(msgspec.Struct, forbid_unknown_fields=True):
    """Documents: the hash of a file that was brought before, and what kind of document it is."""

    documents: list[Document]


# ----------------------------------------------------------------------------------------------------------- offers


@get("/services/offers", media_type=JSON, tags=TAGS, summary="What warehouses offer", description=_LIST)
async def offers(
    request: Request[Any, Any, Any],
    kind: FromQuery[str] = "",
    warehouse: FromQuery[str] = "",
    country: FromQuery[str] = "",
    operator: FromQuery[str] = "",
    standing: Annotated[
        str, QueryParameter(name="state", required=False, description="active or withdrawn, among one's own.")
    ] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Offers by warehouse and kind."""
    viewer = reader(request)
    filters = {"kind": kind, "warehouse": warehouse, "country": country, "operator": operator, "state": standing}
    return await queries.OFFERS.json_page(queries.offer_clauses(viewer, filters), after=after, limit=limit)


@post("/services/offers", tags=TAGS, summary="Offer something new", status_code=201)
async def new_offer(request: Request[Any, Any, Any], data: JSONBody[OfferFacts]) -> OfferId:
    """Make an offer."""
    viewer = access_rules.require(request.user, Right.KEEP_OFFERS)
    with told_as(_WORDS):
        return OfferId(await offering.create_offer(viewer, _typed(data)))


@post(
    "/services/offers/{offer_id:uuid}",
    tags=TAGS,
    summary="State an offer anew",
    description="A new version; jobs keep the version they were asked under. 409 when another version counts by now.",
    status_code=200,
)
async def restate_offer(
    request: Request[Any, Any, Any], offer_id: FromPath[uuid.UUID], data: JSONBody[OfferFacts]
) -> OfferId:
    """State an offer anew."""
    viewer = access_rules.require(request.user, Right.KEEP_OFFERS)
    with told_as(_WORDS):
        await offering.restate_offer(viewer, offer_id, data.version, _typed(data))
    return OfferId(offer_id)


@post("/services/offers/{offer_id:uuid}/withdrawal", tags=TAGS, summary="Offer something no longer", status_code=204)
async def withdraw_offer(
    request: Request[Any, Any, Any], offer_id: FromPath[uuid.UUID], data: JSONBody[OfferVersion]
) -> None:
    """Withdraw an offer; stating it anew offers it again."""
    viewer = access_rules.require(request.user, Right.KEEP_OFFERS)
    await offering.withdraw_offer(viewer, offer_id, data.version)


_LANGUAGES = ("zh", "en", "ar")
# An offer's texts are fields of their own where they are typed.
_WORDS = {
    "name": "names",
    **{f"name_{each}": f"names.{each}" for each in _LANGUAGES},
    **{f"description_{each}": f"descriptions.{each}" for each in _LANGUAGES},
}


def _typed(data: OfferFacts) -> dict[str, str]:
    given = {
        "warehouse": data.warehouse,
        "kind": data.kind,
        "price": "" if data.price is None else str(data.price),
        "currency": data.currency,
        "unit": data.unit,
        "lead_days": str(data.lead_days),
        "documents": ",".join(data.documents),
    }
    for language in _LANGUAGES:
        given[f"name_{language}"] = getattr(data.names, language)
        given[f"description_{language}"] = getattr(data.descriptions, language)
    return given


# ------------------------------------------------------------------------------------------------------------- jobs


@get("/services/jobs", media_type=JSON, tags=TAGS, summary="Service jobs", description=_LIST)
async def jobs(
    request: Request[Any, Any, Any],
    kind: FromQuery[str] = "",
    stage: FromQuery[str] = "",
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    number: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Jobs in the viewer's scope, the latest first; `stage` may also be open, or mine (the viewer's turn)."""
    viewer = reader(request)
    filters = {"kind": kind, "stage": stage, "warehouse": warehouse, "owner": owner, "number": number}
    return await queries.JOBS.json_page(queries.job_clauses(viewer, filters), after=after, limit=limit)


@get("/services/jobs/{job_id:uuid}", tags=TAGS, summary="A service job with its recipe, documents and steps")
async def job(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID]) -> dict[str, Any]:
    """One job."""
    viewer = reader(request)
    row = await queries.job(viewer, job_id)
    names = (
        *("id", "number", "kind", "process", "stage", "wish", "quantity", "unit", "wanted_on", "warehouse", "owner"),
        *(
            "quote_price",
            "quote_currency",
            "quote_quantity",
            "quote_amount",
            "quote_note",
            "quote_expires_at",
            "answer",
        ),
        *("partner", "partner_reference", "partner_status", "outcome", "result_quantity", "settlement", "ending"),
        *("return_unit_id", "requested_at", "closed_at", "revision"),
    )
    said = {name: row[name] for name in names}
    said["recipe"] = [
        {
            "side": line["side"],
            "item": line["item"],
            "lot": line["lot"],
            "condition": Condition(line["condition"]).name,
            "quantity": line["quantity"],
        }
        for line in await queries.recipe(viewer, row)
    ]
    said["documents"] = [{"id": each["id"], "kind": each["kind"]} for each in await queries.documents(viewer, row)]
    kept = (
        "id",
        "kind",
        "note",
        "partner",
        "partner_status",
        "outcome",
        "quantity",
        "runs",
        "document_id",
        "happened_at",
    )
    said["steps"] = [{name: each[name] for name in kept} for each in await queries.steps(viewer, row)]
    return said


@post(
    "/services/jobs",
    tags=TAGS,
    summary="Ask for a service",
    description="201 when the job was made, 200 when the key had made it before, 409 when the offer was changed since.",
)
async def ask(
    request: Request[Any, Any, Any], data: JSONBody[NewJob], idempotency_key: IdempotencyKey = ""
) -> Response[JobId]:
    """Ask for a service."""
    viewer = access_rules.require(request.user, Right.REQUEST_SERVICES)
    wish = Wish(
        offer_id=data.offer,
        quantity=data.quantity,
        text=data.text,
        wanted_on=data.wanted_on,
        process=data.process,
        ins=data.ins,
        outs=data.outs,
        documents=data.documents,
    )
    made = await actions.request(viewer, wish, request_key=idempotency_key)
    return Response(JobId(made.id, made.number), status_code=200 if made.repeated else 201)


@post("/services/jobs/{job_id:uuid}/documents", tags=TAGS, summary="Add documents to a job", status_code=204)
async def add_documents(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID], data: JSONBody[Papers]) -> None:
    """Add documents."""
    await actions.add_documents(reader(request), job_id, data.documents)


@post("/services/jobs/{job_id:uuid}/quote", tags=TAGS, summary="Quote a job", description=REVISION, status_code=204)
async def quote(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID], data: JSONBody[Quote]) -> None:
    """Quote a job."""
    await quoting.quote(
        reader(request),
        job_id,
        data.revision,
        price=data.price,
        currency=data.currency,
        quantity=data.quantity,
        expires_at=data.expires_at,
        note=data.note,
    )


@post("/services/jobs/{job_id:uuid}/answer", tags=TAGS, summary="Answer a quote", description=REVISION, status_code=204)
async def answer(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID], data: JSONBody[Answer]) -> None:
    """Accept or turn down a quote."""
    await quoting.answer(reader(request), job_id, data.revision, accept=data.accept, why=data.why)


@post("/services/jobs/{job_id:uuid}/decline", tags=TAGS, summary="Decline a job", description=REVISION, status_code=204)
async def decline(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID], data: JSONBody[Ending]) -> None:
    """The operator declines a job."""
    await quoting.decline(reader(request), job_id, data.revision, why=data.why)


@post("/services/jobs/{job_id:uuid}/cancel", tags=TAGS, summary="Cancel a job", description=REVISION, status_code=204)
async def cancel(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID], data: JSONBody[Ending]) -> None:
    """The owner cancels a job."""
    await quoting.cancel(reader(request), job_id, data.revision, why=data.why)


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever asks, if it may see services."""
    return access_rules.require(request.user, Right.SEE_SERVICES)


router = Router(
    path="/api/v1",
    route_handlers=[
        *(
            offers,
            new_offer,
            restate_offer,
            withdraw_offer,
            jobs,
            job,
            ask,
            add_documents,
            quote,
            answer,
            decline,
            cancel,
        ),
    ],
)
