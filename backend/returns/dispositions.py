"""What becomes of graded goods: their owner decides, takes a decision back, or lets what was agreed beforehand be applied."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.messages import actions as messages
from backend.returns import decisions, standing, steps
from backend.returns.rules import Disposition, Grade, Investigation
from backend.returns.standing import Unit
from backend.stock.rules import SameKeyOtherRequest

SQL = blocks(Path(__file__).with_name("dispositions.sql"))
MOST_UNITS = 2000
MOST_RETURNS = 200

_TOO_MANY = N_("At most %(most)s units are decided at once. Decide the others afterwards.")
_WHY_REVOKED = N_("Say why the decision does not hold any more.")
_APPLIED = N_(
    "The time to decide on return %(number)s was over: for %(units)s units, what had been agreed was decided."
)
_STUCK = N_(
    "The time to decide on return %(number)s is over, and for some of its units nothing was agreed beforehand. "
    "They wait for their owner's decision."
)


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The units that were decided; `repeated` when the request key had decided them before."""

    units: list[str]
    repeated: bool


async def decide(viewer: Viewer, units: Sequence[str], *, kind: str, note: str = "", request_key: str) -> Decided:
    """Decide, as the owner, what becomes of units: of all of them or of none.

    Only what is graded is decided, once: whoever comes second is told what was decided, or that the agreed default was
    applied. Grade A may become good again, A and B may be sold as second grade, everything may become anything else.
    """
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    faults = [*steps.key_faults(request_key), *steps.length_faults("note", note)]
    wanted = decisions.kind_of(kind, faults)
    if len(units) > MOST_UNITS:
        faults.append(Fault("units", len(units), _TOO_MANY, {"most": MOST_UNITS}))
    if faults or wanted is None:
        raise Invalid(faults)
    at = clock.now()
    async with DB.transaction():
        found = await standing.owned(viewer, units)
        codes = [each.code for each in found]
        if any(each.request_key == request_key and each.decided_by == viewer.user_id for each in found):
            if any(each.request_key != request_key or each.disposition != wanted for each in found):
                raise SameKeyOtherRequest(key=request_key)
            return Decided(units=codes, repeated=True)
        _require_decidable(found, wanted)
        await DB.write(
            SQL["decide"],
            [each.warehouse_id for each in found],
            [values.new_id() for _ in found],
            [each.id for each in found],
            wanted,
            viewer.user_id,
            at,
            note.strip(),
            request_key,
        )
        await standing.moved(found, "to_carry_out", at)
    return Decided(units=codes, repeated=False)


async def decide_each(
    viewer: Viewer, wishes: Mapping[str, Sequence[str]], *, note: str = "", request_key: str
) -> Decided:
    """Decide units differently, by the kind that is wished for them: all of them or none; see `decide`."""
    codes = [code for units in wishes.values() for code in units]
    if not codes:
        raise Invalid([Fault("units", 0, N_("Choose at least one unit."))])
    done: list[Decided] = []
    async with DB.transaction():
        await standing.lock_units(codes)
        for kind, units in wishes.items():
            key = f"{request_key}:{kind}" if request_key else ""
            done.append(await decide(viewer, units, kind=kind, note=note, request_key=key))
    units_done = [code for each in done for code in each.units]
    return Decided(units=units_done, repeated=all(each.repeated for each in done))


def _require_decidable(found: Sequence[Unit], kind: Disposition) -> None:
    faults: list[Fault] = []
    for each in found:
        decisions.require_undecided(each.code, each.state, each.regrade, each.disposition, each.decided_as)
        if each.investigation == Investigation.OPEN:
            raise decisions.UnderInvestigation(unit=each.code)
        faults += decisions.kind_faults(each.code, each.grade or Grade.D, each.quantity, kind)
    if faults:
        raise Invalid(faults)


async def revoke(viewer: Viewer, units: Sequence[str], *, note: str) -> None:
    """Take decisions (also an agreed default that was applied) back, as the owner, before they are carried out."""
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    if faults := steps.why_fault("note", note, _WHY_REVOKED):
        raise Invalid(faults)
    at = clock.now()
    async with DB.transaction():
        found = await standing.owned(viewer, units)
        kinds = {each.code: decisions.require_decided(each.code, each.state, each.disposition) for each in found}
        if collected := await DB.row(SQL["in_batch"], list(kinds)):
            raise decisions.InBatch(unit=collected["code"], batch=collected["number"])
        await DB.run(SQL["revoke"], [each.disposition_id for each in found], viewer.user_id, at, note)
        for given in (await standing.follow({each.rma_id for each in found}, at)).values():
            revoked = {each.code: kinds[each.code] for each in found if each.rma_id == given.id}
            await journal.write(
                viewer,
                "return.decision_revoked",
                "return",
                given.id,
                before=revoked,
                after={"note": note},
                warehouse_id=given.warehouse_id,
            )


async def apply_due_defaults(now: datetime) -> int:
    """Decide every unit whose owner's time is over as its owner agreed beforehand, once in its life; how many there were.

    Any number of processes may do so at the same time. Where nothing was agreed the unit waits, and both parties hear of
    it once.
    """
    may = [(grade.value, kind.value) for grade, kinds in decisions.KINDS_OF.items() for kind in kinds]
    grades, kinds = [grade for grade, _ in may], [kind for _, kind in may]
    applied = 0
    while True:
        async with DB.transaction():
            overdue = await DB.fetch(SQL["overdue"], now, grades, kinds, MOST_RETURNS)
            ids = [row["id"] for row in overdue]
            if ids:
                rows = await DB.fetch(SQL["apply_defaults"], ids, now, grades, kinds)
                applied += sum(row["units"] for row in rows)
                await _tell_applied({row["rma_id"]: row["units"] for row in rows}, now)
        if len(ids) < MOST_RETURNS:
            break
    await _tell_stuck(now)
    return applied


async def _tell_applied(units: dict[uuid.UUID, int], now: datetime) -> None:
    found = await standing.follow(units, now)
    await messages.notify_all(
        [
            messages.News(
                organisation_id=organisation_id,
                level="warn",
                sentence=_APPLIED,
                facts={"number": given.number, "units": units[given.id]},
                href=messages.path_of("return", given.id),
            )
            for given in found.values()
            for organisation_id in (given.owner_id, given.operator_id)
        ]
    )


async def _tell_stuck(now: datetime) -> None:
    while True:
        async with DB.transaction():
            rows = await DB.fetch(SQL["stuck"], now, MOST_RETURNS)
            await messages.notify_all(
                [
                    messages.News(
                        organisation_id=organisation_id,
                        level="bad",
                        sentence=_STUCK,
                        facts={"number": row["number"]},
                        href=messages.path_of("return", row["rma_id"]),
                        dedupe_key=row["dedupe_key"],
                    )
                    for row in rows
                    for organisation_id in (row["owner_id"], row["operator_id"])
                ]
            )
        if len(rows) < MOST_RETURNS:
            return
