"""What happens to a booking afterwards: it is changed while that is possible, cancelled, and its doubtful lines are settled."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_, Word
from backend.files import actions as files_actions
from backend.files.queries import sees
from backend.messages import actions as messages
from backend.returns import actions, booking, claims, rules, standing
from backend.returns.booking import Change, Parcel
from backend.returns.rules import Basis, Investigation, Kind, Stage
from backend.stages import actions as stages
from backend.stages.rules import Subject

SQL = blocks(Path(__file__).with_name("changes.sql"))
_CHANGED = N_("%(name)s changed return %(number)s.")
_CANCELLED = N_("%(name)s cancelled return %(number)s: nothing of it comes any more.")
_ACCEPTED = N_("Line %(line)s of return %(number)s is accepted after investigation: %(note)s")
_REFUSED = N_("Line %(line)s of return %(number)s is refused after investigation: %(note)s")


async def change(viewer: Viewer, rma_id: uuid.UUID, revision: int, asked: Change) -> int:
    """Change a return of the viewer's goods, as far as its stage still lets it; the new revision.

    Refuses a revision that somebody else has changed since (`Conflict`). New lines give the claims of the old ones back
    first, so that pieces may be shifted between them.
    """
    access_rules.require(viewer, Right.BOOK_RETURNS)
    return await claims.retried(lambda wait: _change(viewer, rma_id, revision, asked, wait))


async def _change(viewer: Viewer, rma_id: uuid.UUID, revision: int, asked: Change, wait: bool) -> int:
    now = clock.now()
    async with DB.transaction():
        head = await _own(viewer, rma_id, revision)
        booking.require_changeable(head["number"], Stage(head["stage"]), asked.parts)
        faults = booking.change_faults(asked, Kind(head["kind"]), now.date())
        before: dict[str, Any] = {name: head[name] for name in ("reference", "note", "expected_on")}
        if asked.lines is not None:
            before["lines"] = await _replace_lines(head, asked, faults, wait)
        if asked.parcels is not None:
            before["parcels"] = await _replace_parcels(head, asked.parcels, faults)
        if faults:
            raise Invalid(faults)
        key = head["warehouse_id"], head["id"]
        new: int = await DB.value(
            SQL["change"], *key, _stripped(asked.reference), _stripped(asked.note), asked.expected_on
        )
        await files_actions.attach(
            viewer,
            asked.photos,
            warehouse_id=head["warehouse_id"],
            owner_id=head["owner_id"],
            subject="rma",
            subject_id=head["id"],
        )
        if asked.expected_on:
            due_at = actions.end_of_day(asked.expected_on, head["time_zone"])
            await stages.put_off(Subject.RETURN, head["warehouse_id"], head["id"], due_at)
        await journal.write(
            viewer, "return.changed", "return", rma_id, before=before, after=asked, warehouse_id=head["warehouse_id"]
        )
        news = _news(head, head["operator_id"], "neutral", _CHANGED, name=viewer.organisation_code)
        doubtful = any(line.basis == Basis.PAPER for line in asked.lines or ())
        await messages.notify_all([news, *([actions.investigation_news(news, head["number"])] if doubtful else [])])
        return new


async def cancel(viewer: Viewer, rma_id: uuid.UUID, revision: int, note: str = "") -> None:
    """Cancel a return of the viewer's goods while nothing of it has come; its claims are given back."""
    access_rules.require(viewer, Right.BOOK_RETURNS)
    faults: list[Fault] = []
    booking.text_fault("note", note, booking.LONGEST_TEXT, faults)
    if faults:
        raise Invalid(faults)
    async with DB.transaction():
        head = await _own(viewer, rma_id, revision)
        if head["stage"] != Stage.BOOKED or head["arrived"] or head["received"]:
            raise booking.TooLateToCancel(number=head["number"], stage=Word(rules.STAGE_NAMES[Stage(head["stage"])]))
        await _end(viewer, head, clock.now(), note.strip())
        await messages.notify_all(
            [_news(head, head["operator_id"], "neutral", _CANCELLED, name=viewer.organisation_code)]
        )


async def settle(viewer: Viewer, rma_id: uuid.UUID, line_no: int, verdict: str, note: str) -> None:
    """Settle the investigation of a line, by the operator: `accepted`, or `refused` while nothing of it has come.

    A refused line is never received; a return of which nothing is left to come is cancelled with it.
    """
    access_rules.require(viewer, Right.HANDLE_RETURNS)
    found = _finding(verdict, note)
    line_no = min(line_no, booking.LARGEST_LINE_NUMBER)
    now = clock.now()
    async with DB.transaction():
        head = await DB.row(SQL["lock"], rma_id)
        if head is None or not access_rules.runs_warehouse(viewer, head["warehouse_id"]):
            if head is not None and sees(viewer, head["warehouse_id"], head["owner_id"]):
                raise access_rules.NotYourOrganisation
            raise rules.NoSuchReturn
        key = head["warehouse_id"], head["id"]
        line = await DB.row(SQL["line"], *key, line_no)
        if line is None or line["investigation"] != Investigation.OPEN or head["stage"] == Stage.CANCELLED:
            raise booking.NotDoubtful(line=line_no, number=head["number"])
        if found is Investigation.REFUSED and line["received"]:
            raise booking.RefusedTooLate(line=line_no)
        await DB.run(SQL["settle"], *key, line_no, found.value, note.strip(), viewer.user_id, now)
        await journal.write(
            viewer,
            f"return.investigation_{found.value}",
            "return",
            rma_id,
            after={"line": line_no, "note": note.strip()},
            warehouse_id=head["warehouse_id"],
        )
        refused = found is Investigation.REFUSED
        sentence = _REFUSED if refused else _ACCEPTED
        level: Any = "bad" if refused else "neutral"
        await messages.notify_all([_news(head, head["owner_id"], level, sentence, line=line_no, note=note.strip())])
        if refused and not await DB.value(SQL["outstanding"], *key):
            await _end(viewer, head, now, note.strip())
        elif refused:
            await standing.follow([rma_id], now)


async def _own(viewer: Viewer, rma_id: uuid.UUID, revision: int) -> asyncpg.Record:
    """A return of the viewer's own goods, held until the transaction ends, as the viewer has seen it."""
    head = await DB.row(SQL["lock"], rma_id)
    if head is None or not sees(viewer, head["warehouse_id"], head["owner_id"]):
        raise rules.NoSuchReturn
    if not access_rules.owns(viewer, head["owner_id"]):
        raise access_rules.NotYourOrganisation
    if head["revision"] != revision:
        raise Conflict
    return head


async def _replace_lines(head: asyncpg.Record, asked: Change, faults: list[Fault], wait: bool) -> list[dict[str, Any]]:
    """Other lines instead of those that were booked; what they were."""
    key = head["warehouse_id"], head["id"]
    before = [dict(row) for row in await DB.fetch(SQL["booked_lines"], *key)]
    await claims.give_back(*key, {line["line_no"]: line["quantity"] for line in before})
    await DB.run(SQL["drop_lines"], *key)
    lines = booking.sound_lines(asked.lines or [], faults)
    taken = await claims.resolve(head["owner_id"], head["warehouse_id"], lines, faults, rma_id=head["id"], wait=wait)
    if not faults:
        await DB.run(SQL["add_lines"], *key, head["owner_id"], *actions.line_columns(taken))
    return before


async def _replace_parcels(
    head: asyncpg.Record, parcels: Sequence[Parcel], faults: list[Fault]
) -> list[dict[str, Any]]:
    """Other parcels instead of those that are still on their way; what they were."""
    key = head["warehouse_id"], head["id"]
    before = [dict(row) for row in await DB.fetch(SQL["parcels"], *key)]
    if faults:
        return before
    here = {row["tracking_no"] for row in before if row["arrived"]} - {None}
    others = [parcel for parcel in parcels if values.code_of(parcel.tracking_no) not in here]
    last = await DB.value(SQL["drop_parcels"], *key)
    await DB.run(
        SQL["add_parcels"],
        *key,
        last,
        [values.code_of(parcel.tracking_no) for parcel in others],
        [parcel.carrier.strip() for parcel in others],
    )
    return before


async def _end(viewer: Viewer, head: asyncpg.Record, now: datetime, note: str) -> None:
    """The return is over before anything of it came."""
    key = head["warehouse_id"], head["id"]
    lines = await DB.fetch(SQL["booked_lines"], *key)
    await claims.give_back(*key, {line["line_no"]: line["quantity"] for line in lines})
    await DB.run(SQL["cancel"], *key, now)
    await stages.leave(Subject.RETURN, head["warehouse_id"], [head["id"]], now)
    await journal.write(
        viewer,
        "return.cancelled",
        "return",
        head["id"],
        before={"stage": head["stage"]},
        after={"stage": Stage.CANCELLED, "note": note},
        warehouse_id=head["warehouse_id"],
    )


def _finding(verdict: str, note: str) -> Investigation:
    """What an investigation found, with a note that says why."""
    faults: list[Fault] = []
    if verdict not in (Investigation.ACCEPTED, Investigation.REFUSED):
        sentence = N_("“%(value)s” is not possible here. Choose one of the list.")
        faults.append(Fault("verdict", verdict, sentence, {"value": verdict}))
    if not note.strip():
        faults.append(Fault("note", note, N_("Say what you found, so that the exporter can follow it.")))
    booking.text_fault("note", note, booking.LONGEST_TEXT, faults)
    if faults:
        raise Invalid(faults)
    return Investigation(verdict)


def _news(head: asyncpg.Record, organisation_id: int, level: Any, sentence: str, **facts: object) -> messages.News:
    return messages.News(
        organisation_id=organisation_id,
        level=level,
        sentence=sentence,
        facts={"number": head["number"], **facts},
        href=messages.path_of(Subject.RETURN, head["id"]),
    )


def _stripped(text: str | None) -> str | None:
    return None if text is None else text.strip()
