"""How a route is declared: one value, from which both the router and the OpenAPI document are made, so that they cannot differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.query.params import Parameter


@dataclass(frozen=True, slots=True)
class PathParameter:
    """A part of the path."""

    name: str
    words: str
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A GET route."""

    path: str
    id: str
    tag: str
    summary: str
    words: str
    handler: Callable[[Request], Response]
    schema: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    path_parameters: tuple[PathParameter, ...] = ()
    media: tuple[str, ...] = ("application/json",)
    problems: tuple[int, ...] = (406, 414, 422, 500, 503)
    versioned: bool = True  # whether it answers with KB-Revision and an ETag
    example: str | None = None  # the request whose real answer the document shows
