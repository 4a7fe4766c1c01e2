"""What may be asked about prices and charges, always in the viewer's scope."""

from collections.abc import Mapping

from backend.access import rules as access_rules
from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.errors import Fault, Invalid
from backend.core.listing import Clause, Column, Key, Listing, on_the_clock, where
from backend.core.text import N_, P_

CHARGES = Listing(
    source="charge c join warehouse w on w.id = c.warehouse_id join organisation o on o.id = c.owner_id",
    fields={
        "id": "c.id",
        "occurred_at": "c.occurred_at",
        "time_zone": "w.time_zone",
        "warehouse": "w.code",
        "owner": "o.code",
        "activity": "c.activity",
        "quantity": "c.quantity",
        "unit": "c.unit",
        "price": "c.price",
        "currency": "c.currency",
        "amount": "c.amount",
        "number": "c.number",
        "source": "c.source",
        "source_id": "c.source_id",
    },
    key=(Key("c.occurred_at", "timestamptz"), Key("c.id", "uuid")),
    descending=True,
    json=(
        *("id", "occurred_at", "warehouse", "owner", "activity", "quantity", "unit", "price", "currency", "amount"),
        *("number", "source", "source_id"),
    ),
    columns=(
        on_the_clock(N_("Occurred at"), "c.occurred_at"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Activity"), "c.activity"),
        Column(N_("Number"), "c.number"),
        Column(N_("Quantity"), "c.quantity"),
        Column(P_("price", "Unit"), "c.unit"),
        Column(N_("Price"), "c.price"),
        Column(N_("Currency"), "c.currency"),
        Column(N_("Amount"), "c.amount"),
        Column(N_("Source"), "c.source"),
        Column(N_("Source row"), "c.source_id"),
    ),
)
PRICES = Listing(
    source="price p join warehouse w on w.id = p.warehouse_id left join organisation o on o.id = p.owner_id",
    fields={
        "id": "p.id",
        "warehouse": "w.code",
        "owner": "o.code",
        "activity": "p.activity",
        "amount": "p.amount",
        "currency": "p.currency",
        "valid_from": "p.valid_from",
    },
    key=(Key("p.warehouse_id"), Key("p.activity", "text"), Key("p.valid_from::text", "text"), Key("p.id", "uuid")),
    json=("id", "warehouse", "owner", "activity", "amount", "currency", "valid_from"),
    columns=(
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Activity"), "p.activity"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Price"), "p.amount"),
        Column(N_("Currency"), "p.currency"),
        Column(P_("day", "From"), "p.valid_from"),
    ),
)


def charge_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope (an owner's own, an operator's warehouses, the committee's all) and the filters warehouse, owner, activity,
    number, priced (yes, no).
    """
    clauses: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        clauses.append(where("c.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        clauses.append(where("c.owner_id = ?", viewer.organisation_id))
    for name, column in (("warehouse", "w.code"), ("owner", "o.code"), ("number", "c.number")):
        if value := filters.get(name):
            clauses.append(where(f"{column} = ?", values.code_of(value)))
    if activity := filters.get("activity"):
        clauses.append(where("c.activity = ?", activity))
    if priced := filters.get("priced"):
        if priced not in ("yes", "no"):
            raise Invalid(
                [
                    Fault(
                        "priced",
                        priced,
                        N_("“%(value)s” is not possible here. Choose one of the list."),
                        {"value": priced},
                    )
                ]
            )
        clauses.append(where("c.price is not null" if priced == "yes" else "c.price is null"))
    return clauses


def price_clauses(viewer: Viewer, filters: Mapping[str, str]) -> list[Clause]:
    """The scope (an operator's warehouses; of others what everybody or they themselves are asked) and the filters warehouse, activity."""
    clauses: list[Clause] = []
    if viewer.kind is Kind.OPERATOR:
        clauses.append(where("p.warehouse_id = any(?::bigint[])", list(viewer.warehouse_ids)))
    elif not access_rules.sees_everything(viewer):
        clauses.append(where("(p.owner_id is null or p.owner_id = ?)", viewer.organisation_id))
        clauses.append(where("w.status = 'listed'"))
    if warehouse := filters.get("warehouse"):
        clauses.append(where("w.code = ?", values.code_of(warehouse)))
    if activity := filters.get("activity"):
        clauses.append(where("p.activity = ?", activity))
    return clauses
