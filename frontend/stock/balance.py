"""One balance: what it is, the movements that made it, what lies frozen on it, and what may be done with it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.stock import actions, codes, listings, queries, rules
from backend.stock.queries import BalanceAt
from backend.stock.rules import Condition
from frontend import lists, render, web
from frontend.lists import Row
from frontend.render import Form
from frontend.stock import forms, scope, words

MOVEMENTS = 50
MOST_HOLDS = 50
_KEY = re.compile(r"(\d{1,18})-(\d{1,18})-(\d{1,18})-(\d{1,18})-(\d{1,18})-([1-9])")


def path_of(row: Row) -> str:
    """The address of the balance that a hold or a balance row names."""
    ids = (row[name] for name in ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition_id"))
    return "/stock/balances/" + "-".join(map(str, ids))


@get("/balances/{key:str}")
async def show(request: Request[Any, Any, Any], key: FromPath[str]) -> Response[str]:
    """One balance with its stock card."""
    at = _key(key)
    row = await queries.balance(scope.reader(request), at)
    return await _page(request, at, row, {})


@post("/balances/{key:str}")
async def act(request: Request[Any, Any, Any], key: FromPath[str]) -> Response[Any]:
    """Move, adjust, regrade or hold what lies here; `deed` says which."""
    viewer, at = scope.reader(request), _key(key)
    row = await queries.balance(viewer, at)
    typed = await forms.read(request)
    deed = typed.get("deed", "")
    do = {"move": _move, "adjust": _adjust, "regrade": _regrade, "hold": _hold}.get(deed)
    if do is None:
        raise Invalid
    try:
        flash = await do(viewer, at, row, typed)
    except (Invalid, Conflict) as refusal:
        if isinstance(refusal, rules.StockMoved):
            row = await queries.balance(viewer, at)
            typed = {**typed, "seen": str(row["on_hand"])}
        form = forms.again(typed, refusal, deed)
        return await _page(request, at, row, {deed: form}, forms.status_of(refusal))
    return web.redirect(request, request.url.path, flash=flash)


def _key(key: str) -> BalanceAt:
    parts = _KEY.fullmatch(key)
    if parts is None:
        raise rules.NoSuchStock
    warehouse_id, owner_id, item_id, lot_id, location_id, condition = map(int, parts.groups())
    return warehouse_id, owner_id, item_id, lot_id, location_id, condition


# ------------------------------------------------------------------------------------------------------------- deeds


async def _move(viewer: Viewer, at: BalanceAt, row: Row, typed: Mapping[str, str]) -> tuple[str, str]:
    target = values.code_of(typed.get("target", ""))
    faults: list[Fault] = []
    if not target:
        faults.append(Fault("target", target, N_("Say where the goods go.")))
    fields = {"source": "target", "target": "target"}
    return await _book(viewer, at, row, typed, "MOVE", target, Condition(row["condition"]).name, faults, fields)


async def _regrade(viewer: Viewer, at: BalanceAt, row: Row, typed: Mapping[str, str]) -> tuple[str, str]:
    condition = typed.get("target_condition", "")
    faults: list[Fault] = []
    if not condition:
        faults.append(Fault("target_condition", condition, N_("Choose the new condition.")))
    fields = dict.fromkeys(("source", "target", "target_condition"), "target_condition")
    return await _book(viewer, at, row, typed, "REGRADE", row["location"], condition, faults, fields)


async def _book(
    viewer: Viewer,
    at: BalanceAt,
    row: Row,
    typed: Mapping[str, str],
    reason: str,
    target: str,
    condition: str,
    faults: list[Fault],
    fields: Mapping[str, str],
) -> tuple[str, str]:
    """Post one line away from this balance; `fields` says which field of the form a part of the line came from."""
    quantity = forms.quantity("quantity", typed.get("quantity", ""), faults)
    before = Condition(row["condition"]).name
    line = codes.Request(
        row["owner"], row["item"], row["lot"] or None, row["location"], target, before, condition, quantity
    )
    try:
        posted = await actions.post_document(
            viewer,
            row["warehouse"],
            reason,
            [line],
            request_key=forms.key_of(typed, faults),
            request_hash=values.digest([at, dict(typed)]),
            note=typed.get("note", ""),
        )
    except Invalid as refusal:
        own = {**fields, "quantity": "quantity", "note": "note"}
        raise forms.together(faults, refusal, lambda path: own.get(path.removeprefix("lines.0."), "")) from refusal
    return forms.booked(posted, quantity)


async def _adjust(viewer: Viewer, at: BalanceAt, row: Row, typed: Mapping[str, str]) -> tuple[str, str]:
    faults: list[Fault] = []
    way, number, seen = (typed.get(name, "") for name in ("way", "quantity", "seen"))
    if way == "counted" and number.isdecimal() and len(number) < 10 and int(number) == 0:
        quantity = 0
    else:
        quantity = forms.quantity("quantity", number, faults) or -1
    try:
        posted = await actions.adjust(
            viewer,
            at,
            way=way,
            quantity=quantity,
            seen=int(seen) if seen.isdecimal() and len(seen) <= 18 else -1,
            note=typed.get("note", ""),
            request_key=forms.key_of(typed, faults),
        )
    except Invalid as refusal:
        raise forms.together(faults, refusal, lambda path: path.removeprefix("lines.0.")) from refusal
    return forms.booked(posted, abs(quantity - int(seen)) if way == "counted" else quantity)


async def _hold(viewer: Viewer, at: BalanceAt, row: Row, typed: Mapping[str, str]) -> tuple[str, str]:
    faults: list[Fault] = []
    quantity = forms.quantity("quantity", typed.get("quantity", ""), faults)
    try:
        await actions.hold(
            viewer,
            at,
            quantity=quantity,
            reason=typed.get("reason", ""),
            note=typed.get("note", ""),
            request_key=forms.key_of(typed, faults),
        )
    except Invalid as refusal:
        raise forms.together(faults, refusal) from refusal
    said = text.ngettext(
        "%(count)s piece is held now.", "%(count)s pieces are held now.", quantity, count=render.number(quantity)
    )
    return "ok", said


# -------------------------------------------------------------------------------------------------------------- page


async def _page(
    request: Request[Any, Any, Any], at: BalanceAt, row: Row, refused: Mapping[str, Form], status: int = 200
) -> Response[str]:
    """The page: at most five queries (the balance, its movements, on hand before them, its holds, where goods can go)."""
    viewer = scope.reader(request)
    found = await lists.shown(request, listings.CARD, {}, lambda: queries.balance_movements(viewer, at), MOVEMENTS)
    held = await listings.HOLDS.page(queries.live_holds(viewer, at), limit=MOST_HOLDS)
    runs = access_rules.runs_warehouse(viewer, at[0])
    posts = runs and viewer.may(Right.POST_STOCK)
    holds = (runs or access_rules.owns(viewer, at[1])) and viewer.may(Right.HOLD_STOCK)
    shown = {
        deed: refused.get(deed) or Form({"key": forms.new_key(), "seen": str(row["on_hand"])}, prefix=deed)
        for deed, may in (("move", posts), ("adjust", posts), ("regrade", posts), ("hold", holds))
        if may
    }
    state = Condition(row["condition"])
    return web.page(
        request,
        "stock/balance.html",
        status=max(status, found.status),
        row=row,
        condition_name=state.name,
        condition=words.conditions()[state.name],
        card=await _card(at, found.rows),
        list=found,
        held=held.rows,
        releases=holds,
        organisation_id=viewer.organisation_id,
        forms=shown,
        repairs=viewer.may(Right.DO_REPAIRS) if runs else viewer.may(Right.DECIDE_REPAIRS),
        reserves=viewer.may(Right.RESERVE_STOCK) and state in rules.SELLABLE,
        places=[(code, "") for code in await queries.places_in(viewer, row["warehouse"])] if posts else [],
        conditions=[each for each in words.condition_choices() if each[0] != state.name],
        hold_reasons=words.hold_reasons(),
        hold_choices=words.hold_choices(),
    )


async def _card(at: BalanceAt, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The stock card: each movement with what it changed here and what was on hand after it."""
    if not rows:
        return []
    reasons, places, conditions = words.reasons(), words.places(), words.conditions()
    on_hand = await queries.on_hand_after(at, rows[0]["occurred_at"], rows[0]["document"], rows[0]["line"])
    card = []
    for row in rows:
        came = (row["target_id"], row["target_condition_id"]) == at[4:]
        change = row["quantity"] if came else -row["quantity"]
        code = row["source"] if came else row["target"]
        word = places.get(code, "")
        if row["source_id"] == row["target_id"]:
            word = conditions[row["condition"] if came else row["target_condition"]][1]
        card.append(
            {
                "at": row["occurred_at"],
                "href": f"/stock/documents/{row['warehouse_id']}/{row['document']}",
                "reason": reasons[row["reason"]],
                "reference": row["reference"],
                "came": came,
                "code": code,
                "word": word,
                "actor": row["actor"],
                "note": row["note"],
                "change": change,
                "after": on_hand,
            }
        )
        on_hand -= change
    return card
