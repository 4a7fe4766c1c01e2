-- The registry names no table of the ledger. It asks two things: may an operator see an item (it has been in one of its
-- warehouses), and may a warehouse be closed (nothing is present any more).
create view item_in_warehouse as
  select warehouse_id, owner_id, item_id, on_hand > 0 as present from balance;

-- A scanned code is looked up before it is known whose it is.
create index barcode_code on barcode (code);
