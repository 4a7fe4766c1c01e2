-- name: last_diagnosis
select repairable from repair_diagnosis where warehouse_id = $1 and order_id = $2 order by turn desc limit 1

-- name: items
-- The items of these codes that an owner has.
select code, id from item where owner_id = $1 and code = any($2::text[])

-- name: quote
-- A quote with its parts.
with quoted as (
  insert into repair_quote (warehouse_id, id, order_id, turn, state, covered, currency, labour_minutes, labour_list_rate,
                            labour_rate, total, note, user_id, quoted_at, expires_at)
  select $1::bigint, $2::uuid, $3::uuid, coalesce(max(turn), 0) + 1, 'open', $4::boolean, $5::text, $6::integer, $7::numeric,
         $8::numeric, $9::numeric, $10::text, $11::bigint, $12::timestamptz, $13::timestamptz
  from repair_quote where warehouse_id = $1 and order_id = $3
  returning warehouse_id, id
)
insert into repair_quote_line (warehouse_id, quote_id, line_no, owner_id, item_id, quantity, list_price, price)
select q.warehouse_id, q.id, p.line_no, $14::bigint, p.item_id, p.quantity, p.list_price, p.price
from quoted q,
     unnest($15::bigint[], $16::bigint[], $17::numeric[], $18::numeric[]) with ordinality
       as p (item_id, quantity, list_price, price, line_no)

-- name: quote_head
select q.*, exists (select from repair_quote a where a.warehouse_id = q.warehouse_id and a.order_id = q.order_id
                    and a.state = 'approved') as approved_before
from repair_quote q where q.warehouse_id = $1 and q.order_id = $2 and q.id = $3

-- name: open_quote
select id from repair_quote where warehouse_id = $1 and order_id = $2 and state = 'open'

-- name: end_quote
update repair_quote set state = $3, ended_at = $4, answered_by = $5, answer_note = $6
where warehouse_id = $1 and id = $2 and state = 'open'
returning id

-- name: expire
-- At most $2 quotes past their time, with the work orders that go back to where their bench stands. An answer that comes at
-- the same moment is waited for by nobody: its order is left to the next run.
with due as (
  select r.warehouse_id, r.id
  from repair_quote q join work_order r on r.warehouse_id = q.warehouse_id and r.id = q.order_id
  where q.state = 'open' and q.expires_at <= $1
  order by q.expires_at limit $2 for update of r skip locked
), ended as (
  update repair_quote q set state = 'expired', ended_at = $1 from due
  where q.warehouse_id = due.warehouse_id and q.order_id = due.id and q.state = 'open'
  returning q.warehouse_id, q.order_id
), moved as (
  update work_order r
  set stage = case when exists (select from repair_quote a where a.warehouse_id = r.warehouse_id and a.order_id = r.id
                                and a.state = 'approved') then 'repairing' else 'diagnosing' end,
      revision = r.revision + 1
  from ended e where r.warehouse_id = e.warehouse_id and r.id = e.order_id
  returning r.warehouse_id, r.id, r.number, r.owner_id, r.item_id, r.stage
)
select m.*, i.code as item, w.operator_id from moved m join item i on i.id = m.item_id join warehouse w on w.id = m.warehouse_id
