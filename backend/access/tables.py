"""What access keeps. The schema itself, with its constraints, is in the migrations."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from backend.core.database import DB


class Organisation(Table, tablename="organisation", db=DB):
    """An operator, an exporter or the committee."""

    id = BigInt(primary_key=True, default=None)
    code = Text(default=None)
    kind = Text(default=None)
    names = JSONB(default=None)
    active = Boolean(default=True)
    revision = Integer(default=1)
    created_at = Timestamptz(default=None)


class User(Table, tablename="user_account", db=DB):
    """A person who signs in."""

    id = BigInt(primary_key=True, default=None)
    email = Text(default=None)
    name = Text(default=None)
    password_hash = Text(null=True, default=None)
    language = Text(default=None)
    time_zone = Text(default=None)
    active = Boolean(default=True)
    failed_attempts = Integer(default=0)
    locked_until = Timestamptz(null=True, default=None)
    revision = Integer(default=1)
    created_at = Timestamptz(default=None)


class Membership(Table, tablename="membership", db=DB):
    """What a person may do for an organisation."""

    id = BigInt(primary_key=True, default=None)
    user_id = BigInt(default=None)
    organisation_id = BigInt(default=None)
    roles = Array(base_column=Text(), default=None)
    revision = Integer(default=1)
    created_at = Timestamptz(default=None)


class Session(Table, tablename="user_session", db=DB):
    """A browser that is signed in; only the hash of its token is kept."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(default=None)
    user_id = BigInt(default=None)
    organisation_id = BigInt(default=None)
    user_agent = Text(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    revoked_at = Timestamptz(null=True, default=None)


class Token(Table, tablename="api_token", db=DB):
    """A program's key to the API: scoped, expiring, revocable."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(default=None)
    user_id = BigInt(default=None)
    organisation_id = BigInt(default=None)
    name = Text(default=None)
    scopes = Array(base_column=Text(), default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    revoked_at = Timestamptz(null=True, default=None)
