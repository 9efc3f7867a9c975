"""How the names in JSON-LD are followed: what each term means, and where the record stands that an IRI names."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import orjson
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app import ledger
from app.errors import NotFound
from app.formats import jsonld
from app.query import page
from app.query.fields import Resource, View
from app.query.params import shown
from app.resources import RESOURCES
from app.routes import reading
from app.routes.operations import Operation, PathParameter
from app.routes.service import no_parameters


def operations() -> Iterator[Operation]:
    """The context, and the address of every record by its id alone."""
    yield Operation(
        "/v1/context.jsonld",
        "get_context",
        "dictionary",
        "Show the JSON-LD context",
        "What every name in JSON-LD means. Each document carries it within: nothing has to be fetched to read one.",
        context,
        {"type": "object", "additionalProperties": True},
        media=(jsonld.MEDIA_TYPE,),
        problems=(414, 422, 500),
        versioned=False,
        tagged=True,
    )
    yield Operation(
        "/id/{id}",
        "find_record",
        "dictionary",
        "Go to a record by its id alone",
        "The IRI of a record in JSON-LD is this address. It leads to the record itself; parameters go along.",
        leading,
        path_parameters=(PathParameter("id", "The id of any record.", "japan"),),
        problems=(404, 414, 422, 500, 503),
        versioned=False,
        done={303: "`Location` says where the record stands."},
    )


def context(request: Request) -> Response:
    no_parameters(request)
    told = {"@context": jsonld.context(reading.state(request).settings.base)}
    return reading.unversioned(request, orjson.dumps(told), jsonld.MEDIA_TYPE)


def leading(request: Request) -> Response:
    """303, since what an IRI names may be a person, and a person is no document."""
    id = request.path_params["id"]
    home = None
    if reading.plausible(id):
        with reading.state(request).database.read() as connection:
            home = home_of(connection, id)
    if home is None:
        raise NotFound(f"There is no record {shown(id)!r}. /v1/search?q=… finds records by their words.")
    pairs = reading.pairs_of(request)
    there = page.address(home, id) + (f"?{urlencode(pairs, safe=':@')}" if pairs else "")
    return Response(status_code=303, headers={"Location": there, "Cache-Control": "no-cache"})


def home_of(connection: Connection, id: str) -> Resource | None:
    """The resource that an id belongs to, whether its record still stands or not."""
    for name in page.by_resource(connection, {id}, RESOURCES):
        return RESOURCES[name]
    view = View(ledger.latest(connection), enrichment=True)
    kept_elsewhere = (resource for resource in RESOURCES.values() if resource.stores)
    return next((one for one in kept_elsewhere if page.of_ids(connection, one, view, [id])), None)
