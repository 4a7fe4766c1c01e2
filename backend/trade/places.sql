-- name: manager
select u.email, c.code as organisation from warehouse w join organisation c on c.id = w.operator_id
join membership m on m.organisation_id = c.id and 'operator_manager' = any(m.roles)
join user_account u on u.id = m.user_id and u.active
where w.code = $1 and c.active order by u.id limit 1

-- name: operator
select c.id, c.code, c.names, array_agg(w.id) as warehouse_ids
from warehouse w join organisation c on c.id = w.operator_id
where c.id = (select operator_id from warehouse where code = $1) group by c.id
