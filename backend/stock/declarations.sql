-- name: effect
-- What every movement of a lot that goes in or out counts: a reversal takes back what its ends, the other way round, had
-- counted. `came_from` and `went_to` are 0 for any real place; `change` is what happened to the stock on hand.
select m.lot_id, m.warehouse_id, m.occurred_at,
       case when r.document_id is null then q.source else q.target end as came_from,
       case when r.document_id is null then q.target else q.source end as went_to,
       case when r.document_id is null then m.quantity else -m.quantity end as pieces,
       case when q.target = 0 then m.quantity else 0 end - case when q.source = 0 then m.quantity else 0 end as change
from movement m
cross join lateral (select case when m.source_id >= 1000 then 0 else m.source_id end as source,
                           case when m.target_id >= 1000 then 0 else m.target_id end as target) q
left join document r on r.warehouse_id = m.warehouse_id and r.document_id = m.document_id and r.reverses_id is not null
where m.lot_id <> 0 and (m.source_id < 1000 or m.target_id < 1000)

-- name: terms_of_line
-- The terms of the declaration line `d`.
select {terms}
from lot t join ({effect}) x on x.lot_id = t.id
where t.owner_id = d.owner_id and t.declaration_no = d.declaration_no and t.declaration_line = d.declaration_line
  and {scope}

-- name: parts
-- The same by lot, by warehouse and as a whole: $1 owner, $2 number, $3 line, $4 instant or null, $5 warehouses or null.
select grouping(t.code) = 0 as is_lot, grouping(w.code) = 0 as is_warehouse, t.code as lot, i.code as item,
       i.names as item_names, w.code as warehouse, w.names as warehouse_names, {terms}
from lot t
join ({effect}) x on x.lot_id = t.id
join item i on i.id = t.item_id
join warehouse w on w.id = x.warehouse_id
where t.owner_id = $1 and t.declaration_no = $2 and t.declaration_line = $3
  and ($4::timestamptz is null or x.occurred_at <= $4) and ($5::bigint[] is null or x.warehouse_id = any($5))
group by grouping sets ((t.id, t.code, i.code, i.names), (w.id, w.code, w.names), ())
order by 1 desc, 2 desc, t.code, i.code, w.code

-- name: line
-- A declaration line with its owner: $1 number, $2 line, $3 owner's code or null, $4 owner's id or null, $5 warehouses in
-- which it must have been or null.
select d.owner_id, o.code as owner, o.names as owner_names, d.declaration_no, d.declaration_line, d.lots,
       d.exported_on, d.supervision_code
from declaration_line d join organisation o on o.id = d.owner_id
where d.declaration_no = $1 and d.declaration_line = $2 and ($3::text is null or o.code = $3)
  and ($4::bigint is null or d.owner_id = $4)
  and ($5::bigint[] is null or exists (
    select from lot t join balance b on b.warehouse_id = any($5) and b.owner_id = t.owner_id and b.item_id = t.item_id
      and b.lot_id = t.id
    where t.owner_id = d.owner_id and t.declaration_no = d.declaration_no and t.declaration_line = d.declaration_line))
order by d.owner_id limit 1

-- name: differences
-- Declaration lines whose terms do not add up to what the balances of their lots hold (the first thousand).
with stated as (
  select t.owner_id, t.declaration_no, t.declaration_line, {terms}
  from ({effect}) x join lot t on t.id = x.lot_id
  where t.declaration_no is not null
  group by t.owner_id, t.declaration_no, t.declaration_line
), booked as (
  select t.owner_id, t.declaration_no, t.declaration_line, sum(b.on_hand)::bigint as on_hand
  from balance b join lot t on t.id = b.lot_id
  where b.lot_id <> 0 and t.declaration_no is not null
  group by t.owner_id, t.declaration_no, t.declaration_line
)
select o.code as owner, declaration_no, declaration_line, coalesce(b.on_hand, 0) as booked,
       coalesce({proven}, 0)::bigint as proven
from stated s
full join booked b using (owner_id, declaration_no, declaration_line)
join organisation o on o.id = owner_id
where coalesce(b.on_hand, 0) <> coalesce({proven}, 0)
order by 1, 2, 3 limit 1000
