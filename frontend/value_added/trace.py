"""The trace of a lot on screen: where its pieces went, and what it is made of."""

from typing import Any

from litestar import Request, Response, get

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.core import text
from backend.core.errors import NotFound
from backend.stock.rules import PLACE_NAMES, Place
from backend.value_added import tracing
from frontend import lists, web
from frontend.stock import scope
from frontend.value_added import words


@get("/value-added/trace")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """The lots of a code, or the trace of one of them."""
    viewer = access_rules.require(request.user, Right.SEE_STOCK)
    asked = lists.asked(request, "lot", "item", "id")
    found: list[Any] = []
    lot: Any = None
    if asked["id"].isdecimal() and len(asked["id"]) <= 18:
        try:
            lot = await tracing.lot(viewer, int(asked["id"]))
        except NotFound:
            lot = None
    elif asked["lot"]:
        found = await tracing.lots_named(viewer, asked["lot"], asked["item"])
        lot = found[0] if len(found) == 1 else None
    forward = await tracing.trace_forward(viewer, lot["id"]) if lot else None
    places = {int(place): text.gettext(word) for place, word in PLACE_NAMES.items()}
    return web.page(
        request,
        "value_added/trace.html",
        asked=asked,
        found=found,
        lot=lot,
        nothing=bool(asked["lot"] or asked["id"]) and lot is None and not found,
        # What came in balances the rest; it is shown above, as the number of pieces that are to be found again.
        there=[each for each in forward.places if each.place not in (Place.SUPPLIER, Place.TRANSFORM)]
        if forward
        else [],
        came=-sum(each.held for each in forward.places if each.place in (Place.SUPPLIER, Place.TRANSFORM))
        if forward
        else 0,
        shipments=forward.shipments if forward else [],
        most=tracing.MOST_SHIPMENTS,
        backward=await tracing.trace_backward(viewer, lot["id"]) if lot else [],
        places=places,
        exact=words.exact,
        own=scope.has_one_owner(viewer),
    )


HANDLERS = (show,)
