-- name: facts
select id, item_id, code, declaration_no, declaration_line, supervision_code, exported_on, expires_on
from lot where id = any($1::bigint[])

-- name: below
-- What lots were made of, all the way down; a lot is made of older ones only, so this ends.
with recursive reached (lot_id) as (
  select unnest($1::bigint[])
  union
  select o.input_lot_id from reached r join lot_origin o on o.lot_id = r.lot_id where o.input_lot_id <> 0
)
select o.warehouse_id, o.document_id, o.lot_id, o.owner_id, o.input_item_id, o.input_lot_id, o.pieces, o.per
from reached r join lot_origin o on o.lot_id = r.lot_id
order by o.lot_id, o.input_item_id, o.input_lot_id

-- name: above
-- What was made of lots, all the way up.
with recursive reached (lot_id) as (
  select unnest($1::bigint[])
  union
  select o.lot_id from reached r join lot_origin o on o.input_lot_id = r.lot_id
)
select o.warehouse_id, o.document_id, o.lot_id, o.owner_id, o.input_item_id, o.input_lot_id, o.pieces, o.per
from reached r join lot_origin o on o.lot_id = r.lot_id
order by o.lot_id, o.input_item_id, o.input_lot_id

-- name: like_named
-- The lots of some items that bear one of these codes, or were named after a job.
select id, item_id, code from lot
where item_id = any($1::bigint[]) and (code = any($2::text[]) or starts_with(code, $3))

-- name: new_lots
insert into lot (owner_id, item_id, code, declaration_no, declaration_line, supervision_code, exported_on, expires_on)
select $1::bigint, * from unnest($2::bigint[], $3::text[], $4::text[], $5::int[], $6::text[], $7::date[], $8::date[])
on conflict (item_id, code) do nothing
returning id, item_id, code

-- name: keep_origins
insert into lot_origin (warehouse_id, document_id, owner_id, lot_id, input_item_id, input_lot_id, pieces, per)
select $1::bigint, $2::uuid, $3::bigint, * from unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])

-- name: whereabouts
-- Where the pieces of lots are: on hand by warehouse (place 0), and beyond each outside end what went there less what came
-- back. Movements are found along the index of their item.
select warehouse_id, lot_id, place, sum(q)::bigint as pieces from (
  select m.warehouse_id, m.lot_id, e.place, e.q
  from lot t
  cross join warehouse w
  join movement m on m.warehouse_id = w.id and m.item_id = t.item_id and m.lot_id = t.id
  cross join lateral (values (case when m.target_id < 1000 then m.target_id else 0 end, m.quantity),
                             (case when m.source_id < 1000 then m.source_id else 0 end, -m.quantity)) e (place, q)
  where t.id = any($1::bigint[])
) moved
group by 1, 2, 3 having sum(q) <> 0 order by 1, 2, 3

-- name: shipments
-- What was shipped of lots, latest first.
select m.warehouse_id, w.code as warehouse, w.time_zone, m.document_id, m.lot_id, d.reference, m.occurred_at, m.quantity
from lot t
cross join warehouse w
join movement m on m.warehouse_id = w.id and m.item_id = t.item_id and m.lot_id = t.id
join document d on d.warehouse_id = m.warehouse_id and d.document_id = m.document_id
where t.id = any($1::bigint[]) and m.target_id = 2 and d.reason = 4
  and ($2::bigint[] is null or w.id = any($2))
  and not exists (select from document r where r.warehouse_id = d.warehouse_id and r.reverses_id = d.document_id)
order by m.occurred_at desc, m.document_id, m.line_no limit $3
