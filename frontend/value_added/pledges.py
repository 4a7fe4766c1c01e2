"""Pledges on screen: the list, making one, its page, and the page of a pledgee, which has no account."""

import uuid
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, text, values
from backend.core.errors import Conflict, Fault, Invalid, TooMany
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.registry.rules import NoSuchWarehouse
from backend.stock import listings
from backend.stock import queries as stock_queries
from backend.stock.rules import Condition
from backend.value_added import pledges, queries
from backend.value_added.pledge_rules import State
from backend.value_added.pledges import Goods
from frontend import lists, render, web
from frontend.render import Form
from frontend.stock import forms, scope
from frontend.stock import words as stock_words
from frontend.value_added import words
from frontend.value_added.jobs import reader

_FILTERS = ("state", "warehouse", "owner", "number")
Row = Mapping[str, Any]


@get("/value-added/pledges")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Pledges, the latest first."""
    viewer, filters = reader(request), lists.asked(request, *_FILTERS)
    found = await lists.shown(request, queries.PLEDGES, filters, lambda: queries.pledge_clauses(viewer, filters))
    return web.page(
        request,
        "value_added/pledges.html",
        status=found.status,
        list=found,
        states=words.states(),
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        pledges=scope.has_one_owner(viewer) and viewer.may(Right.HOLD_STOCK),
    )


@get("/value-added/pledges.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """Pledges as a file."""
    clauses = queries.pledge_clauses(reader(request), lists.asked(request, *_FILTERS))
    return lists.file(request, "pledges", queries.PLEDGES, clauses)


# ------------------------------------------------------------------------------------------------------- making one


@get("/value-added/pledges/new")
async def new(request: Request[Any, Any, Any]) -> Response[str]:
    """Choose a warehouse, then how many of which goods."""
    viewer = access_rules.require(request.user, Right.HOLD_STOCK)
    given = {name: value for name, value in lists.asked(request, "warehouse", "job", "reference").items() if value}
    return await _new_page(request, viewer, Form({"key": forms.new_key(), **given}))


@post("/value-added/pledges/new")
async def offer(request: Request[Any, Any, Any]) -> Response[Any]:
    """Pledge the goods; the link for the pledgee is shown once, on this answer."""
    viewer = access_rules.require(request.user, Right.HOLD_STOCK)
    typed = await web.form(request)
    faults: list[Fault] = []
    warehouse = typed.get("warehouse", "")
    goods, fields = await _chosen(viewer, warehouse, typed, faults)
    try:
        made = await pledges.offer(
            viewer,
            warehouse=warehouse,
            pledgee=typed.get("pledgee", ""),
            contact=typed.get("contact", ""),
            reference=typed.get("reference", ""),
            goods=goods,
            job_id=_id(typed.get("job", "")),
            request_key=forms.key_of(typed, faults),
        )
    except (Invalid, Conflict, NoSuchWarehouse) as refusal:
        if isinstance(refusal, Invalid):
            refusal = forms.together(faults, refusal, lambda field: _renamed(field, fields))  # type: ignore[assignment]
        return await _new_page(request, viewer, forms.again(typed, refusal), forms.status_of(refusal))
    if made.link is None:
        return web.redirect(request, f"/value-added/pledges/{made.id}")
    base = request.app.state.settings.base_url
    return web.page(
        request,
        "value_added/pledge_link.html",
        row=await queries.pledge(viewer, made.id),
        link=f"{base}/value-added/agree/{made.link}",
    )


async def _chosen(
    viewer: Viewer, warehouse: str, typed: Mapping[str, str], faults: list[Fault]
) -> tuple[list[Goods], list[str]]:
    """The goods beside which a quantity was typed, and the fields it stands in."""
    goods, fields = [], []
    for row in await _balances(viewer, warehouse):
        field = f"take.{row['key']}"
        given = typed.get(field, "")
        if given and given != "0":
            pieces = values.quantity(field, given, faults) or 1
            goods.append(Goods(row["item"], row["location"], pieces, row["lot"], row["condition"]))
            fields.append(field)
    return goods, fields


def _renamed(field: str, fields: list[str]) -> str:
    side, _, rest = field.partition(".")
    number = rest.partition(".")[0]
    if side == "goods" and number.isdecimal() and int(number) < len(fields):
        return fields[int(number)]
    return "" if side == "goods" else field


async def _balances(viewer: Viewer, warehouse: str) -> list[Row]:
    """The viewer's own free goods in a warehouse, at most as many lines as a pledge has."""
    if not warehouse:
        return []
    clauses = await stock_queries.balance_clauses(viewer, {"warehouse": warehouse})
    page = await listings.BALANCES.page(clauses, limit=pledges.MOST_GOODS)
    return [row for row in page.rows if row["free"] > 0]


def _id(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed) if typed else None
    except ValueError:
        return uuid.UUID(int=0)


async def _new_page(request: Request[Any, Any, Any], viewer: Viewer, form: Form, status: int = 200) -> Response[str]:
    warehouse = form.values.get("warehouse", "")
    return web.page(
        request,
        "value_added/pledge_new.html",
        status=status,
        form=form,
        warehouse=warehouse,
        rows=await _balances(viewer, warehouse),
        warehouses=scope.choices(await scope.warehouses(viewer)),
        conditions=stock_words.conditions(),
    )


# --------------------------------------------------------------------------------------------------------- one pledge


@get("/value-added/pledges/{pledge_id:uuid}")
async def show(request: Request[Any, Any, Any], pledge_id: FromPath[uuid.UUID]) -> Response[str]:
    """One pledge."""
    return await _page(request, pledge_id, Form())


@post("/value-added/pledges/{pledge_id:uuid}", request_max_body_size=web.LARGEST_FORM)
async def act(request: Request[Any, Any, Any], pledge_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Release by code, or withdraw."""
    viewer = reader(request)
    typed = await web.form(request)
    faults: list[Fault] = []
    try:
        if typed.get("deed") == "withdraw":
            freed = await pledges.withdraw(viewer, pledge_id, note=typed.get("note", ""))
        elif typed.get("deed") != "release":
            raise Invalid
        else:
            letter = web.listed(typed, "kept")
            try:
                letter += await files_actions.take_in(viewer, await web.uploads(request, "letter"), field="letter")
            except Invalid as refusal:
                faults += refusal.faults
            typed["kept"] = ",".join(letter[-1:])
            code = "" if faults else typed.get("code", "")
            try:
                freed = await pledges.release(
                    viewer, pledge_id, code=code, letter=letter[-1] if letter else "", note=typed.get("note", "")
                )
            except Invalid as refusal:
                raise forms.together(faults, refusal) from refusal
    except (Invalid, Conflict, TooMany) as refusal:
        shown = {name: value for name, value in typed.items() if name != "code"}
        status = 429 if isinstance(refusal, TooMany) else forms.status_of(refusal)
        return await _page(request, pledge_id, web.form_from(shown, refusal), status)
    said = text.ngettext(
        "%(count)s piece is free again.", "%(count)s pieces are free again.", freed, count=render.number(freed)
    )
    return web.redirect(request, f"/value-added/pledges/{pledge_id}", flash=("ok", said))


async def _page(request: Request[Any, Any, Any], pledge_id: uuid.UUID, form: Form, status: int = 200) -> Response[str]:
    viewer = reader(request)
    row = await queries.pledge(viewer, pledge_id)
    state = State(row["state"])
    owns = access_rules.owns(viewer, row["owner_id"]) and viewer.may(Right.HOLD_STOCK)
    runs = access_rules.runs_warehouse(viewer, row["warehouse_id"]) and viewer.may(Right.DO_SERVICES)
    closed = row["closed_until"] and row["closed_until"] > clock.now()
    return web.page(
        request,
        "value_added/pledge.html",
        status=status,
        row=row,
        form=form,
        state=words.states()[state],
        goods=await queries.pledged_goods(row["warehouse_id"], pledge_id),
        conditions={int(each): stock_words.conditions()[each.name] for each in Condition},
        files=await files_queries.attachments(viewer, row["warehouse_id"], [pledges.SUBJECT], [pledge_id]),
        releases=state is State.AGREED and (owns or runs),
        closed=closed,
        withdraws=state is State.OFFERED and owns,
    )


# ------------------------------------------------------------------------------------------------------- the pledgee


@get("/value-added/agree/{link:str}")
async def offered(request: Request[Any, Any, Any], link: FromPath[str]) -> Response[str]:
    """What a pledgee sees through its link, without an account."""
    return await _agree_page(request, link, Form())


@post("/value-added/agree/{link:str}")
async def agree(request: Request[Any, Any, Any], link: FromPath[str]) -> Response[str]:
    """The pledgee agrees; the release code is on this answer and nowhere else."""
    typed = await forms.read(request)
    try:
        code = await pledges.agree(link, name=typed.get("name", ""))
    except (Invalid, Conflict) as refusal:
        return await _agree_page(request, link, web.form_from(typed, refusal), status=forms.status_of(refusal))
    return await _agree_page(request, link, Form(), code)


async def _agree_page(
    request: Request[Any, Any, Any], link: str, form: Form, code: str = "", status: int = 200
) -> Response[str]:
    row = await pledges.offered_through(link)
    shown = web.page(
        request,
        "value_added/agree.html",
        status=status,
        row=row,
        form=form,
        code=code,
        state=words.states()[State(row["state"])],
        goods=await queries.pledged_goods(row["warehouse_id"], row["id"]),
        conditions={int(each): stock_words.conditions()[each.name] for each in Condition},
    )
    shown.headers["Cache-Control"] = "private, no-store"
    return shown


HANDLERS = (listed, listed_file, new, offer, show, act, offered, agree)
