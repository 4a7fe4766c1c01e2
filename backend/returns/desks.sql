-- name: keep_desk
-- What a returns desk takes, made or changed; no row when somebody changed it in the meantime.
insert into return_desk (warehouse_id, active, kinds, capabilities, countries, daily_units)
select $1, $2, $3::text[], $4::text[], $5::text[], $6 where $7 = 0
on conflict (warehouse_id) do nothing
returning revision

-- name: change_desk
update return_desk set active = $2, kinds = $3::text[], capabilities = $4::text[], countries = $5::text[],
       daily_units = $6, revision = revision + 1, changed_at = clock_timestamp()
where warehouse_id = $1 and revision = $7
returning revision

-- name: desk
select d.active, d.kinds, d.capabilities, d.countries, d.daily_units, d.revision
from return_desk d where d.warehouse_id = $1
