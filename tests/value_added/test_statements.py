"""Inventory statements: what lay there at an instant, kept word for word."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Invalid, NotAllowed, NotFound
from backend.stock import actions as stock_actions
from backend.stock.rules import SameKeyOtherRequest
from backend.value_added import pledges, queries, statements
from backend.value_added.pledges import Goods
from backend.value_added.statements import Line
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key


@pytest.fixture
async def shop(database: str) -> Shop:
    return await shops.opened()


async def made(shop: Shop, **given: Any) -> statements.Kept:
    terms = {"warehouse": shop.warehouse.code, "addressee": "Bank", "request_key": key(), **given}
    return await statements.make(terms.pop("viewer", shop.exporter), **terms)


async def test_a_statement_says_what_is_on_hand_held_and_pledged(shop: Shop) -> None:
    goods, other = await shop.item(), await shop.item()
    lot = await shop.lot(goods)
    await shop.stocked(goods, 10, lot=lot)
    await shop.stocked(goods, 5, shop.bins[1], lot=lot)
    await shop.stocked(goods, 2, condition="DAMAGED")
    await shop.stocked(other, 1)
    row = await DB.row("select * from balance where item_id = $1 and on_hand = 10", goods.id)
    names = ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition")
    at = tuple(row[name] for name in names)
    await stock_actions.hold(shop.exporter, at, quantity=3, reason="owner", note="", request_key=key())  # type: ignore[arg-type]
    before = clock.now()
    await pledges.offer(
        shop.exporter,
        warehouse=shop.warehouse.code,
        pledgee="Bank",
        contact="Li",
        reference="",
        goods=[Goods(goods.code, shop.bins[0], 4, lot)],
        request_key=key(),
    )
    await build.sold(shop.operator, shop.warehouse, goods, shop.bins[1], 5, lot=lot)
    kept = await made(shop)
    said = statements.content_of(await statements.statement(shop.operator, kept.id))
    assert said.lines == [
        Line(goods.code, "", "DAMAGED", 2, 0, 0),
        Line(goods.code, lot, "GOOD", 10, 7, 4),
        Line(other.code, "", "GOOD", 1, 0, 0),
    ]
    earlier = statements.content_of(await statements.statement(shop.exporter, (await made(shop, as_at=before)).id))
    assert Line(goods.code, lot, "GOOD", 15, 3, 0) in earlier.lines
    assert earlier.last_document != said.last_document
    long_ago = await made(shop, as_at=before - timedelta(days=30))
    assert statements.content_of(await statements.statement(shop.exporter, long_ago.id)).lines == []


async def test_a_statement_is_checked_by_its_number_and_hash(shop: Shop) -> None:
    await shop.stocked(await shop.item(), 3)
    kept = await made(shop, purpose="Loan")
    row = await statements.statement(shop.exporter, kept.id)
    digest = hashlib.sha256(row["content"].encode()).hexdigest()
    assert row["hash"].hex() == digest
    assert (
        json.dumps(json.loads(row["content"]), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        == row["content"]
    )
    found = await statements.check(kept.number.lower(), f" {digest.upper()} ")
    assert found.is_genuine
    assert found.row is not None
    for number, given in ((kept.number, "00" * 32), ("N0", digest), (kept.number, "")):
        wrong = await statements.check(number, given)
        assert (wrong.is_genuine, wrong.row) == (False, None)


async def test_a_statement_is_made_once_and_never_changed(shop: Shop) -> None:
    one = key()
    first = await made(shop, request_key=one)
    assert (await made(shop, request_key=one)).id == first.id
    with pytest.raises(SameKeyOtherRequest):
        await made(shop, request_key=one, addressee="Somebody else")
    with pytest.raises(Exception, match="append-only"):
        await DB.run("update inventory_statement set content = '{}' where id = $1", first.id)


async def test_only_the_owner_and_the_operator_make_one(shop: Shop) -> None:
    by_operator = await made(shop, viewer=shop.operator, owner=shop.exporter.organisation_code)
    assert (await statements.statement(shop.exporter, by_operator.id))["owner"] == shop.exporter.organisation_code
    with pytest.raises(NotAllowed):
        await made(shop, viewer=await build.committee())
    with pytest.raises(NotFound):
        await made(shop, viewer=await build.operator(), owner=shop.exporter.organisation_code)
    with pytest.raises(Invalid) as refused:
        await made(shop, viewer=shop.operator, owner="NOBODY", as_at=clock.now() + timedelta(minutes=1), request_key="")
    assert {fault.field for fault in refused.value.faults} == {"owner", "Idempotency-Key"}
    with pytest.raises(Invalid):
        await made(shop, as_at=clock.now() + timedelta(minutes=1))
    for stranger in (await build.exporter(), await build.operator()):
        with pytest.raises(statements.NoSuchStatement):
            await statements.statement(stranger, by_operator.id)
    pages = [
        len((await queries.STATEMENTS.page(queries.statement_clauses(viewer, {"number": by_operator.number}))).rows)
        for viewer in (shop.exporter, shop.operator, await build.committee(), await build.exporter())
    ]
    assert pages == [1, 1, 1, 0]
