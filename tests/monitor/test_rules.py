"""Classes of age: every age is in exactly one."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.monitor import rules
from backend.monitor.rules import Age, Dimension, Figure

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def classes_of(entered_at: datetime) -> list[Age]:
    """The classes whose bounds let this instant in."""
    found = []
    for age in Age:
        after, until = rules.entered_between(age, NOW)
        if entered_at <= until and (after is None or entered_at > after):
            found.append(age)
    return found


@given(st.floats(min_value=0, max_value=4000))
def test_every_age_is_in_exactly_one_class(days: float) -> None:
    assert len(classes_of(NOW - timedelta(days=days))) == 1


def test_the_bounds_are_whole_days() -> None:
    for days, age in ((0, "0-2"), (2.99, "0-2"), (3, "3-7"), (7.99, "3-7"), (8, "8-14"), (15, "15-30"), (31, "31")):
        assert classes_of(NOW - timedelta(days=days)) == [Age(age)], days


def test_the_share_overdue() -> None:
    figure = Figure(dimension=Dimension.ALL, key="", open=4, overdue=1, soon=0, ages=(4, 0, 0, 0, 0))
    assert figure.overdue_share == 0.25
    none = Figure(dimension=Dimension.ALL, key="", open=0, overdue=0, soon=0, ages=(0, 0, 0, 0, 0))
    assert none.overdue_share is None
