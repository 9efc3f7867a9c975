"""How a large write leaves room for readers: the interpreter is handed on often, and no collection of garbage stops everybody."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LARGE_BYTES: Final = 100_000  # a dossier beyond this is worth it: some two thousand records, a second's work

# A reader's answer lets go of the interpreter some thirty times, at each step of SQLite and each send, and waits for it each time
# as long as a thread that computes may keep it. With the usual 5 ms half of the answers took 20 to 200 ms, with 0.1 ms 7 ms.
HAND_ON_SECONDS: Final = 0.0001
NEVER: Final = 1 << 30

_turn = threading.Lock()
_inside = 0
_usual: tuple[float, tuple[int, int, int]] = (0.005, (700, 10, 10))


@contextmanager
def left(size: int) -> Iterator[None]:
    """Leave room while the block works at so many bytes, in whichever thread; several may at once. Nothing where they are few.

    The oldest generation of garbage is not looked through: with the millions of objects of a dossier of 100,000 records that held
    the interpreter for up to 0.44 s, a dozen times, and found next to nothing. The younger ones are.
    """
    global _inside, _usual
    if size <= LARGE_BYTES:
        yield
        return
    with _turn:
        if _inside == 0:
            _usual = sys.getswitchinterval(), gc.get_threshold()
            sys.setswitchinterval(min(HAND_ON_SECONDS, _usual[0]))
            gc.set_threshold(*_usual[1][:2], NEVER)
        _inside += 1
    try:
        yield
    finally:
        with _turn:
            _inside -= 1
            if _inside == 0:
                sys.setswitchinterval(_usual[0])
                gc.set_threshold(*_usual[1])
