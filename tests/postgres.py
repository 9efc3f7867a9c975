"""A real PostgreSQL for the tests: found on this machine, started for the session, and gone when the session is.

    postgres_server          one for the whole session; fast, since it never waits for the disk
    durable_postgres_server  one that does wait for the disk, for tests that crash it and look at what is left

`CHANCERY_TEST_POSTGRES=postgresql+psycopg://user:password@host:port/postgres` uses a running server instead; its user
must be allowed to create databases. Tests that stop the server or pull its plug then skip themselves.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url

USER = "chancery"
START_S = 30.0
INSTALL = (
    "No PostgreSQL on this machine. On Debian and Ubuntu: apt install postgresql; on macOS: brew install postgresql; "
    "or name a running server in CHANCERY_TEST_POSTGRES."
)

# Nothing here lives longer than the session, so nothing has to reach the disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
ALWAYS = (
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    "shared_buffers=64MB",
    "log_min_messages=warning",
    "timezone=UTC",
    # The default waits five seconds before it looks for tests that block each other for ever.
    "deadlock_timeout=200ms",
)
# A password over TCP, whose port every user of this machine can reach; none over the socket, whose folder is closed.
ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"

# Ends the server and its folder when the test process is gone, however it went: its end of the pipe closes even on
# SIGKILL, where no finaliser runs. SIGQUIT is PostgreSQL's "stop at once".
WATCHDOG = """
import os, shutil, signal, sys, time
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
sys.stdin.read()
folder = sys.argv[1]
try:
    pid = int(open(folder + "/data/postmaster.pid").readline())
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGQUIT)
    for _ in range(100):
        os.kill(pid, 0)
        time.sleep(0.05)
except (OSError, ValueError):
    pass
shutil.rmtree(folder, ignore_errors=True)
"""


class Postgres:
    """A server that already runs, with databases made in it for the tests."""

    def __init__(self, address: URL) -> None:
        self._address = address
        self._number = itertools.count(1)
        self._prefix = f"t{secrets.token_hex(3)}"
        self._templates: dict[str, str] = {}
        self._made: list[str] = []

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database here, with its password: what `CHANCERY_DATABASE` takes."""
        return self._address.set(database=database).render_as_string(hide_password=False)

    def create_database(self, template: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of `template` (a name that `template` below returned)."""
        name = f"{self._prefix}_{next(self._number)}"
        # `template0`, not the default: nobody can have left anything in it, and it takes any encoding.
        parts = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        if template is None:
            parts += sql.SQL(" ENCODING 'UTF8' LOCALE 'C'")
        self._run(parts)
        self._made.append(name)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database that was made here, whoever is still connected to it."""
        name = make_url(url).database
        if name is not None and name in self._made:
            self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            self._made.remove(name)

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """The name of a database that `prepare(url)` has filled, once a session; hand it to `create_database`.

        `prepare` must close its connections: PostgreSQL copies no database that is in use.
        """
        if name not in self._templates:
            url = self.create_database()
            prepare(url)
            self._templates[name] = str(make_url(url).database)
        return self._templates[name]

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A plain connection that commits each statement, for a test that wants to look around the application."""
        address = self._address.set(database=database, drivername="postgresql")
        return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True, connect_timeout=5)

    def stop(self) -> None:
        """Shut the server down in an orderly way."""
        self._not_ours()

    def start(self) -> None:
        """Start the server again on the same port, after `stop` or `kill`, and wait until it answers."""
        self._not_ours()

    def kill(self) -> None:
        """Pull the plug: every process of the server is killed, and nothing is written any more."""
        self._not_ours()

    def freeze(self) -> list[int]:
        """Stall the server: connections stay open and are never answered nor reset."""
        return self._not_ours()

    def thaw(self) -> list[int]:
        """Let a stalled server go on."""
        return self._not_ours()

    def close(self) -> None:
        """Leave nothing behind."""
        for name in list(self._made):
            self.drop_database(self.url(name))

    def _not_ours(self) -> NoReturn:
        pytest.skip("This test stops the server, and CHANCERY_TEST_POSTGRES names one that is not ours to stop.")

    def _run(self, statement: sql.Composed) -> None:
        with self.connect() as connection:
            connection.execute(statement)


class OwnPostgres(Postgres):
    """A server of our own in a folder of its own, which tests may stop, stall and kill."""

    def __init__(self, programs: Path, *, durable: bool) -> None:
        self._programs = programs
        self._settings = ALWAYS if durable else ALWAYS + FAST
        self._owner = _owner()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = _folder(self._owner)
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-c", WATCHDOG, str(self._folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        password = secrets.token_urlsafe(12)
        super().__init__(URL.create("postgresql+psycopg", USER, password, "127.0.0.1", _free_port(), "postgres"))
        self._initialise(password)

    @property
    def socket_url(self) -> str:
        """The SQLAlchemy URL of the server's Unix socket."""
        query = {"host": str(self._folder), "port": str(self._address.port)}
        return URL.create("postgresql+psycopg", USER, database="postgres", query=query).render_as_string()

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        until = time.monotonic() + START_S
        while not self._attempt(until):
            # What a killed server leaves in shared memory is in the way until its last process is gone.
            if "shared memory block" not in self._log() or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{self._log()}")
            time.sleep(0.1)

    def kill(self) -> None:
        if self._process is not None:
            # Stalled first: a process that sees its parent die would still tell its clients, which no power cut does.
            family = self.freeze()
            self._end(signal.SIGKILL)
            _signal(family, signal.SIGKILL)

    def freeze(self) -> list[int]:
        return self._signal_family(signal.SIGSTOP)

    def thaw(self) -> list[int]:
        return self._signal_family(signal.SIGCONT)

    def close(self) -> None:
        self.thaw()
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._watchdog.communicate()

    def _initialise(self, password: str) -> None:
        words = self._folder / "password"
        words.write_text(password)
        if self._owner is not None:
            shutil.chown(words, self._owner)
        options = ["--encoding=UTF8", "--locale=C", "--no-sync", f"--username={USER}", f"--pwfile={words}"]
        options += ["--auth=scram-sha-256", f"--pgdata={self._folder / 'data'}"]
        made = subprocess.run(
            [self._programs / "initdb", *options],
            **self._as_owner(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
        words.unlink()
        (self._folder / "data" / "pg_hba.conf").write_text(ACCESS)

    def _attempt(self, until: float) -> bool:
        """Start the server once; whether it came to answer."""
        settings = (*self._settings, f"port={self._address.port}", f"unix_socket_directories={self._folder}")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *(f"--{one}" for one in settings)],
                **self._as_owner(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A session of its own: Ctrl-C is for pytest, which then ends the server in good order.
                start_new_session=True,
            )
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError), self.connect():
                return True
            time.sleep(0.02)
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _signal_family(self, what: signal.Signals) -> list[int]:
        """Signal the server, which then starts nothing more, and after it the processes that it had started."""
        if self._process is None:
            return []
        _signal([self._process.pid], what)
        children = _children(self._process.pid)
        _signal(children, what)
        return children

    def _as_owner(self) -> dict[str, Any]:
        """How to start a process of the server: as its user, in its folder, with nothing of ours in its environment."""
        environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self._folder), "TZ": "UTC"}
        as_owner: dict[str, Any] = {"cwd": self._folder, "env": environment}
        if self._owner is not None:
            account = pwd.getpwnam(self._owner)
            as_owner |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        return as_owner

    def _log(self) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / "log").read_text(errors="replace")[-4000:]
        return "(no log)"


@contextlib.contextmanager
def running(*, durable: bool = False) -> Iterator[Postgres]:
    """A server for as long as the block lasts; skips the test, with what to install, where there is none."""
    named = os.environ.get("CHANCERY_TEST_POSTGRES")
    server: Postgres
    if named:
        server = Postgres(make_url(named))
    else:
        programs = find_programs()
        if programs is None:
            pytest.skip(INSTALL)
        server = OwnPostgres(programs, durable=durable)
    try:
        if isinstance(server, OwnPostgres):
            server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One PostgreSQL for the whole session."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def durable_postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL that keeps what it acknowledged when its plug is pulled."""
    with running(durable=True) as server:
        yield server


def find_programs() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest where there are several; None where there is none."""
    found = shutil.which("initdb")
    if found:
        folder = Path(found).resolve().parent
        if (folder / "postgres").exists():
            return folder
    # Where Debian, Red Hat's packages and Homebrew (both kinds of Mac) put what they keep out of PATH.
    places = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
    folders = [folder for place in places for folder in Path("/").glob(place[1:]) if (folder / "initdb").exists()]
    return max(
        folders,
        key=lambda folder: float("".join(c for c in folder.parent.name if c in "0123456789.") or 0),
        default=None,
    )


def _owner() -> str | None:
    """The user that runs the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return pytest.skip("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody.")


def _folder(owner: str | None) -> Path:
    """A new folder that the server's user can reach, with a path short enough for a socket (107 bytes)."""
    for parent in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        open_to_all = all(folder.stat().st_mode & 0o001 for folder in (parent, *parent.resolve().parents))
        if (owner is None or open_to_all) and len(str(parent)) < 60:
            folder = Path(tempfile.mkdtemp(prefix="chancery-pg-", dir=parent))
            if owner is not None:
                shutil.chown(folder, owner)
            return folder
    raise RuntimeError("There is no folder for temporary files that PostgreSQL's user can reach.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _signal(processes: list[int], what: signal.Signals) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


def _children(parent: int) -> list[int]:
    """The processes that `parent` started. Each is a session of its own, so no signal to a group reaches them."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in table.splitlines()]
    return [pid for pid, ppid in pairs if ppid == parent]
