-- name: enter
-- Documents enter a stage; the stage they were in, if any, is left at that instant. A document that is in the stage
-- already stays as it is.
with stage_asked as (
  select * from unnest((select $1::bigint[]), $2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
                       $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[])
    as asked (warehouse_id, id, owner_id, subject, subject_id, number, stage, turn, reason, supervision_code,
              entered_at, due_at)
), stage_moving as (
  select a.* from stage_asked a
  where not exists (
    select from stage s where s.warehouse_id = a.warehouse_id and s.subject = a.subject and s.subject_id = a.subject_id
      and s.left_at is null and s.stage = a.stage)
), stage_left as (
  update stage s set left_at = greatest(m.entered_at, s.entered_at) from stage_moving m
  where s.warehouse_id = m.warehouse_id and s.subject = m.subject and s.subject_id = m.subject_id and s.left_at is null
  returning s.subject_id, s.reason, s.supervision_code, s.left_at
), stage_entered as (
  insert into stage (warehouse_id, id, owner_id, subject, subject_id, number, stage, turn, reason, supervision_code,
                     entered_at, due_at)
  select m.warehouse_id, m.id, m.owner_id, m.subject, m.subject_id, m.number, m.stage, m.turn,
         coalesce(nullif(m.reason, ''), l.reason, ''), coalesce(nullif(m.supervision_code, ''), l.supervision_code, ''),
         coalesce(l.left_at, m.entered_at), m.due_at
  from stage_moving m left join stage_left l on l.subject_id = m.subject_id
)
select

-- name: leave
-- Documents leave their last stage: they are done.
with stage_ended as (
  update stage s set left_at = greatest($4, s.entered_at)
  where s.warehouse_id = $1 and s.subject = $2 and s.subject_id = any(array(select unnest($3::uuid[]))) and s.left_at is null
)
select

-- name: put_off
update stage set due_at = $4, warned_at = null
where warehouse_id = $1 and subject = $2 and subject_id = $3 and left_at is null

-- name: newly_overdue
-- Stages past their time that nobody was told of yet: told now, once, at most $2 at a time.
with told as (
  update stage set warned_at = $1
  where (warehouse_id, id) in (
    select warehouse_id, id from stage where left_at is null and due_at < $1 and warned_at is null
    order by due_at limit $2 for update skip locked
  )
  returning warehouse_id, owner_id, subject, subject_id, number, stage, turn, due_at
)
select t.*, w.operator_id from told t join warehouse w on w.id = t.warehouse_id
