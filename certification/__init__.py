"""The construction standard and its arithmetic: a pure library that another pilot zone can take as it is.

Knows editions, indicators, gates, scores and credentials; knows no database, no HTTP, no pages. Imports nothing of
backend or frontend.
"""
