"""The ledger: movements 移动 between two named ends, balances 结存 kept with them, lots 批次, holds 冻结, reservations.

Goods change place only through `ledger.post`. Nobody outside this slice sees its tables.
"""
