"""Which coded events words lead to: those whose actors' names and whose code's label hold all of them, newest first.

There are millions of events and only thousands of names and labels, so the words are looked up among these. What that gives is
a few *ways* in which an event can hold all the words (this actor; these two; this actor and that code), and each way is read from
the index that holds it in order. Where a way has many actors, a stretch of time is read, and a longer one where it held too few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, or_, select

from app import straight
from app.coded.question import Coding, Question, coded, codes, stands
from app.models.coded import coded_event, coded_link
from app.query import text_index
from app.query.fields import View
from app.query.once import Once
from app.query.text import Term
from app.query.text_index import PLACED, STEP

CODED_ACTOR: Final = "coded_actor"
CODED_CODE: Final = "coded_code"
CODE_ID: Final = "code:"  # before a code or label, so that it is no record's id
NAMES_MOST: Final = 5_000  # actors and codes that a word is looked up to
WAYS_MOST: Final = 8
STEPS_MOST: Final = 2_000  # of looking for ways
BRANCHES_MOST: Final = 8  # stretches of an index that one way reads
ESTIMATED: Final = 400  # actors whose events are added up to know how far back to look
SPARSE: Final = 1_000  # events of a way that are sorted here, where it has no more
SEEKS_MOST: Final = 2_500  # places in an index that are looked up for that
FEW: Final = 500  # events that a filter names one by one
READ_FOR_A_SEEK: Final = 8  # events that are read in order in the time in which one place in an index is looked up
PROBED: Final = 2_000  # of the newest events, looked at for a way of very many actors

Key = tuple[int, int]  # day and number


@dataclass(frozen=True, slots=True)
class Way:
    """How an event can hold all the words: an actor of `one` takes part, the other is of `other`, and it has one of the codes."""

    one: frozenset[int] | None = None
    other: frozenset[int] | None = None
    codes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Led:
    """Where words lead: the ways, whether a word has more names than were looked up, and what each word by itself leads to."""

    ways: tuple[Way, ...]
    cut: bool = False
    actors: tuple[frozenset[int], ...] = ()
    codes: tuple[frozenset[str], ...] = ()


LED: Once[tuple[Term, ...], Led] = Once(500)
REMEMBERED: Final = 1_000  # numbers and codes of a word's names; more would take the place of many
TERMS_MOST: Final = 24  # no event holds as many words


# ── From words to ways ──────────────────────────────────────────────────────────────────────────────────────────────


def led(connection: Connection, view: View, terms: Sequence[Term]) -> Led:
    """Where these words lead; remembered for the revision where that is short."""
    if len(terms) > TERMS_MOST:
        return Led(())
    asked = tuple(terms)
    found = LED.at(connection, view).get(asked)
    if found is None:
        found = _led(connection, view, terms)
        if sum(map(len, (*found.actors, *found.codes))) <= REMEMBERED:
            LED.keep(connection, view, {asked: found})
    return found


def _led(connection: Connection, view: View, terms: Sequence[Term]) -> Led:
    nouns = (CODED_ACTOR, CODED_CODE, "actor")
    found = text_index.each(connection, view, terms, nouns, limit=NAMES_MOST + 1)
    cut = any(len(rows) > NAMES_MOST for rows in found)
    tied = ties(connection, view, {row.id for rows in found for row in rows if row.noun == "actor"})
    actors, codes = [], []
    for rows in found:
        own = {row.number % STEP - PLACED for row in rows if row.noun == CODED_ACTOR}
        here = {number for row in rows if row.noun == "actor" for number in tied.get(row.id, ())}
        actors.append(frozenset(own | here))
        codes.append(frozenset(row.id.removeprefix(CODE_ID) for row in rows if row.noun == CODED_CODE))
    return Led(tuple(ways(actors, codes)), cut, tuple(actors), tuple(codes))


def ties(connection: Connection, view: View, ids: Iterable[str]) -> dict[str, list[int]]:
    """The datasets' actors that are these actors here."""
    wanted = sorted(ids)
    if not wanted:
        return {}
    c = coded_link.c
    found: dict[str, list[int]] = {}
    query = select(c.actor, c.number).where(c.actor.in_(wanted), stands(coded_link, view))
    for row in connection.execute(query):
        found.setdefault(row.actor, []).append(row.number)
    return found


def ways(actors: Sequence[frozenset[int]], codes: Sequence[frozenset[str]]) -> list[Way]:
    """The ways in which the words can be shared out to an actor, the other actor and the code; those of fewer parts first."""
    found: dict[Way, None] = {}
    steps = 0

    def share(at: int, way: Way) -> None:
        nonlocal steps
        steps += 1
        if steps > STEPS_MOST or len(found) > 4 * WAYS_MOST:
            return
        if at == len(actors):
            found[way] = None
            return
        for next_one in _shared(way, actors[at], codes[at]):
            share(at + 1, next_one)

    share(0, Way())
    ordered = sorted(found, key=lambda way: (way.one, way.other, way.codes).count(None), reverse=True)
    return [way for way in ordered if way != Way()][:WAYS_MOST]


def _shared(way: Way, actors: frozenset[int], codes: frozenset[str]) -> Iterator[Way]:
    """The way with one word more."""
    if one := actors if way.one is None else way.one & actors:
        yield Way(one, way.other, way.codes)
    if way.one is not None and (other := actors if way.other is None else way.other & actors):
        yield Way(way.one, other, way.codes)
    if held := codes if way.codes is None else way.codes & codes:
        yield Way(way.one, way.other, held)


# ── From ways to events ─────────────────────────────────────────────────────────────────────────────────────────────


def newest(connection: Connection, view: View, some: Sequence[Way], limit: int, after: Key | None) -> list[Key]:
    """The newest events of these ways after a key, `limit` of them, each once."""
    found: set[Key] = set()
    branches: list[Branch] = []
    for way in some:
        if way.one is None and (bare := unlabelled(way)):
            # No index leads to a PLOVER type by itself: it is looked for among the newest events.
            found.update(probed(connection, view, Way(codes=bare), limit, after))
        few = branches_of(connection, view, way)
        if few is not None and len(branches) + len(few) <= 4 * BRANCHES_MOST:
            branches += few
        else:
            found.update(far(connection, view, way, limit, after))
    found.update(read(connection, view, branches, limit, after))
    return sorted(found, reverse=True)[:limit]


def unlabelled(way: Way) -> frozenset[str]:
    """Those codes of a way that are PLOVER types, which stand in events without a code or label."""
    return frozenset(code for code in way.codes or () if codes().plover(code) is not None)


# A part found by two columns of an index is looked up for whether it still stands. Asked at once, SQLite takes the primary key
# instead, since that holds all columns, and reads everything that the actor ever did: 20 ms rather than 0.2.
FOUND: Final = "coded_part AS k CROSS JOIN coded_part AS p"
SAME: Final = (
    "p.actor = k.actor AND p.day = k.day AND p.number = k.number AND p.role = k.role AND p.since = k.since AND k.actor"
)


@dataclass(frozen=True, slots=True)
class Branch:
    """A stretch of an index: the tables, conditions on them, the texts that these name, and the table that is in order."""

    tables: str
    where: str
    texts: tuple[str, ...] = ()
    key: str = "p"


def branches_of(connection: Connection, view: View, way: Way) -> list[Branch] | None:
    """The stretches that together hold a way in order, or None where they are too many."""
    held = sorted(way.codes) if way.codes is not None else None
    if way.one is None:
        assert held is not None
        return [coded_as(code) for code in held] if len(held) <= BRANCHES_MOST else None
    if way.other is not None:
        if seeks(way) > SEEKS_MOST:
            return None
        pairs = straight.written(
            connection,
            f"SELECT DISTINCT p.actor, p.other FROM coded_counterpart AS p WHERE p.actor IN ({numbers(way.one)}) "  # noqa: S608
            f"AND p.other IN ({numbers(way.other)}) AND {seen(view, None)} LIMIT {BRANCHES_MOST + 1}",
        )
        if len(pairs) > BRANCHES_MOST:
            return None
        return [
            Branch(FOUND, f"{SAME} = {actor} AND k.other = {other} AND {coded_so(held)}", tuple(held or ()), "k")
            for actor, other in pairs
        ]
    if held is not None and len(way.one) * len(held) <= BRANCHES_MOST:
        return [
            Branch(FOUND, f"{SAME} = {int(number)} AND k.code = ?", (code,), "k")
            for number in sorted(way.one)
            for code in held
        ]
    if held is None and len(way.one) <= BRANCHES_MOST:
        return [Branch("coded_part AS p", f"p.actor = {int(number)} AND p.once = 1") for number in sorted(way.one)]
    return None


def coded_so(codes: Sequence[str] | None) -> str:
    """The condition that a part has one of the codes, where some are asked for."""
    return "TRUE" if codes is None else f"p.code IN ({straight.marks(codes)})"


def coded_as(code: str) -> Branch:
    """The events of a code, or of a label where a dataset has no codes."""
    if code.isascii() and code.isdigit():
        return Branch("coded_event AS p", "p.code = ?", (code,))
    return Branch("coded_event AS p", "p.code IS NULL AND p.label = ?", (code,))


def far(connection: Connection, view: View, way: Way, limit: int, after: Key | None) -> list[Key]:
    """The newest events of a way of many actors or codes: from a stretch of time, a longer one where it holds too few."""
    first, last = days(connection, view)
    if first is None or last is None:
        return []
    last = last if after is None else min(last, after[0])
    if way.one is None or len(way.one) > ESTIMATED:
        dense = list(probed(connection, view, way, limit, after))
        if len(dense) >= limit:
            return dense
        span, a_day = 60, math.inf
    else:
        # As long as it must be where the events of these actors are spread evenly, and half as long again.
        n = events_of(connection, view, way.one)
        a_day = n / (last - first + 1)
        span = max(1, 3 * limit * (last - first + 1) // (2 * n)) if n > limit else last - first + 1
    few = way.one is not None and seeks(way) <= SEEKS_MOST
    counted = False  # whether it is known that a way of few places has many events
    while True:
        begin = max(first, last - span)
        # Few events are sooner looked through than many places looked up: SQLite took 2 ms for what now takes 0.06.
        by_day = connection.dialect.name == "sqlite" and a_day * (last - begin) < READ_FOR_A_SEEK * seeks(way)
        if by_day or not few:
            found = read(connection, view, [between(wide(way, by_day=by_day), begin, last)], 2 * limit, after)[:limit]
        else:
            if not counted:
                rare = met(connection, view, way, SPARSE + 1, after)
                if len(rare) <= SPARSE:
                    return sorted(set(rare), reverse=True)[:limit]
                counted = True
            # An event between two of the actors stands there twice.
            found = sorted(set(met(connection, view, way, 2 * limit, after, begin)), reverse=True)[:limit]
        if len(found) >= limit or begin == first:
            return found
        span *= max(2, min(5, 1 + 3 * limit // (2 * max(1, len(found)))))


def between(branch: Branch, begin: int, last: int) -> Branch:
    """A stretch of an index within these days."""
    return replace(branch, where=f"{branch.where} AND p.day >= {int(begin)} AND p.day <= {int(last)}")


def seeks(way: Way) -> int:
    """How many places in an index hold the actors of a way with their counterparts or codes; very many where it has neither."""
    return len(way.one or ()) * len(way.other or way.codes or range(SEEKS_MOST + 1))


def met(
    connection: Connection, view: View, way: Way, limit: int, after: Key | None, begin: int | None = None
) -> list[Key]:
    """Events of an actor and a code or counterpart, `limit` at most, read from the index that has both in front.

    The newest since the day `begin`; without one any, in no order, so that no more of them are read.
    """
    assert way.one is not None
    if connection.dialect.name == "postgresql":
        # It takes lists for both columns of an index as they are, and a join of lists for a reason to read the whole table.
        branch = wide(way)
        since = "" if begin is None else f"AND p.day >= {int(begin)} ORDER BY p.day DESC, p.number DESC "
        statement = f"SELECT p.day, p.number FROM {branch.tables} WHERE {branch.where} AND {seen(view, after)} {since}LIMIT {limit}"  # noqa: S608
        return [(day, number) for day, number in straight.written(connection, statement, branch.texts)]
    listed = [f"one (x) AS (VALUES {', '.join(f'({int(number)})' for number in sorted(way.one))})"]
    joined, same = ["one"], []
    texts = sorted(way.codes or ())
    if way.other is not None:
        listed.append(f"other (x) AS (VALUES {', '.join(f'({int(number)})' for number in sorted(way.other))})")
        joined.append("other")
        same.append("k.other = other.x")
    if texts:
        listed.append(f"held (x) AS (VALUES {', '.join(['(CAST(? AS TEXT))'] * len(texts))})")
        joined.append("held")
        same.append("k.code = held.x")
    bounds = seen(view, after, "k", "+k.day")
    if begin is not None:
        bounds = f"k.day >= {int(begin)} AND {bounds} ORDER BY k.day DESC, k.number DESC"
    # Equal to one of each, rather than in a list of them: so both databases take the index of two columns.
    statement = (
        f"WITH {', '.join(listed)} SELECT k.day, k.number FROM {' CROSS JOIN '.join(joined)} CROSS JOIN {FOUND} "  # noqa: S608
        f"WHERE {SAME} = one.x AND {' AND '.join(same)} AND {bounds} LIMIT {limit}"
    )
    return [(day, number) for day, number in straight.written(connection, statement, texts)]


def wide(way: Way, *, by_day: bool = False) -> Branch:
    """A way as conditions that need not be a stretch of an index; `by_day` keeps SQLite from any but that of actors by day."""
    codes = sorted(way.codes) if way.codes is not None else None
    if way.one is None:
        assert codes is not None
        marks = straight.marks(codes)
        return Branch(
            "coded_event AS p", f"(p.code IN ({marks}) OR (p.code IS NULL AND p.label IN ({marks})))", (*codes, *codes)
        )
    free = "+" if by_day else ""
    where = f"p.actor IN ({numbers(way.one)})"
    where += f" AND {free}p.other IN ({numbers(way.other)})" if way.other is not None else " AND p.once = 1"
    where += "" if codes is None else f" AND {free}{coded_so(codes)}"
    return Branch("coded_part AS p", where, tuple(codes or ()))


def probed(connection: Connection, view: View, way: Way, limit: int, after: Key | None) -> Iterator[Key]:
    """Those of a way among the newest events of all."""
    codes = sorted(way.codes) if way.codes is not None else []
    conditions = []
    if way.one is not None:
        one, other = numbers(way.one), numbers(way.other) if way.other is not None else None
        both = (
            f"(initiator IN ({one}) OR recipient IN ({one}))"
            if other is None
            else f"((initiator IN ({one}) AND recipient IN ({other})) OR (recipient IN ({one}) AND initiator IN ({other})))"
        )
        conditions.append(both)
    if codes:
        conditions.append(f"coalesce(code, label, plover) IN ({straight.marks(codes)})")
    inner = (
        "SELECT p.day, p.number, p.initiator, p.recipient, p.code, p.label, p.plover FROM coded_event AS p "  # noqa: S608
        f"WHERE {seen(view, after)} ORDER BY p.day DESC, p.number DESC LIMIT {PROBED}"
    )
    statement = (
        f"SELECT day, number FROM ({inner}) AS newest WHERE {' AND '.join(conditions)} "  # noqa: S608
        f"ORDER BY day DESC, number DESC LIMIT {limit}"
    )
    yield from straight.written(connection, statement, codes)


def read(connection: Connection, view: View, branches: Sequence[Branch], limit: int, after: Key | None) -> list[Key]:
    """The newest keys of some stretches after a key, `limit` of each at most, in one statement."""
    if not branches:
        return []
    parts = [
        f"SELECT day, number FROM (SELECT {one.key}.day, {one.key}.number FROM {one.tables} WHERE {one.where} "  # noqa: S608
        f"AND {seen(view, after, one.key)} ORDER BY {one.key}.day DESC, {one.key}.number DESC LIMIT {limit}) AS b{place}"
        for place, one in enumerate(branches)
    ]
    texts = [each for one in branches for each in one.texts]
    # An event may stand in two of the stretches: one of each actor.
    statement = (
        f"SELECT day, number FROM ({' UNION ALL '.join(parts)}) AS b ORDER BY day DESC, number DESC LIMIT {2 * limit}"  # noqa: S608
    )
    rows = straight.written(connection, statement if len(parts) > 1 else parts[0], texts)
    return sorted({(day, number) for day, number in rows}, reverse=True)[:limit]


def seen(view: View, after: Key | None, key: str = "p", day: str = "") -> str:
    """The conditions on a row that stands, and comes after a key. Numbers are written out: they are ours, and all of them are."""
    found = f"{key}.since <= {int(view.revision)} AND (p.until IS NULL OR p.until > {int(view.revision)})"
    if after is not None:
        last, number = int(after[0]), int(after[1])
        day = day or f"{key}.day"
        found += f" AND {day} <= {last} AND ({day} < {last} OR {key}.number < {number})"
    return found


def numbers(some: Iterable[int]) -> str:
    """Numbers as a list in a statement."""
    return ", ".join(str(int(one)) for one in sorted(some))


def events_of(connection: Connection, view: View, actors: Iterable[int]) -> int:
    """How many events these actors have between them; one that two of them share is counted twice."""
    statement = (
        f"SELECT sum(events) FROM coded_active WHERE year = -1 AND actor IN ({numbers(actors)}) "  # noqa: S608
        f"AND since <= {int(view.revision)}"
    )
    [[found]] = straight.written(connection, statement)
    return int(found or 0)


def activity(connection: Connection, view: View, actors: Iterable[int]) -> dict[int, int]:
    """How many events each of these actors has."""
    wanted = sorted(actors)
    statement = (
        f"SELECT actor, sum(events) AS n FROM coded_active WHERE year = -1 AND actor IN ({numbers(wanted)}) "  # noqa: S608
        f"AND since <= {int(view.revision)} GROUP BY actor"
    )
    found = dict.fromkeys(wanted, 0)
    found.update({actor: int(n) for actor, n in straight.written(connection, statement)})
    return found


DAYS: Once[str, tuple[int | None, int | None]] = Once(500)


def days(connection: Connection, view: View) -> tuple[int | None, int | None]:
    """The first and last day on which an event begins."""
    e = coded_event.c
    ends = (select(e.day).where(stands(coded_event, view)).order_by(order).limit(1) for order in (e.day, e.day.desc()))
    return DAYS.get(
        connection,
        view,
        "days",
        lambda: tuple(connection.execute(end).scalar() for end in ends),  # type: ignore[arg-type, return-value]
    )


def events(connection: Connection, view: View, numbers: Sequence[int]) -> Sequence[Row[Any]]:
    """The events of these numbers, as they stand."""
    query = select(coded_event).where(coded_event.c.number.in_(sorted(numbers)), stands(coded_event, view))
    return connection.execute(query).all()


# ── As a filter ─────────────────────────────────────────────────────────────────────────────────────────────────────


def narrowed(connection: Connection, asked: Question, terms: Sequence[Term]) -> Question | None:
    """A question narrowed to the events that hold the terms; None where none does."""
    found = led(connection, asked.view, terms)
    if not found.ways:
        return None
    keys = newest(connection, asked.view, found.ways, FEW + 1, None)
    if len(keys) <= FEW:
        here = coded_event.c.number.in_([number for _, number in keys])
        return replace(asked, more=(*asked.more, here), plain=False)
    only = found.ways[0]
    if len(found.ways) == 1 and only.other is None and only.one is not None and len(only.one) <= 8 and not asked.roles:
        # One actor, and no role that would be asked of it: its own pages answer.
        codes = (*asked.codes, Coding((), tuple(sorted(only.codes)))) if only.codes is not None else asked.codes
        return replace(asked, parties=(*asked.parties, only.one), codes=codes)
    e = coded_event.c
    held = [
        or_(e.initiator.in_(actors), e.recipient.in_(actors), coded(coded_event).in_(codes))
        for actors, codes in zip(found.actors, found.codes, strict=True)
    ]
    return replace(asked, more=(*asked.more, *held), plain=False)
