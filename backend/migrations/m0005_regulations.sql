-- The committee's own editions of rules, over those that ship as files: every row is one state of one edition, the latest
-- (highest `version`) counts. `edition` is its first day, or 'undated'; `content` is the edition as a file would say it,
-- null once it is withdrawn.
create table rule_edition (
  rule_id text not null check (rule_id ~ '^[A-Z][A-Z0-9]*(-[A-Z0-9]+){1,5}$'),
  edition text not null check (edition ~ '^([0-9]{4}-[0-9]{2}-[0-9]{2}|undated)$'),
  version integer not null check (version > 0),
  act text not null check (act in ('added', 'corrected', 'ended', 'withdrawn')),
  content jsonb,
  note text not null check (note <> ''),
  actor_id bigint not null,
  organisation_id bigint not null,
  request_key text not null check (request_key <> ''),
  request_hash bytea not null,
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (rule_id, edition, version),
  unique (organisation_id, request_key),
  check ((act = 'withdrawn') = (content is null))
);
create trigger rule_edition_append_only before update or delete or truncate on rule_edition
  for each statement execute function refuse_change();

-- What an exporter knows of a declaration line beyond its lots. Who changed what is in the journal.
create table declaration_fact (
  owner_id bigint not null references organisation on delete restrict,
  declaration_no text not null check (declaration_no <> ''),
  declaration_line integer not null check (declaration_line > 0),
  supervision_code text check (supervision_code ~ '^[0-9]{4}$'),
  exported_on date,
  released_on date,
  left_area_on date,
  settled_on date,
  sold_on date,
  filed_on date,
  accounted_on date,
  evidence_on date,
  customs_area text check (customs_area ~ '^[0-9]{4}$'),
  is_food boolean,
  refund_taken boolean,
  revision integer not null default 1 check (revision > 0),
  changed_at timestamptz not null default clock_timestamp(),
  primary key (owner_id, declaration_no, declaration_line)
);

-- A declaration line with all lots that left the country under it. What its lots say differently is null here and counted.
create index lot_declaration on lot (owner_id, declaration_no, declaration_line) where declaration_no is not null;
create view declaration_line as
  select owner_id, declaration_no, declaration_line, count(*) as lots, min(item_id) as item_id,
         count(distinct item_id) as items,
         case when count(distinct exported_on) = 1 then min(exported_on) end as exported_on,
         case when count(distinct supervision_code) = 1 then min(supervision_code) end as supervision_code,
         count(distinct exported_on) > 1 as dates_differ,
         count(distinct supervision_code) > 1 as codes_differ
  from lot where declaration_no is not null group by owner_id, declaration_no, declaration_line;
