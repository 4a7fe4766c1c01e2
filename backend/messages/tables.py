"""What is kept of threads and notifications."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class Message(Table, tablename="message", db=DB):
    """What somebody wrote in the thread of a document."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    subject = Text(default=None)
    subject_id = UUID(default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    body = Text(default=None)
    created_at = Timestamptz(default=None)
    request_key = Text(default=None)
    request_hash = Bytea(default=None)


class ThreadReader(Table, tablename="thread_reader", db=DB):
    """Up to which message a person has read a thread."""

    warehouse_id = BigInt(default=None)
    subject = Text(default=None)
    subject_id = UUID(primary_key=True, default=None)
    user_id = BigInt(default=None)
    read_up_to = UUID(default=None)


class Notification(Table, tablename="notification", db=DB):
    """Something that an organisation should know."""

    organisation_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    level = Text(default=None)
    sentence = Text(default=None)
    facts = JSONB(default=None)
    href = Text(default=None)
    created_at = Timestamptz(default=None)
    dedupe_key = Text(null=True, default=None)


class NotificationRead(Table, tablename="notification_read", db=DB):
    """A notification that a person has read."""

    user_id = BigInt(default=None)
    organisation_id = BigInt(default=None)
    notification_id = UUID(primary_key=True, default=None)
    read_at = Timestamptz(default=None)
