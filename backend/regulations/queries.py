"""What may be asked of the rules and of declaration lines.

Rules are the same for everybody who is signed in. A declaration line belongs to its exporter; the committee sees all.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import clock, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault
from backend.core.listing import Clause, Column, Key, Listing, in_one_language, where
from backend.core.text import N_
from backend.regulations import reading, rulebook
from backend.regulations.editions import Edition, Editions
from backend.regulations.rules import LineFacts
from backend.stock.rules import NoSuchDeclarationLine

SQL = blocks(Path(__file__).with_name("queries.sql"))
KEPT_SECONDS = 2.0
# The days of these rules are days in China, wherever the reader sits.
LEGAL_ZONE = "Asia/Shanghai"
DECLARATION_DIGITS = 18

log = logging.getLogger("luocang")

LINES = Listing(
    source="declaration_line d",
    joins=(
        "join organisation o on o.id = d.owner_id left join item i on i.id = d.item_id "
        "left join declaration_fact f on f.owner_id = d.owner_id and f.declaration_no = d.declaration_no "
        "and f.declaration_line = d.declaration_line "
        "left join lateral (select s.sold_on from declaration_sale s where s.owner_id = d.owner_id "
        "and s.declaration_no = d.declaration_no and s.declaration_line = d.declaration_line) s on true"
    ),
    fields={
        "owner": "o.code",
        "declaration_no": "d.declaration_no",
        "declaration_line": "d.declaration_line",
        "lots": "d.lots",
        "item": "i.code",
        "item_names": "i.names",
        "items": "d.items",
        "code_known": "coalesce(f.supervision_code, d.supervision_code)",
        "exported_known": "coalesce(f.exported_on, d.exported_on)",
        "sold_on": "coalesce(f.sold_on, s.sold_on)",
        **{
            name: f"f.{name}"
            for name in (
                *("released_on", "left_area_on", "settled_on", "filed_on", "accounted_on", "evidence_on"),
                *("customs_area", "is_food", "refund_taken"),
            )
        },
    },
    key=(Key("d.owner_id"), Key("d.declaration_no", "text"), Key("d.declaration_line", "integer")),
    columns=(
        Column(N_("Owner"), "o.code"),
        Column(N_("Declaration number"), "d.declaration_no", free_text=True),
        Column(N_("Declaration line"), "d.declaration_line"),
        Column(N_("Item"), "i.code"),
        in_one_language(N_("Name"), "i.names"),
        Column(N_("Lots"), "d.lots"),
        Column(N_("Supervision code"), "coalesce(f.supervision_code, d.supervision_code)"),
        Column(N_("Exported on"), "coalesce(f.exported_on, d.exported_on)"),
        Column(N_("Export release by customs"), "f.released_on"),
        Column(N_("Settlement of the refund by the tax office"), "f.settled_on"),
        Column(N_("Refund or exemption filed"), "f.filed_on"),
    ),
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration line that the viewer may see: what its exporter stated, and that with what lots and ledger say as facts."""

    owner_id: int
    owner: str
    owner_names: dict[str, str]
    declaration_no: str
    declaration_line: int
    lots: int
    item: str | None
    item_names: dict[str, str] | None
    items: int
    dates_differ: bool
    codes_differ: bool
    stated: dict[str, Any]
    revision: int
    facts: LineFacts

    @property
    def is_stated(self) -> bool:
        """Whether its exporter has stated anything."""
        return self.revision > 0


class _Kept(msgspec.Struct):
    """A set as this process knows it: until when nobody asks, how many states it was made of."""

    until: float
    count: int
    editions: Editions


_kept: dict[str, _Kept] = {}


async def editions() -> Editions:
    """The rules in force: those that ship and the committee's own, kept in memory and at most two seconds old."""
    key, now = str(DB.config), time.monotonic()
    known = _kept.get(key)
    if known is not None and now < known.until:
        return known.editions
    count = await DB.value(SQL["count"])
    if known is None or known.count != count:
        own, withdrawn = await own_editions()
        merged = rulebook.merged(shipped(), own, withdrawn)
        if faults := rulebook.set_faults(merged):
            log.warning("the rules contradict each other: %s", "; ".join(str(fault.facts) for fault in faults))
        known = _Kept(now, count, Editions(merged))
        _kept.clear()
        _kept[key] = known
    known.until = now + KEPT_SECONDS
    return known.editions


def forget() -> None:
    """Read the rules again when the next one asks."""
    _kept.clear()


@lru_cache(maxsize=1)
def shipped() -> tuple[Edition, ...]:
    """The editions of the files that ship."""
    return tuple(rulebook.editions(rulebook.shipped()))


async def own_editions() -> tuple[list[Edition], set[tuple[str, str]]]:
    """The committee's own editions as they stand, and the (rule, name) of those that it withdrew."""
    own, withdrawn = [], set()
    for row in await DB.fetch(SQL["own_editions"]):
        faults: list[Fault] = []
        if row["content"] is None:
            withdrawn.add((row["rule_id"], row["edition"]))
        elif made := reading.edition(row["content"], faults):
            own.append(made)
        else:
            log.warning("edition %s of rule %s cannot be read any more", row["edition"], row["rule_id"])
    return own, withdrawn


async def version(rule_id: str, edition: str) -> int:
    """How often the committee has changed an edition; 0 for one that stands as it shipped, or does not exist."""
    found: int = await DB.value(SQL["version"], rule_id, edition)
    return found


async def history(rule_id: str) -> list[asyncpg.Record]:
    """What the committee did to a rule, the latest first (at most 200 acts)."""
    return await DB.fetch(SQL["history"], rule_id)


def selected(
    found: Editions, family: str = "", status: str = "", day: date | None = None, text: str = ""
) -> list[Edition]:
    """The editions of a family and a status that cover a basis date, whose id or texts hold `text`; empty is any."""
    wanted = text.casefold()
    return [
        edition
        for edition in found
        if family in ("", edition.family)
        and status in ("", edition.status)
        and (day is None or edition.covers(day))
        and (not wanted or _speaks_of(edition, wanted))
    ]


def _speaks_of(edition: Edition, text: str) -> bool:
    return any(
        text in each.casefold()
        for each in (edition.rule_id, edition.source.act, *edition.titles.values(), *edition.texts.values())
    )


# ------------------------------------------------------------------------------------------------- declaration lines


def today() -> date:
    """The day on which clocks stand now."""
    return clock.business_day(clock.now(), LEGAL_ZONE)


async def line_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list of declaration lines: declaration (its beginning), item, owner."""
    access_rules.require(viewer, Right.SEE_REGULATIONS)
    clauses: list[Clause] = []
    if not access_rules.sees_everything(viewer):
        clauses.append(where("d.owner_id = ?", viewer.organisation_id if viewer.kind is Kind.EXPORTER else 0))
    elif owner := filters.get("owner"):
        owner_id = await DB.value("select id from organisation where code = $1", values.code_of(owner))
        clauses.append(where("d.owner_id = ?", owner_id or 0))
    if declaration := filters.get("declaration"):
        clauses.append(where("starts_with(d.declaration_no, ?)", declaration))
    if item := filters.get("item"):
        clauses.append(
            where(
                "exists (select from lot t join item j on j.id = t.item_id where t.owner_id = d.owner_id "
                "and t.declaration_no = d.declaration_no and t.declaration_line = d.declaration_line and j.code = ?)",
                values.code_of(item),
            )
        )
    return clauses


async def line(viewer: Viewer, declaration_no: str, declaration_line: int, owner: str = "") -> Line:
    """A declaration line with everything known of it; refuses one that does not exist or belongs to somebody else."""
    access_rules.require(viewer, Right.SEE_REGULATIONS)
    row = None
    if access_rules.sees_everything(viewer) or viewer.kind is Kind.EXPORTER:
        own = None if access_rules.sees_everything(viewer) else viewer.organisation_id
        if 0 < declaration_line < 2**31:
            code = values.code_of(owner) if owner else None
            row = await DB.row(SQL["line"], values.findable(declaration_no), declaration_line, code, own)
    if row is None:
        raise NoSuchDeclarationLine(declaration=declaration_no, line=declaration_line)
    stated = {name: row[name] for name in STATED}
    stated |= {"supervision_code": row["code_stated"], "exported_on": row["exported_stated"]}
    stated |= {"sold_on": row["sold_stated"]}
    return Line(
        owner_id=row["owner_id"],
        owner=row["owner"],
        owner_names=row["owner_names"],
        declaration_no=row["declaration_no"],
        declaration_line=row["declaration_line"],
        lots=row["lots"],
        item=row["item"],
        item_names=row["item_names"],
        items=row["items"],
        dates_differ=row["dates_differ"],
        codes_differ=row["codes_differ"],
        stated=stated,
        revision=row["revision"],
        facts=line_facts(row),
    )


STATED = (
    *("supervision_code", "exported_on", "released_on", "left_area_on", "settled_on", "sold_on", "filed_on"),
    *("accounted_on", "evidence_on", "customs_area", "is_food", "refund_taken"),
)


def line_facts(row: Mapping[str, Any] | asyncpg.Record) -> LineFacts:
    """A row of a declaration line as facts; the customs district is stated, or begins the declaration number of 18 digits."""
    return LineFacts(
        supervision_code=row["code_known"],
        exported_on=row["exported_known"],
        customs_area=row["customs_area"] or area_of(row["declaration_no"]),
        **{name: row[name] for name in STATED if name not in ("supervision_code", "exported_on", "customs_area")},
    )


def area_of(declaration_no: str) -> str | None:
    """The customs district of the export, the first four of the 18 digits of a declaration number."""
    whole = declaration_no.isascii() and declaration_no.isdecimal() and len(declaration_no) == DECLARATION_DIGITS
    return declaration_no[:4] if whole else None


async def facts_of(lines: Sequence[tuple[int, str, int]]) -> dict[tuple[int, str, int], LineFacts]:
    """What is known of lines (owner, number, line), for rooms that have looked who asks; lines without lots are left out."""
    if not lines:
        return {}
    rows = await DB.fetch(SQL["stated"], *zip(*lines, strict=True))
    return {(row["owner_id"], row["declaration_no"], row["declaration_line"]): line_facts(row) for row in rows}
