"""A source, read: its text with every cited passage marked, or its outline where the text is withheld."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.explorer.marks import outline, paragraphs
from app.explorer.rendering import Page
from app.explorer.visit import Visit, inside, together
from app.explorer.words import Names, noun_of, title

# How a passage is marked: by the first of these that cites it.
KINDS = ("statement", "claim", "event", "agreement", "provision", "relation", "actor")
PASSAGES_MOST = 20  # pages of 500


async def source(visit: Visit, path: Mapping[str, str]) -> Page:
    """The page of one source."""
    id = inside(path["id"])
    found = await visit.get(f"/v1/sources/{id}", visit.own)
    passages, names = await passages_of(visit, found["id"])
    text, versions, verified = await together(
        whole_text(visit, found) if found["text"] != "withheld" else none(),
        visit.maybe(f"/v1/sources/{id}/revisions"),
        visit.maybe(f"/v1/sources/{id}/verification"),
    )
    kinds = {one["id"]: kind_of(one, names) for one in passages}
    values = {
        "record": found,
        "names": names,
        "passages": {one["id"]: one for one in passages},
        "kinds": kinds,
        "kinds_there": [kind for kind in (*KINDS, "other") if kind in kinds.values()],
        "text": paragraphs(text, passages) if text is not None else None,
        "outline": outline(found.get("sentences") or (), passages),
        "verified": verified,
        "versions": (versions or {}).get("items", []),
    }
    return Page("source.html", title(found, names), values)


async def none() -> None:
    return None


async def passages_of(visit: Visit, source: str) -> tuple[list[Any], Names]:
    """Every cited passage of a source in the order of reading, and what cites them."""
    asked = [("source", source), ("limit", "500"), ("include", "cited_by")]
    found: list[Any] = []
    names = Names()
    cursor: str | None = ""
    for _ in range(PASSAGES_MOST):
        page = await visit.get("/v1/passages", [*asked, *([("cursor", cursor)] if cursor else [])])
        names.learn({"included": page["included"]})
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return sorted(found, key=lambda one: (one["start"], -one["end"])), names


async def whole_text(visit: Visit, source: Mapping[str, Any]) -> str | None:
    """The text of a source, where it may be shown here."""
    answer = await visit.answer(f"/v1/sources/{inside(source['id'])}/text")
    return answer.body.decode("utf-8") if answer.status == 200 else None


def kind_of(passage: Mapping[str, Any], names: Names) -> str:
    """Which kind of record makes most of a passage."""
    there = {noun_of(names.known[id]) for id in passage["cited_by"] if id in names.known}
    return next((kind for kind in KINDS if kind in there), "other")
