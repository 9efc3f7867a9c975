"""Everything a plan asks for, a chunk at a time: whole results, which exports bring, in short reads that hold no connection.

    own table ──┐
                ├── merged by sort key ── chunks ── a format
    each store ─┘

A chunk is a list of records, or what a store knows to say faster than by making records, see `Block`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import Connection

from app.query import sql
from app.query.evidence import Texts
from app.query.fields import Match
from app.query.page import Bounds, Record, chosen, matching, records
from app.query.plan import Plan, at

Connect = Callable[[], AbstractContextManager[Connection]]
Key = tuple[Any, str]  # sort key and id
PICKED_ROWS = 10_000  # of a pick, which is worked out anew for each chunk


@dataclass(frozen=True, slots=True)
class Same(Sequence[Any]):
    """A column in which one value stands so many times."""

    value: Any
    times: int

    def __len__(self) -> int:
        return self.times

    def __iter__(self) -> Iterator[Any]:
        return repeat(self.value, self.times)

    def __getitem__(self, at: Any) -> Any:
        places = range(self.times)[at]
        return Same(self.value, len(places)) if isinstance(places, range) else self.value


@dataclass(frozen=True, slots=True)
class Joined(Sequence[str]):
    """A column of texts each of which is a form with a few texts in its places; those come again and again."""

    form: str  # `%s` for each, and no other `%`
    parts: tuple[Sequence[str], ...]

    def __len__(self) -> int:
        return len(self.parts[0])

    def __iter__(self) -> Iterator[str]:
        return map(self.form.__mod__, zip(*self.parts, strict=True))

    def __getitem__(self, at: Any) -> Any:
        found = [part[at] for part in self.parts]
        return Joined(self.form, tuple(found)) if isinstance(at, slice) else self.form % tuple(found)


@runtime_checkable
class Block(Protocol):
    """Records that follow each other in an order, with their keys; a format takes them as lines, as columns or one by one."""

    @property
    def keys(self) -> Sequence[Key]:
        """The sort key and id of each."""

    def part(self, start: int, stop: int) -> Block:
        """Some of them."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Record]: ...

    def lines(self) -> bytes:
        """Each as JSON and a line feed."""

    def column(self, name: str, take: Callable[[Record], Any]) -> Sequence[Any]:
        """What a table has in a column: what `take` takes from each record; maybe `Same` or `Joined`."""


Chunk = list[Record] | Block


@runtime_checkable
class Bulk(Protocol):
    """A store that knows to say its records by the thousand."""

    def whole(self, connect: Connect, plan: Plan, size: int) -> Iterator[Block]:
        """All of them in the plan's order, about `size` at a time, each a short read."""


def chunks(connect: Connect, plan: Plan, bounds: Bounds, *, most: int | None = None) -> Iterator[Chunk]:
    """Every record of a plan, or the first `most`, a chunk at a time.

    Each chunk is a short read of its own, pinned to the plan's revision.
    """
    if plan.nothing or most == 0:
        return
    left = most
    for piece in _pieces(connect, plan, bounds, most):
        if left is not None and len(piece) >= left:
            yield piece[:left] if isinstance(piece, list) else piece.part(0, left)
            return
        left = None if left is None else left - len(piece)
        yield piece


def _pieces(connect: Connect, plan: Plan, bounds: Bounds, most: int | None) -> Iterator[Chunk]:
    size = bounds.chunk_rows
    stores = plan.resource.stores
    if plan.pick is not None or not all(isinstance(store, Bulk) for store in stores):
        yield from _matches(connect, plan, size if plan.pick is None else PICKED_ROWS, size)
        return
    many = min(bounds.bulk_rows, most or bounds.bulk_rows)
    bulk = [store.whole(connect, plan, many) for store in stores if isinstance(store, Bulk)]
    yield from merged([_own(connect, plan, size), *bulk], down=plan.descending)


@dataclass(frozen=True, slots=True)
class Records:
    """Records of the resource's own table with their keys."""

    keys: list[Key]
    items: list[Record]

    def __len__(self) -> int:
        return len(self.items)

    def part(self, start: int, stop: int) -> list[Record]:
        """Some of them."""
        return self.items[start:stop]


def _own(connect: Connect, plan: Plan, size: int) -> Iterator[Records]:
    """The records of the resource's own table."""
    after = plan.after
    while True:
        with connect() as connection:
            rows = connection.execute(*sql.page(connection, plan, size, after)).all()
            found = [Match(row.sort_key, row.id, row) for row in rows]
            items = records(connection, plan.resource, plan.view, found, Texts(connection))
        if items:
            yield Records([(one.key, one.id) for one in found], chosen(items, plan.query.fields))
        if len(found) < size:
            return
        after = (found[-1].key, found[-1].id)


def _matches(connect: Connect, plan: Plan, size: int, rows: int) -> Iterator[list[Record]]:
    """The records of all places, found `size` at a time and made `rows` at a time."""
    after = plan.after
    while True:
        with connect() as connection:
            found = matching(connection, at(plan, after), size, after)
        for some in batched(found, rows):
            with connect() as connection:
                items = records(connection, plan.resource, plan.view, some, Texts(connection))
            yield chosen(items, plan.query.fields)
        if len(found) < size:
            return
        after = (found[-1].key, found[-1].id)


def batched(found: list[Match], size: int) -> Iterator[list[Match]]:
    """Matches, `size` at a time."""
    return (found[first : first + size] for first in range(0, len(found), size))


# ── One order of several ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Head:
    """How far one of several sources was taken."""

    source: Iterator[Any]
    block: Any
    at: int = 0

    @property
    def key(self) -> Key:
        """The key of its next record."""
        key: Key = self.block.keys[self.at]
        return key

    def upto(self, bound: Key, *, down: bool) -> int:
        """The place of its first record that comes after a key."""
        low, high, keys = self.at, len(self.block), self.block.keys
        while low < high:
            middle = (low + high) // 2
            if (keys[middle] > bound) if down else (keys[middle] < bound):
                low = middle + 1
            else:
                high = middle
        return low


def merged(sources: Sequence[Iterator[Any]], *, down: bool) -> Iterator[Chunk]:
    """The records of several sources, each in order, in one order: stretches as long as they come from one of them."""
    heads = [Head(source, block) for source in sources if (block := next(source, None)) is not None]
    while heads:
        heads.sort(key=lambda head: head.key, reverse=down)
        first = heads[0]
        stop = len(first.block) if len(heads) == 1 else first.upto(heads[1].key, down=down)
        yield first.block.part(first.at, stop)
        first.at = stop
        if first.at == len(first.block):
            first.block, first.at = next(first.source, None), 0
            if first.block is None:
                heads.remove(first)
