"""What the rules say of a declaration line: its clocks, what a return of it may expect, every rule that concerns it. Pure.

The edition is picked by the basis date of its rule, never by today; every date is an argument. Tell apart: `customs`
(may the goods come back by the returns route) and `tax` (do they come back free of duty and tax). What cannot be said
is "person": a fact is missing, a rule is marked "check", or no rule covers the date.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Literal

import msgspec

from backend.core.errors import Conflict, NotFound
from backend.core.text import N_
from backend.regulations import evaluation, windows
from backend.regulations.editions import Edition, Editions, Effect, Family, Source
from backend.regulations.evaluation import Finding, Known, Said, Value, Verdict
from backend.regulations.windows import CLOCKS, ClockName, Span

NO_RULE = N_("No rule in force covers this. Ask customs or the tax office before you rely on it.")


class LineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a declaration line 报关单项号; None is not known.

    `customs_area` is the customs district of the export, the first four digits of the declaration number. `answers` are
    yes-or-no facts by name (`facts.ANSWERS`).
    """

    supervision_code: str | None = None
    exported_on: date | None = None
    released_on: date | None = None
    left_area_on: date | None = None
    settled_on: date | None = None
    sold_on: date | None = None
    filed_on: date | None = None
    accounted_on: date | None = None
    evidence_on: date | None = None
    customs_area: str | None = None
    is_food: bool | None = None
    refund_taken: bool | None = None
    value_cny: Decimal | None = None
    answers: dict[str, bool] = {}


class ReturnFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A return that is planned or has arrived: when, why, in which state, through which customs district (four digits)."""

    line: LineFacts
    returned_on: date
    cause: Literal["unsold", "return"]
    original_state: bool | None = None
    home_area: str | None = None


class ClockState(StrEnum):
    """How a clock stands."""

    RUNNING = "running"
    WARNING = "warning"
    OVER = "over"
    AHEAD = "ahead"
    DONE = "done"
    NOT_STARTED = "not_started"
    NOT_CONCERNED = "not_concerned"
    NO_RULE = "no_rule"


CLOCK_NAMES: Mapping[ClockName, str] = {
    "tax_return": N_("Tax-free return"),
    "customs_return": N_("Customs route for returns"),
    "accounting": N_("Accounting for the pre-refund"),
    "evidence": N_("Evidence of sale"),
    "filing": N_("Filing of refund or exemption"),
}
CLOCK_STATE_NAMES: Mapping[ClockState, str] = {
    ClockState.RUNNING: N_("Running"),
    ClockState.WARNING: N_("Ends soon"),
    ClockState.OVER: N_("Over"),
    ClockState.AHEAD: N_("Begins later"),
    ClockState.DONE: N_("Done"),
    ClockState.NOT_STARTED: N_("Not started"),
    ClockState.NOT_CONCERNED: N_("Does not concern this line"),
    ClockState.NO_RULE: N_("No rule"),
}


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """One clock of a line on a day: both ends included, the days that are left, the rule and edition it comes from.

    `warning_days` is the smallest warning that is reached (60, 30 or 7 days); `missing` the fact without which it has
    not started. `slow_on` is the day from which unsold goods count as slow stock, `is_slow` whether it has come.
    """

    name: ClockName
    state: ClockState
    starts_on: date | None = None
    ends_on: date | None = None
    remaining_days: int | None = None
    warning_days: int | None = None
    missing: str = ""
    rule_id: str = ""
    edition: str = ""
    source: Source | None = None
    needs_person: bool = False
    slow_on: date | None = None
    is_slow: bool = False
    notes: tuple[Said, ...] = ()
    titles: dict[str, str] = {}
    texts: dict[str, str] = {}


class Standing(StrEnum):
    """What a return may expect."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    EXEMPT = "exempt"
    TAXED = "taxed"
    PERSON = "person"


STANDING_NAMES: Mapping[Standing, str] = {
    Standing.ALLOWED: N_("Possible"),
    Standing.REFUSED: N_("Not possible"),
    Standing.EXEMPT: N_("Free of duty and tax"),
    Standing.TAXED: N_("Duty and tax are due"),
    Standing.PERSON: N_("A person must decide"),
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules say of a return. `documents` and `duties` are what it takes; `gaps` what no rule speaks about."""

    customs: Standing
    tax: Standing
    findings: tuple[Finding, ...]
    documents: tuple[str, ...]
    duties: tuple[Said, ...]
    gaps: tuple[Said, ...]
    needs_person: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """The facts that would be needed to decide what is undecided."""
        return tuple(dict.fromkeys(name for finding in self.findings for name in finding.missing))


class NoSuchRule(NotFound):
    """There is no rule or edition of this name."""

    sentence: ClassVar[str] = N_("There is no rule “%(rule)s” in this edition. Choose one of the list of rules.")


class EditionExists(Conflict):
    """A rule has one edition that begins on a day."""

    sentence: ClassVar[str] = N_(
        "The rule %(rule)s has an edition that begins on this day already. Open it and correct or end it instead."
    )


class EditionChanged(Conflict):
    """Somebody else changed the edition in between."""

    sentence: ClassVar[str] = N_(
        "Somebody changed this edition since you opened it. Load it again and repeat your change."
    )


def line_facts(editions: Editions, line: LineFacts) -> dict[str, Value]:
    """Everything known of a line by the names that rules use, with the accounting deadline worked out."""
    given = {
        name: getattr(line, name) for name in LineFacts.__struct_fields__ if name not in ("answers", "customs_area")
    }
    known: dict[str, Value] = {name: value for name, value in {**given, **line.answers}.items() if value is not None}
    if "accounted_on" in known:
        known["accounted"] = True
    if span := _period("accounting", editions, known).span:
        known["accounting_deadline"] = span.ends_on
    return known


def return_facts(editions: Editions, facts: ReturnFacts) -> dict[str, Value]:
    """Everything known of a return by the names that rules use."""
    known = line_facts(editions, facts.line)
    known |= {"returned_on": facts.returned_on, "cause": facts.cause}
    if facts.original_state is not None:
        known["original_state"] = facts.original_state
    if facts.home_area and facts.line.customs_area:
        known["same_customs_area"] = directly_above(facts.home_area) == directly_above(facts.line.customs_area)
    return known


def directly_above(district: str) -> str:
    """The customs 直属海关 that a customs district 关区 belongs to: two of its four digits (46 Zhengzhou, 4602 Luoyang)."""
    return district[:2]


def findings_of(editions: Editions, families: Iterable[Family], known: Known) -> list[Finding]:
    """What each rule of `families` says: one finding a rule, of the edition that its basis date falls under."""
    found = []
    for rule_id in editions.rules_of(*families):
        any_edition = editions.of(rule_id)[0]
        day = evaluation.basis_day(any_edition.basis, known)
        if day is None:
            found.append(evaluation.undated(any_edition))
        elif edition := editions.pick(rule_id, day):
            found.append(evaluation.judge(edition, known))
        else:
            found.append(evaluation.not_covered(any_edition, day))
    return found


def judge_line(editions: Editions, line: LineFacts) -> list[Finding]:
    """What the rules about export, refund, zone and goods codes say of a line."""
    known = line_facts(editions, line)
    return findings_of(editions, (Family.EXPORT, Family.REFUND, Family.ZONE, Family.GOODS), known)


def judge_return(editions: Editions, facts: ReturnFacts) -> Outcome:
    """Whether the goods may come back, and whether free of duty and tax, with every rule that was looked at."""
    known = return_facts(editions, facts)
    findings = findings_of(editions, (Family.CUSTOMS, Family.TAX), known)
    customs = [finding for finding in findings if finding.family is Family.CUSTOMS]
    tax = [finding for finding in findings if finding.family is Family.TAX]
    gaps: list[Said] = []
    asked = ["route", "time"] if known.get("same_customs_area") else ["route", "time", "district"]
    customs_standing = _standing(customs, asked, Effect.REFUSED, Standing.ALLOWED, Standing.REFUSED, gaps)
    tax_standing = _standing(tax, ["relief"], Effect.TAXED, Standing.EXEMPT, Standing.TAXED, gaps)
    fired = [finding for finding in findings if finding.verdict is Verdict.KEPT]
    return Outcome(
        customs=customs_standing,
        tax=tax_standing,
        findings=tuple(findings),
        documents=tuple(dict.fromkeys(name for finding in fired for name in finding.documents)),
        duties=tuple(said for finding in fired for said in finding.duties),
        gaps=tuple(gaps),
        needs_person=Standing.PERSON in (customs_standing, tax_standing)
        or any(finding.needs_person for finding in findings if finding.verdict is not Verdict.NOT_COVERED),
    )


_GAPS: Mapping[str, str] = {
    "route": N_("No rule in force says whether these goods may come back by the returns route."),
    "time": N_("No rule in force says until when these goods may come back."),
    "district": N_("No rule in force says whether these goods may come back through another customs district."),
    "relief": N_("No rule in force says whether these goods come back free of duty and tax."),
}


def _standing(
    findings: list[Finding],
    asked: list[str],
    bars: Effect,
    good: Standing,
    bad: Standing,
    gaps: list[Said],
) -> Standing:
    """One bar that is certain decides; else everything undecided, doubtful or without a rule is for a person."""
    barred = [finding for finding in findings if finding.effect is bars]
    if any(not finding.needs_person for finding in barred):
        return bad
    doubtful = bool(barred)
    for part in asked:
        decided = [each for each in findings if each.part == part and each.effect not in (None, Effect.REQUIRED)]
        undecided = any(each.part == part and each.verdict is Verdict.UNDECIDED for each in findings)
        if not decided and not undecided:
            gaps.append(Said(_GAPS[part]))
        doubtful = doubtful or not decided or any(each.needs_person for each in decided)
    doubtful = doubtful or any(
        each.verdict is Verdict.UNDECIDED or (each.needs_person and each.effect not in (None, Effect.REQUIRED))
        for each in findings
    )
    return Standing.PERSON if doubtful else good


# ------------------------------------------------------------------------------------------------------------ clocks

# What ends a clock, if it happened since the clock began: evidence of an earlier sale is none of a later one.
_DONE_WITH: Mapping[ClockName, str] = {
    "accounting": "accounted_on",
    "evidence": "evidence_on",
    "filing": "filed_on",
}


def clocks(editions: Editions, line: LineFacts, today: date) -> list[Clock]:
    """The five clocks of a line as they stand on `today`, in the order in which they are spoken of."""
    known = line_facts(editions, line)
    return [_clock(name, editions, known, today) for name in CLOCKS]


def last_day(editions: Editions, line: LineFacts, name: ClockName) -> date | None:
    """The last day of a clock, if its start is known and a rule covers it."""
    span = _period(name, editions, line_facts(editions, line)).span
    return span.ends_on if span else None


class _Period(msgspec.Struct, frozen=True):
    """Where a clock comes from: its edition and days; else the fact that is missing, or that it concerns others."""

    edition: Edition | None = None
    span: Span | None = None
    missing: str = ""
    is_for_others: bool = False


def _period(name: ClockName, editions: Editions, known: Known) -> _Period:
    missing, is_for_others = "", False
    for rule_id in editions.window_rules(name):
        first = editions.of(rule_id)[0]
        day = evaluation.basis_day(first.basis, known)
        edition = editions.pick(rule_id, day) if day else None
        if evaluation.concerns(edition or first, known) is False:
            is_for_others = True
        elif day is None:
            missing = evaluation.undated(first).missing[0]
        elif edition is not None and edition.window is not None:
            span, fact = evaluation.window_span(edition, known)
            return _Period(edition, span, "" if span else fact)
    return _Period(missing=missing, is_for_others=is_for_others and not missing)


def _clock(name: ClockName, editions: Editions, known: Known, today: date) -> Clock:
    period = _period(name, editions, known)
    edition, span = period.edition, period.span
    if edition is None or edition.window is None:
        if period.missing:
            return Clock(name=name, state=ClockState.NOT_STARTED, missing=period.missing)
        if period.is_for_others:
            return Clock(name=name, state=ClockState.NOT_CONCERNED)
        return Clock(name=name, state=ClockState.NO_RULE, needs_person=True, notes=(Said(NO_RULE),))
    window = edition.window
    notes = [Said(evaluation.MONTH_END)] if span and span.clamped_days else []
    state, remaining, warning, slow_on = ClockState.NOT_STARTED, None, None, None
    if span:
        remaining = (span.ends_on - today).days
        state, warning = _state(span, window.warn_days, today)
        done_on = known.get(_DONE_WITH.get(name, ""))
        if isinstance(done_on, date) and span.starts_on <= done_on <= today:
            state, warning = ClockState.DONE, None
        slow_on = windows.days_after(span.starts_on, window.slow_days) if window.slow_days else None
    return Clock(
        name=name,
        state=state,
        starts_on=span.starts_on if span else None,
        ends_on=span.ends_on if span else None,
        remaining_days=remaining,
        warning_days=warning,
        missing=period.missing,
        rule_id=edition.rule_id,
        edition=edition.name,
        source=edition.source,
        needs_person=edition.is_doubtful or bool(notes),
        slow_on=slow_on,
        is_slow=slow_on is not None and slow_on <= today,
        notes=tuple(notes),
        titles=edition.titles,
        texts=edition.texts,
    )


def _state(span: Span, warn_days: tuple[int, ...], today: date) -> tuple[ClockState, int | None]:
    if today < span.starts_on:
        return ClockState.AHEAD, None
    if today > span.ends_on:
        return ClockState.OVER, None
    reached = [days for days in warn_days if span.ends_on - today <= timedelta(days=days)]
    return (ClockState.WARNING, min(reached)) if reached else (ClockState.RUNNING, None)
