"""What all acts on a job have in common: it is found and locked, it moves on, its parties hear of it, papers are kept."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Right, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.messages import actions as messages
from backend.stages import actions as stages
from backend.stages.rules import Subject
from backend.value_added import papers, rules
from backend.value_added.rules import ENDED, Act, Stage

SQL = blocks(Path(__file__).with_name("jobs.sql"))
MOST_DOCUMENTS = 20


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that the viewer's organisation has brought (its hash, hex), and what kind of document it is."""

    kind: str
    hash: str


async def locked(viewer: Viewer, job_id: uuid.UUID) -> asyncpg.Record:
    """A job in the viewer's scope, locked until the transaction ends."""
    row = await DB.row(SQL["lock_job"], job_id)
    if row is None or not files_queries.sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchJob
    return row


def require_either(viewer: Viewer, job: Mapping[str, Any]) -> None:
    """The viewer belongs to one of the job's two parties, and has its right."""
    if viewer.kind is OrganisationKind.EXPORTER:
        access_rules.require(viewer, Right.REQUEST_SERVICES)
        if not access_rules.owns(viewer, job["owner_id"]):
            raise rules.NotTheOwner
    else:
        rules.require_operator(viewer, job["warehouse_id"])


def step(job: Mapping[str, Any], act: Act, revision: int) -> Stage:
    """The stage that an act leads to; refuses one that is not possible now, and a page that is older than the job."""
    stage = rules.after(Stage(job["stage"]), act)
    if job["revision"] != revision:
        raise Conflict
    return stage


async def move(job: Mapping[str, Any], stage: Stage, at: datetime) -> None:
    if stage in ENDED:
        await stages.leave(Subject.SERVICE, job["warehouse_id"], [job["id"]], at)
    else:
        await stages.enter(entry_of(job, stage, at))


def entry_of(job: Mapping[str, Any], stage: Stage, at: datetime, due_at: datetime | None = None) -> stages.Entry:
    """A job as it enters a stage."""
    return entry(
        job["warehouse_id"], job["owner_id"], job["id"], job["number"], stage, at, due_at=due_at, reason=job["kind"]
    )


def entry(
    warehouse_id: int,
    owner_id: int,
    job_id: uuid.UUID,
    number: str,
    stage: Stage,
    at: datetime,
    *,
    due_at: datetime | None = None,
    reason: str = "",
) -> stages.Entry:
    """A job as it enters a stage; its reason is its kind."""
    return stages.Entry(
        subject=Subject.SERVICE,
        subject_id=job_id,
        warehouse_id=warehouse_id,
        owner_id=owner_id,
        number=number,
        stage=stage,
        at=at,
        due_at=due_at,
        reason=reason,
    )


async def tell(
    organisation_id: int, job_id: uuid.UUID, sentence: str, facts: Mapping[str, object], level: str = "neutral"
) -> None:
    """Tell a party of a job, inside the caller's transaction."""
    await messages.notify_all([news(organisation_id, job_id, sentence, facts, level)])


def news(
    organisation_id: int, job_id: uuid.UUID, sentence: str, facts: Mapping[str, object], level: str
) -> messages.News:
    """Something about a job for one of its parties to know."""
    return messages.News(
        organisation_id=organisation_id,
        level="warn" if level == "warn" else "neutral",
        sentence=sentence,
        facts=facts,
        href=messages.path_of(Subject.SERVICE, job_id),
    )


def check_documents(documents: Sequence[Document], faults: list[Fault]) -> None:
    """Every document is of a known kind, and there are not too many."""
    if len(documents) > MOST_DOCUMENTS:
        faults.append(
            Fault(
                "documents",
                len(documents),
                N_("At most %(most)s files at once are possible. Send the others afterwards."),
                {"most": MOST_DOCUMENTS},
            )
        )
    for number, document in enumerate(documents):
        papers.document_kind(f"documents.{number}.kind", document.kind, faults)


async def keep_documents(
    viewer: Viewer, warehouse_id: int, owner_id: int, job_id: uuid.UUID, documents: Sequence[Document]
) -> None:
    """Keep checked documents of a job, inside the caller's transaction."""
    if not documents:
        return
    ids = [values.new_id() for _ in documents]
    kinds = [document.kind for document in documents]
    await DB.run(SQL["documents"], warehouse_id, job_id, viewer.organisation_id, viewer.user_id, ids, kinds)
    for number, (document_id, document) in enumerate(zip(ids, documents, strict=True)):
        await files_actions.attach(
            viewer,
            [document.hash],
            warehouse_id=warehouse_id,
            owner_id=owner_id,
            subject="service_job",
            subject_id=document_id,
            field=f"documents.{number}.hash",
        )
