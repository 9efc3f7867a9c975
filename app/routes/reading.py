"""What every read has in common: its revision, its ETag, its headers and its representation."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode

import orjson
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app import __version__, ledger
from app.db import Database
from app.errors import BadQuery, Fault, NotAcceptable, Unavailable
from app.formats import media_types
from app.query import cursor
from app.query.evidence import access
from app.query.fields import View
from app.query.once import Once
from app.query.page import Bounds, Coverage
from app.query.params import Limits, Parameter, parse_plain
from app.routes.metrics import Metrics
from app.settings import Settings
from app.standing import Standing
from app.times import Clock
from app.vocabularies import Vocabularies

JSON = "application/json"
ADDRESSED = ("jsonld", "popolo", "atom")  # representations that hold whole addresses, and change with the setting
# What an address holds as it is.
PLAIN_PATH = re.compile(r"/[A-Za-z0-9_.~:@/-]*")
PLAIN_WORD = re.compile(r"[A-Za-z0-9_.~:@-]*")
T = TypeVar("T")
NUMBERED: Once[str, tuple[int, bool, str]] = Once(5_000)  # what numbers that were asked for stand for


@dataclass(frozen=True, slots=True)
class State:
    """What a running application holds: everything a request needs, handed in when it was made."""

    settings: Settings
    database: Database
    vocabularies: Vocabularies
    clock: Clock
    coverage: Coverage = field(default_factory=Coverage)
    metrics: Metrics = field(default_factory=Metrics)
    waiting: BoundedSemaphore = field(
        default_factory=lambda: BoundedSemaphore(2)
    )  # who waits for a revision holds a thread

    @property
    def bounds(self) -> Bounds:
        """How far an answer goes."""
        return Bounds(self.settings.count_rows_most, self.settings.facet_values_most, self.settings.chunk_rows)

    @property
    def limits(self) -> Limits:
        """How much a request may ask for."""
        return Limits(self.settings.page_rows, self.settings.page_rows_most)


def state(request: Request) -> State:
    """The state of the application that a request came to."""
    found: State = request.app.state.chancery
    return found


@dataclass(frozen=True, slots=True)
class Pinned:
    """A read, pinned: the revision it answers from, the newest one, and the ETag of its answer."""

    view: View
    latest: int
    etag: str
    cache: str


def answered(
    request: Request,
    answer: Callable[[Connection, Pinned], T],
    *,
    as_of: str | None,
    enrichment: bool,
    min_revision: int | None,
    shows_words: bool,
    representation: str = "json",
    walk: cursor.Walk | None = None,
) -> T | Response:
    """What `answer` makes at the revision that a read is pinned to, see `pin`; 304 where the client has that already."""
    with state(request).database.read() as connection:
        pinned = pin(
            request,
            connection,
            as_of=as_of,
            enrichment=enrichment,
            min_revision=min_revision,
            shows_words=shows_words,
            representation=representation,
            walk=walk,
        )
        same = unchanged(request, pinned)
        return answer(connection, pinned) if same is None else same


def pin(
    request: Request,
    connection: Connection,
    *,
    as_of: str | None,
    enrichment: bool,
    min_revision: int | None,
    shows_words: bool,
    representation: str = "json",
    walk: cursor.Walk | None = None,
) -> Pinned:
    """The revision that a read answers from, and the ETag of that answer; `walk` is the one that a cursor is pinned to.

    Raises BadQuery for an `as_of` in the future, Unavailable where `min_revision` has not come yet.
    """
    here = state(request)
    # What the database stood at when the request came, where that is known without asking, see `app.standing`.
    known: Standing | None = request.scope.get("standing") if min_revision is None else None
    latest, mark = (known.revision, known.mark) if known is not None else waited(here, connection, min_revision)
    now = here.clock()
    revision, settled, then = (
        (latest, False, mark) if as_of is None else named(connection, as_of, now, View(latest, False, mark))
    )
    if walk is not None:
        # Today has not ended: what is published meanwhile does not end a walk.
        if as_of is not None and settled and walk.revision != revision:
            raise cursor.refused(
                "This cursor is pinned to another revision than as_of names. Leave as_of out, or start again."
            )
        if walk.revision > latest:
            raise cursor.refused(
                f"This cursor is pinned to revision {walk.revision}, which is not published here; the latest is {latest}."
            )
        revision, then = walk.revision, None
    if revision != latest:
        mark = ledger.mark_of(connection, revision) if then is None else then
    if walk is not None and walk.stamp != mark:
        raise cursor.refused(
            f"This cursor is pinned to a revision {revision} of before a backup was put back here. Start again without it."
        )
    # What can show the words of a source is revalidated: a withdrawn text is gone from every answer at once.
    cache = "public, max-age=31536000, immutable" if settled and not shows_words else "public, no-cache"
    words = 0
    if shows_words:
        words = known.words if known is not None else access(connection)
    if representation in ADDRESSED:
        representation = f"{representation} {here.settings.base}"
    view = View(revision, enrichment, mark)
    return Pinned(view, latest, tag(view, words, path_of(request), pairs_of(request), representation), cache)


def tag(view: View, words: int, path: str, pairs: Sequence[tuple[str, str]], representation: str = "json") -> str:
    """The ETag of the answer to a request, at a revision and a count of accesses to texts."""
    # Whoever waited for a revision reads the same as whoever did not, and may edit it with the tag.
    told = sorted(pair for pair in pairs if pair[0] != "min_revision")
    parts = [__version__, view.revision, view.stamp, words, path, told, representation]
    return f'"{view.revision}-{sha256(orjson.dumps(parts)).hexdigest()[:20]}"'


def named(connection: Connection, as_of: str, now: datetime, newest: View) -> tuple[int, bool, str | None]:
    """The revision that `as_of` names, whether it will always be that one, and its mark where that is at hand."""
    try:
        if as_of.isascii() and as_of.isdigit():
            # Every number up to a published one is decided: it can be remembered beside that.
            return NUMBERED.get(connection, newest, as_of, lambda: numbered(connection, as_of, now))
        return ledger.revision_at(connection, as_of, now), ledger.settled(as_of, now), None
    except BadQuery as error:
        raise type(error)(error.detail, errors=error.errors or [Fault("as_of", error.detail)]) from None


def numbered(connection: Connection, as_of: str, now: datetime) -> tuple[int, bool, str]:
    """The same for a number."""
    revision = ledger.revision_at(connection, as_of, now)
    return revision, ledger.settled(as_of, now), ledger.mark_of(connection, revision)


def waited(here: State, connection: Connection, min_revision: int | None) -> tuple[int, str]:
    """The newest revision and its mark, once it has reached `min_revision`."""
    latest, mark = ledger.newest(connection)
    if min_revision is None or latest >= min_revision:
        return latest, mark
    if here.waiting.acquire(blocking=False):
        try:
            deadline = time.monotonic() + here.settings.min_revision_seconds
            while latest < min_revision and time.monotonic() < deadline:
                time.sleep(0.05)
                latest, mark = ledger.newest(connection)
        finally:
            here.waiting.release()
    if latest < min_revision:
        raise Unavailable(
            f"Revision {min_revision} is not visible here yet; the latest is {latest}. Try again shortly.",
            headers={"Retry-After": "1"},
        )
    return latest, mark


def unchanged(request: Request, pinned: Pinned) -> Response | None:
    """304 where the client has this very answer already."""
    return Response(status_code=304, headers=headers(pinned)) if held(request, pinned.etag) else None


def held(request: Request, etag: str) -> bool:
    """Whether the client says that it has the answer of this ETag already."""
    asked = request.headers.get("if-none-match", "")
    return asked.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in asked.split(",")]


def headers(pinned: Pinned, links: Sequence[str] = ()) -> dict[str, str]:
    """The headers of every read."""
    told = {
        "ETag": pinned.etag,
        "KB-Revision": str(pinned.view.revision),
        "Cache-Control": pinned.cache,
        "Vary": "Accept",
    }
    if links:
        told["Link"] = ", ".join(links)
    return told


def said(pinned: Pinned, content: Any, *, links: Sequence[str] = (), media_type: str = JSON) -> Response:
    """An answer with its headers."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(body, media_type=media_type, headers=headers(pinned, links))


def unversioned(request: Request, body: bytes, media_type: str) -> Response:
    """An answer that no revision changes, only another version or setting of the service: its ETag is made of its bytes."""
    told = {"ETag": f'"{sha256(body).hexdigest()[:20]}"', "Cache-Control": "no-cache"}
    if held(request, told["ETag"]):
        return Response(status_code=304, headers=told)
    return Response(body, media_type=media_type, headers=told)


def next_link(request: Request, cursor: str | None) -> list[str]:
    """The RFC 8288 link to the next page, where there is one."""
    if cursor is None:
        return []
    pairs = [pair for pair in pairs_of(request) if pair[0] != "cursor"]
    return [f'<{path_of(request)}?{encoded([*pairs, ("cursor", cursor)])}>; rel="next"']


def path_of(request: Request) -> str:
    """The path of a request; a plain one is read off, since making a whole address of it takes longer than a record does."""
    path: str = request.scope["path"]
    return path if PLAIN_PATH.fullmatch(path) and not request.scope.get("root_path") else request.url.path


def encoded(pairs: Sequence[tuple[str, str]]) -> str:
    """Parameters as an address holds them."""
    if all(PLAIN_WORD.fullmatch(name) and PLAIN_WORD.fullmatch(value) for name, value in pairs):
        return "&".join([f"{name}={value}" for name, value in pairs])
    return urlencode(pairs, safe=":@")


def representation(request: Request, asked: str | None, offered: Sequence[str]) -> str:
    """The format of an answer, by `format=` or else by `Accept`. Raises NotAcceptable with what there is."""
    if asked is not None:
        return asked
    accept = request.headers.get("accept", "").strip() or "*/*"
    if accept in ("*/*", JSON):
        return "json"
    known = {media: name for name, media in media_types().items() if name in offered or name == "json"}
    for media in ranked(accept):
        if media in ("*/*", "application/*"):
            return "json"
        if media in known:
            return known[media]
        if media == "text/*" and "text/csv" in known:
            return "csv"
    raise NotAcceptable(
        f"There is no representation of this as {accept[:100]!r}. There are: {', '.join(sorted(known))}."
    )


def ranked(accept: str) -> list[str]:
    """The media types of an Accept header, those preferred first; those with q=0 are left out."""
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")[:50]):
        media, *rest = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for piece in rest:
            if piece.startswith("q="):
                try:
                    quality = min(1.0, max(0.0, float(piece[2:])))
                except ValueError:
                    quality = 0.0
        if quality > 0 and media:
            found.append((-quality, place, media))
    return [media for _, _, media in sorted(found)]


def pairs_of(request: Request) -> list[tuple[str, str]]:
    """The parameters of a request, in their order; read once."""
    query: bytes = request.scope["query_string"]
    known = request.scope.get("pairs")
    if known is None or known[0] is not query:
        known = request.scope["pairs"] = (query, pairs_in(query))
    pairs: list[tuple[str, str]] = known[1]
    return pairs


def pairs_in(query: bytes) -> list[tuple[str, str]]:
    """The parameters of a query string, as `urllib.parse.parse_qsl` reads them in three times the time."""
    pairs = []
    for part in query.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if part:
            pairs.append((unquoted(name), unquoted(value)))
    return pairs


def unquoted(text: str) -> str:
    """A name or a value as it is meant."""
    return unquote(text.replace("+", " ")) if "%" in text or "+" in text else text


def values_of(request: Request, known: Sequence[Parameter], *needed: tuple[str, str, str]) -> dict[str, Any]:
    """The parameters of a plain route, by name; refused where one is missing that it needs, each with what it is and an example."""
    found = parse_plain(pairs_of(request), known, state(request).vocabularies)
    for name, what, example in needed:
        if name not in found:
            required(name, what, example)
    return found


def view_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a plain route read of the parameters that every read takes, as `pin` wants them."""
    return {
        "as_of": values.get("as_of"),
        "enrichment": values.get("enrichment", False),
        "min_revision": values.get("min_revision"),
    }


def required(name: str, what: str, example: str) -> None:
    """Refuse a request that leaves out a parameter which it cannot do without."""
    detail = f"{name} is missing: {what}. For example {example}."
    raise BadQuery(detail, errors=[Fault(name, detail)])


def plausible(id: str) -> bool:
    """Whether a database can be asked for this id at all: some text cannot even be sent to it."""
    return 0 < len(id) <= 500 and id.isprintable() and "\ufffd" not in id
