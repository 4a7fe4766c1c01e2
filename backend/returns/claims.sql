-- name: lock_items
-- Bookings that name serial numbers or unsold goods of an item wait for each other.
select id from item where owner_id = $1 and code = any($2::text[]) order by id for no key update

-- name: codes
-- What the codes of each line name; what is null names nothing.
select a.n, i.id as item_id, i.hs_code, i.weight_kg, greatest(i.length_cm, i.width_cm, i.height_cm) as longest_cm,
       w.id as warehouse_id, t.id as lot_id, l.id as location_id, t.supervision_code, t.declaration_no, t.declaration_line,
       t.exported_on
from unnest((select $2::int[]), $3::text[], $4::text[], $5::text[], $6::text[]) as a (n, item, warehouse, lot, location)
left join item i on i.owner_id = $1 and i.code = a.item
left join warehouse w on w.code = a.warehouse and a.warehouse <> ''
left join lot t on t.item_id = i.id and t.code = a.lot and a.lot <> ''
left join location l on l.warehouse_id = w.id and l.code = a.location and a.location <> ''

-- name: by_document
-- Lines that name a line of a sale: what is left of it.
select a.n, s.warehouse_id, s.document_id, s.line_no, s.lot_id, s.condition, s.quantity as shipped,
       s.quantity - coalesce(c.claimed, 0) as remaining, t.supervision_code, t.declaration_no, t.declaration_line,
       t.exported_on
from unnest((select $2::int[]), $3::bigint[], $4::bigint[], $5::uuid[], $6::int[]) as a (n, item_id, warehouse_id, document_id, line_no)
join shipped s on s.warehouse_id = a.warehouse_id and s.document_id = a.document_id and s.line_no = a.line_no
  and s.owner_id = $1 and s.item_id = a.item_id
left join return_claim c on c.warehouse_id = s.warehouse_id and c.document_id = s.document_id and c.line_no = s.line_no
left join lot t on t.id = s.lot_id
where s.quantity > coalesce(c.claimed, 0)
order by a.n

-- name: by_order
-- Lines that name an order: its sales of the item, the oldest first, with what is left of each.
with sellers as materialized (
  select w.id from warehouse w where exists (select from item_in_warehouse x where x.owner_id = $1 and x.warehouse_id = w.id)
)
select a.n, s.warehouse_id, s.document_id, s.line_no, s.lot_id, s.condition, s.quantity as shipped,
       s.remaining, t.supervision_code, t.declaration_no, t.declaration_line,
       t.exported_on
from unnest((select $2::int[]), $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) as a (n, item_id, warehouse_id, lot_id, ordered)
join sellers w on a.warehouse_id is null or w.id = a.warehouse_id
cross join lateral (
  select s.*, s.quantity - coalesce(c.claimed, 0) as remaining
  from (
    select * from shipped s
    where s.warehouse_id = w.id and s.reference = a.ordered and s.reference <> '' and s.owner_id = $1
      and s.item_id = a.item_id and (a.lot_id is null or s.lot_id = a.lot_id)
    offset 0
  ) s
  left join return_claim c on c.warehouse_id = s.warehouse_id and c.document_id = s.document_id and c.line_no = s.line_no
  where s.quantity > coalesce(c.claimed, 0)
  order by s.occurred_at, s.document_id, s.line_no
  limit 2000
) s
left join lot t on t.id = s.lot_id
order by a.n, s.occurred_at, s.document_id, s.line_no

-- name: by_declaration
-- Lines that name a line of an export declaration: sales of its lots, the oldest first, with what is left of each. They are
-- read along the index until enough are found; the caller writes a smaller number where fewer are wanted.
with sellers as materialized (
  select w.id from warehouse w where exists (select from item_in_warehouse x where x.owner_id = $1 and x.warehouse_id = w.id)
)
select a.n, s.*
from unnest((select $2::int[]), $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::int[])
  as a (n, item_id, warehouse_id, lot_id, declaration_no, declaration_line)
join sellers w on a.warehouse_id is null or w.id = a.warehouse_id
cross join lateral (
  select s.warehouse_id, s.document_id, s.line_no, s.lot_id, s.condition, s.quantity as shipped,
         s.quantity - coalesce(c.claimed, 0) as remaining, s.occurred_at, t.supervision_code, t.declaration_no,
         t.declaration_line, t.exported_on
  from shipped s
  join lot t on t.id = s.lot_id and t.declaration_no = a.declaration_no and t.declaration_line = a.declaration_line
  left join return_claim c on c.warehouse_id = s.warehouse_id and c.document_id = s.document_id and c.line_no = s.line_no
  where s.warehouse_id = w.id and s.item_id = a.item_id and s.owner_id = $1 and (a.lot_id is null or s.lot_id = a.lot_id)
    and s.quantity > coalesce(c.claimed, 0)
  order by s.occurred_at, s.document_id, s.line_no
  limit 2000
) s
order by a.n, s.occurred_at, s.document_id, s.line_no

-- name: unsold
-- Lines of goods that lie unsold: what is free of them and expected by no other return.
select a.n,
       (b.free - coalesce((
         select sum(o.quantity - o.received - o.missing) from rma_line o
         join rma r on r.warehouse_id = o.warehouse_id and r.id = o.rma_id and r.closed_at is null
         where o.item_id = a.item_id and o.basis = 'unsold' and o.warehouse_id = a.warehouse_id
           and o.location_id = a.location_id and o.lot_id = a.lot_id and o.condition = a.condition
       ), 0))::bigint as remaining
from unnest((select $2::int[]), $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[])
  as a (n, item_id, warehouse_id, lot_id, location_id, condition)
join stock_on_hand b on b.warehouse_id = a.warehouse_id and b.owner_id = $1 and b.item_id = a.item_id
  and b.lot_id = a.lot_id and b.location_id = a.location_id and b.condition = a.condition
order by a.n

-- name: ever_shipped
-- Of lines for which nothing is left: was anything shipped in this way at all, and does the declaration line exist?
with asked as (
  select * from unnest((select $2::int[]), $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::int[])
    as asked (n, item_id, ordered, document_id, declaration_no, declaration_line)
)
select a.n,
       exists (select from lot t where t.owner_id = $1 and t.declaration_no = a.declaration_no
               and t.declaration_line = a.declaration_line) as declared,
       exists (select from lot t where t.item_id = a.item_id and t.declaration_no = a.declaration_no
               and t.declaration_line = a.declaration_line) as of_this_item,
       case
         when a.ordered <> '' then exists (
           select from warehouse w join shipped s on s.warehouse_id = w.id and s.reference = a.ordered
             and s.reference <> '' where s.owner_id = $1 and s.item_id = a.item_id)
         when a.document_id is not null then exists (
           select from warehouse w join shipped s on s.warehouse_id = w.id and s.document_id = a.document_id
           where s.owner_id = $1 and s.item_id = a.item_id)
         else exists (
           select from lot t join shipped s on s.lot_id = t.id and s.item_id = t.item_id and s.owner_id = $1
           join item_in_warehouse x on x.owner_id = $1 and x.item_id = t.item_id and x.warehouse_id = s.warehouse_id
           where t.item_id = a.item_id and t.declaration_no = a.declaration_no
             and t.declaration_line = a.declaration_line)
       end as shipped
from asked a

-- name: serials_taken
-- Serial numbers that cannot come back: they are expected by an open return, or lie here from one, or left for good
-- after one, or came back for the very same sale already.
with asked as (
  select * from unnest((select $2::bigint[]), $3::text[], $4::uuid[]) as asked (item_id, serial, document_id)
)
select distinct a.item_id, a.serial, r.number
from asked a
join rma_line l on l.item_id = a.item_id and l.serials && array[a.serial] and l.serials <> '{}'
join rma r on r.warehouse_id = l.warehouse_id and r.id = l.rma_id and r.stage <> 'cancelled' and r.owner_id = $1
where r.id <> $5 and (r.closed_at is null or l.sale_document_id = a.document_id)
union
select a.item_id, a.serial, r.number
from asked a
join return_unit u on u.owner_id = $1 and u.item_id = a.item_id and u.serial = a.serial and u.serial is not null
join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
where r.id <> $5 and u.state <> 'reversed'
  and (u.state <> 'disposed' or u.disposition in ('SCRAP', 'DONATE', 'SEND_HOME'))

-- name: give_back
-- Claims on pieces that will not come are given up, in key order: so many of each line.
with freed as (
  select l.sale_warehouse_id, l.sale_document_id, l.sale_line_no, sum(f.quantity) as quantity
  from unnest((select $3::int[]), $4::bigint[]) as f (line_no, quantity)
  join rma_line l on l.warehouse_id = $1 and l.rma_id = $2 and l.line_no = f.line_no and l.basis = 'shipped'
  group by 1, 2, 3
), locked as (
  select c.warehouse_id, c.document_id, c.line_no, f.quantity
  from return_claim c
  join freed f on f.sale_warehouse_id = c.warehouse_id and f.sale_document_id = c.document_id and f.sale_line_no = c.line_no
  order by c.warehouse_id, c.document_id, c.line_no
  for update of c
)
update return_claim c set claimed = c.claimed - l.quantity
from locked l
where c.warehouse_id = l.warehouse_id and c.document_id = l.document_id and c.line_no = l.line_no
