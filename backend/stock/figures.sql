-- name: warehouses
-- The warehouses of a scope with what lies in them: $1 warehouses, or $2 an owner (then only where goods are), or all.
with stock as (
  select warehouse_id, sum(on_hand)::bigint as pieces, sum(held)::bigint as held
  from balance
  where on_hand > 0 and ($1::bigint[] is null or warehouse_id = any($1)) and ($2::bigint is null or owner_id = $2)
  group by warehouse_id
)
select w.code, w.names, w.status, coalesce(s.pieces, 0) as pieces, coalesce(s.held, 0) as held
from warehouse w left join stock s on s.warehouse_id = w.id
where ($1::bigint[] is null or w.id = any($1)) and ($2::bigint is null or s.warehouse_id is not null)
order by pieces desc, w.code

-- name: facts
-- Live reservations of a scope, and what has been begun in it.
select
  (select count(*) from reservation r
   where r.ended_at is null and r.expires_at > now() and ($1::bigint[] is null or r.warehouse_id = any($1))
     and ($2::bigint is null or r.owner_id = $2)) as reservations,
  exists (select from location l where l.kind = 'bin' and ($1::bigint[] is null or l.warehouse_id = any($1))) as has_bins,
  exists (select from item i where $2::bigint is null or i.owner_id = $2) as has_items,
  exists (select from balance b where ($1::bigint[] is null or b.warehouse_id = any($1))
          and ($2::bigint is null or b.owner_id = $2)) as has_documents

-- name: movements_by_day
-- Movements of a scope since $3, by the day they fell on in the zone $4; warehouse by warehouse, along the index.
select (m.occurred_at at time zone $4)::date as day, count(*) as lines
from movement m
where m.occurred_at > $3 and ($2::bigint is null or m.owner_id = $2)
  and m.warehouse_id = any(coalesce($1::bigint[], array(select id from warehouse)))
group by 1

-- name: latest_of_warehouses
-- Document ids are ordered by time, so the last ones of each warehouse stand at the end of its key.
select d.warehouse_id, d.document_id, d.reason, d.reference, d.occurred_at, d.warehouse, d.time_zone, d.actor,
       m.lines, m.pieces
from (
  select d.*, w.code as warehouse, w.time_zone, u.name as actor
  from warehouse w
  cross join lateral (
    select * from document where warehouse_id = w.id order by document_id desc limit $2
  ) d
  left join user_account u on u.id = d.actor_id
  where $1::bigint[] is null or w.id = any($1)
  order by d.document_id desc limit $2
) d
cross join lateral (
  select count(*) as lines, sum(quantity)::bigint as pieces from movement
  where warehouse_id = d.warehouse_id and document_id = d.document_id
) m
order by d.document_id desc

-- name: latest_of_owner
-- The last documents that moved an owner's goods, among its last thousand movements; only its own lines are counted.
select d.warehouse_id, d.document_id, d.reason, d.reference, d.occurred_at, w.code as warehouse, w.time_zone,
       u.name as actor, m.lines, m.pieces
from (
  select warehouse_id, document_id, max(occurred_at) as at
  from (
    select warehouse_id, document_id, occurred_at from movement where owner_id = $1
    order by occurred_at desc, document_id desc, line_no desc limit 1000
  ) recent
  group by warehouse_id, document_id order by at desc, document_id desc limit $2
) r
join document d on d.warehouse_id = r.warehouse_id and d.document_id = r.document_id
join warehouse w on w.id = d.warehouse_id
left join user_account u on u.id = d.actor_id
cross join lateral (
  select count(*) as lines, sum(quantity)::bigint as pieces from movement
  where warehouse_id = r.warehouse_id and document_id = r.document_id and owner_id = $1
) m
order by r.at desc, r.document_id desc
