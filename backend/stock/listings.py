"""The lists of the ledger: what their rows hold, how they are sorted, their columns as a file. `queries` says who sees which rows."""

from collections.abc import Mapping
from typing import Any

from backend.core.listing import Column, Key, Listing, in_one_language, on_the_clock
from backend.core.text import N_
from backend.stock.rules import Condition, Place, Reason


def _named(sql: str, names: Mapping[Any, Any]) -> str:
    """SQL that turns a small number into its name."""
    return f"case {sql} " + " ".join(f"when {int(value)} then '{value.name}'" for value in names) + " end"


CONDITION = _named("{}", dict.fromkeys(Condition))


def _place(place_id: str, location: str) -> str:
    return f"coalesce({location}.code, {_named(place_id, dict.fromkeys(Place))})"


BALANCES = Listing(
    source="balance b",
    joins=(
        "join warehouse w on w.id = b.warehouse_id join organisation o on o.id = b.owner_id "
        "join item i on i.id = b.item_id join location l on l.warehouse_id = b.warehouse_id and l.id = b.location_id "
        "left join lot t on t.id = b.lot_id"
    ),
    fields={
        "warehouse": "w.code",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "lot": "t.code",
        "location": "l.code",
        "condition": CONDITION.format("b.condition"),
        "on_hand": "b.on_hand",
        "held": "b.held",
        "allocated": "b.allocated",
        "free": "b.on_hand - b.held - b.allocated",
        "key": "concat_ws('-', b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)",
    },
    key=(
        Key("b.warehouse_id"),
        Key("b.owner_id"),
        Key("b.item_id"),
        Key("b.lot_id"),
        Key("b.location_id"),
        Key("b.condition", "smallint"),
    ),
    json=("warehouse", "owner", "item", "lot", "location", "condition", "on_hand", "held", "allocated", "free"),
    columns=(
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        in_one_language(N_("Name"), "i.names"),
        Column(N_("Lot"), "t.code"),
        Column(N_("Location"), "l.code"),
        Column(N_("Condition"), CONDITION.format("b.condition")),
        Column(N_("On hand"), "b.on_hand"),
        Column(N_("Held"), "b.held"),
        Column(N_("Allocated"), "b.allocated"),
        Column(N_("Free"), "b.on_hand - b.held - b.allocated"),
    ),
)

_MOVEMENT_SOURCE = (
    "movement m join document d on d.warehouse_id = m.warehouse_id and d.document_id = m.document_id "
    "join warehouse w on w.id = m.warehouse_id join organisation o on o.id = m.owner_id "
    "join item i on i.id = m.item_id left join lot t on t.id = m.lot_id "
    "left join location s on s.warehouse_id = m.warehouse_id and s.id = m.source_id "
    "left join location g on g.warehouse_id = m.warehouse_id and g.id = m.target_id"
)
_MOVEMENT_FIELDS = {
    "warehouse_id": "m.warehouse_id",
    "document": "m.document_id",
    "line": "m.line_no",
    "occurred_at": "m.occurred_at",
    "recorded_at": "d.recorded_at",
    "reason": _named("d.reason", dict.fromkeys(Reason)),
    "reference": "d.reference",
    "warehouse": "w.code",
    "owner": "o.code",
    "item": "i.code",
    "item_names": "i.names",
    "lot": "t.code",
    "source": _place("m.source_id", "s"),
    "target": _place("m.target_id", "g"),
    "condition": CONDITION.format("m.condition"),
    "target_condition": CONDITION.format("m.target_condition"),
    "quantity": "m.quantity",
    "time_zone": "w.time_zone",
}
MOVEMENTS = Listing(
    source=_MOVEMENT_SOURCE,
    fields=_MOVEMENT_FIELDS,
    key=(Key("m.occurred_at", "timestamptz"), Key("m.document_id", "uuid"), Key("m.line_no", "integer")),
    descending=True,
    json=(
        "document",
        "line",
        "occurred_at",
        "recorded_at",
        "reason",
        "reference",
        "warehouse",
        "owner",
        "item",
        "lot",
        "source",
        "target",
        "condition",
        "target_condition",
        "quantity",
    ),
    columns=(
        on_the_clock(N_("Occurred at"), "m.occurred_at"),
        Column(N_("Time zone"), "w.time_zone"),
        Column(N_("Reason"), _named("d.reason", dict.fromkeys(Reason))),
        Column(N_("Reference"), "d.reference", free_text=True),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Lot"), "t.code"),
        Column(N_("From place"), _place("m.source_id", "s")),
        Column(N_("To place"), _place("m.target_id", "g")),
        Column(N_("Condition"), CONDITION.format("m.condition")),
        Column(N_("New condition"), CONDITION.format("m.target_condition")),
        Column(N_("Quantity"), "m.quantity"),
        Column(N_("Document"), "m.document_id"),
        Column(N_("Line"), "m.line_no"),
    ),
)
_MOVEMENT_IDS = {
    "owner_id": "m.owner_id",
    "item_id": "m.item_id",
    "lot_id": "m.lot_id",
    "source_id": "m.source_id",
    "target_id": "m.target_id",
    "condition_id": "m.condition",
    "target_condition_id": "m.target_condition",
}
LINES = Listing(
    source=_MOVEMENT_SOURCE, fields={**_MOVEMENT_FIELDS, **_MOVEMENT_IDS}, key=(Key("m.line_no", "integer"),)
)
CARD = Listing(
    source=_MOVEMENT_SOURCE + " left join user_account u on u.id = d.actor_id",
    fields={**_MOVEMENT_FIELDS, **_MOVEMENT_IDS, "actor": "u.name", "note": "d.note"},
    key=MOVEMENTS.key,
    descending=True,
)

_GOODS_SOURCE = " join warehouse w on w.id = h.warehouse_id join organisation o on o.id = h.owner_id join item i on i.id = h.item_id"
HOLDS = Listing(
    source="hold h" + _GOODS_SOURCE + " join location l on l.warehouse_id = h.warehouse_id and l.id = h.location_id "
    "left join lot t on t.id = h.lot_id left join user_account u on u.id = h.placed_by "
    "left join user_account v on v.id = h.released_by",
    fields={
        "id": "h.id",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "lot": "t.code",
        "location": "l.code",
        "condition": CONDITION.format("h.condition"),
        "quantity": "h.quantity",
        "reason": "h.reason",
        "note": "h.note",
        "placed_by": "u.name",
        "placed_at": "h.placed_at",
        "released_by": "v.name",
        "released_at": "h.released_at",
        "release_note": "h.release_note",
        "organisation_id": "h.organisation_id",
        "warehouse_id": "h.warehouse_id",
        "owner_id": "h.owner_id",
        "item_id": "h.item_id",
        "lot_id": "h.lot_id",
        "location_id": "h.location_id",
        "condition_id": "h.condition",
    },
    key=(Key("h.placed_at", "timestamptz"), Key("h.id", "uuid")),
    descending=True,
    columns=(
        on_the_clock(N_("Placed at"), "h.placed_at"),
        Column(N_("Placed by"), "u.name", free_text=True),
        Column(N_("Reason"), "h.reason"),
        Column(N_("Note"), "h.note", free_text=True),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Lot"), "t.code"),
        Column(N_("Location"), "l.code"),
        Column(N_("Condition"), CONDITION.format("h.condition")),
        Column(N_("Quantity"), "h.quantity"),
        on_the_clock(N_("Released at"), "h.released_at"),
        Column(N_("Released by"), "v.name", free_text=True),
        Column(N_("Release note"), "h.release_note", free_text=True),
    ),
)
RESERVATION_STATE = (
    "case when h.ended_as is not null then h.ended_as when h.expires_at <= now() then 'expired' else 'live' end"
)
RESERVATIONS = Listing(
    source="reservation h" + _GOODS_SOURCE,
    fields={
        "id": "h.id",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "condition": CONDITION.format("h.condition"),
        "quantity": "h.quantity",
        "source": "h.source",
        "created_at": "h.created_at",
        "expires_at": "h.expires_at",
        "ended_at": "h.ended_at",
        "state": RESERVATION_STATE,
        "warehouse_id": "h.warehouse_id",
        "organisation_id": "h.organisation_id",
        "owner_id": "h.owner_id",
    },
    key=(Key("h.created_at", "timestamptz"), Key("h.id", "uuid")),
    descending=True,
    json=("id", "warehouse", "owner", "item", "condition", "quantity", "source", "created_at", "expires_at", "state"),
    columns=(
        on_the_clock(N_("Created at"), "h.created_at"),
        on_the_clock(N_("Expires at"), "h.expires_at"),
        Column(N_("State"), RESERVATION_STATE),
        Column(N_("Reserved for"), "h.source", free_text=True),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        Column(N_("Condition"), CONDITION.format("h.condition")),
        Column(N_("Quantity"), "h.quantity"),
    ),
)
LOTS = Listing(
    source="lot t join organisation o on o.id = t.owner_id join item i on i.id = t.item_id",
    fields={
        "id": "t.id",
        "owner": "o.code",
        "item": "i.code",
        "item_names": "i.names",
        "lot": "t.code",
        "declaration_no": "t.declaration_no",
        "declaration_line": "t.declaration_line",
        "supervision_code": "t.supervision_code",
        "exported_on": "t.exported_on",
        "expires_on": "t.expires_on",
        "created_at": "t.created_at",
    },
    key=(Key("t.id"),),
    descending=True,
    columns=(
        Column(N_("Owner"), "o.code"),
        Column(N_("Item"), "i.code"),
        in_one_language(N_("Name"), "i.names"),
        Column(N_("Lot"), "t.code"),
        Column(N_("Declaration number"), "t.declaration_no", free_text=True),
        Column(N_("Declaration line"), "t.declaration_line"),
        Column(N_("Supervision code"), "t.supervision_code"),
        Column(N_("Exported on"), "t.exported_on"),
        Column(N_("Expires on"), "t.expires_on"),
    ),
)
