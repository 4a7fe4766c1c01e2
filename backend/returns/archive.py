"""Papers handed over together: a ZIP with a list of hashes, whose own hash the journal keeps so that a reader can check it later."""

import hashlib
import json
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any, ClassVar, cast

import asyncpg
import msgspec

from backend.access.rules import Viewer
from backend.core import journal, values
from backend.core.database import DB
from backend.core.errors import NotFound
from backend.core.text import N_
from backend.files.queries import sees
from backend.files.rules import name_of
from backend.files.store import store

FORMAT = "luocang-evidence-1"
MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_RECORDED = """select j.at, j.warehouse_id, j.after, o.code as organisation, o.names as organisation_names
from journal j left join organisation o on o.id = j.organisation_id
where j.subject = 'evidence' and j.subject_id = $1 order by j.id limit 1"""


class NoSuchPack(NotFound):
    """No pack with this list of hashes was made here, or it is about goods that are not the viewer's to see."""

    sentence: ClassVar[str] = N_(
        "No pack with this hash was made on this platform for goods in your view. Take the SHA-256 of manifest.json as it "
        "came in the ZIP; a changed file has another one."
    )


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack is about: a return or a batch, by its id and number, and whose goods where."""

    subject: str
    id: Any
    number: str
    warehouse_id: int
    owner_id: int


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A stored file for a pack: `folder` groups it, `of` names what it belongs to (a unit, a message)."""

    name: str
    digest: bytes
    size: int
    stored_at: datetime
    folder: str = "files"
    of: str = ""


class _Pipe:
    """What a ZIP is written to: bytes that are taken away again; there is no going back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


async def bundle(
    viewer: Viewer, about: About, printed: Sequence[tuple[str, bytes]], stored: Sequence[Stored], made_at: datetime
) -> AsyncIterator[bytes]:
    """The ZIP of printed papers (name, content) and stored files, streamed; its list of hashes is in the journal before it begins.

    A stored file that is gone or is not what its hash says is left out, and the list says so.
    """
    placed = _placed(stored)
    sound = [await _is_sound(each) for each in stored]
    listed = manifest(viewer, about, printed, list(zip(placed, stored, sound, strict=True)), made_at)
    async with DB.transaction():
        await journal.write(
            viewer,
            "evidence.made",
            "evidence",
            hashlib.sha256(listed).hexdigest(),
            after={
                "subject": about.subject,
                "id": str(about.id),
                "number": about.number,
                "owner_id": about.owner_id,
                "made_at": made_at.astimezone(UTC).isoformat(timespec="seconds"),
                "files": len(printed) + len(stored),
            },
            warehouse_id=about.warehouse_id,
        )
    return _zipped(
        printed, [(path, each) for path, each, kept in zip(placed, stored, sound, strict=True) if kept], listed, made_at
    )


def manifest(
    viewer: Viewer,
    about: About,
    printed: Sequence[tuple[str, bytes]],
    stored: Sequence[tuple[str, Stored, bool]],
    made_at: datetime,
) -> bytes:
    """The list of hashes as it lies in the ZIP: JSON, UTF-8, the same for the same content."""
    files: list[dict[str, object]] = [
        {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in printed
    ]
    for path, each, sound in stored:
        files.append(
            {
                "path": path,
                "sha256": each.digest.hex(),
                "size": each.size,
                "received_at": each.stored_at.astimezone(UTC).isoformat(timespec="seconds"),
                **({"of": each.of} if each.of else {}),
                **({} if sound else {"missing": True}),
            }
        )
    content = {
        "format": FORMAT,
        "subject": about.subject,
        "id": str(about.id),
        "number": about.number,
        "made_at": made_at.astimezone(UTC).isoformat(timespec="seconds"),
        "made_by": viewer.organisation_code,
        "files": files,
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


async def recorded(viewer: Viewer, digest: str) -> Mapping[str, Any]:
    """What the journal knows of the pack whose manifest.json has this SHA-256 (hex): number, subject, made_at, organisation."""
    row: asyncpg.Record | None = await DB.row(_RECORDED, values.findable(digest.strip().lower()[:64]))
    if row is None or not sees(viewer, row["warehouse_id"], row["after"]["owner_id"]):
        raise NoSuchPack
    return {**row["after"], "at": row["at"], "organisation": row["organisation"], "names": row["organisation_names"]}


def _placed(stored: Sequence[Stored]) -> list[str]:
    """Where each file lies in the ZIP: numbered, so that no two have one name."""
    return [f"{each.folder}/{number:04d}-{name_of(each.name)}" for number, each in enumerate(stored, 1)]


async def _is_sound(file: Stored) -> bool:
    try:
        return hashlib.sha256(await store.read(file.digest)).digest() == file.digest
    except FileNotFoundError:
        return False


async def _zipped(
    printed: Sequence[tuple[str, bytes]], stored: Sequence[tuple[str, Stored]], listed: bytes, made_at: datetime
) -> AsyncIterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(cast("IO[bytes]", pipe), "w", zipfile.ZIP_STORED) as archive:
        for name, data in [*printed, (MANIFEST, listed)]:
            for _ in _entry(archive, name, data, made_at):
                yield pipe.taken()
        for path, file in stored:
            for _ in _entry(archive, path, await store.read(file.digest), made_at):
                yield pipe.taken()
    yield pipe.taken()


def _entry(archive: zipfile.ZipFile, name: str, data: bytes, made_at: datetime) -> Iterator[None]:
    at = made_at.astimezone(UTC)
    info = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    info.external_attr = 0o644 << 16
    with archive.open(info, "w") as file:
        for start in range(0, len(data), _CHUNK):
            file.write(data[start : start + _CHUNK])
            yield
    yield
