-- A sale whose pieces returns have claimed is not reversed: they would come back twice. A sale that is reversed leaves
-- nothing to claim, whoever books a return at the same time: both write the same rows.
alter table return_claim drop constraint return_claim_shipped_check,
  add constraint return_claim_shipped_check check (shipped >= 0);

create function give_up_claims() returns trigger language plpgsql as $$
begin
  insert into return_claim (warehouse_id, document_id, line_no, shipped, claimed)
  select m.warehouse_id, m.document_id, m.line_no, 0, 0
  from movement m join document d on d.warehouse_id = m.warehouse_id and d.document_id = m.document_id
  where m.warehouse_id = new.warehouse_id and m.document_id = new.reverses_id and m.target_id = 2 and d.reason = 4
  order by m.line_no
  on conflict (warehouse_id, document_id, line_no) do update set shipped = 0;
  return null;
exception when check_violation then
  raise exception 'pieces of document % are claimed by returns', new.reverses_id using errcode = 'restrict_violation';
end
$$;
create trigger document_gives_up_claims after insert on document
  for each row when (new.reverses_id is not null) execute function give_up_claims();
