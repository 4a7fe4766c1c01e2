-- name: run
select r.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, o.code as owner, o.names as owner_names,
       u.name as actor
from trade_run r join warehouse w on w.id = r.warehouse_id join organisation o on o.id = r.owner_id
left join user_account u on u.id = r.actor_id
where r.id = $1

-- name: rejected
select line_no, column_name, value, reason, cells from trade_reject
where warehouse_id = $1 and run_id = $2 order by line_no

-- name: owners_before
select o.code, o.names from organisation o
where o.active and o.id in (select owner_id from trade_run where warehouse_id = any($1::bigint[]))
order by o.code limit 200
