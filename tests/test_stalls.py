"""Whether what waits for ever is ended, and nothing else is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import Stalls
from app.errors import Unavailable
from tests.base import KnowledgeBase
from tests.conftest import database_url


class Query:
    """A connection that works at something."""

    def __init__(self) -> None:
        self.ended = False

    def interrupt(self) -> None:
        self.ended = True


@pytest.fixture
def stalls(monkeypatch: pytest.MonkeyPatch) -> Stalls:
    """The test looks itself."""
    monkeypatch.setattr(Stalls, "watch", lambda _: None)
    monkeypatch.setattr(Stalls, "PING_SECONDS", 1.5)
    return Stalls(10)


def test_what_is_over_its_time_is_ended(stalls: Stalls) -> None:
    query = Query()
    with stalls.limit(query, 100):
        stalls.look(time.monotonic() + 99, held=0.01)
        assert not query.ended
        stalls.look(time.monotonic() + 101, held=0.01)
    assert query.ended


def test_who_was_held_up_himself_grants_that_time_to_all(stalls: Stalls) -> None:
    query = Query()
    with stalls.limit(query, 100):
        stalls.look(time.monotonic() + 500, held=450)
        assert not query.ended
        stalls.look(time.monotonic() + 549, held=0.01)
        assert not query.ended
        stalls.look(time.monotonic() + 551, held=0.01)
    assert query.ended


def test_a_server_that_takes_no_connections_ends_every_wait_that_is_older_than_the_question(stalls: Stalls) -> None:
    before, after = Query(), Query()

    def reached() -> bool:
        with stalls.limit(after, 100):
            return False

    stalls.reached = reached
    with stalls.limit(before, 100), pytest.raises(Unavailable):
        stalls.doubt()
    assert before.ended
    assert not after.ended
    with pytest.raises(Unavailable):
        stalls.refuse()


def test_a_long_wait_raises_one_doubt_at_a_time_and_a_short_one_none(
    stalls: Stalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubts: list[str] = []
    monkeypatch.setattr("app.db.threading.Thread", lambda **_: Started(doubts))
    stalls.reached = lambda: True
    now = time.monotonic()
    with stalls.limit(Query(), 100):
        stalls.look(now + 1, held=0)
        assert doubts == []
        stalls.look(now + 2, held=0)
        stalls.look(now + 2.25, held=0)
        assert doubts == ["doubt"]
        stalls.look(now + 4, held=0)
        assert doubts == ["doubt", "doubt"]


class Started:
    def __init__(self, doubts: list[str]) -> None:
        self.doubts = doubts

    def start(self) -> None:
        self.doubts.append("doubt")


def test_a_slow_answer_of_a_server_that_is_there_is_waited_for(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stalls, "PING_SECONDS", 0.2)
    base = KnowledgeBase.at(database_url("postgresql", request, tmp_path))
    try:
        with base.database.read() as connection:
            assert connection.execute(text("SELECT 7 FROM pg_sleep(1)")).scalar() == 7
        assert base.database.stalls.doubted > 0
    finally:
        base.close()
