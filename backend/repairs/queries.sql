-- name: order
-- One work order with the words its page needs.
select r.*, w.code as warehouse, w.names as warehouse_names, w.time_zone, w.country, w.operator_id,
       e.names as operator_names, o.code as owner, o.names as owner_names, i.code as item, i.names as item_names, i.hs_code, t.code as lot, l.code as location,
       f.code as from_location, u.name as technician, s.entered_at, s.due_at
from work_order r
join warehouse w on w.id = r.warehouse_id
join organisation e on e.id = w.operator_id
join organisation o on o.id = r.owner_id
join item i on i.id = r.item_id
join location l on l.warehouse_id = r.warehouse_id and l.id = r.location_id
join location f on f.warehouse_id = r.warehouse_id and f.id = r.from_location_id
left join lot t on t.id = r.lot_id
left join user_account u on u.id = r.technician_id
left join stage s on s.warehouse_id = r.warehouse_id and s.subject = 'repair' and s.subject_id = r.id and s.left_at is null
where r.id = $1

-- name: by_code
-- The work order that a scanned code names: its own number, the label of its unit, a serial; a live one first.
select id from work_order
where (number = $1 or unit_code = $1 or serial = $1)
  and ($2::bigint[] is null or warehouse_id = any($2)) and ($3::bigint is null or owner_id = $3)
order by ended_at is null desc, opened_at desc limit 1

-- name: diagnoses
select d.*, u.name as user_name from repair_diagnosis d left join user_account u on u.id = d.user_id
where d.warehouse_id = $1 and d.order_id = $2 order by d.turn desc

-- name: quotes
-- The quotes of a work order with their parts, the latest first.
select q.*, u.name as user_name, v.name as answered_name,
       coalesce((select json_agg(json_build_object('item', i.code, 'names', i.names, 'quantity', l.quantity, 'used', l.used,
                                                   'price', l.price::text, 'list_price', l.list_price::text,
                                                   'amount', (l.price * l.quantity)::text)
                                 order by l.line_no)
                 from repair_quote_line l join item i on i.id = l.item_id
                 where l.warehouse_id = q.warehouse_id and l.quote_id = q.id), '[]') as parts
from repair_quote q left join user_account u on u.id = q.user_id left join user_account v on v.id = q.answered_by
where q.warehouse_id = $1 and q.order_id = $2 order by q.turn desc

-- name: part_uses
select p.*, i.code as item, i.names as item_names, t.code as lot, l.code as location, u.name as user_name
from part_use p
join item i on i.id = p.item_id
join location l on l.warehouse_id = p.warehouse_id and l.id = p.location_id
left join lot t on t.id = p.lot_id
left join user_account u on u.id = p.user_id
where p.warehouse_id = $1 and p.order_id = $2 order by p.document_id, p.document_line

-- name: labour
select r.*, u.name as user_name from repair_labour r left join user_account u on u.id = r.user_id
where r.warehouse_id = $1 and r.order_id = $2 order by r.id

-- name: tests
select r.*, u.name as user_name from repair_test r left join user_account u on u.id = r.user_id
where r.warehouse_id = $1 and r.order_id = $2 order by r.turn desc

-- name: spare_parts
-- What approved quotes still have of each part, and where free pieces of it lie: what expires first, then the oldest lot.
with agreed as (
  select l.item_id, l.owner_id, sum(l.quantity - l.used)::bigint as left
  from repair_quote q join repair_quote_line l on l.warehouse_id = q.warehouse_id and l.quote_id = q.id
  where q.warehouse_id = $1 and q.order_id = $2 and q.state = 'approved' and l.used < l.quantity
  group by 1, 2
)
select i.code as item, i.names as item_names, a.left, t.code as lot, l.code as location, b.condition, b.free
from agreed a
join item i on i.id = a.item_id
left join stock_on_hand b on b.warehouse_id = $1 and b.owner_id = a.owner_id and b.item_id = a.item_id
  and b.condition in (1, 2) and b.free > 0
left join location l on l.warehouse_id = b.warehouse_id and l.id = b.location_id
left join lot t on t.id = b.lot_id
order by i.code, t.expires_on nulls last, t.exported_on nulls last, b.condition, l.code limit 100

-- name: labour_price
-- What an hour of repair costs an owner on a day, by the warehouse's price list.
select amount, currency from price
where warehouse_id = $1 and activity = 'repair_labour' and (owner_id = $2 or owner_id is null) and valid_from <= $3
order by owner_id nulls last, valid_from desc limit 1

-- name: parts_of_owner
-- The items that an owner has in a warehouse, to choose parts of a quote from.
select i.code, i.names, sum(b.free)::bigint as free
from stock_on_hand b join item i on i.id = b.item_id
where b.warehouse_id = $1 and b.owner_id = $2 and b.condition in (1, 2) and b.free > 0 and b.item_id <> $3
group by i.id, i.code, i.names order by i.code limit 200

-- name: technicians
select u.id, u.name from membership m join user_account u on u.id = m.user_id
where m.organisation_id = $1 and u.active order by u.name limit 200

-- name: balance_by_codes
select b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition
from stock_on_hand b
join warehouse w on w.id = b.warehouse_id
join organisation o on o.id = b.owner_id
join item i on i.id = b.item_id
join location l on l.warehouse_id = b.warehouse_id and l.id = b.location_id
left join lot t on t.id = b.lot_id
where w.code = $1 and o.code = $2 and i.code = $3 and coalesce(t.code, '') = $4 and l.code = $5 and b.condition = $6

-- name: figures
-- The queue in numbers, and how long repairs that ended since $3 took: half and nine tenths of them at most so many days.
select count(*) filter (where r.ended_at is null) as open,
       count(*) filter (where r.ended_at is null and r.stage = 'quoted') as waiting,
       count(*) filter (where r.ended_at is null and r.technician_id is null and r.stage <> 'requested') as unassigned,
       count(*) filter (where r.ended_at is null and s.due_at < $4) as overdue,
       count(*) filter (where r.stage = 'finished' and r.ended_at >= $3) as finished,
       round(percentile_cont(0.5) within group (order by extract(epoch from r.ended_at - r.opened_at) / 86400)
         filter (where r.stage = 'finished' and r.ended_at >= $3)::numeric, 1) as half,
       round(percentile_cont(0.9) within group (order by extract(epoch from r.ended_at - r.opened_at) / 86400)
         filter (where r.stage = 'finished' and r.ended_at >= $3)::numeric, 1) as most
from work_order r
left join stage s on s.warehouse_id = r.warehouse_id and s.subject = 'repair' and s.subject_id = r.id and s.left_at is null
where ($1::bigint[] is null or r.warehouse_id = any($1)) and ($2::bigint is null or r.owner_id = $2)
  and (r.ended_at is null or r.ended_at >= $3)

-- name: turnaround
-- How long repairs took that ended from $3 until before $4, by warehouse: how many, days for half and for nine tenths of
-- them from opening to end, the same without the time their owners took to answer, and how many were given up.
with ended as (
  select r.warehouse_id, r.stage, extract(epoch from r.ended_at - r.opened_at) / 86400 as days,
         (select coalesce(sum(extract(epoch from s.left_at - s.entered_at)), 0) / 86400 from stage s
          where s.subject_id = r.id and s.subject = 'repair' and s.turn = 'owner' and s.left_at is not null) as waited
  from work_order r
  where r.stage in ('finished', 'given_up') and r.ended_at >= $3 and r.ended_at < $4
    and ($1::bigint[] is null or r.warehouse_id = any($1)) and ($2::bigint is null or r.owner_id = $2)
)
select w.code as warehouse, w.names as warehouse_names, count(*) filter (where e.stage = 'finished') as finished,
       count(*) filter (where e.stage = 'given_up') as given_up,
       round((percentile_cont(0.5) within group (order by e.days))::numeric, 2) as half_days,
       round((percentile_cont(0.9) within group (order by e.days))::numeric, 2) as most_days,
       round((percentile_cont(0.5) within group (order by e.days - e.waited))::numeric, 2) as half_bench_days,
       round((percentile_cont(0.9) within group (order by e.days - e.waited))::numeric, 2) as most_bench_days
from ended e join warehouse w on w.id = e.warehouse_id
group by w.code, w.names order by w.code

-- name: warranty_terms
-- The months that count now, for all items first.
select distinct on (t.item_id) t.item_id, i.code as item, i.names as item_names, t.months, t.agreed_at, u.name as user_name
from warranty_terms t left join item i on i.id = t.item_id left join user_account u on u.id = t.user_id
where t.owner_id = $1
order by t.item_id nulls first, t.id desc limit 500

-- name: item_of
select id from item where owner_id = $1 and code = $2

-- name: order_json
-- One work order with everything that happened to it, as its interface for programs gives it.
select json_build_object(
  'id', r.id, 'number', r.number, 'warehouse', w.code, 'owner', o.code, 'item', i.code, 'lot', t.code, 'serial', r.serial,
  'unit_code', r.unit_code, 'origin', r.origin, 'reference', r.reference, 'item_class', r.item_class, 'fault', r.fault,
  'stage', r.stage, 'location', l.code, 'condition', (array['GOOD', 'SECOND', 'DAMAGED', 'QUARANTINE'])[r.condition],
  'warranty_from', r.warranty_from, 'warranty_until', r.warranty_until, 'warranty_source', r.warranty_source,
  'covered', r.covered, 'fault_codes', r.fault_codes, 'technician', u.name, 'opened_at', r.opened_at,
  'taken_in_at', r.taken_in_at, 'due_at', s.due_at, 'ended_at', r.ended_at, 'ended_note', r.ended_note,
  'revision', r.revision,
  'diagnoses', coalesce((select json_agg(json_build_object('codes', d.codes, 'repairable', d.repairable,
      'covered', d.covered, 'note', d.note, 'at', d.diagnosed_at) order by d.turn)
    from repair_diagnosis d where d.warehouse_id = r.warehouse_id and d.order_id = r.id), '[]'),
  'quotes', coalesce((select json_agg(json_build_object('id', q.id, 'state', q.state, 'covered', q.covered,
      'currency', q.currency, 'minutes', q.labour_minutes, 'rate', q.labour_rate, 'total', q.total,
      'quoted_at', q.quoted_at, 'expires_at', q.expires_at, 'ended_at', q.ended_at, 'answer_note', q.answer_note,
      'parts', (select coalesce(json_agg(json_build_object('item', qi.code, 'quantity', ql.quantity, 'price', ql.price,
          'used', ql.used) order by ql.line_no), '[]')
        from repair_quote_line ql join item qi on qi.id = ql.item_id
        where ql.warehouse_id = q.warehouse_id and ql.quote_id = q.id)) order by q.turn)
    from repair_quote q where q.warehouse_id = r.warehouse_id and q.order_id = r.id), '[]'),
  'parts', coalesce((select json_agg(json_build_object('id', p.id, 'kind', p.kind, 'item', pi.code, 'quantity', p.quantity,
      'document', p.document_id, 'price', p.price, 'at', p.used_at, 'undone_at', p.undone_at) order by p.id)
    from part_use p join item pi on pi.id = p.item_id where p.warehouse_id = r.warehouse_id and p.order_id = r.id), '[]'),
  'labour', coalesce((select json_agg(json_build_object('minutes', b.minutes, 'rate', b.rate, 'note', b.note,
      'at', b.worked_at) order by b.id)
    from repair_labour b where b.warehouse_id = r.warehouse_id and b.order_id = r.id), '[]'),
  'tests', coalesce((select json_agg(json_build_object('answers', x.answers, 'passed', x.passed, 'note', x.note,
      'at', x.tested_at) order by x.turn)
    from repair_test x where x.warehouse_id = r.warehouse_id and x.order_id = r.id), '[]')
)::text as body, r.warehouse_id, r.owner_id
from work_order r
join warehouse w on w.id = r.warehouse_id
join organisation o on o.id = r.owner_id
join item i on i.id = r.item_id
join location l on l.warehouse_id = r.warehouse_id and l.id = r.location_id
left join lot t on t.id = r.lot_id
left join user_account u on u.id = r.technician_id
left join stage s on s.warehouse_id = r.warehouse_id and s.subject = 'repair' and s.subject_id = r.id and s.left_at is null
where r.id = $1
