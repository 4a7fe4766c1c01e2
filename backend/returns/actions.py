"""What happens to bookings: a return is booked. Changes and cancellations are in `changes`, desks in `desks`."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_, Word
from backend.files import actions as files_actions
from backend.messages import actions as messages
from backend.returns import booking, claims, routing, rules
from backend.returns.booking import Booking
from backend.returns.claims import Taken
from backend.returns.rules import Basis, Kind, Stage
from backend.stages import actions as stages
from backend.stages.rules import Subject
from backend.stock.rules import SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("actions.sql"))
LONGEST_KEY = 200
_BOOKED = N_("%(name)s booked return %(number)s to warehouse %(warehouse)s. Pieces: %(pieces)s.")
_INVESTIGATE = N_("Return %(number)s has lines for which there is only the buyer's paper. Please investigate them.")


class Booked(msgspec.Struct, frozen=True):
    """The return that was booked; `repeated` when its request key had booked it before."""

    id: uuid.UUID
    number: str
    warehouse_id: int
    repeated: bool


async def book(
    viewer: Viewer, asked: Booking, *, request_key: str, proposal: Mapping[str, Any] | None = None
) -> Booked:
    """Book a return of the viewer's goods: all of it or nothing; refuses every bad line and field at once (`Invalid`).

    `proposal` is what routing said of the chosen warehouse, kept with the return. Pieces are claimed, so that no more come
    back than were shipped, whoever books at the same time.
    """
    access_rules.require(viewer, Right.BOOK_RETURNS)
    now = clock.now()
    faults = booking.faults_of(asked, now.date())
    check_key(request_key, faults)
    return await claims.retried(lambda wait: _book(viewer, asked, faults, request_key, proposal or {}, now, wait=wait))


async def _book(
    viewer: Viewer,
    asked: Booking,
    seen: Sequence[Fault],
    request_key: str,
    proposal: Mapping[str, Any],
    now: datetime,
    *,
    wait: bool,
) -> Booked:
    faults = list(seen)
    request_hash = values.digest(asked)
    async with DB.transaction():
        place = await DB.row(
            SQL["before_booking"], values.code_of(asked.warehouse), viewer.organisation_id, request_key
        )
        assert place is not None
        if place["rma_id"] is not None:
            if place["request_hash"] != request_hash:
                raise SameKeyOtherRequest(key=request_key)
            return Booked(place["rma_id"], place["number"], place["rma_warehouse_id"], True)
        desk_faults(place, asked, faults)
        lines = booking.sound_lines(asked.lines, faults)
        taken = await claims.resolve(viewer.organisation_id, place["id"], lines, faults, wait=wait)
        goods_faults(place, asked, taken, faults)
        if faults:
            raise Invalid(faults)
        made = await _keep(viewer, asked, place, taken, request_key, request_hash, proposal, now)
        await _tell(viewer, asked, place, taken, made, now)
    return made


def desk_faults(place: asyncpg.Record, asked: Booking, faults: list[Fault]) -> None:
    """Whether the chosen warehouse takes this return at all; what speaks against it becomes faults."""
    facts: dict[str, object] = {"value": values.code_of(asked.warehouse)}
    country = asked.buyer.country.strip().upper()
    if place["id"] is None or place["status"] in ("draft", "closed"):
        sentence = N_("There is no warehouse “%(value)s”. Check its code in the list of warehouses.")
    elif not place["active"] or place["status"] != "listed":
        sentence = N_("Warehouse %(value)s takes no returns. Choose a warehouse that is proposed.")
    elif asked.kind in list(Kind) and asked.kind not in place["kinds"]:
        sentence = N_("Warehouse %(value)s does not take this kind of return: %(kind)s. Choose one that is proposed.")
        facts["kind"] = Word(rules.KIND_NAMES[Kind(asked.kind)])
    elif country and place["countries"] and country not in place["countries"]:
        sentence = N_("Warehouse %(value)s takes no parcels from %(country)s. Choose one that is proposed.")
        facts["country"] = country
    else:
        return
    faults.append(Fault("warehouse", asked.warehouse, sentence, facts))


def goods_faults(place: asyncpg.Record, asked: Booking, taken: Sequence[Taken], faults: list[Fault]) -> None:
    """What the goods need that the desk of the chosen warehouse has not, like room for batteries, becomes faults."""
    if place["capabilities"] is None:
        return
    needs = routing.needs_of((each.hs_code, each.weight_kg, each.longest_cm) for each in taken)
    sentence = N_(
        "The desk of warehouse %(value)s cannot take these goods: %(capability)s. Choose one that is proposed."
    )
    for need in sorted(needs - set(place["capabilities"])):
        facts = {"value": place["code"], "capability": Word(routing.CAPABILITY_NAMES[need])}
        faults.append(Fault("warehouse", asked.warehouse, sentence, facts))


async def _keep(
    viewer: Viewer,
    asked: Booking,
    place: asyncpg.Record,
    taken: Sequence[Taken],
    request_key: str,
    request_hash: bytes,
    proposal: Mapping[str, Any],
    now: datetime,
) -> Booked:
    """Write the return with its lines, parcels and claims."""
    made = Booked(values.new_id(), values.new_number("R"), place["id"], False)
    buyer = asked.buyer
    await DB.write(
        SQL["book"],
        made.warehouse_id,
        made.id,
        made.number,
        viewer.organisation_id,
        asked.kind,
        asked.reason,
        asked.reference.strip(),
        asked.note.strip(),
        buyer.country.strip().upper() or None,
        " ".join(buyer.city.split()),
        buyer.latitude,
        buyer.longitude,
        asked.home_area or None,
        proposal,
        viewer.organisation_id,
        viewer.user_id,
        viewer.channel,
        request_key,
        request_hash,
        now,
        asked.expected_on,
        *line_columns(taken),
        [values.code_of(parcel.tracking_no) for parcel in asked.parcels],
        [parcel.carrier.strip() for parcel in asked.parcels],
    )
    return made


def line_columns(taken: Sequence[Taken]) -> list[list[object]]:
    """Lines as the columns that the statements `book` and `replace_lines` take."""
    rows = [
        (
            number,
            each.item_id,
            each.lot_id,
            each.quantity,
            each.basis,
            *(each.sale or (None, None, None)),
            each.location_id,
            each.condition,
            "\n".join(each.serials),
            each.note,
            each.shipped,
        )
        for number, each in enumerate(taken, 1)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


async def _tell(
    viewer: Viewer, asked: Booking, place: asyncpg.Record, taken: Sequence[Taken], made: Booked, now: datetime
) -> None:
    """Photos, stage, journal and news of a return that was booked."""
    await files_actions.attach(
        viewer,
        asked.photos,
        warehouse_id=made.warehouse_id,
        owner_id=viewer.organisation_id,
        subject="rma",
        subject_id=made.id,
    )
    await stages.enter(
        stages.Entry(
            subject=Subject.RETURN,
            subject_id=made.id,
            warehouse_id=made.warehouse_id,
            owner_id=viewer.organisation_id,
            number=made.number,
            stage=Stage.BOOKED,
            at=now,
            due_at=end_of_day(asked.expected_on, place["time_zone"]),
            reason=asked.reason,
            supervision_code=supervision_code_of(taken),
        )
    )
    after = {"number": made.number, "owner": viewer.organisation_code, "booking": asked}
    await journal.write(viewer, "return.booked", "return", made.id, after=after, warehouse_id=made.warehouse_id)
    news = messages.News(
        organisation_id=place["operator_id"],
        level="neutral",
        sentence=_BOOKED,
        facts={
            "name": viewer.organisation_code,
            "number": made.number,
            "warehouse": place["code"],
            "pieces": sum(each.quantity for each in taken),
        },
        href=messages.path_of(Subject.RETURN, made.id),
    )
    doubtful = any(each.basis is Basis.PAPER for each in taken)
    await messages.notify_all([news, *([investigation_news(news, made.number)] if doubtful else [])])


def investigation_news(news: messages.News, number: str) -> messages.News:
    """What the operator hears of lines that have only the buyer's paper."""
    return msgspec.structs.replace(news, level="warn", sentence=_INVESTIGATE, facts={"number": number})


def supervision_code_of(taken: Sequence[Taken]) -> str:
    """The supervision code under which most of the pieces were exported; empty when none is known."""
    pieces: Counter[str] = Counter()
    for each in taken:
        if each.supervision_code:
            pieces[each.supervision_code] += each.quantity
    return min(pieces, key=lambda code: (-pieces[code], code), default="")


def end_of_day(day: date | None, zone: str) -> datetime | None:
    """The instant at which a day is over in a warehouse's zone."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)) if day else None


def check_key(key: str, faults: list[Fault]) -> None:
    """A request key that is none becomes a fault."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        sentence = N_(
            "Every write needs a request key of 1 to %(most)s printable characters, new for each new request."
        )
        faults.append(Fault("Idempotency-Key", key[:50], sentence, {"most": LONGEST_KEY}))
