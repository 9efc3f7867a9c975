"""Which rows hold only cells that were met before: they are staged by the block, without a value for each.

A temporal knowledge graph repeats a few thousand actors and labels. What these mean is learned from the first row that has them and
went the whole way (read, translated, checked). A row of which any cell is unknown, or no day of the past, goes that way too, so
that every refusal is told where it always is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from struct import unpack
from typing import Final

from app.importers.base import Coded
from app.importers.cells import BadCell, iso_day
from app.models.base import FIRST_DAY

KNOWN_MOST: Final = 200_000  # cells of a kind that are remembered: no file can fill the memory with them
ROWS_MOST: Final = 40_000  # that wait before they are staged

# Number of the event, line, day, initiator, recipient, label, kind.
Plain = tuple[int, int, int, int, int, str, str]


@dataclass(slots=True)
class Familiar:
    """What the cells of a file's rows mean, as far as they were met, and the rows that wait to be staged."""

    dataset: str
    until: int  # days after this one are noted one by one, so they are never familiar
    met: set[int]  # the days that were met
    stage: Callable[[Sequence[Plain]], None]
    actors: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    labels: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    days: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    digests: list[bytes] = field(default_factory=list)
    rest: list[tuple[int, int, int, int, str, str]] = field(default_factory=list)
    rows: int = 0

    def learn(self, cells: Sequence[str | None], meant: Coded, one: tuple[int, str], other: tuple[int, str]) -> None:
        """Learn from a row that went the whole way: its subject, relation and object, and the numbers and keys of its actors."""
        subject, relation, object_ = cells[:3]
        if subject is None or relation is None or object_ is None or meant.label is None:
            return
        for cell, (number, key) in ((subject, one), (object_, other)):
            if len(self.actors) < KNOWN_MOST:
                self.actors[cell] = (number, key.encode())
        if len(self.labels) < KNOWN_MOST:
            self.labels[relation] = (meant.label, meant.kind or "", meant.label.encode())

    def day(self, cell: str) -> tuple[int, bytes]:
        """The number and the key of a day. Raises BadCell for what is none, KeyError for one that is to be noted."""
        day = iso_day(cell, "date")
        if not FIRST_DAY <= day <= self.until:
            raise KeyError
        if len(self.days) >= KNOWN_MOST:
            self.days.clear()
        self.met.add(day)
        return self.days.setdefault(cell, (day, f"{self.dataset}\x1f{day}\x1f{day}".encode()))

    def take(self, line: int, texts: Sequence[str], width: int) -> list[tuple[int, str]]:
        """Take the familiar rows of a block, whose first four cells of `width` are the fact; say which lines are left."""
        actors, labels, days = self.actors, self.labels, self.days
        digested, put = self.digests.append, self.rest.append
        left: list[tuple[int, str]] = []
        for n, text in enumerate(texts, line):
            cells = text.split("\t")
            try:
                one, one_key = actors[cells[0]]
                label, kind, label_key = labels[cells[1]]
                other, other_key = actors[cells[2]]
                day, day_key = days.get(cells[3]) or self.day(cells[3])
            except (KeyError, IndexError, BadCell):
                left.append((n, text))
                continue
            if len(cells) != width:
                left.append((n, text))
                continue
            # The same digest as in `runner.staged`.
            digested(blake2b(b"\x1f".join((day_key, one_key, label_key, other_key)), digest_size=8).digest())
            put((n, day, one, other, label, kind))
        self.rows += len(texts) - len(left)
        if len(self.rest) >= ROWS_MOST:
            self.flush()
        return left

    def flush(self) -> None:
        """Stage what waits."""
        if not self.rest:
            return
        numbers = unpack(f">{len(self.digests)}Q", b"".join(self.digests))
        self.stage([(number >> 1, *row) for number, row in zip(numbers, self.rest, strict=True)])
        self.digests.clear()
        self.rest.clear()
