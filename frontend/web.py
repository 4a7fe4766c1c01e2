"""How a screen answers: pages, forms, redirects, streamed files and refusals, in the reader's language.

Every handler of the frontend goes through here, so that the frame, the language, the flash message and the safety
headers of an answer are decided once.
"""

import unicodedata
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie, MultiDict, UploadFile
from litestar.response import Redirect, Stream
from litestar.template.base import csrf_token

from backend.access.rules import Viewer
from backend.core import text
from backend.core.errors import Fault, NotSignedIn, Refusal
from frontend import navigation, render

FLASH_COOKIE = "luocang_flash"
LANGUAGE_COOKIE = "language"
THEME_COOKIE = "theme"
LARGEST_FORM = 80_000_000
VARY = "Cookie, Accept-Language, HX-Request"


def viewer(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in; refuses nobody."""
    if not isinstance(request.user, Viewer):
        raise NotSignedIn
    return request.user


def page(request: Request[Any, Any, Any], template: str, *, status: int = 200, **context: Any) -> Response[str]:
    """A whole page (or, for a fragment template, a part of one) in the frame's context."""
    asker = request.user if isinstance(request.user, Viewer) else None
    flash = _read_flash(request)
    content = (
        render.environment()
        .get_template(template)
        .render(
            request=request,
            viewer=navigation.Reader(asker) if asker else None,
            nav=navigation.sections(asker, request.url.path) if asker else [],
            path=here(request) if request.method == "GET" else request.url.path,
            languages=text.LANGUAGES,
            theme=theme if (theme := request.cookies.get(THEME_COOKIE, "")) in ("light", "dark") else "",
            csrf_token=_form_token(request),
            flash=flash,
            **context,
        )
    )
    answer = Response(content, status_code=status, media_type="text/html", headers={"Vary": VARY})
    if flash:
        answer.delete_cookie(FLASH_COOKIE)
    if asker:
        answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _form_token(request: Request[Any, Any, Any]) -> str:
    """The token of the page's forms; a handler that checks it itself (an upload) leaves only the reader's cookie to go by."""
    config = request.app.csrf_config
    return csrf_token({"request": request}) or (request.cookies.get(config.cookie_name, "") if config else "")


def here(request: Request[Any, Any, Any]) -> str:
    """The local address of the page being read, with its filters."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def form(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The text fields of a posted form: NFC, without surrounding spaces; of a repeated field the values are joined by commas."""
    given: MultiDict[Any] = MultiDict((await request.form()).multi_items())
    values: dict[str, str] = {}
    for name, value in given.multi_items():
        if isinstance(value, UploadFile):
            continue
        plain = unicodedata.normalize("NFC", str(value)).replace("\0", "").strip()
        values[name] = f"{values[name]},{plain}" if name in values else plain
    values.pop("_csrf_token", None)
    return values


async def uploads(request: Request[Any, Any, Any], field: str) -> list[tuple[str, bytes]]:
    """The files of a posted form that were chosen in `field`: (name, content). Such a handler sets
    `request_max_body_size=web.LARGEST_FORM`.
    """
    given: MultiDict[Any] = MultiDict((await request.form()).multi_items())
    chosen = [each for name, each in given.multi_items() if name == field and isinstance(each, UploadFile)]
    return [(each.filename, await each.read()) for each in chosen if each.filename]


def listed(values: Mapping[str, str], field: str) -> list[str]:
    """The values of a repeated field of a form."""
    return [value for value in values.get(field, "").split(",") if value]


def plain(typed: str) -> str:
    """A line of text: control characters, which neither a code nor a name has, become spaces."""
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in typed).strip()


def form_from(values: Mapping[str, str], refusal: Refusal | None = None, prefix: str = "f") -> render.Form:
    """A form to show: what was typed, and after a refusal every fault beside its field in the reader's language."""
    return render.Form.of_refusal(values, refusal, prefix) if refusal else render.Form(dict(values), prefix=prefix)


def said(fault: Fault) -> str:
    """A fault's sentence in the reader's language."""
    return render.said_of(fault)


def redirect(request: Request[Any, Any, Any], path: str, *, flash: tuple[str, str] | None = None) -> Redirect:
    """Send the reader to a page of ours after a form (303), with a message to read there: (kind, text)."""
    answer = Redirect(local(path), status_code=303)
    if flash:
        content = quote(msgspec.json.encode([list(flash)]).decode(), safe="")
        answer.set_cookie(
            Cookie(
                FLASH_COOKIE,
                value=content,
                httponly=True,
                samesite="lax",
                max_age=60,
                secure=request.app.state.settings.secure,
            )
        )
    return answer


def local(path: str | None, otherwise: str = "/") -> str:
    """`path` when it is an address of this site, else `otherwise`: nobody is sent elsewhere by a link."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(c) < 32 for c in path):
        return otherwise
    parts = urlsplit(path)
    return path if not parts.scheme and not parts.netloc else otherwise


def csv(request: Request[Any, Any, Any], name: str, stream: AsyncIterator[bytes]) -> Stream:
    """A streamed CSV file named `name`."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        "Cache-Control": "private, no-store",
        "Vary": VARY,
        "X-Accel-Buffering": "no",
    }
    return Stream(stream, media_type="text/csv", headers=headers)


def zip_file(name: str, stream: AsyncIterator[bytes]) -> Stream:
    """A streamed ZIP file named `name`."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.zip"',
        "Cache-Control": "private, no-store",
        "X-Accel-Buffering": "no",
    }
    return Stream(stream, media_type="application/zip", headers=headers)


def is_fragment(request: Request[Any, Any, Any]) -> bool:
    """Whether htmx asks, and puts the answer into the page that is open."""
    return request.headers.get("hx-request") == "true"


def _read_flash(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    try:
        return msgspec.json.decode(unquote(request.cookies.get(FLASH_COOKIE, "[]")), type=list[tuple[str, str]])[:4]
    except msgspec.DecodeError:
        return []


__all__ = [
    "csv",
    "form",
    "form_from",
    "here",
    "is_fragment",
    "listed",
    "local",
    "page",
    "plain",
    "redirect",
    "said",
    "uploads",
    "viewer",
    "zip_file",
]
