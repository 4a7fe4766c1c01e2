"""Cancellations of real trade: the sales of two months are imported, and every cancellation walks the whole way of returns.

Everything from the booking on is done over HTTP, with a token of the goods' owner and one of the warehouse's operator.
"""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from backend.access import actions as access_actions
from backend.access import guards
from backend.access.rules import Role, Viewer
from backend.core.database import DB
from backend.core.embedded import EmbeddedPostgres
from backend.monitor import reconciliation
from backend.registry import actions as registry_actions
from backend.registry import queries as registry_queries
from backend.returns.routing import Capability
from backend.returns.rules import Kind
from backend.stock.rules import Place
from backend.trade import actions as trade_actions
from tests import build
from tests.load import network, trade_rows
from tests.load.client import Server
from tests.load.figures import Figure
from tests.load.posting import DEADLOCKS
from tests.load.program import Program, Times, at_once
from tests.load.trade_rows import Row
from tests.load.walking import BINS, REPEATABLE, Unit, Walk

WAREHOUSE, EXPORTER, ZONE = "LOAD-TRADE", "LOAD-RETAILER", "Europe/London"
DATABASE = "load_cancellations"
CLIENTS = 8
# What the ledger moved since the import, by item and lot, between a warehouse and the places outside it.
MOVED = """
select i.code as item, coalesce(t.code, '') as lot, d.name as place,
       sum(case when m.source_id = d.id then m.quantity else -m.quantity end)::bigint as pieces
from (values ($1::bigint, 'BUYER'), ($2, 'SCRAP'), ($3, 'ORIGIN'), ($4, 'TRANSIT')) d (id, name)
join movement m on d.id in (m.source_id, m.target_id)
join document k on k.warehouse_id = m.warehouse_id and k.document_id = m.document_id and k.recorded_at > $5
join item i on i.id = m.item_id
left join lot t on t.id = m.lot_id
group by 1, 2, 3
"""
Goods = tuple[str, str]


@dataclass
class Tokens:
    """How the programs of the two organisations name themselves."""

    owner: str
    operator: str


def measure(server: EmbeddedPostgres, file: Path | None) -> tuple[list[Figure], list[str]]:
    """The figures of the walk, and every row, piece and document that is not where it should be."""
    if file is None:
        return [Figure("cancellations of real trade", "", absent="skipped: no --trade-data")], []
    with TemporaryDirectory(prefix="luocang-load-") as home:
        url = network.empty(server, DATABASE)
        invoices = trade_rows.split(file, Path(home) / "sales.csv")
        network.work(url, lambda: _import(Path(home)))
        tokens = network.work(url, _people)
        times, begun_at = Times(), datetime.now(UTC)
        with Server(url, LUOCANG_HOME=home) as web:
            owner, operator = (
                Program(web.port, token, times, again=REPEATABLE) for token in (tokens.owner, tokens.operator)
            )
            _open_desk(operator)
            before = _stock(operator)
            walk = Walk(WAREHOUSE, owner, operator)
            seconds = _walk(walk, invoices)
            faults = walk.faults(invoices)
            faults += _conservation(url, walk, before, _stock(operator), begun_at)
        faults += network.faults_of_book(url) + network.work(url, lambda: _orphans(begun_at))
        if deadlocks := network.value(url, DEADLOCKS):
            faults.append(f"{deadlocks} deadlocks")
        server.drop_database(DATABASE)
    return _figures(walk, invoices, times, seconds), faults


# ------------------------------------------------------------------------------------------------------------- before


async def _import(home: Path) -> None:
    """Bring the sales in by the product's own import; it makes the warehouse, its operator, the exporter and the items."""
    viewer = await trade_actions.importer(None, WAREHOUSE)
    await trade_actions.import_trade(
        viewer,
        home / "sales.csv",
        warehouse=WAREHOUSE,
        exporter=EXPORTER,
        mapping="online-retail",
        open_missing=True,
        create=True,
        progress=lambda done, whole: None,
        folder=home,
    )


async def _people() -> Tokens:
    """A manager with a token for the exporter and for the operator; the warehouse is listed and has the walk's bins."""
    root = await build.root()
    place = await registry_queries.warehouse_seen(root, WAREHOUSE)
    owner = await _manager(root, EXPORTER, Role.EXPORTER_MANAGER)
    operator = await _manager(root, place.operator_code, Role.OPERATOR_MANAGER)
    given = {"status": "listed", "note": "returns begin"}
    await registry_actions.change_status(root, WAREHOUSE, place.revision, given)
    for code in BINS.values():
        await registry_actions.create_locations(operator, WAREHOUSE, {"pattern": code, "kind": "bin"})
    return Tokens(await build.token(owner), await build.token(operator))


async def _manager(root: Viewer, organisation: str, role: Role) -> Viewer:
    email = f"{role.value}@luocang.example"
    await access_actions.create_person(root, email, "Manager", "en", ZONE, organisation, (role,), build.PASSWORD)
    manager = await guards.viewer_of_person(email, organisation, "page")
    assert manager is not None
    return manager


def _open_desk(operator: Program) -> None:
    """The warehouse takes every kind of return."""
    desk = {"active": True, "kinds": list(Kind), "capabilities": list(Capability), "daily_units": 100_000}
    operator.must("open the desk", f"/returns/desks/{WAREHOUSE}", desk, method="PUT")


def _walk(walk: Walk, invoices: dict[str, list[Row]]) -> float:
    """Every cancelled invoice to the end of its units; the seconds until what is left is work of workshop and ship."""
    begun = time.perf_counter()
    at_once(CLIENTS, invoices.items(), lambda invoice: walk.whole_way(*invoice))
    seconds = time.perf_counter() - begun
    at_once(CLIENTS, walk.units("REPAIR"), walk.repair)
    at_once(CLIENTS, walk.units("RELABEL"), walk.relabel)
    walk.send_home()
    return seconds


# ------------------------------------------------------------------------------------------------------------- after


def _stock(operator: Program) -> Counter[tuple[str, str, str, str]]:
    """Pieces on hand by item, lot, location and condition."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for row in operator.rows("read the stock", "/stock/balances", warehouse=WAREHOUSE):
        found[row["item"], row["lot"] or "", row["location"], row["condition"]] += row["on_hand"]
    return +found


def _conservation(
    url: str,
    walk: Walk,
    before: Counter[tuple[str, str, str, str]],
    after: Counter[tuple[str, str, str, str]],
    since: datetime,
) -> list[str]:
    """Every item and lot of which the pieces that came back do not lie, or did not go, where they were decided to."""
    faults = []
    for key, pieces in sorted((before + _expected(walk)).items()):
        if after[key] != pieces:
            faults.append(f"{' '.join(key)}: {after[key]} pieces lie there, {pieces} were put there")
    faults += [
        f"{' '.join(key)}: {after[key]} pieces lie there, none were put there"
        for key in after - before - _expected(walk)
    ]
    moved = network.work(url, lambda: _moved(since))
    said = _said(walk)
    for place, goods in sorted(moved.keys() | said.keys()):
        if moved[place, goods] != said[place, goods]:
            faults.append(f"{place} {goods}: {moved[place, goods]} pieces in the ledger, {said[place, goods]} walked")
    return faults


def _expected(walk: Walk) -> Counter[tuple[str, str, str, str]]:
    """What the walk put into each bin."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for fate, place in BINS.items():
        for unit in walk.units(fate):
            found[unit.item, unit.lot, place, unit.condition] += unit.pieces
    return found


def _said(walk: Walk) -> Counter[tuple[str, Goods]]:
    """What the walk brought from buyers, destroyed or gave away, and sent home: positive from outside, negative to it."""
    outside = {"SCRAP": "SCRAP", "DONATE": "SCRAP", "SEND_HOME": "ORIGIN"}
    found: Counter[tuple[str, Goods]] = Counter()
    for unit in (unit for back in walk.returns for unit in back.units):
        found["BUYER", (unit.item, unit.lot)] += unit.pieces
        if unit.fate in outside:
            found[outside[unit.fate], (unit.item, unit.lot)] -= unit.pieces
    return found


async def _moved(since: datetime) -> Counter[tuple[str, Goods]]:
    """The same as the ledger has it; what left for home and arrived is nothing in TRANSIT."""
    places = (Place.BUYER, Place.SCRAP, Place.ORIGIN, Place.TRANSIT)
    rows = await DB.fetch(MOVED, *(int(place) for place in places), since)
    return Counter({(row["place"], (row["item"], row["lot"])): row["pieces"] for row in rows if row["pieces"]})


async def _orphans(since: datetime) -> list[str]:
    """What the nightly reconciliation finds in the days of the walk."""
    days = {instant.astimezone(ZoneInfo(ZONE)).date() for instant in (since, datetime.now(UTC))}
    found = []
    for day in sorted(days):
        found += await _orphans_of(day)
    return found


async def _orphans_of(day: date) -> list[str]:
    paired = await reconciliation.reconcile(day, [WAREHOUSE])
    if not any(each.effects for each in paired):
        return [f"the reconciliation of {day} found nothing that was done"]
    rows = await reconciliation.found_by(paired)
    return [f"orphan: {row['wrong']} {row['effect']} {row['number']} {row['item']}" for row in rows]


def _figures(walk: Walk, invoices: dict[str, list[Row]], times: Times, seconds: float) -> list[Figure]:
    rows = [row for rows in invoices.values() for row in rows]
    units = [unit for back in walk.returns for unit in back.units]
    booked = {row.number for back in walk.returns for row in back.rows}
    found = [
        _one("cancelled rows of the file", "rows", len(rows)),
        _one("  booked", "rows", len(booked)),
        _one("  processed to the end", "rows", len(booked - walk.refused.keys())),
        _one("  refused with a reason", "rows", len(walk.refused)),
    ]
    for reason, count in Counter(_plain(reason) for reason in walk.refused.values()).most_common():
        found.append(_one(f"    {reason}", "rows", count))
    found += [
        _one("pieces of all rows", "pieces", sum(row.pieces for row in rows)),
        _one("  received", "pieces", sum(unit.pieces for unit in units)),
    ]
    for fate, count in _pieces_by_fate(units).most_common():
        found.append(_one(f"    {fate}", "pieces", count))
    found += [
        _one("returns", "returns", len(walk.returns)),
        _one("  units", "units", len(units)),
        _one(f"  from booking to carrying out over HTTP, {CLIENTS} clients", "returns/s", len(walk.returns) / seconds),
        _one("  the same", "units/s", len(units) / seconds),
    ]
    for step, answers, ms, share in times.steps()[:8]:
        found.append(_one(f"  {step}: {answers:,} answers, {share:.0%} of the time, median", "ms", ms))
    step, worst = times.worst_ms()
    found.append(_one(f"  slowest answer: {step}", "ms", worst))
    return found


def _pieces_by_fate(units: Sequence[Unit]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for unit in units:
        pieces[unit.fate] += unit.pieces
    return pieces


def _one(name: str, unit: str, value: float) -> Figure:
    """A figure of a single value, without a goal."""
    figure = Figure(name, unit)
    figure.add(value)
    return figure


def _plain(sentence: str) -> str:
    """A refusal without what is special to one row: what stands in quotation marks, codes and numbers."""
    return re.sub(r"“[^”]*”|\b\w*\d\w*\b", "…", sentence)
