"""Which of what was counted ahead answers a question, and how it is asked: statements made once for a shape, with bound values.

    coded_total, coded_month                      everything, by month; by month and code
    coded_actor_total, _month, _year              an actor, by month; by month and code; by year and code
    coded_active                                  every actor, in a year or in all
    coded_counterpart                             whom an actor met

All of it holds whole months or whole years. A period is cut into those and into edges, which are counted from the events. Most
of a year is the year without its other months.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Integer, Select, Table, bindparam, func, literal_column, select, union_all

from app import straight
from app.coded.question import Question, standing_then
from app.models.coded import (
    INITIATOR,
    NOBODY,
    RECIPIENT,
    coded_active,
    coded_actor,
    coded_actor_month,
    coded_actor_total,
    coded_actor_year,
    coded_counterpart,
    coded_month,
    coded_part,
    coded_total,
)
from app.query.fields import View
from app.query.once import Once
from app.query.params import AskedPeriod
from app.times import day_number, from_day_number

ALL_YEARS = -1
MONTHS_END = 12 * (date.max.year + 1)
OPEN = 1_200_000  # a month after all others, and the first of a year
ROLE_AXES = {"initiator": "initiated", "recipient": "received", "participant": "events"}
DATASETS: Once[tuple[int, ...], tuple[str, ...]] = Once(
    20_000
)  # of which datasets actors are, in the order of their numbers

SIZES: Once[int, int] = Once(20_000)  # how many events actors have
SKIPPING_FROM = 60_000  # events of an actor, from which on two half months are counted sooner a code at a time

ONE, SEVERAL = 1, 2


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose events are counted: the numbers of an actor, and the column that holds how many there are in its role."""

    numbers: tuple[int, ...]
    column: str = "events"


@dataclass(frozen=True, slots=True)
class Shape:
    """A statement over tables of additions and over the days beside them, but for its values."""

    # Each with its spans, 0 for all, else ONE or SEVERAL; and whether it is taken off.
    tables: tuple[tuple[str, int, bool], ...]
    by: tuple[str, ...]
    columns: tuple[str, ...]  # what is added up
    actors: int = 0  # how many there are, 0 for all
    edges: int = 0  # stretches of days that are counted from the parts of the actors
    limited: bool = False  # whether there are no more rows than `most`
    skipping: bool = False  # whether days are counted a code at a time


TABLES: dict[str, Table] = {
    one.name: one
    for one in (
        coded_total,
        coded_month,
        coded_actor_total,
        coded_actor_month,
        coded_actor_year,
        coded_active,
        coded_counterpart,
    )
}


def whose(connection: Connection, asked: Question) -> Whose | None:
    """Whose events a question is about, where what was counted ahead can tell them; no numbers for everybody's."""
    parties, roles = asked.parties, asked.roles
    both = len(set(roles)) == 2
    if not parties and asked.initiators is None and asked.recipients is None:
        return None if roles else Whose(())
    if len(parties) == 1 and asked.initiators is None and asked.recipients is None:
        found = tuple(sorted(parties[0]))
        if len(roles) == 1:
            return Whose(found, "initiated" if roles[0] == INITIATOR else "received")
        return Whose(found) if (not roles or both) and apart(connection, asked.view, found) else None
    if parties or roles or (asked.initiators is not None and asked.recipients is not None):
        return None
    # An event has one initiator and one recipient, so the numbers of several actors add up.
    if asked.initiators is not None:
        return Whose(tuple(sorted(asked.initiators)), "initiated")
    assert asked.recipients is not None
    return Whose(tuple(sorted(asked.recipients)), "received")


def apart(connection: Connection, view: View, numbers: tuple[int, ...]) -> bool:
    """Whether no two of a dataset's actors are of one dataset: those could share an event, which both have counted."""
    if len(numbers) == 1:
        return True
    query = select(coded_actor.c.dataset).where(coded_actor.c.number.in_(numbers))
    found = DATASETS.get(connection, view, numbers, lambda: tuple(connection.scalars(query)))
    return len(set(found)) == len(numbers)


@lru_cache(2_000)
def statement(shape: Shape) -> Any:
    """The statement of a shape; its values are `revision`, `actor0` …, `low0`, `high0` …; of days `from0`, `before0`, `month0` …"""
    parts = [of_table(TABLES[name], spans, n, shape, less=less) for n, (name, spans, less) in enumerate(shape.tables)]
    parts += [(days_by_code if shape.skipping else of_days)(n, shape) for n in range(shape.edges)]
    keys: list[Any]
    sums: list[Any]
    if len(parts) == 1 and not shape.edges:
        [(keys, sums, where)] = parts
        query = select(*named(keys, "k"), *[func.sum(one) for one in sums]).where(*where)
    else:
        # One after another and added up together: what each of them has is not brought here on its own.
        each = [select(*named(keys, "k"), *named(sums, "n")).where(*where) for keys, sums, where in parts]
        every = union_all(*each).subquery()
        keys = [every.c[f"k{n}"] for n in range(len(shape.by))]
        sums = [every.c[f"n{n}"] for n in range(len(shape.columns))]
        query = select(*keys, *[func.sum(one) for one in sums])
    if not keys:
        return query
    # One column stands for how many there are: what came and went again is no cell.
    query = query.group_by(*keys).having(func.sum(sums[0]) > 0)
    return query.limit(bindparam("most")) if shape.limited else query


def named(columns: Sequence[Any], start: str) -> list[Any]:
    """Columns by their places."""
    return [one.label(f"{start}{n}") for n, one in enumerate(columns)]


def of_table(table: Table, spans: int, n: int, shape: Shape, *, less: bool) -> tuple[list[Any], list[Any], list[Any]]:
    """The keys, the columns that are added up or taken off, and the condition of a table of additions."""
    c = table.c
    where = [c.since <= bindparam("revision")]
    if shape.actors:
        where.append(among(c.actor, shape.actors))
    if spans:
        time = c.year if "year" in c else c.month
        # An index whose first column is the year goes on to the actor only where one year is asked for.
        low, high = f"low{n}", f"high{n}"
        where += [time == bindparam(low)] if spans == ONE else [time >= bindparam(low), time < bindparam(high)]
    return [along(name, c) for name in shape.by], [-c[name] if less else c[name] for name in shape.columns], where


def of_days(n: int, shape: Shape) -> tuple[list[Any], list[Any], list[Any]]:
    """The same of the parts of actors within some days."""
    p = coded_part.c
    # They lie in one month.
    own: dict[str, Any] = {"code": p.code, "root": p.code}
    own |= {name: bindparam(f"{name}{n}", type_=Integer()) for name in ("month", "year")}
    keys = [own.get(name, p.actor) for name in shape.by]
    return keys, [literal_column("1")], [among(p.actor, shape.actors), *within(n, shape)]


def within(n: int, shape: Shape) -> list[Any]:
    """Which parts stand within some days, in the role that is counted."""
    p = coded_part.c
    role = {"events": p.once == 1, "initiated": p.role == INITIATOR, "received": p.role == RECIPIENT}[shape.columns[0]]
    days = (p.day >= bindparam(f"from{n}"), p.day < bindparam(f"before{n}"))
    return [role, *days, standing_then(coded_part)]


def days_by_code(n: int, shape: Shape) -> tuple[list[Any], list[Any], list[Any]]:
    """The same of one actor along codes: those of the month are known, and of each SQLite counts a stretch of an index.

    Nothing is sorted, and the rows of that index are a third as long: 0.4 ms for 3,900 events, which took 0.9.
    """
    p, m = coded_part.c, coded_actor_month.c
    mine = (m.actor == bindparam("actor0"), m.month == bindparam(f"month{n}"), m.since <= bindparam("revision"))
    code = func.nullif(select(m.code).where(*mine).distinct().subquery().c.code, "")
    same = (p.actor == bindparam("actor0"), p.code.is_not_distinct_from(code))
    counted = select(func.count()).where(*same, *within(n, shape)).scalar_subquery()
    return [code], [counted], []


def among(column: Any, actors: int) -> Any:
    """The condition that a column is one of so many actors."""
    if actors == 1:
        return column == bindparam("actor0")
    return column.in_([bindparam(f"actor{n}") for n in range(actors)])


def along(name: str, c: Any) -> Any:
    """A grouping of additions."""
    match name:
        case "year" if "year" not in c:
            return c.month // 12
        case "root":
            return c.code
        case "initiator" | "recipient" | "participant":
            return c.actor
        case _:
            return c[name]


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a period is cut into: tables of additions, each with its months or years (None: all of them), and days beside them.

    What is `less` is taken off what the tables hold.
    """

    tables: tuple[tuple[Table, tuple[int, int] | None], ...]
    less: tuple[tuple[Table, tuple[int, int]], ...] = ()
    days: tuple[tuple[int, int], ...] = ()
    skipping: bool = False  # whether the days are counted a code at a time


def added(
    connection: Connection, pieces: Pieces, by: tuple[str, ...], columns: tuple[str, ...], who: Whose, revision: int,
    most: int | None = None, where: Callable[[Table], Sequence[Any]] | None = None,
) -> Sequence[Any]:  # fmt: skip
    """The cells of what was counted ahead, `most` of them where that is given: values along `by`, then the sum of each column.

    `where` narrows a table of additions further; then there is one, and no days.
    """
    query, values = asking(pieces, by, columns, who, revision, most)
    if where is None:
        return straight.tuples(connection, query, values)
    [(table, _)] = pieces.tables
    return connection.execute(query.where(*where(table)), values).all()


def along_one(
    connection: Connection, pieces: Pieces, by: str, column: str, who: Whose, revision: int, most: int
) -> tuple[Sequence[Any], Sequence[int]]:
    """The same of one key and one number, as two columns."""
    keys, sums = straight.columns(connection, *asking(pieces, (by,), (column,), who, revision, most))
    return keys, sums


def asking(
    pieces: Pieces, by: tuple[str, ...], columns: tuple[str, ...], who: Whose, revision: int, most: int | None
) -> tuple[Any, dict[str, Any]]:
    """The statement with its values."""
    limited = bool(by) and most is not None
    values: dict[str, Any] = {"revision": revision, "most": most} if limited else {"revision": revision}
    for n, number in enumerate(who.numbers):
        values[f"actor{n}"] = number
    tables = []
    signed = [*((*one, False) for one in pieces.tables), *((*one, True) for one in pieces.less)]
    for n, (table, span, less) in enumerate(signed):
        if span is None:
            tables.append((table.name, 0, less))
        elif span[1] - span[0] == 1:
            values[f"low{n}"] = span[0]
            tables.append((table.name, ONE, less))
        else:
            values[f"low{n}"], values[f"high{n}"] = span
            tables.append((table.name, SEVERAL, less))
    for n, days in enumerate(pieces.days):
        values[f"from{n}"], values[f"before{n}"] = days
        month = month_of(days[0])
        values[f"month{n}"], values[f"year{n}"] = month, month // 12
    edges = len(pieces.days)
    return statement(Shape(tuple(tables), by, columns, len(who.numbers), edges, limited, pieces.skipping)), values


# ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def months(period: AskedPeriod | None) -> tuple[tuple[int, int] | None, list[tuple[int | None, int | None]]]:
    """The whole months of a period, and the days before and after them that it holds besides."""
    if period is None:
        return None, []
    lower, upper = period.lower, period.upper
    first = 0 if lower is None else ceiling(lower)
    end = OPEN if upper is None else month_of(upper)
    if first > end:
        return (0, 0), [(lower, upper)]
    edges: list[tuple[int | None, int | None]] = []
    if lower is not None and start_of(first) > lower:
        edges.append((lower, start_of(first) if first < MONTHS_END else None))
    if upper is not None and start_of(end) < upper:
        edges.append((start_of(end), upper))
    return (first, end), edges


def years(span: tuple[int, int]) -> tuple[tuple[int, int], list[tuple[int, int]]]:
    """The whole years of a span of months, and the months before and after them."""
    first, end = -(-span[0] // 12), span[1] // 12
    if first >= end:
        return (0, 0), [span]
    edges = [(span[0], first * 12), (end * 12, span[1])]
    return (first, end), [(low, high) for low, high in edges if low < high]


Span = tuple[int, int]


def shorter(span: Span, whole: Span) -> tuple[Span, list[Span], list[Span]]:
    """The years of a span of months, the months beside them and those that are taken off: most of a year lacks few."""
    low, high = span
    first, end = whole
    more: list[Span] = []
    less: list[Span] = []
    if low < first * 12:
        if first * 12 - low > 6:
            first -= 1
            less.append((first * 12, low))
        else:
            more.append((low, first * 12))
    if end * 12 < high:
        if high - end * 12 > 6:
            end += 1
            less.append((high, end * 12))
        else:
            more.append((end * 12, high))
    return (first, end), more, less


@lru_cache(50_000)
def month_of(day: int) -> int:
    """The month of a day, as `year * 12 + month - 1`."""
    found = from_day_number(day)
    return found.year * 12 + found.month - 1


def start_of(month: int) -> int:
    """The first day of a month; of the one after December 9999, which no date can name, the day after the last."""
    if month >= MONTHS_END:
        return day_number(date.max) + 1
    return day_number(date(month // 12, month % 12 + 1, 1))


def ceiling(day: int) -> int:
    """The first month that begins on a day or after it."""
    month = month_of(day)
    return month if start_of(month) == day else month + 1


# ── Who is in it most ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Ranked:
    """Those with the most events, by their numbers (None for nobody), and how many events all of them have together."""

    found: dict[int | None, int]
    total: int


def ranked(
    connection: Connection, asked: Question, axis: str, who: Whose, measure: str, most: int, besides: Sequence[int]
) -> Ranked | None:
    """The `most` actors with the most events, all that share the last place, and those of `besides`; None where it is not held."""
    if asked.codes or asked.more or measure == "intensity" or (asked.span and asked.period is not None):
        return None
    if not who.numbers:
        return active(connection, asked, axis, measure, most, besides)
    if len(who.numbers) > 1 or asked.period is not None or (axis == "participant" and asked.roles):
        return None
    if measure == "events" and axis == "participant" and who.column == "events":
        return met_most(connection, asked.view, who.numbers[0], most, besides)
    if axis == "participant" or (measure == "events" and {who.column, ROLE_AXES[axis]} == {"initiated", "received"}):
        return met(connection, asked.view, axis, who, measure, most, besides)
    return None


def active(
    connection: Connection, asked: Question, axis: str, measure: str, most: int, besides: Sequence[int]
) -> Ranked | None:
    """The most active of all actors, in all years or in whole ones."""
    if measure != "events" and axis != "participant":
        return None
    span = (ALL_YEARS, ALL_YEARS + 1)
    if asked.period is not None:
        inner, edges = months(asked.period)
        assert inner is not None
        span, rest = years(inner)
        if edges or rest:
            return None
    column = measure if axis == "participant" else ROLE_AXES[axis]
    rows = added(
        connection, Pieces(((coded_active, span),)), ("participant",), (column,), Whose(()), asked.view.revision
    )
    return cut({row[0]: row[1] for row in rows}, most, besides)


def met_most(connection: Connection, view: View, actor: int, most: int, besides: Sequence[int]) -> Ranked:
    """Whom an actor met most, and itself, from the end of an index."""
    values = {"revision": view.revision, "actor": actor}
    wanted = {"most": most + 1, "wanted": [*besides, NOBODY, actor]}
    told = straight.tuples(connection, first_met(), {**values, **wanted})
    first = sorted([row[1:] for row in told if row[0]], key=itemgetter(1), reverse=True)
    if len(first) > most and first[-1][1] == first[-2][1]:
        # The last place is shared: all who have it, since their names decide.
        first = [*straight.tuples(connection, at_least(), {**values, "least": first[-1][1]})]
    found: dict[int | None, int] = {row[0]: row[1] for row in first}
    apart: dict[int | None, int] = {row[1]: row[2] for row in told if not row[0]}
    own = size(connection, view, actor)
    # Each event has a counterpart, but for those that the actor is in with nobody or with itself.
    total = 2 * own - apart.pop(NOBODY, 0) - apart.pop(actor, 0)
    found |= apart | ({actor: own} if own else {})
    return Ranked(found, total)


def met(
    connection: Connection, view: View, axis: str, who: Whose, measure: str, most: int, besides: Sequence[int]
) -> Ranked | None:
    """The counterparts of an actor, in one role or by reports: from all of them."""
    actor = who.numbers[0]
    if measure != "events" and who.column != "events":
        return None
    column = measure if who.column == "events" else who.column
    rows = straight.tuples(connection, everybody(column), {"revision": view.revision, "actor": actor})
    found: dict[int | None, int] = {None if row[0] == NOBODY else row[0]: row[1] for row in rows}
    if axis == "participant":
        # Itself takes part in all of them.
        found.pop(None, None)
        found.pop(actor, None)
        own = totals(connection, actor, view.revision, column)
        found |= {actor: own} if own else {}
    return cut(found, most, besides)


def cut(found: dict[int | None, int], most: int, besides: Sequence[int]) -> Ranked:
    """Those in the first places of all."""
    total = sum(found.values())
    if len(found) > most:
        least = sorted(found.values(), reverse=True)[most - 1]
        kept = {number: n for number, n in found.items() if n >= least}
        found = kept | {number: found[number] for number in besides if number in found}
    return Ranked(found, total)


def skips(connection: Connection, view: View, by: tuple[str, ...], who: Whose) -> bool:
    """Whether days are counted a code at a time: on SQLite, along codes, and where an actor has more events in them than codes."""
    if connection.dialect.name != "sqlite" or len(who.numbers) != 1 or by not in (("code",), ("root",)):
        return False
    return size(connection, view, who.numbers[0]) > SKIPPING_FROM


def size(connection: Connection, view: View, actor: int) -> int:
    """How many events an actor has in all."""
    return SIZES.get(connection, view, actor, lambda: totals(connection, actor, view.revision, "events"))


def totals(connection: Connection, actor: int, revision: int, column: str) -> int:
    """How many events or reports an actor has in all."""
    pieces = Pieces(((coded_active, (ALL_YEARS, ALL_YEARS + 1)),))
    rows = added(connection, pieces, (), (column,), Whose((actor,)), revision)
    return rows[0][0] or 0


C = coded_counterpart.c


def counterparts(column: str) -> Select[Any]:
    """Whom an actor met at a revision."""
    return select(C.other, C[column]).where(C.actor == bindparam("actor"), standing_then(coded_counterpart))


@lru_cache(1)
def first_met() -> Any:
    """The first in the order of their numbers, without nobody and the actor itself; and marked 0, those of `wanted`."""
    query = counterparts("events").where(C.other != NOBODY, C.other != bindparam("actor"))
    first = query.order_by(C.events.desc(), C.other.desc()).limit(bindparam("most")).subquery()
    wanted = counterparts("events").where(C.other.in_(bindparam("wanted", expanding=True))).subquery()
    return union_all(select(literal_column("1").label("first"), *first.c), select(literal_column("0"), *wanted.c))


@lru_cache(1)
def at_least() -> Select[Any]:
    """All with so many events."""
    query = counterparts("events").where(C.other != NOBODY, C.other != bindparam("actor"))
    return query.where(C.events >= bindparam("least"))


@lru_cache(8)
def everybody(column: str) -> Select[Any]:
    """All of them, by how many events or reports there are, or how many the actor initiates or receives."""
    return counterparts(column).where(C[column] > 0)
