"""Rules as dated data: what an edition is made of, the set of them, and which one a date falls under. Pure.

A rule has editions, one after the other; each says from when to when, for facts of which sort, what follows, and where
that is written. `reading` makes them of files and forms and names everything wrong with them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum

import msgspec

from backend.core.text import N_, P_
from backend.regulations.windows import Window

Day = date
UNDATED = "undated"


class Family(StrEnum):
    """What a rule is about."""

    EXPORT = "export"
    CUSTOMS = "customs"
    TAX = "tax"
    REFUND = "refund"
    ZONE = "zone"
    GOODS = "goods"


FAMILY_NAMES: Mapping[Family, str] = {
    Family.EXPORT: N_("Customs codes and declaration"),
    Family.CUSTOMS: N_("Customs route of a return"),
    Family.TAX: N_("Tax on a return"),
    Family.REFUND: N_("Export refund and its accounting"),
    Family.ZONE: N_("Exemptions of the zone"),
    Family.GOODS: N_("Goods codes"),
}

# The places of a rule within its family. A judgement looks for rules by place, never by their ids, so that the
# committee's own rules count as well.
PARTS: Mapping[Family, tuple[str, ...]] = {
    Family.EXPORT: ("code", "filing", "papers", "list", "goods_code", "inspection", "area"),
    Family.CUSTOMS: ("route", "time", "firm", "district"),
    Family.TAX: ("relief", "time", "cause", "state", "goods", "repayment", "certificate", "proof"),
    Family.REFUND: (
        *("eligible", "transition", "split", "window", "outcome", "deadline"),
        *("evidence", "papers", "records", "filing"),
    ),
    Family.ZONE: ("vat", "income"),
    Family.GOODS: ("version",),
}


class Basis(StrEnum):
    """The date by which the edition is picked."""

    DECLARATION = "declaration"
    DEPARTURE = "departure"
    EXPORT_RELEASE = "export_release"
    RETURN = "return"
    FILING = "filing"
    SETTLEMENT = "settlement"
    SALE = "sale"
    ACCOUNTING = "accounting"
    DEADLINE = "deadline"
    LOADING = "loading"
    TAX_YEAR = "tax_year"


BASIS_NAMES: Mapping[Basis, str] = {
    Basis.DECLARATION: N_("Export declaration"),
    Basis.DEPARTURE: N_("Departure"),
    Basis.EXPORT_RELEASE: N_("Export release"),
    Basis.RETURN: N_("Re-entry"),
    Basis.FILING: N_("Filing of the refund"),
    Basis.SETTLEMENT: N_("Settlement by the tax office"),
    Basis.SALE: N_("Sale"),
    Basis.ACCOUNTING: N_("Accounting for the pre-refund"),
    Basis.DEADLINE: N_("Deadline of the accounting"),
    Basis.LOADING: N_("Loading"),
    Basis.TAX_YEAR: N_("Tax year of the export"),
}

# Which fact gives the basis date. Loading and the tax year are taken at the export date, the nearest date a line knows.
BASIS_FACTS: Mapping[Basis, str] = {
    Basis.DECLARATION: "exported_on",
    Basis.DEPARTURE: "exported_on",
    Basis.EXPORT_RELEASE: "released_on",
    Basis.RETURN: "returned_on",
    Basis.FILING: "filed_on",
    Basis.SETTLEMENT: "settled_on",
    Basis.SALE: "sold_on",
    Basis.ACCOUNTING: "accounted_on",
    Basis.DEADLINE: "accounting_deadline",
    Basis.LOADING: "exported_on",
    Basis.TAX_YEAR: "exported_on",
}


class Status(StrEnum):
    """How an edition stands: in force, over, or to be checked before anybody relies on it."""

    LIVE = "live"
    ENDED = "ended"
    CHECK = "check"


STATUS_NAMES: Mapping[Status, str] = {
    Status.LIVE: N_("In force"),
    Status.ENDED: P_("rule", "Ended"),
    Status.CHECK: N_("To be checked"),
}

GRADES: Mapping[str, str] = {
    "A": N_("Text of the law or official page read"),
    "A-": N_("Official text read in part"),
    "B": N_("Secondary account"),
    "B-": N_("Secondary account, read in part"),
    "U": N_("Not verified"),
    "derived": N_("Derived from other rules"),
}

DOUBTS: Mapping[str, str] = {
    "starts_on": N_("Its first day is not verified."),
    "ends_on": N_("Its last day is not verified: a later act may have ended or absorbed it."),
    "condition": N_("A part of its condition is not verified."),
    "effect": N_("A part of its effect is not verified."),
    "proof": N_("Which proof is asked for is not verified."),
}


class Relation(StrEnum):
    """How a fact is compared."""

    IS = "is"
    IN = "in"
    NOT_IN = "not_in"
    AT_MOST = "at_most"
    IN_WINDOW = "in_window"


RELATION_NAMES: Mapping[Relation, str] = {
    Relation.IS: N_("is (yes or no)"),
    Relation.IN: N_("is one of"),
    Relation.NOT_IN: N_("is none of"),
    Relation.AT_MOST: N_("is at most"),
    Relation.IN_WINDOW: N_("lies in the window of this rule"),
}


class Effect(StrEnum):
    """What follows from a rule."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    EXEMPT = "exempt"
    TAXED = "taxed"
    REQUIRED = "required"
    APPLIES = "applies"


EFFECT_NAMES: Mapping[Effect, str] = {
    Effect.ALLOWED: N_("Allowed"),
    Effect.REFUSED: P_("rule", "Refused"),
    Effect.EXEMPT: N_("Exempt"),
    Effect.TAXED: N_("Taxed"),
    Effect.REQUIRED: N_("Required"),
    Effect.APPLIES: N_("Applies"),
}


class Comparison(msgspec.Struct, frozen=True):
    """One comparison. `assumed`: where the fact is not known it is taken as given and named as a duty."""

    fact: str
    relation: Relation
    values: tuple[str, ...] = ()
    assumed: bool = False


class Source(msgspec.Struct, frozen=True):
    """Where a rule is written: the id in the committee's list of sources, how well it was read, the act, an address."""

    id: str
    grade: str
    act: str
    address: str = ""


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """One edition of a rule.

    It concerns lines that fulfil all of `when` (all lines, if there is none); those that also fulfil all of `must` get
    the effect `holds`, the others `fails`. Days are included; None is not known (first day) or open (last day).
    """

    rule_id: str
    family: Family
    part: str
    basis: Basis
    starts_on: Day | None
    ends_on: Day | None
    status: Status
    holds: Effect
    fails: Effect | None
    source: Source
    titles: dict[str, str]
    texts: dict[str, str]
    when: tuple[Comparison, ...] = ()
    must: tuple[Comparison, ...] = ()
    window: Window | None = None
    documents: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    value: str = ""

    @property
    def name(self) -> str:
        """The edition's name within its rule: its first day, or ``undated``."""
        return self.starts_on.isoformat() if self.starts_on else UNDATED

    @property
    def is_doubtful(self) -> bool:
        """Whether a person must look before anybody relies on it: marked "check", unverified, or without a known beginning."""
        return self.status is Status.CHECK or self.source.grade == "U" or self.starts_on is None

    def covers(self, day: date) -> bool:
        """Whether the basis date `day` falls under it."""
        return (self.starts_on or date.min) <= day <= (self.ends_on or date.max)


class Editions:
    """A whole, validated set. Made of any order, it answers the same."""

    def __init__(self, editions: Iterable[Edition]) -> None:
        ordered = sorted(editions, key=lambda each: (each.rule_id, each.starts_on or date.min))
        self._by_rule: dict[str, tuple[Edition, ...]] = {}
        for edition in ordered:
            self._by_rule[edition.rule_id] = (*self._by_rule.get(edition.rule_id, ()), edition)

    def __iter__(self) -> Iterator[Edition]:
        return (edition for editions in self._by_rule.values() for edition in editions)

    def __len__(self) -> int:
        return sum(len(editions) for editions in self._by_rule.values())

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """Every rule, sorted."""
        return tuple(self._by_rule)

    def of(self, rule_id: str) -> tuple[Edition, ...]:
        """The editions of a rule, the earliest first; none when there is no such rule."""
        return self._by_rule.get(rule_id, ())

    def pick(self, rule_id: str, day: date) -> Edition | None:
        """The edition of a rule that the basis date `day` falls under, if there is one."""
        return next((edition for edition in self.of(rule_id) if edition.covers(day)), None)

    def edition(self, rule_id: str, name: str) -> Edition | None:
        """The edition of this name."""
        return next((edition for edition in self.of(rule_id) if edition.name == name), None)

    def rules_of(self, *families: Family) -> list[str]:
        """The ids of the rules of these families."""
        return [rule_id for rule_id, editions in self._by_rule.items() if editions[0].family in families]

    def window_rules(self, clock: str) -> list[str]:
        """The ids of the rules with a window for this clock."""
        return [
            rule_id
            for rule_id, editions in self._by_rule.items()
            if any(edition.window is not None and edition.window.clock == clock for edition in editions)
        ]
