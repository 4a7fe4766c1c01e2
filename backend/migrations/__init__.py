"""The schema's history: hand-written SQL, one file a step, each run once and in order.

`luocang check` compares the tables of the code with a freshly migrated database.
"""

from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.core.database import DB


def from_sql(migration_id: str, description: str) -> MigrationManager:
    """A migration that runs the `.sql` file of its own name."""
    script = (Path(__file__).parent / f"{migration_id}.sql").read_text(encoding="utf-8")
    manager = MigrationManager(migration_id=migration_id, app_name="luocang", description=description)

    async def forwards() -> None:
        async with DB.connection() as connection:
            await connection.execute(script, timeout=3600)

    manager.add_raw(forwards)
    return manager
