"""Bring a database to the schema of this code: one migrator at a time, all steps or none."""

import contextlib
import io
import os

os.environ.setdefault("PICCOLO_CONF", "backend.piccolo_conf")

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration

from backend.core.database import DB

_LOCK = 0x6C756F63


async def pending() -> list[str]:
    """Ids of the migrations that this database has not seen."""
    manager = ForwardsMigrationManager(app_name="luocang")
    folder = manager.get_app_config(app_name="luocang").resolved_migrations_folder_path
    known = manager.get_migration_ids(manager.get_migration_modules(folder))
    if not await DB.value("select to_regclass('migration') is not null"):
        return sorted(known)
    done = await Migration.get_migrations_which_ran(app_name="luocang")
    return sorted(set(known) - set(done))


async def migrate() -> list[str]:
    """Run what is pending in one transaction; the ids that ran."""
    async with DB.transaction():
        await DB.run("select pg_advisory_xact_lock($1)", _LOCK)
        todo = await pending()
        if todo:
            with contextlib.redirect_stdout(io.StringIO()):
                result = await ForwardsMigrationManager(app_name="luocang").run()
            if not result.success:
                raise RuntimeError(f"The migration stopped: {result.message}")
    return todo
