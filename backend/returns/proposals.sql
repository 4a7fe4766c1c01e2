-- name: candidates
-- Every open returns desk with its place, what waits there and is on its way, and the prices that this owner is asked.
select w.id as warehouse_id, w.code, w.country, w.latitude, w.longitude, w.names, w.city, d.kinds, d.capabilities,
       d.countries, d.daily_units, coalesce(q.waiting, 0)::bigint as waiting, coalesce(q.expected, 0)::bigint as expected,
       p.amount as receipt, p.currency as receipt_currency, g.amount as inspection, g.currency as inspection_currency
from return_desk d
join warehouse w on w.id = d.warehouse_id and w.status = 'listed'
left join (
  select l.warehouse_id, sum(l.received - l.graded) as waiting, sum(l.quantity - l.missing - l.received) as expected
  from rma_line l where l.graded < l.quantity - l.missing
  group by l.warehouse_id
) q on q.warehouse_id = d.warehouse_id
left join lateral (
  select p.amount, p.currency from price p
  where p.warehouse_id = d.warehouse_id and p.activity = 'return_receipt' and (p.owner_id = $1 or p.owner_id is null)
    and p.valid_from <= (now() at time zone w.time_zone)::date
  order by p.owner_id nulls last, p.valid_from desc limit 1
) p on true
left join lateral (
  select p.amount, p.currency from price p
  where p.warehouse_id = d.warehouse_id and p.activity = 'return_inspection' and (p.owner_id = $1 or p.owner_id is null)
    and p.valid_from <= (now() at time zone w.time_zone)::date
  order by p.owner_id nulls last, p.valid_from desc limit 1
) g on true
where d.active
