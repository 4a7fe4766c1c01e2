-- name: unfinished
-- A run of the same file that stopped: with the exporter's lock held, no other is at work on it.
select id from trade_run
where warehouse_id = $1 and owner_id = $2 and mapping = $3 and file_hash = $4 and open_missing = $5
  and create_missing = $6 and state in ('reading', 'posting')
order by created_at desc limit 1

-- name: begin
insert into trade_run (warehouse_id, id, owner_id, organisation_id, actor_id, channel, mapping, file_name, file_hash,
  open_missing, create_missing, state, started_at, bytes_read, bytes_all)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'reading', clock_timestamp(), $12, $12)
on conflict (warehouse_id, id) do nothing

-- name: queue
insert into trade_run (warehouse_id, id, owner_id, organisation_id, actor_id, channel, mapping, file_name, stored_file,
  open_missing, create_missing, state, bytes_all)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', $12)

-- name: queued
select r.*, w.code as warehouse, w.time_zone, o.code as owner, u.email, c.code as organisation
from trade_run r join warehouse w on w.id = r.warehouse_id join organisation o on o.id = r.owner_id
join organisation c on c.id = r.organisation_id left join user_account u on u.id = r.actor_id
where r.id = $1

-- name: start
update trade_run set state = 'reading', started_at = coalesce(started_at, clock_timestamp()), refusal = null
where warehouse_id = $1 and id = $2

-- name: refuse
update trade_run set state = 'refused', finished_at = clock_timestamp(), refusal = $3, stored_file = null
where warehouse_id = $1 and id = $2

-- name: summary
select rows, posted, already, rejected, reasons, opened, opened_items, new_items, spellings
from trade_run where warehouse_id = $1 and id = $2

-- name: reading
update trade_run set bytes_read = $3, rows = $4 where warehouse_id = $1 and id = $2
