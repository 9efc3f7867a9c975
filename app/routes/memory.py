"""Which answers are remembered: whole ones, under the revision and the access they were given at, so that nothing is ever stale.

It stands in front of the router: inside a route a remembered answer costs nearly what a new one does. What an answer depends on
beyond its request is the newest revision and the counter of texts attached; both are part of its key, so nothing has to be
forgotten in time.
Requests that depend on the clock (`as_of` a day or a moment) or that wait (`min_revision`) pass by.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.standing import Standing

ANSWER_BYTES_MOST: Final = 512_000  # a larger answer would push out many that are asked more often
# What a 304 repeats (RFC 9110, 15.4.5).
KEPT: Final = {b"etag", b"kb-revision", b"cache-control", b"vary", b"link"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    headers: tuple[tuple[bytes, bytes], ...]
    etag: bytes
    body: bytes


class Remembering:
    """Answers from memory what was asked before at this revision; everything else goes on to the application."""

    def __init__(self, app: ASGIApp, *, standing: Callable[[], Awaitable[Standing | None]], most_bytes: int) -> None:
        self.app = app
        self.standing = standing
        self.most_bytes = most_bytes
        self.answers: OrderedDict[tuple[object, ...], Answer] = OrderedDict()
        self.bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not remembered(scope):
            await self.app(scope, receive, send)
            return
        accept = tag = b""
        for name, value in scope["headers"]:
            if name == b"accept":
                accept += b"," + value
            elif name == b"if-none-match":
                tag = value
        standing = await self.standing()
        if standing is None:
            await self.app(scope, receive, send)
            return
        key = (scope["raw_path"], scope["query_string"], accept, standing)
        known = self.answers.get(key)
        if known is None:
            await self.app(scope, receive, Keeping(self, key, send))
            return
        self.answers.move_to_end(key)
        if tag == known.etag:
            kept = [pair for pair in known.headers if pair[0] in KEPT]
            await send({"type": "http.response.start", "status": 304, "headers": kept})
            await send({"type": "http.response.body", "body": b""})
            return
        if tag:
            # A list of tags, or a stale one: the application knows the rules.
            await self.app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(known.headers)})
        await send({"type": "http.response.body", "body": known.body})

    def keep(self, key: tuple[object, ...], answer: Answer) -> None:
        """Remember an answer, and forget those that were asked for the longest time ago."""
        if key in self.answers:
            return
        self.answers[key] = answer
        self.bytes += len(answer.body)
        while self.bytes > self.most_bytes:
            _, gone = self.answers.popitem(last=False)
            self.bytes -= len(gone.body)


class Keeping:
    """Passes an answer on, and remembers it if it is whole, short and good."""

    def __init__(self, memory: Remembering, key: tuple[object, ...], send: Send) -> None:
        self.memory = memory
        self.key = key
        self.send = send
        self.headers: tuple[tuple[bytes, bytes], ...] | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self.headers = tuple(message["headers"])
        elif message["type"] == "http.response.body" and self.headers is not None:
            body = message.get("body", b"")
            etag = dict(self.headers).get(b"etag")
            if etag is not None and not message.get("more_body") and len(body) <= ANSWER_BYTES_MOST:
                self.memory.keep(self.key, Answer(self.headers, etag, body))
            self.headers = None
        await self.send(message)


def remembered(scope: Scope) -> bool:
    """Whether the answer to a request depends on nothing but the request, the revision and the access to texts."""
    if scope["method"] != "GET" or not scope["path"].startswith("/v1"):
        return False
    query: bytes = scope["query_string"]
    names = [pair.split(b"=", 1)[0] for pair in query.split(b"&")]
    # A name that is written in another way (`as%5Fof`) is rare enough to be left to the application.
    return not any(name in (b"as_of", b"min_revision") or b"%" in name for name in names)
