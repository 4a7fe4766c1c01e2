-- name: request
-- A job with the lines of its recipe; no row when the request key was used before.
with asked as (
  insert into service_job (warehouse_id, id, number, kind, service_offer_id, owner_id, stage, process, wish, quantity,
                           unit, wanted_on, return_unit_id, organisation_id, user_id, channel, request_key,
                           request_hash, requested_at)
  values ($1, $2, $3, $4, $5, $6, 'requested', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
  on conflict (organisation_id, request_key) do nothing
  returning warehouse_id, id, owner_id
), lines as (
  insert into recipe_line (warehouse_id, job_id, line_no, side, owner_id, item_id, lot_id, condition, quantity)
  select a.warehouse_id, a.id, l.line_no, l.side, a.owner_id, l.item_id, l.lot_id, l.condition, l.quantity
  from unnest($19::text[], $20::bigint[], $21::bigint[], $22::smallint[], $23::bigint[])
    with ordinality as l (side, item_id, lot_id, condition, quantity, line_no), asked a
)
select id from asked

-- name: requested_before
select id, number, request_hash from service_job where organisation_id = $1 and request_key = $2

-- name: offer_asked
-- An offer's version as an owner may ask for it: of a listed warehouse.
select f.*, w.code as warehouse, w.operator_id, w.status as warehouse_status,
       exists (select from service_offer n where n.warehouse_id = f.warehouse_id and n.offer_id = f.offer_id
               and n.version > f.version) as replaced
from service_offer f join warehouse w on w.id = f.warehouse_id
where f.id = $1

-- name: offer_for_processing
-- What a warehouse offers as light processing now, if anything.
select f.id, f.unit from service_offer f
where f.warehouse_id = $1 and f.kind = 'processing' and f.active
  and not exists (select from service_offer n where n.warehouse_id = f.warehouse_id and n.offer_id = f.offer_id
                  and n.version > f.version)
order by f.created_at limit 1

-- name: items
select code, id from item where owner_id = $1 and code = any($2::text[])

-- name: lots
select t.item_id, t.code, t.id from unnest($1::bigint[], $2::text[]) k (item_id, code)
join lot t on t.item_id = k.item_id and t.code = k.code

-- name: parties
select w.operator_id, w.code as warehouse, i.code as item from warehouse w left join item i on i.id = $2 where w.id = $1
