-- ---------------------------------------------------------------- lots that were made of others
-- What a lot was made of when goods were transformed: `per` pieces of it hold `pieces` pieces of the input (lot 0: pieces
-- without a lot). What a lot is made of never changes, and a lot is made of older ones only, so that traces end.
create table lot_origin (
  warehouse_id bigint not null references warehouse on delete restrict,
  document_id uuid not null,
  lot_id bigint not null references lot on delete restrict,
  owner_id bigint not null references organisation on delete restrict,
  input_item_id bigint not null references item on delete restrict,
  input_lot_id bigint not null,
  pieces bigint not null check (pieces > 0),
  per bigint not null check (per > 0),
  primary key (warehouse_id, document_id, lot_id, input_item_id, input_lot_id),
  unique (lot_id, input_item_id, input_lot_id),
  foreign key (warehouse_id, document_id) references document on delete restrict,
  check (input_lot_id < lot_id)
);
create index lot_origin_input on lot_origin (input_lot_id) where input_lot_id <> 0;
create trigger lot_origin_append_only before update or delete or truncate on lot_origin
  for each statement execute function refuse_change();

-- Which documents were undone, for the slices above stock.
create view reversed_document as
  select warehouse_id, reverses_id as document_id, document_id as reversal_id from document where reverses_id is not null;

-- ---------------------------------------------------------------- offers
-- One version of what a warehouse offers; the highest version of an offer counts. A job keeps the version it was asked
-- under. Without a price the price is agreed by quote.
create table service_offer (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  offer_id uuid not null,
  version integer not null check (version > 0),
  kind text not null check (
    kind in ('forwarding', 'customs', 'marketing', 'returns', 'repair', 'processing', 'finance')),
  names jsonb not null check (jsonb_typeof(names) = 'object' and names <> '{}'),
  descriptions jsonb not null check (jsonb_typeof(descriptions) = 'object'),
  price numeric(14, 4) check (price >= 0),
  currency text check (currency ~ '^[A-Z]{3}$'),
  unit text not null check (unit <> ''),
  lead_days integer not null check (lead_days between 0 and 365),
  documents text[] not null,
  active boolean not null,
  organisation_id bigint not null,
  user_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (warehouse_id, id),
  constraint service_offer_version unique (warehouse_id, offer_id, version),
  check ((price is null) = (currency is null))
);
create trigger service_offer_append_only before update or delete or truncate on service_offer
  for each statement execute function refuse_change();

-- ---------------------------------------------------------------- jobs
-- A service that an owner asked for. `quote_` is the last quote and what became of it; `result_turn` counts how often a
-- result was reported; `partner_` says to whom the matter was referred.
create table service_job (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  number text not null unique check (number ~ '^S[0-9A-Z]{11}$'),
  kind text not null check (kind in ('forwarding', 'customs', 'marketing', 'processing', 'finance')),
  service_offer_id uuid,
  owner_id bigint not null references organisation on delete restrict,
  stage text not null check (stage in (
    'requested', 'quoted', 'accepted', 'performing', 'done', 'disputed', 'closed', 'refused', 'cancelled')),
  process text check (process in ('kit', 'dekit', 'relabel', 'repack')),
  wish text not null,
  quantity numeric(14, 4) not null check (quantity > 0),
  unit text not null check (unit <> ''),
  wanted_on date,
  return_unit_id uuid,
  quote_price numeric(14, 4) check (quote_price >= 0),
  quote_currency text check (quote_currency ~ '^[A-Z]{3}$'),
  quote_quantity numeric(14, 4) check (quote_quantity > 0),
  quote_amount numeric(16, 4),
  quote_note text,
  quoted_by bigint,
  quoted_at timestamptz,
  quote_expires_at timestamptz,
  answer text check (answer in ('accepted', 'declined', 'expired')),
  answered_by bigint,
  answered_at timestamptz,
  partner text,
  partner_reference text,
  partner_status text check (partner_status in ('sent', 'taken_on', 'papers_wanted', 'running', 'ended', 'declined')),
  result_turn integer not null default 0 check (result_turn >= 0),
  result_quantity numeric(14, 4) check (result_quantity >= 0),
  outcome text check (outcome in ('succeeded', 'partly', 'failed')),
  settlement text check (settlement in ('accepted', 'waived')),
  ending text,
  organisation_id bigint not null,
  user_id bigint not null,
  channel text not null check (channel in ('page', 'api', 'command')),
  request_key text not null,
  request_hash bytea not null,
  revision integer not null default 1,
  requested_at timestamptz not null,
  closed_at timestamptz,
  primary key (warehouse_id, id),
  unique (id),
  unique (organisation_id, request_key),
  foreign key (warehouse_id, service_offer_id) references service_offer (warehouse_id, id) on delete restrict,
  check ((stage in ('closed', 'refused', 'cancelled')) = (closed_at is not null)),
  check ((kind = 'processing') = (process is not null)),
  check (num_nulls(quote_price, quote_currency, quote_quantity, quote_amount, quote_note, quoted_by, quoted_at,
                   quote_expires_at) in (0, 8)),
  check (stage not in ('quoted', 'accepted', 'performing', 'done', 'disputed', 'closed') or quote_price is not null),
  check (stage not in ('accepted', 'performing', 'done', 'disputed', 'closed') or answer is not distinct from 'accepted'),
  check ((result_turn = 0) = (outcome is null)),
  check (stage not in ('done', 'disputed', 'closed') or outcome is not null),
  check ((stage = 'closed') = (settlement is not null))
);
create index service_job_owner on service_job (owner_id, requested_at, id);
create index service_job_time on service_job (warehouse_id, requested_at, id);
create index service_job_quoted on service_job (quote_expires_at) where stage = 'quoted';
create index service_job_return_unit on service_job (warehouse_id, return_unit_id) where return_unit_id is not null;
create trigger service_job_name before update on service_job
  for each row execute function refuse_rename(
    'warehouse_id', 'id', 'number', 'kind', 'owner_id', 'process', 'return_unit_id', 'service_offer_id');
create trigger service_job_stays before delete or truncate on service_job
  for each statement execute function refuse_change();

-- The recipe of light processing, for one run: what goes in and what comes out. The job's quantity counts the runs.
create table recipe_line (
  warehouse_id bigint not null,
  job_id uuid not null,
  line_no integer not null check (line_no > 0),
  side text not null check (side in ('in', 'out')),
  owner_id bigint not null,
  item_id bigint not null,
  lot_id bigint,
  condition smallint not null,
  quantity bigint not null check (quantity > 0),
  primary key (warehouse_id, job_id, line_no),
  foreign key (warehouse_id, job_id) references service_job (warehouse_id, id) on delete restrict,
  foreign key (item_id, owner_id) references item (id, owner_id) on delete restrict
);
create trigger recipe_line_append_only before update or delete or truncate on recipe_line
  for each statement execute function refuse_change();

-- What was done and said on the way; photos are attachments of the step. A transformation names its document in the
-- ledger and how many runs of the recipe it made.
create table job_step (
  warehouse_id bigint not null,
  id uuid not null,
  job_id uuid not null,
  kind text not null check (kind in ('work', 'referral', 'transform', 'undone', 'result', 'dispute', 'settlement')),
  note text not null,
  partner text,
  partner_reference text,
  partner_status text,
  outcome text,
  quantity numeric(14, 4),
  runs bigint check (runs > 0),
  document_id uuid,
  organisation_id bigint not null,
  user_id bigint not null,
  happened_at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  request_key text not null,
  request_hash bytea not null,
  primary key (warehouse_id, id),
  unique (warehouse_id, organisation_id, request_key),
  foreign key (warehouse_id, job_id) references service_job (warehouse_id, id) on delete restrict,
  check ((kind in ('transform', 'undone')) = (document_id is not null)),
  check ((kind in ('transform', 'undone')) = (runs is not null))
);
create index job_step_job on job_step (warehouse_id, job_id, id);
create trigger job_step_append_only before update or delete or truncate on job_step
  for each statement execute function refuse_change();

-- A document of a job and what kind of document it is; the file is its attachment.
create table job_document (
  warehouse_id bigint not null,
  id uuid not null,
  job_id uuid not null,
  kind text not null check (kind <> ''),
  organisation_id bigint not null,
  user_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (warehouse_id, id),
  foreign key (warehouse_id, job_id) references service_job (warehouse_id, id) on delete restrict
);
create index job_document_job on job_document (warehouse_id, job_id, id);
create trigger job_document_append_only before update or delete or truncate on job_document
  for each statement execute function refuse_change();

-- ---------------------------------------------------------------- pledges
-- Goods that secure a loan. They are held from the beginning. Until the pledgee has agreed through its link, the owner may
-- withdraw; when it agrees it alone learns the release code. The database itself knows the code when it sees it: a
-- released pledge carries a value whose hash is `code_hash`, and without a released pledge its holds cannot be lifted.
create table pledge (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  number text not null unique check (number ~ '^P[0-9A-Z]{11}$'),
  owner_id bigint not null references organisation on delete restrict,
  job_id uuid,
  pledgee text not null check (pledgee <> ''),
  contact text not null,
  reference text not null,
  state text not null check (state in ('offered', 'agreed', 'released', 'withdrawn')),
  link_hash bytea not null unique check (length(link_hash) = 32),
  offered_by bigint not null,
  offered_at timestamptz not null,
  agreed_name text,
  agreed_at timestamptz,
  code_hash bytea check (length(code_hash) = 32),
  wrong_codes integer not null default 0,
  closed_until timestamptz,
  released_with bytea,
  ended_by bigint,
  ended_at timestamptz,
  ended_note text,
  request_key text not null,
  request_hash bytea not null,
  primary key (warehouse_id, id),
  unique (id),
  unique (owner_id, request_key),
  foreign key (warehouse_id, job_id) references service_job (warehouse_id, id) on delete restrict,
  constraint pledge_agreed check ((state in ('agreed', 'released')) = (code_hash is not null)),
  constraint pledge_agreed_by check (num_nulls(code_hash, agreed_name, agreed_at) in (0, 3)),
  constraint pledge_released check (case when state = 'released'
    then released_with is not null and sha256(released_with) = code_hash else released_with is null end),
  constraint pledge_ended check ((state in ('released', 'withdrawn')) = (ended_at is not null))
);
create index pledge_owner on pledge (owner_id, offered_at, id);
create index pledge_time on pledge (warehouse_id, offered_at, id);
create trigger pledge_name before update on pledge
  for each row execute function refuse_rename(
    'warehouse_id', 'id', 'number', 'owner_id', 'pledgee', 'link_hash', 'offered_at');
create trigger pledge_stays before delete or truncate on pledge
  for each statement execute function refuse_change();

-- A pledge goes one way only, and the code that was agreed stays.
create function pledge_goes_on() returns trigger language plpgsql as $$
begin
  if old.code_hash is not null and new.code_hash is distinct from old.code_hash
     or old.state <> new.state and (old.state, new.state) not in (
       ('offered', 'agreed'), ('offered', 'withdrawn'), ('agreed', 'released')) then
    raise exception using errcode = '55000',
      message = format('pledge %s cannot go from %s to %s', old.number, old.state, new.state);
  end if;
  return new;
end $$;
create trigger pledge_goes_on before update on pledge for each row execute function pledge_goes_on();

create table pledge_line (
  warehouse_id bigint not null,
  pledge_id uuid not null,
  hold_id uuid not null,
  primary key (warehouse_id, pledge_id, hold_id),
  unique (warehouse_id, hold_id),
  foreign key (warehouse_id, pledge_id) references pledge (warehouse_id, id) on delete restrict,
  foreign key (warehouse_id, hold_id) references hold (warehouse_id, id) on delete restrict
);
create trigger pledge_line_append_only before update or delete or truncate on pledge_line
  for each statement execute function refuse_change();

create view pledged_goods as
  select l.warehouse_id, l.pledge_id, h.id as hold_id, h.owner_id, h.item_id, h.lot_id, h.location_id, h.condition,
         h.quantity, h.released_at
  from pledge_line l join hold h on h.warehouse_id = l.warehouse_id and h.id = l.hold_id;

-- What is held stays what it was said to be; only its release is added. A pledge's holds end with the pledge.
create trigger hold_name before update on hold
  for each row execute function refuse_rename(
    'warehouse_id', 'id', 'owner_id', 'item_id', 'lot_id', 'location_id', 'condition', 'quantity', 'reason',
    'organisation_id', 'placed_at');
create trigger hold_stays before delete or truncate on hold for each statement execute function refuse_change();
create function hold_pledged() returns trigger language plpgsql as $$
begin
  if new.released_at is not null and not exists (
    select from pledge_line l join pledge p on p.warehouse_id = l.warehouse_id and p.id = l.pledge_id
    where l.warehouse_id = new.warehouse_id and l.hold_id = new.id and p.state in ('released', 'withdrawn')) then
    raise exception using errcode = '55000', message = format('hold %s is pledged', new.id);
  end if;
  return new;
end $$;
create trigger hold_pledged before update on hold
  for each row when (old.reason = 'pledge') execute function hold_pledged();

-- ---------------------------------------------------------------- inventory statements
-- What lay in a warehouse at an instant, as it was certified for somebody: the very text, and its SHA-256.
create table inventory_statement (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  number text not null unique check (number ~ '^N[0-9A-Z]{11}$'),
  owner_id bigint not null references organisation on delete restrict,
  as_at timestamptz not null,
  purpose text not null,
  content text not null,
  hash bytea not null check (hash = sha256(convert_to(content, 'UTF8'))),
  organisation_id bigint not null,
  user_id bigint not null,
  made_at timestamptz not null default clock_timestamp(),
  request_key text not null,
  request_hash bytea not null,
  primary key (warehouse_id, id),
  unique (id),
  unique (organisation_id, request_key)
);
create index inventory_statement_owner on inventory_statement (owner_id, made_at, id);
create index inventory_statement_time on inventory_statement (warehouse_id, made_at, id);
create trigger inventory_statement_append_only before update or delete or truncate on inventory_statement
  for each statement execute function refuse_change();
