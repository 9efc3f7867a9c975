"""Which resources there are: a declaration a noun, see `app.query.fields` for the language they are written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.query.fields import Resource
from app.resources.actors import ACTORS, OFFICES
from app.resources.agreements import AGREEMENTS, PROVISIONS
from app.resources.datasets import DATASETS
from app.resources.events import EVENTS
from app.resources.places import PLACES
from app.resources.relations import RELATIONS
from app.resources.sources import PASSAGES, SOURCES
from app.resources.statements import CLAIMS, STATEMENTS
from app.resources.topics import TERMS, TOPICS

PUBLIC: Final = (
    ACTORS,
    STATEMENTS,
    CLAIMS,
    AGREEMENTS,
    PROVISIONS,
    EVENTS,
    RELATIONS,
    SOURCES,
    PASSAGES,
    TOPICS,
    PLACES,
    OFFICES,
    DATASETS,
)

RESOURCES: Final[Mapping[str, Resource]] = {resource.name: resource for resource in PUBLIC}
NOUNS: Final[Mapping[str, Resource]] = {resource.noun: resource for resource in (*PUBLIC, TERMS)}
