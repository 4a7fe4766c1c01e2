-- name: hold
-- Freeze pieces of one balance; no row when the request key was used before.
with placed as (
  insert into hold (warehouse_id, id, owner_id, item_id, lot_id, location_id, condition, quantity, reason, note,
                    organisation_id, placed_by, request_key, request_hash)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
  on conflict (warehouse_id, organisation_id, request_key) do nothing
  returning id
), frozen as (
  update balance set held = held + $8
  where (warehouse_id, owner_id, item_id, lot_id, location_id, condition) = ($1, $3, $4, $5, $6, $7)
    and exists (select from placed)
)
select id from placed

-- name: held_before
select id, request_hash from hold where warehouse_id = $1 and organisation_id = $2 and request_key = $3

-- name: release
-- Lift a hold once; no row when it is lifted already.
with lifted as (
  update hold set released_by = $3, released_at = clock_timestamp(), release_note = $4
  where warehouse_id = $1 and id = $2 and released_at is null
  returning warehouse_id, owner_id, item_id, lot_id, location_id, condition, quantity
), freed as (
  update balance b set held = b.held - l.quantity from lifted l
  where (b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)
      = (l.warehouse_id, l.owner_id, l.item_id, l.lot_id, l.location_id, l.condition)
)
select quantity from lifted

-- name: hold_head
select * from hold where warehouse_id = $1 and id = $2

-- name: reserve
-- Promise pieces from what is free: lots that expire first, then those exported first. The rows are locked in key
-- order before what is free is read. A row with the reservation's id when it was made.
with candidate as materialized (
  select b.lot_id, b.location_id, b.on_hand - b.held - b.allocated as free
  from balance b
  where b.warehouse_id = $1 and b.owner_id = $3 and b.item_id = $4 and b.condition = $5
    and ($6::bigint is null or b.lot_id = $6) and ($7::bigint is null or b.location_id = $7)
    and b.on_hand > 0
  order by b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition
  for update
), running as (
  select c.lot_id, c.location_id, c.free,
         sum(c.free) over (order by t.expires_on nulls last, t.exported_on nulls last, c.lot_id, c.location_id) as up_to
  from candidate c left join lot t on t.id = c.lot_id
  where c.free > 0
), chosen as (
  select lot_id, location_id, least(free, $8 - (up_to - free))::bigint as quantity
  from running where up_to - free < $8
), enough as (
  select 1 from chosen having sum(quantity) = $8
), made as (
  insert into reservation (warehouse_id, id, owner_id, item_id, condition, quantity, source, organisation_id,
                           actor_id, request_key, request_hash, expires_at)
  select $1, $2, $3, $4, $5, $8, $9, $10, $11, $12, $13, $14 from enough
  on conflict (warehouse_id, organisation_id, request_key) do nothing
  returning id
), placed as (
  insert into allocation (warehouse_id, reservation_id, owner_id, item_id, lot_id, location_id, condition, quantity)
  select $1, made.id, $3, $4, c.lot_id, c.location_id, $5, c.quantity from chosen c, made
), promised as (
  update balance b set allocated = b.allocated + c.quantity from chosen c, made
  where (b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)
      = ($1, $3, $4, c.lot_id, c.location_id, $5)
)
select (select id from made) as id, (select coalesce(sum(free), 0)::bigint from running) as free

-- name: reserved_before
select id, request_hash from reservation where warehouse_id = $1 and organisation_id = $2 and request_key = $3

-- name: reservation_head
select r.*, w.code as warehouse from reservation r join warehouse w on w.id = r.warehouse_id where r.id = $1

-- name: end_reservation
-- Give the pieces of a reservation back, once; no row when it has ended already.
with ended as (
  update reservation set ended_at = clock_timestamp(), ended_as = $3
  where warehouse_id = $1 and id = $2 and ended_at is null
  returning warehouse_id, id
), locked as (
  select b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition, a.quantity
  from allocation a
  join ended e on e.warehouse_id = a.warehouse_id and e.id = a.reservation_id
  join balance b on (b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)
                  = (a.warehouse_id, a.owner_id, a.item_id, a.lot_id, a.location_id, a.condition)
  order by 1, 2, 3, 4, 5, 6 for update of b
), freed as (
  update balance b set allocated = b.allocated - l.quantity from locked l
  where (b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)
      = (l.warehouse_id, l.owner_id, l.item_id, l.lot_id, l.location_id, l.condition)
)
select id from ended

-- name: lot
insert into lot (owner_id, item_id, code, declaration_no, declaration_line, supervision_code, exported_on, expires_on)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (item_id, code) do nothing
returning id
