"""What arrives for a return against what is expected of it: line by line, serial number by serial number. Pure."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from backend.core import values
from backend.core.errors import Conflict, Fault, NotFound
from backend.core.text import N_
from backend.returns.rules import Investigation

MOST_SINGLE_PIECES = 50


class ExpectedElsewhere(Conflict):
    """A return of another of the operator's warehouses."""

    sentence: ClassVar[str] = N_(
        "Return %(number)s is expected at warehouse %(warehouse)s. Change the warehouse, or send the parcel there."
    )


class NotExpectedHere(NotFound):
    """A return that somebody else's warehouse expects."""

    sentence: ClassVar[str] = N_(
        "Return %(number)s is not expected at this warehouse. Put the parcel aside as an unannounced one and ask the sender."
    )


class ReturnOver(Conflict):
    """Nothing is received for a return that is closed or cancelled."""

    sentence: ClassVar[str] = N_(
        "Return %(number)s is %(stage)s, so nothing is received for it. Put the parcel aside as an unannounced one."
    )


class NoSuchParcel(NotFound):
    """A return has no parcel of this number."""

    sentence: ClassVar[str] = N_("Return %(number)s has no parcel %(parcel)s. Scan the return itself instead.")


class WhichParcel(Conflict):
    """Several parcels are on their way."""

    sentence: ClassVar[str] = N_(
        "Return %(number)s comes in several parcels. Scan the label or the tracking number of the one that arrived."
    )


class NothingOutstanding(Conflict):
    """Everything that was booked is here, or known not to come."""

    sentence: ClassVar[str] = N_(
        "Nothing is outstanding of return %(number)s any more. Load it again to see where it stands."
    )


class SerialHere(Conflict):
    """A piece cannot come back while it is here from a return already."""

    sentence: ClassVar[str] = N_(
        "The serial number “%(serial)s” is here already as unit %(unit)s. Scan the serial number of this piece once more."
    )


class SerialTwice(Conflict):
    """The same, found by the database when two people receive the piece at once."""

    sentence: ClassVar[str] = N_(
        "One of these serial numbers was received by somebody else just now. Load the return again and receive the rest."
    )


class AlreadyGraded(Conflict):
    """A receipt is reversed as long as nobody has looked at its goods."""

    sentence: ClassVar[str] = N_(
        "Unit %(unit)s of this receipt is graded already, so the receipt stands. Correct the grade instead."
    )


class ExpectedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a return as the receiver needs it; `here` are the serial numbers received, `plain` the pieces without one."""

    line_no: int
    item: str
    quantity: int
    received: int = 0
    missing: int = 0
    serials: Sequence[str] = ()
    here: Sequence[str] = ()
    plain: int = 0
    investigation: str | None = None

    @property
    def open(self) -> int:
        """Pieces that may still come."""
        return 0 if self.investigation == Investigation.REFUSED else self.quantity - self.received - self.missing


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces of a line that arrived: how many, and the serial numbers of those that have one."""

    line_no: int
    quantity: int
    serials: Sequence[str] = ()


class Sorted(msgspec.Struct, frozen=True, kw_only=True):
    """Arrived pieces by where they belong: on their line, or beyond it (`surplus`)."""

    line_no: int
    serials: list[str]
    plain: int
    surplus_serials: list[str]
    surplus_plain: int

    @property
    def on_line(self) -> int:
        """Pieces that the line expected."""
        return len(self.serials) + self.plain

    @property
    def surplus(self) -> int:
        """Pieces that it did not."""
        return len(self.surplus_serials) + self.surplus_plain


_NO_LINE = N_("Return %(number)s has no line %(line)s. Load the return again.")
_REFUSED_LINE = N_(
    "Line %(line)s was investigated and refused, so its goods are not received. Put them aside as an unannounced parcel."
)
_MANY_SERIALS = N_("There are %(count)s serial numbers for %(quantity)s pieces. Leave out what did not arrive.")
_SERIAL_REPEATED = N_("The serial number “%(serial)s” was given twice. Scan each piece once.")
_SERIAL_RECEIVED = N_("The serial number “%(serial)s” of this return was received already. Scan another piece.")
_SERIAL_UNKNOWN = N_(
    "The serial number “%(serial)s” is not one of those that were booked for %(item)s. Check it; if it is right, tick "
    "that surplus pieces are taken in, and they will be investigated."
)
_SERIALS_WANTED = N_(
    "%(item)s was booked with serial numbers. Scan the serial number of each piece, instead of a quantity."
)
_TOO_MANY = N_(
    "Only %(open)s of %(item)s are still expected; %(arrived)s arrived. Lower the quantity, or tick that surplus pieces "
    "are taken in: they go to a line of their own, which is investigated."
)
_NOTHING = N_("Say what arrived: at least one piece.")


def sort_out(
    number: str,
    expected: Mapping[int, ExpectedLine],
    arrived: Sequence[Arrived],
    *,
    surplus: bool,
    faults: list[Fault],
    path: str = "lines",
) -> list[Sorted]:
    """What arrived, line by line, against what is expected; more than that is a fault unless `surplus` is taken in."""
    if not arrived:
        faults.append(Fault(path, 0, _NOTHING))
    given: dict[int, tuple[int, int, list[str]]] = {}
    for place, each in enumerate(arrived):
        first, quantity, serials = given.get(each.line_no, (place, 0, []))
        if not 0 < each.quantity <= values.LARGEST_QUANTITY:
            faults.append(values.quantity_fault(f"{path}.{place}.quantity", each.quantity))
        given[each.line_no] = (
            first,
            quantity + each.quantity,
            [*serials, *(values.code_of(text) for text in each.serials if text.strip())],
        )
    found = []
    for line_no, (place, quantity, serials) in given.items():
        at = f"{path}.{place}"
        line = expected.get(line_no)
        if line is None:
            faults.append(Fault(f"{at}.line", line_no, _NO_LINE, {"number": number, "line": line_no}))
        elif line.investigation == Investigation.REFUSED:
            faults.append(Fault(f"{at}.line", line_no, _REFUSED_LINE, {"line": line_no}))
        else:
            found.append(_sort_line(line, quantity, serials, surplus, at, faults))
    return found


def _sort_line(
    line: ExpectedLine, quantity: int, serials: list[str], surplus: bool, at: str, faults: list[Fault]
) -> Sorted:
    if len(serials) > quantity:
        facts = {"count": len(serials), "quantity": quantity}
        faults.append(Fault(f"{at}.serials", len(serials), _MANY_SERIALS, facts))
    seen: set[str] = set()
    for serial in serials:
        if serial in seen:
            faults.append(Fault(f"{at}.serials", serial, _SERIAL_REPEATED, {"serial": serial}))
        elif serial in line.here:
            faults.append(Fault(f"{at}.serials", serial, _SERIAL_RECEIVED, {"serial": serial}))
        seen.add(serial)
    plain = max(0, quantity - len(serials))
    booked = set(line.serials)
    fitting = [serial for serial in serials if serial in booked] if booked else list(serials)
    kept = fitting[: max(0, line.open)]
    # Pieces that were booked by their serial numbers are not received without one.
    room = line.open - len(kept)
    if booked:
        room = min(room, line.quantity - line.missing - len(booked) - line.plain)
    room = max(0, room)
    sorted_out = Sorted(
        line_no=line.line_no,
        serials=kept,
        plain=min(plain, room),
        surplus_serials=[serial for serial in serials if serial not in kept],
        surplus_plain=max(0, plain - room),
    )
    if sorted_out.surplus and not surplus:
        faults += _surplus_faults(line, sorted_out, quantity, at)
    return sorted_out


def _surplus_faults(line: ExpectedLine, found: Sorted, quantity: int, at: str) -> list[Fault]:
    if quantity > line.open:
        facts = {"open": max(0, line.open), "item": line.item, "arrived": quantity}
        return [Fault(f"{at}.quantity", quantity, _TOO_MANY, facts)]
    faults = [
        Fault(f"{at}.serials", serial, _SERIAL_UNKNOWN, {"serial": serial, "item": line.item})
        for serial in found.surplus_serials
    ]
    if found.surplus_plain:
        faults.append(Fault(f"{at}.serials", quantity, _SERIALS_WANTED, {"item": line.item}))
    return faults


def units_of(plain: int) -> list[int]:
    """The pieces of each unit that pieces without serial numbers make: one each, or one unit of many alike."""
    return [1] * plain if plain <= MOST_SINGLE_PIECES else [plain]
