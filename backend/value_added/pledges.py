"""What happens to pledges: an owner offers goods, the pledgee agrees through its link and learns the code, the code sets
them free.

A pledgee has no account. It gets a link that can be used once; whoever opens it first sees the release code, and everybody
who opens it later sees that it was used, by whom and when. So a pledgee that has seen the code itself knows that nobody
else has, and one that finds its link used does not lend. Only hashes are kept.
"""

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Right, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.messages import actions as messages
from backend.stock import actions as stock_actions
from backend.stock import pledging
from backend.stock.codes import NoSuchWarehouse
from backend.stock.queries import BalanceAt
from backend.stock.rules import Condition, NotEnoughFree, SameKeyOtherRequest
from backend.value_added import pledge_rules, rules
from backend.value_added.pledge_rules import State

SQL = blocks(Path(__file__).with_name("pledges.sql"))
MOST_GOODS = 200
SUBJECT = "pledge"
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = {"O": "0", "I": "1", "L": "1"}
_CODE_SIGNS = 25

_OFFERED = N_("%(owner)s pledges goods to %(pledgee)s: %(number)s. They are held until the pledgee releases them.")
_AGREED = N_("%(pledgee)s has agreed to pledge %(number)s. Only its release code sets the goods free now.")
_RELEASED = N_("Pledge %(number)s is released: its goods are free.")
_WITHDRAWN = N_("Pledge %(number)s was withdrawn before the pledgee agreed: its goods are free.")


class Goods(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pieces to be pledged, in codes; lot None is no lot."""

    item: str
    location: str
    quantity: int
    lot: str | None = None
    condition: str = "GOOD"


class Offered(msgspec.Struct, frozen=True):
    """The pledge that was made; `link` is the secret of the pledgee's link, told once (None when it was made before)."""

    id: uuid.UUID
    number: str
    link: str | None
    repeated: bool


class Outsider(msgspec.Struct, frozen=True):
    """Somebody without an account, as the journal names them."""

    channel: str = "page"
    user_id: int | None = None
    organisation_id: int | None = None


async def offer(
    viewer: Viewer,
    *,
    warehouse: str,
    pledgee: str,
    contact: str,
    reference: str,
    goods: Sequence[Goods],
    job_id: uuid.UUID | None = None,
    request_key: str,
) -> Offered:
    """Pledge one's own free goods in a warehouse to somebody: they are held from now on."""
    access_rules.require(viewer, Right.HOLD_STOCK)
    if viewer.kind is not OrganisationKind.EXPORTER:
        raise rules.NotTheOwner
    faults: list[Fault] = []
    who = rules.note("pledgee", pledgee, faults, wanted=N_("Give the name of the bank or company."), most=200)
    whom = rules.note(
        "contact", contact, faults, wanted=N_("Name a person there, with a telephone or e-mail."), most=200
    )
    named = rules.note("reference", reference, faults, most=200)
    rules.key(request_key, faults)
    house = await DB.row(SQL["warehouse"], values.code_of(warehouse))
    if house is None:
        raise NoSuchWarehouse(warehouse=values.code_of(warehouse))
    asked = values.digest([house["id"], who, whom, named, list(goods), job_id])
    held = await _held(viewer, house["id"], goods, faults)
    if job_id is not None and not await _is_own_job(viewer, house["id"], job_id):
        faults.append(Fault("job", str(job_id), N_("There is no such job of yours in this warehouse. Leave it out.")))
    if faults:
        raise Invalid(faults)
    pledge_id, number, link, now = values.new_id(), values.new_number("P"), secrets.token_urlsafe(32), clock.now()
    async with DB.transaction():
        arguments = (viewer.organisation_id, job_id, who, whom, named, _hash(link), viewer.user_id, now)
        made = await DB.value(SQL["offer"], house["id"], pledge_id, number, *arguments, request_key, asked)
        if made is None:
            return await _offered_before(viewer, request_key, asked)
        try:
            ids = await pledging.hold_pledged(viewer, held, note=number)
        except NotEnoughFree as short:
            raise NotEnoughFree(
                [Fault(f.field.replace("lines", "goods"), f.value, f.sentence, f.facts) for f in short.faults]
            ) from short
        await DB.run(SQL["lines"], house["id"], pledge_id, ids)
        facts = {"owner": viewer.organisation_code, "pledgee": who, "number": number}
        await _tell(house["operator_id"], pledge_id, _OFFERED, facts)
        after = {"number": number, "pledgee": who, "pieces": sum(each.quantity for each in goods)}
        await journal.write(viewer, "pledge.offered", SUBJECT, pledge_id, after=after, warehouse_id=house["id"])
    return Offered(pledge_id, number, link, False)


async def agree(link: str, *, name: str) -> str:
    """The pledgee agrees through its link, under the name of the person who does so: the release code, told only now."""
    faults: list[Fault] = []
    person = rules.note("name", name, faults, wanted=N_("Give your name and position."), most=200)
    code = "".join(secrets.choice(_SIGNS) for _ in range(_CODE_SIGNS))
    now = clock.now()
    async with DB.transaction():
        row = await DB.row(SQL["lock_by_link"], _hash(link))
        if row is None:
            raise pledge_rules.NoSuchPledge
        pledge_rules.require_offered(State(row["state"]))
        if faults:
            raise Invalid(faults)
        await DB.run(SQL["agree"], row["warehouse_id"], row["id"], person, now, _hash(_key(code)))
        facts = {"pledgee": row["pledgee"], "number": row["number"]}
        for party in (row["owner_id"], row["operator_id"]):
            await _tell(party, row["id"], _AGREED, facts)
        await journal.write(
            Outsider(), "pledge.agreed", SUBJECT, row["id"], after={"name": person}, warehouse_id=row["warehouse_id"]
        )
    return "-".join(code[at : at + 5] for at in range(0, _CODE_SIGNS, 5))


async def offered_through(link: str) -> asyncpg.Record:
    """A pledge as its pledgee sees it, by the secret of its link."""
    row = await DB.row(SQL["by_link"], _hash(link))
    if row is None:
        raise pledge_rules.NoSuchPledge
    return row


async def release(viewer: Viewer, pledge_id: uuid.UUID, *, code: str, letter: str, note: str = "") -> int:
    """Set pledged goods free with the pledgee's code and its letter (the hash of a file that the viewer has brought): the
    owner or the operator enters it. The pieces that are free now. After several wrong codes one has to wait.
    """
    faults: list[Fault] = []
    said = rules.note("note", note, faults, most=stock_actions.LONGEST_TEXT)
    typed = "".join(_MISREAD.get(sign, sign) for sign in code.upper() if sign.isalnum())
    if not typed:
        faults.append(Fault("code", "", N_("Enter the release code of the pledgee.")))
    if not letter:
        faults.append(Fault("letter", "", N_("Attach the pledgee's release letter.")))
    now = clock.now()
    async with DB.transaction():
        row = await _locked(viewer, pledge_id)
        pledge_rules.require_agreed(State(row["state"]))
        if row["closed_until"] and row["closed_until"] > now:
            raise pledge_rules.TooManyCodes(seconds=int((row["closed_until"] - now).total_seconds()) + 1)
        if faults:
            raise Invalid(faults)
        is_right = secrets.compare_digest(_hash(_key(typed)), row["code_hash"])
        if is_right:
            await DB.run(SQL["release"], row["warehouse_id"], pledge_id, _key(typed), viewer.user_id, now, said)
            freed = await _set_free(viewer, row, said)
            await files_actions.attach(
                viewer,
                [letter],
                warehouse_id=row["warehouse_id"],
                owner_id=row["owner_id"],
                subject=SUBJECT,
                subject_id=pledge_id,
                field="letter",
            )
            for party in (row["owner_id"], row["operator_id"]):
                await _tell(party, pledge_id, _RELEASED, {"number": row["number"]})
            await journal.write(
                viewer, "pledge.released", SUBJECT, pledge_id, after={"note": said}, warehouse_id=row["warehouse_id"]
            )
            return freed
        wait = pledge_rules.seconds_closed(row["wrong_codes"] + 1)
        closed = now + timedelta(seconds=wait) if wait else None
        await DB.run(SQL["wrong_code"], row["warehouse_id"], pledge_id, closed)
        await journal.write(viewer, "pledge.wrong_code", SUBJECT, pledge_id, warehouse_id=row["warehouse_id"])
    raise pledge_rules.WrongCode([Fault("code", "", pledge_rules.WrongCode.line)])


async def withdraw(viewer: Viewer, pledge_id: uuid.UUID, *, note: str = "") -> int:
    """The owner takes a pledge back that the pledgee has not agreed to; the pieces that are free now."""
    faults: list[Fault] = []
    said = rules.note("note", note, faults, most=stock_actions.LONGEST_TEXT)
    now = clock.now()
    async with DB.transaction():
        row = await _locked(viewer, pledge_id)
        if not access_rules.owns(viewer, row["owner_id"]):
            raise rules.NotTheOwner
        pledge_rules.require_offered(State(row["state"]))
        if faults:
            raise Invalid(faults)
        await DB.run(SQL["withdraw"], row["warehouse_id"], pledge_id, viewer.user_id, now, said)
        freed = await _set_free(viewer, row, said)
        await _tell(row["operator_id"], pledge_id, _WITHDRAWN, {"number": row["number"]})
        await journal.write(
            viewer, "pledge.withdrawn", SUBJECT, pledge_id, after={"note": said}, warehouse_id=row["warehouse_id"]
        )
    return freed


async def _locked(viewer: Viewer, pledge_id: uuid.UUID) -> asyncpg.Record:
    """A pledge of the viewer's own goods or in its own warehouse, locked; refuses those who only look on."""
    row = await DB.row(SQL["lock"], pledge_id)
    if row is None or not files_queries.sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise pledge_rules.NoSuchPledge
    if viewer.kind is OrganisationKind.EXPORTER:
        access_rules.require(viewer, Right.HOLD_STOCK)
        if not access_rules.owns(viewer, row["owner_id"]):
            raise rules.NotTheOwner
    else:
        rules.require_operator(viewer, row["warehouse_id"])
    return row


async def _set_free(viewer: Viewer, row: asyncpg.Record, note: str) -> int:
    ids = [each["hold_id"] for each in await DB.fetch(SQL["holds"], row["warehouse_id"], row["id"])]
    return await pledging.release_pledged(viewer, row["warehouse_id"], ids, note=note or row["number"])


async def _held(
    viewer: Viewer, warehouse_id: int, goods: Sequence[Goods], faults: list[Fault]
) -> list[tuple[BalanceAt, int]]:
    """The balances to be held, in the order given; every unknown code becomes a fault."""
    if not goods:
        faults.append(Fault("goods", "", N_("Say how many pieces of what are pledged.")))
    if len(goods) > MOST_GOODS:
        sentence = N_("A pledge has at most %(most)s lines. Make several pledges.")
        faults.append(Fault("goods", len(goods), sentence, {"most": MOST_GOODS}))
        return []
    codes = [
        [values.code_of(each.item) for each in goods],
        [values.code_of(each.lot or "") for each in goods],
        [values.code_of(each.location) for each in goods],
    ]
    rows = await DB.fetch(SQL["goods"], warehouse_id, viewer.organisation_id, *codes)
    held: list[tuple[BalanceAt, int]] = []
    for number, (each, row) in enumerate(zip(goods, rows, strict=True)):
        condition = Condition.__members__.get(each.condition)
        if not 0 < each.quantity <= values.LARGEST_QUANTITY:
            faults.append(values.quantity_fault(f"goods.{number}.quantity", each.quantity))
        if (
            row["item_id"] is None
            or row["location_id"] is None
            or condition is None
            or (each.lot and not row["lot_id"])
        ):
            sentence = N_("You have no such goods there. Choose them from your stock on hand.")
            faults.append(Fault(f"goods.{number}.item", each.item, sentence))
            continue
        key = (warehouse_id, viewer.organisation_id, row["item_id"], row["lot_id"], row["location_id"], int(condition))
        held.append((key, each.quantity))
    return held


async def _is_own_job(viewer: Viewer, warehouse_id: int, job_id: uuid.UUID) -> bool:
    found = await DB.value(
        "select true from service_job where id = $1 and warehouse_id = $2 and owner_id = $3 and kind = 'finance'",
        job_id,
        warehouse_id,
        viewer.organisation_id,
    )
    return bool(found)


async def _offered_before(viewer: Viewer, request_key: str, asked: bytes) -> Offered:
    before = await DB.row(SQL["offered_before"], viewer.organisation_id, request_key)
    if before is None or before["request_hash"] != asked:
        raise SameKeyOtherRequest(key=request_key)
    return Offered(before["id"], before["number"], None, True)


async def _tell(organisation_id: int, pledge_id: uuid.UUID, sentence: str, facts: Mapping[str, object]) -> None:
    href = f"/value-added/pledges/{pledge_id}"
    await messages.notify_all(
        [messages.News(organisation_id=organisation_id, level="neutral", sentence=sentence, facts=facts, href=href)]
    )


def _key(code: str) -> bytes:
    """What a code is kept under once it was used; the database compares its hash with the one that was agreed."""
    return hashlib.sha256(b"luocang release code " + code.encode()).digest()


def _hash(secret: str | bytes) -> bytes:
    return hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).digest()
