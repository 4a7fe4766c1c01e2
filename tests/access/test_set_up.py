"""The first administrator, and that there is always one."""

import asyncio

import pytest

from backend.access import actions, guards, queries, rules
from backend.access.rules import Right
from backend.core.database import DB
from backend.core.errors import Invalid, NotFound
from tests import build

pytestmark = pytest.mark.usefixtures("database")


async def test_the_first_administrator_is_made_once_and_never_lost() -> None:
    with pytest.raises(Invalid) as refused:
        await actions.set_up("x", "", "short", "-", {})
    assert [fault.field for fault in refused.value.faults] == ["email", "name", "password", "code", "names"]
    makers = [actions.set_up(f"first{n}@x.example", "First", build.PASSWORD, f"LY-{n}") for n in range(4)]
    answers = await asyncio.gather(*makers, return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, rules.Viewer)]
    assert len(made) == 1
    assert sum(isinstance(answer, rules.AlreadySetUp) for answer in answers) == 3
    (first,) = made
    assert Right.MANAGE_PEOPLE in first.rights
    assert await DB.value("select count(*) from organisation") == 1

    with pytest.raises(rules.LastAdministrator):
        await actions.change_roles(first, first.user_id, first.organisation_id, ["chair"], 1)

    await actions.create_organisation(first, "SECOND", "committee", {"en": "Second"})
    await actions.create_person(
        first, "second@x.example", "Second", "en", "UTC", "SECOND", ["administrator"], build.PASSWORD
    )
    second = await guards.viewer_of_person("second@x.example")
    assert second is not None
    # Two administrators who shut each other out at the same moment: one of them stays.
    deeds = [
        actions.set_person_active(first, second.user_id, False),
        actions.set_organisation_active(second, first.organisation_id, False),
    ]
    answers = await asyncio.gather(*deeds, return_exceptions=True)
    assert sum(isinstance(answer, rules.LastAdministrator) for answer in answers) == 1
    assert await DB.value(actions.SQL["administrator"])


async def test_a_command_that_names_nobody_says_so() -> None:
    with pytest.raises(rules.NoSuchPerson) as refused:
        await queries.viewer_by_email("nobody@x.example", "command")
    assert isinstance(refused.value, NotFound)
    assert "nobody@x.example" in str(refused.value)
