"""The program ``luocang``: start it, keep it, feed it, check it."""

import gc
import getpass
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from backend.core import settings as settings_
from backend.core.embedded import EmbeddedPostgres, EmbeddedPostgresError
from backend.core.errors import Refusal
from backend.core.settings import SettingError, Settings

T = TypeVar("T")
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Stop(click.ClickException):
    """A command that ends with one sentence on what is wrong and the way out."""

    def show(self, file: Any = None) -> None:
        err.print(f"[red]{self.message}[/red]")


embedded_option = click.option(
    "--embedded", is_flag=True, help="Use the embedded PostgreSQL under LUOCANG_HOME instead of LUOCANG_DATABASE_URL."
)


@contextmanager
def database_url(embedded: bool, name: str = "luocang") -> Iterator[str]:
    """The database to work on; an embedded one runs while the block does."""
    if not embedded:
        yield settings_.database_url()
        return
    with EmbeddedPostgres(settings_.home()) as server:
        server.create_database(name)
        yield server.url(name)


def work(url: str, job: Callable[[], Awaitable[T]], *, size: int = 4) -> T:
    """Run `job` with the database open; it must have the schema of this code."""
    import uvloop

    from backend.core import migrate
    from backend.core.database import DB
    from backend.files.store import store

    store.open(settings_.home())

    async def run() -> T:
        await DB.open(url, size=size)
        try:
            if waiting := await migrate.pending():
                raise Stop(f"The database lacks {len(waiting)} migrations. Run: luocang migrate")
            return await job()
        finally:
            await DB.close()

    return uvloop.run(run())


@contextmanager
def progress(total: int | None = None, label: str = "") -> Iterator[Callable[[int, int | None], None]]:
    """A bar on the terminal; call what is given with what is done and, when known, the whole."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(label, total=total)

        def advance(done: int, whole: int | None = None) -> None:
            bar.update(task, completed=done, total=whole)

        yield advance


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="luocang")
def cli() -> None:
    """Luocang 洛仓: a network of public overseas warehouses, its ledger and its people."""


def main() -> None:
    """Run the program; what is wrong is said in a sentence, not in a traceback."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (SettingError, EmbeddedPostgresError, Refusal) as error:
        err.print(f"[red]{error}[/red]")
        for fault in getattr(error, "faults", ()):
            err.print(f"  {fault.field}: {fault.sentence % fault.facts}")
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        err.print("Stopped. Everything that was finished is kept.")
        sys.exit(130)
    except (ConnectionError, OSError) as error:
        err.print(
            f"[red]The database does not answer: {error}. Check LUOCANG_DATABASE_URL and that PostgreSQL runs.[/red]"
        )
        sys.exit(1)


def _terminated(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _require_port(host: str, port: int) -> None:
    """Refuse an address that is taken, before anything is done."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Stop(
                f"Nothing can listen on {host}:{port} ({error.strerror}). Choose another with --port."
            ) from error


def _run_server(settings: Settings, host: str, port: int, ready: Callable[[], None] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM; running requests are finished, streams get ten seconds."""
    import uvicorn

    from backend.main import create_app

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started and ready:
                ready()

    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=10,
        proxy_headers=True,
        server_header=False,
    )
    # What is loaded by now stays. Looking through it again and again is a tenth of the time of a posting.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    Server(config).run()


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--migrate", "migrate_first", is_flag=True, help="Bring the database up to date first.")
@embedded_option
def serve(host: str, port: int, migrate_first: bool, embedded: bool) -> None:
    """Run the platform for real, with settings from the environment."""
    _require_port(host, port)
    if embedded:
        settings_.for_serving(url="postgresql://embedded")
    with database_url(embedded) as url:
        settings = settings_.for_serving(url=url)
        if migrate_first or embedded:
            _migrate(url)
        else:
            work(url, _nothing)
        _run_server(settings, host, port, lambda: out.print(f"Luocang answers at {settings.base_url}"))


async def _nothing() -> None:
    """The database is up to date."""


@cli.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--fresh", is_flag=True, help="Throw the demo network away and build it again.")
def demo(port: int, fresh: bool) -> None:
    """Start the platform with a small believable network, on this machine only, and print its sign-ins."""
    from backend import demo as network

    _require_port("127.0.0.1", port)
    with EmbeddedPostgres(settings_.home()) as server:
        if fresh:
            server.drop_database("luocang_demo")
        server.create_database("luocang_demo")
        url = server.url("luocang_demo")
        _migrate(url)

        async def build() -> None:
            with progress(label="Building the demo network") as advance:
                await network.build(advance)

        work(url, build, size=8)
        settings = Settings(
            database_url=url,
            secret_key=_kept_secret(settings_.home()),
            base_url=f"http://127.0.0.1:{port}",
            home=settings_.home(),
        )

        def ready() -> None:
            table = Table(
                "Sign in as", "E-mail", "Password", title=f"Luocang demo: {settings.base_url}", title_justify="left"
            )
            for who, email in network.SIGN_INS:
                table.add_row(who, email, network.PASSWORD)
            out.print(table)
            out.print("Ctrl-C stops it; the data stays. `luocang demo --fresh` begins again.")

        _run_server(settings, "127.0.0.1", port, ready)


def _kept_secret(home: Path) -> str:
    """The demo's own secret, made once and kept readable for its user only."""
    file = home / "demo-secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text()


def _migrate(url: str) -> list[str]:
    import uvloop

    from backend.core import migrate as migrations
    from backend.core.database import DB

    async def run() -> list[str]:
        await DB.open(url, size=2)
        try:
            return await migrations.migrate()
        finally:
            await DB.close()

    return uvloop.run(run())


@cli.command()
@embedded_option
def migrate(embedded: bool) -> None:
    """Bring the database to the schema of this version."""
    with database_url(embedded) as url:
        done = _migrate(url)
    out.print(f"{len(done)} migrations ran: {', '.join(done)}" if done else "The database is up to date.")


@cli.command()
@click.option("--email", prompt=True)
@click.option("--name", prompt=True)
@click.option("--committee", default="LY-CBEC", show_default=True, help="Code of the committee's organisation.")
@embedded_option
def setup(email: str, name: str, committee: str, embedded: bool) -> None:
    """Create the committee and its first administrator; the password is asked, or read from LUOCANG_PASSWORD."""
    from backend.access import actions

    password = os.environ.get("LUOCANG_PASSWORD") or getpass.getpass("Password: ")
    with database_url(embedded) as url:
        work(url, lambda: actions.set_up(email, name, password, committee))
    out.print(f"{email} can sign in now.")


@cli.command()
@click.argument("email")
@click.option("--name", default="command line", show_default=True, help="What the token is for.")
@click.option(
    "--right", "rights", multiple=True, help="A right of the token, e.g. stock:post; repeat for more. All by default."
)
@click.option("--days", default=90, show_default=True)
@embedded_option
def token(email: str, name: str, rights: tuple[str, ...], days: int, embedded: bool) -> None:
    """Print a new API token for a user."""
    from backend.access import actions, guards

    async def make() -> str:
        viewer = await guards.viewer_of_person(email, channel="command")
        if viewer is None:
            raise Stop(f"{email} is nobody who may sign in. Check the address, or create the person first.")
        return await actions.create_token(viewer, name, rights or sorted(viewer.rights), days)

    with database_url(embedded) as url:
        out.print(work(url, make), soft_wrap=True)


@cli.group(name="import")
def import_() -> None:
    """Bring files in."""


@import_.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--warehouse", required=True, help="Code of the warehouse.")
@click.option("--exporter", required=True, help="Code of the exporter who owns the goods.")
@click.option("--mapping", required=True, help="Name of the mapping, e.g. online-retail, or a TOML file.")
@click.option("--open-missing", is_flag=True, help="Post the opening stock that the history needs first.")
@click.option("--create", is_flag=True, help="Create the warehouse, the exporter and items when they are missing.")
@click.option("--as", "email", help="E-mail of the user who imports; by default a manager of the warehouse's operator.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on the last line.")
@embedded_option
def trade(
    file: Path,
    warehouse: str,
    exporter: str,
    mapping: str,
    open_missing: bool,
    create: bool,
    email: str | None,
    as_json: bool,
    embedded: bool,
) -> None:
    """Bring a retailer's sales file through the ledger; every row is posted or rejected with its reason."""
    from backend.trade import actions

    with database_url(embedded) as url:

        async def run() -> Any:
            viewer = await actions.importer(email, warehouse)
            with progress(label=file.name) as advance:
                return await actions.import_trade(
                    viewer,
                    file,
                    warehouse=warehouse,
                    exporter=exporter,
                    mapping=mapping,
                    open_missing=open_missing,
                    create=create,
                    progress=advance,
                )

        summary = work(url, run)
    if as_json:
        sys.stdout.write(json.dumps(summary.as_json(), ensure_ascii=False) + "\n")
        return
    table = Table("Rows", "Count", show_edge=False)
    for label, count in summary.lines():
        table.add_row(label, f"{count:,}")
    out.print(table)
    if summary.rejected_file:
        out.print(f"Rejected rows, to correct and import again: {summary.rejected_file}")


@cli.command(name="trade-run", hidden=True)
@click.argument("run_id")
@click.option("--url", envvar="LUOCANG_DATABASE_URL", required=True)
def trade_run(run_id: str, url: str) -> None:
    """Work off an import that was started in the browser."""
    from backend.trade import actions

    work(url, lambda: actions.work_off(run_id))


@cli.command()
@click.option("--all", "everything", is_flag=True, help="Also what has been run since it was last due.")
@embedded_option
def nightly(everything: bool, embedded: bool) -> None:
    """Run scheduled work that is due now, once, and say how it went; `luocang serve` does so by itself."""
    from backend import schedule

    with database_url(embedded) as url:
        results = work(url, lambda: schedule.run_due(url, everything=everything))
    for each in results:
        trouble = each.trouble and f"{each.trouble.sentence % each.trouble.facts} {each.trouble.number}"
        out.print(
            "[green]done[/green]   " if each.done else "[red]failed[/red] ",
            each.title,
            f"({trouble})" if not each.done else "",
        )
    if not results:
        out.print("Nothing is due. Run everything with --all.")
    if failed := [each for each in results if not each.done]:
        raise Stop(f"{len(failed)} failed. They are tried again while the platform runs; the page “Jobs” shows them.")


def _print_rows(headings: Sequence[str], rows: Iterable[Any]) -> None:
    table = Table(*headings)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    out.print(table)


@cli.command(name="check-ledger")
@embedded_option
def check_ledger(embedded: bool) -> None:
    """Prove that balances equal the sum of movements, holds and reservations what is frozen and promised, and that every
    declaration line adds up: received = on hand + in transit + sold - returned in + returned to China + scrapped + lost.
    """
    from backend.stock import declarations, queries

    async def prove() -> tuple[Any, list[Any], list[Any]]:
        return await queries.totals(), await queries.differences(), list(await declarations.differences())

    with database_url(embedded) as url, err.status("Adding up every movement"):
        totals, differences, lines = work(url, prove)
    out.print(
        f"{totals['documents']:,} documents, {totals['movements']:,} movements, {totals['balances']:,} balances, "
        f"{totals['pieces']:,} pieces on hand."
    )
    if not differences and not lines:
        out.print("The book is right: every balance equals its movements, and every declaration line adds up.")
        return
    if differences:
        _print_rows(
            ("What", "Warehouse", "Owner", "Item", "Lot", "Location", "Condition", "Booked", "Proven"), differences
        )
    if lines:
        _print_rows(("Owner", "Declaration", "Line", "On hand booked", "On hand proven"), lines)
    raise Stop(
        f"{len(differences) + len(lines)} differences. Nothing was changed; find the cause before correcting by a reversal."
    )


@cli.command(name="check-rules")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check_rules(files: tuple[Path, ...]) -> None:
    """Read the rule files that ship, and FILES together with them: every mistake and every overlap is named."""
    from backend.regulations import rulebook

    found = rulebook.editions(rulebook.shipped(further=files))
    out.print(f"{len(found.rule_ids)} rules in {len(found)} editions, without a mistake.")


@cli.command()
@click.option("--day", help="A day like 2026-11-23; by default every day that is over and was not paired yet.")
@click.option("--warehouse", "warehouses", multiple=True, help="Code of a warehouse; repeat for more. All by default.")
@embedded_option
def reconcile(day: str | None, warehouses: tuple[str, ...], embedded: bool) -> None:
    """Pair every disposition, repair and job of a day with its ledger effect, and list what does not fit."""
    from datetime import date

    from backend.monitor import reconciliation

    try:
        wanted = date.fromisoformat(day) if day else None
    except ValueError:
        raise Stop(f"“{day}” is not a day. Write it like 2026-11-23.") from None
    if warehouses and wanted is None:
        raise Stop("Name the --day that is to be paired for these warehouses.")

    async def pair() -> tuple[Any, Any]:
        if wanted is None:
            done = await reconciliation.reconcile_waiting()
        else:
            done = await reconciliation.reconcile(wanted, warehouses or None)
        return done, await reconciliation.found_by(done)

    with database_url(embedded) as url, err.status("Pairing rooms and ledger"):
        paired, orphans = work(url, pair)
    effects, documents = sum(each.effects for each in paired), sum(each.documents for each in paired)
    out.print(f"{len(paired)} days of warehouses, {effects:,} effects, {documents:,} documents.")
    if not orphans:
        out.print("Everything that was done has its effect in the ledger, and the other way round.")
        return
    table = Table("Warehouse", "Day", "What is wrong", "Step", "Number", "Item", "Document", "Expected", "Found")
    names = ("warehouse", "day", "wrong", "effect", "number", "item", "document", "expected", "found")
    for row in orphans:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in names))
    out.print(table)
    raise Stop(f"{len(orphans)} entries do not fit. Nothing was changed; see them at /monitor/reconciliation.")


@cli.command()
@click.option("--check", "only_check", is_flag=True, help="Change nothing; fail when a catalogue is not complete.")
def texts(only_check: bool) -> None:
    """Extract the messages of code and templates and update the catalogues."""
    from backend import texts as catalogues

    if only_check:
        faults = catalogues.faults()
        for fault in faults:
            err.print(fault)
        if faults:
            raise Stop(f"{len(faults)} faults in the catalogues. Run: luocang texts, then translate.")
        out.print("The catalogues are complete.")
        return
    for language, missing in catalogues.update().items():
        out.print(f"{language}: {missing} messages to translate" if missing else f"{language}: complete")


@cli.command()
def check() -> None:
    """Everything a reviewer would check, apart from the tests: style, types, imports, catalogues, migrations."""
    from backend import check as checks

    failed = [name for name, passed in checks.run(out) if not passed]
    if failed:
        raise Stop(f"Failed: {', '.join(failed)}")
    out.print("All checks passed.")
