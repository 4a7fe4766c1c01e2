"""The arithmetic of postings, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import values
from backend.stock import rules
from backend.stock.rules import Place, Posting, Reason

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
places = st.sampled_from([*Place, 1001, 1002, 1003])
conditions = st.sampled_from(list(rules.Condition))
postings = st.builds(
    Posting,
    owner_id=st.just(1),
    item_id=st.integers(1, 3),
    lot_id=st.integers(0, 2),
    source_id=places.map(int),
    target_id=places.map(int),
    condition=conditions.map(int),
    target_condition=conditions.map(int),
    quantity=st.integers(1, 10**9),
)


@given(st.lists(postings, max_size=20))
def test_a_reversal_restores_every_balance(lines: list[Posting]) -> None:
    assert rules.effects([*lines, *rules.reversed_lines(lines)]) == {}


@given(st.lists(postings, max_size=20))
def test_effects_are_what_enters_less_what_leaves(lines: list[Posting]) -> None:
    entered = sum(p.quantity for p in lines if not rules.is_virtual(p.target_id))
    left = sum(p.quantity for p in lines if not rules.is_virtual(p.source_id))
    assert sum(rules.effects(lines).values()) == entered - left


@given(st.lists(postings, max_size=20))
def test_effects_touch_only_real_places(lines: list[Posting]) -> None:
    assert all(key[3] >= rules.FIRST_REAL_PLACE for key in rules.effects(lines))


@pytest.mark.parametrize(
    ("reason", "source", "target", "fits"),
    [
        (Reason.RECEIPT, Place.SUPPLIER, 1001, True),
        (Reason.RECEIPT, 1001, Place.SUPPLIER, False),
        (Reason.SALE, 1001, Place.BUYER, True),
        (Reason.SALE, Place.SUPPLIER, Place.BUYER, False),
        (Reason.RETURN, Place.BUYER, 1001, True),
        (Reason.MOVE, 1001, 1002, True),
        (Reason.MOVE, 1001, Place.SCRAP, False),
        (Reason.ADJUSTMENT, 1001, Place.ADJUSTMENT, True),
        (Reason.ADJUSTMENT, Place.ADJUSTMENT, 1001, True),
        (Reason.ARRIVAL, Place.TRANSIT, Place.ORIGIN, True),
        (Reason.REVERSAL, 1001, 1002, False),
        (Reason.DONATION, 1001, Place.SCRAP, True),
        (Reason.CONSUMPTION, 1001, Place.TRANSFORM, True),
        (Reason.CONSUMPTION, Place.TRANSFORM, 1001, False),
        (Reason.PRODUCTION, Place.TRANSFORM, 1001, True),
        (Reason.PRODUCTION, Place.SUPPLIER, 1001, False),
    ],
)
def test_a_reason_joins_its_own_ends(reason: Reason, source: int, target: int, fits: bool) -> None:
    assert rules.ends_fit(reason, int(source), int(target)) is fits


@pytest.mark.parametrize("quantity", [0, -1, values.LARGEST_QUANTITY + 1])
def test_impossible_quantities_are_faults(quantity: int) -> None:
    line = Posting(1, 1, 0, int(Place.SUPPLIER), 1001, 1, 1, quantity)
    (fault,) = rules.faults_of(Reason.RECEIPT, NOW, [line], NOW)
    assert (fault.field, fault.value) == ("lines.0.quantity", quantity)


def test_every_fault_is_collected() -> None:
    lines = [
        Posting(1, 1, 0, 1001, 1001, 1, 1, 5),
        Posting(1, 1, 0, 1001, int(Place.SCRAP), 1, 1, 0),
        Posting(1, 1, 0, 1001, 1002, 1, 1, 5),
    ]
    faults = rules.faults_of(Reason.MOVE, NOW + timedelta(hours=1), lines, NOW)
    assert {fault.field for fault in faults} == {"occurred_at", "lines.0.target", "lines.1.quantity", "lines.1.source"}


def test_a_document_has_lines_and_not_too_many() -> None:
    line = Posting(1, 1, 0, int(Place.SUPPLIER), 1001, 1, 1, 1)
    assert [f.field for f in rules.faults_of(Reason.RECEIPT, NOW, [], NOW)] == ["lines"]
    assert [f.field for f in rules.faults_of(Reason.RECEIPT, NOW, [line] * (rules.MOST_LINES + 1), NOW)] == ["lines"]


@pytest.mark.parametrize(
    "instant",
    [datetime(2026, 1, 1), NOW + timedelta(minutes=6), datetime(1999, 12, 31, tzinfo=UTC)],  # noqa: DTZ001
)
def test_impossible_times_are_faults(instant: datetime) -> None:
    assert [fault.field for fault in rules.time_faults("occurred_at", instant, NOW)] == ["occurred_at"]


def test_damaged_and_quarantined_goods_are_not_sellable() -> None:
    assert {rules.Condition.GOOD, rules.Condition.SECOND} == rules.SELLABLE


def test_a_change_of_condition_is_one_movement() -> None:
    line = Posting(1, 1, 0, 1001, 1001, int(rules.Condition.GOOD), int(rules.Condition.DAMAGED), 3)
    assert rules.faults_of(Reason.REGRADE, NOW, [line], NOW) == []
    assert rules.effects([line]) == {(1, 1, 0, 1001, 1): -3, (1, 1, 0, 1001, 3): 3}
