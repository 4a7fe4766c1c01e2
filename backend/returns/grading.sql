-- name: places
-- Where goods may lie in a warehouse, by code.
select id, code, kind from location where warehouse_id = $1 and code = any($2::text[]) and kind in ('bin', 'dock', 'workshop')

-- name: graded_before
-- What a request has graded before.
select x.request_hash, u.code, x.id from inspection x
join return_unit u on u.warehouse_id = x.warehouse_id and u.id = x.unit_id
where x.warehouse_id = $1 and x.request_key = any($2::text[])
order by x.id

-- name: grade
-- Inspections, the units as they are after them, and the pieces that are graded for the first time.
with looked as (
  select * from unnest((select $2::uuid[]), $3::uuid[], $4::int[], $5::text[], $6::jsonb[], $7::text[], $8::text[], $9::text[],
                       $10::uuid[], $11::bigint[], $12::smallint[], $17::uuid[])
    as looked (unit_id, id, turn, item_class, answers, grade, note, request_key, document_id, location_id, condition,
               previous_id)
), looks as (
  insert into inspection (warehouse_id, id, unit_id, turn, previous_id, item_class, edition, answers, grade, note, user_id, graded_at,
                          document_id, request_key, request_hash)
  select $1::bigint, id, unit_id, turn, previous_id, item_class, $13::text, answers, grade, note, $14::bigint, $15::timestamptz,
         document_id, request_key, $16::bytea
  from looked
), graded as (
  update return_unit u
  set state = 'graded', inspection_id = l.id, grade = l.grade, location_id = l.location_id, condition = l.condition,
      regrade = case when u.regrade = 'asked' then 'done' else u.regrade end
  from looked l
  where u.warehouse_id = $1 and u.id = l.unit_id
  returning u.rma_id, u.line_no, case when l.turn = 1 then u.quantity end as quantity
), graded_first as (
  select rma_id, line_no, sum(quantity)::bigint as quantity from graded where quantity is not null group by 1, 2
), graded_lines as (
  update rma_line l set graded = l.graded + f.quantity
  from graded_first f where l.warehouse_id = $1 and l.rma_id = f.rma_id and l.line_no = f.line_no
)
select

-- name: split
-- Pieces of a unit become a unit of their own, with the next code of the return; its code.
with part as (
  update return_unit set quantity = quantity - $3 where warehouse_id = $1 and id = $2 returning *
), next as (
  select max(u.unit_no) + 1 as unit_no from part p
  join return_unit u on u.warehouse_id = p.warehouse_id and u.rma_id = p.rma_id
)
insert into return_unit (warehouse_id, id, rma_id, line_no, unit_no, code, owner_id, item_id, lot_id, quantity, state,
                         location_id, condition, receipt_document_id, received_at, received_by, inspection_id, grade, regrade,
                         regrade_note, altered)
select p.warehouse_id, $4::uuid, p.rma_id, p.line_no, n.unit_no, split_part(p.code, 'U', 1) || 'U' || n.unit_no, p.owner_id,
       p.item_id, p.lot_id, $3::bigint, p.state, p.location_id, p.condition, p.receipt_document_id, p.received_at,
       p.received_by, p.inspection_id, p.grade, p.regrade, p.regrade_note, p.altered
from part p, next n
returning code

-- name: ask_regrade
update return_unit set regrade = $3, regrade_note = $4 where warehouse_id = any($1::bigint[]) and id = any($2::uuid[])
