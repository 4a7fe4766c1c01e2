"""What a quote comes to, and how parts and minutes fall on the quotes that were approved. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from backend.core.errors import Fault
from backend.core.text import N_
from backend.repairs.rules import MOST_MINUTES, MOST_PARTS

LONGEST_QUOTE = timedelta(days=90)
_HOUR = Decimal(60)
_FOUR = Decimal("0.0001")


class PartLine(msgspec.Struct, frozen=True):
    """A line of a quote: pieces of a part at a list price each."""

    item_id: int
    quantity: int
    price: Decimal


def hours(minutes: int) -> Decimal:
    """Minutes as hours with four decimals, as they are charged."""
    return (Decimal(minutes) / _HOUR).quantize(_FOUR, ROUND_HALF_UP)


def total(parts: Iterable[PartLine], minutes: int, rate: Decimal) -> Decimal:
    """What a quote comes to."""
    labour = (hours(minutes) * rate).quantize(_FOUR, ROUND_HALF_UP)
    return sum((part.price * part.quantity for part in parts), labour)


def quote_faults(parts: Sequence[PartLine], minutes: int, expires_at: datetime, now: datetime) -> list[Fault]:
    """What is wrong with a quote as a whole."""
    faults: list[Fault] = []
    if not 0 <= minutes <= MOST_MINUTES:
        faults.append(
            Fault(
                "minutes",
                minutes,
                N_("“%(value)s” minutes are not possible. Give 0 to %(most)s."),
                {"value": minutes, "most": MOST_MINUTES},
            )
        )
    if not parts and minutes == 0:
        faults.append(Fault("minutes", minutes, N_("A quote has parts, labour or both.")))
    if len(parts) > MOST_PARTS:
        faults.append(
            Fault("parts", len(parts), N_("A quote has at most %(most)s kinds of parts."), {"most": MOST_PARTS})
        )
    if len({part.item_id for part in parts}) < len(parts):
        faults.append(Fault("parts", "", N_("A part stands in two lines. Put its pieces together in one.")))
    if expires_at.tzinfo is None or not now < expires_at <= now + LONGEST_QUOTE:
        faults.append(
            Fault(
                "expires_at",
                str(expires_at),
                N_("A quote expires in the future, at most %(days)s days from now; “%(value)s” does not."),
                {"value": str(expires_at), "days": LONGEST_QUOTE.days},
            )
        )
    return faults


# ----------------------------------------------------------------------------------- what approved quotes still cover


class AgreedPart(msgspec.Struct, frozen=True):
    """What an approved quote still has of a part."""

    quote_id: object
    line_no: int
    item_id: int
    left: int
    price: Decimal
    currency: str


class AgreedLabour(msgspec.Struct, frozen=True):
    """How many minutes an approved quote still has, at its rate an hour."""

    quote_id: object
    left: int
    rate: Decimal
    currency: str


class PartShare(msgspec.Struct, frozen=True):
    """Pieces of the n-th wanted part that fall on one line of a quote."""

    wanted: int
    agreed: AgreedPart
    quantity: int


class LabourShare(msgspec.Struct, frozen=True):
    """Minutes that fall on a quote, or on none."""

    agreed: AgreedLabour | None
    minutes: int


def share_parts(wanted: Sequence[tuple[int, int]], agreed: Sequence[AgreedPart]) -> tuple[list[PartShare], list[int]]:
    """Wanted parts (item, pieces) on the lines of approved quotes, oldest first; and the numbers of those not covered."""
    left = [each.left for each in agreed]
    shares: list[PartShare] = []
    short: list[int] = []
    for number, (item_id, pieces) in enumerate(wanted):
        for n, each in enumerate(agreed):
            if each.item_id == item_id and pieces and left[n]:
                taken = min(pieces, left[n])
                left[n] -= taken
                pieces -= taken
                shares.append(PartShare(number, each, taken))
        if pieces:
            short.append(number)
    return shares, short


def share_labour(minutes: int, agreed: Sequence[AgreedLabour]) -> list[LabourShare]:
    """Worked minutes on approved quotes, oldest first; what is left over falls on none and costs nothing."""
    shares: list[LabourShare] = []
    for each in agreed:
        taken = min(minutes, each.left)
        if taken > 0:
            shares.append(LabourShare(each, taken))
            minutes -= taken
    if minutes:
        shares.append(LabourShare(None, minutes))
    return shares
