"""The registry's screens: the public directory, warehouses, their locations, items."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import clock, text, values
from backend.core.errors import Invalid
from backend.core.listing import Clause
from backend.core.text import N_
from backend.registry import actions, queries, regions, rules
from backend.registry.rules import Status, Warehouse
from frontend import lists, render, web
from frontend.registry import forms, items, locations

STATUS_LOOKS = {Status.DRAFT: "neutral", Status.LISTED: "ok", Status.SUSPENDED: "warn", Status.CLOSED: "neutral"}
WAREHOUSE_FILTERS = ("q", "region", "country", "taxonomy", "status", "operator")


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a warehouse's life as a button: its word, its look, the dialog's question, what the step means."""

    status: Status
    word: str
    look: str
    title: str
    meaning: str


MOVES = {
    move.status: move
    for move in (
        Move(
            Status.LISTED,
            N_("List"),
            "primary",
            N_("List warehouse %(code)s?"),
            N_("Everybody will find this warehouse in the public directory."),
        ),
        Move(
            Status.SUSPENDED,
            N_("Suspend"),
            "danger",
            N_("Suspend warehouse %(code)s?"),
            N_(
                "It leaves the public directory, and its page says that it is suspended. Work in the warehouse goes on."
            ),
        ),
        Move(
            Status.CLOSED,
            N_("Close"),
            "danger",
            N_("Close warehouse %(code)s for ever?"),
            N_("This cannot be undone. The warehouse must be empty, and nothing can be booked in it afterwards."),
        ),
    )
}
ACTS = {
    "warehouse.created": N_("Created"),
    "warehouse.edited": N_("Edited"),
    "warehouse.listed": N_("Listed"),
    "warehouse.suspended": N_("Suspended"),
    "warehouse.closed": N_("Closed"),
}
HEMISPHERES = {
    (True, True): N_("%(latitude)s° N, %(longitude)s° E"),
    (True, False): N_("%(latitude)s° N, %(longitude)s° W"),
    (False, True): N_("%(latitude)s° S, %(longitude)s° E"),
    (False, False): N_("%(latitude)s° S, %(longitude)s° W"),
}
WORDS: dict[str, Any] = {
    "status_names": rules.STATUS_NAMES,
    "status_looks": STATUS_LOOKS,
    "taxonomy_names": rules.TAXONOMY_NAMES,
    "region_names": regions.REGION_NAMES,
    "named": forms.named,
}


@get("/registry")
async def directory(request: Request[Any, Any, Any]) -> Response[Any]:
    """The public directory of listed warehouses."""
    filters = lists.asked(request, *WAREHOUSE_FILTERS)
    return await _warehouses(request, filters, lambda: queries.directory_clauses(filters), public=True)


@get("/registry.csv")
async def directory_csv(request: Request[Any, Any, Any]) -> Stream:
    """The public directory as CSV."""
    clauses = queries.directory_clauses(lists.asked(request, *WAREHOUSE_FILTERS))
    return lists.file(request, "directory", queries.WAREHOUSES, clauses)


@get("/registry/warehouses")
async def warehouses(request: Request[Any, Any, Any]) -> Response[Any]:
    """The warehouses in the viewer's scope."""
    viewer = web.viewer(request)
    filters = lists.asked(request, *WAREHOUSE_FILTERS)
    return await _warehouses(request, filters, lambda: queries.warehouse_clauses(viewer, filters), public=False)


@get("/registry/warehouses.csv")
async def warehouses_csv(request: Request[Any, Any, Any]) -> Stream:
    """The warehouses in the viewer's scope as CSV."""
    clauses = queries.warehouse_clauses(web.viewer(request), lists.asked(request, *WAREHOUSE_FILTERS))
    return lists.file(request, "warehouses", queries.WAREHOUSES, clauses)


async def _warehouses(
    request: Request[Any, Any, Any], filters: dict[str, str], clauses: Callable[[], list[Clause]], *, public: bool
) -> Response[Any]:
    viewer = _asker(request)
    found = await lists.shown(request, queries.WAREHOUSES, filters, clauses, forms.ROWS)
    return web.page(
        request,
        "registry/warehouses.html",
        status=found.status,
        list=found,
        public=public,
        may_create=not public and viewer is not None and viewer.may(Right.KEEP_WAREHOUSES),
        by_operator=not public and viewer is not None and viewer.kind is Kind.OPERATOR,
        country_choices=sorted(
            ((code, render.territory(code)) for code in await queries.countries(viewer)), key=lambda pair: pair[1]
        ),
        **WORDS,
    )


@get("/registry/warehouses/new")
async def new_warehouse(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form for a new warehouse."""
    viewer = access_rules.require(web.viewer(request), Right.KEEP_WAREHOUSES)
    first = {"taxonomy": "public", "time_zone": viewer.time_zone}
    return await _warehouse_form(request, render.Form(values=first))


@post("/registry/warehouses/new")
async def create_warehouse(request: Request[Any, Any, Any]) -> Response[Any]:
    """Create a warehouse."""
    viewer = web.viewer(request)
    given = await web.form(request)
    try:
        warehouse = await actions.create_warehouse(viewer, given)
    except Invalid as invalid:
        return await _warehouse_form(request, web.form_from(given, invalid), status=422)
    said = text.gettext("Warehouse %(code)s was created as a draft, with a dock and a workshop.", code=warehouse.code)
    return web.redirect(request, forms.warehouse_path(warehouse), flash=("ok", said))


@get("/registry/warehouses/{code:str}")
async def warehouse(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """A warehouse's page, for everybody; more of it for those who sign in."""
    return await _warehouse_page(request, await queries.warehouse_seen(_asker(request), code))


async def _warehouse_page(
    request: Request[Any, Any, Any],
    seen: Warehouse,
    form: render.Form | None = None,
    moving: str = "",
    status: int = 200,
) -> Response[Any]:
    viewer = _asker(request)
    inside = viewer is not None and rules.sees_inside(viewer, seen)
    way = (seen.latitude >= 0, seen.longitude >= 0)
    # After an Arabic word the degree sign would stand before its number; the mark keeps it behind.
    mark = "\u200e" if text.direction(text.current.get()) == "rtl" else ""
    where = text.gettext(
        HEMISPHERES[way],
        latitude=render.number(abs(seen.latitude), 4),
        longitude=mark + render.number(abs(seen.longitude), 4),
    )
    return web.page(
        request,
        "registry/warehouse.html",
        status=status,
        warehouse=seen,
        base=forms.warehouse_path(seen),
        position=where,
        region_words=[text.gettext(regions.REGION_NAMES[region]) for region in regions.regions_of(seen.country)],
        now=clock.now(),
        inside=inside,
        name_pairs=forms.name_pairs(seen.names),
        location_kinds=forms.named(rules.LOCATION_KIND_NAMES),
        counts=await queries.location_counts(viewer, seen) if viewer and inside else {},
        history=[_told(line, seen) for line in await queries.history(viewer, seen)],
        may_edit=rules.may_edit(viewer, seen),
        may_keep_locations=rules.may_keep_locations(viewer, seen),
        may_see_stock=viewer is not None and viewer.may(Right.SEE_STOCK) and (inside or viewer.kind is Kind.EXPORTER),
        moves=[MOVES[move] for move in rules.moves(viewer, seen)],
        blank_forms={move: render.Form(prefix=f"to-{move}") for move in MOVES},
        form=form,
        moving=moving,
        **WORDS,
    )


@get("/registry/warehouses/{code:str}/edit")
async def edited_warehouse(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """The form of a warehouse's facts."""
    viewer = web.viewer(request)
    seen = await queries.warehouse_seen(viewer, code)
    rules.require_editable(viewer, seen)
    return await _warehouse_form(request, render.Form(values=_typed_warehouse(seen)), seen)


@post("/registry/warehouses/{code:str}/edit")
async def edit_warehouse(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """Keep a warehouse's facts."""
    viewer = web.viewer(request)
    given = await web.form(request)
    try:
        kept = await actions.edit_warehouse(viewer, code, forms.revision(given), given)
    except Invalid as invalid:
        seen = await queries.warehouse_seen(viewer, code)
        return await _warehouse_form(request, web.form_from(given, invalid), seen, status=422)
    said = text.gettext("Warehouse %(code)s was saved.", code=kept.code)
    return web.redirect(request, forms.warehouse_path(kept), flash=("ok", said))


async def _warehouse_form(
    request: Request[Any, Any, Any], form: render.Form, edited: Warehouse | None = None, status: int = 200
) -> Response[Any]:
    viewer = web.viewer(request)
    chooses = access_rules.sees_everything(viewer) and (edited is None or rules.may_change_operator(viewer, edited))
    return web.page(
        request,
        "registry/warehouse_form.html",
        status=status,
        form=form,
        edited=edited,
        base=forms.warehouse_path(edited) if edited else "/registry/warehouses",
        operators=[(each.code, render.name(each.names)) for each in await queries.operators(viewer)]
        if chooses
        else None,
        zones=[(zone, "") for zone in access_rules.time_zones()],
        territory_choices=[each for each in render.territories() if each[0] in regions.COUNTRIES],
        **WORDS,
    )


@post("/registry/warehouses/{code:str}/status")
async def change_status(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """Take a warehouse one step through its life."""
    viewer = web.viewer(request)
    given = await web.form(request)
    try:
        moved = await actions.change_status(viewer, code, forms.revision(given), given)
    except Invalid as invalid:
        seen = await queries.warehouse_seen(viewer, code)
        form = web.form_from(given, invalid, prefix=f"to-{given.get('status', '')}")
        return await _warehouse_page(request, seen, form, given.get("status", ""), status=422)
    said = text.gettext(
        "Warehouse %(code)s is now: %(status)s.",
        code=moved.code,
        status=text.gettext(rules.STATUS_NAMES[moved.status]),
    )
    return web.redirect(request, forms.warehouse_path(moved), flash=("ok", said))


def _asker(request: Request[Any, Any, Any]) -> Viewer | None:
    return request.user if isinstance(request.user, Viewer) else None


def _told(line: Mapping[str, Any], seen: Warehouse) -> dict[str, Any]:
    """A line of the journal as an event of the history."""
    at = render.instant(line["at"], seen.time_zone)
    return {
        "title": text.gettext(ACTS.get(line["action"], line["action"])),
        "at": f"{at} · {line['actor']}" if line["actor"] else at,
        "text": (line["after"] or {}).get("note", ""),
    }


def _typed_warehouse(seen: Warehouse) -> dict[str, str]:
    """A warehouse's facts as they would be typed."""
    typed = {
        "operator": seen.operator_code,
        "country": seen.country,
        "address": seen.address,
        "latitude": forms.decimal(seen.latitude),
        "longitude": forms.decimal(seen.longitude),
        "time_zone": seen.time_zone,
        "area_m2": forms.decimal(seen.area_m2),
        "capacity_m3": forms.decimal(seen.capacity_m3),
        "taxonomy": seen.taxonomy.value,
        "revision": str(seen.revision),
    }
    for language in values.NAME_LANGUAGES:
        typed[f"name_{language}"] = seen.names.get(language, "")
        typed[f"city_{language}"] = seen.city.get(language, "")
    return typed


router = Router(
    path="/",
    include_in_schema=False,
    route_handlers=[
        *(directory, directory_csv, warehouses, warehouses_csv, new_warehouse, create_warehouse, warehouse),
        *(edited_warehouse, edit_warehouse, change_status, *locations.HANDLERS, *items.HANDLERS),
    ],
)
