"""Files and their attachments, stage clocks, threads and notifications, prices and charges."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.migrations import from_sql

ID = "m0007_common"
VERSION = "1.38.0"
DESCRIPTION = __doc__


async def forwards() -> MigrationManager:
    return from_sql(ID, DESCRIPTION or "")
