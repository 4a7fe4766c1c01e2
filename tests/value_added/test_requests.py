"""A job from the wish to the answer: who may ask, quote and answer, and what is refused."""

import asyncio
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from backend.access.rules import Role
from backend.core import clock, values
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed, NotFound
from backend.files.rules import NotYourFile
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from backend.stock.rules import SameKeyOtherRequest
from backend.value_added import actions, jobs, offering, queries, quoting, rules
from backend.value_added.actions import Wish
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key, line


@pytest.fixture
async def shop(database: str) -> Shop:
    return await shops.opened()


async def stays(shop: Shop, job_id: uuid.UUID) -> list[str]:
    rows = await stages_queries.history(shop.operator, Subject.SERVICE, job_id)
    return [row["stage"] for row in rows]


async def test_a_job_is_asked_for_quoted_and_accepted(shop: Shop) -> None:
    job_id = await shop.asked()
    assert await shop.stage(job_id) == "requested"
    await shop.quote(job_id, price=Decimal("120.00"), quantity=Decimal(2))
    job = await queries.job(shop.exporter, job_id)
    assert (job["quote_amount"], job["quote_currency"], job["stage"]) == (Decimal("240.0000"), "EUR", "quoted")
    await quoting.answer(shop.exporter, job_id, job["revision"], accept=True)
    assert await shop.stage(job_id) == "accepted"
    assert await stays(shop, job_id) == ["requested", "quoted", "accepted"]
    assert any("asks for a service" in said for said in await shop.told(shop.operator))
    assert any("is quoted" in said for said in await shop.told(shop.exporter))


async def test_the_due_time_of_a_quote_is_its_last_moment(shop: Shop) -> None:
    job_id = await shop.asked()
    until = clock.now() + timedelta(days=3)
    await shop.quote(job_id, expires_at=until)
    await shop.quote(job_id, expires_at=until + timedelta(days=1))
    rows = await stages_queries.history(shop.operator, Subject.SERVICE, job_id)
    assert rows[-1]["due_at"] == until + timedelta(days=1)
    assert {row["reason"] for row in rows} == {"customs"}


async def test_a_request_is_made_once(shop: Shop) -> None:
    offer_id = await shop.version(await shop.offer())
    wish, one = Wish(offer_id=offer_id, quantity=Decimal(1), text="Once"), key()
    first = await actions.request(shop.exporter, wish, request_key=one)
    again = await actions.request(shop.exporter, wish, request_key=one)
    assert (again.id, again.repeated) == (first.id, True)
    with pytest.raises(SameKeyOtherRequest):
        await actions.request(shop.exporter, Wish(offer_id=offer_id, quantity=Decimal(2), text="Once"), request_key=one)


async def test_an_offer_that_was_changed_or_withdrawn_is_not_asked_for_any_more(shop: Shop) -> None:
    offer_id = await shop.offer()
    old = await shop.version(offer_id)
    facts = {"name_en": "Dearer", "price": "3", "currency": "EUR", "unit": "job", "lead_days": "3"}
    await offering.restate_offer(shop.operator, offer_id, 1, facts)
    with pytest.raises(rules.OfferChanged):
        await shop.asked(offer_id=old)
    job_id = await shop.asked(offer_id=await shop.version(offer_id))
    await offering.withdraw_offer(shop.operator, offer_id, 2)
    with pytest.raises(rules.OfferChanged):
        await shop.asked(offer_id=(await queries.job(shop.exporter, job_id))["service_offer_id"])
    with pytest.raises(rules.NoSuchOffer):
        await queries.offer(shop.exporter, offer_id)
    assert (await queries.job(shop.exporter, job_id))["offer_price"] == 3


@pytest.mark.parametrize("kind", ["returns", "repair"])
async def test_returns_and_repairs_are_ordered_where_they_are_handled(shop: Shop, kind: str) -> None:
    offer_id = await shop.version(await shop.offer(kind))
    with pytest.raises(rules.HasItsOwnRoom):
        await shop.asked(offer_id=offer_id)


@pytest.mark.parametrize("days", [-1, 400])
async def test_everything_wrong_with_a_wish_is_said_at_once(shop: Shop, days: int) -> None:
    offer_id = await shop.version(await shop.offer("processing"))
    goods = await shop.item()
    wish = Wish(
        offer_id=offer_id,
        quantity=Decimal("1.5"),
        process="relabel",
        ins=[line(goods), actions.RecipeLine("NO-SUCH", 0)],
        outs=[line(goods, lot="X"), line(goods, condition="NEW")],
        wanted_on=clock.now().date() + timedelta(days=days),
        documents=[jobs.Document("love letter", "00" * 32)],
    )
    with pytest.raises(Invalid) as refused:
        await actions.request(shop.exporter, wish, request_key="")
    assert {fault.field for fault in refused.value.faults} == {
        *("quantity", "Idempotency-Key", "wanted_on", "documents.0.kind", "ins.1.item", "outs.0.lot"),
        "outs.1.condition",
    }


async def test_a_foreign_offer_file_or_job_is_refused(shop: Shop) -> None:
    job_id = await shop.quoted()
    revision = await shop.revision(job_id)
    stranger, elsewhere = await build.exporter(), await build.operator()
    await build.warehouse(elsewhere)
    elsewhere = await build.again(elsewhere)
    for foreign in (stranger, elsewhere):
        with pytest.raises(rules.NoSuchJob):
            await queries.job(foreign, job_id)
    with pytest.raises(rules.NoSuchJob):
        await quoting.answer(stranger, job_id, revision, accept=True)
    with pytest.raises(rules.NoSuchJob):
        await quoting.decline(elsewhere, job_id, revision, why="no")
    with pytest.raises(NotFound):
        await shop.asked(offer_id=values.new_id())
    foreign_photo = await build.photo(stranger)
    with pytest.raises(NotYourFile):
        await shop.asked(documents=[jobs.Document("invoice", foreign_photo)])
    assert await DB.value("select count(*) from service_job where warehouse_id = $1", shop.warehouse.id) == 1


async def test_each_party_does_its_own_part(shop: Shop) -> None:
    job_id = await shop.quoted()
    revision = await shop.revision(job_id)
    with pytest.raises(NotAllowed):
        await quoting.answer(shop.operator, job_id, revision, accept=True)
    with pytest.raises(NotAllowed):
        await quoting.decline(shop.exporter, job_id, revision, why="no")
    with pytest.raises(NotAllowed):
        await quoting.answer(await build.committee(), job_id, revision, accept=True)
    with pytest.raises(NotAllowed):
        await actions.request(
            shop.operator, Wish(offer_id=values.new_id(), quantity=Decimal(1), text="x"), request_key=key()
        )
    with pytest.raises(NotAllowed):
        await offering.create_offer(await build.operator(Role.OPERATOR_CLERK), {"warehouse": shop.warehouse.code})


async def test_a_quote_is_accepted_in_time_or_not_at_all(shop: Shop) -> None:
    job_id = await shop.quoted()
    await DB.run("update service_job set quote_expires_at = now() - interval '1 second' where id = $1", job_id)
    with pytest.raises(rules.QuoteExpired):
        await quoting.answer(shop.exporter, job_id, await shop.revision(job_id), accept=True)
    assert await quoting.expire_quotes(clock.now()) == 1
    assert await quoting.expire_quotes(clock.now()) == 0
    job = await queries.job(shop.exporter, job_id)
    assert (job["stage"], job["answer"]) == ("cancelled", "expired")
    with pytest.raises(rules.NotNow):
        await quoting.answer(shop.exporter, job_id, job["revision"], accept=True)
    rows = await stages_queries.history(shop.operator, Subject.SERVICE, job_id)
    assert rows[-1]["left_at"] is not None
    assert any("expired" in said for said in await shop.told(shop.operator))


async def test_two_people_who_answer_at_once_do_not_both_answer(shop: Shop) -> None:
    job_id = await shop.quoted()
    revision = await shop.revision(job_id)
    answers = await asyncio.gather(
        *(quoting.answer(shop.exporter, job_id, revision, accept=n % 2 == 0) for n in range(6)),
        return_exceptions=True,
    )
    assert sum(given is None for given in answers) == 1
    assert all(given is None or isinstance(given, Conflict) for given in answers)


async def test_an_answer_to_a_quote_that_was_replaced_is_refused(shop: Shop) -> None:
    job_id = await shop.quoted()
    read = await shop.revision(job_id)
    await shop.quote(job_id, price=Decimal(900))
    with pytest.raises(Conflict):
        await quoting.answer(shop.exporter, job_id, read, accept=True)
    assert await shop.stage(job_id) == "quoted"


async def test_bad_terms_are_refused_together(shop: Shop) -> None:
    job_id = await shop.asked()
    with pytest.raises(Invalid) as refused:
        await shop.quote(
            job_id, price=Decimal("-1"), currency="XXQ", quantity=Decimal(0), expires_at=clock.now(), note="x" * 3000
        )
    assert {fault.field for fault in refused.value.faults} == {"price", "currency", "quantity", "expires_at", "note"}
    assert await shop.stage(job_id) == "requested"


async def test_a_job_is_declined_turned_down_or_cancelled_with_a_reason(shop: Shop) -> None:
    declined, turned_down, cancelled = await shop.asked(), await shop.quoted(), await shop.accepted()
    with pytest.raises(Invalid):
        await quoting.decline(shop.operator, declined, await shop.revision(declined), why=" ")
    await quoting.decline(shop.operator, declined, await shop.revision(declined), why="No broker there")
    await quoting.answer(shop.exporter, turned_down, await shop.revision(turned_down), accept=False, why="Too dear")
    await quoting.cancel(shop.exporter, cancelled, await shop.revision(cancelled))
    assert [await shop.stage(each) for each in (declined, turned_down, cancelled)] == [
        *("refused", "refused", "cancelled")
    ]
    assert (await queries.job(shop.exporter, declined))["ending"] == "No broker there"
    assert (await queries.job(shop.operator, turned_down))["ending"] == "Too dear"


async def test_documents_are_added_by_either_side_until_the_job_is_over(shop: Shop) -> None:
    job_id = await shop.asked()
    invoice, answer = await build.photo(shop.exporter), await build.photo(shop.operator)
    await jobs_add(shop, job_id, "invoice", invoice, by_owner=True)
    await jobs_add(shop, job_id, "registration", answer, by_owner=False)
    job = await queries.job(shop.exporter, job_id)
    assert [row["kind"] for row in await queries.documents(shop.exporter, job)] == ["invoice", "registration"]
    with pytest.raises(NotYourFile):
        await jobs_add(shop, job_id, "invoice", answer, by_owner=True)
    with pytest.raises(Invalid):
        await jobs_add(shop, job_id, "secret", invoice, by_owner=True)
    await quoting.cancel(shop.exporter, job_id, await shop.revision(job_id))
    with pytest.raises(rules.NotNow):
        await jobs_add(shop, job_id, "invoice", invoice, by_owner=True)


async def jobs_add(shop: Shop, job_id: uuid.UUID, kind: str, digest: str, *, by_owner: bool) -> None:
    viewer = shop.exporter if by_owner else shop.operator
    await actions.add_documents(viewer, job_id, [jobs.Document(kind, digest)])


async def test_lists_show_what_their_reader_may_see(shop: Shop) -> None:
    job_id = await shop.quoted()
    number = (await queries.job(shop.operator, job_id))["number"]
    seen = {}
    for name, viewer in (
        ("exporter", shop.exporter),
        ("operator", shop.operator),
        ("committee", await build.committee()),
        ("stranger", await build.exporter()),
        ("elsewhere", await build.operator()),
    ):
        page = await queries.JOBS.page(queries.job_clauses(viewer, {"number": number}))
        seen[name] = len(page.rows)
    assert seen == {"exporter": 1, "operator": 1, "committee": 1, "stranger": 0, "elsewhere": 0}
    mine = await queries.JOBS.page(queries.job_clauses(shop.exporter, {"stage": "mine", "kind": "customs"}))
    assert [row["id"] for row in mine.rows] == [job_id]
    assert not (await queries.JOBS.page(queries.job_clauses(shop.operator, {"stage": "mine"}))).rows
    with pytest.raises(Invalid):
        queries.job_clauses(shop.exporter, {"stage": "gone", "kind": "dance"})


async def test_the_catalogue_is_public_and_shows_what_is_offered_now(shop: Shop) -> None:
    customs, hidden = await shop.offer("customs"), await shop.offer("finance")
    await offering.withdraw_offer(shop.operator, hidden, 1)
    for viewer in (None, shop.exporter):
        page = await queries.OFFERS.page(queries.offer_clauses(viewer, {"warehouse": shop.warehouse.code}))
        assert [row["offer_id"] for row in page.rows] == [customs]
    own = await queries.OFFERS.page(queries.offer_clauses(shop.operator, {"warehouse": shop.warehouse.code}))
    assert {row["offer_id"] for row in own.rows} == {customs, hidden}
    draft = await build.warehouse(shop.operator, status="draft")
    facts = {"kind": "customs", "name_en": "Secret", "unit": "job", "lead_days": "1", "warehouse": draft.code}
    secret = await offering.create_offer(await build.again(shop.operator), facts)
    with pytest.raises(rules.NoSuchOffer):
        await queries.offer(shop.exporter, secret)


async def test_an_offer_is_stated_anew_by_one_of_two_managers(shop: Shop) -> None:
    offer_id = await shop.offer()
    facts = {"name_en": "New", "unit": "job", "lead_days": "1", "name_zh": "新", "documents": "invoice,origin"}
    outcomes = await asyncio.gather(
        *(offering.restate_offer(shop.operator, offer_id, 1, {**facts, "name_ar": f"{n}"}) for n in range(4)),
        return_exceptions=True,
    )
    assert sum(each is None for each in outcomes) == 1
    with pytest.raises(Conflict):
        await offering.restate_offer(shop.operator, offer_id, 1, facts)
    with pytest.raises(Conflict):
        await offering.restate_offer(shop.operator, offer_id, 7, facts)
    with pytest.raises(rules.NoSuchOffer):
        await offering.withdraw_offer(await build.operator(), offer_id, 2)
    row = await queries.offer(None, offer_id)
    assert (row["version"], row["documents"], row["price"]) == (2, ["invoice", "origin"], None)


async def test_everything_wrong_with_an_offer_is_said_at_once(shop: Shop) -> None:
    with pytest.raises(Invalid) as refused:
        await shop.offer("dancing", name_en="", price="x", unit="mile", lead_days="400", documents="invoice,secret")
    assert {fault.field for fault in refused.value.faults} == {
        *("kind", "name", "price", "unit", "lead_days", "documents")
    }


async def test_a_returned_unit_opens_a_job_within_the_callers_transaction(shop: Shop) -> None:
    goods = await shop.item()
    unit, one, now = values.new_id(), key(), clock.now()

    async def opened() -> actions.Requested:
        async with DB.transaction():
            return await actions.request_from_return(
                shop.operator,
                warehouse_id=shop.warehouse.id,
                owner_id=shop.exporter.organisation_id,
                item_id=goods.id,
                lot_id=0,
                condition=4,
                quantity=3,
                unit_code="R123U1",
                return_unit_id=unit,
                note="new label",
                request_key=one,
                at=now,
            )

    made = await opened()
    assert (await opened()).repeated
    job = await queries.job(shop.exporter, made.id)
    assert (job["kind"], job["process"], job["return_unit_id"], job["quantity"]) == ("processing", "relabel", unit, 3)
    recipe = await queries.recipe(shop.exporter, job)
    assert [(row["side"], row["item"], row["condition"]) for row in recipe] == [
        *(("in", goods.code, 4), ("out", goods.code, 1))
    ]
    await shop.quote(made.id)
    assert await shop.stage(made.id) == "quoted"
