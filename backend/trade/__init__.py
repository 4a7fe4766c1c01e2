"""Trade files: a retailer's exported sales, read row by row and turned into movements of the ledger.

Owns the words mapping, run, rejected row. Decides what a row of a file means, which rows were booked before and what
becomes of those that cannot be booked. Posts through `stock/ledger.py`; knows nothing of balances but what is free.
"""
