"""The returns desk of a warehouse, as its operator's manager keeps it."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, post

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.returns import desks
from backend.returns.desks import Desk
from backend.stock import codes
from frontend import lists, web
from frontend.render import Form
from frontend.returns import words
from frontend.stock import forms, scope


@get("/desk")
async def show(request: Request[Any, Any, Any]) -> Response[str]:
    """The desk of one of the viewer's warehouses; the first, unless the address names another."""
    viewer = access_rules.require(request.user, Right.KEEP_PRICES)
    return await _page(request, viewer, lists.asked(request, "warehouse")["warehouse"])


@post("/desk")
async def keep(request: Request[Any, Any, Any]) -> Response[Any]:
    """Keep the desk."""
    viewer, typed = access_rules.require(request.user, Right.KEEP_PRICES), await forms.read(request)
    warehouse, faults = typed.get("warehouse", ""), list[Fault]()
    units = values.quantity("daily_units", typed.get("daily_units", ""), faults)
    desk = Desk(
        kinds=web.listed(typed, "kinds"),
        capabilities=web.listed(typed, "capabilities"),
        daily_units=units or 1,
        countries=_countries(typed.get("countries", ""), faults),
        active=typed.get("active") == "yes",
    )
    revision = typed.get("revision", "0")
    try:
        if faults:
            raise Invalid(faults)
        await desks.keep_desk(
            viewer, warehouse, desk, revision=int(revision) if revision.isdecimal() and len(revision) < 10 else -1
        )
    except (Invalid, Conflict, codes.NoSuchWarehouse) as refusal:
        form = forms.again(typed, refusal)
        return await _page(request, viewer, warehouse, form, status=forms.status_of(refusal))
    said = text.gettext("The returns desk of warehouse %(warehouse)s is kept.", warehouse=values.code_of(warehouse))
    return web.redirect(request, lists.address("/returns/desk", {"warehouse": warehouse}), flash=("ok", said))


def _countries(typed: str, faults: list[Fault]) -> list[str]:
    """Countries by their two letters, between commas or spaces."""
    given = [each for each in typed.replace(",", " ").upper().split() if each]
    for each in given:
        if len(each) != 2:
            sentence = N_("“%(value)s” is not a country. Give its two letters, e.g. DE.")
            faults.append(Fault("countries", each, sentence, {"value": each}))
    return given


async def _page(
    request: Request[Any, Any, Any], viewer: Viewer, warehouse: str, form: Form | None = None, status: int = 200
) -> Response[str]:
    places = await scope.warehouses(viewer)
    code = warehouse or (places[0]["code"] if places else "")
    if code and form is None:
        _, desk = await desks.desk_of(viewer, code)
        form = Form(_typed(dict(desk) if desk else None))
    return web.page(
        request,
        "returns/desk.html",
        status=status,
        form=form or Form(),
        warehouses=scope.choices(places),
        warehouse=code,
        kinds=list(words.kinds().items()),
        capabilities=words.capabilities(),
    )


def _typed(desk: Mapping[str, Any] | None) -> dict[str, str]:
    """The form as it begins: what the desk takes now, or nothing."""
    if desk is None:
        return {"revision": "0", "active": "yes", "capabilities": "grading,photos"}
    return {
        "revision": str(desk["revision"]),
        "active": "yes" if desk["active"] else "",
        "daily_units": str(desk["daily_units"]),
        "countries": " ".join(desk["countries"]),
        "kinds": ",".join(desk["kinds"]),
        "capabilities": ",".join(desk["capabilities"]),
    }
