"""What happens to offers: a manager states them, states them anew, withdraws them. A version is added, none is changed."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.charges import rules as charges_rules
from backend.charges.rules import Unit
from backend.core import journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.registry import queries as registry_queries
from backend.registry import rules as registry_rules
from backend.value_added import papers, rules
from backend.value_added.rules import Kind

SQL = blocks(Path(__file__).with_name("offering.sql"))


class OfferFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer says: names and descriptions by language (zh, en, ar), the price for one unit, none by agreement."""

    kind: Kind
    names: dict[str, str]
    descriptions: dict[str, str]
    price: Decimal | None
    currency: str | None
    unit: Unit
    lead_days: int
    documents: list[str]


async def create_offer(viewer: Viewer, given: Mapping[str, str]) -> uuid.UUID:
    """A new offer of a warehouse that the viewer's organisation runs; the id of the offer.

    `given`: warehouse, kind, name_zh, name_en, name_ar, description_zh, description_en, description_ar, price, currency,
    unit, lead_days, documents (kinds, separated by commas).
    """
    access_rules.require(viewer, Right.KEEP_OFFERS)
    warehouse = await registry_queries.warehouse_worked_in(viewer, given.get("warehouse", ""))
    registry_rules.require_open(warehouse)
    facts = offer_facts(given)
    offer_id = values.new_id()
    async with DB.transaction():
        await _keep(viewer, warehouse.id, offer_id, 1, facts, active=True)
        await _journal(viewer, "offer.created", warehouse.id, offer_id, facts)
    return offer_id


async def restate_offer(viewer: Viewer, offer_id: uuid.UUID, version: int, given: Mapping[str, str]) -> None:
    """State an offer anew, as of now; `version` is the one that was read. `given` as for `create_offer`, of the same kind
    and warehouse. Jobs keep the version they were asked under.
    """
    before = await _newest(viewer, offer_id, version)
    _require_same(before, given)
    facts = offer_facts({**given, "kind": before["kind"]})
    async with DB.transaction():
        await _keep(viewer, before["warehouse_id"], offer_id, version + 1, facts, active=True)
        await _journal(viewer, "offer.restated", before["warehouse_id"], offer_id, facts)


async def withdraw_offer(viewer: Viewer, offer_id: uuid.UUID, version: int) -> None:
    """Offer something no longer; stating it anew offers it again."""
    before = await _newest(viewer, offer_id, version)
    if not before["active"]:
        raise Conflict
    facts = OfferFacts(
        kind=Kind(before["kind"]),
        names=before["names"],
        descriptions=before["descriptions"],
        price=before["price"],
        currency=before["currency"],
        unit=Unit(before["unit"]),
        lead_days=before["lead_days"],
        documents=before["documents"],
    )
    async with DB.transaction():
        await _keep(viewer, before["warehouse_id"], offer_id, version + 1, facts, active=False)
        await _journal(viewer, "offer.withdrawn", before["warehouse_id"], offer_id, facts)


def offer_facts(given: Mapping[str, str]) -> OfferFacts:
    """The facts of an offer as they were typed; refuses all that is wrong at once."""
    faults: list[Fault] = []
    kind = given.get("kind", "")
    if kind not in list(Kind):
        faults.append(Fault("kind", kind, N_("Choose a kind of service.")))
    languages = values.NAME_LANGUAGES
    names = values.names("name", {each: given.get(f"name_{each}", "") for each in languages}, faults)
    descriptions = {
        each: said
        for each in languages
        if (
            said := rules.note(
                f"description_{each}", given.get(f"description_{each}", ""), faults, most=rules.LONGEST_DESCRIPTION
            )
        )
    }
    price, currency = None, None
    before = len(faults)
    if (typed := values.measure("price", given.get("price", ""), faults)) is not None:
        price = charges_rules.amount("price", typed, faults)
    if len(faults) == before and price is not None:
        currency = charges_rules.currency("currency", given.get("currency", ""), faults)
    unit = given.get("unit", "")
    if unit not in list(Unit):
        faults.append(Fault("unit", unit, N_("Choose the unit in which the service is counted.")))
    days = given.get("lead_days", "")
    if not (days.isascii() and days.isdecimal() and len(days) <= 3 and int(days) <= rules.MOST_LEAD_DAYS):
        faults.append(
            Fault(
                "lead_days",
                days,
                N_("Give the lead time in whole days, from 0 to %(most)s."),
                {"most": rules.MOST_LEAD_DAYS},
            )
        )
    documents = list(dict.fromkeys(each for each in given.get("documents", "").split(",") if each))
    for each in documents:
        papers.document_kind("documents", each, faults)
    if faults:
        raise Invalid(faults)
    return OfferFacts(
        kind=Kind(kind),
        names=names,
        descriptions=descriptions,
        price=price,
        currency=currency,
        unit=Unit(unit),
        lead_days=int(days),
        documents=documents,
    )


def _require_same(before: asyncpg.Record, given: Mapping[str, str]) -> None:
    """Refuses another kind or warehouse than the offer has; both may be left out."""
    sentence = N_("An offer keeps its warehouse and its kind. Make a new one for “%(value)s”.")
    faults = [
        Fault(name, said, sentence, {"value": said[:64]})
        for name in ("warehouse", "kind")
        if (said := given.get(name, "")) and (values.code_of(said) if name == "warehouse" else said) != before[name]
    ]
    if faults:
        raise Invalid(faults)


async def _newest(viewer: Viewer, offer_id: uuid.UUID, version: int) -> asyncpg.Record:
    """The newest version of an offer that the viewer keeps; refuses another one than was read."""
    access_rules.require(viewer, Right.KEEP_OFFERS)
    row = await DB.row(SQL["newest"], offer_id)
    if row is None or not access_rules.runs_warehouse(viewer, row["warehouse_id"]):
        raise rules.NoSuchOffer
    if row["version"] != version:
        raise Conflict
    return row


async def _keep(
    viewer: Viewer, warehouse_id: int, offer_id: uuid.UUID, version: int, facts: OfferFacts, *, active: bool
) -> None:
    made = await DB.value(
        SQL["keep"],
        warehouse_id,
        values.new_id(),
        offer_id,
        version,
        facts.kind,
        facts.names,
        facts.descriptions,
        facts.price,
        facts.currency,
        facts.unit,
        facts.lead_days,
        facts.documents,
        active,
        viewer.organisation_id,
        viewer.user_id,
    )
    if made is None:
        raise Conflict


async def _journal(viewer: Viewer, act: str, warehouse_id: int, offer_id: uuid.UUID, facts: OfferFacts) -> None:
    after = {"kind": facts.kind, "names": facts.names, "price": str(facts.price or ""), "unit": facts.unit}
    await journal.write(viewer, act, "service_offer", offer_id, after=after, warehouse_id=warehouse_id)
