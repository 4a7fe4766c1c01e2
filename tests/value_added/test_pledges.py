"""Pledged goods: nothing moves them but the pledgee's release, whoever tries and whichever way."""

import asyncio
import uuid
from collections.abc import Awaitable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from backend.access.rules import Role, Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed
from backend.files.rules import NotYourFile
from backend.registry.rules import Item
from backend.stock import actions as stock_actions
from backend.stock import codes, pledging
from backend.stock import rules as stock_rules
from backend.stock.rules import NotEnoughFree, SameKeyOtherRequest
from backend.value_added import pledge_rules, pledges, processing, queries
from backend.value_added.pledges import Goods
from backend.value_added.processing import Put, Taken
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key, line


@pytest.fixture
async def shop(database: str) -> Shop:
    return await shops.opened()


class Loan:
    """Ten pieces of a lot in a bin, all of them pledged to a bank."""

    goods: Item
    lot: str
    offered: pledges.Offered

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def open(self, quantity: int = 10) -> "Loan":
        self.goods = await self.shop.item()
        self.lot = await self.shop.lot(self.goods)
        await build.stocked(self.shop.operator, self.shop.warehouse, self.goods, self.shop.bins[0], 10, lot=self.lot)
        self.offered = await self.offer(quantity)
        return self

    async def offer(self, quantity: int, **given: Any) -> pledges.Offered:
        terms = {
            "warehouse": self.shop.warehouse.code,
            "pledgee": "Bank of Zhengzhou",
            "contact": "Ms Li, li@bank.example",
            "reference": "Loan 2026-118",
            "goods": [Goods(self.goods.code, self.shop.bins[0], quantity, self.lot)],
            "request_key": key(),
            **given,
        }
        return await pledges.offer(self.shop.exporter, **terms)

    async def agreed(self) -> str:
        """The release code."""
        assert self.offered.link
        return await pledges.agree(self.offered.link, name="Li Na, credit officer")

    async def release(self, code: str, by: Viewer | None = None, letter: str | None = None) -> int:
        viewer = by or self.shop.exporter
        digest = await build.photo(viewer) if letter is None else letter
        return await pledges.release(viewer, self.offered.id, code=code, letter=digest)

    async def at(self) -> tuple[int, ...]:
        row = await DB.row("select * from balance where item_id = $1 order by location_id limit 1", self.goods.id)
        names = ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition")
        return tuple(row[name] for name in names)

    async def held(self) -> int:
        found: int = await DB.value("select sum(held) from balance where item_id = $1", self.goods.id)
        return found

    async def state(self) -> str:
        found: str = (await queries.pledge(self.shop.operator, self.offered.id))["state"]
        return found


async def test_goods_are_held_from_the_offer_until_the_release(shop: Shop) -> None:
    loan = await Loan(shop).open(6)
    assert (await loan.held(), await loan.state()) == (6, "offered")
    code = await loan.agreed()
    assert await loan.state() == "agreed"
    assert await loan.release(f"  {code.lower().replace('-', ' ')} ") == 6
    assert (await loan.held(), await loan.state()) == (0, "released")
    assert any("pledges goods" in said for said in await shop.told(shop.operator))
    assert any("is released" in said for said in await shop.told(shop.exporter))
    assert await shops.book_is_right()


async def test_the_operator_may_enter_the_code_too(shop: Shop) -> None:
    loan = await Loan(shop).open()
    assert await loan.release(await loan.agreed(), by=shop.operator) == 10


async def test_nothing_moves_pledged_goods(shop: Shop) -> None:
    loan = await Loan(shop).open()
    await loan.agreed()
    at = await loan.at()
    place, other = shop.bins
    receipt = await DB.value("select document_id from movement where item_id = $1", loan.goods.id)
    hold_id = await DB.value("select id from hold where item_id = $1", loan.goods.id)
    same = [line(loan.goods)]
    relabel = await shop.accepted(
        "processing", text="", quantity=Decimal(1), process="relabel", ins=same, outs=[line(loan.goods)]
    )

    def post(reason: str, target: str, condition: str = "GOOD") -> Awaitable[object]:
        request = codes.Request(
            shop.exporter.organisation_code, loan.goods.code, loan.lot, place, target, "GOOD", condition, 1
        )
        return stock_actions.post_document(
            shop.operator, shop.warehouse.code, reason, [request], request_key=key(), request_hash=b""
        )

    def transform(target: str) -> Awaitable[object]:
        return processing.transform(
            shop.operator,
            relabel,
            runs=1,
            taken=[Taken(0, place, 1, loan.lot)],
            put=[Put(0, target, 1)],
            request_key=key(),
        )

    ways: list[Awaitable[object]] = [
        post("SALE", "BUYER"),
        post("MOVE", other),
        post("SCRAP", "SCRAP"),
        post("DISPATCH", "TRANSIT"),
        post("ADJUSTMENT", "ADJUSTMENT"),
        post("REGRADE", place, "SECOND"),
        stock_actions.adjust(shop.operator, at, way="fewer", quantity=1, seen=10, note="lost", request_key=key()),  # type: ignore[arg-type]
        stock_actions.adjust(shop.operator, at, way="counted", quantity=9, seen=10, note="lost", request_key=key()),  # type: ignore[arg-type]
        stock_actions.reverse(shop.operator, shop.warehouse.id, receipt, note="never came"),
        stock_actions.reserve(
            shop.exporter,
            warehouse=shop.warehouse.code,
            owner=shop.exporter.organisation_code,
            item=loan.goods.code,
            lot=None,
            location=None,
            condition="GOOD",
            quantity=1,
            source="Order",
            expires_at=clock.now() + timedelta(days=1),
            request_key=key(),
        ),
        transform(other),
        transform(place),
    ]
    for way in ways:
        with pytest.raises(NotEnoughFree):
            await way
    for viewer in (shop.exporter, shop.operator):
        with pytest.raises((stock_rules.Pledged, NotAllowed)):
            await stock_actions.release(viewer, shop.warehouse.id, hold_id, note="please")
    with pytest.raises(stock_rules.Pledged):
        await stock_actions.release(shop.exporter, shop.warehouse.id, hold_id, note="please")
    with pytest.raises(Invalid):
        await stock_actions.hold(shop.exporter, at, quantity=1, reason="pledge", note="", request_key=key())  # type: ignore[arg-type]
    assert await loan.held() == 10
    assert await shops.book_is_right()


async def test_the_database_itself_keeps_a_pledge(shop: Shop) -> None:
    loan = await Loan(shop).open()
    await loan.agreed()
    pledge = loan.offered.id
    hold = "(select hold_id from pledge_line where pledge_id = $1)"
    for statement in (
        f"update hold set released_at = now(), released_by = 1 where id = {hold}",
        f"update hold set reason = 'owner' where id = {hold}",
        f"update hold set quantity = 1 where id = {hold}",
        f"delete from hold where id = {hold}",
        "update pledge set state = 'released', ended_at = now() where id = $1",
        "update pledge set state = 'released', ended_at = now(), released_with = '\\x00' where id = $1",
        "update pledge set state = 'withdrawn', ended_at = now(), code_hash = null where id = $1",
        "update pledge set code_hash = sha256('mine') where id = $1",
        "delete from pledge_line where pledge_id = $1",
        "delete from pledge where id = $1",
    ):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.ObjectNotInPrerequisiteStateError)):
            await DB.run(statement, pledge)
    async with DB.transaction():
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            ids = [await DB.value("select hold_id from pledge_line where pledge_id = $1", pledge)]
            async with DB.transaction():
                await pledging.release_pledged(shop.operator, shop.warehouse.id, ids, note="")
    assert (await loan.held(), await loan.state()) == (10, "agreed")


async def test_nobody_lifts_a_pledge_without_its_code(shop: Shop) -> None:
    loan = await Loan(shop).open()
    code = await loan.agreed()
    other = await Loan(shop).open()
    foreign_code = await other.agreed()
    for wrong in ("", "ABCDE", foreign_code):
        with pytest.raises(Invalid):
            await loan.release(wrong)
    with pytest.raises(Invalid) as without:
        await loan.release(code, letter="")
    assert {fault.field for fault in without.value.faults} == {"letter"}
    with pytest.raises(NotYourFile):
        await loan.release(code, letter=await build.photo(shop.operator))
    with pytest.raises(NotAllowed):
        await loan.release(code, by=await build.committee())
    clerk = await build.exporter(Role.EXPORTER_CLERK)
    for stranger in (await build.exporter(), await build.operator(), clerk):
        with pytest.raises(pledge_rules.NoSuchPledge):
            await loan.release(code, by=stranger)
    assert (await loan.held(), await loan.state()) == (10, "agreed")


async def test_tries_are_limited(shop: Shop) -> None:
    loan = await Loan(shop).open()
    code = await loan.agreed()
    for _ in range(pledge_rules.FREE_WRONG_CODES + 1):
        with pytest.raises(pledge_rules.WrongCode):
            await loan.release("WRONG")
    with pytest.raises(pledge_rules.TooManyCodes) as closed:
        await loan.release(code)
    assert 3500 < closed.value.facts["seconds"] <= 3601
    row = await queries.pledge(shop.exporter, loan.offered.id)
    assert row["wrong_codes"] == pledge_rules.FREE_WRONG_CODES + 1
    await DB.run("update pledge set closed_until = now() where id = $1", loan.offered.id)
    assert await loan.release(code) == 10


def test_each_wrong_code_too_many_closes_for_longer() -> None:
    closed = [pledge_rules.seconds_closed(n) for n in range(1, 30)]
    assert closed[:6] == [0, 0, 0, 0, 3600, 7200]
    assert closed == sorted(closed)
    assert closed[-1] == pledge_rules.LONGEST_CLOSED_SECONDS


async def test_a_link_is_used_once(shop: Shop) -> None:
    loan = await Loan(shop).open()
    assert loan.offered.link
    seen = await pledges.offered_through(loan.offered.link)
    assert (seen["number"], seen["state"]) == (loan.offered.number, "offered")
    with pytest.raises(Invalid):
        await pledges.agree(loan.offered.link, name=" ")
    answers = await asyncio.gather(*(loan.agreed() for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in answers) == 1
    assert sum(isinstance(each, pledge_rules.NotOffered) for each in answers) == 3
    seen = await pledges.offered_through(loan.offered.link)
    assert (seen["state"], seen["agreed_name"]) == ("agreed", "Li Na, credit officer")
    with pytest.raises(pledge_rules.NoSuchPledge):
        await pledges.agree("somebody-else's-link", name="X")
    kept = await DB.row("select * from pledge where id = $1", loan.offered.id)
    assert loan.offered.link.encode() not in (kept["link_hash"], kept["code_hash"])


async def test_an_offer_is_withdrawn_until_the_pledgee_agrees(shop: Shop) -> None:
    loan = await Loan(shop).open()
    with pytest.raises(NotAllowed):
        await pledges.withdraw(shop.operator, loan.offered.id)
    with pytest.raises(pledge_rules.NotAgreed):
        await loan.release("ABC")
    assert await pledges.withdraw(shop.exporter, loan.offered.id) == 10
    assert (await loan.held(), await loan.state()) == (0, "withdrawn")
    with pytest.raises(pledge_rules.NotOffered):
        await loan.agreed()
    other = await Loan(shop).open()
    await other.agreed()
    with pytest.raises(pledge_rules.NotOffered):
        await pledges.withdraw(shop.exporter, other.offered.id)
    assert await other.held() == 10


async def test_two_releases_at_once_are_one(shop: Shop) -> None:
    loan = await Loan(shop).open()
    code = await loan.agreed()
    letter, slip = await build.photo(shop.exporter), await build.photo(shop.operator)
    outcomes = await asyncio.gather(
        loan.release(code, letter=letter), loan.release(code, shop.operator, slip), return_exceptions=True
    )
    assert sorted(str(type(each).__name__) for each in outcomes) == ["NotAgreed", "int"]
    assert isinstance(next(each for each in outcomes if not isinstance(each, int)), Conflict)
    assert await loan.held() == 0


async def test_only_ones_own_free_goods_are_pledged(shop: Shop) -> None:
    loan = await Loan(shop).open(6)
    with pytest.raises(NotEnoughFree) as short:
        await loan.offer(5)
    assert [fault.field for fault in short.value.faults] == ["goods.0.quantity"]
    with pytest.raises(Invalid) as refused:
        await loan.offer(
            1,
            pledgee=" ",
            contact="",
            goods=[Goods("NO-SUCH", shop.bins[0], 0), Goods(loan.goods.code, "NOWHERE", 1)],
            job_id=uuid.uuid4(),
        )
    assert {fault.field for fault in refused.value.faults} == {
        *("pledgee", "contact", "goods.0.quantity", "goods.0.item", "goods.1.item", "job"),
    }
    with pytest.raises(NotAllowed):
        await pledges.offer(
            shop.operator,
            warehouse=shop.warehouse.code,
            pledgee="B",
            contact="C",
            reference="",
            goods=[],
            request_key=key(),
        )
    with pytest.raises(Invalid):
        stranger = await build.exporter()
        await pledges.offer(
            stranger,
            warehouse=shop.warehouse.code,
            pledgee="B",
            contact="C",
            reference="",
            goods=[Goods(loan.goods.code, shop.bins[0], 1, loan.lot)],
            request_key=key(),
        )
    assert await loan.held() == 6


async def test_an_offer_is_made_once(shop: Shop) -> None:
    loan = await Loan(shop).open(1)
    one = key()
    first = await loan.offer(2, request_key=one)
    again = await loan.offer(2, request_key=one)
    assert (again.id, again.link, again.repeated) == (first.id, None, True)
    with pytest.raises(SameKeyOtherRequest):
        await loan.offer(3, request_key=one)
    assert await loan.held() == 3


async def test_pledges_are_listed_to_those_whom_they_concern(shop: Shop) -> None:
    loan = await Loan(shop).open(4)
    seen = []
    for viewer in (shop.exporter, shop.operator, await build.committee(), await build.exporter()):
        page = await queries.PLEDGES.page(queries.pledge_clauses(viewer, {"number": loan.offered.number}))
        seen.append([row["pieces"] for row in page.rows])
    assert seen == [[4], [4], [4], []]
    with pytest.raises(Invalid):
        queries.pledge_clauses(shop.exporter, {"state": "lost"})
    with pytest.raises(pledge_rules.NoSuchPledge):
        await queries.pledge(await build.operator(), loan.offered.id)
    goods = await queries.pledged_goods(shop.warehouse.id, loan.offered.id)
    assert [(row["item"], row["lot"], row["quantity"]) for row in goods] == [(loan.goods.code, loan.lot, 4)]
    assert values.is_number(loan.offered.number, "P")
