-- name: claim_due
-- Takes the scheduled work ($1 names, $2 when each was last due) that nobody took yet; rows are locked in one order.
insert into job_schedule (name, due_at)
select name, due_at from unnest($1::text[], $2::timestamptz[]) as due(name, due_at) order by name
on conflict (name) do update set due_at = excluded.due_at where job_schedule.due_at < excluded.due_at
returning name

-- name: due
-- Which of them nobody took yet.
select due.name from unnest($1::text[], $2::timestamptz[]) as due(name, due_at)
left join job_schedule s on s.name = due.name
where s.name is null or s.due_at < due.due_at

-- name: remember_run
insert into job_schedule (name, due_at, job_id) values ($1, now(), $2)
on conflict (name) do update set job_id = excluded.job_id

-- name: wake
-- Workers look at the queue: a job that was put back says nothing itself.
select pg_notify('job_changed', json_build_object('channel', 'job_changed', 'operation', 'update', 'sent_at', now(),
  'table', 'job', 'type', 'table_changed_event')::text)

-- name: failed_job
select entrypoint as name from job where id = $1 and status = 'failed' for update

-- name: schedules
select s.name, s.due_at, s.job_id, coalesce(j.state, 'done') as state, t.tries, t.started_at, t.ended_at, t.trouble
from job_schedule s
left join job_seen j on j.id = s.job_id
left join lateral job_story(s.job_id) t on s.job_id is not null

-- name: counts
select state, count(*) as jobs from job_seen where state <> 'done' group by state

-- name: states
select s.id, s.name, s.state, t.tries, t.trouble from job_seen s cross join lateral job_story(s.id) t where s.id = any ($1)

-- name: forget
-- What is known of jobs that ended before $1; what waits or runs keeps its log.
with gone as (delete from job where status = 'failed' and updated < $1)
delete from job_log l where l.created < $1
  and not exists (select from job j where j.id = l.job_id and (j.status <> 'failed' or j.updated >= $1))
