"""Stories of value-added services; what is offered and asked for stands in services.toml."""

from collections.abc import Sequence

import msgspec

from backend.demo.cast import Cast
from backend.value_added import offering, queries
from backend.value_added.rules import Kind


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service as it is offered, in the words of every language, and its price by warehouse."""

    kind: Kind
    names: dict[str, str]
    descriptions: dict[str, str]
    unit: str
    lead_days: int
    documents: list[str] = []
    prices: dict[str, str]


class Services(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every story of services."""

    offers: list[Offer]


async def put_on_offer(cast: Cast, offers: Sequence[Offer], warehouse: str, currency: str) -> None:
    """What a warehouse offers, inside the caller's transaction; each kind once."""
    manager = cast.manager(cast.operator(warehouse))
    page = await queries.OFFERS.page(queries.offer_clauses(manager, {"warehouse": warehouse}), limit=50)
    there = {row["kind"] for row in page.rows}
    for each in offers:
        if warehouse in each.prices and each.kind not in there:
            given = {f"name_{language}": name for language, name in each.names.items()}
            given |= {f"description_{language}": text for language, text in each.descriptions.items()}
            given |= {"warehouse": warehouse, "kind": each.kind, "price": each.prices[warehouse], "currency": currency}
            given |= {"unit": each.unit, "lead_days": str(each.lead_days), "documents": ",".join(each.documents)}
            await offering.create_offer(manager, given)
