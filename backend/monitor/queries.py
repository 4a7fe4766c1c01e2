"""What may be asked of the monitor, always in the viewer's scope: figures along every dimension, and what is due."""

from collections.abc import Mapping
from pathlib import Path

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Invalid
from backend.core.listing import Clause, where
from backend.monitor import rules
from backend.monitor.rules import Age, Dimension, Figure
from backend.stages import queries as stages_queries
from backend.stages import rules as stages_rules
from backend.stages.rules import Standing

SQL = blocks(Path(__file__).with_name("queries.sql"))

# What the figures may be narrowed to, and what the list of open stages may be asked besides.
FIGURE_FILTERS = ("subject", "stage", "turn", "warehouse", "owner", "reason", "supervision")
DUE_FILTERS = (*FIGURE_FILTERS, "standing", "age")


async def figures(viewer: Viewer, filters: Mapping[str, str]) -> dict[Dimension, list[Figure]]:
    """Everything that is open, counted along every dimension, the largest first; filters: FIGURE_FILTERS."""
    access_rules.require(viewer, Right.SEE_MONITOR)
    stages_queries.open_clauses(viewer, filters)  # refuses what makes no sense, as the list behind the figures does
    asked = [values.findable(filters.get(name, "")) or None for name in FIGURE_FILTERS]
    for place in (FIGURE_FILTERS.index("warehouse"), FIGURE_FILTERS.index("owner")):
        asked[place] = values.code_of(code) if (code := asked[place]) else None
    rows = await DB.fetch(
        SQL["figures"], clock.now(), stages_rules.SOON, list(rules.AGE_BOUNDS), *_scope(viewer), *asked
    )
    found: dict[Dimension, list[Figure]] = {dimension: [] for dimension in Dimension}
    for row in rows:
        dimension = Dimension(row["dimension"])
        found[dimension].append(
            Figure(
                dimension=dimension,
                key=row["key"],
                subject=row["subject"],
                turn=row["turn"],
                names=row["names"],
                open=row["open"],
                overdue=row["overdue"],
                soon=row["soon"],
                ages=tuple(row["ages"]),
                oldest=row["oldest"],
            )
        )
    return found


async def standings(viewer: Viewer, turn: str = "") -> dict[Standing, int]:
    """How many open stages in the viewer's scope stand how; of those alone in which it is the turn of `turn`."""
    row = await DB.row(SQL["standings"], clock.now(), stages_rules.SOON, *_scope(viewer), turn or None)
    return {standing: row[standing.value] if row else 0 for standing in Standing}


def due_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters DUE_FILTERS of the list of open stages (`stages_queries.OPEN`)."""
    faults = []
    bounds: list[Clause] = []
    if value := filters.get("age"):
        if value in list(Age):
            after, until = rules.entered_between(Age(value), clock.now())
            bounds.append(where("s.entered_at <= ?", until))
            if after is not None:
                bounds.append(where("s.entered_at > ?", after))
        else:
            faults.append(rules.age_fault(value))
    try:
        clauses = stages_queries.open_clauses(viewer, filters)
    except Invalid as refusal:
        raise Invalid([*refusal.faults, *faults]) from refusal
    if faults:
        raise Invalid(faults)
    return clauses + bounds


def _scope(viewer: Viewer) -> tuple[list[int] | None, int | None]:
    """The warehouses and the owner that the viewer is kept to."""
    if access_rules.sees_everything(viewer):
        return None, None
    if viewer.kind is Kind.OPERATOR:
        return list(viewer.warehouse_ids), None
    return None, viewer.organisation_id
