-- name: record
-- Performed steps with their prices: the one that comes with the step, else the latest agreed for the owner, else the
-- latest for everybody, as of the warehouse's day. A step is charged once; a repetition does nothing.
with charge_asked as (
  select * from unnest((select $1::bigint[]), $2::uuid[], $3::bigint[], $4::text[], $5::numeric[], $6::text[], $7::numeric[],
                       $8::text[], $9::text[], $10::uuid[], $11::int[], $12::text[], $13::timestamptz[])
    as asked (warehouse_id, id, owner_id, activity, quantity, unit, price, currency, source, source_id, source_line,
              number, occurred_at)
), charged as (
  insert into charge (warehouse_id, id, owner_id, activity, quantity, unit, price_id, price, currency, amount, source,
                      source_id, source_line, number, occurred_at)
  select a.warehouse_id, a.id, a.owner_id, a.activity, a.quantity, a.unit, p.id, coalesce(a.price, p.amount),
         coalesce(a.currency, p.currency), round(a.quantity * coalesce(a.price, p.amount), 4), a.source, a.source_id,
         a.source_line, a.number, a.occurred_at
  from charge_asked a
  left join lateral (
    select p.id, p.amount, p.currency from price p
    where a.price is null and p.warehouse_id = a.warehouse_id and p.activity = a.activity
      and (p.owner_id = a.owner_id or p.owner_id is null)
      and p.valid_from <= (a.occurred_at at time zone (select time_zone from warehouse where id = a.warehouse_id))::date
    order by p.owner_id nulls last, p.valid_from desc limit 1
  ) p on true
  on conflict do nothing
)
select

-- name: charge_back
-- The charges of steps that were undone, with the opposite quantity, once.
insert into charge (warehouse_id, id, owner_id, activity, quantity, unit, price_id, price, currency, amount, source,
                    source_id, source_line, number, occurred_at)
select c.warehouse_id, gen_random_uuid(), c.owner_id, c.activity, -c.quantity, c.unit, c.price_id, c.price, c.currency,
       -c.amount, c.source, c.source_id, c.source_line, c.number, $4
from charge c
where c.warehouse_id = $1 and c.source = $2 and c.source_id = $3 and c.quantity > 0
on conflict do nothing

-- name: set_price
insert into price (warehouse_id, id, owner_id, activity, amount, currency, valid_from, organisation_id, user_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict on constraint price_once do nothing
returning id

-- name: exporter
select id from organisation where kind = 'exporter' and active and code = $1
