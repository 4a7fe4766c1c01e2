-- name: step
-- What was done or said; no row when the request key was used before.
insert into job_step (warehouse_id, id, job_id, kind, note, partner, partner_reference, partner_status, outcome, quantity,
                      runs, document_id, organisation_id, user_id, happened_at, request_key, request_hash)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict (warehouse_id, organisation_id, request_key) do nothing
returning id

-- name: stepped_before
select id, document_id, request_hash from job_step where warehouse_id = $1 and organisation_id = $2 and request_key = $3

-- name: begun
update service_job set stage = 'performing', revision = revision + 1
where warehouse_id = $1 and id = $2 and stage <> 'performing'

-- name: referred
update service_job set partner = $3, partner_reference = $4, partner_status = $5 where warehouse_id = $1 and id = $2

-- name: reported
update service_job set stage = 'done', outcome = $3, result_quantity = $4, result_turn = result_turn + 1,
       revision = revision + 1
where warehouse_id = $1 and id = $2
returning result_turn

-- name: moved
update service_job set stage = $3, settlement = $4, ending = coalesce($5, ending), closed_at = $6, revision = revision + 1
where warehouse_id = $1 and id = $2

-- name: papers
-- The kinds of documents that a job has, and those that its offer asks for.
select coalesce((select f.documents from service_offer f where f.warehouse_id = j.warehouse_id
                 and f.id = j.service_offer_id), '{}') as needed,
       array(select distinct d.kind from job_document d where d.warehouse_id = j.warehouse_id and d.job_id = j.id) as there
from service_job j where j.warehouse_id = $1 and j.id = $2

-- name: has_photo
-- Whether a step of a job carries a photo.
select exists (
  select from job_step s
  join attachment a on a.warehouse_id = s.warehouse_id and a.subject = 'service_job' and a.subject_id = s.id
  join stored_file f on f.hash = a.hash
  where s.warehouse_id = $1 and s.job_id = $2 and f.media_type like 'image/%')
