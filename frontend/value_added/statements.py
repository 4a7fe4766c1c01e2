"""Inventory statements on screen and on paper, and the public page on which a paper is checked."""

import uuid
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Right
from backend.core import text
from backend.core.errors import Conflict, Fault, Invalid
from backend.registry import queries as registry_queries
from backend.stock.codes import NoSuchWarehouse
from backend.stock.rules import CONDITION_NAMES, Condition
from backend.value_added import queries, statements
from frontend import lists, pdf, render, web
from frontend.render import Form
from frontend.stock import forms, scope
from frontend.stock import words as stock_words
from frontend.value_added import pdf as papers
from frontend.value_added.jobs import reader

_FILTERS = ("warehouse", "owner", "number")


@get("/value-added/statements")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Statements, the latest first, and the form for a new one."""
    given = {name: value for name, value in lists.asked(request, "warehouse", "owner").items() if value}
    return await _list_page(request, Form({"key": forms.new_key(), **given}, prefix="new"))


@get("/value-added/statements.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """Statements as a file."""
    clauses = queries.statement_clauses(reader(request), lists.asked(request, *_FILTERS))
    return lists.file(request, "inventory-statements", queries.STATEMENTS, clauses)


@post("/value-added/statements")
async def make(request: Request[Any, Any, Any]) -> Response[Any]:
    """Certify what is on hand."""
    viewer, typed = reader(request), await forms.read(request)
    faults: list[Fault] = []
    zone = scope.zone_of(viewer, await scope.warehouses(viewer), typed.get("warehouse", ""))
    as_at = forms.instant("as_at", typed.get("as_at", ""), zone, faults)
    try:
        try:
            kept = await statements.make(
                viewer,
                warehouse=typed.get("warehouse", ""),
                owner=typed.get("owner", ""),
                as_at=as_at,
                addressee=typed.get("addressee", ""),
                purpose=typed.get("purpose", ""),
                reference=typed.get("reference", ""),
                request_key=forms.key_of(typed, faults),
            )
        except Invalid as refusal:
            raise forms.together(faults, refusal) from refusal
    except (Invalid, Conflict, NoSuchWarehouse) as refusal:
        return await _list_page(request, forms.again(typed, refusal, "new"), forms.status_of(refusal))
    return web.redirect(request, f"/value-added/statements/{kept.id}")


async def _list_page(request: Request[Any, Any, Any], form: Form, status: int = 200) -> Response[str]:
    viewer, filters = reader(request), lists.asked(request, *_FILTERS)
    found = await lists.shown(request, queries.STATEMENTS, filters, lambda: queries.statement_clauses(viewer, filters))
    makes = viewer.kind is OrganisationKind.EXPORTER or (viewer.may(Right.DO_SERVICES) and bool(viewer.warehouse_ids))
    return web.page(
        request,
        "value_added/statements.html",
        status=max(status, found.status),
        list=found,
        form=form,
        makes=makes,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
    )


@get("/value-added/statements/{statement_id:uuid}")
async def show(request: Request[Any, Any, Any], statement_id: FromPath[uuid.UUID]) -> Response[str]:
    """One statement, and whether the ledger still says the same of its instant."""
    viewer = reader(request)
    row = await statements.statement(viewer, statement_id)
    content = statements.content_of(row)
    now = await statements.lines_at(viewer, row["warehouse_id"], row["owner_id"], row["as_at"])
    return web.page(
        request,
        "value_added/statement.html",
        row=row,
        content=content,
        digest=row["hash"].hex(),
        still=now == content.lines,
        conditions=stock_words.conditions(),
        totals=[sum(getattr(line, name) for line in content.lines) for name in ("on_hand", "held", "pledged")],
    )


@get("/value-added/statements/{statement_id:uuid}/paper")
async def paper(request: Request[Any, Any, Any], statement_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """The statement as a paper in the reader's language."""
    viewer = reader(request)
    row = await statements.statement(viewer, statement_id)
    content = statements.content_of(row)
    house = await registry_queries.warehouse_seen(viewer, row["warehouse"])
    names = await statements.item_names(viewer, row)
    base = request.app.state.settings.base_url
    said = papers.InventoryStatement(
        number=row["number"],
        url=f"{base}/value-added/check?number={row['number']}&hash={row['hash'].hex()}",
        made_at=content.made_at,
        as_at=content.as_at,
        zone=row["time_zone"],
        warehouse=render.name(row["warehouse_names"]),
        warehouse_code=row["warehouse"],
        address=[house.address, render.territory(house.country)],
        operator=render.name(row["operator_names"]),
        owner=render.name(row["owner_names"]),
        owner_code=row["owner"],
        lines=[
            papers.InventoryLine(
                item_code=line.item,
                item_name=render.name(names.get(line.item)),
                on_hand=line.on_hand,
                lot=line.lot,
                condition=CONDITION_NAMES[Condition[line.condition]],
                held=line.held,
                pledged=line.pledged,
            )
            for line in content.lines
        ],
        addressee=content.addressee,
        purpose=content.purpose,
        reference=content.reference,
        last_movement=str(content.last_document or ""),
        digest=row["hash"].hex(),
    )
    return await pdf.answer(f"inventory-{row['number']}", papers.inventory_statement, said, text.current.get())


@get("/value-added/check")
async def check(request: Request[Any, Any, Any]) -> Response[str]:
    """Whether a paper was made by the platform: for everybody who has its number and its hash."""
    given = lists.asked(request, "number", "hash")
    found = await statements.check(given["number"], given["hash"]) if given["number"] else None
    return web.page(request, "value_added/check.html", form=Form(given), found=found)


HANDLERS = (listed, listed_file, make, show, paper, check)
