"""How coded events are said by the thousand: as lines of JSON and as columns, without making a record of each.

What an event says is put together from a few columns, and most values come again and again: an actor, a day, a code. Each is said
once and kept. `app.coded.store.record` says the same of a single event, and a test compares them.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Connection, Label, Select, false, func, or_, select

from app.coded import store
from app.coded.question import Question, read, stands
from app.models.coded import coded_event
from app.query.fields import Record, Resource, View
from app.query.page import PLAIN as SIMPLE
from app.query.page import address, chosen, rendered
from app.query.plan import Plan
from app.query.whole import Connect, Joined, Key, Same

REMEMBERED = 20_000  # values of a kind: 10 MB at the most
# What a record says of an event, beside `until`: what stands says none.
NAMES = tuple(column.name for column in coded_event.c if column.name not in ("number", "until", "mode", "contexts"))
Kept = namedtuple("Kept", (*NAMES, "until"), defaults=(None,))  # type: ignore[misc]
# What differs from event to event; of all else, a dataset often says the same of each, and that need not be read.
VARIED = ("id", "day", "last", "initiator", "recipient", "label")
FRACTIONS = {"intensity", "latitude", "longitude"}  # whose last digit SQLite's JSON may say otherwise
Actors = Mapping[int, tuple[str, str]]


class Memo(dict[Any, Any]):
    """What each value becomes, worked out when first met."""

    def __init__(self, say: Callable[[Any], Any]) -> None:
        super().__init__()
        self.say = say

    def __missing__(self, value: Any) -> Any:
        if len(self) >= REMEMBERED:
            self.clear()
        found = self[value] = self.say(value)
        return found

    def of(self, values: Sequence[Any]) -> Sequence[Any]:
        """What some values become."""
        if isinstance(values, Same):
            return Same(self[values.value], len(values))
        return list(map(self.__getitem__, values))


def together(say: Memo, *columns: Sequence[Any]) -> Sequence[Any]:
    """What the values of some columns become together: put together for each event only where several of them differ there."""
    varying = [at for at, column in enumerate(columns) if not isinstance(column, Same)]
    if any(columns[at] != columns[varying[0]] for at in varying[1:]):
        return say.of(list(zip(*columns, strict=True)))

    def said(value: Any) -> Any:
        return say[tuple(value if at in varying else column[0] for at, column in enumerate(columns))]

    if not varying:
        return Same(said(None), len(columns[0]))
    known = {value: said(value) for value in set(columns[varying[0]])}
    return [known[value] for value in columns[varying[0]]]


def dumped(value: Any) -> str:
    """A value as JSON."""
    return orjson.dumps(value).decode()


def inner(text: str) -> str:
    """A text as JSON, without its quotation marks."""
    return dumped(text)[1:-1]


@dataclass(slots=True)
class Words:
    """What the values of one export become, kept from block to block."""

    resource: Resource
    view: View
    fields: tuple[str, ...]
    actors: dict[int, tuple[str, str]] = field(default_factory=dict)
    json: Memo = field(default_factory=lambda: Memo(dumped))
    date: Memo = field(default_factory=lambda: Memo(lambda days: dumped(store.happened(*days))))
    days: Memo = field(default_factory=lambda: Memo(lambda days: store.happened(*days)))
    who: Memo = field(init=False)
    whom: Memo = field(init=False)
    parts: dict[str, Memo] = field(init=False)
    what: Memo = field(default_factory=lambda: Memo(lambda one: inner(store.what(*one))))
    codes: Memo = field(default_factory=lambda: Memo(lambda one: dumped(store.coded_as(*one))))
    coded: Memo = field(default_factory=lambda: Memo(lambda one: store.coded_as(*one)))
    where: Memo = field(default_factory=lambda: Memo(lambda one: dumped(store.location(*one))))
    plain_who: Memo = field(init=False)
    plain_whom: Memo = field(init=False)
    plain_what: Memo = field(default_factory=lambda: Memo(lambda one: store.what(*one)))

    def __post_init__(self) -> None:
        self.plain_who = Memo(lambda number: store.who(number, self.actors))
        self.plain_whom = Memo(lambda number: store.whom(number, self.actors))
        self.who = Memo(lambda number: inner(store.who(number, self.actors)))
        self.whom = Memo(lambda number: inner(store.whom(number, self.actors)))
        self.parts = {role: Memo(self._part(role)) for role in ("initiator", "recipient")}

    def _part(self, role: str) -> Callable[[int | None], str]:
        def said(number: int | None) -> str:
            return "" if number is None else dumped(store.part(role, number, self.actors))

        return said

    def know(self, actors: Actors) -> None:
        """Take in the names of actors."""
        if len(self.actors) > REMEMBERED:
            self.actors.clear()
        self.actors.update(actors)


@dataclass(frozen=True, slots=True)
class Keys(Sequence[Key]):
    """Sort keys with ids; hardly any is asked for, so none is put together before."""

    sort_keys: Sequence[Any]
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return Keys(self.sort_keys[at], self.ids[at])
        return self.sort_keys[at], self.ids[at]


@dataclass(frozen=True, slots=True)
class Events:
    """Coded events in an order: their rows by column, as they are kept."""

    words: Words
    keys: Keys
    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.keys)

    def part(self, start: int, stop: int) -> Events:
        """Some of them."""
        if (start, stop) == (0, len(self)):
            return self
        columns = {name: values[start:stop] for name, values in self.columns.items()}
        return Events(self.words, self.keys[start:stop], columns)

    def __iter__(self) -> Iterator[Record]:
        words = self.words
        for values in zip(*(self.columns[name] for name in NAMES), strict=True):
            row: Any = Kept(*values)
            record = rendered(words.resource, row, words.view, {}, store.record(row, words.actors))
            yield chosen([record], words.fields)[0]

    # ── As lines ────────────────────────────────────────────────────────────────────────────────────────────────────

    def lines(self) -> bytes:
        """Each as JSON and a line feed."""
        if self.words.fields:
            return b"".join([orjson.dumps(record) + b"\n" for record in self])
        sample = next(iter(self))
        said = self._said()
        shape: list[str] = []
        values: list[Sequence[Any]] = []
        for name, value in sample.items():
            form, *of = said.get(name, (constant(value),))
            form, of = folded(form, of) if of else (form, of)
            shape.append(f"{constant(name)}:{form}")
            values += of
        line = "{" + ",".join(shape) + "}\n"
        # Each by itself: put together before they are encoded they took twice as long, since one arrow makes all of them wide.
        return b"".join([(line % row).encode() for row in zip(*values, strict=True)])

    def _said(self) -> dict[str, tuple[Any, ...]]:
        """How each field that is not the same for all is said: its form, and what goes into it."""
        c, w = self.columns, self.words
        plain = SIMPLE.fullmatch("".join(c["id"])) is not None
        ids = c["id"] if plain else [inner(id) for id in c["id"]]
        parts = w.parts["initiator"].of(c["initiator"]), w.parts["recipient"].of(c["recipient"])
        whole = None not in c["initiator"] and None not in c["recipient"]
        between: Sequence[str] = (
            Same(",", len(self))
            if whole
            else [
                "," if one is not None and other is not None else ""
                for one, other in zip(c["initiator"], c["recipient"], strict=True)
            ]
        )
        return {
            "id": ('"%s"', ids),
            "self": (f'"{address(w.resource, "")}%s"', ids) if plain else ('"%s"', self._addresses()),
            "gloss": (
                '"%s: %s%s"',
                w.who.of(c["initiator"]),
                together(w.what, *self._coded()),
                w.whom.of(c["recipient"]),
            ),
            "kind": ("%s", w.json.of(c["kind"])),
            "happened": ("%s", together(w.date, c["day"], c["last"])),
            "participants": ("[%s%s%s]", parts[0], between, parts[1]),
            "codes": ("%s", together(w.codes, *self._codes())),
            "intensity": ("%s", w.json.of(c["intensity"])),
            "dataset": ("%s", w.json.of(c["dataset"])),
            "reports": ("%s", c["reports"]),
            "label": ("%s", w.json.of(c["label"])),
            "location": (
                "%s",
                together(w.where, c["place"], c["country"], c["latitude"], c["longitude"]),
            ),
            "since": ("%s", c["since"]),
        }

    def _addresses(self) -> list[str]:
        resource, ids = self.words.resource, self.columns["id"]
        if SIMPLE.fullmatch("".join(ids)) is None:
            return [address(resource, id) for id in ids]
        beginning = address(resource, "")
        return [beginning + id for id in ids]

    def _codes(self) -> list[Sequence[Any]]:
        return [self.columns[name] for name in ("code", "label", "plover", "quad")]

    def _coded(self) -> list[Sequence[Any]]:
        return [self.columns[name] for name in ("label", "code", "plover")]

    # ── As columns ──────────────────────────────────────────────────────────────────────────────────────────────────

    def column(self, name: str, take: Callable[[Record], Any]) -> Sequence[Any]:
        """What a table has in a column: what `take` takes from each record."""
        c, w = self.columns, self.words
        if name in PLAIN:
            return c[PLAIN[name]]
        match name:
            case "self":
                return self._addresses()
            case "gloss":
                parts = (
                    w.plain_who.of(c["initiator"]),
                    together(w.plain_what, *self._coded()),
                    w.plain_whom.of(c["recipient"]),
                )
                return [f"{who}: {what}{whom}" for who, what, whom in zip(*parts, strict=True)]
            case "participants":
                by, to = w.parts["initiator"].of(c["initiator"]), w.parts["recipient"].of(c["recipient"])
                if "" not in by and "" not in to:
                    return Joined("[%s,%s]", (by, to))
                return [
                    f"[{one}{',' if one and other else ''}{other}]" if one or other else None
                    for one, other in zip(by, to, strict=True)
                ]
            case "codes.cameo":
                coded = together(w.coded, *self._codes())
                return [codes["cameo"] for codes in coded]
        if name.startswith("happened."):
            part = name.partition(".")[2]
            return [days[part] for days in together(w.days, c["day"], c["last"])]
        # The same for every coded event, as far as what is kept of it tells.
        return Same(take(next(iter(self))), len(self))


PLAIN = {
    **{name: name for name in ("id", "since", "kind", "intensity", "dataset", "reports", "label")},
    "codes.plover": "plover",
    "codes.quad": "quad",
    "location.name": "place",
    "location.country": "country",
    "location.latitude": "latitude",
    "location.longitude": "longitude",
}


def folded(form: str, values: Sequence[Sequence[Any]]) -> tuple[str, list[Sequence[Any]]]:
    """A form (without any `%%`) and what goes into it, with what is the same for all in the form already."""
    told = [str(one.value).replace("%", "%%") if isinstance(one, Same) else "%s" for one in values]
    return form % tuple(told), [one for one in values if not isinstance(one, Same)]


def constant(value: Any) -> str:
    """A value as JSON in a form that `%` fills in."""
    return dumped(value).replace("%", "%%")


def blocks(connect: Connect, plan: Plan, size: int) -> Iterator[Events]:
    """The coded events of a plan in its order, about `size` at a time, each a short read."""
    words = Words(plan.resource, plan.view, plan.query.fields)
    walk = Walk(plan, size)
    while True:
        with connect() as connection:
            asked = read(connection, plan)
            if asked is None:
                return
            named, keys = following(connection, walk, asked)
            if not keys:
                return
            words.know(store.named(connection, plan.view, {*named["initiator"], *named["recipient"]} - {None}))
        yield Events(words, keys, named)


@dataclass(slots=True)
class Walk:
    """How far an export has come."""

    plan: Plan
    size: int
    after: tuple[Any, ...] | None = field(init=False)
    same: dict[str, Any] | None = None  # columns that said one thing in all events so far, and what; unknown at first
    ahead: list[tuple[Any, ...]] = field(default_factory=list)  # number and sort key of what comes next, the last first

    def __post_init__(self) -> None:
        self.after = self.plan.after

    def learn(self, read: Mapping[str, Sequence[Any]]) -> None:
        """Take in which columns say one thing, and that those which do not are to be read from now on."""
        if self.same is None:
            self.same = {name: values[0] for name, values in read.items() if name not in VARIED}
        self.same = {name: value for name, value in self.same.items() if read[name].count(value) == len(read[name])}


def following(connection: Connection, walk: Walk, asked: Question) -> tuple[dict[str, Sequence[Any]], Keys]:
    """The next events by column, with their keys."""
    days = walk.plan.sort.name == "happened"
    some = [] if days else taken(connection, walk, asked)

    def found(same: Mapping[str, Any]) -> Columns:
        return by_day(connection, walk, asked, same) if days else of_keys(connection, walk, some, same)

    read, sort_keys, otherwise = found(walk.same or {})
    if otherwise:
        read, sort_keys, _ = found({})
    if not sort_keys:
        return {}, Keys([], [])
    if otherwise or walk.same is None:
        walk.learn(read)
    named = read | {name: Same(value, len(sort_keys)) for name, value in (walk.same or {}).items()}
    keys = Keys(sort_keys, named["id"])
    walk.after = keys[-1]
    return named, keys


# Some columns of the next events, their sort keys, and whether any event says something else in those that were not read.
Columns = tuple[dict[str, Sequence[Any]], Sequence[Any], bool]


def to_read(same: Mapping[str, Any]) -> tuple[list[str], Label[bool]]:
    """The columns to read where some are taken to be the same, and whether an event says something else in those."""
    otherwise = or_(false(), *(coded_event.c[name].is_distinct_from(value) for name, value in same.items()))
    return [name for name in NAMES if name not in same], otherwise.label("otherwise")


def columns_of(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Rows of some columns, of what is otherwise and of the sort key, by column."""
    if not rows:
        return {}, [], False
    *read, otherwise, sort_keys = zip(*rows, strict=True)
    return dict(zip(names, read, strict=True)), sort_keys, any(otherwise)


# ── In an order that an index has ───────────────────────────────────────────────────────────────────────────────────


def by_day(connection: Connection, walk: Walk, asked: Question, same: Mapping[str, Any]) -> Columns:
    """The next events by day."""
    plan, (names, otherwise) = walk.plan, to_read(same)
    read = [coded_event.c[name] for name in names]
    queries = [
        query.with_only_columns(*read, otherwise, query.selected_columns["sort_key"], maintain_column_froms=True)
        for query in store.pages(plan, asked, walk.size, walk.after)
    ]
    id = names.index("id")
    if len(queries) > 1:
        once = {row[id]: row for query in queries for row in _tuples(connection, query)}
        rows = sorted(once.values(), key=itemgetter(-1, id), reverse=plan.descending)
        return columns_of(names, rows[: walk.size])
    if connection.dialect.name == "sqlite" and not FRACTIONS.intersection(names):
        return _packed(connection, queries[0], names)
    return columns_of(names, _loosely(connection, walk, queries[0], id) or _tuples(connection, queries[0]))


def _packed(connection: Connection, query: Select[Any], names: Sequence[str]) -> Columns:
    """The rows of a query by column, of whole numbers and text: SQLite puts each together, in half the time that its rows take."""
    *some, otherwise, sort_key = query.subquery().c
    lists = [func.json_group_array(one) for one in (*some, sort_key)]
    *said, differing = connection.execute(select(*lists, func.total(otherwise))).one()
    *read, sort_keys = map(orjson.loads, said)
    return dict(zip(names, read, strict=True)), sort_keys, differing > 0


def _loosely(connection: Connection, walk: Walk, query: Select[Any], id: int) -> list[tuple[Any, ...]]:
    """The rows of a query in its order, which the database gives by day alone; none where a day holds more than is asked for.

    An index holds the days in order, and nothing has to be sorted; by id too, each day is, with all its columns. The rows of the
    last day may not be all, and are left to the next query.
    """
    first, down = query.selected_columns["sort_key"], walk.plan.descending
    rows = _tuples(connection, query.order_by(None).order_by(first.desc() if down else first))
    if len(rows) == walk.size:
        last = rows[-1][-1]
        while rows and rows[-1][-1] == last:
            rows.pop()
    rows.sort(key=itemgetter(-1, id), reverse=down)
    return rows


def _tuples(connection: Connection, query: Select[Any]) -> list[tuple[Any, ...]]:
    """The rows of a query as the driver gives them: a Row of each takes a third longer."""
    result = connection.execute(query)
    rows: Any = result.cursor.fetchall()
    result.close()
    return list(rows)


# ── In another order ────────────────────────────────────────────────────────────────────────────────────────────────

AHEAD = 40  # chunks whose keys are found at once: all events are looked at and sorted for it; 10 MB at 2,500 a chunk


def taken(connection: Connection, walk: Walk, asked: Question) -> list[tuple[Any, ...]]:
    """The number and sort key of the next events, read ahead for many chunks."""
    if not walk.ahead:
        (query,) = store.pages(walk.plan, asked, walk.size * AHEAD, walk.after)
        narrow = query.with_only_columns(
            coded_event.c.number, query.selected_columns["sort_key"], maintain_column_froms=True
        )
        walk.ahead = _tuples(connection, narrow)[::-1]
    some = walk.ahead[: -walk.size - 1 : -1]
    del walk.ahead[-walk.size :]
    return some


def of_keys(connection: Connection, walk: Walk, some: Sequence[tuple[Any, ...]], same: Mapping[str, Any]) -> Columns:
    """The events of these keys."""
    names, otherwise = to_read(same)
    read = [coded_event.c[name] for name in ("number", *names)]
    query = select(*read, otherwise).where(
        coded_event.c.number.in_([one[0] for one in some]), stands(coded_event, walk.plan.view)
    )
    found = {number: row for number, *row in _tuples(connection, query)}
    return columns_of(names, [(*found[number], key) for number, key in some])
