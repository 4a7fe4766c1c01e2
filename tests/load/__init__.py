"""Benchmarks: the goals of the house as ratios of one run, each beside what was measured.

``python -m tests.load [posting|reading|export|import|start|all]`` starts a PostgreSQL of its own with durable commits,
prepares its data, interleaves its rounds and prints one table. Not collected by pytest, and never a reason to fail but
one: a book that contradicts itself. HTTP is loaded by `client.py`, one process with one epoll loop over raw sockets
(about 20 us of CPU a request): unlike wrk it waits for every answer when the time is up, so that the documents in the
book can be counted against the requests that were accepted.
"""
