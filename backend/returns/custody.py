"""A batch home in somebody's custody: locked, theirs, unchanged since they looked; judged anew, and kept with a journal entry."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotAllowed
from backend.core.text import N_
from backend.files.queries import sees
from backend.messages import actions as messages
from backend.messages.actions import News
from backend.regulations import queries as law
from backend.regulations.rules import LineFacts, Standing
from backend.returns import batches, eligibility, home_rules
from backend.returns.eligibility import Plan
from backend.returns.home_rules import Stage
from backend.stages import actions as stages
from backend.stages.actions import Entry
from backend.stages.rules import Subject
from backend.stock.rules import SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("custody.sql"))
LONGEST_KEY = 200


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as an action has locked it."""

    warehouse_id: int
    warehouse: str
    time_zone: str
    operator_id: int
    id: uuid.UUID
    number: str
    owner_id: int
    stage: str
    home_area: str
    cause: str
    planned_on: date
    statement: str
    carrier: str
    transport_no: str
    return_declaration_no: str
    dispatch_document_id: uuid.UUID | None
    sent_at: datetime | None
    arrival_document_id: uuid.UUID | None
    arrived_at: datetime | None
    packed_at: datetime | None
    revision: int
    changed_key: str
    changed_hash: bytes

    @property
    def plan(self) -> Plan:
        """Its plan, as the law is asked about it."""
        cause: Any = self.cause
        return Plan(cause=cause, home_area=self.home_area, planned_on=self.planned_on, statement=self.statement)


class Held:
    """A batch in somebody's custody: locked, found to be theirs and unchanged; `keep` writes what became of it."""

    def __init__(self, viewer: Viewer, batch: Batch, key: str, asked: bytes) -> None:
        self.viewer, self.batch, self._key, self._asked = viewer, batch, key, asked
        self.at = clock.now()

    async def keep(self, action: str, *, before: object = None, after: object = None, **changes: Any) -> Batch:
        """Write the batch with `changes`, and in the journal what was done."""
        made = msgspec.structs.replace(
            self.batch, **changes, revision=self.batch.revision + 1, changed_key=self._key, changed_hash=self._asked
        )
        await DB.run(
            SQL["keep"],
            made.warehouse_id,
            made.id,
            made.stage,
            made.home_area,
            made.planned_on,
            made.statement,
            made.carrier,
            made.transport_no,
            made.return_declaration_no,
            made.dispatch_document_id,
            made.sent_at,
            made.arrival_document_id,
            made.arrived_at,
            made.packed_at,
            made.changed_key,
            made.changed_hash,
        )
        if made.stage != self.batch.stage:
            await enter(made, self.at)
        await journal.write(
            self.viewer, f"batch.{action}", "batch", made.id, before=before, after=after, warehouse_id=made.warehouse_id
        )
        self.batch = made
        return made


@asynccontextmanager
async def take(
    viewer: Viewer, batch_id: uuid.UUID, revision: int | None, request_key: str, asked: object
) -> AsyncIterator[Held | None]:
    """The batch, locked in a transaction; None when the same request has changed it already.

    Refuses a foreign batch (`NoSuchBatch`), one that was changed since `revision` (`BatchChanged`), and a request key
    that was used for something else just before.
    """
    faults: list[Fault] = []
    key_faults(request_key, faults)
    if faults:
        raise Invalid(faults)
    digest = values.digest(asked)
    async with DB.transaction():
        row = await DB.row(SQL["lock"], batch_id)
        if row is None or not sees(viewer, row["warehouse_id"], row["owner_id"]):
            raise home_rules.NoSuchBatch
        batch = Batch(**{name: row[name] for name in Batch.__struct_fields__})
        if request_key == batch.changed_key:
            if digest != batch.changed_hash:
                raise SameKeyOtherRequest(key=request_key)
            yield None
            return
        if revision is not None and revision != batch.revision:
            raise home_rules.BatchChanged(number=batch.number)
        yield Held(viewer, batch, request_key, digest)


async def enter(batch: Batch, at: datetime) -> None:
    """Let the clock of a batch follow its stage."""
    if batch.stage in (Stage.ARRIVED, Stage.CANCELLED):
        await stages.leave(Subject.BATCH, batch.warehouse_id, [batch.id], at)
        return
    found = await DB.fetch(batches.SQL["supervision_codes"], batch.warehouse_id, batch.id)
    await stages.enter(
        Entry(
            subject=Subject.BATCH,
            subject_id=batch.id,
            warehouse_id=batch.warehouse_id,
            owner_id=batch.owner_id,
            number=batch.number,
            stage=batch.stage,
            at=at,
            reason=batch.cause,
            supervision_code=found[0]["supervision_code"] if len(found) == 1 else "",
        )
    )


def require_owner(viewer: Viewer, batch: Batch) -> None:
    """The batch is the viewer's to decide about: what goes home is its owner's word."""
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    if not access_rules.owns(viewer, batch.owner_id):
        raise NotAllowed


def key_faults(key: str, faults: list[Fault]) -> None:
    """What is wrong with a request key."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        sentence = N_(
            "Every write needs a request key of 1 to %(most)s printable characters, new for each new request."
        )
        faults.append(Fault("Idempotency-Key", key[:50], sentence, {"most": LONGEST_KEY}))


async def tell(batch: Batch, organisation_id: int, sentence: str, level: Any = "neutral", **facts: object) -> None:
    """Tell one of the two parties about a batch."""
    facts = {"number": batch.number, **facts}
    href = messages.path_of(Subject.BATCH, batch.id)
    await messages.notify_all(
        [News(organisation_id=organisation_id, level=level, sentence=sentence, facts=facts, href=href)]
    )


async def judge_again(held: Held, plan: Plan, *, taxed_agreed: bool, left_behind: bool = False) -> None:
    """Judge every line of a batch under a plan and keep what the rules say; refuses what may not go home (`NotForHome`).

    Without `left_behind` lines that were packed with no piece are looked at too.
    """
    batch = held.batch
    rows = [row for row in await DB.fetch(batches.SQL["lines"], batch.warehouse_id, batch.id) if row["live"]]
    if left_behind:
        rows = [row for row in rows if row["packed"] != 0]
    facts = await facts_of(batch.owner_id, [row["lot_id"] for row in rows])
    states = await states_of(batch.warehouse_id, batch.owner_id, rows)
    lines = [
        eligibility.Line(facts=facts[row["lot_id"]], original_state=state)
        for row, state in zip(rows, states, strict=True)
    ]
    found = eligibility.judge_all(await law.editions(), plan, lines, law.today())
    faults = []
    for row, said in zip(rows, found, strict=True):
        agreed = taxed_agreed or row["taxed_agreed_by"] is not None
        if fault := home_rules.law_fault(
            f"lines.{row['line_no']}", row["unit"] or row["item"], said, taxed_agreed=agreed
        ):
            faults.append(fault)
    if faults:
        raise home_rules.NotForHome(faults)
    agreed_by = held.viewer.user_id if taxed_agreed else None
    await DB.run(
        SQL["judged"],
        batch.warehouse_id,
        batch.id,
        [row["line_no"] for row in rows],
        [msgspec.json.encode(said).decode() for said in found],
        [agreed_by if said.tax == "taxed" else None for said in found],
    )


async def unpaid(batch_plan: Plan, warehouse_id: int, owner_id: int, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether duty and tax are due by now for some of these lines without anybody having agreed to pay them."""
    facts = await facts_of(owner_id, [row["lot_id"] for row in rows])
    states = await states_of(warehouse_id, owner_id, rows)
    lines = [
        eligibility.Line(facts=facts[row["lot_id"]], original_state=state)
        for row, state in zip(rows, states, strict=True)
    ]
    found = eligibility.judge_all(await law.editions(), batch_plan, lines, law.today())
    return any(
        said.tax is Standing.TAXED and row["taxed_agreed_by"] is None for row, said in zip(rows, found, strict=True)
    )


async def states_of(warehouse_id: int, owner_id: int, rows: Sequence[Mapping[str, Any]]) -> list[bool | None]:
    """Whether goods are in the state in which they were exported; None where only a person can say.

    A unit knows whether it was altered. Pieces from the shelf are as they came, unless some of their lot came out of a
    workshop or were made in a job.
    """
    shelf = [row["item_id"] for row in rows if row["unit_id"] is None]
    found = await worked_on(warehouse_id, owner_id, shelf)
    return [
        not row["altered"]
        if row["unit_id"] is not None
        else (None if (row["item_id"], row["lot_id"]) in found else True)
        for row in rows
    ]


async def worked_on(warehouse_id: int, owner_id: int, item_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Which lots of these items (item, lot) hold pieces in a warehouse that were worked on there."""
    if not item_ids:
        return set()
    rows = await DB.fetch(SQL["worked_on"], warehouse_id, owner_id, list(set(item_ids)))
    return {(row["item_id"], row["lot_id"]) for row in rows}


async def facts_of(owner_id: int, lot_ids: Sequence[int]) -> dict[int, LineFacts]:
    """What is known of the declaration lines of lots; of lot 0, and of lots without a declaration, what they say themselves."""
    rows = await DB.fetch(SQL["lots"], list(set(lot_ids)))
    lines = {(owner_id, row["declaration_no"], row["declaration_line"]) for row in rows if row["declaration_no"]}
    stated = await law.facts_of(sorted(lines))
    found = {lot_id: LineFacts() for lot_id in lot_ids}
    for row in rows:
        own = LineFacts(supervision_code=row["supervision_code"], exported_on=row["exported_on"])
        found[row["id"]] = stated.get((owner_id, row["declaration_no"], row["declaration_line"]), own)
    return found
