"""How a question of a resource is answered: pinned to a revision, compared with what the client has, planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.answers.resolve import RESOLVERS
from app.query.cursor import Walk
from app.query.fields import Resource
from app.query.params import Query
from app.query.plan import Plan, plan
from app.resources import RESOURCES
from app.routes import reading
from app.routes.reading import Pinned

T = TypeVar("T")


def planned(
    request: Request,
    resource: Resource,
    query: Query,
    answer: Callable[[Connection, Pinned, Plan], T],
    *,
    shows_words: bool,
    representation: str = "json",
    walk: Walk | None = None,
) -> T | Response:
    """What `answer` makes of the plan, at the revision that the read is pinned to; 304 where the client has that already."""

    def at(connection: Connection, pinned: Pinned) -> T:
        asked = plan(
            connection,
            resource,
            query,
            view=pinned.view,
            terms=reading.state(request).vocabularies,
            resolvers=RESOLVERS,
            resources=RESOURCES,
        )
        return answer(connection, pinned, asked)

    return reading.answered(
        request,
        at,
        as_of=query.as_of,
        enrichment=query.enrichment,
        min_revision=query.min_revision,
        shows_words=shows_words,
        representation=representation,
        walk=walk,
    )
