"""On the inspection bench: a grade needs answers and photos, is never better than they allow, and is looked at twice if asked."""

import asyncio
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed
from backend.files import queries as files_queries
from backend.returns import arrivals, checklists, grading, receiving, steps
from backend.returns.grading import Look
from backend.returns.rules import Grade
from backend.stock.rules import SameKeyOtherRequest
from tests import build
from tests.returns.bench import Bench, answers, key

pytestmark = pytest.mark.usefixtures("database")
CLASSES = list(checklists.edition().classes)


@pytest.fixture(scope="module")
async def bench(database: str) -> Bench:
    return await Bench.make()


async def refused(bench: Bench, look: Look, by: Any = None) -> dict[str, str]:
    """Why a look is refused: the sentence of every field."""
    before = await DB.value("select count(*) from inspection")
    with pytest.raises(Invalid) as refusal:
        await grading.grade(by or bench.operator, look, request_key=key())
    assert await DB.value("select count(*) from inspection") == before
    return {fault.field: fault.sentence % fault.facts for fault in refusal.value.faults}


# -------------------------------------------------------------------------------------------------------- checklists


def test_the_longest_prefix_says_the_class() -> None:
    for hs_code, expected in (
        ("850760", "battery"),
        ("854143", "solar"),
        ("850440", "electrical"),
        ("848210", "bearing"),
        ("840991", "motorcycle"),
        ("843149", "machinery"),
        ("940310", "furniture"),
        ("871410", "motorcycle"),
        ("340319", "sealed"),
        ("0902", "sealed"),
        ("610910", "general"),
        (None, "general"),
    ):
        assert checklists.class_of(hs_code) == expected


@pytest.mark.parametrize("item_class", CLASSES)
def test_every_class_can_be_answered_in_every_language(item_class: str) -> None:
    edition = checklists.edition()
    wanted = edition.classes[item_class]
    assert set(wanted.grades) == set(Grade)
    assert wanted.photos >= 1
    texts = [wanted.name, *wanted.grades.values(), *(each.text for each in edition.grades.values())]
    for question in edition.checklist(item_class).values():
        texts += [question.text, *(answer.text for answer in question.answers)]
        assert question.answers[0].best is Grade.A, "a flawless unit is the first answer everywhere"
        assert len({answer.id for answer in question.answers}) == len(question.answers)
    assert all(set(each) == {"zh", "en", "ar"} and all(each.values()) for each in texts)


@given(data=st.data(), item_class=st.sampled_from(CLASSES))
def test_no_grade_is_better_than_the_worst_answer_allows(data: st.DataObject, item_class: str) -> None:
    checklist = checklists.edition().checklist(item_class)
    given_answers = {
        name: data.draw(st.sampled_from([answer.id for answer in question.answers]))
        for name, question in checklist.items()
    }
    best = checklists.best_grade(item_class, given_answers)
    for grade in Grade:
        faults = checklists.faults_of(item_class, given_answers, grade, 20, "")
        assert bool(faults) == (grade < best), (grade, best)
    some = data.draw(st.sampled_from(list(checklist)))
    missing = {name: answer for name, answer in given_answers.items() if name != some}
    assert [f.field for f in checklists.faults_of(item_class, missing, "D", 20, "")] == [f"answers.{some}"]


def test_agreement_is_the_share_of_equal_grades() -> None:
    assert checklists.agreement([]) == (0, None, None)
    pairs = [(Grade.A, Grade.A), (Grade.A, Grade.C), (Grade.B, Grade.B), (Grade.D, Grade.C)]
    assert checklists.agreement(pairs) == (4, 0.5, 0.75)


# ------------------------------------------------------------------------------------------------------------- grades


async def test_a_grade_has_answers_photos_grader_and_time(bench: Bench) -> None:
    (unit,) = await bench.received(1)
    look = await bench.look([unit], "B", note="scratch on the lid")
    done = await grading.grade(bench.operator, look, request_key=key())
    kept = await DB.row("select * from inspection where id = $1", done.inspections[0])
    assert kept is not None
    assert (kept["grade"], kept["turn"], kept["user_id"]) == ("B", 1, bench.operator.user_id)
    assert (kept["item_class"], kept["edition"], kept["answers"]) == ("general", "2026-1", look.answers)
    photos = await files_queries.attachments(bench.exporter, bench.warehouse.id, ["inspection"], done.inspections)
    assert [photo["hash"].hex() for photo in photos] == look.photos
    assert (
        await files_queries.attachments(await build.exporter(), bench.warehouse.id, ["inspection"], done.inspections)
        == []
    )
    row = await bench.unit(unit)
    assert (row["state"], row["grade"], row["condition"]) == ("graded", "B", 4)


@pytest.mark.parametrize(("grade", "condition"), [("A", 4), ("B", 4), ("C", 3), ("D", 3)])
async def test_graded_goods_wait_where_nobody_sells_them(bench: Bench, grade: str, condition: int) -> None:
    before = await bench.stock()
    (unit,) = await bench.graded(grade)
    after = await bench.stock()
    assert (await bench.unit(unit))["condition"] == condition
    assert after.get(("DOCK", condition), 0) == before.get(("DOCK", condition), 0) + 1
    assert {at: pieces for at, pieces in after.items() if at[1] in (1, 2)} == {
        at: pieces for at, pieces in before.items() if at[1] in (1, 2)
    }


async def test_grading_puts_goods_into_a_bin(bench: Bench) -> None:
    units = await bench.received(2)
    before = await bench.stock()
    look = await bench.look(units, "A", location=bench.bins[1].lower())
    await grading.grade(bench.operator, look, request_key=key())
    after = await bench.stock()
    assert after[bench.bins[1], 4] == before.get((bench.bins[1], 4), 0) + 2
    for wrong in ("WORKSHOP", "NOWHERE", "BUYER"):
        again = await bench.look(units, "A", location=wrong, note="moved")
        assert list(await refused(bench, again)) == ["location"]


async def test_a_careless_look_is_refused_as_a_whole(bench: Bench) -> None:
    (unit,) = await bench.received(1)
    good = await bench.look([unit])
    none = Look(units=[unit], answers={}, grade="E", photos=[])
    assert set(await refused(bench, none)) == {
        *(f"answers.{name}" for name in checklists.edition().checklist("general")),
        "grade",
        "photos",
    }
    scratched = {**good.answers, "damage": "marks"}
    said = await refused(bench, Look(units=[unit], answers=scratched, grade="A", photos=good.photos))
    assert said["grade"].startswith("With the answer to “Is it damaged?” the best possible grade is B")
    foreign = await build.photo(bench.exporter)
    said = await refused(bench, Look(units=[unit], answers=good.answers, grade="A", photos=[*good.photos, foreign]))
    assert foreign in said["photos"]
    nonsense = Look(
        units=[unit], answers={**good.answers, "colour": "red", "use": "maybe"}, grade="A", photos=good.photos
    )
    assert set(await refused(bench, nonsense)) == {"answers.colour", "answers.use"}
    assert (await bench.unit(unit))["state"] == "received"


async def test_a_repeated_grading_gives_the_first_answer(bench: Bench) -> None:
    units = await bench.received(3)
    look, request_key = await bench.look(units), key()
    first = await grading.grade(bench.operator, look, request_key=request_key)
    again = await grading.grade(bench.operator, look, request_key=request_key)
    assert (again.inspections, again.repeated) == (first.inspections, True)
    with pytest.raises(SameKeyOtherRequest):
        await grading.grade(bench.operator, await bench.look(units, "B"), request_key=request_key)


async def test_a_return_is_decided_when_its_last_unit_is_graded(bench: Bench) -> None:
    booked = await bench.booked(2)
    units = (await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())).units
    charged = await bench.charged("return_inspection")
    await grading.grade(bench.operator, await bench.look(units[:1]), request_key=key())
    assert await bench.stage(booked) == ("grading", "grading")
    await grading.grade(bench.operator, await bench.look(units[1:]), request_key=key())
    assert await bench.stage(booked) == ("deciding", "deciding")
    assert await bench.charged("return_inspection") == charged + 2
    assert (await bench.line(booked))["graded"] == 2
    told = await DB.value(
        "select count(*) from notification where organisation_id = $1 and href = $2",
        bench.exporter.organisation_id,
        f"/returns/{booked.id}",
    )
    assert told == 1


async def test_only_pieces_of_one_item_are_graded_together(bench: Bench) -> None:
    other = copy.copy(bench)
    other.item = await build.item(bench.exporter)
    units = [*await bench.received(1), *await other.received(1)]
    with pytest.raises(steps.NotAlike):
        await grading.grade(bench.operator, await bench.look(units), request_key=key())


async def test_several_looks_are_kept_together_or_not_at_all(bench: Bench) -> None:
    units = await bench.received(3)
    looks = [await bench.look(units[:1], "A"), await bench.look(units[1:], "C")]
    done = await grading.grade_many(bench.operator, looks, request_key=key())
    assert [(await bench.unit(code))["grade"] for code in done.units] == ["A", "C", "C"]
    units = await bench.received(2)
    bad = [await bench.look(units[:1]), Look(units=units[1:], answers={}, grade="A", photos=[])]
    with pytest.raises(Invalid) as refusal:
        await grading.grade_many(bench.operator, bad, request_key=key())
    assert "looks.1.photos" in {fault.field for fault in refusal.value.faults}
    assert (await bench.unit(units[0]))["state"] == "received"
    twice = [await bench.look(units[:1]), await bench.look(units[:1])]
    with pytest.raises(Invalid):
        await grading.grade_many(bench.operator, twice, request_key=key())
    with pytest.raises(Invalid):
        await grading.grade_many(bench.operator, [], request_key=key())


# --------------------------------------------------------------------------------------------------------------- parts


async def test_part_of_a_pile_is_graded_apart(bench: Bench) -> None:
    (pile,) = await bench.received(60)
    done = await grading.grade(bench.operator, await bench.look([pile], "D", quantity=7), request_key=key())
    number = pile.split("U")[0]
    assert done.units == [f"{number}U2"]
    assert (await bench.unit(pile))["quantity"] == 53
    assert (await bench.unit(done.units[0]))["grade"] == "D"
    said = await refused(bench, await bench.look([pile], "A", quantity=54))
    assert said == {"quantity": f"Unit {pile} has 53 pieces. Split off at least one and leave at least one."}
    await grading.grade(bench.operator, await bench.look([pile], "A"), request_key=key())
    line = await DB.row("select * from rma_line where rma_id = (select rma_id from return_unit where code = $1)", pile)
    assert line is not None
    assert (line["received"], line["graded"]) == (60, 60)
    part = await grading.split(bench.exporter, pile, quantity=3, of=53)
    assert ((await bench.unit(part))["grade"], (await bench.unit(pile))["quantity"]) == ("A", 50)
    with pytest.raises(steps.SplitMeanwhile):
        await grading.split(bench.operator, pile, quantity=3, of=53)
    for wrong in (0, 50, -1):
        with pytest.raises(Invalid):
            await grading.split(bench.operator, pile, quantity=wrong, of=50)
    with pytest.raises(steps.NoSuchUnit):
        await grading.split(await build.exporter(), pile, quantity=1, of=50)


# ---------------------------------------------------------------------------------------------------------- second look


async def test_a_grade_is_corrected_with_a_reason(bench: Bench) -> None:
    (unit,) = await bench.graded("C")
    before, charged = await bench.stock(), await bench.charged("return_inspection")
    assert list(await refused(bench, await bench.look([unit], "A"))) == ["note"]
    await grading.grade(bench.operator, await bench.look([unit], "A", note="wrong unit"), request_key=key())
    row = await bench.unit(unit)
    assert (row["grade"], row["condition"], row["regrade"]) == ("A", 4, "none")
    assert (await bench.stock()).get(("DOCK", 3), 0) == before["DOCK", 3] - 1
    assert await bench.charged("return_inspection") == charged
    turns = await DB.fetch("select turn, grade from inspection where unit_id = $1 order by turn", row["id"])
    assert [tuple(each) for each in turns] == [(1, "C"), (2, "A")]


async def test_the_owner_asks_for_a_second_look_by_another_person(bench: Bench) -> None:
    booked = await bench.booked(1)
    (unit,) = (await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())).units
    with pytest.raises(steps.NoRegrade):
        await grading.ask_regrade(bench.exporter, [unit], note="too early")
    await grading.grade(bench.operator, await bench.look([unit], "D"), request_key=key())
    with pytest.raises(Invalid):
        await grading.ask_regrade(bench.exporter, [unit], note="")
    with pytest.raises(NotAllowed):
        await grading.ask_regrade(bench.operator, [unit], note="x")
    with pytest.raises(steps.NoSuchUnit):
        await grading.ask_regrade(await build.exporter(), [unit], note="x")
    await grading.ask_regrade(bench.exporter, [unit], note="It was packed well")
    assert await bench.stage(booked) == ("grading", "grading")
    with pytest.raises(steps.NoRegrade):
        await grading.ask_regrade(bench.exporter, [unit], note="again")
    with pytest.raises(steps.SamePerson):
        await grading.grade(bench.operator, await bench.look([unit], "A"), request_key=key())
    charged = await bench.charged("return_inspection")
    second = await bench.look([unit], "B", by=bench.colleague)
    await grading.grade(bench.colleague, second, request_key=key())
    row = await bench.unit(unit)
    assert (row["grade"], row["regrade"], row["condition"]) == ("B", "done", 4)
    assert await bench.stage(booked) == ("deciding", "deciding")
    assert await bench.charged("return_inspection") == charged + 1
    with pytest.raises(steps.NoRegrade):
        await grading.ask_regrade(bench.exporter, [unit], note="a third time")


async def test_the_wish_for_a_second_look_is_taken_back(bench: Bench) -> None:
    (unit,) = await bench.graded("B")
    await grading.ask_regrade(bench.exporter, [unit], note="please")
    await grading.withdraw_regrade(bench.exporter, [unit])
    assert (await bench.unit(unit))["regrade"] == "none"
    with pytest.raises(steps.NoRegradeAsked):
        await grading.withdraw_regrade(bench.exporter, [unit])


# --------------------------------------------------------------------------------------------------------------- scopes


async def test_nobody_grades_in_a_foreign_warehouse(bench: Bench) -> None:
    (unit,) = await bench.received(1)
    stranger = await Bench.make()
    with pytest.raises(steps.NoSuchUnit):
        await grading.grade(stranger.operator, await stranger.look([unit]), request_key=key())
    with pytest.raises(NotAllowed):
        await grading.grade(bench.exporter, await bench.look([unit]), request_key=key())
    with pytest.raises(steps.NoSuchUnit):
        await grading.grade(bench.operator, await bench.look([unit, "R00000000000U1"]), request_key=key())


async def test_a_reversed_unit_is_not_graded(bench: Bench) -> None:
    (unit,) = await bench.received(1)
    await receiving.reverse_receipt(bench.operator, unit, note="x")
    with pytest.raises(steps.ReceiptReversed):
        await grading.grade(bench.operator, await bench.look([unit]), request_key=key())
    with pytest.raises(arrivals.AlreadyGraded):
        (unit,) = await bench.graded()
        await receiving.reverse_receipt(bench.operator, unit, note="x")


async def test_two_people_grade_at_once(bench: Bench) -> None:
    booked = await bench.booked(2)
    units = (await receiving.receive_all(bench.operator, bench.place, booked.number, request_key=key())).units

    async def one(who: Any, unit: str) -> bool:
        try:
            await grading.grade(who, await bench.look([unit], by=who), request_key=key())
        except (Invalid, Conflict):
            return False
        return True

    done = await asyncio.gather(
        one(bench.operator, units[0]), one(bench.colleague, units[0]), one(bench.operator, units[1])
    )
    assert sorted(done) == [False, True, True]
    assert await bench.stage(booked) == ("deciding", "deciding")
    assert (await bench.line(booked))["graded"] == 2


def test_answers_of_the_bench_fit_their_grade() -> None:
    for item_class in CLASSES:
        for grade in Grade:
            assert checklists.best_grade(item_class, answers(item_class, grade)) <= grade
