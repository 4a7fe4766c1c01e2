-- name: keep_in_order
-- One change of the rules at a time: a set is judged as a whole.
select pg_advisory_xact_lock(hashtext('luocang.rule_edition'))

-- name: kept_before
-- What a request key was used for.
select rule_id, edition, version, request_hash from rule_edition where organisation_id = $1 and request_key = $2

-- name: keep
insert into rule_edition (rule_id, edition, version, act, content, note, actor_id, organisation_id, request_key,
                          request_hash)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: state
-- The facts of a declaration line, anew; no row when somebody else stated them since revision $4 was read.
insert into declaration_fact as f (owner_id, declaration_no, declaration_line, supervision_code, exported_on, released_on,
                                   left_area_on, settled_on, sold_on, filed_on, accounted_on, evidence_on, customs_area, is_food,
                                   refund_taken)
values ($1, $2, $3, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict (owner_id, declaration_no, declaration_line) do update
  set supervision_code = excluded.supervision_code, exported_on = excluded.exported_on,
      released_on = excluded.released_on, left_area_on = excluded.left_area_on, settled_on = excluded.settled_on,
      sold_on = excluded.sold_on, filed_on = excluded.filed_on, accounted_on = excluded.accounted_on,
      evidence_on = excluded.evidence_on,
      customs_area = excluded.customs_area, is_food = excluded.is_food, refund_taken = excluded.refund_taken,
      revision = f.revision + 1, changed_at = clock_timestamp()
  where f.revision = $4
returning revision
