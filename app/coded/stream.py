"""What a revision did to coded events, told as lines in an order that never changes: all that another base needs to do the same.

    revision   what follows, and how many lines of each kind
    …          the lines, see `app.coded.lines`; after each block a position, from which a broken stream goes on
    end        nothing is missing

What is counted ahead is not told: it follows from the events. A block is one short read, so a slow reader holds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Integer, Select, bindparam, func, literal, select, tuple_, union, union_all

from app.coded.lines import SECTIONS, Section
from app.errors import BadCursor, Fault
from app.models.coded import coded_link
from app.models.revision import revision
from app.query.params import shown
from app.query.whole import Connect

BLOCK_ROWS: Final = 2_000
# What the log keeps of an import beside its file's name, which is nobody else's business.
JOB: Final = ("format", "fold", "whole")


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two lines: the section, and the key of the last line before it; none at its beginning."""

    section: int = 0
    key: tuple[Any, ...] | None = None

    def __str__(self) -> str:
        section = SECTIONS[self.section]
        said = [cell.kind.say(value) for cell, value in zip(section.keys, self.key or (), strict=False)]
        return f"{section.name}{orjson.dumps(said).decode()}"


def position(text: str) -> Position:
    """The place that a position names. Raises BadCursor for what is none."""
    name, bracket, rest = text.partition("[")
    try:
        place = next(place for place, section in enumerate(SECTIONS) if section.name == name)
        said = orjson.loads(bracket + rest)
        keys = SECTIONS[place].keys
        key = tuple(cell.kind.read(value) for cell, value in zip(keys, said, strict=True)) if said else None
    except (StopIteration, ValueError):  # of JSON, of lengths, of what does not fit
        detail = f"cursor={shown(text)} is no place in this stream. Its lines of the type `position` name them, and `next_cursor`."
        raise BadCursor(detail, errors=[Fault("cursor", detail)]) from None
    return Position(place, key)


def touching(connection: Connection, numbers: Mapping[int, str]) -> set[int]:
    """Which of these revisions, by their kinds, did something to coded events or to whom their actors are."""
    found = {number for number, kind in numbers.items() if kind == "import"}
    c = coded_link.c
    others = sorted(numbers.keys() - found)
    if others:
        tied = union(*(select(column).where(column.in_(others)) for column in (c.since, c.until)))
        found.update(connection.scalars(tied))
    return found


def told(connect: Connect, number: int, after: Position | None = None, size: int = BLOCK_ROWS) -> Iterator[bytes]:
    """The stream of a published revision, from its beginning or from a place in it, a block at a time."""
    with connect() as connection:
        yield orjson.dumps(head(connection, number)) + b"\n"
    place = after or Position()
    for at in range(place.section, len(SECTIONS)):
        key = place.key if at == place.section else None
        while True:
            with connect() as connection:
                rows = block(connection, SECTIONS[at], number, key, size)
            if not rows:
                break
            key = tuple(rows[-1][: len(SECTIONS[at].keys)])
            lines = [SECTIONS[at].said(row) for row in rows]
            lines.append({"type": "position", "cursor": str(Position(at, key))})
            yield b"".join([orjson.dumps(line) + b"\n" for line in lines])
            if len(rows) < size:
                break
    yield orjson.dumps({"type": "end", "revision": number}) + b"\n"


def page(
    connection: Connection, number: int, after: Position | None, limit: int
) -> tuple[list[dict[str, Any]], Position | None]:
    """The next lines behind a place, and the place to go on from, or None at the end: a statement a kind at the most."""
    place = after or Position()
    found: list[tuple[Position, dict[str, Any]]] = []
    for at in range(place.section, len(SECTIONS)):
        section = SECTIONS[at]
        rows = block(connection, section, number, place.key if at == place.section else None, limit + 1 - len(found))
        found += [(Position(at, tuple(row[: len(section.keys)])), section.said(row)) for row in rows]
        if len(found) > limit:
            return [line for _, line in found[:limit]], found[limit - 1][0]
    return [line for _, line in found], None


def head(connection: Connection, number: int) -> dict[str, Any]:
    """The first line: which revision this is, how its import read the file, and how much follows."""
    row = connection.execute(select(revision).where(revision.c.number == number)).one()
    told: dict[str, Any] = {"type": "revision", "revision": number, "kind": row.kind, "origin": row.origin}
    if row.kind == "import":
        job = orjson.loads(row.job)
        told |= {"digest": row.digest, **{name: job.get(name) for name in JOB}}
    counted = connection.execute(_counted(), {"number": number})
    counts = {one.section: one.n for one in counted}
    return {**told, "lines": {section.counted: counts[at] for at, section in enumerate(SECTIONS)}}


@cache
def _counted() -> Any:
    number = bindparam("number", type_=Integer)
    return union_all(
        *(
            select(literal(at).label("section"), func.count().label("n")).select_from(one.table).where(one.of == number)
            for at, one in enumerate(SECTIONS)
        )
    )


def block(
    connection: Connection, section: Section, number: int, after: tuple[Any, ...] | None, size: int
) -> list[tuple[Any, ...]]:
    """The next rows of a section that a revision touched, in the order of their keys."""
    values: dict[str, Any] = {"number": number, "size": size}
    if after is not None:
        values |= {f"after_{place}": value for place, value in enumerate(after)}
    return [tuple(row) for row in connection.execute(_following(section, after is not None), values)]


@cache
def _following(section: Section, goes_on: bool) -> Select[Any]:
    keys = [cell.column for cell in section.keys]
    query = (
        select(*(cell.column for cell in section.cells))
        .where(section.of == bindparam("number", type_=Integer))
        .order_by(*keys)
        .limit(bindparam("size", type_=Integer))
    )
    if not goes_on:
        return query
    places = [bindparam(f"after_{place}", type_=key.type) for place, key in enumerate(keys)]
    if len(keys) == 1:
        return query.where(keys[0] > places[0])
    return query.where(tuple_(*keys) > tuple_(*places))
