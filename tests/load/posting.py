"""Posting: pgbench running the ledger's own statement, the ledger in this process, and the API over HTTP."""

import asyncio
import random
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from backend.core.embedded import EmbeddedPostgres
from backend.stock import ledger
from backend.stock.rules import Place, Posting, Reason
from tests.load import network
from tests.load.client import Loader, Request, Server
from tests.load.figures import Figure

BINS, ITEMS, WAREHOUSES = 200, 5000, 4
# A fresh database numbers everything from 1001 in the order of network.sql.
FIRST, OWNER = 1001, 1003
ADJUSTMENT = int(Place.ADJUSTMENT)
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
# Lines of a document, clients, and what is to be reached of pgbench in process and over HTTP.
SHAPES = ((1, 8, 0.55, 0.4), (1, 32, 1.8, 0.6), (100, 8, 0.75, 0.6))
Documents = Sequence[tuple[int, Sequence[Posting]]]


def measure(server: EmbeddedPostgres, rounds: int, seconds: float) -> tuple[list[Figure], list[str]]:
    """The figures of posting, and everything that is wrong with the book afterwards."""
    size = {"warehouses": WAREHOUSES, "bins": BINS, "exporters": 1, "items": ITEMS, "places": 1}
    url = network.make(server, "load_posting", **size, quantity=1_000_000_000)
    opening, deadlocks = network.value(url, "select count(*) from document"), network.value(url, DEADLOCKS)
    figures: list[Figure] = []
    faults: list[str] = []
    accepted = 0
    with Server(url) as web, Loader() as loader:
        for lines, clients, in_process, over_http in SHAPES:
            name = f"{lines} line{'s' * (lines > 1)}, {clients} clients"
            ceiling = Figure(f"pgbench, the ledger's statement: {name}", "documents/s")
            inside = Figure(f"ledger.post in process: {name}", "documents/s", in_process, base_name="pgbench")
            http = Figure(f"POST /api/v1/stock/postings: {name}", "documents/s", over_http, base_name="pgbench")
            figures += [ceiling, inside, http]
            documents = _documents(lines)
            requests = _requests(documents)
            with _scripts(documents) as scripts:
                # Round 0 only warms up.
                for turn in range(rounds + 1):
                    span = seconds if turn else 1.0
                    most, counted = _pgbench(url, scripts, clients, span)
                    own, booked = network.work(url, lambda: _in_process(documents, clients, span))  # noqa: B023
                    answers = loader(web.port, requests, clients, span)
                    accepted += counted + booked + answers.statuses.pop(201)
                    faults += [f"{count} answers with status {status}" for status, count in answers.statuses.items()]
                    if turn:
                        ceiling.add(most)
                        inside.add(own, most)
                        http.add(len(answers.times) / answers.seconds, most)
    faults += network.faults_of_book(url)
    if (found := network.value(url, "select count(*) from document") - opening) != accepted:
        faults.append(f"{found} documents for {accepted} accepted requests")
    if more := network.value(url, DEADLOCKS) - deadlocks:
        faults.append(f"{more} deadlocks")
    return figures, faults


def _place(warehouse: int, item: int) -> int:
    """The bin in which an item lies (network.sql)."""
    return FIRST + warehouse * BINS + (FIRST + item) % BINS


def _documents(lines: int) -> Documents:
    """Adjustments up and down of different items, each document in one warehouse (0, 1 ...)."""
    chance = random.Random(lines)

    def posting(warehouse: int, item: int) -> Posting:
        ends = chance.sample([_place(warehouse, item), ADJUSTMENT], 2)
        return Posting(OWNER, FIRST + item, 0, ends[0], ends[1], 1, 1, chance.randint(1, 2))

    return [
        (n % WAREHOUSES, [posting(n % WAREHOUSES, item) for item in chance.sample(range(ITEMS), lines)])
        for n in range(2048 if lines == 1 else 32)
    ]


async def _in_process(documents: Documents, clients: int, seconds: float) -> tuple[float, int]:
    """Documents a second through `ledger.post`, and how many they were."""
    actor = ledger.Actor(FIRST, FIRST, 2)
    run, number, begun = secrets.token_hex(6), 0, time.perf_counter()

    async def client() -> None:
        nonlocal number
        while time.perf_counter() - begun < seconds:
            number += 1
            warehouse, postings = documents[number % len(documents)]
            key = f"{run}{number}"
            await ledger.post(
                actor, FIRST + warehouse, Reason.ADJUSTMENT, postings, request_key=key, request_hash=b"0123456789abcdef"
            )

    await asyncio.gather(*(client() for _ in range(clients)))
    return number / (time.perf_counter() - begun), number


def _requests(documents: Documents) -> list[Request]:
    """The same documents in codes."""
    headers = {"Authorization": f"Bearer {network.TOKEN}", "Content-Type": "application/json"}

    def place(place_id: int) -> str:
        return f"B{(place_id - FIRST) % BINS}" if place_id >= FIRST else Place(place_id).name

    def body(warehouse: int, postings: Sequence[Posting]) -> bytes:
        lines = [
            {
                "owner": "LOAD-EXPORTER-1",
                "item": f"ITEM-{p.item_id - FIRST}",
                "source": place(p.source_id),
                "target": place(p.target_id),
                "quantity": p.quantity,
            }
            for p in postings
        ]
        return msgspec.json.encode({"warehouse": f"LOAD-{warehouse + 1}", "reason": "ADJUSTMENT", "lines": lines})

    return [Request("POST", "/api/v1/stock/postings", headers, body(*document)) for document in documents]


def _pgbench(url: str, scripts: Sequence[str], clients: int, seconds: float) -> tuple[float, int]:
    """Documents a second of pgbench, each a prepared statement and a transaction, and how many they were."""
    options = ["-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(max(1, round(seconds)))]
    # Every client prepares every script: it shall plan it once, not five times before it settles on the generic plan.
    planned_once = f"{url}&options=-cplan_cache_mode%3Dforce_generic_plan"
    text = network.program("pgbench", *options, *scripts, planned_once)
    found = re.search(r"processed: (\d+)\nnumber of failed transactions: 0 .*?\ntps = ([\d.]+)", text, re.DOTALL)
    assert found, text
    return float(found[2]), int(found[1])


@contextmanager
def _scripts(documents: Documents) -> Iterator[list[str]]:
    """pgbench's arguments: a script that draws every number for documents of one line, else one for each document.

    The statement is the ledger's, word for word, with pgbench's variables for its parameters; keys are drawn.
    """
    columns = ["1", "1", str(OWNER), ":item", "0", ":source", ":target", "1", "1", ":quantity"]
    with TemporaryDirectory(prefix="luocang-load-") as folder:
        if len(documents[0][1]) == 1:
            drawn = rf"""\set w random(0, {WAREHOUSES - 1})
\set item {FIRST} + random(0, {ITEMS - 1})
\set place {FIRST} + :w * {BINS} + :item % {BINS}
\set up random(0, 1)
\set source case when :up = 1 then {ADJUSTMENT} else :place end
\set target case when :up = 1 then :place else {ADJUSTMENT} end
\set quantity random(1, 2)
"""
            yield ["-f", _script(Path(folder, "one"), drawn, f"{FIRST} + :w", [f"array[{text}]" for text in columns])]
            return
        arguments: list[str] = []
        for number, (warehouse, postings) in enumerate(documents):
            lines = zip(*((1, n, *msgspec.structs.astuple(p)) for n, p in enumerate(postings, 1)), strict=True)
            arrays = {f"d{number}_{n}": "{" + ",".join(map(str, line)) + "}" for n, line in enumerate(lines)}
            arguments += [part for name, array in arrays.items() for part in ("-D", f"{name}={array}")]
            file, parameters = Path(folder, str(number)), [f":{name}" for name in arrays]
            arguments += ["-f", _script(file, "", str(FIRST + warehouse), parameters)]
        yield arguments


def _script(file: Path, drawn: str, warehouse: str, lines: Sequence[str]) -> str:
    head = [warehouse, "uuidv7()", str(FIRST), "'k' || :a || '-' || :b", r"'\x30313233343536373839616263646566'"]
    head += [str(int(Reason.ADJUSTMENT)), str(FIRST), "2", "''", "''", "now()", "null"]
    parameters = [*(f"array[{text}]" for text in head), *lines]
    plain = re.sub("--.*", "", ledger.SQL["post"])
    sql = re.sub(r"\$(\d+)", lambda found: parameters[int(found[1]) - 1], plain)
    keys = r"\set a random(1, 1000000000000)" + "\n" + r"\set b random(1, 1000000000000)" + "\n"
    file.write_text(keys + drawn + " ".join(sql.split()) + ";\n")
    return str(file)
