"""How the application is asked in this process, without a server: an httpx transport that hands its answers on as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import httpx

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
ASGIApp = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Inside(httpx.BaseTransport):
    """Asks an ASGI application. It runs no further than its answer is read: a large one is never held whole."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """An answer whose body is still to come."""
        under_way = UnderWay(self.app, self.loop, scope_of(request))
        start = under_way.start()
        return httpx.Response(start["status"], headers=start["headers"], stream=under_way)

    def close(self) -> None:
        """End what was still running."""
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


def scope_of(request: httpx.Request) -> Scope:
    """The request as ASGI has it."""
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.url.path,
        "raw_path": path,
        "root_path": "",
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"],
        "client": ("127.0.0.1", 0),
        "server": ("database", 80),
        "state": {},
    }


class UnderWay(httpx.SyncByteStream):
    """One answer while it is made. What the application raises is raised here; whoever stops reading ends it."""

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop, scope: Scope) -> None:
        self.loop = loop
        # Two messages ahead of the reader, and no more.
        self.messages: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=2)
        self.left = asyncio.Event()
        self.task = loop.create_task(self.run(app, scope))

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """The application, from the request to the last message."""
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.left.wait()
            return {"type": "http.disconnect"}

        try:
            await app(scope, receive, self.messages.put)
        finally:
            if not self.left.is_set():
                await self.messages.put(None)

    def next(self) -> Message | None:
        """The next message; None at the end."""
        found = self.loop.run_until_complete(self.messages.get())
        if found is None:
            self.loop.run_until_complete(self.task)  # raises what the application raised
        return found

    def start(self) -> dict[str, Any]:
        """Status and headers."""
        found = self.next()
        if found is None:
            raise httpx.RemoteProtocolError("no answer")
        return dict(found)

    def __iter__(self) -> Iterator[bytes]:
        """The body as it comes."""
        while (message := self.next()) is not None:
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    def close(self) -> None:
        """Nobody reads on."""
        self.left.set()
        self.task.cancel()
        self.loop.run_until_complete(asyncio.wait([self.task]))
        if not self.task.cancelled():
            self.task.exception()  # seen
