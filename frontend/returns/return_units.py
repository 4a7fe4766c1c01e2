"""The units of a return, and the money that was given back for them, as its page shows them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock
from backend.returns import refunds, steps, units
from backend.returns.rules import Disposition, UnitState
from backend.returns.units import MOST_SHOWN
from frontend.lists import Row
from frontend.render import Form
from frontend.returns import unit_words
from frontend.returns.unit import follow_up
from frontend.stock import forms


class Units(msgspec.Struct, frozen=True):
    """What `_units.html` shows: rows, the codes by what they wait for, words, the refunds with their form."""

    rows: Sequence[dict[str, Any]]
    waiting: dict[str, list[str]]
    states: dict[str, tuple[str, str]]
    grades: dict[str, Any]
    dispositions: dict[str, str]
    handles: bool
    decides: bool
    receives: bool
    refunds: Sequence[Row]
    refundable: Sequence[Row]
    form: Form
    most: int = MOST_SHOWN


async def of_return(viewer: Viewer, head: Row, lines: Sequence[Row], form: Form | None = None) -> Units:
    """The units and refunds of a return that its page has found; two queries."""
    rows = await units.of_return(head["warehouse_id"], head["id"])
    handles = viewer.may(Right.HANDLE_RETURNS) and access_rules.runs_warehouse(viewer, head["warehouse_id"])
    decides = viewer.may(Right.DECIDE_RETURNS) and access_rules.owns(viewer, head["owner_id"])
    waiting: dict[str, list[str]] = {"to_grade": [], "to_decide": [], "to_carry_out": []}
    for row in rows:
        waits = steps.waits_for(row["state"], row["regrade"])
        if waits in waiting and row["disposition"] != Disposition.SEND_HOME:
            waiting[waits].append(row["code"])
    today = clock.business_day(clock.now(), head["time_zone"]).isoformat()
    return Units(
        rows=[{**row, "after": follow_up(row), "gone": row["state"] == UnitState.REVERSED} for row in rows],
        waiting=waiting,
        states=unit_words.states(),
        grades=unit_words.grades(),
        dispositions=unit_words.dispositions(),
        handles=handles,
        decides=decides,
        receives=handles and head["closed_at"] is None,
        refunds=await refunds.of_return(head["warehouse_id"], head["id"]),
        refundable=[line for line in lines if line["disposed"] > line["refunded"]],
        form=form or Form({"key": forms.new_key(), "refunded_on": today}, prefix="refund"),
    )
