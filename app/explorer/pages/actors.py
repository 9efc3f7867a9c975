"""What an actor's page shows beside the record: what it said, how firmly, what it signed, and with whom it deals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.explorer.chart import steps
from app.explorer.visit import Visit, inside, together
from app.explorer.words import Names

FEW = "10"
NAMES_ASKED = 8  # names of which the page says whom else they stand for
TOPICS_SHOWN = 12
COUNTERPARTS_SHOWN = 12


async def more(visit: Visit, record: Mapping[str, Any], names: Names) -> Mapping[str, Any]:
    """The sections of an actor's page; one that has nothing to show is left out."""
    id = record["id"]
    few = [("limit", FEW), ("count", "bounded")]
    topic = visit.value("topic")
    spoken = list(dict.fromkeys(one["text"] for one in record.get("names") or ()))[:NAMES_ASKED]
    spoke, spoken_for, agreements, events, relations, told, around, *resolved = await together(
        visit.maybe("/v1/statements", [("speaker.is", id), *few, ("include", "actors,topics")]),
        visit.maybe("/v1/statements", [("on_behalf_of.is", id), *few, ("include", "actors,topics")]),
        visit.maybe("/v1/agreements", [("party", id), *few, ("include", "actors")]),
        visit.maybe("/v1/events", [("participant", id), ("sort", "-happened"), *few, ("include", "actors")]),
        visit.maybe("/v1/relations", [("subject", id), *few, ("include", "subject,object")]),
        visit.told("/v1/positions", [("actor", id), *([("topic", topic)] if topic else []), ("limit", "100")]),
        visit.maybe("/v1/network", [("actor", id), ("depth", "1"), ("limit", "40")]),
        *(visit.maybe("/v1/resolve", [("name", name), ("limit", "5")]) for name in spoken),
    )
    positions, why_no_positions = told
    spoken_on = await visit.maybe("/v1/statements", [("speaker.is", id), ("limit", "1"), ("facet", "topic")])
    topics = ((spoken_on or {}).get("facets") or {}).get("topic") or []
    topics = [one for one in topics if one.get("value")][:TOPICS_SHOWN]
    found = await together(*(visit.maybe(f"/v1/topics/{inside(one['value'])}") for one in topics))
    names.add(one for one in found if one is not None)
    names.learn(spoke, spoken_for, agreements, events, relations, positions)
    names.add((around or {}).get("nodes") or ())
    return {
        "spoke": spoke,
        "spoken_for": spoken_for,
        "agreements": agreements,
        "events": events,
        "relations": relations,
        "positions": positions,
        "chart": steps(positions["items"]) if positions and positions["items"] else None,
        "why_no_positions": why_no_positions,
        "counterparts": counterparts(around, id),
        "resolved": {name: (one or {}).get("items", []) for name, one in zip(spoken, resolved, strict=True)},
        "topics": topics,
        "topic": topic,
    }


def counterparts(around: Mapping[str, Any] | None, id: str) -> list[dict[str, Any]]:
    """Who deals with an actor, those with the most records first, each with what ties them."""
    edges = [one for one in (around or {}).get("edges") or () if id in (one["source"], one["target"])]
    edges.sort(key=lambda one: -one["n"])
    return [
        {**one, "other": one["target"] if one["source"] == id else one["source"]} for one in edges[:COUNTERPARTS_SHOWN]
    ]
