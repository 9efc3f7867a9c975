"""Which schema a database has, and how it gets to the one this version works with."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, inspect, text

from app.db import Database
from app.errors import SchemaMismatch
from app.models import metadata

if TYPE_CHECKING:
    from alembic.config import Config

State = Literal["empty", "older", "current", "newer"]
SAID = re.compile(r"^(revision|down_revision) = (.+)$", re.MULTILINE)  # in each migration


def _config(migrations: Path) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def state(connection: Connection, migrations: Path) -> State:
    """How the database's schema stands to this version's: `newer` is one that this version does not know."""
    at = version(connection)
    if at is None:
        refuse_foreign(connection)
        return "empty"
    before = order(migrations)
    if at not in before:
        return "newer"
    return "older" if at in before.values() else "current"


def version(connection: Connection) -> str | None:
    """Which migration a database is at; None for one that says nothing."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    at: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return at


def order(migrations: Path) -> dict[str, str | None]:
    """The migrations, each with the one before it.

    Read from their files: to have Alembic load them takes a server 8 MB and a tenth of its start, and hardly any has to migrate.
    """
    told = [dict(SAID.findall(file.read_text(encoding="utf-8"))) for file in (migrations / "versions").glob("*.py")]
    return {ast.literal_eval(one["revision"]): ast.literal_eval(one["down_revision"]) for one in told}


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
        before = state(connection, migrations)
        if before == "newer":
            raise newer()
        if before != "current" or database.url.get_backend_name() == "postgresql":
            from alembic.command import upgrade

            config = _config(migrations)
            config.attributes["connection"] = connection
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
