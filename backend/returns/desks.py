"""The returns desk of a warehouse: what it takes on, and how much of it a day. Kept by its operator's manager."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid, NotFound
from backend.core.text import N_
from backend.registry.regions import COUNTRIES
from backend.returns.routing import Capability
from backend.returns.rules import Kind
from backend.stock import codes

SQL = blocks(Path(__file__).with_name("desks.sql"))
MOST_DAILY_UNITS = 1_000_000
_CHOICE = N_("“%(value)s” is not possible here. Choose one of the list.")


class Desk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a desk takes: kinds of return, what it can do, from which countries (none named: all), pieces a day."""

    kinds: list[str]
    capabilities: list[str]
    daily_units: int
    countries: list[str] = []
    active: bool = True


class NoDesk(NotFound):
    """A warehouse without a returns desk."""

    sentence: ClassVar[str] = N_("Warehouse %(warehouse)s has no returns desk yet. Say first what it takes.")


async def keep_desk(viewer: Viewer, warehouse: str, desk: Desk, *, revision: int = 0) -> int:
    """Say what the desk of a warehouse takes; `revision` 0 where there is none yet. The new revision."""
    access_rules.require(viewer, Right.KEEP_PRICES)
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    faults: list[Fault] = []
    chosen = [
        warehouse_id,
        desk.active,
        _chosen("kinds", desk.kinds, list(Kind), faults),
        _chosen("capabilities", desk.capabilities, list(Capability), faults),
        _chosen("countries", [code.strip().upper() for code in desk.countries], sorted(COUNTRIES), faults),
        desk.daily_units,
    ]
    if not desk.kinds:
        faults.append(Fault("kinds", "", N_("Choose at least one kind of return. To take none, close the desk.")))
    if not 0 < desk.daily_units <= MOST_DAILY_UNITS:
        sentence = N_("“%(value)s” is not a number of pieces a day. Give 1 to %(most)s.")
        facts = {"value": desk.daily_units, "most": MOST_DAILY_UNITS}
        faults.append(Fault("daily_units", desk.daily_units, sentence, facts))
    if faults:
        raise Invalid(faults)
    async with DB.transaction():
        before = await DB.row(SQL["desk"], warehouse_id)
        if revision != (before["revision"] if before else 0):
            raise Conflict
        new: int | None = await DB.value(SQL["change_desk" if revision else "keep_desk"], *chosen, revision)
        if new is None:
            raise Conflict
        await journal.write(
            viewer,
            "return_desk.kept",
            "return_desk",
            warehouse_id,
            before=dict(before) if before else None,
            after=desk,
            warehouse_id=warehouse_id,
        )
    return new


async def desk_of(viewer: Viewer, warehouse: str) -> tuple[str, asyncpg.Record | None]:
    """The code of a warehouse that the viewer operates, and its desk, if it has one."""
    warehouse_id = await codes.warehouse_to_work_in(viewer, warehouse)
    return values.code_of(warehouse), await DB.row(SQL["desk"], warehouse_id)


def _chosen(field: str, given: Sequence[str], possible: Sequence[str], faults: list[Fault]) -> list[str]:
    """What was chosen, in the order of what is possible; anything else becomes a fault."""
    faults += [Fault(field, each, _CHOICE, {"value": each}) for each in given if each not in possible]
    return [str(each) for each in possible if each in given]
