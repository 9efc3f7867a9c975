"""How another knowledge base is mirrored: its log read over HTTP, once or for as long as the command runs."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.common import Unusable, Where, opened, read_key, say
from app.errors import ChanceryError, NotFound

if TYPE_CHECKING:
    from app.writing.mirror import Mirror

SECONDS = 60.0  # for an answer; and how long one look-out for news lasts
BYTES = 200_000_000  # the largest answer that is taken


def mirror(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The other one's address, such as https://chancery.example.org.")
    ],
    database: Where = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is left to replay.")] = False,
    key: Annotated[
        Path | None,
        typer.Option("--key-file", metavar="FILE", help="A key with the scope read, where reads are closed there."),
    ] = None,
    without_events: Annotated[
        bool, typer.Option("--without-events", help="Pass over imports of coded events, which the log does not carry.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.1, help="How often to look for news.")
    ] = 5.0,
) -> None:
    """Follow another knowledge base into an empty database of one's own.

    Every revision is replayed under its number, with its date, its reason and who made it. It follows until it is ended.
    """
    from app.times import utc_now
    from app.writing.mirror import Mirror

    base = url.rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise Unusable("The address begins with http:// or https://.")
    other = Other(base, None if key is None else read_key(key))
    with opened(database) as (_, own):
        following = Mirror(own, other.json, other.text, utc_now, without_events)
        while True:
            try:
                for revision in following.catch_up():
                    typer.echo(f"Revision {revision['number']}, {revision['by']}: {revision['why']}")
            except Unanswered as error:
                if once:
                    raise
                say(f"{error.detail} Trying again.")
            if once:
                return
            other.look_out(latest_of(following), every)


def latest_of(following: Mirror) -> int:
    """The newest revision here."""
    from app import ledger

    with following.database.read() as connection:
        return ledger.latest(connection)


class Unanswered(ChanceryError):
    """The other one is away, busy or broken: later it may answer."""


class Other:
    """The other knowledge base, asked over HTTP."""

    def __init__(self, base: str, key: str | None) -> None:
        self.base = base
        self.headers = {"User-Agent": "chancery-mirror"} | ({} if key is None else {"Authorization": f"Bearer {key}"})

    def ask(self, path: str, accept: str) -> Any:
        """An open answer. Raises NotFound, Unanswered, or ChanceryError for a refusal."""
        request = urllib.request.Request(self.base + path, headers={**self.headers, "Accept": accept})  # noqa: S310
        try:
            return urllib.request.urlopen(request, timeout=SECONDS)  # noqa: S310  # nosec B310
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    raise NotFound(f"{self.base}{path} is not there.") from None
                kind = Unanswered if error.code in (429, 500, 502, 503, 504) else ChanceryError
                raise kind(f"{self.base} answered {error.code} to {path}.") from None
        except OSError as error:
            raise Unanswered(f"{self.base} does not answer ({getattr(error, 'reason', error)}).") from None

    def read(self, path: str, accept: str) -> bytes:
        """The bytes of an answer."""
        with self.ask(path, accept) as answer:
            try:
                body: bytes = answer.read(BYTES + 1)
            except OSError as error:
                raise Unanswered(f"{self.base} broke off ({error}).") from None
        if len(body) > BYTES:
            raise ChanceryError(f"{self.base} answers {path} with more than {BYTES} bytes.")
        return body

    def json(self, path: str) -> Any:
        """The JSON of an answer."""
        import orjson

        try:
            return orjson.loads(self.read(path, "application/json"))
        except orjson.JSONDecodeError:
            raise ChanceryError(f"{self.base}{path} does not answer with JSON: is it a knowledge base?") from None

    def text(self, path: str) -> str | None:
        """A text; None where it is withheld."""
        try:
            return self.read(path, "text/plain").decode("utf-8")
        except (NotFound, UnicodeDecodeError):
            return None

    def look_out(self, after: int, seconds: float) -> None:
        """Wait until there is news: told at once where the other one tells it, else looked for every few seconds."""
        begun = time.monotonic()
        with suppress(ChanceryError, OSError), self.ask(f"/v1/changes?after={after}", "text/event-stream") as answer:
            if answer.headers.get_content_type() == "text/event-stream":
                while time.monotonic() - begun < SECONDS:
                    if answer.readline(1_000_000).startswith(b"data:"):
                        return
                return
        time.sleep(max(0.0, seconds - (time.monotonic() - begun)))
