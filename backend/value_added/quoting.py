"""What happens between asking and beginning: a job is quoted, declined, answered, cancelled; quotes expire."""

import uuid
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from backend.access.rules import Viewer
from backend.charges import rules as charges_rules
from backend.core import clock, journal
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.messages import actions as messages
from backend.stages import actions as stages
from backend.stages.rules import Subject
from backend.value_added import jobs, rules
from backend.value_added.rules import Act, Answer

SQL = blocks(Path(__file__).with_name("quoting.sql"))
MOST_AT_ONCE = 500

_QUOTED = N_("Job %(number)s is quoted. Please answer until %(until)s.")
_DECLINED = N_("The warehouse declines job %(number)s: %(why)s")
_ACCEPTED = N_("The quote for job %(number)s is accepted.")
_TURNED_DOWN = N_("The quote for job %(number)s is turned down.")
_CANCELLED = N_("Job %(number)s is cancelled by its owner.")
_EXPIRED = N_("The quote for job %(number)s has expired without an answer.")


async def quote(
    viewer: Viewer,
    job_id: uuid.UUID,
    revision: int,
    *,
    price: Decimal | None,
    currency: str,
    quantity: Decimal | None,
    expires_at: datetime | None,
    note: str = "",
) -> None:
    """Say what a job costs and until when the quote holds; a quote that was not answered yet is replaced."""
    faults: list[Fault] = []
    money = charges_rules.amount("price", price, faults)
    code = charges_rules.currency("currency", currency, faults)
    pieces = rules.amount("quantity", quantity, faults)
    said = rules.note("note", note, faults)
    now = clock.now()
    earliest, latest = now + rules.SHORTEST_QUOTE, now + rules.LONGEST_QUOTE
    if expires_at is None or expires_at.tzinfo is None or not earliest <= expires_at <= latest:
        faults.append(
            Fault(
                "expires_at",
                str(expires_at or ""),
                N_("A quote holds for an hour at least and %(days)s days at most. Give its last day and time."),
                {"days": rules.LONGEST_QUOTE.days},
            )
        )
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_party(viewer, Act.QUOTE, job["warehouse_id"], job["owner_id"])
        stage = jobs.step(job, Act.QUOTE, revision)
        if faults or expires_at is None:
            raise Invalid(faults)
        amount = (money * pieces).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        if amount > rules.LARGEST_AMOUNT:
            raise Invalid([Fault("price", str(price), N_("The whole amount is too large. Check price and quantity."))])
        arguments = (money, code, pieces, amount, said, viewer.user_id, now, expires_at)
        await DB.run(SQL["quote"], job["warehouse_id"], job_id, *arguments)
        await stages.leave(Subject.SERVICE, job["warehouse_id"], [job_id], now)
        await stages.enter(jobs.entry_of(job, stage, now, due_at=expires_at))
        until = expires_at.strftime("%Y-%m-%d %H:%M UTC")
        await jobs.tell(job["owner_id"], job_id, _QUOTED, {"number": job["number"], "until": until})
        after = {"price": str(money), "currency": code, "quantity": str(pieces), "until": expires_at.isoformat()}
        await journal.write(
            viewer, "service.quoted", "service_job", job_id, after=after, warehouse_id=job["warehouse_id"]
        )


async def decline(viewer: Viewer, job_id: uuid.UUID, revision: int, *, why: str) -> None:
    """The operator does not take a job on."""
    await _end(viewer, job_id, revision, Act.DECLINE, why, N_("Say why the job is declined."), _DECLINED)


async def cancel(viewer: Viewer, job_id: uuid.UUID, revision: int, *, why: str = "") -> None:
    """The owner takes a request back, until work begins."""
    await _end(viewer, job_id, revision, Act.CANCEL, why, "", _CANCELLED)


async def answer(viewer: Viewer, job_id: uuid.UUID, revision: int, *, accept: bool, why: str = "") -> None:
    """The owner accepts a quote in time, or turns it down."""
    faults: list[Fault] = []
    said = rules.note("why", why, faults)
    act = Act.ACCEPT if accept else Act.TURN_DOWN
    now = clock.now()
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_party(viewer, act, job["warehouse_id"], job["owner_id"])
        stage = jobs.step(job, act, revision)
        if accept and job["quote_expires_at"] <= now:
            until = job["quote_expires_at"].strftime("%Y-%m-%d %H:%M UTC")
            raise rules.QuoteExpired(instant=until)
        if faults:
            raise Invalid(faults)
        given = Answer.ACCEPTED if accept else Answer.DECLINED
        ending = None if accept else said
        await DB.run(SQL["answer"], job["warehouse_id"], job_id, stage, given, viewer.user_id, now, ending)
        await jobs.move(job, stage, now)
        told = _ACCEPTED if accept else _TURNED_DOWN
        await jobs.tell(job["operator_id"], job_id, told, {"number": job["number"]})
        await journal.write(
            viewer, f"service.{given}", "service_job", job_id, after={"note": said}, warehouse_id=job["warehouse_id"]
        )


async def expire_quotes(now: datetime) -> int:
    """End the jobs whose quotes were not answered in time, each once; how many there were."""
    ended = 0
    while True:
        async with DB.transaction():
            rows = await DB.fetch(SQL["expire"], now, MOST_AT_ONCE)
            by_warehouse: dict[int, list[uuid.UUID]] = {}
            for row in rows:
                by_warehouse.setdefault(row["warehouse_id"], []).append(row["id"])
            for warehouse_id, ids in by_warehouse.items():
                await stages.leave(Subject.SERVICE, warehouse_id, ids, now)
            await messages.notify_all(
                [
                    jobs.news(party, row["id"], _EXPIRED, {"number": row["number"]}, "warn")
                    for row in rows
                    for party in (row["owner_id"], row["operator_id"])
                ]
            )
        ended += len(rows)
        if len(rows) < MOST_AT_ONCE:
            return ended


async def _end(
    viewer: Viewer, job_id: uuid.UUID, revision: int, act: Act, why: str, wanted: str, sentence: str
) -> None:
    faults: list[Fault] = []
    said = rules.note("why", why, faults, wanted=wanted)
    now = clock.now()
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_party(viewer, act, job["warehouse_id"], job["owner_id"])
        stage = jobs.step(job, act, revision)
        if faults:
            raise Invalid(faults)
        await DB.run(SQL["finish"], job["warehouse_id"], job_id, stage, said, now)
        await jobs.move(job, stage, now)
        other = job["operator_id"] if act in rules.OWNERS_ACTS else job["owner_id"]
        facts = {"number": job["number"], "why": said} if act is Act.DECLINE else {"number": job["number"]}
        await jobs.tell(other, job_id, sentence, facts, "warn")
        await journal.write(
            viewer, f"service.{stage}", "service_job", job_id, after={"note": said}, warehouse_id=job["warehouse_id"]
        )
