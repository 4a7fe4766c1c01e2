-- Refuses what would rewrite history.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using errcode = '55000',
    message = format('%s is append-only: %s is refused; correct it by a reversal', tg_table_name, lower(tg_op));
end $$;

-- Refuses a change of the columns that name a row for ever; ARGV are their names.
create function refuse_rename() returns trigger language plpgsql as $$
declare field text;
begin
  foreach field in array tg_argv loop
    if to_jsonb(new) -> field is distinct from to_jsonb(old) -> field then
      raise exception using errcode = '55000', message = format('%s.%s never changes', tg_table_name, field);
    end if;
  end loop;
  return new;
end $$;

-- ---------------------------------------------------------------- core
create table journal (
  id uuid primary key,
  at timestamptz not null default clock_timestamp(),
  actor_id bigint,
  organisation_id bigint,
  channel text not null check (channel in ('page', 'api', 'command')),
  action text not null,
  subject text not null,
  subject_id text not null,
  warehouse_id bigint,
  before jsonb,
  after jsonb
);
create index journal_subject on journal (subject, subject_id, id);
create trigger journal_append_only before update or delete or truncate on journal
  for each statement execute function refuse_change();

-- ---------------------------------------------------------------- access
create table organisation (
  id bigint generated always as identity (start with 1001) primary key,
  code text not null unique check (code ~ '^[A-Z0-9][A-Z0-9._/-]{0,31}$'),
  kind text not null check (kind in ('operator', 'exporter', 'committee')),
  names jsonb not null check (jsonb_typeof(names) = 'object' and names <> '{}'),
  active boolean not null default true,
  revision integer not null default 1,
  created_at timestamptz not null default now()
);
create trigger organisation_name before update on organisation
  for each row execute function refuse_rename('id', 'code', 'kind');

create table user_account (
  id bigint generated always as identity (start with 1001) primary key,
  email text not null check (email = lower(email) and email like '%_@_%'),
  name text not null check (name <> ''),
  password_hash text,
  language text not null,
  time_zone text not null,
  active boolean not null default true,
  failed_attempts integer not null default 0,
  locked_until timestamptz,
  revision integer not null default 1,
  created_at timestamptz not null default now(),
  constraint user_account_email_unique unique (email)
);

create table membership (
  id bigint generated always as identity primary key,
  user_id bigint not null references user_account on delete restrict,
  organisation_id bigint not null references organisation on delete restrict,
  roles text[] not null check (roles <> '{}'),
  revision integer not null default 1,
  created_at timestamptz not null default now(),
  unique (user_id, organisation_id)
);
create index membership_organisation on membership (organisation_id);

create table user_session (
  id uuid primary key,
  token_hash bytea not null unique,
  user_id bigint not null references user_account on delete restrict,
  organisation_id bigint not null references organisation on delete restrict,
  user_agent text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index user_session_user on user_session (user_id, created_at);

create table api_token (
  id uuid primary key,
  token_hash bytea not null unique,
  user_id bigint not null references user_account on delete restrict,
  organisation_id bigint not null references organisation on delete restrict,
  name text not null check (name <> ''),
  scopes text[] not null check (scopes <> '{}'),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index api_token_user on api_token (user_id, created_at);

-- ---------------------------------------------------------------- registry
create table warehouse (
  id bigint generated always as identity (start with 1001) primary key,
  code text not null unique check (code ~ '^[A-Z0-9][A-Z0-9._/-]{0,31}$'),
  names jsonb not null check (jsonb_typeof(names) = 'object' and names <> '{}'),
  operator_id bigint not null references organisation on delete restrict,
  country text not null check (country ~ '^[A-Z]{2}$'),
  city jsonb not null check (jsonb_typeof(city) = 'object'),
  address text not null,
  latitude numeric(8, 5) not null check (latitude between -90 and 90),
  longitude numeric(8, 5) not null check (longitude between -180 and 180),
  time_zone text not null,
  area_m2 numeric(12, 2) not null check (area_m2 >= 0),
  capacity_m3 numeric(12, 2) not null check (capacity_m3 >= 0),
  taxonomy text not null check (taxonomy in ('public', 'own_use', 'rented')),
  status text not null check (status in ('draft', 'listed', 'suspended', 'closed')),
  revision integer not null default 1,
  created_at timestamptz not null default now()
);
create index warehouse_operator on warehouse (operator_id);
create trigger warehouse_name before update on warehouse for each row execute function refuse_rename('id', 'code');

-- Ids below 1000 are the virtual places of stock/rules.py; they have no row here.
create table location (
  warehouse_id bigint not null references warehouse on delete restrict,
  id bigint generated always as identity (start with 1001),
  code text not null check (code ~ '^[A-Z0-9][A-Z0-9._/-]{0,31}$'),
  kind text not null check (kind in ('zone', 'aisle', 'bin', 'dock', 'workshop')),
  parent_id bigint,
  created_at timestamptz not null default now(),
  primary key (warehouse_id, id),
  unique (warehouse_id, code),
  foreign key (warehouse_id, parent_id) references location (warehouse_id, id) on delete restrict,
  check (id >= 1000)
);
create index location_code on location (code);
create trigger location_name before update on location
  for each row execute function refuse_rename('warehouse_id', 'id', 'code', 'kind');

create table item (
  id bigint generated always as identity (start with 1001) primary key,
  owner_id bigint not null references organisation on delete restrict,
  code text not null check (code ~ '^[^[:space:][:cntrl:]=+@''"-][^[:cntrl:]]{0,63}$' and code = upper(code)),
  names jsonb not null check (jsonb_typeof(names) = 'object' and names <> '{}'),
  hs_code text check (hs_code ~ '^[0-9]{4,10}$'),
  weight_kg numeric(12, 4) check (weight_kg > 0),
  length_cm numeric(10, 2) check (length_cm > 0),
  width_cm numeric(10, 2) check (width_cm > 0),
  height_cm numeric(10, 2) check (height_cm > 0),
  revision integer not null default 1,
  created_at timestamptz not null default now(),
  unique (owner_id, code),
  unique (id, owner_id)
);
create trigger item_name before update on item for each row execute function refuse_rename('id', 'owner_id', 'code');

create table barcode (
  id bigint generated always as identity primary key,
  owner_id bigint not null,
  item_id bigint not null,
  code text not null check (code <> ''),
  kind text not null check (kind in ('gtin', 'own')),
  created_at timestamptz not null default now(),
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict,
  unique (owner_id, code)
);
create index barcode_item on barcode (item_id);

-- ---------------------------------------------------------------- stock
-- A lot is known across warehouses, so that it can be traced from the declaration to the buyer. Lot 0 is "no lot".
create table lot (
  id bigint generated always as identity (start with 1001) primary key,
  owner_id bigint not null,
  item_id bigint not null,
  code text not null check (code ~ '^[^[:space:][:cntrl:]=+@''"-][^[:cntrl:]]{0,63}$' and code = upper(code)),
  declaration_no text,
  declaration_line integer check (declaration_line > 0),
  supervision_code text check (supervision_code ~ '^[0-9]{4}$'),
  exported_on date,
  expires_on date,
  created_at timestamptz not null default now(),
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict,
  unique (item_id, code),
  check ((declaration_no is null) = (declaration_line is null))
);
create index lot_code on lot (code);
create trigger lot_name before update on lot
  for each row execute function refuse_rename('id', 'owner_id', 'item_id', 'code');

create table document (
  warehouse_id bigint not null,
  document_id uuid not null,
  organisation_id bigint not null,
  request_key text not null check (request_key <> ''),
  request_hash bytea not null,
  reason smallint not null,
  actor_id bigint not null,
  channel smallint not null,
  reference text not null,
  note text not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  reverses_id uuid,
  primary key (warehouse_id, document_id),
  unique (warehouse_id, organisation_id, request_key)
);
create unique index document_reversed_once on document (warehouse_id, reverses_id) where reverses_id is not null;
create trigger document_append_only before update or delete or truncate on document
  for each statement execute function refuse_change();

create table movement (
  warehouse_id bigint not null,
  document_id uuid not null,
  line_no integer not null,
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint not null,
  source_id bigint not null,
  target_id bigint not null,
  condition smallint not null,
  target_condition smallint not null,
  quantity bigint not null check (quantity > 0),
  occurred_at timestamptz not null,
  primary key (warehouse_id, document_id, line_no),
  check (source_id <> target_id or condition <> target_condition)
);
create index movement_item on movement (warehouse_id, item_id, occurred_at, document_id, line_no);
create index movement_time on movement (warehouse_id, occurred_at, document_id, line_no);
create index movement_owner on movement (owner_id, occurred_at, document_id, line_no);
create trigger movement_append_only before update or delete or truncate on movement
  for each statement execute function refuse_change();

-- `delta` carries the last change through ON CONFLICT: CHECK is evaluated on the proposed row before the conflict is
-- looked for, so an issue is proposed as 0 and refused by the trigger below when there was no row to take it from.
create table balance (
  warehouse_id bigint not null,
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint not null,
  location_id bigint not null,
  condition smallint not null,
  on_hand bigint not null,
  held bigint not null default 0 check (held >= 0),
  allocated bigint not null default 0 check (allocated >= 0),
  delta bigint not null,
  primary key (warehouse_id, owner_id, item_id, lot_id, location_id, condition),
  constraint balance_never_negative check (on_hand >= 0),
  constraint balance_free check (held + allocated <= on_hand),
  constraint balance_real_place check (location_id >= 1000)
) with (fillfactor = 75);
create index balance_owner on balance (owner_id, warehouse_id, item_id, lot_id, location_id, condition);
create index balance_location on balance (warehouse_id, location_id, owner_id, item_id, lot_id, condition);
alter table balance set (autovacuum_vacuum_scale_factor = 0.05);

-- A balance begins here: it must have something to begin with, and item, lot and location must belong together.
create function balance_begins() returns trigger language plpgsql as $$
begin
  if new.on_hand <> new.delta then
    raise exception using errcode = '23514', constraint = 'balance_never_negative', table = 'balance',
      message = format('no stock of item %s lot %s at %s', new.item_id, new.lot_id, new.location_id);
  end if;
  if not exists (select from item where id = new.item_id and owner_id = new.owner_id)
     or not exists (select from location where warehouse_id = new.warehouse_id and id = new.location_id
                    and kind in ('bin', 'dock', 'workshop'))
     or (new.lot_id <> 0 and not exists (select from lot where id = new.lot_id and item_id = new.item_id
                                         and owner_id = new.owner_id)) then
    raise exception using errcode = '23503', constraint = 'balance_belongs', table = 'balance',
      message = format('item %s, lot %s, location %s and owner %s do not belong together',
                       new.item_id, new.lot_id, new.location_id, new.owner_id);
  end if;
  return null;
end $$;
create trigger balance_begins after insert on balance for each row execute function balance_begins();
create trigger balance_stays before delete or truncate on balance
  for each statement execute function refuse_change();
create trigger balance_name before update of warehouse_id, owner_id, item_id, lot_id, location_id, condition on balance
  for each row execute function refuse_rename(
    'warehouse_id', 'owner_id', 'item_id', 'lot_id', 'location_id', 'condition');
create trigger item_stays before delete or truncate on item for each statement execute function refuse_change();
create trigger lot_stays before delete or truncate on lot for each statement execute function refuse_change();

create table hold (
  warehouse_id bigint not null,
  id uuid not null,
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint not null,
  location_id bigint not null,
  condition smallint not null,
  quantity bigint not null check (quantity > 0),
  reason text not null,
  note text not null,
  organisation_id bigint not null,
  placed_by bigint not null,
  placed_at timestamptz not null default clock_timestamp(),
  request_key text not null,
  request_hash bytea not null,
  released_by bigint,
  released_at timestamptz,
  release_note text,
  primary key (warehouse_id, id),
  unique (warehouse_id, organisation_id, request_key),
  foreign key (warehouse_id, owner_id, item_id, lot_id, location_id, condition) references balance on delete restrict,
  check ((released_at is null) = (released_by is null))
);
create index hold_live on hold (warehouse_id, owner_id, item_id, lot_id, location_id, condition)
  where released_at is null;

create table reservation (
  warehouse_id bigint not null,
  id uuid not null,
  owner_id bigint not null,
  item_id bigint not null,
  condition smallint not null,
  quantity bigint not null check (quantity > 0),
  source text not null,
  organisation_id bigint not null,
  actor_id bigint not null,
  request_key text not null,
  request_hash bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_as text check (ended_as in ('cancelled', 'expired')),
  primary key (warehouse_id, id),
  unique (warehouse_id, organisation_id, request_key),
  check ((ended_at is null) = (ended_as is null))
);
create index reservation_live on reservation (warehouse_id, item_id, expires_at) where ended_at is null;

create table allocation (
  warehouse_id bigint not null,
  reservation_id uuid not null,
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint not null,
  location_id bigint not null,
  condition smallint not null,
  quantity bigint not null check (quantity > 0),
  primary key (warehouse_id, reservation_id, lot_id, location_id),
  foreign key (warehouse_id, reservation_id) references reservation on delete restrict,
  foreign key (warehouse_id, owner_id, item_id, lot_id, location_id, condition) references balance on delete restrict
);
create index allocation_balance on allocation (warehouse_id, owner_id, item_id, lot_id, location_id, condition);

-- What lies where and how much of it is free, for the slices above stock.
create view stock_on_hand as
  select warehouse_id, owner_id, item_id, lot_id, location_id, condition, on_hand, on_hand - held - allocated as free
  from balance where on_hand > 0;
