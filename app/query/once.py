"""What is worked out once for a revision: it cannot change, so whoever asks again is told from memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine

from app.query.fields import View

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Once(Generic[K, T]):
    """Answers that depend on a database, a published revision and a few words, and on nothing else.

    None of them can be stale: what stands at a published revision is never written again. A database that is put in its place, from
    a backup, has other revisions of the same numbers, and `View.stamp` tells them apart.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.known: dict[tuple[Engine, View], dict[K, T]] = {}
        self.size = 0

    def at(self, connection: Connection, view: View) -> dict[K, T]:
        """What is known of a revision."""
        scope = (connection.engine, view)
        found = self.known.get(scope)
        if found is None:
            found = self.known[scope] = {}
        return found

    def get(self, connection: Connection, view: View, asked: K, find: Callable[[], T]) -> T:
        """What was found before, or what `find` finds now; an error is not remembered."""
        known = self.at(connection, view)
        found = known.get(asked)
        if found is None:
            found = find()
            self.keep(connection, view, {asked: found})
        return found

    def many(
        self, connection: Connection, view: View, asked: Iterable[K], find: Callable[[list[K]], Mapping[K, T]]
    ) -> dict[K, T]:
        """The same for several at once: `find` finds what is not known of them yet, and leaves out what does not exist."""
        known = self.at(connection, view)
        found: dict[K, T] = {}
        missing: list[Any] = []
        for one in asked:
            value = known.get(one)
            if value is None:
                missing.append(one)
            else:
                found[one] = value
        if missing:
            more = find(missing)
            self.keep(connection, view, more)
            found.update(more)
        return found

    def keep(self, connection: Connection, view: View, found: Mapping[K, T]) -> None:
        """Remember what was found."""
        self.size += len(found)
        if self.size > self.most:
            # All at once: nothing has to be kept in order, and what is asked often is soon back.
            self.known = {}
            self.size = len(found)
        self.at(connection, view).update(found)
