"""Many who write at once, through a real server: one winner, nothing lost that was acknowledged, nothing seen by halves."""

from __future__ import annotations

import asyncio
import random
import re
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import make_url, update

from app import ledger
from app.db import open_database
from app.doctor import examine
from app.errors import Unavailable
from app.ledger import Busy, Change
from app.models.revision import revision
from app.settings import Settings
from app.writing.acts import Desk
from app.writing.keys import Key
from app.writing.retries import Answer, Asked
from tests.base import KnowledgeBase
from tests.conftest import BACKENDS, database_url
from tests.making import dossier, topic
from tests.serving import Program, answer, free_port, started
from tests.test_migrations import CHECKOUT, SEED

CROWD = 1_000
TOPIC = "/v1/topics/ferries"


@contextmanager
def serving(url: str, folder: Path) -> Iterator[tuple[Program, str]]:
    """A server on a database, and its address."""
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--database", url]
    settings = {
        "CHANCERY_DATA": str(folder),
        "CHANCERY_RATE_LIMIT": "off",
        "CHANCERY_CONNECTIONS": "2000",
        "CHANCERY_LOG_LEVEL": "error",
    }
    with started(command, folder=CHECKOUT, settings=settings) as program:
        answer(program, port, "/readyz")
        yield program, f"http://127.0.0.1:{port}"


def prepared(url: str) -> str:
    """A knowledge base with a topic, and a key to write with."""
    base = KnowledgeBase.at(url)
    base.load(dossier(topics=[topic("ferries")]))
    key = base.key("write", name="crowd")
    base.close()
    return key


async def crowd(base: str, key: str, tag: str, n: int, turn: int) -> list[tuple[int, str]]:
    """What each of many edits of the same version is answered."""
    limits = httpx2.Limits(max_connections=n)
    headers = {"Authorization": f"Bearer {key}", "If-Match": tag}
    async with httpx2.AsyncClient(base_url=base, limits=limits, timeout=120, trust_env=False) as client:

        async def edit(writer: int) -> tuple[int, str]:
            body = {"label": f"Round {turn}", "definition": f"By writer {writer}."}
            got = await client.put(TOPIC, json=body, headers=headers)
            return got.status_code, body["definition"]

        return list(await asyncio.gather(*map(edit, range(n))))


@pytest.mark.parametrize("backend", BACKENDS)
def test_of_a_thousand_edits_at_once_exactly_one_wins(backend: str, request: pytest.FixtureRequest, tmp_path: Path):
    url = database_url(backend, request, tmp_path)
    key = prepared(url)

    with serving(url, tmp_path) as (_, base), httpx2.Client(base_url=base, trust_env=False) as client:
        for turn, n in enumerate((CROWD, 50, 50)):
            tag = client.get(TOPIC).headers["etag"]
            answers = asyncio.run(crowd(base, key, tag, n, turn))
            won = [said for status, said in answers if status == 200]
            assert {status for status, _ in answers} == {200, 412}
            assert len(won) == 1
            assert client.get(TOPIC).json()["definition"] == won[0]
        assert client.get(TOPIC).headers["kb-revision"] == "4"


def write_until_killed(base: str, key: str, writer: int, told: dict[str, Any]) -> None:
    """Make one topic after another, and note each that was acknowledged."""
    with httpx2.Client(
        base_url=base, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30
    ) as client:
        for n in range(10_000):
            id = f"topic-{writer}-{n}"
            try:
                got = client.put(
                    f"/v1/topics/{id}",
                    json={"label": id},
                    headers={"If-None-Match": "*", "Idempotency-Key": id},
                )
            except httpx2.HTTPError:
                told.setdefault("broken", []).append(id)
                return
            if got.status_code == 201:
                told[id] = got.content
            elif got.status_code != 503:
                told.setdefault("wrong", []).append(got.text)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_acknowledged_outlives_the_death_of_the_server(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
):
    url = database_url(backend, request, tmp_path)
    key = prepared(url)
    chance = random.Random(SEED)
    told: dict[str, Any] = {}

    for life in range(3):
        with serving(url, tmp_path) as (program, base):
            writers = [
                threading.Thread(target=write_until_killed, args=(base, key, 10 * life + n, told)) for n in range(4)
            ]
            for one in writers:
                one.start()
            until = time.monotonic() + 20
            while len(told) < 12 * (life + 1) and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.2))
            program.process.kill()
            for one in writers:
                one.join()

    broken = told.pop("broken", [])
    assert "wrong" not in told, told["wrong"][:3]
    assert len(told) >= 30
    mine = KnowledgeBase.at(url, rate_limit="off")
    assert list(examine(mine.database, Settings().migrations)) == []
    standing = set(mine.ids("/v1/topics?limit=500"))
    assert told.keys() <= standing
    assert standing - told.keys() - {"ferries"} <= set(broken)
    latest = mine.latest
    assert latest == len(standing)  # one revision each, and none besides
    for id in [*list(told)[-5:], *broken]:
        # Whoever was cut off asks again, and nothing is done twice.
        again = mine.send(
            "PUT",
            f"/v1/topics/{id}",
            b'{"label":"%s"}' % id.encode(),
            key=key,
            If_None_Match="*",
            Idempotency_Key=id,
            Content_Type="application/json",
        )
        assert again.status_code == 201
        assert id not in told or again.content == told[id]
    assert mine.latest == 1 + len(told) + len(broken)
    mine.close()


def test_whoever_finds_another_writer_at_work_is_told_so_and_does_not_wait_for_ever(kb: KnowledgeBase):
    """A long publication holds its transaction open, in another process."""
    impatient = open_database(make_url(kb.settings.database or ""), wait_seconds=0.3)
    change = Change("edit", "another desk", "Take very long")
    try:
        with ledger.begun(kb.database, change, kb.clock) as (connection, number):
            with pytest.raises(Unavailable) as told:
                ledger.begin(impatient, Change("edit", "a desk", "Be quick"), kb.clock)
            ledger.publish(connection, number, kb.clock())
    finally:
        impatient.close()

    assert told.value.headers["Retry-After"]
    assert ledger.begin(kb.database, Change("edit", "a desk", "Be quick"), kb.clock) == 2


def test_who_waits_in_vain_for_a_lock_is_told_whose_revision_is_open(kb: KnowledgeBase):
    """An import publishes in many transactions: its revision is there to be seen, and the lock is held again and again."""
    impatient = open_database(make_url(kb.settings.database or ""), wait_seconds=0.3)
    ledger.begin(kb.database, Change("import", "maria", "Load the ferries"), kb.clock)
    asked = Asked(Key("k", "a desk", ("write",)), None, "", 1)
    try:
        with kb.database.write() as connection:
            connection.execute(update(revision).values(counts="{}"))
            with pytest.raises(Busy, match=r"Revision 1 \(import: Load the ferries\).*by maria"):
                ledger.begin(impatient, Change("edit", "a desk", "Be quick"), kb.clock)
            with pytest.raises(Unavailable, match=r"Revision 1 \(import: Load the ferries\).*by maria") as told:
                Desk(impatient, kb.clock, 0.2).act(asked, Change("edit", "a desk", "Be quick"), lambda *_: done())
    finally:
        impatient.close()

    assert told.value.headers["Retry-After"]


def test_who_waits_for_a_writer_of_the_same_process_is_told_who_it_is(kb: KnowledgeBase):
    desk, at_work, end = Desk(kb.database, kb.clock, 0.2), threading.Event(), threading.Event()
    asked = Asked(Key("k", "a desk", ("write",)), None, "", 1)

    def slowly(*_: object) -> Answer:
        at_work.set()
        assert end.wait(20)
        return done()

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(desk.act, asked, Change("dossier", "maria", "W" * 5_000), slowly)
        assert at_work.wait(20)
        with pytest.raises(Unavailable) as told:
            desk.act(asked, Change("edit", "a desk", "Be quick"), lambda *_: done())
        with pytest.raises(Unavailable) as noting:
            desk.note(asked, lambda _: done())
        end.set()
        assert slow.result().status == 200

    assert re.fullmatch(
        r"Another write takes longer than usual: dossier \(W{200}\) by maria, at work since 2026-01-01T12:00:\S+\. "
        r"Nothing was changed\.",
        told.value.detail,
    )
    assert noting.value.detail == told.value.detail
    assert desk.act(asked, Change("edit", "a desk", "Be quick"), lambda *_: done()).status == 200
    assert desk.turn.taken == ""


def done() -> Answer:
    return Answer.of(200, {})


def test_readers_never_see_half_a_dossier(kb: KnowledgeBase):
    key, done, halves = kb.key("write"), threading.Event(), []

    def read() -> int:
        n = 0
        while not done.is_set():
            page = kb.json("/v1/topics?limit=100")
            labels = {one["label"] for one in page["items"]}
            if len(labels) > 1 or (labels and labels != {f"Words {page['revision']}"}):
                halves.append((page["revision"], labels))
            n += 1
        return n

    with ThreadPoolExecutor(2) as readers:
        reading = [readers.submit(read) for _ in range(2)]
        for n in range(1, 9):
            topics = [topic(f"t{m}", f"Words {n}") for m in range(20)]
            assert kb.send("POST", "/v1/dossiers", dossier(topics=topics), key=key).status_code == 201
        done.set()
        seen = sum(one.result() for one in reading)

    assert halves == []
    assert seen > 4
