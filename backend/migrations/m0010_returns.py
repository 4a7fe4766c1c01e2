"""Returns: authorisations, parcels, units, inspections, decisions, batches home."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.migrations import from_sql

ID = "m0010_returns"
VERSION = "1.38.0"
DESCRIPTION = __doc__


async def forwards() -> MigrationManager:
    return from_sql(ID, DESCRIPTION or "")
