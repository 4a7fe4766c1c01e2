"""Files for machines: bring one, read one."""

import uuid
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.access import rules as access_rules
from backend.core.errors import TooLarge
from backend.files import actions, queries, rules


class Brought(msgspec.Struct):
    """The file that was kept; other calls name it by its hash (SHA-256, hex)."""

    hash: str


@post(
    "/files",
    tags=["Files"],
    summary="Bring a photo or document",
    description="The body is the file itself (JPEG, PNG, WebP or PDF, at most 15 MB). The answer's hash names it in other calls.",
    status_code=201,
    request_max_body_size=rules.LARGEST_FILE + 1,
)
async def bring(request: Request[Any, Any, Any], name: FromQuery[str] = "file") -> Brought:
    """Keep a file."""
    viewer = access_rules.require_one_of(request.user, rules.BRINGS)
    data = await request.body()
    if len(data) > rules.LARGEST_FILE:
        raise TooLarge(limit="15 MB")
    (digest,) = await actions.take_in(viewer, [(name, data)], field="body")
    return Brought(digest)


@get("/files/{attachment_id:uuid}", tags=["Files"], summary="An attached file")
async def read(request: Request[Any, Any, Any], attachment_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """An attached file in the viewer's scope."""
    viewer = access_rules.require_one_of(request.user, rules.READS)
    return answer(await queries.content(viewer, attachment_id))


def answer(file: queries.Content) -> Response[bytes]:
    """A file as it is sent: photos are shown, documents are saved."""
    way = "inline" if file.media_type in rules.PHOTOS else "attachment"
    headers = {
        "Content-Disposition": f"{way}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Cache-Control": "private, max-age=3600",
    }
    return Response(file.data, media_type=file.media_type, headers=headers)


router = Router(path="/api/v1", route_handlers=[bring, read])
