"""One document: who booked it, when, why, its lines, and its reversal."""

import uuid
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import text
from backend.core.errors import Invalid
from backend.core.listing import Clause, where
from backend.stock import actions, listings, queries, rules
from backend.stock.rules import Reason
from frontend import lists, web
from frontend.render import Form
from frontend.stock import forms, scope, words

LINES = 200


def path_of(warehouse_id: int, document_id: uuid.UUID) -> str:
    """The address of a document."""
    return f"/stock/documents/{warehouse_id}/{document_id}"


@get("/documents/{warehouse_id:int}/{document_id:uuid}")
async def show(
    request: Request[Any, Any, Any], warehouse_id: FromPath[int], document_id: FromPath[uuid.UUID]
) -> Response[str]:
    """One document with its lines; an exporter sees its own lines only."""
    return await _page(request, warehouse_id, document_id, Form())


@post("/documents/{warehouse_id:int}/{document_id:uuid}")
async def act(
    request: Request[Any, Any, Any], warehouse_id: FromPath[int], document_id: FromPath[uuid.UUID]
) -> Response[Any]:
    """Reverse the document. Sent twice, the second answer leads to the reversal that the first one made."""
    viewer, typed = scope.reader(request), await forms.read(request)
    try:
        posted = await actions.reverse(viewer, forms.bounded(warehouse_id), document_id, note=typed.get("note", ""))
    except Invalid as refusal:
        form = forms.again(typed, refusal)
        return await _page(request, warehouse_id, document_id, form, forms.status_of(refusal))
    except (rules.AlreadyReversed, rules.UndoneElsewhere, rules.ComingBack) as refusal:
        flash = ("warn", text.say(refusal.sentence, refusal.facts))
        return web.redirect(request, request.url.path, flash=flash)
    said = text.gettext("The document is reversed by document %(document)s.", document=posted.document_id)
    return web.redirect(request, path_of(warehouse_id, posted.document_id), flash=("ok", said))


async def _page(
    request: Request[Any, Any, Any], warehouse_id: int, document_id: uuid.UUID, form: Form, status: int = 200
) -> Response[str]:
    viewer = scope.reader(request)
    head = await queries.document(viewer, forms.bounded(warehouse_id), document_id)

    def clauses() -> list[Clause]:
        return [
            *queries.scope(viewer, "m"),
            where("m.warehouse_id = ?", warehouse_id),
            where("m.document_id = ?", document_id),
        ]

    found = await lists.shown(request, listings.LINES, {}, clauses, LINES)
    is_open = head["reverses_id"] is None and head["reversed_by"] is None
    is_open = is_open and not rules.is_undone_elsewhere(head["reason"], head["reference"])
    return web.page(
        request,
        "stock/document.html",
        status=max(status, found.status),
        head=head,
        reason=text.gettext(rules.REASON_NAMES[Reason(head["reason"])]),
        list=found,
        own=scope.has_one_owner(viewer),
        places=words.places(),
        conditions=words.conditions(),
        returns=is_open and head["reason"] == Reason.SALE and viewer.may(Right.BOOK_RETURNS),
        reverses=is_open and viewer.may(Right.POST_STOCK) and access_rules.runs_warehouse(viewer, warehouse_id),
        form=form,
    )
