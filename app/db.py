"""How the database is reached: one engine for reading, one for writing; the only `create_engine` and the only commit.

Reads run outside transactions: what they may see is fixed by the revision they are pinned to, not by a snapshot. Writes are one
transaction each, `BEGIN IMMEDIATE` on SQLite (a deferred one that reads first fails at once when somebody else wrote,
whatever the timeout).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite3  # type: ignore[import-untyped]
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine.interfaces import DBAPIConnection

from app.errors import ChanceryError, Unavailable

# 3.7.0 to 3.51.2 can lose committed pages when two connections race around a WAL reset (fixed in 3.51.3).
SQLITE_FLOOR = (3, 51, 3)

# PostgreSQL's classes and codes for "not now": connection trouble, resources, shutdown, too many connections, a cancelled query.
AWAY = ("08", "53", "57P", "57014", "55006")


@dataclass(frozen=True, slots=True)
class Database:
    """A database, with its reading and its writing side."""

    url: URL
    reader: Engine
    writer: Engine

    @property
    def embedded(self) -> bool:
        """Whether this is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; it cannot write."""
        with translated(), self.reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction for writing, committed at the end and rolled back on any error."""
        with translated(), self.writer.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self.reader.dispose()
        self.writer.dispose()


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
        if passing(error):
            raise away("The database does not answer.") from error
        raise


def away(what: str) -> Unavailable:
    """The 503 of a database that is away or busy."""
    return Unavailable(f"{what} Nothing was changed; try again in a few seconds.", headers={"Retry-After": "2"})


def passing(error: exc.DBAPIError) -> bool:
    """Whether a database error is of the kind that passes by waiting, told by its code and never by its words."""
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:
        return str(code).startswith(AWAY)
    name = getattr(error.orig, "sqlite_errorname", "")
    if name:
        return str(name).startswith(
            ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_INTERRUPT")
        )
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
        return Database(
            url, _sqlite(url, threads, wait_seconds, writes=False), _sqlite(url, 1, wait_seconds, writes=True)
        )
    if backend == "postgresql":
        return Database(
            url, _postgresql(url, threads, read_seconds, writes=False), _postgresql(url, 2, read_seconds, writes=True)
        )
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
            "cached_statements": 256,
        },
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: what was acknowledged survives a power cut too; a publication is one commit, so it costs little.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA mmap_size=1073741824")
        cursor.execute("PRAGMA temp_store=MEMORY")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    if writes:

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL, connections: int, read_seconds: float, *, writes: bool) -> Engine:
    options = "-c plan_cache_mode=force_custom_plan -c timezone=UTC"  # a generic plan took a query from 3 ms to 3.6 s
    if not writes:
        options += f" -c default_transaction_read_only=on -c statement_timeout={int(read_seconds * 1000)}"
    return create_engine(
        url,
        # psycopg drops its prepared statements at each ROLLBACK: AUTOCOMMIT took a read from 4.1 to 0.8 ms.
        isolation_level="READ COMMITTED" if writes else "AUTOCOMMIT",
        connect_args={"connect_timeout": 4, "tcp_user_timeout": 4000, "options": options},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=4,
        pool_pre_ping=True,
    )


def prepare_file(url: URL) -> None:
    """Make the folder of a SQLite file, and refuse a file that is there but empty or no database."""
    if url.get_backend_name() != "sqlite" or url.database is None:
        return
    file = Path(url.database)
    if file.is_dir():
        raise ChanceryError(f"{file.name} is a folder; CHANCERY_DATABASE must name a file.")
    if not file.exists():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ChanceryError(
                f"The data folder cannot be made ({error.strerror}); set CHANCERY_DATA to one that can."
            ) from error
        return
    with file.open("rb") as opened:
        head = opened.read(16)
    if head == b"":
        # SQLite takes an empty file for a new database: a lost one would come back as an empty knowledge base.
        raise ChanceryError(f"{file.name} is there but empty: restore it from a backup, or delete it to start anew.")
    if head != b"SQLite format 3\0":
        raise ChanceryError(f"{file.name} is not a SQLite database.")


def answers(connection: Connection) -> bool:
    """Whether the database answers at all."""
    return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)
