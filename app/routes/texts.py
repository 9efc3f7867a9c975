"""How the text of a source is read, where it is at hand."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from app.answers import history
from app.errors import NotFound
from app.query import page
from app.query.evidence import Texts
from app.query.params import READ, parse_plain
from app.resources import RESOURCES
from app.routes import reading
from app.routes.operations import Operation, PathParameter

TEXT = "text/plain"


def operations() -> Iterator[Operation]:
    """The routes."""
    yield Operation(
        "/v1/sources/{id}/text",
        "get_source_text",
        "sources",
        "Read the text of a source",
        "The whole text, as its citations count it: Unicode code points, from 0. 404 where it is withheld here; whoever "
        "holds it can attach it.",
        reading_text,
        {"type": "string", "maxLength": 100000000},
        READ,
        (PathParameter("id", "The id of a source.", ""),),
        media=(TEXT,),
        problems=(404, 406, 414, 422, 500, 503),
    )


def reading_text(request: Request) -> Response:
    here = reading.state(request)
    id = request.path_params["id"]
    values = parse_plain(reading.pairs_of(request), READ, here.vocabularies)
    resource = RESOURCES["sources"]
    with here.database.read() as connection:
        pinned = reading.pin(request, connection, **reading.view_values(values), shows_words=True, representation=TEXT)
        known = page.one(connection, resource, pinned.view, id) if reading.plausible(id) else None
        if known is None:
            raise history.missing(connection, resource, pinned.view, id if reading.plausible(id) else "", pinned.latest)
        text = Texts(connection).text(id)
        if text is None:
            raise NotFound(
                f"The text of {id[:80]} is withheld here. Whoever holds it, {known['characters']} characters with the sha256 "
                f"{known['sha256']}, can attach it: chancery attach {id[:80]} FILE."
            )
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
    return reading.said(pinned, text.encode(), media_type=f"{TEXT}; charset=utf-8")
