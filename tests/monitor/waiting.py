"""Documents that stand in a stage, for tests of what is built on stages."""

import uuid
from datetime import datetime, timedelta

from backend.core import clock, values
from backend.core.database import DB
from backend.registry.rules import Warehouse
from backend.stages import actions as stages
from backend.stages.actions import Entry
from backend.stages.rules import Subject


async def standing(
    place: Warehouse,
    owner_id: int,
    stage: str = "grading",
    *,
    subject: Subject = Subject.RETURN,
    days: float = 1,
    due_in_hours: float | None = None,
    reason: str = "",
    supervision_code: str = "",
    now: datetime | None = None,
) -> uuid.UUID:
    """A document that entered its stage `days` ago; the id of the document."""
    moment, document = now or clock.now(), values.new_id()
    due_at = None if due_in_hours is None else moment + timedelta(hours=due_in_hours)
    async with DB.transaction():
        await stages.enter(
            Entry(
                subject=subject,
                subject_id=document,
                warehouse_id=place.id,
                owner_id=owner_id,
                number=values.new_number("R"),
                stage=stage,
                at=moment - timedelta(days=days),
                due_at=due_at,
                reason=reason,
                supervision_code=supervision_code,
            )
        )
    return document
