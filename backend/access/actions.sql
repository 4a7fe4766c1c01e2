-- name: revoke_sessions
update user_session set revoked_at = now()
where user_id = $1 and revoked_at is null and ($2::uuid is null or id <> $2)
  and ($3::bigint is null or organisation_id = $3)

-- name: revoke_tokens
update api_token set revoked_at = now()
where user_id = $1 and revoked_at is null and ($2::bigint is null or organisation_id = $2)

-- name: revoke_organisation
with ended as (update user_session set revoked_at = now() where organisation_id = $1 and revoked_at is null)
update api_token set revoked_at = now() where organisation_id = $1 and revoked_at is null

-- name: session_to_end
select revoked_at from user_session where id = $1 and user_id = $2 for update

-- name: end_session
update user_session set revoked_at = now() where id = $1

-- name: token_to_end
select revoked_at, name from api_token where id = $1 and user_id = $2 for update

-- name: end_token
update api_token set revoked_at = now() where id = $1

-- name: switch_session
update user_session s set organisation_id = o.id
from organisation o join membership m on m.organisation_id = o.id
where s.id = $1 and s.user_id = $2 and s.revoked_at is null and m.user_id = $2 and o.code = $3 and o.active
returning o.id

-- name: create_token
insert into api_token (id, token_hash, user_id, organisation_id, name, scopes, expires_at)
values ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7))

-- name: set_password
update user_account set password_hash = $2, failed_attempts = 0, locked_until = null where id = $1

-- name: update_profile
update user_account set name = $2, language = $3, time_zone = $4, revision = revision + 1 where id = $1

-- name: administrator
select u.email from membership m
join user_account u on u.id = m.user_id and u.active
join organisation o on o.id = m.organisation_id and o.active
where 'administrator' = any(m.roles)
order by m.id
limit 1

-- name: create_organisation
insert into organisation (code, kind, names) values ($1, $2, $3) on conflict (code) do nothing returning id

-- name: organisation_to_change
select id, code, kind, names, active, revision from organisation where id = $1 for update

-- name: organisation_by_code
select id, code, kind, active from organisation where code = $1

-- name: create_person
insert into user_account (email, name, password_hash, language, time_zone)
values ($1, $2, $3, $4, $5) on conflict (email) do nothing returning id

-- name: person_to_change
select id, email, name, language, time_zone, active, revision from user_account where id = $1 for update

-- name: add_membership
insert into membership (user_id, organisation_id, roles) values ($1, $2, $3)
on conflict (user_id, organisation_id) do nothing returning id

-- name: membership_to_change
select m.roles, m.revision, o.code, o.kind
from membership m join organisation o on o.id = m.organisation_id
where m.user_id = $1 and m.organisation_id = $2
for update of m

-- name: change_roles
update membership set roles = $3, revision = revision + 1 where user_id = $1 and organisation_id = $2

-- name: forget_ended
-- Sessions and tokens that ended, by themselves or by somebody, before $1.
with sessions as (delete from user_session where least(expires_at, revoked_at) < $1)
delete from api_token where least(expires_at, revoked_at) < $1
