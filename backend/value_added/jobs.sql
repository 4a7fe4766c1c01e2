-- name: lock_job
select j.*, w.code as warehouse, w.operator_id, w.time_zone
from service_job j join warehouse w on w.id = j.warehouse_id
where j.id = $1 for update of j

-- name: documents
-- Documents of a job, in the order given.
insert into job_document (warehouse_id, id, job_id, kind, organisation_id, user_id)
select $1::bigint, d.id, $2::uuid, d.kind, $3::bigint, $4::bigint
from unnest($5::uuid[], $6::text[]) with ordinality as d (id, kind, n) order by d.n
