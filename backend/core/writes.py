"""Writes that follow each other travel together: one statement for several, where none sees what another changes. Pure.

PostgreSQL lets every part of a statement see the tables as they were before it. So a write joins others only when it
neither changes nor reads a table that one of them changes.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

Write = tuple[str, tuple[Any, ...]]
_BEGINNING, _END = "with ", "select"
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_CHANGED = re.compile(r"\b(?:insert\s+into|update|delete\s+from)\s+(\w+)", re.IGNORECASE)
_READ = re.compile(r"\b(?:from|join)\s+(\w+)", re.IGNORECASE)
_PARAMETER = re.compile(r"\$(\d+)")


def fits(waiting: Sequence[Write], sql: str) -> bool:
    """Whether a write may travel with those that wait: none of them touches what another changes."""
    changes, touches = _tables(sql)
    for other, _ in waiting:
        other_changes, other_touches = _tables(other)
        if changes & other_touches or other_changes & touches:
            return False
    return True


def together(waiting: Sequence[Write]) -> Write:
    """One statement for all of them."""
    return waiting[0] if len(waiting) == 1 else before(waiting[:-1], waiting[-1])


def before(waiting: Sequence[Write], last: Write) -> Write:
    """One statement for all of them and a `last` one, which begins with ``with`` too and may answer something."""
    every = [*waiting, last]
    arguments = tuple(argument for _, given in every for argument in given)
    return _joined(tuple((sql, len(given)) for sql, given in every)), arguments


@lru_cache(maxsize=1000)
def _tables(sql: str) -> tuple[frozenset[str], frozenset[str]]:
    """The tables that a statement changes, and all that it touches (names of its own parts among them)."""
    text = _COMMENT.sub("", sql)
    changed = frozenset(_CHANGED.findall(text)) - {"set"}
    return changed, changed | frozenset(_READ.findall(text))


@lru_cache(maxsize=1000)
def _joined(statements: tuple[tuple[str, int], ...]) -> str:
    parts, offset = [], 0
    for sql, count in statements:
        parts.append(_shifted(_COMMENT.sub("", sql).strip(), offset))
        offset += count
    *others, last = parts
    return f"{_BEGINNING}{', '.join(_inner(each) for each in others)}, {last}"


def _shifted(sql: str, offset: int) -> str:
    """A statement without its `with`, whose parameters are counted from `offset`."""
    if not sql.startswith(_BEGINNING):
        raise ValueError(f"a statement that travels with others begins with “with”: {sql}")
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + offset}", sql.removeprefix(_BEGINNING))


def _inner(sql: str) -> str:
    """A write without the empty `select` at its end."""
    if not sql.endswith(_END):
        raise ValueError(f"a write that travels with others ends with an empty “select”: {sql}")
    return sql.removesuffix(_END).strip()
