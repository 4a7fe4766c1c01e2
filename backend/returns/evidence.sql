-- name: looks
-- Every look at the units of a return, with the look that it replaces; the earliest first.
select x.id, x.unit_id, x.previous_id, x.turn, x.item_class, x.edition, x.answers, x.grade, x.note, x.graded_at, x.document_id,
       v.name as grader, u.code as unit
from return_unit u
join inspection x on x.warehouse_id = u.warehouse_id and x.unit_id = u.id
left join user_account v on v.id = x.user_id
where u.warehouse_id = $1 and u.rma_id = $2
order by x.graded_at, x.id

-- name: units
-- The units of a return, those whose receipt was reversed as well.
select u.id, u.code, u.quantity, u.serial, u.state, u.grade, u.disposition, u.inspection_id, u.receipt_document_id,
       u.received_at, i.code as item, i.names as item_names, t.code as lot, v.name as received_by
from return_unit u
join item i on i.id = u.item_id
left join lot t on t.id = u.lot_id
left join user_account v on v.id = u.received_by
where u.warehouse_id = $1 and u.rma_id = $2
order by u.unit_no

-- name: decisions
-- Every decision on the units of a return, with how it was carried out or revoked.
select d.id, d.unit_id, u.code as unit, d.kind, d.decided_as, d.decided_at, d.note, d.executed_at, d.document_id, d.follow_up,
       d.follow_up_id, d.revoked_at, d.revoked_note, a.name as decided_by, e.name as executed_by, k.name as revoked_by,
       coalesce(wo.number, sj.number, hb.number, ds.number) as follow_up_number
from return_unit u
join disposition d on d.warehouse_id = u.warehouse_id and d.unit_id = u.id
left join user_account a on a.id = d.decided_by
left join user_account e on e.id = d.executed_by
left join user_account k on k.id = d.revoked_by
left join work_order wo on d.follow_up = 'work_order' and wo.warehouse_id = d.warehouse_id and wo.id = d.follow_up_id
left join service_job sj on d.follow_up = 'service_job' and sj.warehouse_id = d.warehouse_id and sj.id = d.follow_up_id
left join home_batch hb on d.follow_up = 'batch' and hb.warehouse_id = d.warehouse_id and hb.id = d.follow_up_id
left join destruction ds on d.follow_up = 'destruction' and ds.warehouse_id = d.warehouse_id and ds.id = d.follow_up_id
where u.warehouse_id = $1 and u.rma_id = $2
order by d.decided_at, d.id

-- name: refunds
select r.line_no, r.quantity, r.amount, r.currency, r.reference, r.refunded_on, r.recorded_at, r.reversed_at, r.reversed_note,
       a.name as recorded_by, b.name as reversed_by
from refund r
left join user_account a on a.id = r.user_id
left join user_account b on b.id = r.reversed_by
where r.warehouse_id = $1 and r.rma_id = $2
order by r.recorded_at, r.id

-- name: messages
-- Everything that was written about a return, oldest first.
select m.id, m.body, m.created_at, u.name as user_name, o.names as organisation_names
from message m
left join user_account u on u.id = m.user_id
left join organisation o on o.id = m.organisation_id
where m.warehouse_id = $1 and m.subject = 'return' and m.subject_id = $2
order by m.id

-- name: operator
select names from organisation where id = $1

-- name: destruction
-- A record of goods that were destroyed or given away; `undone` where its document was reversed afterwards.
select x.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, p.names as operator_names, o.code as owner,
       o.names as owner_names, u.name as recorded_by,
       exists (select from reversed_document r where r.warehouse_id = x.warehouse_id and r.document_id = x.document_id) as undone
from destruction x
join warehouse w on w.id = x.warehouse_id
join organisation p on p.id = w.operator_id
join organisation o on o.id = x.owner_id
left join user_account u on u.id = x.user_id
where x.id = $1

-- name: destroyed
-- The units on a record.
select u.code, u.quantity, u.serial, u.grade, u.rma_id, r.number, i.code as item, i.names as item_names, t.code as lot,
       d.decided_as, d.document_id
from disposition d
join return_unit u on u.warehouse_id = d.warehouse_id and u.id = d.unit_id
join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
join item i on i.id = u.item_id
left join lot t on t.id = u.lot_id
where d.warehouse_id = $1 and d.document_id = $2 and d.follow_up = 'destruction' and d.follow_up_id = $3
order by u.code
