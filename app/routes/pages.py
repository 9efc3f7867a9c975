"""How the explorer's pages are served: each is a client of the API, asked in this process as anybody could over the network."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Scope

from app.explorer.pages import PAGES, View
from app.explorer.rendering import Page, render
from app.explorer.visit import Answer, Ask, Refused, Visit, problem_of
from app.explorer.words import page_of
from app.resources import PUBLIC
from app.routes.problems import nowhere

# Our pages run our own scripts and styles and speak to this host alone.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
HEADERS = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache", "Vary": "Accept, Authorization"}
# What a page hands on of its own request: who asks, and the id by which the log knows the request.
HANDED_ON = (b"authorization", b"x-request-id")


def install(app: FastAPI) -> None:
    """Serve the pages, after every other route: theirs are the addresses that nothing else has."""
    known = set()
    for pattern, view in PAGES:
        for resource in [one.name for one in PUBLIC] if "{resource}" in pattern else [""]:
            path = pattern.replace("{resource}", resource)
            if path not in known:
                app.add_api_route(path, serving(app, view, resource), methods=["GET"], include_in_schema=False)
            known.add(path)

    async def lost(request: Request, _: Exception) -> Response:
        found = nowhere(request)
        wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1")
        if not wants_page:
            return found
        visit = Visit(asking(app, request), "/", [])  # the first page's: nothing of what was typed comes back
        body = render(refusal(Answer(found.status_code, {}, bytes(found.body))), visit)
        return Response(body, found.status_code, media_type="text/html; charset=utf-8", headers=HEADERS)

    app.add_exception_handler(HTTPStatus.NOT_FOUND, lost)


def serving(app: ASGIApp, view: View, resource: str) -> Any:
    """The handler of one page."""

    async def serve(request: Request) -> Response:
        visit = Visit(asking(app, request), request.url.path, request.query_params.multi_items())
        try:
            page = await view(visit, {"resource": resource, **request.path_params})
        except Refused as refused:
            moved = moved_to(refused.answer, visit)
            if moved is not None:
                return RedirectResponse(moved, status_code=308, headers=HEADERS)
            page = refusal(refused.answer, await standing_before(refused.answer, visit))
        body = render(page, visit).encode()
        tag = f'"{sha256(body).hexdigest()[:20]}"'
        if page.status == 200 and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={**HEADERS, "ETag": tag})
        return Response(body, page.status, media_type="text/html; charset=utf-8", headers={**HEADERS, "ETag": tag})

    return serve


def asking(app: ASGIApp, request: Request) -> Ask:
    """How this request's page asks the API: without a network, and otherwise as every client does."""
    headers = [(name, value) for name, value in request.scope["headers"] if name in HANDED_ON]

    async def ask(address: str) -> Answer:
        path, _, query = address.partition("?")
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": request.url.scheme,
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"explorer"), (b"accept", b"application/json"), *headers],
            "client": request.scope.get("client"),
            "server": request.scope.get("server"),
            "state": {},
        }
        status, told, parts = 500, {}, []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, told
            if message["type"] == "http.response.start":
                status = message["status"]
                told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]}
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await app(scope, receive, send)
        return Answer(status, told, b"".join(parts))

    return ask


def moved_to(answer: Answer, visit: Visit) -> str | None:
    """The page of the record that an old id leads to."""
    target = page_of(answer.headers.get("location")) if answer.status == 308 else None
    return visit.link(target.partition("?")[0]) if target is not None else None


async def standing_before(answer: Answer, visit: Visit) -> int | None:
    """The last revision at which a retracted record stood."""
    if answer.status != HTTPStatus.GONE:
        return None
    versions = await visit.maybe(f"/v1{visit.path}/revisions")
    return max((one["until"] - 1 for one in (versions or {}).get("items", []) if one.get("until")), default=None)


def refusal(answer: Answer, before: int | None = None) -> Page:
    """The page that says what the API said when it turned a question down."""
    problem: Mapping[str, Any] = problem_of(answer)
    told = str(problem.get("title") or "Not possible")
    return Page(
        "problem.html",
        told,
        {"problem": problem, "before": before},
        status=answer.status if answer.status >= 400 else 500,
    )
