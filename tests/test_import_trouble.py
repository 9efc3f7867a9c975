"""Is an import whole or not at all when the disk is full at any place, and when two processes import one file at once?"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, exc

from app import db, ledger
from app.coded import undoing
from app.errors import Unavailable
from app.importers import runner, stage
from app.models.coded import IMPORTED, TABLES, coded_event, coded_link, coded_part, coded_report
from tests.base import KnowledgeBase
from tests.test_import_runner import CHECKOUT, everything, facts_file, icews_file, load, row, standing

LABELS = ("Make statement", "Praise", "Use force", "Consult")


def facts(count: int, seed: int) -> list[tuple[str, str, str, str]]:
    """Facts of a few actors in a few years."""
    chosen = random.Random(seed)
    found = []
    for n in range(count):
        one, other, day = chosen.randrange(90), chosen.randrange(90), f"20{n % 12 + 10}-0{n % 9 + 1}-11"
        found.append((f"Actor {one}", chosen.choice(LABELS), f"Actor {other}", day))
    return found


# ── A full disk ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports in small steps, so that a few thousand rows make many."""
    monkeypatch.setattr(stage, "CHUNK_ROWS", 400)
    monkeypatch.setattr(runner, "BATCH_ROWS", 500)


@contextmanager
def full(kb: KnowledgeBase, place: str, share: float) -> Iterator[None]:
    """The disk of an import is full: SQLite's in one of its files, PostgreSQL's for what goes into one of its tables."""
    if not kb.database.embedded:
        with refusing({"main": "coded_event", "scratch": "folded", "parts": "part", "lot0": "coded_part"}[place]):
            yield
        return
    attach = db._attach
    with kb.database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def limited(cursor: Any, path: Path, kilobytes: int) -> None:
        attach(cursor, path, kilobytes)
        if path.name == place:
            cursor.execute(f"PRAGMA {place}.max_page_count={3 + int(20 * share)}")

    with pytest.MonkeyPatch.context() as patch:
        if place == "main":
            patch.setattr(db, "LONG_JOB", (*db.LONG_JOB, f"main.max_page_count={pages + 1 + int(200 * share)}"))
        patch.setattr(db, "_attach", limited)
        yield


@contextmanager
def refusing(table: str) -> Iterator[None]:
    """PostgreSQL has no room for what is put into a table."""

    def refuse(_: Any, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith(f"INSERT INTO {table} "):
            raise exc.OperationalError(statement, {}, psycopg.errors.DiskFull("could not extend file"))

    event.listen(Engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", refuse)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("place", "share"), [("main", 0.0), ("main", 0.7), ("scratch", 0.5), ("parts", 0.2), ("lot0", 0.1)]
)
def test_an_import_onto_a_full_disk_is_refused_and_leaves_nothing(
    kb: KnowledgeBase, tmp_path: Path, place: str, share: float
) -> None:
    load(kb, facts_file(tmp_path, facts(300, 1)))
    before, latest = everything(kb), kb.latest
    path = facts_file(tmp_path, facts(4000, 2), "more.tsv")

    with full(kb, place, share), pytest.raises(Unavailable, match="disk of the database is full"):
        load(kb, path)

    with kb.database.read() as connection:
        left = ledger.opened(connection)
    if left is not None:  # no room even for taking it back
        runner.drop(kb.database, left.number)
    assert kb.latest == latest
    assert everything(kb) == before
    # With room again, the same file goes in.
    assert load(kb, path).new > 3_900


# ── Two at once ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wait", ["0", "60"])
def test_of_two_processes_that_import_one_file_at_once_one_wins_and_the_other_is_told(
    kb: KnowledgeBase, tmp_path: Path, wait: str
) -> None:
    path = facts_file(tmp_path, facts(30_000, 3))
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(CHECKOUT),
        "CHANCERY_DATABASE": kb.database.url.render_as_string(hide_password=False),
        "CHANCERY_DATA": str(tmp_path / "data"),
        "CHANCERY_WRITE_WAIT_SECONDS": wait,
    }
    command = [sys.executable, "-m", "app.cli", "import", str(path)]
    both = [
        subprocess.Popen(command, env=environment, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    told = [(*one.communicate(timeout=60), one.returncode) for one in both]

    refused = [(out + err, status) for out, err, status in told if status]
    assert len(refused) <= 1
    for words, status in refused:
        assert status == 1
        assert any(reason in words for reason in ("is still open", "at the same moment", "Another writer is at work"))
    if wait != "0":
        assert not refused
    with kb.database.read() as connection:
        assert ledger.opened(connection) is None
    (published,) = {one.since for one in standing(kb, coded_event)}
    assert published <= kb.latest
    assert not load(kb, path, again=True).revision


# ── Given up ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_giving_up_what_a_killed_import_wrote_reads_no_table_of_events_whole(kb: KnowledgeBase, tmp_path: Path) -> None:
    load(kb, facts_file(tmp_path, facts(3_000, 1)))
    load(kb, icews_file(tmp_path, [row(n, Event_Date=f"2018-06-{n % 9 + 1:02}") for n in range(60)]))
    before = everything(kb)
    told: list[tuple[str, Any]] = []

    def note(*asked: Any) -> None:
        told.append((asked[2], asked[3]))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    for path, more in (
        (facts_file(tmp_path, facts(50, 2), "few.tsv"), {"whole": True}),
        (icews_file(tmp_path, [row(n, Target_Name="Other") for n in range(30, 90)], "other.tab"), {}),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runner.Work, "_publish", killed)
            patch.setattr(runner, "drop", killed)
            with pytest.raises(KeyboardInterrupt):
                load(kb, path, **more)
        with kb.database.read() as connection:
            left = ledger.opened(connection)
        assert left is not None
        assert everything(kb) != before
        event.listen(Engine, "before_cursor_execute", note)
        try:
            runner.drop(kb.database, left.number)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        assert everything(kb) == before
    large = {table.name for table in TABLES} - {table.name for table in (*undoing.SMALL, coded_link)}
    if kb.database.embedded:
        with kb.database.read() as connection:
            plans = [
                line.detail
                for sql, values in told
                if sql.startswith(("SELECT", "DELETE", "UPDATE")) and any(name in sql for name in large)
                for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            ]
        assert len(plans) > 20
        assert [plan for plan in plans if plan.startswith("SCAN") and any(name in plan for name in large)] == []


def test_every_table_that_imports_write_is_taken_back() -> None:
    taken = {coded_event, coded_part, coded_report, *undoing.BY_ACTOR, *undoing.SMALL}

    assert taken == set(IMPORTED)
