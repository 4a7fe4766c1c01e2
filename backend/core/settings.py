"""Settings: the one place that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECRET_LENGTH = 32


class SettingError(Exception):
    """A setting is missing or unsafe; the message names it and the way out."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What one process needs to know. Times in seconds, sizes in bytes."""

    database_url: str
    secret_key: str
    base_url: str
    home: Path
    pool_size: int = 8
    upload_limit_bytes: int = 2 << 30

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by https only, so that cookies may insist on it."""
        return self.base_url.startswith("https://")


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory for data of this machine: LUOCANG_HOME, or a place that its user can keep."""
    if chosen := environ.get("LUOCANG_HOME"):
        return Path(chosen).expanduser().resolve()
    if os.geteuid() == 0:
        return Path("/var/lib/luocang")
    return Path(environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "luocang"


def database_url(environ: Mapping[str, str] = os.environ) -> str:
    """LUOCANG_DATABASE_URL, checked."""
    url = environ.get("LUOCANG_DATABASE_URL", "")
    if not url:
        raise SettingError(
            "LUOCANG_DATABASE_URL is not set. Give the address of a PostgreSQL 15 or newer, like "
            "postgresql://luocang:password@db.example/luocang, or add --embedded to use the embedded PostgreSQL."
        )
    if urlsplit(url).scheme not in ("postgresql", "postgres"):
        raise SettingError(
            "LUOCANG_DATABASE_URL must begin with postgresql://; other databases cannot keep the ledger's promises."
        )
    return url


def for_serving(environ: Mapping[str, str] = os.environ, *, url: str | None = None) -> Settings:
    """Settings of a real platform; refuses what would be unsafe. `url` replaces LUOCANG_DATABASE_URL (embedded)."""
    secret = environ.get("LUOCANG_SECRET_KEY", "")
    if len(secret) < SECRET_LENGTH or len(set(secret)) < 10:
        raise SettingError(
            f"LUOCANG_SECRET_KEY must be a random text of at least {SECRET_LENGTH} characters. Make one with: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    base = environ.get("LUOCANG_BASE_URL", "")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(
            "LUOCANG_BASE_URL must be the address under which people reach the platform, like https://luocang.example."
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingError(
            "LUOCANG_BASE_URL must begin with https:// unless it is this machine only; passwords would travel readable."
        )
    return Settings(
        database_url=url or database_url(environ),
        secret_key=secret,
        base_url=base.rstrip("/"),
        home=home(environ),
        pool_size=_number(environ, "LUOCANG_POOL_SIZE", 8, 2, 64),
        upload_limit_bytes=_number(environ, "LUOCANG_UPLOAD_LIMIT_MB", 2048, 1, 1 << 20) << 20,
    )


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SettingError(f"{name} is {text!r}; it must be a whole number from {least} to {most}.")
    return int(text)
