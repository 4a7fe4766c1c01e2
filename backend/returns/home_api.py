"""Terms and batches home for machines."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, put
from litestar.params import FromQuery, JSONBody, QueryParameter

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.returns import terms

JSON = "application/json"
_LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."
After = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="Place in the list, from `after` of the page before."),
]
Limit = Annotated[int, QueryParameter(name="limit", required=False, description="Rows on a page, 1 to 500.")]


class NewTerms(msgspec.Struct, forbid_unknown_fields=True):
    """Days to decide, and a disposition for each grade (A to D); a grade that is left out waits for its owner."""

    decide_days: int
    defaults: dict[str, str] = {}


class AgreedTerms(msgspec.Struct):
    """The terms that hold."""

    id: uuid.UUID
    decide_days: int
    defaults: dict[str, str]
    agreed_at: datetime


@get("/returns/terms", media_type=JSON, tags=["Returns"], summary="Terms for returned goods", description=_LIST)
async def terms_listed(
    request: Request[Any, Any, Any],
    owner: FromQuery[str] = "",
    history: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Terms in the viewer's scope, the latest first; `history` yes: with those that were replaced."""
    viewer = access_rules.require(request.user, Right.SEE_RETURNS)
    clauses = terms.clauses(viewer, {"owner": owner, "history": history})
    return await terms.TERMS.json_page(clauses, after=after, limit=limit)


@put(
    "/returns/terms",
    tags=["Returns"],
    summary="Agree terms for returned goods",
    description="They hold for decisions that are due from now on. The same terms again change nothing.",
)
async def agree(request: Request[Any, Any, Any], data: JSONBody[NewTerms]) -> AgreedTerms:
    """Agree terms for the viewer's own goods."""
    viewer = access_rules.require(request.user, Right.DECIDE_RETURNS)
    made = await terms.agree(viewer, str(data.decide_days), data.defaults)
    chosen = {grade.value: each.value for grade, each in made.agreement.defaults.items()}
    return AgreedTerms(made.id, made.agreement.decide_days, chosen, made.agreed_at)


router = Router(path="/api/v1", route_handlers=[terms_listed, agree])
