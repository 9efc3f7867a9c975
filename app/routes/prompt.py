"""Which requests are answered in front of the framework: short ones, by the loop itself where the database is a SQLite file.

Sixteen clients and six threads take twice the CPU time a request that the loop takes alone: they wait for the interpreter's lock.
So a page or a record is worked out on the spot, where the server has just read the request, and given up after a few milliseconds:
then it goes to a thread as everything else does, and so do the next ones of its form for a while. Nobody waits longer than that for
somebody else's slow question.

PostgreSQL is asked on a thread, since the answer comes over a socket. What fails in front of the framework fails once: it is told
there what was raised here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from app.db import Database
from app.errors import Unavailable
from app.routes import heavy

# What a question may take: steps rather than time, since a busy machine makes no question long. A cold disk may.
MOST_LOOKS: Final = 40  # about 4 ms
MOST_SECONDS: Final = 0.05
# How long a form of question that took too long goes to a thread at once: the first of its kind takes longer than those after it,
# which find its statements built, so only what is slow again and again is shunned for long.
SHUN_SECONDS: Final = 0.2
SHUN_SECONDS_MOST: Final = 60.0
FORMS_MOST: Final = 10_000
# What counts, searches, waits, or brings a whole result.
LONG: Final = {b"count", b"q", b"min_revision", b"format", b"state", b"per", b"cite"}
PLAIN_PATH: Final = re.compile(rb"/v1/[A-Za-z0-9_.~:@/-]{1,500}")
PLAIN_QUERY: Final = re.compile(rb"[\x21-\x7e]{0,1000}")  # what is longer is looked at by the guard
PLAIN: Final = {b"", b"*/*", b"application/json"}
Handler = Callable[[Request], Response]


def UNKNOWN(_: Request) -> Response:
    """Stands for no handler."""
    raise NotImplementedError


class Prompt:
    """Answers short questions on the spot."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.shunned: dict[object, tuple[float, float]] = {}  # until when, and how long that was
        self.app: ASGIApp | None = None
        self.handlers: dict[str, Handler | None] = {}  # by path; None for what is not answered here
        self.records: dict[str, Handler] = {}  # of one record, by the path up to its id

    def know(self, path: str, handler: Handler, *, prompt: bool) -> None:
        """Take in which handler answers a path, so that it can be asked in front of the framework."""
        start, _, end = path.rpartition("/")
        if end == "{id}" and "{" not in start and prompt:
            self.records[start] = handler
        elif "{" not in path:
            self.handlers[path] = handler if prompt else None

    def endpoint(self, handler: Handler) -> Any:
        """A handler as the framework wants it, tried on the loop first where that may do."""

        async def run(request: Request) -> Response:
            if "failed" in request.scope:
                # It was asked in front of the framework, which knows how to tell it.
                raise request.scope["failed"]
            if "tried" not in request.scope:
                answer = self.tried(handler, request)
                if answer is not None:
                    return answer
            return await heavy.answered(handler, request)

        run.handler = handler  # type: ignore[attr-defined]
        return run

    async def ahead(self, scope: Scope, request_id: str) -> Response | None:
        """The answer to a plain request without the framework, which takes as long as a short answer; None where that may not do.

        What is refused, what fails, and whatever is unusual is left to the framework: it says so in the right words.
        """
        if self.database.embedded:
            return self.here(scope, request_id)
        asked = self.asked(scope, request_id)
        if asked is None or self.form(*asked) is None:
            return None
        try:
            handler, request = asked
            return await to_thread.run_sync(handler, request)
        except heavy.Postponed:
            return None
        except Exception as failed:
            scope["failed"] = failed
            return None

    def here(self, scope: Scope, request_id: str) -> Response | None:
        """The same of a SQLite file, without waiting for anything."""
        asked = self.asked(scope, request_id)
        if asked is None:
            return None
        try:
            return self.tried(*asked)
        except Exception as failed:
            scope["failed"] = failed
            return None

    def asked(self, scope: Scope, request_id: str) -> tuple[Handler, Request] | None:
        """Who answers a plain request, and the request as the framework hands it on; None for others, and the second time."""
        path: str = scope["path"]
        handler, named = self.handlers.get(path, UNKNOWN), {}
        if handler is UNKNOWN:
            start, _, id = path.rpartition("/")
            handler, named = self.records.get(start), {"id": id}
        if (
            handler is None
            or "tried" in scope
            or not PLAIN_PATH.fullmatch(scope["raw_path"])
            or not PLAIN_QUERY.fullmatch(scope["query_string"])
        ):
            return None
        own = {"app": self.app, "path_params": named, "head": False, "request_id": request_id}
        request = Request({**scope, **own})
        scope["tried"] = True  # for the framework, where that finds no answer
        return handler, request

    def tried(self, handler: Handler, request: Request) -> Response | None:
        """The answer to a short question; None for others."""
        form = self.form(handler, request)
        if form is None or not self.database.idle or not self.welcome(form):
            return None
        try:
            with self.database.hurrying(MOST_LOOKS, MOST_SECONDS):
                answer = handler(request)
            self.shunned.pop(form, None)
            return answer
        except heavy.Postponed:
            return None
        except Unavailable:
            # Not done in time, or the database is away: a thread finds out.
            self.shun(form)
            return None

    def welcome(self, form: object) -> bool:
        """Whether questions of a form are tried here."""
        shunned = self.shunned.get(form)
        return shunned is None or shunned[0] < time.monotonic()

    def shun(self, form: object) -> None:
        """Leave questions of a form to threads for a while, each time for twice as long."""
        if len(self.shunned) >= FORMS_MOST:
            self.shunned.clear()
        before = self.shunned.get(form, (0.0, SHUN_SECONDS / 2))[1]
        seconds = min(2 * before, SHUN_SECONDS_MOST)
        self.shunned[form] = (time.monotonic() + seconds, seconds)

    def form(self, handler: Callable[[Request], Response], request: Request) -> object | None:
        """What a question has in common with those that take as long; None for one that is long by its nature."""
        names = []
        for pair in request.scope["query_string"].split(b"&"):
            name, _, value = pair.partition(b"=")
            if name in LONG or b"%" in name or (name == b"limit" and len(value) > 2 and value != b"100"):
                return None
            # What a facet takes depends on which it is.
            names.append(pair if name == b"facet" else name)
        if any(name == b"accept" and value not in PLAIN for name, value in request.scope["headers"]):
            return None
        return handler, tuple(names)
