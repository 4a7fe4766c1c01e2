"""Load over HTTP: the platform as it is really started, and clients that each keep one connection busy."""

import os
import re
import secrets
import selectors
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import Self

import psutil

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


@dataclass
class Answers:
    """What came back in one round."""

    seconds: float = 0
    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return sum(count for status, count in self.statuses.items() if status < 300) / self.seconds

    @property
    def p50_ms(self) -> float:
        """Half of the answers came within this."""
        return median(self.times) * 1000


class Request:
    """A request ready for the wire; each time it is sent it carries another Idempotency-Key."""

    def __init__(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {text}" for name, text in headers.items())]
        self.head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Idempotency-Key: "]).encode()
        self.tail = b"\r\n\r\n" + body


class Connection(socket.socket):
    """A connection that has sent a request at `sent` and has `part` of its answer."""

    sent: float = 0
    part: bytes = b""


def load(port: int, requests: Sequence[Request], clients: int, seconds: float) -> Answers:
    """Keep `clients` connections busy for `seconds`, then wait for what is under way."""
    answers, run, number = Answers(), secrets.token_hex(6).encode(), 0
    chooser = selectors.DefaultSelector()

    def send(connection: Connection) -> None:
        nonlocal number
        request = requests[number % len(requests)]
        number += 1
        connection.part, connection.sent = b"", time.perf_counter()
        connection.sendall(request.head + run + b"%d" % number + request.tail)

    begun = time.perf_counter()
    with ExitStack() as opened:
        for _ in range(clients):
            connection = opened.enter_context(Connection())
            connection.connect(("127.0.0.1", port))
            chooser.register(connection, selectors.EVENT_READ)
            send(connection)
        while clients:
            for key, _ in chooser.select():
                connection = key.fileobj  # type: ignore[assignment]
                received = connection.recv(65536)
                if not received:
                    raise ConnectionError("the server closed a connection")
                text = connection.part = connection.part + received if connection.part else received
                # The server sends head and body apart; most often the body is still to come.
                end, length = text.find(b"\r\n\r\n"), LENGTH.search(text)
                if end < 0 or (length and len(text) < end + 4 + int(length[1])):
                    continue
                now = time.perf_counter()
                answers.statuses[int(text[9:12])] += 1
                answers.times.append(now - connection.sent)
                if now - begun < seconds:
                    send(connection)
                else:
                    clients -= 1
    answers.seconds = time.perf_counter() - begun
    return answers


class Loader:
    """A process of its own for `load`, so that it takes no time from whoever measures."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __call__(self, port: int, requests: Sequence[Request], clients: int, seconds: float) -> Answers:
        return self._pool.submit(load, port, requests, clients, seconds).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


class Peak:
    """The most that `memory` told while the block ran, asked fifty times a second."""

    def __init__(self, memory: Callable[[], int]) -> None:
        self.most, self._memory, self._over = 0, memory, Event()
        self._thread = Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            # A process may end between being listed and being asked.
            with suppress(psutil.Error):
                self.most = max(self.most, self._memory())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def memory_of(process: psutil.Process) -> int:
    """Resident bytes of a process and its children."""
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


def environment(url: str, **more: str) -> dict[str, str]:
    """The environment with no settings of Luocang but these."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LUOCANG_")}
    return kept | {"LUOCANG_DATABASE_URL": url, **more}


class Server:
    """``luocang serve``, one worker, from its start until the block is left."""

    def __init__(self, url: str, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        base = f"http://127.0.0.1:{self.port}"
        environ = environment(url, LUOCANG_BASE_URL=base, LUOCANG_SECRET_KEY=secrets.token_urlsafe(48), **settings)
        command = [sys.executable, "-m", "backend", "serve", "--port", str(self.port)]
        with TemporaryFile("w+") as told:
            begun = time.perf_counter()
            self.process = psutil.Popen(command, cwd=ROOT, env=environ, stdout=told, stderr=told)
            while not self._ready():
                if self.process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                    self.__exit__()
                    told.seek(0)
                    raise RuntimeError(f"`luocang serve` did not become ready: {told.read()[-2000:]}")
                time.sleep(0.01)
            self.start_seconds = time.perf_counter() - begun

    def _ready(self) -> bool:
        try:
            return self.get("/health/ready")[0] == 200
        except OSError:
            return False

    def get(self, place: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes, int]:
        """Status, beginning and number of lines of an answer, read as it comes."""
        asked = HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            asked.request("GET", place, headers=headers or {})
            answer = asked.getresponse()
            beginning = answer.read(1 << 20)
            lines, piece = beginning.count(b"\n"), beginning
            while piece := answer.read(1 << 20):
                lines += piece.count(b"\n")
            return answer.status, beginning, lines
        finally:
            asked.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
