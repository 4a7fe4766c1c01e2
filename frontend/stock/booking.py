"""Booking a document by hand: its head, and as many lines as there are goods."""

import re
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.stock import actions, codes, queries, rules
from backend.stock.rules import Condition, Reason
from frontend import lists, web
from frontend.render import Form
from frontend.stock import documents, forms, scope, words

FIRST_ROWS = 5
MORE_ROWS = 5
MOST_ROWS = 200
# A change of condition is made from the balance it changes.
REASONS = tuple(each for each in Reason if each in rules.BOOKED_ALONE and each is not Reason.REGRADE)
_CELLS = ("owner", "item", "lot", "source", "target", "quantity")
_CELL = re.compile(r"lines\.(\d{1,3})\.(\w+)")
_NEEDED = {
    "owner": N_("Give the owner's code."),
    "item": N_("Give the item's code."),
    "source": N_("Say where the goods come from."),
    "target": N_("Say where the goods go."),
}


@get("/post")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """An empty document; warehouse and reason may be given in the address."""
    access_rules.require(request.user, Right.POST_STOCK)
    given = lists.asked(request, "warehouse", "reason")
    return await _page(request, {"key": forms.new_key(), **{name: value for name, value in given.items() if value}})


@post("/post")
async def book(request: Request[Any, Any, Any]) -> Response[Any]:
    """Book the document, or show the form with more rows."""
    viewer = access_rules.require(request.user, Right.POST_STOCK)
    typed = await forms.read(request)
    if typed.pop("deed", "") == "more":
        return await _page(request, typed, rows=_rows(typed) + MORE_ROWS)
    try:
        path, flash = await _book(viewer, typed)
    except (Invalid, Conflict, codes.NoSuchWarehouse) as refusal:
        return await _page(request, typed, forms.again(typed, refusal), status=forms.status_of(refusal))
    return web.redirect(request, path, flash=flash)


async def _book(viewer: Viewer, typed: Mapping[str, str]) -> tuple[str, tuple[str, str]]:
    """Where the booked document is shown, and what is said there; refuses with every fault of the form at once."""
    faults: list[Fault] = []
    warehouse = typed.get("warehouse", "")
    reason = Reason.__members__.get(typed.get("reason", ""))
    if not warehouse:
        faults.append(Fault("warehouse", warehouse, N_("Choose a warehouse.")))
    if reason not in REASONS:
        faults.append(Fault("reason", typed.get("reason", ""), N_("Choose a reason.")))
    zone = scope.zone_of(viewer, await scope.warehouses(viewer), warehouse)
    occurred_at = forms.instant("occurred_at", typed.get("occurred_at", ""), zone, faults)
    numbers, lines = _lines(typed, reason, faults)
    if not lines:
        faults.append(Fault("lines.0.item", "", N_("A document needs at least one line.")))
    if not warehouse or not lines:
        raise Invalid(faults)
    try:
        posted = await actions.post_document(
            viewer,
            warehouse,
            typed.get("reason", ""),
            lines,
            request_key=forms.key_of(typed, faults),
            request_hash=values.digest(dict(typed)),
            occurred_at=occurred_at,
            reference=typed.get("reference", ""),
            note=typed.get("note", ""),
        )
    except (Invalid, codes.NoSuchWarehouse) as refusal:
        raise forms.together(faults, refusal, lambda path: _field(path, numbers)) from refusal
    path = documents.path_of(await codes.warehouse_to_work_in(viewer, warehouse), posted.document_id)
    return path, forms.booked(posted, sum(line.quantity for line in lines))


def _rows(typed: Mapping[str, str]) -> int:
    """How many rows the form that was sent had."""
    numbers = [int(found[1]) for name in typed if (found := _CELL.fullmatch(name))]
    return min(MOST_ROWS, max(numbers, default=FIRST_ROWS - 1) + 1)


def _lines(
    typed: Mapping[str, str], reason: Reason | None, faults: list[Fault]
) -> tuple[list[int], list[codes.Request]]:
    """The lines that were filled in, and the number of the row each stands in.

    An empty owner is that of the line above; an empty end is filled where the reason leaves no choice.
    """
    numbers: list[int] = []
    lines: list[codes.Request] = []
    owner = ""
    for number in range(_rows(typed)):
        cell = {name: typed.get(f"lines.{number}.{name}", "") for name in _CELLS}
        if not any(cell.values()):
            continue
        owner = cell["owner"] = cell["owner"] or owner
        source, target = values.code_of(cell["source"]), values.code_of(cell["target"])
        if reason:
            source, target = rules.implied_ends(reason, source, target)
        cell["source"], cell["target"] = source, target
        faults += [Fault(f"lines.{number}.{name}", "", say) for name, say in _NEEDED.items() if not cell[name]]
        quantity = forms.quantity(f"lines.{number}.quantity", cell["quantity"], faults)
        condition = typed.get(f"lines.{number}.condition", Condition.GOOD.name)
        numbers.append(number)
        lines.append(
            codes.Request(owner, cell["item"], cell["lot"] or None, source, target, condition, condition, quantity)
        )
    return numbers, lines


def _field(path: str, numbers: list[int]) -> str:
    """The field of the form that a fault of the document is about."""
    found = _CELL.fullmatch(path)
    if found is None:
        return "" if path == "lines" else path
    name = "condition" if found[2] == "target_condition" else found[2]
    return f"lines.{numbers[int(found[1])]}.{name}"


async def _page(
    request: Request[Any, Any, Any],
    typed: Mapping[str, str],
    form: Form | None = None,
    rows: int = 0,
    status: int = 200,
) -> Response[str]:
    viewer = access_rules.require(request.user, Right.POST_STOCK)
    warehouses = await scope.warehouses(viewer)
    chosen = typed.get("warehouse") or (warehouses[0]["code"] if len(warehouses) == 1 else "")
    return web.page(
        request,
        "stock/post.html",
        status=status,
        form=form or Form(dict(typed)),
        rows=min(MOST_ROWS, max(rows, _rows(typed))),
        most_rows=MOST_ROWS,
        warehouses=scope.choices(warehouses),
        chosen=chosen,
        zone=scope.zone_of(viewer, warehouses, chosen) if chosen else "",
        reasons=[(reason.name, text.gettext(rules.REASON_NAMES[reason])) for reason in REASONS],
        conditions=words.condition_choices(),
        virtual=words.places(),
        places=await queries.places_in(viewer, chosen) if chosen else [],
    )
