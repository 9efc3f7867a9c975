"""Whether PostgreSQL says on the loop what it says in a thread, also after its connection broke and when nobody waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.glance import Away, Glance
from app.standing import STANDS, Watch
from tests.base import KnowledgeBase
from tests.conftest import database_url
from tests.making import dossier, person


@pytest.fixture
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KnowledgeBase]:
    """A knowledge base on PostgreSQL: a SQLite file is asked by a pragma."""
    base = KnowledgeBase.at(database_url("postgresql", request, tmp_path))
    yield base
    base.close()


def number(row: list[str] | None) -> int:
    return 0 if row is None else int(row[0])


def test_it_says_what_was_published_a_moment_ago(asked: KnowledgeBase) -> None:
    async def walk() -> list[int]:
        glance = Glance(asked.database.url, STANDS, asked.database.stalls)
        told = [number(await glance.ask())]
        for n in range(3):
            asked.load(dossier(id=f"d{n}", actors=[person(id=f"a-{n}")], statements=[]))
            told.append(number(await glance.ask()))
        glance.close()
        return told

    assert asyncio.run(walk()) == [0, 1, 2, 3]


def test_a_connection_that_was_closed_is_made_again(asked: KnowledgeBase) -> None:
    asked.load(dossier(actors=[person()], statements=[]))

    async def walk() -> list[object]:
        watch = Watch(asked.database)
        told: list[object] = [await watch.now()]
        with asked.database.write() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
        told += [await watch.now() for _ in range(3)]
        assert watch.glance is not None
        assert watch.glance.driver is not None
        watch.close()
        return told

    told = asyncio.run(walk())
    # The first one after the cut may be refused; never told wrong.
    assert set(told) - {None} == {told[0]}
    assert told[-1] == told[0] is not None


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next(asked: KnowledgeBase) -> None:
    asked.load(dossier(actors=[person()], statements=[]))

    async def walk() -> list[int]:
        glance = Glance(asked.database.url, STANDS, asked.database.stalls)
        told = [number(await glance.ask())]
        for n in range(5):
            left = asyncio.create_task(glance.ask())
            await asyncio.sleep(0)
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            asked.load(dossier(id=f"d{n}", actors=[person(id=f"a-{n}")], statements=[]))
            told.append(number(await glance.ask()))
        glance.close()
        return told

    assert asyncio.run(walk()) == [1, 2, 3, 4, 5, 6]


def test_two_who_ask_at_once_do_not_read_each_others_answers(asked: KnowledgeBase) -> None:
    async def walk() -> list[object]:
        glance = Glance(asked.database.url, STANDS, asked.database.stalls)
        told = await asyncio.gather(*[glance.ask() for _ in range(3)], return_exceptions=True)
        glance.close()
        return list(told)

    assert [isinstance(one, Away) for one in asyncio.run(walk())] == [False, True, True]
