"""What may be asked about organisations and people (by administrators) and about one's own sessions and tokens."""

from pathlib import Path

import asyncpg

from backend.access import guards
from backend.access.rules import LARGEST_ID, NoSuchPerson, Right, Viewer, require
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import NotFound
from backend.core.listing import Clause, Column, Key, Listing, in_each_language, where
from backend.core.text import N_, P_

SQL = blocks(Path(__file__).with_name("queries.sql"))

_STATE = "case when {} then 'active' else 'disabled' end"
_ORGANISATIONS_OF = (
    "(select string_agg(o.code, ' ' order by o.code) from membership m join organisation o on o.id = m.organisation_id"
    " where m.user_id = u.id)"
)
_ROLES_OF = (
    "(select string_agg(distinct r, ' ' order by r) from membership m, unnest(m.roles) r where m.user_id = u.id)"
)
_LAST_SIGN_IN = "(select max(s.created_at) from user_session s where s.user_id = u.id)"

ORGANISATIONS = Listing(
    source="organisation o",
    fields={
        "id": "o.id",
        "code": "o.code",
        "kind": "o.kind",
        "names": "o.names",
        "active": "o.active",
        "people": "(select count(*) from membership m where m.organisation_id = o.id)",
        "created_at": "o.created_at",
    },
    key=(Key("o.code", "text"),),
    columns=(
        Column(N_("Code"), "o.code"),
        Column(N_("Kind"), "o.kind"),
        *in_each_language("o.names"),
        Column(N_("People"), "(select count(*) from membership m where m.organisation_id = o.id)"),
        Column(N_("State"), _STATE.format("o.active")),
        Column(N_("Created"), "o.created_at"),
    ),
)

PEOPLE = Listing(
    source="user_account u",
    fields={
        "id": "u.id",
        "email": "u.email",
        "name": "u.name",
        "active": "u.active",
        "memberships": (
            "(select coalesce(json_agg(json_build_object('id', o.id, 'code', o.code, 'names', o.names, 'roles', m.roles)"
            " order by o.code), '[]') from membership m join organisation o on o.id = m.organisation_id"
            " where m.user_id = u.id)"
        ),
        "last_sign_in_at": _LAST_SIGN_IN,
    },
    key=(Key("u.email", "text"),),
    columns=(
        Column(N_("E-mail"), "u.email", free_text=True),
        Column(N_("Name"), "u.name", free_text=True),
        Column(N_("Organisations"), _ORGANISATIONS_OF),
        Column(N_("Roles"), _ROLES_OF),
        Column(N_("Language"), "u.language"),
        Column(N_("Time zone"), "u.time_zone"),
        Column(N_("State"), _STATE.format("u.active")),
        Column(N_("Created"), "u.created_at"),
        Column(N_("Last sign-in"), _LAST_SIGN_IN),
    ),
)

SESSIONS = Listing(
    source="user_session s join organisation o on o.id = s.organisation_id",
    fields={
        "id": "s.id",
        "code": "o.code",
        "names": "o.names",
        "user_agent": "s.user_agent",
        "created_at": "s.created_at",
        "expires_at": "s.expires_at",
        "revoked_at": "s.revoked_at",
        "live": "s.revoked_at is null and s.expires_at > now()",
    },
    key=(Key("s.created_at", "timestamptz"), Key("s.id", "uuid")),
    columns=(
        Column(P_("time", "Signed in"), "s.created_at"),
        Column(N_("Organisation"), "o.code"),
        Column(N_("Browser"), "s.user_agent", free_text=True),
        Column(N_("Expires"), "s.expires_at"),
        Column(P_("time", "Ended"), "s.revoked_at"),
    ),
    descending=True,
)

TOKENS = Listing(
    source="api_token s join organisation o on o.id = s.organisation_id",
    fields={
        "id": "s.id",
        "code": "o.code",
        "names": "o.names",
        "name": "s.name",
        "scopes": "s.scopes",
        "created_at": "s.created_at",
        "expires_at": "s.expires_at",
        "revoked_at": "s.revoked_at",
        "live": "s.revoked_at is null and s.expires_at > now()",
    },
    key=(Key("s.created_at", "timestamptz"), Key("s.id", "uuid")),
    columns=(
        Column(N_("Name"), "s.name", free_text=True),
        Column(N_("Organisation"), "o.code"),
        Column(N_("Rights"), "array_to_string(s.scopes, ' ')"),
        Column(N_("Created"), "s.created_at"),
        Column(N_("Expires"), "s.expires_at"),
        Column(P_("time", "Ended"), "s.revoked_at"),
    ),
    descending=True,
)


def organisations(viewer: Viewer, *, kind: str = "", state: str = "", text: str = "") -> list[Clause]:
    """The organisations of a kind, active or disabled, whose code or a name contains `text`; for ORGANISATIONS."""
    require(viewer, Right.MANAGE_PEOPLE)
    clauses = _in_state("o.active", state)
    if kind:
        clauses.append(where("o.kind = ?", _plain(kind)))
    if text:
        names = "concat_ws(' ', o.code, o.names->>'zh', o.names->>'en', o.names->>'ar')"
        clauses.append(where(f"{names} ilike ?", _containing(text)))
    return clauses


def people(viewer: Viewer, *, organisation: str = "", state: str = "", text: str = "") -> list[Clause]:
    """The people of the organisation with that code, active or disabled, whose name or address contains `text`; for PEOPLE."""
    require(viewer, Right.MANAGE_PEOPLE)
    clauses = _in_state("u.active", state)
    if organisation:
        member = (
            "exists (select from membership m join organisation o on o.id = m.organisation_id"
            " where m.user_id = u.id and o.code = ?)"
        )
        clauses.append(where(member, values.code_of(_plain(organisation))))
    if text:
        clauses.append(where("u.email || ' ' || u.name ilike ?", _containing(text)))
    return clauses


def sessions(viewer: Viewer, user_id: int, *, state: str = "") -> list[Clause]:
    """The sessions of a person, live or ended; for SESSIONS. One's own, or with the right to manage people."""
    return _of_person(viewer, user_id, state)


def tokens(viewer: Viewer, user_id: int, *, state: str = "") -> list[Clause]:
    """The API tokens of a person, live or ended; for TOKENS. One's own, or with the right to manage people."""
    return _of_person(viewer, user_id, state)


async def organisation(viewer: Viewer, organisation_id: int) -> asyncpg.Record:
    """One organisation."""
    require(viewer, Right.MANAGE_PEOPLE)
    return await _one("organisation", organisation_id)


async def organisation_choices(viewer: Viewer) -> list[asyncpg.Record]:
    """The first 500 active organisations, to choose from."""
    require(viewer, Right.MANAGE_PEOPLE)
    return await DB.fetch(SQL["organisation_choices"])


async def person(viewer: Viewer, user_id: int) -> asyncpg.Record:
    """One person."""
    require(viewer, Right.MANAGE_PEOPLE)
    return await _one("person", user_id)


async def viewer_by_email(email: str, channel: str, organisation: str | None = None) -> Viewer:
    """The active person of that address, for the organisation of that code or their first one: who a command acts for."""
    viewer = await guards.viewer_of_person(email, organisation, channel)
    if viewer is None:
        raise NoSuchPerson(email=email)
    return viewer


async def profile(viewer: Viewer) -> asyncpg.Record:
    """The viewer as a person."""
    return await _one("person", viewer.user_id)


async def memberships(viewer: Viewer, user_id: int) -> list[asyncpg.Record]:
    """What a person is for which organisations. One's own, or with the right to manage people."""
    if user_id != viewer.user_id:
        require(viewer, Right.MANAGE_PEOPLE)
    return await DB.fetch(SQL["memberships"], user_id)


async def _one(name: str, row_id: int) -> asyncpg.Record:
    row = await DB.row(SQL[name], row_id) if 0 < row_id <= LARGEST_ID else None
    if row is None:
        raise NotFound
    return row


def _of_person(viewer: Viewer, user_id: int, state: str) -> list[Clause]:
    if user_id != viewer.user_id:
        require(viewer, Right.MANAGE_PEOPLE)
    return [where("s.user_id = ?", user_id), *_in_state("(s.revoked_at is null and s.expires_at > now())", state)]


def _in_state(sql: str, state: str) -> list[Clause]:
    if state == "active":
        return [where(sql)]
    return [where(f"not {sql}")] if state in ("disabled", "ended") else []


def _plain(text: str) -> str:
    return text.replace("\0", "")


def _containing(text: str) -> str:
    escaped = _plain(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
