"""The label of a return as a PDF: for people on its page, for programs by the interface."""

import uuid
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text
from backend.returns import queries
from frontend import render
from frontend.returns.pdf import LabelItem, ReturnLabel, return_label


@get("/{rma_id:uuid}/label.pdf")
async def label(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """The label, in the reader's language."""
    return await _label(request, access_rules.require(request.user, Right.SEE_RETURNS), rma_id)


@get(
    "/returns/{rma_id:uuid}/label",
    tags=["Returns"],
    summary="The label of a return",
    description="A PDF of 100 x 150 mm with Code 128 and QR for each expected parcel, in the language of the request.",
    media_type="application/pdf",
)
async def label_for_machines(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """The label, in the language of the request."""
    return await _label(request, access_rules.require(request.user, Right.SEE_RETURNS), rma_id)


async def _label(request: Request[Any, Any, Any], viewer: Viewer, rma_id: uuid.UUID) -> Response[bytes]:
    head = await queries.rma(viewer, rma_id)
    pieces: dict[str, LabelItem] = {}
    for line in await queries.lines(head):
        before = pieces[line["item"]].quantity if line["item"] in pieces else 0
        pieces[line["item"]] = LabelItem(
            code=line["item"], name=render.name(line["item_names"]), quantity=before + line["quantity"]
        )
    base = request.app.state.settings.base_url
    content = ReturnLabel(
        number=head["number"],
        url=f"{base}/returns/{head['id']}",
        warehouse=render.name(head["warehouse_names"]),
        warehouse_code=head["warehouse"],
        address=[*head["warehouse_address"].splitlines(), _country(head["warehouse_country"])],
        owner=render.name(head["owner_names"]),
        items=list(pieces.values()),
        parcels=max(1, len(await queries.parcels(head))),
        expected_on=head["expected_on"],
        reference=head["reference"],
        sender=[each for each in (head["city"], render.territory(head["country"]) if head["country"] else "") if each],
    )
    headers = {
        "Content-Disposition": f'inline; filename="{head["number"]}.pdf"',
        "Cache-Control": "private, no-store",
    }
    return Response(return_label(content, text.current.get()), media_type="application/pdf", headers=headers)


def _country(code: str) -> str:
    """The country in the reader's language and, for the post offices on the way, in English capitals."""
    own = render.territory(code)
    with text.speaking("en"):
        abroad = render.territory(code)
    return own if own == abroad else f"{own} · {abroad.upper()}"
