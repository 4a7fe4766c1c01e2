-- Arrays of unknown length are handed over by a subquery here and in the statements of the steps: so the planner sees the same
-- plan for every call and keeps it, instead of planning anew for each length.

-- name: lock
-- Whoever changes units of a return holds its row until the end; several are taken in one order.
select r.id from rma r
where r.id in (select u.rma_id from return_unit u where u.code = any(array(select unnest($1::text[]))))
order by r.warehouse_id, r.id
for update

-- name: lock_returns
select r.id from rma r where r.id = any(array(select unnest($1::uuid[]))) order by r.warehouse_id, r.id for update

-- name: units
-- Units by their codes with what every step needs to know and how far their returns are, read after these are locked.
with given as materialized (
  select s.* from return_standing s
  where s.id in (select u.rma_id from return_unit u where u.code = any(array(select unnest($1::text[]))))
)
select u.warehouse_id, u.id, u.rma_id, u.line_no, u.unit_no, u.code, u.owner_id, u.item_id, u.lot_id, u.quantity, u.serial,
       u.state, u.location_id, u.condition, u.receipt_document_id, u.received_at, u.received_by, u.inspection_id, u.grade,
       u.regrade, u.disposition_id, u.disposition, u.altered, g.number, i.code as item, i.hs_code, p.code as location,
       l.investigation, d.decided_as, d.decided_by, d.decided_at, d.note as decision_note, d.request_key,
       d.document_id, d.line_no as document_line, d.follow_up, d.follow_up_id, coalesce(n.turn, 0) as turn,
       array(select x.user_id from inspection x where x.warehouse_id = u.warehouse_id
             and (x.unit_id = u.id or x.id = u.inspection_id)) as graders,
       exists (select from inspection x where x.warehouse_id = u.warehouse_id and x.request_key = $2) as graded_before,
       g.kind, g.reason, g.stage, g.operator_id, g.warehouse, g.time_zone, g.decide_days, g.to_grade, g.to_decide,
       g.to_carry_out, g.done, g.outstanding, g.on_the_way, g.at_the_dock, g.unpacked
from return_unit u
join given g on g.id = u.rma_id
join rma_line l on l.warehouse_id = u.warehouse_id and l.rma_id = u.rma_id and l.line_no = u.line_no
join item i on i.id = u.item_id
left join location p on p.warehouse_id = u.warehouse_id and p.id = u.location_id
left join inspection n on n.warehouse_id = u.warehouse_id and n.id = u.inspection_id
left join disposition d on d.warehouse_id = u.warehouse_id and d.id = u.disposition_id
where u.code = any(array(select unnest($1::text[])))
order by u.warehouse_id, u.rma_id, u.unit_no

-- name: standings
-- How far returns are.
select s.* from return_standing s where s.id = any(array(select unnest($1::uuid[])))

-- name: restage
-- Returns move to their stages.
with restaged as (
  update rma r
  set stage = s.stage, revision = revision + 1, closed_at = case when s.stage in ('closed', 'cancelled') then $3::timestamptz end
  from unnest((select $1::uuid[]), $2::text[]) as s (id, stage)
  where r.id = s.id
)
select
