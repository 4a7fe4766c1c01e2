-- name: post
-- Documents, their lines and the balances they touch: one pass, one lock order, a repeated key does nothing.
with asked as (
  select * from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::bytea[], $6::smallint[], $7::bigint[],
                       $8::smallint[], $9::text[], $10::text[], $11::timestamptz[], $12::uuid[])
    with ordinality as asked (warehouse_id, document_id, organisation_id, request_key, request_hash, reason, actor_id,
                              channel, reference, note, occurred_at, reverses_id, n)
), entered as (
  insert into document (warehouse_id, document_id, organisation_id, request_key, request_hash, reason, actor_id,
                        channel, reference, note, occurred_at, reverses_id)
  select warehouse_id, document_id, organisation_id, request_key, request_hash, reason, actor_id,
         channel, reference, note, occurred_at, reverses_id
  from asked order by warehouse_id, organisation_id, request_key
  on conflict (warehouse_id, organisation_id, request_key) do nothing
  returning document_id
), line as (
  select a.warehouse_id, a.document_id, a.occurred_at, l.*
  from unnest($13::int[], $14::int[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
              $20::smallint[], $21::smallint[], $22::bigint[])
    as l (n, line_no, owner_id, item_id, lot_id, source_id, target_id, condition, target_condition, quantity)
  join asked a on a.n = l.n
  join entered e on e.document_id = a.document_id
), moved as (
  insert into movement (warehouse_id, document_id, line_no, owner_id, item_id, lot_id, source_id, target_id,
                        condition, target_condition, quantity, occurred_at)
  select warehouse_id, document_id, line_no, owner_id, item_id, lot_id, source_id, target_id,
         condition, target_condition, quantity, occurred_at
  from line
), kept as (
  insert into balance as b (warehouse_id, owner_id, item_id, lot_id, location_id, condition, on_hand, delta)
  select warehouse_id, owner_id, item_id, lot_id, location_id, condition, greatest(sum(q), 0), sum(q)
  from (
    select warehouse_id, owner_id, item_id, lot_id, source_id as location_id, condition, -quantity as q
    from line where source_id >= 1000
    union all
    select warehouse_id, owner_id, item_id, lot_id, target_id, target_condition, quantity
    from line where target_id >= 1000
  ) effect
  group by 1, 2, 3, 4, 5, 6 having sum(q) <> 0 order by 1, 2, 3, 4, 5, 6
  on conflict (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
    do update set on_hand = b.on_hand + excluded.delta, delta = excluded.delta
)
select document_id from entered

-- name: post_selected
-- The same for rows that a statement selects (imports), which stands where the braces are; $1 to $4 are the warehouse, the
-- organisation, the actor and the channel; a key that was used before is an error here, not a repetition.
with line as materialized ({rows}
), entered as (
  insert into document (warehouse_id, document_id, organisation_id, request_key, request_hash, reason, actor_id,
                        channel, reference, note, occurred_at)
  select $1::bigint, document_id, $2::bigint, request_key, request_hash, reason, $3::bigint, $4::smallint, reference,
         '', min(occurred_at)
  from line group by document_id, request_key, request_hash, reason, reference
), moved as (
  insert into movement (warehouse_id, document_id, line_no, owner_id, item_id, lot_id, source_id, target_id,
                        condition, target_condition, quantity, occurred_at)
  select $1::bigint, document_id, line_no, owner_id, item_id, lot_id, source_id, target_id,
         condition, target_condition, quantity, occurred_at
  from line
  returning 1
), kept as (
  insert into balance as b (warehouse_id, owner_id, item_id, lot_id, location_id, condition, on_hand, delta)
  select $1::bigint, owner_id, item_id, lot_id, location_id, condition, greatest(sum(q), 0), sum(q)
  from (
    select owner_id, item_id, lot_id, source_id as location_id, condition, -quantity as q
    from line where source_id >= 1000
    union all
    select owner_id, item_id, lot_id, target_id, target_condition, quantity from line where target_id >= 1000
  ) effect
  group by 1, 2, 3, 4, 5, 6 having sum(q) <> 0 order by 1, 2, 3, 4, 5, 6
  on conflict (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
    do update set on_hand = b.on_hand + excluded.delta, delta = excluded.delta
)
select count(*) from moved

-- name: entered_before
-- What a request key was used for.
select document_id, request_hash from document
where warehouse_id = $1 and organisation_id = $2 and request_key = $3

-- name: free_now
-- What is free at the balances that a refused document takes from.
select k.owner_id, k.item_id, k.lot_id, k.location_id, k.condition,
       coalesce(b.on_hand - b.held - b.allocated, 0) as free, i.code as item, l.code as location
from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::smallint[])
  as k (owner_id, item_id, lot_id, location_id, condition)
left join balance b on b.warehouse_id = $1 and b.owner_id = k.owner_id and b.item_id = k.item_id
  and b.lot_id = k.lot_id and b.location_id = k.location_id and b.condition = k.condition
left join item i on i.id = k.item_id
left join location l on l.warehouse_id = $1 and l.id = k.location_id

-- name: short_on_the_way
-- The first instant since $6 at which a balance of these keys would have been below zero: what is there now, less what
-- moved after that instant.
with effect as (
  select k.n, m.occurred_at,
         sum(case when m.target_id = k.location_id and m.target_condition = k.condition then m.quantity else 0 end
             - case when m.source_id = k.location_id and m.condition = k.condition then m.quantity else 0 end) as q
  from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[])
    with ordinality as k (item_id, lot_id, location_id, condition, n)
  join movement m on m.warehouse_id = $1 and m.item_id = k.item_id and m.occurred_at >= $6 and m.lot_id = k.lot_id
    and (m.source_id = k.location_id or m.target_id = k.location_id)
  group by 1, 2
), level as (
  select e.occurred_at,
         b.on_hand - coalesce(sum(e.q) over (
           partition by e.n order by e.occurred_at desc rows between unbounded preceding and 1 preceding), 0) as on_hand
  from effect e
  join unnest($7::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[])
    with ordinality as k (owner_id, item_id, lot_id, location_id, condition, n) on k.n = e.n
  join balance b on (b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)
                  = ($1, k.owner_id, k.item_id, k.lot_id, k.location_id, k.condition)
)
select min(occurred_at) from level where on_hand < 0

-- name: expire_reservations
-- End the reservations of a warehouse that are past their time and give their pieces back.
with ended as (
  update reservation set ended_at = clock_timestamp(), ended_as = 'expired'
  where (warehouse_id, id) in (
    select warehouse_id, id from reservation
    where warehouse_id = $1 and ended_at is null and expires_at <= clock_timestamp()
    for update skip locked
  )
  returning warehouse_id, id
), freed as (
  select a.warehouse_id, a.owner_id, a.item_id, a.lot_id, a.location_id, a.condition, sum(a.quantity) as quantity
  from allocation a join ended e on e.warehouse_id = a.warehouse_id and e.id = a.reservation_id
  group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
), locked as (
  select b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition, f.quantity
  from balance b join freed f using (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
  order by 1, 2, 3, 4, 5, 6 for update of b
)
update balance b set allocated = b.allocated - l.quantity from locked l
where (b.warehouse_id, b.owner_id, b.item_id, b.lot_id, b.location_id, b.condition)
    = (l.warehouse_id, l.owner_id, l.item_id, l.lot_id, l.location_id, l.condition)

-- name: overdue_warehouses
select distinct warehouse_id from reservation where ended_at is null and expires_at <= clock_timestamp()
