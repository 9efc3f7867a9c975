"""How many requests of a minute somebody has made, at whichever worker: counted in memory that all workers of a server share.

A worker adds in a column of its own and reads every column, so nobody locks, and one that is killed leaves nothing half done. A
count is one number of 64 bits, written at once: a mark of who it is, when the minute began, how many.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from multiprocessing.reduction import DupFd
from secrets import token_bytes
from typing import Any, Final

MINUTE: Final = 60.0
BUCKETS: Final = 1 << 14
WAYS: Final = 4  # counts a bucket: 65,536 keys and addresses are told apart, the rest are forgotten sooner
COLUMN: Final = BUCKETS * WAYS

# 16 bits say who, 24 when the minute began (in sixteenths of a second, for 12 days), 24 how many.
TICKS: Final = 16
BEGUN: Final = (1 << 24) - 1
MOST: Final = (1 << 24) - 1


class Tally:
    """Counts by minute and by whoever asks: of this process, or with `shared` of several that are handed it."""

    def __init__(
        self, columns: int = 1, *, file: int = -1, salt: bytes = b"", now: Callable[[], float] = time.monotonic
    ) -> None:
        self.columns = columns
        self.file = file
        self.salt = salt or token_bytes(16)  # who shares a bucket is nobody's to choose
        self.now = now  # one clock for all processes of a machine
        self.cells = memoryview(mmap.mmap(file, columns * COLUMN * 8)).cast("Q")
        self.first: int | None = None

    @classmethod
    def shared(cls, columns: int) -> Tally:
        """One that worker processes may have too: it goes to them as it is started with them."""
        if hasattr(os, "memfd_create"):
            file = os.memfd_create("chancery-rates")
        else:
            with tempfile.TemporaryFile() as made:
                file = os.dup(made.fileno())
        os.ftruncate(file, columns * COLUMN * 8)
        return cls(columns, file=file)

    def __reduce__(self) -> tuple[Any, ...]:
        return joined, (DupFd(self.file), self.columns, self.salt)

    def own(self) -> int:
        """Where this process's column begins: the first that no living one has; the last one where all are taken."""
        if self.first is None:
            free = (n for n in range(self.columns) if self.file == -1 or claimed(self.file, n))
            self.first = next(free, self.columns - 1) * COLUMN
        return self.first

    def look(self, who: str) -> Seen:
        """What was counted of somebody, at every worker."""
        digest = int.from_bytes(blake2b(who.encode(), digest_size=8, key=self.salt).digest(), "big")
        bucket, mark, now = digest % BUCKETS * WAYS, digest >> 48, int(self.now() * TICKS)
        n, age = 0, -1
        for at in range(bucket, self.columns * COLUMN, COLUMN):
            for cell in self.cells[at : at + WAYS]:
                past = (now - (cell >> 24)) & BEGUN
                if cell and cell >> 48 == mark and past < MINUTE * TICKS:
                    n, age = n + (cell & MOST), max(age, past)
        return Seen(bucket, mark, now, n, max(0, age))

    def add(self, seen: Seen) -> None:
        """Count one more, in this process's column."""
        at = self.own() + seen.bucket
        cells = self.cells[at : at + WAYS]

        def stale(cell: int) -> bool:
            return not cell or (seen.now - (cell >> 24)) & BEGUN >= MINUTE * TICKS

        # Its own place, else one whose minute is over, else that of whoever came least.
        place = min(range(WAYS), key=lambda n: (cells[n] >> 48 != seen.mark, not stale(cells[n]), cells[n] & MOST))
        old = cells[place]
        n = old & MOST if old >> 48 == seen.mark and not stale(old) else 0
        begun = (seen.now - seen.age) & BEGUN
        self.cells[at + place] = seen.mark << 48 | begun << 24 | min(n + 1, MOST)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was counted of somebody: where, by which mark, how much, and how long ago the minute began, in ticks."""

    bucket: int
    mark: int
    now: int
    n: int
    age: int

    @property
    def seconds(self) -> int:
        """The seconds until the next minute."""
        return max(1, ceil(MINUTE - self.age / TICKS))


def joined(file: Any, columns: int, salt: bytes) -> Tally:
    """A tally in a process that it was handed to."""
    return Tally(columns, file=file.detach(), salt=salt)


def claimed(file: int, column: int) -> bool:
    """Whether a column is this process's from now on: the system takes it back when the process ends, however that is."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, column)
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit on what somebody may do in a minute."""

    tally: Tally
    name: str
    most: int

    def take(self, who: str) -> tuple[int, int]:
        """Count one more: what is left of this minute, negative where it is too many, and the seconds until the next."""
        seen = self.tally.look(f"{self.name} {who}")
        self.tally.add(seen)
        return self.most - seen.n - 1, seen.seconds

    def spent(self, who: str) -> int:
        """The seconds to wait where this minute is used up; 0 where it is not."""
        seen = self.tally.look(f"{self.name} {who}")
        return seen.seconds if seen.n >= self.most else 0
