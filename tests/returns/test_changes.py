"""What may be changed of a booking and when, cancelling, and investigations."""

import uuid
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed
from backend.messages import queries as messages_queries
from backend.returns import booking, changes, queries, receiving
from backend.returns.arrivals import Arrived
from backend.returns.booking import Change, Line, Parcel
from backend.returns.rules import NoSuchReturn
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from tests import build
from tests.returns.conftest import Trade


async def test_parcels_lines_and_note_change_while_nothing_has_come(trade: Trade) -> None:
    goods, order, _ = await trade.sale(5)
    other, second, _ = await trade.sale(1)
    booked = await build.returned(
        trade.exporter,
        trade.place,
        Line(item=goods.code, quantity=5, order=order, serials=["Q-1"]),
        parcels=[Parcel(tracking_no="1Z 1")],
    )
    day = clock.now().date() + timedelta(days=3)
    wish = Change(
        note="fragile",
        expected_on=day,
        parcels=[Parcel(tracking_no="1Z 2", carrier="DHL"), Parcel()],
        lines=[
            Line(item=goods.code, quantity=2, order=order, serials=["Q-1"]),
            Line(item=goods.code, quantity=1, order=order),
            Line(item=other.code, quantity=1, order=second),
        ],
        photos=[await build.photo(trade.exporter)],
    )
    assert await changes.change(trade.exporter, booked.id, 1, wish) == 2
    head = await queries.rma(trade.operator, booked.id)
    assert (head["note"], head["expected_on"], head["revision"], head["quantity"]) == ("fragile", day, 2, 4)
    assert [row["tracking_no"] for row in await queries.parcels(head)] == ["1Z 2", None]
    (stay,) = await stages_queries.history(trade.operator, Subject.RETURN, booked.id)
    assert (stay["due_at"] - clock.now()).days in (2, 3)
    # The pieces that are not wanted back any more may come back another way; no more than those.
    await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=2, order=order))
    with pytest.raises(Invalid):
        await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order))
    entry = await DB.row(
        "select before, after from journal where subject_id = $1 and action = 'return.changed'", str(booked.id)
    )
    assert entry is not None
    assert entry["before"]["lines"][0]["quantity"] == 5
    assert len(entry["after"]["lines"]) == 3


async def test_a_change_that_is_refused_changes_nothing(trade: Trade) -> None:
    goods, order, _ = await trade.sale(2)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=2, order=order))
    wish = Change(note="x", parcels=[Parcel(tracking_no="NEW")], lines=[Line(item=goods.code, quantity=3, order=order)])
    with pytest.raises(Invalid) as refusal:
        await changes.change(trade.exporter, booked.id, 1, wish)
    assert [fault.field for fault in refusal.value.faults] == ["lines.0.quantity"]
    head = await queries.rma(trade.exporter, booked.id)
    assert (head["revision"], head["note"], head["quantity"]) == (1, "", 2)
    assert await queries.parcels(head) == []
    with pytest.raises(Conflict):
        await changes.change(trade.exporter, booked.id, 7, Change(note="seen too long ago"))
    for stranger, refused in (
        (await build.exporter(), NoSuchReturn),
        (trade.operator, NotAllowed),
    ):
        with pytest.raises(refused):
            await changes.change(stranger, booked.id, 1, Change(note="mine"))


@pytest.mark.parametrize(
    ("stage", "wish", "refusal"),
    [
        ("receiving", Change(note="late", parcels=[Parcel()]), None),
        ("receiving", Change(lines=[]), booking.BeingReceived),
        ("receiving", Change(expected_on=clock.now().date()), booking.BeingReceived),
        ("grading", Change(note="too late"), booking.TooLateToChange),
        ("closed", Change(note="too late"), booking.TooLateToChange),
    ],
)
async def test_what_may_change_depends_on_the_stage(
    trade: Trade, stage: str, wish: Change, refusal: type[Conflict] | None
) -> None:
    goods, order, _ = await trade.sale(1)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, order=order))
    closed = "closed_at = now()," if stage == "closed" else ""
    await DB.run(f"update rma set {closed} stage = $2 where id = $1", booked.id, stage)
    acting: Coroutine[Any, Any, int] = changes.change(trade.exporter, booked.id, 1, wish)
    if refusal is None:
        assert await acting == 2
        return
    with pytest.raises(refusal):
        await acting
    with pytest.raises(booking.TooLateToCancel):
        await changes.cancel(trade.exporter, booked.id, 1)


async def test_a_parcel_that_has_arrived_stays(trade: Trade) -> None:
    goods, order, _ = await trade.sale(1)
    booked = await build.returned(
        trade.exporter,
        trade.place,
        Line(item=goods.code, quantity=1, order=order),
        parcels=[Parcel(tracking_no="HERE"), Parcel(tracking_no="THERE")],
    )
    await DB.run("update rma_parcel set arrived_at = now() where rma_id = $1 and tracking_no = 'HERE'", booked.id)
    await changes.change(
        trade.exporter, booked.id, 1, Change(parcels=[Parcel(tracking_no="here"), Parcel(tracking_no="ELSE")])
    )
    rows = await queries.parcels(await queries.rma(trade.exporter, booked.id))
    assert [(row["parcel_no"], row["tracking_no"]) for row in rows] == [(1, "HERE"), (2, "ELSE")]
    with pytest.raises(booking.TooLateToCancel):
        await changes.cancel(trade.exporter, booked.id, 2)


async def test_a_cancelled_return_gives_its_pieces_back(trade: Trade) -> None:
    goods, order, _ = await trade.sale(2)
    line = Line(item=goods.code, quantity=2, order=order, serials=["C-1"])
    booked = await build.returned(trade.exporter, trade.place, line)
    with pytest.raises(Conflict):
        await changes.cancel(trade.exporter, booked.id, 5)
    await changes.cancel(trade.exporter, booked.id, 1, "the buyer keeps it")
    head = await queries.rma(trade.exporter, booked.id)
    assert head["stage"] == "cancelled"
    assert head["closed_at"] is not None
    assert [
        row["left_at"] is None for row in await stages_queries.history(trade.operator, Subject.RETURN, booked.id)
    ] == [False]
    with pytest.raises(booking.TooLateToCancel):
        await changes.cancel(trade.exporter, booked.id, 2)
    await build.returned(trade.exporter, trade.place, line)


async def test_a_line_on_the_buyers_paper_is_investigated(trade: Trade) -> None:
    goods = await build.item(trade.exporter)
    paper = Line(item=goods.code, quantity=1, basis="paper", note="receipt of the shop")
    booked = await build.returned(trade.exporter, trade.place, paper, paper)
    assert (await queries.rma(trade.operator, booked.id))["open_investigations"] == 2
    unread = messages_queries.notifications(trade.operator)
    rows = (await unread.page(messages_queries.notification_clauses(trade.operator, {}))).rows
    assert any(
        "only the buyer's paper" in messages_queries.said(row) and booked.number in messages_queries.said(row)
        for row in rows
    )

    with pytest.raises(NotAllowed):
        await changes.settle(trade.exporter, booked.id, 1, "accepted", "it is mine")
    with pytest.raises(NoSuchReturn):
        await changes.settle(await build.operator(), booked.id, 1, "accepted", "whatever")
    with pytest.raises(Invalid) as refusal:
        await changes.settle(trade.operator, booked.id, 1, "perhaps", "")
    assert {fault.field for fault in refusal.value.faults} == {"verdict", "note"}

    await changes.settle(trade.operator, booked.id, 1, "accepted", "serial number fits")
    with pytest.raises(booking.NotDoubtful):
        await changes.settle(trade.operator, booked.id, 1, "refused", "again")
    await changes.settle(trade.operator, booked.id, 2, "refused", "not sold here")
    head = await queries.rma(trade.operator, booked.id)
    lines = await queries.lines(head)
    assert [(line["investigation"], line["missing"]) for line in lines] == [("accepted", 0), ("refused", 1)]
    assert head["stage"] == "booked"
    assert lines[1]["investigator"] == trade.operator.name


async def test_a_return_of_which_every_line_is_refused_is_over(trade: Trade) -> None:
    goods = await build.item(trade.exporter)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=1, basis="paper"))
    await changes.settle(trade.operator, booked.id, 1, "refused", "not sold here")
    assert (await queries.rma(trade.exporter, booked.id))["stage"] == "cancelled"


async def test_goods_of_a_line_that_are_here_are_not_refused(trade: Trade) -> None:
    goods = await build.item(trade.exporter)
    booked = await build.returned(trade.exporter, trade.place, Line(item=goods.code, quantity=2, basis="paper"))
    await receiving.receive(
        trade.operator, trade.place.code, booked.number, [Arrived(line_no=1, quantity=1)], request_key=str(uuid.uuid4())
    )
    with pytest.raises(booking.RefusedTooLate):
        await changes.settle(trade.operator, booked.id, 1, "refused", "too late")
    await changes.settle(trade.operator, booked.id, 1, "accepted", "it is ours")


async def test_a_return_goes_on_when_the_line_it_waits_for_is_refused(trade: Trade) -> None:
    goods, order, _ = await trade.sale(1)
    shipped, paper = Line(item=goods.code, quantity=1, order=order), Line(item=goods.code, quantity=1, basis="paper")
    booked = await build.returned(trade.exporter, trade.place, shipped, paper)
    await receiving.receive(
        trade.operator, trade.place.code, booked.number, [Arrived(line_no=1, quantity=1)], request_key=str(uuid.uuid4())
    )
    assert (await queries.rma(trade.operator, booked.id))["stage"] == "receiving"
    with pytest.raises(booking.TooLateToCancel):
        await changes.cancel(trade.exporter, booked.id, 2)
    await changes.settle(trade.operator, booked.id, 2, "refused", "not sold here")
    assert (await queries.rma(trade.operator, booked.id))["stage"] == "grading"
