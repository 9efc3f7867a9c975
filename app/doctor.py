"""What is wrong with a database, each ailment with its mend: schema, integrity, dangling references, what a crash left open."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson
from sqlalchemy import Connection, Index, func, inspect, select, text
from sqlalchemy.schema import CreateIndex

from app import indexing, ledger, schema
from app.db import Database
from app.models import metadata
from app.models.base import PLAIN
from app.models.event import event_participant
from app.models.revision import record_id, revision
from app.models.source import citation, passage
from app.query.page import ids_in
from app.resources import NOUNS

SHOWN = 20  # ailments of one kind that are listed


def examine(database: Database, migrations: Path) -> Iterator[str]:
    """Every ailment, in words."""
    # FTS5's check trusts the outline of the index that its connection has kept, and calls what others wrote since damage.
    database.reader.dispose()
    with database.read() as connection:
        state = schema.state(connection, migrations)
        if state != "current":
            yield f"The schema is {state}. " + (
                "Run a newer Chancery." if state == "newer" else "Run `chancery migrate`."
            )
            return
        if database.embedded:
            verdict = connection.execute(text("PRAGMA integrity_check(5)")).scalars().all()
            if verdict != ["ok"] and all("search_words" in str(one) for one in verdict):
                yield f"The index of words is damaged: {'; '.join(map(str, verdict))}. Run `chancery reindex`."
                return
            if verdict != ["ok"]:
                yield f"The file is damaged: {'; '.join(map(str, verdict))}. Restore a backup with `chancery restore`."
                return
        yield from lost_indexes(connection)
        yield from indexing.ailments(connection)
        yield from left_open(connection)
        yield from twice_standing(connection)
        yield from dangling(connection)


def lost_indexes(connection: Connection) -> Iterator[str]:
    """Indexes that the schema has and the database lacks: answers stay right and become slow."""
    inspector = inspect(connection)
    tables = set(inspector.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in tables:
            yield f"The table {table.name} is missing. Restore a backup with `chancery restore`."
            continue
        there = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in there:
                yield f"The index {index.name} is missing; restore it with: {index_sql(connection, index)}"


def index_sql(connection: Connection, index: Index) -> str:
    """The statement that makes an index again."""
    return " ".join(str(CreateIndex(index).compile(dialect=connection.dialect)).split())


def left_open(connection: Connection) -> Iterator[str]:
    """A revision that a crash left behind."""
    row = ledger.opened(connection)
    if row is not None:
        yield f"Revision {row.number} is open since {row.opened_at}: {ledger.mends(row)}."


def twice_standing(connection: Connection) -> Iterator[str]:
    """Records with two standing versions, which the ledger never writes."""
    for noun, resource in NOUNS.items():
        table = resource.table
        query = (
            select(table.c.id)
            .where(table.c.until.is_(None), table.c.face != PLAIN)
            .group_by(table.c.id)
            .having(func.count() > 1)
        )
        for id in connection.scalars(query.limit(SHOWN)):
            yield f"The {noun} {id} stands twice. Restore a backup, and tell us: this should not be possible."
    newest = connection.execute(select(func.max(revision.c.number))).scalar() or 0
    if connection.execute(select(record_id.c.id).where(record_id.c.since > newest).limit(1)).first() is not None:
        yield "There are ids of revisions that do not exist. Restore a backup."


def dangling(connection: Connection) -> Iterator[str]:
    """References that lead nowhere: curated records are checked when they are published, so these were broken later."""
    standing: set[str] = set()
    for resource in NOUNS.values():
        table = resource.table
        standing |= set(connection.scalars(select(table.c.id).where(table.c.until.is_(None)).distinct()))
    yield from islice(loose_ends(connection, standing), SHOWN)
    for table, column in ((citation, citation.c.passage), (event_participant, event_participant.c.actor)):
        query = select(column).where(table.c.until.is_(None)).distinct()
        home = passage if table is citation else NOUNS["actor"].table
        lost = query.where(column.not_in(select(home.c.id).where(home.c.until.is_(None)))).limit(SHOWN)
        for id in connection.scalars(lost):
            yield f"{table.name} leads to {id}, which does not stand."


def loose_ends(connection: Connection, standing: set[str]) -> Iterator[str]:
    """Fields of standing records that name an id which does not stand."""
    for noun, resource in NOUNS.items():
        table = resource.table
        query = select(table.c.id, table.c.body).where(table.c.until.is_(None), table.c.face != PLAIN)
        for row in connection.execute(query):
            record = orjson.loads(row.body)
            for line in resource.fields:
                for id in (id for link in line.links for id in ids_in([record], line, link.at)):
                    if id not in standing:
                        yield f"{noun} {row.id}: {line.name} leads to {id}, which does not stand. Mend its dossier, load it."
