"""What happens to units on the inspection bench: they are graded with answers and photos, split, looked at a second time."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.charges import actions as charges
from backend.charges.actions import Step
from backend.charges.rules import Activity
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.files.actions import Evidence
from backend.messages import actions as messages
from backend.returns import checklists, goods, standing, steps
from backend.returns.receipt import columns
from backend.returns.rules import Grade, UnitState
from backend.returns.standing import Unit
from backend.stock.ledger import Entry
from backend.stock.rules import Posting, Reason, SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("grading.sql"))
MOST_UNITS = 1000
PLACES = ("bin", "dock")

_ASKED = N_("The exporter asks for a second look at return %(number)s, by another person: %(note)s")
_NO_PLACE = N_("This warehouse has no bin or dock “%(value)s”. Give one of its codes, or leave it empty.")
_NOT_BROUGHT = N_("“%(value)s” is not a photo that your organisation has brought. Send the photo first.")
_TOO_MANY = N_("At most %(most)s units are graded at once. Grade the others afterwards.")
_TWICE = N_("A unit stands there twice. Name each unit once.")
_ONE_WAREHOUSE = N_("These units lie in several warehouses. Grade those of one warehouse at a time.")
_PART_OF_ONE = N_("Only pieces of one unit can be graded apart. Grade these units one by one.")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How identical units were found: answers to the checklist of their class, the grade, photos (hashes).

    `location` is the bin or dock where they are put, empty where they lie; `quantity` grades only so many pieces of one unit,
    which become a unit of their own.
    """

    units: list[str]
    answers: dict[str, str]
    grade: str
    photos: list[str]
    note: str = ""
    location: str = ""
    quantity: int | None = None


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """The units that were graded and their inspections; `repeated` when the request key had graded them before."""

    units: list[str]
    inspections: list[uuid.UUID]
    repeated: bool


class _Graded(msgspec.Struct, frozen=True, kw_only=True):
    """A unit with what was found, as it is kept."""

    unit: Unit
    look: Look
    item_class: str
    inspection_id: uuid.UUID
    location_id: int
    condition: int

    @property
    def moves(self) -> bool:
        """Whether the ledger has something to book."""
        return (self.location_id, self.condition) != (self.unit.location_id, self.unit.condition)

    @property
    def is_charged(self) -> bool:
        """The first look and one that was asked for; a correction is the grader's own affair."""
        return self.unit.turn == 0 or self.unit.regrade == "asked"


async def grade(viewer: Viewer, look: Look, *, request_key: str) -> Graded:
    """Grade identical units; see `grade_many`."""
    return await grade_many(viewer, [look], request_key=request_key)


async def grade_many(viewer: Viewer, looks: Sequence[Look], *, request_key: str) -> Graded:
    """Grade units of one warehouse: all of them or none.

    A unit is graded after its receipt; again before a decision, to correct the grade (with a note that says why) or
    because its owner asked for a second look, which is another person's. A grade better than its answers allow, without
    photos or with unanswered questions is refused. Nothing graded is for sale: A and B wait in quarantine, C and D are
    damaged goods.
    """
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    asked = [code for look in looks for code in look.units]
    faults = steps.key_faults(request_key)
    if len({values.code_of(code) for code in asked}) < len(asked):
        faults.append(Fault("units", len(asked), _TWICE))
    if len(asked) > MOST_UNITS:
        faults.append(Fault("units", len(asked), _TOO_MANY, {"most": MOST_UNITS}))
    if faults:
        raise Invalid(faults)
    request_hash = values.digest(list(looks))
    keys = [f"{request_key}#{number}" for number in range(1, len(asked) + 1)]
    at = clock.now()
    async with goods.moving():
        units = await standing.handled(viewer, asked, keys[0] if keys else "")
        if units[0].graded_before:
            before = await DB.fetch(SQL["graded_before"], units[0].warehouse_id, keys)
            if any(row["request_hash"] != request_hash for row in before):
                raise SameKeyOtherRequest(key=request_key)
            codes, ids = [row["code"] for row in before], [row["id"] for row in before]
            return Graded(units=codes, inspections=ids, repeated=True)
        found = await _looked_at(viewer, looks, {unit.code: unit for unit in units})
        entries = await _keep(viewer, found, keys, request_hash, at)
        if any(look.quantity is not None for look in looks):
            # Units that were split are more than were found.
            await standing.follow({each.unit.rma_id for each in found}, at)
        else:
            await standing.moved([each.unit for each in found], "to_decide", at)
        await goods.book(viewer, found[0].unit.warehouse_id, entries)
    return Graded(
        units=[each.unit.code for each in found], inspections=[each.inspection_id for each in found], repeated=False
    )


async def split(viewer: Viewer, unit: str, *, quantity: int, of: int) -> str:
    """Make `quantity` pieces of a unit that has `of` a unit of their own, before it is decided; its code.

    Whoever handles the goods may do so, and their owner.
    """
    if not (viewer.may(Right.HANDLE_RETURNS) or viewer.may(Right.DECIDE_RETURNS)):
        access_rules.require(viewer, Right.HANDLE_RETURNS)
    async with DB.transaction():
        whose = standing.owned if viewer.may(Right.DECIDE_RETURNS) else standing.handled
        (found,) = await whose(viewer, [unit])
        if found.quantity != of:
            raise steps.SplitMeanwhile(unit=found.code, quantity=found.quantity)
        return await _split(viewer, found, quantity)


async def ask_regrade(viewer: Viewer, units: Sequence[str], *, note: str) -> None:
    """Ask for a second look at units by another person, once, before a decision; the operator hears of it."""
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    if faults := steps.why_fault("note", note, steps.WHY_REGRADE):
        raise Invalid(faults)
    at = clock.now()
    async with DB.transaction():
        found = await standing.owned(viewer, units)
        for each in found:
            steps.require_regradable(each.code, each.state, each.regrade)
        await _set_regrade(viewer, found, "asked", note, at, "return.regrade_asked")


async def withdraw_regrade(viewer: Viewer, units: Sequence[str]) -> None:
    """Take the wish for a second look back, as long as nobody has looked."""
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    at = clock.now()
    async with DB.transaction():
        found = await standing.owned(viewer, units)
        for each in found:
            if each.state != UnitState.GRADED or each.regrade != "asked":
                raise steps.NoRegradeAsked(unit=each.code)
        await _set_regrade(viewer, found, "none", "", at, "return.regrade_withdrawn")


async def _set_regrade(
    viewer: Viewer, found: Sequence[Unit], regrade: str, note: str, at: datetime, action: str
) -> None:
    warehouses = list({each.warehouse_id for each in found})
    await DB.run(SQL["ask_regrade"], warehouses, [each.id for each in found], regrade, note)
    after = await standing.follow({each.rma_id for each in found}, at)
    for given in after.values():
        units = [each.code for each in found if each.rma_id == given.id]
        about = {"units": units, "note": note}
        await journal.write(viewer, action, "return", given.id, after=about, warehouse_id=given.warehouse_id)
    if regrade != "asked":
        return
    await messages.notify_all(
        [
            messages.News(
                organisation_id=given.operator_id,
                level="warn",
                sentence=_ASKED,
                facts={"number": given.number, "note": note[:200]},
                href=messages.path_of("return", given.id),
            )
            for given in after.values()
        ]
    )


async def _looked_at(viewer: Viewer, looks: Sequence[Look], units: Mapping[str, Unit]) -> list[_Graded]:
    """What was found of every unit, checked; refuses every bad field of every look at once."""
    faults: list[Fault] = []
    warehouse_id = next(iter(units.values())).warehouse_id
    if any(unit.warehouse_id != warehouse_id for unit in units.values()):
        raise Invalid([Fault("units", "", _ONE_WAREHOUSE)])
    photos = set(await files_queries.photos_among(viewer, [each for look in looks for each in look.photos]))
    wanted = [values.code_of(look.location) for look in looks if look.location]
    rows = await DB.fetch(SQL["places"], warehouse_id, wanted) if wanted else []
    places = {row["code"]: row["id"] for row in rows if row["kind"] in PLACES}
    found: list[_Graded] = []
    for number, look in enumerate(looks):
        at = f"looks.{number}." if len(looks) > 1 else ""
        own = [units[code] for code in dict.fromkeys(values.code_of(code) for code in look.units)]
        item_class = _class_of(own)
        faults += checklists.faults_of(item_class, look.answers, look.grade, len(set(look.photos)), look.note, at)
        for digest in look.photos:
            if digest not in photos:
                faults.append(Fault(f"{at}photos", digest[:64], _NOT_BROUGHT, {"value": digest[:64]}))
        place = places.get(values.code_of(look.location)) if look.location else None
        if look.location and place is None:
            faults.append(Fault(f"{at}location", look.location, _NO_PLACE, {"value": look.location[:64]}))
        for unit in own:
            steps.require_gradable(unit.code, unit.state, unit.regrade, unit.graders, viewer.user_id)
            if unit.state == UnitState.GRADED and unit.regrade != "asked" and not look.note.strip():
                faults.append(Fault(f"{at}note", "", steps.WHY_CORRECT, {"unit": unit.code}))
        if look.quantity is not None and len(own) > 1:
            faults.append(Fault(f"{at}quantity", look.quantity, _PART_OF_ONE))
        found += [_graded(unit, look, item_class, place) for unit in own if look.grade in list(Grade)]
    if faults:
        raise Invalid(faults)
    return [await _part(viewer, each) for each in found]


def _class_of(units: Sequence[Unit]) -> str:
    """The class of units that are graded together, which are pieces of one item."""
    if len({unit.item_id for unit in units}) != 1:
        raise steps.NotAlike
    return checklists.class_of(units[0].hs_code)


def _graded(unit: Unit, look: Look, item_class: str, place: int | None) -> _Graded:
    return _Graded(
        unit=unit,
        look=look,
        item_class=item_class,
        inspection_id=values.new_id(),
        location_id=place or unit.location_id,
        condition=int(steps.condition_of(Grade(look.grade))),
    )


async def _part(viewer: Viewer, found: _Graded) -> _Graded:
    """The same for the pieces that are graded apart, which become a unit of their own."""
    quantity = found.look.quantity
    if quantity is None or quantity == found.unit.quantity:
        return found
    code = await _split(viewer, found.unit, quantity)
    (unit,) = await standing.units([code])
    return msgspec.structs.replace(found, unit=unit)


async def _split(viewer: Viewer, unit: Unit, quantity: int) -> str:
    if unit.state not in (UnitState.RECEIVED, UnitState.GRADED):
        raise steps.NotToBeSplit(unit=unit.code, state=steps.word_of(unit.state))
    if not 0 < quantity < unit.quantity:
        raise steps.split_wrong(unit.code, unit.quantity, quantity)
    code: str = await DB.value(SQL["split"], unit.warehouse_id, unit.id, quantity, values.new_id())
    after = {"unit": unit.code, "part": code, "quantity": quantity}
    await journal.write(viewer, "return.split", "return", unit.rma_id, after=after, warehouse_id=unit.warehouse_id)
    return code


async def _keep(
    viewer: Viewer, found: Sequence[_Graded], keys: Sequence[str], request_hash: bytes, at: datetime
) -> list[Entry]:
    """Keep what was found and charge it; what the ledger has to book for it."""
    warehouse_id = found[0].unit.warehouse_id
    entries, documents = _movements(found, keys[0], request_hash)
    rows = [
        (
            each.unit.id,
            each.inspection_id,
            each.unit.turn + 1,
            each.item_class,
            each.look.answers,
            each.look.grade,
            each.look.note.strip(),
            key,
            documents.get(each.inspection_id),
            each.location_id,
            each.condition,
        )
        for each, key in zip(found, keys, strict=True)
    ]
    edition = checklists.edition().edition
    previous = [each.unit.inspection_id for each in found]
    evidence = [Evidence(each.unit.owner_id, each.inspection_id, each.look.photos) for each in found]
    await files_actions.attach_each(viewer, evidence, warehouse_id=warehouse_id, subject="inspection")
    await DB.write(SQL["grade"], warehouse_id, *columns(rows, 11), edition, viewer.user_id, at, request_hash, previous)
    await charges.record(
        *(
            Step(
                warehouse_id=warehouse_id,
                owner_id=each.unit.owner_id,
                activity=Activity.RETURN_INSPECTION,
                quantity=each.unit.quantity,
                source="inspection",
                source_id=each.inspection_id,
                number=each.unit.number,
                occurred_at=at,
            )
            for each in found
            if each.is_charged
        )
    )
    return entries


def _movements(
    found: Sequence[_Graded], request_key: str, request_hash: bytes
) -> tuple[list[Entry], dict[uuid.UUID, uuid.UUID]]:
    """What changes place or condition: a document for each return and reason, and which one each inspection made."""
    groups: dict[tuple[str, Reason], list[_Graded]] = {}
    for each in found:
        if each.moves:
            reason = Reason.REGRADE if each.location_id == each.unit.location_id else Reason.MOVE
            groups.setdefault((each.unit.number, reason), []).append(each)
    entries = [
        Entry(
            reason=reason,
            postings=[_posting(each) for each in group],
            request_key=f"grade:{reason}:{number}:{request_key}",
            request_hash=request_hash,
            reference=number,
            document_id=values.new_id(),
        )
        for (number, reason), group in groups.items()
    ]
    documents = {
        each.inspection_id: entry.document_id
        for group, entry in zip(groups.values(), entries, strict=True)
        for each in group
        if entry.document_id
    }
    return entries, documents


def _posting(each: _Graded) -> Posting:
    unit = each.unit
    return Posting(
        unit.owner_id,
        unit.item_id,
        unit.lot_id,
        unit.location_id,
        each.location_id,
        unit.condition,
        each.condition,
        unit.quantity,
    )
