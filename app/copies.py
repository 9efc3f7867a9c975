"""How a database is copied while it is served, and how a copy is put back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any

import pysqlite3.dbapi2 as sqlite3  # type: ignore[import-untyped]
from sqlalchemy import URL, inspect

from app.db import Database, open_database
from app.errors import ChanceryError, Conflict
from app.settings import child_environment

LOCK_SECONDS = 2.0  # how long a restore waits for whoever has the database open


def back_up(database: Database, url: URL, file: Path) -> str:
    """Write a copy; a half-written one never carries the name. Says what was done."""
    if file.exists():
        raise Conflict(f"{file} is there already; name another file.")
    with aside(file) as part:
        if database.embedded:
            _copy(Path(str(url.database)), part)
        else:
            _pg("pg_dump", url, ["--format=custom", "--no-owner", f"--file={part}"])
            _settle(part)
    return f"{file}: {file.stat().st_size:,} bytes."


def put_back(url: URL, file: Path, *, force: bool) -> str:
    """Put a copy in the database's place. Raises Conflict where a database is there and `force` was not said, or is in use."""
    if not file.is_file():
        raise ChanceryError(f"{file} is not a file.")
    with file.open("rb") as opened:
        head = opened.read(16)
    if url.get_backend_name() != "sqlite":
        if not head.startswith(b"PGDMP"):
            raise ChanceryError(f"{file} is not a backup of a PostgreSQL database.")
        if not force and _has_tables(url):
            raise Conflict("The database is not empty. Stop the server, and say --force to replace what is in it.")
        arguments = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error", str(file)]
        _pg("pg_restore", url, arguments)
        return "The database is restored."
    target = Path(str(url.database))
    if head != b"SQLite format 3\0":
        raise ChanceryError(f"{file} is not a backup of a SQLite database.")
    if target.exists() and not force:
        raise Conflict(f"A database is at {target}. Stop the server, and say --force to replace it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with aside(target) as part:
        _copy(file, part)
        _fold(target)
    return f"{target} is restored."


@contextmanager
def aside(file: Path) -> Iterator[Path]:
    """A file beside this one to write into, which takes its name at the end; nothing of it is left where that fails."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        yield part
        part.replace(file)
    except OSError as error:
        raise ChanceryError(f"{file} cannot be written: {error.strerror}. Nothing was changed.") from error
    except sqlite3.Error as error:
        raise ChanceryError(f"{file} cannot be written: {error}. Nothing was changed.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
            part.with_name(f"{part.name}-journal").unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """SQLite's own backup: copying a live file loses what stands in its log."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as with_source,
        closing(sqlite3.connect(str(target))) as with_target,
    ):
        with_source.backup(with_target)
        # One file without a log beside it: it can be moved, and read where nothing can be written.
        with_target.execute("PRAGMA journal_mode=DELETE")
        verdict: Any = with_target.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise ChanceryError(f"The copy is damaged: {verdict}")
    _settle(target)


def _settle(file: Path) -> None:
    """Make sure that a file is on the disk before it gets its name."""
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def _fold(target: Path) -> None:
    """Fold the log of the database that is to be replaced into its file: left beside a new file, it would be played into that.

    Raises Conflict where somebody has the database open.
    """
    if target.exists():
        try:
            with closing(sqlite3.connect(str(target), timeout=LOCK_SECONDS)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            if str(getattr(error, "sqlite_errorname", "")).startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise Conflict(f"{target} is in use. Stop the server, then restore again.") from error
            raise
        except sqlite3.DatabaseError:
            pass  # so damaged that it cannot be opened: a reason to restore
    for ending in ("-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)


def _has_tables(url: URL) -> bool:
    database = open_database(url, threads=1)
    try:
        with database.read() as connection:
            return bool(inspect(connection).get_table_names())
    finally:
        database.close()


def _pg(tool: str, url: URL, arguments: list[str]) -> None:
    if which(tool) is None:
        raise ChanceryError(f"{tool} is not installed here; it comes with PostgreSQL's client tools.")
    # Without the password, which any user of the machine could read in the list of processes.
    address = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [tool, "--dbname", address.render_as_string(), *arguments],
        capture_output=True,
        text=True,
        env=child_environment(PGPASSWORD=str(url.password or "")),
    )
    if done.returncode != 0:
        raise ChanceryError(f"{tool} failed: {done.stderr.strip()[-500:]}")


def write_whole(target: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as written:
            written.write(data)
            written.flush()
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
