-- name: take_in
-- Content that an organisation brings: known once, brought once by each.
with kept as (
  insert into stored_file (hash, size, media_type) values ($1, $2, $3) on conflict (hash) do nothing
)
insert into upload (organisation_id, hash, user_id, name) values ($4, $1, $5, $6)
on conflict (organisation_id, hash) do nothing

-- name: attach
-- Attach what the organisation has brought to what it is evidence of, in the order given; the hashes that were attached.
insert into attachment (warehouse_id, id, owner_id, subject, subject_id, name, hash, organisation_id, user_id)
select $1::bigint, a.id, a.owner_id, $2::text, a.subject_id, u.name, a.hash, $3::bigint, $4::bigint
from unnest((select $5::uuid[]), $6::bigint[], $7::uuid[], $8::bytea[]) with ordinality as a (id, owner_id, subject_id, hash, n)
join upload u on u.organisation_id = $3 and u.hash = a.hash
order by a.n
returning hash
