"""What is done by the clock and what is done later: the one table of it, and the viewer's way to look and to interfere.

Like the application it knows every room. Another piece of scheduled work is one more line of SCHEDULED.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec

from backend.access import actions as access_actions
from backend.access.rules import Right, Viewer, require
from backend.core import clock, jobs, journal
from backend.core.database import DB
from backend.core.errors import NotFound
from backend.core.jobs import Handler, Scheduled, Trouble
from backend.core.listing import Clause, where
from backend.core.text import N_
from backend.monitor import reconciliation
from backend.repairs import failures as repairs_failures
from backend.repairs import quoting as repairs_quoting
from backend.returns import dispositions, warnings
from backend.stages import actions as stages_actions
from backend.stock import ledger
from backend.value_added import quoting as service_quoting


async def _forget_ended_access() -> None:
    await access_actions.forget_ended(clock.now())


async def _forget_ended_jobs() -> None:
    await jobs.forget(clock.now())


async def _expire_quotes() -> None:
    await repairs_quoting.expire_quotes(clock.now())


async def _tell_owners() -> None:
    await repairs_failures.tell_owners(clock.now())


async def _expire_service_quotes() -> None:
    await service_quoting.expire_quotes(clock.now())


async def _apply_due_defaults() -> None:
    await dispositions.apply_due_defaults(clock.now())


async def _warn_of_overdue() -> None:
    await stages_actions.warn_of_overdue()


async def _reconcile() -> None:
    await reconciliation.reconcile_waiting(clock.now())


async def _warn_of_clocks() -> None:
    await warnings.warn_of_clocks(clock.now())


# Times are UTC: 18:00 to 20:00 is night for the committee and midday or morning for most warehouses abroad.
SCHEDULED: tuple[Scheduled, ...] = (
    Scheduled("stock.expire", "* * * * *", N_("Give back what overdue reservations hold"), ledger.expire_overdue),
    Scheduled("repairs.expire", "*/5 * * * *", N_("End repair quotes that nobody answered in time"), _expire_quotes),
    Scheduled("repairs.tell", "50 18 * * *", N_("Tell owners of items with many confirmed faults"), _tell_owners),
    Scheduled(
        "services.expire", "*/10 * * * *", N_("End jobs whose quotes were not answered in time"), _expire_service_quotes
    ),
    Scheduled("returns.defaults", "*/5 * * * *", N_("Apply agreed defaults to undecided returns"), _apply_due_defaults),
    Scheduled("returns.clocks", "40 18 * * *", N_("Warn of clocks that end over goods abroad"), _warn_of_clocks),
    Scheduled("monitor.pair", "15 * * * *", N_("Pair what was done yesterday with the ledger"), _reconcile),
    Scheduled("stages.overdue", "*/5 * * * *", N_("Tell whose turn it is of what became overdue"), _warn_of_overdue),
    Scheduled(
        "access.forget", "10 18 * * *", N_("Forget sessions and tokens that ended long ago"), _forget_ended_access
    ),
    Scheduled("jobs.forget", "20 18 * * *", N_("Forget jobs that ended long ago"), _forget_ended_jobs),
)

# What rooms put into the queue with `jobs.enqueue`, by the same name.
HANDLERS: tuple[Handler, ...] = ()

TITLES: Mapping[str, str] = {each.name: each.title for each in SCHEDULED} | {each.name: each.title for each in HANDLERS}


class Seen(msgspec.Struct, frozen=True):
    """One line of the table of scheduled work as it stands now. `state` is empty for what never ran."""

    name: str
    title: str
    cron: str
    next_due: datetime
    state: str = ""
    tries: int = 0
    started_at: datetime | None = None
    seconds: float | None = None
    trouble: Trouble | None = None


class Result(msgspec.Struct, frozen=True):
    """What became of one piece of work that was run now."""

    title: str
    done: bool
    trouble: Trouble | None


async def scheduled(viewer: Viewer, now: datetime) -> list[Seen]:
    """The scheduled work, when it is due next, and how its last run went."""
    require(viewer, Right.SEE_JOBS)
    rows = await jobs.schedule_rows()
    seen: list[Seen] = []
    for each in SCHEDULED:
        row, due = rows.get(each.name), each.next_due(now)
        if row is None or row["started_at"] is None:
            state = row["state"] if row and row["job_id"] and row["state"] != "done" else ""
            seen.append(Seen(each.name, each.title, each.cron, due, state))
            continue
        ended = row["ended_at"] if row["ended_at"] and row["ended_at"] >= row["started_at"] else None
        seconds = (ended - row["started_at"]).total_seconds() if ended else None
        trouble = Trouble.read(row["trouble"]) if row["state"] != "done" else None
        seen.append(
            Seen(each.name, each.title, each.cron, due, row["state"], row["tries"], row["started_at"], seconds, trouble)
        )
    return seen


async def counts(viewer: Viewer) -> dict[str, int]:
    """How many jobs wait, run and have failed."""
    require(viewer, Right.SEE_JOBS)
    return await jobs.counts()


def clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of jobs: work, state. Without a state, everything that is not done."""
    require(viewer, Right.SEE_JOBS)
    state = filters.get("state")
    found = [where("s.state = ?", state) if state else where("s.state <> 'done'")]
    if name := filters.get("work"):
        found.append(where("s.name = ?", name))
    return found


async def run_now(viewer: Viewer, name: str) -> None:
    """Run scheduled work now, beside its times."""
    require(viewer, Right.KEEP_JOBS)
    if name not in {each.name for each in SCHEDULED}:
        raise NotFound
    async with DB.transaction():
        job_id = await jobs.run_now(name)
        await journal.write(viewer, "job.run_now", "job", job_id, after={"work": name})


async def try_again(viewer: Viewer, job_id: int) -> None:
    """Give a failed job all its tries again."""
    require(viewer, Right.KEEP_JOBS)
    async with DB.transaction():
        name = await jobs.try_again(job_id)
        await journal.write(viewer, "job.tried_again", "job", job_id, after={"work": name})


async def run_due(url: str, *, everything: bool = False) -> list[Result]:
    """Run once what is due and was not run yet, or `everything`, each with one try at least; how it went."""
    if everything:
        ids = [job_id for each in SCHEDULED if (job_id := await _ask(each.name)) is not None]
    else:
        ids = await jobs.claim_due(SCHEDULED, clock.now())
    rows = await work_off(url, ids)
    return [Result(TITLES[row["name"]], row["state"] == "done", Trouble.read(row["trouble"])) for row in rows]


async def work_off(url: str, ids: Sequence[int]) -> list[asyncpg.Record]:
    """Have these jobs tried at least once, over the database at `url`, which DB has open; how they stand then."""
    everything = (*HANDLERS, *(each.handler() for each in SCHEDULED))
    async with jobs.working(url, everything, pace=jobs.Pace(settle_in=0)):
        while _untried(rows := await jobs.states(ids)):  # noqa: ASYNC110 another process may do them
            await asyncio.sleep(0.05)
    return rows


def _untried(rows: Sequence[asyncpg.Record]) -> bool:
    return any(row["state"] == "running" or (row["state"] == "waiting" and not row["trouble"]) for row in rows)


async def _ask(name: str) -> int | None:
    """A run of this work beside its times; None when it waits or runs already."""
    try:
        return await jobs.run_now(name)
    except jobs.AlreadyAsked:
        return None
