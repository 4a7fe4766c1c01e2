"""A partner's program: it speaks to the served platform with somebody's token and keeps the time of every step."""

import itertools
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from statistics import median
from threading import Lock, local
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

T = TypeVar("T")
R = TypeVar("R")
TIMEOUT_SECONDS = 120
IDLE_SECONDS = 2
# One answer in so many counts as lost.
LOST = 10


class Unexpected(Exception):
    """An answer that the walk had no reason to get."""


class Answer:
    """Status and body of an answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body: Any = msgspec.json.decode(body) if body else None

    @property
    def done(self) -> bool:
        """Whether it was done."""
        return self.status < 300

    @property
    def faults(self) -> list[tuple[str, str]]:
        """What was refused: (field, sentence) of each fault, or the refusal itself under no field."""
        if named := [(each["field"], each["message"]) for each in self.body["errors"]]:
            return named
        return [("", self.body["detail"])]


class Times:
    """Seconds of every answer, by the step it belongs to."""

    def __init__(self) -> None:
        self._steps: dict[str, list[float]] = defaultdict(list)
        self._lock = Lock()

    def add(self, step: str, seconds: float) -> None:
        """Keep the time of one answer."""
        with self._lock:
            self._steps[step].append(seconds)

    def steps(self) -> list[tuple[str, int, float, float]]:
        """(step, answers, their median in ms, their share of all the time), the most time first."""
        whole = sum(sum(seconds) for seconds in self._steps.values())
        found = [(step, len(each), median(each) * 1000, sum(each) / whole) for step, each in self._steps.items()]
        return sorted(found, key=lambda each: -each[3])

    def worst_ms(self) -> tuple[str, float]:
        """The step of the slowest answer of all, and its ms."""
        return max(((step, max(seconds) * 1000) for step, seconds in self._steps.items()), key=lambda each: each[1])


class Program:
    """Calls of one organisation; every thread has its own connection.

    Now and then an answer to one of the steps `again` counts as lost: the request is sent again and must be answered alike.
    """

    def __init__(self, port: int, token: str, times: Times, *, again: Collection[str] = ()) -> None:
        self._port, self._times, self._again, self._own = port, times, again, local()
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        self._done = itertools.count(1)

    def post(self, step: str, path: str, body: object, *, method: str = "POST") -> Answer:
        """Send a request with a key of its own; the answer, whatever it is."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
        content = msgspec.json.encode(body)
        answer = self._send(step, method, path, content, headers)
        if answer.done and step in self._again and next(self._done) % LOST == 0:
            second = self._send(f"{step}, again", method, path, content, headers)
            if (second.status, second.body) != (200, answer.body):
                raise Unexpected(f"{step} again: {path} answered {second.status}: {second.body}, first {answer.body}")
        return answer

    def must(self, step: str, path: str, body: object, *, method: str = "POST") -> Any:
        """The body of the answer to a request that has to succeed."""
        return _sure(step, path, self.post(step, path, body, method=method))

    def get(self, step: str, path: str, **asked: object) -> Any:
        """What stands at an address."""
        place = f"{path}?{urlencode(asked)}" if asked else path
        return _sure(step, place, self._send(step, "GET", place, b"", {}))

    def rows(self, step: str, path: str, **asked: object) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        after: str | None = None
        while True:
            page = self.get(step, path, limit=500, **asked, **({"after": after} if after else {}))
            yield from page["rows"]
            after = page["after"]
            if after is None:
                return

    def photo(self, step: str, content: bytes) -> str:
        """The hash of a photo that is brought."""
        answer = self._send(step, "POST", "/files?name=photo.jpg", content, {"Content-Type": "image/jpeg"})
        return str(_sure(step, "/files", answer)["hash"])

    def _send(self, step: str, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = self._connection()
        begun = time.perf_counter()
        connection.request(method, f"/api/v1{path}", body=body, headers={**self._headers, **headers})
        came = connection.getresponse()
        content = came.read()
        self._own.used_at = time.perf_counter()
        self._times.add(step, self._own.used_at - begun)
        return Answer(came.status, content)

    def _connection(self) -> HTTPConnection:
        """This thread's connection; the server closes those that nobody uses."""
        if time.perf_counter() - getattr(self._own, "used_at", 0) > IDLE_SECONDS:
            self._own.connection = HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        connection: HTTPConnection = self._own.connection
        return connection


def _sure(step: str, path: str, answer: Answer) -> Any:
    if not answer.done:
        raise Unexpected(f"{step}: {path} answered {answer.status}: {answer.body}")
    return answer.body


def at_once(clients: int, things: Iterable[T], act: Callable[[T], R]) -> list[R]:
    """What `act` gave for each thing, done by so many threads; the first failure is raised."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(act, things))
