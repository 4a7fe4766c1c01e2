-- name: keep
insert into inventory_statement (warehouse_id, id, number, owner_id, as_at, purpose, content, hash, organisation_id, user_id,
                                 request_key, request_hash)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (organisation_id, request_key) do nothing
returning id

-- name: kept_before
select id, number, request_hash from inventory_statement where organisation_id = $1 and request_key = $2

-- name: parties
select w.id as warehouse_id, w.code as warehouse, w.operator_id, o.id as owner_id, o.code as owner
from warehouse w left join organisation o on o.code = $2 and o.kind = 'exporter'
where w.code = $1

-- name: statement
select s.*, w.code as warehouse, w.names as warehouse_names, w.address, w.time_zone, r.names as operator_names,
       o.code as owner, o.names as owner_names, u.name as made_by
from inventory_statement s
join warehouse w on w.id = s.warehouse_id
join organisation r on r.id = w.operator_id
join organisation o on o.id = s.owner_id
left join user_account u on u.id = s.user_id
where s.id = $1

-- name: by_number
select s.warehouse_id, s.id, s.number, s.hash, s.as_at, s.made_at, w.code as warehouse, w.time_zone, o.names as owner_names,
       w.names as warehouse_names
from inventory_statement s
join warehouse w on w.id = s.warehouse_id
join organisation o on o.id = s.owner_id
where s.number = $1

-- name: items
select code, names from item where owner_id = $1 and code = any($2::text[])
