"""Trade files: their runs, the rows booked from them, the rows rejected."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.migrations import from_sql

ID = "m0003_trade"
VERSION = "1.38.0"
DESCRIPTION = __doc__


async def forwards() -> MigrationManager:
    return from_sql(ID, DESCRIPTION or "")
