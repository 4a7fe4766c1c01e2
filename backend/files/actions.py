"""What happens to files: they are brought, and attached to what they are evidence of."""

import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec

from backend.access.rules import Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.files import pictures, rules
from backend.files.store import store

SQL = blocks(Path(__file__).with_name("actions.sql"))


async def take_in(
    viewer: Viewer, files: Sequence[tuple[str, bytes]], *, field: str = "photos", photos_only: bool = False
) -> list[str]:
    """Keep files (name, content) that the viewer brings; their SHA-256 in hex, in the same order.

    Refuses all of them when one is empty, too large, not a photo or PDF, not what its name says, or a photo that does not
    open (`Invalid`).
    """
    faults: list[Fault] = []
    kinds: list[str] = []
    if len(files) > rules.MOST_AT_ONCE:
        faults.append(rules.count_fault(field, len(files)))
    for given, data in files[: rules.MOST_AT_ONCE]:
        name = rules.name_of(given)
        before = len(faults)
        kinds.append(rules.checked(field, name, data, faults))
        if photos_only and len(faults) == before and kinds[-1] not in rules.PHOTOS:
            faults.append(rules.photo_fault(field, name))
        if (
            len(faults) == before
            and kinds[-1] in rules.PHOTOS
            and (fault := await pictures.fault_of(field, name, data))
        ):
            faults.append(fault)
    if faults:
        raise Invalid(faults)
    kept: list[str] = []
    for (given, data), kind in zip(files, kinds, strict=True):
        digest = await store.keep(data)
        await DB.run(
            SQL["take_in"], digest, len(data), kind, viewer.organisation_id, viewer.user_id, rules.name_of(given)
        )
        kept.append(digest.hex())
    return kept


class Evidence(msgspec.Struct, frozen=True):
    """Files (hashes) that are evidence of one subject, whose goods are this owner's."""

    owner_id: int
    subject_id: uuid.UUID
    hashes: Sequence[str]


async def attach(
    viewer: Viewer,
    hashes: Sequence[str],
    *,
    warehouse_id: int,
    owner_id: int,
    subject: str,
    subject_id: uuid.UUID,
    field: str = "photos",
) -> None:
    """Attach files that the viewer's organisation has brought, inside the caller's transaction.

    The caller has checked that the subject is the viewer's to add to. Refuses hashes that the organisation has not
    brought (`NotYourFile`); nothing is attached then.
    """
    evidence = [Evidence(owner_id, subject_id, hashes)]
    await attach_each(viewer, evidence, warehouse_id=warehouse_id, subject=subject, field=field)


async def attach_each(
    viewer: Viewer, evidence: Sequence[Evidence], *, warehouse_id: int, subject: str, field: str = "photos"
) -> None:
    """The same for several subjects of one kind in one statement; a file may be evidence of several."""
    rows = [
        (values.new_id(), each.owner_id, each.subject_id, digest)
        for each in evidence
        for digest in dict.fromkeys(_digest(text) for text in each.hashes)
    ]
    if not rows:
        return
    ids, owners, subjects, digests = (list(column) for column in zip(*rows, strict=True))
    found = await DB.fetch(
        SQL["attach"],
        warehouse_id,
        subject,
        viewer.organisation_id,
        viewer.user_id,
        ids,
        owners,
        subjects,
        digests,
    )
    known = {row["hash"] for row in found}
    missing = dict.fromkeys(digest.hex() for digest in digests if digest not in known)
    if missing:
        raise rules.NotYourFile([rules.foreign_fault(field, each) for each in missing])


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()[:32]
