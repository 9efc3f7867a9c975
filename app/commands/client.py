"""How a running server is asked by the command line: one client, what it refuses in words, and its answers as they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.commands.common import Unusable, read_key

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS: Final = 10.0
LINE_BYTES: Final = 8_000_000  # of a line that is taken; the longest that is sent has less


def of_server(server: str, key: Path | None, *, agent: str, seconds: float) -> httpx.Client:
    """A client of a running server, which waits so long for each part of an answer. Raises Unusable for what is no address."""
    import httpx

    if not server.startswith(("http://", "https://")):
        raise Unusable("The server's address begins with http:// or https://.")
    headers = {"User-Agent": agent}
    if key is not None:
        headers["Authorization"] = f"Bearer {read_key(key)}"
    try:
        return httpx.Client(
            base_url=server.rstrip("/"),
            headers=headers,
            timeout=httpx.Timeout(CONNECT_SECONDS, read=seconds),
            follow_redirects=True,
        )
    except httpx.InvalidURL as error:
        raise Unusable(f"{server} is not an address: {error}.") from None


def problem(answer: httpx.Response) -> tuple[str | None, list[str]]:
    """What the problem says that was answered, and what it says of each thing that is wrong; nothing where it is none."""
    import orjson

    answer.read()
    try:
        told = orjson.loads(answer.content)
        wrong = [f"{one['name']}: {one['detail']}" for one in told.get("errors", ()) if "detail" in one]
        return str(told["detail"]), wrong
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None, []


class TooLong(Exception):
    """A line that nobody sends."""


def lines(parts: Iterator[bytes], most: int = LINE_BYTES) -> Iterator[bytes]:
    """The lines of a stream without their ends. Raises TooLong rather than hold one without bounds."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n") if b"\n" in part else (rest + part,)
        yield from whole
        if len(rest) > most:
            raise TooLong
    if rest:
        yield rest
