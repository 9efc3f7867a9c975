"""How another knowledge base is mirrored: its log read over HTTP, once or for as long as the command runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.client import TooLong, lines, of_server, problem
from app.commands.common import Where, opened, say
from app.errors import ChanceryError, Conflict, NotFound

if TYPE_CHECKING:
    import httpx

    from app.writing.mirror import Mirror

SECONDS = 60.0  # for a part of an answer; and how long one look-out for news lasts
BYTES = 200_000_000  # the largest answer that is taken whole
PASSING = (408, 429, 500, 502, 503, 504)  # what later may be otherwise


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
        bool, typer.Option("--without-events", help="Pass over what imports did to events of datasets.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.1, help="How often to look for news.")
    ] = 5.0,
) -> None:
    """Follow another knowledge base into an empty database of one's own.

    Every revision is replayed under its number, with its date, its reason and who made it. It follows until it is ended.
    """
    from app.importers.progress import shown
    from app.times import utc_now
    from app.writing.mirror import Mirror, Unanswered

    with (
        of_server(url, key, agent="chancery-mirror", seconds=SECONDS) as client,
        opened(database) as (_, own),
        shown() as progress,
    ):
        other = Other(client)
        following = Mirror(own, other, utc_now, without_events, progress)
        while True:
            try:
                for revision in following.catch_up():
                    typer.echo(f"Revision {revision['number']}, {revision['by']}: {revision['why']}")
            except Unanswered as error:
                if once or not other.answered:
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


class Other:
    """The other knowledge base, asked over HTTP."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.base = str(client.base_url).rstrip("/")
        self.answered = (
            False  # whether it ever did: what never did is more likely a wrong address than one that is away
        )

    @contextmanager
    def asking(self, path: str, accept: str, method: str = "GET") -> Iterator[httpx.Response]:
        """An open answer. Raises NotFound, Unanswered, or ChanceryError for a refusal."""
        import httpx

        from app.writing.mirror import Unanswered

        try:
            with self.client.stream(method, path, headers={"Accept": accept}) as answer:
                self.answered = True
                if answer.status_code == 404:
                    raise NotFound(f"{self.base}{path} is not there.")
                if answer.status_code != 200:
                    detail, _ = problem(answer)
                    kind = Unanswered if answer.status_code in PASSING else ChanceryError
                    more = f": {detail[:500]}" if detail else "."
                    raise kind(f"{self.base} answered {answer.status_code} to {path}{more}")
                yield answer
        except httpx.RemoteProtocolError as error:
            raise Unanswered(f"{self.base} broke off ({error}).") from None
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            first = "" if self.answered else " Is the address right, and does it run?"
            raise Unanswered(f"{self.base} does not answer ({said}).{first}") from None
        except httpx.InvalidURL as error:
            raise ChanceryError(f"{self.base} cannot be asked for {path[:200]}: {error}.") from None

    def read(self, path: str, accept: str) -> bytes:
        """The bytes of an answer."""
        body = bytearray()
        with self.asking(path, accept) as answer:
            for part in answer.iter_bytes():
                body += part
                if len(body) > BYTES:
                    raise ChanceryError(f"{self.base} answers {path} with more than {BYTES} bytes.")
        return bytes(body)

    def json(self, path: str) -> Any:
        """The JSON of an answer."""
        import orjson

        try:
            return orjson.loads(self.read(path, "application/json"))
        except orjson.JSONDecodeError:
            raise ChanceryError(f"{self.base}{path} does not answer with JSON: is it a knowledge base?") from None

    def text(self, path: str) -> str:
        """A text."""
        try:
            return self.read(path, "text/plain").decode("utf-8")
        except UnicodeDecodeError:
            raise ChanceryError(f"{self.base}{path} does not answer with a text in UTF-8.") from None

    def tag(self, path: str) -> str | None:
        """The ETag of an answer, which is not fetched."""
        with self.asking(path, "*/*", "HEAD") as answer:
            found: str | None = answer.headers.get("etag")
            return found

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of an answer as they come."""
        with self.asking(path, "application/x-ndjson") as answer:
            try:
                yield from lines(answer.iter_bytes())
            except TooLong:
                raise Conflict(
                    f"{self.base} sends a line without an end for {path}. Nothing of it was written."
                ) from None

    def look_out(self, after: int, seconds: float) -> None:
        """Wait until there is news: told at once where the other one tells it, else looked for every few seconds."""
        begun = time.monotonic()
        with suppress(ChanceryError, TooLong), self.asking(f"/v1/changes?after={after}", "text/event-stream") as answer:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                for line in lines(answer.iter_bytes()):
                    if line.startswith(b"data:"):
                        return
                    if time.monotonic() - begun >= SECONDS:
                        break
                return
        time.sleep(max(0.0, seconds - (time.monotonic() - begun)))
