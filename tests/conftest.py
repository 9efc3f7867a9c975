"""What every test can ask for: a knowledge base on SQLite and on PostgreSQL, empty or with the seed, spoken to over HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app import schema
from app.db import Stalls, open_database
from app.settings import Settings
from tests.base import KnowledgeBase, plant

pytest_plugins = ["tests.postgres", "tests.ci_noskip", "tests.brute"]

BACKENDS = ("sqlite", "postgresql")

# A busy machine is no server that is away. tests/test_crash.py asks programs of their own, which are as impatient as they are.
Stalls.PING_SECONDS = 20.0
Stalls.CONNECT_SECONDS = 20


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and nothing else; copied, since a migration takes longer than a copy."""
    file = tmp_path_factory.mktemp("migrated") / "empty.db"
    make_schema(f"sqlite:///{file}")
    return file


def make_schema(url: str) -> None:
    """Migrate the database at `url`, and leave nothing open: PostgreSQL copies no database that is in use."""
    database = open_database(make_url(url))
    schema.migrate(database, Settings().migrations)
    database.close()
    if database.embedded:
        # The log is folded into the file, so that one file is the whole database.
        import pysqlite3.dbapi2 as sqlite3

        connection = sqlite3.connect(make_url(url).database)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


def database_url(backend: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of a fresh, migrated database."""
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), folder / "chancery.db")
        return f"sqlite:///{folder / 'chancery.db'}"
    server = request.getfixturevalue("postgres_server")
    return str(server.create_database(server.template("migrated", make_schema)))


@pytest.fixture(params=BACKENDS)
def kb(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KnowledgeBase]:
    """An empty knowledge base of the test's own, on each database."""
    base = KnowledgeBase.at(database_url(request.param, request, tmp_path))
    yield base
    base.close()


@pytest.fixture(scope="session", params=BACKENDS)
def seeded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    """The knowledge base as `make run` makes it, on each database. Shared: only for reading."""
    base = KnowledgeBase.at(database_url(request.param, request, tmp_path_factory.mktemp("seeded")))
    plant(base)
    yield base
    base.close()


@pytest.fixture(params=BACKENDS)
def own_seeded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KnowledgeBase]:
    """A seeded knowledge base of the test's own, to write in."""
    base = KnowledgeBase.at(database_url(request.param, request, tmp_path))
    plant(base)
    yield base
    base.close()
