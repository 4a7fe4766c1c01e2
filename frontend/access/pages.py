"""Signing in and out, language and appearance, and everybody's own account."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from backend.access import actions, guards, queries, rules, signing_in
from backend.access.rules import RIGHT_NAMES, Right
from backend.core import clock, text
from backend.core.errors import Invalid, Refusal
from backend.core.text import LANGUAGES, gettext
from frontend import web
from frontend.access import credentials, organisations, people, words

_YEAR = timedelta(days=365)
_THEMES = ("light", "dark")

# ------------------------------------------------------------------------------------------------------------ public


@get("/sign-in")
async def sign_in_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """Where people sign in; whoever is signed in goes on."""
    target = web.local(request.query_params.get("next"))
    if request.user:
        return web.redirect(request, target)
    return web.page(request, "access/sign_in.html", form=web.form_from({"next": target}))


@post("/sign-in")
async def sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    """Open a session and go where the reader wanted to go."""
    values = await web.form(request)
    keep = bool(values.get("keep"))
    try:
        entered = await signing_in.sign_in(
            values.get("email", ""),
            values.pop("password", ""),
            keep=keep,
            user_agent=request.headers.get("user-agent", ""),
            now=clock.now(),
        )
    except (rules.WrongSignIn, rules.Locked) as refusal:
        values["next"] = web.local(values.get("next"))
        return _refused(request, "access/sign_in.html", refusal, form=web.form_from(values, refusal))
    if request.user:
        await actions.sign_out(request.user)
    answer = web.redirect(request, web.local(values.get("next")))
    _keep(request, answer, guards.SESSION_COOKIE, entered.token, entered.lasts if keep else None)
    _keep(request, answer, web.LANGUAGE_COOKIE, entered.language, _YEAR)
    return answer


@post("/sign-out")
async def sign_out(request: Request[Any, Any, Any]) -> Redirect:
    """End the session."""
    if request.user:
        await actions.sign_out(request.user)
    answer = web.redirect(request, "/access/sign-in", flash=("ok", gettext("You are signed out.")))
    answer.delete_cookie(guards.SESSION_COOKIE)
    return answer


@post(["/preferences", "/language", "/theme"])
async def prefer(request: Request[Any, Any, Any]) -> Redirect:
    """Speak another language or look another way, for everybody by cookie and for people also in their profile."""
    values = await web.form(request)
    answer = web.redirect(request, web.local(values.get("next")))
    if (language := values.get("language", "")) in LANGUAGES:
        if request.user:
            await actions.speak(request.user, language)
        _keep(request, answer, web.LANGUAGE_COOKIE, language, _YEAR)
    if (theme := values.get("theme")) in _THEMES:
        _keep(request, answer, web.THEME_COOKIE, theme, _YEAR)
    elif theme is not None:
        answer.delete_cookie(web.THEME_COOKIE)
    return answer


# ------------------------------------------------------------------------------------------------------- own account


@get("/profile")
async def profile(request: Request[Any, Any, Any]) -> Response[str]:
    """Name, language, time zone, and the organisations one works for."""
    row = await queries.profile(web.viewer(request))
    values = {field: str(row[field]) for field in ("name", "language", "time_zone", "revision")}
    return await _profile(request, web.form_from(values))


@post("/profile")
async def save_profile(request: Request[Any, Any, Any]) -> Response[Any]:
    """Change name, language and time zone."""
    viewer, values = web.viewer(request), await web.form(request)
    language = values.get("language", "")
    try:
        await actions.update_profile(
            viewer, values.get("name", ""), language, values.get("time_zone", ""), values.get("revision", "")
        )
    except Invalid as refusal:
        return await _profile(request, web.form_from(values, refusal), status=422)
    with text.speaking(language):
        answer = web.redirect(request, "/access/profile", flash=("ok", gettext("Your profile is saved.")))
    _keep(request, answer, web.LANGUAGE_COOKIE, language, _YEAR)
    return answer


async def _profile(request: Request[Any, Any, Any], form: Any, status: int = 200) -> Response[str]:
    viewer = web.viewer(request)
    return web.page(
        request,
        "access/profile.html",
        status=status,
        form=form,
        email=viewer.email,
        here_id=viewer.organisation_id,
        memberships=await queries.memberships(viewer, viewer.user_id),
        role_names=words.role_names(),
        spoken=words.spoken(),
        zones=words.zones(),
    )


@post("/organisation")
async def switch_organisation(request: Request[Any, Any, Any]) -> Redirect:
    """Work for another organisation one belongs to."""
    values = await web.form(request)
    await actions.switch_organisation(web.viewer(request), values.get("organisation", ""))
    return web.redirect(request, "/")


@get("/password")
async def password_form(request: Request[Any, Any, Any]) -> Response[str]:
    """Where one's password is changed."""
    return web.page(request, "access/password.html", email=web.viewer(request).email, form=web.form_from({}))


@post("/password")
async def change_password(request: Request[Any, Any, Any]) -> Response[Any]:
    """Change one's password."""
    viewer, values = web.viewer(request), await web.form(request)
    given = [values.get(field, "") for field in ("current", "new", "again")]
    try:
        await actions.change_password(viewer, *given, now=clock.now())
    except (Invalid, rules.Locked) as refusal:
        form = web.form_from({}, refusal)
        return _refused(request, "access/password.html", refusal, email=viewer.email, form=form)
    said = gettext("Your password is changed. Every other browser is signed out.")
    return web.redirect(request, "/access/password", flash=("ok", said))


@get("/sessions")
async def sessions(request: Request[Any, Any, Any]) -> Response[str]:
    """Where one is signed in."""
    return await credentials.sessions(request, web.viewer(request).user_id, "/access/sessions")


@get("/sessions.csv")
async def sessions_file(request: Request[Any, Any, Any]) -> Stream:
    """One's sessions as a file."""
    return credentials.sessions_file(request, web.viewer(request).user_id)


@post("/sessions/{session_id:uuid}/revoke")
async def revoke_session(request: Request[Any, Any, Any], session_id: FromPath[UUID]) -> Redirect:
    """Sign one of one's browsers out."""
    viewer = web.viewer(request)
    await actions.revoke_session(viewer, viewer.user_id, session_id)
    return web.redirect(request, "/access/sessions", flash=("ok", gettext("That browser is signed out.")))


@get("/tokens")
async def tokens(request: Request[Any, Any, Any]) -> Response[str]:
    """One's API tokens."""
    return await _tokens(request, web.form_from({"days": "90"}))


@get("/tokens.csv")
async def tokens_file(request: Request[Any, Any, Any]) -> Stream:
    """One's API tokens as a file."""
    return credentials.tokens_file(request, web.viewer(request).user_id)


@post("/tokens")
async def create_token(request: Request[Any, Any, Any]) -> Response[str]:
    """Make an API token and show it this once."""
    viewer, values = web.viewer(request), await web.form(request)
    try:
        token = await actions.create_token(
            viewer, values.get("name", ""), web.listed(values, "rights"), values.get("days", "")
        )
    except Invalid as refusal:
        return await _tokens(request, web.form_from(values, refusal), status=422)
    return web.page(
        request,
        "access/secret.html",
        heading=gettext("The new token"),
        sentence=gettext("Copy the token now: only its fingerprint is kept, so it cannot be shown again."),
        secret=token,
        back=(gettext("My tokens"), "/access/tokens"),
    )


@post("/tokens/{token_id:uuid}/revoke")
async def revoke_token(request: Request[Any, Any, Any], token_id: FromPath[UUID]) -> Redirect:
    """End one of one's tokens."""
    viewer = web.viewer(request)
    await actions.revoke_token(viewer, viewer.user_id, token_id)
    return web.redirect(request, "/access/tokens", flash=("ok", gettext("The token no longer works.")))


async def _tokens(request: Request[Any, Any, Any], form: Any, status: int = 200) -> Response[str]:
    viewer = web.viewer(request)
    return await credentials.tokens(
        request,
        viewer.user_id,
        "/access/tokens",
        status=status,
        form=form,
        rights=[(right.value, gettext(RIGHT_NAMES[right])) for right in Right if viewer.may(right)],
        longest=rules.LONGEST_TOKEN_DAYS,
    )


# ------------------------------------------------------------------------------------------------------------- parts


def _refused(request: Request[Any, Any, Any], template: str, refusal: Refusal, **context: Any) -> Response[str]:
    """The form again; when it was sent too often, with the time to wait."""
    if not isinstance(refusal, rules.Locked):
        return web.page(request, template, status=422, **context)
    answer = web.page(request, template, status=429, **context)
    answer.headers["Retry-After"] = str(refusal.facts["seconds"])
    return answer


def _keep(
    request: Request[Any, Any, Any], answer: Response[Any], key: str, value: str, lasts: timedelta | None
) -> None:
    """Have the browser keep a cookie, until it is closed or for as long as it `lasts`."""
    answer.set_cookie(
        Cookie(
            key=key,
            value=value,
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.app.state.settings.secure,
            max_age=int(lasts.total_seconds()) if lasts else None,
        )
    )


router = Router(
    path="/access",
    include_in_schema=False,
    route_handlers=[
        sign_in_form,
        sign_in,
        sign_out,
        prefer,
        profile,
        save_profile,
        switch_organisation,
        password_form,
        change_password,
        sessions,
        sessions_file,
        revoke_session,
        tokens,
        tokens_file,
        create_token,
        revoke_token,
        *organisations.handlers,
        *people.handlers,
    ],
)
