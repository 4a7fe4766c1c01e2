-- name: return_named
-- A return by its number or id, wherever it is expected.
select r.id, r.number, r.stage, r.warehouse_id, w.code as warehouse,
       (select coalesce(sum(l.quantity - l.received - l.missing), 0)::bigint from rma_line l
        where l.warehouse_id = r.warehouse_id and l.rma_id = r.id and l.investigation is distinct from 'refused') as outstanding
from rma r join warehouse w on w.id = r.warehouse_id
where r.number = $1 or r.id = $2

-- name: parcel_of
select p.arrived_at, u.name as arrived_by, w.time_zone
from rma_parcel p
join warehouse w on w.id = p.warehouse_id
left join user_account u on u.id = p.arrived_by
where p.warehouse_id = $1 and p.rma_id = $2 and p.parcel_no = $3

-- name: tracked
-- Parcels with a tracking number: those of returns that are expected somewhere, and those that wait without one.
select r.number, p.parcel_no, p.warehouse_id, r.closed_at is null as is_open, null::text as blind, null::uuid as blind_id
from rma_parcel p join rma r on r.warehouse_id = p.warehouse_id and r.id = p.rma_id
where p.tracking_no = $1
union all
select null, null, b.warehouse_id, true, b.number, b.id from blind_parcel b
where b.warehouse_id = $2 and b.tracking_no = $1 and b.tracking_no <> '' and b.state = 'waiting'
limit 20

-- name: unit
select u.code, u.state, u.grade, u.regrade, u.disposition, u.warehouse_id, r.number, r.id as rma_id, w.code as warehouse,
       i.code as item
from return_unit u
join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
join warehouse w on w.id = u.warehouse_id
join item i on i.id = u.item_id
where u.code = $1

-- name: held_lines
-- The lines of a return that a code could mean: a serial number that was booked, or the code or a barcode of the item.
select * from (
  select l.line_no, i.code as item, l.serials, array[$3::text] <@ l.serials as is_serial,
         case when l.investigation = 'refused' then 0 else l.quantity - l.received - l.missing end as open,
         (select count(*) from return_unit u where u.warehouse_id = l.warehouse_id and u.rma_id = l.rma_id
          and u.line_no = l.line_no and u.serial is null and u.state <> 'reversed') as plain,
         l.quantity - l.missing as expected
  from rma r
  join rma_line l on l.warehouse_id = r.warehouse_id and l.rma_id = r.id
  join item i on i.id = l.item_id
  where r.warehouse_id = $1 and r.number = $2
    and (array[$3::text] <@ l.serials or i.code = any($4::text[])
         or exists (select from barcode b where b.owner_id = i.owner_id and b.item_id = i.id and b.code = any($4::text[])))
) l
order by is_serial desc, open > 0 desc, line_no

-- name: item_known
-- Whether the owner of a return has an item with this code at all.
select i.code from rma r join item i on i.owner_id = r.owner_id
where r.warehouse_id = $1 and r.number = $2
  and (i.code = any($3::text[])
       or exists (select from barcode b where b.owner_id = i.owner_id and b.item_id = i.id and b.code = any($3::text[])))
limit 1

-- name: item_expected
-- Returns that a warehouse still expects pieces of an item from.
select distinct r.number, o.names as owner_names, i.code as item, r.booked_at
from (
  select i.id, i.code from item i where i.code = any($2::text[])
  union
  select i.id, i.code from barcode b join item i on i.id = b.item_id where b.code = any($2::text[])
) i
join rma_line l on l.item_id = i.id and l.warehouse_id = $1 and l.quantity > l.received + l.missing
  and l.investigation is distinct from 'refused'
join rma r on r.warehouse_id = l.warehouse_id and r.id = l.rma_id and r.closed_at is null
join organisation o on o.id = r.owner_id
order by r.booked_at limit 11

-- name: referenced
-- Open returns of a warehouse by what their owner calls them, or by a serial number that comes back.
select distinct r.number, o.names as owner_names, r.reference as item, r.booked_at
from rma r
join organisation o on o.id = r.owner_id
where r.warehouse_id = $1 and r.closed_at is null and (
  (r.reference <> '' and upper(r.reference) = $2)
  or exists (select from rma_line l where l.warehouse_id = r.warehouse_id and l.rma_id = r.id
             and l.serials && array[$2::text] and l.serials <> '{}'))
order by r.booked_at limit 11

-- name: other_code
-- What a label of the shelf is: a location of the warehouse, a warehouse, an item that lies or lay in it.
select 'location' as found, l.code from location l where l.warehouse_id = $1 and l.code = $2
union all select 'warehouse', w.code from warehouse w where w.code = $2
union all
select 'item_unexpected', i.code
from (
  select i.id, i.owner_id, i.code from item i where i.code = any($3::text[])
  union
  select i.id, i.owner_id, i.code from barcode b join item i on i.id = b.item_id where b.code = any($3::text[])
) i
where exists (select from item_in_warehouse v where v.warehouse_id = $1 and v.owner_id = i.owner_id and v.item_id = i.id)
limit 1

-- name: elsewhere
-- Documents that are not received, by their number.
select 'batch' as subject, id, warehouse_id from home_batch where number = $1
union all select 'parcel', id, warehouse_id from blind_parcel where number = $1
union all select 'repair', id, warehouse_id from work_order where number = $1
union all select 'service', id, warehouse_id from service_job where number = $1
union all select 'destruction', id, warehouse_id from destruction where number = $1
union all select 'pledge', id, warehouse_id from pledge where number = $1

-- name: hand
-- What is in hand: the lines of a return with what came and is still expected.
select r.id as rma_id, r.number, r.stage, r.kind, r.reason, r.note, o.code as owner, o.names as owner_names, l.line_no,
       i.code as item, i.names as item_names, i.hs_code, t.code as lot, l.basis, l.surplus, l.investigation,
       cardinality(l.serials) as serials, l.quantity, l.received, l.missing,
       case when l.investigation = 'refused' then 0 else l.quantity - l.received - l.missing end as open,
       p.parcels, p.arrived
from rma r
join organisation o on o.id = r.owner_id
join rma_line l on l.warehouse_id = r.warehouse_id and l.rma_id = r.id
join item i on i.id = l.item_id
left join lot t on t.id = l.lot_id
cross join lateral (
  select count(*) as parcels, count(p.arrived_at) as arrived from rma_parcel p
  where p.warehouse_id = r.warehouse_id and p.rma_id = r.id
) p
where r.warehouse_id = $1 and r.number = $2
order by l.line_no
