"""Warehouses, locations and items as their keepers make and change them, and who is refused."""

import asyncio
from decimal import Decimal

import pytest

from backend.access.rules import NotYourOrganisation, Role, Viewer
from backend.core import values
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed, NotFound
from backend.registry import actions, queries, rules
from backend.registry.rules import LocationKind, Status, Warehouse
from backend.stock import actions as stock_actions
from backend.stock import codes
from tests import build

pytestmark = pytest.mark.usefixtures("database")


async def location_codes(place: Warehouse) -> list[str]:
    rows = await DB.fetch("select code from location where warehouse_id = $1 order by id", place.id)
    return [row["code"] for row in rows]


async def stock(operator: Viewer, place: Warehouse, exporter: Viewer, item: rules.Item, left: int) -> None:
    """Ten pieces came in, `left` are there still."""
    moves = [("RECEIPT", "SUPPLIER", "DOCK", 10), ("SALE", "DOCK", "BUYER", 10 - left)]
    for reason, source, target, quantity in moves:
        line = codes.Request(exporter.organisation_code, item.code, None, source, target, "GOOD", "GOOD", quantity)
        key = f"{place.code} {reason}"
        await stock_actions.post_document(
            operator, place.code, reason, [line], request_key=key, request_hash=values.digest(key)
        )


# ------------------------------------------------------------------------------------------------------- warehouses


async def test_a_new_warehouse_is_a_draft_with_dock_and_workshop() -> None:
    operator = await build.operator()
    made = await build.warehouse(operator, status="draft", code="ham-1")
    assert (made.code, made.status, made.operator_id) == ("HAM-1", Status.DRAFT, operator.organisation_id)
    assert made.names == {"en": "Test warehouse", "zh": "测试仓"}
    assert await queries.location_counts(operator, made) == {LocationKind.DOCK: 1, LocationKind.WORKSHOP: 1}
    assert (await build.again(operator)).warehouse_ids == (made.id,)
    history = await queries.history(operator, made)
    assert [line["action"] for line in history] == ["warehouse.created"]
    assert history[0]["after"]["code"] == "HAM-1"


async def test_every_fault_of_a_new_warehouse_is_told_at_once_and_nothing_is_kept() -> None:
    operator = await build.operator()
    taken = await build.warehouse(operator)
    with pytest.raises(Invalid) as refused:
        await actions.create_warehouse(operator, {**build.WAREHOUSE, "code": taken.code, "latitude": "north"})
    assert {fault.field for fault in refused.value.faults} == {"code", "latitude"}


async def test_one_code_makes_one_warehouse_even_at_the_same_moment() -> None:
    operator = await build.operator()
    given = {**build.WAREHOUSE, "code": "RACE"}
    results = await asyncio.gather(
        *(actions.create_warehouse(operator, given) for _ in range(4)), return_exceptions=True
    )
    assert [type(result) for result in results if isinstance(result, Exception)] == [Invalid] * 3
    assert await DB.value("select count(*) from warehouse where code = 'RACE'") == 1


async def test_the_committee_names_an_operator_and_an_exporter_is_none() -> None:
    committee, operator, exporter = (
        await build.committee(Role.REGISTRAR),
        await build.operator(),
        await build.exporter(),
    )
    made = await build.warehouse(committee, status="draft", operator=operator.organisation_code)
    assert made.operator_code == operator.organisation_code
    for wrong in ("", "NOBODY", exporter.organisation_code):
        with pytest.raises(Invalid) as refused:
            await build.warehouse(committee, status="draft", operator=wrong)
        assert [fault.field for fault in refused.value.faults] == ["operator"]


async def test_others_make_no_warehouses() -> None:
    for viewer in (
        await build.operator(Role.OPERATOR_CLERK),
        await build.exporter(),
        await build.committee(Role.ASSESSOR),
    ):
        with pytest.raises(NotAllowed):
            await actions.create_warehouse(viewer, {**build.WAREHOUSE, "code": "NO"})


async def test_an_edit_states_the_facts_anew_and_a_stale_one_is_refused() -> None:
    operator = await build.operator()
    made = await build.warehouse(operator)
    edited = await actions.edit_warehouse(
        operator, made.code.lower(), made.revision, {**build.WAREHOUSE, "area_m2": "9000.5"}
    )
    assert (edited.area_m2, edited.revision) == (Decimal("9000.50"), made.revision + 1)
    with pytest.raises(Conflict):
        await actions.edit_warehouse(operator, made.code, made.revision, build.WAREHOUSE)
    line = (await queries.history(operator, made))[0]
    assert (line["before"]["area_m2"], line["after"]["area_m2"]) == ("12000.00", "9000.50")


async def test_foreign_operators_and_suspended_warehouses_are_not_edited() -> None:
    operator, foreign = await build.operator(), await build.operator()
    listed, draft = await build.warehouse(operator), await build.warehouse(operator, status="draft")
    suspended = await build.warehouse(operator, status="suspended")
    with pytest.raises(NotYourOrganisation):
        await actions.edit_warehouse(foreign, listed.code, listed.revision, build.WAREHOUSE)
    with pytest.raises(NotFound):
        await actions.edit_warehouse(foreign, draft.code, draft.revision, build.WAREHOUSE)
    with pytest.raises(rules.NotEditable):
        await actions.edit_warehouse(operator, suspended.code, suspended.revision, build.WAREHOUSE)
    await actions.edit_warehouse(await build.committee(), suspended.code, suspended.revision, build.WAREHOUSE)


async def test_only_a_draft_gets_another_operator_and_only_from_the_committee() -> None:
    one, other, committee = await build.operator(), await build.operator(), await build.committee()
    draft, listed = await build.warehouse(one, status="draft"), await build.warehouse(one)
    given = {**build.WAREHOUSE, "operator": other.organisation_code}
    assert (
        await actions.edit_warehouse(committee, listed.code, listed.revision, given)
    ).operator_id == one.organisation_id
    assert (await actions.edit_warehouse(one, draft.code, draft.revision, given)).operator_id == one.organisation_id
    moved = await actions.edit_warehouse(committee, draft.code, draft.revision + 1, given)
    assert moved.operator_id == other.organisation_id


async def test_the_committee_lists_and_suspends_and_says_why() -> None:
    operator, committee = await build.operator(), await build.committee(Role.REGISTRAR)
    made = await build.warehouse(operator, status="draft")
    with pytest.raises(rules.OnlyCommittee):
        await actions.change_status(operator, made.code, made.revision, {"status": "listed"})
    with pytest.raises(rules.NoSuchMove):
        await actions.change_status(committee, made.code, made.revision, {"status": "closed"})
    listed = await actions.change_status(committee, made.code, made.revision, {"status": "listed"})
    with pytest.raises(Conflict):
        await actions.change_status(committee, made.code, made.revision, {"status": "suspended", "note": "old form"})
    for given, field in (({"status": "suspended"}, "note"), ({"status": "gone"}, "status")):
        with pytest.raises(Invalid) as refused:
            await actions.change_status(committee, made.code, listed.revision, given)
        assert [fault.field for fault in refused.value.faults] == [field]
    given = {"status": "suspended", "note": "Fire exits are blocked."}
    suspended = await actions.change_status(committee, made.code, listed.revision, given)
    assert suspended.status is Status.SUSPENDED
    line = (await queries.history(operator, made))[0]
    assert (line["action"], line["after"]["note"]) == ("warehouse.suspended", "Fire exits are blocked.")


async def test_a_warehouse_is_closed_empty_and_stays_closed() -> None:
    operator, exporter = await build.operator(), await build.exporter()
    full, empty = await build.warehouse(operator), await build.warehouse(operator)
    item = await build.item(exporter)
    await stock(operator, full, exporter, item, 3)
    await stock(operator, empty, exporter, item, 0)
    with pytest.raises(rules.StillHoldsStock):
        await actions.change_status(operator, full.code, full.revision, {"status": "closed"})
    assert (await queries.warehouse_seen(operator, full.code)).status is Status.LISTED
    closed = await actions.change_status(operator, empty.code, empty.revision, {"status": "closed"})
    assert closed.status is Status.CLOSED
    with pytest.raises(rules.NoSuchMove):
        await actions.change_status(await build.committee(), closed.code, closed.revision, {"status": "listed"})
    with pytest.raises(rules.ClosedForGood):
        await actions.create_locations(operator, closed.code, {"pattern": "A-1", "kind": "bin"})


async def test_others_learn_of_a_draft_that_it_is_not_there() -> None:
    operator, foreign, exporter = await build.operator(), await build.operator(), await build.exporter()
    draft, listed = await build.warehouse(operator, status="draft"), await build.warehouse(operator)
    for viewer in (None, foreign, exporter):
        assert (await queries.warehouse_seen(viewer, listed.code)).code == listed.code
        for code in (draft.code, "NOWHERE", "\0", "x" * 1000):
            with pytest.raises(NotFound):
                await queries.warehouse_seen(viewer, code)
    for viewer in (foreign, exporter):
        with pytest.raises(NotYourOrganisation):
            await queries.warehouse_inside(viewer, listed.code)
    assert (await queries.warehouse_inside(await build.committee(), draft.code)).id == draft.id
    with pytest.raises(NotYourOrganisation):
        await queries.warehouse_worked_in(await build.committee(), draft.code)
    assert (await queries.warehouse_worked_in(operator, draft.code)).id == draft.id
    assert await queries.history(foreign, listed) == []


async def test_who_knows_which_organisation() -> None:
    operator, exporter, stranger = await build.operator(), await build.exporter(), await build.exporter()
    committee = await build.committee()
    for viewer in (operator, exporter, stranger, committee):
        assert (await queries.organisation_by_code(viewer, operator.organisation_code)).kind == "operator"
    for viewer in (operator, exporter, committee):
        found = await queries.organisation_by_code(viewer, exporter.organisation_code.lower())
        assert found.id == exporter.organisation_id
    with pytest.raises(NotFound):
        await queries.organisation_by_code(stranger, exporter.organisation_code)
    assert await queries.owners(operator) == await queries.owners(exporter) == []
    assert {exporter.organisation_code, stranger.organisation_code} <= {
        each.code for each in await queries.owners(committee)
    }


# -------------------------------------------------------------------------------------------------------- locations


async def test_a_range_is_made_once_in_order() -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    zone = {"pattern": "Z1", "kind": "zone"}
    assert await actions.create_locations(operator, place.code, zone) == actions.MadeLocations(1, 0)
    given = {"pattern": "z1-{01..02}-{1..3}", "kind": "bin", "parent": "z1"}
    plan = await queries.planned_locations(operator, place.code, given)
    assert (len(plan.codes), plan.codes[0], plan.codes[-1], plan.existing) == (6, "Z1-01-1", "Z1-02-3", 0)
    assert await actions.create_locations(operator, place.code, given) == actions.MadeLocations(6, 0)
    assert (await location_codes(place))[3:] == plan.codes
    wider = {**given, "pattern": "Z1-{01..03}-{1..3}"}
    assert await actions.create_locations(operator, place.code, wider) == actions.MadeLocations(3, 6)
    with pytest.raises(Invalid) as refused:
        await actions.create_locations(operator, place.code, wider)
    assert "exists already" in refused.value.faults[0].sentence
    assert (
        await DB.value("select count(*) from location where warehouse_id = $1 and parent_id is not null", place.id) == 9
    )


async def test_ten_thousand_locations_are_made_at_once() -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    given = {"pattern": "A-{001..100}-{001..100}", "kind": "bin"}
    assert (await actions.create_locations(operator, place.code, given)).made == 10_000


async def test_every_fault_of_new_locations_is_told_at_once() -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    with pytest.raises(Invalid) as refused:
        await actions.create_locations(operator, place.code, {"pattern": "A B", "kind": "dock", "parent": "DOCK"})
    assert [fault.field for fault in refused.value.faults] == ["pattern", "kind", "parent"]


async def test_only_the_operators_people_make_locations() -> None:
    operator, clerk = await build.operator(), await build.operator(Role.OPERATOR_CLERK)
    place = await build.warehouse(operator)
    given = {"pattern": "A-1", "kind": "bin"}
    for viewer in (clerk, await build.committee(), await build.exporter()):
        with pytest.raises(NotAllowed):
            await actions.create_locations(viewer, place.code, given)
    draft = await build.warehouse(operator, status="draft")
    with pytest.raises(NotFound):
        await actions.create_locations(clerk, draft.code, given)


# ------------------------------------------------------------------------------------------------------------ items

FACTS = {"name_en": "Desk", "hs_code": "940310", "weight_kg": "32.5", "gtins": "4006381333931", "own_barcodes": "D-1"}


async def test_an_item_is_kept_with_its_barcodes() -> None:
    exporter = await build.exporter()
    made = await build.item(exporter, code="desk-1", **FACTS)
    assert (made.code, made.weight_kg, made.gtins, made.own_barcodes) == (
        *("DESK-1", Decimal("32.5"), ["4006381333931"]),
        ["D-1"],
    )
    given = {"name_en": "Desk", "name_ar": "مكتب", "gtins": "96385074", "own_barcodes": "D-1\n4006381333931"}
    edited = await actions.edit_item(exporter, made.id, made.revision, given)
    assert (edited.names, edited.weight_kg) == ({"en": "Desk", "ar": "مكتب"}, None)
    assert (edited.gtins, edited.own_barcodes) == (["96385074"], ["D-1", "4006381333931"])
    with pytest.raises(Conflict):
        await actions.edit_item(exporter, made.id, made.revision, given)
    journal = await DB.fetch(
        "select action from journal where subject = 'item' and subject_id = $1 order by id", str(made.id)
    )
    assert [line["action"] for line in journal] == ["item.created", "item.edited"]


async def test_codes_and_barcodes_are_the_owners_own_name_space() -> None:
    one, other = await build.exporter(), await build.exporter()
    first = await build.item(one, code="SAME", gtins="4006381333931")
    second = await build.item(other, code="SAME", gtins="4006381333931")
    assert first.id != second.id
    with pytest.raises(Invalid) as refused:
        await build.item(one, code="same")
    assert [fault.field for fault in refused.value.faults] == ["code"]
    with pytest.raises(Invalid) as refused:
        await build.item(one, own_barcodes="4006381333931\nNEW", gtins="96385075")
    assert [(fault.field, fault.value) for fault in refused.value.faults] == [
        ("gtins", "96385075"),
        ("own_barcodes", "4006381333931"),
    ]
    assert refused.value.faults[1].facts["item"] == "SAME"


async def test_only_the_owner_keeps_items() -> None:
    owner, stranger, operator = await build.exporter(), await build.exporter(), await build.operator()
    item = await build.item(owner)
    for viewer in (operator, await build.committee(), await build.exporter(Role.EXPORTER_CLERK)):
        with pytest.raises(NotAllowed):
            await build.item(viewer)
    with pytest.raises(NotFound):
        await actions.edit_item(stranger, item.id, item.revision, {"name_en": "Mine"})
    with pytest.raises((NotAllowed, NotFound)):
        await actions.edit_item(operator, item.id, item.revision, {"name_en": "Mine"})


async def test_who_sees_an_item() -> None:
    owner, stranger, operator, foreign = (
        *(await build.exporter(), await build.exporter()),
        *(await build.operator(), await build.operator()),
    )
    item, unmoved = await build.item(owner), await build.item(owner)
    place, elsewhere = await build.warehouse(operator), await build.warehouse(foreign)
    await stock(operator, place, owner, item, 0)
    operator, foreign = await build.again(operator), await build.again(foreign)
    assert foreign.warehouse_ids == (elsewhere.id,)

    async def seen(viewer: Viewer) -> set[int]:
        return {row["id"] for row in (await queries.ITEMS.page(await queries.item_clauses(viewer, {}), limit=500)).rows}

    assert await seen(owner) == {item.id, unmoved.id}
    assert await seen(operator) == {item.id}
    assert await seen(foreign) == await seen(stranger) == set()
    assert await seen(await build.committee()) >= {item.id, unmoved.id}
    assert [each.id for each in await queries.owners(operator)] == [owner.organisation_id]
    assert (await queries.item_seen(operator, item.id)).code == item.code
    for viewer, each in ((operator, unmoved), (foreign, item), (stranger, item)):
        with pytest.raises(NotFound):
            await queries.item_seen(viewer, each.id)
    for number in (0, -1, 2**63, 2**200):
        with pytest.raises(NotFound):
            await queries.item_seen(owner, number)
