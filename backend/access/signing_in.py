"""Signing in: a password compared, its failures counted, a session opened."""

import asyncio
import math
import secrets
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from backend.access import guards, passwords, rules
from backend.core import journal, values
from backend.core.database import DB, blocks

SQL = blocks(Path(__file__).with_name("signing_in.sql"))
FAILURE_LASTS = 0.3
MOST_STRANGERS = 10_000

_strangers: dict[str, tuple[int, datetime | None]] = {}


class SignedIn(msgspec.Struct, frozen=True):
    """An opened session: the cookie's value, the person's language, and how long it lasts."""

    token: str
    language: str
    lasts: timedelta


class _Actor(NamedTuple):
    """Who acted before there was a Viewer."""

    user_id: int | None
    organisation_id: int | None
    channel: str = "page"


class Try(NamedTuple):
    """One comparison of a password; `locked_seconds` is what it costs when it was wrong."""

    user_id: int | None
    kept: str | None
    fits: bool
    locked_seconds: int


async def sign_in(email: str, password: str, *, keep: bool, user_agent: str, now: datetime) -> SignedIn:
    """Open a session for 12 hours (30 days with `keep`) in the organisation the person worked for last.

    Every reason that it does not fit is the same refusal after the same time; wrong passwords in a row lock.
    """
    began = time.monotonic()
    tried = await compare(email.strip().lower(), password, now)
    entered = await _enter(tried, password, keep, user_agent) if tried.fits else None
    if entered is None:
        await fail(tried, began)
        raise rules.WrongSignIn
    return entered


async def compare(address: str, password: str, now: datetime) -> Try:
    """Compare a password. The try is counted first, under the row's lock, so that parallel guesses gain nothing."""
    async with DB.transaction():
        known = rules.is_email(address) and await DB.row(SQL["account_to_try"], address)
        if known:
            failures, until = known["failed_attempts"], known["locked_until"]
        else:
            failures, until = _strangers.get(address[:254], (0, None))
        if until and until > now:
            raise rules.Locked(seconds=math.ceil((until - now).total_seconds()))
        locked_seconds = rules.lock_seconds(failures + 1)
        until = now + timedelta(seconds=locked_seconds) if locked_seconds else None
        if known:
            await DB.run(SQL["count_try"], known["id"], failures + 1, until)
        else:
            _remember_stranger(address[:254], failures + 1, until)
    kept = known["password_hash"] if known else None
    return Try(known["id"] if known else None, kept, await passwords.fits(kept, password), locked_seconds)


def _remember_stranger(address: str, failures: int, until: datetime | None) -> None:
    """Addresses without an account lock like those with one, so that a lock does not tell which exist."""
    _strangers.pop(address, None)
    if len(_strangers) >= MOST_STRANGERS:
        del _strangers[next(iter(_strangers))]
    _strangers[address] = (failures, until)


async def fail(tried: Try, began: float) -> None:
    """Note a lock in the journal, and let every failure take as long since `began`, whatever its reason."""
    if tried.user_id and tried.locked_seconds:
        seconds = {"seconds": tried.locked_seconds}
        await journal.write(_Actor(None, None), "user.locked", "user", tried.user_id, after=seconds)
    await asyncio.sleep(max(0.0, FAILURE_LASTS - (time.monotonic() - began)))


async def _enter(tried: Try, password: str, keep: bool, user_agent: str) -> SignedIn | None:
    assert tried.kept is not None
    kept = await passwords.hashed(password) if passwords.is_outdated(tried.kept) else tried.kept
    token, session_id = secrets.token_urlsafe(32), values.new_id()
    lasts = rules.KEPT_SESSION_LASTS if keep else rules.SESSION_LASTS
    agent = "".join(sign for sign in user_agent if sign.isprintable())[:300]
    async with DB.transaction():
        place = await DB.row(SQL["place_to_enter"], tried.user_id)
        if place is None or not await DB.value(SQL["enter"], tried.user_id, tried.kept, kept):
            return None
        await DB.run(SQL["open_session"], session_id, guards.hash_of(token), tried.user_id, place["id"], agent, lasts)
        actor = _Actor(tried.user_id, place["id"])
        await journal.write(actor, "session.opened", "session", session_id, after={"kept": keep, "browser": agent})
    return SignedIn(token, place["language"], lasts)
