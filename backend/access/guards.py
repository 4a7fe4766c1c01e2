"""From a session, a token or a name to the Viewer: the door of every request.

What was found is kept for two seconds in this process, because the posting API asks thousands of times a second; every
action that changes access forgets it at once here, and other processes notice within those two seconds.
"""

import hashlib
import time
from pathlib import Path

import asyncpg

from backend.access import rules
from backend.access.rules import Kind, Right, Role, Viewer
from backend.core import values
from backend.core.database import DB, blocks

SESSION_COOKIE = "luocang_session"
KEPT_SECONDS = 2.0
MOST_KEPT = 4096

SQL = blocks(Path(__file__).with_name("guards.sql"))

_kept: dict[bytes, tuple[float, Viewer]] = {}
_forgotten = 0


async def viewer_of_session(token: str) -> Viewer | None:
    """Whoever is signed in with this cookie; None when it is unknown, over, revoked, or its person or organisation disabled."""
    return await _viewer(b"s" + hash_of(token), "viewer_of_session", "page")


async def viewer_of_token(token: str) -> Viewer | None:
    """Whoever this API token speaks for, with no more rights than both the token and its person have; or None."""
    return await _viewer(b"t" + hash_of(token), "viewer_of_token", "api")


async def viewer_of_person(email: str, organisation: str | None = None, channel: str = "command") -> Viewer | None:
    """The active person of this address, for the organisation of that code or their first one: for commands."""
    address = email.strip().lower()
    if not rules.is_email(address):
        return None
    code = values.code_of(organisation) if organisation else None
    row = await DB.row(SQL["viewer_of_person"], address, code)
    return _made(row, channel) if row else None


def hash_of(token: str) -> bytes:
    """What is kept of a session's cookie or an API token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def forget(token: str) -> None:
    """Ask the database again about this session or token."""
    global _forgotten
    _forgotten += 1
    digest = hash_of(token)
    _kept.pop(b"s" + digest, None)
    _kept.pop(b"t" + digest, None)


def forget_all() -> None:
    """Ask the database again about everybody."""
    global _forgotten
    _forgotten += 1
    _kept.clear()


async def _viewer(key: bytes, query: str, channel: str) -> Viewer | None:
    now = time.monotonic()
    if (found := _kept.get(key)) and now < found[0]:
        return found[1]
    before = _forgotten
    row = await DB.row(SQL[query], key[1:])
    _kept.pop(key, None)
    if row is None:
        return None
    viewer = _made(row, channel)
    # What was read before somebody said "forget" may be older than the change they made.
    if before == _forgotten:
        if len(_kept) >= MOST_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = (now + min(KEPT_SECONDS, row["seconds_left"]), viewer)
    return viewer


def _made(row: asyncpg.Record, channel: str) -> Viewer:
    roles = frozenset(Role(name) for name in row["roles"])
    rights = rules.rights_of(roles)
    if row["scopes"] is not None:
        rights &= frozenset(right for right in Right if right in row["scopes"])
    return Viewer(
        user_id=row["user_id"],
        name=row["name"],
        email=row["email"],
        organisation_id=row["organisation_id"],
        organisation_code=row["organisation_code"],
        organisation_names=row["organisation_names"],
        kind=Kind(row["kind"]),
        roles=roles,
        rights=rights,
        language=row["language"],
        time_zone=row["time_zone"],
        channel=channel,
        warehouse_ids=tuple(row["warehouse_ids"]),
        session_id=row["session_id"],
    )
