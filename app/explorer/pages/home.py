"""The first page: what is in the base, what changed last, and questions to start with; and the log of all changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.explorer.rendering import Page
from app.explorer.visit import Visit, together
from app.explorer.words import Names

NEWEST = 5  # revisions shown


async def home(visit: Visit, _: Mapping[str, str]) -> Page:
    """What somebody sees who comes for the first time."""
    index = await visit.get("/v1", visit.own)
    said = await visit.maybe("/v1/statements", facets(["speaker", "topic", "commitment"], include="actors,topics"))
    resources = index["resources"]
    counts = await together(
        *(visit.maybe(one["items"].partition("?")[0], [("limit", "1"), ("count", "bounded")]) for one in resources)
    )
    names = Names().learn(said)
    values = {
        "resources": [
            {**one, "count": (found or {}).get("count")} for one, found in zip(resources, counts, strict=True)
        ],
        "revisions": await newest(visit),
        "questions": list(starters(said or {}, names)),
        "names": names,
    }
    return Page("home.html", "Chancery", values)


def facets(names: list[str], *, include: str) -> list[tuple[str, str]]:
    return [("limit", "200"), ("include", include), *(("facet", name) for name in names)]


async def newest(visit: Visit) -> list[Any]:
    """The last few revisions, newest first; a number that was abandoned has none."""
    last = visit.revision or 0
    found = await together(*(visit.maybe(f"/v1/revisions/{n}") for n in range(last, max(0, last - NEWEST), -1)))
    return [one for one in found if one is not None]


def starters(said: Mapping[str, Any], names: Names) -> Iterator[dict[str, str]]:
    """Three questions that this base can answer, made from what it holds."""
    told = said.get("facets") or {}
    speaker, topic, level = (next(iter(told.get(name) or ()), None) for name in ("speaker", "topic", "commitment"))
    if speaker and topic:
        who, what = names.title(speaker["value"]), names.title(topic["value"])
        yield {
            "words": f"How firmly does {who} speak about “{what}”?",
            "page": f"/actors/{speaker['value']}?topic={topic['value']}#positions",
        }
    if speaker:
        yield {
            "words": f"What is {names.title(speaker['value'])} reported to have said?",
            "page": f"/statements?speaker={speaker['value']}",
        }
    if level:
        yield {
            "words": f"What was said at the level “{level['value']}”, and in which sentence does it stand?",
            "page": f"/statements?commitment={level['value']}",
        }
    yield {"words": "Which agreements are there, and what do they lay down?", "page": "/agreements"}


async def changes(visit: Visit, _: Mapping[str, str]) -> Page:
    """What one revision, or every one after it, did to each record."""
    found = await visit.get("/v1/changes", [("limit", "100"), *visit.own])
    names = Names()
    for step in found["items"]:
        names.add(one for one in (step.get("after"), step.get("before")) if one)
    return Page("changes.html", "What changed", {"changes": found, "names": names})
