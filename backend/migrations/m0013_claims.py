"""A sale of which pieces are coming back is not reversed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.migrations import from_sql

ID = "m0013_claims"
VERSION = "1.38.0"
DESCRIPTION = __doc__


async def forwards() -> MigrationManager:
    return from_sql(ID, DESCRIPTION or "")
