-- name: order
-- One work order with the words its page needs.
select r.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, w.operator_id, o.code as owner,
       o.names as owner_names, i.code as item, i.names as item_names, i.hs_code, t.code as lot, l.code as location,
       f.code as from_location, u.name as technician, s.entered_at, s.due_at
from work_order r
join warehouse w on w.id = r.warehouse_id
join organisation o on o.id = r.owner_id
join item i on i.id = r.item_id
join location l on l.warehouse_id = r.warehouse_id and l.id = r.location_id
join location f on f.warehouse_id = r.warehouse_id and f.id = r.from_location_id
left join lot t on t.id = r.lot_id
left join user_account u on u.id = r.technician_id
left join stage s on s.warehouse_id = r.warehouse_id and s.subject = 'repair' and s.subject_id = r.id and s.left_at is null
where r.id = $1
