"""What happens to access: people sign in and out and keep their own account; administrators keep everybody's."""

import secrets
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from backend.access import guards, passwords, rules, signing_in
from backend.access.rules import Kind, Right, Role, Viewer, require
from backend.core import journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid, NotFound
from backend.core.text import N_

SQL = blocks(Path(__file__).with_name("actions.sql"))
_ADMINISTRATORS = 0x6C756F64

# ------------------------------------------------------------------------------------------------------- own sessions


async def sign_out(viewer: Viewer) -> None:
    """End the session that speaks."""
    await revoke_session(viewer, viewer.user_id, uuid.UUID(viewer.session_id))


async def switch_organisation(viewer: Viewer, code: str) -> None:
    """Go on working, in this session, for another organisation one belongs to."""
    async with DB.transaction():
        wanted = values.code_of(code.replace("\0", ""))
        if not await DB.value(SQL["switch_session"], viewer.session_id, viewer.user_id, wanted):
            raise NotFound
        old, new = {"organisation": viewer.organisation_code}, {"organisation": wanted}
        await journal.write(viewer, "session.switched", "session", viewer.session_id, before=old, after=new)
    guards.forget_all()


# ------------------------------------------------------------------------------------------------------- own account


async def update_profile(viewer: Viewer, name: str, language: str, time_zone: str, revision: str | int) -> None:
    """Change one's own name, language and time zone."""
    faults: list[Fault] = []
    new = {
        "name": rules.name("name", name, 200, faults),
        "language": rules.language(language, faults),
        "time_zone": rules.time_zone(time_zone, faults),
    }
    _refuse(faults)
    async with _change("person_to_change", viewer.user_id) as row:
        _require_fresh(row, revision)
        await DB.run(SQL["update_profile"], viewer.user_id, *new.values())
        old = {field: row[field] for field in new}
        await journal.write(viewer, "user.profile_changed", "user", viewer.user_id, before=old, after=new)


async def speak(viewer: Viewer, language: str) -> None:
    """Change the language one is spoken to in."""
    faults: list[Fault] = []
    rules.language(language, faults)
    _refuse(faults)
    async with _change("person_to_change", viewer.user_id) as row:
        if row["language"] != language:
            await DB.run(SQL["update_profile"], viewer.user_id, row["name"], language, row["time_zone"])
            old, new = {"language": row["language"]}, {"language": language}
            await journal.write(viewer, "user.profile_changed", "user", viewer.user_id, before=old, after=new)


async def change_password(viewer: Viewer, current: str, new: str, again: str, *, now: datetime) -> None:
    """Change one's own password; every other session ends. A wrong current one counts as a wrong sign-in."""
    faults: list[Fault] = []
    rules.password("new", new, viewer.email, faults)
    if new != again:
        faults.append(Fault("again", "", N_("This differs from the new password. Type the same one twice.")))
    _refuse(faults)
    began = time.monotonic()
    tried = await signing_in.compare(viewer.email, current, now)
    if not tried.fits:
        await signing_in.fail(tried, began)
        raise Invalid([Fault("current", "", N_("This is not your present password. Type it again."))])
    kept = await passwords.hashed(new)
    async with _change("person_to_change", viewer.user_id):
        await DB.run(SQL["set_password"], viewer.user_id, kept)
        await DB.run(SQL["revoke_sessions"], viewer.user_id, viewer.session_id or None, None)
        await journal.write(viewer, "user.password_changed", "user", viewer.user_id)


async def create_token(viewer: Viewer, name: str, rights: Iterable[str], days: str | int) -> str:
    """Make an API token for the viewer's organisation with some of the viewer's rights; it is told only this once."""
    faults: list[Fault] = []
    name = rules.name("name", name, 100, faults)
    scopes = [right.value for right in rules.scopes(rights, viewer, faults)]
    lasts = rules.token_days(str(days), faults)
    _refuse(faults)
    token, token_id = "luocang_" + secrets.token_urlsafe(32), values.new_id()
    async with DB.transaction():
        await DB.run(
            SQL["create_token"],
            token_id,
            guards.hash_of(token),
            viewer.user_id,
            viewer.organisation_id,
            name,
            scopes,
            lasts,
        )
        made = {"name": name, "rights": scopes, "days": lasts}
        await journal.write(viewer, "token.created", "token", token_id, after=made)
    return token


async def revoke_session(viewer: Viewer, user_id: int, session_id: uuid.UUID) -> None:
    """End a session: one's own, or anybody's with the right to manage people."""
    await _end(viewer, user_id, session_id, "session")


async def revoke_token(viewer: Viewer, user_id: int, token_id: uuid.UUID) -> None:
    """End an API token: one's own, or anybody's with the right to manage people."""
    await _end(viewer, user_id, token_id, "token")


async def forget_ended(now: datetime) -> None:
    """Forget sessions and tokens that ended more than 90 days before `now`; the journal keeps what they did."""
    await DB.run(SQL["forget_ended"], now - timedelta(days=rules.ENDED_KEPT_DAYS), timeout=600)


async def _end(viewer: Viewer, user_id: int, key_id: uuid.UUID, kind: str) -> None:
    if user_id != viewer.user_id:
        require(viewer, Right.MANAGE_PEOPLE)
    async with _change(f"{kind}_to_end", key_id, user_id) as row:
        if row["revoked_at"] is None:
            await DB.run(SQL[f"end_{kind}"], key_id)
            await journal.write(viewer, f"{kind}.revoked", kind, key_id, after={"user_id": user_id})


# ----------------------------------------------------------------------------------------------------- organisations


async def set_up(
    email: str,
    name: str,
    password: str,
    code: str,
    names: Mapping[str, str] = rules.COMMITTEE_NAMES,
    *,
    language: str = "zh_CN",
    time_zone: str = "Asia/Shanghai",
) -> Viewer:
    """Make the committee and its first administrator; refuses when there is an administrator already."""
    faults: list[Fault] = []
    person = _checked_person(email, name, language, time_zone, faults)
    rules.password("password", password, person[0], faults)
    place = values.place_code("code", code, faults)
    titles = values.names("names", names, faults)
    _refuse(faults)
    kept = await passwords.hashed(password)
    async with DB.transaction():
        await DB.run("select pg_advisory_xact_lock($1)", _ADMINISTRATORS)
        if there := await DB.value(SQL["administrator"]):
            raise rules.AlreadySetUp(email=there)
        organisation_id = await _insert_organisation(place, Kind.COMMITTEE, titles)
        user_id = await _insert_person(person, kept)
        await DB.run(SQL["add_membership"], user_id, organisation_id, [Role.ADMINISTRATOR.value])
        viewer = await guards.viewer_of_person(person[0], place)
        assert viewer is not None
        made = {"email": person[0], "organisation": place}
        await journal.write(viewer, "platform.set_up", "user", user_id, after=made)
    return viewer


async def create_organisation(viewer: Viewer, code: str, kind: str, names: Mapping[str, str]) -> int:
    """Add an operator, an exporter or a committee; its id."""
    require(viewer, Right.MANAGE_PEOPLE)
    faults: list[Fault] = []
    place = values.place_code("code", code, faults)
    what = rules.kind(kind, faults)
    titles = values.names("names", names, faults)
    _refuse(faults)
    async with DB.transaction():
        organisation_id = await _insert_organisation(place, what, titles)
        made = {"code": place, "kind": what, "names": titles}
        await journal.write(viewer, "organisation.created", "organisation", organisation_id, after=made)
    return organisation_id


async def rename_organisation(
    viewer: Viewer, organisation_id: int, names: Mapping[str, str], revision: str | int
) -> None:
    """Change the names of an organisation; its code and kind stay for ever."""
    require(viewer, Right.MANAGE_PEOPLE)
    faults: list[Fault] = []
    titles = values.names("names", names, faults)
    _refuse(faults)
    async with _change("organisation_to_change", organisation_id) as row:
        _require_fresh(row, revision)
        await DB.run(
            "update organisation set names = $2, revision = revision + 1 where id = $1", organisation_id, titles
        )
        old = row["names"]
        await journal.write(viewer, "organisation.renamed", "organisation", organisation_id, before=old, after=titles)


async def set_organisation_active(viewer: Viewer, organisation_id: int, active: bool) -> None:
    """Let an organisation in, or shut it out: its sessions and tokens end."""
    require(viewer, Right.MANAGE_PEOPLE)
    if not active and organisation_id == viewer.organisation_id:
        raise rules.NotYourself
    async with _change("organisation_to_change", organisation_id, administrators=True) as row:
        if row["active"] is not active:
            await DB.run("update organisation set active = $2 where id = $1", organisation_id, active)
            if not active:
                await DB.run(SQL["revoke_organisation"], organisation_id)
            deed = "organisation.enabled" if active else "organisation.disabled"
            await journal.write(viewer, deed, "organisation", organisation_id)


# ------------------------------------------------------------------------------------------------------------ people


async def create_person(
    viewer: Viewer,
    email: str,
    name: str,
    language: str,
    time_zone: str,
    organisation: str,
    roles: Iterable[str],
    password: str = "",
) -> tuple[int, str]:
    """Add a person with their first membership; their id, and their password when it was made here (left empty)."""
    require(viewer, Right.MANAGE_PEOPLE)
    faults: list[Fault] = []
    person = _checked_person(email, name, language, time_zone, faults)
    made_up = "" if password else passwords.generated()
    if password:
        rules.password("password", password, person[0], faults)
    place = await _organisation(organisation, faults)
    wanted = rules.roles(roles, Kind(place["kind"]) if place else None, faults)
    _refuse(faults)
    assert place is not None
    kept = await passwords.hashed(password or made_up)
    async with DB.transaction():
        user_id = await _insert_person(person, kept)
        await DB.run(SQL["add_membership"], user_id, place["id"], [role.value for role in wanted])
        made = {"email": person[0], "name": person[1], "organisation": place["code"], "roles": wanted}
        await journal.write(viewer, "user.created", "user", user_id, after=made)
    return user_id, made_up


async def set_person_active(viewer: Viewer, user_id: int, active: bool) -> None:
    """Let a person in, or shut them out: their sessions and tokens end."""
    require(viewer, Right.MANAGE_PEOPLE)
    if not active and user_id == viewer.user_id:
        raise rules.NotYourself
    async with _change("person_to_change", user_id, administrators=True) as row:
        if row["active"] is not active:
            await DB.run("update user_account set active = $2 where id = $1", user_id, active)
            if not active:
                await DB.run(SQL["revoke_sessions"], user_id, None, None)
                await DB.run(SQL["revoke_tokens"], user_id, None)
            await journal.write(viewer, "user.enabled" if active else "user.disabled", "user", user_id)


async def reset_password(viewer: Viewer, user_id: int, password: str = "") -> str:
    """Give a person another password and unlock them; their sessions end. The password when it was made here."""
    require(viewer, Right.MANAGE_PEOPLE)
    if user_id == viewer.user_id:
        raise rules.OwnPassword
    async with _change("person_to_change", user_id) as row:
        faults: list[Fault] = []
        if password:
            rules.password("password", password, row["email"], faults)
        _refuse(faults)
        made_up = "" if password else passwords.generated()
        await DB.run(SQL["set_password"], user_id, await passwords.hashed(password or made_up))
        await DB.run(SQL["revoke_sessions"], user_id, None, None)
        await journal.write(viewer, "user.password_reset", "user", user_id)
    return made_up


async def add_membership(viewer: Viewer, user_id: int, organisation: str, roles: Iterable[str]) -> None:
    """Let a person work for one more organisation."""
    require(viewer, Right.MANAGE_PEOPLE)
    async with _change("person_to_change", user_id):
        faults: list[Fault] = []
        place = await _organisation(organisation, faults)
        wanted = rules.roles(roles, Kind(place["kind"]) if place else None, faults)
        _refuse(faults)
        assert place is not None
        if not await DB.value(SQL["add_membership"], user_id, place["id"], [role.value for role in wanted]):
            sentence = N_("This person belongs to “%(value)s” already. Change the roles there instead.")
            raise Invalid([Fault("organisation", place["code"], sentence, {"value": place["code"]})])
        made = {"organisation": place["code"], "roles": wanted}
        await journal.write(viewer, "membership.added", "user", user_id, after=made)


async def change_roles(
    viewer: Viewer, user_id: int, organisation_id: int, roles: Iterable[str], revision: str | int
) -> None:
    """Change what a person is for an organisation."""
    require(viewer, Right.MANAGE_PEOPLE)
    async with _change("membership_to_change", user_id, organisation_id, administrators=True) as row:
        faults: list[Fault] = []
        wanted = rules.roles(roles, Kind(row["kind"]), faults)
        _refuse(faults)
        _require_fresh(row, revision)
        await DB.run(SQL["change_roles"], user_id, organisation_id, [role.value for role in wanted])
        old = {"organisation": row["code"], "roles": row["roles"]}
        new = {"organisation": row["code"], "roles": wanted}
        await journal.write(viewer, "membership.changed", "user", user_id, before=old, after=new)


async def end_membership(viewer: Viewer, user_id: int, organisation_id: int) -> None:
    """A person no longer works for an organisation: their sessions and tokens there end."""
    require(viewer, Right.MANAGE_PEOPLE)
    if user_id == viewer.user_id:
        raise rules.NotYourself
    async with _change("membership_to_change", user_id, organisation_id, administrators=True) as row:
        await DB.run("delete from membership where user_id = $1 and organisation_id = $2", user_id, organisation_id)
        await DB.run(SQL["revoke_sessions"], user_id, None, organisation_id)
        await DB.run(SQL["revoke_tokens"], user_id, organisation_id)
        old = {"organisation": row["code"], "roles": row["roles"]}
        await journal.write(viewer, "membership.ended", "user", user_id, before=old)


# ------------------------------------------------------------------------------------------------------------- parts


@asynccontextmanager
async def _change(query: str, *keys: object, administrators: bool = False) -> AsyncIterator[asyncpg.Record]:
    """One transaction on one locked row, NotFound without it; afterwards the guards look again.

    With `administrators` only one such change runs at a time, and it is refused when it leaves no administrator.
    """
    if not all(0 < key <= rules.LARGEST_ID for key in keys if isinstance(key, int)):
        raise NotFound
    async with DB.transaction():
        if administrators:
            await DB.run("select pg_advisory_xact_lock($1)", _ADMINISTRATORS)
        row = await DB.row(SQL[query], *keys)
        if row is None:
            raise NotFound
        yield row
        if administrators and not await DB.value(SQL["administrator"]):
            raise rules.LastAdministrator
    guards.forget_all()


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(faults)


def _require_fresh(row: asyncpg.Record, revision: str | int) -> None:
    if str(revision) != str(row["revision"]):
        raise Conflict


def _checked_person(
    email: str, name: str, language: str, time_zone: str, faults: list[Fault]
) -> tuple[str, str, str, str]:
    return (
        rules.email(email, faults),
        rules.name("name", name, 200, faults),
        rules.language(language, faults),
        rules.time_zone(time_zone, faults),
    )


async def _organisation(code: str, faults: list[Fault]) -> asyncpg.Record | None:
    found = await DB.row(SQL["organisation_by_code"], values.code_of(code.replace("\0", "")))
    if found is None or not found["active"]:
        sentence = N_("There is no active organisation “%(value)s”. Choose one of the list.")
        faults.append(
            Fault(
                "organisation", code, sentence if code else N_("Choose an organisation of the list."), {"value": code}
            )
        )
        return None
    return found


async def _insert_organisation(code: str, kind: Kind, names: dict[str, str]) -> int:
    organisation_id = await DB.value(SQL["create_organisation"], code, kind.value, names)
    if organisation_id is None:
        sentence = N_("There is an organisation “%(value)s” already. Choose another code, or open that one.")
        raise Invalid([Fault("code", code, sentence, {"value": code})])
    return int(organisation_id)


async def _insert_person(person: tuple[str, str, str, str], kept: str) -> int:
    email, name, language, time_zone = person
    user_id = await DB.value(SQL["create_person"], email, name, kept, language, time_zone)
    if user_id is None:
        sentence = N_("There is an account for “%(value)s” already. Open that person and add a membership there.")
        raise Invalid([Fault("email", email, sentence, {"value": email})])
    return int(user_id)
