"""Inventory statements: what an owner has in a warehouse at an instant, kept word for word so that it can be checked later."""

import hashlib
import uuid
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Right, Viewer, require, runs_warehouse
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotFound
from backend.core.text import N_
from backend.files.queries import sees as sees_goods
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules
from backend.stock.codes import NoSuchWarehouse
from backend.stock.rules import Condition
from backend.value_added import rules

SQL = blocks(Path(__file__).with_name("statements.sql"))


class NoSuchStatement(NotFound):
    """There is no such statement, or it is not the viewer's to see."""

    sentence = N_("There is no such inventory statement in your view. Check its number.")


class Line(msgspec.Struct, frozen=True):
    """Goods of one item, lot and condition: pieces on hand, of these held, of these pledged."""

    item: str
    lot: str
    condition: str
    on_hand: int
    held: int
    pledged: int


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement says; its hash is that of this as JSON in UTF-8, without spaces, keys in alphabetical order."""

    number: str
    warehouse: str
    owner: str
    as_at: datetime
    made_at: datetime
    addressee: str
    purpose: str
    reference: str
    last_document: uuid.UUID | None
    lines: list[Line]


class Kept(msgspec.Struct, frozen=True):
    """The statement that was made, or had been made under the same key."""

    id: uuid.UUID
    number: str
    repeated: bool


class Checked(msgspec.Struct, frozen=True):
    """A statement by its number: whether the hash on the paper is its own, and what its head says if so."""

    number: str
    is_genuine: bool
    row: asyncpg.Record | None


async def make(
    viewer: Viewer,
    *,
    warehouse: str,
    owner: str = "",
    as_at: datetime | None = None,
    addressee: str = "",
    purpose: str = "",
    reference: str = "",
    request_key: str,
) -> Kept:
    """Certify what an owner has in a warehouse, now or at a past instant: the owner itself, or the warehouse's operator
    for the owner of this code.
    """
    require(viewer, Right.SEE_STOCK)
    if viewer.kind is OrganisationKind.COMMITTEE:
        raise rules.NotTheOperator
    require(viewer, Right.REQUEST_SERVICES if viewer.kind is OrganisationKind.EXPORTER else Right.DO_SERVICES)
    faults: list[Fault] = []
    whose = viewer.organisation_code if viewer.kind is OrganisationKind.EXPORTER else values.code_of(owner)
    row = await DB.row(SQL["parties"], values.code_of(warehouse), whose)
    if row is None:
        raise NoSuchWarehouse(warehouse=values.code_of(warehouse))
    if viewer.kind is OrganisationKind.OPERATOR and not runs_warehouse(viewer, row["warehouse_id"]):
        raise NoSuchWarehouse(warehouse=values.code_of(warehouse))
    if row["owner_id"] is None:
        sentence = N_("There is no exporter “%(value)s”. Check the owner's code.")
        faults.append(Fault("owner", owner, sentence, {"value": owner}))
    for_whom = rules.note("addressee", addressee, faults, most=200)
    what_for = rules.note("purpose", purpose, faults, most=200)
    named = rules.note("reference", reference, faults, most=200)
    rules.key(request_key, faults)
    now = clock.now()
    instant = as_at or now
    faults += stock_rules.time_faults("as_at", instant, now)
    if not faults and instant > now:
        faults.append(Fault("as_at", str(instant), N_("This time has not come yet. Give a past one, or none for now.")))
    if faults:
        raise Invalid(faults)
    asked = values.digest([row["warehouse_id"], row["owner_id"], as_at, for_whom, what_for, named])
    statement_id, number = values.new_id(), values.new_number("N")
    async with DB.transaction():
        content = Content(
            number=number,
            warehouse=row["warehouse"],
            owner=row["owner"],
            as_at=instant,
            made_at=now,
            addressee=for_whom,
            purpose=what_for,
            reference=named,
            last_document=await stock_queries.last_document(viewer, row["warehouse_id"], row["owner_id"], instant),
            lines=await lines_at(viewer, row["warehouse_id"], row["owner_id"], instant),
        )
        return await _keep(viewer, row["warehouse_id"], row["owner_id"], statement_id, content, request_key, asked)


async def _keep(
    viewer: Viewer,
    warehouse_id: int,
    owner_id: int,
    statement_id: uuid.UUID,
    content: Content,
    request_key: str,
    asked: bytes,
) -> Kept:
    """Keep a statement word for word; the first one when the key was used before."""
    text = msgspec.json.encode(content, order="sorted")
    made = await DB.value(
        SQL["keep"],
        warehouse_id,
        statement_id,
        content.number,
        owner_id,
        content.as_at,
        content.purpose,
        text.decode(),
        hashlib.sha256(text).digest(),
        viewer.organisation_id,
        viewer.user_id,
        request_key,
        asked,
    )
    if made is None:
        before = await DB.row(SQL["kept_before"], viewer.organisation_id, request_key)
        if before is None or before["request_hash"] != asked:
            raise stock_rules.SameKeyOtherRequest(key=request_key)
        return Kept(before["id"], before["number"], True)
    after = {"number": content.number, "owner": content.owner, "as_at": content.as_at.isoformat()}
    await journal.write(
        viewer, "statement.made", "inventory_statement", statement_id, after=after, warehouse_id=warehouse_id
    )
    return Kept(statement_id, content.number, False)


async def lines_at(viewer: Viewer, warehouse_id: int, owner_id: int, instant: datetime) -> list[Line]:
    """What the ledger says now of an instant."""
    rows = await stock_queries.inventory_at(viewer, warehouse_id, owner_id, instant)
    return [
        Line(row["item"], row["lot"], Condition(row["condition"]).name, row["on_hand"], row["held"], row["pledged"])
        for row in rows
    ]


async def statement(viewer: Viewer, statement_id: uuid.UUID) -> asyncpg.Record:
    """A statement with the words its page needs, if it is the viewer's to see."""
    row = await DB.row(SQL["statement"], statement_id)
    if row is None or not sees_goods(viewer, row["warehouse_id"], row["owner_id"]):
        raise NoSuchStatement
    return row


async def item_names(viewer: Viewer, row: asyncpg.Record) -> dict[str, dict[str, str]]:
    """The names of the items on a statement, by code, as they are today."""
    if not sees_goods(viewer, row["warehouse_id"], row["owner_id"]):
        return {}
    codes = [line.item for line in content_of(row).lines]
    return {each["code"]: each["names"] for each in await DB.fetch(SQL["items"], row["owner_id"], codes)}


def content_of(row: asyncpg.Record) -> Content:
    """What a kept statement says."""
    return msgspec.json.decode(row["content"], type=Content)


async def check(number: str, digest: str) -> Checked:
    """Whether a paper with this number and SHA-256 (hex) was made by the platform; for everybody.

    Who has only the number learns nothing of the statement.
    """
    code, given = values.code_of(number), "".join(digest.split()).lower()
    row = await DB.row(SQL["by_number"], code)
    if row is None or row["hash"].hex() != given:
        return Checked(code, False, None)
    return Checked(code, True, row)
