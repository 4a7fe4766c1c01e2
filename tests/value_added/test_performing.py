"""From beginning to the end: steps, referrals, results, disputes, and what is charged for them."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed
from backend.files import queries as files_queries
from backend.files.rules import NotYourFile
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from backend.stock.rules import SameKeyOtherRequest
from backend.value_added import actions, jobs, performing, queries, rules
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key


@pytest.fixture
async def shop(database: str) -> Shop:
    return await shops.opened()


async def charged(job_id: uuid.UUID) -> list[tuple[Decimal, str, Decimal]]:
    rows = await DB.fetch(
        "select quantity, unit, amount from charge where source = 'service_job' and source_id = $1 "
        "order by source_line, quantity desc",
        job_id,
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]


async def referred(shop: Shop, job_id: uuid.UUID, status: str = "sent", **given: str) -> None:
    terms = {"partner": "Zoll & Partner", "reference": "ATB-1", "request_key": key(), **given}
    await performing.refer(shop.operator, job_id, status=status, **terms)  # type: ignore[arg-type]


async def done(shop: Shop, quantity: int = 1, **wish: object) -> uuid.UUID:
    """A job whose result waits to be accepted."""
    job_id = await shop.accepted(quantity=Decimal(quantity), **wish)
    await referred(shop, job_id)
    await report(shop, job_id, quantity)
    return job_id


async def report(shop: Shop, job_id: uuid.UUID, quantity: int, outcome: str = "succeeded") -> None:
    revision = await shop.revision(job_id)
    await performing.report(
        shop.operator, job_id, revision, outcome=outcome, quantity=Decimal(quantity), note="Cleared"
    )


async def test_a_referral_is_followed_to_its_result_and_closed(shop: Shop) -> None:
    job_id = await shop.accepted(quantity=Decimal(2))
    paper = await build.photo(shop.operator)
    await performing.work(shop.operator, job_id, note="Papers checked", photos=[paper], request_key=key())
    for status in ("sent", "papers_wanted", "ended"):
        await referred(shop, job_id, status)
    await report(shop, job_id, 2)
    await performing.approve(shop.exporter, job_id, await shop.revision(job_id), note="Thank you")
    job = await queries.job(shop.exporter, job_id)
    assert (job["stage"], job["settlement"], job["outcome"], job["partner_status"]) == (
        *("closed", "accepted", "succeeded", "ended"),
    )
    steps = await queries.steps(shop.exporter, job)
    assert [step["kind"] for step in steps] == ["work", "referral", "referral", "referral", "result", "settlement"]
    assert [step["partner_status"] for step in steps][1:4] == ["sent", "papers_wanted", "ended"]
    files = await files_queries.attachments(
        shop.exporter, shop.warehouse.id, ["service_job"], [each["id"] for each in steps]
    )
    assert [file["subject_id"] for file in files] == [steps[0]["id"]]
    assert await charged(job_id) == [(Decimal("2.0000"), "job", Decimal("5.0000"))]
    rows = await stages_queries.history(shop.exporter, Subject.SERVICE, job_id)
    assert [row["stage"] for row in rows] == ["requested", "quoted", "accepted", "performing", "done"]
    assert rows[-1]["left_at"] is not None


async def test_a_matter_is_handed_over_with_all_the_papers_that_its_offer_asks_for(shop: Shop) -> None:
    offer_id = await shop.version(await shop.offer("customs", documents="invoice,authority"))
    invoice = await build.photo(shop.exporter)
    job_id = await shop.accepted(offer_id=offer_id, documents=[jobs.Document("invoice", invoice)])
    with pytest.raises(rules.PapersMissing) as refused:
        await referred(shop, job_id)
    assert [fault.value for fault in refused.value.faults] == ["authority"]
    assert await shop.stage(job_id) == "accepted"
    await actions.add_documents(shop.exporter, job_id, [jobs.Document("authority", invoice)])
    await referred(shop, job_id)
    assert await shop.stage(job_id) == "performing"


async def test_bad_steps_are_refused(shop: Shop) -> None:
    job_id = await shop.accepted()
    with pytest.raises(Invalid) as refused:
        await referred(shop, job_id, "lost", partner=" ", request_key="")
    assert {fault.field for fault in refused.value.faults} == {"partner", "status", "Idempotency-Key"}
    with pytest.raises(Invalid):
        await performing.work(shop.operator, job_id, note="", request_key=key())
    with pytest.raises(NotYourFile):
        foreign = await build.photo(shop.exporter)
        await performing.work(shop.operator, job_id, note="x", photos=[foreign], request_key=key())
    with pytest.raises(NotAllowed):
        await performing.work(shop.exporter, job_id, note="x", request_key=key())
    with pytest.raises(Invalid) as result:
        revision = await shop.revision(job_id)
        await performing.report(shop.operator, job_id, revision, outcome="fine", quantity=Decimal(9), note="")
    assert {fault.field for fault in result.value.faults} == {"outcome", "quantity", "note"}
    with pytest.raises(Invalid) as unreferred:
        await report(shop, job_id, 1)
    assert {fault.field for fault in unreferred.value.faults} == {"outcome"}
    assert await shop.stage(job_id) == "accepted"
    processing = await shop.accepted("processing", **await relabelling(shop))
    with pytest.raises(Invalid):
        await referred(shop, processing)


async def relabelling(shop: Shop) -> dict[str, object]:
    goods = await shop.item()
    return {"text": "", "process": "relabel", "ins": [shops.line(goods)], "outs": [shops.line(goods)]}


async def test_a_step_is_recorded_once(shop: Shop) -> None:
    job_id = await shop.accepted()
    one = key()
    first = await performing.work(shop.operator, job_id, note="Begun", request_key=one)
    assert await performing.work(shop.operator, job_id, note="Begun", request_key=one) == first
    with pytest.raises(SameKeyOtherRequest):
        await performing.work(shop.operator, job_id, note="Begun again", request_key=one)


async def test_a_failed_job_costs_nothing(shop: Shop) -> None:
    job_id = await shop.accepted()
    await report(shop, job_id, 0, "failed")
    assert await charged(job_id) == []
    await performing.approve(shop.exporter, job_id, await shop.revision(job_id))


async def test_a_dispute_is_answered_by_doing_it_again_standing_by_it_or_giving_up_the_price(shop: Shop) -> None:
    job_id = await done(shop, quantity=3)
    with pytest.raises(Invalid):
        await performing.dispute(shop.exporter, job_id, await shop.revision(job_id), why="")
    await performing.dispute(shop.exporter, job_id, await shop.revision(job_id), why="One pallet is missing")
    await performing.settle(shop.operator, job_id, await shop.revision(job_id), way="stand_by", note="See the photo")
    assert await shop.stage(job_id) == "done"
    photo = await build.photo(shop.exporter)
    await performing.dispute(shop.exporter, job_id, await shop.revision(job_id), why="No", photos=[photo])
    await performing.settle(shop.operator, job_id, await shop.revision(job_id), way="redo", note="You are right")
    assert [amount for _, _, amount in await charged(job_id)] == [Decimal("7.5"), Decimal("-7.5")]
    await report(shop, job_id, 2, "partly")
    await performing.dispute(shop.exporter, job_id, await shop.revision(job_id), why="Still")
    with pytest.raises(Invalid):
        await performing.settle(shop.operator, job_id, await shop.revision(job_id), way="fight", note="x")
    await performing.settle(shop.operator, job_id, await shop.revision(job_id), way="waive", note="Sorry")
    job = await queries.job(shop.exporter, job_id)
    assert (job["stage"], job["settlement"], job["ending"]) == ("closed", "waived", "Sorry")
    assert sum(amount for _, _, amount in await charged(job_id)) == 0
    assert len(await charged(job_id)) == 4
    assert any("disputed" in said for said in await shop.told(shop.operator))


async def test_each_side_answers_for_itself(shop: Shop) -> None:
    job_id = await done(shop)
    revision = await shop.revision(job_id)
    with pytest.raises(NotAllowed):
        await performing.approve(shop.operator, job_id, revision)
    with pytest.raises(NotAllowed):
        await performing.settle(shop.exporter, job_id, revision, way="waive", note="x")
    with pytest.raises(rules.NoSuchJob):
        await performing.approve(await build.exporter(), job_id, revision)
    outcomes = await asyncio.gather(
        performing.approve(shop.exporter, job_id, revision),
        performing.dispute(shop.exporter, job_id, revision, why="x"),
        performing.approve(shop.exporter, job_id, revision),
        return_exceptions=True,
    )
    assert sum(each is None for each in outcomes) == 1
    assert sum(isinstance(each, Conflict) for each in outcomes) == 2
