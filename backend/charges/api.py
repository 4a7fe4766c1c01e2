"""Charges and prices for machines."""

from typing import Any

from litestar import Request, Router, get
from litestar.params import FromQuery

from backend.access import rules as access_rules
from backend.access.rules import Right
from backend.charges import queries
from backend.registry.api import After, Limit


@get("/charges", media_type="application/json", tags=["Charges"], summary="Performed steps with their prices")
async def charges(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    owner: FromQuery[str] = "",
    activity: FromQuery[str] = "",
    number: FromQuery[str] = "",
    priced: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Charges in the viewer's scope, the latest first."""
    viewer = access_rules.require(request.user, Right.SEE_CHARGES)
    filters = {"warehouse": warehouse, "owner": owner, "activity": activity, "number": number, "priced": priced}
    return await queries.CHARGES.json_page(queries.charge_clauses(viewer, filters), after=after, limit=limit)


@get("/prices", media_type="application/json", tags=["Charges"], summary="What warehouses ask")
async def prices(
    request: Request[Any, Any, Any],
    warehouse: FromQuery[str] = "",
    activity: FromQuery[str] = "",
    after: After = None,
    limit: Limit = 100,
) -> bytes:
    """Prices in the viewer's scope."""
    viewer = access_rules.require(request.user, Right.SEE_CHARGES)
    filters = {"warehouse": warehouse, "activity": activity}
    return await queries.PRICES.json_page(queries.price_clauses(viewer, filters), after=after, limit=limit)


router = Router(path="/api/v1", route_handlers=[charges, prices])
