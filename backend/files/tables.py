"""What is known of files; their content lies in the store."""

from piccolo.columns import UUID, BigInt, Bytea, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class StoredFile(Table, tablename="stored_file", db=DB):
    """Content, by its SHA-256."""

    hash = Bytea(primary_key=True, default=None)
    size = BigInt(default=None)
    media_type = Text(default=None)
    created_at = Timestamptz(default=None)


class Upload(Table, tablename="upload", db=DB):
    """Content that an organisation has brought."""

    organisation_id = BigInt(default=None)
    hash = Bytea(primary_key=True, default=None)
    user_id = BigInt(default=None)
    name = Text(default=None)
    created_at = Timestamptz(default=None)


class Attachment(Table, tablename="attachment", db=DB):
    """A file as evidence of something about an owner's goods in a warehouse."""

    warehouse_id = BigInt(default=None)
    id = UUID(primary_key=True, default=None)
    owner_id = BigInt(default=None)
    subject = Text(default=None)
    subject_id = UUID(default=None)
    name = Text(default=None)
    hash = Bytea(default=None)
    organisation_id = BigInt(default=None)
    user_id = BigInt(default=None)
    created_at = Timestamptz(default=None)
