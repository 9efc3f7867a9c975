"""How a refusal or failure is said: a problem document (RFC 9457) on every error, with nothing of the request's text unescaped."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from app.errors import BadRequest, ChanceryError, Fault, MethodNotAllowed, Moved, NotFound

log = logging.getLogger("chancery")
MEDIA_TYPE = "application/problem+json"


def problem(error: ChanceryError, path: str, request_id: str | None) -> Response:
    """The answer to a request that was refused or failed."""
    body: dict[str, Any] = {
        "type": f"/docs/errors#{error.kind}",
        "title": error.title,
        "status": error.status,
        "detail": printable(error.detail),
        "instance": printable(path)[:500],
        "errors": [
            {name: printable(value) if isinstance(value, str) else value for name, value in fault.as_json().items()}
            for fault in error.errors
        ],
    }
    if request_id:
        body["request_id"] = request_id
    if error.current is not None:
        body["current"] = error.current
    headers = {"Cache-Control": "no-store", **error.headers}
    if isinstance(error, Moved):
        headers["Location"] = error.to
    return Response(orjson.dumps(body), status_code=error.status, media_type=MEDIA_TYPE, headers=headers)


def printable(text: str) -> str:
    """Text that JSON can carry: a lone surrogate cannot be encoded."""
    return text.encode("utf-8", "replace").decode()


class Internal(ChanceryError):
    """The last resort: what went wrong stands in the log, under the request's id."""

    def __init__(self) -> None:
        super().__init__(
            "Something went wrong on our side. Nothing was changed. Tell us the request_id if it happens again."
        )


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""

    def answer(request: Request, error: ChanceryError) -> Response:
        return problem(error, request.url.path, request.scope.get("request_id"))

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ChanceryError)
        if isinstance(error, Moved) and request.url.query and "?" not in error.to:
            error = Moved(error.detail, to=f"{error.to}?{request.url.query}")
        return answer(request, error)

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == HTTPStatus.NOT_FOUND:
            return nowhere(request)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(methods(request))
            if request.method == "OPTIONS":
                return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": allowed})
            found = MethodNotAllowed(
                f"{request.method[:20]} is not possible here; allowed: {allowed}.", headers={"Allow": allowed}
            )
            return answer(request, found)
        phrase = HTTPStatus(error.status_code).phrase
        other = BadRequest(f"{phrase}.") if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else Internal()
        path, request_id = request.url.path, request.scope.get("request_id")
        return problem_of_status(other, error.status_code, path, request_id, dict(error.headers or {}))

    def invalid(request: Request, error: Exception) -> Response:
        # FastAPI's own answer echoes the input, and breaks on what JSON cannot carry.
        faults = []
        if isinstance(error, RequestValidationError):
            faults = [Fault(".".join(map(str, one["loc"][1:])), str(one["msg"])) for one in error.errors()]
        from app.errors import BadQuery

        return answer(request, BadQuery("The request is not well formed.", errors=faults))

    def broken(request: Request, error: Exception) -> Response:
        log.error("request failed", exc_info=error, extra={"request_id": request.scope.get("request_id")})
        return answer(request, Internal())

    app.add_exception_handler(ChanceryError, refused)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(SQLAlchemyError, broken)
    app.add_exception_handler(Exception, broken)


def nowhere(request: Request) -> Response:
    """The refusal of an address that no route has."""
    error = NotFound("There is no page at this address. /v1 lists what there is; /docs explains it.")
    return problem(error, request.url.path, request.scope.get("request_id"))


def methods(request: Request) -> list[str]:
    """What is possible at a request's address, whichever of its routes does it."""
    found = {"OPTIONS"}
    for route in request.app.routes:
        match, _ = route.matches({**request.scope, "root_path": request.scope.get("app_root_path", "")})
        if match is not Match.NONE:
            found |= set(getattr(route, "methods", None) or {"GET"})
    return sorted(found | {"HEAD"} if "GET" in found else found, key=ORDER.index)


ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def problem_of_status(
    error: ChanceryError, status: int, path: str, request_id: str | None, headers: Mapping[str, str]
) -> Response:
    """A problem document for a status that has no class of ours."""
    body = orjson.loads(problem(error, path, request_id).body)
    body |= {"title": HTTPStatus(status).phrase, "status": status}
    told = {"Cache-Control": "no-store", **headers}
    return Response(orjson.dumps(body), status_code=status, media_type=MEDIA_TYPE, headers=told)
