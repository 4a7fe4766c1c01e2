-- A network of any size, booked set by set. Variables: warehouses, bins (of each), exporters, items (of each), places
-- (bins of a warehouse in which each item lies), quantity (in each), token (of the operator), session (of everybody,
-- followed by the kind of organisation).
-- Triggers are off while it is made; `differences` proves the book afterwards.
set session_replication_role = replica;
begin;

insert into organisation (code, kind, names)
select code, kind, jsonb_build_object('en', code)
from (values ('LOAD-OPERATOR', 'operator'), ('LOAD-COMMITTEE', 'committee')) o (code, kind)
union all
select 'LOAD-EXPORTER-' || n, 'exporter', jsonb_build_object('en', 'Exporter ' || n) from generate_series(1, :exporters) n;

insert into user_account (email, name, language, time_zone)
values ('operator@load.example', 'Operator', 'en', 'UTC'), ('committee@load.example', 'Committee', 'en', 'UTC');
insert into membership (user_id, organisation_id, roles)
select u.id, o.id, case o.kind when 'operator' then '{operator_manager}' else '{administrator}' end::text[]
from user_account u join organisation o on o.kind = split_part(u.email, '@', 1);

insert into api_token (id, token_hash, user_id, organisation_id, name, scopes, expires_at)
select gen_random_uuid(), sha256(:'token'), user_id, organisation_id, 'load', '{stock:read,stock:post}', 'infinity'
from membership where roles = '{operator_manager}';
insert into user_session (id, token_hash, user_id, organisation_id, user_agent, expires_at)
select gen_random_uuid(), sha256(convert_to(:'session' || o.kind, 'utf8')), m.user_id, o.id, 'load', 'infinity'
from membership m join organisation o on o.id = m.organisation_id;

insert into warehouse (code, names, operator_id, country, city, address, latitude, longitude, time_zone, area_m2,
                       capacity_m3, taxonomy, status)
select 'LOAD-' || n, jsonb_build_object('en', 'Load ' || n), o.id, 'DE', '{"en": "Hamburg"}', '', 53.55, 9.99,
       'Europe/Berlin', 1000, 1000, 'public', 'listed'
from organisation o, generate_series(1, :warehouses) n where o.kind = 'operator' order by n;
insert into location (warehouse_id, code, kind)
select w.id, 'B' || n, 'bin' from warehouse w, generate_series(0, :bins - 1) n order by w.id, n;
insert into item (owner_id, code, names)
select o.id, 'ITEM-' || n, jsonb_build_object('en', 'Item ' || n, 'zh', '商品' || n)
from organisation o, generate_series(0, :items - 1) n where o.kind = 'exporter' order by o.id, n;

-- One opening document a warehouse and exporter; item n lies in bins n, n + 1 ... (modulo their number).
create temporary table opening on commit drop as
select w.id as warehouse_id, gen_random_uuid() as document_id, o.id as owner_id, w.operator_id
from warehouse w, organisation o where o.kind = 'exporter';
insert into document (warehouse_id, document_id, organisation_id, request_key, request_hash, reason, actor_id, channel,
                      reference, note, occurred_at)
select warehouse_id, document_id, operator_id, 'opening ' || owner_id, '', 2, 0, 3, '', '', now() - interval '1 day'
from opening;
insert into movement (warehouse_id, document_id, line_no, owner_id, item_id, lot_id, source_id, target_id, condition,
                      target_condition, quantity, occurred_at)
select w.warehouse_id, w.document_id, row_number() over (partition by w.document_id order by i.id, p), w.owner_id, i.id,
       0, 1, l.id, 1, 1, :quantity, now() - interval '1 day'
from opening w
join item i on i.owner_id = w.owner_id
cross join generate_series(0, :places - 1) p
join location l on l.warehouse_id = w.warehouse_id and l.code = 'B' || (i.id + p) % :bins
order by w.warehouse_id, w.document_id;
insert into balance (warehouse_id, owner_id, item_id, lot_id, location_id, condition, on_hand, delta)
select warehouse_id, owner_id, item_id, 0, target_id, 1, quantity, quantity from movement
order by warehouse_id, owner_id, item_id, target_id;

commit;
vacuum analyze;
