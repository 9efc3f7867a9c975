"""Whether a copy made while others write is whole, and comes back as what was copied."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite3
import pytest
from sqlalchemy import URL, make_url, select

from app import ledger
from app.copies import back_up, put_back
from app.errors import ChanceryError, Conflict
from app.models.revision import record_id
from app.settings import Settings
from tests.base import KnowledgeBase
from tests.making import dossier, topic

pytestmark = pytest.mark.usefixtures("client_tools")


@pytest.fixture
def client_tools() -> None:
    """What copies of a PostgreSQL database are made with."""
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed: apt install postgresql-client")


def rows(base: KnowledgeBase) -> dict[str, list[str]]:
    """What a knowledge base holds, row by row."""
    with base.database.read() as connection:
        tables = [*ledger.versioned(), record_id]
        return {one.name: sorted(map(repr, connection.execute(select(one)))) for one in tables}


@pytest.fixture
def elsewhere(kb: KnowledgeBase, request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The address of another database of the same kind, empty."""
    if kb.database.embedded:
        return make_url(f"sqlite:///{tmp_path / 'elsewhere' / 'chancery.db'}")
    return make_url(request.getfixturevalue("postgres_server").create_database())


def load(kb: KnowledgeBase, n: int) -> None:
    """Publish a dossier of two topics."""
    kb.load(dossier(f"d{n}", topics=[topic(f"left-{n}"), topic(f"right-{n}")]))


def test_a_copy_comes_back_as_what_was_copied(kb: KnowledgeBase, elsewhere: URL, tmp_path: Path) -> None:
    load(kb, 1)
    load(kb, 2)
    copy = tmp_path / "copy"
    told = back_up(kb.database, kb.database.url, copy)
    load(kb, 3)

    put_back(elsewhere, copy, force=False)

    again = KnowledgeBase.at(elsewhere.render_as_string(hide_password=False))
    assert f"{copy.stat().st_size:,} bytes" in told
    assert again.json("/v1/revisions")["items"] == kb.json("/v1/revisions?as_of=2")["items"]
    assert again.get("/v1/topics").json()["items"] == kb.get("/v1/topics?as_of=2").json()["items"]
    load(again, 3)
    assert rows(again) == rows(kb)
    again.close()


def test_a_copy_made_while_others_write_holds_whole_revisions(
    kb: KnowledgeBase, elsewhere: URL, tmp_path: Path
) -> None:
    load(kb, 0)
    over = threading.Event()

    def write() -> None:
        n = 0
        while not over.is_set():
            n += 1
            load(kb, n)

    writer = threading.Thread(target=write)
    writer.start()
    copies = [tmp_path / f"copy-{n}" for n in range(3)]
    for copy in copies:
        back_up(kb.database, kb.database.url, copy)
    over.set()
    writer.join()

    put_back(elsewhere, copies[-1], force=False)
    again = KnowledgeBase.at(elsewhere.render_as_string(hide_password=False))
    ids = set(again.ids("/v1/topics?limit=500"))
    newest = again.latest
    assert ids == {f"{side}-{n}" for side in ("left", "right") for n in range(newest)}
    assert again.json("/v1/topics?limit=500")["items"] == kb.json(f"/v1/topics?limit=500&as_of={newest}")["items"]
    again.close()


def test_a_copy_takes_nobodys_place(kb: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("Mine.")

    with pytest.raises(Conflict, match="is there already"):
        back_up(kb.database, kb.database.url, tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "Mine."


def test_a_copy_that_cannot_be_written_leaves_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    with pytest.raises(ChanceryError):
        back_up(kb.database, kb.database.url, tmp_path / "no such folder" / "copy")

    assert not (tmp_path / "no such folder").exists()


def test_a_database_that_is_there_is_replaced_only_by_force(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, 1)
    copy = tmp_path / "copy"
    back_up(kb.database, kb.database.url, copy)
    load(kb, 2)
    url = kb.database.url

    with pytest.raises(Conflict, match="--force"):
        put_back(url, copy, force=False)
    assert kb.latest == 2
    kb.database.close()
    put_back(url, copy, force=True)
    assert kb.latest == 1
    assert kb.ids("/v1/topics") == ["left-1", "right-1"]


def test_a_file_that_is_no_copy_is_not_put_in_a_databases_place(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, 1)
    noise, folder = tmp_path / "noise", tmp_path / "folder"
    noise.write_bytes(b"This is no copy of anything at all.")
    folder.mkdir()
    kb.database.close()

    for file in (noise, folder, tmp_path / "missing"):
        with pytest.raises(ChanceryError):
            put_back(kb.database.url, file, force=True)
    assert kb.latest == 1


def test_a_damaged_copy_is_not_put_in_a_databases_place(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, 1)
    copy = tmp_path / "copy"
    back_up(kb.database, kb.database.url, copy)
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    kb.database.close()

    with pytest.raises(ChanceryError):
        put_back(kb.database.url, copy, force=True)
    assert kb.latest == 1
    assert kb.ids("/v1/topics") == ["left-1", "right-1"]
    assert [one.name for one in tmp_path.glob(".*")] == []


# ── What only a file has ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def embedded(migrated_file: Path, tmp_path: Path) -> Any:
    """A knowledge base in a file, with one dossier."""
    base = KnowledgeBase.at(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'chancery.db')}")
    load(base, 1)
    yield base
    base.close()


def test_a_file_that_is_served_is_not_replaced(embedded: KnowledgeBase, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    back_up(embedded.database, embedded.database.url, copy)
    load(embedded, 2)
    embedded.json("/v1/topics")

    with pytest.raises(Conflict, match="in use"):
        put_back(embedded.database.url, copy, force=True)
    assert embedded.latest == 2


def test_a_copy_is_one_file_that_can_be_read_where_nothing_can_be_written(
    embedded: KnowledgeBase, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    back_up(embedded.database, embedded.database.url, folder / "copy.db")

    assert [one.name for one in folder.iterdir()] == ["copy.db"]
    with closing(sqlite3.connect(f"file:{folder / 'copy.db'}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM topic").fetchone() == (2,)


def test_what_stands_in_the_log_of_a_replaced_file_does_not_come_back(
    embedded: KnowledgeBase, migrated_file: Path, tmp_path: Path
) -> None:
    url = embedded.database.url
    left = tmp_path / "left.db"
    # The file and its log as a killed server leaves them.
    for ending in ("", "-wal"):
        shutil.copy(f"{url.database}{ending}", f"{left}{ending}")

    put_back(make_url(f"sqlite:///{left}"), migrated_file, force=True)

    again = KnowledgeBase.at(f"sqlite:///{left}")
    assert (again.latest, again.ids("/v1/topics")) == (0, [])
    again.close()


def test_a_damaged_file_can_be_replaced(embedded: KnowledgeBase, tmp_path: Path) -> None:
    copy, lost = tmp_path / "copy", tmp_path / "lost.db"
    back_up(embedded.database, embedded.database.url, copy)
    lost.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)

    put_back(make_url(f"sqlite:///{lost}"), copy, force=True)

    again = KnowledgeBase.at(f"sqlite:///{lost}")
    assert again.ids("/v1/topics") == ["left-1", "right-1"]
    again.close()


def test_a_copy_of_a_newer_schema_is_refused_by_who_uses_it(embedded: KnowledgeBase, tmp_path: Path) -> None:
    from app import schema
    from app.errors import SchemaMismatch

    copy = tmp_path / "copy"
    back_up(embedded.database, embedded.database.url, copy)
    with closing(sqlite3.connect(str(copy))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '99999999a'")
        connection.commit()
    put_back(make_url(f"sqlite:///{tmp_path / 'new.db'}"), copy, force=False)

    again = KnowledgeBase.at(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(SchemaMismatch, match="newer version"):
        schema.require(again.database, Settings().migrations)
    again.close()
