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

-- name: refunded
-- A unit among these whose return refunds more than would be dealt with without it.
select u.code from return_unit u
join rma_line l on l.warehouse_id = u.warehouse_id and l.rma_id = u.rma_id and l.line_no = u.line_no
where u.warehouse_id = $1 and u.id = any($2::uuid[])
  and l.refunded > l.disposed - (
    select sum(o.quantity) from return_unit o
    where o.warehouse_id = u.warehouse_id and o.rma_id = u.rma_id and o.line_no = u.line_no and o.id = any($2::uuid[]))
order by u.code limit 1

-- name: bring_units_back
-- The leaving undone: the decisions stay as they were carried out, revoked, and fresh ones say that it is still to be done.
with revoked as (
  update disposition d set revoked_by = $4, revoked_at = $5, revoked_note = $6
  where d.warehouse_id = $1 and d.unit_id = any($2::uuid[]) and d.document_id = $3 and d.revoked_at is null
  returning d.*, gen_random_uuid() as fresh_id
), decided as (
  insert into disposition (warehouse_id, id, unit_id, kind, decided_as, decided_by, decided_at, note)
  select warehouse_id, fresh_id, unit_id, kind, decided_as, decided_by, decided_at, note from revoked
), here as (
  update return_unit u set state = 'decided', disposition_id = r.fresh_id from revoked r
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
