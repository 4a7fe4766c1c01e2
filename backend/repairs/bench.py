"""What happens at the bench: parts go in and come out through the ledger, time is written down, the unit is tested."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Viewer
from backend.charges import actions as charges
from backend.charges.rules import Activity, Unit
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.files import rules as files_rules
from backend.repairs import faultbook, orders, rules, sharing
from backend.repairs.orders import Done, Row
from backend.repairs.rules import Stage
from backend.repairs.sharing import AgreedLabour, AgreedPart, PartShare
from backend.stock import actions as stock_actions
from backend.stock import codes, ledger
from backend.stock.rules import Condition, Place, Posting, Reason

SQL = blocks(Path(__file__).with_name("bench.sql"))
_LINE = "lines."


class PartTaken(msgspec.Struct, frozen=True):
    """Pieces of a part in the owner's own code, and where they lie (or are put)."""

    item: str
    location: str
    quantity: int
    lot: str | None = None
    condition: str = "GOOD"


async def use_parts(
    viewer: Viewer, order_id: uuid.UUID, *, parts: Sequence[PartTaken], note: str, request_key: str
) -> Done:
    """Use parts up for a unit: one document in the ledger, each piece under a line of an approved quote at its price.

    Refuses parts that the quotes do not cover (`NotAgreed`), that are not there (`NotEnoughFree`) or that are damaged.
    """
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        made, warehouse_id = values.new_id(), order["warehouse_id"]
        asked = [order_id, parts, note]
        if before := await orders.claim(viewer, warehouse_id, order_id, "use_parts", request_key, asked, made):
            return Done(before, True)
        rules.require_stage(order, Stage.REPAIRING)
        faults: list[Fault] = []
        said = rules.text_of("note", note, faults)
        if not 0 < len(parts) <= rules.MOST_PARTS:
            facts = {"most": rules.MOST_PARTS}
            faults.append(Fault("parts", len(parts), N_("Give 1 to %(most)s kinds of parts at once."), facts))
        wanted = await _found(order, parts, rules.USABLE, faults, into_unit=True)
        if faults:
            raise Invalid(faults)
        shares = await _shares(order, parts, wanted)
        lines = [msgspec.structs.replace(wanted[share.wanted], quantity=share.quantity) for share in shares]
        document_id = await _post(viewer, order, made, Reason.CONSUMPTION, lines, [share.wanted for share in shares])
        at = clock.now()
        agreed = [share.agreed for share in shares]
        terms = [(each.quote_id, each.line_no, each.price, each.currency) for each in agreed]
        await _keep(viewer, order, made, "consumed", document_id, lines, terms, said, at)
        await charges.record(
            *(
                charges.Step(
                    warehouse_id=warehouse_id,
                    owner_id=order["owner_id"],
                    activity=Activity.REPAIR_PART,
                    quantity=share.quantity,
                    unit=Unit.PIECE,
                    price=share.agreed.price,
                    currency=share.agreed.currency,
                    source="part_use",
                    source_id=document_id,
                    source_line=n,
                    number=order["number"],
                    occurred_at=at,
                )
                for n, share in enumerate(shares, 1)
            )
        )
        after = {"document": str(document_id), "pieces": sum(share.quantity for share in shares)}
        await orders.note(viewer, order, "parts_used", after)
    return Done(made, False)


async def recover_part(viewer: Viewer, order_id: uuid.UUID, *, part: PartTaken, note: str, request_key: str) -> Done:
    """Take a part out of a unit into stock, as damaged, or as second grade when `note` says how it was found to work."""
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        made, warehouse_id = values.new_id(), order["warehouse_id"]
        asked = [order_id, part, note]
        if before := await orders.claim(viewer, warehouse_id, order_id, "recover", request_key, asked, made):
            return Done(before, True)
        rules.require_stage(order, Stage.REPAIRING)
        faults: list[Fault] = []
        works = part.condition == Condition.SECOND.name
        needed = N_("Say how the part was found to work; without that it is damaged.") if works else ""
        said = rules.text_of("note", note, faults, needed=needed)
        wanted = await _found(order, [part], rules.RECOVERED_AS, faults, into_unit=False)
        if faults:
            raise Invalid(faults)
        document_id = await _post(viewer, order, made, Reason.PRODUCTION, wanted, [0])
        await _keep(viewer, order, made, "recovered", document_id, wanted, [(None,) * 4], said, clock.now())
        after = {"document": str(document_id), "pieces": part.quantity}
        await orders.note(viewer, order, "part_recovered", after)
    return Done(made, False)


async def undo_parts(viewer: Viewer, order_id: uuid.UUID, *, use_id: uuid.UUID, note: str, request_key: str) -> Done:
    """Put the parts of one step back where they were: the document is reversed, its charges are charged back, once."""
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        warehouse_id = order["warehouse_id"]
        asked = [order_id, use_id, note]
        if await orders.claim(viewer, warehouse_id, order_id, "undo_parts", request_key, asked, use_id):
            return Done(use_id, True)
        rules.require_stage(order, Stage.REPAIRING)
        faults: list[Fault] = []
        said = rules.text_of("note", note, faults, needed=N_("Say why the parts are put back."))
        if faults:
            raise Invalid(faults)
        head = await DB.row(SQL["use_head"], warehouse_id, order_id, use_id)
        if head is None:
            raise rules.NoSuchUse(number=order["number"])
        if head["undone_at"] is not None:
            raise rules.AlreadyUndone
        undone = await stock_actions.undo(viewer, warehouse_id, head["document_id"], note=said)
        at = clock.now()
        arguments = (viewer.user_id, at, said, undone.document_id)
        await DB.run(SQL["undo_parts"], warehouse_id, head["document_id"], *arguments)
        await charges.charge_back(warehouse_id, "part_use", head["document_id"], at)
        await orders.note(viewer, order, "parts_undone", {"document": str(undone.document_id), "note": said})
    return Done(use_id, False)


async def work(viewer: Viewer, order_id: uuid.UUID, *, minutes: int, note: str, done: bool, request_key: str) -> Done:
    """Write down minutes at the bench; `done` says that the repair is made and the unit is to be tested.

    What the approved quotes cover is charged at their rate, the oldest first; more time is kept and costs nothing.
    """
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        made, warehouse_id = values.new_id(), order["warehouse_id"]
        asked = [order_id, minutes, note, done]
        if before := await orders.claim(viewer, warehouse_id, order_id, "work", request_key, asked, made):
            return Done(before, True)
        rules.require_stage(order, Stage.REPAIRING)
        faults: list[Fault] = []
        said = rules.text_of("note", note, faults)
        least = 0 if done and await DB.value(SQL["has_labour"], warehouse_id, order_id) else 1
        if not least <= minutes <= rules.MOST_MINUTES:
            sentence = N_("“%(value)s” minutes are not possible. Give %(least)s to %(most)s.")
            facts = {"value": minutes, "least": least, "most": rules.MOST_MINUTES}
            faults.append(Fault("minutes", minutes, sentence, facts))
        if faults:
            raise Invalid(faults)
        at = clock.now()
        charged = await _work(viewer, order, made, minutes, said, at) if minutes else 0
        if done:
            await orders.go(viewer, order, Stage.TESTING, at)
        await orders.note(viewer, order, "worked", {"minutes": minutes, "charged": charged, "done": done})
    return Done(made, False)


async def record_test(
    viewer: Viewer, order_id: uuid.UUID, *, answers: Mapping[str, str], note: str, request_key: str
) -> Done:
    """Write a test down: every check of the item's class is ok, bad or na. One bad check sends the unit back to the bench."""
    answers = dict(answers)
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        made, warehouse_id = values.new_id(), order["warehouse_id"]
        asked = [order_id, answers, note]
        if before := await orders.claim(viewer, warehouse_id, order_id, "test", request_key, asked, made):
            return Done(before, True)
        rules.require_stage(order, Stage.TESTING)
        faults = rules.answer_faults(order["item_class"], answers)
        said = rules.text_of("note", note, faults)
        if faults:
            raise Invalid(faults)
        at, passed = clock.now(), rules.is_passed(answers)
        tested = (order["item_class"], faultbook.book().edition, answers, passed, said, viewer.user_id, at)
        await DB.run(SQL["test"], warehouse_id, made, order_id, *tested)
        if not passed:
            await orders.go(viewer, order, Stage.REPAIRING, at)
        await orders.note(viewer, order, "tested", {"passed": passed})
    return Done(made, False)


async def attach_photos(viewer: Viewer, order_id: uuid.UUID, hashes: Sequence[str]) -> None:
    """Put photos that the viewer's organisation has brought to a work order: the operator, or the owner of the unit."""
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        if access_rules.owns(viewer, order["owner_id"]):
            access_rules.require_one_of(viewer, files_rules.BRINGS)
        else:
            orders.require_bench(viewer, order)
        if not hashes:
            raise Invalid([Fault("photos", "", N_("Choose at least one photo."))])
        photos = await files_queries.photos_among(viewer, hashes)
        faults = [files_rules.photo_fault("photos", each) for each in hashes if each not in photos]
        if faults:
            raise Invalid(faults)
        await files_actions.attach(
            viewer,
            hashes,
            warehouse_id=order["warehouse_id"],
            owner_id=order["owner_id"],
            subject="work_order",
            subject_id=order_id,
        )
        await orders.note(viewer, order, "photos", {"photos": list(hashes)})


# ------------------------------------------------------------------------------------------------------------ parts


async def _found(
    order: Row, parts: Sequence[PartTaken], allowed: frozenset[Condition], faults: list[Fault], *, into_unit: bool
) -> list[Posting]:
    """The postings of parts of the unit's owner in these conditions; what is wrong becomes faults of their lines."""
    requests = []
    for n, part in enumerate(parts):
        state = Condition.__members__.get(part.condition)
        if state is not None and state not in allowed:
            names = [each.name for each in sorted(allowed)]
            sentence = N_("A part is not taken as %(value)s here. Choose one of: %(choices)s.")
            facts = {"value": part.condition, "choices": names}
            faults.append(Fault(f"parts.{n}.condition", part.condition, sentence, facts))
        ends = (part.location, Place.TRANSFORM.name) if into_unit else (Place.TRANSFORM.name, part.location)
        requests.append(
            codes.Request(order["owner"], part.item, part.lot, *ends, part.condition, part.condition, part.quantity)
        )
    found: list[Fault] = []
    postings = await codes.postings(order["warehouse_id"], requests, found, path="parts")
    end = ".source" if into_unit else ".target"
    for fault in found:
        field = fault.field.removesuffix(end) + ".location" if fault.field.endswith(end) else fault.field
        if not field.endswith(".target_condition"):
            faults.append(Fault(field, fault.value, fault.sentence, fault.facts))
    return postings


async def _shares(order: Row, parts: Sequence[PartTaken], wanted: Sequence[Posting]) -> list[PartShare]:
    """How the parts fall on the lines of approved quotes; refuses what they do not cover."""
    rows = await DB.fetch(SQL["agreed_parts"], order["warehouse_id"], order["id"])
    agreed = [AgreedPart(**dict(row)) for row in rows]
    shares, short = sharing.share_parts([(line.item_id, line.quantity) for line in wanted], agreed)
    if short:
        faults = []
        for n in short:
            left = sum(each.left for each in agreed if each.item_id == wanted[n].item_id)
            facts = {"left": left, "item": values.code_of(parts[n].item), "wanted": parts[n].quantity}
            faults.append(Fault(f"parts.{n}.quantity", parts[n].quantity, rules.NotAgreed.line, facts))
        raise rules.NotAgreed(faults)
    return shares


async def _post(
    viewer: Viewer, order: Row, made: uuid.UUID, reason: Reason, lines: Sequence[Posting], of: Sequence[int]
) -> uuid.UUID:
    """Book the parts; what the ledger refuses becomes faults of the lines that were asked for (`of`)."""
    try:
        posted = await ledger.post(
            ledger.actor_of(viewer),
            order["warehouse_id"],
            reason,
            lines,
            request_key=f"repair:{made}",
            request_hash=made.bytes,
            reference=order["number"],
        )
    except Invalid as refusal:
        found = {_asked(each.field, of): each for each in refusal.faults}
        faults = [Fault(field, each.value, each.sentence, each.facts) for field, each in found.items()]
        raise type(refusal)(faults) from refusal
    return posted.document_id


def _asked(field: str, of: Sequence[int]) -> str:
    """The field of the wanted part that a field of the ledger's line came from."""
    number, _, rest = field.removeprefix(_LINE).partition(".")
    return f"parts.{of[int(number)]}.{'location' if rest in ('source', 'target') else rest}"


async def _keep(
    viewer: Viewer,
    order: Row,
    made: uuid.UUID,
    kind: str,
    document_id: uuid.UUID,
    lines: Sequence[Posting],
    terms: Sequence[tuple[object, ...]],
    note: str,
    at: datetime,
) -> None:
    """Write the parts down, each with its movement; the first row has the id that the step is known by."""
    rows = [
        (
            made if n == 0 else values.new_id(),
            line.item_id,
            line.lot_id,
            line.source_id if kind == "consumed" else line.target_id,
            line.condition,
            line.quantity,
            *term,
        )
        for n, (line, term) in enumerate(zip(lines, terms, strict=True))
    ]
    head = (order["warehouse_id"], order["id"], kind, order["owner_id"], document_id, note, viewer.user_id, at)
    await DB.run(SQL["use_parts"], *head, *(list(column) for column in zip(*rows, strict=True)))


# ----------------------------------------------------------------------------------------------------------- labour


async def _work(viewer: Viewer, order: Row, made: uuid.UUID, minutes: int, note: str, at: datetime) -> int:
    """Keep the minutes by the quotes they fall on, and charge those; how many are charged."""
    rows = await DB.fetch(SQL["agreed_labour"], order["warehouse_id"], order["id"])
    shares = sharing.share_labour(minutes, [AgreedLabour(**dict(row)) for row in rows])
    ids = [made, *(values.new_id() for _ in shares[1:])]
    kept = [
        (each_id, share.minutes, *((a.quote_id, a.rate, a.currency) if (a := share.agreed) else (None, None, None)))
        for each_id, share in zip(ids, shares, strict=True)
    ]
    head = (order["warehouse_id"], order["id"], note, viewer.user_id, at)
    await DB.run(SQL["work"], *head, *(list(column) for column in zip(*kept, strict=True)))
    await charges.record(
        *(
            charges.Step(
                warehouse_id=order["warehouse_id"],
                owner_id=order["owner_id"],
                activity=Activity.REPAIR_LABOUR,
                quantity=sharing.hours(share.minutes),
                unit=Unit.HOUR,
                price=share.agreed.rate,
                currency=share.agreed.currency,
                source="repair_labour",
                source_id=each_id,
                number=order["number"],
                occurred_at=at,
            )
            for each_id, share in zip(ids, shares, strict=True)
            if share.agreed
        )
    )
    return sum(share.minutes for share in shares if share.agreed)
