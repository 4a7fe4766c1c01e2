-- name: place
select id, code, operator_id, time_zone, status from warehouse where code = $1

-- name: open
insert into home_batch (warehouse_id, id, number, owner_id, stage, home_area, cause, planned_on, statement,
                        organisation_id, user_id, request_key, request_hash, created_at)
values ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (organisation_id, request_key) do nothing
returning id

-- name: opened_before
select id, number, warehouse_id, request_hash from home_batch where organisation_id = $1 and request_key = $2

-- name: units
-- Units by their codes as a batch looks at them; $2 are the reasons that the law calls unsold.
select u.id, u.code, u.warehouse_id, u.owner_id, u.state, u.disposition, u.item_id, u.lot_id, u.location_id, u.condition,
       u.quantity, u.altered, u.rma_id, i.code as item,
       case when r.kind = 'unsold' or r.reason = any($2::text[]) then 'unsold' else 'return' end as cause,
       (select b.number from home_line l join home_batch b on b.warehouse_id = l.warehouse_id and b.id = l.batch_id
        where l.warehouse_id = u.warehouse_id and l.unit_id = u.id and l.live) as batch
from return_unit u
join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
join item i on i.id = u.item_id
where u.code = any($1::text[])

-- name: returns_of
-- The returns of units that belong to an owner.
select distinct rma_id from return_unit where code = any($1::text[]) and owner_id = $2

-- name: free
-- What of these balances of an owner is free to go home (see stock_for_home), in the order asked.
select k.n, coalesce(s.free, 0) - coalesce((
    select sum(u.quantity) from return_unit u
    where u.warehouse_id = $1 and u.item_id = k.item_id and u.owner_id = $2 and u.lot_id = k.lot_id
      and u.location_id = k.location_id and u.condition = k.condition and u.state in ('received', 'graded', 'decided')
  ), 0)::bigint - coalesce((
    select sum(coalesce(l.packed, l.quantity)) from home_line l
    join home_batch b on b.warehouse_id = l.warehouse_id and b.id = l.batch_id
    where l.warehouse_id = $1 and l.owner_id = $2 and l.item_id = k.item_id and l.lot_id = k.lot_id
      and l.location_id = k.location_id and l.condition = k.condition and l.unit_id is null and l.live
      and b.stage in ('open', 'ready', 'packed')
  ), 0)::bigint as free
from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[])
  with ordinality as k (item_id, lot_id, location_id, condition, n)
left join stock_on_hand s on s.warehouse_id = $1 and s.owner_id = $2 and s.item_id = k.item_id and s.lot_id = k.lot_id
  and s.location_id = k.location_id and s.condition = k.condition
order by k.n

-- name: add_lines
-- Goods join a batch, numbered on from its last line.
insert into home_line (warehouse_id, batch_id, line_no, unit_id, owner_id, item_id, lot_id, location_id, condition,
                       quantity, eligibility, taxed_agreed_by)
select $1, $2, l.n + coalesce((select max(line_no) from home_line where warehouse_id = $1 and batch_id = $2), 0),
       l.unit_id, $3, l.item_id, l.lot_id, l.location_id, l.condition, l.quantity, l.eligibility, l.agreed_by
from unnest($4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::smallint[], $9::bigint[], $10::jsonb[], $11::bigint[])
  with ordinality as l (unit_id, item_id, lot_id, location_id, condition, quantity, eligibility, agreed_by, n)

-- name: remove_lines
delete from home_line where warehouse_id = $1 and batch_id = $2 and line_no = any($3::int[]) returning line_no

-- name: end_lines
-- The lines of a cancelled batch: their goods are free for another one.
update home_line set live = false where warehouse_id = $1 and batch_id = $2
