"""Reading: pages of stock out of a million balances, first and hundredth, and the whole list as a file."""

import json
import subprocess
import time
from functools import cache
from http.client import HTTPConnection

from backend.access.guards import SESSION_COOKIE
from backend.access.rules import Kind, Role, Viewer, rights_of
from backend.core.embedded import EmbeddedPostgres, programs
from backend.stock import queries
from tests.load import network
from tests.load.client import Loader, Peak, Request, Server
from tests.load.figures import MIB, Figure

SIZE = {"warehouses": 5, "bins": 400, "exporters": 10, "places": 2, "quantity": 100}
BALANCES_OF_AN_ITEM = SIZE["warehouses"] * SIZE["exporters"] * SIZE["places"]
CLIENTS = 8
JSON, PAGE, FILE = "/api/v1/stock/balances", "/stock/balances", "/stock/balances.csv"
HEADERS = {
    JSON: {"Authorization": f"Bearer {network.TOKEN}"},
    PAGE: {"Cookie": f"{SESSION_COOKIE}={network.SESSION}operator"},
    FILE: {"Cookie": f"{SESSION_COOKIE}={network.SESSION}committee"},
}


def lists(server: EmbeddedPostgres, rounds: int, seconds: float, rows: int) -> tuple[list[Figure], list[str]]:
    """The figures of reading pages, with `rows` balances and with a tenth of them."""
    urls = [_book(server, rows), _book(server, rows // 10)]
    loader = Loader()
    figures: list[Figure] = []
    with Server(urls[0]) as large, Server(urls[1]) as small:
        for path, least in ((JSON, 600), (PAGE, 200)):
            for number in (1, 100):
                name = f"GET {path}, 100 of {rows:,}, page {number}, {CLIENTS} clients"
                rate, p50 = (
                    Figure(name, "requests/s", least),
                    Figure("  its p50", "ms", most=1.3, base_name=f"{rows // 10:,}"),
                )
                figures += [rate, p50]
                if (status := _get(large, path).status) != 200:
                    rate.absent = p50.absent = f"not there ({status})"
                    continue
                asked = [(web, _requests(web, path, number)) for web in (large, small)]
                for turn in range(rounds + 1):
                    answers = [loader(web.port, requests, CLIENTS, seconds if turn else 1) for web, requests in asked]
                    assert all(set(each.statuses) == {200} for each in answers), answers[0].statuses
                    if turn:
                        rate.add(answers[0].rate)
                        p50.add(answers[0].p50_ms, answers[1].p50_ms)
    loader.close()
    return figures, network.faults_of_book(urls[0])


def export(server: EmbeddedPostgres, rounds: int, rows: int) -> tuple[list[Figure], list[str]]:
    """The figures of exporting `rows` balances as CSV over HTTP, against psql copying the same SELECT."""
    url = _book(server, rows)
    rate = Figure(f"GET {FILE}, {rows:,} rows", "rows/s", 0.7, base_name="psql COPY")
    growth = Figure("  memory growth of the worker", "MiB", most=16)
    with Server(url) as web:
        status, lines = _file(web, "?item=ITEM-1")
        if status != 200:
            rate.absent = growth.absent = f"not there ({status})"
            return [rate, growth], []
        before = web.memory()
        for _ in range(rounds):
            begun = time.perf_counter()
            _copy(url)
            copied = time.perf_counter()
            with Peak(web.memory) as peak:
                status, lines = _file(web)
            rate.add(rows / (time.perf_counter() - copied), rows / (copied - begun))
            growth.add((peak.most - before) / MIB)
            assert (status, lines) == (200, rows + 1), (status, lines)
    return [rate, growth], []


@cache
def _book(server: EmbeddedPostgres, rows: int) -> str:
    return network.make(server, f"load_reading_{rows}", **SIZE, items=rows // BALANCES_OF_AN_ITEM)


def _requests(web: Server, path: str, number: int) -> list[Request]:
    """Requests for that page of the stock of each warehouse; `after` is followed through the API."""
    found = []
    for warehouse in range(1, SIZE["warehouses"] + 1):
        query = f"?warehouse=LOAD-{warehouse}&limit=100"
        place = query
        for _ in range(number - 1):
            place = f"{query}&after={json.loads(_get(web, JSON + place).body)['after']}"
        found.append(Request("GET", path + place, HEADERS[path]))
    return found


class _Answer:
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body


def _get(web: Server, place: str) -> _Answer:
    asked = HTTPConnection("127.0.0.1", web.port, timeout=60)
    asked.request("GET", place, headers=HEADERS[place.split("?")[0]])
    answer = asked.getresponse()
    body = answer.read()
    asked.close()
    return _Answer(answer.status, body)


def _file(web: Server, query: str = "") -> tuple[int, int]:
    """Status and number of lines of the file, read as it comes."""
    asked = HTTPConnection("127.0.0.1", web.port, timeout=600)
    asked.request("GET", FILE + query, headers=HEADERS[FILE])
    answer, lines = asked.getresponse(), 0
    while piece := answer.read(1 << 20):
        lines += piece.count(b"\n")
    asked.close()
    return answer.status, lines


def _copy(url: str) -> None:
    """psql copies what the committee's file holds to nowhere."""
    rights = rights_of(frozenset({Role.ADMINISTRATOR}))
    committee = Viewer(
        user_id=0,
        name="",
        email="",
        organisation_id=0,
        organisation_code="",
        organisation_names={},
        kind=Kind.COMMITTEE,
        roles=frozenset({Role.ADMINISTRATOR}),
        rights=rights,
        language="en",
        time_zone="UTC",
        channel="page",
    )

    async def select() -> str:
        sql, arguments = queries.BALANCES.copy_sql(await queries.balance_clauses(committee, {}))
        assert not arguments
        return sql

    sql = network.work(url, select)
    command = [str(programs() / "psql"), "-Xq", "-c", "set jit = off", "-c", f"copy ({sql}) to stdout csv", url]
    subprocess.run(command, stdout=subprocess.DEVNULL, cwd="/", check=True)
