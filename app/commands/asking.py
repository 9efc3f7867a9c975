"""How a knowledge base is asked from the command line: any list as a table or in any format, and all of it into a folder."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO
from urllib.parse import urlencode

import typer

from app.commands.client import of_server, problem
from app.commands.common import Unusable, Where, opened, say
from app.errors import ChanceryError

if TYPE_CHECKING:
    import httpx

SECONDS = 600.0  # until an answer begins: the first part of an export may take as long as a sort of everything
NOT_POSSIBLE = (404, 405, 406, 414, 422)  # what another argument would mend
RESOURCE = re.compile(r"[a-z]+(?:/[^/?#\s]+){0,2}")


class As(StrEnum):
    """What a list can be printed as."""

    table = "table"
    json = "json"
    ndjson = "ndjson"
    csv = "csv"
    parquet = "parquet"
    jsonld = "jsonld"
    atom = "atom"
    gexf = "gexf"
    graphml = "graphml"
    popolo = "popolo"


class Whole(StrEnum):
    """What everything can be exported as."""

    ndjson = "ndjson"
    csv = "csv"
    parquet = "parquet"
    jsonld = "jsonld"


Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Ask a running server instead of a database."),
]
Key = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="A key with the scope read, where that server's reads are closed."),
]


def list_(
    resource: Annotated[
        str | None,
        typer.Argument(metavar="RESOURCE", help="What to list, as in the address: statements, events/counts, search."),
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILTER=VALUE…", help="Any parameter of that list: speaker=Ishiba sort=-said limit=5."),
    ] = None,
    form: Annotated[
        As | None,
        typer.Option("--as", help="The format; else what FILE ends in, else a table.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there; it appears when it is whole.")
    ] = None,
    database: Where = None,
    server: Server = None,
    key: Key = None,
) -> None:
    """Ask for a list: the same questions as over HTTP, the same answers.

    A table and json bring one page; the other formats bring everything, unless limit=… says how much. Without RESOURCE it
    says what can be listed.
    """
    chosen = form or form_of(output)
    if chosen is As.parquet and output is None and sys.stdout.isatty():
        raise Unusable("Parquet is no text. Write it to a file: --output FILE.parquet.")
    path, pairs = question(resource, filters or [])
    if chosen not in (As.table, As.json):
        if any(name == "format" for name, _ in pairs):
            raise Unusable("Say the format once: either --as or format=….")
        pairs = [*pairs, ("format", chosen.value)]
    with asked(database, server, key) as client, destination(output) as out:
        if chosen is not As.table:
            for part in parts(client, path, pairs):
                out.write(part)
            return
        from app.commands.tables import table

        answer = content(client, path, pairs)
        out.write(table(answer, shown(pairs), width_of(output)).encode("utf-8", "replace"))
    if answer.get("next_cursor"):
        say("More follow: limit=500 shows more, --as csv or --as ndjson brings all.")
    elif answer.get("items") == []:
        say(emptiness(answer))


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    form: Annotated[Whole, typer.Option("--as", help="The format of the files.")] = Whole.ndjson,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="WHEN", help="A revision, a day or a moment; else the latest.")
    ] = None,
    enrichment: Annotated[bool, typer.Option("--enrichment", help="Bring in what is known from outside.")] = False,
    database: Where = None,
    server: Server = None,
    key: Key = None,
) -> None:
    """Write everything into a folder: a file for each resource, all at one revision, and a manifest with their digests.

    The folder appears when all of it is whole. Withheld texts stay withheld.
    """
    from app.commands.exporting import Asked, write_all

    with asked(database, server, key) as client:
        told = write_all(
            folder,
            Asked(lambda path, pairs: content(client, path, pairs), lambda path, pairs: parts(client, path, pairs)),
            form.value,
            as_of,
            enrichment,
        )
    for line in told:
        typer.echo(line)


# ── What is asked, and of whom ──────────────────────────────────────────────────────────────────────────────────────


def question(resource: str | None, filters: list[str]) -> tuple[str, list[tuple[str, str]]]:
    """The path and the parameters. Raises Unusable for what is neither."""
    if resource is None:
        return "/v1/resources", []
    name = resource.removeprefix("/v1/").strip("/")
    if "=" in name or not RESOURCE.fullmatch(name):
        raise Unusable(f"{resource!r} is not a resource. `chancery list` says which there are; filters come after it.")
    pairs = []
    for one in filters:
        parameter, equals, value = one.partition("=")
        if not equals or not parameter:
            raise Unusable(f"{one!r} is not a filter. Write it as FILTER=VALUE, such as speaker=Ishiba.")
        pairs.append((parameter, value))
    return f"/v1/{name}", pairs


def shown(pairs: list[tuple[str, str]]) -> list[str]:
    """The columns that were asked for with `fields`."""
    return [part for name, value in pairs if name == "fields" for part in value.split(",") if part]


def form_of(output: Path | None) -> As:
    """The format that a file's name says. Raises Unusable where it says none."""
    if output is None or output.suffix in ("", ".txt"):
        return As.table
    try:
        return As(output.suffix.removeprefix("."))
    except ValueError:
        raise Unusable(f"{output.name} does not say its format; add --as {', '.join(As)}.") from None


@contextmanager
def asked(database: str | None, server: str | None, key: Path | None) -> Iterator[httpx.Client]:
    """A client of the database in this process, or of a running server."""
    import httpx

    if server is not None:
        if database is not None:
            raise Unusable("Ask one: either --database or --server.")
        with of_server(server, key, agent="chancery", seconds=SECONDS) as client:
            yield client
        return
    if key is not None:
        raise Unusable("A key is for a server: add --server URL.")
    from app.commands.inside import Inside
    from app.main import create_app

    with opened(database) as (settings, base):
        # Whoever may open the database may read it: neither keys nor limits stand before its owner.
        own = settings.model_copy(update={"reads": "open", "rate_limit": "off", "answers_bytes": 0})
        transport = Inside(create_app(own, database=base))
        with httpx.Client(transport=transport, base_url="http://database", timeout=SECONDS) as client:
            yield client


def parts(client: httpx.Client, path: str, pairs: list[tuple[str, str]]) -> Iterator[bytes]:
    """The bytes of an answer as they come. Raises Unusable or ChanceryError for anything but 200, and for a cut answer."""
    import httpx

    address = f"{path}?{urlencode(pairs, errors='surrogateescape')}" if pairs else path
    try:
        with client.stream("GET", address, follow_redirects=True) as answer:
            if answer.status_code != 200:
                raise refusal(answer)
            yield from answer.iter_bytes()
    except httpx.RemoteProtocolError as error:
        raise ChanceryError(f"The answer broke off ({error}); nothing of it is kept.") from None
    except httpx.HTTPError as error:
        raise ChanceryError(f"{client.base_url.host} does not answer ({str(error) or type(error).__name__}).") from None
    except (httpx.InvalidURL, UnicodeEncodeError) as error:
        raise Unusable(f"This cannot be asked: {error}.") from None


def content(client: httpx.Client, path: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The JSON of an answer."""
    import orjson

    try:
        answer = orjson.loads(b"".join(parts(client, path, pairs)))
    except orjson.JSONDecodeError:
        raise ChanceryError(f"{path} does not answer with JSON: is it a Chancery server?") from None
    if not isinstance(answer, dict):
        raise ChanceryError(f"{path} does not answer as Chancery does.")
    return answer


def refusal(answer: httpx.Response) -> ChanceryError:
    """What was turned down, in the words of the problem that was answered."""
    detail, wrong = problem(answer)
    said = detail or f"{answer.url.host} answered {answer.status_code}: is it a Chancery server?"
    if answer.status_code == 404:
        said = unknown(answer.url.path) or said
    told = "\n".join([said, *(line for line in wrong if line.partition(": ")[2] not in said)])
    return Unusable(told) if answer.status_code in NOT_POSSIBLE else ChanceryError(told)


def unknown(path: str) -> str | None:
    """What to say of a list that is not there; None where the list is known and the rest of the path is not."""
    from app.query.params import nearest
    from app.routes.every import operations

    known = {one.path.removeprefix("/v1/").partition("/")[0] for one in operations() if one.path.startswith("/v1/")}
    name = path.removeprefix("/v1/").partition("/")[0]
    if name in known:
        return None
    near = nearest(name, known)
    meant = f" The nearest is {near!r}." if near is not None else ""
    return f"There is no list {name!r}.{meant} `chancery list` says which there are."


# ── Where it goes ───────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def destination(output: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that gets its name when all of it is written."""
    if output is None:
        yield sys.stdout.buffer
        return
    from app.copies import aside

    if output.is_dir():
        raise Unusable(f"{output} is a folder; name a file.")
    with aside(output) as part, part.open("wb") as written:
        yield written


def width_of(output: Path | None) -> int | None:
    """The columns of the terminal; None where nothing has to be shortened."""
    import shutil

    return shutil.get_terminal_size().columns if output is None and sys.stdout.isatty() else None


def emptiness(answer: dict[str, Any]) -> str:
    """What an empty list is worth."""
    coverage = answer.get("coverage") or {}
    words = {"none_found": "None found", "not_covered": "Not covered"}.get(coverage.get("zero") or "", "Nothing")
    return " ".join([f"{words}. {coverage.get('query', '')}", *coverage.get("notes", ())]).strip()
