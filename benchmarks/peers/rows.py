"""The rows as a peer keeps them: actors, events and participations with sensible indexes, in SQLite, DuckDB or PostgreSQL."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE actor (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE event (id INTEGER PRIMARY KEY, day DATE NOT NULL, label TEXT NOT NULL);
CREATE TABLE participation (
    event_id INTEGER NOT NULL, role TEXT NOT NULL, actor_id INTEGER NOT NULL, other_id INTEGER NOT NULL,
    day DATE NOT NULL, label TEXT NOT NULL, PRIMARY KEY (event_id, role)
)"""
# The code and the counterpart stand in the participation too, so that a count is answered from one index.
INDEXES = (
    "CREATE INDEX ix_event_day ON event (day, id)",
    "CREATE INDEX ix_event_label ON event (label, day, id)",
    "CREATE INDEX ix_participation_day ON participation (actor_id, day, event_id, role, label)",
    "CREATE INDEX ix_participation_label ON participation (actor_id, label, day, event_id)",
    "CREATE INDEX ix_participation_other ON participation (actor_id, other_id, day, event_id)",
)
# The words of an event as a page shows them, in FTS5's own tokens, optimized as an index that is only read should be.
WORDS = (
    "CREATE VIRTUAL TABLE event_fts USING fts5(words)",
    "INSERT INTO event_fts (rowid, words) SELECT e.id, an.name || ': ' || e.label || ' → ' || bn.name FROM event e "
    "JOIN participation a ON a.event_id = e.id AND a.role = 'initiator' JOIN actor an ON an.id = a.actor_id "
    "JOIN actor bn ON bn.id = a.other_id",
    "INSERT INTO event_fts (event_fts) VALUES ('optimize')",
)
ACTOR = "INSERT INTO actor VALUES (?, ?)"
EVENT = "INSERT INTO event VALUES (?, ?, ?)"
PARTICIPATION = "INSERT INTO participation VALUES (?, ?, ?, ?, ?, ?)"

# The layout of the file in a table, with the indexes that pages and counts of it need: what an import cannot beat.
IMPORT = """.mode tabs
CREATE TABLE facts (subject TEXT, relation TEXT, object TEXT, date TEXT, split TEXT);
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
.import --skip 1 "{file}" facts
CREATE INDEX ix_subject ON facts (subject, date);
CREATE INDEX ix_object ON facts (object, date);
CREATE INDEX ix_relation ON facts (relation, date);
CREATE INDEX ix_date ON facts (date);
"""


def read(files: list[Path], names: dict[str, int]) -> Iterator[tuple[int, str, str, int, int]]:
    """Id, day, label, initiator and recipient of each row, spaces for underscores; actors are numbered in `names`."""
    id = 0
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
            next(lines)
            for line in lines:
                subject, relation, object, day, *_ = line.rstrip("\n").replace("_", " ").split("\t")
                id += 1
                yield (
                    id,
                    day,
                    relation,
                    names.setdefault(subject, len(names) + 1),
                    names.setdefault(object, len(names) + 1),
                )


def into_sqlite(path: Path, files: list[Path]) -> None:
    """A SQLite file of the rows, analysed."""
    path.unlink(missing_ok=True)
    made = path.with_suffix(".part")
    made.unlink(missing_ok=True)
    connection = sqlite3.connect(made)
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + TABLES)
    names: dict[str, int] = {}
    batch: list[tuple[int, str, str, int, int]] = []

    def flush() -> None:
        connection.executemany(EVENT, [one[:3] for one in batch])
        connection.executemany(PARTICIPATION, parts(batch))
        batch.clear()

    for row in read(files, names):
        batch.append(row)
        if len(batch) == 50_000:
            flush()
    flush()
    connection.executemany(ACTOR, [(number, name) for name, number in names.items()])
    for statement in (*INDEXES, *WORDS):
        connection.execute(statement)
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()
    made.replace(path)


def parts(batch: list[tuple[int, str, str, int, int]]) -> list[tuple[Any, ...]]:
    """The participations of events."""
    found: list[tuple[Any, ...]] = []
    for id, day, label, initiator, recipient in batch:
        found.append((id, "initiator", initiator, recipient, day, label))
        found.append((id, "recipient", recipient, initiator, day, label))
    return found


def into_postgres(url: str, files: list[Path]) -> None:
    """The same tables in an empty PostgreSQL database."""
    import psycopg

    names: dict[str, int] = {}
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        connection.execute(TABLES)
        rows = list(read(files, names))
        for table, lines in (
            ("event", (one[:3] for one in rows)),
            ("participation", iter(parts(rows))),
            ("actor", ((number, name) for name, number in names.items())),
        ):
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for line in lines:
                    copy.write_row(line)
        for index in INDEXES:
            connection.execute(index)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")


def into_duckdb(path: Path, sqlite: Path) -> None:
    """A DuckDB file of the rows of a SQLite file."""
    import duckdb

    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE event (id INTEGER, day DATE, label VARCHAR)")
        csv = path.with_suffix(".csv")
        subprocess.run(
            ["sqlite3", "-csv", str(sqlite), "SELECT id, day, label FROM event"], stdout=csv.open("wb"), check=True
        )
        connection.execute(f"COPY event FROM '{csv}' (FORMAT csv, HEADER false)")
        csv.unlink()
