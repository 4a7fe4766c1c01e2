"""What administrators do to organisations and people, and what nobody may do."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from backend.access import actions, guards, queries, rules
from backend.access.rules import Role, Viewer
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed, NotFound
from tests import build

pytestmark = pytest.mark.usefixtures("database")


def _fields(refused: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [fault.field for fault in refused.value.faults]


async def _person(root: Viewer, place: Viewer, **other: Any) -> int:
    given = {
        "email": "new@person.example",
        "name": "New",
        "language": "en",
        "time_zone": "UTC",
        "organisation": place.organisation_code,
        "roles": ["operator_clerk"],
    } | other
    return (await actions.create_person(root, **given))[0]


async def test_a_new_person_gets_a_password_once_and_can_sign_in() -> None:
    root, place = await build.root(), await build.operator()
    user_id, made_up = await actions.create_person(
        root,
        " New@Person.Example",
        " Ann  Lee ",
        "ar",
        "Asia/Dubai",
        place.organisation_code.lower(),
        ["operator_clerk"],
    )
    row = await queries.person(root, user_id)
    assert (row["email"], row["name"], row["language"]) == ("new@person.example", "Ann Lee", "ar")
    assert await actions.passwords.fits(
        await DB.value("select password_hash from user_account where id = $1", user_id), made_up
    )
    noted = await DB.row("select * from journal where subject = 'user' and subject_id = $1", str(user_id))
    assert noted is not None
    assert (noted["action"], noted["actor_id"]) == ("user.created", root.user_id)
    assert made_up not in str(dict(noted))
    with pytest.raises(Invalid) as refused:
        await _person(root, place)
    assert _fields(refused) == ["email"]


async def test_every_fault_of_a_new_person_is_named_at_once() -> None:
    root, place = await build.root(), await build.operator()
    with pytest.raises(Invalid) as refused:
        await _person(
            root,
            place,
            email="x",
            name="",
            language="de",
            time_zone="Moon/Base",
            password="short",
            organisation="NO\0SUCH",
            roles=[],
        )
    assert _fields(refused) == ["email", "name", "language", "time_zone", "password", "organisation", "roles"]


async def test_a_role_of_another_kind_is_refused_everywhere() -> None:
    root, place = await build.root(), await build.operator()
    with pytest.raises(Invalid) as refused:
        await _person(root, place, email="kind@person.example", roles=["administrator", "operator_clerk"])
    assert _fields(refused) == ["roles"]
    with pytest.raises(Invalid) as refused:
        await actions.change_roles(root, place.user_id, place.organisation_id, ["chair"], 1)
    assert _fields(refused) == ["roles"]
    other = await build.exporter()
    with pytest.raises(Invalid) as refused:
        await actions.add_membership(root, place.user_id, other.organisation_code, ["operator_clerk"])
    assert _fields(refused) == ["roles"]
    with pytest.raises(Invalid) as refused:
        await actions.add_membership(root, place.user_id, place.organisation_code, ["operator_clerk"])
    assert _fields(refused) == ["organisation"]


async def test_roles_and_names_are_not_changed_over_somebody_elses_change() -> None:
    root, place = await build.root(), await build.operator()
    await actions.change_roles(root, place.user_id, place.organisation_id, ["operator_clerk"], "1")
    with pytest.raises(Conflict):
        await actions.change_roles(root, place.user_id, place.organisation_id, ["operator_manager"], "1")
    await actions.rename_organisation(root, place.organisation_id, {"en": "New name"}, "1")
    with pytest.raises(Conflict):
        await actions.rename_organisation(root, place.organisation_id, {"en": "Other"}, "1")
    with pytest.raises(Conflict):
        await actions.update_profile(place, "Name", "en", "UTC", "7")
    await actions.update_profile(place, "Name", "ar", "UTC", "1")
    await actions.speak(place, "zh_CN")
    assert (await build.again(place)).language == "zh_CN"
    sql = "select before, after from journal where action = 'membership.changed' and subject_id = $1"
    noted = await DB.row(sql, str(place.user_id))
    assert noted is not None
    assert (noted["before"]["roles"], noted["after"]["roles"]) == (["operator_manager"], ["operator_clerk"])


async def test_codes_are_unique_and_well_formed() -> None:
    root = await build.root()
    with pytest.raises(Invalid) as refused:
        await actions.create_organisation(root, "-bad", "kingdom", {})
    assert _fields(refused) == ["code", "kind", "names"]
    await actions.create_organisation(root, "once", "exporter", {"en": "Once"})
    with pytest.raises(Invalid) as refused:
        await actions.create_organisation(root, "ONCE", "operator", {"en": "Twice"})
    assert _fields(refused) == ["code"]


async def test_nobody_takes_their_own_access_away() -> None:
    me, root = await build.committee(), await build.root()
    for deed in (
        actions.set_person_active(me, me.user_id, False),
        actions.set_organisation_active(me, me.organisation_id, False),
        actions.end_membership(me, me.user_id, me.organisation_id),
    ):
        with pytest.raises(rules.NotYourself):
            await deed
    with pytest.raises(rules.OwnPassword):
        await actions.reset_password(me, me.user_id)
    assert await guards.viewer_of_person(me.email)
    assert await guards.viewer_of_person(root.email)


async def test_a_password_reset_unlocks_and_signs_out() -> None:
    root, viewer = await build.root(), await build.exporter()
    await DB.run(
        "update user_account set failed_attempts = 9, locked_until = now() + interval '1 hour' where id = $1",
        viewer.user_id,
    )
    made_up = await actions.reset_password(root, viewer.user_id)
    row = await DB.row(
        "select failed_attempts, locked_until, password_hash from user_account where id = $1", viewer.user_id
    )
    assert row is not None
    assert (row["failed_attempts"], row["locked_until"]) == (0, None)
    assert await actions.passwords.fits(row["password_hash"], made_up)
    assert await actions.reset_password(root, viewer.user_id, "typed pass phrase") == ""
    with pytest.raises(Invalid):
        await actions.reset_password(root, viewer.user_id, "short")


_DEEDS: list[Callable[[Viewer, Viewer], Awaitable[Any]]] = [
    lambda me, other: actions.create_organisation(me, "X", "operator", {"en": "X"}),
    lambda me, other: actions.rename_organisation(me, other.organisation_id, {"en": "X"}, 1),
    lambda me, other: actions.set_organisation_active(me, other.organisation_id, False),
    lambda me, other: _person(me, other),
    lambda me, other: actions.set_person_active(me, other.user_id, False),
    lambda me, other: actions.reset_password(me, other.user_id),
    lambda me, other: actions.add_membership(me, me.user_id, other.organisation_code, ["exporter_clerk"]),
    lambda me, other: actions.change_roles(me, me.user_id, me.organisation_id, ["operator_manager"], 1),
    lambda me, other: actions.end_membership(me, other.user_id, other.organisation_id),
    lambda me, other: queries.organisation(me, other.organisation_id),
    lambda me, other: queries.organisation_choices(me),
    lambda me, other: queries.person(me, other.user_id),
    lambda me, other: queries.memberships(me, other.user_id),
]


@pytest.mark.parametrize("deed", _DEEDS)
@pytest.mark.parametrize("role", [Role.OPERATOR_MANAGER, Role.CHAIR])
async def test_only_administrators_keep_people(deed: Callable[[Viewer, Viewer], Awaitable[Any]], role: Role) -> None:
    me = await (build.operator() if role is Role.OPERATOR_MANAGER else build.committee(role))
    with pytest.raises(NotAllowed):
        await deed(me, await build.exporter())


async def test_what_does_not_exist_is_not_found() -> None:
    root = await build.root()
    for key in (0, -1, 999_999_999, 2**63, 10**30):
        for deed in (
            queries.organisation(root, key),
            queries.person(root, key),
            actions.set_person_active(root, key, False),
            actions.set_organisation_active(root, key, False),
            actions.change_roles(root, root.user_id, key, ["chair"], 1),
        ):
            with pytest.raises(NotFound):
                await deed
