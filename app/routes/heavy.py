"""How many heavy requests are worked at at once: on threads of their own, so that quick ones never stand behind them.

    a handler, on a thread for everybody         `heavy.only(request)` where it finds out that this one is heavy
      └─ begun again on a thread for heavy ones  in its turn; 503 with Retry-After where that takes too long
    `heavy.streamed(body)`                       a stream made on those threads, a part at a time

Whether a request is heavy shows only when it is understood, which takes a millisecond; nothing waits on a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from starlette.requests import Request
from starlette.responses import Response

from app.errors import Unavailable
from app.routes import reading

WAITING_MOST: Final = 200  # requests that wait for a thread; each holds its connection to the client and little else
TURNS: RunVar[CapacityLimiter] = RunVar("turns")  # whose turn it is
THREADS: RunVar[CapacityLimiter] = RunVar("heavy_threads")  # for those whose turn it is


class Postponed(Exception):
    """A request is heavy: it is begun again in its turn."""


def only(request: Request) -> None:
    """Go on only on a thread for heavy requests."""
    if not request.scope.get("heavy"):
        raise Postponed


async def answered(handler: Callable[[Request], Response], request: Request) -> Response:
    """The answer of a handler, in its turn where it is heavy. Raises Unavailable where that does not come in time."""
    try:
        return await to_thread.run_sync(handler, request)
    except Postponed:
        pass
    request.scope["heavy"] = True
    settings = reading.state(request).settings
    turns, threads = limiters(settings.heavy_requests)
    me = object()
    if turns.statistics().tasks_waiting >= WAITING_MOST:
        raise crowded()
    with anyio.move_on_after(settings.heavy_wait_seconds) as late:
        await turns.acquire_on_behalf_of(me)
    if late.cancelled_caught:
        raise crowded()
    try:
        return await to_thread.run_sync(handler, request, limiter=threads)
    finally:
        turns.release_on_behalf_of(me)


async def streamed(body: Iterator[Any], at_once: int) -> AsyncIterator[Any]:
    """A stream whose parts are made on threads for heavy requests, one at a time: a slow reader holds none."""
    turns, _ = limiters(at_once)
    while (part := await to_thread.run_sync(next, body, END, limiter=turns)) is not END:
        yield part


END: Final = object()


def limiters(at_once: int) -> tuple[CapacityLimiter, CapacityLimiter]:
    """The turns and the threads of this event loop."""
    try:
        return TURNS.get(), THREADS.get()
    except LookupError:
        TURNS.set(CapacityLimiter(at_once))
        THREADS.set(CapacityLimiter(at_once))
        return TURNS.get(), THREADS.get()


def crowded() -> Unavailable:
    """The 503 of a heavy request that finds no turn."""
    return Unavailable(
        "Other requests that look at very much are worked at. Narrow this one, or try again shortly.",
        headers={"Retry-After": "2"},
    )
