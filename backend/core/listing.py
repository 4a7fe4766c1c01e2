"""Lists: one mechanism for every page, API answer and CSV file.

A Listing is one SELECT with a sort key; conditions are added by the slice's queries (the viewer's scope first, then
filters). Pages are cut by keyset: `after` is the sort key of the last row seen, opaque to its reader. JSON is made by
the database and passed through; CSV is COPY, streamed.
"""

import asyncio
import base64
import binascii
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from backend.core.database import DB
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.core.values import findable

LARGEST_PAGE = 500
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition: SQL with one ``?`` for each of `values`."""

    sql: str
    values: tuple[object, ...] = ()


def where(sql: str, *values: object) -> Clause:
    """Shorthand for a condition."""
    return Clause(sql, values)


@dataclass(frozen=True, slots=True)
class Key:
    """One part of the sort key: an SQL expression and its type."""

    sql: str
    type: str = "bigint"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the CSV file: the SQL that gives it and the message id of its heading; `free_text` neutralises formulas."""

    heading: str
    sql: str
    free_text: bool = False


def in_each_language(names: str) -> tuple[Column, Column, Column]:
    """The columns of the names that stand under `names`."""
    return (
        Column(N_("Name in Chinese"), f"{names}->>'zh'", free_text=True),
        Column(N_("Name in English"), f"{names}->>'en'", free_text=True),
        Column(N_("Name in Arabic"), f"{names}->>'ar'", free_text=True),
    )


def in_one_language(heading: str, names: str) -> Column:
    """The column of one name out of those that stand under `names`, in English if there is one."""
    return Column(heading, f"coalesce({names}->>'en', {names}->>'zh', {names}->>'ar')", free_text=True)


def on_the_clock(heading: str, instant: str) -> Column:
    """The column of an instant as the clock of the warehouse `w` showed it."""
    return Column(heading, f"to_char({instant} at time zone w.time_zone, 'YYYY-MM-DD HH24:MI:SS')")


class Rows(msgspec.Struct, frozen=True):
    """A page of rows for people; `after` leads to the next one, or is None at the end."""

    rows: list[asyncpg.Record]
    after: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list. `fields` maps the names rows have to SQL; `source` is everything after FROM; all keys sort one way.

    With `joins`, `source` is one table and its alias, to which the key and all conditions speak: the page is cut there,
    along an index, before anything is joined, whatever the planner thinks of the conditions.
    """

    source: str
    fields: dict[str, str]
    key: tuple[Key, ...]
    joins: str = ""
    columns: tuple[Column, ...] = ()
    json: tuple[str, ...] = ()
    descending: bool = False

    def _where(self, clauses: Sequence[Clause], after: str | None) -> tuple[str, list[object]]:
        parts: list[str] = []
        arguments: list[object] = []
        clauses = list(clauses)
        if after:
            clauses.append(self._beyond(after, {clause.sql for clause in clauses}))
        for clause in clauses:
            pieces = clause.sql.split("?")
            if len(pieces) != len(clause.values) + 1:
                raise ValueError(f"clause {clause.sql!r} has {len(clause.values)} values")
            text = pieces[0]
            for value, piece in zip(clause.values, pieces[1:], strict=True):
                arguments.append(findable(value) if isinstance(value, str) else value)
                text += f"${len(arguments)}{piece}"
            parts.append(text)
        return (" where " + " and ".join(parts)) if parts else "", arguments

    def _beyond(self, after: str, conditions: set[str]) -> Clause:
        """Everything behind the place `after`.

        Parts of the key that a condition holds fast say nothing here, and left in they would keep the database from
        entering its index at the place: it would read every row before it.
        """
        moving = [
            (key, value)
            for key, value in zip(self.key, self.key_of(after), strict=True)
            if f"{key.sql} = ?" not in conditions
        ]
        if not moving:
            return Clause("false")
        names = ", ".join(key.sql for key, _ in moving)
        marks = ", ".join(f"?::{key.type}" for key, _ in moving)
        return Clause(f"({names}) {'<' if self.descending else '>'} ({marks})", tuple(value for _, value in moving))

    def key_of(self, after: str) -> tuple[object, ...]:
        """The sort key that the place `after` stands for."""
        try:
            values = msgspec.json.decode(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)), type=list[str])
            if len(values) != len(self.key):
                raise ValueError
            return tuple(_read(value, key.type) for value, key in zip(values, self.key, strict=True))
        except (ValueError, binascii.Error, msgspec.DecodeError):
            raise Invalid(
                [
                    Fault(
                        "after",
                        after,
                        N_("“%(value)s” is not a place in this list. Begin again without it."),
                        {"value": after},
                    )
                ]
            ) from None

    @property
    def _order(self) -> str:
        way = " desc" if self.descending else ""
        return " order by " + ", ".join(key.sql + way for key in self.key)

    def _rows(self, condition: str, limit: int | None = None) -> str:
        """What follows FROM: the rows that fulfil the condition in their order, all of them or the first `limit`."""
        if limit is None:
            return f"{self.source} {self.joins}{condition}{self._order}"
        if not self.joins:
            return f"{self.source}{condition}{self._order} limit {limit:d}"
        alias = self.source.split()[-1]
        cut = f"select {alias}.* from {self.source}{condition}{self._order} limit {limit:d}"
        return f"({cut}) {alias} {self.joins}{self._order}"

    def page_sql(self, clauses: Sequence[Clause], after: str | None, limit: int) -> tuple[str, list[object]]:
        """The statement behind `page` and its arguments."""
        condition, arguments = self._where(clauses, after)
        picked = ", ".join(f"{sql} as {name}" for name, sql in self.fields.items())
        marks = ", ".join(f"{key.sql}::text" for key in self.key)
        return f"select {picked}, array[{marks}] as keyset from {self._rows(condition, limit + 1)}", arguments

    async def page(self, clauses: Sequence[Clause], *, after: str | None = None, limit: int = 100) -> Rows:
        """Rows after the place `after`, at most `limit`."""
        limit = bounded(limit)
        sql, arguments = self.page_sql(clauses, after, limit)
        rows = await DB.fetch(sql, *arguments)
        last = _place(rows[limit - 1]["keyset"]) if len(rows) > limit else None
        return Rows(rows[:limit], last)

    def json_sql(self, clauses: Sequence[Clause], after: str | None, limit: int) -> tuple[str, list[object]]:
        """The statement behind `json_page` and its arguments."""
        condition, arguments = self._where(clauses, after)
        picked = ", ".join(f"{self.fields[name]} as {name}" for name in self.json)
        keys = ", ".join(f"{key.sql} as k{n}" for n, key in enumerate(self.key))
        places = range(len(self.key))
        order = ", ".join(f"k{n}{' desc' if self.descending else ''}" for n in places)
        backwards = ", ".join(f"k{n}{'' if self.descending else ' desc'}" for n in places)
        marks = ", ".join(f"k{n}::text" for n in places)
        fields = ", ".join(self.json)
        sql = (
            f"with page as materialized (select {picked}, {keys} from {self._rows(condition, limit + 1)}), "
            f"shown as (select * from page order by {order} limit {limit:d}) "
            f"select (select coalesce(json_agg(row_to_json(r)), '[]')::text from (select {fields} from shown) r), "
            f"(select array[{marks}] from shown order by {backwards} limit 1), "
            f"(select count(*) from page)"
        )
        return sql, arguments

    async def json_page(self, clauses: Sequence[Clause], *, after: str | None = None, limit: int = 100) -> bytes:
        """The page as JSON text made by the database: ``{"rows": [...], "after": place or null}``."""
        limit = bounded(limit)
        sql, arguments = self.json_sql(clauses, after, limit)
        rows, last, count = await DB.row(sql, *arguments) or ("[]", None, 0)
        place = msgspec.json.encode(_place(last) if count > limit and last else None).decode()
        return f'{{"rows":{rows},"after":{place}}}'.encode()

    def copy_sql(self, clauses: Sequence[Clause]) -> tuple[str, list[object]]:
        """The SELECT behind `csv` and its arguments."""
        condition, arguments = self._where(clauses, None)
        picked = ", ".join(_neutral(column.sql) if column.free_text else column.sql for column in self.columns)
        return f"select {picked} from {self._rows(condition)}", arguments

    async def csv(self, clauses: Sequence[Clause], headings: Sequence[str]) -> AsyncIterator[bytes]:
        """The whole list as CSV for spreadsheets: byte order mark, headings, rows; constant memory.

        The stream ends early, without its last line, when the database goes away: the reader sees a broken transfer.
        """
        sql, arguments = self.copy_sql(clauses)
        yield BOM + (",".join('"' + heading.replace('"', '""') + '"' for heading in headings) + "\n").encode()
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(8)

        async def pump() -> None:
            try:
                assert DB.pool is not None
                async with DB.pool.acquire() as connection:
                    await connection.copy_from_query(sql, *arguments, output=queue.put, format="csv", timeout=3600)
            finally:
                await queue.put(None)

        task = asyncio.create_task(pump())
        gathered: list[bytes] = []
        size = 0
        try:
            while (chunk := await queue.get()) is not None:
                gathered.append(chunk)
                size += len(chunk)
                if size > 65536:
                    yield b"".join(gathered)
                    gathered, size = [], 0
            await task
            if gathered:
                yield b"".join(gathered)
        finally:
            task.cancel()


def bounded(limit: int) -> int:
    """`limit`, refused outside 1 to 500."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise Invalid(
            [
                Fault(
                    "limit",
                    limit,
                    N_("“%(value)s” rows at once are not possible. Ask for 1 to %(most)s."),
                    {"value": limit, "most": LARGEST_PAGE},
                )
            ]
        )
    return limit


def _place(key: Sequence[str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(list(key))).decode().rstrip("=")


def _read(value: str, kind: str) -> object:
    if kind in ("bigint", "integer", "smallint"):
        return int(value)
    if kind == "timestamptz":
        return datetime.fromisoformat(value)
    if kind == "uuid":
        return uuid.UUID(value)
    return value


def _neutral(sql: str) -> str:
    """SQL for a text that a spreadsheet must not take for a formula."""
    return f"case when left(({sql}), 1) in ('=', '+', '-', '@', E'\\t', E'\\r') then '''' || ({sql}) else ({sql}) end"
