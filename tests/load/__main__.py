"""``python -m tests.load``: run benchmarks and print what was reached."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from tests.load import cancellations, importing, network, posting, putting_away, reading, returning, starting
from tests.load.figures import Figure, table

KINDS = ("posting", "reading", "export", "returns", "putting-away", "cancellations", "import", "start")
out = Console(highlight=False, width=None if sys.stdout.isatty() else 170)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("kind", type=click.Choice([*KINDS, "all"]), default="all")
@click.option("--rounds", default=5, show_default=True, help="Rounds of each figure, after one that warms up.")
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round of requests.")
@click.option("--rows", default=1_000_000, show_default=True, help="Rows of the large lists and files.")
@click.option(
    "--trade-data",
    envvar="LUOCANG_TRADE_DATA",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The online retail file (or LUOCANG_TRADE_DATA): its cancellations are walked and the trade file is made of it; "
    "without it the walk is skipped and rows are made up.",
)
@click.option("--huge", is_flag=True, help="Import a file of ten times --rows once, too.")
def main(kind: str, rounds: int, seconds: float, rows: int, trade_data: Path | None, huge: bool) -> None:
    """Measure Luocang against its goals. Fails when a book is wrong, never because something is slow."""
    figures: list[Figure] = []
    faults: list[str] = []
    with network.postgres() as server:
        # Long rounds are few.
        few = min(rounds, 3)
        runs: dict[str, Callable[[], tuple[list[Figure], list[str]]]] = {
            "posting": lambda: posting.measure(server, rounds, seconds),
            "reading": lambda: reading.lists(server, rounds, seconds, rows),
            "export": lambda: reading.export(server, rounds, rows),
            "returns": lambda: returning.measure(server, few),
            "putting-away": lambda: putting_away.measure(server, few),
            "cancellations": lambda: cancellations.measure(server, trade_data),
            "import": lambda: importing.measure(server, few, rows, trade_data, huge),
            "start": lambda: (starting.measure(server, rounds), []),
        }
        for name in KINDS if kind == "all" else (kind,):
            load = os.getloadavg()[0]
            with Console(stderr=True).status(f"Measuring {name}"):
                found, wrong = runs[name]()
            out.print(f"\n[bold]{name}[/bold] on {os.cpu_count()} cores, load {load:.1f} before it began")
            out.print(table(found))
            figures += found
            faults += [f"{name}: {fault}" for fault in wrong]
    short = sum(figure.verdict == "short" for figure in figures)
    out.print(f"\n{short} of {sum(bool(figure.goal) for figure in figures)} goals not reached.")
    if faults:
        for fault in faults[:20]:
            out.print(f"[red]{fault}[/red]")
        sys.exit(1)
    out.print("The books are right: no difference, no negative balance, no document twice or lost, no deadlock.")


if __name__ == "__main__":
    main()
