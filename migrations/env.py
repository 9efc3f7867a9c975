"""How a migration runs: one transaction, one at a time, on SQLite and PostgreSQL alike.

SQLite's own DDL is transactional, but its Python driver commits around it unless told otherwise: `app.db` opens the writing
side with BEGIN IMMEDIATE, so a migration killed anywhere leaves the schema as it was, and a second one waits for the first. On
PostgreSQL a transaction-scoped advisory lock does the waiting.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from app.models import metadata

LOCK = 0x43_68_61_6E  # "Chan": one migration at a time


def mine(_object: object, name: str | None, kind: str, _reflected: bool, _against: object) -> bool:
    """Whether autogenerate may look at this: SQLite's full-text shadow tables are not ours to drop."""
    return not (kind == "table" and name is not None and name.startswith("search_"))


def run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=mine,
        transactional_ddl=True,
        render_as_batch=True,
    )
    # No context.begin_transaction(): the caller's transaction is the migration's, whole or not at all.
    context.run_migrations()


run(context.config.attributes["connection"])
