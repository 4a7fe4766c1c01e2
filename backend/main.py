"""The whole platform as one ASGI application: the edge, the routers, and the one map from refusal to answer."""

import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import asyncpg
import msgspec
from litestar import Litestar, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import CacheControlHeader
from litestar.enums import ScopeType
from litestar.exceptions import ClientException, HTTPException, PermissionDeniedException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from backend import schedule
from backend.access import guards
from backend.charges import api as charges_api
from backend.core import jobs, migrate, shapes, text
from backend.core.database import DB
from backend.core.errors import (
    Conflict,
    Fault,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Refusal,
    TooLarge,
    TooMany,
    Unavailable,
)
from backend.core.settings import Settings
from backend.core.text import N_
from backend.files import api as files_api
from backend.files.store import store
from backend.monitor import api as monitor_api
from backend.registry import api as registry_api
from backend.regulations import api as regulations_api
from backend.repairs import api as repairs_api
from backend.returns import api as returns_api
from backend.returns import handling_api as returns_handling_api
from backend.returns import home_api
from backend.stock import api as stock_api
from backend.stock import ledger
from backend.trade import runner as trade_runner
from backend.value_added import api as value_added_api
from backend.value_added import finance_api, work_api
from frontend import render, web
from frontend.access import pages as access_pages
from frontend.charges import pages as charges_pages
from frontend.files import pages as files_pages
from frontend.home import pages as home_pages
from frontend.jobs import pages as jobs_pages
from frontend.messages import pages as messages_pages
from frontend.monitor import pages as monitor_pages
from frontend.registry import pages as registry_pages
from frontend.regulations import pages as regulations_pages
from frontend.repairs import pages as repairs_pages
from frontend.returns import handling as handling_pages
from frontend.returns import homeward as homeward_pages
from frontend.returns import pages as returns_pages
from frontend.returns import papers_api as returns_papers_api
from frontend.stock import pages as stock_pages
from frontend.trade import pages as trade_pages
from frontend.value_added import pages as value_added_pages

log = logging.getLogger("luocang")

STATUS: tuple[tuple[type[Refusal], int, str], ...] = (
    (NotSignedIn, 401, N_("Sign in first")),
    (NotAllowed, 403, N_("Not allowed")),
    (NotFound, 404, N_("Not found")),
    (Conflict, 409, N_("Changed in the meantime")),
    (Invalid, 422, N_("Please check what you entered")),
    (TooLarge, 413, N_("Too large")),
    (TooMany, 429, N_("Too many attempts")),
    (Unavailable, 503, N_("Not available just now")),
    (Refusal, 400, N_("Not possible")),
)

SAFETY = [
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=()"),
]
UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.InternalClientError,  # what the driver says when a connection dies while a statement is being prepared
    ConnectionError,
    TimeoutError,
    FileNotFoundError,
)


class StaleForm(NotAllowed):
    """The form was opened before the platform's keys changed, or not on our page."""

    sentence = N_("This form is too old to be sent safely. Go back, load the page again and send it once more.")


class NoSuchPage(NotFound):
    """Nothing answers at this address."""

    sentence = N_("There is no page at this address. Check it, or begin at the overview.")


class WrongMethod(Refusal):
    """The address exists, but not for this."""

    sentence = N_("This address does not answer to that method. See the list of calls at /api.")


class Crashed(Refusal):
    """A fault of ours."""

    sentence = N_(
        "Something went wrong on our side. Nothing was changed. The fault is recorded as %(number)s; please tell your administrator."
    )


class Unreadable(Refusal):
    """The request itself cannot be read."""

    sentence = N_("The request cannot be read: %(detail)s")


class NotStorable(Invalid):
    """A value that no column can hold got past every rule."""

    sentence = N_(
        "A value is too large, or holds a character that cannot be kept. Nothing was changed; correct it and try again."
    )


class Edge:
    """Around everything: the reader's language, who asks, and the safety headers of every answer."""

    def __init__(self, app: Litestar, settings: Settings) -> None:
        self.app: ASGIApp = app
        self.headers = list(SAFETY)
        if settings.secure:
            self.headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        cookie = authorization = accept = b""
        for name, value in scope["headers"]:
            if name == b"cookie":
                cookie = value
            elif name == b"authorization":
                authorization = value
            elif name == b"accept-language":
                accept = value
        path = scope["path"]
        scope["user"] = None
        wish = ""
        if not path.startswith(("/static/", "/health/")):
            cookies = _cookies(cookie) if cookie else {}
            wish = cookies.get(web.LANGUAGE_COOKIE, "")
            try:
                if path.startswith("/api/v1/"):
                    if authorization[:7].lower() == b"bearer ":
                        scope["user"] = await guards.viewer_of_token(authorization[7:].decode("latin-1").strip())
                elif session := cookies.get(guards.SESSION_COOKIE):
                    scope["user"] = await guards.viewer_of_session(session)
            except UNREACHABLE:
                scope["refusal"] = Unavailable()  # type: ignore[typeddict-unknown-key]
        profile = scope["user"].language if scope["user"] else None
        wanted = accept.decode("latin-1")
        if path.startswith("/api/") and wanted:
            language = text.negotiate(accept=wanted)  # a program says what it wants with each call
        else:
            language = text.negotiate(profile, wish, accept=wanted)
        token = text.current.set(language)

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self.headers]
            await send(message)

        try:
            await self.app(scope, receive, send_safely)
        finally:
            text.current.reset(token)


def _cookies(header: bytes) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header.decode("latin-1"))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


async def _refuse_early(request: Request[Any, Any, Any]) -> None:
    refusal = cast("dict[str, Any]", request.scope).get("refusal")
    if isinstance(refusal, Refusal):
        raise refusal


def status_of(refusal: Refusal) -> tuple[int, str]:
    """The HTTP status of a refusal and its title, a message id."""
    if isinstance(refusal, Crashed):
        return 500, N_("Not possible")
    if isinstance(refusal, WrongMethod):
        return 405, N_("Not possible")
    return next((status, title) for family, status, title in STATUS if isinstance(refusal, family))


def answer(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    """The refusal as a problem for machines (RFC 9457), a fragment for htmx, or a page."""
    status, title = status_of(refusal)
    sentence = text.say(refusal.sentence, refusal.facts)
    headers = {"Retry-After": str(refusal.facts.get("seconds", 5))} if status in (429, 503) else {}
    if request.url.path.startswith("/api/"):
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        problem = {
            "type": f"urn:luocang:refusal:{refusal.code}",
            "title": text.gettext(title),
            "status": status,
            "detail": sentence,
            "instance": request.url.path,
            "errors": [
                {"field": fault.field or "body", "value": _plain(fault.value), "message": web.said(fault)}
                for fault in refusal.faults
            ],
        }
        return Response(
            msgspec.json.encode(problem), status_code=status, media_type="application/problem+json", headers=headers
        )
    if status == 401 and request.method == "GET":
        sign_in = f"/access/sign-in?next={quote(web.here(request), safe='')}"
        if web.is_fragment(request):
            return Response("", status_code=200, media_type="text/html", headers={"HX-Redirect": sign_in})
        return Redirect(sign_in, status_code=303)
    words = {"title": text.gettext(title), "sentence": sentence, "code": refusal.facts.get("number", "")}
    if web.is_fragment(request):
        sentences = [web.said(fault) for fault in refusal.faults]
        shown = web.page(request, "_alert.html", status=status, sentences=sentences, **words)
        headers |= {"HX-Retarget": "#alerts", "HX-Reswap": "innerHTML"}
    else:
        if refusal.faults:
            words["sentence"] = " ".join([sentence, *(web.said(fault) for fault in refusal.faults)])
        shown = web.page(request, "error.html", status=status, number=status, **words)
    shown.headers.update(headers)
    return shown


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _refused(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    return answer(request, refusal)


def _unreachable(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    if isinstance(error, ValueError):  # the driver's word for an argument that does not fit its type
        return _not_storable(request, error)
    log.warning("the database does not answer: %s", error)
    return answer(request, Unavailable())


def _not_storable(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.warning("not storable: %s", error)
    return answer(request, NotStorable())


def _http_failed(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    refusal: Refusal
    if isinstance(error, PermissionDeniedException) and "CSRF" in error.detail:
        shown = answer(request, StaleForm())
        shown.delete_cookie(request.app.csrf_config.cookie_name)  # type: ignore[union-attr]
        return shown
    if error.status_code == 400 and (kind := _body_kind(request)):
        return _misshapen(request, kind)
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return answer(request, Invalid([_unfit(request, str(each.get("key", ""))) for each in error.extra]))
    if isinstance(error, ValidationException) and (missing := _MISSING.match(error.detail)):
        return answer(request, Invalid([Fault(missing[1], "", _NOT_ASKED, {"name": missing[1]})]))
    if error.status_code == 404:
        refusal = NoSuchPage()
    elif error.status_code == 405:
        refusal = WrongMethod()
    elif error.status_code == 413:
        refusal = TooLarge(limit=render.size(_largest_body(request)))
    elif error.status_code < 500:
        refusal = Unreadable(detail=error.detail)
    else:
        return _crashed(request, error)
    shown = answer(request, refusal)
    shown.status_code = error.status_code
    return shown


# What litestar says of an address that lacks what it cannot be asked without.
_MISSING = re.compile(r"Missing required query parameter '(\w+)'")
_NOT_ASKED = N_("The address lacks “%(name)s”. Add ?%(name)s= and a value to it; see the list of calls at /api.")


def _largest_body(request: Request[Any, Any, Any]) -> int | None:
    """The bytes that the handler of this address takes at most."""
    handler = request.scope.get("route_handler")
    return handler.resolve_request_max_body_size() if isinstance(handler, HTTPRouteHandler) else None


def _unfit(request: Request[Any, Any, Any], name: str) -> Fault:
    """A part of the address that is not of its kind, or is missing."""
    value = request.query_params.get(name, "")
    sentence = N_("“%(value)s” is not possible for “%(name)s”. Correct it, or leave it out if it may be.")
    return Fault(name, value, sentence, {"value": value, "name": name})


def _body_kind(request: Request[Any, Any, Any]) -> type[msgspec.Struct] | None:
    """What the handler wanted the body to be."""
    handler = request.scope.get("route_handler")
    field = getattr(handler, "parsed_data_field", None)
    kind = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def _misshapen(request: Request[Any, Any, Any], kind: type[msgspec.Struct]) -> Response[Any]:
    body = ScopeState.from_scope(request.scope).body
    return answer(request, Invalid(shapes.faults_of(body if isinstance(body, bytes) else b"", kind)))


def _crashed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    number = sha256(f"{id(error)}{request.url}".encode()).hexdigest()[:8]
    log.error("fault %s at %s %s", number, request.method, request.url.path, exc_info=error)
    return answer(request, Crashed(number=number))


@get("/health/live", include_in_schema=False, sync_to_thread=False)
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/health/ready", include_in_schema=False)
async def ready() -> Response[dict[str, str]]:
    """The database answers and has the schema of this code."""
    try:
        waiting = await migrate.pending()
    except UNREACHABLE:
        return Response({"status": "no database"}, status_code=503)
    if waiting:
        return Response({"status": "migrations pending"}, status_code=503)
    return Response({"status": "ok"})


def create_app(settings: Settings, *, open_database: bool = True) -> Any:
    """The ASGI application. `open_database` false: the caller keeps the pool (tests)."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        if not open_database:
            yield
            return
        await DB.open(settings.database_url, size=settings.pool_size)
        await trade_runner.resume_interrupted(settings.home)
        try:
            async with jobs.working(settings.database_url, schedule.HANDLERS, schedule.SCHEDULED):
                yield
        finally:
            await trade_runner.stop()
            await ledger.settle()
            await DB.close()

    handlers: dict[Any, Callable[..., Any]] = {
        Refusal: _refused,
        HTTPException: _http_failed,
        ClientException: _http_failed,
        asyncpg.DataError: _not_storable,
        Exception: _crashed,
    }
    handlers.update(dict.fromkeys(UNREACHABLE, _unreachable))
    static = create_static_files_router(
        path="/static",
        directories=[Path(web.__file__).parent / "static"],
        cache_control=CacheControlHeader(max_age=31536000, public=True, immutable=True),
        include_in_schema=False,
    )
    app = Litestar(
        route_handlers=[
            live,
            ready,
            static,
            home_pages.router,
            access_pages.router,
            registry_pages.router,
            stock_pages.router,
            trade_pages.router,
            regulations_pages.router,
            jobs_pages.router,
            files_pages.router,
            messages_pages.router,
            charges_pages.router,
            monitor_pages.router,
            repairs_pages.router,
            homeward_pages.router,
            returns_pages.router,
            value_added_pages.router,
            handling_pages.router,
            registry_api.router,
            stock_api.router,
            regulations_api.router,
            files_api.router,
            charges_api.router,
            monitor_api.router,
            home_api.router,
            returns_papers_api.router,
            returns_api.router,
            returns_handling_api.router,
            work_api.router,
            finance_api.router,
            value_added_api.router,
            repairs_api.router,
            returns_pages.api_router,
        ],
        lifespan=[lifespan],
        before_request=_refuse_early,
        exception_handlers=handlers,
        csrf_config=CSRFConfig(
            secret=settings.secret_key,
            cookie_name="luocang_csrf_" + sha256(settings.secret_key.encode()).hexdigest()[:8],
            cookie_secure=settings.secure,
            cookie_httponly=True,
            cookie_samesite="lax",
            exclude=["^/api/", "^/static/", "^/health/"],
        ),
        compression_config=CompressionConfig(
            backend="brotli", brotli_quality=4, gzip_compress_level=5, exclude=["^/static/vendor/", r"\.csv$"]
        ),
        openapi_config=OpenAPIConfig(
            title="Luocang API",
            version="1",
            description="Every call needs a bearer token; refusals are application/problem+json (RFC 9457).",
            path="/api/v1/schema",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"bearer": []}],
        ),
        logging_config=None,
        debug=False,
    )
    app.state.settings = settings
    store.open(settings.home)
    return Edge(app, settings)
