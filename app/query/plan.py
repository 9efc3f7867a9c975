"""What a request means: a frozen value, pinned to a revision, its names resolved; nothing of it is refused later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Column, Connection, Float, Integer, select

from app.errors import AmbiguousName
from app.models.revision import redirect
from app.query import cursor as cursors
from app.query.fields import Bound, By, Filter, Found, Holds, Ref, Resolver, Resource, Sort, Term, View
from app.query.once import Once
from app.query.params import AskedPeriod, Query, is_ref
from app.query.sql import by_ids
from app.vocabularies import Vocabularies

FOUND: Once[tuple[str, str], Found] = Once(20_000)  # what names and ids stand for


@dataclass(frozen=True, slots=True)
class Reached:
    """How a name in a request was read."""

    parameter: str
    asked: str
    ids: tuple[str, ...]
    said: str = ""
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter with what it looks for: values, or for references the ids that each value stands for."""

    filter: Filter
    values: tuple[Any, ...]
    raw: tuple[str, ...]
    negated: bool = False
    itself: bool = False
    forms: tuple[Any, ...] = ()  # what of each value decides the form of the condition, see `By.form`


@dataclass(frozen=True, slots=True)
class Pick:
    """First or last of each group."""

    which: Literal["first", "last"]
    per: tuple[Column[Any], ...]
    name: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A question, understood and pinned."""

    resource: Resource
    view: View
    query: Query
    conditions: tuple[Condition, ...]
    period: AskedPeriod | None
    words: tuple[str, ...]
    sort: Sort
    descending: bool
    after: tuple[Any, ...] | None
    mark: str
    reached: tuple[Reached, ...] = ()
    pick: Pick | None = None
    read: dict[str, Any] = field(default_factory=dict, compare=False)  # what stores made of it, for the answer's length
    reaching: frozenset[str] = frozenset()  # the kinds of reference that may reach more than the record they name

    @property
    def nothing(self) -> bool:
        """Whether it asks for something that the knowledge base does not know at all, so that nothing can match."""
        return self.wordless or any(not line.negated and _impossible(line) for line in self.conditions)

    @property
    def wordless(self) -> bool:
        """Whether `q` holds nothing that could be looked for."""
        return self.query.q is not None and not self.words


def _impossible(line: Condition) -> bool:
    if not is_ref(line.filter):
        return False
    empty = [not ids for ids in line.values]
    every = line.itself or (isinstance(line.filter, (Holds, By)) and line.filter.every)
    return any(empty) if every else all(empty)


def plan(
    connection: Connection,
    resource: Resource,
    query: Query,
    *,
    view: View,
    terms: Vocabularies,
    resolvers: Mapping[str, Resolver],
    resources: Mapping[str, Resource],
) -> Plan:
    """What the request means in a view, which for a later page is of the revision that its cursor is pinned to, see `walk`.

    Raises BadCursor, or AmbiguousName for a name that stands for several records.
    """
    from app.names import words

    mark = cursors.fingerprint(resource.name, query)
    sort, descending = chosen_sort(resource, query)
    after = None
    if query.cursor is not None:
        _, after = cursors.read(query.cursor, mark, (key_type(sort), str))
    reached: list[Reached] = []
    conditions = tuple(
        _condition(connection, view, line, terms, resolvers, resources, reached) for line in query.filters
    )
    pick = None
    if query.pick is not None:
        per = resource.pick[query.per] if query.per else ()
        pick = Pick("last" if query.pick == "last" else "first", per, query.per)
    return Plan(
        resource=resource,
        view=view,
        query=query,
        conditions=conditions,
        period=query.period,
        words=tuple(f" {word}" for word in distinct(words(query.q))) if query.q is not None else (),
        sort=sort,
        descending=descending,
        after=after,
        mark=mark,
        reached=tuple(reached),
        pick=pick,
        reaching=frozenset(resolvers),
    )


def walk(resource: Resource, query: Query) -> cursors.Walk | None:
    """The revision that a cursor is pinned to; None without one. Raises BadCursor."""
    if query.cursor is None:
        return None
    sort, _ = chosen_sort(resource, query)
    return cursors.read(query.cursor, cursors.fingerprint(resource.name, query), (key_type(sort), str))[0]


def distinct(words: Iterable[str]) -> Iterator[str]:
    """The words that ask for something which no other one asks for: each stands for its beginnings too."""
    last = ""
    for word in sorted(set(words), reverse=True):
        if not last.startswith(word):
            yield word
            last = word


def at(plan: Plan, after: tuple[Any, ...] | None) -> Plan:
    """The same plan going on after another key."""
    return replace(plan, after=after)


def chosen_sort(resource: Resource, query: Query) -> tuple[Sort, bool]:
    """The order asked for, or the resource's first, and whether it is descending."""
    if query.sort is None:
        return resource.sorts[0], query.pick == "last"
    return next(line for line in resource.sorts if line.name == query.sort.removeprefix("-")), query.sort.startswith(
        "-"
    )


def key_type(sort: Sort) -> type:
    """The type of a sort's key in a cursor."""
    return int if isinstance(sort.column.type, Integer) else float if isinstance(sort.column.type, Float) else str


def _condition(
    connection: Connection,
    view: View,
    line: Any,
    terms: Vocabularies,
    resolvers: Mapping[str, Resolver],
    resources: Mapping[str, Resource],
    reached: list[Reached],
) -> Condition:
    filter_, values = line.filter, line.values
    if is_ref(filter_):
        found = (
            [Found((value,)) for value in values]
            if line.itself
            else [_resolve(connection, view, filter_, value, resolvers, resources) for value in values]
        )
        reached += [
            Reached(filter_.name, raw, one.ids, one.said, one.near) for raw, one in zip(line.raw, found, strict=True)
        ]
        values = tuple(one.ids for one in found)
    elif isinstance(filter_, Bound) and isinstance(filter_.kind, Term):
        values = tuple(terms[filter_.kind.vocabulary].rank(value) for value in values)
    return Condition(filter_, values, line.raw, line.negated, line.itself, forms_of(filter_, values))


def forms_of(line: Filter, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """What of each value decides the form of a filter's condition, where it says so."""
    return tuple(map(line.form, values)) if isinstance(line, By) and line.form is not None else ()


def _resolve(
    connection: Connection,
    view: View,
    line: Any,
    value: str,
    resolvers: Mapping[str, Resolver],
    resources: Mapping[str, Resource],
) -> Found:
    assert isinstance(line.kind, Ref)
    to = line.kind.to

    def find() -> Found:
        resolver = resolvers.get(to)
        return by_id(connection, view, value, resources[to]) if resolver is None else resolver(connection, view, value)

    try:
        return FOUND.get(connection, view, (to, value), find)
    except AmbiguousName as error:
        raise AmbiguousName(
            f"{line.name}: {error.detail}", errors=[replace(fault, name=line.name) for fault in error.errors]
        ) from None


def by_id(connection: Connection, view: View, value: str, resource: Resource) -> Found:
    """A record of this id, or the one it was renamed to, where this reader sees it."""
    if by_ids(connection, resource.table, view, [value]):
        return Found((value,))
    if any(store.by_ids(connection, view, [value]) for store in resource.stores):
        return Found((value,))
    now = moved(connection, view, value)
    if now is not None:
        return Found((now,), f"{value} is {now} now")
    return Found(())


def moved(connection: Connection, view: View, id: str) -> str | None:
    """The id that a renamed or merged record has at this revision, chains followed; None for one that never moved."""
    seen = {id}
    while True:
        query = select(redirect.c.now).where(
            redirect.c.id == id,
            redirect.c.since <= view.revision,
            (redirect.c.until.is_(None)) | (redirect.c.until > view.revision),
        )
        now = connection.execute(query).scalar()
        if now is None or now in seen:
            return id if len(seen) > 1 else None
        seen.add(now)
        id = now
