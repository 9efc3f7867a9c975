"""Which tables there are: a file a noun, with no queries, no JSON and no HTTP.

base        column types, versions and faces, placement
revision    the clock, and what became of ids
source      source, passage, citation, texts at hand
actor       actor, its names, identifiers, tenures, memberships; office
place  topic (and vocabulary terms)  statement (and claim)  event  agreement (and provision)  relation  dataset
access      keys, answers of writes, what waits for review
coded       events, actors and reports of datasets, and what is counted ahead
search      the words of each version of a record
"""

from app.models import (
    access,
    actor,
    agreement,
    coded,
    dataset,
    event,
    place,
    relation,
    revision,
    search,
    source,
    statement,
    topic,
)
from app.models.base import metadata

__all__ = [
    "access",
    "actor",
    "agreement",
    "coded",
    "dataset",
    "event",
    "metadata",
    "place",
    "relation",
    "revision",
    "search",
    "source",
    "statement",
    "topic",
]
