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
from backend.charges import rules as charges_rules
from backend.charges.queries import CHARGES
from backend.core import clock, values
from backend.core.database import DB
from backend.core.listing import Clause, Listing
from backend.demo import network as network_
from backend.demo import stories
from backend.demo.season import DAYS, Season, season
from backend.messages import queries as messages_queries
from backend.monitor import reconciliation
from backend.registry import queries as registry_queries
from backend.registry.regions import Region, regions_of
from backend.repairs import failures
from backend.repairs import rules as repairs_rules
from backend.returns import queries as returns_queries
from backend.returns import rules as returns_rules
from backend.returns import warnings
from backend.returns.listings import RETURNS
from backend.returns.rules import Disposition, Grade, Stage
from backend.stages import queries as stages_queries
from backend.stages.queries import OPEN
from backend.stock import declarations
from backend.stock import listings as stock_listings
from backend.stock import queries as stock_queries
from backend.value_added import queries as services_queries
from backend.value_added import rules as services_rules

NETWORK = network_.read()
STORIED = {each.warehouse for each in stories.read().ground.desks}
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
        # Where stories are told, goods have moved besides.
        assert warehouse.code in STORIED or booked == on_hand(made_up, warehouse.code)


async def test_no_pile_was_ever_smaller_than_nothing(built: Built) -> None:
    """Stories of days that are over fit in between the trade of those days."""
    short = await DB.value(
        "select count(*) from (select sum(change) over (partition by warehouse_id, owner_id, item_id, lot_id, location_id, "
        "condition order by occurred_at, change desc) as pieces from stock_change) t where pieces < 0"
    )
    assert short == 0


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


async def listed(listing: Listing, clauses: list[Clause], *names: str) -> set[tuple[object, ...]]:
    """The different values of these columns on a list."""
    return {tuple(row[name] for name in names) for row in (await listing.page(clauses, limit=500)).rows}


async def told(sql: str) -> set[object]:
    """The different values that a statement finds."""
    return {row[0] for row in await DB.fetch(sql)}


async def test_returns_of_every_kind_come_back_and_become_everything(built: Built) -> None:
    committee = await viewer(EVERYBODY[0])
    returns = await returns_queries.clauses(committee, {})
    assert await listed(RETURNS, returns, "kind") == {(kind,) for kind in returns_rules.Kind}
    carried_out = await told("select disposition from return_unit where state = 'disposed'")
    assert carried_out == set(Disposition)
    assert await told("select decided_as from disposition") >= {"owner", "default"}
    assert await told("select grade from return_unit") >= {*Grade}
    assert await told("select state from blind_parcel") >= {"waiting", "matched"}
    assert await told("select investigation from rma_line where basis = 'paper'") >= {"open", "refused"}
    assert await told("select currency from refund") >= {"EUR", "AED"}
    assert await told("select kind from destruction") == {"SCRAP", "DONATE"}
    assert await DB.value("select count(*) from return_unit where regrade = 'asked'") >= 2
    assert await DB.value("select count(*) from inspection where turn = 2") >= 1


async def test_somebody_else_can_look_again(built: Built) -> None:
    """Whoever of the two from Hamburg signs in finds a grade that the other gave and its owner doubts."""
    graders = await told(
        "select p.email from return_unit u join inspection i on i.warehouse_id = u.warehouse_id and i.unit_id = u.id "
        "join user_account p on p.id = i.user_id where u.regrade = 'asked'"
    )
    assert graders == {"operator@luocang.example", "clerk@nordhub.example"} <= {email for _, email in demo.SIGN_INS}


async def test_clocks_run_out_over_goods_abroad_and_their_owners_were_told(built: Built) -> None:
    for email in ("exporter@luocang.example", "operator@luocang.example"):
        who = await viewer(email)
        for until in ("7", "30", "60", "slow"):
            assert await rows(warnings.ABROAD, await warnings.clauses(who, {"until": until}))
    exporter = await viewer("exporter@luocang.example")
    assert (
        await DB.value(
            "select count(distinct split_part(dedupe_key, ':', 5)) from notification "
            "where organisation_id = $1 and dedupe_key like 'clock:tax_return:%'",
            exporter.organisation_id,
        )
        >= 2
    )
    assert await rows(OPEN, stages_queries.open_clauses(exporter, {"standing": "soon", "stage": "deciding"}))
    assert await rows(OPEN, stages_queries.open_clauses(exporter, {"standing": "overdue", "stage": "deciding"}))
    assert await messages_queries.unread_notifications(exporter) > 10


async def test_batches_are_collected_packed_on_their_way_and_home(built: Built) -> None:
    assert await told("select stage from home_batch") >= {"open", "packed", "sent", "arrived"}


async def test_repairs_stand_in_every_stage_and_end_in_every_way(built: Built) -> None:
    assert await told("select stage from work_order") == {*repairs_rules.Stage}
    assert await told("select state from repair_quote") >= {"open", "approved", "refused", "expired"}
    assert await told("select passed from repair_test") >= {True}
    assert await DB.value("select count(*) from part_use") >= 4
    exporter = await viewer("exporter@luocang.example")
    for by in failures.By:
        asked = await failures.asked(exporter, {"by": by})
        page = await failures.rates(asked).page(failures.nothing_beyond(asked), limit=50)
        assert any(row["faulty"] for row in page.rows)
    assert len(await failures.fault_codes(asked)) >= 3


async def test_services_are_asked_for_done_disputed_and_paid(built: Built) -> None:
    committee = await viewer(EVERYBODY[0])
    jobs = services_queries.job_clauses(committee, {})
    assert await told("select process from service_job where process is not null") == {*services_rules.Process}
    assert await listed(services_queries.JOBS, jobs, "stage") >= {
        (stage,) for stage in services_rules.Stage if stage != "accepted"
    }
    assert await told("select kind from service_job where partner is not null") == services_rules.REFERRALS
    assert await told("select partner_status from job_step where partner_status is not null") >= {"running", "ended"}
    assert await told("select settlement from service_job where settlement is not null") == {*services_rules.Settlement}
    assert await told("select kind from job_document") >= {"invoice", "authority", "brand", "statement"}
    assert await told("select state from pledge") == {"agreed"}
    assert await DB.value("select count(*) from inventory_statement") >= 1
    activities = await told("select activity from charge")
    assert activities >= {each.value for each in charges_rules.Activity}
    exporter = await viewer("exporter@luocang.example")
    assert {"YQ-SET-HO"} <= {
        row["item"]
        for row in (
            await stock_listings.BALANCES.page(
                await stock_queries.balance_clauses(exporter, {"item": "YQ-SET-HO"}), limit=9
            )
        ).rows
    }


async def test_every_deed_fits_the_ledger(built: Built) -> None:
    today = clock.now().date()
    paired = [each for days in range(1, 80) for each in await reconciliation.reconcile(today - timedelta(days=days))]
    assert sum(each.effects for each in paired) > 100
    assert [each for each in paired if each.orphans] == []


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
