-- name: warehouse_for_posting
select id, code, operator_id, status, time_zone from warehouse where code = $1

-- name: owners
select code, id from organisation where kind = 'exporter' and code = any($1::text[])

-- name: items
select i.owner_id, i.code, i.id from unnest($1::bigint[], $2::text[]) k (owner_id, code)
join item i on i.owner_id = k.owner_id and i.code = k.code

-- name: lots
select l.item_id, l.code, l.id from unnest($1::bigint[], $2::text[]) k (item_id, code)
join lot l on l.item_id = k.item_id and l.code = k.code

-- name: locations
select code, id from location
where warehouse_id = $1 and code = any($2::text[]) and kind in ('bin', 'dock', 'workshop')

-- name: on_hand_of
select item_id, sum(on_hand)::bigint as on_hand from balance
where warehouse_id = $1 and location_id = $2 and item_id = any($3::bigint[]) group by item_id

-- name: balance_at
-- One balance with the words its page needs.
select b.*, b.on_hand - b.held - b.allocated as free, w.code as warehouse, w.names as warehouse_names, w.time_zone,
       o.code as owner, o.names as owner_names, i.code as item, i.names as item_names, coalesce(t.code, '') as lot,
       t.declaration_no, t.declaration_line, t.supervision_code, t.exported_on, t.expires_on, l.code as location
from balance b
join warehouse w on w.id = b.warehouse_id
join organisation o on o.id = b.owner_id
join item i on i.id = b.item_id
join location l on l.warehouse_id = b.warehouse_id and l.id = b.location_id
left join lot t on t.id = b.lot_id
where b.warehouse_id = $1 and b.owner_id = $2 and b.item_id = $3 and b.lot_id = $4 and b.location_id = $5
  and b.condition = $6

-- name: free_of
select k.*, b.on_hand - b.held - b.allocated as free
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[])
  as k (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
join balance b using (warehouse_id, owner_id, item_id, lot_id, location_id, condition)

-- name: document_head
select d.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, w.operator_id, u.name as actor,
       o.names as organisation_names,
       (select r.document_id from document r where r.warehouse_id = d.warehouse_id and r.reverses_id = d.document_id)
         as reversed_by
from document d
join warehouse w on w.id = d.warehouse_id
left join user_account u on u.id = d.actor_id
left join organisation o on o.id = d.organisation_id
where d.document_id = $1 and d.warehouse_id = $2

-- name: document_postings
select owner_id, item_id, lot_id, source_id, target_id, condition, target_condition, quantity
from movement where warehouse_id = $1 and document_id = $2 order by line_no

-- name: stock_at
-- On hand of every balance of a warehouse at a past instant: what is there now less what moved since.
with since as (
  select owner_id, item_id, lot_id, location_id, condition, sum(q)::bigint as q from (
    select owner_id, item_id, lot_id, source_id as location_id, condition, -quantity as q from movement
    where warehouse_id = $1 and occurred_at > $2 and source_id >= 1000
    union all
    select owner_id, item_id, lot_id, target_id, target_condition, quantity from movement
    where warehouse_id = $1 and occurred_at > $2 and target_id >= 1000
  ) m where $3::bigint is null or owner_id = $3 group by 1, 2, 3, 4, 5
)
select o.code as owner, i.code as item, i.names as item_names, coalesce(t.code, '') as lot, l.code as location,
       b.condition, b.on_hand - coalesce(s.q, 0) as on_hand
from balance b
left join since s using (owner_id, item_id, lot_id, location_id, condition)
join organisation o on o.id = b.owner_id
join item i on i.id = b.item_id
join location l on l.warehouse_id = b.warehouse_id and l.id = b.location_id
left join lot t on t.id = b.lot_id
where b.warehouse_id = $1 and ($3::bigint is null or b.owner_id = $3) and b.on_hand - coalesce(s.q, 0) <> 0
order by o.code, i.code, t.code nulls first, l.code, b.condition

-- name: inventory_at
-- What an owner had in a warehouse at an instant, by item, lot and condition: on hand, of it held, of it pledged.
with since as (
  select item_id, lot_id, location_id, condition, sum(change)::bigint as change from stock_change
  where warehouse_id = $1 and owner_id = $2 and occurred_at > $3 group by 1, 2, 3, 4
), lying as (
  select b.item_id, b.lot_id, b.condition, sum(b.on_hand - coalesce(s.change, 0))::bigint as on_hand
  from balance b left join since s using (item_id, lot_id, location_id, condition)
  where b.warehouse_id = $1 and b.owner_id = $2 group by 1, 2, 3
), frozen as (
  select item_id, lot_id, condition, sum(quantity)::bigint as held,
         coalesce(sum(quantity) filter (where reason = 'pledge'), 0)::bigint as pledged
  from hold where warehouse_id = $1 and owner_id = $2 and placed_at <= $3 and (released_at is null or released_at > $3)
  group by 1, 2, 3
)
select i.code as item, i.names as item_names, coalesce(t.code, '') as lot, y.condition, y.on_hand,
       coalesce(f.held, 0) as held, coalesce(f.pledged, 0) as pledged
from lying y
left join frozen f using (item_id, lot_id, condition)
join item i on i.id = y.item_id
left join lot t on t.id = y.lot_id
where y.on_hand <> 0
order by i.code, t.code nulls first, y.condition

-- name: last_document
-- The last document that moved an owner's goods in a warehouse up to an instant.
select document_id from movement where warehouse_id = $1 and owner_id = $2 and occurred_at <= $3
order by occurred_at desc, document_id desc limit 1

-- name: on_hand_after
-- On hand of a balance just after one of its movements: what is there now less what moved later.
select (b.on_hand - coalesce((
  select sum(case when m.target_id = $5 and m.target_condition = $6 then m.quantity else 0 end
             - case when m.source_id = $5 and m.condition = $6 then m.quantity else 0 end)
  from movement m
  where m.warehouse_id = $1 and m.item_id = $3 and m.lot_id = $4
    and ((m.source_id = $5 and m.condition = $6) or (m.target_id = $5 and m.target_condition = $6))
    and (m.occurred_at, m.document_id, m.line_no) > ($7, $8, $9)
), 0))::bigint
from balance b
where b.warehouse_id = $1 and b.owner_id = $2 and b.item_id = $3 and b.lot_id = $4 and b.location_id = $5
  and b.condition = $6

-- name: latest_bound
-- The latest of the instants at which each warehouse alone has $5 movements from there to a place in the list, and one more.
select max(m.occurred_at)
from warehouse w
cross join lateral (
  select occurred_at from movement
  where warehouse_id = w.id and (occurred_at, document_id, line_no) < ($2, $3, $4)
  order by occurred_at desc, document_id desc, line_no desc offset $5 limit 1
) m
where $1::bigint[] is null or w.id = any($1)

-- name: places_in
select l.code from location l join warehouse w on w.id = l.warehouse_id
where w.code = $1 and w.id = any($2::bigint[]) and l.kind in ('bin', 'dock', 'workshop')
order by l.kind desc, l.code limit $3

-- name: differences
-- Where the book contradicts itself, each with what it says and what it should say.
with effect as (
  select warehouse_id, owner_id, item_id, lot_id, location_id, condition, sum(q)::bigint as q from (
    select warehouse_id, owner_id, item_id, lot_id, source_id as location_id, condition, -quantity as q
    from movement where source_id >= 1000
    union all
    select warehouse_id, owner_id, item_id, lot_id, target_id, target_condition, quantity
    from movement where target_id >= 1000
  ) m group by 1, 2, 3, 4, 5, 6
), held as (
  select warehouse_id, owner_id, item_id, lot_id, location_id, condition, sum(quantity)::bigint as q
  from hold where released_at is null group by 1, 2, 3, 4, 5, 6
), promised as (
  select a.warehouse_id, a.owner_id, a.item_id, a.lot_id, a.location_id, a.condition, sum(a.quantity)::bigint as q
  from allocation a join reservation r on r.warehouse_id = a.warehouse_id and r.id = a.reservation_id
  where r.ended_at is null group by 1, 2, 3, 4, 5, 6
), wrong as (
  select 'on_hand' as what, warehouse_id, owner_id, item_id, lot_id, location_id, condition,
         coalesce(b.on_hand, 0) as booked, coalesce(e.q, 0) as proven
  from balance b full join effect e using (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
  where coalesce(b.on_hand, 0) <> coalesce(e.q, 0)
  union all
  select 'held', warehouse_id, owner_id, item_id, lot_id, location_id, condition,
         coalesce(b.held, 0), coalesce(h.q, 0)
  from balance b full join held h using (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
  where coalesce(b.held, 0) <> coalesce(h.q, 0)
  union all
  select 'allocated', warehouse_id, owner_id, item_id, lot_id, location_id, condition,
         coalesce(b.allocated, 0), coalesce(p.q, 0)
  from balance b full join promised p using (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
  where coalesce(b.allocated, 0) <> coalesce(p.q, 0)
  union all
  select 'owner', m.warehouse_id, m.owner_id, m.item_id, m.lot_id, m.source_id, m.condition, m.owner_id, i.owner_id
  from movement m join item i on i.id = m.item_id where i.owner_id <> m.owner_id
  union all
  select 'lines', d.warehouse_id, null, null, null, null, null, 0, 1
  from document d where not exists (
    select from movement m where m.warehouse_id = d.warehouse_id and m.document_id = d.document_id)
)
select what, coalesce(w.code, wrong.warehouse_id::text) as warehouse, coalesce(o.code, '') as owner,
       coalesce(i.code, '') as item, coalesce(t.code, '') as lot, coalesce(l.code, '') as location, wrong.condition,
       booked, proven
from wrong
left join warehouse w on w.id = wrong.warehouse_id
left join organisation o on o.id = wrong.owner_id
left join item i on i.id = wrong.item_id
left join lot t on t.id = wrong.lot_id
left join location l on l.warehouse_id = wrong.warehouse_id and l.id = wrong.location_id
order by 2, 3, 4, 5, 6, 1 limit 1000

-- name: totals
select (select count(*) from document) as documents, (select count(*) from movement) as movements,
       (select count(*) from balance) as balances,
       (select coalesce(sum(on_hand), 0)::bigint from balance) as pieces
