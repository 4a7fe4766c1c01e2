"""Prices and charges: which price a step has, that it is charged once, who sees it."""

import uuid
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
import pytest_asyncio

from backend.access.rules import Role, Viewer
from backend.charges import actions, queries, rules
from backend.charges.rules import Activity, Unit
from backend.core import clock, values
from backend.core.database import DB
from backend.core.errors import Invalid, NotAllowed
from backend.registry.rules import Warehouse
from tests import build

NOW = clock.now()


class Case:
    """A warehouse and an exporter with goods in it."""

    owner: Viewer
    operator: Viewer
    place: Warehouse


@pytest_asyncio.fixture
async def case(database: str) -> Case:
    made = Case()
    made.owner = await build.exporter()
    operator = await build.operator()
    made.place = await build.warehouse(operator)
    made.operator = await build.again(operator)
    return made


async def price(case: Case, amount: str, day: str, owner: str = "", activity: str = "return_inspection") -> None:
    given = {"warehouse": case.place.code, "activity": activity, "amount": amount, "currency": "eur"}
    await actions.set_price(case.operator, {**given, "valid_from": day, "owner": owner})


async def performed(case: Case, **options: object) -> uuid.UUID:
    source = options.pop("source_id", None) or values.new_id()
    fields = {
        "warehouse_id": case.place.id,
        "owner_id": case.owner.organisation_id,
        "activity": Activity.RETURN_INSPECTION,
        "quantity": 3,
        "source": "inspection",
        "source_id": source,
        "number": "R1",
        "occurred_at": NOW,
        **options,
    }
    async with DB.transaction():
        await actions.record(actions.Step(**fields))  # type: ignore[arg-type]
    assert isinstance(source, uuid.UUID)
    return source


async def charged(viewer: Viewer, source: uuid.UUID) -> list[tuple[Decimal, Decimal | None, str | None]]:
    page = await queries.CHARGES.page(queries.charge_clauses(viewer, {}))
    return [(row["quantity"], row["amount"], row["currency"]) for row in page.rows if row["source_id"] == source]


async def test_the_latest_price_for_the_owner_goes_before_the_one_for_everybody(case: Case) -> None:
    assert await charged(case.owner, await performed(case)) == [(3, None, None)]
    await price(case, "1.20", "2026-01-01")
    await price(case, "9.99", (NOW.date() + timedelta(days=3)).isoformat())
    assert await charged(case.owner, await performed(case)) == [(3, Decimal("3.60"), "EUR")]
    await price(case, "0.5", "2026-02-01", case.owner.organisation_code)
    assert await charged(case.owner, await performed(case)) == [(3, Decimal("1.50"), "EUR")]
    early = await performed(case, occurred_at=NOW.replace(year=2026, month=1, day=15))
    assert await charged(case.owner, early) == [(3, Decimal("3.60"), "EUR")]


async def test_a_step_is_charged_once_and_charged_back_once(case: Case) -> None:
    await price(case, "2", "2026-01-01")
    source = await performed(case)
    await performed(case, source_id=source)
    assert await charged(case.owner, source) == [(3, 6, "EUR")]
    for _ in range(2):
        async with DB.transaction():
            await actions.charge_back(case.place.id, "inspection", source, NOW)
    assert sorted(await charged(case.owner, source)) == [(-3, -6, "EUR"), (3, 6, "EUR")]


async def test_a_quote_carries_its_own_price(case: Case) -> None:
    source = await performed(
        case, activity=Activity.SERVICE, unit=Unit.JOB, quantity=1, price=Decimal("80"), currency="USD"
    )
    assert await charged(case.owner, source) == [(1, 80, "USD")]


async def test_a_price_is_set_once_a_day_by_a_manager_of_the_warehouse(case: Case) -> None:
    await price(case, "2", "2026-03-01")
    with pytest.raises(rules.PriceExists):
        await price(case, "3", "2026-03-01")
    clerk = await build.operator(Role.OPERATOR_CLERK)
    with pytest.raises(NotAllowed):
        await actions.set_price(clerk, {"warehouse": case.place.code})
    with pytest.raises(NotAllowed):
        await actions.set_price(await build.operator(), {"warehouse": case.place.code})
    given = {"activity": "dancing", "amount": "-1", "currency": "XXQ", "valid_from": "soon", "owner": "NOBODY"}
    with pytest.raises(Invalid) as refused:
        await actions.set_price(case.operator, {"warehouse": case.place.code, **given})
    assert {fault.field for fault in refused.value.faults} == {"activity", "amount", "currency", "valid_from", "owner"}


async def test_charges_are_seen_by_their_parties(case: Case) -> None:
    source = await performed(case)
    assert await charged(case.operator, source)
    assert await charged(await build.committee(), source)
    assert not await charged(await build.exporter(), source)
    assert not await charged(await build.operator(), source)


async def test_the_pages(case: Case, client: httpx.AsyncClient) -> None:
    await performed(case)
    await build.sign_in(client, case.operator)
    fields = {"warehouse": case.place.code, "activity": "return_inspection", "currency": "EUR"}
    refused = await build.submit(client, "/charges/prices", **fields, amount="", valid_from="2026-01-01")
    assert refused.status_code == 422
    assert "Give the price." in refused.text
    kept = await build.submit(client, "/charges/prices", **fields, amount="1.25", valid_from="2026-01-01")
    assert kept.status_code == 303
    assert "€1.25" in (await client.get("/charges/prices")).text
    page = await client.get("/charges")
    assert "No price agreed" in page.text
    assert (await client.get("/charges.csv")).text.count("R1") == 1
    bearer = {"authorization": f"Bearer {await build.token(case.operator)}"}
    assert len((await client.get("/api/v1/charges", headers=bearer)).json()["rows"]) == 1
    assert len((await client.get("/api/v1/prices", headers=bearer)).json()["rows"]) == 1
    await build.sign_in(client, await build.exporter())
    assert "Nothing was charged yet." in (await client.get("/charges")).text
    assert (await build.submit(client, "/charges/prices", **fields, amount="1")).status_code == 403
