-- name: rates
-- Units received, shipped and returned beside those that came to repair, group by group. The braces are filled by
-- failures.py: the columns of a group from either side, and the conditions (numbers and instants only).
with flow as (
  select {flow_group}, sum(f.received)::bigint as received, sum(f.shipped)::bigint as shipped,
         sum(f.returned)::bigint as returned
  from unit_flow f join item i on i.id = f.item_id
  where {flow_where} group by 1, 2, 3, 4
), repair as (
  select {repair_group}, count(*) as repairs, count(*) filter (where r.origin = 'return') as from_returns,
         count(*) filter (where r.fault_codes <> '{{}}' and not r.fault_codes && {no_fault}) as faulty,
         count(*) filter (where r.stage = 'given_up') as given_up
  from work_order r join item i on i.id = r.item_id
  where {repair_where} and r.stage <> 'cancelled' group by 1, 2, 3, 4
), together as (
  select owner_id, item_id, lot_id, heading, coalesce(received, 0) as received, coalesce(shipped, 0) as shipped,
         coalesce(returned, 0) as returned, coalesce(repairs, 0) as repairs, coalesce(from_returns, 0) as from_returns,
         coalesce(faulty, 0) as faulty, coalesce(given_up, 0) as given_up,
         case when coalesce(shipped, 0) > 0 then shipped else greatest(coalesce(received, 0), 0) end as base
  from flow full join repair using (owner_id, item_id, lot_id, heading)
)
select t.*, o.code as owner, o.names as owner_names, coalesce(i.code, '') as item, i.names as item_names,
       coalesce(l.code, '') as lot, concat_ws('-', t.owner_id, t.item_id, t.lot_id, t.heading) as place,
       round(100.0 * t.returned / nullif(t.base, 0), 2) as return_rate,
       round(100.0 * t.repairs / nullif(t.base, 0), 2) as failure_rate,
       round(100.0 * t.faulty / nullif(t.base, 0), 2) as fault_rate
from together t
left join organisation o on o.id = t.owner_id
left join item i on i.id = t.item_id
left join lot l on l.id = t.lot_id
where t.received <> 0 or t.shipped <> 0 or t.returned <> 0 or t.repairs <> 0

-- name: codes
-- Which fault codes were found, in how many units, and in how many of those that were given up.
select c.code, count(*) as units, count(*) filter (where r.stage = 'given_up') as given_up
from work_order r cross join lateral unnest(r.fault_codes) as c (code)
where r.opened_at >= $1 and r.opened_at < $2 and r.stage <> 'cancelled'
  and ($3::bigint[] is null or r.warehouse_id = any($3)) and ($4::bigint is null or r.owner_id = $4)
  and ($5::bigint[] is null or r.item_id = any($5)) and ($6::bigint[] is null or r.lot_id = any($6))
group by 1 order by 2 desc, 1 limit 30

-- name: owners_to_tell
-- Items of which so many shipped units have confirmed faults that their owner should hear of it.
with repair as (
  select owner_id, item_id, count(*) as faulty from work_order
  where opened_at >= $1 and stage <> 'cancelled' and fault_codes <> '{}' and not fault_codes && $2::text[]
  group by 1, 2 having count(*) >= $3
), flow as (
  select f.owner_id, f.item_id, sum(f.shipped)::bigint as shipped
  from unit_flow f join repair r on r.owner_id = f.owner_id and r.item_id = f.item_id
  where f.occurred_at >= $1 group by 1, 2
)
select r.owner_id, r.item_id, i.code as item, r.faulty, f.shipped
from repair r join flow f using (owner_id, item_id) join item i on i.id = r.item_id
where f.shipped > 0 and r.faulty * 100 >= f.shipped * $4::integer
order by r.owner_id, r.item_id

-- name: filter_ids
-- The ids that codes stand for; an item or lot code may stand for several, of one owner each.
select (select id from warehouse where code = $1) as warehouse, (select id from organisation where code = $2) as owner,
       array(select i.id from item i join organisation o on o.id = i.owner_id
             where i.code = $3 and ($2 = '' or o.code = $2) and ($5::bigint is null or i.owner_id = $5)) as items,
       array(select l.id from lot l join item i on i.id = l.item_id join organisation o on o.id = l.owner_id
             where l.code = $4 and ($3 = '' or i.code = $3) and ($2 = '' or o.code = $2)
               and ($5::bigint is null or l.owner_id = $5)) as lots
