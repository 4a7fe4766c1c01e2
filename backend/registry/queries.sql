-- name: warehouse
select w.id, w.code, w.names, w.operator_id, o.code as operator_code, o.names as operator_names, w.country, w.city,
  w.address, w.latitude, w.longitude, w.time_zone, w.area_m2, w.capacity_m3, w.taxonomy, w.status, w.revision
from warehouse w join organisation o on o.id = w.operator_id
where w.code = $1

-- name: countries
select distinct country from warehouse where status <> 'draft' or $1 or operator_id = $2 order by country

-- name: history
select j.id, j.at, j.action, j.before, j.after, u.name as actor
from journal j left join user_account u on u.id = j.actor_id
where j.subject = 'warehouse' and j.subject_id = $1
order by j.id desc limit $2

-- name: organisation
select id, code, kind, names, active from organisation
where code = $1 and ($2 or kind = any($3::text[]) or id = $4)

-- name: organisations
select id, code, kind, names, active from organisation
where kind = $1 and active order by code limit 500

-- name: owners_held
with recursive held (warehouse_id, owner_id) as (
  select w, (select h.owner_id from item_in_warehouse h where h.warehouse_id = w order by h.owner_id limit 1)
  from unnest($1::bigint[]) w
  union all
  select held.warehouse_id, (
    select h.owner_id from item_in_warehouse h
    where h.warehouse_id = held.warehouse_id and h.owner_id > held.owner_id order by h.owner_id limit 1)
  from held where held.owner_id is not null
)
select o.id, o.code, o.kind, o.names, o.active from organisation o
where o.id in (select owner_id from held) order by o.code

-- name: barcode_bearers
select item_id from barcode where code = $1 and ($2::bigint is null or owner_id = $2) limit 500

-- name: location_kinds
select kind, count(*) as count from location where warehouse_id = $1 group by kind

-- name: parents
select code, kind from location
where warehouse_id = $1 and kind in ('zone', 'aisle') order by code limit 500

-- name: existing_locations
select count(*) from location where warehouse_id = $1 and code = any($2::text[])

-- name: item
select i.id, i.owner_id, o.code as owner_code, o.names as owner_names, i.code, i.names, i.hs_code, i.weight_kg,
  i.length_cm, i.width_cm, i.height_cm, i.revision,
  array(select b.code from barcode b where b.item_id = i.id and b.kind = 'gtin' order by b.id) as gtins,
  array(select b.code from barcode b where b.item_id = i.id and b.kind = 'own' order by b.id) as own_barcodes
from item i join organisation o on o.id = i.owner_id
where i.id = $1

-- name: was_held
select exists (select from item_in_warehouse h where h.warehouse_id = any($1::bigint[]) and h.owner_id = $2 and h.item_id = $3)
