"""Posting: pgbench running the ledger's own statement, the ledger in this process, and the API over HTTP."""

import asyncio
import random
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from backend.core.database import DB
from backend.core.embedded import EmbeddedPostgres
from backend.stock import ledger
from backend.stock.rules import Place, Posting, Reason
from tests.load import network
from tests.load.client import Answers, Loader, Request, Server
from tests.load.figures import Figure

SIZE = {"warehouses": 4, "bins": 200, "exporters": 1, "items": 5000, "places": 1, "quantity": 1_000_000_000}
VARIETY = 32
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


@dataclass
class Shape:
    """Documents of `lines` lines from `clients` at once, and what is to be reached of pgbench."""

    lines: int
    clients: int
    in_process: float
    over_http: float


SHAPES = (Shape(1, 8, 0.55, 0.4), Shape(1, 32, 1.8, 0.6), Shape(100, 8, 0.75, 0.6))


@dataclass
class Ground:
    """The ids and codes that documents are made of; `accepted` counts those that were booked."""

    url: str
    operator_id: int
    user_id: int
    owner_id: int
    warehouse_id: int
    location_id: int
    item_id: int
    accepted: int = 0
    refused: list[str] = field(default_factory=list)

    def documents(self, lines: int) -> list[tuple[int, list[Posting]]]:
        """Adjustments up and down, each of `lines` different items in one warehouse (0, 1 ...)."""
        chance = random.Random(lines)
        return [(n % SIZE["warehouses"], self._lines(n % SIZE["warehouses"], lines, chance)) for n in range(VARIETY)]

    def _lines(self, warehouse: int, lines: int, chance: random.Random) -> list[Posting]:
        made = []
        for item in chance.sample(range(SIZE["items"]), lines):
            ends = [self.place(warehouse, item), int(Place.ADJUSTMENT)]
            if chance.random() < 0.5:
                ends.reverse()
            made.append(Posting(self.owner_id, self.item_id + item, 0, ends[0], ends[1], 1, 1, chance.randint(1, 2)))
        return made

    def place(self, warehouse: int, item: int) -> int:
        """The bin in which an item lies (network.sql)."""
        return self.location_id + warehouse * SIZE["bins"] + (self.item_id + item) % SIZE["bins"]


def measure(server: EmbeddedPostgres, rounds: int, seconds: float) -> tuple[list[Figure], list[str]]:
    """The figures of posting, and everything that is wrong with the book afterwards."""
    url = network.make(server, "load_posting", **SIZE)
    ground = _ground(url)
    opening = network.value(url, "select count(*) from document")
    deadlocks = network.value(url, DEADLOCKS)
    figures: list[Figure] = []
    loader = Loader()
    with Server(url) as web:
        for shape in SHAPES:
            figures += _shape(ground, shape, web, loader, rounds, seconds)
    loader.close()
    faults = network.faults_of_book(url)
    booked = network.value(url, "select count(*) from document") - opening
    if booked != ground.accepted:
        faults.append(f"{booked} documents for {ground.accepted} accepted requests")
    if more := network.value(url, DEADLOCKS) - deadlocks:
        faults.append(f"{more} deadlocks")
    return figures, faults + ground.refused


def _shape(ground: Ground, shape: Shape, web: Server, loader: Loader, rounds: int, seconds: float) -> list[Figure]:
    size = f"{shape.lines} line{'s' * (shape.lines > 1)}, {shape.clients} clients"
    ceiling = Figure(f"pgbench, the ledger's statement: {size}", "documents/s")
    inside = Figure(f"ledger.post in process: {size}", "documents/s", shape.in_process, base_name="pgbench")
    http = Figure(f"POST /api/v1/stock/postings: {size}", "documents/s", shape.over_http, base_name="pgbench")
    documents = ground.documents(shape.lines)
    requests = _requests(ground, documents)
    with _scripts(ground, documents, shape.lines) as scripts:
        for number in range(rounds + 1):
            span = seconds if number else 1.0
            most = _pgbench(ground, scripts, shape.clients, span)
            own = network.work(ground.url, lambda span=span: _in_process(ground, documents, shape.clients, span))  # type: ignore[misc]
            answers = loader(web.port, requests, shape.clients, span)
            _count(ground, answers)
            # The first round only warms up.
            if number:
                ceiling.add(most)
                inside.add(own, most)
                http.add(answers.rate, most)
    return [ceiling, inside, http]


def _ground(url: str) -> Ground:
    names = "operator_id", "user_id", "owner_id", "warehouse_id", "location_id", "item_id"
    sql = """select o.id, m.user_id, e.id, (select min(id) from warehouse), (select min(id) from location),
      (select min(id) from item) from organisation o join membership m on m.organisation_id = o.id, organisation e
      where o.kind = 'operator' and e.kind = 'exporter'"""

    async def ask() -> Ground:
        row = await DB.row(sql)
        assert row is not None
        return Ground(url, **dict(zip(names, row, strict=True)))

    return network.work(url, ask)


async def _in_process(
    ground: Ground, documents: Sequence[tuple[int, list[Posting]]], clients: int, seconds: float
) -> float:
    actor = ledger.Actor(ground.operator_id, ground.user_id, 2)
    run, number, end = secrets.token_hex(6), 0, time.perf_counter() + seconds

    async def client() -> None:
        nonlocal number
        while time.perf_counter() < end:
            number += 1
            warehouse, postings = documents[number % len(documents)]
            posted = await ledger.post(
                actor,
                ground.warehouse_id + warehouse,
                Reason.ADJUSTMENT,
                postings,
                request_key=f"{run}{number}",
                request_hash=b"0123456789abcdef",
            )
            assert not posted.repeated

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    ground.accepted += number
    return number / (time.perf_counter() - begun)


def _requests(ground: Ground, documents: Sequence[tuple[int, list[Posting]]]) -> list[Request]:
    headers = {"Authorization": f"Bearer {network.TOKEN}", "Content-Type": "application/json"}

    def place(place_id: int) -> str:
        known = place_id - ground.location_id
        return f"B{known % SIZE['bins']}" if known >= 0 else Place(place_id).name

    def body(warehouse: int, postings: Sequence[Posting]) -> bytes:
        lines = [
            {
                "owner": "LOAD-EXPORTER-1",
                "item": f"ITEM-{p.item_id - ground.item_id}",
                "source": place(p.source_id),
                "target": place(p.target_id),
                "quantity": p.quantity,
            }
            for p in postings
        ]
        return msgspec.json.encode({"warehouse": f"LOAD-{warehouse + 1}", "reason": "ADJUSTMENT", "lines": lines})

    return [Request("POST", "/api/v1/stock/postings", headers, body(*document)) for document in documents]


def _count(ground: Ground, answers: Answers) -> None:
    ground.accepted += answers.statuses[201]
    ground.refused += [
        f"{count} answers of status {status}" for status, count in answers.statuses.items() if status != 201
    ]


def _pgbench(ground: Ground, scripts: Sequence[str], clients: int, seconds: float) -> float:
    """Documents a second of pgbench; its clients prepare the statement and each document is a transaction."""
    options = ["-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(max(1, round(seconds)))]
    # Each client prepares every script: it shall plan it once and not five times before it settles on the generic plan.
    text = network.program(
        "pgbench", *options, *scripts, f"{ground.url}&options=-cplan_cache_mode%3Dforce_generic_plan"
    )
    found = re.search(r"actually processed: (\d+)", text), re.search(r"tps = ([\d.]+)", text)
    assert found[0] and found[1] and "failed transactions: 0 " in text, text
    ground.accepted += int(found[0][1])
    return float(found[1][1])


@contextmanager
def _scripts(ground: Ground, documents: Sequence[tuple[int, list[Posting]]], lines: int) -> Iterator[list[str]]:
    """pgbench's arguments: one script that draws every number for one line, else a few whole documents.

    The statement is the ledger's, word for word, with pgbench's variables for its parameters; keys are drawn.
    """
    head = {
        1: "array[:warehouse]",
        2: "array[uuidv7()]",
        3: f"array[{ground.operator_id}]",
        4: "array['k' || :a || '-' || :b]",
        5: r"array['\x30313233343536373839616263646566']",
        6: f"array[{int(Reason.ADJUSTMENT)}]",
        7: f"array[{ground.user_id}]",
        8: "array[2]",
        9: "array['']",
        10: "array['']",
        11: "array[now()]",
        12: "array[null]",
    }
    drawn = r"\set a random(1, 1000000000000)" + "\n" + r"\set b random(1, 1000000000000)" + "\n"
    with TemporaryDirectory(prefix="luocang-load-") as folder:
        if lines == 1:
            drawn += rf"""\set w random(0, {SIZE["warehouses"] - 1})
\set warehouse {ground.warehouse_id} + :w
\set item {ground.item_id} + random(0, {SIZE["items"] - 1})
\set place {ground.location_id} + :w * {SIZE["bins"]} + :item % {SIZE["bins"]}
\set up random(0, 1)
\set source case when :up = 1 then {int(Place.ADJUSTMENT)} else :place end
\set target case when :up = 1 then :place else {int(Place.ADJUSTMENT)} end
\set quantity random(1, 2)
"""
            line = ["1", "1", str(ground.owner_id), ":item", "0", ":source", ":target", "1", "1", ":quantity"]
            body = {n: f"array[{text}]" for n, text in enumerate(line, 13)}
            yield ["-f", _script(Path(folder, "one"), drawn, {**head, **body})]
            return
        arguments: list[str] = []
        for number, (warehouse, postings) in enumerate(documents):
            columns = zip(*((1, n, *msgspec.structs.astuple(p)) for n, p in enumerate(postings, 1)), strict=True)
            names = {n: f"d{number}_{n}" for n in range(13, 23)}
            for name, column in zip(names.values(), columns, strict=True):
                arguments += ["-D", f"{name}={{{','.join(map(str, column))}}}"]
            body = {n: f":{name}" for n, name in names.items()} | {1: f"array[{ground.warehouse_id + warehouse}]"}
            arguments += ["-f", _script(Path(folder, str(number)), drawn, {**head, **body})]
        yield arguments


def _script(file: Path, drawn: str, parameters: dict[int, str]) -> str:
    sql = re.sub(r"\$(\d+)", lambda found: parameters[int(found[1])], re.sub("--.*", "", ledger.SQL["post"]))
    file.write_text(drawn + " ".join(sql.split()) + ";\n")
    return str(file)
