-- name: organisation
select id, code, kind, names, active, revision, created_at,
  (select count(*) from membership m where m.organisation_id = o.id) as people
from organisation o
where id = $1

-- name: organisation_choices
select code, kind, names from organisation where active order by code limit 500

-- name: person
select id, email, name, language, time_zone, active, revision, created_at, locked_until > now() as locked
from user_account
where id = $1

-- name: memberships
select o.id as organisation_id, o.code, o.names, o.kind, o.active, m.roles, m.revision, m.created_at
from membership m join organisation o on o.id = m.organisation_id
where m.user_id = $1
order by o.code
limit 200
