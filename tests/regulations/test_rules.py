"""What the rules say of returns and clocks: the committee's cases, and what holds for any set of editions."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.regulations import rulebook, rules, windows
from backend.regulations.editions import Editions, Family, Status
from backend.regulations.evaluation import MONTH_END, Finding, Verdict
from backend.regulations.rules import Clock, ClockState, LineFacts, Outcome, ReturnFacts, Standing

RULES = rulebook.editions(rulebook.shipped())


def line(**facts: Any) -> LineFacts:
    """A line of 9810 goods from Zhengzhou's customs (4604) of which everything is known."""
    known = {
        "supervision_code": "9810",
        "exported_on": date(2026, 3, 10),
        "released_on": date(2026, 3, 9),
        "customs_area": "4604",
        "is_food": False,
        "refund_taken": False,
    }
    return LineFacts(**{**known, **facts})


def judged(returned_on: date, **facts: Any) -> Outcome:
    """What a return in good order may expect; `facts` of the line and of the return change it."""
    of_return = {name: facts.pop(name) for name in ("cause", "original_state", "home_area") if name in facts}
    given = {"cause": "unsold", "original_state": True, "home_area": "4604", **of_return}
    return rules.judge_return(RULES, ReturnFacts(line=line(**facts), returned_on=returned_on, **given))


def finding(outcome: Outcome, rule_id: str) -> Finding:
    return next(each for each in outcome.findings if each.rule_id == rule_id)


def clock(name: str, today: date, **facts: Any) -> Clock:
    return next(each for each in rules.clocks(RULES, line(**facts), today) if each.name == name)


# --------------------------------------------------------------------------------------------- the committee's cases


def test_an_export_of_december_2025_falls_under_the_older_relief_although_it_comes_back_in_2026() -> None:
    outcome = judged(date(2026, 6, 10), exported_on=date(2025, 12, 15), released_on=date(2025, 12, 14))
    assert outcome.tax is Standing.EXEMPT
    assert outcome.customs is Standing.ALLOWED
    assert finding(outcome, "RET-TAX-2023").verdict is Verdict.KEPT
    assert finding(outcome, "RET-TAX-2026").verdict is Verdict.NOT_COVERED
    assert finding(outcome, "RET-TAX-6M").edition == "2023-01-30"


def test_six_months_from_the_end_of_august_end_with_february_and_the_reading_is_marked() -> None:
    exported = {"exported_on": date(2026, 8, 31), "released_on": date(2026, 8, 30)}
    last = judged(date(2027, 2, 28), **exported)
    assert last.tax is Standing.EXEMPT
    assert finding(last, "RET-TAX-6M").notes[0].sentence == MONTH_END
    # Another reading of the month end would still let 1 to 3 March in: that is for a person.
    assert judged(date(2027, 3, 1), **exported).tax is Standing.PERSON
    assert judged(date(2027, 3, 3), **exported).tax is Standing.PERSON
    assert judged(date(2027, 3, 4), **exported).tax is Standing.TAXED
    assert clock("tax_return", date(2026, 9, 1), **exported).ends_on == date(2027, 2, 28)
    assert clock("tax_return", date(2026, 9, 1), **exported).needs_person


def test_an_export_of_2028_has_no_relief() -> None:
    outcome = judged(date(2028, 2, 1), exported_on=date(2028, 1, 10), released_on=date(2028, 1, 9))
    assert outcome.tax is Standing.TAXED
    assert finding(outcome, "RET-TAX-NONE").verdict is Verdict.KEPT


def test_goods_of_9810_do_not_return_through_another_district() -> None:
    outcome = judged(date(2026, 6, 1), home_area="5301")
    assert outcome.customs is Standing.REFUSED
    blocked = finding(outcome, "RET-XA-9810")
    assert blocked.verdict is Verdict.KEPT
    assert "9610" in blocked.texts["en"]
    assert outcome.tax is Standing.EXEMPT


def test_offices_of_one_district_are_one_customs_area() -> None:
    assert judged(date(2026, 6, 1), home_area="4602").customs is Standing.ALLOWED


def test_a_repaired_item_is_not_in_its_original_state() -> None:
    outcome = judged(date(2026, 6, 1), original_state=False)
    assert outcome.tax is Standing.TAXED
    assert finding(outcome, "RET-TAX-STATE").verdict is Verdict.BROKEN
    assert outcome.customs is Standing.ALLOWED


# ----------------------------------------------------------------------------------------------------------- returns


@pytest.mark.parametrize("missing", ["supervision_code", "exported_on", "released_on", "is_food", "refund_taken"])
def test_a_missing_fact_is_named_and_the_case_is_for_a_person(missing: str) -> None:
    outcome = judged(date(2026, 6, 1), **{missing: None})
    assert Standing.PERSON in (outcome.customs, outcome.tax)
    assert missing in outcome.missing
    assert outcome.needs_person


def test_a_state_that_nobody_looked_at_and_an_unknown_district_are_missing() -> None:
    assert judged(date(2026, 6, 1), original_state=None).tax is Standing.PERSON
    unknown = judged(date(2026, 6, 1), home_area=None)
    assert unknown.customs is Standing.PERSON
    assert "same_customs_area" in unknown.missing


def test_what_is_certainly_barred_is_barred_whatever_else_is_unknown() -> None:
    assert judged(date(2026, 6, 1), is_food=True, refund_taken=None).tax is Standing.TAXED
    assert judged(date(2027, 6, 1), home_area=None).customs is Standing.REFUSED


def test_the_customs_route_closes_a_year_after_release_and_the_last_day_counts() -> None:
    assert judged(date(2027, 3, 9)).customs is Standing.ALLOWED
    assert judged(date(2027, 3, 10)).customs is Standing.REFUSED


def test_six_months_count_the_last_day() -> None:
    assert judged(date(2026, 9, 10)).tax is Standing.EXEMPT
    assert judged(date(2026, 9, 11)).tax is Standing.TAXED


def test_under_1210_the_months_run_from_the_day_the_goods_left_the_area() -> None:
    facts = {"supervision_code": "1210", "left_area_on": date(2026, 5, 1)}
    assert judged(date(2026, 10, 20), **facts).tax is Standing.EXEMPT
    unknown = judged(date(2026, 10, 20), supervision_code="1210")
    assert unknown.tax is Standing.PERSON
    assert unknown.missing == ("left_area_on",)


def test_goods_of_9610_return_anywhere_from_april_2026_and_only_in_the_pilot_before() -> None:
    facts = {"supervision_code": "9610", "home_area": "5301"}
    free = judged(date(2026, 4, 1), **facts)
    assert free.customs is Standing.ALLOWED
    assert len(finding(free, "RET-XA-ALL").duties) == 3
    assert judged(date(2026, 3, 31), **facts).customs is Standing.PERSON
    assert judged(date(2026, 3, 31), answers={"pilot_district": True}, **facts).customs is Standing.ALLOWED
    assert judged(date(2026, 3, 31), answers={"pilot_district": False}, **facts).customs is Standing.REFUSED


def test_before_any_rule_spoke_of_other_districts_a_person_decides() -> None:
    old = {"exported_on": date(2024, 10, 1), "released_on": date(2024, 10, 1), "home_area": "5301"}
    outcome = judged(date(2024, 12, 14), **old)
    assert outcome.customs is Standing.PERSON
    assert len(outcome.gaps) == 1


def test_a_refund_that_was_taken_is_repaid_with_its_certificate() -> None:
    outcome = judged(date(2026, 6, 1), refund_taken=True)
    assert outcome.tax is Standing.EXEMPT
    assert "repaid_certificate" in outcome.documents
    assert finding(outcome, "RET-TAX-REPAY").verdict is Verdict.KEPT
    assert "repaid_certificate" not in judged(date(2026, 6, 1)).documents


def test_unverified_evidence_is_marked_without_changing_what_follows() -> None:
    outcome = judged(date(2026, 6, 1))
    assert finding(outcome, "RET-TAX-EVID").needs_person
    assert outcome.tax is Standing.EXEMPT


def test_a_firm_that_does_not_monitor_its_returns_is_refused() -> None:
    assert judged(date(2026, 6, 1), answers={"monitored": False}).customs is Standing.REFUSED
    assert judged(date(2026, 6, 1)).duties


def test_exports_before_any_relief_are_for_a_person() -> None:
    outcome = judged(date(2023, 2, 1), exported_on=date(2023, 1, 29), released_on=date(2023, 1, 29))
    assert outcome.tax is Standing.PERSON


def test_ordinary_exports_have_neither_the_route_nor_the_relief() -> None:
    outcome = judged(date(2026, 6, 1), supervision_code="0110")
    assert (outcome.customs, outcome.tax) == (Standing.REFUSED, Standing.TAXED)


# ------------------------------------------------------------------------------------------------------------ clocks


def test_the_five_clocks_of_a_line() -> None:
    facts = {"settled_on": date(2025, 2, 13), "sold_on": date(2026, 4, 1), "filed_on": date(2026, 3, 20)}
    names = [each.name for each in rules.clocks(RULES, line(**facts), date(2026, 4, 1))]
    assert names == ["tax_return", "customs_return", "accounting", "evidence", "filing"]
    accounting = clock("accounting", date(2025, 2, 20), **facts)
    assert (accounting.starts_on, accounting.ends_on) == (date(2025, 3, 1), date(2026, 4, 30))
    assert accounting.state is ClockState.AHEAD
    assert not accounting.needs_person
    evidence = clock("evidence", date(2026, 4, 1), **facts)
    assert (evidence.ends_on, evidence.state, evidence.needs_person) == (date(2026, 4, 16), ClockState.RUNNING, True)
    assert clock("filing", date(2026, 4, 1), **facts).state is ClockState.DONE
    assert clock("filing", date(2026, 3, 19), **facts).ends_on == date(2029, 3, 10)


@pytest.mark.parametrize(
    ("settled", "starts", "ends"),
    [
        (date(2025, 2, 13), date(2025, 3, 1), date(2026, 4, 30)),
        (date(2026, 1, 2), date(2026, 2, 1), date(2027, 4, 30)),
        (date(2025, 12, 31), date(2026, 1, 1), date(2026, 4, 30)),
    ],
)
def test_the_accounting_window(settled: date, starts: date, ends: date) -> None:
    found = clock("accounting", starts, settled_on=settled)
    assert (found.starts_on, found.ends_on) == (starts, ends)
    assert found.needs_person is (settled.year >= 2026)


def test_evidence_of_goods_sold_before_the_filing_counts_from_the_filing() -> None:
    facts = {"sold_on": date(2026, 4, 1), "filed_on": date(2026, 5, 1)}
    assert clock("evidence", date(2026, 5, 1), **facts).ends_on == date(2026, 5, 16)


def test_evidence_on_file_ends_its_clock_until_the_next_sale() -> None:
    facts = {"sold_on": date(2026, 4, 1), "evidence_on": date(2026, 4, 3)}
    assert clock("evidence", date(2026, 5, 30), **facts).state is ClockState.DONE
    assert clock("evidence", date(2026, 5, 30), **{**facts, "sold_on": date(2026, 5, 20)}).state is ClockState.WARNING


@pytest.mark.parametrize(
    ("left", "state", "warning"),
    [
        (61, ClockState.RUNNING, None),
        (60, ClockState.WARNING, 60),
        (31, ClockState.WARNING, 60),
        (30, ClockState.WARNING, 30),
        (7, ClockState.WARNING, 7),
        (0, ClockState.WARNING, 7),
        (-1, ClockState.OVER, None),
    ],
)
def test_warnings_come_at_60_30_and_7_days(left: int, state: ClockState, warning: int | None) -> None:
    found = clock("tax_return", date(2026, 9, 10) - timedelta(days=left))
    assert (found.state, found.warning_days, found.remaining_days) == (state, warning, left)


def test_a_clock_without_its_date_says_which_one() -> None:
    assert clock("customs_return", date(2026, 4, 1), released_on=None).missing == "released_on"
    assert clock("accounting", date(2026, 4, 1)).missing == "settled_on"
    assert clock("tax_return", date(2026, 4, 1), supervision_code="1210").missing == "left_area_on"
    assert clock("tax_return", date(2026, 4, 1), supervision_code=None).state is ClockState.NOT_STARTED


def test_old_exports_have_no_rule_for_filing_and_other_codes_no_accounting() -> None:
    old = clock("filing", date(2026, 4, 1), exported_on=date(2025, 12, 31))
    assert (old.state, old.needs_person) == (ClockState.NO_RULE, True)
    assert clock("accounting", date(2026, 4, 1), supervision_code="9610").state is ClockState.NOT_CONCERNED
    assert clock("tax_return", date(2026, 4, 1), supervision_code="0110").state is ClockState.NOT_CONCERNED


def test_goods_are_slow_120_days_after_export() -> None:
    assert clock("tax_return", date(2026, 7, 7)).is_slow is False
    slow = clock("tax_return", date(2026, 7, 8))
    assert (slow.slow_on, slow.is_slow) == (date(2026, 7, 8), True)


def test_the_other_rules_of_a_line() -> None:
    found = {each.rule_id: each for each in rules.judge_line(RULES, line(answers={"sold": False}))}
    assert found["CUS-9810-NOFILE"].verdict is Verdict.KEPT
    assert found["CUS-9810-FILE"].verdict is Verdict.NOT_COVERED
    assert found["VAT-HWC-ELIG"].needs_person
    assert found["CUS-9810-LIST"].missing == ("value_cny", "needs_licence")
    assert found["HS-VER"].value == "HS 2022"
    assert found["ZONE-EXEMPT"].verdict is Verdict.NOT_CONCERNED


def test_an_accounting_missed_is_judged_by_its_deadline() -> None:
    facts = {"settled_on": date(2025, 2, 13), "answers": {"accounted": False}}
    found = {each.rule_id: each for each in rules.judge_line(RULES, line(**facts))}
    assert found["VAT-HWC-OUT-D"].basis_day == date(2026, 4, 30)
    assert found["VAT-HWC-OUT-D"].verdict is Verdict.KEPT


# -------------------------------------------------------------------------------------------------------- properties

days = st.dates(date(2019, 1, 1), date(2032, 12, 31))
maybe = st.none() | days
flags = st.none() | st.booleans()
lines = st.builds(
    LineFacts,
    supervision_code=st.sampled_from([None, "9610", "9710", "9810", "1210", "0110"]),
    exported_on=maybe,
    released_on=maybe,
    left_area_on=maybe,
    settled_on=maybe,
    sold_on=maybe,
    filed_on=maybe,
    accounted_on=maybe,
    customs_area=st.sampled_from([None, "4604", "5301"]),
    is_food=flags,
    refund_taken=flags,
)
returns = st.builds(
    ReturnFacts,
    line=lines,
    returned_on=days,
    cause=st.sampled_from(["unsold", "return"]),
    original_state=flags,
    home_area=st.sampled_from([None, "4604"]),
)


@given(days)
def test_at_most_one_edition_of_a_rule_covers_a_day(day: date) -> None:
    for rule_id in RULES.rule_ids:
        covering = [each for each in RULES.of(rule_id) if each.covers(day)]
        assert len(covering) <= 1
        assert RULES.pick(rule_id, day) == (covering[0] if covering else None)


@given(returns, st.randoms(use_true_random=False))
def test_the_answer_does_not_hang_on_the_order_of_the_editions(facts: ReturnFacts, random: Any) -> None:
    shuffled = list(RULES)
    random.shuffle(shuffled)
    assert rules.judge_return(Editions(shuffled), facts) == rules.judge_return(RULES, facts)


@given(returns)
def test_a_return_is_promised_only_when_every_rule_that_counts_says_so(facts: ReturnFacts) -> None:
    outcome = rules.judge_return(RULES, facts)
    for family, standing, good in (
        (Family.CUSTOMS, outcome.customs, Standing.ALLOWED),
        (Family.TAX, outcome.tax, Standing.EXEMPT),
    ):
        verdicts = {each.verdict for each in outcome.findings if each.family is family}
        if standing is good:
            assert not verdicts & {Verdict.BROKEN, Verdict.UNDECIDED}
    assert all(
        each.basis_day is None or each.edition or each.verdict is Verdict.NOT_COVERED for each in outcome.findings
    )


@given(lines, days)
def test_clocks_agree_with_their_own_days(facts: LineFacts, today: date) -> None:
    found = rules.clocks(RULES, facts, today)
    assert len(found) == 5
    for each in found:
        started = each.starts_on is not None
        assert started is (each.ends_on is not None) is (each.remaining_days is not None)
        assert started or each.state in (ClockState.NOT_STARTED, ClockState.NO_RULE, ClockState.NOT_CONCERNED)
        assert bool(each.missing) is (each.state is ClockState.NOT_STARTED)
        if each.state is ClockState.OVER:
            assert each.ends_on is not None
            assert each.ends_on < today


@given(days, st.integers(0, 60))
def test_months_never_leave_their_month(day: date, months: int) -> None:
    found, clamped = windows.months_after(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day + clamped == day.day


def test_the_committee_prolongs_the_relief_without_a_programmer() -> None:
    raws = [each for each in rulebook.shipped() if each["rule"] != "RET-TAX-NONE"]
    for raw in list(raws):
        if raw["family"] == "tax" and str(raw["from"]) == "2026-01-01" and raw["basis"] == "declaration":
            name = {"RET-TAX-2026": "RET-TAX-2028"}.get(raw["rule"], raw["rule"])
            raws.append({**raw, "rule": name, "from": date(2028, 1, 1), "to": date(2029, 12, 31)})
    prolonged = rulebook.editions(raws)
    facts = ReturnFacts(
        line=line(exported_on=date(2028, 1, 10), released_on=date(2028, 1, 9)),
        returned_on=date(2028, 3, 1),
        cause="return",
        original_state=True,
        home_area="4604",
    )
    assert rules.judge_return(prolonged, facts).tax is Standing.EXEMPT


def test_what_is_marked_check_is_said() -> None:
    checked = [each for each in RULES if each.status is Status.CHECK]
    assert checked
    assert all(each.is_doubtful for each in checked)
