"""How many coded events there are by time, actor and code: counted ahead wherever that is exact, else from the events.

What was counted ahead holds whole months. A period that cuts a month is counted from the months inside it and, for its two
edges, from the events themselves, so an answer is always exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, func, select

from app.coded.question import ROLES, Question, coded, codes, conditions, stands
from app.models.coded import coded_actor_month, coded_counterpart, coded_event, coded_month, coded_part
from app.query.params import AskedPeriod
from app.times import day_number, from_day_number

E, P = coded_event.c, coded_part.c
BY = ("day", "month", "year", "initiator", "recipient", "participant", "code", "root", "quad", "dataset", "country")
MEASURES = ("events", "reports", "intensity")

Cell = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """What is added up in a cell."""

    events: int = 0
    reports: int = 0
    intensity: float = 0.0
    weighed: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.events + other.events,
            self.reports + other.reports,
            self.intensity + other.intensity,
            self.weighed + other.weighed,
        )


def counts(connection: Connection, asked: Question, by: Sequence[str], measure: str = "events") -> dict[Cell, Sums]:
    """The sums of each cell, cells being tuples along `by`; months are `year * 12 + month - 1`."""
    if ahead(asked, by):
        return counted_ahead(connection, asked, by)
    if measure != "intensity" and paired(asked, by):
        return from_pairs(connection, asked)
    return scanned(connection, asked, by)


# ── Counted ahead ───────────────────────────────────────────────────────────────────────────────────────────────────


def ahead(asked: Question, by: Sequence[str]) -> bool:
    """Whether what was counted ahead holds this: at most one party in any role, codes, datasets, and time no finer than months."""
    if not asked.plain or asked.roles or asked.initiators is not None or asked.recipients is not None:
        return False
    if asked.span and (asked.period is not None or {"month", "year"} & set(by)):
        # Events of several days are counted ahead in the month in which they begin.
        return False
    if len(asked.parties) > 1 or (asked.parties and len(asked.parties[0]) > 1):
        # Two actors of one name may share an event, which both have counted.
        return False
    allowed = {"month", "year", "code"} | (set() if asked.parties else {"dataset"})
    return set(by) <= allowed and not (asked.parties and asked.more)


def counted_ahead(connection: Connection, asked: Question, by: Sequence[str]) -> dict[Cell, Sums]:
    """Whole months from the sums, the edges from the events."""
    table = coded_actor_month if asked.parties else coded_month
    whole, edges = months(asked.period)
    c = table.c
    where: list[ColumnElement[bool]] = [c.since <= asked.view.revision]
    if asked.parties:
        where.append(c.actor == next(iter(asked.parties[0])))
    if whole is not None:
        where += [c.month >= whole[0], c.month < whole[1]]
    where += [one.on(c.code) for one in asked.codes]
    where += [dataset_condition(one, c) for one in asked.more]
    keys = [along(name, c) for name in by]
    sums = [func.sum(c.events), func.sum(c.reports), func.sum(c.intensity), func.sum(c.weighed)]
    found: dict[Cell, Sums] = {}
    if whole is None or whole[0] < whole[1]:
        query = select(*[key.label(f"k{n}") for n, key in enumerate(keys)], *sums).where(*where).group_by(*keys)
        for row in connection.execute(query):
            cell, total = tuple(row[: len(by)]), Sums(*[value or 0 for value in row[len(by) :]])
            if total.events:
                found[cell] = total
    for lower, upper in edges:
        period = AskedPeriod(asked.period.line, lower, upper) if asked.period is not None else None
        for cell, total in scanned(connection, replace(asked, period=period), by).items():
            found[cell] = found.get(cell, Sums()) + total
    return found


def along(name: str, c: Any) -> ColumnElement[Any]:
    """A grouping of the sums."""
    match name:
        case "year":
            whole: ColumnElement[Any] = c.month // 12
            return whole
        case _:
            column: ColumnElement[Any] = c[name]
            return column


def dataset_condition(condition: ColumnElement[bool], c: Any) -> ColumnElement[bool]:
    """A condition on the dataset of events as one on that of the sums."""
    from sqlalchemy.sql.visitors import replacement_traverse

    def swap(element: Any, **_: Any) -> Any:
        return c.dataset if element is E.dataset else None

    swapped: ColumnElement[bool] = replacement_traverse(condition, {}, swap)
    return swapped


def months(period: AskedPeriod | None) -> tuple[tuple[int, int] | None, list[tuple[int | None, int | None]]]:
    """The whole months of a period, and the days before and after them that it holds besides."""
    if period is None:
        return None, []
    lower, upper = period.lower, period.upper
    first = -1 if lower is None else ceiling(lower)
    end = 10**6 if upper is None else month_of(upper)
    if first > end:
        return (0, 0), [(lower, upper)]
    edges: list[tuple[int | None, int | None]] = []
    if lower is not None and start_of(first) > lower:
        edges.append((lower, start_of(first)))
    if upper is not None and start_of(end) < upper:
        edges.append((start_of(end), upper))
    return (first, end), edges


def month_of(day: int) -> int:
    """The month of a day, as `year * 12 + month - 1`."""
    found = from_day_number(day)
    return found.year * 12 + found.month - 1


def start_of(month: int) -> int:
    """The first day of a month."""
    return day_number(date(month // 12, month % 12 + 1, 1))


def ceiling(day: int) -> int:
    month = month_of(day)
    return month if start_of(month) == day else month + 1


# ── Pairs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def paired(asked: Question, by: Sequence[str]) -> bool:
    """Whether the question is for the counterparts of one actor, over all time and codes."""
    return (
        list(by) == ["participant"]
        and asked.plain
        and not asked.more
        and not asked.roles
        and not asked.codes
        and asked.period is None
        and asked.initiators is None
        and asked.recipients is None
        and len(asked.parties) == 1
        and len(asked.parties[0]) == 1
    )


def from_pairs(connection: Connection, asked: Question) -> dict[Cell, Sums]:
    """The counterparts of an actor, itself first: it takes part in all of them."""
    c, actor = coded_counterpart.c, next(iter(asked.parties[0]))
    query = select(c.other, c.events, c.reports).where(c.actor == actor, stands(coded_counterpart, asked.view))
    found = {(row[0],): Sums(row[1], row[2]) for row in connection.execute(query)}
    found[(actor,)] = counted_ahead(connection, asked, ()).get((), Sums())
    return found


# ── Scanned ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def scanned(connection: Connection, asked: Question, by: Sequence[str]) -> dict[Cell, Sums]:
    """The sums of each cell, from the events that the question finds: as many as there are."""
    from app.coded.store import numbers_of

    where = conditions(asked, parts=False)
    if asked.driven is not None:
        where = [stands(coded_event, asked.view), E.number.in_(numbers_of(asked))]
    keys = [grouping(name) for name in by]
    # Where events last, the day on which each ended tells whether it lies in one span of time.
    lasting = bool(asked.span and {"day", "month", "year"} & set(by))
    keys += [E.last] if lasting else []
    sums = [func.count(), func.sum(E.reports), func.sum(E.intensity), func.count(E.intensity)]
    query = select(*[key.label(f"k{n}") for n, key in enumerate(keys)], *sums).where(*where)
    if "participant" in by:
        query = query.join(
            coded_part, and_(P.number == E.number, P.role.in_(asked.roles) if len(asked.roles) == 1 else P.once == 1)
        ).where(stands(coded_part, asked.view))
    found: dict[Cell, Sums] = {}
    for row in connection.execute(query.group_by(*keys) if keys else query):
        end = row[len(by)] if lasting else None
        values = zip(by, row[: len(by)], strict=True)
        cell = tuple(in_time(name, value, end, asked.period) for name, value in values)
        total = Sums(*[value or 0 for value in row[len(keys) :]])
        if total.events:
            found[cell] = found.get(cell, Sums()) + total
    return found


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
    if name not in ("day", "month", "year"):
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


def facet(connection: Connection, asked: Question, name: str, most: int) -> dict[Any, int]:
    """How many events have each value of a facet of the events resource."""
    if name in ("place", "topic", "source"):
        return {}
    if name == "status":
        n = sum(one.events for one in counts(connection, asked, ()).values())
        return {"occurred": n} if n else {}
    if name == "role":
        return roles(connection, asked)
    found: dict[Any, int] = {}
    for cell, one in counts(connection, asked, (name,)).items():
        value = as_code(cell[0]) if name == "code" else quad_of(cell[0]) if name == "quad" else cell[0]
        if value not in (None, ""):
            found[value] = found.get(value, 0) + one.events
    return ids_of(connection, asked, found) if name in ("participant", "initiator", "recipient") else found


def as_code(coded: Any) -> Any:
    """The CAMEO code of what an event is coded as, where there is one."""
    if not isinstance(coded, str) or coded.isdigit():
        return coded
    return codes().code_of(coded) or coded


def quad_of(coded: Any) -> int | None:
    """The quad class of what `grouping` gives for it: the class itself, or that of a code or label."""
    if coded is None:
        return None
    text = str(coded)
    return int(text) if text in ("1", "2", "3", "4") else codes().quad(as_code(text))


def ids_of(connection: Connection, asked: Question, found: Mapping[int, int]) -> dict[Any, int]:
    """Counts by the number of a dataset's actor as counts by the actor that it is here."""
    from app.coded.store import named

    actors = named(connection, asked.view, set(found))
    told: dict[Any, int] = {}
    for number, n in found.items():
        told[actors[number][0]] = told.get(actors[number][0], 0) + n
    return told


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
