"""How the service shows itself: the start page, the API docs, the error pages, health, and the index of /v1."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from html import escape
from pathlib import Path

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from app import __version__, errors, ledger, schema
from app.answers import dictionary
from app.dossiers.schema import json_schema
from app.errors import ChanceryError
from app.query.params import READ, parse_plain
from app.query.shapes import listed, obj, string
from app.resources import PUBLIC
from app.routes import reading
from app.routes.operations import Operation
from app.routes.pages import PAGE_POLICY
from app.routes.questions import ANYTHING, answer

EXPLORER = Path(__file__).resolve().parent.parent / "explorer"
LIVE = obj("Whether the service is alive.", {"status": string(), "version": string()})
READY = obj(
    "Whether the service can answer.",
    {
        "status": string(),
        "database": string(),
        "schema": string(),
        "revision": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 2147483647},
    },
)
INDEX = obj(
    "What there is.",
    {
        "name": string(),
        "version": string(),
        "resources": listed({"$ref": "#/components/schemas/ResourceSummary"}),
        "questions": listed(obj("A question that is no list.", {"words": string(), "example": string()})),
        "docs": string(),
        "openapi": string(),
    },
)
QUESTIONS = (
    ("Where do these words stand?", "/v1/search?q=security%20guarantees"),
    ("Which actors can a name stand for?", "/v1/resolve?name=Tokyo"),
    ("What does each resource offer?", "/v1/resources"),
    ("What do the terms mean?", "/v1/vocabularies"),
    ("What was changed, when and why?", "/v1/revisions"),
    ("What did each change do to each record?", "/v1/changes?after=0"),
)


def operations() -> Iterator[Operation]:
    """The routes that are part of the API."""
    yield Operation(
        "/v1",
        "index",
        "dictionary",
        "Show what there is",
        "The resources in a line each, and the questions that are no lists, with links.",
        index,
        INDEX,
        READ,
        example="/v1",
    )
    yield Operation(
        "/v1/schemas/dossier.json",
        "get_dossier_schema",
        "dictionary",
        "Show the schema of dossiers",
        "The JSON Schema of a dossier, complete enough for an editor to complete keys and terms.",
        dossier_schema,
        ANYTHING,
        media=("application/schema+json",),
        problems=(414, 422, 500),
        versioned=False,
        tagged=True,
    )
    yield Operation(
        "/healthz",
        "healthz",
        "service",
        "Say whether the service is alive",
        "200 as long as the process answers at all; asks no database.",
        alive,
        LIVE,
        problems=(414, 422, 500),
        versioned=False,
        example="/healthz",
    )
    yield Operation(
        "/readyz",
        "readyz",
        "service",
        "Say whether the service can answer",
        "200 where the database is reachable and its schema is the one this version works with, else 503.",
        ready,
        READY,
        problems=(414, 422, 500, 503),
        versioned=False,
        example="/readyz",
    )
    yield Operation(
        "/metrics",
        "metrics",
        "service",
        "Read the service's metrics",
        "Requests, how long they took, answers from memory and the revision, of the process that answers, for Prometheus.",
        measured,
        {"type": "string", "maxLength": 1000000},
        media=("text/plain",),
        problems=(414, 422, 500, 503),
        versioned=False,
    )


def dossier_schema(request: Request) -> Response:
    no_parameters(request)
    told = json_schema(reading.state(request).vocabularies)
    return reading.unversioned(request, orjson.dumps(told), "application/schema+json")


def no_parameters(request: Request) -> None:
    """Refuse parameters where there are none: a misspelt one is never ignored in silence."""
    parse_plain(reading.pairs_of(request), (), reading.state(request).vocabularies)


def measured(request: Request) -> Response:
    no_parameters(request)
    here = reading.state(request)
    with here.database.read() as connection:
        here.metrics.revision.set(ledger.latest(connection))
    return Response(here.metrics.text(), media_type=here.metrics.media_type, headers={"Cache-Control": "no-store"})


def index(request: Request) -> Response:
    told = {
        "name": "Chancery",
        "version": __version__,
        "resources": [dictionary.summary(one) for one in PUBLIC],
        "questions": [{"words": words, "example": example} for words, example in QUESTIONS],
        "docs": "/docs",
        "openapi": "/openapi.json",
    }
    return answer(request, READ, lambda *_: told, shows_words=True)


def alive(request: Request) -> Response:
    no_parameters(request)
    return Response(
        orjson.dumps({"status": "ok", "version": __version__}),
        media_type=reading.JSON,
        headers={"Cache-Control": "no-store"},
    )


def ready(request: Request) -> Response:
    no_parameters(request)
    here = reading.state(request)
    schema.require(here.database, here.settings.migrations)
    with here.database.read() as connection:
        revision = ledger.latest(connection)
    told = {
        "status": "ready",
        "database": here.database.url.get_backend_name(),
        "schema": "current",
        "revision": revision,
    }
    return Response(orjson.dumps(told), media_type=reading.JSON, headers={"Cache-Control": "no-store"})


def install(app: FastAPI) -> None:
    """Serve the pages and the files that they need."""
    page = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}

    async def docs(_: Request) -> Response:
        return FileResponse(EXPLORER / "docs.html", headers=page)

    errors_html = errors_page()

    async def error_pages(_: Request) -> Response:
        return Response(errors_html, media_type="text/html; charset=utf-8", headers=page)

    app.add_api_route("/docs", docs, methods=["GET"], include_in_schema=False)
    app.add_api_route("/docs/errors", error_pages, methods=["GET"], include_in_schema=False)
    app.mount("/static", StaticFiles(directory=EXPLORER / "static"), name="static")


def errors_page() -> str:
    """The page that every problem document's `type` leads to, made from the exceptions themselves."""
    known = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, ChanceryError)]
    rows = "".join(
        f'<section id="{escape(one.kind)}"><h2>{escape(one.title)} <small>{one.status}</small></h2>'
        f"<p>{escape(WORDS.get(one.kind, inspect.getdoc(one) or ''))}</p></section>"
        for one in known
    )
    return (EXPLORER / "errors.html").read_text(encoding="utf-8").replace("<!-- errors -->", rows)


WORDS = {
    "internal-error": "Something broke on our side. Nothing was changed. The log holds the cause under the answer's request_id.",
    "bad-request": "HTTP itself, or a browser's rules for pages of other origins, turn the request down; detail says why.",
    "bad-query": "A parameter is unknown, malformed, out of range or in conflict with another. Each is named in errors[].",
    "bad-cursor": "A cursor that is not ours, or belongs to another query. Repeat the same parameters, or start without it.",
    "bad-date": "A date is not one we can read: a day such as 2024-06-13, a month, a year, or where said so EDTF.",
    "ambiguous-name": "The name stands for several actors. errors[] lists them; use an id.",
    "unauthorized": "A key is needed: Authorization: Bearer chy_…. This one is missing, malformed, unknown, expired or revoked.",
    "forbidden": "The key is good but its scopes do not reach this far; WWW-Authenticate names the scope that does.",
    "not-found": "No record or page is at this address, or not at this revision, or it is knowledge from outside the sources.",
    "gone": "The record was retracted. detail names the revision and the reason; as_of the revision before still shows it.",
    "moved": "The record has another id now; follow Location.",
    "method-not-allowed": "The method is not possible at this address; Allow names those that are.",
    "not-acceptable": "The representation asked for does not exist here; detail lists those that do.",
    "too-slow": "The body did not arrive in time. Nothing was changed; send it again.",
    "in-use": "Other records refer to this one, so it cannot go. detail names them: change or retract them first.",
    "lost-race": "The record is not, or not any more, what If-Match or If-None-Match says. current is the record as it stands.",
    "unknown-media": "The body is in a format that is not read here; detail lists those that are.",
    "bad-record": "A record has faults. errors[] names each with line and column and what to do.",
    "key-reused": "This Idempotency-Key came with another request before. A new request needs a new one.",
    "no-precondition": "An edit says which version it is of: If-Match with the record's ETag, or If-None-Match: * for a new one.",
    "too-many": "More requests came than are allowed in a minute. Try again after Retry-After seconds.",
    "conflict": "Somebody else is writing, or an open revision was left behind; detail names the command that mends it.",
    "too-large": "The body is larger than this server takes.",
    "address-too-long": "The address is longer than this server takes.",
    "bad-dossier": "A dossier has faults. errors[] names each with line and column and what to do.",
    "text-refused": "The text is not the one that was annotated: its digest differs.",
    "unavailable": "The database is away, busy or behind. Nothing was changed; try again after Retry-After seconds.",
    "schema-mismatch": "The database's schema is not the one this version works with; detail names the command that mends it.",
}
