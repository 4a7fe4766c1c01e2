"""Codes by range, GTINs, who may do what with a warehouse, and its life cycle."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access import rules as access_rules
from backend.access.rules import Kind, Role, Viewer
from backend.core import values
from backend.core.errors import Fault, NotAllowed
from backend.registry import ranges, regions, rules, statements
from backend.registry.regions import Region
from backend.registry.rules import LocationKind, Status, Warehouse

WAREHOUSE = {
    "name_en": "Hamburg",
    "country": "de",
    "city_en": "Hamburg",
    "address": "Am Sandtorkai 1",
    "latitude": "53.5411",
    "longitude": "-9.9937",
    "time_zone": "Europe/Berlin",
    "area_m2": "12000",
    "capacity_m3": "٩٠٠",
    "taxonomy": "public",
}


def viewer(kind: Kind, role: Role, organisation_id: int = 1001) -> Viewer:
    roles = frozenset({role})
    return Viewer(
        user_id=1,
        name="Ada",
        email="ada@luocang.example",
        organisation_id=organisation_id,
        organisation_code="ORG",
        organisation_names={"en": "Organisation"},
        kind=kind,
        roles=roles,
        rights=access_rules.rights_of(roles),
        language="en",
        time_zone="UTC",
        channel="page",
    )


MANAGER = viewer(Kind.OPERATOR, Role.OPERATOR_MANAGER)
CLERK = viewer(Kind.OPERATOR, Role.OPERATOR_CLERK)
FOREIGN = viewer(Kind.OPERATOR, Role.OPERATOR_MANAGER, 1002)
EXPORTER = viewer(Kind.EXPORTER, Role.EXPORTER_MANAGER, 1003)
REGISTRAR = viewer(Kind.COMMITTEE, Role.REGISTRAR, 1004)
ASSESSOR = viewer(Kind.COMMITTEE, Role.ASSESSOR, 1004)


def warehouse(status: Status) -> Warehouse:
    faults: list[Fault] = []
    facts = msgspec.structs.asdict(statements.warehouse_facts(WAREHOUSE, faults))
    assert not faults
    return Warehouse(
        id=1, code="HAM", operator_id=1001, operator_code="ORG", operator_names={}, status=status, revision=1, **facts
    )


def expanded(pattern: str) -> tuple[list[str], list[Fault]]:
    faults: list[Fault] = []
    return ranges.expand("pattern", pattern, faults), faults


# ----------------------------------------------------------------------------------------------------------- ranges


def test_a_pattern_is_expanded_in_order_and_padded_as_it_begins() -> None:
    codes, faults = expanded("a-{01..04}-{01..10}-{1..5}")
    assert not faults
    assert len(codes) == 200
    assert (codes[0], codes[4], codes[5], codes[-1]) == ("A-01-01-1", "A-01-01-5", "A-01-02-1", "A-04-10-5")


def test_letters_run_and_one_code_is_one_code() -> None:
    assert expanded("{A..C}{9..11}")[0] == ["A9", "A10", "A11", "B9", "B10", "B11", "C9", "C10", "C11"]
    assert expanded(" dock-1 ") == (["DOCK-1"], [])


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        (" ", "Give a code"),
        ("A B", "not a code"),
        ("A-{5..1}", "{5..1}"),
        ("A-{1..", "cannot be read"),
        ("A-}1{", "cannot be read"),
        ("A-{1,2}", "cannot be read"),
        ("A-{1..10001}", "10001 codes"),
        ("{1..999999}{1..999999}", "narrow a range"),
        ("X" * 30 + "{1..100}", "not a code"),
        ("{1..2}" * 5000, "not a code"),
        ("库-{1..3}", "not a code"),
    ],
)
def test_a_wrong_pattern_is_refused_by_name(pattern: str, word: str) -> None:
    faults = expanded(pattern)[1]
    assert len(faults) == 1
    assert faults[0].field == "pattern"
    assert word in faults[0].sentence % faults[0].facts


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 4))
def test_every_number_of_a_range_is_there_once(first: int, last: int, width: int) -> None:
    codes, faults = expanded(f"P-{{{first:0{width}d}..{last}}}")
    if first > last:
        assert faults
    else:
        assert [int(code[2:]) for code in codes] == list(range(first, last + 1))
        assert len(set(codes)) == len(codes)


# --------------------------------------------------------------------------------------------------------- barcodes


@pytest.mark.parametrize("code", ["96385074", "036000291452", "4006381333931", "10012345678902"])
def test_gtins_of_every_length_are_taken(code: str) -> None:
    faults: list[Fault] = []
    assert statements.gtin(code, faults) == code
    assert not faults


@given(st.integers(0, 10**12 - 1))
def test_a_wrong_check_digit_is_named_with_the_right_one(number: int) -> None:
    stem = f"{number:012d}"
    right = next(digit for digit in "0123456789" if values.gtin_is_valid(stem + digit))
    wrong = str((int(right) + 1) % 10)
    faults: list[Fault] = []
    statements.gtin(stem + wrong, faults)
    assert faults[0].facts["right"] == right
    assert faults[0].value == stem + wrong


def test_an_item_collects_every_fault_at_once() -> None:
    faults: list[Fault] = []
    statements.item_facts(
        {
            "hs_code": "94",
            "weight_kg": "-1",
            "length_cm": "long",
            "gtins": "4006381333932 12345",
            "own_barcodes": "=cmd\nBOX-1\nbox-1",
        },
        faults,
    )
    assert [fault.field for fault in faults] == [
        *("hs_code", "gtins", "gtins", "own_barcodes", "own_barcodes", "name", "weight_kg", "length_cm")
    ]


def test_an_item_is_read_as_it_is_typed() -> None:
    faults: list[Fault] = []
    facts = statements.item_facts(
        {"name_en": " Steel  desk ", "hs_code": "9403.10 00", "gtins": "4006381333931", "own_barcodes": "box 1"}, faults
    )
    assert not faults
    assert facts.names == {"en": "Steel desk"}
    assert facts.hs_code == "94031000"
    assert facts.barcodes == {"4006381333931": rules.BarcodeKind.GTIN, "BOX 1": rules.BarcodeKind.OWN}


# ------------------------------------------------------------------------------------------------------- warehouses


def test_a_warehouse_collects_every_fault_at_once() -> None:
    faults: list[Fault] = []
    statements.warehouse_facts({"latitude": "91", "longitude": "east", "country": "XX", "taxonomy": "mine"}, faults)
    assert {fault.field for fault in faults} == {
        *("country", "name", "city", "address", "latitude", "longitude", "time_zone", "area_m2", "capacity_m3"),
        "taxonomy",
    }


def test_a_warehouse_code_has_no_slash() -> None:
    faults: list[Fault] = []
    statements.warehouse_code("ham/1", faults)
    assert [fault.field for fault in faults] == ["code"]


def test_numbers_may_be_typed_in_arabic_digits() -> None:
    assert warehouse(Status.DRAFT).capacity_m3 == 900


def test_a_draft_is_its_operators_and_the_committees_to_see() -> None:
    draft, listed = warehouse(Status.DRAFT), warehouse(Status.LISTED)
    assert [rules.is_seen(who, draft) for who in (None, EXPORTER, FOREIGN, CLERK, ASSESSOR)] == [
        *(False, False, False),
        *(True, True),
    ]
    assert all(rules.is_seen(who, listed) for who in (None, EXPORTER, FOREIGN))


@pytest.mark.parametrize(
    ("who", "before", "after"),
    [
        (REGISTRAR, "draft", ["listed"]),
        (REGISTRAR, "listed", ["suspended", "closed"]),
        (REGISTRAR, "suspended", ["listed", "closed"]),
        (REGISTRAR, "closed", []),
        (MANAGER, "draft", []),
        (MANAGER, "listed", ["closed"]),
        (MANAGER, "suspended", []),
        (CLERK, "listed", []),
        (FOREIGN, "listed", []),
        (EXPORTER, "listed", []),
        (ASSESSOR, "draft", []),
        (None, "listed", []),
    ],
)
def test_who_may_take_which_step(who: Viewer | None, before: str, after: list[str]) -> None:
    place = warehouse(Status(before))
    assert rules.moves(who, place) == after
    for status in Status:
        if who and status not in after:
            with pytest.raises((NotAllowed, rules.NoSuchMove)):
                rules.require_move(who, place, status)


@pytest.mark.parametrize(
    ("who", "statuses"),
    [
        (REGISTRAR, {"draft", "listed", "suspended"}),
        (MANAGER, {"draft", "listed"}),
        (CLERK, set()),
        (FOREIGN, set()),
        (ASSESSOR, set()),
        (None, set()),
    ],
)
def test_who_may_edit_when(who: Viewer | None, statuses: set[str]) -> None:
    assert {status.value for status in Status if rules.may_edit(who, warehouse(status))} == statuses


def test_zones_hold_aisles_and_bins_and_bins_hold_nothing() -> None:
    assert not statements.parent_faults("Z", LocationKind.ZONE, LocationKind.AISLE)
    assert not statements.parent_faults("Z", LocationKind.ZONE, LocationKind.BIN)
    assert not statements.parent_faults("A", LocationKind.AISLE, LocationKind.BIN)
    assert statements.parent_faults("A", LocationKind.AISLE, LocationKind.ZONE)
    assert statements.parent_faults("B", LocationKind.BIN, LocationKind.BIN)
    assert statements.parent_faults("?", None, LocationKind.BIN)


# ---------------------------------------------------------------------------------------------------------- regions


def test_every_country_lies_in_a_region() -> None:
    assert len(regions.COUNTRIES) == 249
    assert all(regions.regions_of(country) for country in regions.COUNTRIES)
    assert all(countries <= regions.COUNTRIES for countries in regions.REGIONS.values())
    assert regions.regions_of("MY") == [Region.ASEAN, Region.BELT_AND_ROAD]
    assert regions.regions_of("HU") == [Region.EU, Region.BELT_AND_ROAD]
    assert regions.regions_of("US") == [Region.OTHER]
