"""Organisations and people, warehouses and items, the ledger, the journal."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.migrations import from_sql

ID = "m0001_foundation"
VERSION = "1.38.0"
DESCRIPTION = __doc__


async def forwards() -> MigrationManager:
    return from_sql(ID, DESCRIPTION or "")
