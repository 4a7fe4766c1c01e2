-- A declaration line is summed over all warehouses by the movements of its lots that go in or out.
create index movement_of_lot on movement (lot_id, occurred_at)
  include (warehouse_id, document_id, source_id, target_id, quantity)
  where lot_id <> 0 and (source_id < 1000 or target_id < 1000);

-- The day, in the warehouse's zone, on which pieces of a declaration line were sold last; a sale that was reversed is none.
create view declaration_sale as
  select t.owner_id, t.declaration_no, t.declaration_line,
         max((m.occurred_at at time zone w.time_zone)::date) as sold_on
  from lot t
  join movement m on m.lot_id = t.id and m.lot_id <> 0 and m.target_id = 2 and m.source_id >= 1000
  join warehouse w on w.id = m.warehouse_id
  join document d on d.warehouse_id = m.warehouse_id and d.document_id = m.document_id and d.reverses_id is null
  where t.declaration_no is not null and not exists (
    select from document r where r.warehouse_id = m.warehouse_id and r.reverses_id = m.document_id)
  group by t.owner_id, t.declaration_no, t.declaration_line;
