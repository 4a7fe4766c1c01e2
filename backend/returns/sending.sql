-- name: packed
-- What was put in of each line, and where it was taken from.
update home_line l set packed = p.quantity, location_id = coalesce(p.location_id, l.location_id)
from unnest($3::int[], $4::bigint[], $5::bigint[]) as p (line_no, quantity, location_id)
where l.warehouse_id = $1 and l.batch_id = $2 and l.line_no = p.line_no

-- name: unpacked
update home_line set packed = null where warehouse_id = $1 and batch_id = $2 and live

-- name: leave_behind
-- Lines of which nothing was put in: their goods are free for another batch.
update home_line set live = false where warehouse_id = $1 and batch_id = $2 and packed = 0

-- name: send_units
-- Units leave with a batch: their decisions are carried out by lines $3 of document $5, and their returns count them. The
-- returns concerned, and how many units there were.
with going as (
  select * from unnest($2::uuid[], $3::int[]) as g (unit_id, document_line)
), carried as (
  update disposition d
  set executed_by = $4, executed_at = $6, document_id = $5, line_no = g.document_line, follow_up = 'batch', follow_up_id = $7
  from going g
  where d.warehouse_id = $1 and d.unit_id = g.unit_id and d.kind = 'SEND_HOME' and d.revoked_at is null
    and d.executed_at is null
  returning d.unit_id
), gone as (
  update return_unit u set state = 'disposed' from carried c
  where u.warehouse_id = $1 and u.id = c.unit_id and u.state = 'decided'
  returning u.rma_id, u.line_no, u.quantity
), counted as (
  update rma_line l set disposed = l.disposed + g.quantity
  from (select rma_id, line_no, sum(quantity) as quantity from gone group by 1, 2) g
  where l.warehouse_id = $1 and l.rma_id = g.rma_id and l.line_no = g.line_no
)
select rma_id, count(*) as units from gone group by rma_id

-- name: bring_units_back
-- The same undone: the units are decided and here again.
with returned as (
  update disposition d
  set executed_by = null, executed_at = null, document_id = null, line_no = null, follow_up = null, follow_up_id = null
  where d.warehouse_id = $1 and d.unit_id = any($2::uuid[]) and d.document_id = $3 and d.revoked_at is null
  returning d.unit_id
), here as (
  update return_unit u set state = 'decided' from returned r
  where u.warehouse_id = $1 and u.id = r.unit_id and u.state = 'disposed'
  returning u.rma_id, u.line_no, u.quantity
), counted as (
  update rma_line l set disposed = l.disposed - h.quantity
  from (select rma_id, line_no, sum(quantity) as quantity from here group by 1, 2) h
  where l.warehouse_id = $1 and l.rma_id = h.rma_id and l.line_no = h.line_no
)
select rma_id, count(*) as units from here group by rma_id

-- name: arrived
update home_line l set arrived = a.quantity
from unnest($3::int[], $4::bigint[]) as a (line_no, quantity)
where l.warehouse_id = $1 and l.batch_id = $2 and l.line_no = a.line_no

-- name: not_arrived
update home_line set arrived = 0 where warehouse_id = $1 and batch_id = $2
