"""What is worked out once for a revision: it cannot change, so whoever asks again is told from memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import Connection

from app.query.fields import View

T = TypeVar("T")


class Once(Generic[T]):
    """Answers that depend on a database, a revision and a few words, and on nothing else."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.known: dict[tuple[object, ...], T] = {}

    def get(self, connection: Connection, view: View, asked: tuple[object, ...], find: Callable[[], T]) -> T:
        """What was found before, or what `find` finds now; an error is not remembered."""
        key = (connection.engine.url, view.revision, view.enrichment, *asked)
        found = self.known.get(key)
        if found is None:
            found = find()
            if len(self.known) >= self.most:
                # All at once: nothing has to be kept in order, and what is asked often is soon back.
                self.known.clear()
            self.known[key] = found
        return found
