-- name: notify
-- News for organisations; the same news (organisation and key) comes once.
with notified as (
  insert into notification (organisation_id, id, level, sentence, facts, href, dedupe_key, created_at)
  select *, $8::timestamptz
  from unnest((select $1::bigint[]), $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::text[])
  on conflict (organisation_id, dedupe_key) do nothing
)
select

-- name: write
-- A message in a thread, which its writer has read; no row when the request key was used before.
with written as (
  insert into message (warehouse_id, id, owner_id, subject, subject_id, organisation_id, user_id, body, request_key,
                       request_hash, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  on conflict (warehouse_id, organisation_id, request_key) do nothing
  returning warehouse_id, subject, subject_id, user_id, id
), read as (
  insert into thread_reader (warehouse_id, subject, subject_id, user_id, read_up_to)
  select warehouse_id, subject, subject_id, user_id, id from written
  on conflict (warehouse_id, subject, subject_id, user_id) do update set read_up_to = excluded.read_up_to
)
select id from written

-- name: written_before
select id, request_hash from message where warehouse_id = $1 and organisation_id = $2 and request_key = $3

-- name: read_thread
-- A person has read a thread up to its last message.
insert into thread_reader (warehouse_id, subject, subject_id, user_id, read_up_to)
select m.warehouse_id, m.subject, m.subject_id, $4::bigint, m.id from message m
where m.warehouse_id = $1 and m.subject = $2 and m.subject_id = $3 order by m.id desc limit 1
on conflict (warehouse_id, subject, subject_id, user_id)
  do update set read_up_to = greatest(thread_reader.read_up_to, excluded.read_up_to)

-- name: read_one
insert into notification_read (user_id, organisation_id, notification_id)
select $1, n.organisation_id, n.id from notification n where n.organisation_id = $2 and n.id = $3
on conflict do nothing

-- name: read_all
insert into notification_read (user_id, organisation_id, notification_id)
select $1, n.organisation_id, n.id from notification n
where n.organisation_id = $2
  and not exists (select from notification_read r where r.user_id = $1 and r.organisation_id = $2 and r.notification_id = n.id)
on conflict do nothing

-- name: operator_of
select operator_id from warehouse where id = $1
