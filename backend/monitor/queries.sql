-- name: figures
-- Open stages counted along every dimension in one pass: how many, how many overdue or due soon, how many of each age.
-- The filters are null where they are not asked. `dimension` says along which of them a row counts.
with open as materialized (
  select s.subject, s.stage, s.turn, s.warehouse_id, s.owner_id, s.reason, s.supervision_code,
         count(*) as open,
         count(*) filter (where s.due_at < $1) as overdue,
         count(*) filter (where s.due_at between $1 and $1 + $2::interval) as soon,
         width_bucket(extract(epoch from $1 - s.entered_at)::float8 / 86400, $3::float8[]) as age,
         min(s.entered_at) as oldest
  from stage s
  where s.left_at is null
    and ($4::bigint[] is null or s.warehouse_id = any($4)) and ($5::bigint is null or s.owner_id = $5)
    and ($6::text is null or s.subject = $6) and ($7::text is null or s.stage = $7)
    and ($8::text is null or s.turn = $8)
    and ($9::text is null or s.warehouse_id = (select id from warehouse where code = $9))
    and ($10::text is null or s.owner_id = (select id from organisation where code = $10))
    and ($11::text is null or s.reason = $11) and ($12::text is null or s.supervision_code = $12)
  group by 1, 2, 3, 4, 5, 6, 7, age
), counted as (
  select case when grouping(subject) = 0 then 'stage' when grouping(warehouse_id) = 0 then 'warehouse'
              when grouping(owner_id) = 0 then 'owner' when grouping(reason) = 0 then 'reason'
              when grouping(supervision_code) = 0 then 'supervision' else 'all' end as dimension,
         subject, stage, turn, warehouse_id, owner_id, reason, supervision_code,
         coalesce(sum(open), 0)::bigint as open, coalesce(sum(overdue), 0)::bigint as overdue,
         coalesce(sum(soon), 0)::bigint as soon,
         array[coalesce(sum(open) filter (where age = 0), 0)::bigint, coalesce(sum(open) filter (where age = 1), 0)::bigint,
               coalesce(sum(open) filter (where age = 2), 0)::bigint, coalesce(sum(open) filter (where age = 3), 0)::bigint,
               coalesce(sum(open) filter (where age = 4), 0)::bigint] as ages,
         min(oldest) as oldest
  from open
  group by grouping sets ((subject, stage, turn), (warehouse_id), (owner_id), (reason), (supervision_code), ())
)
select c.dimension, c.open, c.overdue, c.soon, c.ages, c.oldest, coalesce(c.subject, '') as subject,
       coalesce(c.turn, '') as turn, coalesce(c.stage, w.code, o.code, c.reason, c.supervision_code, '') as key,
       coalesce(w.names, o.names, '{}'::jsonb) as names
from counted c
left join warehouse w on w.id = c.warehouse_id
left join organisation o on o.id = c.owner_id
order by c.dimension, c.open desc, key

-- name: standings
-- How many open stages are overdue, due within $2, and running; scope as above, of whose turn in $5.
select count(*) filter (where s.due_at < $1) as overdue,
       count(*) filter (where s.due_at between $1 and $1 + $2::interval) as soon,
       count(*) filter (where s.due_at > $1 + $2::interval) as running
from stage s
where s.left_at is null
  and ($3::bigint[] is null or s.warehouse_id = any($3)) and ($4::bigint is null or s.owner_id = $4)
  and ($5::text is null or s.turn = $5)
