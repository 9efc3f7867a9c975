"""How a large dossier is worked on beside readers: the interpreter is handed on often, and no look for garbage stops them.

A dossier of 100,000 records stands in memory as millions of objects, none of them garbage. Each look through the oldest generation
held everybody up, for up to a second; the young generations are looked through as ever.

A reader's answer lets go of the interpreter some thirty times, at each step of SQLite and each send, and waits for it each time as
long as a thread that computes may keep it. With the usual 5 ms half of the answers took 20 to 200 ms, with 0.1 ms 7 ms.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

# Looks through the middle generation until the oldest one's turn comes. A dossier of 100,000 records takes 500. There is an end to
# it, so that garbage goes even where writers never pause.
SELDOM: Final = 10_000
HAND_ON_SECONDS: Final = 0.0001


@dataclass(slots=True)
class Looking:
    """How often the collector looks and threads take turns, and how many at the moment want the one seldom and the other often."""

    usual: tuple[int, int, int] = (0, 0, 0)
    turn_seconds: float = 0.0
    working: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


LOOKING: Final = Looking()


@contextmanager
def undisturbed() -> Iterator[None]:
    """While anybody is in here, the oldest generation is looked through seldom, and threads take turns often."""
    with LOOKING.lock:
        LOOKING.working += 1
        if LOOKING.working == 1:
            LOOKING.usual, LOOKING.turn_seconds = gc.get_threshold(), sys.getswitchinterval()
            gc.set_threshold(*LOOKING.usual[:2], SELDOM)
            sys.setswitchinterval(min(HAND_ON_SECONDS, LOOKING.turn_seconds))
    try:
        yield
    finally:
        with LOOKING.lock:
            LOOKING.working -= 1
            if not LOOKING.working:
                gc.set_threshold(*LOOKING.usual)
                sys.setswitchinterval(LOOKING.turn_seconds)
