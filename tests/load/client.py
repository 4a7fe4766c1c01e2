"""Load over HTTP: a `luocang serve` of one worker, and clients that each keep one connection busy."""

import os
import secrets
import selectors
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
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


@dataclass
class Answers:
    """What came back in one round."""

    seconds: float
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

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {text}" for name, text in headers.items())]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.head = "\r\n".join([*lines, "Idempotency-Key: "]).encode()
        self.tail = b"\r\n\r\n" + body


def load(port: int, requests: Sequence[Request], clients: int, seconds: float) -> Answers:
    """Keep `clients` connections busy for `seconds`, then wait for what is under way."""
    answers = Answers(0)
    run, number = secrets.token_hex(6).encode(), 0
    chooser = selectors.DefaultSelector()
    sent: dict[int, float] = {}
    parts: dict[int, bytes] = {}

    def send(connection: socket.socket) -> None:
        nonlocal number
        request = requests[number % len(requests)]
        number += 1
        sent[connection.fileno()] = time.perf_counter()
        connection.sendall(request.head + run + b"%d" % number + request.tail)

    begun = time.perf_counter()
    for _ in range(clients):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chooser.register(connection, selectors.EVENT_READ)
        parts[connection.fileno()] = b""
        send(connection)
    busy = clients
    while busy:
        for key, _ in chooser.select():
            connection, number_of = key.fileobj, key.fd
            assert isinstance(connection, socket.socket)
            received = connection.recv(262144)
            if not received:
                raise ConnectionError("the server closed a connection")
            text = parts[number_of] + received
            end = text.find(b"\r\n\r\n")
            if end < 0 or len(text) < end + 4 + _length(text[:end]):
                parts[number_of] = text
                continue
            parts[number_of] = b""
            now = time.perf_counter()
            answers.statuses[int(text[9:12])] += 1
            answers.times.append(now - sent[number_of])
            if now - begun < seconds:
                send(connection)
            else:
                busy -= 1
    answers.seconds = time.perf_counter() - begun
    for key in list(chooser.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    chooser.close()
    return answers


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length: ")
    return int(head[at + 16 :].split(b"\r", 1)[0]) if at >= 0 else 0


class Loader:
    """The process in which `load` runs, so that it takes no time from whoever measures."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __call__(self, port: int, requests: Sequence[Request], clients: int, seconds: float) -> Answers:
        return self._pool.submit(load, port, requests, clients, seconds).result()

    def close(self) -> None:
        """End it."""
        self._pool.shutdown()


class Peak:
    """The most that `memory` told while the block ran, asked fifty times a second."""

    def __init__(self, memory: Callable[[], int]) -> None:
        self.most = 0
        self._memory, self._over = memory, Event()
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


def memory_of(process: psutil.Process, exact: bool = False) -> int:
    """Bytes of a process and all its children: resident or, if `exact`, shared pages counted by share (Linux)."""
    family = [process, *process.children(recursive=True)]
    if exact:
        return sum(getattr(full := each.memory_full_info(), "pss", full.rss) for each in family)
    return sum(each.memory_info().rss for each in family)


def plain_environment() -> dict[str, str]:
    """The environment without settings of ours."""
    return {name: text for name, text in os.environ.items() if not name.startswith("LUOCANG_")}


class Server:
    """The platform as it is really started: ``luocang serve``."""

    def __init__(self, url: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        environ = {
            **plain_environment(),
            "LUOCANG_DATABASE_URL": url,
            "LUOCANG_SECRET_KEY": secrets.token_urlsafe(48),
            "LUOCANG_BASE_URL": self.base,
        }
        self._told = TemporaryFile("w+")
        command = [sys.executable, "-m", "backend", "serve", "--port", str(self.port)]
        begun = time.perf_counter()
        self.process = psutil.Popen(command, cwd=ROOT, env=environ, stdout=self._told, stderr=self._told)
        while not self._ready():
            if self.process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                self.stop()
                self._told.seek(0)
                raise RuntimeError(f"`luocang serve` did not become ready: {self._told.read()[-2000:]}")
            time.sleep(0.01)
        self.start_seconds = time.perf_counter() - begun

    def _ready(self) -> bool:
        asked = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            asked.request("GET", "/health/ready")
            return asked.getresponse().status == 200
        except OSError:
            return False
        finally:
            asked.close()

    def memory(self, exact: bool = False) -> int:
        """Bytes of all its processes."""
        return memory_of(self.process, exact)

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
