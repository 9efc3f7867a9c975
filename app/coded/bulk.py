"""How coded events are said by the thousand: as lines of JSON and as columns, without making a record of each.

What an event says is put together from a few columns, and most values come again and again: an actor, a day, a code. Each is said
once and kept. `app.coded.store.record` says the same of a single event, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import orjson
from sqlalchemy import Connection, Row

from app.coded import store
from app.coded.question import Question, read
from app.models.coded import coded_event
from app.query.fields import Record, Resource, View
from app.query.page import PLAIN as SIMPLE
from app.query.page import address, chosen, rendered
from app.query.plan import Plan
from app.query.whole import Connect, Key

REMEMBERED = 20_000  # values of a kind: 10 MB at the most
NAMES = tuple(column.name for column in coded_event.c)
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

    def of(self, values: Sequence[Any]) -> list[Any]:
        """What some values become."""
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

    def __post_init__(self) -> None:
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
    rows: Sequence[Any]
    columns: Mapping[str, Sequence[Any]]

    @classmethod
    def of(cls, words: Words, rows: Sequence[Any]) -> Events:
        """The events of some rows, each with its sort key at its end."""
        columns = list(zip(*rows, strict=True))
        named = dict(zip(NAMES, columns, strict=False))
        return cls(words, list(zip(columns[-1], named["id"], strict=True)), rows, named)

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int) -> Events:
        """Some of them."""
        if (start, stop) == (0, len(self.rows)):
            return self
        columns = {name: values[start:stop] for name, values in self.columns.items()}
        return Events(self.words, self.keys[start:stop], self.rows[start:stop], columns)

    def __iter__(self) -> Iterator[Record]:
        words = self.words
        for row in self.rows:
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
        resource = self.words.resource
        return [address(resource, id) for id in self.columns["id"]]

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
                coded = map(store.what, *zip(*self._coded(), strict=True))
                return [
                    f"{store.who(one, w.actors)}: {what}{store.whom(other, w.actors)}"
                    for one, what, other in zip(c["initiator"], coded, c["recipient"], strict=True)
                ]
            case "participants":
                said = zip(
                    w.parts["initiator"].of(c["initiator"]), w.parts["recipient"].of(c["recipient"]), strict=True
                )
                return [
                    f"[{one}{',' if one and other else ''}{other}]" if one or other else None for one, other in said
                ]
            case "codes.cameo":
                return [codes["cameo"] for codes in w.coded.of(self._codes())]
        if name.startswith("happened."):
            part = name.partition(".")[2]
            return [days[part] for days in w.days.of(list(zip(c["day"], c["last"], strict=True)))]
        # The same for every coded event, as far as what is kept of it tells.
        return list(repeat(take(next(iter(self))), len(self)))


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
    after = plan.after
    while True:
        with connect() as connection:
            asked = read(connection, plan)
            if asked is None:
                return
            rows = following(connection, plan, asked, size, after)
            words.know(store.named(connection, plan.view, store.actors_in(rows)))
        if rows:
            yield Events.of(words, rows)
        if len(rows) < size:
            return
        after = (rows[-1].sort_key, rows[-1].id)


def following(
    connection: Connection, plan: Plan, asked: Question, size: int, after: tuple[Any, ...] | None
) -> Sequence[Row[Any]]:
    """The next events after a key."""
    queries = list(store.pages(plan, asked, size, after))
    if len(queries) == 1:
        return connection.execute(queries[0]).all()
    found = {row.number: row for query in queries for row in connection.execute(query)}
    return sorted(found.values(), key=lambda row: (row.sort_key, row.id), reverse=plan.descending)[:size]
