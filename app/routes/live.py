"""How the changes are followed live: server-sent events that resume where they broke off, and hold nothing while they wait.

A follower is a coroutine that looks at most a few times a second whether anything was published; all of them together ask the
database once. Only to read what is new one takes a thread and a connection, for a short read, and gives both back before it writes:
a slow reader holds its own socket's buffer and nothing that others need. Who does not read for a while is cut off,
and, where reads are closed, whose key was revoked or ran out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app import ledger
from app.answers import history
from app.db import Database
from app.errors import ChanceryError, Unavailable
from app.query.fields import View
from app.settings import Settings
from app.standing import Standing

log = logging.getLogger("chancery")
MEDIA_TYPE = "text/event-stream"
LOOK_SECONDS = 0.25  # how late news may be; all followers of a process together cost one look in that time
BATCH = 50  # changes read and sent at a time
AGAIN_MS = 2000  # after how long a client that was let go comes back

Position = tuple[int, int]


class Followers:
    """Who follows the changes of one process: how many there may be, what they learn, and when they are to go."""

    def __init__(self, settings: Settings, database: Database, now: Callable[[], Awaitable[Standing | None]]) -> None:
        self.settings = settings
        self.database = database
        self.now = now
        self.count = 0
        self.leaving = False
        self.looked = float("-inf")
        self.known: int | None = None

    def leave(self) -> None:
        """Let every follower go: the server ends."""
        self.leaving = True

    async def latest(self) -> int | None:
        """The newest revision, asked for once in a while for all of them; None where the database does not say."""
        if time.monotonic() - self.looked >= LOOK_SECONDS:
            self.looked = time.monotonic()  # first, so that nobody else asks meanwhile
            standing = await self.now()
            self.known = None if standing is None else standing[0]
        return self.known

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among the followers. Raises Unavailable where there is none left."""
        if self.count >= self.settings.followers:
            raise Unavailable(
                f"{self.count} clients follow the changes already, which is as many as may. Poll /v1/changes?after= instead, "
                "or try again later.",
                headers={"Retry-After": "30"},
            )
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    def read(self, after: Position, enrichment: bool) -> tuple[list[dict[str, Any]], Position]:
        """The next changes after a position, and the position after them: that of the whole log where nothing is left."""
        with self.database.read() as connection:
            upto = ledger.latest(connection)
            items, more = history.changes(connection, View(upto, enrichment), after=after, limit=BATCH)
        if more is not None:
            return items, history.position(more)
        # What changed nothing for this reader is passed over for good.
        return items, max(after, (upto, history.WHOLE_REVISION), key=whole_last)


def whole_last(position: Position) -> tuple[int, float]:
    """The order of positions: a whole revision comes after each of its steps."""
    number, place = position
    return number, float("inf") if place == history.WHOLE_REVISION else place


class EventStream(Response):
    """The changes after a position, and then each as it is published, for as long as somebody reads."""

    media_type = MEDIA_TYPE

    def __init__(self, followers: Followers, after: Position, enrichment: bool, headers: dict[str, str]) -> None:
        super().__init__(headers={**headers, "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self.followers = followers
        self.after = after
        self.enrichment = enrichment
        self.ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.followers.place(), anyio.create_task_group() as group:

            async def gone() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            async def shut_out(still: Callable[[], Awaitable[bool]]) -> None:
                while not self.ended:
                    await asyncio.sleep(self.followers.settings.heartbeat_seconds)
                    self.ended = not await still()

            group.start_soon(gone)
            if scope.get("still") is not None:
                # Reads are closed, and the key that opened them may end before its reader does.
                group.start_soon(shut_out, scope["still"])
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if not scope.get("head"):
                async for part in self.parts():
                    with anyio.move_on_after(self.followers.settings.stall_seconds) as limit:
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                    if limit.cancelled_caught:
                        # Without an end, which it would not read either: the server closes the connection.
                        log.info("A follower of the changes does not read; its connection is given up.")
                        group.cancel_scope.cancel()
                        return
            await send({"type": "http.response.body", "body": b""})
            group.cancel_scope.cancel()

    async def parts(self) -> AsyncIterator[bytes]:
        """The stream, a few events at a time; a comment now and then, so that proxies and clients know it lives."""
        followers = self.followers
        yield b"retry: %d\n\n" % AGAIN_MS
        after, said = self.after, time.monotonic()
        while not (followers.leaving or self.ended):
            latest = await followers.latest()
            if latest is not None and whole_last((latest, history.WHOLE_REVISION)) > whole_last(after):
                try:
                    items, after = await to_thread.run_sync(followers.read, after, self.enrichment)
                except ChanceryError:
                    items = []  # the database is away: it is asked again, and nothing is skipped
                    await asyncio.sleep(1)
                if items:
                    yield b"".join(event(item) for item in items)
                    said = time.monotonic()
                    continue
            if time.monotonic() - said >= followers.settings.heartbeat_seconds:
                yield b": nothing new\n\n"
                said = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)


def event(item: dict[str, Any]) -> bytes:
    """A change as an event; JSON holds no line break, so its data is one line."""
    return b"id: %s\ndata: %s\n\n" % (item["position"].encode(), orjson.dumps(item))
