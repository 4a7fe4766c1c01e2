-- name: new_warehouse
insert into warehouse (code, operator_id, names, country, city, address, latitude, longitude, time_zone, area_m2, capacity_m3,
  taxonomy, status)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'draft')
on conflict (code) do nothing returning id

-- name: edited_warehouse
update warehouse set names = $3, country = $4, city = $5, address = $6, latitude = $7, longitude = $8, time_zone = $9,
  area_m2 = $10, capacity_m3 = $11, taxonomy = $12, operator_id = $13, revision = revision + 1
where id = $1 and revision = $2 returning revision

-- name: moved_warehouse
update warehouse set status = $3, revision = revision + 1 where id = $1 and revision = $2 returning revision

-- name: holds_stock
select exists (select from item_in_warehouse where warehouse_id = $1 and present)

-- name: new_locations
with made as (
  insert into location (warehouse_id, code, kind, parent_id)
  select $1, u.code, $2, $3 from unnest($4::text[]) with ordinality as u(code, n) order by u.n
  on conflict (warehouse_id, code) do nothing returning 1
)
select count(*) from made

-- name: first_locations
insert into location (warehouse_id, code, kind) select $1, code, kind from unnest($2::text[], $3::text[]) as u(code, kind)

-- name: new_item
insert into item (owner_id, code, names, hs_code, weight_kg, length_cm, width_cm, height_cm)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (owner_id, code) do nothing returning id

-- name: edited_item
update item set names = $3, hs_code = $4, weight_kg = $5, length_cm = $6, width_cm = $7, height_cm = $8, revision = revision + 1
where id = $1 and revision = $2 returning revision

-- name: taken_barcodes
select b.code, b.kind, i.code as item from barcode b join item i on i.id = b.item_id
where b.owner_id = $1 and b.code = any($2::text[]) and b.item_id <> $3 order by b.code

-- name: dropped_barcodes
delete from barcode b where b.item_id = $1
  and not exists (select from unnest($2::text[], $3::text[]) as u(code, kind) where u.code = b.code and u.kind = b.kind)

-- name: new_barcodes
insert into barcode (owner_id, item_id, code, kind)
select $1, $2, u.code, u.kind from unnest($3::text[], $4::text[]) with ordinality as u(code, kind, n)
where not exists (select from barcode b where b.item_id = $2 and b.code = u.code) order by u.n
