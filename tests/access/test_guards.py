"""Who a session or token speaks for, until when, and how soon a change is noticed."""

import pytest

from backend.access import actions, guards, rules, signing_in
from backend.access.rules import Right, Role, Viewer
from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Invalid, NotAllowed, NotFound
from tests import build

pytestmark = pytest.mark.usefixtures("database")


async def _session(viewer: Viewer) -> str:
    return (
        await signing_in.sign_in(viewer.email, build.PASSWORD, keep=False, user_agent="test", now=clock.now())
    ).token


async def _gone(token: str) -> bool:
    return await guards.viewer_of_session(token) is None and await guards.viewer_of_token(token) is None


async def test_a_session_ends_at_its_hour_even_while_it_is_remembered() -> None:
    token = await _session(await build.operator())
    assert await guards.viewer_of_session(token)
    await DB.run(
        "update user_session set expires_at = now() + interval '50 ms' where token_hash = $1", guards.hash_of(token)
    )
    guards.forget(token)
    assert await guards.viewer_of_session(token)
    await DB.run("select pg_sleep(0.06)")
    assert await guards.viewer_of_session(token) is None


async def test_a_session_is_no_token_and_nonsense_is_nobody() -> None:
    viewer = await build.operator()
    session, token = await _session(viewer), await build.token(viewer)
    assert await guards.viewer_of_token(session) is None
    assert await guards.viewer_of_session(token) is None
    for nonsense in ("", "x", "\udc80", "\0", "é" * 5000):
        assert await _gone(nonsense)


async def test_signing_out_and_revoking_end_at_once() -> None:
    viewer = await build.operator()
    first, second, token = await _session(viewer), await _session(viewer), await build.token(viewer)
    one, two, program = (
        await guards.viewer_of_session(first),
        await guards.viewer_of_session(second),
        await guards.viewer_of_token(token),
    )
    assert one
    assert two
    assert program
    await actions.sign_out(one)
    assert await _gone(first)
    await actions.revoke_session(viewer, viewer.user_id, actions.uuid.UUID(two.session_id))
    assert await _gone(second)
    await actions.revoke_token(viewer, viewer.user_id, actions.uuid.UUID(program.session_id))
    assert await _gone(token)
    await actions.revoke_token(viewer, viewer.user_id, actions.uuid.UUID(program.session_id))


async def test_nobody_ends_what_belongs_to_another() -> None:
    viewer, other = await build.operator(), await build.operator()
    found = await guards.viewer_of_session(await _session(viewer))
    assert found
    key = actions.uuid.UUID(found.session_id)
    with pytest.raises(NotFound):
        await actions.revoke_session(other, other.user_id, key)
    with pytest.raises(NotAllowed):
        await actions.revoke_session(other, viewer.user_id, key)
    with pytest.raises(NotFound):
        await actions.revoke_token(other, other.user_id, key)


async def test_a_token_has_the_rights_that_both_it_and_its_person_have() -> None:
    viewer = await build.operator(Role.OPERATOR_MANAGER)
    token = await build.token(viewer, Right.POST_STOCK, Right.IMPORT_TRADE)
    found = await guards.viewer_of_token(token)
    assert found
    assert (found.channel, found.rights) == ("api", frozenset({Right.POST_STOCK, Right.IMPORT_TRADE}))
    root = await build.root()
    await actions.change_roles(root, viewer.user_id, viewer.organisation_id, ["operator_clerk"], 1)
    found = await guards.viewer_of_token(token)
    assert found
    assert found.rights == frozenset({Right.POST_STOCK})


async def test_a_token_expires_and_is_refused_what_its_maker_lacks() -> None:
    viewer = await build.operator(Role.OPERATOR_CLERK)
    token = await build.token(viewer)
    await DB.run("update api_token set expires_at = now() where token_hash = $1", guards.hash_of(token))
    assert await guards.viewer_of_token(token) is None
    with pytest.raises(Invalid) as refused:
        await actions.create_token(viewer, " ", ["access:manage"], 400)
    assert [fault.field for fault in refused.value.faults] == ["name", "rights", "days"]


async def test_disabling_ends_sessions_and_tokens_for_good() -> None:
    root, viewer, member = await build.root(), await build.operator(), await build.operator()
    keys = [await _session(viewer), await build.token(viewer), await _session(member), await build.token(member)]
    assert not any([await _gone(key) for key in keys])
    await actions.set_person_active(root, viewer.user_id, False)
    await actions.set_organisation_active(root, member.organisation_id, False)
    assert all([await _gone(key) for key in keys])
    await actions.set_person_active(root, viewer.user_id, True)
    await actions.set_organisation_active(root, member.organisation_id, True)
    assert all([await _gone(key) for key in keys])
    assert not await _gone(await _session(viewer))


async def test_ending_a_membership_ends_only_what_was_opened_there() -> None:
    root, viewer, other = await build.root(), await build.operator(), await build.exporter()
    await actions.add_membership(root, viewer.user_id, other.organisation_code, ["exporter_clerk"])
    kept, lost = (
        await build.token(viewer),
        await build.token(await guards.viewer_of_person(viewer.email, other.organisation_code) or viewer),
    )
    await actions.end_membership(root, viewer.user_id, other.organisation_id)
    assert not await _gone(kept)
    assert await _gone(lost)


async def test_what_was_found_is_kept_shortly_and_forgotten_on_demand() -> None:
    viewer = await build.operator()
    token = await build.token(viewer)
    assert await guards.viewer_of_token(token)
    await DB.run("update api_token set revoked_at = now() where token_hash = $1", guards.hash_of(token))
    assert await guards.viewer_of_token(token)
    guards.forget_all()
    assert await guards.viewer_of_token(token) is None


async def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "MOST_KEPT", 3)
    guards.forget_all()
    viewer = await build.operator()
    for _ in range(5):
        assert await guards.viewer_of_token(await build.token(viewer))
    assert len(guards._kept) == 3


async def test_an_operator_knows_its_warehouses_and_others_have_none() -> None:
    viewer, other = await build.operator(), await build.exporter()
    sql = """insert into warehouse (code, names, operator_id, country, city, address, latitude, longitude, time_zone,
      area_m2, capacity_m3, taxonomy, status)
      values ($1, '{"en": "W"}', $2, 'DE', '{"en": "Hamburg"}', 'Pier 1', 53.5, 10, 'Europe/Berlin', 1, 1, 'public', 'draft')
      returning id"""
    made = [await DB.value(sql, f"W{n}", viewer.organisation_id) for n in range(2)]
    assert (await build.again(viewer)).warehouse_ids == tuple(made)
    assert (await build.again(other)).warehouse_ids == ()


async def test_a_command_acts_for_an_active_person_only() -> None:
    root, viewer = await build.root(), await build.operator()
    found = await guards.viewer_of_person(viewer.email.upper(), viewer.organisation_code.lower())
    assert found
    assert found.channel == "command"
    assert await guards.viewer_of_person("x@y.example") is None
    assert await guards.viewer_of_person(viewer.email, "OTHER") is None
    await actions.set_person_active(root, viewer.user_id, False)
    assert await guards.viewer_of_person(viewer.email) is None
    assert rules.NoSuchPerson.sentence
