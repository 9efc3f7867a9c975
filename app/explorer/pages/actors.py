"""What an actor's page shows beside the record: what it said, how firmly, what it signed, and with whom it deals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.explorer.chart import steps
from app.explorer.visit import Visit, together
from app.explorer.words import Names

FEW = "10"


async def more(visit: Visit, record: Mapping[str, Any], names: Names) -> Mapping[str, Any]:
    """The sections of an actor's page; one that has nothing to show is left out."""
    id = record["id"]
    few = [("limit", FEW), ("count", "bounded")]
    topic = visit.value("topic")
    spoke, spoken_for, agreements, events, relations, positions, around = await together(
        visit.maybe("/v1/statements", [("speaker.is", id), *few, ("include", "actors,topics")]),
        visit.maybe("/v1/statements", [("on_behalf_of.is", id), *few, ("include", "actors,topics")]),
        visit.maybe("/v1/agreements", [("party", id), *few, ("include", "actors")]),
        visit.maybe("/v1/events", [("participant", id), ("sort", "-happened"), *few, ("include", "actors")]),
        visit.maybe("/v1/relations", [("subject", id), *few, ("include", "subject,object")]),
        visit.maybe("/v1/positions", [("actor", id), *([("topic", topic)] if topic else []), ("limit", "100")]),
        visit.maybe("/v1/network", [("actor", id), ("depth", "1"), ("limit", "12")]),
    )
    names.learn(spoke, spoken_for, agreements, events, relations, positions)
    return {
        "spoke": spoke,
        "spoken_for": spoken_for,
        "agreements": agreements,
        "events": events,
        "relations": relations,
        "positions": positions,
        "chart": steps(positions["items"]) if positions and positions["items"] else None,
        "around": around,
        "topic": topic,
    }
