"""What happens from beginning to the end: work in steps, matters referred to partners, the result, its acceptance or dispute."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access.rules import Viewer
from backend.charges import actions as charges
from backend.charges.rules import Activity, Unit
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_, Word
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.messages import actions as messages
from backend.stages import actions as stages
from backend.stock.rules import SameKeyOtherRequest
from backend.value_added import jobs, papers, queries, rules
from backend.value_added.rules import Act, Kind, Outcome, PartnerStatus, Settlement, Stage, StepKind

SQL = blocks(Path(__file__).with_name("performing.sql"))
SOURCE = "service_job"

_BEGUN = N_("Work on job %(number)s has begun.")
_REFERRED = N_("Job %(number)s: %(status)s (%(partner)s).")
_DONE = N_("Job %(number)s is done. Please accept the result, or say what is wrong with it.")
_APPROVED = N_("The result of job %(number)s is accepted.")
_DISPUTED = N_("The result of job %(number)s is disputed: %(why)s")
_SETTLED: Mapping[Act, str] = {
    Act.REDO: N_("Job %(number)s will be done again."),
    Act.STAND_BY: N_("The warehouse stands by the result of job %(number)s. Please answer."),
    Act.WAIVE: N_("Job %(number)s is closed without a charge."),
}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a step beside its note."""

    kind: StepKind
    note: str
    partner: str | None = None
    partner_reference: str | None = None
    partner_status: PartnerStatus | None = None
    outcome: Outcome | None = None
    quantity: Decimal | None = None
    runs: int | None = None
    document_id: uuid.UUID | None = None


async def work(
    viewer: Viewer, job_id: uuid.UUID, *, note: str, photos: Sequence[str] = (), request_key: str
) -> uuid.UUID:
    """Record a step of work with photos (hashes that the operator has brought); the first one begins the job."""
    faults: list[Fault] = []
    said = rules.note("note", note, faults, wanted=N_("Say what was done."))
    rules.key(request_key, faults)
    asked = values.digest(["work", job_id, said, list(photos)])
    now = clock.now()
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_operator(viewer, job["warehouse_id"])
        if (before := await stepped_before(viewer, job, request_key, asked)) is not None:
            found: uuid.UUID = before["id"]
            return found
        rules.after(Stage(job["stage"]), Act.WORK)
        if faults:
            raise Invalid(faults)
        made = await keep_step(viewer, job, Step(kind=StepKind.WORK, note=said), photos, request_key, asked, now)
        await begin(viewer, job, now)
    return made


async def refer(
    viewer: Viewer,
    job_id: uuid.UUID,
    *,
    partner: str,
    reference: str,
    status: str,
    note: str = "",
    files: Sequence[str] = (),
    request_key: str,
) -> uuid.UUID:
    """Say how far a matter is that was referred to a partner; handing it over begins the job and needs all its papers."""
    faults: list[Fault] = []
    who = rules.note("partner", partner, faults, wanted=N_("Say to whom the matter is referred."), most=200)
    named = rules.note("reference", reference, faults, most=200)
    said = rules.note("note", note, faults)
    rules.key(request_key, faults)
    if status not in list(PartnerStatus):
        faults.append(Fault("status", status, N_("Choose how far the matter is.")))
    asked = values.digest(["refer", job_id, who, named, status, said, list(files)])
    now = clock.now()
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_operator(viewer, job["warehouse_id"])
        if (before := await stepped_before(viewer, job, request_key, asked)) is not None:
            found: uuid.UUID = before["id"]
            return found
        rules.after(Stage(job["stage"]), Act.WORK)
        if Kind(job["kind"]) not in rules.REFERRALS:
            faults.append(
                Fault("partner", partner, N_("This job is done by the warehouse itself. Record a step of work."))
            )
        if faults:
            raise Invalid(faults)
        await _require_papers(job)
        where = PartnerStatus(status)
        step = Step(
            kind=StepKind.REFERRAL, note=said, partner=who, partner_reference=named or None, partner_status=where
        )
        made = await keep_step(viewer, job, step, files, request_key, asked, now)
        await DB.run(SQL["referred"], job["warehouse_id"], job_id, who, named or None, where)
        await begin(viewer, job, now, silent=True)
        facts = {"number": job["number"], "status": messages.word(rules.PARTNER_STATUS_NAMES[where]), "partner": who}
        await jobs.tell(job["owner_id"], job_id, _REFERRED, facts)
    return made


async def report(
    viewer: Viewer,
    job_id: uuid.UUID,
    revision: int,
    *,
    outcome: str,
    quantity: Decimal | None,
    note: str,
    photos: Sequence[str] = (),
) -> None:
    """Report the result: how it went and how much of the quoted quantity was done, which is what is charged.

    Light processing needs a photo on one of its steps; a matter that succeeded was referred to somebody.
    """
    faults: list[Fault] = []
    said = rules.note("note", note, faults, wanted=N_("Say what the result is."))
    if outcome not in list(Outcome):
        faults.append(Fault("outcome", outcome, N_("Choose how it went.")))
    done = rules.amount("quantity", quantity, faults, zero=outcome != Outcome.SUCCEEDED)
    now = clock.now()
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_operator(viewer, job["warehouse_id"])
        stage = jobs.step(job, Act.REPORT, revision)
        if done > job["quote_quantity"]:
            faults.append(
                Fault(
                    "quantity",
                    str(quantity),
                    N_("Only %(most)s were quoted. Give what was done of it; more needs a new job."),
                    {"most": str(job["quote_quantity"].normalize())},
                )
            )
        if not faults:
            faults += await _result_faults(viewer, job, Outcome(outcome), photos)
        if faults:
            raise Invalid(faults)
        step = Step(kind=StepKind.RESULT, note=said, outcome=Outcome(outcome), quantity=done)
        key = f"report:{job_id}:{revision}"
        await keep_step(viewer, job, step, photos, key, b"", now)
        turn = await DB.value(SQL["reported"], job["warehouse_id"], job_id, outcome, done)
        await jobs.move(job, stage, now)
        if done:
            await _charge(job, done, turn, now)
        await jobs.tell(job["owner_id"], job_id, _DONE, {"number": job["number"]})
        await _journal(viewer, job, "service.done", {"outcome": outcome, "quantity": str(done)})


async def _charge(job: Mapping[str, Any], done: Decimal, turn: int, at: datetime) -> None:
    """What was done, at the quoted price; each report is a charge of its own, so that a new one can follow a taken-back one."""
    await charges.record(
        charges.Step(
            warehouse_id=job["warehouse_id"],
            owner_id=job["owner_id"],
            activity=Activity.SERVICE,
            quantity=done,
            source=SOURCE,
            source_id=job["id"],
            source_line=turn,
            number=job["number"],
            occurred_at=at,
            unit=Unit(job["unit"]),
            price=job["quote_price"],
            currency=job["quote_currency"],
        )
    )


async def approve(viewer: Viewer, job_id: uuid.UUID, revision: int, *, note: str = "") -> None:
    """The owner accepts the result: the job is closed."""
    await _settle(viewer, job_id, revision, Act.APPROVE, note, "", Settlement.ACCEPTED)


async def dispute(viewer: Viewer, job_id: uuid.UUID, revision: int, *, why: str, photos: Sequence[str] = ()) -> None:
    """The owner says what is wrong with the result."""
    await _settle(viewer, job_id, revision, Act.DISPUTE, why, N_("Say what is wrong with the result."), None, photos)


async def settle(viewer: Viewer, job_id: uuid.UUID, revision: int, *, way: str, note: str) -> None:
    """The operator answers a dispute: it does the work again (``redo``), stands by the result (``stand_by``), or closes the
    job without a charge (``waive``, which is possible before a dispute too).
    """
    if way not in (Act.REDO, Act.STAND_BY, Act.WAIVE):
        raise Invalid([Fault("way", way, N_("Choose how the dispute is answered."))])
    settlement = Settlement.WAIVED if way == Act.WAIVE else None
    await _settle(viewer, job_id, revision, Act(way), note, N_("Say why."), settlement)


async def _settle(
    viewer: Viewer,
    job_id: uuid.UUID,
    revision: int,
    act: Act,
    note: str,
    wanted: str,
    settlement: Settlement | None,
    photos: Sequence[str] = (),
) -> None:
    faults: list[Fault] = []
    said = rules.note("why" if act is Act.DISPUTE else "note", note, faults, wanted=wanted)
    now = clock.now()
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_party(viewer, act, job["warehouse_id"], job["owner_id"])
        stage = jobs.step(job, act, revision)
        if faults:
            raise Invalid(faults)
        kind = StepKind.DISPUTE if act is Act.DISPUTE else StepKind.SETTLEMENT
        await keep_step(viewer, job, Step(kind=kind, note=said), photos, f"{act}:{job_id}:{revision}", b"", now)
        ended = now if settlement else None
        await DB.run(SQL["moved"], job["warehouse_id"], job_id, stage, settlement, said or None, ended)
        await jobs.move(job, stage, now)
        if act in (Act.REDO, Act.WAIVE):
            await charges.charge_back(job["warehouse_id"], SOURCE, job_id, now)
        other = job["operator_id"] if act in rules.OWNERS_ACTS else job["owner_id"]
        sentence = {Act.APPROVE: _APPROVED, Act.DISPUTE: _DISPUTED, **_SETTLED}[act]
        facts = {"number": job["number"], "why": said} if act is Act.DISPUTE else {"number": job["number"]}
        await jobs.tell(other, job_id, sentence, facts, "warn" if act is Act.DISPUTE else "neutral")
        await _journal(viewer, job, f"service.{act}", {"note": said})


# ---------------------------------------------------------------------------------------- what steps have in common


async def stepped_before(
    viewer: Viewer, job: Mapping[str, Any], request_key: str, asked: bytes
) -> asyncpg.Record | None:
    """The step that was made under this key before; refuses the key with another request."""
    row = await DB.row(SQL["stepped_before"], job["warehouse_id"], viewer.organisation_id, request_key)
    if row is not None and row["request_hash"] != asked:
        raise SameKeyOtherRequest(key=request_key)
    return row


async def keep_step(
    viewer: Viewer,
    job: Mapping[str, Any],
    step: Step,
    files: Sequence[str],
    request_key: str,
    asked: bytes,
    at: datetime,
) -> uuid.UUID:
    """Keep a step of a locked job with its files, inside the caller's transaction."""
    step_id = values.new_id()
    made = await DB.value(
        SQL["step"],
        job["warehouse_id"],
        step_id,
        job["id"],
        step.kind,
        step.note,
        step.partner,
        step.partner_reference,
        step.partner_status,
        step.outcome,
        step.quantity,
        step.runs,
        step.document_id,
        viewer.organisation_id,
        viewer.user_id,
        at,
        request_key,
        asked,
    )
    if made is None:
        raise Conflict
    await files_actions.attach(
        viewer,
        files,
        warehouse_id=job["warehouse_id"],
        owner_id=job["owner_id"],
        subject="service_job",
        subject_id=step_id,
    )
    return step_id


async def begin(viewer: Viewer, job: Mapping[str, Any], at: datetime, *, silent: bool = False) -> None:
    """Work on a locked job begins, if it has not begun yet."""
    if Stage(job["stage"]) is Stage.PERFORMING:
        return
    await DB.run(SQL["begun"], job["warehouse_id"], job["id"])
    await stages.enter(jobs.entry_of(job, Stage.PERFORMING, at))
    if not silent:
        await jobs.tell(job["owner_id"], job["id"], _BEGUN, {"number": job["number"]})
    await _journal(viewer, job, "service.begun", {})


async def _require_papers(job: Mapping[str, Any]) -> None:
    """Every kind of document that the offer asks for is there."""
    row = await DB.row(SQL["papers"], job["warehouse_id"], job["id"])
    assert row is not None
    missing = [papers.DocumentKind(kind) for kind in row["needed"] if kind not in row["there"]]
    if missing:
        raise rules.PapersMissing(
            [
                Fault(
                    "documents",
                    kind,
                    N_("“%(document)s” is missing. Ask the exporter for it, or add it to the job."),
                    {"document": Word(papers.DOCUMENT_NAMES[kind])},
                )
                for kind in missing
            ]
        )


async def _result_faults(
    viewer: Viewer, job: Mapping[str, Any], outcome: Outcome, photos: Sequence[str]
) -> list[Fault]:
    """What a result of this kind still lacks."""
    faults: list[Fault] = []
    if Kind(job["kind"]) is Kind.PROCESSING:
        done = await queries.runs_done(job["warehouse_id"], job["id"])
        if outcome is Outcome.SUCCEEDED and done < job["quantity"]:
            faults.append(
                Fault(
                    "outcome",
                    outcome,
                    N_("%(done)s of %(wanted)s runs are done. Do the others first, or say that it succeeded in part."),
                    {"done": done, "wanted": int(job["quantity"])},
                )
            )
        if outcome is Outcome.PARTLY and not done:
            faults.append(
                Fault("outcome", outcome, N_("Nothing has been transformed yet. Do that first, or say that it failed."))
            )
        has_photo = bool(await files_queries.photos_among(viewer, photos)) or await DB.value(
            SQL["has_photo"], job["warehouse_id"], job["id"]
        )
        if outcome is not Outcome.FAILED and not has_photo:
            faults.append(Fault("photos", "", N_("Add a photo of the goods as they are now.")))
    elif outcome is not Outcome.FAILED and job["partner_status"] is None:
        faults.append(Fault("outcome", outcome, N_("Say first to whom the matter was referred, and how far it is.")))
    return faults


async def _journal(viewer: Viewer, job: Mapping[str, Any], act: str, after: Mapping[str, object]) -> None:
    await journal.write(viewer, act, "service_job", job["id"], after=after, warehouse_id=job["warehouse_id"])
