-- name: agreed_parts
-- What approved quotes of a work order still have of each part, the oldest first.
select q.id as quote_id, l.line_no, l.item_id, l.quantity - l.used as left, l.price, q.currency
from repair_quote q join repair_quote_line l on l.warehouse_id = q.warehouse_id and l.quote_id = q.id
where q.warehouse_id = $1 and q.order_id = $2 and q.state = 'approved' and l.used < l.quantity
order by q.turn, l.line_no

-- name: agreed_labour
select id as quote_id, labour_minutes - labour_used as left, labour_rate as rate, currency
from repair_quote
where warehouse_id = $1 and order_id = $2 and state = 'approved' and labour_used < labour_minutes
order by turn

-- name: use_parts
-- Parts that went into a unit or came out of it, and what that leaves of the quotes.
with use as (
  select * from unnest($9::uuid[], $10::bigint[], $11::bigint[], $12::bigint[], $13::smallint[], $14::bigint[], $15::uuid[],
                       $16::integer[], $17::numeric[], $18::text[]) with ordinality
    as use (id, item_id, lot_id, location_id, condition, quantity, quote_id, line_no, price, currency, document_line)
), taken as (
  update repair_quote_line l set used = l.used + s.pieces
  from (select quote_id, line_no, sum(quantity)::bigint as pieces from use where quote_id is not null group by 1, 2) s
  where l.warehouse_id = $1 and l.quote_id = s.quote_id and l.line_no = s.line_no
)
insert into part_use (warehouse_id, id, order_id, kind, owner_id, item_id, lot_id, location_id, condition, quantity, quote_id,
                      line_no, price, currency, document_id, document_line, note, user_id, used_at)
select $1::bigint, u.id, $2::uuid, $3::text, $4::bigint, u.item_id, u.lot_id, u.location_id, u.condition, u.quantity,
       u.quote_id, u.line_no, u.price, u.currency, $5::uuid, u.document_line, $6::text, $7::bigint, $8::timestamptz
from use u

-- name: use_head
select document_id, undone_at from part_use where warehouse_id = $1 and order_id = $2 and id = $3

-- name: undo_parts
-- Every part of one document goes back where it was, and to its quotes.
with undone as (
  update part_use set undone_by = $3, undone_at = $4, undone_note = $5, undo_document_id = $6
  where warehouse_id = $1 and document_id = $2 and undone_at is null
  returning quote_id, line_no, quantity
), back as (
  update repair_quote_line l set used = l.used - s.pieces
  from (select quote_id, line_no, sum(quantity)::bigint as pieces from undone where quote_id is not null group by 1, 2) s
  where l.warehouse_id = $1 and l.quote_id = s.quote_id and l.line_no = s.line_no
)
select count(*) from undone

-- name: work
-- Minutes at the bench, and what they leave of the quotes.
with work as (
  select * from unnest($6::uuid[], $7::integer[], $8::uuid[], $9::numeric[], $10::text[])
    as work (id, minutes, quote_id, rate, currency)
), taken as (
  update repair_quote q set labour_used = q.labour_used + w.minutes from work w
  where q.warehouse_id = $1 and q.id = w.quote_id
)
insert into repair_labour (warehouse_id, id, order_id, minutes, quote_id, rate, currency, note, user_id, worked_at)
select $1::bigint, w.id, $2::uuid, w.minutes, w.quote_id, w.rate, w.currency, $3::text, $4::bigint, $5::timestamptz
from work w

-- name: has_labour
select exists (select from repair_labour where warehouse_id = $1 and order_id = $2)

-- name: test
insert into repair_test (warehouse_id, id, order_id, turn, item_class, edition, answers, passed, note, user_id, tested_at)
select $1::bigint, $2::uuid, $3::uuid, coalesce(max(turn), 0) + 1, $4::text, $5::text, $6::jsonb, $7::boolean, $8::text,
       $9::bigint, $10::timestamptz
from repair_test where warehouse_id = $1 and order_id = $3
