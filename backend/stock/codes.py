"""From the codes of a request to the ids of the ledger, and back to places.

Codes never change and their rows are never deleted, so what was found once stays true: it is kept in memory, bounded.
What may change (a warehouse's status, a viewer's rights) is not kept here.
"""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.database import DB, blocks
from backend.core.errors import Fault
from backend.core.text import N_
from backend.registry.rules import NoSuchWarehouse as NoSuchWarehouse
from backend.stock import rules
from backend.stock.rules import Place

SQL = blocks(Path(__file__).with_name("queries.sql"))
MOST_KEPT = 500_000
FRESH_SECONDS = 2.0
K = TypeVar("K")
_CONDITIONS = {condition.name: int(condition) for condition in rules.Condition}

_owners: dict[str, int] = {}
_items: dict[tuple[int, str], int] = {}
_lots: dict[tuple[int, str], int] = {}
_locations: dict[tuple[int, str], int] = {}
_warehouses: dict[str, tuple[int, int, bool, float]] = {}


class Request(msgspec.Struct, frozen=True):
    """One line of a request, in codes; `lot` None is no lot."""

    owner: str
    item: str
    lot: str | None
    source: str
    target: str
    condition: str
    target_condition: str
    quantity: int


async def warehouse_to_work_in(viewer: Viewer, code: str) -> int:
    """The id of a warehouse that the viewer operates.

    Others learn no more than they may know: an exporter or the committee is told that only the operator may, a foreign
    operator that there is no such warehouse.
    """
    code = values.code_of(code)
    found = _warehouses.get(code)
    if found is None or found[3] < time.monotonic() - FRESH_SECONDS:
        row = await DB.row(SQL["warehouse_for_posting"], code)
        if row is None:
            raise NoSuchWarehouse(warehouse=code)
        found = row["id"], row["operator_id"], row["status"] == "closed", time.monotonic()
        if len(_warehouses) > 10_000:
            _warehouses.clear()
        _warehouses[code] = found
    warehouse_id, operator_id, closed, _ = found
    if viewer.kind is not Kind.OPERATOR:
        raise rules.NotYourWarehouse(warehouse=code)
    if operator_id != viewer.organisation_id:
        raise NoSuchWarehouse(warehouse=code)
    if closed:
        raise rules.WarehouseClosed(warehouse=code)
    return warehouse_id


async def postings(
    warehouse_id: int, lines: Sequence[Request], faults: list[Fault], path: str = "lines"
) -> list[rules.Posting]:
    """The lines in ids. Every unknown or foreign code becomes a fault of its line; faulty lines are left out."""
    owners = await _find_owners(line.owner for line in lines)
    item_keys = [(owners.get(line.owner) or 0, values.code_of(line.item)) for line in lines]
    items = await _find(_items, "items", {key for key in item_keys if key[0]})
    wanted_lots = set()
    for line, key in zip(lines, item_keys, strict=True):
        if line.lot and (item_id := items.get(key)):
            wanted_lots.add((item_id, values.code_of(line.lot)))
    lots = await _find(_lots, "lots", wanted_lots)
    places = await _find_places(warehouse_id, lines)
    found: list[rules.Posting] = []
    for number, (line, key) in enumerate(zip(lines, item_keys, strict=True)):
        at = f"{path}.{number}." if path else ""
        before = len(faults)
        owner_id = owners.get(line.owner)
        item_id = items.get(key)
        if owner_id is None:
            faults.append(_unknown(f"{at}owner", line.owner, _NO_OWNER))
        elif item_id is None:
            faults.append(unknown_item(line.item, line.owner, f"{at}item"))
        lot_id: int | None = 0
        if line.lot and item_id:
            lot_id = lots.get((item_id, values.code_of(line.lot)))
            if lot_id is None:
                faults.append(_unknown(f"{at}lot", line.lot, _NO_LOT, item=line.item))
        source, target = places.get(line.source), places.get(line.target)
        if source is None:
            faults.append(_unknown(f"{at}source", line.source, _NO_PLACE))
        if target is None:
            faults.append(_unknown(f"{at}target", line.target, _NO_PLACE))
        condition = _condition(f"{at}condition", line.condition, faults)
        after = _condition(f"{at}target_condition", line.target_condition, faults)
        if not 0 < line.quantity <= values.LARGEST_QUANTITY:
            faults.append(values.quantity_fault(f"{at}quantity", line.quantity))
        if len(faults) == before and owner_id and item_id and source and target and lot_id is not None:
            found.append(rules.Posting(owner_id, item_id, lot_id, source, target, condition, after, line.quantity))
    return found


_NO_OWNER = N_("There is no exporter “%(value)s”. Check the owner's code.")
_NO_ITEM = N_("%(owner)s has no item “%(value)s”. Check the code, or register the item first.")
_NO_LOT = N_("Item %(item)s has no lot “%(value)s”. Register the lot first, or leave it empty.")
_NO_PLACE = N_(
    "This warehouse has no location “%(value)s” that holds goods. Use one of its bins or docks, or SUPPLIER, BUYER, "
    "TRANSIT, ADJUSTMENT, SCRAP, ORIGIN."
)
_NO_CONDITION = N_("“%(value)s” is not a condition. Use GOOD, SECOND, DAMAGED or QUARANTINE.")


def unknown_item(item: str, owner: str, field: str = "item") -> Fault:
    """The fault of an item code that its owner does not have."""
    return _unknown(field, item, _NO_ITEM, owner=owner)


def _unknown(field: str, value: str, sentence: str, **facts: str) -> Fault:
    return Fault(field, value, sentence, {"value": value, **facts})


def _condition(field: str, name: str, faults: list[Fault]) -> int:
    number = _CONDITIONS.get(name, 0)
    if not number:
        faults.append(_unknown(field, name, _NO_CONDITION))
    return number


async def _find_owners(codes: Iterable[str]) -> dict[str, int]:
    asked = set(codes)
    missing = {values.code_of(code) for code in asked} - _owners.keys()
    if missing:
        _keep(_owners, {row["code"]: row["id"] for row in await DB.fetch(SQL["owners"], list(missing))})
    return {code: found for code in asked if (found := _owners.get(values.code_of(code)))}


async def _find(
    kept: dict[tuple[int, str], int], query: str, wanted: set[tuple[int, str]]
) -> dict[tuple[int, str], int]:
    missing = [key for key in wanted if key not in kept]
    found = {key: kept[key] for key in wanted if key in kept}
    if missing:
        ids, names = zip(*missing, strict=True)
        fresh = {(row[0], row[1]): row[2] for row in await DB.fetch(SQL[query], ids, names)}
        _keep(kept, fresh)
        found |= fresh
    return found


async def _find_places(warehouse_id: int, lines: Sequence[Request]) -> dict[str, int]:
    asked = {line.source for line in lines} | {line.target for line in lines}
    found: dict[str, int] = {}
    missing: dict[str, str] = {}
    for name in asked:
        if name in Place.__members__:
            found[name] = int(Place[name])
            continue
        code = values.code_of(name)
        if (known := _locations.get((warehouse_id, code))) is not None:
            found[name] = known
        else:
            missing[name] = code
    if missing:
        rows = await DB.fetch(SQL["locations"], warehouse_id, list(set(missing.values())))
        fresh = {(warehouse_id, row["code"]): row["id"] for row in rows}
        _keep(_locations, fresh)
        found |= {name: fresh[warehouse_id, code] for name, code in missing.items() if (warehouse_id, code) in fresh}
    return found


def _keep(kept: dict[K, int], fresh: dict[K, int]) -> None:
    if len(kept) + len(fresh) > MOST_KEPT:
        kept.clear()
    kept.update(fresh)


def forget() -> None:
    """Drop what is kept: the process has changed to another database."""
    for kept in (_owners, _items, _lots, _locations):
        kept.clear()
    _warehouses.clear()
