"""Whether going straight to the driver gives what SQLAlchemy gives, and fails as it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Integer, Text, bindparam, cast, exc, func, literal, make_url, select
from sqlalchemy.dialects.postgresql import JSONB

from app import db, straight
from app.errors import Unavailable
from tests.base import KnowledgeBase
from tests.conftest import database_url

NUMBERS = bindparam("numbers", expanding=True, type_=Integer)
WORD = bindparam("word", type_=Text)
ASKED = select(
    cast(WORD, Text).label("word"), literal("50 % %(x)s").label("odd"), literal(7).in_(NUMBERS).label("among")
)


@pytest.mark.parametrize("numbers", [[], [7], [1, 2, 7], [2**31 - 1] * 40])
@pytest.mark.parametrize("word", ["", "a", "%(word)s %s ? :word", "'; DROP TABLE event; --", "é\U0001f600"])
def test_rows_are_those_of_the_long_way(kb: KnowledgeBase, numbers: list[int], word: str) -> None:
    told = {"numbers": numbers, "word": word}
    with kb.database.read() as connection:
        long = connection.execute(ASKED, told).all()
        assert straight.asked(connection, ASKED, told) is not None
        assert [tuple(row) for row in straight.rows(connection, ASKED, told)] == [tuple(row) for row in long]
        assert list(straight.tuples(connection, ASKED, told)) == [tuple(row) for row in long]
        assert straight.rows(connection, ASKED, told)[0].odd == "50 % %(x)s"


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[db.Database]:
    """A PostgreSQL database that gives a query up after a moment."""
    database = db.open_database(make_url(database_url("postgresql", request, tmp_path)), read_seconds=0.2)
    yield database
    database.close()


def test_a_connection_that_breaks_is_said_as_503_and_not_used_again(server: db.Database) -> None:
    ended = select(func.pg_terminate_backend(func.pg_backend_pid()), literal(1).in_(NUMBERS))
    with pytest.raises(Unavailable), server.read() as connection:
        straight.tuples(connection, ended, {"numbers": [1]})
    assert still(server)


def test_a_query_that_takes_too_long_is_said_as_503_and_its_connection_is_used_again(server: db.Database) -> None:
    slow = select(func.pg_sleep(60), literal(1).in_(NUMBERS))
    with pytest.raises(Unavailable), server.read() as connection:
        straight.tuples(connection, slow, {"numbers": [1]})
    assert still(server)


@pytest.mark.parametrize(("word", "error"), [("a\0b", exc.DataError), ("\ud800", UnicodeEncodeError)])
def test_what_cannot_be_sent_fails_as_by_the_long_way(server: db.Database, word: str, error: type[Exception]) -> None:
    told = {"numbers": [7], "word": word}
    with server.read() as connection:
        for ask in (Connection.execute, straight.tuples):
            with pytest.raises(error):
                ask(connection, ASKED, told)
    assert still(server)


def test_what_has_to_be_changed_on_its_way_takes_the_long_way(server: db.Database) -> None:
    asked = select(cast(bindparam("value", type_=JSONB), JSONB))
    with server.read() as connection:
        assert straight.asked(connection, asked, {"value": {"a": [1]}}) is None
        assert [row[0] for row in straight.rows(connection, asked, {"value": {"a": [1]}})] == [{"a": [1]}]


def still(server: db.Database) -> bool:
    """Whether it goes on answering."""
    for _ in range(3):
        with server.read() as connection:
            if straight.tuples(connection, ASKED, {"numbers": [7], "word": "x"}) != [("x", "50 % %(x)s", True)]:
                return False
    return True
