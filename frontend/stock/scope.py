"""Who reads the ledger's screens, and the warehouses they may choose from."""

from collections.abc import Sequence
from typing import Any

from litestar import Request

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.registry import queries as registry_queries
from frontend import render
from frontend.lists import Row

MOST_WAREHOUSES = 200


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see stock."""
    return access_rules.require(request.user, Right.SEE_STOCK)


async def warehouses(viewer: Viewer) -> Sequence[Row]:
    """The warehouses to choose from (an operator's own, else the network's), by code; empty when they are too many."""
    clauses = registry_queries.warehouse_clauses(viewer, {})
    found = await registry_queries.WAREHOUSES.page(clauses, limit=MOST_WAREHOUSES)
    return [] if found.after else found.rows


def choices(found: Sequence[Row]) -> list[tuple[str, str]]:
    """Warehouses as options of a select: code, and the code with the name."""
    return [(row["code"], f"{row['code']} · {render.name(row['names'])}") for row in found]


def zone_of(viewer: Viewer, found: Sequence[Row], code: str) -> str:
    """The time zone of the warehouse of this code among `found`, else the viewer's."""
    return next((row["time_zone"] for row in found if row["code"] == code), viewer.time_zone)


def has_one_owner(viewer: Viewer) -> bool:
    """Whether everything the viewer sees is the viewer's own, so that a column for the owner says nothing."""
    return viewer.kind is Kind.EXPORTER
