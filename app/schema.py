"""Which schema a database has, and how it gets to the one this version works with."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from app.db import Database
from app.errors import SchemaMismatch
from app.models import metadata

State = Literal["empty", "older", "current", "newer"]


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def state(connection: Connection, migrations: Path) -> State:
    """How the database's schema stands to this version's: `newer` is one that this version does not know."""
    at = MigrationContext.configure(connection).get_current_revision()
    if at is None:
        refuse_foreign(connection)
        return "empty"
    scripts = ScriptDirectory.from_config(_config(migrations))
    if at == scripts.get_current_head():
        return "current"
    return "older" if any(script.revision == at for script in scripts.walk_revisions()) else "newer"


def refuse_foreign(connection: Connection) -> None:
    """Refuse a database that holds tables but says no version: another program's, or what somebody copied half."""
    there = set(inspect(connection).get_table_names())
    # A PostgreSQL database may hold what its extensions made; a SQLite file belongs to one program.
    others = sorted(there if connection.dialect.name == "sqlite" else there & metadata.tables.keys())
    if others:
        raise SchemaMismatch(
            f"The database has tables ({', '.join(others[:3])}) but no schema version: it belongs to another program, or is half "
            "of a copy. Name an empty database, or restore a backup with `chancery restore`."
        )


def migrate(database: Database, migrations: Path) -> State:
    """Bring the schema to this version's, in one transaction; says how it stood before.

    Safe to kill at any point and to run twice at once. Raises SchemaMismatch for a database of a newer version.
    """
    with database.write() as connection:
        config = _config(migrations)
        config.attributes["connection"] = connection
        before = state(connection, migrations)
        if before == "newer":
            raise newer()
        if before != "current" or database.url.get_backend_name() == "postgresql":
            upgrade(config, "head")
    return before


def newer() -> SchemaMismatch:
    """The refusal of a database that a newer version has migrated."""
    return SchemaMismatch(
        "The database was migrated by a newer version of Chancery. Run that version, or restore a backup made before the upgrade."
    )


def require(database: Database, migrations: Path) -> None:
    """Refuse a database whose schema is not this version's, and say what to do."""
    with database.read() as connection:
        found = state(connection, migrations)
    if found == "newer":
        raise newer()
    if found != "current":
        raise SchemaMismatch(f"The database's schema is {found}. Run `chancery migrate` on it, then start again.")
