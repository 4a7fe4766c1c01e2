"""The one Piccolo app: every table of every slice, one straight history of migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="luocang",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder(
        [
            "backend.core.journal",
            "backend.access.tables",
            "backend.registry.tables",
            "backend.stock.tables",
            "backend.regulations.tables",
            "backend.trade.tables",
            "backend.files.tables",
            "backend.stages.tables",
            "backend.messages.tables",
            "backend.charges.tables",
            "backend.repairs.tables",
            "backend.value_added.tables",
            "backend.returns.tables",
            "backend.monitor.tables",
        ]
    ),
)
