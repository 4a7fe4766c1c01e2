"""The daily reconciliation: what rooms say they moved beside what the ledger and the charges have, and every orphan of either side."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.listing import LARGEST_PAGE, Clause, Column, Key, Listing, on_the_clock, where
from backend.core.text import N_, P_
from backend.messages import actions as messages
from backend.messages.actions import News
from backend.monitor.rules import Effect, Wrong
from backend.stages.rules import Subject
from backend.stock import codes

SQL = blocks(Path(__file__).with_name("reconciliation.sql"))
# Nights that were missed are made up for, but no further back.
MOST_DAYS_BACK = 31
WAREHOUSES_AT_ONCE = 50
_FOUND = N_("Reconciliation of %(day)s in warehouse %(warehouse)s: %(orphans)s entries do not fit together.")


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse's day that was paired: effects of rooms, documents that name one, and how many entries do not fit."""

    warehouse_id: int
    warehouse: str
    operator_id: int
    id: uuid.UUID
    day: date
    effects: int
    documents: int
    orphans: int


# ------------------------------------------------------------------------------------------------------------- pairing


async def reconcile(day: date, warehouses: Sequence[str] | None = None) -> list[Paired]:
    """Pair one day (by each warehouse's own clock) of all warehouses, or of some; what was found before stays in the history."""
    wanted = None if warehouses is None else [values.code_of(code) for code in warehouses]
    rows = await DB.fetch(SQL["warehouses"], wanted)
    if unknown := set(wanted or ()) - {row["code"] for row in rows}:
        raise codes.NoSuchWarehouse(warehouse=min(unknown))
    return await _pair([(row["id"], day) for row in rows])


async def reconcile_waiting(now: datetime | None = None) -> list[Paired]:
    """Pair every day that is over and was not paired yet; nights that were missed are made up for."""
    rows = await DB.fetch(SQL["waiting"], now or clock.now(), MOST_DAYS_BACK)
    return await _pair([(row["warehouse_id"], row["day"]) for row in rows])


async def _pair(days: Sequence[tuple[int, date]]) -> list[Paired]:
    done: list[Paired] = []
    for start in range(0, len(days), WAREHOUSES_AT_ONCE):
        part = days[start : start + WAREHOUSES_AT_ONCE]
        places, dates = [place for place, _ in part], [day for _, day in part]
        async with DB.transaction():
            rows = await DB.fetch(SQL["pair"], [values.new_id() for _ in part], places, dates)
            found = [Paired(**dict(row)) for row in rows]
            await _tell(found)
        done += found
    return done


async def _tell(paired: Sequence[Paired]) -> None:
    """Operators and the committee hear of days that do not fit."""
    wrong = [each for each in paired if each.orphans]
    if not wrong:
        return
    committees = [row["id"] for row in await DB.fetch(SQL["committees"])]
    await messages.notify_all(
        [
            News(
                organisation_id=organisation_id,
                level="bad",
                sentence=_FOUND,
                facts={"day": str(each.day), "warehouse": each.warehouse, "orphans": each.orphans},
                href=f"/monitor/reconciliation?warehouse={each.warehouse}&day={each.day}",
                dedupe_key=f"orphans:{each.warehouse_id}:{each.day}:{each.orphans}",
            )
            for each in wrong
            for organisation_id in (each.operator_id, *committees)
        ]
    )


# --------------------------------------------------------------------------------------------------------------- lists

_LATEST = (
    "not exists (select from reconciliation n where n.warehouse_id = c.warehouse_id and n.day = c.day "
    "and (n.made_at, n.id) > (c.made_at, c.id))"
)
RUNS = Listing(
    source="reconciliation c",
    joins="join warehouse w on w.id = c.warehouse_id",
    fields={
        "id": "c.id",
        "warehouse": "w.code",
        "warehouse_names": "w.names",
        "time_zone": "w.time_zone",
        "day": "c.day",
        "effects": "c.effects",
        "documents": "c.documents",
        "orphans": "c.orphans",
        "made_at": "c.made_at",
    },
    key=(Key("c.made_at", "timestamptz"), Key("c.warehouse_id"), Key("c.id", "uuid")),
    descending=True,
    json=("id", "warehouse", "day", "effects", "documents", "orphans", "made_at"),
    columns=(
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Day"), "c.day"),
        Column(N_("Effects"), "c.effects"),
        Column(P_("count", "Documents"), "c.documents"),
        Column(N_("Do not fit"), "c.orphans"),
        on_the_clock(N_("Paired at"), "c.made_at"),
    ),
)
ORPHANS = Listing(
    source=(
        "orphan x join reconciliation c on c.warehouse_id = x.warehouse_id and c.id = x.reconciliation_id "
        "join warehouse w on w.id = x.warehouse_id join organisation o on o.id = x.owner_id "
        "left join item i on i.id = x.item_id"
    ),
    fields={
        "warehouse_id": "x.warehouse_id",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "day": "c.day",
        "made_at": "c.made_at",
        "wrong": "x.wrong",
        "effect": "x.effect",
        "subject": "x.subject",
        "subject_id": "x.subject_id",
        "number": "x.number",
        "item": "i.code",
        "document": "x.document_id",
        "reason": "x.reason",
        "expected": "x.expected",
        "found": "x.found",
    },
    key=(Key("c.made_at", "timestamptz"), Key("x.warehouse_id"), Key("x.line_no", "integer")),
    descending=True,
    json=(
        *("warehouse", "owner", "day", "wrong", "effect", "subject", "subject_id", "number", "item", "document"),
        *("expected", "found", "made_at"),
    ),
    columns=(
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Day"), "c.day"),
        Column(N_("What is wrong"), "x.wrong"),
        Column(N_("Step"), "x.effect"),
        Column(N_("Kind"), "x.subject"),
        Column(N_("Number"), "x.number"),
        Column(N_("Exporter"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Document"), "x.document_id"),
        Column(N_("Expected"), "x.expected"),
        Column(N_("Found"), "x.found"),
        on_the_clock(N_("Paired at"), "c.made_at"),
    ),
)
RUN_FILTERS = ("warehouse", "day")
ORPHAN_FILTERS = ("warehouse", "day", "wrong", "effect", "subject", "owner", "number", "history")


def run_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The runs of warehouses in the viewer's scope (an exporter's are nobody's); filters RUN_FILTERS."""
    found: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        found.append(where("c.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        found.append(where("false"))
    return found + _asked(filters)


def orphan_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """What does not fit, in the viewer's scope, as the latest pairing of each day found it; filters ORPHAN_FILTERS.

    `history` yes: what earlier pairings found as well.
    """
    found: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        found.append(where("x.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        found.append(where("x.owner_id = ?", viewer.organisation_id))
    faults: list[Fault] = []
    for name, kind in (("wrong", Wrong), ("effect", Effect), ("subject", Subject)):
        if value := filters.get(name):
            if value not in list(kind):
                faults.append(_unknown(name, value))
            found.append(where(f"x.{name} = ?", value))
    if faults:
        raise Invalid(faults)
    if owner := filters.get("owner"):
        found.append(where("o.code = ?", values.code_of(owner)))
    if number := filters.get("number"):
        found.append(where("x.number = ?", values.code_of(number)))
    if filters.get("history") != "yes":
        found.append(where(_LATEST))
    return found + _asked(filters)


async def found_by(paired: Sequence[Paired]) -> list[asyncpg.Record]:
    """What pairings of this very run found, warehouse by warehouse; for whoever ran them."""
    ids = [each.id for each in paired if each.orphans]
    found: list[asyncpg.Record] = []
    after: str | None = None
    while ids:
        page = await ORPHANS.page([where("c.id = any(?::uuid[])", ids)], after=after, limit=LARGEST_PAGE)
        found += page.rows
        if page.after is None:
            break
        after = page.after
    return found


def _asked(filters: Mapping[str, str]) -> list[Clause]:
    found: list[Clause] = []
    if warehouse := filters.get("warehouse"):
        found.append(where("c.warehouse_id = (select id from warehouse where code = ?)", values.code_of(warehouse)))
    if typed := filters.get("day"):
        try:
            found.append(where("c.day = ?", date.fromisoformat(typed)))
        except ValueError:
            sentence = N_("“%(value)s” is not a day. Write it like 2026-11-23.")
            raise Invalid([Fault("day", typed, sentence, {"value": typed})]) from None
    return found


def _unknown(field: str, value: str) -> Fault:
    return Fault(field, value, N_("“%(value)s” is not possible here. Choose one of the list."), {"value": value})
