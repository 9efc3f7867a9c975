"""How a large dossier is worked on beside readers: the garbage collector does not stop them to look through all of it.

A dossier of 100,000 records stands in memory as millions of objects, none of them garbage. Each look through the oldest generation
held everybody up, for up to a second; the young generations are looked through as ever.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

# Looks through the middle generation until the oldest one's turn comes. A dossier of 100,000 records takes 500. There is an end to
# it, so that garbage goes even where writers never pause.
SELDOM: Final = 10_000


@dataclass(slots=True)
class Looking:
    """How often the collector looks, and how many at the moment want it to look through the oldest generation seldom."""

    usual: tuple[int, int, int] = (0, 0, 0)
    working: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


LOOKING: Final = Looking()


@contextmanager
def undisturbed() -> Iterator[None]:
    """While anybody is in here, the oldest generation is looked through seldom."""
    with LOOKING.lock:
        LOOKING.working += 1
        if LOOKING.working == 1:
            LOOKING.usual = gc.get_threshold()
            gc.set_threshold(*LOOKING.usual[:2], SELDOM)
    try:
        yield
    finally:
        with LOOKING.lock:
            LOOKING.working -= 1
            if not LOOKING.working:
                gc.set_threshold(*LOOKING.usual)
