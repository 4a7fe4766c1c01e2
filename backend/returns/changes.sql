-- name: lock
-- A return, held until the transaction ends, with what has come of it.
select r.warehouse_id, r.id, r.number, r.owner_id, r.kind, r.reason, r.stage, r.revision, r.reference, r.note,
       r.expected_on, w.code as warehouse, w.time_zone, w.operator_id, o.code as owner,
       (select count(*) from rma_parcel p where p.warehouse_id = r.warehouse_id and p.rma_id = r.id
        and p.arrived_at is not null) as arrived,
       (select coalesce(sum(l.received), 0) from rma_line l where l.warehouse_id = r.warehouse_id and l.rma_id = r.id)
         ::bigint as received
from rma r
join warehouse w on w.id = r.warehouse_id
join organisation o on o.id = r.owner_id
where r.id = $1
for update of r

-- name: change
update rma set revision = revision + 1, reference = coalesce($3, reference), note = coalesce($4, note),
       expected_on = coalesce($5, expected_on)
where warehouse_id = $1 and id = $2
returning revision

-- name: booked_lines
select line_no, item_id, lot_id, quantity, basis, sale_warehouse_id, sale_document_id, sale_line_no, location_id, serials
from rma_line where warehouse_id = $1 and rma_id = $2 order by line_no

-- name: drop_lines
delete from rma_line where warehouse_id = $1 and rma_id = $2

-- name: add_lines
-- Lines of a return with their claims, taken in key order.
with line as (
  select * from unnest($4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[], $10::uuid[],
                       $11::int[], $12::bigint[], $13::smallint[], $14::text[], $15::text[], $16::bigint[])
    as line (line_no, item_id, lot_id, quantity, basis, sale_warehouse_id, sale_document_id, sale_line_no, location_id,
             condition, serials, note, shipped)
), claims as (
  insert into return_claim (warehouse_id, document_id, line_no, shipped, claimed)
  select sale_warehouse_id, sale_document_id, sale_line_no, min(shipped), sum(quantity)
  from line where basis = 'shipped'
  group by 1, 2, 3 order by 1, 2, 3
  on conflict (warehouse_id, document_id, line_no) do update set claimed = return_claim.claimed + excluded.claimed
)
insert into rma_line (warehouse_id, rma_id, line_no, owner_id, item_id, lot_id, quantity, basis, sale_warehouse_id,
                      sale_document_id, sale_line_no, location_id, condition, serials, note, investigation)
select $1::bigint, $2::uuid, l.line_no, $3::bigint, l.item_id, l.lot_id, l.quantity, l.basis, l.sale_warehouse_id,
       l.sale_document_id, l.sale_line_no, l.location_id, l.condition,
       case l.serials when '' then '{}' else string_to_array(l.serials, E'\n') end, l.note,
       case l.basis when 'paper' then 'open' end
from line l

-- name: parcels
select tracking_no, carrier, arrived_at is not null as arrived from rma_parcel
where warehouse_id = $1 and rma_id = $2 order by parcel_no

-- name: drop_parcels
-- Parcels that are still on their way; the highest number that stays.
with gone as (
  delete from rma_parcel where warehouse_id = $1 and rma_id = $2 and arrived_at is null
)
select coalesce(max(parcel_no) filter (where arrived_at is not null), 0) from rma_parcel
where warehouse_id = $1 and rma_id = $2

-- name: add_parcels
insert into rma_parcel (warehouse_id, rma_id, parcel_no, tracking_no, carrier)
select $1::bigint, $2::uuid, $3::int + p.n, nullif(p.tracking_no, ''), p.carrier
from unnest($4::text[], $5::text[]) with ordinality as p (tracking_no, carrier, n)

-- name: cancel
-- A return is over before anything of it came: all its pieces are missing.
with lines as (
  update rma_line set missing = quantity where warehouse_id = $1 and rma_id = $2
)
update rma set stage = 'cancelled', closed_at = $3, revision = revision + 1 where warehouse_id = $1 and id = $2

-- name: line
select line_no, quantity, received, missing, investigation from rma_line
where warehouse_id = $1 and rma_id = $2 and line_no = $3

-- name: settle
-- The finding on a line that has only the buyer's word; of a refused one nothing is expected any more.
update rma_line set investigation = $4, investigation_note = $5, investigated_by = $6, investigated_at = $7,
       missing = case when $4 = 'refused' then quantity else missing end
where warehouse_id = $1 and rma_id = $2 and line_no = $3 and investigation = 'open'
returning line_no

-- name: outstanding
-- Pieces of a return that came or may still come.
select coalesce(sum(quantity - missing), 0)::bigint from rma_line where warehouse_id = $1 and rma_id = $2
