"""Which act may follow which: the life of a job, as a whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Right, Role, Viewer, rights_of
from backend.core.errors import Fault, NotAllowed
from backend.stages import rules as stages_rules
from backend.stages.rules import Subject, Turn
from backend.value_added import rules
from backend.value_added.rules import ENDED, MOVES, Act, Stage

OWNER, WAREHOUSE = 7, 9


def viewer(kind: OrganisationKind, role: Role, organisation: int = OWNER) -> Viewer:
    return Viewer(
        user_id=1,
        name="P",
        email="p@x.example",
        organisation_id=organisation,
        organisation_code="X",
        organisation_names={},
        kind=kind,
        roles=frozenset({role}),
        rights=rights_of(frozenset({role})),
        language="en",
        time_zone="UTC",
        channel="page",
        warehouse_ids=(WAREHOUSE,) if kind is OrganisationKind.OPERATOR else (),
    )


EXPORTER = viewer(OrganisationKind.EXPORTER, Role.EXPORTER_CLERK)
OPERATOR = viewer(OrganisationKind.OPERATOR, Role.OPERATOR_CLERK, 8)
COMMITTEE = viewer(OrganisationKind.COMMITTEE, Role.ADMINISTRATOR, 5)


def possible(stage: Stage) -> frozenset[Act]:
    return frozenset(act for act, (stages, _) in MOVES.items() if stage in stages)


@given(st.lists(st.sampled_from(list(Act)), max_size=40))
def test_a_job_never_leaves_its_end_and_is_never_closed_before_it_was_done(acts: list[Act]) -> None:
    stage, been = Stage.REQUESTED, [Stage.REQUESTED]
    for act in acts:
        if act in possible(stage):
            assert stage not in ENDED
            stage = rules.after(stage, act)
            been.append(stage)
        else:
            with pytest.raises(rules.NotNow):
                rules.after(stage, act)
    if stage is Stage.CLOSED:
        assert been.index(Stage.DONE) > been.index(Stage.ACCEPTED) > been.index(Stage.QUOTED)
    if Stage.PERFORMING in been:
        assert stage not in (Stage.REFUSED, Stage.CANCELLED)


def test_every_stage_is_reached_and_left() -> None:
    reached, fresh = {Stage.REQUESTED}, {Stage.REQUESTED}
    while fresh:
        fresh = {MOVES[act][1] for stage in fresh for act in possible(stage)} - reached
        reached |= fresh
    assert reached == set(Stage)
    assert all(possible(stage) for stage in set(Stage) - ENDED)
    assert not any(possible(stage) for stage in ENDED)


@pytest.mark.parametrize("stage", sorted(set(Stage) - ENDED))
def test_whoevers_turn_it_is_can_do_something(stage: Stage) -> None:
    turn = stages_rules.limit(Subject.SERVICE, stage).turn
    whose = {Turn.OWNER: EXPORTER, Turn.OPERATOR: OPERATOR}[turn]
    assert rules.acts_for(whose, stage, WAREHOUSE, OWNER)


@pytest.mark.parametrize("stage", list(Stage))
def test_acts_belong_to_one_party(stage: Stage) -> None:
    owners = rules.acts_for(EXPORTER, stage, WAREHOUSE, OWNER)
    operators = rules.acts_for(OPERATOR, stage, WAREHOUSE, OWNER)
    assert not owners & operators
    assert owners | operators | {Act.EXPIRE} >= possible(stage)
    for stranger in (COMMITTEE, viewer(OrganisationKind.EXPORTER, Role.EXPORTER_MANAGER, 99)):
        assert not rules.acts_for(stranger, stage, WAREHOUSE, OWNER)


@pytest.mark.parametrize("act", sorted(set(Act) - {Act.EXPIRE}))
def test_nobody_does_the_others_part(act: Act) -> None:
    mine, other = (EXPORTER, OPERATOR) if act in rules.OWNERS_ACTS else (OPERATOR, EXPORTER)
    rules.require_party(mine, act, WAREHOUSE, OWNER)
    for wrong in (other, COMMITTEE):
        with pytest.raises(NotAllowed):
            rules.require_party(wrong, act, WAREHOUSE, OWNER)
    elsewhere = viewer(mine.kind, next(iter(mine.roles)), 99)
    if act in rules.OWNERS_ACTS:
        with pytest.raises(NotAllowed):
            rules.require_party(elsewhere, act, WAREHOUSE, OWNER)
    else:
        with pytest.raises(NotAllowed):
            rules.require_party(mine, act, WAREHOUSE + 1, OWNER)
    assert Right.REQUEST_SERVICES in EXPORTER.rights


@pytest.mark.parametrize(
    ("value", "zero", "right"),
    [
        (Decimal("1"), False, True),
        (Decimal("0.0001"), False, True),
        (Decimal("0.00001"), False, False),
        (Decimal("0"), False, False),
        (Decimal("0"), True, True),
        (Decimal("-1"), True, False),
        (Decimal("100000000"), False, False),
        (Decimal("NaN"), False, False),
        (None, True, False),
    ],
)
def test_a_quantity_is_a_quantity(value: Decimal | None, zero: bool, right: bool) -> None:
    faults: list[Fault] = []
    assert rules.amount("quantity", value, faults, zero=zero) == (value if right else 0)
    assert bool(faults) is not right
