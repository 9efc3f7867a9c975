"""Which routes the API has: those of every file here, in the order in which a router must try them."""

from __future__ import annotations

from app.routes import (
    analysis,
    codes,
    counts,
    feeds,
    linked,
    lists,
    mirrored,
    network,
    questions,
    search,
    service,
    texts,
    writing,
)
from app.routes.operations import Operation


def operations() -> list[Operation]:
    """Every route. A path with a fixed last part comes before `/{id}`, whatever noun brought it."""
    found = [
        *service.operations(),
        *lists.operations(),
        *questions.operations(),
        *search.operations(),
        *feeds.operations(),
        *codes.operations(),
        *counts.operations(),
        *analysis.operations(),
        *network.operations(),
        *texts.operations(),
        *linked.operations(),
        *mirrored.operations(),
        *writing.operations(),
    ]
    return sorted(found, key=lambda operation: operation.path.count("{"))
