"""What the law says of goods that are to go home, kept with them as it was said. Pure."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal

import msgspec

from backend.core import text
from backend.core.text import Word
from backend.regulations import rules as law
from backend.regulations.editions import Editions
from backend.regulations.evaluation import Finding, Said, Verdict
from backend.regulations.rules import Clock, LineFacts, Outcome, ReturnFacts, Standing

Cause = Literal["unsold", "return"]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Why goods go home, through which customs district, when they are to be there, and what their owner states."""

    cause: Cause
    home_area: str
    planned_on: date
    statement: str = ""


Plain = dict[str, Any]


class Told(msgspec.Struct, frozen=True):
    """A sentence as it is kept: days and words among its facts are marked, and spoken when somebody reads it."""

    sentence: str
    facts: Plain = {}

    def __str__(self) -> str:
        return self.spoken()

    def spoken(self, write_day: Callable[[date], str] = date.isoformat) -> str:
        """The sentence in the language of the moment; days are written by `write_day`."""
        return text.say(self.sentence, {name: _spoken(value, write_day) for name, value in self.facts.items()})


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule said of a line, with the edition it was picked from."""

    rule_id: str
    edition: str
    verdict: str
    effect: str
    titles: dict[str, str]
    said: Told
    source: str = ""
    grade: str = ""
    needs_person: bool = False


class Until(msgspec.Struct, frozen=True, kw_only=True):
    """A clock of the line as it stood when the line was judged."""

    name: str
    state: str
    ends_on: date | None = None
    remaining_days: int | None = None
    rule_id: str = ""
    edition: str = ""
    needs_person: bool = False


class Eligibility(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules said of a line when it was judged: for which day and district, the verdicts, and why."""

    customs: Standing
    tax: Standing
    judged_on: date
    returned_on: date
    home_area: str
    cause: str
    needs_person: bool
    original_state: bool | None
    reasons: tuple[Reason, ...] = ()
    documents: tuple[str, ...] = ()
    duties: tuple[Told, ...] = ()
    gaps: tuple[Told, ...] = ()
    missing: tuple[str, ...] = ()
    clocks: tuple[Until, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Goods as the law sees them: what is known of their declaration line, and of their state (None: for a person to say)."""

    facts: LineFacts
    original_state: bool | None = True


def judge(editions: Editions, plan: Plan, line: Line, today: date) -> Eligibility:
    """What the rules say when the goods return as planned, at the earliest today."""
    returned_on = max(plan.planned_on, today)
    asked = ReturnFacts(
        line=line.facts,
        returned_on=returned_on,
        cause=plan.cause,
        original_state=line.original_state,
        home_area=plan.home_area,
    )
    outcome = law.judge_return(editions, asked)
    return kept(outcome, law.clocks(editions, line.facts, today), plan, returned_on, today, line.original_state)


def judge_all(editions: Editions, plan: Plan, lines: Sequence[Line], today: date) -> list[Eligibility]:
    """The same for many lines; those that the law cannot tell apart are judged once."""
    known: dict[bytes, Eligibility] = {}
    found = []
    for line in lines:
        key = msgspec.json.encode(line, order="deterministic")
        if key not in known:
            known[key] = judge(editions, plan, line, today)
        found.append(known[key])
    return found


def kept(
    outcome: Outcome,
    clocks: Sequence[Clock],
    plan: Plan,
    returned_on: date,
    today: date,
    original_state: bool | None,
) -> Eligibility:
    """An outcome in the form in which it is kept with the line."""
    return Eligibility(
        customs=outcome.customs,
        tax=outcome.tax,
        judged_on=today,
        returned_on=returned_on,
        home_area=plan.home_area,
        cause=plan.cause,
        needs_person=outcome.needs_person,
        original_state=original_state,
        reasons=tuple(_reason(finding) for finding in outcome.findings if finding.verdict in _SPEAKING),
        documents=outcome.documents,
        duties=tuple(_told(said) for said in outcome.duties),
        gaps=tuple(_told(said) for said in outcome.gaps),
        missing=outcome.missing,
        clocks=tuple(
            Until(
                name=each.name,
                state=each.state,
                ends_on=each.ends_on,
                remaining_days=each.remaining_days,
                rule_id=each.rule_id,
                edition=each.edition,
                needs_person=each.needs_person,
            )
            for each in clocks
        ),
    )


_SPEAKING = frozenset({Verdict.KEPT, Verdict.BROKEN, Verdict.UNDECIDED})


def _reason(finding: Finding) -> Reason:
    return Reason(
        rule_id=finding.rule_id,
        edition=finding.edition,
        verdict=finding.verdict,
        effect=finding.effect or "",
        titles=finding.titles,
        said=_told(Said(finding.sentence, finding.facts)),
        source=finding.source.act if finding.source else "",
        grade=finding.source.grade if finding.source else "",
        needs_person=finding.needs_person,
    )


def _told(said: Said) -> Told:
    return Told(said.sentence, {name: _plain(value) for name, value in said.facts.items()})


def _plain(value: object) -> object:
    if isinstance(value, Word):
        return {"word": str.__str__(value)}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | bool) or value is None else str(value)


def _spoken(value: Any, write_day: Callable[[date], str]) -> object:
    if isinstance(value, list):
        return [_spoken(each, write_day) for each in value]
    if isinstance(value, dict):
        return Word(value["word"]) if "word" in value else write_day(date.fromisoformat(value["day"]))
    return value
