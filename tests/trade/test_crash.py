"""kill -9 in the middle of an import: the same command finishes it with the same result."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from backend.core.database import DB
from backend.stock import queries as stock_queries
from tests.trade import files
from tests.trade.files import Row, row
from tests.trade.test_import import Shop, make_shop

ROOT = Path(__file__).parents[2]


def many() -> list[Row]:
    """Some ninety thousand rows of three months, with returns and adjustments, not in the order of time."""
    rows = []
    for n in range(90_000):
        day, item, invoice = n * 7 % 80, f"I{n * 31 % 900}", n // 20
        at = f"2010-{10 + day // 28}-{1 + day % 28:02} {8 + n % 9:02}:{n % 60:02}:00"
        if n % 40 == 0:
            rows.append(row(f"C{invoice}", item=item, quantity=-(1 + n % 3), at=at))
        elif n % 333 == 0:
            rows.append(row(str(invoice), item=item, quantity=-(1 + n % 5), at=at, description="", price="0.0"))
        else:
            rows.append(row(str(invoice), item="POST" if n % 500 == 1 else item, quantity=1 + n % 7, at=at))
    return rows


def command(url: str, shop: Shop, file: Path) -> Callable[[], Awaitable[asyncio.subprocess.Process]]:
    """The import as somebody types it."""
    arguments = [str(file), "--warehouse", shop.warehouse, "--exporter", shop.exporter.organisation_code]
    flags = ["--mapping", "online-retail", "--open-missing", "--create", "--json"]

    def start() -> Awaitable[asyncio.subprocess.Process]:
        return asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "backend", "import", "trade", *arguments, *flags),
            env={**os.environ, "LUOCANG_DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
            cwd=file.parent,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    return start


async def killed_when(start: Callable[[], Awaitable[asyncio.subprocess.Process]], sql: str, *arguments: object) -> None:
    """Start the command and kill it, without a chance to clean up, as soon as the query says so."""
    process = await start()
    for _ in range(20_000):
        if process.returncode is not None or await DB.value(sql, *arguments):
            break
        await asyncio.sleep(0.005)
    assert process.returncode is None, (await process.communicate())[1].decode()
    process.send_signal(signal.SIGKILL)
    await process.communicate()


async def test_a_killed_import_is_finished_by_the_same_command(database: str, tmp_path: Path) -> None:
    file = files.write(tmp_path / "sales.csv.gz", many(), packed=True)
    shop, calm = await make_shop(tmp_path), await make_shop(tmp_path)
    start = command(database, shop, file)
    staged = "select exists (select from pg_tables where schemaname = 'trade_staging' and tablename like 'rows%')"
    await killed_when(start, staged)
    posted = "select exists (select from trade_run where warehouse_id = $1 and opened > 0)"
    await killed_when(start, posted, shop.warehouse_id)
    first = await DB.value("select count(*) from trade_row where warehouse_id = $1", shop.warehouse_id)
    more = "select (select count(*) from trade_row where warehouse_id = $1) > $2"
    await killed_when(start, more, shop.warehouse_id, first)
    assert 0 < await DB.value("select count(*) from trade_row where warehouse_id = $1", shop.warehouse_id) < 90_000

    summaries = []
    for begin in (start, command(database, calm, file)):
        process = await begin()
        said, complained = await process.communicate()
        assert process.returncode == 0, complained.decode()
        summaries.append(json.loads(said.decode().splitlines()[-1]))
    for name in ("rows", "posted", "rejected", "already", "opened", "opened_items", "new_items", "reasons"):
        assert summaries[0][name] == summaries[1][name], name
    assert summaries[0]["posted"] + summaries[0]["rejected"] == 90_000
    assert await shop.state() == await calm.state()
    assert await shop.on_hand() == await calm.on_hand()
    assert await DB.value("select count(*) from trade_run where warehouse_id = $1", shop.warehouse_id) == 1
    assert await DB.value("select count(*) from pg_tables where schemaname = 'trade_staging'") == 0
    assert not await stock_queries.differences()


async def test_imports_of_one_file_at_once_book_it_once(database: str, tmp_path: Path) -> None:
    file = files.write(tmp_path / "sales.csv", [row(str(n), item=f"I{n % 5}") for n in range(2000)])
    shop = await make_shop(tmp_path)
    shop.warehouse = "TO-BE-MADE"
    start = command(database, shop, file)
    processes = [await start() for _ in range(3)]
    said = [await process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    summaries = [json.loads(out.decode().splitlines()[-1]) for out, _ in said]
    assert sorted(summary["already"] for summary in summaries) == [0, 2000, 2000]
    booked = "select count(*) from trade_row r join warehouse w on w.id = r.warehouse_id where w.code = 'TO-BE-MADE'"
    assert await DB.value(booked) == 2000
