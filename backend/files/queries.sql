-- name: attachments
-- What is attached to several subjects of a warehouse, oldest first.
select a.id, a.subject, a.subject_id, a.name, a.hash, a.owner_id, a.created_at, f.size, f.media_type, u.name as user_name,
       o.names as organisation_names
from attachment a
join stored_file f on f.hash = a.hash
left join user_account u on u.id = a.user_id
left join organisation o on o.id = a.organisation_id
where a.warehouse_id = $1 and a.subject = any($2::text[]) and a.subject_id = any($3::uuid[])
order by a.id

-- name: attachment
select a.warehouse_id, a.owner_id, a.name, a.hash, f.media_type, f.size
from attachment a join stored_file f on f.hash = a.hash where a.id = $1

-- name: photos_among
-- How many of these hashes are photos that an organisation has brought.
select f.hash from stored_file f join upload u on u.hash = f.hash and u.organisation_id = $1
where f.hash = any(array(select unnest($2::bytea[]))) and f.media_type like 'image/%'
