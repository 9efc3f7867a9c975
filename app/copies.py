"""How a database is copied while it is served, and how a copy is put back."""

from __future__ import annotations

import os
import subprocess  # noqa: S404 - pg_dump and pg_restore are PostgreSQL's own way
from pathlib import Path
from shutil import which
from typing import Any

import pysqlite3.dbapi2 as sqlite3  # type: ignore[import-untyped]
from sqlalchemy import URL

from app.db import Database
from app.errors import ChanceryError, Conflict
from app.settings import child_environment


def back_up(database: Database, url: URL, file: Path) -> str:
    """Write a copy; a half-written one never carries the name. Says what was done."""
    if file.exists():
        raise Conflict(f"{file} is there already; name another file.")
    part = file.with_name(f".{file.name}.part")
    try:
        if database.embedded:
            _copy(str(url.database), part)
        else:
            _pg("pg_dump", url, ["--format=custom", "--no-owner", f"--file={part}"])
        part.replace(file)
    except OSError as error:
        raise ChanceryError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    return f"{file}: {file.stat().st_size:,} bytes."


def put_back(url: URL, file: Path, *, force: bool) -> str:
    """Put a copy in the database's place. Raises Conflict where a database is there and `force` was not said."""
    if not file.is_file():
        raise ChanceryError(f"{file} is not a file.")
    if url.get_backend_name() != "sqlite":
        _pg(
            "pg_restore",
            url,
            ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error", str(file)],
        )
        return "The database is restored."
    target = Path(str(url.database))
    with file.open("rb") as opened:
        if opened.read(16) != b"SQLite format 3\0":
            raise ChanceryError(f"{file} is not a backup of a SQLite database.")
    if target.exists() and not force:
        raise Conflict(f"A database is at {target}. Stop the server, and say --force to replace it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    _copy(str(file), part)
    for ending in ("-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)
    part.replace(target)
    return f"{target} is restored."


def _copy(source: str, target: Path) -> None:
    """SQLite's own backup: copying a live file loses what stands in its log."""
    target.unlink(missing_ok=True)
    with_source: Any = sqlite3.connect(f"file:{Path(source).absolute()}?mode=ro", uri=True)
    with_target: Any = sqlite3.connect(str(target))
    try:
        with_source.backup(with_target)
        verdict = with_target.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise ChanceryError(f"The copy is damaged: {verdict}")
    finally:
        with_target.close()
        with_source.close()
    with target.open("rb+") as written:
        os.fsync(written.fileno())


def _pg(tool: str, url: URL, arguments: list[str]) -> None:
    if which(tool) is None:
        raise ChanceryError(f"{tool} is not installed here; it comes with PostgreSQL's client tools.")
    connection = f"postgresql://{url.username or ''}@{url.host or ''}:{url.port or 5432}/{url.database or ''}"
    query = dict(url.query)
    if "host" in query:
        connection = (
            f"host={query['host']} port={query.get('port', url.port or 5432)} user={url.username} dbname={url.database}"
        )
    given = [tool, "--dbname", connection, *arguments]
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        given, capture_output=True, text=True, env=child_environment(PGPASSWORD=str(url.password or ""))
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
