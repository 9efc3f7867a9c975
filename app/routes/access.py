"""Who asks, and how much: keys are recognised, closed reads refused, requests counted; in front of the routes, and cheap.

Whoever brings no key and reads what is open to everybody passes by after one look at the headers.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from anyio import to_thread
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import ChanceryError, Forbidden, TooMany, Unauthorized
from app.routes.problems import problem
from app.routes.rates import MINUTE, Rate, Tally
from app.routes.reading import State
from app.writing import keys
from app.writing.keys import CHALLENGE, Key

READS: Final = ("GET", "HEAD", "OPTIONS")


def parts_of(given: bytes) -> tuple[str, str]:
    """The scheme of an `Authorization` header, and what follows it."""
    scheme, _, secret = given.decode("latin-1").strip().partition(" ")
    return scheme, secret.strip()


class Gate:
    """Recognises keys and keeps the limits; what it found stands in the scope, under `key`."""

    def __init__(self, app: ASGIApp, *, here: State, tally: Tally) -> None:
        self.app = app
        self.here = here
        settings = here.settings
        self.closed = settings.reads == "closed"
        limited = settings.rate_limit == "on"
        self.writes = Rate(tally, "writes", settings.writes_minute) if limited else None
        self.reads = Rate(tally, "reads", settings.reads_minute) if limited and settings.reads_minute else None
        self.refusals = Rate(tally, "refusals", settings.refused_minute) if limited else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        writes = scope["method"] not in READS
        if not given and not writes and not self.closed and self.reads is None:
            await self.app(scope, receive, send)
            return
        if scope["path"] in ("/healthz", "/readyz"):
            await self.app(scope, receive, send)
            return
        told: dict[str, str] = {}
        try:
            key = await self.recognised(scope, given)
            if self.closed and not writes and guarded(scope["path"]):
                require(key, "read")
            self.count(scope, key, writes, told)
        except ChanceryError as error:
            error.headers.update(told)
            await problem(error, scope["path"], scope.get("request_id"))(scope, receive, send)
            return
        hidden = self.closed and guarded(scope["path"])

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(told)
                if hidden:
                    headers["Cache-Control"] = private(headers.get("cache-control", "no-cache"))
                    headers.add_vary_header("Authorization")
            await send(message)

        handed = {**scope, "key": key}
        if hidden and key is not None:
            handed["still"] = partial(self.still, given[0])
        await self.app(handed, receive, sending)

    async def still(self, given: bytes) -> bool:
        """Whether a key that was good is good: for answers that last, asked anew. A database that is away ends nothing."""
        try:
            await to_thread.run_sync(self.look_up, parts_of(given)[1])
        except Unauthorized:
            return False
        except ChanceryError:
            return True
        return True

    async def recognised(self, scope: Scope, given: list[bytes]) -> Key | None:
        """The key that came with a request; None where none came."""
        if not given:
            return None
        address = address_of(scope)
        wait = self.refusals.spent(address) if self.refusals is not None else 0
        if wait:
            raise TooMany(
                f"Too many keys that are no good came from this address. Try again in {wait} s, with a good one.",
                headers={"Retry-After": str(wait)},
            )
        try:
            scheme, secret = parts_of(given[0])
            if len(given) > 1 or scheme.lower() != "bearer":
                raise keys.refused("A key comes once, as `Authorization: Bearer chy_…`.")
            return await to_thread.run_sync(self.look_up, secret)
        except Unauthorized:
            if self.refusals is not None:
                self.refusals.take(address)
            raise

    def look_up(self, secret: str) -> Key:
        """The key that a secret is; the database is asked only for what can be one."""
        if keys.FORM.fullmatch(secret) is None:
            raise keys.malformed()
        with self.here.database.read() as connection:
            return keys.recognise(connection, secret, self.here.clock())

    def count(self, scope: Scope, key: Key | None, writes: bool, told: dict[str, str]) -> None:
        """Count a request, and say in `told` what is left. Raises TooMany beyond the limit."""
        rate = self.writes if writes else self.reads
        if rate is None:
            return
        left, seconds = rate.take(f"key {key.id}" if key is not None else address_of(scope))
        told["RateLimit-Policy"] = f'"{rate.name}";q={rate.most};w={MINUTE:.0f}'
        told["RateLimit"] = f'"{rate.name}";r={max(0, left)};t={seconds}'
        if left < 0:
            raise TooMany(
                f"At most {rate.most} {rate.name} a minute are possible. Try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )


def guarded(path: str) -> bool:
    """Whether a path shows knowledge, or how it is used; the explorer's own files and the API's description show neither."""
    return path.startswith("/v1") or path == "/metrics"


def require(key: Key | None, scope: str) -> Key:
    """The key, where it reaches a scope. Raises Unauthorized without one, Forbidden for another."""
    if key is None:
        raise Unauthorized(
            f"This needs a key with the scope {scope}: send it as `Authorization: Bearer chy_…`. `chancery keys add` makes one.",
            headers={"WWW-Authenticate": CHALLENGE},
        )
    if not key.may(scope):
        raise Forbidden(
            f"This needs a key with the scope {scope}; yours has {', '.join(key.scopes)}.",
            headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"'},
        )
    return key


def address_of(scope: Scope) -> str:
    """Where a request comes from."""
    client: Any = scope.get("client")
    return str(client[0]) if client else "nowhere"


def private(control: str) -> str:
    """A Cache-Control for whoever asked alone."""
    kept = [part.strip() for part in control.split(",") if part.strip() not in ("public", "private")]
    return ", ".join(kept if "no-store" in kept else ["private", *kept])
