"""Whether what was acknowledged is kept, and what was not is gone: killed processes, full disks, servers that go away."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app import ledger
from app.doctor import examine
from app.models.revision import record_id
from app.settings import Settings
from tests.base import KnowledgeBase, plant
from tests.conftest import database_url, make_schema
from tests.making import dossier, topic
from tests.postgres import OwnPostgres, Postgres, running
from tests.serving import DIRECT, Program, answer, free_port, started
from tests.test_migrations import CHECKOUT, COMMAND, SEED, chancery, environment, killed_at, strace_or_skip

LARGE = 2_100  # records; more than one transaction holds
ANSWER_S = 5.0  # by which a request is answered while the database is away


def write_dossier(folder: Path, id: str, count: int, label: str = "Words") -> Path:
    """A file with a dossier of some topics."""
    file = folder / f"{id}.json"
    topics = [topic(f"{id}-{n}", label) for n in range(count)]
    file.write_text(json.dumps(dossier(id, topics=topics)))
    return file


@pytest.fixture
def file(migrated_file: Path, tmp_path: Path) -> Path:
    """A migrated SQLite file."""
    return Path(shutil.copy(migrated_file, tmp_path / "chancery.db"))


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


def counted(url: str) -> tuple[int, int]:
    """The last revision and how many topics stand in it; nothing may be wrong with the database but an open revision."""
    base = KnowledgeBase.at(url)
    ailments = list(examine(base.database, Settings().migrations))
    assert all("revisions resume" in one for one in ailments), ailments
    page = base.json("/v1/topics?count=exact&limit=1")
    base.close()
    return page["revision"], page["count"]["n"]


def open_number(url: str) -> int | None:
    base = KnowledgeBase.at(url)
    with base.database.read() as connection:
        row = ledger.opened(connection)
    base.close()
    return None if row is None else row.number


def rows(base: KnowledgeBase) -> dict[str, list[str]]:
    """What a knowledge base holds, row by row."""
    with base.database.read() as connection:
        return {
            one.name: sorted(map(repr, connection.execute(select(one)))) for one in [*ledger.versioned(), record_id]
        }


# ── Killed ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("call", ["pwrite64", "fsync,fdatasync"])
def test_a_load_killed_at_any_write_is_there_whole_or_not_at_all(
    call: str, migrated_file: Path, tmp_path: Path
) -> None:
    dossier_file = write_dossier(tmp_path, "arden", 3)
    killed = 0
    for nth in (1, 2, 4, 9, 20, 60):
        file = Path(shutil.copy(migrated_file, tmp_path / f"{nth}.db"))
        if not killed_at(call, nth, url_of(file), "load", str(dossier_file)):
            break
        killed += 1
        assert counted(url_of(file)) in ((0, 0), (1, 3))
        again = chancery(url_of(file), "load", str(dossier_file))
        assert again.returncode == 0, again.stderr
        assert counted(url_of(file)) == (1, 3)

    assert killed >= 1


@pytest.mark.parametrize("mend", ["resume", "abandon"])
def test_a_large_load_killed_at_any_write_is_mended_by_one_command(
    mend: str, migrated_file: Path, tmp_path: Path
) -> None:
    dossier_file = write_dossier(tmp_path, "arden", LARGE)
    open_ones = 0
    for nth in (2, 20, 150):
        file = Path(shutil.copy(migrated_file, tmp_path / f"{nth}.db"))
        if not killed_at("pwrite64", nth, url_of(file), "load", str(dossier_file)):
            break
        assert counted(url_of(file)) in ((0, 0), (1, LARGE))
        number = open_number(url_of(file))
        if number is not None:
            open_ones += 1
            refused = chancery(url_of(file), "load", str(write_dossier(tmp_path, "other", 1)))
            assert refused.returncode == 1
            assert f"`chancery revisions {mend} {number}`" in refused.stderr
            mended = chancery(url_of(file), "revisions", mend, str(number))
            assert mended.returncode == 0, mended.stderr
            assert counted(url_of(file)) == ((1, LARGE) if mend == "resume" else (0, 0))

    assert open_ones >= 1


def test_a_seed_killed_at_any_write_is_finished_by_the_next(migrated_file: Path, tmp_path: Path) -> None:
    whole = KnowledgeBase.at(url_of(Path(shutil.copy(migrated_file, tmp_path / "whole.db"))))
    plant(whole)
    killed = 0
    for nth in (1, 5, 25, 125):
        url = url_of(Path(shutil.copy(migrated_file, tmp_path / f"{nth}.db")))
        if not killed_at("pwrite64", nth, url, "seed"):
            break
        killed += 1
        again = chancery(url, "seed")
        assert again.returncode == 0, again.stderr
        base = KnowledgeBase.at(url)
        assert rows(base) == rows(whole)
        base.close()
    whole.close()

    assert killed >= 1


# Loads one dossier after another, and says so after each.
LOADS = """
import sys
from pathlib import Path
from sqlalchemy import make_url
from app.db import open_database
from app.dossiers.publish import prepare, publish
from app.settings import Settings
from app.times import utc_now
from app.vocabularies import load
base = open_database(make_url(sys.argv[1]))
terms = load(Settings().seed / "vocabularies")
for file in sorted(Path(sys.argv[2]).glob("*.json")):
    with base.read() as connection:
        prepared = prepare(connection, file.read_bytes(), terms)
    publish(base, prepared, by="a test", clock=utc_now)
    print(file.stem, flush=True)
"""


def acknowledged(url: str, folder: Path, then: Any) -> list[str]:
    """What a process that loads one dossier after another has acknowledged when `then` strikes."""
    command = [COMMAND[0], "-c", LOADS, url, str(folder)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment(url), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip()]
        threading.Timer(random.Random(SEED).uniform(0.2, 0.5), then, [process]).start()
        told += [line.strip() for line in process.stdout]
    return [one for one in told if one]


def many(folder: Path) -> Path:
    folder.mkdir()
    for n in range(60):
        write_dossier(folder, f"d{n:02}", 2)
    return folder


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_what_was_acknowledged_outlives_the_death_of_its_process(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = database_url(backend, request, tmp_path)

    told = acknowledged(url, many(tmp_path / "dossiers"), lambda process: process.kill())

    published, topics = counted(url)
    assert 1 <= len(told) <= published <= len(told) + 1
    assert topics == 2 * published


def test_what_was_acknowledged_outlives_a_power_cut_of_the_server(
    durable_postgres_server: Postgres, tmp_path: Path
) -> None:
    url = durable_postgres_server.create_database(durable_postgres_server.template("migrated", make_schema))

    told = acknowledged(url, many(tmp_path / "dossiers"), lambda _: durable_postgres_server.kill())
    durable_postgres_server.start()

    published, topics = counted(url)
    assert 1 <= len(told) <= published <= len(told) + 1
    assert topics == 2 * published


# ── A full disk ─────────────────────────────────────────────────────────────────────────────────────────────────────


def on_a_full_disk(nth: int, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a disk that is full from its nth write on."""
    tracing = (strace_or_skip(), "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64")
    return chancery(url, *arguments, before=(*tracing, "-e", f"inject=pwrite64:error=ENOSPC:when={nth}+"))


def test_a_load_onto_a_full_disk_is_refused_and_nothing_is_half_written(file: Path, tmp_path: Path) -> None:
    kept, lost = write_dossier(tmp_path, "kept", 2), write_dossier(tmp_path, "lost", LARGE)
    assert chancery(url_of(file), "load", str(kept)).returncode == 0

    for nth in (1, 3, 40):
        told = on_a_full_disk(nth, url_of(file), "load", str(lost))
        assert told.returncode == 1, told.stderr
        assert "full" in told.stderr
        assert "Traceback" not in told.stderr
        assert counted(url_of(file)) == (1, 2)
        number = open_number(url_of(file))
        if number is not None:
            assert chancery(url_of(file), "revisions", "abandon", str(number)).returncode == 0

    assert chancery(url_of(file), "load", str(lost)).returncode == 0
    assert counted(url_of(file))[1] == LARGE + 2


def test_a_backup_onto_a_full_disk_leaves_no_file(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    for nth in (1, 4, 60):
        told = on_a_full_disk(nth, url_of(file), "backup", str(folder / "copy.db"))
        assert told.returncode == 1, told.stderr
        assert "Traceback" not in told.stderr
        assert list(folder.iterdir()) == []
    assert chancery(url_of(file), "backup", str(folder / "copy.db")).returncode == 0


def test_a_migration_onto_a_full_disk_is_refused_and_done_by_the_next(tmp_path: Path) -> None:
    for nth in (1, 2, 3, 9):
        url = url_of(tmp_path / f"{nth}.db")
        told = on_a_full_disk(nth, url, "migrate")
        assert told.returncode == 1, told.stderr
        assert "Traceback" not in told.stderr
        assert chancery(url, "migrate").returncode == 0
        assert counted(url) == (0, 0)


# ── A server that goes away ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def away_server() -> Iterator[OwnPostgres]:
    """A PostgreSQL that these tests may stop, stall and kill, while others use theirs."""
    with running() as server:
        if not isinstance(server, OwnPostgres):
            pytest.skip("CHANCERY_TEST_POSTGRES names a server that is not ours to stop.")
        yield server


@pytest.fixture
def served(away_server: OwnPostgres, tmp_path: Path) -> Iterator[tuple[OwnPostgres, int]]:
    """A seeded knowledge base served from that PostgreSQL: the database server, and the port of ours."""
    away_server.start()
    url = away_server.create_database(away_server.template("migrated", make_schema))
    base = KnowledgeBase.at(url)
    plant(base)
    base.close()
    port = free_port()
    command = [*COMMAND, "serve", "--port", str(port)]
    with started(command, folder=CHECKOUT, settings={"CHANCERY_DATABASE": url, "PYTHONPATH": str(CHECKOUT)}) as program:
        wait_for(program, port)
        yield away_server, port
    away_server.thaw()
    away_server.start()
    away_server.drop_database(url)


def wait_for(program: Program, port: int) -> None:
    assert answer(program, port, "/v1/actors")["items"]


def asked(port: int, path: str) -> tuple[int, Any, float]:
    """Status, headers and duration of an answer."""
    begun = time.monotonic()
    try:
        with DIRECT.open(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
            response.read()
            return response.status, response.headers, time.monotonic() - begun
    except urllib.error.HTTPError as error:
        return error.code, error.headers, time.monotonic() - begun


def all_at_once(port: int, paths: list[str]) -> list[tuple[str, int, Any, float]]:
    found: list[tuple[str, int, Any, float]] = []
    threads = [threading.Thread(target=lambda path=path: found.append((path, *asked(port, path)))) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("how", ["stop", "kill", "freeze", "freeze with idle connections"])
def test_while_the_database_is_away_requests_are_refused_in_time_and_then_served_again(
    served: tuple[OwnPostgres, int], how: str
) -> None:
    server, port = served
    if "idle" in how:
        all_at_once(port, [f"/v1/actors?limit={n}" for n in range(1, 9)])
        time.sleep(0.2)
    getattr(server, how.split()[0])()

    told = all_at_once(port, [f"/v1/statements?limit={n}" for n in range(1, 21)] + ["/healthz"] * 3 + ["/readyz"])
    for path, status, headers, spent in told:
        assert spent < ANSWER_S, (path, status, spent)
        assert status == (200 if path == "/healthz" else 503)
        assert path == "/healthz" or int(headers["Retry-After"]) >= 1

    server.thaw()
    server.start()
    until = time.monotonic() + 10
    while asked(port, "/v1/statements")[0] != 200 and time.monotonic() < until:
        time.sleep(0.2)
    again = all_at_once(port, [f"/v1/statements?limit={n}" for n in range(1, 21)])
    assert [status for _, status, _, _ in again] == [200] * 20


def test_a_command_says_in_a_line_that_the_database_is_away(away_server: OwnPostgres, tmp_path: Path) -> None:
    away_server.start()
    url = away_server.create_database(away_server.template("migrated", make_schema))
    away_server.stop()

    told = chancery(url, "load", str(write_dossier(tmp_path, "arden", 1)))

    assert told.returncode == 1
    assert "does not answer" in told.stderr
    assert "Traceback" not in told.stderr


def test_an_interrupted_load_leaves_nothing_open(file: Path, tmp_path: Path) -> None:
    dossier_file = write_dossier(tmp_path, "arden", LARGE)
    process = subprocess.Popen(
        [*COMMAND, "load", str(dossier_file)], cwd=CHECKOUT, env=environment(url_of(file)), stderr=subprocess.DEVNULL
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    process.wait()

    assert counted(url_of(file)) in ((0, 0), (1, LARGE))
    assert open_number(url_of(file)) is None
