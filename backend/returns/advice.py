"""What the law would say if returned units went home now: advice beside their owner's decision."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.regulations import queries as law
from backend.returns import custody, eligibility, reasons
from backend.returns.eligibility import Eligibility, Line, Plan
from backend.returns.rules import Kind


async def advice(rows: Sequence[Mapping[str, Any]]) -> dict[str, Eligibility]:
    """What the rules say of units that `units.several` has found, by their codes, if they returned today.

    They go through the customs district that their return names, else through that of their export.
    """
    found: dict[str, Eligibility] = {}
    owners = {row["owner_id"] for row in rows}
    editions, today = await law.editions(), law.today()
    for owner_id in owners:
        own = [row for row in rows if row["owner_id"] == owner_id]
        facts = await custody.facts_of(owner_id, [row["lot_id"] for row in own])
        for row in own:
            line = Line(facts=facts[row["lot_id"]], original_state=not row["altered"])
            plan = Plan(
                cause=reasons.cause_of(row["reason"], Kind(row["kind"])).value,
                home_area=row["home_area"] or line.facts.customs_area or "",
                planned_on=today,
            )
            (found[row["code"]],) = eligibility.judge_all(editions, plan, [line], today)
    return found
