-- ---------------------------------------------------------------- files
-- Content is kept once, under its own hash, outside the database; what is known of it is kept here.
create table stored_file (
  hash bytea primary key check (length(hash) = 32),
  size bigint not null check (size > 0),
  media_type text not null,
  created_at timestamptz not null default clock_timestamp()
);
create trigger stored_file_append_only before update or delete or truncate on stored_file
  for each statement execute function refuse_change();

-- Which organisation brought which content: nobody attaches what they have not brought themselves.
create table upload (
  organisation_id bigint not null references organisation on delete restrict,
  hash bytea not null references stored_file on delete restrict,
  user_id bigint not null,
  name text not null check (name <> ''),
  created_at timestamptz not null default clock_timestamp(),
  primary key (organisation_id, hash)
);

-- A file as evidence of something: a photo of an inspection, a document of a job. Whoever sees the goods of this owner in
-- this warehouse may read it.
create table attachment (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  owner_id bigint not null references organisation on delete restrict,
  subject text not null check (subject <> ''),
  subject_id uuid not null,
  name text not null check (name <> ''),
  hash bytea not null references stored_file on delete restrict,
  organisation_id bigint not null,
  user_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (warehouse_id, id),
  unique (id)
);
create index attachment_subject on attachment (warehouse_id, subject, subject_id, id);
create trigger attachment_append_only before update or delete or truncate on attachment
  for each statement execute function refuse_change();

-- ---------------------------------------------------------------- stages
-- In which stage a return, repair or job is, since when, until when, and whose turn it is. One row a stay; the open one
-- has no `left_at`.
create table stage (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  owner_id bigint not null references organisation on delete restrict,
  subject text not null check (subject in ('return', 'parcel', 'batch', 'repair', 'service')),
  subject_id uuid not null,
  number text not null,
  stage text not null check (stage <> ''),
  turn text not null check (turn in ('operator', 'owner', 'carrier')),
  reason text not null default '',
  supervision_code text not null default '',
  entered_at timestamptz not null,
  due_at timestamptz,
  left_at timestamptz,
  warned_at timestamptz,
  primary key (warehouse_id, id),
  check (left_at >= entered_at)
);
create unique index stage_now on stage (warehouse_id, subject, subject_id) where left_at is null;
create index stage_open on stage (due_at, id) where left_at is null;
create index stage_owner on stage (owner_id, due_at, id) where left_at is null;
create index stage_of on stage (subject_id, entered_at);

-- ---------------------------------------------------------------- messages
create table message (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  owner_id bigint not null references organisation on delete restrict,
  subject text not null,
  subject_id uuid not null,
  organisation_id bigint not null,
  user_id bigint not null,
  body text not null check (body <> ''),
  created_at timestamptz not null default clock_timestamp(),
  request_key text not null,
  request_hash bytea not null,
  primary key (warehouse_id, id),
  unique (warehouse_id, organisation_id, request_key)
);
create index message_thread on message (warehouse_id, subject, subject_id, id);
create trigger message_append_only before update or delete or truncate on message
  for each statement execute function refuse_change();

-- Up to which message of a thread a person has read.
create table thread_reader (
  warehouse_id bigint not null,
  subject text not null,
  subject_id uuid not null,
  user_id bigint not null references user_account on delete restrict,
  read_up_to uuid not null,
  primary key (warehouse_id, subject, subject_id, user_id)
);

-- Something an organisation should know, as a message id with its facts: it is spoken when it is read. `dedupe_key` keeps
-- the same news from coming twice.
create table notification (
  organisation_id bigint not null references organisation on delete restrict,
  id uuid not null,
  level text not null check (level in ('neutral', 'warn', 'bad')),
  sentence text not null check (sentence <> ''),
  facts jsonb not null default '{}',
  href text not null check (href like '/%'),
  created_at timestamptz not null default clock_timestamp(),
  dedupe_key text,
  primary key (organisation_id, id),
  unique (organisation_id, dedupe_key)
);
create table notification_read (
  user_id bigint not null references user_account on delete restrict,
  organisation_id bigint not null,
  notification_id uuid not null,
  read_at timestamptz not null default clock_timestamp(),
  primary key (user_id, organisation_id, notification_id),
  foreign key (organisation_id, notification_id) references notification (organisation_id, id) on delete restrict
);

-- ---------------------------------------------------------------- charges
-- What a warehouse asks for an activity, from a day on; a price for one owner goes before the one for everybody. A new
-- price ends the one before it; nothing is changed.
create table price (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  owner_id bigint references organisation on delete restrict,
  activity text not null check (activity <> ''),
  amount numeric(14, 4) not null check (amount >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  valid_from date not null,
  organisation_id bigint not null,
  user_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (warehouse_id, id),
  constraint price_once unique nulls not distinct (warehouse_id, owner_id, activity, valid_from)
);
create trigger price_append_only before update or delete or truncate on price
  for each statement execute function refuse_change();

-- One performed step with the price agreed for it; `amount` is null where none was agreed. Its source row is charged once
-- an activity; a step that was undone is charged back by a row with the opposite quantity.
create table charge (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  owner_id bigint not null references organisation on delete restrict,
  activity text not null check (activity <> ''),
  quantity numeric(14, 4) not null check (quantity <> 0),
  unit text not null check (unit <> ''),
  price_id uuid,
  price numeric(14, 4) check (price >= 0),
  currency text check (currency ~ '^[A-Z]{3}$'),
  amount numeric(16, 4),
  source text not null check (source <> ''),
  source_id uuid not null,
  source_line integer not null default 0,
  number text not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (warehouse_id, id),
  check ((price is null) = (currency is null)),
  check ((price is null) = (amount is null))
);
create unique index charge_once on charge (warehouse_id, source, source_id, source_line, activity, (quantity < 0));
create index charge_owner on charge (owner_id, occurred_at, id);
create index charge_time on charge (warehouse_id, occurred_at, id);
create trigger charge_append_only before update or delete or truncate on charge
  for each statement execute function refuse_change();
