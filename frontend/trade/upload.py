"""A form with a large file, received as a stream: nothing is read of whom we do not know, and nothing is kept in memory."""

import contextlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, PermissionDeniedException
from litestar.middleware.csrf import CSRFMiddleware
from python_multipart.multipart import MultipartParser, parse_options_header

from backend.core.errors import TooLarge
from frontend import render

LONGEST_FIELD = 10_000
MOST_PARTS = 50
TOKEN = "_csrf_token"


class Upload(msgspec.Struct):
    """The text fields of the form, and the file: where it lies and what its owner calls it."""

    fields: dict[str, str]
    path: Path
    file_name: str = ""

    def drop(self) -> None:
        """Forget the file."""
        self.path.unlink(missing_ok=True)


async def received(request: Request[Any, Any, Any], folder: Path, limit_bytes: int) -> Upload:
    """Write the file of a posted form into `folder`; refuses a forged form and more than `limit_bytes`.

    The handler is exempt from the check of the form's token, which would read the whole form first; it is made here, on
    the field that stands before the file.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ClientException("This is not a form with a file.")
    if (request.content_length or 0) > limit_bytes:
        raise TooLarge(limit=render.size(limit_bytes))
    upload = Upload({}, folder / f"{uuid4().hex}.part")
    try:
        with upload.path.open("xb") as file:
            reader = _Reader(request, upload, file)
            parser = MultipartParser(boundary, reader.callbacks())  # type: ignore[arg-type]
            total = 0
            async for chunk in request.stream():
                total += len(chunk)
                if total > limit_bytes:
                    raise TooLarge(limit=render.size(limit_bytes))
                parser.write(chunk)
            parser.finalize()
        reader.require_token()
    except BaseException as error:
        upload.drop()
        if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
            raise ClientException("The form arrived incomplete.") from None
        raise
    return upload


class _Reader:
    """Takes the parts of a form as they come."""

    def __init__(self, request: Request[Any, Any, Any], upload: Upload, file: Any) -> None:
        self._request, self._upload, self._file = request, upload, file
        self._header = self._value = b""
        self._name = ""
        self._is_file = False
        self._parts = 0
        self._text = bytearray()

    def callbacks(self) -> dict[str, Any]:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def require_token(self) -> None:
        """The form must carry the token of its reader's cookie."""
        config = self._request.app.csrf_config
        assert config is not None
        given = self._request.headers.get(config.header_name) or self._upload.fields.get(TOKEN, "")
        kept = self._request.cookies.get(config.cookie_name, "")
        if not CSRFMiddleware(self._request.app, config)._csrf_tokens_match(given, kept):
            raise PermissionDeniedException("CSRF token verification failed")

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise ClientException("This form has too many fields.")
        self._name, self._is_file = "", False
        self._text.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode(errors="replace")
            file_name = options.get(b"filename")
            if file_name is not None and self._name == "file":
                self._is_file = True
                said = file_name.decode(errors="replace").replace("\\", "/").rpartition("/")[2]
                self._upload.file_name = "".join(c for c in said if c.isprintable())[:200]
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        if self._is_file:
            self.require_token()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._file.write(data[start:end])
        elif len(self._text) + end - start <= LONGEST_FIELD:
            self._text += data[start:end]
        else:
            raise ClientException("A field of this form is too long.")

    def _end(self) -> None:
        if not self._is_file and self._name:
            with contextlib.suppress(UnicodeDecodeError):
                self._upload.fields[self._name] = self._text.decode().replace("\0", "").strip()
