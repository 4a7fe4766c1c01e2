-- name: lots
select t.id, t.code, t.owner_id, t.item_id, i.code as item, i.names as item_names, o.code as owner, t.declaration_no,
       t.declaration_line, t.supervision_code, t.exported_on, t.expires_on
from lot t join item i on i.id = t.item_id join organisation o on o.id = t.owner_id
where t.id = any($1::bigint[])

-- name: items
select id, code, names from item where id = any($1::bigint[])

-- name: warehouses
select id, code, names, time_zone from warehouse where id = any($1::bigint[])
