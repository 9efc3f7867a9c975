"""Which answers are remembered: whole ones, under the revision and the access they were given at, so that nothing is ever stale.

It stands in front of everything: inside a route a remembered answer costs nearly what a new one does. What an answer depends on
beyond its request is the newest revision, with its mark, and the counter of texts attached; all are part of its key, so nothing has
to be forgotten in time. What was asked is handed on with the request, so that nobody asks the database for it again.
Requests that depend on the clock (`cite`) or that wait (`min_revision`) pass by; those with `as_of`, whose day or moment is the
clock's too, are answered here where they are short, and not remembered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Final, NamedTuple
from uuid import uuid4

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routes.metrics import Metrics
from app.routes.middleware import POLICY, SECURITY
from app.routes.prompt import Prompt
from app.standing import Standing

log = logging.getLogger("chancery.access")
ANSWER_BYTES_MOST: Final = 512_000  # a larger answer would push out many that are asked more often
ASKED_BYTES_MOST: Final = 1_000  # a longer Accept or Origin comes from no client worth remembering
# What a 304 repeats (RFC 9110, 15.4.5).
KEPT: Final = {
    b"etag",
    b"kb-revision",
    b"cache-control",
    b"vary",
    b"link",
    b"access-control-allow-origin",
    b"access-control-expose-headers",
    b"x-content-type-options",
    b"content-security-policy",
}
GUARDING: Final = [
    (name.lower().encode(), value.encode()) for name, value in {**SECURITY, "Content-Security-Policy": POLICY}.items()
]
ONCE: Final = {b"x-request-id", b"server-timing", b"connection"}  # what belongs to one request
# Where a server leaves the bytes of a request that came whole, among ASGI's extensions.
WHOLE: Final = "chancery.whole"
STATUS: Final = {one.value: f"{one.value} {one.phrase}".encode() for one in HTTPStatus}
MET_MOST: Final = 4_000  # requests that are known by their bytes, 2 kB each at most
# What lets a request be read otherwise than by its own bytes, or ask for more than an answer.
UNUSUAL: Final = {b"expect", b"transfer-encoding", b"upgrade", b"te", b"trailer"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    headers: tuple[tuple[bytes, bytes], ...]
    kept: tuple[tuple[bytes, bytes], ...]  # those that a 304 repeats
    etag: bytes
    body: bytes
    begins: bytes  # its status and headers as they are sent
    begins_kept: bytes  # the same of a 304

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]], etag: bytes, body: bytes) -> Answer:
        """An answer without what belonged to the one request that it was given to."""
        own = tuple(pair for pair in headers if pair[0].lower() not in ONCE)
        whole = (*own, (b"server-timing", b"memory"))
        kept = tuple(pair for pair in own if pair[0].lower() in KEPT)
        return cls(whole, kept, etag, body, begun(b"200 OK", whole), begun(b"304 Not Modified", kept))


class Met(NamedTuple):
    """A request that was met before."""

    key: tuple[object, ...]  # of its answer
    whole: bool  # False: whoever asks has the answer
    path: str


def begun(status: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """How an answer begins on the wire, up to the headers that belong to one request."""
    return b"HTTP/1.1 %b\r\n" % status + lines(headers)


def lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers on the wire."""
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)


class Remembering:
    """Answers from memory what was asked before at this revision; everything else goes on to the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        standing: Callable[[], Awaitable[Standing | None]],
        unchanged: Callable[[], Standing | None] = lambda: None,
        asked: Callable[[], asyncio.Future[Standing]] | None = None,
        most_bytes: int,
        metrics: Metrics,
        prompt: Prompt | None = None,
    ) -> None:
        self.app = app
        self.prompt = prompt  # answers plain questions in front of the framework
        self.metrics = metrics
        self.standing = standing
        self.unchanged = unchanged  # what it stands at, where that needs no waiting
        self.asked = asked  # what it will say that it stands at, where it does
        self.soon = None if asked is None else self.met_soon
        self.most_bytes = most_bytes
        self.answers: OrderedDict[tuple[object, ...], Answer] = OrderedDict()
        self.bytes = 0
        self.met: dict[bytes, Met] = {}
        self.shared: tuple[list[tuple[bytes, bytes]], bytes | None] = ([], b"")
        self.number = count(1)
        self.prefix = uuid4().hex[:16]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = asked_in(scope) if scope["type"] == "http" else None
        if asked is None:
            await self.app(scope, receive, send)
            return
        kept = remembered(scope)
        standing = await self.standing()
        scope["standing"] = standing
        key = asked.key(scope, standing)
        known = self.answers.get(key) if kept else None
        if standing is None or (known is not None and asked.tag and asked.tag != b"," + known.etag):
            # The database does not say, or there is a list of tags, or a stale one: the application knows the rules.
            await self.app(scope, receive, send)
        elif known is None:
            keeping = Keeping(self, key, send) if kept and self.most_bytes else send
            await self.answer(scope, receive, keeping, asked.origin)
        else:
            self.answers.move_to_end(key)
            await self.say(scope, send, known, whole=not asked.tag)
            self.meet(scope, key, whole=not asked.tag)

    def promptly(self, scope: Scope, shared: list[tuple[bytes, bytes]]) -> bytes | None:
        """A new answer as it is sent, where it needs no waiting and the request is plain; None for others.

        `shared`: the headers of every answer at this moment.
        """
        standing, first = self.unchanged(), self.first(shared)
        if standing is None or first is None or self.prompt is None or not usual(scope):
            return None
        asked = asked_in(scope)
        if asked is None or asked.origin:
            return None
        key = asked.key(scope, standing)
        if key in self.answers:
            return None
        scope["standing"] = standing
        began = time.perf_counter()
        request_id = self.request_id()
        answer = self.prompt.here(scope, request_id)
        if answer is None:
            return None
        headers = self.told(scope, answer, request_id, began)
        if answer.status_code == 200 and self.most_bytes and remembered(scope):
            self.keep(key, headers, bytes(answer.body))
        return begun(STATUS[answer.status_code], headers) + first + b"\r\n" + answer.body

    def met_soon(self, data: bytes) -> asyncio.Future[Standing] | None:
        """What the database will say that it stands at, for a request that was met before; None for others."""
        return self.asked() if self.asked is not None and data in self.met else None

    def at_once(self, data: bytes, shared: list[tuple[bytes, bytes]], standing: Standing | None = None) -> bytes | None:
        """The answer to a request by its bytes; None for one that was not met before, or whose answer may be another by now.

        `shared`: the headers of every answer at this moment. `standing`: what the database has just said that it stands at.
        """
        met = self.met.get(data)
        if met is None:
            return None
        standing = standing or self.unchanged()
        known = self.answers.get(met.key)
        if known is None or standing is None or standing != met.key[-1]:
            del self.met[data]
            return None
        first = self.first(shared)
        if first is None:
            return None
        self.answers.move_to_end(met.key)
        self.metrics.remembered.inc()
        request_id = self.request_id()
        self.log(request_id, met.path, 200 if met.whole else 304, 0.0)
        own = b"x-request-id: %b\r\n\r\n" % request_id.encode()
        if met.whole:
            return b"".join((known.begins, first, own, known.body))
        return b"".join((known.begins_kept, first, own))

    def first(self, shared: list[tuple[bytes, bytes]]) -> bytes | None:
        """The headers of every answer as they are sent; None while each answer is to end its connection."""
        if self.shared[0] is not shared:
            ending = any(name == b"connection" for name, _ in shared)
            self.shared = shared, None if ending else lines(shared)
        return self.shared[1]

    def meet(self, scope: Scope, key: tuple[object, ...], *, whole: bool) -> None:
        """Know a request by its bytes from now on, where it came in one piece and has nothing unusual about it."""
        came = (scope.get("extensions") or {}).get(WHOLE)
        if came is None or not usual(scope):
            return
        if len(self.met) >= MET_MOST:
            self.met.clear()
        self.met[came["bytes"]] = Met(key, whole, scope["path"])

    async def answer(self, scope: Scope, receive: Receive, send: Send, origin: bytes) -> None:
        """Give a new answer, without the framework where that may do."""
        began = time.perf_counter()
        request_id = self.request_id()
        answer = await self.prompt.ahead(scope, request_id) if self.prompt is not None and not origin else None
        if answer is None:
            await self.app(scope, receive, send)
            return
        headers = self.told(scope, answer, request_id, began)
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def told(self, scope: Scope, answer: Response, request_id: str, began: float) -> list[tuple[bytes, bytes]]:
        """The headers of a new answer that the framework had no part in; it is counted and logged here."""
        took = time.perf_counter() - began
        self.metrics.answered("GET", answer.status_code, took)
        self.log(request_id, scope["path"], answer.status_code, round(took * 1000, 1))
        timed = (b"server-timing", b"total;dur=%.1f" % (took * 1000))
        # No origin was named: another answer could have been given to one.
        own = [(name, value + b", Origin") if name == b"vary" else (name, value) for name, value in answer.raw_headers]
        return [*own, (b"x-request-id", request_id.encode()), timed, *GUARDING]

    def request_id(self) -> str:
        """An id that no other request has."""
        return f"{self.prefix}{next(self.number):016x}"

    def log(self, request_id: str, path: str, status: int, ms: float) -> None:
        """Say in the log what was answered."""
        if log.isEnabledFor(logging.INFO):
            path = path[:500]
            fields = {"request_id": request_id, "method": "GET", "path": path, "status": status, "ms": ms}
            log.info("GET %s %s", path, status, extra=fields)

    async def say(self, scope: Scope, send: Send, known: Answer, *, whole: bool) -> None:
        """Give a remembered answer, or say that whoever asks has it already."""
        self.metrics.remembered.inc()
        request_id = self.request_id()
        status = 200 if whole else 304
        headers = [*(known.headers if whole else known.kept), (b"x-request-id", request_id.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": known.body if whole else b""})
        self.log(request_id, scope["path"], status, 0.0)

    def keep(self, key: tuple[object, ...], headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Remember a good answer that has a tag and is short, and forget those that were asked for the longest time ago."""
        etag = next((value for name, value in headers if name.lower() == b"etag"), None)
        if etag is None or key in self.answers or len(body) > ANSWER_BYTES_MOST:
            return
        answer = self.answers[key] = Answer.of(headers, etag, body)
        self.bytes += size_of(key, answer)
        while self.bytes > self.most_bytes:
            self.bytes -= size_of(*self.answers.popitem(last=False))


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
            if not message.get("more_body"):
                self.memory.keep(self.key, self.headers, body)
            self.headers = None
        await self.send(message)


def size_of(key: tuple[object, ...], answer: Answer) -> int:
    """What an answer takes in memory, its key and headers included."""
    asked = sum(len(part) for part in key if isinstance(part, bytes))
    return len(answer.body) + asked + 2 * sum(len(name) + len(value) for name, value in answer.headers) + 1_000


class Asked(NamedTuple):
    """What of a request's headers its answer depends on."""

    accept: bytes
    origin: bytes
    tag: bytes

    def key(self, scope: Scope, standing: Standing | None) -> tuple[object, ...]:
        """What an answer is remembered under."""
        return (scope["raw_path"], scope["query_string"], self.accept, self.origin, standing)


def asked_in(scope: Scope) -> Asked | None:
    """What a request's headers ask for; None for one that is not to be answered in front of the application."""
    if not short(scope):
        return None
    accept = origin = tag = b""
    for name, value in scope["headers"]:
        if name == b"accept":
            accept += b"," + value
        elif name == b"origin":
            origin = value
        elif name == b"if-none-match":
            tag += b"," + value
        elif name in (b"x-request-id", b"authorization", b"content-length"):
            # Whoever brings an id of their own wants to find it in the answer; a key and a body are looked at behind.
            return None
    return Asked(accept, origin, tag) if len(accept) + len(origin) <= ASKED_BYTES_MOST else None


def usual(scope: Scope) -> bool:
    """Whether a request has nothing about it that an answer by its bytes alone would miss."""
    return scope["http_version"] == "1.1" and not any(
        name in UNUSUAL or (name == b"connection" and value.lower() != b"keep-alive")
        for name, value in scope["headers"]
    )


def short(scope: Scope) -> bool:
    """Whether a request may be answered in front of the framework: it reads, and neither waits nor is of another kind."""
    if scope["method"] != "GET" or not scope["path"].startswith("/v1"):
        return False
    # A name that is written in another way (`as%5Fof`) is rare enough to be left to the application.
    return not any(name in (b"min_revision", b"state", b"cite") or b"%" in name for name in names_in(scope))


def remembered(scope: Scope) -> bool:
    """Whether the answer to a short request depends on nothing but the request, the revision and the access to texts."""
    return b"as_of" not in names_in(scope)


def names_in(scope: Scope) -> list[bytes]:
    """The names of the parameters."""
    query: bytes = scope["query_string"]
    return [pair.split(b"=", 1)[0] for pair in query.split(b"&")]
