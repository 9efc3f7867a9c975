"""What ties the actors of coded events: how many events two of them share, counted ahead where that is exact, and on which days.

A dataset's actor whom a link ties to an actor here counts as that one. So an end of a tie is the id of an actor here, or the
number of an actor that only a dataset names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Select, Text, and_, bindparam, cast, func, select

from app import straight
from app.coded.ahead import months
from app.coded.question import Question, longest, period_conditions, standing_then, stands
from app.errors import BadQuery, Fault
from app.models.actor import actor
from app.models.coded import (
    NOBODY,
    coded_actor,
    coded_actor_total,
    coded_counterpart,
    coded_event,
    coded_link,
    coded_part,
)
from app.query.fields import View
from app.query.once import Once
from app.query.params import AskedPeriod
from app.query.sql import standing

E, P = coded_event.c, coded_part.c
Key = str | int
PARTS_MOST = 2_000_000  # parts that a window may read: two seconds
PAIRS_EACH = 100  # pairs whose ends are looked up in one statement, two selects each: SQLite takes 500
SEVERAL_MOST = 2_000  # numbers that are left aside in a statement, three times
NUMBERS_EACH = 20_000  # numbers in one statement: both databases take more


@dataclass(frozen=True, slots=True)
class Links:
    """Who the datasets' actors are here, where somebody is, and back."""

    actors: Mapping[int, str]
    numbers: Mapping[str, tuple[int, ...]]
    several: tuple[int, ...] = ()  # the datasets' actors of whom more than one is the same here

    def of(self, key: Key) -> tuple[int, ...]:
        """The datasets' actors that stand behind an end."""
        return self.numbers.get(key, ()) if isinstance(key, str) else (key,)


LINKS: Once[None, Links] = Once(20)


@dataclass(frozen=True, slots=True)
class Coded:
    """Which coded events tie: those of a period, of datasets and of event types, each where it is asked."""

    view: View
    period: AskedPeriod | None = None
    datasets: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    kinds_not: tuple[str, ...] = ()
    span: int = 0

    @property
    def whole(self) -> bool:
        """Whether the pairs counted ahead are what is asked."""
        return self.period is None and not self.kinds and not self.kinds_not

    @property
    def joined(self) -> bool:
        """Whether a part alone does not say that its event is meant."""
        return bool(self.kinds or self.kinds_not or (self.period is not None and self.span))


def spanning(connection: Connection, asked: Coded) -> Coded:
    """The same, with how long its events may last, where a period is asked."""
    return asked if asked.period is None else replace(asked, span=longest(connection, asked.view))


def links(connection: Connection, view: View) -> Links:
    """Who the datasets' actors are at a revision; one that this reader does not see is nobody."""

    def find() -> Links:
        query = (
            select(coded_link.c.number, coded_link.c.actor)
            .join(actor, and_(actor.c.id == coded_link.c.actor, standing(actor, view)))
            .where(stands(coded_link, view))
        )
        here: dict[int, str] = {row.number: row.actor for row in connection.execute(query)}
        back: dict[str, tuple[int, ...]] = {}
        for number, id in sorted(here.items()):
            back[id] = (*back.get(id, ()), number)
        return Links(here, back, tuple(number for own in back.values() if len(own) > 1 for number in own))

    return LINKS.get(connection, view, None, find)


def neighbours(connection: Connection, asked: Coded, known: Links, keys: Iterable[Key]) -> dict[Key, dict[Key, int]]:
    """For each of these ends, every other one that shares events with it, and how many."""
    owner = {number: key for key in keys for number in known.of(key)}
    found: dict[Key, dict[Key, int]] = {}
    if not owner:
        return found
    here = known.actors
    each: dict[int, dict[Key, int]] = {}
    merged = not here.keys().isdisjoint(owner)
    for some in chunks(sorted(owner)):
        if not asked.whole:
            bounded(connection, asked, some)
        # The counterparts of an actor in one row: twenty thousand rows would take longer to be fetched than to be found.
        for number, others, ns in connection.execute(packed(connection, pairs(asked, some))):
            mine: dict[Key, int] = dict(zip(orjson.loads(others), orjson.loads(ns), strict=True))
            for other in (
                [one for one in here if one in mine] if len(here) < len(mine) else [*(here.keys() & mine.keys())]
            ):
                n = mine.pop(other)
                mine[here[other]] = mine.get(here[other], 0) + n
            each[number] = mine
    for number, ends in each.items():
        key = owner[number]
        if key in found:
            for end, n in ends.items():
                found[key][end] = found[key].get(end, 0) + n
        else:
            found[key] = ends
        if merged:
            # Two actors of datasets that are one here tie nobody to anybody.
            found[key].pop(key, None)
    return found


def packed(connection: Connection, query: Select[Any]) -> Select[Any]:
    """The rows of actor, counterpart and number with one row for each actor: the others as a JSON list, and their numbers."""
    actor_, other, n = query.subquery().c

    def listed(column: Any) -> Any:
        return (
            func.json_group_array(column) if connection.dialect.name == "sqlite" else cast(func.json_agg(column), Text)
        )

    return select(actor_, listed(other), listed(n)).group_by(actor_)


def strongest(
    connection: Connection, asked: Coded, known: Links, keys: Iterable[Key], most: int
) -> dict[Key, tuple[int, dict[Key, int]]]:
    """With how many others each of these ends shares events, and how many with the first `most`, and all that equal the last.

    A busy actor has hundreds of counterparts, of whom a network shows the first fifty: the others are counted, and not read. Told
    of ends that are nobody here, where it was counted ahead; on SQLite alone, since no statement that goes from each actor to its
    own rows may be asked of a database that is spread over several machines.
    """
    numbers = [key for key in keys if type(key) is int]
    if connection.dialect.name != "sqlite" or not numbers or not asked.whole or asked.datasets:
        return {}
    if len(known.several) > SEVERAL_MOST:
        return {}
    here = known.actors
    told = {"actors": numbers, "revision": asked.view.revision, "above": most - 1}
    if known.several:
        told["several"] = [*known.several]
    query = met_most(several=bool(known.several))
    found: dict[Key, tuple[int, dict[Key, int]]] = {}
    for number, n, others, ns in straight.tuples(connection, query, told):
        first: dict[Key, int] = dict(zip(orjson.loads(others), orjson.loads(ns), strict=True))
        for other in here.keys() & first.keys():
            first[here[other]] = first.pop(other)
        found[number] = n, first
    if known.several:
        # Their numbers are added up first. `+ 0`: all counterparts of an actor are read sooner than each of these is looked up.
        c = coded_counterpart.c
        for number, other, n in connection.execute(pairs(asked, numbers).where((c.other + 0).in_(known.several))):
            n_all, first = found.get(number, (0, {}))
            found[number] = n_all + (here[other] not in first), first
            first[here[other]] = first.get(here[other], 0) + n
    return found


@lru_cache(2)
def met_most(*, several: bool) -> Any:
    """How many counterparts actors have, and the first of them with their numbers.

    Its values: `actors`, `revision`, `above` (one less than how many are the first), and `several`, which are left aside. All of it
    is read from one index, which holds the counterparts of an actor in the order of their numbers.
    """
    every, last, first = (coded_counterpart.alias(name) for name in ("every", "last", "first"))

    def met(table: Any, whose: Any) -> ColumnElement[bool]:
        c = table.c
        met_ = and_(c.actor == whose, standing_then(table), c.other != whose, c.other != NOBODY, c.events != 0)
        return and_(met_, c.other.not_in(bindparam("several", expanding=True))) if several else met_

    number = coded_actor.c.number
    above: Any = bindparam("above")
    least = select(last.c.events).where(met(last, number)).order_by(last.c.events.desc()).limit(1).offset(above)
    who = (
        select(
            number,
            select(func.count()).select_from(every).where(met(every, number)).scalar_subquery().label("n"),
            func.coalesce(least.scalar_subquery(), 1).label("least"),
        )
        .where(number.in_(bindparam("actors", expanding=True)))
        .cte("who")
        .prefix_with("MATERIALIZED")
    )
    return (
        select(
            who.c.number,
            who.c.n,
            func.json_group_array(first.c.other),
            func.json_group_array(first.c.events),
        )
        .join_from(who, first, and_(met(first, who.c.number), first.c.events >= who.c.least))
        .group_by(who.c.number, who.c.n)
    )


def pairs(asked: Coded, numbers: Sequence[int]) -> Select[Any]:
    """The statement that counts the events of these actors by counterpart."""
    if asked.whole:
        c = coded_counterpart.c
        query = select(c.actor, c.other, c.events).where(
            c.actor.in_(numbers),
            stands(coded_counterpart, asked.view),
            c.other != c.actor,
            c.other != NOBODY,
            c.events != 0,
        )
    else:
        query = (
            select(P.actor, P.other, func.count())
            .where(P.actor.in_(numbers), P.other != P.actor, *conditions(asked))
            .group_by(P.actor, P.other)
        )
        if asked.joined:
            query = query.join(coded_event, E.number == P.number)
    if asked.datasets:
        own = select(coded_actor.c.number).where(
            coded_actor.c.dataset.in_(asked.datasets), coded_actor.c.number.in_(numbers)
        )
        query = query.where((coded_counterpart.c if asked.whole else P).actor.in_(own))
    return query


def conditions(asked: Coded) -> list[ColumnElement[bool]]:
    """What is asked, as conditions on parts, and where they alone do not say it, on their events."""
    found: list[ColumnElement[bool]] = [stands(coded_part, asked.view)]
    if asked.period is not None:
        found += period_conditions(Question(asked.view, period=asked.period, span=asked.span), P.day)
    if asked.joined:
        found.append(stands(coded_event, asked.view))
    if asked.kinds:
        found.append(E.kind.in_(asked.kinds))
    if asked.kinds_not:
        found.append(func.coalesce(E.kind, "").not_in(asked.kinds_not))
    return found


def bounded(connection: Connection, asked: Coded, numbers: Sequence[int]) -> None:
    """Refuse what would read more parts than an answer may, told from the sums by month before any is read."""
    c = coded_actor_total.c
    query = select(func.sum(c.events)).where(c.actor.in_(numbers), c.since <= asked.view.revision)
    if asked.period is not None:
        whole, edges = months(asked.period)
        assert whole is not None
        # The months that the period cuts are read too.
        first, end = whole[0] - 1, whole[1] + 1
        query = query.where(c.month >= first, c.month < end) if edges or whole[0] < whole[1] else query
    n = connection.execute(query).scalar() or 0
    if n > PARTS_MOST:
        name = "from" if asked.period is not None else "kind"
        detail = (
            f"The events of {len(numbers)} actors would have to be read, {n:,} at most; {PARTS_MOST:,} are read for one answer. "
            "Narrow the dates, ask for fewer edges (limit) or less depth"
            + (", or leave the type of event out." if asked.kinds or asked.kinds_not else ".")
        )
        raise BadQuery(detail, errors=[Fault(name, detail)])


class Ends(NamedTuple):
    """The first and the last event between two actors, by the days on which they begin."""

    first: int
    last: int
    number: int  # of the last


def ends(
    connection: Connection, asked: Coded, known: Links, between: Sequence[tuple[Key, Key]]
) -> dict[tuple[Key, Key], Ends]:
    """The first and last day of the events between two ends, each read from the end of an index."""
    owner: dict[tuple[int, int], tuple[Key, Key]] = {}
    for pair in between:
        for one in known.of(pair[0]):
            for other in known.of(pair[1]):
                owner[(one, other)] = pair
    found: dict[tuple[Key, Key], Ends] = {}
    wanted = list(owner)
    lower, upper = (asked.period.lower, asked.period.upper) if asked.period is not None else (None, None)
    more = tuple(kind for kinds in (asked.kinds, asked.kinds_not) for kind in kinds)
    day: tuple[int, ...] = tuple(one for one in (lower, upper) if one is not None)
    rev = asked.view.revision
    template = (*((rev, rev) if asked.joined else ()), *more)
    for start in range(0, len(wanted), PAIRS_EACH):
        some = wanted[start : start + PAIRS_EACH]
        # Filled up with the last one, so that there is one statement to prepare and not a hundred.
        some += [some[-1]] * (PAIRS_EACH - len(some)) if len(some) > 10 else [some[-1]] * (10 - len(some))
        values: list[object] = []
        for one, other in some:
            values += 2 * [one, other, rev, rev, *day, *template]
        sql = ends_of(
            len(some),
            connection.dialect.name == "sqlite",
            lower is not None,
            upper is not None,
            asked.joined,
            asked.period is not None and asked.period.certain and bool(asked.span),
            asked.span if lower is not None and asked.period is not None and not asked.period.certain else 0,
            len(asked.kinds),
            len(asked.kinds_not),
        )
        for one, other, first, at, number in connection.exec_driver_sql(sql, tuple(values)).cursor.fetchall():
            pair = owner[(one, other)]
            had = found.get(pair)
            if had is None:
                found[pair] = Ends(at, at, number)
            elif first:
                found[pair] = Ends(min(had.first, at), had.last, had.number)
            elif (at, number) > (had.last, had.number):
                found[pair] = Ends(min(had.first, at), at, number)
    return found


@lru_cache(64)
def ends_of(
    pairs: int,
    embedded: bool,
    lower: bool,
    upper: bool,
    joined: bool,
    certain: bool,
    span: int,
    kinds: int,
    kinds_not: int,
) -> str:
    """The first and the last event of so many pairs, a short read of the index by pair each, in one statement."""
    mark = "?" if embedded else "%s"
    # SQLite's planner takes the primary key, and with it all parts of an actor up to the first of a rare pair.
    index = " INDEXED BY ix_coded_part_pair" if embedded else ""
    table = f"coded_part p{index}" + (" JOIN coded_event e ON e.number = p.number" if joined else "")
    where = [f"p.actor = {mark}", f"p.other = {mark}", f"p.since <= {mark}", f"(p.until IS NULL OR p.until > {mark})"]
    if lower:
        # One that began earlier may reach into the period.
        where.append(f"e.last >= {mark}" if span else f"p.day >= {mark}")
    if upper:
        where.append(f"e.last < {mark}" if certain else f"p.day < {mark}")
    if joined:
        where += [f"e.since <= {mark}", f"(e.until IS NULL OR e.until > {mark})"]
    if kinds:
        where.append(f"e.kind IN ({', '.join([mark] * kinds)})")
    if kinds_not:
        where.append(f"coalesce(e.kind, '') NOT IN ({', '.join([mark] * kinds_not)})")
    parts = []
    for n in range(pairs):
        for first, order in ((1, "p.day, p.number"), (0, "p.day DESC, p.number DESC")):
            # Only names of our own and marks for values are put together here.
            parts.append(
                f"SELECT * FROM (SELECT p.actor, p.other, {first} AS first, p.day AS at, p.number FROM {table} "  # noqa: S608
                f"WHERE {' AND '.join(where)} ORDER BY {order} LIMIT 1) AS t{n}{first}"
            )
    return " UNION ALL ".join(parts)


def named(connection: Connection, numbers: Iterable[int]) -> Iterator[tuple[int, str, str, str]]:
    """Actors as their datasets name them: the number, the datasets' own id and name, and the dataset."""
    for some in chunks(sorted(numbers)):
        # Filled up with the last one, so that few different statements are prepared.
        told = [*some, *[some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))]
        yield from zip(*straight.columns(connection, NAMED, {"numbers": told}), strict=True)


NAMED: Any = select(coded_actor.c.number, coded_actor.c.id, coded_actor.c.name, coded_actor.c.dataset).where(
    coded_actor.c.number.in_(bindparam("numbers", expanding=True))
)


def event_ids(connection: Connection, view: View, numbers: Sequence[int]) -> dict[int, str]:
    """The ids of coded events by number."""
    query = select(E.number, E.id).where(E.number.in_(list(numbers)), stands(coded_event, view))
    return {row.number: row.id for row in connection.execute(query)} if numbers else {}


def chunks(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    """Numbers in portions that one statement takes; mostly one."""
    return [numbers[start : start + NUMBERS_EACH] for start in range(0, len(numbers), NUMBERS_EACH)]
