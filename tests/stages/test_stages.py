"""Stages: documents enter and leave them, clocks run, lists keep to the viewer's scope."""

import uuid
from datetime import timedelta

import pytest

from backend.access.rules import Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.stages import actions, queries, rules
from backend.stages.rules import Standing, Subject
from tests import build


def test_every_stage_has_a_limit_and_a_name() -> None:
    assert set(rules.limits()) == set(rules.STAGE_NAMES)
    assert all(limit.hours > 0 for limit in rules.limits().values())


def test_a_stage_is_overdue_from_its_last_instant_on() -> None:
    now = clock.now()
    assert rules.standing(now, now) is Standing.OVERDUE
    assert rules.standing(now + rules.SOON, now) is Standing.SOON
    assert rules.standing(now + rules.SOON + timedelta(seconds=1), now) is Standing.RUNNING
    assert rules.standing(None, now) is Standing.RUNNING


async def entered(viewer: Viewer, owner: Viewer, stage: str, subject_id: uuid.UUID | None = None) -> uuid.UUID:
    place = (await build.again(viewer)).warehouse_ids[0]
    subject_id = subject_id or values.new_id()
    async with DB.transaction():
        await actions.enter(
            actions.Entry(
                subject=Subject.RETURN,
                subject_id=subject_id,
                warehouse_id=place,
                owner_id=owner.organisation_id,
                number="R1",
                stage=stage,
                at=clock.now(),
                reason="" if stage != "booked" else "defective",
            )
        )
    return subject_id


async def numbers(viewer: Viewer, **filters: str) -> int:
    return len((await queries.OPEN.page(queries.open_clauses(viewer, filters))).rows)


async def test_one_stage_after_the_other(database: str) -> None:
    operator, owner = await build.operator(), await build.exporter()
    await build.warehouse(operator)
    subject_id = await entered(operator, owner, "booked")
    await entered(operator, owner, "receiving", subject_id)
    await entered(operator, owner, "receiving", subject_id)
    await entered(operator, owner, "grading", subject_id)
    history = await queries.history(owner, Subject.RETURN, subject_id)
    assert [row["stage"] for row in history] == ["booked", "receiving", "grading"]
    assert [row["left_at"] is None for row in history] == [False, False, True]
    assert all(row["reason"] == "defective" for row in history)
    assert history[0]["left_at"] == history[1]["entered_at"]
    async with DB.transaction():
        await actions.leave(Subject.RETURN, history[0]["warehouse_id"], [subject_id], clock.now())
    assert all(row["left_at"] for row in await queries.history(owner, Subject.RETURN, subject_id))


async def test_a_list_keeps_to_its_viewer(database: str) -> None:
    operator, owner = await build.operator(), await build.exporter()
    await build.warehouse(operator)
    subject_id = await entered(operator, owner, "deciding")
    assert await numbers(await build.again(operator)) == 1
    assert await numbers(owner, turn="owner", standing="running") == 1
    assert await numbers(await build.exporter()) == 0
    stranger = await build.operator()
    await build.warehouse(stranger)
    assert await numbers(await build.again(stranger)) == 0
    assert await queries.history(stranger, Subject.RETURN, subject_id) == []
    assert await numbers(await build.committee(), owner=owner.organisation_code) == 1


async def test_a_filter_that_does_not_exist_is_refused(database: str) -> None:
    with pytest.raises(Invalid):
        queries.open_clauses(await build.committee(), {"turn": "nobody"})
