"""What every request goes through, as pure ASGI: a `BaseHTTPMiddleware` costs 300 µs a request, these next to nothing."""

from __future__ import annotations

import logging
import re
import time
from http import HTTPStatus
from urllib.parse import quote_from_bytes
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AddressTooLong, BadRequest, ChanceryError, TooLarge
from app.routes.metrics import Metrics
from app.routes.problems import Internal, printable, problem

log = logging.getLogger("chancery.access")
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

# Whatever a record says, a browser that opens an answer runs none of it.
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Frame-Options": "DENY",
}
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Front:
    """Gives a request its id, serves HEAD as GET, and logs the answer."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if SAFE_ID.fullmatch(given) else uuid4().hex
        method = scope["method"]
        scope = {
            **scope,
            "request_id": request_id,
            "head": method == "HEAD",
            "method": "GET" if method == "HEAD" else method,
            "path": printable(scope["path"]),
            # `curl '…?speaker=石破茂'` sends its bytes as they are, which the framework could not even read.
            "query_string": quote_from_bytes(scope["query_string"], safe=PRINTABLE).encode(),
        }
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                told = MutableHeaders(scope=message)
                told["X-Request-ID"] = request_id
                told.append("Server-Timing", f"total;dur={(time.perf_counter() - begun) * 1000:.1f}")
                for name, value in SECURITY.items():
                    told.setdefault(name, value)
                told.setdefault("Content-Security-Policy", POLICY)
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            took = time.perf_counter() - begun
            self.metrics.answered(method, status, took)
            spent = round(took * 1000, 1)
            fields = {
                "request_id": request_id,
                "method": method,
                "path": scope["path"][:500],
                "status": status,
                "ms": spent,
            }
            log.info("%s %s %s", method, scope["path"][:500], status, extra=fields)


class Cors(CORSMiddleware):
    """Lets pages of other origins read, errors included; a preflight that is turned down is a problem document too."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code != HTTPStatus.BAD_REQUEST:
            return Response(status_code=204, headers=told(answer))
        origins = ", ".join(self.allow_origins) or "none"
        refusal = BadRequest(
            f"{bytes(answer.body).decode()}. Pages of other origins may use {', '.join(self.allow_methods)} from: {origins}.",
            headers=told(answer),
        )
        return problem(refusal, "/", None)


def told(answer: Response) -> dict[str, str]:
    """The headers of an answer without those that describe its body."""
    return {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}


class Guard:
    """Refuses an address or a body that is too long, and answers what the application left unanswered."""

    def __init__(self, app: ASGIApp, *, url_bytes: int, body_bytes: int) -> None:
        self.app = app
        self.url_bytes = url_bytes
        self.body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope.get("request_id")
        answered = False

        async def sending(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        refused = self.refused(scope, dict(scope["headers"]))
        try:
            if refused is not None:
                await problem(refused, scope["path"], request_id)(scope, receive, sending)
            else:
                await self.app(scope, receive, sending)
        except Exception:
            # The application answers its own errors; what reaches this line broke after or around that.
            log.exception("unanswered error", extra={"request_id": request_id})
            if answered:
                raise
            await problem(Internal(), scope["path"], request_id)(scope, receive, sending)

    def refused(self, scope: Scope, headers: dict[bytes, bytes]) -> ChanceryError | None:
        """The refusal of a request by its size, before anything reads it."""
        length = len(scope.get("raw_path", b"")) + len(scope["query_string"]) + 1
        if length > self.url_bytes:
            return AddressTooLong(
                f"The address has {length} bytes; at most {self.url_bytes} are possible. Ask for less at once."
            )
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.body_bytes:
            return TooLarge(f"The body has {int(declared)} bytes; at most {self.body_bytes} are possible.")
        return None
