-- name: lock
-- A batch, held until the transaction ends: whoever works on it takes it first, then the returns of its units.
select b.*, w.code as warehouse, w.time_zone, w.operator_id
from home_batch b join warehouse w on w.id = b.warehouse_id
where b.id = $1 for update of b

-- name: keep
-- A batch as it is from now on.
update home_batch set stage = $3, home_area = $4, planned_on = $5, statement = $6, carrier = $7, transport_no = $8,
       return_declaration_no = $9, dispatch_document_id = $10, sent_at = $11, arrival_document_id = $12, arrived_at = $13,
       packed_at = $14, changed_key = $15, changed_hash = $16, revision = revision + 1
where warehouse_id = $1 and id = $2
returning revision

-- name: lots
-- What lots say of their declaration lines.
select id, declaration_no, declaration_line, supervision_code, exported_on from lot where id = any($1::bigint[])

-- name: judged
-- What the rules say of lines now, and who agreed to taxed ones (null leaves it as it is).
update home_line l set eligibility = j.eligibility, taxed_agreed_by = coalesce(l.taxed_agreed_by, j.agreed_by)
from unnest($3::int[], $4::jsonb[], $5::bigint[]) as j (line_no, eligibility, agreed_by)
where l.warehouse_id = $1 and l.batch_id = $2 and l.line_no = j.line_no

-- name: worked_on
-- Lots of these items, some pieces of which were worked on in a warehouse.
select distinct item_id, lot_id from worked_on where warehouse_id = $1 and owner_id = $2 and item_id = any($3::bigint[])
