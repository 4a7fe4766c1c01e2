"""What a booking of a return says, and everything that can be wrong with it before the database is asked. Pure."""

import re
import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar

import msgspec

from backend.core import values
from backend.core.errors import Conflict, Fault
from backend.core.text import N_, Word
from backend.registry.regions import COUNTRIES
from backend.returns import reasons
from backend.returns.rules import STAGE_NAMES, Basis, Kind, Stage

MOST_LINES = 500
MOST_PARCELS = 500
MOST_SERIALS = 10_000
LONGEST_TEXT = 500
LONGEST_CODE = 100
LARGEST_LINE_NUMBER = 10**9
LONGEST_WAY = timedelta(days=366)
_SERIAL = re.compile(r"[^\s=+@'\"\x00-\x1f\x7f-][^\x00-\x1f\x7f]{0,63}")


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pieces of one item that come back, in codes, and what says that they may.

    `basis` shipped names an order (the reference of the sale, with `warehouse` and `lot` where it needs them), or exactly
    one line of a sale (`warehouse`, `document`, `document_line`), or a line of an export declaration (`declaration`,
    `declaration_line`). `basis` unsold names where the goods lie: `warehouse`, `location`, `condition`, `lot`. `basis`
    paper has only the buyer's word.
    """

    item: str
    quantity: int
    basis: str = "shipped"
    order: str = ""
    warehouse: str = ""
    lot: str = ""
    document: uuid.UUID | None = None
    document_line: int | None = None
    declaration: str = ""
    declaration_line: int | None = None
    location: str = ""
    condition: str = "GOOD"
    serials: list[str] = []
    note: str = ""


class Parcel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parcel that is expected."""

    tracking_no: str = ""
    carrier: str = ""


class Buyer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the goods come from: ISO 3166-1 alpha-2, a city, and WGS 84 degrees if they are known."""

    country: str = ""
    city: str = ""
    latitude: Decimal | None = None
    longitude: Decimal | None = None


class Booking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A return as its exporter books it; `photos` are hashes of files that the exporter has brought."""

    warehouse: str
    kind: str
    reason: str
    lines: list[Line]
    parcels: list[Parcel] = []
    buyer: Buyer = Buyer()
    reference: str = ""
    note: str = ""
    home_area: str = ""
    expected_on: date | None = None
    photos: list[str] = []


# What a line of each kind of return may stand on.
BASES = {
    Kind.BUYER: (Basis.SHIPPED, Basis.PAPER),
    Kind.UNDELIVERABLE: (Basis.SHIPPED, Basis.PAPER),
    Kind.REMOVAL: (Basis.SHIPPED, Basis.PAPER),
    Kind.RECALL: (Basis.SHIPPED, Basis.UNSOLD, Basis.PAPER),
    Kind.UNSOLD: (Basis.UNSOLD,),
}


def kind_of(text: str, faults: list[Fault], field: str = "kind") -> Kind | None:
    """A kind of return; anything else becomes a fault."""
    if text in list(Kind):
        return Kind(text)
    sentence = N_("“%(value)s” is not a kind of return. Choose one of: %(choices)s.")
    faults.append(Fault(field, text, sentence, {"value": text, "choices": list(Kind)}))
    return None


def faults_of(booking: Booking, today: date) -> list[Fault]:
    """Everything wrong with a booking that can be seen without the database."""
    faults: list[Fault] = []
    kind = kind_of(booking.kind, faults)
    if kind:
        reasons.checked("reason", booking.reason, kind, faults)
    faults += lines_faults(booking.lines, kind)
    faults += parcels_faults(booking.parcels)
    faults += buyer_faults(booking.buyer, kind)
    text_fault("reference", booking.reference, LONGEST_CODE, faults)
    text_fault("note", booking.note, LONGEST_TEXT, faults)
    if booking.home_area and not re.fullmatch(r"[0-9]{4}", booking.home_area):
        sentence = N_("“%(value)s” is not a customs district. It has four digits, e.g. 4602 for Luoyang.")
        faults.append(Fault("home_area", booking.home_area, sentence, {"value": booking.home_area}))
    faults += day_faults("expected_on", booking.expected_on, today)
    return faults


def day_faults(field: str, day: date | None, today: date) -> list[Fault]:
    """What is wrong with the day on which the parcels are expected."""
    # A day of grace, because the warehouse's today may be another than the exporter's.
    if day is None or today - timedelta(days=1) <= day <= today + LONGEST_WAY:
        return []
    sentence = N_("“%(value)s” is not possible: parcels are expected from today on, at most a year ahead.")
    return [Fault(field, day.isoformat(), sentence, {"value": day.isoformat()})]


def lines_faults(lines: Sequence[Line], kind: Kind | None, path: str = "lines") -> list[Fault]:
    """Everything wrong with the lines that can be seen without the database."""
    if not lines:
        return [Fault(path, 0, N_("A return needs at least one line. Say which item comes back."))]
    if len(lines) > MOST_LINES:
        sentence = N_("A return has at most %(most)s lines, these are %(count)s. Book several returns.")
        return [Fault(path, len(lines), sentence, {"most": MOST_LINES, "count": len(lines)})]
    faults: list[Fault] = []
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(lines):
        at = f"{path}.{number}."
        if not line.item.strip():
            faults.append(Fault(f"{at}item", line.item, N_("Say which item comes back: its code.")))
        if not 0 < line.quantity <= values.LARGEST_QUANTITY:
            faults.append(values.quantity_fault(f"{at}quantity", line.quantity))
        text_fault(f"{at}note", line.note, LONGEST_TEXT, faults)
        text_fault(f"{at}order", line.order, LONGEST_TEXT, faults)
        for name in ("item", "warehouse", "lot", "declaration", "location"):
            text_fault(f"{at}{name}", getattr(line, name), LONGEST_CODE, faults)
        for name in ("document_line", "declaration_line"):
            _line_number_fault(f"{at}{name}", getattr(line, name), faults)
        _basis_faults(line, kind, at, faults)
        _serial_faults(line, at, seen, faults)
    return faults


def _line_number_fault(field: str, number: int | None, faults: list[Fault]) -> None:
    if number is not None and not 0 <= number < LARGEST_LINE_NUMBER:
        sentence = N_("“%(value)s” is not the number of a line. Give a whole number, e.g. 3.")
        faults.append(Fault(field, number, sentence, {"value": number}))


def _basis_faults(line: Line, kind: Kind | None, at: str, faults: list[Fault]) -> None:
    possible = BASES[kind] if kind else tuple(Basis)
    if line.basis not in possible:
        sentence = N_("“%(value)s” is not possible for this kind of return. Choose one of: %(choices)s.")
        facts = {"value": line.basis, "choices": list(possible)}
        faults.append(Fault(f"{at}basis", line.basis, sentence, facts))
    elif line.basis == Basis.SHIPPED:
        ways = [bool(line.order), line.document is not None, bool(line.declaration)]
        if sum(ways) != 1:
            sentence = N_(
                "Say how these pieces were shipped: by an order number, or a line of a sale, or a line of an export "
                "declaration; one of the three."
            )
            faults.append(Fault(f"{at}order", line.order, sentence))
        elif line.document is not None and not (line.warehouse and line.document_line):
            sentence = N_("A line of a sale needs its warehouse, document and line number.")
            faults.append(Fault(f"{at}document_line", line.document_line or "", sentence))
        elif line.declaration and not line.declaration_line:
            sentence = N_("A declaration number and its line belong together. Give both or neither.")
            faults.append(Fault(f"{at}declaration_line", line.declaration_line or "", sentence))
    elif line.basis == Basis.UNSOLD and not line.location:
        faults.append(Fault(f"{at}location", line.location, N_("Say at which location the unsold goods lie.")))


def _serial_faults(line: Line, at: str, seen: set[tuple[str, str]], faults: list[Fault]) -> None:
    if len(line.serials) > max(0, min(line.quantity, MOST_SERIALS)):
        sentence = N_("There are %(count)s serial numbers for %(quantity)s pieces. Leave out what does not come back.")
        facts = {"count": len(line.serials), "quantity": line.quantity}
        faults.append(Fault(f"{at}serials", len(line.serials), sentence, facts))
    for given in line.serials[:MOST_SERIALS]:
        serial = serial_of(given)
        key = values.code_of(line.item), serial
        if not _SERIAL.fullmatch(serial):
            sentence = N_(
                "“%(value)s” is not a serial number. Use 1 to 64 characters, not beginning with = + - @ or a quotation mark."
            )
            faults.append(Fault(f"{at}serials", given[:80], sentence, {"value": given[:80]}))
        elif key in seen:
            sentence = N_("The serial number “%(value)s” stands twice in this return. Name each piece once.")
            faults.append(Fault(f"{at}serials", serial, sentence, {"value": serial}))
        seen.add(key)


def serial_of(text: str) -> str:
    """A serial number in its one spelling, that of codes."""
    return values.code_of(text)


def parcels_faults(parcels: Sequence[Parcel], path: str = "parcels") -> list[Fault]:
    """What is wrong with the expected parcels."""
    faults: list[Fault] = []
    if len(parcels) > MOST_PARCELS:
        sentence = N_("A return has at most %(most)s parcels. Book several returns.")
        faults.append(Fault(path, len(parcels), sentence, {"most": MOST_PARCELS}))
    seen: set[str] = set()
    for number, parcel in enumerate(parcels[:MOST_PARCELS]):
        text_fault(f"{path}.{number}.tracking_no", parcel.tracking_no, LONGEST_CODE, faults)
        text_fault(f"{path}.{number}.carrier", parcel.carrier, LONGEST_CODE, faults)
        tracking_no = values.code_of(parcel.tracking_no)
        if tracking_no and tracking_no in seen:
            sentence = N_("The tracking number “%(value)s” stands twice in this return. Name each parcel once.")
            faults.append(Fault(f"{path}.{number}.tracking_no", parcel.tracking_no, sentence, {"value": tracking_no}))
        seen.add(tracking_no)
    return faults


def buyer_faults(buyer: Buyer, kind: Kind | None, path: str = "buyer") -> list[Fault]:
    """What is wrong with the place that goods come from; unsold goods come from nowhere."""
    faults: list[Fault] = []
    country = buyer.country.strip().upper()
    if country and country not in COUNTRIES:
        sentence = N_("“%(value)s” is not a country. Give its two letters, e.g. DE.")
        faults.append(Fault(f"{path}.country", buyer.country, sentence, {"value": buyer.country}))
    elif not country and kind not in (None, Kind.UNSOLD, Kind.RECALL):
        faults.append(Fault(f"{path}.country", "", N_("Say from which country the goods come back.")))
    text_fault(f"{path}.city", buyer.city, LONGEST_CODE, faults)
    if (buyer.latitude is None) != (buyer.longitude is None):
        faults.append(
            Fault(f"{path}.latitude", "", N_("Latitude and longitude belong together. Give both or neither."))
        )
    for name, value, most in (("latitude", buyer.latitude, 90), ("longitude", buyer.longitude, 180)):
        if value is not None and not (value.is_finite() and -most <= value <= most):
            sentence = N_("“%(value)s” is not a number from %(least)s to %(most)s. Write it with a point, e.g. 12.5.")
            facts = {"value": str(value), "least": str(-most), "most": str(most)}
            faults.append(Fault(f"{path}.{name}", str(value), sentence, facts))
    return faults


def text_fault(field: str, text: str, most: int, faults: list[Fault]) -> None:
    """A text that is too long or holds signs that nobody sees becomes a fault."""
    faults += values.text_faults(field, text, most)


def sound_lines(lines: Sequence[Line], faults: Sequence[Fault], path: str = "lines") -> dict[int, Line]:
    """The lines, by their place, that have no fault yet; none when there are too many of them."""
    bad = {fault.field.split(".")[1] for fault in faults if fault.field.startswith(f"{path}.")}
    if any(fault.field == path for fault in faults):
        return {}
    return {number: line for number, line in enumerate(lines) if str(number) not in bad}


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is changed of a return; null leaves it as it is. `parcels` and `lines` replace all that were named before.

    `photos` are added. Parcels that have arrived stay.
    """

    reference: str | None = None
    note: str | None = None
    expected_on: date | None = None
    parcels: list[Parcel] | None = None
    lines: list[Line] | None = None
    photos: list[str] = []

    @property
    def parts(self) -> list[str]:
        """The names of what is changed."""
        return [
            name
            for name in self.__struct_fields__
            if getattr(self, name) is not None and (self.photos or name != "photos")
        ]


# What may still be changed in each stage; nothing in those that are not named.
CHANGEABLE = {
    Stage.BOOKED: frozenset({"reference", "note", "expected_on", "parcels", "lines", "photos"}),
    Stage.RECEIVING: frozenset({"note", "parcels", "photos"}),
}


class BeingReceived(Conflict):
    """Goods have begun to arrive: what was booked stands."""

    sentence: ClassVar[str] = N_(
        "Goods of return %(number)s have begun to arrive: only its parcels, note and photos can still be changed. Book a new "
        "return for other goods."
    )


class TooLateToChange(Conflict):
    """Everything has arrived, or the return is over."""

    sentence: ClassVar[str] = N_(
        "Return %(number)s is “%(stage)s”: its booking cannot be changed any more. Write to the operator on its page."
    )


class TooLateToCancel(Conflict):
    """A return is cancelled before anything of it arrives."""

    sentence: ClassVar[str] = N_(
        "Return %(number)s is “%(stage)s” and cannot be cancelled any more. Decide on its goods when they are graded."
    )


class NotDoubtful(Conflict):
    """There is nothing to settle, or it is settled already."""

    sentence: ClassVar[str] = N_("Line %(line)s of return %(number)s is not under investigation. Load the page again.")


class RefusedTooLate(Conflict):
    """Goods of a line that are here cannot be refused any more."""

    sentence: ClassVar[str] = N_(
        "Goods of line %(line)s have been received already. Accept the line and say in the note what you found; grading decides."
    )


def require_changeable(number: str, stage: Stage, parts: Sequence[str]) -> None:
    """Refuse a change of parts that stand fast in this stage."""
    possible = CHANGEABLE.get(stage, frozenset())
    if possible.issuperset(parts):
        return
    if stage is Stage.RECEIVING:
        raise BeingReceived(number=number)
    raise TooLateToChange(number=number, stage=Word(STAGE_NAMES[stage]))


def change_faults(change: Change, kind: Kind, today: date) -> list[Fault]:
    """Everything wrong with a change that can be seen without the database."""
    faults: list[Fault] = []
    if change.lines is not None:
        faults += lines_faults(change.lines, kind)
    if change.parcels is not None:
        faults += parcels_faults(change.parcels)
    text_fault("reference", change.reference or "", LONGEST_CODE, faults)
    text_fault("note", change.note or "", LONGEST_TEXT, faults)
    return faults + day_faults("expected_on", change.expected_on, today)
