"""The words of rules on screen: choices, conditions and windows, verdicts and clocks, in the reader's language."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from backend.core import text
from backend.core.text import N_
from backend.regulations import editions, evaluation, facts, rules, speech
from backend.regulations.editions import Comparison, Edition, Effect, Family, Relation, Status
from backend.regulations.evaluation import Finding, Said, Verdict
from backend.regulations.rules import Clock, ClockState, Outcome, Standing
from backend.regulations.windows import Window
from frontend import render

STATUS_KINDS: Mapping[Status, str] = {Status.LIVE: "ok", Status.ENDED: "neutral", Status.CHECK: "warn"}
VERDICT_KINDS: Mapping[Verdict, str] = {
    Verdict.KEPT: "ok",
    Verdict.BROKEN: "bad",
    Verdict.NOT_CONCERNED: "neutral",
    Verdict.UNDECIDED: "warn",
    Verdict.NOT_COVERED: "neutral",
}
CLOCK_KINDS: Mapping[ClockState, str] = {
    ClockState.RUNNING: "ok",
    ClockState.WARNING: "warn",
    ClockState.OVER: "bad",
    ClockState.AHEAD: "neutral",
    ClockState.DONE: "ok",
    ClockState.NOT_STARTED: "neutral",
    ClockState.NOT_CONCERNED: "neutral",
    ClockState.NO_RULE: "warn",
}
STANDING_KINDS: Mapping[Standing, str] = {
    Standing.ALLOWED: "ok",
    Standing.REFUSED: "bad",
    Standing.EXEMPT: "ok",
    Standing.TAXED: "bad",
    Standing.PERSON: "warn",
}
PART_NAMES: Mapping[tuple[Family, str], str] = {
    (Family.EXPORT, "code"): N_("Which code"),
    (Family.EXPORT, "filing"): N_("Filing of the business mode"),
    (Family.EXPORT, "papers"): N_("Attached documents"),
    (Family.EXPORT, "list"): N_("List instead of declaration"),
    (Family.EXPORT, "goods_code"): N_("Digits of the goods code"),
    (Family.EXPORT, "inspection"): N_("Inspection"),
    (Family.EXPORT, "area"): N_("Special areas"),
    (Family.CUSTOMS, "route"): N_("Which goods may return"),
    (Family.CUSTOMS, "time"): N_("Until when goods may return"),
    (Family.CUSTOMS, "firm"): N_("What the firm must have"),
    (Family.CUSTOMS, "district"): N_("Through which customs district"),
    (Family.TAX, "relief"): N_("Relief of duty and tax"),
    (Family.TAX, "time"): N_("Until when relief is given"),
    (Family.TAX, "cause"): N_("Cause of the return"),
    (Family.TAX, "state"): N_("State of the goods"),
    (Family.TAX, "goods"): N_("Which goods"),
    (Family.TAX, "repayment"): N_("Repayment of the export refund"),
    (Family.TAX, "certificate"): N_("Certificate"),
    (Family.TAX, "proof"): N_("Evidence"),
    (Family.REFUND, "eligible"): N_("Who may file"),
    (Family.REFUND, "transition"): N_("Transition"),
    (Family.REFUND, "split"): N_("Partly sold lines"),
    (Family.REFUND, "window"): N_("When to account"),
    (Family.REFUND, "outcome"): N_("Outcome of the accounting"),
    (Family.REFUND, "deadline"): N_("Missed deadline"),
    (Family.REFUND, "evidence"): N_("Evidence of sale"),
    (Family.REFUND, "papers"): N_("Papers"),
    (Family.REFUND, "records"): N_("Keeping of records"),
    (Family.REFUND, "filing"): N_("When to file"),
    (Family.ZONE, "vat"): N_("VAT and consumption tax"),
    (Family.ZONE, "income"): N_("Income tax"),
    (Family.GOODS, "version"): N_("Version of the goods codes"),
}


def choices(names: Mapping[Any, str]) -> list[tuple[str, str]]:
    """Options of a select: the value and its word."""
    return [(str(value), text.gettext(word)) for value, word in names.items()]


def offered() -> dict[str, str]:
    """The word of every value that the form of an edition offers in a list."""
    names = (editions.RELATION_NAMES, editions.BASIS_NAMES, editions.EFFECT_NAMES, editions.STATUS_NAMES)
    said = {value: word for each in (*names, rules.CLOCK_NAMES, facts.CAUSES) for value, word in choices(each)}
    return said | dict(fact_choices())


def places() -> list[tuple[str, list[tuple[str, str]]]]:
    """Where a rule may stand, by family."""
    return [
        (
            text.gettext(editions.FAMILY_NAMES[family]),
            [(f"{family.value}.{part}", text.gettext(PART_NAMES[family, part])) for part in parts],
        )
        for family, parts in editions.PARTS.items()
    ]


def fact_choices(*kinds: facts.FactKind) -> list[tuple[str, str]]:
    """Facts to choose from."""
    return [(name, text.gettext(fact.label)) for name, fact in facts.FACTS.items() if not kinds or fact.kind in kinds]


def comparison(found: Comparison) -> str:
    """A comparison of a condition in words."""
    fact = facts.FACTS[found.fact]
    wanted = [text.gettext(facts.CAUSES.get(value, "")) or value for value in found.values]
    words = {"fact": text.gettext(fact.label), "wanted": text.listed(wanted)}
    if found.relation is Relation.IS:
        said = text.gettext(fact.yes if found.values[0] == "yes" else fact.no)
    elif found.relation is Relation.IN:
        said = text.gettext("%(fact)s is one of: %(wanted)s.", **words)
    elif found.relation is Relation.NOT_IN:
        said = text.gettext("%(fact)s is none of: %(wanted)s.", **words)
    elif found.relation is Relation.AT_MOST:
        said = text.gettext(
            "%(fact)s is at most %(wanted)s.", fact=words["fact"], wanted=render.number(Decimal(wanted[0]))
        )
    else:
        said = text.gettext("%(fact)s lies within the time of this rule.", fact=words["fact"])
    return f"{said} {text.gettext('(Where it is not known, it is named as a duty.)')}" if found.assumed else said


def window(found: Window) -> list[str]:
    """A window in words: when it begins, how long it is, when people are warned."""
    said = [text.gettext("It begins with: %(fact)s.", fact=text.gettext(facts.FACTS[found.starts].label))]
    for code, name in found.starts_for.items():
        fact = text.gettext(facts.FACTS[name].label)
        said.append(text.gettext("Under %(code)s it begins with: %(fact)s.", code=code, fact=fact))
    if found.or_later:
        fact = text.gettext(facts.FACTS[found.or_later].label)
        said.append(text.gettext("If it is later, it begins with: %(fact)s.", fact=fact))
    if found.next_month:
        said.append(text.gettext("It begins on the first day of the month after."))
    if found.months:
        said.append(
            text.ngettext(
                "It lasts %(count)s month.",
                "It lasts %(count)s months.",
                found.months,
                count=render.number(found.months),
            )
        )
    if found.days:
        said.append(
            text.ngettext(
                "It lasts %(count)s day.", "It lasts %(count)s days.", found.days, count=render.number(found.days)
            )
        )
    if found.until:
        day = render.day(date(2001, int(found.until[:2]), int(found.until[3:])), "d MMMM")
        said.append(text.gettext("It lasts until %(day)s of the next year.", day=day))
    if found.warn_days:
        days = [render.number(days) for days in found.warn_days]
        said.append(text.gettext("Warnings come when so many days are left: %(days)s.", days=days))
    if found.slow_days:
        said.append(
            text.ngettext(
                "Goods count as slow after %(count)s day.",
                "Goods count as slow after %(count)s days.",
                found.slow_days,
                count=render.number(found.slow_days),
            )
        )
    return said


def period(edition: Edition) -> str:
    """From when to when an edition counts."""
    if edition.starts_on is None:
        return text.gettext("Beginning not known")
    starts = render.day(edition.starts_on)
    if edition.ends_on is None:
        return text.gettext("From %(day)s on", day=starts)
    return text.gettext("%(first)s to %(last)s", first=starts, last=render.day(edition.ends_on))


def status(found: Status) -> tuple[str, str]:
    """The kind of the chip and the word of a status."""
    return STATUS_KINDS[found], text.gettext(editions.STATUS_NAMES[found])


def edition(found: Edition) -> dict[str, Any]:
    """An edition as its page shows it."""
    return {
        "edition": found,
        "status": status(found.status),
        "period": period(found),
        "family": text.gettext(editions.FAMILY_NAMES[found.family]),
        "part": text.gettext(PART_NAMES[found.family, found.part]),
        "basis": text.gettext(editions.BASIS_NAMES[found.basis]),
        "when": [comparison(each) for each in found.when],
        "must": [comparison(each) for each in found.must],
        "holds": text.gettext(editions.EFFECT_NAMES[found.holds]),
        "fails": text.gettext(editions.EFFECT_NAMES[found.fails]) if found.fails else "",
        "window": window(found.window) if found.window else [],
        "documents": speech.documents(found.documents),
        "doubts": doubts(found.doubts),
        "grade": text.gettext(editions.GRADES[found.source.grade]),
    }


def doubts(names: Iterable[str]) -> list[str]:
    """What is not verified."""
    return [text.gettext(editions.DOUBTS[name]) for name in names]


def said(found: Said) -> str:
    """A sentence of a finding."""
    return speech.say(found, render.day)


def finding(found: Finding) -> dict[str, Any]:
    """A finding as a page shows it."""
    basis = editions.BASIS_NAMES[editions.Basis(found.basis)]
    return {
        "rule_id": found.rule_id,
        "title": render.name(found.titles),
        "text": render.name(found.texts),
        "verdict": (VERDICT_KINDS[found.verdict], text.gettext(evaluation.VERDICT_NAMES[found.verdict])),
        "effect": text.gettext(editions.EFFECT_NAMES[found.effect]) if found.effect else "",
        "bars": found.effect in _BARS,
        "reasons": [said(each) for each in found.reasons] or [speech.finding(found, render.day)],
        "basis": text.gettext(basis),
        "basis_day": found.basis_day,
        "edition": found.edition,
        "source": found.source,
        "needs_person": found.needs_person,
        "notes": [said(each) for each in found.notes],
        "doubts": doubts(found.doubts) if found.verdict is not Verdict.NOT_CONCERNED else [],
        "value": found.value,
    }


_QUIET = (Verdict.NOT_CONCERNED, Verdict.NOT_COVERED)
_BARS = (Effect.REFUSED, Effect.TAXED)


def findings(found: Sequence[Finding]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The findings of rules that fire or cannot be decided, what bars first; and those of the others."""
    loud = [each for each in found if each.verdict not in _QUIET]
    loud.sort(key=lambda each: (each.effect not in _BARS, each.verdict is not Verdict.UNDECIDED))
    return [finding(each) for each in loud], [finding(each) for each in found if each.verdict in _QUIET]


def outcome(found: Outcome) -> dict[str, Any]:
    """The outcome of a return as a page shows it."""
    loud, quiet = findings(found.findings)
    return {
        "customs": (STANDING_KINDS[found.customs], text.gettext(rules.STANDING_NAMES[found.customs])),
        "tax": (STANDING_KINDS[found.tax], text.gettext(rules.STANDING_NAMES[found.tax])),
        "needs_person": found.needs_person,
        "missing": speech.facts(found.missing),
        "documents": speech.documents(found.documents),
        "duties": [said(each) for each in found.duties],
        "gaps": [said(each) for each in found.gaps],
        "bars": [each for each in loud if each["bars"]],
        "findings": loud,
        "quiet": quiet,
    }


def clock(found: Clock) -> dict[str, Any]:
    """A clock as a page shows it."""
    return {
        "clock": found,
        "name": text.gettext(rules.CLOCK_NAMES[found.name]),
        "state": clock_state(found),
        "missing": text.gettext(facts.FACTS[found.missing].label) if found.missing else "",
        "left": left(found),
        "notes": [said(each) for each in found.notes],
        "title": render.name(found.titles),
    }


def clock_state(found: Clock) -> tuple[str, str]:
    """The kind of the chip and the word of a clock's state."""
    return CLOCK_KINDS[found.state], text.gettext(rules.CLOCK_STATE_NAMES[found.state])


def left(found: Clock) -> str:
    """How many days a clock has left, or is over."""
    if found.remaining_days is None or found.state in (ClockState.DONE, ClockState.AHEAD):
        return ""
    if found.remaining_days >= 0:
        days = found.remaining_days
        return text.ngettext("%(count)s day left", "%(count)s days left", days, count=render.number(days))
    days = -found.remaining_days
    return text.ngettext("over for %(count)s day", "over for %(count)s days", days, count=render.number(days))
