"""How a route is declared: one value, from which both the router and the OpenAPI document are made, so that they cannot differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from app.query.params import Parameter


@dataclass(frozen=True, slots=True)
class PathParameter:
    """A part of the path."""

    name: str
    words: str
    example: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: in which formats, in which shape."""

    words: str
    media: tuple[str, ...] = ("application/json",)
    schema: Mapping[str, Any] = field(default_factory=dict)
    required: bool = True


@dataclass(frozen=True, slots=True)
class HeaderParameter:
    """A header that a request may carry."""

    name: str
    words: str
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A route: one that reads, or with a `scope`, one that writes and needs a key which reaches so far."""

    path: str
    id: str
    tag: str
    summary: str
    words: str
    handler: Callable[..., Response]  # of the request; of one that writes, and of its body
    schema: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    path_parameters: tuple[PathParameter, ...] = ()
    media: tuple[str, ...] = ("application/json",)
    problems: tuple[int, ...] = (406, 414, 422, 500, 503)
    versioned: bool = True  # whether it answers with KB-Revision and an ETag
    tagged: bool = False  # whether it answers with an ETag although no revision changes it
    example: str | None = None  # the request whose real answer the document shows
    prompt: bool = False  # whether it is mostly answered sooner than a thread takes it up, see `app.routes.prompt`
    method: str = "GET"
    scope: str | None = None
    body: Body | None = None
    headers: tuple[HeaderParameter, ...] = ()
    done: Mapping[int, str] = field(default_factory=lambda: {200: "The answer."})
