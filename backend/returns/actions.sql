-- name: before_booking
-- The warehouse of a booking with its desk, and the return that was booked with the same key before.
select w.id, w.code, w.status, w.time_zone, w.operator_id, d.active, d.kinds, d.countries, d.capabilities,
       r.id as rma_id, r.number, r.warehouse_id as rma_warehouse_id, r.request_hash
from (values (1)) one
left join warehouse w on w.code = $1
left join return_desk d on d.warehouse_id = w.id
left join rma r on r.organisation_id = $2 and r.request_key = $3

-- name: book
-- A return with its lines, parcels and claims. Claims are taken in key order. A request key that was used before is an error.
with booked as (
  insert into rma (warehouse_id, id, number, owner_id, kind, reason, stage, reference, note, country, city, latitude,
                   longitude, home_area, proposal, organisation_id, user_id, channel, request_key, request_hash, booked_at,
                   expected_on)
  values ($1, $2, $3, $4, $5, $6, 'booked', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
  returning warehouse_id, id
), booking_line as (
  select * from unnest((select $22::int[]), $23::bigint[], $24::bigint[], $25::bigint[], $26::text[], $27::bigint[], $28::uuid[],
                       $29::int[], $30::bigint[], $31::smallint[], $32::text[], $33::text[], $34::bigint[])
    as line (line_no, item_id, lot_id, quantity, basis, sale_warehouse_id, sale_document_id, sale_line_no, location_id,
             condition, serials, note, shipped)
), booked_lines as (
  insert into rma_line (warehouse_id, rma_id, line_no, owner_id, item_id, lot_id, quantity, basis, sale_warehouse_id,
                        sale_document_id, sale_line_no, location_id, condition, serials, note, investigation)
  select m.warehouse_id, m.id, l.line_no, $4, l.item_id, l.lot_id, l.quantity, l.basis, l.sale_warehouse_id,
         l.sale_document_id, l.sale_line_no, l.location_id, l.condition,
         case l.serials when '' then '{}' else string_to_array(l.serials, E'\n') end, l.note,
         case l.basis when 'paper' then 'open' end
  from booking_line l, booked m
), booked_claims as (
  insert into return_claim (warehouse_id, document_id, line_no, shipped, claimed)
  select l.sale_warehouse_id, l.sale_document_id, l.sale_line_no, min(l.shipped), sum(l.quantity)
  from booking_line l, booked m where l.basis = 'shipped'
  group by 1, 2, 3 order by 1, 2, 3
  on conflict (warehouse_id, document_id, line_no) do update set claimed = return_claim.claimed + excluded.claimed
), booked_parcels as (
  insert into rma_parcel (warehouse_id, rma_id, parcel_no, tracking_no, carrier)
  select m.warehouse_id, m.id, p.n, nullif(p.tracking_no, ''), p.carrier
  from unnest((select $35::text[]), $36::text[]) with ordinality as p (tracking_no, carrier, n), booked m
)
select
