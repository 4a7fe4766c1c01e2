-- name: job
select j.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, w.operator_id, p.names as operator_names,
       o.code as owner, o.names as owner_names, f.names as offer_names, f.descriptions as offer_descriptions,
       f.price as offer_price, f.currency as offer_currency, f.lead_days as offer_lead_days,
       coalesce(f.documents, '{}') as offer_documents, u.name as requested_by
from service_job j
join warehouse w on w.id = j.warehouse_id
join organisation p on p.id = w.operator_id
join organisation o on o.id = j.owner_id
left join service_offer f on f.warehouse_id = j.warehouse_id and f.id = j.service_offer_id
left join user_account u on u.id = j.user_id
where j.id = $1

-- name: recipe
select l.line_no, l.side, l.item_id, i.code as item, i.names as item_names, l.lot_id, t.code as lot, l.condition, l.quantity
from recipe_line l join item i on i.id = l.item_id left join lot t on t.id = l.lot_id
where l.warehouse_id = $1 and l.job_id = $2 order by l.line_no

-- name: documents
select d.id, d.kind, d.created_at, u.name as user_name, o.names as organisation_names
from job_document d
left join user_account u on u.id = d.user_id
left join organisation o on o.id = d.organisation_id
where d.warehouse_id = $1 and d.job_id = $2 order by d.id

-- name: steps
select s.*, u.name as user_name, o.names as organisation_names, r.reversal_id
from job_step s
left join user_account u on u.id = s.user_id
left join organisation o on o.id = s.organisation_id
left join reversed_document r on r.warehouse_id = s.warehouse_id and r.document_id = s.document_id
where s.warehouse_id = $1 and s.job_id = $2 order by s.id

-- name: runs_done
-- How many runs of a job's recipe were made and not undone.
select coalesce(sum(s.runs), 0)::bigint from job_step s
where s.warehouse_id = $1 and s.job_id = $2 and s.kind = 'transform'
  and not exists (select from reversed_document r where r.warehouse_id = s.warehouse_id and r.document_id = s.document_id)

-- name: available
-- What is free of the inputs of a job, at most $3 lots and places each: what lies in a workshop first, then the lots that
-- expire first and those exported first.
select line_no, lot_id, lot, expires_on, location_id, location, free from (
  select l.line_no, b.lot_id, t.code as lot, t.expires_on, b.location_id, p.code as location, b.free,
         row_number() over (partition by l.line_no order by (p.kind = 'workshop') desc, t.expires_on nulls last,
                            t.exported_on nulls last, b.lot_id, p.code) as place
  from recipe_line l
  join stock_on_hand b on b.warehouse_id = l.warehouse_id and b.owner_id = l.owner_id and b.item_id = l.item_id
    and b.condition = l.condition and (l.lot_id is null or b.lot_id = l.lot_id) and b.free > 0
  join location p on p.warehouse_id = b.warehouse_id and p.id = b.location_id
  left join lot t on t.id = b.lot_id
  where l.warehouse_id = $1 and l.job_id = $2 and l.side = 'in'
) offered
where place <= $3
order by line_no, place

-- name: pledged
-- What is pledged, piece by piece.
select g.hold_id, g.item_id, i.code as item, i.names as item_names, coalesce(t.code, '') as lot, t.declaration_no,
       t.declaration_line, l.code as location, g.condition, g.quantity, g.released_at,
       concat_ws('-', g.warehouse_id, g.owner_id, g.item_id, g.lot_id, g.location_id, g.condition) as key
from pledged_goods g
join item i on i.id = g.item_id
join location l on l.warehouse_id = g.warehouse_id and l.id = g.location_id
left join lot t on t.id = g.lot_id
where g.warehouse_id = $1 and g.pledge_id = $2
order by i.code, t.code nulls first, l.code, g.condition, g.hold_id
