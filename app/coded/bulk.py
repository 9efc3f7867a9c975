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
from sqlalchemy import ColumnElement, Connection, Select, or_, select

from app.coded import store
from app.coded.question import Question, read, stands
from app.models.coded import coded_event
from app.query.fields import Record, Resource, View
from app.query.page import PLAIN as SIMPLE
from app.query.page import address, chosen, rendered
from app.query.plan import Plan
from app.query.whole import Connect, Key, Same

REMEMBERED = 20_000  # values of a kind: 10 MB at the most
NAMES = tuple(column.name for column in coded_event.c)
Kept = namedtuple("Kept", NAMES)  # type: ignore[misc]
# What many datasets do not tell of any event: half of the columns, and of the time to read them.
SPARSE = (
    "until", "code", "plover", "mode", "contexts", "quad", "intensity", "country", "place", "latitude", "longitude",
)  # fmt: skip
DENSE = tuple(name for name in NAMES if name not in SPARSE)
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
class Events:
    """Coded events in an order: their rows by column, as they are kept."""

    words: Words
    keys: list[Key]
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
            row: Any = Kept._make(values)
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
            if form == "%s" and isinstance(of[0], Same):
                form, of = str(of[0].value).replace("%", "%%"), []
            shape.append(f"{constant(name)}:{form}")
            values += of
        line = "{" + ",".join(shape) + "}\n"
        return "".join([line % row for row in zip(*values, strict=True)]).encode()

    def _said(self) -> dict[str, tuple[Any, ...]]:
        """How each field that is not the same for all is said: its form, and what goes into it."""
        c, w = self.columns, self.words
        plain = SIMPLE.fullmatch("".join(c["id"])) is not None
        ids = c["id"] if plain else [inner(id) for id in c["id"]]
        parts = w.parts["initiator"].of(c["initiator"]), w.parts["recipient"].of(c["recipient"])
        between = [
            "," if one is not None and other is not None else ""
            for one, other in zip(c["initiator"], c["recipient"], strict=True)
        ]
        return {
            "id": ('"%s"', ids),
            "self": (f'"{address(w.resource, "")}%s"', ids) if plain else ('"%s"', self._addresses()),
            "gloss": ('"%s: %s%s"', w.who.of(c["initiator"]), w.what.of(self._coded()), w.whom.of(c["recipient"])),
            "kind": ("%s", w.json.of(c["kind"])),
            "happened": ("%s", w.date.of(list(zip(c["day"], c["last"], strict=True)))),
            "participants": ("[%s%s%s]", parts[0], between, parts[1]),
            "codes": ("%s", w.codes.of(self._codes())),
            "intensity": ("%s", w.json.of(c["intensity"])),
            "dataset": ("%s", w.json.of(c["dataset"])),
            "reports": ("%s", c["reports"]),
            "label": ("%s", w.json.of(c["label"])),
            "location": (
                "%s",
                w.where.of(list(zip(c["place"], c["country"], c["latitude"], c["longitude"], strict=True))),
            ),
            "since": ("%s", c["since"]),
        }

    def _addresses(self) -> list[str]:
        resource, ids = self.words.resource, self.columns["id"]
        if SIMPLE.fullmatch("".join(ids)) is None:
            return [address(resource, id) for id in ids]
        beginning = address(resource, "")
        return [beginning + id for id in ids]

    def _codes(self) -> list[tuple[Any, ...]]:
        c = self.columns
        return list(zip(c["code"], c["label"], c["plover"], c["quad"], strict=True))

    def _coded(self) -> list[tuple[Any, ...]]:
        c = self.columns
        return list(zip(c["label"], c["code"], c["plover"], strict=True))

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
                parts = w.plain_who.of(c["initiator"]), w.plain_what.of(self._coded()), w.plain_whom.of(c["recipient"])
                return [f"{who}: {what}{whom}" for who, what, whom in zip(*parts, strict=True)]
            case "participants":
                said = zip(
                    w.parts["initiator"].of(c["initiator"]), w.parts["recipient"].of(c["recipient"]), strict=True
                )
                return [
                    f"[{one}{',' if one and other else ''}{other}]" if one or other else None for one, other in said
                ]
            case "codes.cameo":
                coded = w.coded.of(self._codes())
                return [codes["cameo"] for codes in coded]
        if name.startswith("happened."):
            part = name.partition(".")[2]
            return [days[part] for days in w.days.of(list(zip(c["day"], c["last"], strict=True)))]
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
    dense: bool = True  # whether the sparse columns were empty last
    ahead: list[tuple[Any, ...]] = field(default_factory=list)  # number and sort key of what comes next, the last first

    def __post_init__(self) -> None:
        self.after = self.plan.after


def following(connection: Connection, walk: Walk, asked: Question) -> tuple[dict[str, Sequence[Any]], list[Key]]:
    """The next events by column, with their keys."""
    days = walk.plan.sort.name == "happened"
    some = [] if days else taken(connection, walk, asked)
    names, rows = DENSE, []
    if walk.dense:
        rows = by_day(connection, walk, asked, DENSE) if days else of_keys(connection, walk, some, DENSE)
        walk.dense = not any(map(itemgetter(-2), rows))
    if not walk.dense:
        names = NAMES
        rows = by_day(connection, walk, asked, NAMES) if days else of_keys(connection, walk, some, NAMES)
        walk.dense = not any(map(itemgetter(-2), rows))
    if not rows:
        return {}, []
    *columns, _, sort_keys = zip(*rows, strict=True)
    named: dict[str, Sequence[Any]] = {name: Same(None, len(rows)) for name in SPARSE}
    named.update(zip(names, columns, strict=True))
    keys = list(zip(sort_keys, named["id"], strict=True))
    walk.after = keys[-1]
    return named, keys


def _told() -> ColumnElement[bool]:
    """Whether any sparse column says something."""
    return or_(*(coded_event.c[name].is_not(None) for name in SPARSE)).label("told")


# ── In an order that an index has ───────────────────────────────────────────────────────────────────────────────────


def by_day(connection: Connection, walk: Walk, asked: Question, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Some columns of the next events by day, whether any sparse column says something, and the sort key."""
    plan = walk.plan
    chosen = [coded_event.c[name] for name in names]
    queries = [
        query.with_only_columns(*chosen, _told(), query.selected_columns["sort_key"], maintain_column_froms=True)
        for query in store.pages(plan, asked, walk.size, walk.after)
    ]
    by_number, id = names.index("number"), names.index("id")
    if len(queries) == 1:
        return _loosely(connection, walk, queries[0], itemgetter(-1, id)) or _tuples(connection, queries[0])
    once = {row[by_number]: row for query in queries for row in _tuples(connection, query)}
    return sorted(once.values(), key=itemgetter(-1, id), reverse=plan.descending)[: walk.size]


def _loosely(connection: Connection, walk: Walk, query: Select[Any], by: Callable[[Any], Any]) -> list[tuple[Any, ...]]:
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
    rows.sort(key=by, reverse=down)
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


def of_keys(
    connection: Connection, walk: Walk, some: Sequence[tuple[Any, ...]], names: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Some columns of the events of these keys, whether any sparse column says something, and the sort key."""
    query = select(*[coded_event.c[name] for name in names], _told()).where(
        coded_event.c.number.in_([one[0] for one in some]), stands(coded_event, walk.plan.view)
    )
    by_number = names.index("number")
    found = {row[by_number]: row for row in _tuples(connection, query)}
    return [(*found[number], key) for number, key in some]
