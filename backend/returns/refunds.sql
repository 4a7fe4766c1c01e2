-- name: line
-- A line of a return that is held, with what may be refunded of it.
select r.warehouse_id, r.id, r.number, r.owner_id, r.booked_at, w.time_zone, l.line_no, l.disposed - l.refunded as open,
       i.code as item
from rma r
join warehouse w on w.id = r.warehouse_id
join rma_line l on l.warehouse_id = r.warehouse_id and l.rma_id = r.id and l.line_no = $2
join item i on i.id = l.item_id
where r.id = $1

-- name: known
select id, request_hash from refund where warehouse_id = $1 and request_key = $2

-- name: refund
with kept as (
  insert into refund (warehouse_id, id, rma_id, line_no, quantity, amount, currency, reference, refunded_on, user_id,
                      request_key, request_hash)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
  returning warehouse_id, rma_id, line_no, quantity
)
update rma_line l set refunded = l.refunded + k.quantity from kept k
where l.warehouse_id = k.warehouse_id and l.rma_id = k.rma_id and l.line_no = k.line_no

-- name: head
select f.warehouse_id, f.rma_id, r.owner_id, f.reversed_at from refund f
join rma r on r.warehouse_id = f.warehouse_id and r.id = f.rma_id where f.id = $1

-- name: reverse
-- A refund that does not hold, once; no row when it was reversed already.
with undone as (
  update refund set reversed_at = $3, reversed_by = $4, reversed_note = $5
  where warehouse_id = $1 and id = $2 and reversed_at is null
  returning warehouse_id, rma_id, line_no, quantity
)
update rma_line l set refunded = l.refunded - u.quantity from undone u
where l.warehouse_id = u.warehouse_id and l.rma_id = u.rma_id and l.line_no = u.line_no
returning l.line_no

-- name: of_return
-- The refunds of a return, oldest first.
select f.id, f.line_no, f.quantity, f.amount, f.currency, f.reference, f.refunded_on, f.recorded_at, f.reversed_at,
       f.reversed_note, u.name as user_name, i.code as item
from refund f
join rma_line l on l.warehouse_id = f.warehouse_id and l.rma_id = f.rma_id and l.line_no = f.line_no
join item i on i.id = l.item_id
left join user_account u on u.id = f.user_id
where f.warehouse_id = $1 and f.rma_id = $2 order by f.recorded_at, f.id
