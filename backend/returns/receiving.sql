-- name: lock_number
-- The return of a number, held until the transaction ends.
select r.warehouse_id, r.id from rma r where r.number = $1 for update

-- name: received_units
select u.code, u.id from return_unit u
where u.warehouse_id = $1 and u.receipt_document_id = any($2::uuid[]) and u.rma_id = $3 order by u.unit_no

-- name: expected
-- The lines of a return that is received with what came of each, the dock where it is received, its parcels, and what a
-- request key (or its twin for unsold goods) has received before.
with head as materialized (
  select r.warehouse_id, r.id, r.number, r.owner_id, r.stage, d.id as dock_id,
         (select coalesce(max(u.unit_no), 0) from return_unit u where u.warehouse_id = r.warehouse_id and u.rma_id = r.id)
           as last_unit,
         array(select p.parcel_no from rma_parcel p where p.warehouse_id = r.warehouse_id and p.rma_id = r.id) as parcels,
         array(select p.document_id from posted p where p.warehouse_id = $1 and p.organisation_id = $3
               and p.request_key = any($4::text[])) as documents,
         (select min(p.request_hash) from posted p where p.warehouse_id = $1 and p.organisation_id = $3
          and p.request_key = any($4::text[])) as request_hash
  from rma r join location d on d.warehouse_id = r.warehouse_id and d.code = 'DOCK'
  where r.warehouse_id = $1 and r.id = $2
)
select h.*, l.line_no, l.item_id, l.lot_id, l.quantity, l.basis, l.location_id, l.condition, l.serials, l.investigation,
       l.received, l.missing, i.code as item, coalesce(u.here, '{}') as here, coalesce(u.plain, 0)::bigint as plain
from head h
join rma_line l on l.warehouse_id = h.warehouse_id and l.rma_id = h.id
join item i on i.id = l.item_id
left join lateral (
  select array_agg(u.serial) filter (where u.serial is not null) as here,
         sum(u.quantity) filter (where u.serial is null) as plain
  from return_unit u
  where u.warehouse_id = l.warehouse_id and u.rma_id = l.rma_id and u.line_no = l.line_no and u.state <> 'reversed'
) u on true
order by l.line_no

-- name: serials_here
-- Units with these serial numbers that are still in a warehouse from a return.
select a.serial, u.code
from unnest($2::bigint[], $3::text[]) as a (item_id, serial)
join return_unit u on u.owner_id = $1 and u.item_id = a.item_id and u.serial = a.serial
  and u.state in ('received', 'graded', 'decided')
order by u.code limit 1

-- name: receive
-- Units that arrived, the lines that came beyond what was booked, what came of each line, and the parcels that were
-- unpacked: one of that number, or without one every parcel at the dock.
with extra as (
  insert into rma_line (warehouse_id, rma_id, line_no, owner_id, item_id, lot_id, quantity, basis, note, investigation,
                        received, surplus)
  select $1::bigint, $2::uuid, x.line_no, $3::bigint, x.item_id, x.lot_id, x.quantity, 'paper', '', 'open', x.quantity, true
  from unnest((select $4::int[]), $5::bigint[], $6::bigint[], $7::bigint[]) as x (line_no, item_id, lot_id, quantity)
), units as (
  insert into return_unit (warehouse_id, id, rma_id, line_no, unit_no, code, owner_id, item_id, lot_id, quantity, serial,
                           state, location_id, condition, receipt_document_id, received_at, received_by)
  select $1, u.id, $2, u.line_no, u.unit_no, u.code, $3, u.item_id, u.lot_id, u.quantity, u.serial, 'received',
         $8::bigint, $9::smallint, u.document_id, $10::timestamptz, $11::bigint
  from unnest((select $12::uuid[]), $13::int[], $14::int[], $15::text[], $16::bigint[], $17::bigint[], $18::bigint[], $19::text[],
              $20::uuid[])
    as u (id, line_no, unit_no, code, item_id, lot_id, quantity, serial, document_id)
), parcels as (
  update rma_parcel
  set arrived_at = coalesce(arrived_at, $10), arrived_by = coalesce(arrived_by, $11), unpacked_at = coalesce(unpacked_at, $10)
  where warehouse_id = $1 and rma_id = $2 and (parcel_no = $21::int or ($21::int is null and arrived_at is not null))
), head as (
  update rma set received_at = coalesce(received_at, $10) where warehouse_id = $1 and id = $2 and received_at is null
)
update rma_line l set received = l.received + c.quantity
from unnest((select $22::int[]), $23::bigint[]) as c (line_no, quantity)
where l.warehouse_id = $1 and l.rma_id = $2 and l.line_no = c.line_no

-- name: parcels
select parcel_no, tracking_no, carrier, arrived_at from rma_parcel where warehouse_id = $1 and rma_id = $2 order by parcel_no

-- name: arrive
-- A parcel is at the dock; no row when it was already. A return without parcels gets its first one.
insert into rma_parcel as p (warehouse_id, rma_id, parcel_no, arrived_at, arrived_by) values ($1, $2, $3, $4, $5)
on conflict (warehouse_id, rma_id, parcel_no) do update set arrived_at = excluded.arrived_at, arrived_by = excluded.arrived_by
  where p.arrived_at is null
returning p.parcel_no

-- name: miss
-- What is still outstanding of a return did not come: the pieces, and the claims that they held, taken in key order.
with short as materialized (
  select l.line_no, l.basis, l.sale_warehouse_id, l.sale_document_id, l.sale_line_no,
         l.quantity - l.received - l.missing as quantity
  from rma_line l
  where l.warehouse_id = $1 and l.rma_id = $2 and l.quantity > l.received + l.missing
    and l.investigation is distinct from 'refused'
), freed as (
  select sale_warehouse_id, sale_document_id, sale_line_no, sum(quantity) as quantity
  from short where basis = 'shipped' group by 1, 2, 3
), locked as (
  select c.warehouse_id, c.document_id, c.line_no, f.quantity
  from return_claim c
  join freed f on f.sale_warehouse_id = c.warehouse_id and f.sale_document_id = c.document_id and f.sale_line_no = c.line_no
  order by c.warehouse_id, c.document_id, c.line_no
  for update of c
), given_back as (
  update return_claim c set claimed = c.claimed - k.quantity from locked k
  where c.warehouse_id = k.warehouse_id and c.document_id = k.document_id and c.line_no = k.line_no
), lines as (
  update rma_line l set missing = l.missing + s.quantity from short s
  where l.warehouse_id = $1 and l.rma_id = $2 and l.line_no = s.line_no
), unpacked as (
  update rma_parcel set unpacked_at = $3 where warehouse_id = $1 and rma_id = $2 and arrived_at is not null and unpacked_at is null
)
select coalesce(sum(quantity), 0)::bigint from short

-- name: receipt
-- The units of a receipt with their lines.
select u.code, u.state, u.line_no, u.quantity, u.rma_id from return_unit u
where u.warehouse_id = $1 and u.receipt_document_id = $2 and u.state <> 'reversed' order by u.unit_no

-- name: unreceive
-- A receipt is reversed: its units are none any more, and its pieces may come once more; those beyond what was booked not.
with units as (
  update return_unit set state = 'reversed' where warehouse_id = $1 and receipt_document_id = $2 and state = 'received'
  returning line_no, quantity, rma_id
), gone as (
  select rma_id, line_no, sum(quantity)::bigint as quantity from units group by 1, 2
)
update rma_line l
set received = l.received - g.quantity, missing = l.missing + case when l.surplus then g.quantity else 0 end
from gone g
where l.warehouse_id = $1 and l.rma_id = g.rma_id and l.line_no = g.line_no
