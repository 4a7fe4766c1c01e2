"""The terms of an owner for returned goods: agreed by one of its managers, seen by those who handle its goods."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid, NotAllowed
from backend.core.listing import Clause, Column, Key, Listing, where
from backend.core.text import N_
from backend.returns import defaults as agreements
from backend.returns.defaults import Agreement
from backend.returns.rules import Disposition, Grade

SQL = blocks(Path(__file__).with_name("terms.sql"))

_SOURCE = (
    "return_terms t join organisation o on o.id = t.owner_id left join user_account u on u.id = t.user_id "
    "cross join lateral (select not exists (select from return_terms n where n.owner_id = t.owner_id and n.id > t.id) "
    "as holds) h"
)
TERMS = Listing(
    source=_SOURCE,
    fields={
        "id": "t.id",
        "owner": "o.code",
        "owner_names": "o.names",
        "decide_days": "t.decide_days",
        "defaults": "t.defaults",
        "agreed_at": "t.agreed_at",
        "agreed_by": "u.name",
        "holds": "h.holds",
    },
    key=(Key("t.id", "uuid"),),
    descending=True,
    json=("owner", "decide_days", "defaults", "agreed_at", "holds"),
    columns=(
        Column(N_("Exporter"), "o.code"),
        Column(N_("Days to decide"), "t.decide_days"),
        *(Column(grade.value, f"t.defaults->>'{grade.value}'") for grade in Grade),
        Column(N_("Agreed at (UTC)"), "to_char(t.agreed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')"),
        Column(N_("Agreed by"), "u.name", free_text=True),
    ),
)


class Terms(msgspec.Struct, frozen=True):
    """What an owner agreed, when, and who did it."""

    id: uuid.UUID
    agreement: Agreement
    agreed_at: datetime
    agreed_by: str


def clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope (an exporter's own, those whose goods an operator has, all for the committee); filters owner, history (yes)."""
    found: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        found.append(
            where(
                "exists (select from item_in_warehouse v where v.warehouse_id = any(?::bigint[]) and v.owner_id = t.owner_id)",
                list(viewer.warehouse_ids),
            )
        )
    elif not access_rules.sees_everything(viewer):
        found.append(where("t.owner_id = ?", viewer.organisation_id))
    if owner := filters.get("owner"):
        found.append(where("o.code = ?", values.code_of(owner)))
    if filters.get("history") != "yes":
        found.append(where("h.holds"))
    return found


async def current(owner_id: int) -> Terms | None:
    """What holds for an owner now; the caller has looked who asks."""
    row = await DB.row(SQL["current"], owner_id)
    if row is None:
        return None
    chosen = {Grade(grade): Disposition(name) for grade, name in row["defaults"].items()}
    return Terms(row["id"], Agreement(row["decide_days"], chosen), row["agreed_at"], row["agreed_by"] or "")


async def agree(viewer: Viewer, decide_days: str, defaults: Mapping[str, str], *, seen: str | None = None) -> Terms:
    """Agree new terms for the viewer's own goods; the same as hold already change nothing.

    `defaults` by grade, empty for waiting. `seen` is the id of the terms that held when the form was opened (empty:
    none): if others hold by now it is refused (`TermsChanged`); None does not ask. Decisions that are due from then on
    follow the new terms.
    """
    access_rules.require(viewer, Right.DECIDE_RETURNS)
    if viewer.kind is not Kind.EXPORTER:
        raise NotAllowed
    faults: list[Fault] = []
    wanted = agreements.agreement(decide_days, defaults, faults)
    if faults:
        raise Invalid(faults)
    async with DB.transaction():
        await DB.run(SQL["lock_owner"], viewer.organisation_id)
        before = await current(viewer.organisation_id)
        if before is not None and before.agreement == wanted:
            return before
        if seen is not None and seen != (str(before.id) if before else ""):
            raise agreements.TermsChanged
        made = values.new_id()
        await DB.run(SQL["agree"], viewer.organisation_id, made, wanted.decide_days, wanted.defaults, viewer.user_id)
        await journal.write(
            viewer,
            "terms.agreed",
            "return_terms",
            made,
            before=before.agreement if before else None,
            after=wanted,
        )
        after = await current(viewer.organisation_id)
    assert after is not None
    return after
