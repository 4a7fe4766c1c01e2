-- name: known
select id, number, request_hash from blind_parcel where warehouse_id = $1 and request_key = $2

-- name: one_at_a_time
-- Whoever writes parcels down in a warehouse waits for others who do, so that each is written down once.
select pg_advisory_xact_lock(hashtext('luocang.blind_parcel'), ($1::bigint % 2147483647)::int)

-- name: waiting_as
-- What waits here, or is expected here, under a tracking number.
select b.number, 'blind' as what from blind_parcel b
where b.warehouse_id = $1 and b.tracking_no = $2 and b.tracking_no <> '' and b.state = 'waiting'
union all
select r.number, 'return' from rma_parcel p
join rma r on r.warehouse_id = p.warehouse_id and r.id = p.rma_id and r.closed_at is null
where p.warehouse_id = $1 and p.tracking_no = $2
limit 1

-- name: record
insert into blind_parcel (warehouse_id, id, number, tracking_no, carrier, sender, contents, state, user_id, arrived_at, due_at,
                          request_key, request_hash)
values ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9, $10, $11, $12)

-- name: lock
select b.warehouse_id, b.id, b.number, b.tracking_no, b.carrier, b.state, b.arrived_at, b.due_at, b.rma_id, b.parcel_no,
       w.operator_id
from blind_parcel b join warehouse w on w.id = b.warehouse_id where b.id = $1 for update of b

-- name: add_parcel
-- One more parcel of a return, which is at the dock; its number.
insert into rma_parcel (warehouse_id, rma_id, parcel_no, tracking_no, carrier, arrived_at, arrived_by)
select $1::bigint, $2::uuid,
       1 + coalesce((select max(parcel_no) from rma_parcel where warehouse_id = $1 and rma_id = $2), 0),
       nullif($3::text, ''), $4::text, $5::timestamptz, $6::bigint
returning parcel_no

-- name: take_parcel
-- The parcel was not opened as one of its return: it is none of it any more; no row when it was opened already.
delete from rma_parcel where warehouse_id = $1 and rma_id = $2 and parcel_no = $3 and unpacked_at is null returning parcel_no

-- name: settle
update blind_parcel
set state = $3, rma_id = $4, parcel_no = $5, settled_at = $6, settled_by = $7, settled_note = $8
where warehouse_id = $1 and id = $2

-- name: parcel
-- An unannounced parcel with its words.
select b.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, w.operator_id, r.number as rma_number, u.name as user_name,
       s.name as settled_by_name
from blind_parcel b
join warehouse w on w.id = b.warehouse_id
left join rma r on r.warehouse_id = b.warehouse_id and r.id = b.rma_id
left join user_account u on u.id = b.user_id
left join user_account s on s.id = b.settled_by
where b.id = $1

-- name: hashes
select encode(hash, 'hex') as hash from attachment where warehouse_id = $1 and subject = 'parcel' and subject_id = $2 order by id

-- name: candidates
-- Returns of the warehouse that could have sent a parcel: its tracking number, or a reference that stands in what was
-- written down about it.
select r.id, r.number, r.stage, r.reference, r.booked_at, o.code as owner, o.names as owner_names
from rma r join organisation o on o.id = r.owner_id
where r.warehouse_id = $1 and r.closed_at is null and (
  exists (select from rma_parcel p where p.warehouse_id = r.warehouse_id and p.rma_id = r.id
          and p.tracking_no = $2 and p.tracking_no <> '')
  or (r.reference <> '' and upper(r.reference) = any($3::text[]))
  or r.number = any($3::text[]))
order by r.booked_at desc limit 10
