"""Whether whoever asks again is told what became of a write whose server died before it could answer: done once, and said so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, database_url
from tests.making import dossier, topic
from tests.serving import answer, free_port, started
from tests.test_migrations import CHECKOUT

# A server that dies by SIGKILL at a point of its first write: as soon as that is committed, or as soon as all but that is done.
MORTAL = """
import os, signal, sys, threading
from contextlib import contextmanager
from app import cli, db
point, write = sys.argv.pop(1), db.Database.write

@contextmanager
def dying(self):
    with write(self) as connection:
        yield connection
        if point == "before" and threading.current_thread() is not threading.main_thread():
            os.kill(os.getpid(), signal.SIGKILL)
    if threading.current_thread() is not threading.main_thread():  # that one starts the server
        os.kill(os.getpid(), signal.SIGKILL)

db.Database.write = dying
cli.main()
"""

NEW = dossier(topics=[topic("ferries"), topic("weirs")])
WRITES: list[tuple[str, str, Any, dict[str, str], int]] = [
    ("POST", "/v1/dossiers", NEW, {}, 201),
    ("PUT", "/v1/topics/locks", {"label": "Locks"}, {"If-None-Match": "*"}, 201),
    ("DELETE", "/v1/topics/locks?why=Not+needed.", None, {"If-Match": "*"}, 200),
    ("POST", "/v1/dossiers", NEW, {}, 200),  # changes nothing, and that is kept too
]


def cut_off(point: str, url: str, folder: Path, write: tuple[str, str, Any, dict[str, str], int], key: str) -> None:
    """Send a write to a server that dies of it."""
    method, path, body, headers, _ = write
    port = free_port()
    command = [sys.executable, "-c", MORTAL, point, "serve", "--port", str(port), "--database", url, "--no-seed"]
    settings = {"CHANCERY_DATA": str(folder), "CHANCERY_LOG_LEVEL": "error"}
    with started(command, folder=CHECKOUT, settings=settings) as program:
        answer(program, port, "/readyz")
        with pytest.raises(httpx2.HTTPError):
            httpx2.request(
                method,
                f"http://127.0.0.1:{port}{path}",
                json=body,
                headers={**headers, "Authorization": f"Bearer {key}", "Idempotency-Key": "once"},
                trust_env=False,
                timeout=30,
            )
        assert program.finish() == -9


def again(base: KnowledgeBase, write: tuple[str, str, Any, dict[str, str], int], key: str) -> httpx2.Response:
    method, path, body, headers, _ = write
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    return base.send(method, path, body, key=key, Idempotency_Key="once", **named)


@pytest.mark.parametrize("backend", BACKENDS)
def test_whoever_asks_again_after_a_death_between_commit_and_answer_gets_the_answer_and_nothing_is_done_twice(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
):
    url = database_url(backend, request, tmp_path)
    made = KnowledgeBase.at(url)
    keys = [made.key("write") for _ in WRITES]
    made.close()

    for n, (write, key) in enumerate(zip(WRITES, keys, strict=True)):
        cut_off("after", url, tmp_path, write, key)
        base = KnowledgeBase.at(url)
        done = base.latest

        first, second = (again(base, write, key) for _ in range(2))

        assert done == base.latest == min(n + 1, 3)  # the write before the death, and none after it
        assert first.status_code == write[4]
        assert first.content == second.content
        assert first.headers["idempotency-replayed"] == "true"
        other = base.send("POST", "/v1/dossiers", dossier(topics=[topic("x")]), key=key, Idempotency_Key="once")
        assert other.status_code == 422
        base.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_write_whose_server_died_before_the_commit_is_done_by_whoever_asks_again(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
):
    url = database_url(backend, request, tmp_path)
    made = KnowledgeBase.at(url)
    key = made.key("write")
    made.close()

    cut_off("before", url, tmp_path, WRITES[0], key)
    base = KnowledgeBase.at(url)
    lost = base.latest
    answers = [again(base, WRITES[0], key) for _ in range(2)]

    assert (lost, base.latest) == (0, 1)
    assert [one.status_code for one in answers] == [201, 201]
    assert [one.headers.get("idempotency-replayed") for one in answers] == [None, "true"]
    base.close()
