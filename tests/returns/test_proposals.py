"""Warehouses proposed for a booking: the facts come from the database in one statement, the reasons with them."""

import time
from datetime import date
from typing import Any

import pytest

from backend.charges import actions as charges
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.returns import proposals
from backend.returns.booking import Booking, Buyer, Line
from backend.returns.routing import Proposal
from backend.stock import actions as stock_actions
from tests import build

pytestmark = pytest.mark.usefixtures("database")


def reasons(proposal: Proposal) -> str:
    return " ".join(reason.sentence % reason.facts for reason in proposal.reasons)


def asked(*lines: Line, **overrides: Any) -> Booking:
    given = {"kind": "buyer", "reason": "changed_mind", "buyer": Buyer(country="DE", city="Hamburg"), **overrides}
    return Booking(warehouse="", lines=list(lines), **given)


async def test_proposals_come_best_first_with_prices_queue_and_the_way_home() -> None:
    operator = await build.operator()
    near, far = (
        await build.warehouse(operator),
        await build.warehouse(operator, country="GB", latitude="51.5", longitude="0"),
    )
    closed = await build.warehouse(operator)
    operator = await build.again(operator)
    (bin_,) = await build.bins(operator, near, 1)
    for place in (near, far):
        await build.desk(operator, place, daily_units=10)
        for activity in ("return_receipt", "return_inspection"):
            price = {"warehouse": place.code, "activity": activity, "amount": "1.25", "currency": "EUR"}
            await charges.set_price(operator, {**price, "valid_from": "2020-01-01", "owner": ""})
    await build.desk(operator, closed, active=False)
    exporter = await build.exporter()
    goods = await build.item(exporter)
    await stock_actions.register_lot(
        exporter,
        owner=goods.owner_code,
        item=goods.code,
        code="LOT-1",
        declaration_no="460020260000000017",
        declaration_line=3,
        supervision_code="9810",
        exported_on=date(2026, 10, 1),
    )
    await build.stocked(operator, near, goods, bin_, 20, lot="LOT-1")
    await build.sold(operator, near, goods, bin_, 20, lot="LOT-1", reference="P-1")
    line = Line(item=goods.code, quantity=5, declaration="460020260000000017", declaration_line=3)
    await build.returned(exporter, far, line)

    found = await proposals.proposals(exporter, asked(line))
    assert [each.code for each in found] == [near.code, far.code]
    assert "costs 2.50 EUR" in reasons(found[0])
    assert "Pieces that wait to be graded: 0; on their way: 5; graded in a day: 10." in reasons(found[1])
    elsewhere = await proposals.proposals(exporter, asked(line, home_area="2200"))
    assert "go home only through customs district 4600" in reasons(elsewhere[0])
    with pytest.raises(Invalid) as refusal:
        await proposals.proposals(exporter, asked(Line(item="NOTHING", quantity=1, order="P-1")), ["flying"])
    assert {fault.field for fault in refusal.value.faults} == {"wishes", "lines.0.item"}


async def test_two_hundred_warehouses_are_ranked_with_one_query_in_a_tenth_of_a_second() -> None:
    await DB.run(
        """with made as (
             insert into warehouse (code, names, operator_id, country, city, address, latitude, longitude, time_zone,
                                    area_m2, capacity_m3, taxonomy, status)
             select 'LOAD-' || n, '{"en": "Load"}', (select min(id) from organisation where kind = 'operator'), 'DE',
                    '{"en": "Load"}', 'Load', 45 + n / 20.0, n / 10.0, 'UTC', 1, 1, 'public', 'listed'
             from generate_series(1, 200) n returning id)
           insert into return_desk (warehouse_id, active, kinds, capabilities, daily_units)
           select id, true, '{buyer}', '{grading}', 100 from made"""
    )
    statements: list[str] = []
    async with DB.transaction(), DB.connection() as connection:
        with connection.query_logger(lambda record: statements.append(record.query)):
            found = await proposals.candidates(1)
    assert len(found) >= 200
    assert len(statements) == 1

    exporter = await build.exporter()
    goods = await build.item(exporter)
    booking = asked(Line(item=goods.code, quantity=1, basis="paper"))
    took = []
    for _ in range(8):
        began = time.perf_counter()
        ranked = await proposals.proposals(exporter, booking)
        took.append(time.perf_counter() - began)
    assert len(ranked) >= 200
    # The best of several: other work on the machine is not what is measured.
    assert min(took) < 0.1
