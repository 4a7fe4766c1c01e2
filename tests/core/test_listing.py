"""Pages of a list: nothing twice, nothing left out, whatever is filtered, forwards and backwards."""

import pytest

from backend.core.database import DB
from backend.core.errors import Invalid
from backend.core.listing import Clause, Column, Key, Listing, where

UPWARDS = Listing(
    source="listed l",
    fields={"a": "l.a", "b": "l.b", "word": "l.word"},
    key=(Key("l.a"), Key("l.b", "integer")),
    json=("a", "b"),
    columns=(Column("A", "l.a"), Column("Word", "l.word", free_text=True)),
)
DOWNWARDS = Listing(
    source="listed l", fields={"a": "l.a", "b": "l.b"}, key=UPWARDS.key, json=("a", "b"), descending=True
)


@pytest.fixture(scope="module")
async def rows(database: str) -> list[tuple[int, int]]:
    await DB.run("create table listed (a bigint, b integer, word text, primary key (a, b))")
    await DB.run("insert into listed select a, b, '=1+1' from generate_series(1, 4) a, generate_series(1, 5) b")
    return [(a, b) for a in range(1, 5) for b in range(1, 6)]


async def walked(listing: Listing, clauses: list[Clause], limit: int) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    after: str | None = None
    while True:
        page = await listing.page(clauses, after=after, limit=limit)
        seen += [(row["a"], row["b"]) for row in page.rows]
        if page.after is None:
            return seen
        after = page.after


@pytest.mark.parametrize("limit", [1, 3, 5, 20])
async def test_every_row_comes_once_and_in_order(rows: list[tuple[int, int]], limit: int) -> None:
    assert await walked(UPWARDS, [], limit) == rows
    assert await walked(DOWNWARDS, [], limit) == rows[::-1]


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_a_part_of_the_key_may_be_held_fast(rows: list[tuple[int, int]], limit: int) -> None:
    assert await walked(UPWARDS, [where("l.a = ?", 2)], limit) == [row for row in rows if row[0] == 2]
    assert await walked(DOWNWARDS, [where("l.b = ?", 3)], limit) == [row for row in rows[::-1] if row[1] == 3]
    assert await walked(UPWARDS, [where("l.a = ?", 2), where("l.b = ?", 3)], limit) == [(2, 3)]


async def test_the_place_enters_the_index(rows: list[tuple[int, int]]) -> None:
    first = await UPWARDS.page([where("l.a = ?", 2)], limit=3)
    sql, arguments = UPWARDS.page_sql([where("l.a = ?", 2)], first.after, 3)
    assert "(l.b) > ($2::integer)" in sql
    assert arguments == [2, 3]


@pytest.mark.parametrize("after", ["x", "WyIxIl0", "WyJhIiwiYiJd", "====", "WyIxIiwiMiIsIjMiXQ"])
async def test_a_place_that_is_none_is_refused(rows: list[tuple[int, int]], after: str) -> None:
    with pytest.raises(Invalid):
        await UPWARDS.page([], after=after)


async def test_csv_begins_with_a_mark_and_neutralises_formulas(rows: list[tuple[int, int]]) -> None:
    content = b"".join([part async for part in UPWARDS.csv([where("l.a = ?", 1)], ["A", 'say "W"'])])
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig").splitlines()[:2] == ['"A","say ""W"""', "1,'=1+1"]
