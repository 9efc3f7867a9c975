"""The limit of the server: an ASGI function that answers fixed bytes, as many as BENCH_BYTES says, or 304 without any."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

BODY = b"x" * int(os.environ.get("BENCH_BYTES", "100"))
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}
SENT = {"type": "http.response.body", "body": BODY}


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """The same answer to everything."""
    if scope["type"] == "http":
        await send(START)
        await send(SENT)
