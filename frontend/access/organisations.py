"""Where administrators keep organisations."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from backend.access import actions, queries, rules
from backend.access.rules import Right
from backend.core.errors import Invalid
from backend.core.text import gettext
from backend.core.values import NAME_LANGUAGES
from frontend import lists, web
from frontend.access import words


@get("/organisations")
async def organisations(request: Request[Any, Any, Any]) -> Response[str]:
    """Every organisation of the network."""
    viewer, filters = web.viewer(request), lists.asked(request, "text", "kind", "state")
    found = await lists.shown(request, queries.ORGANISATIONS, filters, lambda: queries.organisations(viewer, **filters))
    return web.page(
        request,
        "access/organisations.html",
        status=found.status,
        list=found,
        kinds=words.kind_names(),
        zone=viewer.time_zone,
    )


@get("/organisations.csv")
async def organisations_file(request: Request[Any, Any, Any]) -> Stream:
    """The organisations as a file."""
    clauses = queries.organisations(web.viewer(request), **lists.asked(request, "text", "kind", "state"))
    return lists.file(request, "organisations", queries.ORGANISATIONS, clauses)


@get("/organisations/new")
async def new_organisation(request: Request[Any, Any, Any]) -> Response[str]:
    """Where an organisation is added."""
    rules.require(web.viewer(request), Right.MANAGE_PEOPLE)
    return web.page(request, "access/new_organisation.html", form=web.form_from({}), kinds=words.kind_names())


@post("/organisations/new")
async def create_organisation(request: Request[Any, Any, Any]) -> Response[Any]:
    """Add an organisation."""
    viewer, values = web.viewer(request), await web.form(request)
    try:
        made = await actions.create_organisation(viewer, values.get("code", ""), values.get("kind", ""), _names(values))
    except Invalid as refusal:
        form = web.form_from(values, refusal)
        return web.page(request, "access/new_organisation.html", status=422, form=form, kinds=words.kind_names())
    said = gettext("The organisation is added. Add its people next.")
    return web.redirect(request, f"/access/organisations/{made}", flash=("ok", said))


@get("/organisations/{organisation_id:int}")
async def organisation(request: Request[Any, Any, Any], organisation_id: FromPath[int]) -> Response[str]:
    """One organisation."""
    return await _organisation(request, organisation_id)


@post("/organisations/{organisation_id:int}")
async def rename_organisation(request: Request[Any, Any, Any], organisation_id: FromPath[int]) -> Response[Any]:
    """Change its names."""
    viewer, values = web.viewer(request), await web.form(request)
    try:
        await actions.rename_organisation(viewer, organisation_id, _names(values), values.get("revision", ""))
    except Invalid as refusal:
        return await _organisation(request, organisation_id, web.form_from(values, refusal), status=422)
    said = gettext("The names are saved.")
    return web.redirect(request, f"/access/organisations/{organisation_id}", flash=("ok", said))


@post("/organisations/{organisation_id:int}/enable")
async def enable_organisation(request: Request[Any, Any, Any], organisation_id: FromPath[int]) -> Redirect:
    """Let its people in again."""
    await actions.set_organisation_active(web.viewer(request), organisation_id, True)
    said = gettext("The organisation is active again. Its people can sign in.")
    return web.redirect(request, f"/access/organisations/{organisation_id}", flash=("ok", said))


@post("/organisations/{organisation_id:int}/disable")
async def disable_organisation(request: Request[Any, Any, Any], organisation_id: FromPath[int]) -> Redirect:
    """Shut its people out."""
    await actions.set_organisation_active(web.viewer(request), organisation_id, False)
    said = gettext("The organisation is disabled. Its sessions and tokens have ended.")
    return web.redirect(request, f"/access/organisations/{organisation_id}", flash=("ok", said))


async def _organisation(
    request: Request[Any, Any, Any], organisation_id: int, form: Any = None, status: int = 200
) -> Response[str]:
    viewer = web.viewer(request)
    row = await queries.organisation(viewer, organisation_id)
    titles = {f"names_{language}": row["names"].get(language, "") for language in NAME_LANGUAGES}
    return web.page(
        request,
        "access/organisation.html",
        status=status,
        organisation=row,
        form=form or web.form_from({**titles, "revision": str(row["revision"])}),
        kinds=words.kind_names(),
        zone=viewer.time_zone,
        own=organisation_id == viewer.organisation_id,
    )


def _names(values: dict[str, str]) -> dict[str, str]:
    return {language: values.get(f"names_{language}", "") for language in NAME_LANGUAGES}


handlers = [
    organisations,
    organisations_file,
    new_organisation,
    create_organisation,
    organisation,
    rename_organisation,
    enable_organisation,
    disable_organisation,
]
