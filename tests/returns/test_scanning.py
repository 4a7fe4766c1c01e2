"""Before the scanner: every object has an answer of its own, and a wrong one changes nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import text, values
from backend.core.database import DB
from backend.core.errors import NotAllowed
from backend.returns import carrying_out, changes, dispositions, grading, parcels, receiving, scanned, scanning
from backend.returns.booking import Line, Parcel
from backend.returns.scanned import Kind
from backend.returns.scanning import Answer, Found
from tests import build
from tests.returns.bench import Bench, key

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
async def bench(database: str) -> Bench:
    return await Bench.make(gtins="4006381333931")


async def scan(bench: Bench, typed: str, **other: Any) -> Answer:
    """A scan at the bench's desk."""
    given_ = {"request_key": key(), **other}
    answer = await scanning.scan(bench.operator, bench.place, typed, **given_)
    assert text.say(answer.sentence, answer.facts), "it can be spoken"
    return answer


# -------------------------------------------------------------------------------------------------------- what it says


def test_labels_of_ours_are_understood_however_they_are_read() -> None:
    number = values.new_number("R")
    for typed, kind, part in (
        (number, Kind.RETURN, 0),
        (f" {number.lower()} ", Kind.RETURN, 0),
        (f"{number}P12", Kind.PARCEL, 12),
        (f"{number}U3", Kind.UNIT, 3),
        (f"https://luocang.example/returns/units/{number}U3", Kind.UNIT, 3),
    ):
        code = scanned.read(typed)
        assert (code.kind, code.number, code.part, code.mistyped) == (kind, number, part, False)
    for prefix in scanned.DOCUMENTS:
        assert scanned.read(values.new_number(prefix)).kind is Kind.ELSEWHERE
    rma_id = values.new_id()
    assert scanned.read(f"https://luocang.example/returns/{rma_id}").id == rma_id


@pytest.mark.parametrize(
    ("typed", "items", "serial"),
    [
        ("(01)04006381333931(21)AB-1", "4006381333931", "AB-1"),
        ("(01) 04006381333931 (10) L5", "4006381333931", ""),
        ("]d20104006381333931" + "21AB1\x1d10L5", "4006381333931", "AB1"),
        ("]C10104006381333931", "4006381333931", ""),
        ("\x1d010400638133393117261231" + "21X", "4006381333931", "X"),
        ("https://id.gs1.org/01/04006381333931/21/S%2F1", "4006381333931", "S/1"),
        ("4006381333931", "4006381333931", ""),
        ("00012345600012", "012345600012", ""),
    ],
)
def test_gs1_codes_are_read_by_their_elements(typed: str, items: str, serial: str) -> None:
    code = scanned.read(typed)
    assert (code.kind, code.serial) == (Kind.PLAIN, serial)
    assert items in code.items


@pytest.mark.parametrize(
    "typed", ["010203", "(01)123", "0104006381333930", "21ABC", "]d2", "(99)X", "JJD 01 4006381333931"]
)
def test_what_is_not_gs1_is_a_plain_code(typed: str) -> None:
    code = scanned.read(typed)
    assert (code.kind, code.serial) == (Kind.PLAIN, "")
    assert code.items[0] == code.text


@given(st.text(max_size=60))
def test_nothing_that_is_typed_breaks_the_reading(typed: str) -> None:
    code = scanned.read(typed)
    assert (code.kind is Kind.NOTHING) == (not code.text)


def test_one_wrong_sign_is_found() -> None:
    number = values.new_number("R")
    wrong = number[:5] + ("0" if number[5] != "0" else "1") + number[6:]
    assert scanned.read(wrong).mistyped
    assert scanned.read(wrong + "U1").mistyped


# ------------------------------------------------------------------------------------------------- returns and parcels


async def test_a_return_is_taken_in_hand_and_its_items_are_received_one_by_one(bench: Bench) -> None:
    booked = await bench.booked(2)
    first = await scan(bench, booked.number)
    assert (first.found, first.in_hand, first.signal) == (Found.RETURN, booked.number, "ok")
    assert await bench.stage(booked) == ("booked", "booked"), "looking is not receiving"
    request_key = key()
    one = await scan(bench, bench.item.code.lower(), in_hand=first.in_hand, request_key=request_key)
    again = await scan(bench, bench.item.code, in_hand=first.in_hand, request_key=request_key)
    assert one.found is again.found is Found.RECEIVED
    assert one.facts["unit"] == again.facts["unit"] == f"{booked.number}U1"
    assert one.facts["open"] == 1
    two = await scan(bench, "(01)04006381333931", in_hand=booked.number)
    assert two.facts["unit"] == f"{booked.number}U2"
    three = await scan(bench, "4006381333931", in_hand=booked.number)
    assert (three.found, three.signal, three.in_hand) == (Found.ITEM_COMPLETE, "bad", booked.number)
    assert (await bench.line(booked))["received"] == 2
    assert (await scan(bench, booked.number)).found is Found.RETURN_COMPLETE
    (row, *_) = await scanning.hand(bench.operator, bench.place, booked.number)
    assert (row["quantity"], row["received"], row["open"]) == (2, 2, 0)


async def test_a_serial_number_is_received_on_its_line(bench: Bench) -> None:
    booked = await bench.booked(2, serials=["ENG-1", "ENG-2"])
    plain = await scan(bench, bench.item.code, in_hand=booked.number)
    assert (plain.found, plain.signal) == (Found.SERIAL_WANTED, "warn")
    one = await scan(bench, "eng-1", in_hand=booked.number)
    assert one.found is Found.RECEIVED
    assert (await bench.unit(str(one.facts["unit"])))["serial"] == "ENG-1"
    assert (await scan(bench, "ENG-1", in_hand=booked.number)).found is Found.REFUSED
    gs1 = await scan(bench, "(01)04006381333931(21)ENG-2", in_hand=booked.number)
    assert (await bench.unit(str(gs1.facts["unit"])))["serial"] == "ENG-2"


async def test_a_parcel_is_marked_as_arrived_by_its_label_or_its_tracking_number(bench: Bench) -> None:
    booked = await bench.booked(2, parcels=[Parcel(tracking_no="JD-77"), Parcel(tracking_no="JD-78")])
    first = await scan(bench, "jd-78")
    assert (first.found, first.in_hand, first.parcel_no) == (Found.PARCEL_ARRIVED, booked.number, 2)
    assert await bench.stage(booked) == ("receiving", "receiving")
    again = await scan(bench, f"{booked.number}P2")
    assert (again.found, again.signal, again.in_hand) == (Found.PARCEL_KNOWN, "warn", booked.number)
    assert (await scan(bench, f"{booked.number}P1")).found is Found.PARCEL_ARRIVED
    none = await scan(bench, f"{booked.number}P9")
    assert (none.found, none.in_hand) == (Found.PARCEL_UNKNOWN, booked.number)


async def test_a_return_is_found_by_what_comes_back_or_what_its_owner_calls_it() -> None:
    bench = await Bench.make()
    booked = await bench.booked(1, reference="Case 4711", serials=["FIND-ME"])
    for typed in (bench.item.code, "case 4711", "find-me"):
        found = await scan(bench, typed)
        assert (found.found, found.in_hand) == (Found.RETURN, booked.number)
        assert (await bench.line(booked))["received"] == 0
    other = await bench.booked(1)
    several = await scan(bench, bench.item.code)
    assert (several.found, several.in_hand) == (Found.CHOOSE, "")
    assert {choice.number for choice in several.choices} == {booked.number, other.number}


# --------------------------------------------------------------------------------------------------------- wrong objects


async def test_an_empty_scan(bench: Bench) -> None:
    assert (await scan(bench, "  ", in_hand="R1")).found is Found.NOTHING


async def test_an_unknown_code_is_offered_as_an_unannounced_parcel(bench: Bench) -> None:
    answer = await scan(bench, "1Z999AA10123456784")
    assert (answer.found, answer.signal, answer.aside, answer.code) == (
        Found.UNKNOWN,
        "bad",
        True,
        "1Z999AA10123456784",
    )


async def test_labels_of_the_shelf_say_what_they_are(bench: Bench) -> None:
    booked = await bench.booked(1)
    for code, found in ((bench.bins[0], Found.LOCATION), (bench.place, Found.WAREHOUSE), ("DOCK", Found.LOCATION)):
        for in_hand in ("", booked.number):
            answer = await scan(bench, code.lower(), in_hand=in_hand)
            assert (answer.found, answer.signal, answer.aside, answer.in_hand) == (found, "bad", False, in_hand)
            assert answer.facts == {"code": code}
    assert (await bench.line(booked))["received"] == 0


async def test_an_item_that_no_return_brings_is_put_aside(bench: Bench) -> None:
    idle = await build.item(bench.exporter)
    await build.stocked(bench.operator, bench.warehouse, idle, bench.bins[0], 1)
    answer = await scan(bench, idle.code)
    assert (answer.found, answer.aside, answer.facts) == (Found.ITEM_UNEXPECTED, True, {"code": idle.code})
    stranger = await Bench.make()
    assert (await scan(bench, stranger.item.code)).found is Found.UNKNOWN, "items of elsewhere are told to nobody"


async def test_a_mistyped_number(bench: Bench) -> None:
    booked = await bench.booked(1)
    wrong = booked.number[:4] + ("0" if booked.number[4] != "0" else "1") + booked.number[5:]
    answer = await scan(bench, wrong)
    assert (answer.found, answer.aside) == (Found.MISTYPED, False)


async def test_a_return_that_nobody_booked(bench: Bench) -> None:
    number = values.new_number("R")
    answer = await scan(bench, number)
    assert (answer.found, answer.in_hand, answer.aside) == (Found.RETURN_UNKNOWN, "", True)
    assert (await scan(bench, f"https://luocang.example/returns/{values.new_id()}")).found is Found.RETURN_UNKNOWN


async def test_a_return_of_somebody_elses_warehouse_says_no_more_than_that(bench: Bench) -> None:
    stranger = await Bench.make()
    booked = await stranger.booked(1, parcels=[Parcel(tracking_no="FOREIGN-1")])
    for typed in (booked.number, "FOREIGN-1"):
        answer = await scan(bench, typed)
        assert (answer.found, answer.aside, answer.href) == (Found.NOT_HERE, True, "")
        assert stranger.place not in text.say(answer.sentence, answer.facts)
    units = await stranger.received(1)
    assert (await scan(bench, units[0])).found is Found.UNIT_UNKNOWN


async def test_a_return_of_another_warehouse_of_ours(bench: Bench) -> None:
    second = await build.warehouse(bench.operator)
    operator = await build.again(bench.operator)
    booked = await bench.booked(1)
    answer = await scanning.scan(operator, second.code, booked.number, request_key=key())
    assert (answer.found, answer.warehouse) == (Found.OTHER_WAREHOUSE, bench.place)
    units = await bench.received(1)
    answer = await scanning.scan(operator, second.code, units[0], request_key=key())
    assert (answer.found, answer.warehouse) == (Found.OTHER_WAREHOUSE, bench.place)


async def test_a_return_that_is_over(bench: Bench) -> None:
    booked = await bench.booked(1)
    await changes.cancel(bench.exporter, booked.id, 1, note="no more")
    assert (await scan(bench, booked.number)).found is Found.RETURN_CANCELLED
    units = await bench.carried_out("RESTOCK")
    answer = await scan(bench, units[0].split("U")[0])
    assert (answer.found, answer.aside) == (Found.RETURN_CLOSED, True)


async def test_an_item_that_does_not_belong_to_the_return_in_hand(bench: Bench) -> None:
    booked, other = await bench.booked(1), await build.item(bench.exporter)
    answer = await scan(bench, other.code, in_hand=booked.number)
    assert (answer.found, answer.in_hand) == (Found.ITEM_FOREIGN, booked.number)
    assert (await bench.line(booked))["received"] == 0
    assert (await scan(bench, "NO-SUCH-ITEM", in_hand=booked.number)).found is Found.UNKNOWN


async def test_units_say_what_they_wait_for(bench: Bench) -> None:
    (unit,) = await bench.received(1)

    async def found() -> Found:
        return (await scan(bench, unit)).found

    assert await found() is Found.UNIT_TO_GRADE
    await grading.grade(bench.operator, await bench.look([unit]), request_key=key())
    assert await found() is Found.UNIT_TO_DECIDE
    await grading.ask_regrade(bench.exporter, [unit], note="please")
    assert await found() is Found.UNIT_TO_GRADE
    await grading.withdraw_regrade(bench.exporter, [unit])
    await dispositions.decide(bench.exporter, [unit], kind="SEND_HOME", request_key=key())
    assert await found() is Found.UNIT_TO_SEND_HOME
    await dispositions.revoke(bench.exporter, [unit], note="x")
    await dispositions.decide(bench.exporter, [unit], kind="RESTOCK", request_key=key())
    assert await found() is Found.UNIT_TO_CARRY_OUT
    await carrying_out.carry_out(bench.operator, [unit], await bench.deed("RESTOCK"), request_key=key())
    assert await found() is Found.UNIT_DONE
    (reversed_unit,) = await bench.received(1)
    await receiving.reverse_receipt(bench.operator, reversed_unit, note="x")
    assert (await scan(bench, reversed_unit)).found is Found.UNIT_REVERSED
    assert (await scan(bench, f"{values.new_number('R')}U1")).found is Found.UNIT_UNKNOWN


async def test_documents_that_are_not_received_say_where_they_belong(bench: Bench) -> None:
    await bench.carried_out("SCRAP")
    number = await DB.value("select number from destruction order by recorded_at desc limit 1")
    answer = await scan(bench, number)
    assert (answer.found, answer.href.startswith("/returns/destructions/")) == (Found.BELONGS_ELSEWHERE, True)
    for prefix in scanned.DOCUMENTS:
        unknown = await scan(bench, values.new_number(prefix))
        assert (unknown.found, unknown.href) == (Found.BELONGS_ELSEWHERE, "")
    (order,) = await bench.carried_out("REPAIR", "C")
    number = await DB.value("select number from work_order where unit_code = $1", order)
    assert (await scan(bench, number)).href.startswith("/repairs/")


async def test_a_parcel_that_waits_without_a_return(bench: Bench) -> None:
    made = await parcels.record(bench.operator, bench.place, parcels.Found(tracking_no="LOST-1"), request_key=key())
    answer = await scan(bench, "lost-1")
    assert (answer.found, answer.href) == (Found.PARCEL_WAITING, f"/returns/parcels/{made.id}")


async def test_what_the_rules_refuse_is_said_and_changes_nothing(bench: Bench) -> None:
    line = Line(item=bench.item.code, quantity=1, basis="paper")
    booked = await build.returned(bench.exporter, bench.warehouse, line)
    await DB.run("update rma_line set investigation = 'refused', investigated_at = now() where rma_id = $1", booked.id)
    answer = await scan(bench, bench.item.code, in_hand=booked.number)
    assert answer.found is Found.ITEM_COMPLETE
    with pytest.raises(NotAllowed):
        await scanning.scan(bench.exporter, bench.place, "X", request_key=key())
    answer = await scan(bench, bench.item.code, in_hand=(await bench.booked(1)).number, request_key="")
    assert answer.found is Found.REFUSED


def test_every_answer_has_its_own_sentence() -> None:
    assert set(scanning.SENTENCES) == set(Found) - {Found.REFUSED}
    assert len(set(scanning.SENTENCES.values())) == len(scanning.SENTENCES)
