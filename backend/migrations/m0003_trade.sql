-- What a run reads is staged here, in tables of its own that end with it.
create schema trade_staging;

-- What each movement changed at the real places it touched, for the slices above stock.
create view stock_change as
  select warehouse_id, owner_id, item_id, lot_id, source_id as location_id, condition, occurred_at, -quantity as change
  from movement where source_id >= 1000
  union all
  select warehouse_id, owner_id, item_id, lot_id, target_id, target_condition, occurred_at, quantity
  from movement where target_id >= 1000;

-- One reading of one file. `stored_file` is the name of an uploaded file while it is needed; `posted` are the rows booked
-- by it or before it, `already` those booked before it.
create table trade_run (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  owner_id bigint not null references organisation on delete restrict,
  organisation_id bigint not null,
  actor_id bigint not null,
  channel text not null check (channel in ('page', 'api', 'command')),
  mapping text not null,
  file_name text not null,
  file_hash bytea,
  stored_file text,
  open_missing boolean not null,
  create_missing boolean not null,
  state text not null check (state in ('queued', 'reading', 'posting', 'done', 'refused')),
  bytes_read bigint not null default 0,
  bytes_all bigint not null default 0,
  header text[] not null default '{}',
  rows bigint not null default 0,
  to_post bigint not null default 0,
  posted bigint not null default 0,
  already bigint not null default 0,
  rejected bigint not null default 0,
  reasons jsonb not null default '{}',
  opened bigint not null default 0,
  opened_items bigint not null default 0,
  new_items bigint not null default 0,
  spellings bigint not null default 0,
  refusal jsonb,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  primary key (warehouse_id, id),
  unique (id),
  check (state not in ('done', 'refused') or finished_at is not null),
  check (state <> 'done' or posted + rejected = rows)
);
create index trade_run_time on trade_run (created_at, id);
create index trade_run_file on trade_run (warehouse_id, owner_id, mapping, file_hash);

-- Which row of a file became which movement. The key is a hash of what names the row and begins with its instant, so
-- that rows of one time lie together; `copy` counts rows of a file that are the same in everything.
create table trade_row (
  warehouse_id bigint not null,
  row_key uuid not null,
  copy integer not null check (copy > 0),
  run_id uuid not null,
  line_no integer not null,
  document_id uuid not null,
  movement_line integer not null,
  primary key (warehouse_id, row_key, copy)
);
create trigger trade_row_append_only before update or delete or truncate on trade_row
  for each statement execute function refuse_change();

-- A rejected row as it stood in the file.
create table trade_reject (
  warehouse_id bigint not null,
  run_id uuid not null,
  line_no integer not null,
  column_name text not null,
  value text not null,
  reason text not null,
  cells text[] not null,
  row_key uuid,
  copy integer,
  primary key (warehouse_id, run_id, line_no),
  foreign key (warehouse_id, run_id) references trade_run (warehouse_id, id) on delete restrict
);
create trigger trade_reject_append_only before update or delete or truncate on trade_reject
  for each statement execute function refuse_change();

-- Which key a rejected row got with its correction, so that it is booked once, whichever file it comes back in.
create table trade_correction (
  warehouse_id bigint not null,
  run_id uuid not null,
  line_no integer not null,
  row_key uuid not null,
  copy integer not null check (copy > 0),
  primary key (warehouse_id, run_id, line_no),
  foreign key (warehouse_id, run_id, line_no) references trade_reject (warehouse_id, run_id, line_no) on delete restrict
);
create index trade_correction_key on trade_correction (warehouse_id, row_key);
