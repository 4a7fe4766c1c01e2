"""The demo network: built through the actions, completed after an interruption, right in the book, alive for everybody."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import pytest_asyncio

from backend import demo
from backend.access import guards, signing_in
from backend.access import queries as access_queries
from backend.access.rules import Kind, Viewer
from backend.charges import queries as charges_queries
from backend.charges.queries import CHARGES
from backend.core import clock, values
from backend.core.database import DB
from backend.core.listing import Clause, Listing
from backend.demo import network as network_
from backend.demo import stories
from backend.demo.season import DAYS, Season, season
from backend.registry import queries as registry_queries
from backend.registry.regions import Region, regions_of
from backend.returns import queries as returns_queries
from backend.returns.listings import RETURNS
from backend.returns.rules import Stage
from backend.stages import queries as stages_queries
from backend.stages.queries import OPEN
from backend.stock import declarations
from backend.stock import listings as stock_listings
from backend.stock import queries as stock_queries

NETWORK = network_.read()
TODAY = datetime(2026, 11, 23, tzinfo=UTC)
EVERYBODY = [
    person.email
    for organisation in (NETWORK.committee, *NETWORK.operators, *NETWORK.exporters)
    for person in organisation.people
]


class Built(msgspec.Struct):
    """What the book held after the interrupted, the completing and one more build, and what the last one told."""

    halfway: dict[str, int]
    complete: dict[str, int]
    again: dict[str, int]
    told_again: list[int]


async def totals() -> dict[str, int]:
    """What the book holds, once it is proven right."""
    assert await stock_queries.differences() == []
    return dict(await stock_queries.totals())


@pytest_asyncio.fixture(scope="module")
async def built(database: str) -> Built:
    """A demo network whose build was stopped in the middle of its trade and once more among its stories."""
    halfway = await stopped(lambda whole: whole // 2)
    told_halfway = stories.read().count // 2
    await stopped(lambda whole: whole - told_halfway)
    told: list[int] = []
    await demo.build(lambda done, whole: told.append(whole - done if whole else -1))
    assert told[-1] == 0
    complete = await totals()
    told.clear()
    await demo.build(lambda done, whole: told.append(done))
    return Built(halfway, complete, await totals(), told)


async def stopped(at: Callable[[int], int]) -> dict[str, int]:
    """What the book holds after a build that was stopped at a step."""

    def stop(done: int, whole: int | None) -> None:
        if whole and done == at(whole):
            building.cancel()

    building = asyncio.create_task(demo.build(stop))
    with pytest.raises(asyncio.CancelledError):
        await building
    return await totals()


async def viewer(email: str) -> Viewer:
    """Whoever signs in with this address."""
    return await access_queries.viewer_by_email(email, "command")


async def rows(listing: Listing, clauses: list[Clause]) -> int:
    """How many rows the first page of a list shows."""
    return len((await listing.page(clauses, limit=50)).rows)


# ---------------------------------------------------------------------------------------------------- built for real


async def test_an_interrupted_build_is_completed(built: Built) -> None:
    assert 0 < built.halfway["documents"] < built.complete["documents"]
    assert 3_000 < built.complete["documents"] < 7_000
    assert 10_000 < built.complete["movements"] < 20_000


async def test_a_complete_network_is_left_alone(built: Built) -> None:
    assert built.again == built.complete
    assert built.told_again == []


async def test_the_book_says_what_was_made_up(built: Built) -> None:
    administrator = await viewer(EVERYBODY[0])
    committee = await access_queries.organisation(administrator, administrator.organisation_id)
    today = committee["created_at"].replace(hour=0, minute=0, second=0, microsecond=0)
    made_up = season(NETWORK, today)
    for warehouse in NETWORK.warehouses:
        seen = await registry_queries.warehouse_seen(administrator, warehouse.code)
        assert seen.status == warehouse.status
        booked = {
            (row["owner"], row["item"], row["lot"], row["location"], int(row["condition"])): row["on_hand"]
            for row in await stock_queries.stock_at(administrator, seen.id, today)
        }
        assert booked == on_hand(made_up, warehouse.code)


async def test_mistakes_are_reversed(built: Built) -> None:
    mistakes = [each for documents in season(NETWORK, TODAY).documents.values() for each in documents if each.reversal]
    reversals = await DB.value("select count(*) from document where reverses_id is not null")
    assert reversals == len(mistakes) > 0


def on_hand(made_up: Season, warehouse: str) -> Mapping[tuple[str, str, str, str, int], int]:
    """The documents added up, with the mistakes: they are reversed today."""
    conditions = {"GOOD": 1, "SECOND": 2, "DAMAGED": 3, "QUARANTINE": 4}
    sums: Counter[tuple[str, str, str, str, int]] = Counter()
    for document in made_up.documents[warehouse]:
        for line in document.lines:
            goods = line.owner, line.item, line.lot or ""
            sums[(*goods, line.source, conditions[line.condition])] -= line.quantity
            sums[(*goods, line.target, conditions[line.target_condition])] += line.quantity
    real = re.compile(r"[A-C]-\d\d-\d|DOCK|WORKSHOP")
    return {key: pieces for key, pieces in sums.items() if pieces and real.fullmatch(key[3])}


@pytest.mark.parametrize("email", EVERYBODY)
async def test_everybody_signs_in(built: Built, email: str) -> None:
    opened = await signing_in.sign_in(email, demo.PASSWORD, keep=False, user_agent="test", now=clock.now())
    entered = await guards.viewer_of_session(opened.token)
    assert entered is not None
    assert entered.email == email


def test_the_sign_ins_told_are_people_of_the_network() -> None:
    assert {email for _, email in demo.SIGN_INS} <= {*EVERYBODY}


@pytest.mark.parametrize("email", [email for _, email in demo.SIGN_INS])
async def test_every_kind_of_viewer_sees_something_on_its_lists(built: Built, email: str) -> None:
    who = await viewer(email)
    assert await rows(registry_queries.WAREHOUSES, registry_queries.warehouse_clauses(who, {}))
    assert await rows(registry_queries.ITEMS, await registry_queries.item_clauses(who, {}))
    assert await rows(stock_listings.BALANCES, await stock_queries.balance_clauses(who, {}))
    assert await rows(stock_listings.MOVEMENTS, await stock_queries.movement_clauses(who, {}))
    for state in ("live", "released"):
        assert await rows(stock_listings.HOLDS, await stock_queries.hold_clauses(who, {"state": state}))
    for state in ("live", "cancelled"):
        assert await rows(stock_listings.RESERVATIONS, await stock_queries.reservation_clauses(who, {"state": state}))


async def test_returns_stand_in_every_stage_and_everybody_concerned_sees_some(built: Built) -> None:
    committee = await viewer(EVERYBODY[0])
    for stage in Stage:
        assert await rows(RETURNS, await returns_queries.clauses(committee, {"stage": stage}))
    for email in ("operator@luocang.example", "gulf@luocang.example", "exporter@luocang.example"):
        who = await viewer(email)
        assert await rows(RETURNS, await returns_queries.clauses(who, {"stage": "open"}))
        assert await rows(OPEN, stages_queries.open_clauses(who, {}))
        assert await rows(CHARGES, charges_queries.charge_clauses(who, {}))
    assert await rows(OPEN, stages_queries.open_clauses(committee, {"standing": "overdue"}))
    assert await rows(OPEN, stages_queries.open_clauses(committee, {"subject": "repair", "stage": "quoted"}))
    assert await rows(OPEN, stages_queries.open_clauses(committee, {"subject": "service", "stage": "requested"}))
    assert await rows(OPEN, stages_queries.open_clauses(committee, {"subject": "parcel"}))
    assert await declarations.differences() == []


async def test_everybody_sees_only_their_own(built: Built) -> None:
    for email in ("operator@luocang.example", "gulf@luocang.example", "exporter@luocang.example"):
        who = await viewer(email)
        page = await stock_listings.BALANCES.page(await stock_queries.balance_clauses(who, {}), limit=500)
        owners, warehouses = ({row[column] for row in page.rows} for column in ("owner", "warehouse"))
        if who.kind is Kind.OPERATOR:
            assert warehouses <= {each.code for each in NETWORK.warehouses if each.operator == who.organisation_code}
            assert len(owners) > 1
        else:
            assert owners == {who.organisation_code}
            assert len(warehouses) > 1


# --------------------------------------------------------------------------------------------------- made up, purely


def test_one_day_makes_one_season() -> None:
    assert season(NETWORK, TODAY) == season(network_.read(), TODAY)


def test_the_season_reaches_up_to_today_and_not_further() -> None:
    made_up = season(NETWORK, TODAY)
    instants = [document.occurred_at for documents in made_up.documents.values() for document in documents]
    assert TODAY - timedelta(days=DAYS + 1) < min(instants) < max(instants) < TODAY
    assert TODAY - max(instants) < timedelta(days=2)
    for documents in made_up.documents.values():
        assert documents == sorted(documents, key=lambda document: document.occurred_at)
    reasons = {document.reason for documents in made_up.documents.values() for document in documents}
    assert reasons >= {
        "OPENING",
        "RECEIPT",
        "MOVE",
        "SALE",
        "RETURN",
        "ADJUSTMENT",
        "SCRAP",
        "DISPATCH",
        "ARRIVAL",
        "REGRADE",
    }


def test_lots_carry_their_declaration() -> None:
    lots = season(NETWORK, TODAY).lots
    assert all(re.fullmatch(r"4602202[56]0\d{9}", lot.declaration_no) for lot in lots)
    assert len({(lot.declaration_no, lot.declaration_line) for lot in lots}) == len(lots)
    assert Counter(lot.supervision_code for lot in lots).most_common(1)[0][0] == "9810"
    assert all(TODAY.date() - timedelta(days=280) < lot.exported_on < TODAY.date() for lot in lots)
    assert all(lot.expires_on is None or lot.expires_on > lot.exported_on for lot in lots)


def test_the_network_is_spread_and_varied() -> None:
    assert len(NETWORK.warehouses) >= 12
    assert {region for each in NETWORK.warehouses for region in regions_of(each.country)} == set(Region)
    assert {each.status for each in NETWORK.warehouses} == {"listed", "suspended", "draft", "closed"}
    assert {each.taxonomy for each in NETWORK.warehouses} == {"public", "rented", "own_use"}
    assert Counter(item.owner for item in NETWORK.items).keys() == {each.code for each in NETWORK.exporters}
    assert all(values.gtin_is_valid(gtin) for item in NETWORK.items if (gtin := item.given.get("gtins")))


def test_names_are_in_the_script_of_their_language() -> None:
    organisations = (NETWORK.committee, *NETWORK.operators, *NETWORK.exporters)
    named = [each.names for each in (*organisations, *NETWORK.warehouses)]
    named += [each.city for each in NETWORK.warehouses]
    named += [{language: item.given[f"name_{language}"] for language in ("zh", "en", "ar")} for item in NETWORK.items]
    for names in named:
        assert names.keys() == {"zh", "en", "ar"}
        assert re.search(r"[\u4e00-\u9fff]", names["zh"])
        assert re.search(r"[\u0621-\u064a]", names["ar"])
        assert not re.search(r"[\u4e00-\u9fff\u0600-\u06ff]", names["en"])
