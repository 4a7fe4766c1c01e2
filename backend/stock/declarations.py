"""What became of each declaration line 报关单项号: one set of terms over all warehouses, at any instant.

The refund on departure is accounted for by them (国家税务总局公告2025年第3号): received = on hand + in transit + sold -
returned in + returned to China + scrapped + lost + transformed. The exporter sees its own lines over all warehouses, an
operator only the movements in its own warehouses, the committee everything.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.listing import Clause, Column, Key, Listing, where
from backend.core.text import N_
from backend.stock.rules import NoSuchDeclarationLine, Place

_SQL = blocks(Path(__file__).with_name("declarations.sql"))
REAL = 0


class Term(msgspec.Struct, frozen=True):
    """One term: which ends count how, and with which sign it stands in "received = ..."."""

    heading: str
    counts: Mapping[tuple[int, int], int]
    sign: int = 1


# What is on hand is the change at real places, whatever the other end; all other terms are told by their ends. A new
# virtual place needs its term here: as long as it has none, the identity below does not add up, and `check-ledger` says so.
TERMS: Mapping[str, Term] = {
    "in_transit": Term(
        N_("In transit"),
        {(REAL, Place.TRANSIT): 1, (Place.TRANSIT, REAL): -1, (Place.TRANSIT, Place.ORIGIN): -1},
    ),
    "sold": Term(N_("Sold"), {(REAL, Place.BUYER): 1}),
    "returned_in": Term(N_("Returned by buyers"), {(Place.BUYER, REAL): 1}, sign=-1),
    "returned_home": Term(N_("Returned to China"), {(Place.TRANSIT, Place.ORIGIN): 1}),
    "scrapped": Term(N_("Scrapped"), {(REAL, Place.SCRAP): 1}),
    "lost": Term(N_("Lost"), {(REAL, Place.ADJUSTMENT): 1, (Place.ADJUSTMENT, REAL): -1}),
    "transformed": Term(N_("Transformed"), {(REAL, Place.TRANSFORM): 1, (Place.TRANSFORM, REAL): -1}),
}
RECEIVED: Mapping[tuple[int, int], int] = {(Place.SUPPLIER, REAL): 1}
NAMES = ("received", "on_hand", *TERMS)
HEADINGS: Mapping[str, str] = {
    "received": N_("Received"),
    "on_hand": N_("On hand"),
    **{name: term.heading for name, term in TERMS.items()},
}


class Amounts(msgspec.Struct, frozen=True):
    """The terms of one line, lot or warehouse, in pieces."""

    received: int
    on_hand: int
    in_transit: int
    sold: int
    returned_in: int
    returned_home: int
    scrapped: int
    lost: int
    transformed: int

    @property
    def adds_up(self) -> bool:
        """Whether received equals the sum of all other terms."""
        others: list[int] = [term.sign * getattr(self, name) for name, term in TERMS.items()]
        return self.received == self.on_hand + sum(others)


class Part(msgspec.Struct, frozen=True):
    """The terms of one lot or one warehouse of a line."""

    code: str
    names: dict[str, str]
    amounts: Amounts
    item: str = ""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration line with its terms as a whole, by lot and by warehouse; `at` None is as the book stands."""

    owner_id: int
    owner: str
    owner_names: dict[str, str]
    declaration_no: str
    declaration_line: int
    lots: int
    exported_on: Any
    supervision_code: str | None
    at: datetime | None
    whole: Amounts
    by_lot: tuple[Part, ...]
    by_warehouse: tuple[Part, ...]


def _sum(counts: Mapping[tuple[int, int], int]) -> str:
    cases = " ".join(
        f"when came_from = {source:d} and went_to = {target:d} then {'' if way > 0 else '-'}pieces"
        for (source, target), way in counts.items()
    )
    return f"coalesce(sum(case {cases} end), 0)::bigint"


def _terms() -> str:
    sums = {
        "received": _sum(RECEIVED),
        "on_hand": "coalesce(sum(change), 0)::bigint",
        **{name: _sum(term.counts) for name, term in TERMS.items()},
    }
    return ", ".join(f"{sql} as {name}" for name, sql in sums.items())


_PROVEN = "s.received" + "".join(f" {'-' if term.sign > 0 else '+'} s.{name}" for name, term in TERMS.items())
SQL = {
    name: sql.replace("{effect}", _SQL["effect"]).replace("{terms}", _terms()).replace("{proven}", _PROVEN)
    for name, sql in _SQL.items()
}


def listing(viewer: Viewer, at: datetime | None = None) -> Listing:
    """Declaration lines with their terms as the viewer may see them, at a past instant or as the book stands.

    A list takes no parameters before its conditions, so the instant and the warehouses' numbers are written out.
    """
    scope = ["true"]
    if at is not None:
        scope.append(f"x.occurred_at <= '{at.isoformat()}'::timestamptz")
    if viewer.kind is Kind.OPERATOR:
        scope.append(
            f"x.warehouse_id = any(array[{', '.join(f'{each:d}' for each in viewer.warehouse_ids)}]::bigint[])"
        )
    terms = SQL["terms_of_line"].replace("{scope}", " and ".join(scope))
    amounts = {name: f"s.{name}" for name in NAMES}
    return Listing(
        source="declaration_line d",
        joins=f"join organisation o on o.id = d.owner_id left join item i on i.id = d.item_id cross join lateral ({terms}) s",
        fields={
            "owner": "o.code",
            "declaration": "d.declaration_no",
            "line": "d.declaration_line",
            "item": "i.code",
            "item_names": "i.names",
            "items": "d.items",
            "lots": "d.lots",
            "supervision_code": "d.supervision_code",
            "exported_on": "d.exported_on",
            **amounts,
        },
        key=(Key("d.owner_id"), Key("d.declaration_no", "text"), Key("d.declaration_line", "integer")),
        json=("owner", "declaration", "line", "item", "lots", "supervision_code", "exported_on", *NAMES),
        columns=(
            Column(N_("Owner"), "o.code"),
            Column(N_("Declaration number"), "d.declaration_no", free_text=True),
            Column(N_("Declaration line"), "d.declaration_line"),
            Column(N_("Item"), "i.code"),
            Column(N_("Lots"), "d.lots"),
            Column(N_("Supervision code"), "d.supervision_code"),
            Column(N_("Exported on"), "d.exported_on"),
            *(Column(HEADINGS[name], sql) for name, sql in amounts.items()),
        ),
    )


async def clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope and the filters of the list: owner, declaration (the beginning of its number), item."""
    found: list[Clause] = []
    if viewer.kind is Kind.EXPORTER:
        found.append(where("d.owner_id = ?", viewer.organisation_id))
    elif viewer.kind is Kind.OPERATOR:
        found.append(
            where(
                "exists (select from lot t join balance b on b.warehouse_id = any(?::bigint[]) "
                "and b.owner_id = t.owner_id and b.item_id = t.item_id and b.lot_id = t.id "
                "where t.owner_id = d.owner_id and t.declaration_no = d.declaration_no "
                "and t.declaration_line = d.declaration_line)",
                list(viewer.warehouse_ids),
            )
        )
    if owner := filters.get("owner"):
        owner_id = await DB.value("select id from organisation where code = $1", values.code_of(owner))
        found.append(where("d.owner_id = ?", owner_id or 0))
    if declaration := filters.get("declaration"):
        found.append(where("starts_with(d.declaration_no, ?)", declaration))
    if item := filters.get("item"):
        found.append(
            where(
                "exists (select from lot t join item j on j.id = t.item_id where t.owner_id = d.owner_id "
                "and t.declaration_no = d.declaration_no and t.declaration_line = d.declaration_line and j.code = ?)",
                values.code_of(item),
            )
        )
    return found


async def statement(
    viewer: Viewer, declaration_no: str, declaration_line: int, *, owner: str = "", at: datetime | None = None
) -> Statement:
    """What became of a declaration line, as the viewer may see it; refuses one that is not there (`NoSuchDeclarationLine`)."""
    row = None
    own = viewer.organisation_id if viewer.kind is Kind.EXPORTER else None
    warehouses = None if viewer.kind is not Kind.OPERATOR else list(viewer.warehouse_ids)
    if 0 < declaration_line < 2**31:
        code = values.code_of(owner) if owner else None
        row = await DB.row(SQL["line"], values.findable(declaration_no), declaration_line, code, own, warehouses)
    if row is None:
        raise NoSuchDeclarationLine(declaration=declaration_no, line=declaration_line)
    parts = await DB.fetch(SQL["parts"], row["owner_id"], declaration_no, declaration_line, at, warehouses)
    whole = next((each for each in parts if not each["is_lot"] and not each["is_warehouse"]), None)
    return Statement(
        **dict(row),
        at=at,
        whole=_amounts(whole) if whole else Amounts(*(0 for _ in NAMES)),
        by_lot=tuple(_part(each, "lot") for each in parts if each["is_lot"]),
        by_warehouse=tuple(_part(each, "warehouse") for each in parts if each["is_warehouse"]),
    )


def _amounts(row: asyncpg.Record) -> Amounts:
    return Amounts(**{name: row[name] for name in NAMES})


def _part(row: asyncpg.Record, kind: str) -> Part:
    names = row["item_names"] if kind == "lot" else row["warehouse_names"]
    return Part(row[kind], names, _amounts(row), row["item"] or "")


async def differences() -> Sequence[asyncpg.Record]:
    """Declaration lines whose terms do not add up to what the balances of their lots hold; empty when the book is right."""
    async with DB.connection() as connection:
        found: Sequence[asyncpg.Record] = await connection.fetch(SQL["differences"], timeout=3600)
        return found


def is_partial(viewer: Viewer) -> bool:
    """Whether the viewer sees only a part of what became of a line: the movements in its own warehouses."""
    return not access_rules.sees_everything(viewer) and viewer.kind is Kind.OPERATOR
