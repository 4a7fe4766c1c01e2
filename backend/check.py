"""Everything a reviewer would check, apart from the tests."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop
from rich.console import Console

from backend import texts
from backend.core import migrate
from backend.core.database import DB
from backend.core.embedded import EmbeddedPostgres
from backend.piccolo_app import APP_CONFIG
from backend.regulations import rulebook

ROOT = Path(__file__).resolve().parents[1]
_COLUMNS = """select column_name, data_type, is_nullable = 'YES' as nullable
from information_schema.columns where table_schema = 'public' and table_name = $1"""
_TYPES = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TEXT": "text",
    "UUID": "uuid",
    "BYTEA": "bytea",
    "BOOLEAN": "boolean",
    "JSONB": "jsonb",
    "DATE": "date",
    "NUMERIC": "numeric",
    "TIMESTAMPTZ": "timestamp with time zone",
    "TEXT[]": "ARRAY",
}


def run(out: Console) -> Iterator[tuple[str, bool]]:
    """Run each check and say how it went: (name, passed). Programs run beside each other and beside what is checked here."""
    python = [sys.executable, "-m"]
    checks: list[tuple[str, Callable[[], list[str]]]] = [
        ("rules", _rule_faults),
        ("catalogues", texts.faults),
        ("migrations", lambda: uvloop.run(_schema_faults())),
    ]
    programs: list[tuple[str, list[str]]] = [
        ("types", [*python, "mypy"]),
        ("format", [*python, "ruff", "format", "--check", "."]),
        ("lint", [*python, "ruff", "check", "."]),
        ("imports", [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]),
    ]
    with ThreadPoolExecutor() as pool:
        begun = [(name, pool.submit(_command, command)) for name, command in programs]
        checks += [(name, each.result) for name, each in begun]
        yield from _told(checks, out)


def _told(checks: list[tuple[str, Callable[[], list[str]]]], out: Console) -> Iterator[tuple[str, bool]]:
    for name, check in checks:
        faults = check()
        out.print(f"{'[red]failed[/red]' if faults else '[green]passed[/green]'}  {name}")
        for fault in faults[:40]:
            out.print(f"        {fault}", markup=False)
        yield name, not faults


def _rule_faults() -> list[str]:
    """What is wrong with the rule files that ship."""
    try:
        rulebook.editions(rulebook.shipped())
    except rulebook.RulesInvalid as refusal:
        return [f"{fault.field}: {fault.sentence % fault.facts}" for fault in refusal.faults]
    return []


def _command(command: list[str]) -> list[str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines() or ["failed"] if done.returncode else []


async def _schema_faults() -> list[str]:
    """Where a freshly migrated database and the tables of the code differ."""
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="luocang-check-") as home:
        Path(home).chmod(0o711)
        with EmbeddedPostgres(Path(home), settings={"fsync": "off"}) as server:
            server.create_database("check")
            await DB.open(server.url("check"), size=2)
            try:
                await migrate.migrate()
                for table in APP_CONFIG.table_classes:
                    name = table._meta.tablename
                    rows = {row["column_name"]: row for row in await DB.fetch(_COLUMNS, name)}
                    columns = {column._meta.db_column_name: column for column in table._meta.columns}
                    for missing in columns.keys() ^ rows.keys():
                        where = "database" if missing in columns else "code"
                        found.append(f"{name}.{missing} is not in the {where}")
                    for column_name in columns.keys() & rows.keys():
                        column, row = columns[column_name], rows[column_name]
                        if _TYPES.get(column.column_type, column.column_type) != row["data_type"]:
                            found.append(f"{name}.{column_name} is {row['data_type']}, not {column.column_type}")
                        if column._meta.null != row["nullable"]:
                            found.append(f"{name}.{column_name} nullable: {row['nullable']} in the database")
            finally:
                await DB.close()
    return found
