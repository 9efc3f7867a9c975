"""How what an unpublished revision did to coded events is taken back: from the rows that it wrote, without reading their tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Column, Connection, and_, delete, select, tuple_, update

from app.models.coded import (
    coded_active,
    coded_actor,
    coded_actor_month,
    coded_actor_total,
    coded_actor_year,
    coded_counterpart,
    coded_event,
    coded_month,
    coded_part,
    coded_report,
    coded_total,
)

STEP_EVENTS: Final = 10_000  # taken back at a time: a statement may keep what it changes in memory
STEP_ACTORS: Final = 500  # bound values a statement
BY_ACTOR: Final = (coded_actor_month, coded_actor_total, coded_actor_year, coded_counterpart)
# A few rows for each actor, month or year: read whole.
SMALL: Final = (coded_active, coded_month, coded_total, coded_actor)


def take_back(connection: Connection, number: int) -> None:
    """Delete the coded rows that a revision wrote, and let stand again what it closed."""
    e, p, r = coded_event.c, coded_part.c, coded_report.c
    actors: set[int] = set()
    # An event is written before its parts, so every part of the revision belongs to an event of it.
    for table, mark, of in ((coded_part, p.since, e.since), (coded_part, p.until, e.until)):
        for span in _spans(connection, of, number):
            mine = and_(of == number, span)
            actors.update(_actors(connection, mine))
            for who in (e.initiator, e.recipient):
                # A side at a time: for both in one list SQLite would read the whole table.
                places = select(who, e.day, e.number).where(mine, who.is_not(None))
                _undo(connection, table, mark, number, tuple_(p.actor, p.day, p.number).in_(places))
    for table, mark, by in (
        (coded_report, r.since, r.number),
        (coded_report, r.until, r.number),
        (coded_event, e.since, e.number),
        (coded_event, e.until, e.number),
    ):
        for span in _spans(connection, mark, number, by):
            _undo(connection, table, mark, number, span)
    for some in _batches(sorted(actors)):
        for table in BY_ACTOR:
            _undo(connection, table, table.c.since, number, table.c.actor.in_(some))
            if "until" in table.c:
                _undo(connection, table, table.c.until, number, table.c.actor.in_(some))
    for table in SMALL:
        connection.execute(delete(table).where(table.c.since == number))


def _undo(connection: Connection, table: Any, mark: Column[Any], number: int, where: Any) -> None:
    if mark.name == "since":
        connection.execute(delete(table).where(mark == number, where))
    else:
        connection.execute(update(table).where(mark == number, where).values(until=None))


def _spans(connection: Connection, mark: Column[Any], number: int, by: Column[Any] | None = None) -> Iterator[Any]:
    """Ranges of the numbers of events that a revision opened or closed, a portion each; from an index alone."""
    by = coded_event.c.number if by is None else by
    low = -1
    while True:
        some = select(by).where(mark == number, by > low).order_by(by).limit(STEP_EVENTS)
        found = connection.scalars(some).all()
        if not found:
            return
        yield and_(by > low, by <= found[-1])
        low = found[-1]


def _actors(connection: Connection, mine: Any) -> set[int]:
    e = coded_event.c
    return {
        one
        for row in connection.execute(select(e.initiator, e.recipient).where(mine))
        for one in row
        if one is not None
    }


def _batches(actors: list[int]) -> Iterator[list[int]]:
    return (actors[first : first + STEP_ACTORS] for first in range(0, len(actors), STEP_ACTORS))
