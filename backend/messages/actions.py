"""What happens to messages: people write in threads, rooms tell organisations what they should know, readers read."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from backend.access.rules import Kind, Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.messages import rules

SQL = blocks(Path(__file__).with_name("actions.sql"))
_WROTE = N_("%(name)s wrote about %(number)s: %(beginning)s")
_KEY = N_("Every write needs a request key of 1 to %(most)s printable characters, new for each new request.")


class News(msgspec.Struct, frozen=True, kw_only=True):
    """Something for an organisation to know: `sentence` is a message id, `facts` fill its placeholders.

    A fact that is itself a message id is given through `word`. With a `dedupe_key` it is told once.
    """

    organisation_id: int
    level: Literal["neutral", "warn", "bad"]
    sentence: str
    facts: Mapping[str, object]
    href: str
    dedupe_key: str | None = None


def word(message_id: str) -> dict[str, str]:
    """A fact that is translated when the notification is read."""
    return {"word": message_id}


def path_of(subject: str, subject_id: uuid.UUID) -> str:
    """Where a document is shown."""
    return rules.PATHS[subject].format(subject_id)


async def notify_all(news: Sequence[News]) -> None:
    """Tell organisations, inside the caller's transaction; one statement for all."""
    if not news:
        return
    rows = [
        (
            each.organisation_id,
            values.new_id(),
            each.level,
            each.sentence,
            msgspec.json.encode(each.facts).decode(),
            each.href,
            each.dedupe_key,
        )
        for each in news
    ]
    await DB.write(SQL["notify"], *(list(column) for column in zip(*rows, strict=True)), clock.now())


async def write(
    viewer: Viewer,
    *,
    warehouse_id: int,
    owner_id: int,
    subject: str,
    subject_id: uuid.UUID,
    number: str,
    body: str,
    files: Sequence[str] = (),
    request_key: str,
) -> uuid.UUID:
    """Write in the thread of a document; `files` are hashes that the viewer's organisation has brought.

    The caller has found the document in the viewer's scope. The other party hears of it.
    """
    rules.require_party(viewer, warehouse_id, owner_id)
    faults: list[Fault] = []
    said = rules.body(body, faults)
    if not 0 < len(request_key) <= 200:
        faults.append(Fault("key", request_key[:50], _KEY, {"most": 200}))
    if faults:
        raise Invalid(faults)
    asked = values.digest([subject, subject_id, said, list(files)])
    async with DB.transaction():
        written: uuid.UUID | None = await DB.value(
            SQL["write"],
            warehouse_id,
            values.new_id(),
            owner_id,
            subject,
            subject_id,
            viewer.organisation_id,
            viewer.user_id,
            said,
            request_key,
            asked,
            clock.now(),
        )
        if written is None:
            before = await DB.row(SQL["written_before"], warehouse_id, viewer.organisation_id, request_key)
            if before is None or before["request_hash"] != asked:
                raise Conflict
            known: uuid.UUID = before["id"]
            return known
        await files_actions.attach(
            viewer,
            files,
            warehouse_id=warehouse_id,
            owner_id=owner_id,
            subject="message",
            subject_id=written,
            field="files",
        )
        other = owner_id if viewer.kind is Kind.OPERATOR else await DB.value(SQL["operator_of"], warehouse_id)
        await _tell(viewer, other, number, said, f"{path_of(subject, subject_id)}#thread")
    return written


async def _tell(viewer: Viewer, other: int, number: str, said: str, href: str) -> None:
    """The other party hears who wrote about which document, and how the message begins."""
    beginning = said if len(said) <= 80 else said[:79] + "…"
    facts = {"name": viewer.name, "number": number, "beginning": beginning}
    await notify_all([News(organisation_id=other, level="neutral", sentence=_WROTE, facts=facts, href=href)])


async def read_thread(viewer: Viewer, warehouse_id: int, subject: str, subject_id: uuid.UUID) -> None:
    """The viewer has read a thread to its end."""
    await DB.run(SQL["read_thread"], warehouse_id, subject, subject_id, viewer.user_id)


async def read_notification(viewer: Viewer, notification_id: uuid.UUID) -> None:
    """The viewer has read a notification of its organisation."""
    await DB.run(SQL["read_one"], viewer.user_id, viewer.organisation_id, notification_id)


async def read_all_notifications(viewer: Viewer) -> None:
    """The viewer has read every notification of its organisation."""
    await DB.run(SQL["read_all"], viewer.user_id, viewer.organisation_id)
