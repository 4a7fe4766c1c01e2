-- name: lock
-- A work order with what its rules need, locked until the transaction ends. It is locked before anything is joined: a row
-- that changed while it was waited for would no longer fit the location it was joined to, and be missed.
with r as materialized (select * from work_order where id = $1 for update)
select r.*, w.code as warehouse, w.time_zone, w.status as warehouse_status, w.operator_id, o.code as owner, i.code as item,
       l.code as location
from r
join warehouse w on w.id = r.warehouse_id
join organisation o on o.id = r.owner_id
join item i on i.id = r.item_id
join location l on l.warehouse_id = r.warehouse_id and l.id = r.location_id

-- name: claim_key
-- A request key for a deed; no row when it was used before.
insert into repair_request (warehouse_id, organisation_id, request_key, request_hash, order_id, deed, result_id)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (warehouse_id, organisation_id, request_key) do nothing
returning result_id

-- name: claimed_before
select request_hash, deed, result_id from repair_request
where warehouse_id = $1 and organisation_id = $2 and request_key = $3

-- name: ground
-- What a work order stands on: its warehouse and workshop, the item, the warranty kept for the serial, the months its owner
-- warrants, the last sale under an order number, and a live order for the same unit.
select w.code as warehouse, w.time_zone, w.status, w.operator_id, i.code as item, i.hs_code,
       s.id as workshop_id, k.runs_from, k.months, k.ends_on, k.source,
       (select t.months from warranty_terms t where t.owner_id = i.owner_id and (t.item_id = i.id or t.item_id is null)
        order by t.item_id nulls last, t.id desc limit 1) as terms,
       (select max(f.occurred_at) from unit_flow f
        where $7 <> '' and f.warehouse_id = $1 and f.owner_id = $2 and f.item_id = $3 and f.reference = $7 and f.shipped > 0)
         as sold_at,
       (select r.number from work_order r where r.ended_at is null
          and ((r.owner_id = $2 and r.item_id = $3 and r.serial = $5) or r.return_unit_id = $6::uuid) limit 1) as live
from warehouse w
join item i on i.id = $3 and i.owner_id = $2
join location s on s.warehouse_id = w.id and s.code = 'WORKSHOP'
left join warranty k on k.owner_id = $2 and k.item_id = $3 and k.serial = $5
where w.id = $1 and ($4 = 0 or exists (select from lot t where t.id = $4 and t.item_id = $3 and t.owner_id = $2))

-- name: keep_warranty
-- The warranty of a serial, kept once; whoever came first counts.
insert into warranty (owner_id, item_id, serial, runs_from, months, ends_on, source, organisation_id, user_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (owner_id, item_id, serial) do nothing

-- name: open
insert into work_order (warehouse_id, id, number, owner_id, item_id, lot_id, serial, origin, return_unit_id, unit_code,
                        reference, item_class, fault, warranty_from, warranty_months, warranty_until, warranty_source,
                        stage, location_id, condition, from_location_id, from_condition, organisation_id, user_id,
                        channel, opened_at, taken_in_at, take_in_document_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
        $26, $27, $28)

-- name: take_in
update work_order set stage = 'diagnosing', location_id = $3, condition = $4, taken_in_at = $5, take_in_document_id = $6,
  revision = revision + 1
where warehouse_id = $1 and id = $2

-- name: go
-- A work order goes on to another stage.
update work_order set stage = $3, technician_id = coalesce(technician_id, $4), revision = revision + 1
where warehouse_id = $1 and id = $2

-- name: finish
update work_order set stage = $3, location_id = $4, condition = $5, ended_at = $6, ended_note = $7, end_document_id = $8,
  revision = revision + 1
where warehouse_id = $1 and id = $2

-- name: assign
update work_order set technician_id = $3, revision = revision + 1
where warehouse_id = $1 and id = $2 and revision = $4
returning revision

-- name: is_technician
select true from membership m join user_account u on u.id = m.user_id
where m.organisation_id = $1 and m.user_id = $2 and u.active

-- name: diagnose
insert into repair_diagnosis (warehouse_id, id, order_id, turn, item_class, edition, codes, repairable, covered, note,
                              user_id, diagnosed_at)
select $1, $2::uuid, $3::uuid, coalesce(max(turn), 0) + 1, $4, $5, $6::text[], $7, $8, $9, $10, $11
from repair_diagnosis where warehouse_id = $1 and order_id = $3

-- name: diagnosed
update work_order set fault_codes = $3, covered = $4, technician_id = coalesce(technician_id, $5), revision = revision + 1
where warehouse_id = $1 and id = $2

-- name: withdraw_open_quote
update repair_quote set state = 'withdrawn', ended_at = $3
where warehouse_id = $1 and order_id = $2 and state = 'open'
returning id

-- name: place
select id, code from location where warehouse_id = $1 and code = $2 and kind in ('bin', 'dock', 'workshop')

-- name: last_test_passed
select passed from repair_test where warehouse_id = $1 and order_id = $2 order by turn desc limit 1

-- name: terms
insert into warranty_terms (owner_id, id, item_id, months, user_id)
select $1::bigint, $2::uuid, $3::bigint, $4::integer, $5::bigint
where $3::bigint is null or exists (select from item where id = $3 and owner_id = $1)
returning id
