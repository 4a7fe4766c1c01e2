"""The screens of a warehouse's locations."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text
from backend.core.errors import Invalid
from backend.registry import actions, queries, rules
from backend.registry.rules import LocationKind, Warehouse
from frontend import lists, render, web
from frontend.registry import forms


@get("/registry/warehouses/{code:str}/locations")
async def locations(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """The locations of a warehouse."""
    viewer = web.viewer(request)
    seen = await queries.warehouse_inside(viewer, code)
    filters = lists.asked(request, "q", "kind", "parent")
    path = f"{forms.warehouse_path(seen)}/locations"
    counts = await queries.location_counts(viewer, seen)
    tabs = [
        (
            text.gettext("All"),
            lists.address(path, {**filters, "kind": ""}),
            not filters["kind"],
            sum(counts.values()),
        )
    ]
    for kind in LocationKind:
        if counts.get(kind):
            word = text.gettext(rules.LOCATION_KIND_NAMES[kind])
            tabs.append((word, lists.address(path, {**filters, "kind": kind}), filters["kind"] == kind, counts[kind]))
    found = await lists.shown(
        request, queries.LOCATIONS, filters, lambda: queries.location_clauses(viewer, seen, filters), forms.ROWS
    )
    return web.page(
        request,
        "registry/locations.html",
        status=found.status,
        warehouse=seen,
        base=forms.warehouse_path(seen),
        list=found,
        tabs=tabs,
        kind_names=rules.LOCATION_KIND_NAMES,
        may_keep=rules.may_keep_locations(viewer, seen),
    )


@get("/registry/warehouses/{code:str}/locations.csv")
async def locations_csv(request: Request[Any, Any, Any], code: FromPath[str]) -> Stream:
    """The locations of a warehouse as CSV."""
    viewer = web.viewer(request)
    seen = await queries.warehouse_inside(viewer, code)
    clauses = queries.location_clauses(viewer, seen, lists.asked(request, "q", "kind", "parent"))
    return lists.file(request, f"locations-{seen.code}", queries.LOCATIONS, clauses)


@get("/registry/warehouses/{code:str}/locations/new")
async def new_locations(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """The form for one location or a range of them."""
    viewer = access_rules.require(web.viewer(request), Right.KEEP_LOCATIONS)
    seen = await queries.warehouse_worked_in(viewer, code)
    return await _locations_form(request, viewer, seen, render.Form(values={"kind": "bin"}))


@post("/registry/warehouses/{code:str}/locations/new")
async def create_locations(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[Any]:
    """Show what a pattern would make; make it when that was seen."""
    viewer = web.viewer(request)
    given = await web.form(request)
    try:
        if given.get("step") != "create":
            plan = await queries.planned_locations(viewer, code, given)
            return await _locations_form(request, viewer, plan.warehouse, web.form_from(given), plan)
        done = await actions.create_locations(viewer, code, given)
    except Invalid as invalid:
        seen = await queries.warehouse_worked_in(viewer, code)
        return await _locations_form(request, viewer, seen, web.form_from(given, invalid), status=422)
    said = text.ngettext(
        "%(count)s location was created.",
        "%(count)s locations were created.",
        done.made,
        count=render.number(done.made),
    )
    if done.skipped:
        said += " " + text.ngettext(
            "%(count)s existed already and stays as it is.",
            "%(count)s existed already and stay as they are.",
            done.skipped,
            count=render.number(done.skipped),
        )
    return web.redirect(request, request.url.path.removesuffix("/new"), flash=("ok", said))


async def _locations_form(
    request: Request[Any, Any, Any],
    viewer: Viewer,
    seen: Warehouse,
    form: render.Form,
    plan: queries.PlannedLocations | None = None,
    status: int = 200,
) -> Response[Any]:
    return web.page(
        request,
        "registry/locations_form.html",
        status=status,
        warehouse=seen,
        base=forms.warehouse_path(seen),
        form=form,
        plan=plan,
        create_label=_create_label(plan) if plan else "",
        kinds=forms.named({kind: rules.LOCATION_KIND_NAMES[kind] for kind in rules.PARENTS}),
        parents=[
            (row["code"], text.gettext(rules.LOCATION_KIND_NAMES[LocationKind(row["kind"])]))
            for row in await queries.parents(viewer, seen)
        ],
    )


def _create_label(plan: queries.PlannedLocations) -> str:
    count = len(plan.codes) - plan.existing
    return text.ngettext("Create %(count)s location", "Create %(count)s locations", count, count=render.number(count))


HANDLERS = (locations, locations_csv, new_locations, create_locations)
