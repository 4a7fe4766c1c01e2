-- name: abroad
-- Declaration lines of which pieces lie in the warehouses, and lots without a declaration of which an export date is known:
-- whose they are, how many pieces, one of their items. $1 and $2 cut them into parts by owner.
select s.owner_id, t.declaration_no, t.declaration_line, case when t.declaration_no is null then t.id end as lot_id,
       case when t.declaration_no is null then min(t.code) end as lot, min(t.supervision_code) as supervision_code,
       min(t.exported_on) as exported_on, min(i.code) as item, sum(s.on_hand)::bigint as pieces
from stock_on_hand s
join lot t on t.id = s.lot_id
join item i on i.id = t.item_id
where s.owner_id > $1 and s.owner_id <= $2 and (t.declaration_no is not null or t.exported_on is not null)
group by s.owner_id, t.declaration_no, t.declaration_line, case when t.declaration_no is null then t.id end

-- name: owners
-- Everybody who has goods in a warehouse, in order.
select distinct owner_id from stock_on_hand order by owner_id

-- name: kinds_of_lines
-- How lots with pieces on hand differ for the law: when they were exported, under which code, when released, when they left
-- a special area. Null is everybody.
select distinct coalesce(f.exported_on, t.exported_on) as exported_on,
       coalesce(f.supervision_code, t.supervision_code) as supervision_code, f.released_on, f.left_area_on
from lot t
left join declaration_fact f on f.owner_id = t.owner_id and f.declaration_no = t.declaration_no
  and f.declaration_line = t.declaration_line
where ($1::bigint is null or t.owner_id = $1)
  and exists (select from stock_on_hand s where s.owner_id = t.owner_id and s.item_id = t.item_id and s.lot_id = t.id
              and ($2::bigint[] is null or s.warehouse_id = any($2)))
