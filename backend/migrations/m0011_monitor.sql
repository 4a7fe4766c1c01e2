-- Documents of the ledger with what undid them, and their lines, for the monitor: reversals are no rows of their own.
create view booked_document as
  select d.warehouse_id, d.document_id, d.reason, d.reference, d.recorded_at, r.document_id as reversal_id,
         r.recorded_at as reversed_at
  from document d
  left join document r on r.warehouse_id = d.warehouse_id and r.reverses_id = d.document_id
  where d.reverses_id is null;
create view booked_line as
  select warehouse_id, document_id, owner_id, item_id, source_id, target_id, target_condition, quantity from movement;
-- Documents that name a return, batch, repair or job, by the day on which they were booked; reversals likewise.
create index document_of_rooms on document (warehouse_id, recorded_at)
  where reference ~ '^[RHWS][0-9A-Z]{11}$' and reverses_id is null;
create index document_reversal on document (warehouse_id, recorded_at) where reverses_id is not null;
create view reversal as
  select warehouse_id, recorded_at, reverses_id as document_id from document where reverses_id is not null;
create index disposition_unit on disposition (warehouse_id, unit_id);
-- What was done on a day lies together: one small entry for many rows.
create index return_unit_received on return_unit using brin (received_at) with (autosummarize = on);
create index inspection_graded on inspection using brin (graded_at) with (autosummarize = on);
create index disposition_executed on disposition using brin (executed_at) with (autosummarize = on);
create index part_use_used on part_use using brin (used_at) with (autosummarize = on);
create index job_step_recorded on job_step using brin (recorded_at) with (autosummarize = on);

-- One pairing of a warehouse's day: how many effects rooms claim, how many documents name a room, how many do not fit. A
-- day may be paired again; the latest counts.
create table reconciliation (
  warehouse_id bigint not null references warehouse on delete restrict,
  id uuid not null,
  day date not null,
  effects bigint not null check (effects >= 0),
  documents bigint not null check (documents >= 0),
  orphans bigint not null check (orphans >= 0),
  made_at timestamptz not null default clock_timestamp(),
  primary key (warehouse_id, id)
);
create index reconciliation_day on reconciliation (warehouse_id, day, made_at);
create index reconciliation_time on reconciliation (made_at, warehouse_id, id);
create trigger reconciliation_append_only before update or delete or truncate on reconciliation
  for each statement execute function refuse_change();

-- What does not fit: the row of a room (`effect`) or, where that is empty, a document without a row. `expected` pieces are
-- those of the room, `found` those of the ledger or the charges.
create table orphan (
  warehouse_id bigint not null,
  reconciliation_id uuid not null,
  line_no integer not null check (line_no > 0),
  wrong text not null check (wrong in ('no_document', 'no_row', 'not_reversed', 'reversed_only', 'other_quantity',
                                       'other_ends', 'other_charge')),
  effect text not null,
  subject text not null check (subject in ('return', 'batch', 'repair', 'service')),
  subject_id uuid not null,
  number text not null,
  owner_id bigint not null,
  item_id bigint,
  document_id uuid,
  reason smallint,
  expected bigint,
  found bigint,
  primary key (warehouse_id, reconciliation_id, line_no),
  foreign key (warehouse_id, reconciliation_id) references reconciliation (warehouse_id, id) on delete restrict
);
create trigger orphan_append_only before update or delete or truncate on orphan
  for each statement execute function refuse_change();
