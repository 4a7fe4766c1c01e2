"""How a job comes about: an owner asks for a service, or a returned unit is to be relabelled; and papers are added."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Right, Viewer
from backend.charges.rules import Unit
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_, Word
from backend.stages import actions as stages
from backend.stock.rules import Condition, SameKeyOtherRequest
from backend.value_added import jobs, recipes, rules
from backend.value_added.recipes import Line, Recipe
from backend.value_added.rules import ENDED, Kind, Process, Stage

SQL = blocks(Path(__file__).with_name("actions.sql"))
MOST_AT_ONCE = 500
MOST_DOCUMENTS = 20

_ASKED = N_("%(owner)s asks for a service: %(number)s.")
_FROM_RETURN = N_("Service job %(number)s was opened for a returned %(item)s.")


class RecipeLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one run takes in or gives out, in codes; an input may name its lot."""

    item: str
    quantity: int
    lot: str | None = None
    condition: str = "GOOD"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner asks for: under which version of an offer, how much in its unit (runs of the recipe for light
    processing), and what exactly.
    """

    offer_id: uuid.UUID
    quantity: Decimal
    text: str = ""
    wanted_on: date | None = None
    process: str = ""
    ins: Sequence[RecipeLine] = ()
    outs: Sequence[RecipeLine] = ()
    documents: Sequence[jobs.Document] = ()


class Requested(msgspec.Struct, frozen=True):
    """The job that was made, or had been made under the same key."""

    id: uuid.UUID
    number: str
    repeated: bool


async def request(viewer: Viewer, wish: Wish, *, request_key: str) -> Requested:
    """Ask for a service under an offer, as the owner of the goods; refuses an offer that was changed since."""
    access_rules.require(viewer, Right.REQUEST_SERVICES)
    if viewer.kind is not OrganisationKind.EXPORTER:
        raise rules.NotTheOwner
    faults: list[Fault] = []
    offer = await _offer(viewer, wish.offer_id)
    kind = Kind(offer["kind"])
    rules.key(request_key, faults)
    quantity = rules.amount("quantity", wish.quantity, faults)
    text = rules.note("text", wish.text, faults, wanted="" if kind is Kind.PROCESSING else _SAY_WHAT)
    recipe = None
    if kind is Kind.PROCESSING:
        recipe = await _recipe(viewer.organisation_id, wish, faults)
        if quantity != quantity.to_integral_value():
            faults.append(values.quantity_fault("quantity", str(wish.quantity)))
    elif wish.ins or wish.outs or wish.process:
        faults.append(Fault("process", wish.process, N_("Only light processing has a recipe. Leave it out.")))
    now = clock.now()
    if wish.wanted_on is not None and wish.wanted_on < now.date():
        faults.append(Fault("wanted_on", str(wish.wanted_on), N_("This day is over. Give a later one, or none.")))
    elif wish.wanted_on is not None and wish.wanted_on > now.date() + rules.LONGEST_WAIT:
        faults.append(Fault("wanted_on", str(wish.wanted_on), N_("This day is too far away. Give one within a year.")))
    jobs.check_documents(wish.documents, faults)
    if faults:
        raise Invalid(faults)
    asked = values.digest(wish)
    async with DB.transaction():
        made = await _ask(
            viewer,
            warehouse_id=offer["warehouse_id"],
            owner_id=viewer.organisation_id,
            kind=kind,
            offer_id=offer["id"],
            recipe=recipe,
            text=text,
            quantity=quantity,
            unit=Unit(offer["unit"]),
            wanted_on=wish.wanted_on,
            return_unit_id=None,
            request_key=request_key,
            request_hash=asked,
            at=now,
        )
        if not made.repeated:
            await jobs.keep_documents(viewer, offer["warehouse_id"], viewer.organisation_id, made.id, wish.documents)
            await jobs.tell(
                offer["operator_id"], made.id, _ASKED, {"owner": viewer.organisation_code, "number": made.number}
            )
            after = {"number": made.number, "kind": kind, "quantity": str(quantity)}
            await journal.write(
                viewer, "service.requested", "service_job", made.id, after=after, warehouse_id=offer["warehouse_id"]
            )
    return made


async def request_from_return(
    viewer: Viewer,
    *,
    warehouse_id: int,
    owner_id: int,
    item_id: int,
    lot_id: int,
    condition: int,
    quantity: int,
    unit_code: str,
    return_unit_id: uuid.UUID,
    note: str,
    request_key: str,
    at: datetime,
) -> Requested:
    """Open the relabelling of a returned unit that lies in WORKSHOP, inside the caller's transaction.

    `lot_id` 0 is no lot. The caller has checked that the viewer may. The pieces come out as the same item and lot, good
    (or as they are, when they are damaged or of second grade); the operator quotes, and the owner answers as for any job.
    """
    assert DB.current_transaction.get() is not None, "request_from_return joins the caller's transaction"
    before = Condition(condition)
    after = Condition.GOOD if before is Condition.QUARANTINE else before
    recipe = Recipe(Process.RELABEL, (Line(item_id, lot_id, int(before), 1),), (Line(item_id, None, int(after), 1),))
    offer = await DB.row(SQL["offer_for_processing"], warehouse_id)
    text = f"{unit_code}: {note}" if note else unit_code
    made = await _ask(
        viewer,
        warehouse_id=warehouse_id,
        owner_id=owner_id,
        kind=Kind.PROCESSING,
        offer_id=offer["id"] if offer else None,
        recipe=recipe,
        text=text[: rules.LONGEST_NOTE],
        quantity=Decimal(quantity),
        unit=Unit(offer["unit"]) if offer else Unit.PIECE,
        wanted_on=None,
        return_unit_id=return_unit_id,
        request_key=request_key,
        request_hash=values.digest([return_unit_id, item_id, lot_id, condition, quantity]),
        at=at,
    )
    if not made.repeated:
        row = await DB.row(SQL["parties"], warehouse_id, item_id)
        assert row is not None
        await jobs.tell(owner_id, made.id, _FROM_RETURN, {"number": made.number, "item": row["item"]})
        written = {"number": made.number, "kind": Kind.PROCESSING, "return_unit": return_unit_id}
        await journal.write(
            viewer, "service.requested", "service_job", made.id, after=written, warehouse_id=warehouse_id
        )
    return made


_SAY_WHAT = N_("Say what you need.")


async def _offer(viewer: Viewer, version_id: uuid.UUID) -> asyncpg.Record:
    """The version of an offer that is asked for, if it still counts."""
    row = await DB.row(SQL["offer_asked"], version_id)
    if row is None or row["warehouse_status"] != "listed":
        raise rules.NoSuchOffer
    kind = Kind(row["kind"])
    if kind in rules.OWN_ROOMS:
        raise rules.HasItsOwnRoom(kind=Word(rules.KIND_NAMES[kind]))
    if row["replaced"] or not row["active"]:
        raise rules.OfferChanged
    return row


async def _recipe(owner_id: int, wish: Wish, faults: list[Fault]) -> Recipe | None:
    """The recipe in ids; every unknown code and everything that makes no sense becomes a fault."""
    before = len(faults)
    if wish.process not in list(Process):
        faults.append(Fault("process", wish.process, N_("Choose what is to be done to the goods.")))
    lines = [(f"ins.{n}", line) for n, line in enumerate(wish.ins)]
    lines += [(f"outs.{n}", line) for n, line in enumerate(wish.outs)]
    if len(lines) > rules.MOST_LINES:
        faults.append(Fault("ins", len(lines), N_("A recipe has at most %(most)s lines."), {"most": rules.MOST_LINES}))
    if len(faults) > before:
        return None
    codes = [values.code_of(line.item) for _, line in lines]
    items, lots = await _goods(owner_id, codes, [line for _, line in lines])
    found: dict[str, Line] = {}
    for code, (field, line) in zip(codes, lines, strict=True):
        item_id = items.get(code)
        if item_id is None:
            faults.append(
                Fault(
                    f"{field}.item",
                    line.item,
                    N_("You have no item “%(value)s”. Check the code, or register the item first."),
                    {"value": line.item},
                )
            )
            continue
        lot_id = lots.get((item_id, values.code_of(line.lot))) if line.lot else None
        if line.lot and (lot_id is None or field.startswith("outs")):
            faults.append(Fault(f"{field}.lot", line.lot, _NO_LOT, {"value": line.lot}))
        condition = Condition.__members__.get(line.condition)
        if condition is None:
            faults.append(
                Fault(
                    f"{field}.condition",
                    line.condition,
                    N_("“%(value)s” is not a condition. Use GOOD, SECOND, DAMAGED or QUARANTINE."),
                    {"value": line.condition},
                )
            )
        if not 0 < line.quantity <= values.LARGEST_QUANTITY:
            faults.append(values.quantity_fault(f"{field}.quantity", line.quantity))
        elif condition is not None:
            found[field] = Line(item_id, lot_id, int(condition), line.quantity)
    if len(faults) > before:
        return None
    recipe = Recipe(
        Process(wish.process),
        tuple(line for field, line in found.items() if field.startswith("ins")),
        tuple(line for field, line in found.items() if field.startswith("outs")),
    )
    faults += recipes.faults_of(recipe)
    return recipe


async def _goods(
    owner_id: int, codes: Sequence[str], lines: Sequence[RecipeLine]
) -> tuple[dict[str, int], dict[tuple[int, str], int]]:
    """The items of these codes, and the lots that are named of them."""
    items = {row["code"]: row["id"] for row in await DB.fetch(SQL["items"], owner_id, codes)}
    named = [
        (items[code], values.code_of(line.lot))
        for code, line in zip(codes, lines, strict=True)
        if line.lot and code in items
    ]
    if not named:
        return items, {}
    rows = await DB.fetch(SQL["lots"], *(list(column) for column in zip(*named, strict=True)))
    return items, {(row["item_id"], row["code"]): row["id"] for row in rows}


_NO_LOT = N_("There is no lot “%(value)s” of this item to be named here. Leave the lot empty to take any.")


async def _ask(
    viewer: Viewer,
    *,
    warehouse_id: int,
    owner_id: int,
    kind: Kind,
    offer_id: uuid.UUID | None,
    recipe: Recipe | None,
    text: str,
    quantity: Decimal,
    unit: Unit,
    wanted_on: date | None,
    return_unit_id: uuid.UUID | None,
    request_key: str,
    request_hash: bytes,
    at: datetime,
) -> Requested:
    """Keep a new job and enter its first stage; the first answer when the key was used before."""
    job_id, number = values.new_id(), values.new_number("S")
    sides = [("in", line) for line in recipe.ins] + [("out", line) for line in recipe.outs] if recipe else []
    lines = [(side, line.item_id, line.lot_id, line.condition, line.quantity) for side, line in sides]
    columns = [list(column) for column in zip(*lines, strict=True)] if lines else [[], [], [], [], []]
    made = await DB.value(
        SQL["request"],
        warehouse_id,
        job_id,
        number,
        kind,
        offer_id,
        owner_id,
        recipe.process if recipe else None,
        text,
        quantity,
        unit,
        wanted_on,
        return_unit_id,
        viewer.organisation_id,
        viewer.user_id,
        viewer.channel,
        request_key,
        request_hash,
        at,
        *columns,
    )
    if made is None:
        before = await DB.row(SQL["requested_before"], viewer.organisation_id, request_key)
        if before is None:
            raise Conflict
        if before["request_hash"] != request_hash:
            raise SameKeyOtherRequest(key=request_key)
        return Requested(before["id"], before["number"], True)
    await stages.enter(jobs.entry(warehouse_id, owner_id, job_id, number, Stage.REQUESTED, at, reason=kind))
    return Requested(job_id, number, False)


async def add_documents(viewer: Viewer, job_id: uuid.UUID, documents: Sequence[jobs.Document]) -> None:
    """Add documents to a job that is not over: its owner or its operator."""
    faults: list[Fault] = []
    if not documents:
        faults.append(Fault("documents", "", N_("Choose a file first.")))
    jobs.check_documents(documents, faults)
    if faults:
        raise Invalid(faults)
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        jobs.require_either(viewer, job)
        if Stage(job["stage"]) in ENDED:
            raise rules.NotNow(stage=Word(rules.STAGE_NAMES[Stage(job["stage"])]))
        await jobs.keep_documents(viewer, job["warehouse_id"], job["owner_id"], job_id, documents)
        after = {"kinds": [document.kind for document in documents]}
        await journal.write(
            viewer, "service.documents", "service_job", job_id, after=after, warehouse_id=job["warehouse_id"]
        )
