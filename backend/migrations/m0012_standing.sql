-- How far returns are: units by what they wait for, pieces to come, parcels on their way and unpacked not yet.
create view return_standing as
  select r.warehouse_id, r.id, r.number, r.owner_id, r.kind, r.reason, r.stage, w.operator_id, w.code as warehouse,
         w.time_zone, t.decide_days,
         u.to_grade, u.to_decide, u.to_carry_out, u.done, coalesce(l.outstanding, 0) as outstanding,
         p.on_the_way, p.at_the_dock, p.unpacked
  from rma r
  join warehouse w on w.id = r.warehouse_id
  cross join lateral (
    select count(*) filter (where state = 'received' or (state = 'graded' and regrade = 'asked')) as to_grade,
           count(*) filter (where state = 'graded' and regrade <> 'asked') as to_decide,
           count(*) filter (where state = 'decided') as to_carry_out,
           count(*) filter (where state = 'disposed') as done
    from return_unit u where u.warehouse_id = r.warehouse_id and u.rma_id = r.id
  ) u
  cross join lateral (
    select sum(quantity - received - missing) as outstanding from rma_line l
    where l.warehouse_id = r.warehouse_id and l.rma_id = r.id and l.investigation is distinct from 'refused'
  ) l
  cross join lateral (
    select count(*) filter (where arrived_at is null) as on_the_way,
           count(*) filter (where arrived_at is not null and unpacked_at is null) as at_the_dock,
           count(unpacked_at) as unpacked
    from rma_parcel p where p.warehouse_id = r.warehouse_id and p.rma_id = r.id
  ) p
  left join lateral (
    select decide_days from return_terms t where t.owner_id = r.owner_id order by t.id desc limit 1
  ) t on true;
