-- name: head
-- A batch with its words and the sums of its lines.
select b.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, w.operator_id, w.country, w.city, w.address,
       o.code as owner, o.names as owner_names, p.names as operator_names, u.name as opened_by, s.lines, s.pieces, s.packed, s.arrived, s.units
from home_batch b
join warehouse w on w.id = b.warehouse_id
join organisation o on o.id = b.owner_id
join organisation p on p.id = w.operator_id
left join user_account u on u.id = b.user_id
cross join lateral (
  select count(*) as lines, coalesce(sum(l.quantity), 0)::bigint as pieces, sum(l.packed)::bigint as packed,
         coalesce(sum(l.arrived), 0)::bigint as arrived, count(l.unit_id) as units
  from home_line l where l.warehouse_id = b.warehouse_id and l.batch_id = b.id
) s
where b.id = $1

-- name: batch_by_number
select id from home_batch where number = $1

-- name: lines
-- The lines of a batch with their words, what is known of their lots, and their units.
select l.line_no, l.unit_id, l.owner_id, l.item_id, l.lot_id, l.location_id, l.condition, l.quantity, l.eligibility,
       l.taxed_agreed_by, l.packed, l.arrived, l.live, i.code as item, i.names as item_names, i.hs_code, i.weight_kg,
       t.code as lot, t.declaration_no, t.declaration_line, t.supervision_code, t.exported_on, p.code as location,
       u.code as unit, u.serial, u.grade, u.state as unit_state, u.rma_id, u.inspection_id, r.number as rma_number,
       r.reason as rma_reason, r.kind as rma_kind, r.reference as rma_reference,
       coalesce(u.altered, false) as altered, a.name as taxed_agreed_name
from home_line l
join item i on i.id = l.item_id
left join lot t on t.id = l.lot_id
left join location p on p.warehouse_id = l.warehouse_id and p.id = l.location_id
left join return_unit u on u.warehouse_id = l.warehouse_id and u.id = l.unit_id
left join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
left join user_account a on a.id = l.taxed_agreed_by
where l.warehouse_id = $1 and l.batch_id = $2
order by t.declaration_no nulls last, t.declaration_line, l.line_no

-- name: units_for_home
-- Units of an owner in a warehouse that are decided to go home for the cause $7 and in no batch yet, the longest waiting
-- first, $4 at most. $3 are the reasons that the law calls unsold.
select u.id as unit_id, u.code as unit, u.serial, u.grade, u.quantity, u.altered, u.item_id, u.lot_id, u.location_id,
       u.condition, i.code as item, i.names as item_names, t.code as lot, t.declaration_no, t.declaration_line,
       t.supervision_code, t.exported_on, p.code as location, r.number as rma_number, r.id as rma_id,
       d.decided_at
from return_unit u
join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
join disposition d on d.warehouse_id = u.warehouse_id and d.id = u.disposition_id
join item i on i.id = u.item_id
left join lot t on t.id = u.lot_id
left join location p on p.warehouse_id = u.warehouse_id and p.id = u.location_id
where u.warehouse_id = $1 and u.owner_id = $2 and u.state = 'decided' and u.disposition = 'SEND_HOME'
  and not exists (select from home_line l where l.warehouse_id = u.warehouse_id and l.unit_id = u.id and l.live)
  and case when r.kind = 'unsold' or r.reason = any($3::text[]) then 'unsold' else 'return' end = $7
  and ($5::text is null or t.declaration_no = $5) and ($6::text is null or i.code = $6)
order by d.decided_at, u.id limit $4

-- name: stock_for_home
-- Pieces of an owner in a warehouse that are free to go home: free in the ledger, less units of returns that lie among
-- them, less what live batches plan; those exported first come first, $3 at most.
select null::uuid as unit_id, false as altered, s.item_id, s.lot_id, s.location_id, s.condition, i.code as item, i.names as item_names, t.code as lot,
       t.declaration_no, t.declaration_line, t.supervision_code, t.exported_on, p.code as location, f.free
from stock_on_hand s
join item i on i.id = s.item_id
join location p on p.warehouse_id = s.warehouse_id and p.id = s.location_id
left join lot t on t.id = s.lot_id
cross join lateral (
  select s.free - coalesce((
    select sum(u.quantity) from return_unit u
    where u.warehouse_id = s.warehouse_id and u.item_id = s.item_id and u.owner_id = s.owner_id and u.lot_id = s.lot_id
      and u.location_id = s.location_id and u.condition = s.condition and u.state in ('received', 'graded', 'decided')
  ), 0) - coalesce((
    select sum(coalesce(l.packed, l.quantity)) from home_line l
    join home_batch b on b.warehouse_id = l.warehouse_id and b.id = l.batch_id
    where l.warehouse_id = s.warehouse_id and l.owner_id = s.owner_id and l.item_id = s.item_id and l.lot_id = s.lot_id
      and l.location_id = s.location_id and l.condition = s.condition and l.unit_id is null and l.live
      and b.stage in ('open', 'ready', 'packed')
  ), 0) as free
) f
where s.warehouse_id = $1 and s.owner_id = $2 and f.free > 0
  and ($4::text is null or t.declaration_no = $4) and ($5::text is null or i.code = $5)
order by t.exported_on nulls last, i.code, t.code nulls last, p.code, s.condition limit $3

-- name: supervision_codes
-- The supervision codes of what is in a batch.
select distinct t.supervision_code from home_line l join lot t on t.id = l.lot_id
where l.warehouse_id = $1 and l.batch_id = $2 and l.live and t.supervision_code is not null limit 2
