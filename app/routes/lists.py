"""How the resources are listed, shown one by one, and shown version by version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

import orjson
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app import ledger
from app.answers import history
from app.errors import BadQuery, Fault
from app.formats import formats, jsonld, media_types
from app.query import page, whole
from app.query.evidence import Texts
from app.query.fields import Choice, Resource
from app.query.params import (
    FORMATS,
    LIST,
    READ,
    RECORD,
    RECORD_FORMATS,
    Parameter,
    Query,
    offering,
    parameters,
    parse,
    parse_plain,
    parse_record,
)
from app.query.plan import Plan, walk
from app.resources import RESOURCES
from app.routes import feeds, heavy, reading
from app.routes.asking import planned
from app.routes.operations import Operation, PathParameter
from app.routes.reading import Pinned
from app.writing import proposals
from app.writing.proposals import WAITING

STATE = Parameter(
    "state",
    "`proposed`: instead, what waits for review: see /v1/proposals. It takes no filter beside `limit` and `enrichment`.",
    Choice((WAITING,)),
    WAITING,
)


def operations() -> Iterator[Operation]:
    """Three routes for each resource."""
    for resource in RESOURCES.values():
        yield from of(resource)


def of(resource: Resource) -> Iterator[Operation]:
    """The list, the record and its versions."""
    schema = {"$ref": f"#/components/schemas/{class_name(resource)}"}
    id = PathParameter("id", f"The id of a {resource.noun}.", "")
    yield Operation(
        path=f"/v1/{resource.name}",
        id=f"list_{resource.name}",
        tag=resource.name,
        summary=f"List {resource.name}",
        words=f"{resource.words} Filters combine with *and*; a repeated one means *any of*"
        + (
            " (`party` and `participant`: *all of*)."
            if resource.name in ("agreements", "events", "provisions")
            else "."
        ),
        handler=partial(listing, resource=resource),
        prompt=True,
        schema={"$ref": f"#/components/schemas/{class_name(resource)}Page"},
        parameters=(*parameters(resource), STATE),
        media=tuple(media_types()[name] for name in (*FORMATS, *resource.formats)),
        example=f"/v1/{resource.name}?limit=1",
    )
    yield Operation(
        path=f"/v1/{resource.name}/{{id}}",
        id=f"get_{resource.noun}",
        tag=resource.name,
        summary=f"Show one {resource.noun}",
        words="One record with its evidence. A renamed or merged id answers 308, a retracted one 410; `as_of` still finds it.",
        handler=partial(showing, resource=resource),
        prompt=True,
        schema=schema,
        parameters=(*(offering(one, resource, RECORD_FORMATS) for one in RECORD), *READ),
        path_parameters=(id,),
        media=tuple(media_types()[name] for name in (*RECORD_FORMATS, *resource.formats)),
        problems=(308, 404, 406, 410, 414, 422, 500, 503),
        example=f"/v1/{resource.name}/{{first}}",
    )
    yield Operation(
        path=f"/v1/{resource.name}/{{id}}/revisions",
        id=f"list_{resource.noun}_revisions",
        tag=resource.name,
        summary=f"List the versions of one {resource.noun}",
        words="Every version, oldest first: what changed, in which revision, who made it and why.",
        handler=partial(versions, resource=resource),
        schema={"$ref": "#/components/schemas/VersionPage"},
        parameters=READ,
        path_parameters=(id,),
        problems=(404, 406, 414, 422, 500, 503),
        example=f"/v1/{resource.name}/{{first}}/revisions",
    )


def class_name(resource: Resource) -> str:
    """The name of a resource's records in the OpenAPI document."""
    return resource.noun.capitalize()


def listing(request: Request, resource: Resource) -> Response:
    """A page of a resource, or the whole result in another format."""
    here = reading.state(request)
    pairs = reading.pairs_of(request)
    if dict(pairs).get("state") == WAITING:
        return waiting(request, resource)
    query = parse(resource, pairs, here.vocabularies, here.limits)
    representation = reading.representation(request, query.format, (*FORMATS, *resource.formats))
    if representation == "atom":
        return feeds.listing(request, resource, query)

    def shown(connection: Connection, pinned: Pinned, asked: Plan) -> Response:
        if any(store.heavy(connection, asked) for store in resource.stores):
            heavy.only(request)
        content = page.answer(connection, asked, RESOURCES, here.bounds, here.coverage)
        return reading.said(pinned, content, links=reading.next_link(request, content["next_cursor"]))

    if representation == "json":
        return planned(request, resource, query, shown, shows_words=resource.shows_words, walk=walk(resource, query))
    only_whole(query)
    only_all_fields(representation, query)
    # A file is written after the connection that planned it was given back: it takes one of its own for each part.
    found = planned(
        request,
        resource,
        query,
        lambda _, pinned, asked: (pinned, asked),
        shows_words=resource.shows_words,
        representation=representation,
    )
    return found if isinstance(found, Response) else file(request, representation, query, *found)


def file(request: Request, representation: str, query: Query, pinned: Pinned, asked: Plan) -> Response:
    """The whole result in another format."""
    here, resource = reading.state(request), asked.resource
    chosen = formats(here.settings.base)[representation]
    told = reading.headers(pinned)
    told["Content-Disposition"] = f'attachment; filename="{resource.name}-r{pinned.view.revision}.{chosen.ending}"'
    if request.scope.get("head"):
        # Who asks for the headers only is not made to wait for the whole result.
        answer = Response(media_type=chosen.media_type, headers=told)
        del answer.headers["content-length"]
        return answer
    chunks = whole.chunks(here.database.read, asked, here.bounds, most=limit_of(query))
    body = chosen.write(resource, chunks, query.fields)
    # Its first part may take as long as the rest: a sort or a pick finds all before it says one.
    heavy.only(request)
    parts = heavy.streamed(begun(body), here.settings.heavy_requests)
    return StreamingResponse(parts, media_type=chosen.media_type, headers=told)


def waiting(request: Request, resource: Resource) -> Response:
    """The records of a resource that are proposed and not decided: no knowledge yet, so no revision and no filter."""
    here = reading.state(request)
    values = parse_plain(
        reading.pairs_of(request), (STATE, *(one for one in LIST if one.name == "limit"), *READ[1:2]), here.vocabularies
    )
    reading.representation(request, None, ())
    limit = values.get("limit", here.settings.page_rows)
    with here.database.read() as connection:
        items = list(
            proposals.records(
                connection, resource.noun, here.vocabularies, limit, enrichment=values.get("enrichment", False)
            )
        )
        latest = ledger.latest(connection)
    told = {
        "items": items,
        "next_cursor": None,
        "revision": latest,
        "count": None,
        "facets": {},
        "included": {},
        "coverage": {
            "searched": resource.name,
            "sources": [],
            "datasets": [],
            "dates": None,
            "revision": latest,
            "query": f"{resource.name} that wait for review",
            "zero": None if items else "none_found",
            "notes": ["What is proposed is no knowledge yet: see /v1/proposals."],
        },
    }
    return Response(orjson.dumps(told), media_type=reading.JSON, headers={"Cache-Control": "no-store"})


def limit_of(query: Query) -> int | None:
    """How many records an export is to bring, where that was said: unlike a page it has no limit of its own."""
    return query.limit if any(name == "limit" for name, _ in query.pairs) else None


def begun(body: Iterable[bytes]) -> Iterator[bytes]:
    """The stream with its first part made already: what fails at once is an error, and not a cut answer."""
    parts = iter(body)
    first = next(parts, b"")
    return chain([first], parts)


def only_whole(query: Query) -> None:
    """Refuse what a whole result does not have: pages, counts, facets and included records."""
    given = [name for name, _ in query.pairs if name in ("cursor", "facet", "count", "include")]
    if given:
        raise BadQuery(
            f"{', '.join(dict.fromkeys(given))} is for JSON pages; other formats bring the whole result. Leave it out.",
            errors=[Fault(name, "Not possible with this format.") for name in dict.fromkeys(given)],
        )


def only_all_fields(representation: str, query: Query) -> None:
    """Refuse to choose fields where another standard decides which there are: it needs those that are not chosen."""
    given = [name for name, _ in query.pairs if name in ("fields", "include")]
    if representation == "popolo" and given:
        detail = f"Popolo decides itself which fields there are; leave {given[0]} out, or ask for json."
        raise BadQuery(detail, errors=[Fault(given[0], detail)])


def showing(request: Request, resource: Resource) -> Response:
    """One record."""
    here = reading.state(request)
    id = request.path_params["id"]
    query = parse_record(resource, reading.pairs_of(request), here.vocabularies)
    representation = reading.representation(request, query.format, (*RECORD_FORMATS, *resource.formats))
    only_all_fields(representation, query)
    with here.database.read() as connection:
        pinned = reading.pin(
            request,
            connection,
            as_of=query.as_of,
            enrichment=query.enrichment,
            min_revision=query.min_revision,
            shows_words=resource.shows_words,
            representation=representation,
        )
        record = page.one(connection, resource, pinned.view, id) if reading.plausible(id) else None
        if record is None:
            raise history.missing(connection, resource, pinned.view, id if reading.plausible(id) else "", pinned.latest)
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
        texts = Texts(connection)
        linked = page.included(connection, resource, query.include, pinned.view, [record], RESOURCES, texts)
    chosen = page.chosen([record], query.fields)[0]
    links = [f'<{record["self"]}/revisions>; rel="version-history"']
    if representation == "popolo":
        own = formats(here.settings.base)[representation]
        told = b"".join(own.write(resource, [[chosen]], ()))
        return reading.said(pinned, told, links=links, media_type=own.media_type)
    if representation == "jsonld":
        told = jsonld.document(resource, chosen, here.settings.base)
        return reading.said(pinned, told, links=links, media_type=jsonld.MEDIA_TYPE)
    return reading.said(pinned, {**chosen, "included": linked} if query.include else chosen, links=links)


def versions(request: Request, resource: Resource) -> Response:
    """Every version of one record."""
    here = reading.state(request)
    id = request.path_params["id"]
    values = parse_plain(reading.pairs_of(request), READ, here.vocabularies)
    with here.database.read() as connection:
        pinned = reading.pin(request, connection, **reading.view_values(values), shows_words=False)
        items = history.versions(connection, resource, pinned.view, id) if reading.plausible(id) else []
        if not items:
            raise history.missing(connection, resource, pinned.view, id if reading.plausible(id) else "", pinned.latest)
    if (same := reading.unchanged(request, pinned)) is not None:
        return same
    return reading.said(pinned, {"items": items, "next_cursor": None, "revision": pinned.view.revision})
