"""How many coded events there are by time, actor and code: counted ahead wherever that is exact, else from the events.

What was counted ahead holds whole months and years. A period that cuts one is counted from those inside it and, for its two
edges, from the parts of actors or from the events themselves, so an answer is always exact. What is counted from many events is
counted a portion at a time, so that too many cells are noticed before they fill the memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, Text, and_, case, cast, func, select

from app.coded import ahead
from app.coded.ahead import ROLE_AXES, Pieces, Ranked, Whose, month_of, months, whose, years
from app.coded.question import ROLES, Question, coded, codes, conditions, stands
from app.errors import BadQuery, Fault
from app.models.coded import (
    INITIATOR,
    RECIPIENT,
    coded_active,
    coded_actor,
    coded_actor_month,
    coded_actor_total,
    coded_actor_year,
    coded_event,
    coded_link,
    coded_month,
    coded_part,
    coded_total,
)
from app.query.fields import View
from app.query.once import Once
from app.query.params import AskedPeriod

E, P = coded_event.c, coded_part.c
BY = ("day", "month", "year", "initiator", "recipient", "participant", "code", "root", "quad", "dataset", "country")
MEASURES = ("events", "reports", "intensity")
TIMES = ("day", "month", "year")
CELLS_MOST: Final = (
    100_000  # beyond so many a table is no answer any more, and its sorting costs more than the counting
)
PORTION_ROWS: Final = 250_000  # events that are grouped at once: SQLite groups in memory
BESIDES_MOST: Final = 500  # actors that are looked up one by one beside the first ones of an order
LINKS: Once[str, Mapping[int, str]] = Once(100)  # who the datasets' actors are here
SEVERAL: Once[str, frozenset[int]] = Once(100)

Cell = tuple[Any, ...]


class Mean(NamedTuple):
    """What an intensity is the mean of."""

    intensity: float = 0.0
    weighed: int = 0

    def __add__(self, other: Any) -> Mean:
        return Mean(self.intensity + other.intensity, self.weighed + other.weighed)

    def __sub__(self, other: Any) -> Mean:
        return Mean(self.intensity - other.intensity, self.weighed - other.weighed)


Number = Any  # how many there are; for intensity a Mean
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "events": ("events",),
    "reports": ("events", "reports"),
    "intensity": ("events", "intensity", "weighed"),
}


def counts(
    connection: Connection, asked: Question, by: Sequence[str], measure: str = "events", most: int = CELLS_MOST
) -> dict[Cell, Number]:
    """The number of each cell, cells being tuples along `by`; months are `year * 12 + month - 1`.

    Raises BadQuery where there are more than `most` cells.
    """
    found = counted_ahead(connection, asked, tuple(by), measure, most)
    if found is None:
        found = counted(connection, asked, by, measure, most)
    bounded(found, most)
    return found


def bounded(found: Collection[Any], most: int) -> None:
    """Refuse more cells than a table may have."""
    if len(found) > most:
        detail = (
            f"There are more than {most:,} cells; no more are counted at once. Count by less, or narrow the filters."
        )
        raise BadQuery(detail, errors=[Fault("by", detail)])


def cells(rows: Iterable[Sequence[Any]], width: int, measure: str) -> dict[Cell, Number]:
    """Rows of `width` keys and the columns of a measure as cells."""
    if measure == "intensity":
        return {tuple(row[:width]): Mean(row[width + 1] or 0.0, row[width + 2] or 0) for row in rows if row[width]}
    if width == 1 and measure == "events":
        return {(key,): n for key, n in rows if n}
    return {tuple(row[:width]): row[-1] for row in rows if row[width]}


def merge(found: dict[Cell, Number], more: Mapping[Cell, Number]) -> dict[Cell, Number]:
    """Cells with others added to them."""
    if not found:
        return dict(more)
    for cell, n in more.items():
        found[cell] = found[cell] + n if cell in found else n
    return found


# ── Counted ahead ───────────────────────────────────────────────────────────────────────────────────────────────────


def counted_ahead(
    connection: Connection, asked: Question, by: tuple[str, ...], measure: str, most: int = CELLS_MOST
) -> dict[Cell, Number] | None:
    """The cells from what was counted ahead, with the edges of a period from the events; None where that does not hold them."""
    who = held(connection, asked, by, measure)
    if who is None:
        return None
    return from_pieces(connection, asked, by, measure, who, most)


def spans(
    connection: Connection, asked: Question, name: str, measure: str
) -> tuple[Sequence[int], Sequence[int]] | None:
    """The spans of time in their order and their numbers, where one read of what was counted ahead holds them all; else None."""
    who = None if measure != "events" or asked.codes or asked.more else held(connection, asked, (name,), measure)
    if who is None:
        return None
    pieces, days = cut(asked, (name,), who, less=True)
    if days or len(pieces.tables) != 1 or pieces.less:
        return None
    keys, sums = ahead.along_one(connection, pieces, name, who.column, who, asked.view.revision, CELLS_MOST + 1)
    bounded(keys, CELLS_MOST)
    order = sorted(keys)
    if order != keys:
        told = dict(zip(keys, sums, strict=True))
        return order, [told[key] for key in order]
    return keys, sums


def from_pieces(
    connection: Connection, asked: Question, by: tuple[str, ...], measure: str, who: Whose, most: int
) -> dict[Cell, Number]:
    """The cells from what was counted ahead, of the whole spans of a period, and from the events of the days beside these."""
    columns = columns_of(who, measure)
    narrowing = bool(asked.codes or asked.more)
    # What is taken off what is not whole is not exact.
    pieces, days = cut(asked, by, who, less=bool(who.numbers) and measure != "intensity" and not narrowing)
    found: dict[Cell, Number] = {}
    closed = tuple((lower, upper) for lower, upper in days if lower is not None and upper is not None)
    if who.numbers and measure == "events" and not narrowing and len(closed) == len(days):
        skipping = bool(closed) and ahead.skips(connection, asked.view, by, who)
        pieces, days = replace(pieces, days=closed, skipping=skipping), []

    def where(table: Table) -> list[ColumnElement[bool]]:
        return [one.on(table.c.code) for one in asked.codes] + [dataset_condition(one, table.c) for one in asked.more]

    # No more are read than show that there are too many.
    if narrowing:
        for piece in pieces.tables:
            one = Pieces((piece,))
            rows = ahead.added(connection, one, by, columns, who, asked.view.revision, most + 1, where)
            found = merge(found, cells(rows, len(by), measure))
    elif (pieces.tables or pieces.days) and len(by) == len(columns) == 1:
        keys, sums = ahead.along_one(connection, pieces, by[0], columns[0], who, asked.view.revision, most + 1)
        found = dict(zip(zip(keys, strict=True), sums, strict=True))
    elif pieces.tables or pieces.days:
        rows = ahead.added(connection, pieces, by, columns, who, asked.view.revision, most + 1)
        found = cells(rows, len(by), measure)
    for lower, upper in days:
        assert asked.period is not None
        period = AskedPeriod(asked.period.line, lower, upper)
        found = merge(found, counted(connection, replace(asked, period=period), by, measure, CELLS_MOST))
    return found


def columns_of(who: Whose, measure: str) -> tuple[str, ...]:
    """What is added up of whose events."""
    return COLUMNS[measure] if who.column == "events" else (who.column,)


def cut(
    asked: Question, by: tuple[str, ...], who: Whose, *, less: bool
) -> tuple[Pieces, list[tuple[int | None, int | None]]]:
    """The tables that hold a period's whole months and years, and the days before and after these.

    `less`: months may be taken off a year that the period does not hold whole.
    """
    coding = bool(asked.codes or {"code", "root"} & set(by))
    by_years, by_months = tables(by, who, asked.period, coding=coding)
    inner, edges = months(asked.period)
    wanted: list[tuple[Table, tuple[int, int] | None]] = []
    off: list[tuple[int, int]] = []
    if by_years is None:
        wanted.append((by_months, inner))
    else:
        every = (ahead.ALL_YEARS, ahead.ALL_YEARS + 1) if by_years is coded_active and "year" not in by else None
        span, rest = (every or (0, ahead.OPEN // 12), []) if inner is None else years(inner)
        if less and inner is not None and span[0] < span[1]:
            span, rest, off = ahead.shorter(inner, span)
        wanted += [(by_years, span), *((by_months, one) for one in rest)]
    tables_ = tuple((table, span) for table, span in wanted if span is None or span[0] < span[1])
    return Pieces(tables_, tuple((by_months, one) for one in off)), edges


def held(connection: Connection, asked: Question, by: tuple[str, ...], measure: str) -> Whose | None:
    """Whose events are counted, where what was counted ahead holds the question; else None."""
    times, axes = {"month", "year"} & set(by), [name for name in by if name in ROLE_AXES]
    if not asked.plain or set(by) - {"month", "year", "code", "root", "dataset", *axes} or len(axes) > 1:
        return None
    if asked.span and (asked.period is not None or times):
        # Events of several days are counted ahead in the month in which they begin.
        return None
    who = whose(connection, asked)
    if who is None:
        return None
    if axes and not who.numbers:
        who = Whose((), ROLE_AXES[axes[0]])
    elif axes and (axes[0] == "participant" or who.column != ROLE_AXES[axes[0]]):
        return None
    if (who.numbers or axes) and (asked.more or "dataset" in by):
        return None
    return who if measure == "events" or who.column == "events" else None


def tables(by: tuple[str, ...], who: Whose, period: AskedPeriod | None, *, coding: bool) -> tuple[Table | None, Table]:
    """Which table holds the years, where years will do, and which the months."""
    if not who.numbers and not set(by) & set(ROLE_AXES):
        return None, coded_month if coding else coded_total
    if "month" in by:
        return None, coded_actor_month if coding else coded_actor_total
    if coding:
        return coded_actor_year, coded_actor_month
    # The years of one actor do not lie together there; its months are few.
    return (coded_active if not who.numbers or (period is None and "year" not in by) else None), coded_actor_total


def dataset_condition(condition: ColumnElement[bool], c: Any) -> ColumnElement[bool]:
    """A condition on the dataset of events as one on that of the sums."""
    from sqlalchemy.sql.visitors import replacement_traverse

    def swap(element: Any, **_: Any) -> Any:
        return c.dataset if element is E.dataset else None

    swapped: ColumnElement[bool] = replacement_traverse(condition, {}, swap)
    return swapped


def ranked(
    connection: Connection, asked: Question, axis: str, measure: str, most: int, besides: Sequence[int]
) -> Ranked | None:
    """The first `most` of an axis of actors in the order of their numbers, see `app.coded.ahead.ranked`."""
    if not asked.plain or axis not in ROLE_AXES:
        return None
    who = whose(connection, asked)
    return None if who is None else ahead.ranked(connection, asked, axis, who, measure, most, besides)


HEAVY_ROWS: Final = 50_000  # events that are looked at in passing: a tenth of a second


def heavy(connection: Connection, asked: Question, by: Sequence[str] | None, measure: str = "events") -> bool:
    """Whether counting by these (None: any other reading of all events) looks at more events than are looked at in passing."""
    if by is not None and set(by) <= {"place", "topic", "source"} and by:
        return False
    if (
        by is not None
        and held(connection, asked, tuple("code" if one == "quad" else one for one in by), measure) is not None
    ):
        return "quad" in by and sum(at_most(connection, asked).values()) > HEAVY_ROWS
    return sum(at_most(connection, asked).values()) > HEAVY_ROWS


# ── Counted from the events ─────────────────────────────────────────────────────────────────────────────────────────


def counted(connection: Connection, asked: Question, by: Sequence[str], measure: str, most: int) -> dict[Cell, Number]:
    """The cells from the parts of the actors asked for, where these hold it, else from the events, a portion at a time."""
    from_parts = parts_hold(asked, by, measure)
    lasting = bool(asked.span and set(TIMES) & set(by))
    found: dict[Cell, Number] = {}
    for portion in portions(connection, asked):
        queries = (
            parts_queries(asked, by, portion) if from_parts else [events_query(asked, by, measure, lasting, portion)]
        )
        for query in queries:
            rows = connection.execute(query)
            if not set(TIMES) & set(by):
                found = merge(found, cells(rows, len(by), measure))
            else:
                for cell, n in cells(rows, len(by) + lasting, measure).items():
                    end = cell[len(by)] if lasting else None
                    told = tuple(in_time(name, value, end, asked.period) for name, value in zip(by, cell, strict=False))
                    found[told] = found[told] + n if told in found else n
            bounded(found, most)
    return found


def portions(connection: Connection, asked: Question) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """Conditions that each leave about as many events as are grouped at once: days of an actor's, numbers of all."""
    parts = asked.driven is not None
    by_month = at_most(connection, asked)
    total = sum(by_month.values())
    if total <= PORTION_ROWS:
        yield ()
        return
    if not parts:
        # Numbers are digests, spread evenly; the events lie in their order.
        pieces = -(-total // PORTION_ROWS)
        marks = [2**63 // pieces * n for n in range(1, pieces)]
        for low, high in zip([None, *marks], [*marks, None], strict=True):
            yield tuple(
                one
                for one in (None if low is None else E.number >= low, None if high is None else E.number < high)
                if one is not None
            )
        return
    start, filled, low = None, 0, None
    for month, n in sorted(by_month.items()):
        if start is not None and filled + n > PORTION_ROWS:
            high = ahead.start_of(month)
            yield tuple(one for one in (None if low is None else P.day >= low, P.day < high) if one is not None)
            low, filled = high, 0
        start, filled = month, filled + n
    yield () if low is None else (P.day >= low,)


def at_most(connection: Connection, asked: Question) -> dict[int, int]:
    """How many events there can be in each month, codes and the like left aside."""
    period = None if asked.span else asked.period
    span = None
    if period is not None:
        low = 0 if period.lower is None else month_of(period.lower)
        span = (low, ahead.OPEN if period.upper is None else month_of(period.upper) + 1)
        if span[1] - span[0] <= 1 and asked.driven is not None:
            # The edge of a period: never worth asking.
            return {}
    driven = asked.driven
    if driven is None:
        pieces = Pieces(((coded_total, span),))
        rows = ahead.added(connection, pieces, ("month",), ("events",), Whose(()), asked.view.revision)
    else:
        who = Whose(tuple(sorted(driven)))
        pieces = Pieces(((coded_actor_total, span),))
        rows = ahead.added(connection, pieces, ("month",), ("events",), who, asked.view.revision)
    return {row[0]: row[1] for row in rows}


PARTS_AXES = {*TIMES, "code", "root", "participant", "initiator", "recipient"}


def parts_hold(asked: Question, by: Sequence[str], measure: str) -> bool:
    """Whether the parts of the actors asked for hold all that is asked, each event once."""
    from app.coded.store import on_parts

    if asked.driven is None or measure != "events" or not set(by) <= PARTS_AXES:
        return False
    if asked.span and (asked.period is not None or set(TIMES) & set(by)):
        return False
    if not all(on_parts(one) for one in conditions(asked, parts=True)):
        return False
    # Two actors of one name may share an event, unless only one of its roles is looked at.
    one_role = asked.initiators is not None or len(set(asked.roles)) == 1 or not asked.parties
    return len(asked.driven) == 1 or one_role


def parts_queries(asked: Question, by: Sequence[str], portion: Sequence[ColumnElement[bool]]) -> Iterator[Any]:
    """The statements over the parts: one, or two where both who takes part and the counterpart are counted."""
    assert asked.driven is not None
    where = [P.actor.in_(sorted(asked.driven)), *conditions(asked, parts=True), *portion]
    takers: list[tuple[Any, list[Any]]] = [(None, [])]
    if "participant" in by:
        if len(asked.roles) == 1:
            takers = [(in_role(asked.roles[0]), [])]
        else:
            takers = [(P.actor, []), (P.other, [P.other.is_not(None), P.other != P.actor])]
    for taker, more in takers:
        keys = [taker if name == "participant" else of_parts(name) for name in by]
        query = select(*[key.label(f"k{n}") for n, key in enumerate(keys)], func.count()).where(*where, *more)
        yield query.group_by(*keys) if keys else query


def of_parts(name: str) -> Any:
    """What parts are grouped by."""
    match name:
        case "day" | "month" | "year":
            return P.day
        case "initiator":
            return in_role(INITIATOR)
        case "recipient":
            return in_role(RECIPIENT)
        case _:
            return P.code


def in_role(role: int) -> Any:
    """Who has a role in a part's event: the actor of the part, or the counterpart."""
    return case((P.role == role, P.actor), else_=P.other)


def events_query(
    asked: Question, by: Sequence[str], measure: str, lasting: bool, portion: Sequence[ColumnElement[bool]]
) -> Any:
    """The statement over the events."""
    from app.coded.store import numbers_of

    where = [*conditions(asked, parts=False), *portion]
    if asked.driven is not None:
        where = [stands(coded_event, asked.view), E.number.in_(numbers_of(asked).where(*portion))]
    keys = [grouping(name) for name in by]
    # Where events last, the day on which each ended tells whether it lies in one span of time.
    keys += [E.last] if lasting else []
    sums: dict[str, list[Any]] = {
        "events": [],
        "reports": [func.sum(E.reports)],
        "intensity": [func.sum(E.intensity), func.count(E.intensity)],
    }
    query = select(*[key.label(f"k{n}") for n, key in enumerate(keys)], func.count(), *sums[measure]).where(*where)
    if "participant" in by:
        query = query.join(
            coded_part, and_(P.number == E.number, P.role.in_(asked.roles) if len(asked.roles) == 1 else P.once == 1)
        ).where(stands(coded_part, asked.view))
    return query.group_by(*keys) if keys else query


def grouping(name: str) -> Any:
    """What events are grouped by: days for every span of time, what they are coded as for code and root."""
    match name:
        case "day" | "month" | "year":
            return E.day
        case "participant":
            return P.actor
        case "code" | "root":
            return coded(coded_event)
        case "quad":
            # A dataset that has words only has no class of its own; its code tells it.
            return func.coalesce(cast(E.quad, Text), coded(coded_event))
        case _:
            return E[name]


def in_time(name: str, value: Any, end: int | None = None, period: AskedPeriod | None = None) -> Any:
    """A day as what it is counted by; None where an event that ends on `end` lies in several spans of it, or beyond the period."""
    if name not in TIMES:
        return value
    first = span_of(name, value)
    if end is not None and period is not None:
        early = period.lower is not None and value < period.lower
        late = period.upper is not None and end >= period.upper
        if early or late:
            return None
    return first if end is None or span_of(name, end) == first else None


def span_of(name: str, day: int) -> int:
    """The day, month or year of a day."""
    return day if name == "day" else month_of(day) if name == "month" else month_of(day) // 12


# ── Facets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def facet(connection: Connection, asked: Question, name: str, most: int) -> dict[Any, int]:
    """How many events have each value of a facet of the events resource; of actors at least the `most` that have most."""
    if name in ("place", "topic", "source"):
        return {}
    if name == "status":
        n = sum(counts(connection, asked, ()).values())
        return {"occurred": n} if n else {}
    if name == "role":
        return roles(connection, asked)
    if name in ROLE_AXES:
        from app.coded.namesakes import twice

        told = ids_of(connection, asked, in_facet(connection, asked, name, most))
        for (id,), n in twice(connection, asked, (name,), "events").items():
            if id in told:
                told[id] -= n
        return told
    found: dict[Any, int] = {}
    shown = {"code": as_code, "quad": quad_of}.get(name)
    for (value,), n in counts(connection, asked, (name,)).items():
        value = value if shown is None else shown(value)
        if value is not None and value != "":
            found[value] = found.get(value, 0) + n
    return found


def in_facet(connection: Connection, asked: Question, axis: str, most: int) -> dict[int, int]:
    """How many events each actor has: of all of them, or of the first ones and of all who are somebody here.

    The latter may have curated events too, and several of them may be one actor.
    """
    besides = sorted(links(connection, asked.view))
    told = ranked(connection, asked, axis, "events", most, besides) if len(besides) <= BESIDES_MOST else None
    if told is not None:
        return {number: n for number, n in told.found.items() if number is not None}
    return {cell[0]: n for cell, n in counts(connection, asked, (axis,)).items() if cell[0] is not None}


def links(connection: Connection, view: View) -> Mapping[int, str]:
    """Who the datasets' actors are here, by their numbers; those that are nobody are left out."""

    def find() -> Mapping[int, str]:
        query = select(coded_link.c.number, coded_link.c.actor).where(stands(coded_link, view))
        return {row.number: row.actor for row in connection.execute(query)}

    return LINKS.get(connection, view, "", find)


def several(connection: Connection, view: View) -> frozenset[int]:
    """The datasets' actors of whom another one is the same here."""

    def find() -> frozenset[int]:
        linked = links(connection, view)
        often = Counter(linked.values())
        return frozenset(number for number, id in linked.items() if often[id] > 1)

    return SEVERAL.get(connection, view, "", find)


@lru_cache(5_000)
def as_code(coded: Any) -> Any:
    """The CAMEO code of what an event is coded as, where there is one."""
    if not isinstance(coded, str) or coded.isdigit():
        return coded
    return codes().code_of(coded) or coded


@lru_cache(5_000)
def quad_of(coded: Any) -> int | None:
    """The quad class of what `grouping` gives for it: the class itself, or that of a code or label."""
    if coded is None:
        return None
    text = str(coded)
    return int(text) if text in ("1", "2", "3", "4") else codes().quad(as_code(text))


def ids_of(connection: Connection, asked: Question, found: Mapping[int, int]) -> dict[Any, int]:
    """Counts by the number of a dataset's actor as counts by the actor that it is here."""
    actors = ids(connection, asked.view, found)
    told: dict[Any, int] = {}
    for number, n in found.items():
        told[actors[number]] = told.get(actors[number], 0) + n
    return told


def ids(connection: Connection, view: View, numbers: Iterable[int]) -> dict[int, str]:
    """The id of the actor that each number is here: of the one linked to it, else its own."""
    from app.coded.store import named

    wanted = list(numbers)
    if len(wanted) <= NAMED_AT_ONCE:
        return {number: told[0] for number, told in named(connection, view, set(wanted)).items()}
    # So many would push out of memory what is asked often.
    linked = links(connection, view)
    found = {number: linked[number] for number in wanted if number in linked}
    for start in range(0, len(wanted), NAMED_AT_ONCE):
        some = coded_actor.c.number.in_(wanted[start : start + NAMED_AT_ONCE])
        for row in connection.execute(select(coded_actor.c.number, coded_actor.c.id).where(some)):
            found.setdefault(row[0], row[1])
    return found


NAMED_AT_ONCE: Final = 2_000


def roles(connection: Connection, asked: Question) -> dict[Any, int]:
    """How many events have an initiator, and how many a recipient: of the participants asked for, where some are."""
    from app.coded.store import conditions_of

    who = sorted({number for party in asked.parties for number in party})
    found = {}
    for name, column in (("initiator", E.initiator), ("recipient", E.recipient)):
        if asked.roles and ROLES[name] not in asked.roles:
            continue
        holds = column.in_(who) if who else column.is_not(None)
        n = connection.execute(select(func.count()).where(*conditions_of(asked), holds)).scalar_one()
        if n:
            found[name] = n
    return found
