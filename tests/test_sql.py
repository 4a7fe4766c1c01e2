"""Every statement of every .sql file is accepted by PostgreSQL against the migrated schema."""

import re
from pathlib import Path

import pytest

from backend.core.database import DB, blocks
from backend.stock import listings

BACKEND = Path(__file__).resolve().parents[1] / "backend"
STATEMENTS = [
    (f"{path.relative_to(BACKEND)}:{name}", sql)
    for path in sorted(BACKEND.rglob("*.sql"))
    if path.parent.name != "migrations"
    for name, sql in blocks(path).items()
]


def test_there_are_statements() -> None:
    assert len(STATEMENTS) > 20


@pytest.mark.parametrize(("name", "sql"), STATEMENTS, ids=[name for name, _ in STATEMENTS])
@pytest.mark.usefixtures("database")
async def test_a_statement_prepares(name: str, sql: str) -> None:
    if "{" in sql:
        pytest.skip("a template; its users' tests run it")
    async with DB.connection() as connection:
        await connection.prepare(sql)


@pytest.mark.usefixtures("database")
async def test_writes_that_travel_name_tables_not_views() -> None:
    """What a view reads is not seen by the rule that keeps writes apart, see `backend.core.writes`."""
    views = {row["viewname"] for row in await DB.fetch("select viewname from pg_views where schemaname = 'public'")}
    travelling = {name: sql for name, sql in STATEMENTS if sql.endswith("\nselect") or name.endswith("ledger.sql:post")}
    assert len(travelling) > 5
    assert views
    found = {name: views & set(re.findall(r"\b(?:from|join)\s+(\w+)", sql)) for name, sql in travelling.items()}
    assert not {name: named for name, named in found.items() if named}


@pytest.mark.parametrize("listing", ["BALANCES", "MOVEMENTS", "LINES", "HOLDS", "RESERVATIONS"])
@pytest.mark.usefixtures("database")
async def test_a_list_prepares_as_page_json_and_csv(listing: str) -> None:
    made = getattr(listings, listing)
    async with DB.connection() as connection:
        await connection.prepare(made.page_sql([], None, 10)[0])
        if made.json:
            await connection.prepare(made.json_sql([], None, 10)[0])
        if made.columns:
            await connection.prepare(made.copy_sql([])[0])
