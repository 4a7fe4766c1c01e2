"""What becomes of graded goods is their owner's to say: once, before the time is over, for grades that allow it."""

import asyncio
from datetime import timedelta

import pytest

from backend.access.rules import Role
from backend.core import clock, values
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed
from backend.returns import decisions, dispositions, grading, receiving, steps
from backend.returns.arrivals import Arrived
from backend.returns.rules import Disposition, Grade
from backend.stock.rules import SameKeyOtherRequest
from tests import build
from tests.returns.bench import Bench, colleague, key

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
async def bench(database: str) -> Bench:
    return await Bench.make()


async def agreed(bench: Bench, days: int = 5, **defaults: str) -> None:
    """The exporter agrees to terms."""
    await DB.run(
        "insert into return_terms (owner_id, id, decide_days, defaults, user_id) values ($1, $2, $3, $4, $5)",
        bench.exporter.organisation_id,
        values.new_id(),
        days,
        defaults,
        bench.exporter.user_id,
    )


# ------------------------------------------------------------------------------------------------------------- rules


def test_only_goods_like_new_are_good_again() -> None:
    assert {grade for grade in Grade if decisions.may_become(grade, Disposition.RESTOCK)} == {Grade.A}
    assert {grade for grade in Grade if decisions.may_become(grade, Disposition.SECOND)} == {Grade.A, Grade.B}
    for kind in set(Disposition) - {Disposition.RESTOCK, Disposition.SECOND}:
        assert all(decisions.may_become(grade, kind) for grade in Grade)
    assert decisions.possible_kinds(["A", "C"]) == [
        *(Disposition.RELABEL, Disposition.REPAIR, Disposition.SEND_HOME, Disposition.DONATE, Disposition.SCRAP),
    ]


# ------------------------------------------------------------------------------------------------------------ decide


async def test_the_owner_decides_many_units_at_once(bench: Bench) -> None:
    first, second = await bench.graded("A", 2), await bench.graded("B", 1)
    request_key = key()
    done = await dispositions.decide(
        bench.exporter, [*first, *second], kind="SECOND", note="outlet", request_key=request_key
    )
    assert set(done.units) == {*first, *second}
    for code in done.units:
        unit = await bench.unit(code)
        assert (unit["state"], unit["disposition"]) == ("decided", "SECOND")
    assert await bench.stage(await bench.of_unit(first[0])) == ("working", "working")
    again = await dispositions.decide(
        bench.exporter, [*first, *second], kind="SECOND", note="outlet", request_key=request_key
    )
    assert (set(again.units), again.repeated) == (set(done.units), True)
    with pytest.raises(SameKeyOtherRequest):
        await dispositions.decide(bench.exporter, first, kind="SCRAP", request_key=request_key)


async def test_units_are_decided_differently_in_one_go(bench: Bench) -> None:
    good, flawed = await bench.graded("A"), await bench.graded("B")
    with pytest.raises(Invalid):
        wishes = {"SCRAP": good, "RESTOCK": flawed}
        await dispositions.decide_each(bench.exporter, wishes, request_key=key())
    assert (await bench.unit(good[0]))["state"] == "graded", "nothing half done"
    request_key = key()
    for repeated in (False, True):
        done = await dispositions.decide_each(
            bench.exporter, {"RESTOCK": good, "SECOND": flawed}, request_key=request_key
        )
        assert (set(done.units), done.repeated) == ({*good, *flawed}, repeated)
    with pytest.raises(Invalid):
        await dispositions.decide_each(bench.exporter, {}, request_key=key())


async def test_a_grade_forbids_some_ways(bench: Bench) -> None:
    good, flawed = await bench.graded("A"), await bench.graded("B")
    with pytest.raises(Invalid) as refused:
        await dispositions.decide(bench.exporter, [*good, *flawed], kind="RESTOCK", request_key=key())
    (fault,) = refused.value.faults
    assert fault.value == flawed[0]
    assert (await bench.unit(good[0]))["state"] == "graded", "nothing half done"
    with pytest.raises(Invalid):
        await dispositions.decide(bench.exporter, good, kind="BURN", request_key=key())
    with pytest.raises(Invalid):
        await dispositions.decide(bench.exporter, [], kind="SCRAP", request_key=key())
    (pile,) = await bench.graded("C", 55)
    with pytest.raises(Invalid) as several:
        await dispositions.decide(bench.exporter, [pile], kind="REPAIR", request_key=key())
    assert "55 pieces" in several.value.faults[0].sentence % several.value.faults[0].facts


async def test_a_decision_follows_the_grade_and_is_made_once(bench: Bench) -> None:
    (fresh,) = await bench.received(1)
    with pytest.raises(decisions.NotGradedYet):
        await dispositions.decide(bench.exporter, [fresh], kind="SCRAP", request_key=key())
    await grading.grade(bench.operator, await bench.look([fresh]), request_key=key())
    await grading.ask_regrade(bench.exporter, [fresh], note="look again")
    with pytest.raises(decisions.RegradePending):
        await dispositions.decide(bench.exporter, [fresh], kind="SCRAP", request_key=key())
    await grading.withdraw_regrade(bench.exporter, [fresh])
    await dispositions.decide(bench.exporter, [fresh], kind="SCRAP", request_key=key())
    with pytest.raises(decisions.AlreadyDecided) as twice:
        await dispositions.decide(bench.exporter, [fresh], kind="DONATE", request_key=key())
    assert "Scrap" in str(twice.value)
    with pytest.raises(steps.NotToBeGraded):
        await grading.grade(bench.operator, await bench.look([fresh], note="x"), request_key=key())
    with pytest.raises(steps.NoRegrade):
        await grading.ask_regrade(bench.exporter, [fresh], note="too late")


async def test_only_the_owners_manager_decides(bench: Bench) -> None:
    units = await bench.graded()
    clerk = await colleague(bench.exporter, Role.EXPORTER_CLERK)
    for nobody in (bench.operator, clerk, await build.committee()):
        with pytest.raises(NotAllowed):
            await dispositions.decide(nobody, units, kind="SCRAP", request_key=key())
    with pytest.raises(steps.NoSuchUnit):
        await dispositions.decide(await build.exporter(), units, kind="SCRAP", request_key=key())
    other = await Bench.make()
    with pytest.raises(steps.NoSuchUnit):
        await dispositions.decide(bench.exporter, [*units, *await other.graded()], kind="SCRAP", request_key=key())
    assert (await bench.unit(units[0]))["state"] == "graded"


async def test_of_two_who_decide_at_once_one_is_told(bench: Bench) -> None:
    units = await bench.graded("A", 3)
    other = await colleague(bench.exporter)

    async def one(who: object, kind: str) -> str:
        try:
            await dispositions.decide(who, units, kind=kind, request_key=key())  # type: ignore[arg-type]
        except Conflict as refusal:
            return refusal.code
        return kind

    told = await asyncio.gather(one(bench.exporter, "SCRAP"), one(other, "DONATE"))
    assert "AlreadyDecided" in told
    (winner,) = set(told) - {"AlreadyDecided"}
    assert {(await bench.unit(code))["disposition"] for code in units} == {winner}
    assert (
        await DB.value(
            "select count(*) from disposition d join return_unit u on u.id = d.unit_id where u.code = any($1)", units
        )
        == 3
    )


async def test_surplus_goods_are_decided_after_the_investigation(bench: Bench) -> None:
    booked = await bench.booked(1)
    two = [Arrived(line_no=1, quantity=2)]
    done = await receiving.receive(bench.operator, bench.place, booked.number, two, request_key=key(), surplus=True)
    await grading.grade(bench.operator, await bench.look(done.units), request_key=key())
    await dispositions.decide(bench.exporter, done.units[:1], kind="RESTOCK", request_key=key())
    with pytest.raises(decisions.UnderInvestigation):
        await dispositions.decide(bench.exporter, done.units[1:], kind="RESTOCK", request_key=key())


# ------------------------------------------------------------------------------------------------------------ revoke


async def test_a_decision_is_taken_back_with_a_reason(bench: Bench) -> None:
    (unit,) = await bench.decided("SCRAP")
    with pytest.raises(Invalid):
        await dispositions.revoke(bench.exporter, [unit], note=" ")
    with pytest.raises(NotAllowed):
        await dispositions.revoke(bench.operator, [unit], note="x")
    await dispositions.revoke(bench.exporter, [unit], note="found a buyer")
    row = await bench.unit(unit)
    assert (row["state"], row["disposition"]) == ("graded", None)
    assert await bench.stage(await bench.of_unit(unit)) == ("deciding", "deciding")
    logged = await DB.row(
        "select before, after from journal where action = 'return.decision_revoked' order by id desc limit 1"
    )
    assert logged is not None
    assert (logged["before"], logged["after"]) == ({unit: "SCRAP"}, {"note": "found a buyer"})
    with pytest.raises(decisions.NotDecided):
        await dispositions.revoke(bench.exporter, [unit], note="again")
    await dispositions.decide(bench.exporter, [unit], kind="RESTOCK", request_key=key())
    (carried,) = await bench.carried_out("RESTOCK")
    with pytest.raises(decisions.AlreadyCarriedOut):
        await dispositions.revoke(bench.exporter, [carried], note="too late")


# ---------------------------------------------------------------------------------------------------------- defaults


async def test_an_agreed_default_is_applied_once_when_the_time_is_over() -> None:
    bench = await Bench.make()
    await agreed(bench, 5, A="RESTOCK", B="SECOND", D="SCRAP")
    good, flawed, broken = await bench.graded("A"), await bench.graded("B", 2), await bench.graded("C")
    now = clock.now()
    due = await DB.value(
        "select due_at from stage where subject_id = $1 and left_at is null", (await bench.of_unit(good[0])).id
    )
    assert timedelta(days=4, hours=23) < due - now <= timedelta(days=5)
    assert await dispositions.apply_due_defaults(now + timedelta(days=4)) == 0
    later = now + timedelta(days=6)
    counts = await asyncio.gather(*(dispositions.apply_due_defaults(later) for _ in range(3)))
    assert sum(counts) == 3
    assert [(await bench.unit(code))["disposition"] for code in (*good, *flawed, *broken)] == [
        *("RESTOCK", "SECOND", "SECOND", None)
    ]
    kept = await DB.fetch(
        "select d.decided_as, d.decided_by from disposition d join return_unit u on u.id = d.unit_id where u.code = any($1)",
        [*good, *flawed, *broken],
    )
    assert [tuple(row) for row in kept] == [("default", None)] * 3
    assert await dispositions.apply_due_defaults(later) == 0
    with pytest.raises(decisions.DefaultApplied):
        await dispositions.decide(bench.exporter, good, kind="SEND_HOME", request_key=key())
    told = await DB.fetch(
        "select organisation_id, sentence, count(*) as times from notification where href = $1 group by 1, 2",
        f"/returns/{(await bench.of_unit(broken[0])).id}",
    )
    stuck = {row["organisation_id"]: row["times"] for row in told if "nothing was agreed" in row["sentence"]}
    assert stuck == {bench.exporter.organisation_id: 1, bench.operator.organisation_id: 1}


async def test_a_default_that_was_taken_back_is_not_applied_again() -> None:
    bench = await Bench.make()
    await agreed(bench, 1, A="SCRAP")
    (unit,) = await bench.graded("A")
    assert await dispositions.apply_due_defaults(clock.now() + timedelta(days=2)) == 1
    await dispositions.revoke(bench.exporter, [unit], note="not this one")
    assert await dispositions.apply_due_defaults(clock.now() + timedelta(days=9)) == 0
    await dispositions.decide(bench.exporter, [unit], kind="RESTOCK", request_key=key())


async def test_without_terms_units_wait_and_both_parties_hear_of_it_once() -> None:
    bench = await Bench.make()
    (unit,) = await bench.graded("A")
    later = clock.now() + timedelta(days=30)
    for _ in range(2):
        assert await dispositions.apply_due_defaults(later) == 0
    assert (await bench.unit(unit))["state"] == "graded"
    times = await DB.value(
        "select count(*) from notification where dedupe_key like 'undecided:%' and href = $1",
        f"/returns/{(await bench.of_unit(unit)).id}",
    )
    assert times == 2


async def test_no_default_while_a_second_look_is_waited_for() -> None:
    bench = await Bench.make()
    await agreed(bench, 1, A="SCRAP")
    (unit,) = await bench.graded("A")
    await grading.ask_regrade(bench.exporter, [unit], note="please")
    assert await dispositions.apply_due_defaults(clock.now() + timedelta(days=9)) == 0
    assert (await bench.unit(unit))["disposition"] is None
