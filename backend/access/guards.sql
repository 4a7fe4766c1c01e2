-- name: viewer_of_session
select s.id::text as session_id, u.id as user_id, u.name, u.email, u.language, u.time_zone, o.id as organisation_id,
  o.code as organisation_code, o.names as organisation_names, o.kind, m.roles, null::text[] as scopes,
  extract(epoch from s.expires_at - now())::float8 as seconds_left,
  array(select w.id from warehouse w where o.kind = 'operator' and w.operator_id = o.id order by w.id) as warehouse_ids
from user_session s
join user_account u on u.id = s.user_id and u.active
join organisation o on o.id = s.organisation_id and o.active
join membership m on m.user_id = u.id and m.organisation_id = o.id
where s.token_hash = $1 and s.revoked_at is null and s.expires_at > now()

-- name: viewer_of_token
select t.id::text as session_id, u.id as user_id, u.name, u.email, u.language, u.time_zone, o.id as organisation_id,
  o.code as organisation_code, o.names as organisation_names, o.kind, m.roles, t.scopes,
  extract(epoch from t.expires_at - now())::float8 as seconds_left,
  array(select w.id from warehouse w where o.kind = 'operator' and w.operator_id = o.id order by w.id) as warehouse_ids
from api_token t
join user_account u on u.id = t.user_id and u.active
join organisation o on o.id = t.organisation_id and o.active
join membership m on m.user_id = u.id and m.organisation_id = o.id
where t.token_hash = $1 and t.revoked_at is null and t.expires_at > now()

-- name: viewer_of_person
select '' as session_id, u.id as user_id, u.name, u.email, u.language, u.time_zone, o.id as organisation_id,
  o.code as organisation_code, o.names as organisation_names, o.kind, m.roles, null::text[] as scopes,
  array(select w.id from warehouse w where o.kind = 'operator' and w.operator_id = o.id order by w.id) as warehouse_ids
from user_account u
join membership m on m.user_id = u.id
join organisation o on o.id = m.organisation_id and o.active
where u.email = $1 and u.active and ($2::text is null or o.code = $2)
order by m.id
limit 1
