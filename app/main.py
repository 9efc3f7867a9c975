"""How an application is composed from its settings; nothing is decided here."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import anyio.to_thread
import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from app import __version__
from app.db import Database, open_database
from app.routes import every, heavy, pages, problems, service, writing
from app.routes.access import Gate
from app.routes.citing import citable
from app.routes.known import Known
from app.routes.live import Followers
from app.routes.memory import Remembering
from app.routes.middleware import Cors, Front, Guard
from app.routes.openapi import document
from app.routes.prompt import Prompt
from app.routes.rates import Tally
from app.routes.reading import State, unversioned
from app.settings import Settings
from app.standing import Watch
from app.times import Clock, utc_now
from app.vocabularies import load
from app.writing.acts import Desk

EXAMPLES = Path(__file__).resolve().parent / "routes" / "examples.json"
EXPOSED = [
    "ETag",
    "KB-Revision",
    "Link",
    "Location",
    "Retry-After",
    "X-Request-ID",
    "Content-Disposition",
    "Server-Timing",
    "WWW-Authenticate",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotency-Replayed",
]


def create_app(
    settings: Settings | None = None,
    *,
    database: Database | None = None,
    clock: Clock = utc_now,
    tally: Tally | None = None,
) -> FastAPI:
    """The application; the database is opened from the settings unless one is handed in.

    In `tally` requests are counted; workers of one server have it in common.
    """
    settings = settings or Settings()
    # Heavy requests have threads of their own beside the others.
    threads = settings.threads + settings.heavy_requests
    opened = database or open_database(settings.url, threads=threads, read_seconds=settings.read_seconds)
    # Few may wait for a revision at once: each holds a thread and a connection that other readers need.
    waiting = BoundedSemaphore(max(1, settings.threads // 3))
    state = State(settings, opened, load(settings.seed / "vocabularies"), clock, waiting=waiting)
    metrics = state.metrics

    watch = Watch(opened)
    followers = Followers(settings, opened, watch.now)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        # Few threads: beyond the cores they only wait for the interpreter lock; as many as the pool has connections.
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.threads
        # What is loaded by now stays: the garbage collector need not look through it again (a quarter of a large network's time).
        gc.collect()
        gc.freeze()
        # A server that is about to end tells those who follow the changes to go; nobody else waits for ever.
        yield {"leave": followers.leave}
        watch.close()
        if database is None:
            opened.close()

    app = FastAPI(
        title="Chancery",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Spans that nobody collects cost 27 µs a request.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.chancery = state
    app.state.watch = watch
    app.state.followers = followers
    app.state.desk = Desk(opened, clock, settings.write_busy_seconds)
    operations = every.operations()
    prompt = app.state.prompt = Prompt(opened)
    prompt.app = app
    for one in operations:
        if one.scope is not None:
            app.add_api_route(
                one.path, writing.endpoint(one), methods=[one.method], include_in_schema=False, name=one.id
            )
            continue
        made = prompt.endpoint if one.prompt else endpoint
        handler = citable(one)
        if one.method == "GET":
            prompt.know(one.path, handler, prompt=one.prompt)
        # A plain route: what FastAPI would look for in a handler that takes the request alone costs 80 µs.
        route = Route(one.path, made(handler), methods=[one.method], name=one.id, include_in_schema=False)
        route.methods = {one.method}  # HEAD is served as GET before it comes here
        app.router.routes.append(route)

    app.state.openapi = cache(lambda: orjson.dumps(document(operations, state.vocabularies, examples())))

    async def openapi_json(request: Request) -> Response:
        return unversioned(request, openapi_of(app), "application/json")

    app.add_api_route("/openapi.json", openapi_json, methods=["GET"], include_in_schema=False)
    service.install(app)
    pages.install(app)
    problems.install(app)
    app.router.routes.insert(0, Known(app.router.routes))
    origins = [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]
    # The last one added is the outermost: errors of the guard carry CORS headers, and every answer its request id.
    app.add_middleware(Gate, here=state, tally=tally or Tally())
    app.add_middleware(Guard, url_bytes=settings.url_bytes, body_bytes=settings.body_bytes)
    app.add_middleware(
        Cors,
        allow_origins=origins,
        allow_methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
    )
    app.add_middleware(Front, metrics=metrics)
    return app


def served(settings: Settings | None = None, *, tally: Tally | None = None) -> ASGIApp:
    """The application as a server runs it: with its memory in front."""
    return with_memory(create_app(settings, tally=tally))


def with_memory(app: FastAPI) -> ASGIApp:
    """An application with its remembered answers in front; inside of it they would cost three times as much."""
    state: State = app.state.chancery
    # Where reads are closed each is let in by its key, behind this memory: nothing is remembered in front.
    settings = state.settings
    if settings.reads == "closed":
        return app
    # Where readers' requests are counted, only what comes from memory passes by the count.
    counted = settings.rate_limit == "on" and settings.reads_minute
    return Remembering(
        app,
        standing=app.state.watch.now,
        unchanged=app.state.watch.unchanged,
        asked=None if state.database.embedded else app.state.watch.shared,
        most_bytes=settings.answers_bytes,
        metrics=state.metrics,
        prompt=None if counted else app.state.prompt,
    )


def openapi_of(app: FastAPI) -> bytes:
    """The OpenAPI document of an application, made when first asked for."""
    made: bytes = app.state.openapi()
    return made


def endpoint(handler: Any) -> Any:
    """A handler as FastAPI wants it: a function with nothing but the request; the handler runs in the thread pool."""

    async def run(request: Request) -> Response:
        return await heavy.answered(handler, request)

    run.handler = handler  # type: ignore[attr-defined]
    return run


def examples() -> dict[str, Any]:
    """Real answers from the seed, kept by `make docs` and compared by a test; none in a build without them."""
    return orjson.loads(EXAMPLES.read_bytes()) if EXAMPLES.exists() else {}
