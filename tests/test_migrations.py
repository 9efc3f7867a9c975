"""Whether the schema gets to where the models want it: whole or not at all, once, and never over something it does not know."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3.dbapi2 as sqlite3
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, make_url, text

from app import schema
from app.db import Database, open_database, prepare_file
from app.doctor import examine
from app.errors import SchemaMismatch
from app.models import metadata
from app.settings import Settings
from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, make_schema

MIGRATIONS = Settings().migrations
COMMAND = [sys.executable, "-m", "app.cli"]
CHECKOUT = Path(__file__).resolve().parent.parent
SEED = 20261125


def environment(url: str) -> dict[str, str]:
    """What a command of ours is told."""
    return {
        "PATH": os.defpath,
        "CHANCERY_DATABASE": url,
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "PYTHONPATH": str(CHECKOUT),
    }


def chancery(url: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A command of ours, run to its end."""
    command = [*before, *COMMAND, *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=environment(url), capture_output=True, text=True, timeout=120)


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with nothing in it: for SQLite, of a file that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'chancery.db'}"
    return str(request.getfixturevalue("postgres_server").create_database())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a SQLite file would be."""
    return tmp_path / "chancery.db"


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at an address, for a block."""
    database = open_database(make_url(url))
    try:
        yield database
    finally:
        database.close()


def differences(url: str) -> list[Any]:
    """How a database's schema differs from the models."""
    with opened(url) as database, database.read() as connection:
        # SQLite writes '' as '''' and is told apart by that; its defaults are compared below, as the database itself writes them.
        defaults = connection.dialect.name != "sqlite"
        opts = {"compare_server_default": defaults, "include_object": ours}
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, metadata))


def ours(_object: object, name: str | None, _kind: str, _reflected: bool, _against: object) -> bool:
    """Whether the models know of it: the index of words is of another kind on each database, and made by hand."""
    return not (name or "").startswith("search_words")


def constraints(connection: Connection) -> set[str]:
    """Every table's constraints and indexes as the database itself writes them."""
    if connection.dialect.name == "postgresql":
        query = text(
            "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace UNION ALL "
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON oid = indrelid "
            "WHERE relnamespace = 'public'::regnamespace"
        )
        return {row for row in connection.scalars(query) if "alembic_version" not in row and "search_words" not in row}
    query = text(
        "SELECT tbl_name || ' ' || sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name NOT LIKE 'search_words%'"
    )
    rows = [row for row in connection.scalars(query) if "alembic_version" not in row]
    # A line a column or constraint; in which order a table names its constraints says nothing.
    return {f"{row.split(' ', 1)[0]}: {line.strip().rstrip(',').strip()}" for row in rows for line in row.split("\n")}


def test_a_migrated_database_is_what_the_models_say(empty: str) -> None:
    assert chancery(empty, "migrate").returncode == 0

    assert differences(empty) == []


def test_a_migrated_database_has_every_check_that_the_models_have(
    kb: KnowledgeBase, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if kb.database.embedded:
        url = f"sqlite:///{tmp_path / 'models.db'}"
    else:
        url = request.getfixturevalue("postgres_server").create_database()
    engine = create_engine(url, module=sqlite3) if kb.database.embedded else create_engine(url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        wanted = constraints(connection)
    engine.dispose()

    with kb.database.read() as connection:
        assert constraints(connection) == wanted


def test_migrating_twice_changes_nothing(empty: str) -> None:
    assert "was empty" in chancery(empty, "migrate").stdout

    assert "is current" in chancery(empty, "migrate").stdout
    assert differences(empty) == []


def test_two_who_migrate_at_once_both_succeed(empty: str) -> None:
    both = [
        subprocess.Popen([*COMMAND, "migrate"], cwd=CHECKOUT, env=environment(empty), stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = [one.communicate(timeout=120)[1] for one in both]

    assert [one.returncode for one in both] == [0, 0, 0], told
    assert differences(empty) == []


def test_a_migration_can_be_taken_back(kb: KnowledgeBase) -> None:
    from alembic.command import downgrade

    with kb.database.write() as connection:
        config = schema._config(MIGRATIONS)
        config.attributes["connection"] = connection
        downgrade(config, "base")

    with kb.database.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_a_database_of_a_newer_version_is_left_alone(kb: KnowledgeBase) -> None:
    with kb.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '99999999a'"))

    for use in (schema.migrate, schema.require):
        with pytest.raises(SchemaMismatch, match="newer version"):
            use(kb.database, MIGRATIONS)
    assert kb.get("/readyz").status_code == 503
    told = chancery(kb.database.url.render_as_string(hide_password=False), "migrate")
    assert (told.returncode, told.stdout) == (1, "")
    assert "Run that version" in told.stderr


def test_the_order_of_migrations_is_the_one_that_alembic_sees() -> None:
    scripts = ScriptDirectory.from_config(schema._config(MIGRATIONS)).walk_revisions()

    assert schema.order(MIGRATIONS) == {one.revision: one.down_revision for one in scripts}


def test_a_server_whose_schema_is_current_does_without_alembic(kb: KnowledgeBase) -> None:
    code = (
        "import sys; from app import main, schema; from app.db import open_database; from app.settings import Settings\n"
        "schema.require(open_database(Settings().url), Settings().migrations)\n"
        "print([name for name in ('alembic', 'mako', 'pygments') if name in sys.modules])"
    )
    url = kb.database.url.render_as_string(hide_password=False)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=environment(url), capture_output=True, text=True
    )

    assert (ran.stdout, ran.stderr) == ("[]\n", "")


# ── Killed ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def assert_mended(url: str) -> None:
    """A plain migration makes the schema right, whatever went before."""
    prepare_file(make_url(url))
    with opened(url) as database:
        schema.migrate(database, MIGRATIONS)
        assert list(examine(database, MIGRATIONS)) == []
    assert differences(url) == []


def strace_or_skip() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed: apt install strace")
    tried = subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True)
    if tried.returncode != 0:
        pytest.skip(f"strace may not trace here: {tried.stderr.decode()[:200]}")
    return found


def killed_at(call: str, nth: int, url: str, *arguments: str) -> bool:
    """Run a command that is killed as it makes its nth system call of a kind; whether it came to that."""
    tracing = (strace_or_skip(), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}")
    done = chancery(url, *arguments, before=(*tracing, "-e", f"inject={call}:signal=SIGKILL:when={nth}"))
    return done.returncode == -signal.SIGKILL or done.returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize("call", ["pwrite64", "fsync,fdatasync", "linkat,link", "unlink"])
def test_a_migration_killed_at_any_write_is_finished_by_the_next(call: str, tmp_path: Path) -> None:
    nth, step, killed = 1, 1, 0
    while True:
        folder = tmp_path / str(nth)
        url = f"sqlite:///{folder / 'chancery.db'}"
        if not killed_at(call, nth, url, "migrate"):
            break
        killed += 1
        assert_mended(url)
        # Every one of the first, then ever fewer: a migration makes some hundred writes that are all alike.
        step = 1 if killed < 3 else step * 3
        nth += step

    assert killed >= 1


def test_a_migration_killed_at_any_moment_is_finished_by_the_next(empty: str) -> None:
    chance = random.Random(SEED)
    for _ in range(4):
        process = subprocess.Popen(
            [*COMMAND, "migrate"],
            cwd=CHECKOUT,
            env=environment(empty),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.3, 1.2))
        process.kill()
        process.wait()

    assert_mended(empty)


# ── What is no database ─────────────────────────────────────────────────────────────────────────────────────────────


def empty_file(file: Path) -> None:
    file.touch()


def text_file(file: Path) -> None:
    file.write_text("Not a database, but some notes about one.\n")


def folder(file: Path) -> None:
    file.mkdir()


def others_file(file: Path) -> None:
    with closing(sqlite3.connect(str(file))) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
        connection.execute("INSERT INTO bookmarks VALUES ('https://example.org')")
        connection.commit()


def half_copied_file(file: Path) -> None:
    make_schema(f"sqlite:///{file}")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 3])


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (empty_file, "restore it from a backup, or delete it"),
        (text_file, "name another file"),
        (folder, "must name a file"),
        (others_file, "belongs to another program"),
        (half_copied_file, "put a backup in its place"),
    ],
)
@pytest.mark.parametrize("arguments", [("migrate",), ("doctor",), ("seed",)])
def test_what_is_no_database_of_ours_is_refused_with_advice(
    make: Callable[[Path], None], advice: str, arguments: tuple[str, ...], file: Path
) -> None:
    make(file)
    before = file.read_bytes() if file.is_file() else None

    told = chancery(f"sqlite:///{file}", *arguments)

    assert (told.returncode, told.stdout) == (1, "")
    assert re.search(advice, told.stderr)
    assert "Traceback" not in told.stderr
    assert before is None or file.read_bytes() == before


def as_everybody() -> tuple[str, ...]:
    """What takes from root the right to write where nobody may."""
    if os.geteuid() != 0:
        return ()
    found = shutil.which("setpriv")
    if found is None:
        pytest.skip("setpriv is not installed: apt install util-linux")
    return found, "--bounding-set", "-dac_override,-dac_read_search"


def test_a_folder_that_cannot_be_written_is_refused_with_advice(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)

    told = chancery(f"sqlite:///{tmp_path / 'chancery.db'}", "migrate", before=as_everybody())

    assert told.returncode == 1
    assert "set CHANCERY_DATA to a folder that can be written" in told.stderr


@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_database_that_cannot_be_written_is_refused_with_advice(migrated_file: Path, file: Path, mode: int) -> None:
    shutil.copy(migrated_file, file)
    file.chmod(mode)
    file.parent.chmod(0o555)

    told = chancery(f"sqlite:///{file}", "seed", before=as_everybody())

    assert told.returncode == 1
    assert "can be written" in told.stderr or "read-only" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_server_that_is_not_there_is_said_in_a_line() -> None:
    told = chancery("postgresql+psycopg://nobody@127.0.0.1:1/none", "migrate")

    assert told.returncode == 1
    assert "does not answer" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_missing_role_is_said_in_a_line(postgres_server: Any) -> None:
    url = make_url(postgres_server.url()).set(username="somebody_else").render_as_string(hide_password=False)

    told = chancery(url, "migrate")

    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace("+psycopg", ""))
