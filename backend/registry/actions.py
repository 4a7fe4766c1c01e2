"""What happens in the registry: warehouses and their life cycle, locations, items. One transaction each.

What is `given` is text as it was typed (a form, a JSON body, a script), so that it is read, and refused, in one place.
"""

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import msgspec

from backend.access import guards
from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core import journal
from backend.core.database import DB, blocks
from backend.core.errors import Conflict, Fault, Invalid, NotFound
from backend.core.text import N_
from backend.registry import queries, rules, statements
from backend.registry.rules import Status, Warehouse
from backend.registry.statements import ItemFacts, WarehouseFacts

SQL = blocks(Path(__file__).with_name("actions.sql"))


class MadeLocations(msgspec.Struct, frozen=True):
    """How many locations were made, and how many were there already."""

    made: int
    skipped: int


# ------------------------------------------------------------------------------------------------------- warehouses


async def create_warehouse(viewer: Viewer, given: Mapping[str, str]) -> Warehouse:
    """A new draft with its dock and workshop: an operator's manager for its own organisation, the committee for any operator.

    `given`: code, operator (committee only), country, address, latitude, longitude, time_zone, area_m2, capacity_m3,
    taxonomy, name_zh, name_en, name_ar, city_zh, city_en, city_ar.
    """
    access_rules.require(viewer, Right.KEEP_WAREHOUSES)
    faults: list[Fault] = []
    code = statements.warehouse_code(given.get("code", ""), faults)
    named = not faults
    facts = statements.warehouse_facts(given, faults)
    async with DB.transaction():
        operator_id = await _operator_id(viewer, given, faults)
        if named and await DB.value("select true from warehouse where code = $1", code):
            faults.append(_taken(code))
        if faults:
            raise Invalid(faults)
        warehouse_id = await DB.value(SQL["new_warehouse"], code, operator_id, *_columns(facts))
        if warehouse_id is None:
            raise Invalid([_taken(code)])
        await DB.run(
            SQL["first_locations"], warehouse_id, list(rules.FIRST_LOCATIONS), list(rules.FIRST_LOCATIONS.values())
        )
        warehouse = await queries.warehouse_seen(viewer, code)
        await journal.write(
            viewer, "warehouse.created", "warehouse", warehouse_id, after=warehouse, warehouse_id=warehouse_id
        )
    guards.forget_all()
    return warehouse


async def edit_warehouse(viewer: Viewer, code: str, revision: int, given: Mapping[str, str]) -> Warehouse:
    """State the facts of a warehouse anew; `given` as for `create_warehouse`, without the code.

    The operator may be changed by the committee, while it is a draft.
    """
    faults: list[Fault] = []
    facts = statements.warehouse_facts(given, faults)
    async with DB.transaction():
        before = await queries.warehouse_seen(viewer, code)
        rules.require_editable(viewer, before)
        operator_id = before.operator_id
        if rules.may_change_operator(viewer, before):
            operator_id = await _operator_id(viewer, given, faults)
        if faults:
            raise Invalid(faults)
        if not await DB.value(SQL["edited_warehouse"], before.id, revision, *_columns(facts), operator_id):
            raise Conflict
        after = await queries.warehouse_seen(viewer, before.code)
        await journal.write(
            viewer, "warehouse.edited", "warehouse", before.id, before=before, after=after, warehouse_id=before.id
        )
    guards.forget_all()
    return after


async def change_status(viewer: Viewer, code: str, revision: int, given: Mapping[str, str]) -> Warehouse:
    """Take a warehouse one step through its life; `given`: status, and note (why), which suspending needs.

    It is closed only when nothing lies in it any more.
    """
    faults: list[Fault] = []
    after = statements.one_of("status", given.get("status", ""), Status, faults)
    note = statements.status_note(after, given.get("note", ""), faults)
    async with DB.transaction():
        before = await queries.warehouse_seen(viewer, code)
        if after:
            rules.require_move(viewer, before, after)
        if faults or not after:
            raise Invalid(faults)
        if not await DB.value(SQL["moved_warehouse"], before.id, revision, after):
            raise Conflict
        # Asked after the change, so that what was booked until now counts.
        if after is Status.CLOSED and await DB.value(SQL["holds_stock"], before.id):
            raise rules.StillHoldsStock(warehouse=before.code)
        await journal.write(
            viewer,
            f"warehouse.{after}",
            "warehouse",
            before.id,
            before={"status": before.status},
            after={"status": after, "note": note},
            warehouse_id=before.id,
        )
        return await queries.warehouse_seen(viewer, before.code)


async def _operator_id(viewer: Viewer, given: Mapping[str, str], faults: list[Fault]) -> int:
    """The operator's id: the viewer's own organisation, or the one the committee names."""
    if viewer.kind is Kind.OPERATOR:
        return viewer.organisation_id
    code = given.get("operator", "")
    try:
        organisation = await queries.organisation_by_code(viewer, code)
    except NotFound:
        organisation = None
    if organisation is None or organisation.kind is not Kind.OPERATOR or not organisation.active:
        faults.append(
            Fault(
                "operator",
                code,
                N_("“%(value)s” is not the code of an active operator. Choose one of the list."),
                {"value": code},
            )
        )
        return 0
    return organisation.id


def _columns(facts: WarehouseFacts) -> tuple[object, ...]:
    return (
        *(facts.names, facts.country, facts.city, facts.address, facts.latitude, facts.longitude),
        *(facts.time_zone, facts.area_m2, facts.capacity_m3, facts.taxonomy),
    )


def _taken(code: str) -> Fault:
    return Fault("code", code, N_("“%(value)s” is taken already. Choose another code."), {"value": code})


# -------------------------------------------------------------------------------------------------------- locations


async def create_locations(viewer: Viewer, warehouse_code: str, given: Mapping[str, str]) -> MadeLocations:
    """Make the locations of a pattern; those that are there already are left as they are.

    `given`: pattern (``A-{01..04}-{1..5}``, or one code), kind (zone, aisle, bin), parent (a code, or empty).
    """
    async with DB.transaction():
        plan = await queries.planned_locations(viewer, warehouse_code, given)
        made = await DB.value(SQL["new_locations"], plan.warehouse.id, plan.kind, plan.parent_id, plan.codes)
        done = MadeLocations(made, len(plan.codes) - made)
        after = {"kind": plan.kind, "first": plan.codes[0], "last": plan.codes[-1], "made": made}
        await journal.write(
            viewer,
            "locations.created",
            "locations",
            plan.warehouse.id,
            after=after,
            warehouse_id=plan.warehouse.id,
        )
    return done


# ------------------------------------------------------------------------------------------------------------ items


async def create_item(viewer: Viewer, given: Mapping[str, str]) -> rules.Item:
    """A new item of the viewer's own organisation.

    `given`: code, name_zh, name_en, name_ar, hs_code, weight_kg, length_cm, width_cm, height_cm, gtins, own_barcodes
    (several barcodes on lines of their own).
    """
    rules.require_owner(viewer, viewer.organisation_id)
    faults: list[Fault] = []
    code = statements.item_code(given.get("code", ""), faults)
    named = not faults
    facts = statements.item_facts(given, faults)
    async with DB.transaction():
        owner_id = viewer.organisation_id
        if named and await DB.value("select true from item where owner_id = $1 and code = $2", owner_id, code):
            faults.append(_taken(code))
        faults += await _taken_barcodes(owner_id, 0, facts)
        if faults:
            raise Invalid(faults)
        item_id = await DB.value(SQL["new_item"], owner_id, code, *_item_columns(facts))
        if item_id is None:
            raise Invalid([_taken(code)])
        await _keep_barcodes(owner_id, item_id, facts)
        item = await queries.item_seen(viewer, item_id)
        await journal.write(viewer, "item.created", "item", item_id, after=item)
    return item


async def edit_item(viewer: Viewer, item_id: int, revision: int, given: Mapping[str, str]) -> rules.Item:
    """State the facts of an item anew; `given` as for `create_item`, without the code, which never changes."""
    faults: list[Fault] = []
    facts = statements.item_facts(given, faults)
    async with DB.transaction():
        before = await queries.item_seen(viewer, item_id)
        rules.require_owner(viewer, before.owner_id)
        faults += await _taken_barcodes(before.owner_id, item_id, facts)
        if faults:
            raise Invalid(faults)
        if not await DB.value(SQL["edited_item"], item_id, revision, *_item_columns(facts)):
            raise Conflict
        await _keep_barcodes(before.owner_id, item_id, facts)
        after = await queries.item_seen(viewer, item_id)
        await journal.write(viewer, "item.edited", "item", item_id, before=before, after=after)
    return after


def _item_columns(facts: ItemFacts) -> tuple[object, ...]:
    return (*(facts.names, facts.hs_code, facts.weight_kg, facts.length_cm, facts.width_cm, facts.height_cm),)


async def _taken_barcodes(owner_id: int, item_id: int, facts: ItemFacts) -> list[Fault]:
    """One fault for each barcode that another item of the owner carries."""
    codes = [code for code in facts.barcodes if "\0" not in code]
    rows = await DB.fetch(SQL["taken_barcodes"], owner_id, codes, item_id)
    return [_barcode_taken(facts, row["code"], row["item"]) for row in rows]


def _barcode_taken(facts: ItemFacts, code: str, item: str) -> Fault:
    field = "gtins" if facts.barcodes[code] is rules.BarcodeKind.GTIN else "own_barcodes"
    sentence = N_("“%(value)s” is on your item %(item)s already. A barcode names one item: remove it there first.")
    return Fault(field, code, sentence, {"value": code, "item": item})


async def _keep_barcodes(owner_id: int, item_id: int, facts: ItemFacts) -> None:
    """The item carries exactly these barcodes."""
    codes, kinds = list(facts.barcodes), list(facts.barcodes.values())
    await DB.run(SQL["dropped_barcodes"], item_id, codes, kinds)
    try:
        await DB.run(SQL["new_barcodes"], owner_id, item_id, codes, kinds)
    except asyncpg.UniqueViolationError:
        # Another form put one of them on another item since we looked.
        raise Conflict from None
