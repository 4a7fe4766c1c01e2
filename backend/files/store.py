"""Where the content of files lies: a folder of this machine, each content under its SHA-256."""

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path

FOLDER = "files"


class Store:
    """The store of one process; `open` tells it its folder."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def open(self, home: Path) -> None:
        """Keep content under `home`."""
        self._folder = home / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: bytes) -> Path:
        """Where content of this hash lies, whether it is there or not."""
        assert self._folder is not None, "the store is not open"
        name = digest.hex()
        return self._folder / name[:2] / name[2:4] / name

    async def keep(self, data: bytes) -> bytes:
        """Keep content, once and durably; its SHA-256."""
        return await asyncio.to_thread(self._keep, data)

    async def read(self, digest: bytes) -> bytes:
        """The content of this hash; FileNotFoundError when it is not there."""
        return await asyncio.to_thread(self.path(digest).read_bytes)

    def _keep(self, data: bytes) -> bytes:
        digest = hashlib.sha256(data).digest()
        target = self.path(digest)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as part:
                part.write(data)
                part.flush()
                os.fsync(part.fileno())
            os.chmod(part.name, 0o640)
            os.replace(part.name, target)
        return digest


store = Store()
