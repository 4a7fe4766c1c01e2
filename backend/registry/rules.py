"""What a warehouse, a location and an item is, who may keep it, and the listing life cycle. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Kind, Right, Viewer
from backend.core.errors import Conflict, NotAllowed, NotFound
from backend.core.text import N_, Word


class Status(StrEnum):
    """Where a warehouse stands in its listing life."""

    DRAFT = "draft"
    LISTED = "listed"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Taxonomy(StrEnum):
    """The policy's own division of overseas warehouses: 公共型, 自用型, 租用型."""

    PUBLIC = "public"
    OWN_USE = "own_use"
    RENTED = "rented"


class LocationKind(StrEnum):
    """What a location is. Dock and workshop come with the warehouse; goods lie in bins, docks and workshops only."""

    ZONE = "zone"
    AISLE = "aisle"
    BIN = "bin"
    DOCK = "dock"
    WORKSHOP = "workshop"


class BarcodeKind(StrEnum):
    """Who gave a barcode: GS1, or the owner."""

    GTIN = "gtin"
    OWN = "own"


STATUS_NAMES: Mapping[Status, str] = {
    Status.DRAFT: N_("Draft"),
    Status.LISTED: N_("Listed"),
    Status.SUSPENDED: N_("Suspended"),
    Status.CLOSED: N_("Closed"),
}
TAXONOMY_NAMES: Mapping[Taxonomy, str] = {
    Taxonomy.PUBLIC: N_("Public warehouse"),
    Taxonomy.OWN_USE: N_("Own-use warehouse"),
    Taxonomy.RENTED: N_("Rented warehouse"),
}
LOCATION_KIND_NAMES: Mapping[LocationKind, str] = {
    LocationKind.ZONE: N_("Zone"),
    LocationKind.AISLE: N_("Aisle"),
    LocationKind.BIN: N_("Bin"),
    LocationKind.DOCK: N_("Dock"),
    LocationKind.WORKSHOP: N_("Workshop"),
}

# Made with every warehouse: goods arrive at the one and are worked on at the other.
FIRST_LOCATIONS: Mapping[str, LocationKind] = {"DOCK": LocationKind.DOCK, "WORKSHOP": LocationKind.WORKSHOP}
# What may stand directly under what.
PARENTS: Mapping[LocationKind, frozenset[LocationKind]] = {
    LocationKind.ZONE: frozenset(),
    LocationKind.AISLE: frozenset({LocationKind.ZONE}),
    LocationKind.BIN: frozenset({LocationKind.ZONE, LocationKind.AISLE}),
}


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse as the registry knows it. Area in m2, capacity in m3, WGS 84 degrees."""

    id: int
    code: str
    names: dict[str, str]
    operator_id: int
    operator_code: str
    operator_names: dict[str, str]
    country: str
    city: dict[str, str]
    address: str
    latitude: Decimal
    longitude: Decimal
    time_zone: str
    area_m2: Decimal
    capacity_m3: Decimal
    taxonomy: Taxonomy
    status: Status
    revision: int


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An exporter's item with its barcodes. Weight in kg, dimensions in cm."""

    id: int
    owner_id: int
    owner_code: str
    owner_names: dict[str, str]
    code: str
    names: dict[str, str]
    hs_code: str | None
    weight_kg: Decimal | None
    length_cm: Decimal | None
    width_cm: Decimal | None
    height_cm: Decimal | None
    gtins: list[str]
    own_barcodes: list[str]
    revision: int


# --------------------------------------------------------------------------------------------------------- refusals


class OnlyCommittee(NotAllowed):
    """Listing and suspending belong to the committee."""

    sentence: ClassVar[str] = N_(
        "Only the committee's registrar or administrator may make this warehouse “%(status)s”. Ask the committee."
    )


class NoSuchWarehouse(NotFound):
    """No warehouse of this code that the viewer may know of."""

    sentence: ClassVar[str] = N_(
        "There is no warehouse “%(warehouse)s” in your view. Check the code in the list of warehouses."
    )


class NoSuchMove(Conflict):
    """The life cycle knows no such step."""

    sentence: ClassVar[str] = N_(
        "A warehouse that is “%(before)s” cannot become “%(after)s”. Load the page again and choose one of the steps it offers."
    )


class StillHoldsStock(Conflict):
    """A warehouse is closed empty."""

    sentence: ClassVar[str] = N_(
        "Warehouse %(warehouse)s still holds stock. Ship or transfer everything before you close it."
    )


class NotEditable(Conflict):
    """A suspended warehouse is the committee's to edit, a closed one nobody's."""

    sentence: ClassVar[str] = N_(
        "Warehouse %(warehouse)s is “%(status)s” and cannot be changed by you now. Ask the committee."
    )


class ClosedForGood(Conflict):
    """A closed warehouse gets nothing new."""

    sentence: ClassVar[str] = N_("Warehouse %(warehouse)s is closed. Choose another warehouse.")


# ------------------------------------------------------------------------------------------------------- warehouses

# The whole life cycle, and who may take each step; of the operators only the warehouse's own.
MOVES: Mapping[tuple[Status, Status], frozenset[Kind]] = {
    (Status.DRAFT, Status.LISTED): frozenset({Kind.COMMITTEE}),
    (Status.LISTED, Status.SUSPENDED): frozenset({Kind.COMMITTEE}),
    (Status.SUSPENDED, Status.LISTED): frozenset({Kind.COMMITTEE}),
    (Status.LISTED, Status.CLOSED): frozenset({Kind.COMMITTEE, Kind.OPERATOR}),
    (Status.SUSPENDED, Status.CLOSED): frozenset({Kind.COMMITTEE}),
}


def operates(viewer: Viewer | None, warehouse: Warehouse) -> bool:
    """Whether the viewer's organisation runs the warehouse (also when it was made a moment ago)."""
    return viewer is not None and viewer.kind is Kind.OPERATOR and viewer.organisation_id == warehouse.operator_id


def is_seen(viewer: Viewer | None, warehouse: Warehouse) -> bool:
    """Whether the warehouse's registry facts are the viewer's to read: drafts are its operator's and the committee's."""
    if warehouse.status is not Status.DRAFT or operates(viewer, warehouse):
        return True
    return viewer is not None and access_rules.sees_everything(viewer)


def sees_inside(viewer: Viewer | None, warehouse: Warehouse) -> bool:
    """Whether the viewer may see the warehouse's locations."""
    return operates(viewer, warehouse) or (viewer is not None and access_rules.sees_everything(viewer))


def require_inside(viewer: Viewer | None, warehouse: Warehouse) -> None:
    """The viewer may see the warehouse's locations."""
    if not sees_inside(viewer, warehouse):
        raise access_rules.NotYourOrganisation


def may_edit(viewer: Viewer | None, warehouse: Warehouse) -> bool:
    """Whether the viewer may change the warehouse's facts now."""
    try:
        require_editable(viewer, warehouse)
    except (NotAllowed, NotEditable):
        return False
    return viewer is not None


def require_editable(viewer: Viewer | None, warehouse: Warehouse) -> None:
    """The viewer may change the warehouse's facts now: the committee until it is closed, its operator while it is not suspended."""
    if viewer is None or Right.KEEP_WAREHOUSES not in viewer.rights:
        raise NotAllowed
    require_inside(viewer, warehouse)
    if warehouse.status is Status.CLOSED or (warehouse.status is Status.SUSPENDED and operates(viewer, warehouse)):
        raise NotEditable(warehouse=warehouse.code, status=Word(STATUS_NAMES[warehouse.status]))


def may_keep_locations(viewer: Viewer | None, warehouse: Warehouse) -> bool:
    """Whether the viewer may make locations in the warehouse now."""
    may = viewer is not None and Right.KEEP_LOCATIONS in viewer.rights and operates(viewer, warehouse)
    return may and warehouse.status is not Status.CLOSED


def moves(viewer: Viewer | None, warehouse: Warehouse) -> list[Status]:
    """What the viewer may make of the warehouse now."""
    if viewer is None or Right.KEEP_WAREHOUSES not in viewer.rights or not sees_inside(viewer, warehouse):
        return []
    return [after for (before, after), kinds in MOVES.items() if before is warehouse.status and viewer.kind in kinds]


def require_move(viewer: Viewer, warehouse: Warehouse, after: Status) -> None:
    """The viewer may make the warehouse `after` now, as far as its stock lets it."""
    access_rules.require(viewer, Right.KEEP_WAREHOUSES)
    require_inside(viewer, warehouse)
    kinds = MOVES.get((warehouse.status, after))
    if kinds is None:
        raise NoSuchMove(before=Word(STATUS_NAMES[warehouse.status]), after=Word(STATUS_NAMES[after]))
    if viewer.kind not in kinds:
        raise OnlyCommittee(status=Word(STATUS_NAMES[after]))


def may_change_operator(viewer: Viewer, warehouse: Warehouse) -> bool:
    """Whether the committee may still give the warehouse to another operator: nobody works in a draft."""
    return access_rules.sees_everything(viewer) and warehouse.status is Status.DRAFT


def require_open(warehouse: Warehouse) -> None:
    """The warehouse is not closed."""
    if warehouse.status is Status.CLOSED:
        raise ClosedForGood(warehouse=warehouse.code)


# ------------------------------------------------------------------------------------------------------------ items


def may_keep_items(viewer: Viewer | None) -> bool:
    """Whether the viewer keeps items of its own: an exporter's manager."""
    return viewer is not None and viewer.kind is Kind.EXPORTER and Right.KEEP_ITEMS in viewer.rights


def require_owner(viewer: Viewer, owner_id: int) -> None:
    """The viewer keeps the items of this owner."""
    access_rules.require(viewer, Right.KEEP_ITEMS)
    if not access_rules.owns(viewer, owner_id):
        raise access_rules.NotYourOrganisation
