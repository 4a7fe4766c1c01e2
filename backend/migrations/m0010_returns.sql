-- What was shipped to a buyer, movement by movement, for the slices above stock.
create view shipped as
  select m.warehouse_id, m.document_id, m.line_no, m.owner_id, m.item_id, m.lot_id, m.condition, m.quantity,
         m.occurred_at, d.reference
  from movement m join document d on d.warehouse_id = m.warehouse_id and d.document_id = m.document_id
  where m.target_id = 2 and d.reason = 4
    and not exists (select from document r where r.warehouse_id = d.warehouse_id and r.reverses_id = d.document_id);
create index document_reference on document (warehouse_id, reference) where reference <> '';

-- What a request key has booked already, for the slices above stock: a repeated step finds its first answer.
create view posted as
  select warehouse_id, organisation_id, request_key, request_hash, document_id from document;

-- What a warehouse's returns desk takes on. `countries` are those it takes parcels from; empty is everywhere.
create table return_desk (
  warehouse_id bigint primary key references warehouse on delete restrict,
  active boolean not null,
  kinds text[] not null check (kinds <> '{}'),
  capabilities text[] not null,
  countries text[] not null default '{}',
  daily_units integer not null check (daily_units > 0),
  revision integer not null default 1,
  changed_at timestamptz not null default clock_timestamp()
);

-- What an owner has agreed beforehand: how long it has to decide, and what happens to each grade when it does not. The
-- latest row counts; without one, units wait for their owner.
create table return_terms (
  owner_id bigint not null references organisation on delete restrict,
  id uuid not null,
  decide_days integer not null check (decide_days between 1 and 90),
  defaults jsonb not null check (jsonb_typeof(defaults) = 'object'),
  user_id bigint not null,
  agreed_at timestamptz not null default clock_timestamp(),
  primary key (owner_id, id)
);
create trigger return_terms_append_only before update or delete or truncate on return_terms
  for each statement execute function refuse_change();

-- A return merchandise authorisation: goods that an owner expects back at a warehouse. `stage` follows its units.
create table rma (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  number text not null unique check (number ~ '^R[0-9A-Z]{11}$'),
  owner_id bigint not null references organisation on delete restrict,
  kind text not null check (kind in ('buyer', 'undeliverable', 'removal', 'recall', 'unsold')),
  reason text not null check (reason <> ''),
  stage text not null check (stage in ('booked', 'receiving', 'grading', 'deciding', 'working', 'closed', 'cancelled')),
  reference text not null default '',
  note text not null default '',
  country text check (country ~ '^[A-Z]{2}$'),
  city text not null default '',
  latitude numeric(8, 5),
  longitude numeric(8, 5),
  home_area text check (home_area ~ '^[0-9]{4}$'),
  proposal jsonb not null default '{}',
  organisation_id bigint not null,
  user_id bigint not null,
  channel text not null check (channel in ('page', 'api', 'command')),
  request_key text not null,
  request_hash bytea not null,
  revision integer not null default 1,
  booked_at timestamptz not null default clock_timestamp(),
  expected_on date,
  received_at timestamptz,
  closed_at timestamptz,
  primary key (warehouse_id, id),
  unique (id),
  unique (organisation_id, request_key),
  check ((stage in ('closed', 'cancelled')) = (closed_at is not null))
);
create index rma_owner on rma (owner_id, booked_at, id);
create index rma_time on rma (warehouse_id, booked_at, id);
create index rma_booked on rma (booked_at, id);
create index rma_reference on rma (reference, owner_id) where reference <> '';
create trigger rma_name before update of warehouse_id, id, number, owner_id, kind on rma
  for each row execute function refuse_rename('warehouse_id', 'id', 'number', 'owner_id', 'kind');

-- What of one item comes back. A line of basis `shipped` names the movement to the buyer, `unsold` lies in the warehouse,
-- `paper` has only the buyer's word and is investigated. Each step is capped by the one before it. `missing` are pieces that
-- did not come, as whoever closed the receipt found; a `surplus` line was made for pieces that came without being booked.
create table rma_line (
  warehouse_id bigint not null,
  rma_id uuid not null,
  line_no integer not null check (line_no > 0),
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint not null,
  quantity bigint not null check (quantity > 0),
  basis text not null check (basis in ('shipped', 'unsold', 'paper')),
  sale_warehouse_id bigint,
  sale_document_id uuid,
  sale_line_no integer,
  location_id bigint,
  condition smallint,
  serials text[] not null default '{}',
  note text not null default '',
  investigation text check (investigation in ('open', 'accepted', 'refused')),
  investigation_note text not null default '',
  investigated_by bigint,
  investigated_at timestamptz,
  received bigint not null default 0,
  graded bigint not null default 0,
  disposed bigint not null default 0,
  refunded bigint not null default 0,
  missing bigint not null default 0 check (missing >= 0),
  surplus boolean not null default false,
  primary key (warehouse_id, rma_id, line_no),
  foreign key (warehouse_id, rma_id) references rma (warehouse_id, id) on delete restrict,
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict,
  constraint rma_line_received check (received between 0 and quantity - missing),
  constraint rma_line_graded check (graded between 0 and received),
  constraint rma_line_disposed check (disposed between 0 and graded),
  constraint rma_line_refunded check (refunded between 0 and disposed),
  check ((basis = 'shipped') = (sale_document_id is not null)),
  check ((basis = 'unsold') = (location_id is not null)),
  check ((basis = 'paper') = (investigation is not null)),
  check ((investigation in ('accepted', 'refused')) = (investigated_at is not null)),
  constraint rma_line_refused check (investigation is distinct from 'refused' or received = 0)
);
create index rma_line_item on rma_line (item_id, rma_id);
-- What waits at a desk, for routing: pieces on their way and pieces to be graded. A line that is refused or cancelled has
-- all that did not come under `missing`.
create index rma_line_open on rma_line (warehouse_id) include (quantity, received, graded, missing)
  where graded < quantity - missing;
create index rma_line_doubtful on rma_line (warehouse_id, rma_id) where investigation = 'open';
create index rma_line_serials on rma_line using gin (serials) where serials <> '{}';

-- How many pieces of a shipped movement are claimed by returns: never more than were shipped, whoever books at the same time.
create table return_claim (
  warehouse_id bigint not null,
  document_id uuid not null,
  line_no integer not null,
  shipped bigint not null check (shipped > 0),
  claimed bigint not null,
  primary key (warehouse_id, document_id, line_no),
  constraint return_claim_shipped check (claimed between 0 and shipped)
);

create table rma_parcel (
  warehouse_id bigint not null,
  rma_id uuid not null,
  parcel_no integer not null check (parcel_no > 0),
  tracking_no text,
  carrier text not null default '',
  arrived_at timestamptz,
  arrived_by bigint,
  unpacked_at timestamptz,
  primary key (warehouse_id, rma_id, parcel_no),
  foreign key (warehouse_id, rma_id) references rma (warehouse_id, id) on delete restrict
);
create index rma_parcel_tracking on rma_parcel (tracking_no, warehouse_id) where tracking_no is not null;

-- A parcel that nobody announced. It waits to be matched with a return until its stage is due.
create table blind_parcel (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  number text not null unique check (number ~ '^B[0-9A-Z]{11}$'),
  tracking_no text not null default '',
  carrier text not null default '',
  sender text not null default '',
  contents text not null default '',
  state text not null check (state in ('waiting', 'matched', 'discarded')),
  user_id bigint not null,
  arrived_at timestamptz not null,
  due_at timestamptz not null,
  rma_id uuid,
  parcel_no integer,
  settled_at timestamptz,
  settled_by bigint,
  settled_note text,
  request_key text not null,
  request_hash bytea not null,
  primary key (warehouse_id, id),
  unique (warehouse_id, request_key),
  check ((state = 'matched') = (rma_id is not null)),
  check ((rma_id is null) = (parcel_no is null)),
  check ((state = 'waiting') = (settled_at is null))
);
create index blind_parcel_tracking on blind_parcel (warehouse_id, tracking_no) where tracking_no <> '';
create index blind_parcel_time on blind_parcel (warehouse_id, arrived_at, id);

-- What came back: one unit, or several of one item that are treated alike. A unit with a serial, or one that is repaired,
-- stands alone. `location_id` and `condition` are where the ledger has it.
create table return_unit (
  warehouse_id bigint not null,
  id uuid not null,
  rma_id uuid not null,
  line_no integer not null,
  unit_no integer not null check (unit_no > 0),
  code text not null check (code ~ '^R[0-9A-Z]{11}U[0-9]+$'),
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint not null,
  quantity bigint not null check (quantity > 0),
  serial text check (serial <> ''),
  state text not null check (state in ('received', 'graded', 'decided', 'disposed', 'reversed')),
  location_id bigint not null,
  condition smallint not null,
  receipt_document_id uuid not null,
  received_at timestamptz not null,
  received_by bigint not null,
  inspection_id uuid,
  grade text check (grade in ('A', 'B', 'C', 'D')),
  regrade text not null default 'none' check (regrade in ('none', 'asked', 'done')),
  regrade_note text not null default '',
  disposition_id uuid,
  disposition text check (disposition in ('RESTOCK', 'RELABEL', 'REPAIR', 'SECOND', 'SEND_HOME', 'DONATE', 'SCRAP')),
  altered boolean not null default false,
  primary key (warehouse_id, id),
  unique (warehouse_id, rma_id, unit_no),
  unique (code),
  foreign key (warehouse_id, rma_id, line_no) references rma_line (warehouse_id, rma_id, line_no) on delete restrict,
  check (serial is null or quantity = 1),
  check ((state in ('received', 'reversed')) or grade is not null),
  check ((state in ('decided', 'disposed')) = (disposition is not null))
);
create index return_unit_work on return_unit (warehouse_id, received_at, id) where state in ('received', 'graded', 'decided');
create index return_unit_decide on return_unit (owner_id, received_at, id) where state in ('received', 'graded', 'decided');
create index return_unit_serial on return_unit (owner_id, item_id, serial) where serial is not null;
-- Units that are here and not done yet lie among the stock: what is planned from the shelf leaves them alone.
create index return_unit_goods on return_unit (warehouse_id, item_id)
  where state in ('received', 'graded', 'decided');
create unique index return_unit_one_serial on return_unit (owner_id, item_id, serial)
  where serial is not null and state in ('received', 'graded', 'decided');

-- A look at a unit: answers, grade, grader and time; photos are attachments. `document_id` is its movement in the ledger,
-- when it changed place or condition; `previous_id` the look that it replaces.
create table inspection (
  warehouse_id bigint not null,
  id uuid not null,
  unit_id uuid not null,
  turn integer not null check (turn > 0),
  previous_id uuid,
  item_class text not null,
  edition text not null,
  answers jsonb not null check (jsonb_typeof(answers) = 'object'),
  grade text not null check (grade in ('A', 'B', 'C', 'D')),
  note text not null default '',
  user_id bigint not null,
  graded_at timestamptz not null,
  document_id uuid,
  request_key text not null,
  request_hash bytea not null,
  primary key (warehouse_id, id),
  unique (warehouse_id, unit_id, turn),
  unique (warehouse_id, request_key),
  foreign key (warehouse_id, unit_id) references return_unit (warehouse_id, id) on delete restrict,
  foreign key (warehouse_id, previous_id) references inspection (warehouse_id, id) on delete restrict,
  check ((turn = 1) = (previous_id is null))
);
create index inspection_grader on inspection (warehouse_id, user_id, graded_at);
create index inspection_again on inspection (warehouse_id, graded_at, previous_id) where previous_id is not null;
create trigger inspection_append_only before update or delete or truncate on inspection
  for each statement execute function refuse_change();

-- What its owner decided for a unit (or the default that was agreed), and how it was carried out, once.
create table disposition (
  warehouse_id bigint not null,
  id uuid not null,
  unit_id uuid not null,
  kind text not null check (kind in ('RESTOCK', 'RELABEL', 'REPAIR', 'SECOND', 'SEND_HOME', 'DONATE', 'SCRAP')),
  decided_as text not null check (decided_as in ('owner', 'default')),
  decided_by bigint,
  decided_at timestamptz not null,
  note text not null default '',
  request_key text,
  executed_by bigint,
  executed_at timestamptz,
  document_id uuid,
  line_no integer,
  follow_up text check (follow_up in ('work_order', 'service_job', 'batch', 'destruction')),
  follow_up_id uuid,
  revoked_by bigint,
  revoked_at timestamptz,
  revoked_note text,
  primary key (warehouse_id, id),
  foreign key (warehouse_id, unit_id) references return_unit (warehouse_id, id) on delete restrict,
  check ((executed_at is null) = (document_id is null)),
  check (decided_as = 'default' or decided_by is not null)
);
create unique index disposition_live on disposition (warehouse_id, unit_id) where revoked_at is null;
create index disposition_open on disposition (warehouse_id, kind, id) where executed_at is null and revoked_at is null;
create trigger disposition_stays before delete or truncate on disposition
  for each statement execute function refuse_change();
create trigger disposition_name before update of warehouse_id, id, unit_id, kind, decided_as, decided_by, decided_at on disposition
  for each row execute function refuse_rename('warehouse_id', 'id', 'unit_id', 'kind', 'decided_as', 'decided_by', 'decided_at');

-- Money given back to a buyer for a line, as its owner records it.
create table refund (
  warehouse_id bigint not null,
  id uuid not null,
  rma_id uuid not null,
  line_no integer not null,
  quantity bigint not null check (quantity > 0),
  amount numeric(14, 2) not null check (amount >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  reference text not null default '',
  refunded_on date not null,
  user_id bigint not null,
  recorded_at timestamptz not null default clock_timestamp(),
  reversed_at timestamptz,
  reversed_by bigint,
  reversed_note text,
  request_key text not null,
  request_hash bytea not null,
  primary key (warehouse_id, id),
  unique (warehouse_id, request_key),
  foreign key (warehouse_id, rma_id, line_no) references rma_line (warehouse_id, rma_id, line_no) on delete restrict
);
create index refund_rma on refund (warehouse_id, rma_id);

-- Goods of one owner that go home together, from returns or straight from stock: collected by the owner until it is ready,
-- then packed and sent by the warehouse. `changed_key` and `changed_hash` are the request that changed it last, so that the
-- same request again changes nothing.
create table home_batch (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  number text not null unique check (number ~ '^H[0-9A-Z]{11}$'),
  owner_id bigint not null references organisation on delete restrict,
  stage text not null check (stage in ('open', 'ready', 'packed', 'sent', 'arrived', 'cancelled')),
  home_area text not null check (home_area ~ '^[0-9]{4}$'),
  cause text not null check (cause in ('unsold', 'return')),
  planned_on date not null,
  statement text not null default '',
  carrier text not null default '',
  transport_no text not null default '',
  return_declaration_no text not null default '',
  dispatch_document_id uuid,
  arrival_document_id uuid,
  organisation_id bigint not null,
  user_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  packed_at timestamptz,
  sent_at timestamptz,
  arrived_at timestamptz,
  revision integer not null default 1,
  request_key text not null,
  request_hash bytea not null,
  changed_key text not null default '',
  changed_hash bytea not null default '',
  primary key (warehouse_id, id),
  unique (id),
  unique (organisation_id, request_key),
  check ((sent_at is null) = (dispatch_document_id is null)),
  check ((arrived_at is null) = (arrival_document_id is null)),
  check ((stage in ('sent', 'arrived')) = (dispatch_document_id is not null)),
  check ((stage = 'arrived') = (arrival_document_id is not null))
);
create index home_batch_owner on home_batch (owner_id, created_at, id);
create index home_batch_time on home_batch (warehouse_id, created_at, id);
create trigger home_batch_name before update on home_batch
  for each row execute function refuse_rename('warehouse_id', 'id', 'number', 'owner_id', 'cause');

-- What goes home: a unit that its owner decided to send home, or pieces that lie in the warehouse. `eligibility` is what
-- the rules said for the planned day; `taxed_agreed_by` has agreed that duty and tax are paid. `packed` is what was found
-- and put in (0: left behind), `location_id` where it was taken from. A line of a cancelled batch is not live any more.
create table home_line (
  warehouse_id bigint not null,
  batch_id uuid not null,
  line_no integer not null check (line_no > 0),
  unit_id uuid,
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint not null,
  location_id bigint not null,
  condition smallint not null,
  quantity bigint not null check (quantity > 0),
  eligibility jsonb not null default '{}' check (jsonb_typeof(eligibility) = 'object'),
  taxed_agreed_by bigint,
  packed bigint,
  arrived bigint not null default 0,
  live boolean not null default true,
  primary key (warehouse_id, batch_id, line_no),
  foreign key (warehouse_id, batch_id) references home_batch (warehouse_id, id) on delete restrict,
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict,
  check (packed between 0 and quantity),
  check (arrived between 0 and coalesce(packed, 0)),
  check (unit_id is null or packed is null or packed in (0, quantity))
);
-- A unit goes home once.
create unique index home_line_unit on home_line (warehouse_id, unit_id) where unit_id is not null and live;
create index home_line_goods on home_line (warehouse_id, owner_id, item_id, lot_id) where unit_id is null and live;

-- Goods that came out of a workshop or were made in a job: whether they are as they were exported is for a person to say.
create view worked_on as
  select m.warehouse_id, m.owner_id, m.item_id, m.lot_id
  from movement m
  left join location l on l.warehouse_id = m.warehouse_id and l.id = m.source_id and l.kind = 'workshop'
  where l.id is not null or m.source_id = 7;

-- Proof that goods were destroyed (or given away): photos are attachments.
create table destruction (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  number text not null unique check (number ~ '^D[0-9A-Z]{11}$'),
  owner_id bigint not null references organisation on delete restrict,
  kind text not null check (kind in ('SCRAP', 'DONATE')),
  method text not null check (method <> ''),
  witness text not null default '',
  place text not null default '',
  destroyed_at timestamptz not null,
  document_id uuid not null,
  user_id bigint not null,
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (warehouse_id, id),
  unique (id)
);
create trigger destruction_append_only before update or delete or truncate on destruction
  for each statement execute function refuse_change();
