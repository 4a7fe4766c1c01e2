"""What may be asked about stages, always in the viewer's scope: what is due, how a document came to where it is."""

import uuid
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotFound
from backend.core.listing import Clause, Column, Key, Listing, on_the_clock, where
from backend.core.text import N_
from backend.stages import rules
from backend.stages.rules import Standing, Subject, Turn

SQL = blocks(Path(__file__).with_name("queries.sql"))

OPEN = Listing(
    source="stage s join warehouse w on w.id = s.warehouse_id join organisation o on o.id = s.owner_id",
    fields={
        "subject": "s.subject",
        "subject_id": "s.subject_id",
        "number": "s.number",
        "stage": "s.stage",
        "turn": "s.turn",
        "reason": "s.reason",
        "supervision_code": "s.supervision_code",
        "warehouse": "w.code",
        "warehouse_names": "w.names",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "owner_names": "o.names",
        "entered_at": "s.entered_at",
        "due_at": "s.due_at",
    },
    key=(Key("s.due_at", "timestamptz"), Key("s.id", "uuid")),
    json=(
        *("subject", "subject_id", "number", "stage", "turn", "reason", "supervision_code", "warehouse", "owner"),
        *("entered_at", "due_at"),
    ),
    columns=(
        Column(N_("Kind"), "s.subject"),
        Column(N_("Number"), "s.number"),
        Column(N_("Stage"), "s.stage"),
        Column(N_("Whose turn"), "s.turn"),
        Column(N_("Reason"), "s.reason", free_text=True),
        Column(N_("Supervision code"), "s.supervision_code"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        on_the_clock(N_("Since"), "s.entered_at"),
        on_the_clock(N_("Due"), "s.due_at"),
    ),
)


def scope(viewer: Viewer) -> list[Clause]:
    """The stages that are open in the viewer's scope."""
    clauses = [where("s.left_at is null")]
    if viewer.kind is Kind.OPERATOR:
        clauses.append(where("s.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        clauses.append(where("s.owner_id = ?", viewer.organisation_id))
    return clauses


def open_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters subject, stage, turn, standing, warehouse, owner (codes), reason, supervision; for OPEN."""
    clauses = scope(viewer)
    faults: list[Fault] = []
    for name, kind in (("subject", Subject), ("turn", Turn)):
        if value := filters.get(name):
            if value not in list(kind):
                faults.append(_unknown(name, value))
            clauses.append(where(f"s.{name} = ?", value))
    for name, column in (("stage", "s.stage"), ("reason", "s.reason"), ("supervision", "s.supervision_code")):
        if value := filters.get(name):
            clauses.append(where(f"{column} = ?", value))
    for name, column in (("warehouse", "w.code"), ("owner", "o.code")):
        if value := filters.get(name):
            clauses.append(where(f"{column} = ?", values.code_of(value)))
    if value := filters.get("standing"):
        now = clock.now()
        if value == Standing.OVERDUE:
            clauses.append(where("s.due_at < ?", now))
        elif value == Standing.SOON:
            clauses.append(where("s.due_at between ? and ?", now, now + rules.SOON))
        elif value == Standing.RUNNING:
            clauses.append(where("s.due_at > ?", now + rules.SOON))
        else:
            faults.append(_unknown("standing", value))
    if faults:
        raise Invalid(faults)
    return clauses


async def history(viewer: Viewer, subject: Subject, subject_id: uuid.UUID) -> list[asyncpg.Record]:
    """Every stay of a document in a stage, oldest first; only what the viewer may see."""
    rows = await DB.fetch(SQL["history"], subject, subject_id)
    return [
        row
        for row in rows
        if access_rules.sees_everything(viewer)
        or access_rules.runs_warehouse(viewer, row["warehouse_id"])
        or access_rules.owns(viewer, row["owner_id"])
    ]


async def document(viewer: Viewer, subject: str, subject_id: uuid.UUID) -> asyncpg.Record:
    """Where a document stands or stood last (warehouse_id, owner_id, number, ...), if the viewer may see it."""
    rows = await history(viewer, Subject(subject), subject_id) if subject in list(Subject) else []
    if not rows:
        raise NotFound
    return rows[-1]


def _unknown(field: str, value: str) -> Fault:
    return Fault(field, value, N_("“%(value)s” is not possible here. Choose one of the list."), {"value": value})
