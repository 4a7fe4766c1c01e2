"""Writes travel together only where none sees what another changes."""

import asyncpg
import pytest

from backend.core import writes
from backend.core.database import DB

ONE = "with put_one as (\n  insert into one (n) values ($1)\n)\nselect"
OTHER = (
    "-- with a word about it: update one\nwith put_other as (\n  insert into other (n, m) values ($1, $2)\n)\nselect"
)
READS_ONE = "with put_third as (\n  insert into third (n) select n from one where n = $1\n)\nselect"
CHANGES_ONE = "with changed as (\n  update one set n = n + $1\n)\nselect"


def test_parameters_of_later_writes_are_counted_on() -> None:
    sql, arguments = writes.together([(ONE, (1,)), (OTHER, (2, 3))])
    assert " ".join(sql.split()) == (
        "with put_one as ( insert into one (n) values ($1) ), put_other as ( insert into other (n, m) values ($2, $3) ) select"
    )
    assert arguments == (1, 2, 3)


def test_one_write_stays_as_it_is() -> None:
    assert writes.together([(OTHER, (2, 3))]) == (OTHER, (2, 3))


@pytest.mark.parametrize(
    ("waiting", "sql", "fits"),
    [
        ([], ONE, True),
        ([ONE], OTHER, True),
        ([ONE], ONE, False),
        ([ONE], CHANGES_ONE, False),
        ([ONE], READS_ONE, False),
        ([READS_ONE], ONE, False),
        ([OTHER], READS_ONE, True),
        ([OTHER, ONE], CHANGES_ONE, False),
    ],
)
def test_who_travels_with_whom(waiting: list[str], sql: str, fits: bool) -> None:
    assert writes.fits([(each, (1,)) for each in waiting], sql) is fits


@pytest.mark.parametrize(
    "sql", ["insert into one (n) values ($1)", "with one as (insert into one (n) values ($1)) table one"]
)
def test_another_form_is_refused(sql: str) -> None:
    with pytest.raises(ValueError, match="travels with others"):
        writes.together([(sql, (1,)), (OTHER, (2, 3))])


@pytest.fixture
async def tables(database: str) -> None:
    await DB.run("drop table if exists one, other")
    await DB.run("create table one (n int check (n < 100))")
    await DB.run("create table other (n int, m int)")


@pytest.mark.usefixtures("tables")
async def test_writes_wait_until_something_is_read_or_the_transaction_ends() -> None:
    async with DB.transaction():
        await DB.write(ONE, 1)
        await DB.write(OTHER, 2, 3)
        assert len(DB.current_transaction.get().waiting) == 2
        assert await DB.value("select n from one") == 1
        assert await DB.value("select m from other") == 3
        await DB.write(CHANGES_ONE, 5)
        await DB.write(CHANGES_ONE, 6)
        assert len(DB.current_transaction.get().waiting) == 1
    assert await DB.value("select n from one") == 12


@pytest.mark.usefixtures("tables")
async def test_a_write_outside_a_transaction_is_done_at_once() -> None:
    await DB.write(ONE, 7)
    assert await DB.value("select n from one") == 7


@pytest.mark.usefixtures("tables")
async def test_what_waits_in_a_savepoint_ends_with_it() -> None:
    async with DB.transaction():
        await DB.write(ONE, 1)
        with pytest.raises(ZeroDivisionError):
            async with DB.transaction():
                await DB.write(OTHER, 2, 3)
                raise ZeroDivisionError
        with pytest.raises(asyncpg.CheckViolationError):
            async with DB.transaction():
                await DB.write(CHANGES_ONE, 100)
        async with DB.transaction():
            await DB.write(CHANGES_ONE, 1)
    assert await DB.value("select n from one") == 2
    assert await DB.value("select count(*) from other") == 0


@pytest.mark.usefixtures("tables")
async def test_a_refused_write_undoes_the_transaction_at_its_end() -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        async with DB.transaction():
            await DB.write(OTHER, 2, 3)
            await DB.write(ONE, 100)
    assert await DB.value("select count(*) from other") == 0
    assert await DB.value("select 1") == 1


@pytest.mark.usefixtures("tables")
async def test_a_last_statement_answers_together_with_the_writes() -> None:
    async with DB.transaction():
        await DB.write(ONE, 1)
        rows = await DB.fetch_with_writes(
            "with put as (insert into other values ($1, $2) returning m) select m from put", 2, 3
        )
        assert [row["m"] for row in rows] == [3]
        assert not DB.current_transaction.get().waiting
        rows = await DB.fetch_with_writes("with seen as (select n from one where n >= $1) select n from seen", 0)
        assert [row["n"] for row in rows] == [1]
        await DB.write(CHANGES_ONE, 1)
        rows = await DB.fetch_with_writes("with seen as (select n from one where n >= $1) select n from seen", 0)
        assert [row["n"] for row in rows] == [2]
