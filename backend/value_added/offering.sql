-- name: keep
-- A version of an offer; no row when somebody has made this version already.
insert into service_offer (warehouse_id, id, offer_id, version, kind, names, descriptions, price, currency, unit, lead_days,
                           documents, active, organisation_id, user_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict on constraint service_offer_version do nothing
returning id

-- name: newest
select f.*, w.code as warehouse from service_offer f join warehouse w on w.id = f.warehouse_id
where f.offer_id = $1 order by f.version desc limit 1
