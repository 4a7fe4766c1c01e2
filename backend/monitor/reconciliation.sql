-- name: pair
-- Pair the days ($2 warehouses, $3 days) with the ledger and keep what does not fit under the ids $1. `said` is what rooms
-- say they moved that day, one row for each document and item; `seen` are documents booked or reversed that day that name a
-- return, batch, repair or job.
with day as materialized (
  select k.id, k.warehouse_id, k.day, k.day::timestamp at time zone w.time_zone as since,
         (k.day + 1)::timestamp at time zone w.time_zone as until
  from unnest($1::uuid[], $2::bigint[], $3::date[]) as k (id, warehouse_id, day)
  join warehouse w on w.id = k.warehouse_id
), said as materialized (
  -- Units that were received.
  select d.id, d.warehouse_id, 'receipt' as effect, 'return' as subject, u.rma_id as subject_id, r.number, u.owner_id,
         u.receipt_document_id as document_id, u.item_id, 'move' as way,
         coalesce(sum(u.quantity) filter (where u.state <> 'reversed'), 0)::bigint as quantity,
         bool_or(u.state <> 'reversed') as stands, null::bigint as target_id, 4::smallint as target_condition,
         'receipt' as charge_source, array[u.receipt_document_id] as charge_ids
  from day d
  join return_unit u on u.warehouse_id = d.warehouse_id and u.received_at >= d.since and u.received_at < d.until
  join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
  group by d.id, d.warehouse_id, u.rma_id, r.number, u.owner_id, u.receipt_document_id, u.item_id
  union all
  -- Looks that moved their unit, with the pieces that it had then: parts of it may be units of their own by now.
  select d.id, d.warehouse_id, 'grading', 'return', u.rma_id, r.number, u.owner_id, x.document_id, u.item_id, 'move',
         sum(p.pieces)::bigint, true, null, null, null, null
  from day d
  join inspection x on x.warehouse_id = d.warehouse_id and x.graded_at >= d.since and x.graded_at < d.until
  join return_unit u on u.warehouse_id = x.warehouse_id and u.id = x.unit_id
  join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
  cross join lateral (
    with recursive later as (
      select x.id
      union all
      select y.id from later l
      join return_unit o on o.warehouse_id = u.warehouse_id and o.rma_id = u.rma_id
      join inspection y on y.warehouse_id = o.warehouse_id and y.unit_id = o.id and y.previous_id = l.id
    )
    select sum(o.quantity) as pieces from return_unit o
    where o.warehouse_id = u.warehouse_id and o.rma_id = u.rma_id and o.inspection_id in (select later.id from later)
  ) p
  where x.document_id is not null
  group by d.id, d.warehouse_id, u.rma_id, r.number, u.owner_id, x.document_id, u.item_id
  union all
  -- Decisions that were carried out, but for those that a batch carries out: of them only the document is asked for.
  select d.id, d.warehouse_id, 'disposition', 'return', (min(u.rma_id::text))::uuid, min(r.number), u.owner_id, p.document_id,
         u.item_id, 'move', case when p.kind = 'SEND_HOME' then null else sum(u.quantity) end::bigint,
         bool_or(p.revoked_at is null and u.state = 'disposed'),
         case when p.kind in ('SCRAP', 'DONATE') then 5 when p.kind = 'SEND_HOME' then 3 end::bigint,
         case p.kind when 'RESTOCK' then 1 when 'SECOND' then 2 end::smallint,
         case when p.kind in ('RESTOCK', 'SECOND', 'SCRAP', 'DONATE') then 'disposition' end, array_agg(p.id)
  from day d
  join disposition p on p.warehouse_id = d.warehouse_id and p.executed_at >= d.since and p.executed_at < d.until
  join return_unit u on u.warehouse_id = p.warehouse_id and u.id = p.unit_id
  join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
  group by d.id, d.warehouse_id, u.owner_id, p.document_id, u.item_id, p.kind
  union all
  -- Units that count as dealt with although nothing was carried out.
  select d.id, d.warehouse_id, 'disposition', 'return', u.rma_id, r.number, u.owner_id, null, u.item_id, 'move', u.quantity,
         true, null, null, null, null
  from day d
  join disposition p on p.warehouse_id = d.warehouse_id and p.executed_at is null and p.revoked_at is null
  join return_unit u on u.warehouse_id = p.warehouse_id and u.id = p.unit_id and u.state = 'disposed'
  join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
  where p.decided_at < d.until
  union all
  select d.id, d.warehouse_id, 'destruction', 'return', coalesce(r.id, x.id), coalesce(r.number, x.number), x.owner_id,
         x.document_id, null, 'move', null, null, 5, null, null, null
  from day d
  join destruction x on x.warehouse_id = d.warehouse_id and x.recorded_at >= d.since and x.recorded_at < d.until
  left join lateral (
    select r.id, r.number from disposition p
    join return_unit u on u.warehouse_id = p.warehouse_id and u.id = p.unit_id
    join rma r on r.warehouse_id = u.warehouse_id and r.id = u.rma_id
    where p.warehouse_id = x.warehouse_id and p.executed_at >= d.since and p.executed_at < d.until
      and p.follow_up = 'destruction' and p.follow_up_id = x.id
    order by r.number limit 1
  ) r on true
  union all
  select d.id, d.warehouse_id, 'dispatch', 'batch', b.id, b.number, b.owner_id, b.dispatch_document_id, l.item_id, 'move',
         sum(l.packed)::bigint, true, 3, null, 'dispatch', array[b.dispatch_document_id]
  from day d
  join home_batch b on b.warehouse_id = d.warehouse_id and b.sent_at >= d.since and b.sent_at < d.until
  join home_line l on l.warehouse_id = b.warehouse_id and l.batch_id = b.id and l.packed > 0
  group by d.id, d.warehouse_id, b.id, b.number, b.owner_id, b.dispatch_document_id, l.item_id
  union all
  select d.id, d.warehouse_id, 'arrival', 'batch', b.id, b.number, b.owner_id, b.arrival_document_id, l.item_id, 'move',
         sum(l.arrived)::bigint, true, 6, null, null, null
  from day d
  join home_batch b on b.warehouse_id = d.warehouse_id and b.arrived_at >= d.since and b.arrived_at < d.until
  join home_line l on l.warehouse_id = b.warehouse_id and l.batch_id = b.id and l.arrived > 0
  group by d.id, d.warehouse_id, b.id, b.number, b.owner_id, b.arrival_document_id, l.item_id
  union all
  select d.id, d.warehouse_id, 'take_in', 'repair', o.id, o.number, o.owner_id, o.take_in_document_id, o.item_id, 'move', 1,
         true, null, null, null, null
  from day d
  join work_order o on o.warehouse_id = d.warehouse_id and o.taken_in_at >= d.since and o.taken_in_at < d.until
  where o.take_in_document_id is not null
  union all
  select d.id, d.warehouse_id, 'repair_end', 'repair', o.id, o.number, o.owner_id, o.end_document_id, o.item_id, 'move', 1,
         true, null, null, null, null
  from day d
  join work_order o on o.warehouse_id = d.warehouse_id and o.ended_at >= d.since and o.ended_at < d.until
  where o.end_document_id is not null
  union all
  select d.id, d.warehouse_id, 'parts', 'repair', o.id, o.number, p.owner_id, p.document_id, p.item_id,
         case p.kind when 'consumed' then 'in' else 'out' end, sum(p.quantity)::bigint, bool_or(p.undone_at is null), null,
         null, null, null
  from day d
  join part_use p on p.warehouse_id = d.warehouse_id and p.used_at >= d.since and p.used_at < d.until
  join work_order o on o.warehouse_id = p.warehouse_id and o.id = p.order_id
  group by d.id, d.warehouse_id, o.id, o.number, p.owner_id, p.document_id, p.item_id, p.kind
  union all
  select d.id, d.warehouse_id, 'transformation', 'service', j.id, j.number, j.owner_id, s.document_id, l.item_id, l.side,
         sum(s.runs * l.quantity)::bigint, bool_and(n.id is null), null, null, null, null
  from day d
  join job_step s on s.warehouse_id = d.warehouse_id and s.recorded_at >= d.since and s.recorded_at < d.until
    and s.kind = 'transform'
  join service_job j on j.warehouse_id = s.warehouse_id and j.id = s.job_id
  join recipe_line l on l.warehouse_id = s.warehouse_id and l.job_id = s.job_id
  left join reversed_document r on r.warehouse_id = s.warehouse_id and r.document_id = s.document_id
  left join job_step n on n.warehouse_id = s.warehouse_id and n.job_id = s.job_id and n.kind = 'undone'
    and n.document_id = r.reversal_id
  group by d.id, d.warehouse_id, j.id, j.number, j.owner_id, s.document_id, l.item_id, l.side
), booked as (
  select s.*, b.document_id is not null as is_booked, b.reversal_id is not null as is_reversed, b.reason, m.moved, m.astray
  from said s
  left join booked_document b on b.warehouse_id = s.warehouse_id and b.document_id = s.document_id
  left join lateral (
    select coalesce(sum(l.quantity), 0)::bigint as moved,
           count(*) filter (where l.target_id <> s.target_id or l.target_condition <> s.target_condition) as astray
    from booked_line l
    where l.warehouse_id = s.warehouse_id and l.document_id = s.document_id and (s.item_id is null or l.item_id = s.item_id)
      and case s.way when 'in' then l.target_id = 7 when 'out' then l.source_id = 7 else true end
  ) m on true
), charged as (
  select g.*, coalesce(c.found, 0)::bigint as found
  from (
    select s.id, s.warehouse_id, s.effect, s.subject, (min(s.subject_id::text))::uuid as subject_id, min(s.number) as number,
           s.owner_id, s.document_id, s.charge_source, sum(case when s.stands then s.quantity else 0 end)::bigint as expected
    from said s where s.charge_source is not null
    group by s.id, s.warehouse_id, s.effect, s.subject, s.owner_id, s.document_id, s.charge_source
  ) g
  left join (
    select s.id, s.document_id, s.charge_source, sum(c.quantity) as found
    from (select distinct id, warehouse_id, document_id, charge_source, unnest(charge_ids) as charge_id from said) s
    join charge c on c.warehouse_id = s.warehouse_id and c.source = s.charge_source and c.source_id = s.charge_id
    group by s.id, s.document_id, s.charge_source
  ) c on c.id = g.id and c.document_id = g.document_id and c.charge_source = g.charge_source
), seen as materialized (
  select d.id, d.warehouse_id, b.document_id, b.reason, b.reference, b.reversal_id is not null as is_reversed
  from day d
  join booked_document b on b.warehouse_id = d.warehouse_id and b.recorded_at >= d.since and b.recorded_at < d.until
    and b.reference ~ '^[RHWS][0-9A-Z]{11}$'
  union
  select d.id, d.warehouse_id, b.document_id, b.reason, b.reference, true
  from day d
  join reversal v on v.warehouse_id = d.warehouse_id and v.recorded_at >= d.since and v.recorded_at < d.until
  join booked_document b on b.warehouse_id = v.warehouse_id and b.document_id = v.document_id
  where b.reference ~ '^[RHWS][0-9A-Z]{11}$'
), whose as materialized (
  select s.*, coalesce(r.id, b.id, o.id, j.id) as subject_id,
         case left(s.reference, 1) when 'R' then 'return' when 'H' then 'batch' when 'W' then 'repair' else 'service' end
           as subject
  from seen s
  left join rma r on r.number = s.reference
  left join home_batch b on b.number = s.reference
  left join work_order o on o.number = s.reference
  left join service_job j on j.number = s.reference
  where coalesce(r.id, b.id, o.id, j.id) is not null
), named as (
  select w.*, n.rows, n.standing, m.owner_id, m.pieces
  from whose w
  cross join lateral (
    select count(*) as rows, count(*) filter (where f.stands) as standing from (
      select u.state <> 'reversed' as stands from return_unit u
      where u.warehouse_id = w.warehouse_id and u.rma_id = w.subject_id and u.receipt_document_id = w.document_id
      union all
      select true from return_unit u join inspection x on x.warehouse_id = u.warehouse_id and x.unit_id = u.id
      where u.warehouse_id = w.warehouse_id and u.rma_id = w.subject_id and x.document_id = w.document_id
      union all
      select p.revoked_at is null and u.state = 'disposed'
      from return_unit u join disposition p on p.warehouse_id = u.warehouse_id and p.unit_id = u.id
      where u.warehouse_id = w.warehouse_id and u.rma_id = w.subject_id and p.document_id = w.document_id
      union all
      select true from home_batch b
      where b.warehouse_id = w.warehouse_id and b.id = w.subject_id
        and w.document_id in (b.dispatch_document_id, b.arrival_document_id)
      union all
      select true from work_order o
      where o.warehouse_id = w.warehouse_id and o.id = w.subject_id
        and w.document_id in (o.take_in_document_id, o.end_document_id)
      union all
      select p.undone_at is null from part_use p
      where p.warehouse_id = w.warehouse_id and p.order_id = w.subject_id and p.document_id = w.document_id
      union all
      select not exists (
        select from job_step n
        join reversed_document r on r.warehouse_id = n.warehouse_id and r.reversal_id = n.document_id
        where n.warehouse_id = s.warehouse_id and n.job_id = s.job_id and n.kind = 'undone' and r.document_id = s.document_id)
      from job_step s
      where s.warehouse_id = w.warehouse_id and s.job_id = w.subject_id and s.kind = 'transform'
        and s.document_id = w.document_id
    ) f
  ) n
  cross join lateral (
    select min(l.owner_id) as owner_id, sum(l.quantity)::bigint as pieces from booked_line l
    where l.warehouse_id = w.warehouse_id and l.document_id = w.document_id
  ) m
), wrong as (
  select id, warehouse_id, effect, subject, subject_id, number, owner_id, item_id, document_id, reason,
         case when not is_booked then 'no_document'
              when stands and is_reversed then 'reversed_only'
              when not stands and not is_reversed then 'not_reversed'
              when stands and moved <> quantity then 'other_quantity'
              when stands and astray > 0 then 'other_ends' end as wrong,
         quantity as expected, case when is_booked then moved end as found
  from booked
  union all
  select id, warehouse_id, effect, subject, subject_id, number, owner_id, null, document_id, null, 'other_charge', expected, found
  from charged where expected <> found
  union all
  select id, warehouse_id, '', subject, subject_id, reference, owner_id, null, document_id, reason,
         case when is_reversed then case when standing > 0 then 'reversed_only' end
              when rows = 0 then 'no_row' when standing = 0 then 'not_reversed' end, null, pieces
  from named where owner_id is not null
), found as (
  -- Where both sides find the same, the room's says more.
  select distinct on (id, document_id, wrong, case when wrong in ('not_reversed', 'reversed_only') then null else item_id end,
                      case when document_id is null then subject_id end)
         wrong.*
  from wrong where wrong is not null
  order by id, document_id, wrong, case when wrong in ('not_reversed', 'reversed_only') then null else item_id end,
           case when document_id is null then subject_id end, effect desc
), kept as (
  insert into reconciliation (warehouse_id, id, day, effects, documents, orphans)
  select d.warehouse_id, d.id, d.day, (select count(*) from said s where s.id = d.id),
         (select count(*) from whose w where w.id = d.id), (select count(*) from found f where f.id = d.id)
  from day d
  returning warehouse_id, id, day, effects, documents, orphans
), listed as (
  insert into orphan (warehouse_id, reconciliation_id, line_no, wrong, effect, subject, subject_id, number, owner_id, item_id,
                      document_id, reason, expected, found)
  select warehouse_id, id, row_number() over (partition by id order by number, effect, wrong, item_id, document_id), wrong,
         effect, subject, subject_id, number, owner_id, item_id, document_id, reason, expected, found
  from found
)
select k.*, w.code as warehouse, w.operator_id from kept k join warehouse w on w.id = k.warehouse_id
order by w.code, k.day

-- name: waiting
-- The days of every warehouse that were not paired yet, up to yesterday by its own clock, but no more than $2 back; a
-- warehouse that was never paired begins with yesterday.
select w.id as warehouse_id, d.day::date as day
from warehouse w
cross join lateral (select ($1::timestamptz at time zone w.time_zone)::date - 1 as yesterday) y
cross join lateral (
  select greatest(coalesce((select max(r.day) + 1 from reconciliation r where r.warehouse_id = w.id), y.yesterday),
                  y.yesterday - $2::int + 1) as first
) f
cross join lateral generate_series(f.first, y.yesterday, interval '1 day') d (day)
order by d.day, w.id

-- name: warehouses
select id, code from warehouse where $1::text[] is null or code = any($1) order by id

-- name: committees
select id from organisation where kind = 'committee' and active
