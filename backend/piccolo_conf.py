"""Where Piccolo finds the engine and the one app."""

from piccolo.conf.apps import AppRegistry

from backend.core.database import DB

APP_REGISTRY = AppRegistry(apps=["backend.piccolo_app"])
__all__ = ["APP_REGISTRY", "DB"]
