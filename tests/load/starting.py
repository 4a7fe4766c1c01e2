"""Starting: from ``luocang serve`` to its first 200, and what it holds in memory when nobody asks."""

import time

import psutil

from backend.core.embedded import EmbeddedPostgres
from tests.load import network
from tests.load.client import Server
from tests.load.figures import MIB, Figure

IDLE_SECONDS = 2.0


def measure(server: EmbeddedPostgres, rounds: int) -> list[Figure]:
    """The figures of starting on a migrated database; the database's own processes are not counted."""
    url = network.empty(server, "load_start")
    start = Figure("luocang serve to the first 200 of /health/ready", "s", most=2)
    memory = Figure("  all its processes, idle", "MiB", most=150)
    for turn in range(rounds + 1):
        with Server(url) as web:
            time.sleep(IDLE_SECONDS)
            # The first start compiles and fills the caches of the disk.
            if turn:
                start.add(web.start_seconds)
                memory.add(_own_bytes(web.process) / MIB)
    return [start, memory]


def _own_bytes(process: psutil.Process) -> int:
    """Memory of a process and its children; where the system tells (Linux), what they share is counted once."""
    full = [each.memory_full_info() for each in (process, *process.children(recursive=True))]
    return sum(getattr(each, "pss", each.rss) for each in full)
