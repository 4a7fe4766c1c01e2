"""Where administrators keep people: their memberships, passwords, sessions and tokens."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from backend.access import actions, queries
from backend.access.rules import ROLE_NAMES, ROLES_OF
from backend.core.errors import Invalid
from backend.core.text import gettext
from frontend import lists, web
from frontend.access import credentials, words

_NEW_PERSON = {"language": "zh_CN", "time_zone": "Asia/Shanghai"}


@get("/people")
async def people(request: Request[Any, Any, Any]) -> Response[str]:
    """Everybody who has an account."""
    viewer, filters = web.viewer(request), lists.asked(request, "text", "organisation", "state")
    found = await lists.shown(request, queries.PEOPLE, filters, lambda: queries.people(viewer, **filters))
    return web.page(
        request,
        "access/people.html",
        status=found.status,
        list=found,
        role_names=words.role_names(),
        organisations=await queries.organisation_choices(viewer),
        zone=viewer.time_zone,
    )


@get("/people.csv")
async def people_file(request: Request[Any, Any, Any]) -> Stream:
    """The people as a file."""
    clauses = queries.people(web.viewer(request), **lists.asked(request, "text", "organisation", "state"))
    return lists.file(request, "people", queries.PEOPLE, clauses)


@get("/people/new")
async def new_person(request: Request[Any, Any, Any]) -> Response[str]:
    """Where a person is added, to the organisation in the address if there is one."""
    given = {**_NEW_PERSON, **lists.asked(request, "organisation")}
    return await _new_person(request, web.form_from(given))


@post("/people/new")
async def create_person(request: Request[Any, Any, Any]) -> Response[Any]:
    """Add a person; a password made here is shown this once."""
    viewer, values = web.viewer(request), await web.form(request)
    password = values.pop("password", "")
    try:
        user_id, made_up = await actions.create_person(
            viewer,
            values.get("email", ""),
            values.get("name", ""),
            values.get("language", ""),
            values.get("time_zone", ""),
            values.get("organisation", ""),
            web.listed(values, "roles"),
            password,
        )
    except Invalid as refusal:
        return await _new_person(request, web.form_from(values, refusal), status=422)
    if made_up:
        return _show_password(request, user_id, values.get("name", ""), made_up)
    return _to(request, user_id, gettext("The person is added and can sign in."))


@get("/people/{user_id:int}")
async def person(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Response[str]:
    """One person and what they are for which organisations."""
    return await _person(request, user_id)


@get(
    [
        "/people/{user_id:int}/memberships",
        "/people/{user_id:int}/memberships/{organisation_id:int}",
        "/people/{user_id:int}/password",
    ]
)
async def back_to_person(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Redirect:
    """After a refused form, the address of its form leads back to the person."""
    return web.redirect(request, f"/access/people/{user_id}")


@post("/people/{user_id:int}/memberships")
async def add_membership(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Response[Any]:
    """Let the person work for one more organisation."""
    values = await web.form(request)
    organisation, roles = values.get("organisation", ""), web.listed(values, "roles")
    try:
        await actions.add_membership(web.viewer(request), user_id, organisation, roles)
    except Invalid as refusal:
        return await _person(request, user_id, adding=web.form_from(values, refusal, "add"), status=422)
    return _to(request, user_id, gettext("The membership is added."))


@post("/people/{user_id:int}/memberships/{organisation_id:int}")
async def change_roles(
    request: Request[Any, Any, Any], user_id: FromPath[int], organisation_id: FromPath[int]
) -> Response[Any]:
    """Change what the person is for an organisation."""
    values = await web.form(request)
    roles, revision = web.listed(values, "roles"), values.get("revision", "")
    try:
        await actions.change_roles(web.viewer(request), user_id, organisation_id, roles, revision)
    except Invalid as refusal:
        form = web.form_from(values, refusal, f"roles-{organisation_id}")
        return await _person(request, user_id, changing={organisation_id: form}, status=422)
    return _to(request, user_id, gettext("The roles are changed."))


@post("/people/{user_id:int}/memberships/{organisation_id:int}/end")
async def end_membership(
    request: Request[Any, Any, Any], user_id: FromPath[int], organisation_id: FromPath[int]
) -> Redirect:
    """The person no longer works for an organisation."""
    await actions.end_membership(web.viewer(request), user_id, organisation_id)
    return _to(request, user_id, gettext("The membership has ended."))


@post("/people/{user_id:int}/enable")
async def enable_person(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Redirect:
    """Let the person in again."""
    await actions.set_person_active(web.viewer(request), user_id, True)
    return _to(request, user_id, gettext("This person can sign in again."))


@post("/people/{user_id:int}/disable")
async def disable_person(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Redirect:
    """Shut the person out."""
    await actions.set_person_active(web.viewer(request), user_id, False)
    return _to(request, user_id, gettext("This person can no longer sign in. Their sessions and tokens have ended."))


@post("/people/{user_id:int}/password")
async def reset_password(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Response[Any]:
    """Give the person another password; one made here is shown this once."""
    viewer, values = web.viewer(request), await web.form(request)
    try:
        made_up = await actions.reset_password(viewer, user_id, values.get("password", ""))
    except Invalid as refusal:
        return await _person(request, user_id, resetting=web.form_from({}, refusal, "reset"), status=422)
    if made_up:
        return _show_password(request, user_id, (await queries.person(viewer, user_id))["name"], made_up)
    return _to(request, user_id, gettext("The password is changed and every browser of this person is signed out."))


@get("/people/{user_id:int}/sessions")
async def person_sessions(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Response[str]:
    """Where the person is signed in."""
    who = await queries.person(web.viewer(request), user_id)
    return await credentials.sessions(request, user_id, f"/access/people/{user_id}/sessions", person=who)


@get("/people/{user_id:int}/sessions.csv")
async def person_sessions_file(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Stream:
    """The person's sessions as a file."""
    await queries.person(web.viewer(request), user_id)
    return credentials.sessions_file(request, user_id)


@post("/people/{user_id:int}/sessions/{session_id:uuid}/revoke")
async def revoke_session(
    request: Request[Any, Any, Any], user_id: FromPath[int], session_id: FromPath[UUID]
) -> Redirect:
    """Sign one of the person's browsers out."""
    await actions.revoke_session(web.viewer(request), user_id, session_id)
    said = gettext("That browser is signed out.")
    return web.redirect(request, f"/access/people/{user_id}/sessions", flash=("ok", said))


@get("/people/{user_id:int}/tokens")
async def person_tokens(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Response[str]:
    """The person's API tokens."""
    who = await queries.person(web.viewer(request), user_id)
    return await credentials.tokens(request, user_id, f"/access/people/{user_id}/tokens", person=who)


@get("/people/{user_id:int}/tokens.csv")
async def person_tokens_file(request: Request[Any, Any, Any], user_id: FromPath[int]) -> Stream:
    """The person's API tokens as a file."""
    await queries.person(web.viewer(request), user_id)
    return credentials.tokens_file(request, user_id)


@post("/people/{user_id:int}/tokens/{token_id:uuid}/revoke")
async def revoke_token(request: Request[Any, Any, Any], user_id: FromPath[int], token_id: FromPath[UUID]) -> Redirect:
    """End one of the person's tokens."""
    await actions.revoke_token(web.viewer(request), user_id, token_id)
    said = gettext("The token no longer works.")
    return web.redirect(request, f"/access/people/{user_id}/tokens", flash=("ok", said))


async def _new_person(request: Request[Any, Any, Any], form: Any, status: int = 200) -> Response[str]:
    return web.page(
        request,
        "access/new_person.html",
        status=status,
        form=form,
        organisations=await queries.organisation_choices(web.viewer(request)),
        roles=words.roles_by_kind(),
        spoken=words.spoken(),
        zones=words.zones(),
    )


async def _person(
    request: Request[Any, Any, Any],
    user_id: int,
    *,
    adding: Any = None,
    changing: dict[int, Any] | None = None,
    resetting: Any = None,
    status: int = 200,
) -> Response[str]:
    viewer = web.viewer(request)
    who = await queries.person(viewer, user_id)
    memberships = await queries.memberships(viewer, user_id)
    forms = {
        row["organisation_id"]: web.form_from(
            {"roles": ",".join(row["roles"]), "revision": str(row["revision"])},
            prefix=f"roles-{row['organisation_id']}",
        )
        for row in memberships
    }
    choices = {
        kind.value: [(role.value, gettext(ROLE_NAMES[role])) for role in roles] for kind, roles in ROLES_OF.items()
    }
    return web.page(
        request,
        "access/person.html",
        status=status,
        person=who,
        own=user_id == viewer.user_id,
        memberships=memberships,
        role_names=words.role_names(),
        role_choices=choices,
        forms={**forms, **(changing or {})},
        adding=adding or web.form_from({}, prefix="add"),
        resetting=resetting or web.form_from({}, prefix="reset"),
        organisations=await queries.organisation_choices(viewer),
        roles=words.roles_by_kind(),
        kinds=words.kind_names(),
        zone=viewer.time_zone,
    )


def _to(request: Request[Any, Any, Any], user_id: int, said: str) -> Redirect:
    return web.redirect(request, f"/access/people/{user_id}", flash=("ok", said))


def _show_password(request: Request[Any, Any, Any], user_id: int, name: str, password: str) -> Response[str]:
    return web.page(
        request,
        "access/secret.html",
        heading=gettext("The password of %(name)s", name=name),
        sentence=gettext("Hand it over by a safe way now: only its fingerprint is kept, so it cannot be shown again."),
        secret=password,
        back=(gettext("Open this person"), f"/access/people/{user_id}"),
    )


handlers = [
    people,
    people_file,
    new_person,
    create_person,
    person,
    back_to_person,
    add_membership,
    change_roles,
    end_membership,
    enable_person,
    disable_person,
    reset_password,
    person_sessions,
    person_sessions_file,
    revoke_session,
    person_tokens,
    person_tokens_file,
    revoke_token,
]
