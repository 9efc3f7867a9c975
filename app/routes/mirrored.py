"""How another base learns what an import did: a stream of lines that is the same for ever, and goes on where it broke off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app import ledger
from app.answers import history
from app.coded import stream
from app.coded.lines import SECTIONS
from app.errors import BadQuery, Fault, NotFound
from app.formats.ndjson import FORMAT
from app.query.fields import Choice, View, Word
from app.query.params import READ, Parameter
from app.query.shapes import listed, obj, one_of, string, whole
from app.routes import heavy, reading
from app.routes.operations import Operation, PathParameter
from app.routes.questions import LIMIT

CURSOR: Final = Parameter(
    "cursor",
    "`next_cursor` of the page before; of a stream that broke off, the `cursor` of its last line of the type `position`.",
    Word(4000),
    "",
)
FORM: Final = Parameter(
    "format",
    "The representation: a page, or everything as lines of JSON.",
    Choice(("json", FORMAT.name)),
    FORMAT.name,
    default="json",
)
PARAMETERS: Final = (LIMIT, CURSOR, FORM, *READ)


def head_schema() -> dict[str, Any]:
    """What is said of the whole stream."""
    return {
        "revision": whole(),
        "kind": string("What the revision is."),
        "origin": string("The dataset, where the revision is an import.", null=True),
        "digest": string("sha256 of the file that was imported.", null=True),
        "format": string("As which it was read.", null=True),
        "fold": string("How its rows were folded into events.", null=True),
        "whole": {"type": ["boolean", "null"], "description": "Whether it was all there is of the dataset."},
        "lines": {
            "type": "object",
            "description": "How many lines of each kind there are in the whole stream.",
            "additionalProperties": whole(),
        },
    }


def line_schema() -> dict[str, Any]:
    """What a line may say, whichever kind it is of."""
    parts: dict[str, Any] = {
        "type": string("actor, link, event, report or row."),
        "act": string("open, close or reject."),
        "number": {
            "type": ["integer", "string"],
            "maxLength": 16,
            "description": "Of a dataset's actor a whole number, of an event and its reports 16 hexadecimal digits.",
        },
    }
    for section in SECTIONS:
        for cell in section.cells:
            parts.setdefault(cell.name, cell.kind.schema(cell.words))
    return obj(
        "Something that a revision did to events of datasets. What is null is left out.",
        parts,
        optional=tuple(name for name in parts if name not in ("type", "act")),
    )


def page_of(lines: dict[str, Any]) -> dict[str, Any]:
    """The shape of a page."""
    head = head_schema()
    return obj(
        "A page of what a revision did to events of datasets.",
        {"items": {**listed(lines), "maxItems": 500}, "next_cursor": string("Null at the end.", null=True), **head},
        optional=("digest", "format", "fold", "whole"),
    )


COMPONENTS: Final = {"RevisionLine": line_schema(), "RevisionLinePage": page_of(one_of("RevisionLine"))}


def operations() -> Iterator[Operation]:
    """The route."""
    yield Operation(
        "/v1/revisions/{number}/events",
        "list_revision_events",
        "history",
        "List what a revision did to events of datasets",
        "Imports bring too many events for the feed of changes. This is what one opened and closed: actors, who they are here, "
        "events, their reports, rows that were refused. As NDJSON it is the whole of it: the first line is of the type `revision` "
        "and counts what follows; a line of the type `position` after each block carries the `cursor` from which a stream that "
        "broke off goes on; the last line is of the type `end`.",
        streaming,
        one_of("RevisionLinePage"),
        PARAMETERS,
        (PathParameter("number", "The revision's number.", "1"),),
        media=(reading.JSON, FORMAT.media_type),
        problems=(404, 406, 414, 422, 500, 503),
        example="/v1/revisions/1/events",
    )


def streaming(request: Request) -> Response:
    """What one revision did: a page of it, or all of it as lines, a block at a time."""
    here = reading.state(request)
    number = request.path_params["number"]
    values = reading.values_of(request, PARAMETERS)
    after = stream.position(values["cursor"]) if "cursor" in values else None
    form = reading.representation(request, values.get("format"), ("json", FORMAT.name))
    if form == FORMAT.name and "limit" in values:
        detail = "limit is for JSON pages; lines come whole. Leave it out."
        raise BadQuery(detail, errors=[Fault("limit", detail)])
    with here.database.read() as connection:
        asked = reading.pin(request, connection, **reading.view_values(values), shows_words=False)
        pinned = pinned_to(request, connection, asked, number, form)
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
        if form == "json":
            limit = values.get("limit", here.settings.page_rows)
            items, place = stream.page(connection, pinned.view.revision, after, limit)
            head = stream.head(connection, pinned.view.revision)
            cursor = None if place is None else str(place)
            head.pop("type")
            told = {"items": items, "next_cursor": cursor, **head}
            return reading.said(pinned, told, links=reading.next_link(request, cursor))
    headers = reading.headers(pinned)
    if request.scope.get("head"):
        answer = Response(media_type=FORMAT.media_type, headers=headers)
        del answer.headers["content-length"]
        return answer
    heavy.only(request)
    parts = heavy.streamed(stream.told(here.database.read, pinned.view.revision, after), here.settings.heavy_requests)
    return StreamingResponse(parts, media_type=FORMAT.media_type, headers=headers)


def pinned_to(
    request: Request, connection: Connection, asked: reading.Pinned, number: str, form: str
) -> reading.Pinned:
    """The read, pinned to the revision that its path names: what that did never changes, whatever is published after it.

    Raises NotFound where it was not published by the revision that is asked for.
    """
    found = history.of_number(connection, asked.view.revision, number)
    if found is None:
        raise NotFound(
            f"There is no published revision of this number; the latest is {asked.view.revision}. /v1/revisions lists them."
        )
    view = View(found, asked.view.enrichment, ledger.mark_of(connection, found))
    etag = reading.tag(view, 0, request.url.path, reading.pairs_of(request), form)
    return replace(asked, view=view, etag=etag, cache="public, max-age=31536000, immutable")
