"""Whole repairs: what goes through the ledger, what is charged, who is told, and what is refused on the way."""

import asyncio
import itertools
from datetime import timedelta
from decimal import Decimal

import pytest

from backend.access.rules import Role, Viewer
from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed
from backend.messages import queries as messages_queries
from backend.repairs import actions, bench, ending, orders, quoting, rules
from backend.repairs.rules import Stage
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from backend.stock import actions as stock_actions
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules
from backend.stock.rules import Condition
from tests import build
from tests.repairs.shop import Shop, fresh, shop

pytestmark = pytest.mark.usefixtures("database")


def fields(refused: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {fault.field for fault in refused.value.faults}


async def told(viewer: Viewer) -> list[str]:
    """What an organisation heard, latest first."""
    clauses = messages_queries.notification_clauses(viewer, {})
    page = await messages_queries.notifications(viewer).page(clauses, limit=20)
    return [messages_queries.said(row) for row in page.rows]


async def stays(made: Shop, order_id: object) -> list[str]:
    """The stages an order has been in, the open one last; each begins when the one before ends."""
    rows = await stages_queries.history(made.operator, Subject.REPAIR, order_id)  # type: ignore[arg-type]
    for before, after in itertools.pairwise(rows):
        assert before["left_at"] == after["entered_at"]
    return [row["stage"] for row in rows]


# ----------------------------------------------------------------------------------------------------------- the way


async def test_a_unit_is_diagnosed_quoted_approved_repaired_tested_and_finished() -> None:
    made = await shop()
    order_id = await made.diagnosed("MA_BEARING", serial="SN-1")
    quote_id = await made.quote(order_id, pieces=2, minutes=90)
    assert (await made.seen(order_id))["stage"] == Stage.QUOTED
    assert any("85.00 EUR" in each for each in await told(made.exporter))
    await made.answer(order_id, quote_id)
    assert any("approved" in each for each in await told(made.operator))
    await made.use(order_id, 2)
    await made.work(order_id, 60)
    await made.work(order_id, 50, done=True)
    await made.tested(order_id)
    await made.finish(order_id)
    order = await made.seen(order_id)
    assert (order["stage"], order["location"], order["condition"]) == (Stage.FINISHED, made.bins[2], Condition.GOOD)
    assert order["ended_at"] is not None
    assert order["technician_id"] == made.operator.user_id
    assert await made.pieces(made.machine, made.bins[2], Condition.GOOD) == 1
    assert await made.pieces(made.machine, "WORKSHOP", Condition.QUARANTINE) == 0
    assert await made.pieces(made.part, made.bins[1], Condition.GOOD) == 18
    charges = await made.charges(order_id)
    assert [(each["activity"], each["quantity"], each["price"]) for each in charges] == [
        ("repair_part", 2, Decimal("12.5")),
        ("repair_labour", 1, 40),
        ("repair_labour", Decimal("0.5"), 40),
    ]
    assert sum(each["amount"] for each in charges) == 85
    assert await stays(made, order_id) == ["diagnosing", "quoted", "repairing", "testing"]
    assert any("is finished" in each for each in await told(made.exporter))
    assert await stock_queries.differences() == []


async def test_more_minutes_than_agreed_are_kept_but_not_charged() -> None:
    made = await shop()
    order_id = await made.approved(pieces=0, minutes=30)
    await made.work(order_id, 45)
    await made.work(order_id, 15)
    assert [each["quantity"] for each in await made.charges(order_id)] == [Decimal("0.5")]
    kept = await DB.fetch("select minutes, rate from repair_labour where order_id = $1 order by id", order_id)
    assert [(row["minutes"], row["rate"]) for row in kept] == [(30, 40), (15, None), (15, None)]


async def test_a_further_quote_adds_parts_and_its_refusal_goes_on_with_the_first() -> None:
    made = await shop()
    order_id = await made.approved(pieces=1, price="10", minutes=60)
    with pytest.raises(rules.NotAgreed) as refused:
        await made.use(order_id, 2)
    assert fields(refused) == {"parts.0.quantity"}
    further = await made.quote(order_id, pieces=1, price="11", minutes=30)
    await made.answer(order_id, further, approve=False)
    assert (await made.seen(order_id))["stage"] == Stage.REPAIRING
    await made.answer(order_id, await made.quote(order_id, pieces=1, price="11", minutes=0))
    await made.use(order_id, 2)
    parts = [each for each in await made.charges(order_id) if each["activity"] == "repair_part"]
    assert [(each["quantity"], each["price"]) for each in parts] == [(1, 10), (1, 11)]
    assert await made.pieces(made.part, made.bins[1], Condition.GOOD) == 18


async def test_a_refused_quote_leads_to_another_or_to_giving_up() -> None:
    made = await shop()
    order_id = await made.diagnosed()
    await made.answer(order_id, await made.quote(order_id), approve=False, note="Too dear")
    order = await made.seen(order_id)
    assert order["stage"] == Stage.DIAGNOSING
    assert any("Too dear" in each for each in await told(made.operator))
    with pytest.raises(rules.WrongStage):
        await made.use(order_id)
    await ending.give_up(made.operator, order_id, location=made.bins[2], note="Owner refused", request_key=fresh())
    assert await made.pieces(made.machine, made.bins[2], Condition.DAMAGED) == 1
    assert await made.charges(order_id) == []
    assert await stock_queries.differences() == []


async def test_a_failed_test_sends_the_unit_back_and_only_a_passed_one_lets_it_go() -> None:
    made = await shop()
    order_id = await made.approved()
    for early in ("repairing", "testing"):
        with pytest.raises(rules.Untested):
            await made.finish(order_id)
        assert (await made.seen(order_id))["stage"] == early
        if early == "repairing":
            await made.work(order_id, 30, done=True)
    await made.tested(order_id, works="bad")
    assert (await made.seen(order_id))["stage"] == Stage.REPAIRING
    await made.work(order_id, 0, done=True)
    with pytest.raises(rules.Untested):
        await made.finish(order_id)
    await made.tested(order_id, load_run="na")
    await made.finish(order_id, condition="SECOND")
    assert await made.pieces(made.machine, made.bins[2], Condition.SECOND) == 1
    assert await stays(made, order_id) == ["diagnosing", "quoted", *(["repairing", "testing"] * 2)]


async def test_under_warranty_the_owner_pays_nothing_and_it_is_on_record() -> None:
    made = await shop()
    today = clock.business_day(clock.now(), "Europe/Berlin")
    order_id = await made.diagnosed("MA_BEARING", serial="W-1", warranty_from=today, warranty_months=12)
    assert (await made.seen(order_id))["covered"] is True
    quote_id = await made.quote(order_id)
    quote = await DB.row("select * from repair_quote where id = $1", quote_id)
    assert quote is not None
    assert (quote["total"], quote["labour_rate"], quote["labour_list_rate"]) == (0, 0, 40)
    await made.answer(order_id, quote_id)
    await made.use(order_id, 2)
    await made.work(order_id, 90)
    charges = await made.charges(order_id)
    assert [(each["quantity"], each["price"], each["amount"]) for each in charges] == [
        (2, 0, 0),
        (Decimal("1.5"), 0, 0),
    ]


async def test_what_its_user_did_is_not_covered() -> None:
    made = await shop()
    today = clock.business_day(clock.now(), "Europe/Berlin")
    order_id = await made.diagnosed("LIQUID", "MA_ENGINE", warranty_from=today, warranty_months=12)
    assert (await made.seen(order_id))["covered"] is False
    quote = await DB.value("select total from repair_quote where id = $1", await made.quote(order_id))
    assert quote == 85


# --------------------------------------------------------------------------------------------------- diagnosis, quote


async def test_a_quote_needs_a_diagnosis_that_says_repairable() -> None:
    made = await shop()
    fresh_one = await made.from_stock()
    with pytest.raises(rules.NotDiagnosed):
        await made.quote(fresh_one.id)
    hopeless = await made.diagnosed("MA_ENGINE", repairable=False)
    with pytest.raises(rules.NotRepairable):
        await made.quote(hopeless)
    again = {"codes": ["MA_GEAR"], "repairable": True, "note": "Gear only"}
    await actions.diagnose(made.operator, hopeless, **again, request_key=fresh())  # type: ignore[arg-type]
    await made.quote(hopeless)
    assert (await made.seen(hopeless))["fault_codes"] == ["MA_GEAR"]


async def test_a_bad_quote_is_refused_whole() -> None:
    made, other = await shop(), await shop()
    order_id = await made.diagnosed()
    with pytest.raises(Invalid) as refused:
        await made.quote(
            order_id,
            parts=[
                quoting.PartAsked(other.part.code, 1, Decimal(1)),
                quoting.PartAsked(made.part.code, 0, Decimal("-1")),
            ],
            rate="-3",
            currency="XXQ",
            expires_at=clock.now(),
        )
    assert fields(refused) == {
        *("parts.0.item", "parts.1.quantity", "parts.1.price", "rate", "currency", "expires_at"),
    }
    assert (await made.seen(order_id))["stage"] == Stage.DIAGNOSING


async def test_an_expired_quote_is_not_answered_and_ends_once() -> None:
    made = await shop()
    order_id = await made.diagnosed()
    quote_id = await made.quote(order_id, expires_at=clock.now() + timedelta(seconds=0.3))
    other_id = await made.diagnosed()
    await made.quote(other_id)
    await asyncio.sleep(0.35)
    with pytest.raises(rules.QuoteExpired):
        await made.answer(order_id, quote_id)
    counts = await asyncio.gather(*(quoting.expire_quotes(clock.now()) for _ in range(3)))
    assert sum(counts) == 1
    assert (await made.seen(order_id))["stage"] == Stage.DIAGNOSING
    assert (await made.seen(other_id))["stage"] == Stage.QUOTED
    assert await stays(made, order_id) == ["diagnosing", "quoted", "diagnosing"]
    for party in (made.exporter, made.operator):
        assert sum("expired" in each for each in await told(party)) == 1
    with pytest.raises(rules.QuoteExpired):
        await made.answer(order_id, quote_id)
    await made.answer(order_id, await made.quote(order_id))


async def test_an_answer_and_the_clock_at_the_same_moment_leave_one_outcome() -> None:
    made = await shop()
    for _ in range(5):
        order_id = await made.diagnosed()
        quote_id = await made.quote(order_id, expires_at=clock.now() + timedelta(seconds=0.25))
        later = clock.now() + timedelta(days=1)
        answer, ended = await asyncio.gather(
            made.answer(order_id, quote_id), quoting.expire_quotes(later), return_exceptions=True
        )
        state = await DB.value("select state from repair_quote where id = $1", quote_id)
        stage = (await made.seen(order_id))["stage"]
        if answer is None:
            assert (state, stage) == ("approved", Stage.REPAIRING)
        else:
            assert isinstance(answer, rules.QuoteExpired)
            assert (state, stage) == ("expired", Stage.DIAGNOSING)
        assert not isinstance(ended, BaseException)


async def test_of_two_answers_one_counts() -> None:
    made = await shop()
    order_id = await made.diagnosed()
    quote_id = await made.quote(order_id)
    answers = await asyncio.gather(
        made.answer(order_id, quote_id), made.answer(order_id, quote_id, approve=False), return_exceptions=True
    )
    assert sum(each is None for each in answers) == 1
    assert sum(isinstance(each, rules.AlreadyAnswered) for each in answers) == 1


async def test_a_withdrawn_quote_is_not_answered() -> None:
    made = await shop()
    order_id = await made.diagnosed()
    quote_id = await made.quote(order_id)
    await quoting.withdraw(made.operator, order_id, note="Wrong part", request_key="w")
    assert (await quoting.withdraw(made.operator, order_id, note="Wrong part", request_key="w")).repeated
    with pytest.raises(rules.AlreadyAnswered):
        await made.answer(order_id, quote_id)
    with pytest.raises(rules.NoSuchQuote):
        await made.answer(await made.diagnosed(), quote_id)


async def test_a_refusal_says_why() -> None:
    made = await shop()
    order_id = await made.diagnosed()
    quote_id = await made.quote(order_id)
    with pytest.raises(Invalid) as refused:
        await quoting.answer(made.exporter, order_id, quote_id=quote_id, approve=False, note=" ", request_key=fresh())
    assert fields(refused) == {"note"}


# -------------------------------------------------------------------------------------------------------------- parts


async def test_parts_that_are_not_there_are_refused_and_nothing_is_booked() -> None:
    made = await shop()
    order_id = await made.approved(pieces=50)
    with pytest.raises(stock_rules.NotEnoughFree) as refused:
        await made.use(order_id, 21)
    assert fields(refused) == {"parts.0.quantity"}
    assert refused.value.faults[0].facts["free"] == 20
    for wrong, field in (
        ({"location": "NOWHERE"}, "parts.0.location"),
        ({"location": "SUPPLIER"}, "parts.0.location"),
        ({"item": "NOTHING"}, "parts.0.item"),
        ({"condition": "DAMAGED"}, "parts.0.condition"),
        ({"lot": "L-9"}, "parts.0.lot"),
        ({"quantity": 0}, "parts.0.quantity"),
    ):
        with pytest.raises(Invalid) as bad:
            await made.use(order_id, **wrong)  # type: ignore[arg-type]
        assert fields(bad) == {field}
    assert await made.pieces(made.part, made.bins[1], Condition.GOOD) == 20
    assert await made.charges(order_id) == []


async def test_parts_are_used_once_whoever_sends_twice() -> None:
    made = await shop()
    order_id = await made.approved()
    taken = [bench.PartTaken(made.part.code, made.bins[1], 1)]
    answers = await asyncio.gather(
        *(bench.use_parts(made.operator, order_id, parts=taken, note="", request_key="same") for _ in range(4))
    )
    assert len({each.id for each in answers}) == 1
    assert sum(not each.repeated for each in answers) == 1
    assert await made.pieces(made.part, made.bins[1], Condition.GOOD) == 19
    with pytest.raises(stock_rules.SameKeyOtherRequest):
        await bench.use_parts(made.operator, order_id, parts=taken * 2, note="", request_key="same")


async def test_wrong_parts_go_back_once_with_their_charge_and_their_place_in_the_quote() -> None:
    made = await shop()
    order_id = await made.approved(pieces=2)
    step = await made.use(order_id, 2)
    with pytest.raises(Invalid) as refused:
        await bench.undo_parts(made.operator, order_id, use_id=step, note="", request_key=fresh())
    assert fields(refused) == {"note"}
    await bench.undo_parts(made.operator, order_id, use_id=step, note="Wrong motor", request_key=fresh())
    with pytest.raises(rules.AlreadyUndone):
        await bench.undo_parts(made.operator, order_id, use_id=step, note="Again", request_key=fresh())
    assert await made.pieces(made.part, made.bins[1], Condition.GOOD) == 20
    assert sum(each["amount"] for each in await made.charges(order_id)) == 0
    await made.use(order_id, 2)
    assert sum(each["amount"] for each in await made.charges(order_id)) == 25
    assert await stock_queries.differences() == []


async def test_the_documents_of_a_repair_are_not_reversed_behind_its_back() -> None:
    made = await shop()
    order_id = await made.approved()
    step = await made.use(order_id)
    document = await DB.value("select document_id from part_use where id = $1", step)
    with pytest.raises(stock_rules.UndoneElsewhere):
        await stock_actions.reverse(made.operator, made.warehouse.id, document, note="Oops")


async def test_a_recovered_part_is_never_good() -> None:
    made = await shop()
    order_id = await made.approved()

    async def recover(condition: str, note: str = "") -> None:
        part = bench.PartTaken(made.part.code, "WORKSHOP", 1, condition=condition)
        await bench.recover_part(made.operator, order_id, part=part, note=note, request_key=fresh())

    await recover("DAMAGED")
    with pytest.raises(Invalid) as refused:
        await recover("GOOD")
    assert fields(refused) == {"parts.0.condition"}
    with pytest.raises(Invalid) as unsaid:
        await recover("SECOND")
    assert fields(unsaid) == {"note"}
    await recover("SECOND", "Ran an hour on the bench")
    assert await made.pieces(made.part, "WORKSHOP", Condition.DAMAGED) == 1
    assert await made.pieces(made.part, "WORKSHOP", Condition.SECOND) == 1
    assert await made.pieces(made.part, "WORKSHOP", Condition.GOOD) == 0
    assert await made.charges(order_id) == []
    assert await stock_queries.differences() == []


# -------------------------------------------------------------------------------------------------------------- ending


async def test_a_unit_leaves_once_however_often_it_is_sent() -> None:
    made = await shop()
    order_id = await made.approved()
    await made.work(order_id, 10, done=True)
    await made.tested(order_id)
    given = {"location": made.bins[2], "condition": "GOOD", "note": ""}
    answers = await asyncio.gather(
        *(ending.finish(made.operator, order_id, **given, request_key="out") for _ in range(3)),
        ending.finish(made.operator, order_id, **given, request_key="other"),
        ending.give_up(made.operator, order_id, location=made.bins[1], note="No", request_key="third"),
        return_exceptions=True,
    )
    assert all(isinstance(each, orders.Done | rules.WrongStage) for each in answers), answers
    order = await made.seen(order_id)
    documents = await DB.value("select count(*) from document where reference = $1", order["number"])
    assert documents == 2
    assert await stock_queries.differences() == []


@pytest.mark.parametrize(
    ("location", "condition", "wrong"),
    [
        ("WORKSHOP", "GOOD", "location"),
        ("NOWHERE", "GOOD", "location"),
        ("BIN", "DAMAGED", "condition"),
        ("BIN", "", "condition"),
    ],
)
async def test_a_repaired_unit_leaves_the_workshop_in_a_condition_of_its_own(
    location: str, condition: str, wrong: str
) -> None:
    made = await shop()
    order_id = await made.approved()
    await made.work(order_id, 10, done=True)
    await made.tested(order_id)
    with pytest.raises(Invalid) as refused:
        await made.finish(order_id, location=location.replace("BIN", made.bins[2]), condition=condition)
    assert fields(refused) == {wrong}


@pytest.mark.parametrize("stage", ["diagnosing", "quoted", "repairing", "testing"])
async def test_a_unit_is_given_up_at_every_step(stage: str) -> None:
    made = await shop()
    order_id = await made.diagnosed()
    quote_id = await made.quote(order_id) if stage != "diagnosing" else None
    if quote_id and stage != "quoted":
        await made.answer(order_id, quote_id)
        if stage == "testing":
            await made.work(order_id, 10, done=True)
    assert (await made.seen(order_id))["stage"] == stage
    with pytest.raises(Invalid) as refused:
        await ending.give_up(made.operator, order_id, location="", note="", request_key=fresh())
    assert fields(refused) == {"location", "note"}
    await ending.give_up(made.operator, order_id, location="WORKSHOP", note="Beyond repair", request_key=fresh())
    order = await made.seen(order_id)
    assert (order["stage"], order["location"], order["condition"]) == ("given_up", "WORKSHOP", Condition.DAMAGED)
    if quote_id:
        state = await DB.value("select state from repair_quote where id = $1", quote_id)
        assert state == ("withdrawn" if stage == "quoted" else "approved")
    assert any("given up" in each for each in await told(made.exporter))
    assert await stock_queries.differences() == []


async def test_a_damaged_unit_that_stays_in_the_workshop_moves_nothing() -> None:
    made = await shop()
    order_id = await made.from_return(condition=Condition.DAMAGED)
    await ending.give_up(made.operator, order_id, location="WORKSHOP", note="Burnt", request_key=fresh())
    assert (await made.seen(order_id))["end_document_id"] is None
    assert await made.pieces(made.machine, "WORKSHOP", Condition.DAMAGED) == 1


async def test_a_returned_unit_goes_all_the_way() -> None:
    made = await shop()
    order_id = await made.from_return(condition=Condition.DAMAGED, serial="R-1")
    given = {"codes": ["MA_GEAR"], "repairable": True, "note": ""}
    await actions.diagnose(made.operator, order_id, **given, request_key=fresh())  # type: ignore[arg-type]
    await made.answer(order_id, await made.quote(order_id))
    await made.use(order_id)
    await made.work(order_id, 60, done=True)
    await made.tested(order_id)
    await made.finish(order_id, condition="SECOND")
    assert await made.pieces(made.machine, made.bins[2], Condition.SECOND) == 1
    assert await stock_queries.differences() == []


# -------------------------------------------------------------------------------------------------------------- rights


async def test_only_the_owner_answers_and_only_its_manager() -> None:
    made, other = await shop(), await shop()
    order_id = await made.diagnosed()
    quote_id = await made.quote(order_id)

    async def answer(viewer: Viewer) -> None:
        given = {"quote_id": quote_id, "approve": True, "note": ""}
        await quoting.answer(viewer, order_id, **given, request_key=fresh())  # type: ignore[arg-type]

    for viewer, refusal in (
        (other.exporter, rules.NoSuchOrder),
        (other.operator, rules.NoSuchOrder),
        (made.operator, rules.NotYourUnit),
        (await build.committee(), rules.NotYourUnit),
        (await build.exporter(Role.EXPORTER_CLERK), rules.NoSuchOrder),
    ):
        with pytest.raises(refusal):
            await answer(viewer)


async def test_only_the_operator_works_at_its_bench() -> None:
    made, other = await shop(), await shop()
    order_id = await made.approved()
    for viewer, refusal in ((other.operator, rules.NoSuchOrder), (made.exporter, NotAllowed)):
        part = bench.PartTaken(made.part.code, made.bins[1], 1)
        finding = {"codes": ["DEAD"], "repairable": True, "note": ""}
        ends = {"location": made.bins[2], "note": "x"}
        for act in (
            actions.diagnose(viewer, order_id, **finding, request_key=fresh()),  # type: ignore[arg-type]
            actions.assign(viewer, order_id, technician_id=None, revision=1),
            ending.finish(viewer, order_id, **ends, condition="GOOD", request_key=fresh()),
            ending.give_up(viewer, order_id, **ends, request_key=fresh()),
            bench.use_parts(viewer, order_id, parts=[part], note="", request_key=fresh()),
            bench.recover_part(viewer, order_id, part=part, note="", request_key=fresh()),
            bench.work(viewer, order_id, minutes=1, note="", done=False, request_key=fresh()),
            bench.record_test(viewer, order_id, answers={}, note="", request_key=fresh()),
            quoting.withdraw(viewer, order_id, note="", request_key=fresh()),
        ):
            with pytest.raises(refusal):
                await act


async def test_a_work_order_is_taken_and_given_under_a_lock() -> None:
    made, other = await shop(), await shop()
    order_id = (await made.from_stock()).id
    revision = (await made.seen(order_id))["revision"]
    me = made.operator.user_id
    await actions.assign(made.operator, order_id, technician_id=me, revision=revision)
    assert (await made.seen(order_id))["technician"] == made.operator.name
    with pytest.raises(Conflict):
        await actions.assign(made.operator, order_id, technician_id=None, revision=revision)
    with pytest.raises(Invalid):
        await actions.assign(made.operator, order_id, technician_id=other.operator.user_id, revision=revision + 1)
    await actions.assign(made.operator, order_id, technician_id=None, revision=revision + 1)
    assert (await made.seen(order_id))["technician"] is None
