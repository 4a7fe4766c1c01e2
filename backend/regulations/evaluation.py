"""One edition against the facts: does it concern them, is it kept, what is missing to say so. Pure.

What is not known is never guessed: it is named.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from backend.core.text import N_, Word
from backend.regulations import windows
from backend.regulations.editions import BASIS_FACTS, Basis, Comparison, Edition, Effect, Family, Relation, Source
from backend.regulations.facts import CAUSES, FACTS
from backend.regulations.windows import Span

Value = str | bool | date | Decimal
Known = Mapping[str, Value]

MONTH_END = N_(
    "The month in which the time ends is too short, so its last day was taken. This reading of the month end is still "
    "to be confirmed."
)
_MISSING = N_("Not known: %(fact)s.")
_NO_EDITION = N_("No edition of this rule covers %(day)s.")
_ONE_OF = N_("%(fact)s: %(value)s, which is one of %(wanted)s.")
_NOT_ONE_OF = N_("%(fact)s: %(value)s, which is none of %(wanted)s.")
_AT_MOST = N_("%(fact)s: %(value)s, at most %(wanted)s.")
_MORE_THAN = N_("%(fact)s: %(value)s, more than %(wanted)s.")
_INSIDE = N_("%(fact)s: %(value)s, within the time that ends on %(ends_on)s.")
_OUTSIDE = N_("%(fact)s: %(value)s, outside the time from %(starts_on)s to %(ends_on)s.")
_ASSUMED = N_("To be assured: %(fact)s.")
_ALWAYS = N_("This holds without further conditions.")


class Verdict(StrEnum):
    """What became of a rule: kept, broken, not concerned, not to be decided, or no edition for the date."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_CONCERNED = "not_concerned"
    UNDECIDED = "undecided"
    NOT_COVERED = "not_covered"


VERDICT_NAMES: Mapping[Verdict, str] = {
    Verdict.KEPT: N_("Fires"),
    Verdict.BROKEN: N_("Fires: condition not fulfilled"),
    Verdict.NOT_CONCERNED: N_("Does not fire"),
    Verdict.UNDECIDED: N_("Cannot be decided"),
    Verdict.NOT_COVERED: N_("No edition for this date"),
}


class Said(msgspec.Struct, frozen=True):
    """A message id with its facts; dates among them are `date`, words `Word`."""

    sentence: str
    facts: dict[str, object] = {}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule says of the facts: its verdict, the effect that follows, and on which facts.

    `sentence` with `facts` is the fact that decided; `reasons` are all that were looked at; `missing` the facts that
    would be needed. `needs_person`: the edition is marked "check", is unverified, or its reading is disputed.
    """

    rule_id: str
    edition: str
    family: Family
    part: str
    verdict: Verdict
    effect: Effect | None
    sentence: str
    facts: dict[str, object]
    reasons: tuple[Said, ...]
    source: Source | None
    needs_person: bool
    basis: str
    basis_day: date | None
    missing: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    duties: tuple[Said, ...] = ()
    notes: tuple[Said, ...] = ()
    titles: dict[str, str] = {}
    texts: dict[str, str] = {}
    doubts: tuple[str, ...] = ()
    value: str = ""


class _Answer(msgspec.Struct, frozen=True):
    """One comparison: true, false, or (None) not known."""

    holds: bool | None
    said: Said
    missing: tuple[str, ...] = ()
    is_duty: bool = False
    is_disputed: bool = False
    is_month_end: bool = False


def basis_day(basis: Basis, known: Known) -> date | None:
    """The date by which editions of this basis are picked."""
    found = known.get(BASIS_FACTS[basis])
    return found if isinstance(found, date) else None


def window_start(edition: Edition, known: Known) -> tuple[date | None, str]:
    """The day on which the edition's window starts, and the fact that gives it (or would)."""
    window = edition.window
    assert window is not None
    code = known.get("supervision_code")
    name = window.starts_for.get(code, window.starts) if isinstance(code, str) else window.starts
    if window.starts_for and not isinstance(code, str):
        return None, "supervision_code"
    day = known.get(name)
    later = known.get(window.or_later) if window.or_later else None
    if isinstance(day, date) and isinstance(later, date) and later > day:
        return later, window.or_later
    return (day if isinstance(day, date) else None), name


def window_span(edition: Edition, known: Known) -> tuple[Span | None, str]:
    """The days of the edition's window, and the fact that starts it (or is missing)."""
    day, name = window_start(edition, known)
    return (windows.span(edition.window, day) if day and edition.window else None), name


def spoken(name: str, value: Value) -> object:
    """A fact's value as a sentence takes it."""
    if name == "cause" and isinstance(value, str):
        return Word(CAUSES.get(value, value))
    return value


def _compare(edition: Edition, test: Comparison, known: Known) -> _Answer:
    value = known.get(test.fact)
    label = Word(FACTS[test.fact].label)
    if value is None:
        said = Said(_ASSUMED if test.assumed else _MISSING, {"fact": label})
        return _Answer(True if test.assumed else None, said, () if test.assumed else (test.fact,), test.assumed)
    facts: dict[str, object] = {"fact": label, "value": spoken(test.fact, value)}
    if test.relation is Relation.IS:
        fact = FACTS[test.fact]
        return _Answer(value is (test.values[0] == "yes"), Said(fact.yes if value else fact.no))
    if test.relation is Relation.IN_WINDOW:
        return _in_window(edition, value, facts, known)
    if test.relation is Relation.AT_MOST:
        within = isinstance(value, Decimal) and value <= Decimal(test.values[0])
        return _Answer(within, Said(_AT_MOST if within else _MORE_THAN, {**facts, "wanted": Decimal(test.values[0])}))
    if test.fact == "cause":
        facts["wanted"] = [Word(CAUSES.get(each, each)) for each in test.values]
    else:
        facts["wanted"] = list(test.values)
    among = value in test.values
    return _Answer(among is (test.relation is Relation.IN), Said(_ONE_OF if among else _NOT_ONE_OF, facts))


def _in_window(edition: Edition, value: Value, facts: dict[str, object], known: Known) -> _Answer:
    span, name = window_span(edition, known)
    if span is None or not isinstance(value, date):
        return _Answer(None, Said(_MISSING, {"fact": Word(FACTS[name].label)}), (name,))
    inside = span.holds(value)
    said = Said(_INSIDE if inside else _OUTSIDE, {**facts, "starts_on": span.starts_on, "ends_on": span.ends_on})
    return _Answer(inside, said, is_disputed=span.in_doubt(value), is_month_end=span.clamped_days > 0)


def concerns(edition: Edition, known: Known) -> bool | None:
    """Whether the edition concerns these facts; None is not to be decided."""
    answers = [_compare(edition, test, known).holds for test in edition.when]
    return False if False in answers else None if None in answers else True


def judge(edition: Edition, known: Known) -> Finding:
    """What `edition`, which covers the basis date, says of the facts."""
    concerned = [_compare(edition, test, known) for test in edition.when]
    kept = [_compare(edition, test, known) for test in edition.must]
    every = [*concerned, *kept]
    missing: tuple[str, ...] = ()
    deciding: _Answer | None
    if deciding := next((answer for answer in concerned if answer.holds is False), None):
        verdict, effect, every = Verdict.NOT_CONCERNED, None, concerned
    elif unknown := [answer for answer in concerned if answer.holds is None]:
        verdict, effect, deciding = Verdict.UNDECIDED, None, unknown[0]
        missing = _missing(unknown)
    elif deciding := next((answer for answer in kept if answer.holds is False), None):
        verdict, effect = Verdict.BROKEN, edition.fails
    elif unknown := [answer for answer in kept if answer.holds is None]:
        verdict, effect, deciding = Verdict.UNDECIDED, None, unknown[0]
        missing = _missing(unknown)
    else:
        verdict, effect = Verdict.KEPT, edition.holds
        deciding = next((answer for answer in reversed(every) if not answer.is_duty), every[-1] if every else None)
    said = deciding.said if deciding else Said(_ALWAYS)
    fires = verdict in (Verdict.KEPT, Verdict.BROKEN)
    return Finding(
        rule_id=edition.rule_id,
        edition=edition.name,
        family=edition.family,
        part=edition.part,
        verdict=verdict,
        effect=effect,
        sentence=said.sentence,
        facts=said.facts,
        reasons=tuple(answer.said for answer in every if not answer.is_duty),
        source=edition.source,
        needs_person=verdict is not Verdict.NOT_CONCERNED
        and (edition.is_doubtful or any(answer.is_disputed for answer in kept)),
        basis=edition.basis.value,
        basis_day=basis_day(edition.basis, known),
        missing=missing,
        documents=edition.documents if verdict is Verdict.KEPT else (),
        duties=tuple(answer.said for answer in every if answer.is_duty) if fires else (),
        notes=(Said(MONTH_END),) if any(answer.is_month_end for answer in kept) else (),
        titles=edition.titles,
        texts=edition.texts,
        doubts=edition.doubts,
        value=edition.value,
    )


def undated(edition: Edition) -> Finding:
    """What a rule says when its basis date is missing; `edition` is any of its editions."""
    name = BASIS_FACTS[edition.basis]
    return _none(edition, Verdict.UNDECIDED, Said(_MISSING, {"fact": Word(FACTS[name].label)}), None, (name,))


def not_covered(edition: Edition, day: date) -> Finding:
    """What a rule says of a basis date that no edition covers; `edition` is any of its editions."""
    return _none(edition, Verdict.NOT_COVERED, Said(_NO_EDITION, {"day": day}), day, ())


def _none(edition: Edition, verdict: Verdict, said: Said, day: date | None, missing: tuple[str, ...]) -> Finding:
    return Finding(
        rule_id=edition.rule_id,
        edition="",
        family=edition.family,
        part=edition.part,
        verdict=verdict,
        effect=None,
        sentence=said.sentence,
        facts=said.facts,
        reasons=(said,),
        source=None,
        needs_person=False,
        basis=edition.basis.value,
        basis_day=day,
        missing=missing,
        titles=edition.titles,
    )


def _missing(answers: list[_Answer]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for answer in answers for name in answer.missing))
