"""What may be asked about services, always in the viewer's scope.

Offers of listed warehouses are public; jobs are their owner's, their warehouse's operator's and the committee's.
"""

import uuid
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, in_each_language, on_the_clock, where
from backend.core.text import N_, P_
from backend.files.queries import sees
from backend.stages import queries as stages_queries
from backend.stages.rules import Subject
from backend.value_added import rules
from backend.value_added.pledge_rules import NoSuchPledge, State
from backend.value_added.rules import ENDED, Kind, Stage

SQL = blocks(Path(__file__).with_name("queries.sql"))

OFFERS = Listing(
    source="service_offer f join warehouse w on w.id = f.warehouse_id join organisation p on p.id = w.operator_id",
    fields={
        "id": "f.id",
        "offer_id": "f.offer_id",
        "version": "f.version",
        "kind": "f.kind",
        "names": "f.names",
        "descriptions": "f.descriptions",
        "price": "f.price",
        "currency": "f.currency",
        "unit": "f.unit",
        "lead_days": "f.lead_days",
        "documents": "f.documents",
        "active": "f.active",
        "warehouse_id": "f.warehouse_id",
        "warehouse": "w.code",
        "warehouse_names": "w.names",
        "warehouse_status": "w.status",
        "country": "w.country",
        "city": "w.city",
        "time_zone": "w.time_zone",
        "operator": "p.code",
        "operator_names": "p.names",
        "created_at": "f.created_at",
    },
    key=(Key("w.code", "text"), Key("f.kind", "text"), Key("f.offer_id", "uuid")),
    json=(
        *("id", "offer_id", "version", "kind", "names", "descriptions", "price", "currency", "unit", "lead_days"),
        *("documents", "active", "warehouse", "country", "operator"),
    ),
    columns=(
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Country or region"), "w.country"),
        Column(N_("Kind"), "f.kind"),
        *in_each_language("f.names"),
        Column(N_("Price"), "f.price"),
        Column(N_("Currency"), "f.currency"),
        Column(P_("price", "Unit"), "f.unit"),
        Column(N_("Lead time in days"), "f.lead_days"),
        Column(N_("Documents needed"), "array_to_string(f.documents, ' ')"),
    ),
)
_NEWEST = (
    "not exists (select from service_offer n where n.warehouse_id = f.warehouse_id and n.offer_id = f.offer_id "
    "and n.version > f.version)"
)

JOBS = Listing(
    source="service_job j join warehouse w on w.id = j.warehouse_id join organisation o on o.id = j.owner_id "
    "left join service_offer f on f.warehouse_id = j.warehouse_id and f.id = j.service_offer_id "
    "left join stage s on s.warehouse_id = j.warehouse_id and s.subject = 'service' and s.subject_id = j.id "
    "and s.left_at is null",
    fields={
        "id": "j.id",
        "number": "j.number",
        "kind": "j.kind",
        "process": "j.process",
        "stage": "j.stage",
        "turn": "s.turn",
        "due_at": "s.due_at",
        "offer_names": "f.names",
        "wish": "j.wish",
        "quantity": "j.quantity",
        "unit": "j.unit",
        "quote_amount": "j.quote_amount",
        "quote_currency": "j.quote_currency",
        "outcome": "j.outcome",
        "partner": "j.partner",
        "partner_status": "j.partner_status",
        "settlement": "j.settlement",
        "warehouse": "w.code",
        "warehouse_names": "w.names",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "owner_names": "o.names",
        "requested_at": "j.requested_at",
        "closed_at": "j.closed_at",
        "revision": "j.revision",
    },
    key=(Key("j.requested_at", "timestamptz"), Key("j.id", "uuid")),
    descending=True,
    json=(
        *("id", "number", "kind", "process", "stage", "turn", "due_at", "wish", "quantity", "unit", "quote_amount"),
        *("quote_currency", "outcome", "partner", "partner_status", "settlement", "warehouse", "owner"),
        *("requested_at", "closed_at", "revision"),
    ),
    columns=(
        Column(N_("Number"), "j.number"),
        Column(N_("Kind"), "j.kind"),
        Column(N_("Process"), "j.process"),
        Column(N_("Stage"), "j.stage"),
        Column(N_("Whose turn"), "s.turn"),
        on_the_clock(N_("Due"), "s.due_at"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Request"), "j.wish", free_text=True),
        Column(N_("Quantity"), "j.quantity"),
        Column(P_("price", "Unit"), "j.unit"),
        Column(N_("Amount"), "j.quote_amount"),
        Column(N_("Currency"), "j.quote_currency"),
        Column(N_("Outcome"), "j.outcome"),
        Column(N_("Partner"), "j.partner", free_text=True),
        on_the_clock(N_("Asked at"), "j.requested_at"),
        on_the_clock(N_("Closed at"), "j.closed_at"),
    ),
)

PLEDGES = Listing(
    source="pledge g join warehouse w on w.id = g.warehouse_id join organisation o on o.id = g.owner_id "
    "left join service_job j on j.warehouse_id = g.warehouse_id and j.id = g.job_id "
    "left join user_account u on u.id = g.offered_by left join user_account v on v.id = g.ended_by",
    fields={
        "id": "g.id",
        "number": "g.number",
        "state": "g.state",
        "pledgee": "g.pledgee",
        "contact": "g.contact",
        "reference": "g.reference",
        "pieces": "(select coalesce(sum(p.quantity), 0)::bigint from pledged_goods p "
        "where p.warehouse_id = g.warehouse_id and p.pledge_id = g.id)",
        "warehouse": "w.code",
        "warehouse_names": "w.names",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "owner_names": "o.names",
        "job": "j.number",
        "job_id": "g.job_id",
        "offered_at": "g.offered_at",
        "offered_by": "u.name",
        "agreed_name": "g.agreed_name",
        "agreed_at": "g.agreed_at",
        "ended_at": "g.ended_at",
        "ended_by": "v.name",
        "ended_note": "g.ended_note",
        "wrong_codes": "g.wrong_codes",
        "closed_until": "g.closed_until",
        "warehouse_id": "g.warehouse_id",
        "owner_id": "g.owner_id",
    },
    key=(Key("g.offered_at", "timestamptz"), Key("g.id", "uuid")),
    descending=True,
    json=(
        *("id", "number", "state", "pledgee", "reference", "pieces", "warehouse", "owner", "job", "offered_at"),
        *("agreed_name", "agreed_at", "ended_at"),
    ),
    columns=(
        Column(N_("Number"), "g.number"),
        Column(N_("State"), "g.state"),
        Column(N_("Pledgee"), "g.pledgee", free_text=True),
        Column(N_("Reference"), "g.reference", free_text=True),
        Column(
            N_("Pieces"),
            "(select coalesce(sum(p.quantity), 0) from pledged_goods p where p.warehouse_id = g.warehouse_id "
            "and p.pledge_id = g.id)",
        ),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        on_the_clock(N_("Offered at"), "g.offered_at"),
        on_the_clock(N_("Agreed at"), "g.agreed_at"),
        on_the_clock(N_("Ended at"), "g.ended_at"),
    ),
)

STATEMENTS = Listing(
    source="inventory_statement s join warehouse w on w.id = s.warehouse_id join organisation o on o.id = s.owner_id "
    "left join user_account u on u.id = s.user_id",
    fields={
        "id": "s.id",
        "number": "s.number",
        "as_at": "s.as_at",
        "purpose": "s.purpose",
        "hash": "encode(s.hash, 'hex')",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "made_at": "s.made_at",
        "made_by": "u.name",
    },
    key=(Key("s.made_at", "timestamptz"), Key("s.id", "uuid")),
    descending=True,
    json=("id", "number", "as_at", "purpose", "hash", "warehouse", "owner", "made_at"),
    columns=(
        Column(N_("Number"), "s.number"),
        on_the_clock(N_("As at"), "s.as_at"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Purpose"), "s.purpose", free_text=True),
        Column("SHA-256", "encode(s.hash, 'hex')"),
        on_the_clock(N_("Made at"), "s.made_at"),
    ),
)


def scope(viewer: Viewer, alias: str) -> list[Clause]:
    """What of the rows with warehouse_id and owner_id the viewer may see."""
    if access_rules.sees_everything(viewer):
        return []
    if viewer.kind is OrganisationKind.OPERATOR:
        return [where(f"{alias}.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids))]
    return [where(f"{alias}.owner_id = ?", viewer.organisation_id)]


# ----------------------------------------------------------------------------------------------------------- offers


def offer_clauses(viewer: Viewer | None, filters: Mapping[str, str]) -> list[Clause]:
    """Today's offers: those of listed warehouses for everybody, an operator's own whatever their state, all for the
    committee; filters kind, warehouse, country, operator, state (active, withdrawn).
    """
    clauses = [where(_NEWEST)]
    listed = "(f.active and w.status = 'listed')"
    if viewer is not None and viewer.kind is OrganisationKind.OPERATOR:
        clauses.append(where(f"({listed} or f.warehouse_id = any(?::bigint[]))", list(viewer.warehouse_ids)))
    elif viewer is None or not access_rules.sees_everything(viewer):
        clauses.append(where(listed))
    faults: list[Fault] = []
    if kind := filters.get("kind"):
        if kind not in list(Kind):
            faults.append(_unknown("kind", kind))
        clauses.append(where("f.kind = ?", kind))
    for name, column in (("warehouse", "w.code"), ("operator", "p.code"), ("country", "w.country")):
        if value := filters.get(name):
            clauses.append(where(f"{column} = ?", values.code_of(value)))
    if state := filters.get("state"):
        if state not in ("active", "withdrawn"):
            faults.append(_unknown("state", state))
        clauses.append(where("f.active" if state == "active" else "not f.active"))
    if faults:
        raise Invalid(faults)
    return clauses


async def offer(viewer: Viewer | None, offer_id: uuid.UUID) -> asyncpg.Record:
    """Today's version of an offer (by its own id), if it is the viewer's or the public's to see."""
    clauses = [*offer_clauses(viewer, {}), where("f.offer_id = ?", offer_id)]
    page = await OFFERS.page(clauses, limit=1)
    if not page.rows:
        raise rules.NoSuchOffer
    return page.rows[0]


# ------------------------------------------------------------------------------------------------------------- jobs


def job_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters kind, stage (or ``open``, ``mine``: it is the viewer's turn), warehouse, owner, number."""
    clauses = scope(viewer, "j")
    faults: list[Fault] = []
    if kind := filters.get("kind"):
        if kind not in list(Kind):
            faults.append(_unknown("kind", kind))
        clauses.append(where("j.kind = ?", kind))
    if stage := filters.get("stage"):
        if stage == "open":
            clauses.append(where("j.stage <> all(?::text[])", sorted(ENDED)))
        elif stage == "mine":
            clauses.append(where("s.turn = ?", "operator" if viewer.kind is OrganisationKind.OPERATOR else "owner"))
        else:
            if stage not in list(Stage):
                faults.append(_unknown("stage", stage))
            clauses.append(where("j.stage = ?", stage))
    for name, column in (("warehouse", "w.code"), ("owner", "o.code"), ("number", "j.number")):
        if value := filters.get(name):
            clauses.append(where(f"{column} = ?", values.code_of(value)))
    if faults:
        raise Invalid(faults)
    return clauses


async def job(viewer: Viewer, job_id: uuid.UUID) -> asyncpg.Record:
    """A job with the words its page needs, if it is the viewer's to see."""
    row = await DB.row(SQL["job"], job_id)
    if row is None or not sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise rules.NoSuchJob
    return row


async def recipe(viewer: Viewer, job: asyncpg.Record) -> list[asyncpg.Record]:
    """The lines of a job's recipe; nothing for those who may not see the job."""
    return await _of(viewer, job, "recipe")


async def documents(viewer: Viewer, job: asyncpg.Record) -> list[asyncpg.Record]:
    """The documents of a job, oldest first; nothing for those who may not see the job."""
    return await _of(viewer, job, "documents")


async def steps(viewer: Viewer, job: asyncpg.Record) -> list[asyncpg.Record]:
    """What was done and said about a job, oldest first; nothing for those who may not see the job."""
    return await _of(viewer, job, "steps")


async def history(viewer: Viewer, job_id: uuid.UUID) -> list[asyncpg.Record]:
    """Every stay of a job in a stage, oldest first."""
    return await stages_queries.history(viewer, Subject.SERVICE, job_id)


async def runs_done(warehouse_id: int, job_id: uuid.UUID) -> int:
    """How many runs of a job's recipe were made and not undone; the caller has found the job."""
    found: int = await DB.value(SQL["runs_done"], warehouse_id, job_id)
    return found


async def available(viewer: Viewer, job: asyncpg.Record, most: int = 100) -> list[asyncpg.Record]:
    """What is free of a job's inputs, by line, in the order in which it should be taken: at most `most` of each."""
    if not access_rules.runs_warehouse(viewer, job["warehouse_id"]):
        return []
    return await DB.fetch(SQL["available"], job["warehouse_id"], job["id"], most)


async def _of(viewer: Viewer, job: asyncpg.Record, name: str) -> list[asyncpg.Record]:
    if not sees(viewer, job["warehouse_id"], job["owner_id"]):
        return []
    return await DB.fetch(SQL[name], job["warehouse_id"], job["id"])


# ------------------------------------------------------------------------------------------- pledges and statements


def pledge_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters state, warehouse, owner, number, job (its number)."""
    clauses = scope(viewer, "g")
    if state := filters.get("state"):
        if state not in list(State):
            raise Invalid([_unknown("state", state)])
        clauses.append(where("g.state = ?", state))
    for name, column in (("warehouse", "w.code"), ("owner", "o.code"), ("number", "g.number"), ("job", "j.number")):
        if value := filters.get(name):
            clauses.append(where(f"{column} = ?", values.code_of(value)))
    return clauses


async def pledge(viewer: Viewer, pledge_id: uuid.UUID) -> asyncpg.Record:
    """A pledge with the words its page needs, if it is the viewer's to see."""
    page = await PLEDGES.page([*scope(viewer, "g"), where("g.id = ?", pledge_id)], limit=1)
    if not page.rows:
        raise NoSuchPledge
    return page.rows[0]


async def pledged_goods(warehouse_id: int, pledge_id: uuid.UUID) -> list[asyncpg.Record]:
    """What is pledged, by item, lot, place and condition; the caller has found the pledge."""
    return await DB.fetch(SQL["pledged"], warehouse_id, pledge_id)


def statement_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters warehouse, owner, number."""
    clauses = scope(viewer, "s")
    for name, column in (("warehouse", "w.code"), ("owner", "o.code"), ("number", "s.number")):
        if value := filters.get(name):
            clauses.append(where(f"{column} = ?", values.code_of(value)))
    return clauses


def _unknown(field: str, value: str) -> Fault:
    return Fault(field, value, N_("“%(value)s” is not possible here. Choose one of the list."), {"value": value})
