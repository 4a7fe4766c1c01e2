"""The words of value-added services, and which act may follow which. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import values
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed, NotFound
from backend.core.text import N_, P_, Word


class Kind(StrEnum):
    """The policy's own seven kinds of service."""

    FORWARDING = "forwarding"
    CUSTOMS = "customs"
    MARKETING = "marketing"
    RETURNS = "returns"
    REPAIR = "repair"
    PROCESSING = "processing"
    FINANCE = "finance"


KIND_NAMES: Mapping[Kind, str] = {
    Kind.FORWARDING: N_("Freight forwarding"),
    Kind.CUSTOMS: N_("Customs clearance abroad"),
    Kind.MARKETING: N_("Marketing"),
    Kind.RETURNS: N_("Returns and exchanges"),
    Kind.REPAIR: N_("After-sales repair"),
    Kind.PROCESSING: N_("Light processing"),
    Kind.FINANCE: N_("Finance and insurance"),
}
# Kinds that have a room of their own: where an order for them is placed.
OWN_ROOMS: Mapping[Kind, str] = {Kind.RETURNS: "/returns", Kind.REPAIR: "/repairs"}
# Kinds that somebody else does: the warehouse hands the matter on and follows it.
REFERRALS = frozenset({Kind.FORWARDING, Kind.CUSTOMS, Kind.MARKETING, Kind.FINANCE})


class Process(StrEnum):
    """What light processing does to goods."""

    KIT = "kit"
    DEKIT = "dekit"
    RELABEL = "relabel"
    REPACK = "repack"


PROCESS_NAMES: Mapping[Process, str] = {
    Process.KIT: N_("Make kits"),
    Process.DEKIT: N_("Take kits apart"),
    Process.RELABEL: N_("Relabel"),
    Process.REPACK: N_("Repack"),
}


class Stage(StrEnum):
    """Where a job stands."""

    REQUESTED = "requested"
    QUOTED = "quoted"
    ACCEPTED = "accepted"
    PERFORMING = "performing"
    DONE = "done"
    DISPUTED = "disputed"
    CLOSED = "closed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


STAGE_NAMES: Mapping[Stage, str] = {
    Stage.REQUESTED: N_("To be quoted"),
    Stage.QUOTED: N_("Quote to be answered"),
    Stage.ACCEPTED: N_("To be begun"),
    Stage.PERFORMING: N_("Being done"),
    Stage.DONE: N_("Result to be accepted"),
    Stage.DISPUTED: N_("Disputed"),
    Stage.CLOSED: P_("document", "Closed"),
    Stage.REFUSED: N_("Declined"),
    Stage.CANCELLED: N_("Cancelled"),
}
ENDED = frozenset({Stage.CLOSED, Stage.REFUSED, Stage.CANCELLED})


class Act(StrEnum):
    """What one of the two parties does to a job."""

    QUOTE = "quote"
    DECLINE = "decline"
    ACCEPT = "accept"
    TURN_DOWN = "turn_down"
    CANCEL = "cancel"
    EXPIRE = "expire"
    WORK = "work"
    REPORT = "report"
    APPROVE = "approve"
    DISPUTE = "dispute"
    REDO = "redo"
    STAND_BY = "stand_by"
    WAIVE = "waive"


# From which stages an act is possible, and where it leads.
MOVES: Mapping[Act, tuple[frozenset[Stage], Stage]] = {
    Act.QUOTE: (frozenset({Stage.REQUESTED, Stage.QUOTED}), Stage.QUOTED),
    Act.DECLINE: (frozenset({Stage.REQUESTED, Stage.QUOTED}), Stage.REFUSED),
    Act.ACCEPT: (frozenset({Stage.QUOTED}), Stage.ACCEPTED),
    Act.TURN_DOWN: (frozenset({Stage.QUOTED}), Stage.REFUSED),
    Act.CANCEL: (frozenset({Stage.REQUESTED, Stage.QUOTED, Stage.ACCEPTED}), Stage.CANCELLED),
    Act.EXPIRE: (frozenset({Stage.QUOTED}), Stage.CANCELLED),
    Act.WORK: (frozenset({Stage.ACCEPTED, Stage.PERFORMING}), Stage.PERFORMING),
    Act.REPORT: (frozenset({Stage.ACCEPTED, Stage.PERFORMING}), Stage.DONE),
    Act.APPROVE: (frozenset({Stage.DONE, Stage.DISPUTED}), Stage.CLOSED),
    Act.DISPUTE: (frozenset({Stage.DONE}), Stage.DISPUTED),
    Act.REDO: (frozenset({Stage.DISPUTED}), Stage.PERFORMING),
    Act.STAND_BY: (frozenset({Stage.DISPUTED}), Stage.DONE),
    Act.WAIVE: (frozenset({Stage.DONE, Stage.DISPUTED}), Stage.CLOSED),
}
OWNERS_ACTS = frozenset({Act.ACCEPT, Act.TURN_DOWN, Act.CANCEL, Act.APPROVE, Act.DISPUTE})
OPERATORS_ACTS = frozenset(Act) - OWNERS_ACTS - {Act.EXPIRE}


class Answer(StrEnum):
    """What became of a quote."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"


class Outcome(StrEnum):
    """How a job went, as its operator reports it."""

    SUCCEEDED = "succeeded"
    PARTLY = "partly"
    FAILED = "failed"


OUTCOME_NAMES: Mapping[Outcome, str] = {
    Outcome.SUCCEEDED: N_("Succeeded"),
    Outcome.PARTLY: N_("Succeeded in part"),
    Outcome.FAILED: N_("Failed"),
}


class Settlement(StrEnum):
    """How a job was closed: its owner accepted the result, or its operator gave up the price."""

    ACCEPTED = "accepted"
    WAIVED = "waived"


class PartnerStatus(StrEnum):
    """How far a matter is that was referred to a partner."""

    SENT = "sent"
    TAKEN_ON = "taken_on"
    PAPERS_WANTED = "papers_wanted"
    RUNNING = "running"
    ENDED = "ended"
    DECLINED = "declined"


PARTNER_STATUS_NAMES: Mapping[PartnerStatus, str] = {
    PartnerStatus.SENT: N_("Handed to the partner"),
    PartnerStatus.TAKEN_ON: N_("Taken on by the partner"),
    PartnerStatus.PAPERS_WANTED: N_("The partner wants more papers"),
    PartnerStatus.RUNNING: N_("Being handled"),
    PartnerStatus.ENDED: N_("Ended by the partner"),
    PartnerStatus.DECLINED: N_("Declined by the partner"),
}


class StepKind(StrEnum):
    """What is recorded on the way."""

    WORK = "work"
    REFERRAL = "referral"
    TRANSFORM = "transform"
    UNDONE = "undone"
    RESULT = "result"
    DISPUTE = "dispute"
    SETTLEMENT = "settlement"


STEP_NAMES: Mapping[StepKind, str] = {
    StepKind.WORK: P_("step", "Work"),
    StepKind.REFERRAL: N_("Referral"),
    StepKind.TRANSFORM: N_("Goods transformed"),
    StepKind.UNDONE: N_("Transformation undone"),
    StepKind.RESULT: N_("Result"),
    StepKind.DISPUTE: N_("Dispute"),
    StepKind.SETTLEMENT: N_("Settlement"),
}

LONGEST_NOTE = 2000
LONGEST_DESCRIPTION = 2000
LONGEST_KEY = 200
MOST_LINES = 50
MOST_LEAD_DAYS = 365
SHORTEST_QUOTE = timedelta(hours=1)
LONGEST_QUOTE = timedelta(days=90)
LONGEST_WAIT = timedelta(days=366)
USUAL_QUOTE_DAYS = 7
LARGEST_AMOUNT = Decimal("99999999")


# --------------------------------------------------------------------------------------------------------- refusals


class NoSuchJob(NotFound):
    """There is no such job, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "There is no such service job in your view. Check the number; it may belong to somebody else."
    )


class NoSuchOffer(NotFound):
    """There is no such offer, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_("There is no such offer in your view. Look for one in the list of services.")


class OfferChanged(Conflict):
    """The offer was changed or withdrawn since it was read."""

    sentence: ClassVar[str] = N_("This offer has changed in the meantime. Look at it again, then send your request.")


class HasItsOwnRoom(Conflict):
    """Returns and repairs are ordered where they are handled."""

    sentence: ClassVar[str] = N_(
        "“%(kind)s” is ordered where it is handled: book a return under “Returns”, or order a repair under “Repairs”."
    )


class NotNow(Conflict):
    """The job has gone on, or this act is not possible where it stands."""

    sentence: ClassVar[str] = N_(
        "This is not possible while the job stands at “%(stage)s”. Load the page again to see what can be done now."
    )


class QuoteExpired(Conflict):
    """A quote is accepted in time or not at all."""

    sentence: ClassVar[str] = N_(
        "This quote was open until %(instant)s and has expired. Ask the warehouse for a new one."
    )


class NotTheOwner(NotAllowed):
    """Only the owner of the goods decides."""

    sentence: ClassVar[str] = N_("Only the exporter who asked for this job may do this.")


class NotTheOperator(NotAllowed):
    """Only the warehouse's operator works on a job."""

    sentence: ClassVar[str] = N_("Only the operator of the warehouse may do this.")


class PapersMissing(Invalid):
    """A matter is handed on with its papers."""

    sentence: ClassVar[str] = N_("Documents are missing. Nothing was changed.")


class KitsOnly(Invalid):
    """What comes out of a kit is what went into it."""

    sentence: ClassVar[str] = N_("These goods cannot be made from what is there. Nothing was changed.")


# ------------------------------------------------------------------------------------------------------------ rules


def after(stage: Stage, act: Act) -> Stage:
    """The stage that an act leads to; refuses one that is not possible now (`NotNow`)."""
    possible, target = MOVES[act]
    if stage not in possible:
        raise NotNow(stage=Word(STAGE_NAMES[stage]))
    return target


def require_party(viewer: Viewer, act: Act, warehouse_id: int, owner_id: int) -> None:
    """The viewer belongs to the party whose act this is, and has the right for it."""
    if act in OWNERS_ACTS:
        access_rules.require(viewer, Right.REQUEST_SERVICES)
        if not access_rules.owns(viewer, owner_id):
            raise NotTheOwner
    else:
        require_operator(viewer, warehouse_id)


def require_operator(viewer: Viewer, warehouse_id: int) -> None:
    """The viewer works for the operator of the warehouse."""
    access_rules.require(viewer, Right.DO_SERVICES)
    if not access_rules.runs_warehouse(viewer, warehouse_id):
        raise NotTheOperator


def acts_for(viewer: Viewer, stage: Stage, warehouse_id: int, owner_id: int) -> frozenset[Act]:
    """Everything that the viewer may do to a job now."""
    if access_rules.owns(viewer, owner_id) and viewer.may(Right.REQUEST_SERVICES):
        mine = OWNERS_ACTS
    elif access_rules.runs_warehouse(viewer, warehouse_id) and viewer.may(Right.DO_SERVICES):
        mine = OPERATORS_ACTS
    else:
        return frozenset()
    return frozenset(act for act in mine if stage in MOVES[act][0])


def note(field: str, text: str, faults: list[Fault], *, wanted: str = "", most: int = LONGEST_NOTE) -> str:
    """A text of at most `most` characters, none of them invisible; with `wanted` (a message id) it must not be empty."""
    given = text.strip()
    if not given and wanted:
        faults.append(Fault(field, text, wanted))
    faults += values.text_faults(field, given, most)
    return given


def amount(field: str, value: Decimal | None, faults: list[Fault], *, zero: bool = False) -> Decimal:
    """A quantity in the unit of a job, with at most four decimals; anything else becomes a fault."""
    exponent = value.as_tuple().exponent if value is not None else 0
    fits = value is not None and isinstance(exponent, int) and exponent >= -4 and value <= LARGEST_AMOUNT
    if value is None or not fits or value < 0 or (value == 0 and not zero):
        faults.append(
            Fault(
                field,
                "" if value is None else str(value),
                N_("Give the quantity as a number up to %(most)s with at most four decimals."),
                {"most": str(LARGEST_AMOUNT)},
            )
        )
        return Decimal(0)
    return value


def key(text: str, faults: list[Fault]) -> str:
    """A request key; anything else becomes a fault."""
    if not 0 < len(text) <= LONGEST_KEY or not text.isprintable():
        faults.append(
            Fault(
                "Idempotency-Key",
                text[:50],
                N_("Every write needs a request key of 1 to %(most)s printable characters, new for each new request."),
                {"most": LONGEST_KEY},
            )
        )
    return text


def breaks_original_state(kind: Kind) -> bool:
    """Whether goods are no longer in their original state for the tax-free return to China (公告2026年第16号: no part added,
    no processing or alteration; unpacking alone is allowed).
    """
    return kind is Kind.PROCESSING
