"""The list of returns: what its rows hold, how they are sorted, its columns as a file. `queries` says who sees which rows."""

from backend.core.listing import Column, Key, Listing, on_the_clock
from backend.core.text import N_

RETURNS = Listing(
    source="rma r",
    joins=(
        "join warehouse w on w.id = r.warehouse_id join organisation o on o.id = r.owner_id "
        "cross join lateral (select sum(l.quantity)::bigint as quantity, sum(l.received)::bigint as received, "
        "sum(l.graded)::bigint as graded, sum(l.disposed)::bigint as disposed, "
        "coalesce(bool_or(l.investigation = 'open'), false) as doubtful, min(i.code) as item, "
        "count(distinct l.item_id) as items from rma_line l join item i on i.id = l.item_id "
        "where l.warehouse_id = r.warehouse_id and l.rma_id = r.id) s "
        "left join stage t on t.warehouse_id = r.warehouse_id and t.subject = 'return' and t.subject_id = r.id "
        "and t.left_at is null"
    ),
    fields={
        "id": "r.id",
        "number": "r.number",
        "kind": "r.kind",
        "reason": "r.reason",
        "stage": "r.stage",
        "reference": "r.reference",
        "country": "r.country",
        "warehouse": "w.code",
        "time_zone": "w.time_zone",
        "owner": "o.code",
        "owner_names": "o.names",
        "item": "s.item",
        "items": "s.items",
        "quantity": "s.quantity",
        "received": "s.received",
        "graded": "s.graded",
        "disposed": "s.disposed",
        "doubtful": "s.doubtful",
        "booked_at": "r.booked_at",
        "expected_on": "r.expected_on",
        "due_at": "t.due_at",
        "closed_at": "r.closed_at",
        "revision": "r.revision",
    },
    key=(Key("r.booked_at", "timestamptz"), Key("r.id", "uuid")),
    descending=True,
    json=(
        *("id", "number", "kind", "reason", "stage", "reference", "country", "warehouse", "owner", "quantity"),
        *("received", "graded", "disposed", "doubtful", "booked_at", "expected_on", "due_at", "closed_at", "revision"),
    ),
    columns=(
        Column(N_("Number"), "r.number"),
        on_the_clock(N_("Booked at"), "r.booked_at"),
        Column(N_("Kind"), "r.kind"),
        Column(N_("Reason"), "r.reason"),
        Column(N_("Stage"), "r.stage"),
        Column(N_("Warehouse"), "w.code"),
        Column(N_("Owner"), "o.code"),
        Column(N_("Reference"), "r.reference", free_text=True),
        Column(N_("Country"), "r.country"),
        Column(N_("Pieces"), "s.quantity"),
        Column(N_("Received"), "s.received"),
        Column(N_("Graded"), "s.graded"),
        Column(N_("Carried out"), "s.disposed"),
        Column(N_("Expected on"), "r.expected_on"),
        on_the_clock(N_("Due"), "t.due_at"),
    ),
)
