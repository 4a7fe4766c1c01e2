"""What may happen to a work order, without a database: a state machine, shares of quotes, warranty dates."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.repairs import faultbook, rules, sharing, warranties
from backend.repairs.rules import QuoteState, Stage
from backend.repairs.sharing import AgreedLabour, AgreedPart, PartLine
from backend.stages import rules as stages_rules

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = date(2026, 11, 23)


# ---------------------------------------------------------------------------------------------------- state machine


def test_every_open_stage_leads_to_an_end() -> None:
    reached = {Stage(stage): {stage} for stage in Stage}
    for _ in Stage:
        for source, target in rules.TRANSITIONS:
            reached[source] |= reached[target]
    assert all(reached[stage] & rules.ENDED for stage in Stage)


def test_an_end_leads_nowhere() -> None:
    assert not [pair for pair in rules.TRANSITIONS if pair[0] in rules.ENDED]


def test_only_a_test_leads_to_finished() -> None:
    assert [source for source, target in rules.TRANSITIONS if target is Stage.FINISHED] == [Stage.TESTING]


def test_nothing_is_repaired_without_a_quote_in_between() -> None:
    ways_in = {source for source, target in rules.TRANSITIONS if target is Stage.REPAIRING}
    assert ways_in == {Stage.QUOTED, Stage.TESTING}


@given(st.sampled_from(list(Stage)), st.lists(st.sampled_from(list(Stage)), max_size=12))
def test_a_walk_stays_within_the_pairs_and_stops_at_an_end(begin: Stage, wishes: list[Stage]) -> None:
    stage = begin
    for wish in wishes:
        if rules.may_go(stage, wish):
            assert stage not in rules.ENDED
            stage = wish
    order = {"number": "W1", "stage": stage}
    assert rules.require_stage(order, stage) is stage
    with pytest.raises(rules.WrongStage):
        rules.require_stage(order, *(set(Stage) - {stage}))


def test_stages_with_a_clock_are_the_open_ones() -> None:
    clocked = {stage for subject, stage in stages_rules.limits() if subject is stages_rules.Subject.REPAIR}
    assert clocked == {stage.value for stage in set(Stage) - rules.ENDED}
    for stage in clocked:
        assert stages_rules.STAGE_NAMES[stages_rules.Subject.REPAIR, stage] == rules.STAGE_NAMES[Stage(stage)]


@pytest.mark.parametrize("state", [state for state in QuoteState if state is not QuoteState.OPEN])
def test_a_quote_that_ended_leads_back_to_where_the_bench_stands(state: QuoteState) -> None:
    first = Stage.REPAIRING if state is QuoteState.APPROVED else Stage.DIAGNOSING
    assert rules.stage_after_quote(state, approved_before=False) is first
    assert rules.stage_after_quote(state, approved_before=True) is Stage.REPAIRING


# ------------------------------------------------------------------------------------------------------------ quotes


def test_an_answer_counts_before_the_quote_expires_and_once() -> None:
    ends = NOW + timedelta(seconds=1)
    rules.require_answerable(QuoteState.OPEN, ends, NOW, "then")
    for late in (ends, ends + timedelta(days=1)):
        with pytest.raises(rules.QuoteExpired, match="then"):
            rules.require_answerable(QuoteState.OPEN, ends, late, "then")
    with pytest.raises(rules.QuoteExpired):
        rules.require_answerable(QuoteState.EXPIRED, ends, NOW, "then")
    for state in (QuoteState.APPROVED, QuoteState.REFUSED, QuoteState.WITHDRAWN):
        with pytest.raises(rules.AlreadyAnswered):
            rules.require_answerable(state, ends, NOW, "then")


def test_a_quote_comes_to_its_parts_and_its_hours() -> None:
    parts = [PartLine(1, 2, Decimal("12.50")), PartLine(2, 1, Decimal("0.0001"))]
    assert sharing.total(parts, 90, Decimal("40")) == Decimal("85.0001")
    assert sharing.hours(20) == Decimal("0.3333")


@pytest.mark.parametrize(
    ("parts", "minutes", "ends", "wrong"),
    [
        ([], 0, NOW + timedelta(days=1), {"minutes"}),
        ([], -1, NOW + timedelta(days=1), {"minutes"}),
        ([], 60_001, NOW + timedelta(days=1), {"minutes"}),
        ([], 5, NOW, {"expires_at"}),
        ([], 5, NOW + timedelta(days=91), {"expires_at"}),
        ([], 5, datetime(2026, 12, 1), {"expires_at"}),  # noqa: DTZ001
        ([PartLine(1, 1, Decimal(1)), PartLine(1, 2, Decimal(2))], 0, NOW + timedelta(days=1), {"parts"}),
        ([PartLine(n, 1, Decimal(1)) for n in range(51)], 0, NOW + timedelta(days=1), {"parts"}),
        ([PartLine(1, 1, Decimal(1))], 0, NOW + timedelta(days=90), set()),
    ],
)
def test_bad_quotes_are_named(parts: list[PartLine], minutes: int, ends: datetime, wrong: set[str]) -> None:
    assert {fault.field for fault in sharing.quote_faults(parts, minutes, ends, NOW)} == wrong


# ------------------------------------------------------------------------------------------------------------ shares

agreed_parts = st.lists(
    st.builds(
        AgreedPart,
        quote_id=st.uuids(),
        line_no=st.integers(1, 9),
        item_id=st.integers(1, 3),
        left=st.integers(1, 5),
        price=st.decimals(0, 100, places=2),
        currency=st.just("EUR"),
    ),
    max_size=6,
)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 8)), max_size=5), agreed_parts)
def test_parts_fall_on_quotes_whole_and_never_beyond(wanted: list[tuple[int, int]], agreed: list[AgreedPart]) -> None:
    shares, short = sharing.share_parts(wanted, agreed)
    for n, (item_id, pieces) in enumerate(wanted):
        mine = [share for share in shares if share.wanted == n]
        assert all(share.agreed.item_id == item_id and share.quantity > 0 for share in mine)
        covered = sum(share.quantity for share in mine)
        assert (covered < pieces) == (n in short)
        assert covered <= pieces
    for each in agreed:
        assert sum(share.quantity for share in shares if share.agreed is each) <= each.left
    for item_id in {item for item, _ in wanted}:
        asked = sum(pieces for item, pieces in wanted if item == item_id)
        left = sum(each.left for each in agreed if each.item_id == item_id)
        assert sum(share.quantity for share in shares if share.agreed.item_id == item_id) == min(asked, left)


@given(
    st.integers(1, 500),
    st.lists(
        st.builds(
            AgreedLabour,
            quote_id=st.uuids(),
            left=st.integers(0, 120),
            rate=st.decimals(0, 100, places=2),
            currency=st.just("EUR"),
        ),
        max_size=5,
    ),
)
def test_minutes_fall_on_quotes_in_their_order_and_none_is_lost(minutes: int, agreed: list[AgreedLabour]) -> None:
    shares = sharing.share_labour(minutes, agreed)
    assert sum(share.minutes for share in shares) == minutes
    charged = sum(share.minutes for share in shares if share.agreed)
    assert charged == min(minutes, sum(each.left for each in agreed))
    assert all(share.minutes <= share.agreed.left for share in shares if share.agreed)
    order = [agreed.index(share.agreed) for share in shares if share.agreed]
    assert order == sorted(order)


# ---------------------------------------------------------------------------------------------------------- warranty


@pytest.mark.parametrize(
    ("runs_from", "months", "ends_on"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_a_warranty_ends_on_the_same_day_or_the_months_last(runs_from: date, months: int, ends_on: date) -> None:
    assert warranties.warranty_end(runs_from, months) == ends_on


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 119))
def test_a_longer_warranty_ends_later(runs_from: date, months: int) -> None:
    assert runs_from < warranties.warranty_end(runs_from, months) < warranties.warranty_end(runs_from, months + 1)


def test_warranty_pays_to_its_last_day_and_not_for_what_the_user_did() -> None:
    assert warranties.is_covered(TODAY, TODAY, ["DEAD"])
    assert not warranties.is_covered(TODAY, TODAY + timedelta(days=1), ["DEAD"])
    assert not warranties.is_covered(None, TODAY, ["DEAD"])
    assert not warranties.is_covered(TODAY, TODAY, ["DEAD", "LIQUID"])


# ---------------------------------------------------------------------------------------------------- the fault book


def test_every_word_of_the_fault_book_is_in_every_language() -> None:
    book = faultbook.book()
    words = [each.names for each in book.classes.values()]
    words += [names for each in book.classes.values() for names in (*each.codes.values(), *each.checks.values())]
    assert all(set(names) == {"zh", "en", "ar"} and all(names.values()) for names in words)


def test_codes_are_known_once_and_special_ones_exist() -> None:
    book = faultbook.book()
    own = [code for each in book.classes.values() for code in each.codes]
    assert len(own) == len(set(own))
    general = book.codes_of(faultbook.GENERAL)
    assert book.no_fault | book.user_caused <= set(general)
    assert all(code == code.upper() and code.isascii() for code in own)


@pytest.mark.parametrize(
    ("hs_code", "item_class"),
    [
        (None, "general"),
        ("", "general"),
        ("6109", "general"),
        ("871410", "motorcycle"),
        ("94032000", "furniture"),
        ("850760", "batteries"),
        ("8504", "electrical"),
        ("8541430000", "pv"),
        ("848210", "machinery"),
    ],
)
def test_the_longest_prefix_chooses_the_class(hs_code: str | None, item_class: str) -> None:
    assert faultbook.book().class_of(hs_code) == item_class


def test_codes_of_a_diagnosis() -> None:
    def wrong(*codes: str, item_class: str = "furniture") -> set[object]:
        return {fault.value for fault in rules.code_faults(item_class, codes)}

    assert wrong("FU_JOINT", "TRANSPORT") == set()
    assert wrong("NO_FAULT") == set()
    assert wrong() == {""}
    assert wrong("MC_BRAKE") == {"MC_BRAKE"}
    assert wrong("NO_FAULT", "FU_JOINT") == {""}
    assert wrong(*(code for code in faultbook.book().codes_of("furniture") if code != "NO_FAULT")) == {27}
    assert faultbook.book().names_of("GONE") == {"en": "GONE"}


def test_a_test_counts_when_every_check_is_answered() -> None:
    checks = faultbook.book().checks_of("furniture")
    fine = dict.fromkeys(checks, "ok")
    assert rules.answer_faults("furniture", fine) == []
    assert rules.is_passed(fine)
    assert not rules.is_passed({**fine, "load": "bad"})
    assert rules.answer_faults("furniture", {**fine, "load": "na"}) == []
    missing = {name: value for name, value in fine.items() if name != "load"}
    assert [fault.field for fault in rules.answer_faults("furniture", missing)] == ["answers.load"]
    assert [fault.field for fault in rules.answer_faults("furniture", {**fine, "load": "maybe"})] == ["answers.load"]
    assert [fault.field for fault in rules.answer_faults("furniture", {**fine, "odd": "ok"})] == ["answers.odd"]
    assert [fault.field for fault in rules.answer_faults("furniture", dict.fromkeys(checks, "na"))] == ["answers"]
