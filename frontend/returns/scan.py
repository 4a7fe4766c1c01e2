"""The screen at the dock: one field that takes every scan, and the return that is in hand."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid, Refusal
from backend.core.text import N_
from backend.returns import receiving, scanning
from backend.returns.arrivals import Arrived
from backend.returns.receipt import Received
from backend.returns.scanning import Answer
from frontend import lists, web
from frontend.lists import Row
from frontend.render import Form
from frontend.returns import words
from frontend.stock import forms, scope

WAREHOUSE_COOKIE = "luocang_scan_warehouse"
_NOTHING = N_("Say what arrived: at least one piece.")


def handler(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and handles returns."""
    return access_rules.require(request.user, Right.HANDLE_RETURNS)


@get("/scan")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """The scan screen; `warehouse` chooses where, once; `in_hand` is a return to begin with."""
    asked = lists.asked(request, "warehouse", "in_hand")
    return await _page(request, asked["warehouse"], in_hand=values.code_of(asked["in_hand"]))


@post("/scan")
async def scan(request: Request[Any, Any, Any]) -> Response[str]:
    """Understand a scan: answered with a fragment, or without JavaScript with the whole page."""
    viewer, typed = handler(request), await web.form(request)
    parcel_no = typed.get("parcel_no", "")
    answer = await scanning.scan(
        viewer,
        typed.get("warehouse", ""),
        typed.get("scanned") or typed.get("code", ""),
        in_hand=typed.get("in_hand", ""),
        parcel_no=int(parcel_no) if parcel_no.isascii() and parcel_no.isdecimal() and len(parcel_no) < 7 else None,
        request_key=typed.get("key", ""),
    )
    if web.is_fragment(request):
        hand = await _hand(viewer, typed.get("warehouse", ""), answer.in_hand)
        shown = _shown(typed.get("warehouse", ""), answer, hand, Form(prefix="receive"))
        return web.page(request, "returns/_scan.html", **shown)
    return await _page(request, typed.get("warehouse", ""), in_hand=answer.in_hand, answer=answer)


@post("/receive")
async def receive(request: Request[Any, Any, Any]) -> Response[Any]:
    """Receive what the form says of the return in hand: its lines, or everything that is still expected."""
    viewer, typed = handler(request), await web.form(request)
    warehouse, number = typed.get("warehouse", ""), typed.get("in_hand", "")
    try:
        done = await _receive(viewer, warehouse, number, typed)
    except (Invalid, Conflict) as refusal:
        form = forms.again(typed, _renamed(refusal), "receive")
        return await _page(request, warehouse, in_hand=number, form=form, status=forms.status_of(refusal))
    said = text.ngettext(
        "%(n)s unit of return %(number)s is received, with the code %(codes)s.",
        "%(n)s units of return %(number)s are received, with the codes %(codes)s.",
        len(done.units),
        number=done.number,
        codes=text.few(done.units),
    )
    return _back(request, warehouse, done.number, "neutral" if done.repeated else "ok", said)


@post("/close-receipt")
async def close(request: Request[Any, Any, Any]) -> Response[Any]:
    """What is still outstanding of the return in hand does not come."""
    viewer, typed = handler(request), await web.form(request)
    warehouse, number = typed.get("warehouse", ""), typed.get("in_hand", "")
    try:
        pieces = await receiving.close_receipt(viewer, warehouse, number, note=typed.get("note", ""))
    except (Invalid, Conflict) as refusal:
        form = web.form_from(typed, refusal, "close")
        return await _page(request, warehouse, in_hand=number, closing=form, status=forms.status_of(refusal))
    said = text.ngettext(
        "%(n)s piece is not waited for any more. Its owner has been told.",
        "%(n)s pieces are not waited for any more. Their owner has been told.",
        pieces,
    )
    return _back(request, warehouse, number, "ok", said)


async def _receive(viewer: Viewer, warehouse: str, number: str, typed: Mapping[str, str]) -> Received:
    key = typed.get("key", "")
    if typed.get("deed") == "all":
        return await receiving.receive_all(viewer, warehouse, number, request_key=key)
    faults: list[Fault] = []
    arrived = []
    for name, value in typed.items():
        line = name.removeprefix("quantity.")
        if line == name or not (line.isascii() and line.isdecimal() and len(line) < 7):
            continue
        serials = typed.get(f"serials.{line}", "").split()
        if value or serials:
            quantity = values.quantity(name, value, faults) if value else len(serials)
            arrived.append(Arrived(line_no=int(line), quantity=quantity, serials=serials))
    if not arrived:
        faults.append(Fault("", "", _NOTHING))
    if faults:
        raise Invalid(faults)
    surplus = typed.get("surplus") == "yes"
    try:
        return await receiving.receive(viewer, warehouse, number, arrived, request_key=key, surplus=surplus)
    except Invalid as refusal:
        # The rules count the lines that were sent; the form names them by their number.
        numbers = [each.line_no for each in arrived]
        raise Invalid([_of_line(fault, numbers) for fault in refusal.faults]) from refusal


def _of_line(fault: Fault, numbers: list[int]) -> Fault:
    path = fault.field.split(".")
    if len(path) == 3 and path[0] == "lines":
        name = "serials" if path[2] == "serials" else "quantity"
        return Fault(f"{name}.{numbers[int(path[1])]}", fault.value, fault.sentence, fault.facts)
    return fault


def _renamed(refusal: Refusal) -> Refusal:
    """A request key is nothing that people type."""
    if not any(fault.field == "Idempotency-Key" for fault in refusal.faults):
        return refusal
    return Invalid([Fault("", fault.value, fault.sentence, fault.facts) for fault in refusal.faults])


def _back(request: Request[Any, Any, Any], warehouse: str, number: str, kind: str, said: str) -> Response[Any]:
    path = lists.address("/returns/scan", {"warehouse": warehouse, "in_hand": number})
    return web.redirect(request, path, flash=(kind, said))


async def _hand(viewer: Viewer, warehouse: str, number: str) -> list[Row]:
    return list(await scanning.hand(viewer, warehouse, number)) if number else []


async def _page(
    request: Request[Any, Any, Any],
    warehouse: str,
    *,
    in_hand: str = "",
    answer: Answer | None = None,
    form: Form | None = None,
    closing: Form | None = None,
    status: int = 200,
) -> Response[str]:
    viewer = handler(request)
    found = await scope.warehouses(viewer)
    known = {row["code"] for row in found}
    kept = values.code_of(warehouse or request.cookies.get(WAREHOUSE_COOKIE, ""))
    chosen = kept if kept in known or (kept and not found) else (next(iter(known)) if len(known) == 1 else "")
    hand = await _hand(viewer, chosen, in_hand) if chosen else []
    shown = web.page(
        request,
        "returns/scan.html",
        status=status,
        warehouses=scope.choices(found),
        **_shown(chosen, answer, hand, form or Form(prefix="receive"), closing),
    )
    if warehouse and chosen == values.code_of(warehouse):
        shown.set_cookie(
            Cookie(
                WAREHOUSE_COOKIE,
                value=chosen,
                httponly=True,
                samesite="lax",
                max_age=31536000,
                secure=request.app.state.settings.secure,
            )
        )
    return shown


def _shown(
    warehouse: str, answer: Answer | None, hand: list[Row], form: Form, closing: Form | None = None
) -> dict[str, Any]:
    """What the screen and its fragment show."""
    return {
        "warehouse": warehouse,
        "answer": answer,
        "said": text.say(answer.sentence, answer.facts) if answer else "",
        "hand": hand,
        "open": sum(row["open"] for row in hand),
        "received": sum(row["received"] for row in hand),
        "kinds": words.kinds(),
        "stages": words.stages(),
        "reason": words.reason(hand[0]["reason"]) if hand else "",
        "form": form,
        "closing": closing or Form(prefix="close"),
        "key": forms.new_key(),
    }
