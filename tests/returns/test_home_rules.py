"""Batches home without a database: steps, plans, counting, and what the law keeps out."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import text
from backend.core.errors import Fault
from backend.regulations import queries as law
from backend.regulations.editions import Editions
from backend.regulations.rules import LineFacts, Standing
from backend.returns import eligibility, home_rules
from backend.returns.eligibility import Eligibility, Line, Plan
from backend.returns.home_rules import STEPS, Stage, Step

EDITIONS = Editions(law.shipped())
TODAY = date(2026, 11, 23)


def facts(exported_on: date | None = date(2026, 10, 1), **given: object) -> LineFacts:
    """A 9810 line of which everything is known."""
    known: dict[str, object] = {
        "supervision_code": "9810",
        "exported_on": exported_on,
        "released_on": exported_on,
        "customs_area": "4604",
        "is_food": False,
        "refund_taken": False,
        **given,
    }
    return LineFacts(**known)  # type: ignore[arg-type]


def judged(line: LineFacts, *, on: date = TODAY, altered: bool = False, area: str = "4604") -> Eligibility:
    """What the law says when these goods return on a day."""
    plan = Plan(cause="unsold", home_area=area, planned_on=on)
    return eligibility.judge(EDITIONS, plan, Line(facts=line, original_state=not altered), TODAY)


def kept_out(said: Eligibility, *, agreed: bool = False) -> str:
    """Why the law keeps these goods out of a batch; empty when it does not."""
    fault = home_rules.law_fault("stock.0", "SKU-1", said, taxed_agreed=agreed)
    return text.say(fault.sentence, fault.facts) if fault else ""


def test_every_stage_but_the_last_ones_leads_somewhere() -> None:
    for stage in Stage:
        assert bool(home_rules.possible_steps(stage)) == (stage is not Stage.CANCELLED)
    assert home_rules.possible_steps(Stage.ARRIVED) == [Step.UNDO_ARRIVAL]


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("stage", list(Stage))
def test_a_step_is_refused_at_every_other_stage(step: Step, stage: Stage) -> None:
    possible, target = STEPS[step]
    if stage in possible:
        assert home_rules.after(step, stage, "H1") is target
    else:
        with pytest.raises(home_rules.NotAtThisStage):
            home_rules.after(step, stage, "H1")


def test_a_plan_names_everything_wrong_at_once() -> None:
    faults: list[Fault] = []
    assert home_rules.plan({"cause": "bored", "home_area": "46", "planned_on": "soon"}, TODAY, faults) is None
    assert [fault.field for fault in faults] == ["cause", "home_area", "planned_on"]
    faults = []
    past = {"cause": "unsold", "home_area": "4604", "planned_on": "2026-11-22", "statement": "x" * 2001}
    assert home_rules.plan(past, TODAY, faults) is None
    assert [fault.field for fault in faults] == ["planned_on", "statement"]
    made = home_rules.plan({**past, "planned_on": "2026-11-23", "statement": "slow"}, TODAY, [])
    assert made == Plan(cause="unsold", home_area="4604", planned_on=TODAY, statement="slow")


def test_goods_in_time_and_in_their_original_state_are_free_of_tax() -> None:
    said = judged(facts())
    assert (said.customs, said.tax) == (Standing.ALLOWED, Standing.EXEMPT)
    assert kept_out(said) == ""
    assert {clock.name for clock in said.clocks} >= {"tax_return", "customs_return"}


def test_after_six_months_tax_is_due_and_must_be_agreed_to() -> None:
    said = judged(facts(date(2026, 5, 1)))
    assert (said.customs, said.tax) == (Standing.ALLOWED, Standing.TAXED)
    assert "Agree to a taxed return" in kept_out(said)
    assert kept_out(said, agreed=True) == ""


def test_after_a_year_the_route_is_closed_whatever_is_agreed() -> None:
    said = judged(facts(date(2025, 11, 1)))
    assert said.customs is Standing.REFUSED
    assert "2025-11-01" in kept_out(said, agreed=True)


def test_altered_goods_are_taxed() -> None:
    said = judged(facts(), altered=True)
    assert said.tax is Standing.TAXED
    assert not said.original_state
    assert kept_out(said)


def test_another_customs_area_is_not_for_9810() -> None:
    assert kept_out(judged(facts(), area="5301"), agreed=True)


def test_what_is_not_known_is_for_a_person_and_does_not_keep_goods_out() -> None:
    said = judged(LineFacts())
    assert Standing.PERSON in (said.customs, said.tax)
    assert said.needs_person
    assert said.missing
    assert kept_out(said) == ""


@pytest.mark.parametrize(
    ("exported_on", "last"),
    [
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2026, 10, 31), date(2027, 4, 30)),
        (date(2026, 9, 30), date(2027, 3, 30)),
    ],
)
def test_at_the_end_of_a_month_the_last_day_is_certain(exported_on: date, last: date) -> None:
    today = last - timedelta(days=1)
    plan = Plan(cause="unsold", home_area="4604", planned_on=last)
    said = eligibility.judge(EDITIONS, plan, Line(facts=facts(exported_on)), today)
    assert said.tax is Standing.EXEMPT
    (clock,) = [each for each in said.clocks if each.name == "tax_return"]
    assert (clock.ends_on, clock.remaining_days) == (last, 1)
    late = Plan(cause="unsold", home_area="4604", planned_on=last + timedelta(days=5))
    assert eligibility.judge(EDITIONS, late, Line(facts=facts(exported_on)), today).tax is Standing.TAXED


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 500))
def test_free_of_tax_never_comes_back_later(exported_on: date, days: int) -> None:
    def tax(on: date) -> Standing:
        plan = Plan(cause="return", home_area="4604", planned_on=on)
        return eligibility.judge(EDITIONS, plan, Line(facts=facts(exported_on)), exported_on).tax

    day = exported_on + timedelta(days=days)
    if tax(day) is Standing.TAXED:
        assert tax(day + timedelta(days=1)) is Standing.TAXED


def test_lines_that_the_law_cannot_tell_apart_are_judged_once() -> None:
    plan = Plan(cause="unsold", home_area="4604", planned_on=TODAY)
    lines = [Line(facts=facts()), Line(facts=facts()), Line(facts=facts(), original_state=False)]
    one, same, other = eligibility.judge_all(EDITIONS, plan, lines, TODAY)
    assert one is same
    assert other.tax is not one.tax


def test_what_was_said_is_spoken_in_the_readers_language() -> None:
    said = judged(facts(date(2026, 5, 1)))
    reason = next(each for each in said.reasons if each.effect == "taxed")
    assert "2026-05-01" in str(reason.said)
    assert "1 May" in reason.said.spoken(lambda day: f"{day.day} May" if day.month == 5 else "later")
    word = eligibility.Told("%(fact)s", {"fact": [{"word": "Damaged"}]})
    english = str(word)
    with text.speaking("zh_CN"):
        assert str(word) not in ("", english)


def test_counting_asks_for_every_line_once_and_within_its_bounds() -> None:
    expected = {1: (5, False), 2: (3, True), 3: (1, False)}
    assert home_rules.counted_faults(expected, [(1, 0), (2, 3), (3, 1)], whole_units=True) == []
    faults = home_rules.counted_faults(expected, [(1, 6), (1, 2), (2, 2), (9, 1)], whole_units=True)
    assert [fault.field for fault in faults] == [
        *("lines.1.quantity", "lines.1.quantity", "lines.2.quantity", "lines.9.quantity", "lines.3.quantity")
    ]
    assert home_rules.counted_faults({2: (3, True)}, [(2, 2)], whole_units=False) == []


@given(st.dictionaries(st.integers(1, 30), st.tuples(st.integers(1, 50), st.booleans()), min_size=1))
def test_what_is_packed_as_planned_is_never_wrong(expected: dict[int, tuple[int, bool]]) -> None:
    given = [(line, most) for line, (most, _) in expected.items()]
    assert home_rules.counted_faults(expected, given, whole_units=True) == []
