-- name: stage
-- The tables of one run. They are not worth a log: a run that stops reads its file again.
create unlogged table {rows} (line_no integer not null, row_key uuid not null, item text not null,
  change integer not null, reason smallint not null, reference text not null, at bigint not null);
create unlogged table {rejects} (line_no integer not null, column_name text not null, value text not null,
  reason text not null, cells text[], row_key uuid, copy integer);
create unlogged table {names} (item text not null, spelling text not null, description text not null, n bigint not null);
create unlogged table {origins} (line_no integer not null, run_id uuid not null, origin_line integer not null);
create unlogged table {cells} (line_no integer not null, value text not null, cells text[] not null);

-- name: staged
create index on {rejects} (line_no);
analyze {rows}, {rejects}, {names};

-- name: settle
-- The same for a second try: what was matched before does not count.
delete from {rejects} where cells is null;
truncate {cells};
drop table if exists {ready}, {free}, {floors}, {lows}, {post}, {documents};

-- name: new_items
-- Items that the file names and the owner lacks, named by their most frequent description, else by their code.
with named as (
  select distinct on (item) item, description
  from (select item, description, sum(n) as n from {names} where description <> '' group by item, description) d
  order by item, n desc, description
), made as (
  insert into item (owner_id, code, names)
  select $1, f.item, jsonb_build_object($2::text, coalesce(n.description, f.item))
  from (select distinct item from {names}) f left join named n using (item)
  where not exists (select from item i where i.owner_id = $1 and i.code = f.item)
  order by f.item
  on conflict (owner_id, code) do nothing
  returning 1
)
select count(*) from made

-- name: spellings
select count(*) from (select from {names} group by item having count(distinct spelling) > 1) several

-- name: ready
-- Rows that are the same in everything are told apart by their order in the file. `booked`: 0 not yet, 1 by this run
-- (before it was interrupted), 2 by another.
create unlogged table {ready} as
select s.line_no, s.row_key, s.copy, i.id as item_id, s.item, s.change, s.reason, s.reference, s.at,
       case when t.run_id is null then 0 when t.run_id = '{run_id}' then 1 else 2 end::smallint as booked
from (
  select *, row_number() over (partition by at, row_key order by line_no)::integer as copy from {rows} r
  where not exists (select from {origins} o where o.line_no = r.line_no)
) s
left join item i on i.owner_id = {owner_id} and i.code = s.item
left join trade_row t on t.warehouse_id = {warehouse_id} and t.row_key = s.row_key and t.copy = s.copy
  and t.row_key between '{first_key}' and '{last_key}';

-- name: corrected
-- Rows that come back from a file of rejected rows. Unchanged ones, and those corrected the same way before, keep their
-- key and copy; others are one more row of their kind. A row that was booked in any of these ways is booked.
with fixed as (
  select s.*, o.run_id, o.origin_line, i.id as item_id, c.row_key is not null as tried,
         case when j.row_key = s.row_key then j.copy when c.row_key = s.row_key then c.copy end as known_copy,
         j.row_key is not distinct from s.row_key as same,
         row_number() over (partition by o.run_id, o.origin_line order by s.line_no) > 1
         or exists (select from trade_row t where t.warehouse_id = $1 and t.row_key = j.row_key and t.copy = j.copy)
         or exists (select from trade_row t where t.warehouse_id = $1 and t.row_key = c.row_key and t.copy = c.copy)
           as done
  from {origins} o
  join {rows} s on s.line_no = o.line_no
  join trade_reject j on j.warehouse_id = $1 and j.run_id = o.run_id and j.line_no = o.origin_line
  left join trade_correction c on c.warehouse_id = $1 and c.run_id = o.run_id and c.line_no = o.origin_line
  left join item i on i.owner_id = $2 and i.code = s.item
), placed as (
  select f.*, coalesce(f.known_copy, greatest(
           (select max(copy) from trade_row t where t.warehouse_id = $1 and t.row_key = f.row_key),
           (select max(copy) from trade_correction t where t.warehouse_id = $1 and t.row_key = f.row_key),
           (select max(copy) from {ready} t where t.row_key = f.row_key and t.at = f.at), 0)
         + (row_number() over (partition by f.row_key, f.done, f.known_copy is null order by f.line_no))::integer) as copy
  from fixed f
), noted as (
  insert into trade_correction (warehouse_id, run_id, line_no, row_key, copy)
  select $1, run_id, origin_line, row_key, copy from placed where not same and not done
  on conflict (warehouse_id, run_id, line_no) do update set row_key = excluded.row_key, copy = excluded.copy
)
insert into {ready} (line_no, row_key, copy, item_id, item, change, reason, reference, at, booked)
select p.line_no, p.row_key, p.copy, p.item_id, p.item, p.change, p.reason, p.reference, p.at,
       case when not p.done and not exists (
         select from {ready} t where t.row_key = p.row_key and t.copy = p.copy and t.at = p.at) then 0
       when exists (select from trade_row t where t.warehouse_id = $1 and t.row_key = p.row_key and t.copy = p.copy
                    and t.run_id = '{run_id}') then 1
       else 2 end
from placed p

-- name: forget_origins
-- An origin that names no rejected row of this warehouse, owner and mapping says nothing.
delete from {origins} o where not exists (
  select from trade_run g join trade_reject j on j.warehouse_id = g.warehouse_id and j.run_id = g.id
  where g.warehouse_id = $1 and g.id = o.run_id and g.owner_id = $2 and g.mapping = $3 and j.line_no = o.origin_line)

-- name: unknown_items
insert into {rejects} (line_no, column_name, value, reason, row_key, copy)
select line_no, $1, item, $2, row_key, copy from {ready} where item_id is null and booked = 0

-- name: free
-- What is free now of the items to post.
create unlogged table {free} as
select item_id, free from stock_on_hand
where warehouse_id = {warehouse_id} and owner_id = {owner_id} and lot_id = 0 and location_id = {location_id}
  and condition = {good};
create index on {free} (item_id);

-- name: floors
-- Movements that happened after the first row to post: until each, no more was there than the least that followed.
create unlogged table {floors} as
select item_id, at, least(free, min(free - later) over (partition by item_id order by at desc)) as free
from (
  select c.item_id, c.at, coalesce(f.free, 0) as free,
         sum(c.change) over (partition by c.item_id order by c.at desc) as later
  from (
    select item_id, extract(epoch from occurred_at) as at, sum(change)::bigint as change from stock_change
    where warehouse_id = {warehouse_id} and owner_id = {owner_id} and lot_id = 0 and location_id = {location_id}
      and condition = {good}
      and occurred_at > (select timestamptz 'epoch' + min(at) * interval '1 second' from {ready} where booked = 0)
    group by item_id, occurred_at
  ) c left join {free} f using (item_id)
) l;
create index on {floors} (item_id, at);

-- name: is_backdated
select exists (select from {floors})

-- name: judged
-- The rows to post with what is free for them from their time on, when nothing happened after the first of them.
select r.*, coalesce(f.free, 0) as free from {ready} r left join {free} f using (item_id)
where booked = 0 and item_id is not null

-- name: judged_backdated
-- The same when something did.
select r.*,
       coalesce((select f.free from {floors} f where f.item_id = r.item_id and f.at > r.at order by f.at limit 1),
                (select f.free from {free} f where f.item_id = r.item_id), 0) as free
from {ready} r where booked = 0 and item_id is not null

-- name: lows
-- Items that run short, and how low they would get.
create unlogged table {lows} as
select item_id, min(running + free)::bigint as lowest
from (
  select item_id, free, sum(change) over (partition by item_id order by at, line_no rows unbounded preceding) as running
  from ({judged}) r
) r group by item_id having min(running + free) < 0;

-- name: short_rows
-- The rows of items that run short, in the order of time.
select r.item_id, r.free, r.change, r.line_no, r.row_key, r.copy
from ({judged}) r join {lows} l using (item_id) order by r.item_id, r.at, r.line_no

-- name: before
-- An instant before the first row to post.
select timestamptz 'epoch' + (min(at) - 1) * interval '1 second' from {ready} where booked = 0 and item_id is not null

-- name: to_open
select count(*), coalesce(-sum(lowest), 0)::bigint from {lows}

-- name: matched
-- How many rows are booked already, by anybody and by other runs, and how many will be.
select count(*) filter (where booked > 0) as booked, count(*) filter (where booked = 2) as already,
       (select count(*) from {rows}) - (select count(*) from {rejects} where cells is null) as accepted
from {ready}

-- name: post
-- Rows to post, cut into transactions in the order of time; in each, the rows of one invoice are one document.
create unlogged table {post} as
select line_no, row_key, copy, item_id, change, reason, reference, at, chunk,
       dense_rank() over (order by chunk, reference, reason)::integer as doc,
       row_number() over (partition by chunk, reference, reason order by seq)::integer as line
from (
  select n.*, ((seq - 1) / {chunk_size})::integer as chunk
  from (
    select r.*, row_number() over (order by at, line_no) as seq
    from {ready} r
    where booked = 0 and item_id is not null
      and not exists (select from {rejects} j where j.line_no = r.line_no)
  ) n
) c;
create index on {post} using brin (chunk) with (pages_per_range = 16);
create unlogged table {documents} as
select doc, chunk, reference, reason,
       'trade:{mapping}:' || reference || ':' || row_key || ':' || copy as request_key, uuid_send(row_key) as request_hash,
       -- UUID version 7, in the order of the documents: milliseconds, then 12 bits that count within them.
       encode(overlay(overlay(uuid_send(gen_random_uuid())
         placing substring(int8send({now_ms} + doc / 4096) from 3) from 1 for 6)
         placing substring(int4send(28672 + doc % 4096) from 3) from 7 for 2), 'hex')::uuid as document_id
from {post} where line = 1;
create index on {documents} using brin (chunk) with (pages_per_range = 16);
analyze {post}, {documents};

-- name: chunks
select coalesce(max(chunk) + 1, 0) from {documents}

-- name: chunk_rows
select d.document_id, d.request_key, d.request_hash, p.reason, p.reference,
       timestamptz 'epoch' + p.at * interval '1 second' as occurred_at, p.line as line_no,
       $5::bigint as owner_id, p.item_id, 0::bigint as lot_id,
       case when p.change < 0 then $6::bigint when p.reason = {adjustment} then {outside} else {buyer} end as source_id,
       case when p.change > 0 then $6::bigint when p.reason = {adjustment} then {outside} else {buyer} end as target_id,
       {good}::smallint as condition, {good}::smallint as target_condition, abs(p.change)::bigint as quantity
from {post} p join {documents} d on d.doc = p.doc and d.chunk = $7
where p.chunk = $7

-- name: chunk_booked
insert into trade_row (warehouse_id, row_key, copy, run_id, line_no, document_id, movement_line)
select $1, p.row_key, p.copy, $2, p.line_no, d.document_id, p.line
from {post} p join {documents} d on d.doc = p.doc and d.chunk = $3
where p.chunk = $3 order by p.row_key, p.copy

-- name: opening_rows
select o.document_id, 'trade:opening:' || o.document_id as request_key, uuid_send(o.document_id) as request_hash,
       {opening}::smallint as reason, $7::text as reference, $8::timestamptz as occurred_at, l.line_no,
       $5::bigint as owner_id, l.item_id, 0::bigint as lot_id, {supplier}::bigint as source_id, $6::bigint as target_id,
       {good}::smallint as condition, {good}::smallint as target_condition, l.quantity
from (
  select item_id, -lowest as quantity, ((row_number() over (order by item_id) - 1) / {opening_lines})::integer as doc,
         ((row_number() over (order by item_id) - 1) % {opening_lines} + 1)::integer as line_no
  from {lows}
) l
join unnest($9::uuid[]) with ordinality o (document_id, n) on o.n = l.doc + 1

-- name: rejects_without_cells
select line_no, column_name from {rejects} where cells is null and line_no > $1 order by line_no limit $2

-- name: keep_rejects
insert into trade_reject (warehouse_id, run_id, line_no, column_name, value, reason, cells, row_key, copy)
select $1, $2, line_no, j.column_name, coalesce(c.value, j.value), j.reason, coalesce(j.cells, c.cells), j.row_key, j.copy
from {rejects} j left join {cells} c using (line_no) order by line_no

-- name: reasons
select coalesce(jsonb_object_agg(reason, n), jsonb_build_object()), coalesce(sum(n), 0)::bigint
from (select reason, count(*) as n from {rejects} group by reason) r

-- name: finish
update trade_run set state = 'done', finished_at = clock_timestamp(), rows = $3::bigint, posted = $3::bigint - $4::bigint, rejected = $4::bigint,
  already = $5, reasons = $6, header = $7, bytes_read = bytes_all, stored_file = null
where warehouse_id = $1 and id = $2
