"""Regulations: customs, return, tax and zone rules as dated data, and the clocks of a declaration line.

Owns the words rule, edition, basis date, fact, finding, clock. Decides which edition of a rule a date falls under, what
a return may expect and how long each thing is still possible. The rules themselves are data (`data/*.toml`, and the
committee's own editions in the database); knows nothing of stock.
"""
