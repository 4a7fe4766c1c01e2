"""Signing in: happy, refused, locked, disabled; and nothing learnt from how it is refused."""

import asyncio
import time
from datetime import datetime, timedelta

import pytest

from backend.access import actions, guards, passwords, queries, rules, signing_in
from backend.access.rules import Role
from backend.core import clock
from backend.core.database import DB
from tests import build

pytestmark = pytest.mark.usefixtures("database")
AGENT = "Mozilla/5.0 (Windows NT 10.0) Chrome/150.0 Safari/537.36"


async def _enter(email: str, password: str, *, keep: bool = False, now: datetime | None = None) -> signing_in.SignedIn:
    return await signing_in.sign_in(email, password, keep=keep, user_agent=AGENT, now=now or clock.now())


async def _hours_left(token: str) -> float:
    sql = "select extract(epoch from expires_at - now())::float8 from user_session where token_hash = $1"
    return float(await DB.value(sql, guards.hash_of(token))) / 3600


async def test_the_right_password_opens_a_session() -> None:
    viewer = await build.operator()
    entered = await _enter(f" {viewer.email.upper()} ", build.PASSWORD)
    found = await guards.viewer_of_session(entered.token)
    assert found is not None
    assert (found.user_id, found.organisation_code) == (viewer.user_id, viewer.organisation_code)
    assert (found.channel, found.roles) == ("page", frozenset({Role.OPERATOR_MANAGER}))
    assert 11.9 < await _hours_left(entered.token) <= 12
    assert 29.9 * 24 < await _hours_left((await _enter(viewer.email, build.PASSWORD, keep=True)).token) <= 30 * 24
    kept = await DB.value("select count(*) from user_session where token_hash = $1", entered.token.encode())
    assert kept == 0
    assert (
        await DB.value("select action from journal where actor_id = $1 order by id limit 1", viewer.user_id)
        == "session.opened"
    )


async def test_every_wrong_sign_in_is_refused_alike_and_takes_as_long() -> None:
    viewer, disabled, shut = await build.exporter(), await build.exporter(), await build.exporter()
    root = await build.root()
    await actions.set_person_active(root, disabled.user_id, False)
    await actions.set_organisation_active(root, shut.organisation_id, False)
    tries = [
        (viewer.email, "wrong password 1"),
        ("nobody@nowhere.example", build.PASSWORD),
        ("not an address\0", build.PASSWORD),
        (disabled.email, build.PASSWORD),
        (shut.email, build.PASSWORD),
    ]
    seen = []
    for email, password in tries:
        began = time.monotonic()
        with pytest.raises(rules.WrongSignIn) as refused:
            await _enter(email, password)
        seen.append((str(refused.value), refused.value.faults, refused.value.facts))
        assert time.monotonic() - began >= signing_in.FAILURE_LASTS
    assert all(each == seen[0] for each in seen)


@pytest.mark.parametrize("known", [True, False])
async def test_five_failures_lock_for_a_growing_time_whether_the_account_exists(known: bool) -> None:
    email = (await build.exporter()).email if known else "stranger@nowhere.example"
    now = clock.now()
    for _ in range(5):
        with pytest.raises(rules.WrongSignIn):
            await _enter(email, "wrong password", now=now)
    with pytest.raises(rules.Locked) as locked:
        await _enter(email, build.PASSWORD, now=now)
    assert locked.value.facts == {"seconds": 30}
    with pytest.raises(rules.WrongSignIn):
        await _enter(email, "wrong password", now=now + timedelta(seconds=31))
    with pytest.raises(rules.Locked) as locked:
        await _enter(email, build.PASSWORD, now=now + timedelta(seconds=32))
    assert locked.value.facts == {"seconds": 59}
    if known:
        assert (await _enter(email, build.PASSWORD, now=now + timedelta(seconds=120))).token
        row = await DB.row("select failed_attempts, locked_until from user_account where email = $1", email)
        assert row is not None
        assert tuple(row) == (0, None)
        sql = "select count(*) from journal where action = 'user.locked'"
        assert await DB.value(sql) >= 2


async def test_parallel_guesses_get_no_more_tries() -> None:
    email = (await build.exporter()).email
    guesses = [_enter(email, f"guess number {n}") for n in range(12)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    kinds = [type(answer) for answer in answers]
    assert (kinds.count(rules.WrongSignIn), kinds.count(rules.Locked)) == (5, 7)


async def test_an_old_hash_is_renewed_at_sign_in() -> None:
    viewer = await build.exporter()
    old = passwords.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(build.PASSWORD)
    await DB.run("update user_account set password_hash = $2 where id = $1", viewer.user_id, old)
    await _enter(viewer.email, build.PASSWORD)
    kept = await DB.value("select password_hash from user_account where id = $1", viewer.user_id)
    assert kept != old
    assert not passwords.is_outdated(kept)
    assert await passwords.fits(kept, build.PASSWORD)


async def test_nobodys_hash_costs_what_a_real_one_costs() -> None:
    assert not passwords.is_outdated(passwords._NOBODYS)
    assert not await passwords.fits(None, "anything")
    assert not await passwords.fits("not a hash", "anything")


async def test_one_enters_where_one_worked_last_and_may_switch() -> None:
    root, viewer, other = await build.root(), await build.operator(), await build.exporter()
    await actions.add_membership(root, viewer.user_id, other.organisation_code, ["exporter_clerk"])
    first = await guards.viewer_of_session((await _enter(viewer.email, build.PASSWORD)).token)
    assert first is not None
    assert first.organisation_code == viewer.organisation_code
    await actions.switch_organisation(first, other.organisation_code)
    entered = await _enter(viewer.email, build.PASSWORD)
    second = await guards.viewer_of_session(entered.token)
    assert second is not None
    assert second.organisation_code == other.organisation_code
    assert second.roles == frozenset({Role.EXPORTER_CLERK})
    memberships = await queries.memberships(second, second.user_id)
    assert [row["code"] for row in memberships] == sorted([viewer.organisation_code, other.organisation_code])
    stranger = await build.exporter()
    with pytest.raises(actions.NotFound):
        await actions.switch_organisation(second, stranger.organisation_code)


async def test_changing_the_password_signs_every_other_browser_out() -> None:
    viewer = await build.exporter()
    here, there = await _enter(viewer.email, build.PASSWORD), await _enter(viewer.email, build.PASSWORD)
    token = await build.token(viewer)
    me = await guards.viewer_of_session(here.token)
    assert me is not None
    assert await guards.viewer_of_session(there.token)
    new = "another good pass phrase"
    with pytest.raises(actions.Invalid) as refused:
        await actions.change_password(me, "wrong password", new, new, now=clock.now())
    assert [fault.field for fault in refused.value.faults] == ["current"]
    with pytest.raises(actions.Invalid) as refused:
        await actions.change_password(me, build.PASSWORD, "short", "other", now=clock.now())
    assert [fault.field for fault in refused.value.faults] == ["new", "again"]
    await actions.change_password(me, build.PASSWORD, new, new, now=clock.now())
    assert await guards.viewer_of_session(here.token)
    assert await guards.viewer_of_session(there.token) is None
    assert await guards.viewer_of_token(token)
    with pytest.raises(rules.WrongSignIn):
        await _enter(viewer.email, build.PASSWORD)
    assert await _enter(viewer.email, new)
