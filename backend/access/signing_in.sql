-- name: account_to_try
select id, password_hash, failed_attempts, locked_until from user_account where email = $1 for update

-- name: count_try
update user_account set failed_attempts = $2, locked_until = $3 where id = $1

-- name: place_to_enter
-- The organisation a person worked for last, else the one they joined first.
select o.id, u.language
from user_account u
join membership m on m.user_id = u.id
join organisation o on o.id = m.organisation_id and o.active
where u.id = $1 and u.active
order by (select max(s.created_at) from user_session s where s.user_id = u.id and s.organisation_id = o.id) desc nulls last, m.id
limit 1

-- name: enter
-- Refuses when the password was changed or the person disabled while the old one was being compared.
update user_account set failed_attempts = 0, locked_until = null, password_hash = $3
where id = $1 and password_hash = $2 and active
returning id

-- name: open_session
insert into user_session (id, token_hash, user_id, organisation_id, user_agent, expires_at)
values ($1, $2, $3, $4, $5, now() + $6::interval)
