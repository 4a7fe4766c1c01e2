"""A return that is being written down: the form as it was typed, and the booking that it says."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from backend.access.rules import Viewer
from backend.core import values
from backend.core.errors import Fault, Refusal
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.returns import booking, reading
from backend.returns.booking import Booking, Buyer, Line, Parcel
from backend.returns.rules import Kind
from frontend import web
from frontend.returns import lines as rows
from frontend.stock import forms

Upload = tuple[str, bytes]


class Draft(msgspec.Struct, frozen=True):
    """What goes from page to page until it is booked: the booking, what else the desk must do, the request key."""

    booking: Booking
    wishes: list[str]
    key: str


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The form as it was sent: the draft it says, what is wrong, the rows its lines stand in, and whether a file has them."""

    draft: Draft
    faults: list[Fault]
    numbers: list[int]
    file_rows: list[int] | None = None
    file_name: str = ""

    def field_of(self, path: str) -> str:
        """Where the form shows a fault of the booking."""
        if path.startswith("lines") and self.file_rows is not None:
            return reading.in_the_file(Fault(path, "", ""), self.file_rows).field
        if path.startswith("parcels"):
            return "tracking"
        if path.startswith("buyer."):
            return path.removeprefix("buyer.")
        return rows.field_of(path, self.numbers)


async def written(viewer: Viewer, typed: dict[str, str], photos: Sequence[Upload], file: Sequence[Upload]) -> Written:
    """Read the form. Photos are kept at once, so that they need not be chosen again when something else is wrong."""
    faults: list[Fault] = []
    hashes = web.listed(typed, "photos")
    if photos:
        try:
            hashes = list(dict.fromkeys([*hashes, *await files_actions.take_in(viewer, photos, photos_only=True)]))
        except Refusal as refusal:
            faults += refusal.faults
    typed["photos"] = ",".join(hashes)
    found = _lines(typed, file, faults)
    made = Draft(
        booking=Booking(
            warehouse="",
            kind=typed.get("kind", Kind.BUYER.value),
            reason=typed.get("reason", ""),
            lines=found.lines,
            parcels=parcels_of(typed, faults),
            buyer=_buyer(typed, faults),
            reference=typed.get("reference", ""),
            note=typed.get("note", ""),
            home_area=typed.get("home_area", ""),
            expected_on=day_of(typed, faults),
            photos=hashes,
        ),
        wishes=web.listed(typed, "wishes"),
        key=typed.get("key") or forms.new_key(),
    )
    return Written(
        draft=made, faults=faults, numbers=found.numbers, file_rows=found.file_rows, file_name=found.file_name
    )


class _Lines(msgspec.Struct, frozen=True, kw_only=True):
    lines: list[Line]
    numbers: list[int] = []
    file_rows: list[int] | None = None
    file_name: str = ""


def _lines(typed: dict[str, str], file: Sequence[Upload], faults: list[Fault]) -> _Lines:
    """The lines of the form: of the file that was chosen now, of one that was chosen before, or of the rows."""
    if file:
        name, data = file[0]
        read = reading.read(name, data)
        faults += [fault if fault.field != "file" else _renamed(fault, "lines_file") for fault in read.faults]
        if not read.faults:
            typed["kept_lines"] = msgspec.json.encode(read.lines).decode()
            typed["kept_name"] = name
        else:
            typed.pop("kept_lines", None)
        return _Lines(lines=read.lines, file_rows=read.rows, file_name=name)
    if kept := typed.get("kept_lines"):
        try:
            lines = msgspec.json.decode(kept, type=list[Line])
        except msgspec.DecodeError:
            typed.pop("kept_lines")
        else:
            # The rows of the file are known no more; its first line stands in row 2, under the heading.
            return _Lines(lines=lines, file_rows=list(range(2, len(lines) + 2)), file_name=typed.get("kept_name", ""))
    numbers, lines = rows.read(typed, typed.get("kind", ""), faults)
    return _Lines(lines=lines, numbers=numbers)


def parcels_of(typed: Mapping[str, str], faults: list[Fault]) -> list[Parcel]:
    """The parcels: one for each tracking number, and as many without one as are expected beyond these."""
    carrier = typed.get("carrier", "")
    numbers = [line.strip() for line in typed.get("tracking", "").splitlines() if line.strip()]
    expected = typed.get("parcels", "")
    count = values.quantity("parcels", expected, faults) if expected else 0
    if count > booking.MOST_PARCELS:
        sentence = N_("A return has at most %(most)s parcels. Book several returns.")
        faults.append(Fault("parcels", expected, sentence, {"most": booking.MOST_PARCELS}))
        count = 0
    numbers += [""] * (count - len(numbers))
    return [Parcel(tracking_no=number, carrier=carrier) for number in numbers]


def _buyer(typed: Mapping[str, str], faults: list[Fault]) -> Buyer:
    return Buyer(
        country=typed.get("country", ""),
        city=typed.get("city", ""),
        latitude=values.measure("latitude", typed.get("latitude", ""), faults, least="-90", most="90"),
        longitude=values.measure("longitude", typed.get("longitude", ""), faults, least="-180", most="180"),
    )


def day_of(typed: Mapping[str, str], faults: list[Fault]) -> date | None:
    """The day on which the parcels are expected; None when it is left empty."""
    given = typed.get("expected_on", "")
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        sentence = N_("“%(value)s” is not a day. Write it like 2026-11-23.")
        faults.append(Fault("expected_on", given, sentence, {"value": given}))
        return None


def typed_of(draft: Draft) -> dict[str, str]:
    """The form that would have said this draft."""
    asked = draft.booking
    buyer = asked.buyer
    typed = {
        "key": draft.key,
        "kind": asked.kind,
        "reason": asked.reason,
        "country": buyer.country,
        "city": buyer.city,
        "latitude": "" if buyer.latitude is None else str(buyer.latitude),
        "longitude": "" if buyer.longitude is None else str(buyer.longitude),
        "reference": asked.reference,
        "note": asked.note,
        "home_area": asked.home_area,
        "expected_on": asked.expected_on.isoformat() if asked.expected_on else "",
        "wishes": ",".join(draft.wishes),
        "photos": ",".join(asked.photos),
        **typed_parcels(asked.parcels),
    }
    if len(asked.lines) > rows.MOST_ROWS:
        typed["kept_lines"] = msgspec.json.encode(asked.lines).decode()
        return typed
    return typed | rows.typed_of(asked.lines)


def typed_parcels(parcels: Sequence[Parcel]) -> dict[str, str]:
    """Parcels as the form would have said them."""
    return {
        "tracking": "\n".join(parcel.tracking_no for parcel in parcels if parcel.tracking_no),
        "parcels": str(len(parcels)) if parcels else "",
        "carrier": next((parcel.carrier for parcel in parcels if parcel.carrier), ""),
    }


def _renamed(fault: Fault, field: str) -> Fault:
    return msgspec.structs.replace(fault, field=field)
