"""What is refused before anything is written, and how long a lock lasts."""

import pytest

from backend.access import rules
from backend.access.rules import Kind, Right, Role, Viewer
from backend.core import text
from backend.core.errors import Fault


def _viewer(*roles: Role) -> Viewer:
    held = frozenset(roles)
    return Viewer(
        user_id=1,
        name="N",
        email="n@x.example",
        organisation_id=1,
        organisation_code="X",
        organisation_names={"en": "X"},
        kind=Kind.OPERATOR,
        roles=held,
        rights=rules.rights_of(held),
        language="en",
        time_zone="UTC",
        channel="page",
    )


def test_a_lock_grows_from_the_fifth_failure_and_stops_growing() -> None:
    assert [rules.lock_seconds(n) for n in range(1, 12)] == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]
    assert rules.lock_seconds(10_000) == 900


@pytest.mark.parametrize("given", ["a@b.example", "A.B+c@Sub.Example.COM ", "o'neil@x.example"])
def test_an_address_has_one_spelling(given: str) -> None:
    faults: list[Fault] = []
    assert rules.email(given, faults) == given.strip().lower()
    assert not faults


@pytest.mark.parametrize(
    "given",
    ["", "a", "a@", "@b", "a b@c.example", "a@b..c", "a@-b.example", "a\0@b.example", "ä@b.example", "a@" + "b" * 300],
)
def test_what_is_not_an_address_is_named(given: str) -> None:
    faults: list[Fault] = []
    rules.email(given, faults)
    assert [fault.field for fault in faults] == ["email"]


@pytest.mark.parametrize("given", ["short", "x" * 201, "aaaaaaaaaaaaaaa", "somebody@company.example"])
def test_a_weak_password_is_refused_and_never_repeated(given: str) -> None:
    faults: list[Fault] = []
    rules.password("password", given, "somebody@company.example", faults)
    assert [(fault.field, fault.value) for fault in faults] == [("password", "")]
    assert given not in text.say(faults[0].sentence, faults[0].facts)


@pytest.mark.parametrize("given", ["", "  ", "a\x00b", "a\u202eb", "x" * 201])
def test_a_line_is_visible_and_short(given: str) -> None:
    faults: list[Fault] = []
    rules.name("name", given, 200, faults)
    assert len(faults) == 1


def test_a_role_belongs_to_a_kind_of_organisation() -> None:
    faults: list[Fault] = []
    kept = rules.roles(["operator_clerk", "chair", "king"], Kind.OPERATOR, faults)
    assert kept == [Role.OPERATOR_CLERK]
    assert [fault.value for fault in faults] == ["chair", "king"]
    assert text.say(faults[0].sentence, faults[0].facts).startswith("“Committee chair” is not a role")
    rules.roles([], Kind.OPERATOR, faults)
    assert len(faults) == 3


def test_a_token_gets_no_more_than_its_maker_has() -> None:
    faults: list[Fault] = []
    clerk = _viewer(Role.OPERATOR_CLERK)
    assert rules.scopes(["stock:post", "stock:post"], clerk, faults) == [Right.POST_STOCK]
    assert not faults
    rules.scopes(["access:manage", "everything"], clerk, faults)
    rules.scopes([], clerk, faults)
    assert [fault.field for fault in faults] == ["rights"] * 3


@pytest.mark.parametrize("given", ["0", "367", "-1", "1.5", "", "٣", "9" * 5000])
def test_a_token_lives_for_days(given: str) -> None:
    faults: list[Fault] = []
    rules.token_days(given, faults)
    assert [fault.field for fault in faults] == ["days"]
    assert rules.token_days("366", []) == 366


def test_every_role_and_right_has_a_name_and_rights() -> None:
    assert set(rules.ROLE_NAMES) == set(Role) == set(rules.RIGHTS_OF)
    assert set(rules.RIGHT_NAMES) == set(Right)
    assert {role for roles in rules.ROLES_OF.values() for role in roles} == set(Role)
