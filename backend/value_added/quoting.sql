-- name: quote
update service_job set stage = 'quoted', quote_price = $3, quote_currency = $4, quote_quantity = $5, quote_amount = $6,
       quote_note = $7, quoted_by = $8, quoted_at = $9, quote_expires_at = $10, answer = null, answered_by = null,
       answered_at = null, revision = revision + 1
where warehouse_id = $1 and id = $2

-- name: answer
-- The owner's answer to a quote; `ending` is why it was turned down.
update service_job set stage = $3, answer = $4, answered_by = $5, answered_at = $6, ending = $7,
       closed_at = case when $3 = 'accepted' then null else $6::timestamptz end, revision = revision + 1
where warehouse_id = $1 and id = $2

-- name: finish
-- A job that ends without being done.
update service_job set stage = $3, ending = $4, closed_at = $5, revision = revision + 1 where warehouse_id = $1 and id = $2

-- name: expire
-- Quotes past their time: the jobs end, each once, at most $2 of them.
update service_job j set stage = 'cancelled', answer = 'expired', answered_at = $1, closed_at = $1, revision = j.revision + 1
from warehouse w
where w.id = j.warehouse_id and (j.warehouse_id, j.id) in (
  select warehouse_id, id from service_job where stage = 'quoted' and quote_expires_at <= $1
  order by quote_expires_at limit $2 for update skip locked
)
returning j.warehouse_id, j.id, j.number, j.owner_id, w.operator_id
