-- name: thread
-- The messages of a document with who wrote them, oldest first, the last $4 of them.
select * from (
  select m.id, m.body, m.created_at, m.organisation_id, m.user_id, u.name as user_name, o.names as organisation_names,
         o.kind, m.id > coalesce(r.read_up_to, '00000000-0000-0000-0000-000000000000') and m.user_id <> $5 as unread
  from message m
  left join user_account u on u.id = m.user_id
  left join organisation o on o.id = m.organisation_id
  left join thread_reader r on r.warehouse_id = m.warehouse_id and r.subject = m.subject and r.subject_id = m.subject_id
    and r.user_id = $5
  where m.warehouse_id = $1 and m.subject = $2 and m.subject_id = $3
  order by m.id desc limit $4
) last order by id

-- name: unread_of
-- How many messages of each of these documents a person has not read.
select m.subject_id, count(*) as unread
from message m
left join thread_reader r on r.warehouse_id = m.warehouse_id and r.subject = m.subject and r.subject_id = m.subject_id
  and r.user_id = $3
where m.subject = $1 and m.subject_id = any($2::uuid[]) and m.user_id <> $3
  and (r.read_up_to is null or m.id > r.read_up_to) and m.warehouse_id = any($4::bigint[])
group by 1

-- name: unread_notifications
select count(*) from (
  select 1 from notification n
  where n.organisation_id = $1
    and not exists (select from notification_read r where r.user_id = $2 and r.organisation_id = $1 and r.notification_id = n.id)
  limit 100
) u

-- name: notification
select id, href from notification where organisation_id = $1 and id = $2
