"""Records of what was destroyed or given away: the list, one record, and its paper."""

import uuid
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, text
from backend.core.text import N_
from backend.returns import evidence
from backend.returns.evidence import Record
from frontend import lists, pdf, render, web
from frontend.returns.pdf import DestroyedGoods, DestructionRecord, destruction_record
from frontend.returns.proof import photographs
from frontend.stock import scope

KIND_NAMES = {"SCRAP": N_("Destroyed"), "DONATE": N_("Given away")}
_DECIDED_AS = {"owner": N_("Decided by the owner"), "default": N_("Default agreed beforehand")}


@get("/destructions")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Records in the viewer's scope, the latest first."""
    viewer, filters = _reader(request), lists.asked(request, *evidence.RECORD_FILTERS)
    found = await lists.shown(request, evidence.RECORDS, filters, lambda: evidence.record_clauses(viewer, filters))
    return web.page(
        request,
        "returns/destructions.html",
        status=found.status,
        list=found,
        own=scope.has_one_owner(viewer),
        kinds=_kinds(),
        warehouses=scope.choices(await scope.warehouses(viewer)),
    )


@get("/destructions.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    clauses = evidence.record_clauses(_reader(request), lists.asked(request, *evidence.RECORD_FILTERS))
    return lists.file(request, "destructions", evidence.RECORDS, clauses)


@get("/destructions/{record_id:uuid}")
async def show(request: Request[Any, Any, Any], record_id: FromPath[uuid.UUID]) -> Response[str]:
    """One record with its units and photos."""
    viewer = _reader(request)
    found = await evidence.record(viewer, record_id)
    return web.page(
        request,
        "returns/destruction.html",
        head=found.head,
        units=found.units,
        photos=found.photos,
        kind=_kinds()[found.head["kind"]],
        decided_as={name: text.gettext(word) for name, word in _DECIDED_AS.items()},
        own=scope.has_one_owner(viewer),
    )


@get("/destructions/{record_id:uuid}/record.pdf")
async def print_record(request: Request[Any, Any, Any], record_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """The record as PDF, in the reader's language."""
    return await printed(request, _reader(request), record_id)


async def printed(request: Request[Any, Any, Any], viewer: Viewer, record_id: uuid.UUID) -> Response[bytes]:
    """The paper of a record; for people and for programs."""
    found = await evidence.record(viewer, record_id)
    content = await _content(request, found)
    return await pdf.answer(found.head["number"], destruction_record, content, text.current.get())


async def _content(request: Request[Any, Any, Any], found: Record) -> DestructionRecord:
    head = found.head
    pictures = await photographs(found.photos)
    return DestructionRecord(
        number=head["number"],
        url=f"{request.app.state.settings.base_url}/returns/destructions/{head['id']}",
        made_at=clock.now(),
        zone=head["time_zone"],
        warehouse=render.name(head["warehouse_names"]),
        warehouse_code=head["warehouse"],
        operator=render.name(head["operator_names"]),
        owner=render.name(head["owner_names"]),
        donated=head["kind"] == "DONATE",
        method=head["method"],
        destroyed_at=head["destroyed_at"],
        goods=[
            DestroyedGoods(
                item_code=unit["item"],
                item_name=render.name(unit["item_names"]),
                quantity=unit["quantity"],
                unit=unit["code"],
                serial=unit["serial"] or "",
                lot=unit["lot"] or "",
                grade=unit["grade"] or "",
                decided_as=_DECIDED_AS[unit["decided_as"]],
            )
            for unit in found.units
        ],
        witness=head["witness"],
        place=head["place"],
        recorded_by=head["recorded_by"] or "",
        document=str(head["document_id"]),
        photos=[pictures[file["id"]] for file in found.photos],
    )


def _kinds() -> dict[str, str]:
    return {kind: text.gettext(word) for kind, word in KIND_NAMES.items()}


def _reader(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.SEE_RETURNS)
