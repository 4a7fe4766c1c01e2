"""The pool survives what happens to transactions."""

import asyncio

import pytest

from backend.core.database import DB

pytestmark = pytest.mark.usefixtures("database")


async def test_a_nested_transaction_is_a_savepoint() -> None:
    async with DB.transaction():
        await DB.run("create temporary table kept (n int) on commit drop")
        with pytest.raises(ZeroDivisionError):
            async with DB.transaction():
                await DB.run("insert into kept values (1)")
                raise ZeroDivisionError
        assert await DB.value("select count(*) from kept") == 0


async def test_cancelled_transactions_give_their_connections_back() -> None:
    async def work() -> None:
        async with DB.transaction():
            await DB.value("select pg_sleep(0.01)")

    for round_ in range(12):
        tasks = [asyncio.create_task(work()) for _ in range(12)]
        await asyncio.sleep(0.001 * (round_ % 4))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(10):
        assert await asyncio.gather(*(DB.value("select 1") for _ in range(16))) == [1] * 16


async def test_a_commit_that_fails_gives_its_connection_back() -> None:
    await DB.run("create table parent (id int primary key)")
    await DB.run("create table child (id int references parent deferrable initially deferred)")
    for _ in range(12):
        with pytest.raises(Exception, match="violates foreign key"):
            async with DB.transaction():
                await DB.run("insert into child values (1)")
    async with asyncio.timeout(10):
        assert await DB.value("select 1") == 1
