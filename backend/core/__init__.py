"""What every room stands on: settings, the database, refusals, words, time, values, the journal, jobs.

Decides nothing about warehouses. Imports nothing of backend outside itself.
"""
