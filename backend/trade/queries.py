"""What may be asked of trade files: their runs, and the rows they rejected. For those who import, of their warehouses."""

import csv
import io
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text, values
from backend.core.database import DB, blocks
from backend.core.errors import NotFound, Refusal
from backend.core.listing import BOM, Clause, Column, Key, Listing, on_the_clock, where
from backend.core.text import N_
from backend.stock import queries as stock_queries
from backend.trade import mapping as mappings
from backend.trade import reasons, rules, work
from backend.trade.mapping import FileMapping
from backend.trade.reasons import Why
from backend.trade.rules import State

SQL = blocks(Path(__file__).with_name("queries.sql"))
PART_ROWS = 1000

RUNS = Listing(
    source=(
        "trade_run r join warehouse w on w.id = r.warehouse_id join organisation o on o.id = r.owner_id "
        "left join user_account u on u.id = r.actor_id"
    ),
    fields={
        "id": "r.id",
        "created_at": "r.created_at",
        "time_zone": "w.time_zone",
        "warehouse": "w.code",
        "warehouse_names": "w.names",
        "owner": "o.code",
        "owner_names": "o.names",
        "mapping": "r.mapping",
        "file_name": "r.file_name",
        "actor": "u.name",
        "state": "r.state",
        "rows": "r.rows",
        "posted": "r.posted",
        "already": "r.already",
        "rejected": "r.rejected",
    },
    key=(Key("r.created_at", "timestamptz"), Key("r.id", "uuid")),
    descending=True,
    columns=(
        on_the_clock(N_("Begun"), "r.created_at"),
        Column(N_("Time zone"), "w.time_zone"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Exporter"), "o.code"),
        Column(N_("Mapping"), "r.mapping"),
        Column(N_("File"), "r.file_name", free_text=True),
        Column(N_("Person"), "u.name", free_text=True),
        Column(N_("State"), "r.state"),
        Column(N_("Rows"), "r.rows"),
        Column(N_("Posted"), "r.posted"),
        Column(N_("Posted before"), "r.already"),
        Column(N_("Rejected"), "r.rejected"),
    ),
)

REJECTS = Listing(
    source="trade_reject j",
    fields={"line_no": "j.line_no", "column": "j.column_name", "value": "j.value", "reason": "j.reason"},
    key=(Key("j.line_no", "integer"),),
)


async def run_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of runs: warehouse, owner, state."""
    access_rules.require(viewer, Right.IMPORT_TRADE)
    clauses = stock_queries.scope(viewer, "r")
    if warehouse := filters.get("warehouse"):
        clauses.append(where("w.code = ?", values.code_of(warehouse)))
    if owner := filters.get("owner"):
        clauses.append(where("o.code = ?", values.code_of(owner)))
    if state := filters.get("state"):
        clauses.append(where("r.state = ?", state))
    return clauses


async def run(viewer: Viewer, run_id: uuid.UUID) -> asyncpg.Record:
    """A run with its words; only of a warehouse in the viewer's scope."""
    access_rules.require(viewer, Right.IMPORT_TRADE)
    row = await DB.row(SQL["run"], run_id)
    if row is None or not stock_queries.sees(viewer, row["warehouse_id"], row["owner_id"]):
        raise NotFound
    return row


async def owners_before(viewer: Viewer) -> list[asyncpg.Record]:
    """The exporters whose files were imported into the viewer's warehouses before: code and names."""
    access_rules.require(viewer, Right.IMPORT_TRADE)
    return await DB.fetch(SQL["owners_before"], list(viewer.warehouse_ids))


async def is_interrupted(row: asyncpg.Record) -> bool:
    """Whether a run that is not finished has nobody at work on it."""
    return row["state"] in (State.READING, State.POSTING) and not await work.is_at_work(row["id"])


def reject_clauses(row: asyncpg.Record, filters: Mapping[str, str]) -> list[Clause]:
    """The rejected rows of a run that the viewer was given by `run`; filter reason."""
    clauses = [where("j.warehouse_id = ?", row["warehouse_id"]), where("j.run_id = ?", row["id"])]
    if reason := filters.get("reason"):
        clauses.append(where("j.reason = ?", reason))
    return clauses


def said(row: asyncpg.Record, file_mapping: FileMapping | None, columns: int) -> str:
    """Why a row was rejected, in the language of the moment."""
    why = Why(row["reason"])
    if file_mapping is None:
        return text.gettext(reasons.WHY_NAMES[why])
    return text.say(reasons.WHY_SENTENCES[why], reasons.facts_of(why, str(row["value"]), file_mapping, columns))


def mapping_of(row: asyncpg.Record) -> FileMapping | None:
    """The mapping a run was read with, if it is still there."""
    try:
        return mappings.load(row["mapping"])
    except Refusal:
        return None


async def rejected_csv(
    viewer: Viewer, run_id: uuid.UUID, file_mapping: FileMapping | None = None
) -> AsyncIterator[bytes]:
    """The rejected rows of a run as a file that can be corrected and imported again, as it is read.

    The retailer's columns as they were, formulas made harmless, then line, column, value, reason and origin.
    """
    row = await run(viewer, run_id)
    chosen = file_mapping or mapping_of(row)
    header = list(row["header"])
    delimiter = chosen.delimiter if chosen else ","
    yield BOM + _written([[*header, *rules.EXTRA_COLUMNS]], delimiter)
    assert DB.pool is not None
    # A connection of its own: the reader of the file may be slow, and no transaction of the caller is kept open.
    async with DB.pool.acquire() as connection, connection.transaction(readonly=True):
        part: list[list[str]] = []
        async for reject in connection.cursor(SQL["rejected"], row["warehouse_id"], run_id, prefetch=PART_ROWS):
            cells = _fitted(reject["cells"], len(header), delimiter)
            extra = (
                str(reject["line_no"]),
                reject["column_name"],
                reject["value"],
                said(reject, chosen, len(header)),
                f"{run_id}:{reject['line_no']}",
            )
            part.append([rules.neutral(cell) for cell in (*cells, *extra)])
            if len(part) == PART_ROWS:
                yield _written(part, delimiter)
                part = []
        if part:
            yield _written(part, delimiter)


def _fitted(cells: list[str], width: int, delimiter: str) -> list[str]:
    """As many cells as the heading has: missing ones are empty, surplus ones stay together in the last."""
    if len(cells) > width:
        return [*cells[: width - 1], delimiter.join(cells[width - 1 :])]
    return cells + [""] * (width - len(cells))


def _written(rows: Iterable[list[str]], delimiter: str) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


async def write_rejected(viewer: Viewer, run_id: uuid.UUID, file_mapping: FileMapping, folder: Path, name: str) -> Path:
    """Write the rejected rows of a run into a new file in `folder`, named after the file they come from."""
    stem = name.removesuffix(".gz").removesuffix(".csv")
    for number in range(1, 10_000):
        path = folder / (f"{stem}.rejected.csv" if number == 1 else f"{stem}.rejected-{number}.csv")
        try:
            file = path.open("xb")
        except FileExistsError:
            continue
        with file:
            async for part in rejected_csv(viewer, run_id, file_mapping):
                file.write(part)
        return path
    raise FileExistsError(path)
