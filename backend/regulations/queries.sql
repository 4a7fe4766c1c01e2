-- name: count
-- How many states of editions there are: it only grows, so an equal count is an equal set.
select count(*) from rule_edition

-- name: own_editions
-- The latest state of each of the committee's own editions.
select distinct on (rule_id, edition) rule_id, edition, version, act, content
from rule_edition order by rule_id, edition, version desc

-- name: history
-- Everything the committee did to a rule, the latest first.
select e.edition, e.version, e.act, e.note, e.content, e.recorded_at, u.name as actor, o.names as organisation_names
from rule_edition e
left join user_account u on u.id = e.actor_id
left join organisation o on o.id = e.organisation_id
where e.rule_id = $1 order by e.recorded_at desc, e.edition, e.version desc limit 200

-- name: version
-- How often the committee has changed an edition; nothing is 0.
select coalesce(max(version), 0) from rule_edition where rule_id = $1 and edition = $2

-- name: line
-- A declaration line of an owner with what the exporter stated of it; null owner is any, the first one found.
select d.*, o.code as owner, o.names as owner_names, i.code as item, i.names as item_names,
       coalesce(f.supervision_code, d.supervision_code) as code_known, coalesce(f.exported_on, d.exported_on) as exported_known,
       f.supervision_code as code_stated, f.exported_on as exported_stated,
       f.sold_on as sold_stated, coalesce(f.sold_on, s.sold_on) as sold_on, f.released_on, f.left_area_on, f.settled_on,
       f.filed_on, f.accounted_on, f.evidence_on, f.customs_area, f.is_food, f.refund_taken,
       coalesce(f.revision, 0) as revision
from declaration_line d
join organisation o on o.id = d.owner_id
left join item i on i.id = d.item_id
left join declaration_fact f on (f.owner_id, f.declaration_no, f.declaration_line)
                              = (d.owner_id, d.declaration_no, d.declaration_line)
left join lateral (
  select sold_on from declaration_sale s where (s.owner_id, s.declaration_no, s.declaration_line)
                                             = (d.owner_id, d.declaration_no, d.declaration_line)
) s on true
where d.declaration_no = $1 and d.declaration_line = $2 and ($3::text is null or o.code = $3)
  and ($4::bigint is null or d.owner_id = $4)
order by d.owner_id limit 1

-- name: stated
-- What an owner's lines say, for rooms that know which lines they mean: $1 owners, $2 numbers, $3 lines, pairwise.
select d.owner_id, d.declaration_no, d.declaration_line, coalesce(f.supervision_code, d.supervision_code) as code_known,
       coalesce(f.exported_on, d.exported_on) as exported_known, coalesce(f.sold_on, s.sold_on) as sold_on,
       f.released_on, f.left_area_on, f.settled_on, f.filed_on, f.accounted_on,
       f.evidence_on, f.customs_area, f.is_food, f.refund_taken
from unnest($1::bigint[], $2::text[], $3::integer[]) as k (owner_id, declaration_no, declaration_line)
join declaration_line d using (owner_id, declaration_no, declaration_line)
left join declaration_fact f using (owner_id, declaration_no, declaration_line)
left join lateral (
  select sold_on from declaration_sale s where (s.owner_id, s.declaration_no, s.declaration_line)
                                             = (d.owner_id, d.declaration_no, d.declaration_line)
) s on true
