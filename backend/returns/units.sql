-- name: unit
-- A unit with its words.
select u.*, r.number, r.kind, r.reason, r.stage, r.note as return_note, r.home_area, i.code as item, i.names as item_names,
       i.hs_code, t.code as lot, t.declaration_no, t.declaration_line, t.supervision_code, t.exported_on, w.code as warehouse,
       w.names as warehouse_names, w.time_zone, w.operator_id, o.code as owner, o.names as owner_names, p.code as location,
       l.basis, l.investigation, l.surplus, l.note as line_note, v.name as received_by_name, s.due_at,
       d.note as decision_note, d.decided_as, d.follow_up, d.follow_up_id
from return_unit u
join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
join rma_line l on l.warehouse_id = u.warehouse_id and l.rma_id = u.rma_id and l.line_no = u.line_no
join item i on i.id = u.item_id
join warehouse w on w.id = u.warehouse_id
join organisation o on o.id = u.owner_id
left join lot t on t.id = u.lot_id
left join location p on p.warehouse_id = u.warehouse_id and p.id = u.location_id
left join user_account v on v.id = u.received_by
left join disposition d on d.warehouse_id = u.warehouse_id and d.id = u.disposition_id
left join stage s on s.warehouse_id = u.warehouse_id and s.subject = 'return' and s.subject_id = u.rma_id and s.left_at is null
where u.code = any($1::text[])
order by u.warehouse_id, u.rma_id, u.unit_no

-- name: inspections
-- Every look at units, the latest first; the parts of a unit that was split share the looks from before.
select x.id, x.unit_id, x.turn, x.item_class, x.edition, x.answers, x.grade, x.note, x.graded_at, x.document_id, v.name as grader,
       x.previous_id
from inspection x left join user_account v on v.id = x.user_id
where x.warehouse_id = $1 and (x.unit_id = any($2::uuid[]) or x.id = any($3::uuid[]))
order by x.turn desc, x.id desc

-- name: decisions
-- Every decision on a unit with how it was carried out or revoked, the latest first.
select d.*, a.name as decided_by_name, e.name as executed_by_name, k.name as revoked_by_name,
       coalesce(wo.number, sj.number, hb.number, ds.number) as follow_up_number
from disposition d
left join user_account a on a.id = d.decided_by
left join user_account e on e.id = d.executed_by
left join user_account k on k.id = d.revoked_by
left join work_order wo on d.follow_up = 'work_order' and wo.warehouse_id = d.warehouse_id and wo.id = d.follow_up_id
left join service_job sj on d.follow_up = 'service_job' and sj.warehouse_id = d.warehouse_id and sj.id = d.follow_up_id
left join home_batch hb on d.follow_up = 'batch' and hb.warehouse_id = d.warehouse_id and hb.id = d.follow_up_id
left join destruction ds on d.follow_up = 'destruction' and ds.warehouse_id = d.warehouse_id and ds.id = d.follow_up_id
where d.warehouse_id = $1 and d.unit_id = $2
order by d.decided_at desc, d.id desc

-- name: of_return
-- The units of a return with what was found and decided, in their order; $3 at most.
select u.code, u.id, u.unit_no, u.line_no, u.quantity, u.serial, u.state, u.grade, u.regrade, u.regrade_note, u.disposition,
       u.condition, u.altered, i.code as item, i.names as item_names, i.hs_code, p.code as location, u.received_at,
       v.name as received_by, x.graded_at, g.name as grader, x.note as look_note, d.decided_as, d.decided_at, d.note as decision_note,
       d.executed_at, d.document_id, d.follow_up, d.follow_up_id,
       coalesce(wo.number, sj.number, hb.number, ds.number) as follow_up_number,
       (select count(*) from attachment f where f.warehouse_id = u.warehouse_id and f.subject = 'inspection'
        and f.subject_id = u.inspection_id) as photos
from return_unit u
join item i on i.id = u.item_id
left join location p on p.warehouse_id = u.warehouse_id and p.id = u.location_id
left join user_account v on v.id = u.received_by
left join inspection x on x.warehouse_id = u.warehouse_id and x.id = u.inspection_id
left join user_account g on g.id = x.user_id
left join disposition d on d.warehouse_id = u.warehouse_id and d.id = u.disposition_id
left join work_order wo on d.follow_up = 'work_order' and wo.warehouse_id = d.warehouse_id and wo.id = d.follow_up_id
left join service_job sj on d.follow_up = 'service_job' and sj.warehouse_id = d.warehouse_id and sj.id = d.follow_up_id
left join home_batch hb on d.follow_up = 'batch' and hb.warehouse_id = d.warehouse_id and hb.id = d.follow_up_id
left join destruction ds on d.follow_up = 'destruction' and ds.warehouse_id = d.warehouse_id and ds.id = d.follow_up_id
where u.warehouse_id = $1 and u.rma_id = $2
order by u.unit_no limit $3

-- name: counts
-- How much waits for each step, each counted up to 1000: returns to receive, units to grade, to decide, to carry out.
select
  (select count(*) from (select 1 from stage s where s.subject = 'return' and s.stage in ('booked', 'receiving')
     and s.left_at is null and ($1::bigint[] is null or s.warehouse_id = any($1)) and ($2::bigint is null or s.owner_id = $2)
     limit 1000) n) as receive,
  (select count(*) from (select 1 from return_unit u
     where u.state in ('received', 'graded', 'decided') and (u.state = 'received' or (u.state = 'graded' and u.regrade = 'asked'))
     and ($1::bigint[] is null or u.warehouse_id = any($1)) and ($2::bigint is null or u.owner_id = $2) limit 1000) n) as grade,
  (select count(*) from (select 1 from return_unit u
     where u.state in ('received', 'graded', 'decided') and u.state = 'graded' and u.regrade <> 'asked'
     and ($1::bigint[] is null or u.warehouse_id = any($1)) and ($2::bigint is null or u.owner_id = $2) limit 1000) n) as decide,
  (select count(*) from (select 1 from return_unit u
     where u.state in ('received', 'graded', 'decided') and u.state = 'decided'
     and ($1::bigint[] is null or u.warehouse_id = any($1)) and ($2::bigint is null or u.owner_id = $2) limit 1000) n) as carry_out

-- name: bins_of
-- Bins where pieces of these items lie as good or second grade already: where goods like these would be looked for.
select distinct p.code, i.code as item
from stock_on_hand b
join item i on i.id = b.item_id
join location p on p.warehouse_id = b.warehouse_id and p.id = b.location_id and p.kind = 'bin'
where b.warehouse_id = $1 and b.item_id = any($2::bigint[]) and b.condition in (1, 2)
order by p.code limit 20

-- name: bins
select code from location where warehouse_id = $1 and kind = 'bin' order by code limit $2
