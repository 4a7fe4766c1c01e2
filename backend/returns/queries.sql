-- name: rma
-- A return with its words, and its lines' sums.
select r.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, w.operator_id, w.country as warehouse_country,
       w.city as warehouse_city, w.address as warehouse_address, o.code as owner, o.names as owner_names,
       u.name as booked_by, s.quantity, s.received, s.graded, s.disposed, s.open_investigations
from rma r
join warehouse w on w.id = r.warehouse_id
join organisation o on o.id = r.owner_id
left join user_account u on u.id = r.user_id
cross join lateral (
  select sum(l.quantity)::bigint as quantity, sum(l.received)::bigint as received, sum(l.graded)::bigint as graded,
         sum(l.disposed)::bigint as disposed, count(*) filter (where l.investigation = 'open') as open_investigations
  from rma_line l where l.warehouse_id = r.warehouse_id and l.rma_id = r.id
) s
where r.id = $1

-- name: rma_by_number
select id from rma where number = $1

-- name: lines
select l.*, i.code as item, i.names as item_names, i.hs_code, t.code as lot, t.declaration_no, t.declaration_line,
       t.supervision_code, t.exported_on, s.code as sale_warehouse, d.reference as sale_reference,
       d.occurred_at as sold_at, p.code as location,
       case l.basis when 'unsold' then w.code end as lies_in, v.name as investigator
from rma_line l
join item i on i.id = l.item_id
join warehouse w on w.id = l.warehouse_id
left join lot t on t.id = l.lot_id
left join warehouse s on s.id = l.sale_warehouse_id
left join shipped d on d.warehouse_id = l.sale_warehouse_id and d.document_id = l.sale_document_id
  and d.line_no = l.sale_line_no
left join location p on p.warehouse_id = l.warehouse_id and p.id = l.location_id
left join user_account v on v.id = l.investigated_by
where l.warehouse_id = $1 and l.rma_id = $2
order by l.line_no

-- name: parcels
select p.parcel_no, p.tracking_no, p.carrier, p.arrived_at, u.name as arrived_by
from rma_parcel p left join user_account u on u.id = p.arrived_by
where p.warehouse_id = $1 and p.rma_id = $2
order by p.parcel_no

-- name: named
-- Returns of an owner ($3) or in warehouses ($4) that a number names: their own, that of a unit, a parcel, the exporter's
-- reference, the order that was sold, or a serial number.
select r.id
from rma r
join (
  select id from rma where number = $1 or number = split_part($1, 'U', 1)
  union
  select rma_id from rma_parcel where tracking_no = $1
  union
  select id from rma where reference = $2 and reference <> ''
  union
  select l.rma_id from rma_line l where l.serials && array[$1] and l.serials <> '{}'
  union
  select l.rma_id
  from warehouse w
  join shipped s on s.warehouse_id = w.id and s.reference = $2 and s.reference <> ''
  join rma_line l on l.item_id = s.item_id and l.sale_document_id = s.document_id
) named on named.id = r.id
where ($3::bigint is null or r.owner_id = $3) and ($4::bigint[] is null or r.warehouse_id = any($4))
limit 500
