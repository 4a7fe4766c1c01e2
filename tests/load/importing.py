"""Importing trade: the command on a file of a million rows, against copying the same rows straight into the tables."""

import csv
import gzip
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from backend.core.embedded import EmbeddedPostgres
from tests.load import network
from tests.load.client import Peak, environment, memory_of
from tests.load.figures import MIB, Figure

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
TABLES = ("document", "movement", "balance")
TIME = "%Y-%m-%d %H:%M:%S"


def measure(
    server: EmbeddedPostgres, rounds: int, rows: int, sample: Path | None, huge: bool
) -> tuple[list[Figure], list[str]]:
    """The figures of the import; each round begins with an empty database."""
    made_of = sample.name if sample else "synthetic rows"
    rate = Figure(f"luocang import trade, {rows:,} rows ({made_of})", "rows/s", 25_000)
    ratio = Figure("  the same", "rows/s", 0.2, base_name="psql COPY")
    sizes = [rows // 10, rows, *([rows * 10] if huge else [])]
    growth = [Figure(f"  memory, {size:,} rows over {sizes[0]:,}", "MiB", most=64) for size in sizes[1:]]
    faults: list[str] = []
    with TemporaryDirectory(prefix="luocang-load-") as folder:
        files = [_write(Path(folder), size, sample) for size in sizes]
        for turn in range(rounds):
            memory = []
            for size, file in zip(sizes, files, strict=True):
                # Once is enough for the largest.
                if turn and size > rows:
                    continue
                url = network.empty(server, f"load_import_{turn}_{size}")
                seconds, most, wrong = _import(url, file, size)
                memory.append(most / MIB)
                faults += wrong + network.faults_of_book(url)
                if size == rows and not wrong:
                    rate.add(size / seconds)
                    ratio.add(size / seconds, size / _copy(server, url, Path(folder)))
                server.drop_database(f"load_import_{turn}_{size}")
            for figure, most_mib in zip(growth, memory[1:], strict=False):
                figure.add(most_mib - memory[0])
    return [rate, ratio, *growth], faults


def _import(url: str, file: Path, rows: int) -> tuple[float, int, list[str]]:
    """Seconds and bytes that the command took, and what it got wrong."""
    where = ["--warehouse", "LOAD-TRADE", "--exporter", "LOAD-RETAILER", "--mapping", "online-retail"]
    command = [
        sys.executable,
        "-m",
        "backend",
        "import",
        "trade",
        str(file),
        *where,
        "--open-missing",
        "--create",
        "--json",
    ]
    environ, pipe = environment(url, LUOCANG_HOME=str(file.parent)), subprocess.PIPE
    begun = time.perf_counter()
    process = psutil.Popen(command, cwd=file.parent, env=environ, stdout=pipe, stderr=pipe, text=True)
    with Peak(lambda: memory_of(process)) as peak:
        out, err = process.communicate()
    seconds = time.perf_counter() - begun
    if process.returncode:
        return seconds, peak.most, [f"luocang import ended with {process.returncode}: {err.strip()[-300:]}"]
    told = json.loads(out.splitlines()[-1])
    right = told["rows"] == told["posted"] + told["rejected"] == rows
    return seconds, peak.most, [] if right else [f"{rows} rows in the file, accounted for: {told}"]


def _copy(server: EmbeddedPostgres, url: str, folder: Path) -> float:
    """Seconds that psql takes to copy the book of `url` into an empty one, with its indexes and without its triggers."""
    files = {table: folder / table for table in TABLES}
    network.program("psql", "-Xq", *_each("\\copy {} to '{}' (format binary)", files), url)
    target = network.empty(server, "load_copy")
    begun = time.perf_counter()
    before = ["-c", "set session_replication_role = replica", "-c", "begin"]
    network.program(
        "psql", "-Xq", *before, *_each("\\copy {} from '{}' (format binary)", files), "-c", "commit", target
    )
    seconds = time.perf_counter() - begun
    server.drop_database("load_copy")
    return seconds


def _each(command: str, files: dict[str, Path]) -> list[str]:
    return [part for table, file in files.items() for part in ("-c", command.format(table, file))]


def _write(folder: Path, rows: int, sample: Path | None) -> Path:
    """A file of so many rows: the sample again and again, each time a month later, or made up."""
    file = folder / f"trade-{rows}.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        writer.writerows(islice(_repeated(sample) if sample else _made_up(), rows))
    return file


def _repeated(sample: Path) -> Iterator[list[str]]:
    with gzip.open(sample, "rt", newline="") if sample.suffix == ".gz" else sample.open(newline="") as file:
        reader = csv.reader(file)
        assert next(reader) == HEADER, f"{sample} is not the online retail file"
        rows = list(reader)
    month = 0
    while True:
        for invoice, item, description, quantity, instant, price, buyer, country in rows:
            later = datetime.fromisoformat(instant) + timedelta(days=30 * month)
            yield [f"{invoice}-{month}", item, description, quantity, later.strftime(TIME), price, buyer, country]
        month += 1


def _made_up() -> Iterator[list[str]]:
    """Invoices of some twenty lines, returns, adjustments, postage, and rows that nobody can book."""
    chance, instant, number = random.Random(1), datetime(2011, 1, 1, 8, tzinfo=UTC), 500_000
    while True:
        number, instant = number + 1, instant + timedelta(seconds=chance.randint(1, 300))
        kind = chance.random()
        sign, invoice = (-1, f"C{number}") if kind < 0.02 else (-1, str(number)) if kind < 0.03 else (1, str(number))
        for _ in range(chance.randint(1, 40)):
            code = chance.randint(10_000, 14_000)
            item, quantity = (
                ("POST", "1") if chance.random() < 0.003 else (str(code), str(sign * chance.randint(1, 24)))
            )
            if chance.random() < 0.001:
                quantity = "1.5"
            yield [invoice, item, f"ITEM {item}", quantity, instant.strftime(TIME), "2.55", "17850.0", "United Kingdom"]
