"""Whether one request can take what others need: time on the database, threads, memory, or a walk that was begun."""

from __future__ import annotations

import base64
import shutil
import sys
import time
from pathlib import Path

import httpx2
import orjson
import pytest
from sqlalchemy import make_url, text

from app.db import open_database
from app.errors import Unavailable
from app.routes.memory import Remembering, size_of
from app.routes.metrics import Metrics
from tests.base import KnowledgeBase
from tests.making import dossier, person, statement, topic
from tests.serving import free_port, started
from tests.test_migrations import CHECKOUT


def test_a_query_on_sqlite_that_takes_too_long_is_given_up(migrated_file: Path) -> None:
    database = open_database(make_url(f"sqlite:///{migrated_file}"), threads=1, read_seconds=0.5)
    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    begun = time.monotonic()

    with pytest.raises(Unavailable), database.read() as connection:
        connection.execute(endless)

    assert time.monotonic() - begun < 10
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    database.close()


def test_a_cursor_with_a_number_that_no_database_takes_is_refused(kb: KnowledgeBase) -> None:
    kb.load(dossier(topics=[topic("ports"), topic("ferries")]))
    made = kb.json("/v1/topics?limit=1")["next_cursor"]
    version, revision, mark, *_ = orjson.loads(base64.urlsafe_b64decode(made + "=="))
    forged = base64.urlsafe_b64encode(orjson.dumps([version, revision, mark, 2**63, "a"])).rstrip(b"=").decode()

    assert kb.get(f"/v1/topics?limit=1&cursor={forged}").status_code == 422


def test_a_walk_through_today_goes_on_while_others_publish(kb: KnowledgeBase) -> None:
    kb.load(dossier(topics=[topic(name) for name in ("a", "b", "c")]))
    today = kb.clock.moment.date().isoformat()
    page = kb.json(f"/v1/topics?limit=2&as_of={today}")

    kb.load(dossier(topics=[topic(name) for name in ("a", "aa", "b", "c")]))
    rest = kb.json(f"/v1/topics?limit=2&as_of={today}&cursor={page['next_cursor']}")

    assert [item["id"] for item in page["items"] + rest["items"]] == ["a", "b", "c"]


def test_who_asks_an_export_for_its_headers_is_not_made_to_wait_for_it(kb: KnowledgeBase) -> None:
    kb.load(dossier(actors=[person()], statements=[statement()]))

    answer = kb.client.head("/v1/statements?format=csv")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content == b""


def test_waiting_for_a_revision_leaves_threads_for_everybody_else(kb: KnowledgeBase) -> None:
    begun = time.monotonic()

    answers = [kb.get("/v1/topics?min_revision=99") for _ in range(2)]

    assert {answer.status_code for answer in answers} == {503}
    assert all(answer.headers["retry-after"] for answer in answers)
    assert time.monotonic() - begun < 10


def test_a_connection_beyond_those_that_may_be_open_is_told_so_in_a_problem_document(
    migrated_file: Path, tmp_path: Path
):
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--no-seed"]
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'chancery.db')}"
    settings = {"CHANCERY_DATABASE": url, "CHANCERY_CONNECTIONS": "1", "CHANCERY_LOG_LEVEL": "error"}

    with started(command, folder=CHECKOUT, settings=settings) as program:
        while "Explorer" not in program.output:
            assert not program.ended, program.output
            time.sleep(0.05)
        answer = httpx2.get(f"http://127.0.0.1:{port}/v1/topics", trust_env=False)

    told = answer.json()
    assert answer.status_code == told["status"] == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("2", "close")
    assert (told["type"], told["title"]) == (f"/docs/errors#{Unavailable.kind}", Unavailable.title)
    assert set(told) == {"type", "title", "status", "detail", "instance", "errors"}


@pytest.fixture
def memory() -> Remembering:
    """A memory of ten kilobytes in front of nothing."""

    async def nothing(*_: object) -> None: ...

    async def standing() -> tuple[int, int]:
        return 1, 0

    return Remembering(nothing, standing=standing, most_bytes=10_000, metrics=Metrics())


def test_remembered_answers_take_no_more_memory_than_they_may(memory: Remembering) -> None:
    for number in range(100):
        key = (b"/v1/topics", b"q=%d" % number, b"a" * 500, b"", (1, 0))
        memory.keep(key, [(b"etag", b'"x"')], b"y" * 1_000)

    assert memory.bytes == sum(size_of(key, answer) for key, answer in memory.answers.items()) <= 10_000
    assert 0 < len(memory.answers) < 10
