"""The screens of the ledger: stock on hand, movements, documents, holds, reservations, lots, stock at a past instant."""
