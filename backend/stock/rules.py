"""The arithmetic of a posting: its ends, reasons and conditions, and what is free. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import ClassVar

import msgspec

from backend.core import values
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed, NotFound
from backend.core.text import N_

FIRST_REAL_PLACE = 1000
LATE_AFTER = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MOST_LINES = 10_000


class Place(IntEnum):
    """Virtual places: the outside ends of movements. They keep no balance; their sums are derived."""

    SUPPLIER = 1
    BUYER = 2
    TRANSIT = 3
    ADJUSTMENT = 4
    SCRAP = 5
    ORIGIN = 6
    TRANSFORM = 7


PLACE_NAMES: Mapping[Place, str] = {
    Place.SUPPLIER: N_("Supplier"),
    Place.BUYER: N_("Buyer"),
    Place.TRANSIT: N_("In transit"),
    Place.ADJUSTMENT: N_("Adjustment"),
    Place.SCRAP: N_("Scrap"),
    Place.ORIGIN: N_("Back in China"),
    Place.TRANSFORM: N_("Transformed"),
}


class Condition(IntEnum):
    """成色: what state goods are in. Only GOOD and SECOND may be promised to a buyer."""

    GOOD = 1
    SECOND = 2
    DAMAGED = 3
    QUARANTINE = 4


CONDITION_NAMES: Mapping[Condition, str] = {
    Condition.GOOD: N_("Good"),
    Condition.SECOND: N_("Second grade"),
    Condition.DAMAGED: N_("Damaged"),
    Condition.QUARANTINE: N_("Quarantine"),
}
SELLABLE = frozenset({Condition.GOOD, Condition.SECOND})


class Reason(IntEnum):
    """Why goods moved."""

    RECEIPT = 1
    OPENING = 2
    MOVE = 3
    SALE = 4
    RETURN = 5
    ADJUSTMENT = 6
    SCRAP = 7
    DISPATCH = 8
    ARRIVAL = 9
    REVERSAL = 10
    REGRADE = 11
    DONATION = 12
    CONSUMPTION = 13
    PRODUCTION = 14
    TRANSFORMATION = 15


REASON_NAMES: Mapping[Reason, str] = {
    Reason.RECEIPT: N_("Receipt"),
    Reason.OPENING: N_("Opening stock"),
    Reason.MOVE: N_("Move"),
    Reason.SALE: N_("Sale"),
    Reason.RETURN: N_("Return from buyer"),
    Reason.ADJUSTMENT: N_("Adjustment"),
    Reason.SCRAP: N_("Scrapping"),
    Reason.DISPATCH: N_("Dispatch to another place"),
    Reason.ARRIVAL: N_("Arrival from another place"),
    Reason.REVERSAL: N_("Reversal"),
    Reason.REGRADE: N_("Change of condition"),
    Reason.DONATION: N_("Donation"),
    Reason.CONSUMPTION: N_("Used up in a job"),
    Reason.PRODUCTION: N_("Made in a job"),
    Reason.TRANSFORMATION: N_("Goods made of others"),
}

# Which ends each reason joins; None stands for any real location.
ENDS: Mapping[Reason, frozenset[tuple[Place | None, Place | None]]] = {
    Reason.RECEIPT: frozenset({(Place.SUPPLIER, None)}),
    Reason.OPENING: frozenset({(Place.SUPPLIER, None)}),
    Reason.MOVE: frozenset({(None, None)}),
    Reason.SALE: frozenset({(None, Place.BUYER)}),
    Reason.RETURN: frozenset({(Place.BUYER, None)}),
    Reason.ADJUSTMENT: frozenset({(None, Place.ADJUSTMENT), (Place.ADJUSTMENT, None)}),
    Reason.SCRAP: frozenset({(None, Place.SCRAP)}),
    Reason.DISPATCH: frozenset({(None, Place.TRANSIT)}),
    Reason.ARRIVAL: frozenset({(Place.TRANSIT, None), (Place.TRANSIT, Place.ORIGIN)}),
    Reason.REGRADE: frozenset({(None, None)}),
    Reason.DONATION: frozenset({(None, Place.SCRAP)}),
    Reason.CONSUMPTION: frozenset({(None, Place.TRANSFORM)}),
    Reason.PRODUCTION: frozenset({(Place.TRANSFORM, None)}),
    Reason.TRANSFORMATION: frozenset({(None, Place.TRANSFORM), (Place.TRANSFORM, None)}),
}

# Documents that belong to a repair, a job or a return: they are made and undone there, with everything that hangs on them.
MADE_IN_ROOMS = frozenset({Reason.DONATION, Reason.CONSUMPTION, Reason.PRODUCTION, Reason.TRANSFORMATION})
# What a person or a program books by itself; a reversal is made from its original.
BOOKED_ALONE = frozenset(Reason) - MADE_IN_ROOMS - {Reason.REVERSAL}
# The first signs of the numbers that returns, batches home, repairs and jobs have, and what they book beside their own.
_ROOM_NUMBERS = "RHWS"
_BOOKED_BY_ROOMS = frozenset(
    {Reason.RETURN, Reason.MOVE, Reason.REGRADE, Reason.SCRAP, Reason.DISPATCH, Reason.ARRIVAL}
)


def is_undone_elsewhere(reason: int, reference: str) -> bool:
    """Whether a document was made in a room that undoes it together with everything that hangs on it."""
    if reason in MADE_IN_ROOMS:
        return True
    return reason in _BOOKED_BY_ROOMS and any(values.is_number(reference, prefix) for prefix in _ROOM_NUMBERS)


class HoldReason(StrEnum):
    """Why pieces may not move."""

    CUSTOMS = "customs"
    QUALITY = "quality"
    DISPUTE = "dispute"
    OWNER = "owner"
    COUNT = "count"
    PLEDGE = "pledge"


HOLD_REASON_NAMES: Mapping[HoldReason, str] = {
    HoldReason.CUSTOMS: N_("Customs"),
    HoldReason.QUALITY: N_("Quality check"),
    HoldReason.DISPUTE: N_("Dispute"),
    HoldReason.OWNER: N_("Owner's wish"),
    HoldReason.COUNT: N_("Stock count"),
    HoldReason.PLEDGE: N_("Pledge"),
}
# What a person holds by itself; pledged goods are held and set free with their pledge.
HELD_ALONE = frozenset(HoldReason) - {HoldReason.PLEDGE}


class Channel(IntEnum):
    """How a posting came in."""

    PAGE = 1
    API = 2
    COMMAND = 3


CHANNELS: Mapping[str, Channel] = {"page": Channel.PAGE, "api": Channel.API, "command": Channel.COMMAND}


class Posting(msgspec.Struct, frozen=True):
    """One line handed to the ledger: `quantity` pieces of an item from `source_id` to `target_id`.

    Places below 1000 are virtual (`Place`); lot 0 is no lot; the conditions differ only in a change of condition.
    """

    owner_id: int
    item_id: int
    lot_id: int
    source_id: int
    target_id: int
    condition: int
    target_condition: int
    quantity: int


class NotEnoughFree(Invalid):
    """A posting or reservation asks for more than is free; `faults` says how much is, line by line."""

    sentence: ClassVar[str] = N_("There is not enough free stock. Nothing was posted.")
    line: ClassVar[str] = N_(
        "Only %(free)s of %(item)s are free at %(location)s, %(wanted)s are wanted. "
        "Lower the quantity, release a hold or a reservation, or receive goods first."
    )


class WouldHaveBeenShort(Invalid):
    """A backdated posting takes goods that were not there on the way to today."""

    sentence: ClassVar[str] = N_(
        "With this date the stock of an item would have been below zero at %(instant)s. Give a later date."
    )


class SameKeyOtherRequest(Conflict):
    """A request key came again with another request."""

    sentence: ClassVar[str] = N_(
        "The key “%(key)s” was used for another request before. Send a new key with a new request."
    )


class NotYourWarehouse(NotAllowed):
    """Only the warehouse's operator moves goods in it."""

    sentence: ClassVar[str] = N_("Only the operator of warehouse %(warehouse)s may move goods in it.")


class WarehouseClosed(Conflict):
    """A closed warehouse moves nothing."""

    sentence: ClassVar[str] = N_("Warehouse %(warehouse)s is closed: nothing moves in it any more.")


class AlreadyReversed(Conflict):
    """A document is reversed once."""

    sentence: ClassVar[str] = N_("This document has been reversed already, or is a reversal itself.")


class UndoneElsewhere(Conflict):
    """A document that belongs to a repair, a job or a return is undone there."""

    sentence: ClassVar[str] = N_(
        "This document belongs to %(reference)s. Open that and undo the step there, so that everything else follows."
    )


class ComingBack(Conflict):
    """A sale of which pieces came back, or are on their way, did happen."""

    sentence: ClassVar[str] = N_(
        "Pieces of the sale “%(reference)s” are claimed by a return, so the sale is not reversed. Search for it in Returns: "
        "cancel a return that has not arrived, then repeat this."
    )


class AlreadyEnded(Conflict):
    """A hold or reservation ends once."""

    sentence: ClassVar[str] = N_("This has been ended already. Load the list again to see where it stands.")


class Pledged(Conflict):
    """Pledged goods are set free by the pledgee's release, and by nothing else."""

    sentence: ClassVar[str] = N_(
        "These pieces are pledged. Only the pledgee's release sets them free: open the pledge and enter the release code there."
    )


class NoSuchStock(NotFound):
    """There is no such balance, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_("There is no such stock in your view. It may belong to somebody else.")


class StockMoved(Conflict):
    """Goods moved between counting them and sending the number."""

    sentence: ClassVar[str] = N_(
        "The book says %(on_hand)s now; it said %(seen)s when you began to count. Count again and send the new number."
    )


class NoSuchDeclarationLine(NotFound):
    """No lot of this declaration line, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "There is no declaration line %(declaration)s / %(line)s in your view. "
        "Register a lot with this declaration first, or check the number."
    )


class NotSellable(Invalid):
    """Goods in this condition are promised to nobody."""

    sentence: ClassVar[str] = N_(
        "Goods in the condition “%(condition)s” cannot be reserved. Choose good or second grade."
    )


def is_virtual(place_id: int) -> bool:
    """Whether a place is outside the warehouse."""
    return place_id < FIRST_REAL_PLACE


def ends_fit(reason: Reason, source_id: int, target_id: int) -> bool:
    """Whether goods may go between these ends for this reason (a reversal is made from its original only)."""
    source = source_id if is_virtual(source_id) else None
    target = target_id if is_virtual(target_id) else None
    return (source, target) in ENDS.get(reason, frozenset())


def implied_ends(reason: Reason, source: str, target: str) -> tuple[str, str]:
    """The names of both ends; one that was left empty is filled where `reason` leaves only one virtual place for it."""
    given = Place.__members__
    possible = [
        (a, b)
        for a, b in ENDS.get(reason, frozenset())
        if (not source or given.get(source) is a) and (not target or given.get(target) is b)
    ]

    def filled(name: str, ends: set[Place | None]) -> str:
        only = next(iter(ends)) if len(ends) == 1 else None
        return name or (only.name if only else "")

    return filled(source, {a for a, _ in possible}), filled(target, {b for _, b in possible})


def faults_of(reason: Reason, occurred_at: datetime, postings: Sequence[Posting], now: datetime) -> list[Fault]:
    """Everything wrong with a document that can be seen without the database."""
    faults: list[Fault] = []
    if not postings:
        faults.append(Fault("lines", 0, N_("A document needs at least one line.")))
    if len(postings) > MOST_LINES:
        faults.append(
            Fault(
                "lines",
                len(postings),
                N_("A document has at most %(most)s lines. Split it into several documents."),
                {"most": MOST_LINES},
            )
        )
    faults += time_faults("occurred_at", occurred_at, now)
    for number, line in enumerate(postings):
        if not 0 < line.quantity <= values.LARGEST_QUANTITY:
            faults.append(values.quantity_fault(f"lines.{number}.quantity", line.quantity))
        if line.source_id == line.target_id and line.condition == line.target_condition:
            faults.append(
                Fault(
                    f"lines.{number}.target",
                    line.target_id,
                    N_("Source and target are the same. Choose another target."),
                )
            )
        elif reason is not Reason.REVERSAL and not ends_fit(reason, line.source_id, line.target_id):
            faults.append(
                Fault(
                    f"lines.{number}.source",
                    line.source_id,
                    N_("The reason %(reason)s does not join these two ends. Choose other ends or another reason."),
                    {"reason": reason.name},
                )
            )
    return faults


def time_faults(field: str, occurred_at: datetime, now: datetime) -> list[Fault]:
    """What is wrong with the instant at which goods are said to have moved."""
    if occurred_at.tzinfo is None:
        return [
            Fault(
                field,
                str(occurred_at),
                N_("The time “%(value)s” has no zone. Add one, e.g. 2026-11-23T08:30:00+01:00."),
                {"value": str(occurred_at)},
            )
        ]
    if occurred_at > now + LATE_AFTER:
        return [
            Fault(
                field,
                str(occurred_at),
                N_("The time “%(value)s” lies in the future. Give the time at which it happened."),
                {"value": str(occurred_at)},
            )
        ]
    if occurred_at < EARLIEST:
        return [
            Fault(
                field,
                str(occurred_at),
                N_("The time “%(value)s” is before the year 2000. Check the date."),
                {"value": str(occurred_at)},
            )
        ]
    return []


def is_backdated(occurred_at: datetime, now: datetime) -> bool:
    """Whether later movements may already be in the book."""
    return occurred_at < now - LATE_AFTER


def reversed_lines(postings: Sequence[Posting]) -> list[Posting]:
    """The postings that undo `postings`: the same goods, back."""
    return [
        Posting(p.owner_id, p.item_id, p.lot_id, p.target_id, p.source_id, p.target_condition, p.condition, p.quantity)
        for p in postings
    ]


BalanceKey = tuple[int, int, int, int, int]


def effects(postings: Sequence[Posting]) -> dict[BalanceKey, int]:
    """What the postings add to each real balance (owner, item, lot, location, condition); zero sums are left out."""
    sums: dict[BalanceKey, int] = {}
    for p in postings:
        if not is_virtual(p.source_id):
            key = (p.owner_id, p.item_id, p.lot_id, p.source_id, p.condition)
            sums[key] = sums.get(key, 0) - p.quantity
        if not is_virtual(p.target_id):
            key = (p.owner_id, p.item_id, p.lot_id, p.target_id, p.target_condition)
            sums[key] = sums.get(key, 0) + p.quantity
    return {key: total for key, total in sums.items() if total}
