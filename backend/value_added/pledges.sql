-- name: goods
-- What lies in a warehouse of an owner's goods, in the order asked, as the ledger knows it.
select k.n, i.id as item_id, coalesce(t.id, 0) as lot_id, l.id as location_id
from unnest($3::text[], $4::text[], $5::text[]) with ordinality as k (item, lot, location, n)
left join item i on i.owner_id = $2 and i.code = k.item
left join lot t on t.item_id = i.id and t.code = k.lot
left join location l on l.warehouse_id = $1 and l.code = k.location
order by k.n

-- name: warehouse
select id, code, operator_id, status from warehouse where code = $1

-- name: offer
insert into pledge (warehouse_id, id, number, owner_id, job_id, pledgee, contact, reference, state, link_hash, offered_by,
                    offered_at, request_key, request_hash)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'offered', $9, $10, $11, $12, $13)
on conflict (owner_id, request_key) do nothing
returning id

-- name: offered_before
select id, number, request_hash from pledge where owner_id = $1 and request_key = $2

-- name: lines
insert into pledge_line (warehouse_id, pledge_id, hold_id) select $1::bigint, $2::uuid, unnest($3::uuid[])

-- name: lock
select p.*, w.operator_id from pledge p join warehouse w on w.id = p.warehouse_id where p.id = $1 for update of p

-- name: lock_by_link
select p.*, w.operator_id from pledge p join warehouse w on w.id = p.warehouse_id where p.link_hash = $1 for update of p

-- name: by_link
-- A pledge as its pledgee sees it through the link.
select p.id, p.warehouse_id, p.owner_id, p.number, p.pledgee, p.reference, p.state, p.offered_at, p.agreed_name, p.agreed_at,
       p.ended_at, w.code as warehouse, w.names as warehouse_names, w.time_zone, o.code as owner, o.names as owner_names,
       r.names as operator_names
from pledge p
join warehouse w on w.id = p.warehouse_id
join organisation o on o.id = p.owner_id
join organisation r on r.id = w.operator_id
where p.link_hash = $1

-- name: agree
update pledge set state = 'agreed', agreed_name = $3, agreed_at = $4, code_hash = $5 where warehouse_id = $1 and id = $2

-- name: wrong_code
update pledge set wrong_codes = wrong_codes + 1, closed_until = $3 where warehouse_id = $1 and id = $2

-- name: release
update pledge set state = 'released', released_with = $3, ended_by = $4, ended_at = $5, ended_note = $6
where warehouse_id = $1 and id = $2

-- name: withdraw
update pledge set state = 'withdrawn', ended_by = $3, ended_at = $4, ended_note = $5 where warehouse_id = $1 and id = $2

-- name: holds
select hold_id from pledge_line where warehouse_id = $1 and pledge_id = $2
