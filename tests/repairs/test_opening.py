"""Work orders are opened for one exact unit, once, and in the workshop nothing looks sellable."""

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from backend.core import clock, values
from backend.core.errors import Invalid, NotAllowed
from backend.messages import queries as messages_queries
from backend.repairs import actions, ending, rules, warranties
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules
from backend.stock.rules import Condition
from tests import build
from tests.repairs.shop import shop

pytestmark = pytest.mark.usefixtures("database")


def fields(refused: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {fault.field for fault in refused.value.faults}


async def test_a_unit_from_stock_goes_to_the_workshop_and_is_not_sellable_there() -> None:
    made = await shop()
    done = await made.from_stock(serial="sn-1")
    order = await made.seen(done.id)
    assert values.is_number(order["number"], "W")
    assert (order["stage"], order["location"], order["serial"]) == ("diagnosing", "WORKSHOP", "SN-1")
    assert (order["from_location"], order["from_condition"]) == (made.bins[0], Condition.GOOD)
    assert order["item_class"] == "machinery"
    assert await made.pieces(made.machine, made.bins[0], Condition.GOOD) == 4
    assert await made.pieces(made.machine, "WORKSHOP", Condition.QUARANTINE) == 1
    assert Condition.QUARANTINE not in stock_rules.SELLABLE
    (stay,) = await stages_queries.history(made.exporter, Subject.REPAIR, done.id)
    assert (stay["stage"], stay["turn"], stay["left_at"]) == ("diagnosing", "operator", None)
    assert await stock_queries.differences() == []


async def test_a_returned_unit_is_opened_where_the_returns_desk_brought_it() -> None:
    made = await shop()
    order_id = await made.from_return(condition=Condition.DAMAGED, reference="R0123456789X")
    order = await made.seen(order_id)
    assert (order["origin"], order["condition"], order["stage"]) == ("return", Condition.DAMAGED, "diagnosing")
    assert order["unit_code"].endswith("U1")
    assert order["reference"] == "R0123456789X"


async def test_the_same_key_opens_once_and_another_request_under_it_is_refused() -> None:
    made = await shop()
    first = await made.from_stock(request_key="one")
    again = await made.from_stock(request_key="one")
    assert (again.id, again.repeated, first.repeated) == (first.id, True, False)
    assert await made.pieces(made.machine, "WORKSHOP", Condition.QUARANTINE) == 1
    with pytest.raises(stock_rules.SameKeyOtherRequest):
        await made.from_stock(request_key="one", fault="Something else")


async def test_a_unit_in_repair_is_not_opened_again_even_at_the_same_time() -> None:
    made = await shop()
    answers = await asyncio.gather(*(made.from_stock(serial="SN-7") for _ in range(4)), return_exceptions=True)
    done = [each for each in answers if not isinstance(each, BaseException)]
    assert len(done) == 1
    assert all(isinstance(each, rules.AlreadyInRepair) for each in answers if isinstance(each, BaseException))
    assert await made.pieces(made.machine, "WORKSHOP", Condition.QUARANTINE) == 1
    with pytest.raises(rules.AlreadyInRepair) as refused:
        await made.from_stock(serial="sn-7")
    assert refused.value.facts["number"] == (await made.seen(done[0].id))["number"]


async def test_a_returned_unit_has_one_order() -> None:
    made = await shop()
    unit = values.new_id()
    await made.from_return(return_unit_id=unit)
    with pytest.raises(rules.AlreadyInRepair):
        await made.from_return(return_unit_id=unit)


async def test_more_than_is_free_is_refused_and_nothing_is_opened() -> None:
    made = await shop()
    key = await made.key(made.machine, made.bins[0])
    await build.sold(made.operator, made.warehouse, made.machine, made.bins[0], 5)
    with pytest.raises(Invalid) as refused:
        await made.from_stock(key=key, fault="  ")
    assert fields(refused) == {"location", "fault"}


async def test_goods_and_owner_must_belong_together() -> None:
    made, other = await shop(), await shop()
    with pytest.raises(Exception, match="belong together"):
        await made.from_return(owner_id=other.exporter.organisation_id)


async def test_an_owner_asks_and_the_operator_brings_the_unit_in() -> None:
    made = await shop()
    done = await made.from_stock(made.exporter, serial="SN-2")
    order = await made.seen(done.id)
    assert (order["stage"], order["location"]) == ("requested", made.bins[0])
    assert await made.pieces(made.machine, made.bins[0], Condition.GOOD) == 5
    heard = await messages_queries.notifications(made.operator).page(
        messages_queries.notification_clauses(made.operator, {}), limit=10
    )
    assert order["number"] in messages_queries.said(heard.rows[0])
    with pytest.raises(NotAllowed):
        await actions.take_in(made.exporter, done.id, request_key="mine")
    with pytest.raises(rules.NoSuchOrder):
        await actions.take_in((await shop()).operator, done.id, request_key="foreign")
    await actions.take_in(made.operator, done.id, request_key="in")
    again = await actions.take_in(made.operator, done.id, request_key="in")
    assert again.repeated
    order = await made.seen(done.id)
    assert (order["stage"], order["location"], order["condition"]) == ("diagnosing", "WORKSHOP", Condition.QUARANTINE)
    with pytest.raises(rules.WrongStage):
        await actions.take_in(made.operator, done.id, request_key="in again")
    assert await stock_queries.differences() == []


async def test_a_request_is_taken_back_by_its_owner_before_it_moved() -> None:
    made = await shop()
    done = await made.from_stock(made.exporter, serial="SN-3")
    with pytest.raises(Invalid) as refused:
        await actions.cancel(made.exporter, done.id, note="", request_key="c")
    assert fields(refused) == {"note"}
    await actions.cancel(made.exporter, done.id, note="Sold it as it is", request_key="c")
    assert (await made.seen(done.id))["stage"] == "cancelled"
    assert (await made.from_stock(serial="SN-3")).id != done.id
    with pytest.raises(rules.WrongStage):
        await actions.cancel(made.exporter, done.id, note="again", request_key="c2")


async def test_strangers_open_nothing() -> None:
    made, other = await shop(), await shop()
    for stranger in (other.exporter, other.operator):
        with pytest.raises(stock_rules.NoSuchStock):
            await made.from_stock(stranger)
    with pytest.raises(NotAllowed):
        await made.from_stock(await build.committee())


# -------------------------------------------------------------------------------------------------------- warranty


async def test_warranty_runs_from_the_given_day_and_no_later_order_resets_it() -> None:
    made = await shop()
    today = clock.business_day(clock.now(), "Europe/Berlin")
    since = today - timedelta(days=100)
    first = await made.from_stock(serial="SN-4", warranty_from=since, warranty_months=12)
    order = await made.seen(first.id)
    assert order["warranty_until"] == warranties.warranty_end(since, 12)
    await ending.give_up(made.operator, first.id, location=made.bins[2], note="No spare", request_key="g")
    damaged = await made.key(made.machine, made.bins[2], Condition.DAMAGED)
    with pytest.raises(Invalid) as refused:
        await made.from_stock(key=damaged, serial="SN-4", warranty_from=today, warranty_months=12)
    assert fields(refused) == {"warranty_from"}
    second = await made.seen((await made.from_stock(key=damaged, serial="SN-4")).id)
    assert (second["warranty_from"], second["warranty_until"]) == (since, order["warranty_until"])
    assert (second["location"], second["condition"]) == ("WORKSHOP", Condition.DAMAGED)


async def test_warranty_comes_from_the_sale_and_the_owners_terms() -> None:
    made = await shop()
    await actions.set_warranty(made.exporter, item_id=None, months=6)
    await actions.set_warranty(made.exporter, item_id=made.machine.id, months=24)
    await build.sold(made.operator, made.warehouse, made.machine, made.bins[0], 1, reference="ORDER-9")
    today = clock.business_day(clock.now(), "Europe/Berlin")
    order = await made.seen((await made.from_stock(sale_reference="ORDER-9")).id)
    assert (order["warranty_from"], order["warranty_months"], order["warranty_source"]) == (today, 24, "sale")
    with pytest.raises(Invalid) as refused:
        await made.from_stock(sale_reference="ORDER-10")
    assert fields(refused) == {"sale_reference"}
    sold_at = datetime(2026, 1, 31, 22, 30, tzinfo=UTC)
    returned = await made.seen(await made.from_return(sold_at=sold_at))
    assert (returned["warranty_from"], returned["warranty_until"]) == (date(2026, 1, 31), date(2028, 1, 31))


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"warranty_months": 12}, "warranty_from"),
        ({"warranty_from": date(2026, 1, 1)}, "warranty_months"),
        ({"warranty_from": date(2999, 1, 1), "warranty_months": 12}, "warranty_from"),
        ({"warranty_from": date(2026, 1, 1), "warranty_months": 999}, "warranty_months"),
        ({"serial": "x" * 70}, "serial"),
        ({"fault": ""}, "fault"),
        ({"request_key": ""}, "Idempotency-Key"),
    ],
)
async def test_bad_openings_are_refused(given: dict[str, object], wrong: str) -> None:
    made = await shop()
    with pytest.raises(Invalid) as refused:
        await made.from_stock(**given)  # type: ignore[arg-type]
    assert fields(refused) == {wrong}
    assert await made.pieces(made.machine, "WORKSHOP", Condition.QUARANTINE) == 0


async def test_terms_are_an_owners_own() -> None:
    made, other = await shop(), await shop()
    with pytest.raises(rules.NotYourUnit):
        await actions.set_warranty(made.exporter, item_id=other.machine.id, months=12)
    with pytest.raises(NotAllowed):
        await actions.set_warranty(made.operator, item_id=None, months=12)
    with pytest.raises(Invalid):
        await actions.set_warranty(made.exporter, item_id=None, months=121)


async def test_an_unknown_order_is_not_found() -> None:
    made = await shop()
    with pytest.raises(rules.NoSuchOrder):
        await made.seen(uuid.uuid4())
