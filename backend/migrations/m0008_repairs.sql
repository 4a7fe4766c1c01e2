-- From which day the warranty of a unit runs, kept once for each serial: no repair resets it.
create table warranty (
  owner_id bigint not null,
  item_id bigint not null,
  serial text not null check (serial <> ''),
  runs_from date not null,
  months integer not null check (months between 1 and 120),
  ends_on date not null,
  source text not null check (source in ('sale', 'given')),
  organisation_id bigint not null,
  user_id bigint not null,
  kept_at timestamptz not null default clock_timestamp(),
  primary key (owner_id, item_id, serial),
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict,
  check (ends_on > runs_from)
);
create trigger warranty_append_only before update or delete or truncate on warranty
  for each statement execute function refuse_change();

-- How many months an owner warrants an item (or, without one, all its items) from the day of a sale; none is 0. The latest
-- row counts, and only for warranties that begin to be kept later.
create table warranty_terms (
  owner_id bigint not null references organisation on delete restrict,
  id uuid not null,
  item_id bigint,
  months integer not null check (months between 0 and 120),
  user_id bigint not null,
  agreed_at timestamptz not null default clock_timestamp(),
  primary key (owner_id, id),
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict
);
create index warranty_terms_item on warranty_terms (owner_id, item_id, id);
create trigger warranty_terms_append_only before update or delete or truncate on warranty_terms
  for each statement execute function refuse_change();

-- The repair of one exact unit. `location_id` and `condition` say where the ledger has it now, `from_location_id` and
-- `from_condition` where it came from; `unit_code` is the label of the returned package. In the workshop it is never in a
-- condition that can be sold. A requested order has moved nothing yet.
create table work_order (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  number text not null unique check (number ~ '^W[0-9A-Z]{11}$'),
  owner_id bigint not null references organisation on delete restrict,
  item_id bigint not null,
  lot_id bigint not null,
  serial text check (serial <> ''),
  origin text not null check (origin in ('return', 'stock')),
  return_unit_id uuid,
  unit_code text check (unit_code <> ''),
  reference text not null default '',
  item_class text not null,
  fault text not null check (fault <> ''),
  warranty_from date,
  warranty_months integer check (warranty_months between 1 and 120),
  warranty_until date,
  warranty_source text not null check (warranty_source in ('sale', 'given', 'none')),
  stage text not null check (stage in (
    'requested', 'diagnosing', 'quoted', 'repairing', 'testing', 'finished', 'given_up', 'cancelled')),
  location_id bigint not null,
  condition smallint not null check (condition between 1 and 4),
  from_location_id bigint not null,
  from_condition smallint not null check (from_condition between 1 and 4),
  technician_id bigint references user_account on delete restrict,
  fault_codes text[] not null default '{}',
  covered boolean,
  organisation_id bigint not null,
  user_id bigint not null,
  channel text not null check (channel in ('page', 'api', 'command')),
  opened_at timestamptz not null,
  taken_in_at timestamptz,
  ended_at timestamptz,
  ended_note text not null default '',
  take_in_document_id uuid,
  end_document_id uuid,
  revision integer not null default 1,
  primary key (warehouse_id, id),
  unique (id),
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict,
  foreign key (warehouse_id, location_id) references location (warehouse_id, id) on delete restrict,
  check ((origin = 'return') = (return_unit_id is not null)),
  check ((stage in ('finished', 'given_up', 'cancelled')) = (ended_at is not null)),
  check (stage in ('requested', 'cancelled') or taken_in_at is not null),
  check (stage <> 'finished' or end_document_id is not null),
  check (end_document_id is null or stage in ('finished', 'given_up')),
  check ((warranty_source = 'none') = (warranty_until is null)),
  constraint work_order_unsellable check (
    stage not in ('diagnosing', 'quoted', 'repairing', 'testing') or condition in (3, 4))
);
create index work_order_owner on work_order (owner_id, opened_at, id);
create index work_order_time on work_order (warehouse_id, opened_at, id);
create index work_order_item on work_order (item_id, opened_at);
create index work_order_unit on work_order (unit_code) where unit_code is not null;
create index work_order_serial on work_order (serial) where serial is not null;
-- A unit is in one repair at a time.
create unique index work_order_one_serial on work_order (owner_id, item_id, serial)
  where serial is not null and ended_at is null;
create unique index work_order_one_return on work_order (return_unit_id) where ended_at is null;
create trigger work_order_name before update on work_order
  for each row execute function refuse_rename(
    'warehouse_id', 'id', 'number', 'owner_id', 'item_id', 'lot_id', 'serial', 'origin', 'return_unit_id', 'unit_code',
    'warranty_from', 'warranty_months', 'warranty_until', 'warranty_source', 'from_location_id', 'from_condition');
create trigger work_order_stays before delete or truncate on work_order
  for each statement execute function refuse_change();

-- What each request key of a repair was used for: a repetition gives the first answer.
create table repair_request (
  warehouse_id bigint not null,
  organisation_id bigint not null,
  request_key text not null check (request_key <> ''),
  request_hash bytea not null,
  order_id uuid not null,
  deed text not null,
  result_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  primary key (warehouse_id, organisation_id, request_key)
);
create index repair_request_order on repair_request (warehouse_id, order_id, at);
create trigger repair_request_append_only before update or delete or truncate on repair_request
  for each statement execute function refuse_change();

-- What a technician found: codes of faults.toml in the edition of that day. The last one counts.
create table repair_diagnosis (
  warehouse_id bigint not null,
  id uuid not null,
  order_id uuid not null,
  turn integer not null check (turn > 0),
  item_class text not null,
  edition text not null,
  codes text[] not null check (codes <> '{}'),
  repairable boolean not null,
  covered boolean not null,
  note text not null default '',
  user_id bigint not null,
  diagnosed_at timestamptz not null,
  primary key (warehouse_id, id),
  unique (warehouse_id, order_id, turn),
  foreign key (warehouse_id, order_id) references work_order (warehouse_id, id) on delete restrict
);
create trigger repair_diagnosis_append_only before update or delete or truncate on repair_diagnosis
  for each statement execute function refuse_change();

-- What a repair will cost its owner. Under warranty the agreed prices are zero; what would have been asked stays beside them.
create table repair_quote (
  warehouse_id bigint not null,
  id uuid not null,
  order_id uuid not null,
  turn integer not null check (turn > 0),
  state text not null check (state in ('open', 'approved', 'refused', 'expired', 'withdrawn')),
  covered boolean not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  labour_minutes integer not null check (labour_minutes between 0 and 100000),
  labour_list_rate numeric(14, 4) not null check (labour_list_rate >= 0),
  labour_rate numeric(14, 4) not null check (labour_rate >= 0),
  labour_used integer not null default 0,
  total numeric(16, 4) not null check (total >= 0),
  note text not null default '',
  user_id bigint not null,
  quoted_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  answered_by bigint,
  answer_note text not null default '',
  primary key (warehouse_id, id),
  unique (warehouse_id, order_id, turn),
  foreign key (warehouse_id, order_id) references work_order (warehouse_id, id) on delete restrict,
  constraint repair_quote_labour check (labour_used between 0 and labour_minutes),
  check (expires_at > quoted_at),
  check ((state = 'open') = (ended_at is null)),
  check ((state in ('approved', 'refused')) = (answered_by is not null)),
  check (state <> 'approved' or ended_at < expires_at),
  check (not covered or (labour_rate = 0 and total = 0))
);
create unique index repair_quote_open on repair_quote (warehouse_id, order_id) where state = 'open';
create index repair_quote_expiry on repair_quote (expires_at) where state = 'open';
create trigger repair_quote_name before update on repair_quote
  for each row execute function refuse_rename(
    'warehouse_id', 'id', 'order_id', 'turn', 'covered', 'currency', 'labour_minutes', 'labour_list_rate', 'labour_rate',
    'total', 'user_id', 'quoted_at', 'expires_at');
create trigger repair_quote_stays before delete or truncate on repair_quote
  for each statement execute function refuse_change();

create table repair_quote_line (
  warehouse_id bigint not null,
  quote_id uuid not null,
  line_no integer not null check (line_no > 0),
  owner_id bigint not null,
  item_id bigint not null,
  quantity bigint not null check (quantity > 0),
  list_price numeric(14, 4) not null check (list_price >= 0),
  price numeric(14, 4) not null check (price >= 0),
  used bigint not null default 0,
  primary key (warehouse_id, quote_id, line_no),
  unique (warehouse_id, quote_id, item_id),
  foreign key (warehouse_id, quote_id) references repair_quote (warehouse_id, id) on delete restrict,
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict,
  constraint repair_quote_line_used check (used between 0 and quantity)
);
create trigger repair_quote_line_name before update on repair_quote_line
  for each row execute function refuse_rename(
    'warehouse_id', 'quote_id', 'line_no', 'owner_id', 'item_id', 'quantity', 'list_price', 'price');
create trigger repair_quote_line_stays before delete or truncate on repair_quote_line
  for each statement execute function refuse_change();

-- Parts that went into a unit (under a line of an approved quote) or came out of it, each with its document in the ledger.
-- Undone once, by the document that reverses the first.
create table part_use (
  warehouse_id bigint not null,
  id uuid not null,
  order_id uuid not null,
  kind text not null check (kind in ('consumed', 'recovered')),
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint not null,
  location_id bigint not null,
  condition smallint not null check (condition between 1 and 4),
  quantity bigint not null check (quantity > 0),
  quote_id uuid,
  line_no integer,
  price numeric(14, 4) check (price >= 0),
  currency text check (currency ~ '^[A-Z]{3}$'),
  document_id uuid not null,
  document_line integer not null check (document_line > 0),
  note text not null default '',
  user_id bigint not null,
  used_at timestamptz not null,
  undone_by bigint,
  undone_at timestamptz,
  undone_note text,
  undo_document_id uuid,
  primary key (warehouse_id, id),
  foreign key (warehouse_id, order_id) references work_order (warehouse_id, id) on delete restrict,
  foreign key (warehouse_id, quote_id, line_no) references repair_quote_line (warehouse_id, quote_id, line_no)
    on delete restrict,
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict,
  check ((kind = 'consumed') = (quote_id is not null and line_no is not null and price is not null)),
  check ((price is null) = (currency is null)),
  check (kind = 'consumed' or condition in (2, 3)),
  check ((undone_at is null) = (undo_document_id is null))
);
create index part_use_order on part_use (warehouse_id, order_id, id);
create unique index part_use_document on part_use (warehouse_id, document_id, document_line);
create trigger part_use_name before update on part_use
  for each row execute function refuse_rename(
    'warehouse_id', 'id', 'order_id', 'kind', 'owner_id', 'item_id', 'lot_id', 'location_id', 'condition', 'quantity',
    'quote_id', 'line_no', 'price', 'currency', 'document_id', 'document_line', 'user_id', 'used_at');
create trigger part_use_stays before delete or truncate on part_use
  for each statement execute function refuse_change();

-- Time at the bench. What the approved quotes cover is charged at their rate; what goes beyond is kept without a charge.
create table repair_labour (
  warehouse_id bigint not null,
  id uuid not null,
  order_id uuid not null,
  minutes integer not null check (minutes > 0),
  quote_id uuid,
  rate numeric(14, 4) check (rate >= 0),
  currency text check (currency ~ '^[A-Z]{3}$'),
  note text not null default '',
  user_id bigint not null,
  worked_at timestamptz not null,
  primary key (warehouse_id, id),
  foreign key (warehouse_id, order_id) references work_order (warehouse_id, id) on delete restrict,
  foreign key (warehouse_id, quote_id) references repair_quote (warehouse_id, id) on delete restrict,
  check ((quote_id is null) = (rate is null)),
  check ((rate is null) = (currency is null))
);
create index repair_labour_order on repair_labour (warehouse_id, order_id, id);
create trigger repair_labour_append_only before update or delete or truncate on repair_labour
  for each statement execute function refuse_change();

-- A test of the repaired unit: every check of its class answered. Only a passed one lets the unit leave as repaired.
create table repair_test (
  warehouse_id bigint not null,
  id uuid not null,
  order_id uuid not null,
  turn integer not null check (turn > 0),
  item_class text not null,
  edition text not null,
  answers jsonb not null check (jsonb_typeof(answers) = 'object'),
  passed boolean not null,
  note text not null default '',
  user_id bigint not null,
  tested_at timestamptz not null,
  primary key (warehouse_id, id),
  unique (warehouse_id, order_id, turn),
  foreign key (warehouse_id, order_id) references work_order (warehouse_id, id) on delete restrict
);
create trigger repair_test_append_only before update or delete or truncate on repair_test
  for each statement execute function refuse_change();

-- What was received, shipped to buyers and taken back, movement by movement; a reversal counts against what it reverses.
create view unit_flow as
  select m.warehouse_id, m.owner_id, m.item_id, m.lot_id, m.occurred_at, d.reference,
         case when d.reason in (1, 2) then m.quantity when d.reason = 10 and m.target_id = 1 then -m.quantity else 0 end
           as received,
         case when d.reason = 4 then m.quantity when d.reason = 10 and m.source_id = 2 then -m.quantity else 0 end
           as shipped,
         case when d.reason = 5 then m.quantity when d.reason = 10 and m.target_id = 2 then -m.quantity else 0 end
           as returned
  from movement m join document d on d.warehouse_id = m.warehouse_id and d.document_id = m.document_id
  where m.source_id in (1, 2) or m.target_id in (1, 2);
