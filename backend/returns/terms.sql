-- name: lock_owner
select id from organisation where id = $1 for no key update

-- name: current
-- What an owner agreed last.
select t.id, t.decide_days, t.defaults, t.agreed_at, u.name as agreed_by
from return_terms t left join user_account u on u.id = t.user_id
where t.owner_id = $1 order by t.id desc limit 1

-- name: agree
insert into return_terms (owner_id, id, decide_days, defaults, user_id) values ($1, $2, $3, $4, $5)
