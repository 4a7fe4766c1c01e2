-- name: decide
-- What its owner decided for each unit.
with decided as (
  insert into disposition (warehouse_id, id, unit_id, kind, decided_as, decided_by, decided_at, note, request_key)
  select d.warehouse_id, d.id, d.unit_id, $4::text, 'owner', $5::bigint, $6::timestamptz, $7::text, $8::text
  from unnest((select $1::bigint[]), $2::uuid[], $3::uuid[]) as d (warehouse_id, id, unit_id)
  returning warehouse_id, id, unit_id, kind
), decided_units as (
  update return_unit u set state = 'decided', disposition_id = d.id, disposition = d.kind
  from decided d where u.warehouse_id = d.warehouse_id and u.id = d.unit_id
)
select

-- name: in_batch
-- Units that are collected for the way home.
select u.code, b.number
from return_unit u
join home_line l on l.warehouse_id = u.warehouse_id and l.unit_id = u.id and l.live
join home_batch b on b.warehouse_id = l.warehouse_id and b.id = l.batch_id
where u.code = any($1::text[]) order by u.code limit 1

-- name: revoke
-- Decisions that do not hold any more; their units wait for a decision again.
with revoked as (
  update disposition set revoked_by = $2, revoked_at = $3, revoked_note = $4
  where id = any($1::uuid[]) and revoked_at is null and executed_at is null
  returning warehouse_id, unit_id
)
update return_unit u set state = 'graded', disposition_id = null, disposition = null
from revoked r where u.warehouse_id = r.warehouse_id and u.id = r.unit_id

-- name: overdue
-- Returns whose owners' time is over and for some of whose units something was agreed; each held by one process only.
select r.id
from stage s
join rma r on r.warehouse_id = s.warehouse_id and r.id = s.subject_id and r.stage = 'deciding'
where s.subject = 'return' and s.stage = 'deciding' and s.left_at is null and s.due_at <= $1
  and exists (
    select from return_unit u
    cross join lateral (select t.defaults from return_terms t where t.owner_id = u.owner_id order by t.id desc limit 1) t
    join unnest($2::text[], $3::text[]) as may (grade, kind) on may.grade = u.grade and may.kind = t.defaults ->> u.grade
    join rma_line l on l.warehouse_id = u.warehouse_id and l.rma_id = u.rma_id and l.line_no = u.line_no
    where u.warehouse_id = r.warehouse_id and u.rma_id = r.id and u.state = 'graded' and u.regrade <> 'asked'
      and l.investigation is distinct from 'open' and (may.kind <> 'REPAIR' or u.quantity = 1)
      and not exists (select from disposition d where d.warehouse_id = u.warehouse_id and d.unit_id = u.id
                      and d.decided_as = 'default')
  )
order by s.due_at, r.id
limit $4
for update of r skip locked

-- name: apply_defaults
-- What was agreed beforehand is decided for the units of returns that are still overdue now that they are held.
with due as (
  select u.warehouse_id, u.id, u.rma_id, may.kind
  from return_unit u
  join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id and r.stage = 'deciding'
  join stage s on s.warehouse_id = r.warehouse_id and s.subject = 'return' and s.subject_id = r.id and s.left_at is null
    and s.stage = 'deciding' and s.due_at <= $2
  cross join lateral (select t.defaults from return_terms t where t.owner_id = u.owner_id order by t.id desc limit 1) t
  join unnest($3::text[], $4::text[]) as may (grade, kind) on may.grade = u.grade and may.kind = t.defaults ->> u.grade
  join rma_line l on l.warehouse_id = u.warehouse_id and l.rma_id = u.rma_id and l.line_no = u.line_no
  where u.rma_id = any($1::uuid[]) and u.state = 'graded' and u.regrade <> 'asked'
    and l.investigation is distinct from 'open' and (may.kind <> 'REPAIR' or u.quantity = 1)
    and not exists (select from disposition d where d.warehouse_id = u.warehouse_id and d.unit_id = u.id
                    and d.decided_as = 'default')
), decided as (
  insert into disposition (warehouse_id, id, unit_id, kind, decided_as, decided_at)
  select warehouse_id, gen_random_uuid(), id, kind, 'default', $2 from due
  returning warehouse_id, id, unit_id, kind
), units as (
  update return_unit u set state = 'decided', disposition_id = d.id, disposition = d.kind
  from decided d where u.warehouse_id = d.warehouse_id and u.id = d.unit_id
)
select rma_id, count(*) as units from due group by 1

-- name: stuck
-- Returns whose owners' time is over and that nobody was told of during this stay in their stage.
select r.id as rma_id, r.number, r.owner_id, w.operator_id, 'undecided:' || s.id as dedupe_key
from stage s
join rma r on r.warehouse_id = s.warehouse_id and r.id = s.subject_id and r.stage = 'deciding'
join warehouse w on w.id = r.warehouse_id
where s.subject = 'return' and s.stage = 'deciding' and s.left_at is null and s.due_at <= $1
  and not exists (select from notification n where n.organisation_id = r.owner_id and n.dedupe_key = 'undecided:' || s.id)
order by s.due_at, r.id
limit $2

-- name: places
select id, code, kind from location where warehouse_id = $1 and code = any($2::text[]) and kind in ('bin', 'workshop')

-- name: carried_out_before
-- What a request has carried out before, in the order in which it was answered then.
select u.code, p.request_hash
from posted p
join disposition d on d.warehouse_id = p.warehouse_id and d.document_id = p.document_id and d.revoked_at is null
join return_unit u on u.warehouse_id = d.warehouse_id and u.id = d.unit_id
where p.warehouse_id = $1 and p.organisation_id = $2 and p.request_key = any($3::text[])
order by array_position($3::text[], p.request_key), d.line_no

-- name: destroy
-- Proofs that goods were destroyed or given away, one for each owner.
insert into destruction (warehouse_id, id, number, owner_id, kind, method, witness, place, destroyed_at, document_id, user_id,
                         recorded_at)
select $1::bigint, d.id, d.number, d.owner_id, $2::text, $3::text, $4::text, $5::text, $6::timestamptz, d.document_id,
       $7::bigint, $8::timestamptz
from unnest($9::uuid[], $10::text[], $11::bigint[], $12::uuid[]) as d (id, number, owner_id, document_id)

-- name: carry_out
-- Decisions that were carried out by a movement of their goods, and what is dealt with of each line.
with carried as (
  select * from unnest((select $2::uuid[]), $3::uuid[], $4::int[], $5::text[], $6::uuid[], $7::bigint[], $8::smallint[],
                       $9::boolean[])
    as carried (disposition_id, document_id, line_no, follow_up, follow_up_id, location_id, condition, altered)
), executed as (
  update disposition d
  set executed_by = $10, executed_at = $11, document_id = n.document_id, line_no = n.line_no, follow_up = n.follow_up,
      follow_up_id = n.follow_up_id
  from carried n where d.warehouse_id = $1 and d.id = n.disposition_id
  returning d.unit_id, n.location_id, n.condition, n.altered
), carried_units as (
  update return_unit u
  set state = 'disposed', location_id = e.location_id, condition = e.condition, altered = u.altered or e.altered
  from executed e where u.warehouse_id = $1 and u.id = e.unit_id
  returning u.rma_id, u.line_no, u.quantity
), carried_pieces as (
  select rma_id, line_no, sum(quantity)::bigint as quantity from carried_units group by 1, 2
), carried_lines as (
  update rma_line l set disposed = l.disposed + p.quantity
  from carried_pieces p where l.warehouse_id = $1 and l.rma_id = p.rma_id and l.line_no = p.line_no
)
select

-- name: repair_facts
-- What a work order should know of a unit: when it was sold, and what is said to be wrong with it.
select u.id, s.occurred_at as sold_at,
       coalesce(nullif(d.note, ''), nullif(n.note, ''), nullif(l.note, ''), nullif(r.note, ''), r.reason) as fault
from return_unit u
join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
join rma_line l on l.warehouse_id = u.warehouse_id and l.rma_id = u.rma_id and l.line_no = u.line_no
left join disposition d on d.warehouse_id = u.warehouse_id and d.id = u.disposition_id
left join inspection n on n.warehouse_id = u.warehouse_id and n.id = u.inspection_id
left join shipped s on s.warehouse_id = l.sale_warehouse_id and s.document_id = l.sale_document_id and s.line_no = l.sale_line_no
where u.warehouse_id = $1 and u.id = any($2::uuid[])

-- name: with_document
-- Everything that a document carried out, with what goes on because of it and what was refunded beyond the rest.
select d.id, u.code, d.line_no, o.number as order_number, o.stage as order_stage, j.number as job_number, j.stage as job_stage,
       l.refunded > l.disposed - sum(u.quantity) over (partition by u.rma_id, u.line_no) as refunded
from disposition d
join return_unit u on u.warehouse_id = d.warehouse_id and u.id = d.unit_id
join rma_line l on l.warehouse_id = u.warehouse_id and l.rma_id = u.rma_id and l.line_no = u.line_no
left join work_order o on d.follow_up = 'work_order' and o.warehouse_id = d.warehouse_id and o.id = d.follow_up_id
left join service_job j on d.follow_up = 'service_job' and j.warehouse_id = d.warehouse_id and j.id = d.follow_up_id
where d.warehouse_id = $1 and d.document_id = $2 and d.revoked_at is null
order by d.line_no, d.id

-- name: undo
-- What was carried out is undone: the old rows stay as they were done, and new ones say that it is still to be done.
with undone as (
  select * from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::smallint[]) as undone (id, fresh_id, location_id, condition)
), revoked as (
  update disposition d set revoked_by = $6, revoked_at = $7, revoked_note = $8
  from undone n where d.warehouse_id = $1 and d.id = n.id
  returning d.*, n.fresh_id, n.location_id as unit_location_id, n.condition as unit_condition
), decided as (
  insert into disposition (warehouse_id, id, unit_id, kind, decided_as, decided_by, decided_at, note)
  select warehouse_id, fresh_id, unit_id, kind, decided_as, decided_by, decided_at, note from revoked
), units as (
  update return_unit u
  set state = 'decided', disposition_id = r.fresh_id, location_id = r.unit_location_id, condition = r.unit_condition,
      altered = case when r.follow_up in ('work_order', 'service_job') then false else u.altered end
  from revoked r where u.warehouse_id = $1 and u.id = r.unit_id
  returning u.rma_id, u.line_no, u.quantity
), pieces as (
  select rma_id, line_no, sum(quantity)::bigint as quantity from units group by 1, 2
)
update rma_line l set disposed = l.disposed - p.quantity
from pieces p where l.warehouse_id = $1 and l.rma_id = p.rma_id and l.line_no = p.line_no
