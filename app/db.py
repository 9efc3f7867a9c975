"""How the database is reached: one engine for reading, one for writing; the only `create_engine` and the only commit.

Reads run outside transactions: what they may see is fixed by the revision they are pinned to, not by a snapshot. Writes are one
transaction each, `BEGIN IMMEDIATE` on SQLite (a deferred one that reads first fails at once when somebody else wrote,
whatever the timeout).
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
import pysqlite3.dbapi2 as sqlite3  # type: ignore[import-untyped]
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import QueuePool

from app.errors import ChanceryError, Unavailable

# 3.7.0 to 3.51.2 can lose committed pages when two connections race around a WAL reset (fixed in 3.51.3).
SQLITE_FLOOR = (3, 51, 3)

# PostgreSQL's classes and codes for "not now": connection trouble, resources, shutdown, too many connections, a cancelled query.
AWAY = ("08", "53", "57P", "57014", "55006")
LOCKED = "55P03"  # a lock was not to be had in time

# A long job on SQLite: bounded memory whatever its size. The library is built to keep temporary tables in memory, so they go
# to a file of their own, and the database's file is not mapped (a mapped page counts as the process's own). Its many small
# commits need not reach the disk one by one: publishing, on another connection, syncs the log whole.
LONG_JOB = ("main.cache_size=-40960", "main.synchronous=NORMAL", "mmap_size=0", "wal_autocheckpoint=16384")
# Its scratch files, and the memory for each, in kB: of the job's own connection, and of the one beside it.
SCRATCH = {"scratch": (32_768, 8_192), "parts": (4_096, 32_768), "lot0": (4_096, 8_192), "lot1": (4_096, 8_192)}
# Large pages: they are written in fewer steps, and read in the order in which they were written.
SCRATCH_PAGE_BYTES = 16_384


# What the queries of a thread are worth, and its connection for them, see `Database.hurrying`.
HURRY = threading.local()
LOOK_STEPS = 4_000  # of SQLite's machine between two looks at that: 0.1 ms


@dataclass(frozen=True, slots=True)
class Database:
    """A database, with its reading and its writing side."""

    url: URL
    reader: Engine
    writer: Engine
    stalls: Stalls
    spare: list[Connection] = field(default_factory=list)  # one for reading, kept for who hurries

    @property
    def embedded(self) -> bool:
        """Whether this is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self, seconds: float | None = None) -> Iterator[Connection]:
        """A connection for reading, for so many seconds where more than usual are needed; it cannot write.

        Raises Unavailable at once while the database has just been found away: waiting for it again would hold up everybody.
        """
        own: Connection | None = getattr(HURRY, "connection", None)
        if own is not None and own.engine is self.reader:
            HURRY.connection = None  # a read within this one takes another
            try:
                with translated():
                    yield own
            finally:
                own.rollback()
                HURRY.connection = own
            return
        self.stalls.refuse()
        with translated():
            try:
                connection = self.reader.connect()
            except exc.DBAPIError as error:
                if is_connect_failure(error):
                    self.stalls.found_away()
                raise
            within = self.stalls.read_seconds if seconds is None else seconds
            with connection, self.stalls.limit(connection.connection.dbapi_connection, within):
                yield connection

    @property
    def idle(self) -> bool:
        """Whether this is a SQLite file with a reading connection to spare, so that asking it waits for nobody."""
        pool = self.reader.pool
        return self.embedded and (bool(self.spare) or (isinstance(pool, QueuePool) and pool.checkedout() < pool.size()))

    @contextmanager
    def hurrying(self, looks: int, seconds: float) -> Iterator[None]:
        """Give up, as Unavailable, a SQLite query of this thread after so many looks, see LOOK_STEPS, or so long a time.

        What is read meanwhile goes over one connection, which is kept for the next one who hurries: to take one out of the pool and
        put it back costs more than a short question, and each has memory of its own that would have to be warm.
        """
        try:
            own = self.spare.pop()
        except IndexError:  # the first one, or another loop hurries meanwhile
            with translated():
                own = self.reader.connect()
        HURRY.left, HURRY.until, HURRY.connection = looks, time.monotonic() + seconds, own
        kept = False
        try:
            yield
            kept = not self.spare
        finally:
            HURRY.left = HURRY.connection = None
            if kept:
                self.spare.append(own)
            else:
                own.close()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction for writing, committed at the end and rolled back on any error."""
        with translated(), self.writer.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def hold(self) -> Iterator[Held]:
        """A writing connection of its own for a long job, with temporary tables; see `Held`."""
        engine = (
            _sqlite(self.url, 1, 10.0, writes=True)
            if self.embedded
            else _postgresql(self.url, 1, 0, writes=True, more=" -c work_mem=64MB -c temp_buffers=64MB")
        )
        try:
            with translated(), ExitStack() as stack:
                connection = stack.enter_context(engine.connect())
                if not self.embedded:
                    yield Held(connection)
                    return
                beside = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                stack.callback(beside.close)
                beside.execute("PRAGMA temp_store=MEMORY")
                raw = connection.connection.cursor()
                for pragma in LONG_JOB:
                    raw.execute(f"PRAGMA {pragma}")
                with tempfile.TemporaryDirectory(
                    prefix=".chancery.", dir=Path(str(self.url.database)).parent
                ) as folder:
                    # Beside the database, where there is room, and without a name once they are open: a crash leaves nothing.
                    for name, sizes in SCRATCH.items():
                        for cursor, size in zip((raw, beside), sizes, strict=True):
                            _attach(cursor, Path(folder) / name, size)
                raw.close()
                yield Held(connection, Beside(beside))
        finally:
            engine.dispose()

    def let_go(self) -> None:
        """Give back the connection that is kept for who hurries."""
        while self.spare:
            self.spare.pop().close()

    def close(self) -> None:
        """Close every pooled connection."""
        self.let_go()
        self.reader.dispose()
        self.writer.dispose()


def _attach(cursor: Any, path: Path, kilobytes: int) -> None:
    """Attach a scratch file, and open it: SQLite does that when it is first needed."""
    name = path.name
    cursor.execute(f"ATTACH ? AS {name}", (str(path),))
    for pragma in (
        f"page_size={SCRATCH_PAGE_BYTES}",
        "journal_mode=OFF",
        "synchronous=OFF",
        "mmap_size=0",
        f"cache_size=-{kilobytes}",
    ):
        cursor.execute(f"PRAGMA {name}.{pragma}")
    cursor.execute(f"CREATE TABLE IF NOT EXISTS {name}.begun (n INTEGER)")
    cursor.execute(f"PRAGMA {name}.user_version").fetchone()


@dataclass(frozen=True, slots=True)
class Beside:
    """A second connection to the scratch files of a long job, for another thread: SQLite works without Python's lock.

    A file is changed by one of the two connections at a time; to read it, the other one waits until that is done.
    """

    connection: Any

    def run(self, *statements: str, **values: Any) -> list[int]:
        """Run statements in one transaction; says how many rows each changed."""
        try:
            self.connection.execute("BEGIN")
            changed = [self.connection.execute(one, values).rowcount for one in statements]
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            # A full disk has rolled it back already.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise exc.DBAPIError.instance(statements[0], values, error, sqlite3.Error) from error
        return changed

    def one(self, query: str, **values: Any) -> Any:
        """The first row of a query."""
        return self.connection.execute(query, values).fetchone()


@dataclass(frozen=True, slots=True)
class Held:
    """A writing connection that makes one transaction after another; its temporary tables last as long as it is held.

    `beside` is there on SQLite.
    """

    connection: Connection
    beside: Beside | None = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction for writing the database itself; temporary tables are only read in it."""
        with self._kind("writing"):
            yield self.connection

    @contextmanager
    def scratch(self) -> Iterator[Connection]:
        """A transaction that reads and writes temporary tables only, and so keeps no other writer waiting."""
        with self._kind("scratch"):
            yield self.connection

    @contextmanager
    def _kind(self, kind: str) -> Iterator[None]:
        self.connection.execution_options(kind=kind)
        try:
            with self.connection.begin():
                yield
        finally:
            self.connection.execution_options(kind=None)


class Waiting(NamedTuple):
    """Who waits for a connection's answer: since when, and until when at most."""

    since: float
    until: float
    connection: Any


class Stalls:
    """Ends what waits for a server that neither answers nor resets, and what SQLite works at for too long: neither has a timeout.

    A thread looks a few times a second which connections are over their time, and shuts their sockets or interrupts their queries:
    whoever waits on one then gets an error. A look costs nothing to a request but an entry in a dictionary. Where a server lets
    somebody wait for long, the thread asks whether it still takes connections: it may work, or have stopped in the middle.
    """

    LOOK_SECONDS = 0.25
    PING_SECONDS = 1.5  # with CONNECT_SECONDS: an answer within 5 s, whatever the server does
    CONNECT_SECONDS = 2  # whole ones: libpq knows no others
    FRESH_SECONDS = 0.02  # a connection that answered so lately is not tested: that costs as much as a short question
    AWAY_SECONDS = 1.0  # for how long a server found away is not asked again

    def __init__(self, read_seconds: float, reached: Callable[[], bool] | None = None) -> None:
        # The server gives a slow query up by itself; what lasts longer than that was never answered.
        self.read_seconds = read_seconds + 1
        self.reached = reached  # asks whether the server takes connections, where there is one
        self.away_until = 0.0
        self.doubted = 0.0  # when that was last asked
        self.waiting: dict[object, Waiting] = {}
        self.lock = threading.Lock()
        self.watcher: threading.Thread | None = None

    def refuse(self) -> None:
        """Raise Unavailable while the database has just been found away."""
        if time.monotonic() < self.away_until:
            raise away("The database does not answer.")

    def found_away(self) -> None:
        """Note that the database could not be reached."""
        self.away_until = time.monotonic() + self.AWAY_SECONDS

    @contextmanager
    def limit(self, connection: Any, seconds: float) -> Iterator[None]:
        """End what a connection waits for or works at where the block takes longer than this."""
        if self.watcher is None:
            self.watch()
        token = object()
        now = time.monotonic()
        self.waiting[token] = Waiting(now, now + seconds, connection)
        try:
            yield
        finally:
            with self.lock:
                self.waiting.pop(token, None)

    def watch(self) -> None:
        """Start the thread that looks."""
        with self.lock:
            if self.watcher is None:
                self.watcher = threading.Thread(target=self._keep_looking, name="stalls", daemon=True)
                self.watcher.start()

    def _keep_looking(self) -> None:
        looked = time.monotonic()
        while True:
            time.sleep(self.LOOK_SECONDS)
            now = time.monotonic()
            self.look(now, held=now - looked - self.LOOK_SECONDS)
            looked = now

    def look(self, now: float, held: float) -> None:
        """End what is over its time. Who was held up so long himself (a machine that was paused) grants it to the others too."""
        with self.lock:
            for token, one in list(self.waiting.items()):
                if held > self.LOOK_SECONDS:
                    one = self.waiting[token] = Waiting(one.since + held, one.until + held, one.connection)
                if now >= one.until:
                    del self.waiting[token]
                    _shut(one.connection)
            long = any(now - one.since >= self.PING_SECONDS for one in self.waiting.values())
        if long and self.reached is not None and now - self.doubted >= self.PING_SECONDS:
            self.doubted = now
            threading.Thread(target=self._doubt, name="doubt", daemon=True).start()

    def _doubt(self) -> None:
        with suppress(Unavailable):
            self.doubt()

    def doubt(self) -> None:
        """Ask whether the server is there. Raises Unavailable where it is not, and ends what waits for it since before."""
        asked = time.monotonic()
        if self.reached is None or self.reached():
            return
        self.found_away()
        with self.lock:
            for token, one in list(self.waiting.items()):
                if one.since < asked:
                    del self.waiting[token]
                    _shut(one.connection)
        self.refuse()

    def pinging(self, engine: Engine, fresh_seconds: float = 0) -> Engine:
        """The engine, its test of a pooled connection limited in time, and spared where that answered so lately."""
        ping = engine.dialect.do_ping
        used: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

        def limited(connection: DBAPIConnection) -> bool:
            if time.monotonic() - used.get(connection, 0.0) < fresh_seconds:
                return True
            with self.limit(connection, self.PING_SECONDS):
                return ping(connection)

        @event.listens_for(engine, "checkin")
        def note(connection: DBAPIConnection | None, _: Any) -> None:
            if connection is not None:
                used[connection] = time.monotonic()

        engine.dialect.do_ping = limited  # type: ignore[method-assign, assignment]
        return engine


def _shut(connection: Any) -> None:
    """Interrupt a SQLite query, or shut a connection's socket, under the thread that waits on it."""
    if hasattr(connection, "interrupt"):
        connection.interrupt()
        return
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as found:
        found.shutdown(socket.SHUT_RDWR)


@contextmanager
def translated() -> Iterator[None]:
    """Database trouble of the kind that passes, said as 503; everything else stays what it is."""
    try:
        yield
    except ChanceryError:
        raise
    except exc.TimeoutError as error:
        raise away("Every connection is in use.") from error
    except exc.DBAPIError as error:
        refusal = lasting(error)
        if refusal is not None:
            raise refusal from error
        code = str(getattr(error.orig, "sqlstate", "") or getattr(error.orig, "sqlite_errorname", ""))
        if code == LOCKED or code.startswith("SQLITE_BUSY"):
            raise locked() from error
        if passing(error):
            raise away("The database does not answer.") from error
        raise


def lasting(error: exc.DBAPIError) -> ChanceryError | None:
    """The refusal of a database that no waiting mends: full, read-only or damaged; None for other trouble."""
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None) or ""
    if code.startswith(("SQLITE_FULL", "53100")):
        return away("The disk of the database is full.")
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "25006")):
        return ChanceryError(
            "The database cannot be written here: its file or folder is read-only. Nothing was changed. Give the user who runs "
            "Chancery the right to write both, or name another place in CHANCERY_DATA or CHANCERY_DATABASE."
        )
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")):
        return ChanceryError(
            "The database is damaged. Stop what uses it, keep a copy of the file, and put a backup in its place with "
            "`chancery restore`; `chancery doctor` says what is wrong."
        )
    return None


def away(what: str) -> Unavailable:
    """The 503 of a database that is away or busy."""
    return Unavailable(f"{what} Nothing was changed; try again in a few seconds.", headers={"Retry-After": "2"})


class Locked(Unavailable):
    """Another writer is at work; who it is stands in the ledger, where that one has told already."""


def locked() -> Locked:
    """The 503 of a writer who waited in vain for another one."""
    return Locked(
        "Another writer is at work, and takes longer than is waited for. Nothing was changed; try again in a few seconds.",
        headers={"Retry-After": "2"},
    )


def passing(error: exc.DBAPIError) -> bool:
    """Whether a database error is of the kind that passes by waiting, told by its code and never by its words."""
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:
        return str(code).startswith(AWAY)
    name = getattr(error.orig, "sqlite_errorname", "")
    if name:
        return str(name).startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_INTERRUPT"))
    # A connection that never came about carries no code at all.
    return (isinstance(error, exc.OperationalError) and error.connection_invalidated) or is_connect_failure(error)


def is_connect_failure(error: exc.DBAPIError) -> bool:
    """Whether PostgreSQL could not be reached, or the connection broke, which psycopg reports without a code."""
    return isinstance(error, (exc.OperationalError, exc.InterfaceError)) and type(error.orig).__module__.startswith(
        "psycopg"
    )


def open_database(url: URL, *, threads: int = 6, read_seconds: float = 10.0, wait_seconds: float = 10.0) -> Database:
    """The database at `url`, its connections not yet made.

    Raises ChanceryError where the SQLite library is one that can lose data, or the address is of another kind of database.
    """
    backend = url.get_backend_name()
    if backend == "sqlite":
        stalls = Stalls(read_seconds)
        # One more than threads, for what is answered without one.
        reader = _sqlite(url, threads + 1, wait_seconds, writes=False)
        return Database(url, reader, _sqlite(url, 1, wait_seconds, writes=True), stalls)
    if backend == "postgresql":
        reader = _postgresql(url, threads, read_seconds, writes=False)
        # As SQLite does: who finds the row of the open revision taken waits for its writer so long, and not for ever.
        lock = f" -c lock_timeout={max(1, int(wait_seconds * 1000))}"
        writer = _postgresql(url, 2, read_seconds, writes=True, more=lock)
        stalls = Stalls(read_seconds, reached=lambda: takes_connections(url))
        return Database(url, stalls.pinging(reader, Stalls.FRESH_SECONDS), stalls.pinging(writer), stalls)
    raise ChanceryError(f"Chancery runs on SQLite and PostgreSQL; {backend!r} in CHANCERY_DATABASE is neither.")


def _sqlite(url: URL, connections: int, wait_seconds: float, *, writes: bool) -> Engine:
    if sqlite3.sqlite_version_info < SQLITE_FLOOR:
        found, floor = sqlite3.sqlite_version, ".".join(map(str, SQLITE_FLOOR))
        raise ChanceryError(
            f"SQLite {found} can lose committed data in WAL mode; install pysqlite3 with SQLite {floor} or newer."
        )
    if url.database in (None, "", ":memory:"):
        raise ChanceryError(
            "An in-memory database would be another one for each connection; name a file: sqlite:///chancery.db"
        )
    engine = create_engine(
        url,
        module=sqlite3,
        connect_args={
            "isolation_level": None,
            "timeout": wait_seconds,
            "check_same_thread": False,
            "cached_statements": 100,
        },
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        # The one that was just used has the pages that are asked for again; the others stay small.
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: Any) -> None:
        cursor = connection.cursor()
        # Another program's file is left as it is: it will be refused.
        cursor.execute("SELECT count(*) = 0 OR sum(name = 'alembic_version') FROM sqlite_master")
        if cursor.fetchone() in ((1,), (None,)):
            cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: what was acknowledged survives a power cut too; a publication is one commit, so it costs little.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # A mapped file counts as the process's own memory, once for each connection: 860 MB at 461 thousand events. The
        # system's cache serves as well: a reader with 2 MB of its own is as quick as with 6, and there are nine of them.
        cursor.execute("PRAGMA mmap_size=0")
        cursor.execute(f"PRAGMA cache_size=-{6_144 if writes else 2_048}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
            connection.set_progress_handler(late, LOOK_STEPS)
        cursor.close()

    if writes:

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            kind = connection.get_execution_options().get("kind")
            connection.exec_driver_sql("BEGIN" if kind else "BEGIN IMMEDIATE")
            if kind == "writing":
                # The same for one file alone: IMMEDIATE would lock the scratch files too, which are written beside it.
                connection.exec_driver_sql("DELETE FROM main.alembic_version WHERE 0")

    return engine


def late() -> bool:
    """Whether a query of this thread has taken longer than it is worth."""
    left = getattr(HURRY, "left", None)
    if left is None:
        return False
    HURRY.left = left - 1
    return bool(left <= 0 or time.monotonic() > HURRY.until)


def _postgresql(
    url: URL, connections: int, read_seconds: float, *, writes: bool, more: str = "", tested: bool = True
) -> Engine:
    options = (
        f"-c plan_cache_mode=force_custom_plan -c timezone=UTC{more}"  # a generic plan took a query from 3 ms to 3.6 s
    )
    if not writes:
        # To start workers takes longer than a short question: only what reads millions of rows gets any. The codes of an actor
        # took 7 ms with two of them, and 1.2 without.
        options += f" -c default_transaction_read_only=on -c statement_timeout={int(read_seconds * 1000)}"
        options += " -c parallel_setup_cost=50000"
    return create_engine(
        url,
        # psycopg drops its prepared statements at each ROLLBACK: AUTOCOMMIT took a read from 4.1 to 0.8 ms.
        isolation_level="READ COMMITTED" if writes else "AUTOCOMMIT",
        connect_args={"connect_timeout": Stalls.CONNECT_SECONDS, "tcp_user_timeout": 4000, "options": options},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=4,
        pool_pre_ping=tested,
    )


def glancing(url: URL) -> Engine:
    """One connection to PostgreSQL that is not tested before it is used: for one very short question at a time."""
    return _postgresql(url, 1, Stalls.PING_SECONDS, writes=False, tested=False)


def takes_connections(url: URL) -> bool:
    """Whether PostgreSQL answers who comes: with a connection, or with the reason why there is none."""
    engine = glancing(url)
    try:
        engine.raw_connection().close()
    except psycopg.Error as error:  # not wrapped: nobody asked for SQLAlchemy's connection
        return not isinstance(error, psycopg.errors.ConnectionTimeout)
    finally:
        engine.dispose()
    return True


def prepare_file(url: URL) -> None:
    """Make a SQLite file and its folder where there is none; refuse a file that is empty or no database."""
    if url.get_backend_name() != "sqlite" or url.database is None:
        return
    file = Path(url.database)
    if file.is_dir():
        raise ChanceryError(f"{file.name} is a folder; CHANCERY_DATABASE must name a file.")
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            make_file(file)
            return
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as error:
        raise ChanceryError(
            f"The database file {file.name} cannot be reached or made ({error.strerror}); set CHANCERY_DATA to a folder that can "
            "be written."
        ) from error
    if head == b"":
        # SQLite takes an empty file for a new database: a lost one would come back as an empty knowledge base.
        raise ChanceryError(f"{file.name} is there but empty: restore it from a backup, or delete it to start anew.")
    if head != b"SQLite format 3\0":
        raise ChanceryError(f"{file.name} is not a SQLite database; name another file in CHANCERY_DATABASE.")


def make_file(file: Path) -> None:
    """Make an empty database, whole or not at all: a process killed while SQLite makes one leaves a file of 0 bytes.

    Raises OSError, or ChanceryError for a full disk.
    """
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
        part = Path(folder) / "new"
        try:
            with closing(sqlite3.connect(part)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            raise ChanceryError(f"{file.name} cannot be made: {error}. Make room, or name another place.") from error
        if part.stat().st_size == 0:
            # On a full disk SQLite leaves the journal mode as it was, and says nothing.
            raise ChanceryError(f"{file.name} cannot be made: the disk is full. Make room, or name another place.")
        try:
            os.link(part, file)  # unlike a renaming, takes nobody's place
        except FileExistsError:
            return
        except OSError:
            part.rename(file)  # a file system without links


def answers(connection: Connection) -> bool:
    """Whether the database answers at all."""
    return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)


def look_out(url: URL) -> Any:
    """A bare connection to a SQLite file that only ever looks whether somebody else has committed; for one thread."""
    return sqlite3.connect(
        f"file:{Path(str(url.database)).absolute()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )


LOOKOUT_ERRORS = (sqlite3.Error,)
