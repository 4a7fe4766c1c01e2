"""Files in the browser."""

import uuid
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from backend.files import api, queries
from frontend import web


@get("/{attachment_id:uuid}")
async def show(request: Request[Any, Any, Any], attachment_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """An attached file."""
    return api.answer(await queries.content(web.viewer(request), attachment_id))


router = Router(path="/files", route_handlers=[show], include_in_schema=False)
