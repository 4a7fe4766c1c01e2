"""Reading: pages of stock out of a million balances, first and hundredth, and the whole list as a file."""

import json
import subprocess
import time
from functools import cache

from backend.access import guards
from backend.core.embedded import EmbeddedPostgres, programs
from backend.stock import listings, queries
from tests.load import network
from tests.load.client import Loader, Peak, Request, Server, memory_of
from tests.load.figures import MIB, Figure

SIZE = {"warehouses": 5, "bins": 400, "exporters": 10, "places": 2, "quantity": 100}
BALANCES_OF_AN_ITEM = SIZE["warehouses"] * SIZE["exporters"] * SIZE["places"]
CLIENTS = 8
JSON, PAGE, FILE = "/api/v1/stock/balances", "/stock/balances", "/stock/balances.csv"
HEADERS = {
    JSON: {"Authorization": f"Bearer {network.TOKEN}"},
    PAGE: {"Cookie": f"{guards.SESSION_COOKIE}={network.SESSION}operator"},
    FILE: {"Cookie": f"{guards.SESSION_COOKIE}={network.SESSION}committee"},
}


def lists(server: EmbeddedPostgres, rounds: int, seconds: float, rows: int) -> tuple[list[Figure], list[str]]:
    """The figures of reading pages with `rows` balances and, for the ratio of times, with a tenth of them."""
    urls = [_book(server, rows), _book(server, rows // 10)]
    figures: list[Figure] = []
    with Server(urls[0]) as large, Server(urls[1]) as small, Loader() as loader:
        for path, least in ((JSON, 600), (PAGE, 200)):
            for number in (1, 100):
                rate = Figure(f"GET {path}, page {number}, {CLIENTS} clients", "requests/s", least)
                p50 = Figure(f"  p50 with {rows:,} balances", "ms", most=1.3, base_name=f"{rows // 10:,}")
                figures += [rate, p50]
                status, *_ = large.get(path, HEADERS[path])
                if status != 200:
                    rate.absent = p50.absent = f"not there ({status})"
                    continue
                asked = [(web, _requests(web, path, number)) for web in (large, small)]
                for turn in range(rounds + 1):
                    answers = [loader(web.port, requests, CLIENTS, seconds if turn else 1) for web, requests in asked]
                    assert all(set(each.statuses) == {200} for each in answers), answers[0].statuses
                    if turn:
                        rate.add(answers[0].rate)
                        p50.add(answers[0].p50_ms, answers[1].p50_ms)
    return figures, network.faults_of_book(urls[0])


def export(server: EmbeddedPostgres, rounds: int, rows: int) -> tuple[list[Figure], list[str]]:
    """The figures of exporting `rows` balances as CSV over HTTP, against psql copying the same SELECT."""
    url = _book(server, rows)
    rate = Figure(f"GET {FILE}, {rows:,} rows", "rows/s", 0.7, base_name="psql COPY")
    growth = Figure("  memory growth of the worker", "MiB", most=16)
    select = network.work(url, _select)
    with Server(url) as web:
        status, *_ = web.get(f"{FILE}?item=ITEM-1", HEADERS[FILE])
        if status != 200:
            rate.absent = growth.absent = f"not there ({status})"
            return [rate, growth], []
        before = memory_of(web.process)
        for _ in range(rounds):
            begun = time.perf_counter()
            copy = [str(programs() / "psql"), "-Xq", "-c", "set jit = off", "-c", f"copy ({select}) to stdout csv", url]
            subprocess.run(copy, stdout=subprocess.DEVNULL, cwd="/", check=True)
            copied = time.perf_counter()
            with Peak(lambda: memory_of(web.process)) as peak:
                status, _, lines = web.get(FILE, HEADERS[FILE])
            rate.add(rows / (time.perf_counter() - copied), rows / (copied - begun))
            growth.add((peak.most - before) / MIB)
            assert (status, lines) == (200, rows + 1), f"status {status}, {lines} lines"
    return [rate, growth], []


@cache
def _book(server: EmbeddedPostgres, rows: int) -> str:
    return network.make(server, f"load_reading_{rows}", **SIZE, items=rows // BALANCES_OF_AN_ITEM)


def _requests(web: Server, path: str, number: int) -> list[Request]:
    """Requests for that page of the stock of each warehouse; `after` is followed through the API."""
    found = []
    for warehouse in range(1, SIZE["warehouses"] + 1):
        query = place = f"?warehouse=LOAD-{warehouse}&limit=100"
        for _ in range(number - 1):
            # A list that is too short gives its last page.
            if after := json.loads(web.get(JSON + place, HEADERS[JSON])[1])["after"]:
                place = f"{query}&after={after}"
        found.append(Request("GET", path + place, HEADERS[path]))
    return found


async def _select() -> str:
    """The SELECT behind the committee's file."""
    committee = await guards.viewer_of_person("committee@load.example")
    assert committee is not None
    sql, arguments = listings.BALANCES.copy_sql(await queries.balance_clauses(committee, {}))
    assert not arguments
    return sql
