-- name: hold_pledged
-- Freeze pieces of several balances for a pledge, in key order.
with asked as (
  select * from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[], $8::bigint[])
    as asked (id, owner_id, item_id, lot_id, location_id, condition, quantity)
), placed as (
  insert into hold (warehouse_id, id, owner_id, item_id, lot_id, location_id, condition, quantity, reason, note,
                    organisation_id, placed_by, request_key, request_hash)
  select $1, id, owner_id, item_id, lot_id, location_id, condition, quantity, 'pledge', $9, $10, $11, 'pledge:' || id, ''
  from asked order by owner_id, item_id, lot_id, location_id, condition, id
), wanted as (
  select owner_id, item_id, lot_id, location_id, condition, sum(quantity)::bigint as quantity from asked
  group by 1, 2, 3, 4, 5
), locked as (
  select b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition, w.quantity
  from balance b join wanted w using (owner_id, item_id, lot_id, location_id, condition)
  where b.warehouse_id = $1 order by 1, 2, 3, 4, 5 for update of b
)
update balance b set held = b.held + l.quantity from locked l
where (b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)
    = ($1, l.owner_id, l.item_id, l.lot_id, l.location_id, l.condition)

-- name: release_pledged
-- Lift the holds of a pledge that has ended: how many pieces.
with lifted as (
  update hold set released_by = $3, released_at = clock_timestamp(), release_note = $4
  where warehouse_id = $1 and id = any($2::uuid[]) and reason = 'pledge' and released_at is null
  returning warehouse_id, owner_id, item_id, lot_id, location_id, condition, quantity
), freed as (
  select warehouse_id, owner_id, item_id, lot_id, location_id, condition, sum(quantity)::bigint as quantity from lifted
  group by 1, 2, 3, 4, 5, 6
), locked as (
  select b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition, f.quantity
  from balance b join freed f using (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
  order by 1, 2, 3, 4, 5, 6 for update of b
), given_back as (
  update balance b set held = b.held - l.quantity from locked l
  where (b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)
      = (l.warehouse_id, l.owner_id, l.item_id, l.lot_id, l.location_id, l.condition)
)
select coalesce(sum(quantity), 0)::bigint from lifted
