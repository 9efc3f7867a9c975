"""One record: what it says, the passages that it rests on, what became of it, and where its threads lead."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from app.explorer.pages import actors, agreements
from app.explorer.rendering import Page
from app.explorer.visit import Visit, inside, together
from app.explorer.words import Names, title

More = Callable[[Visit, Mapping[str, Any], Names], Coroutine[Any, Any, Mapping[str, Any]]]


async def record(visit: Visit, path: Mapping[str, str]) -> Page:
    """The page of one record of any resource."""
    resource, id = inside(path["resource"]), inside(path["id"])
    dictionary = await visit.get(f"/v1/resources/{resource}")
    include = ",".join(one["name"] for one in dictionary["fields"] if one["links"])
    own = [pair for pair in visit.own if pair[0] not in PARTS.get(resource, ())]
    found = await visit.get(f"/v1/{resource}/{id}", [*own, *([("include", include)] if include else [])])
    names = Names().learn(found)
    names.add([found])
    versions, more = await together(
        visit.maybe(f"/v1/{resource}/{id}/revisions"), MORE.get(resource, nothing)(visit, found, names)
    )
    values = {
        "record": found,
        "names": names,
        "passages": (found.get("included") or {}).get("passages", {}),
        "sources": (found.get("included") or {}).get("sources", {}),
        "versions": (versions or {}).get("items", []),
        "resource": dictionary,
        **more,
    }
    return Page(TEMPLATES.get(resource, "record.html"), title(found, names), values)


async def nothing(visit: Visit, record: Mapping[str, Any], names: Names) -> Mapping[str, Any]:
    return {}


async def scale(visit: Visit, record: Mapping[str, Any], names: Names) -> Mapping[str, Any]:
    """The levels of commitment in their order, to show where a record's stands."""
    found = await visit.maybe("/v1/vocabularies/commitment_level")
    return {"levels": (found or {}).get("items", [])}


async def event(visit: Visit, record: Mapping[str, Any], names: Names) -> Mapping[str, Any]:
    """The reports of a coded event, and what was said at one that a source tells of."""
    id = inside(record["id"])
    reports, said = await together(
        visit.maybe(f"/v1/events/{id}/reports", [("limit", "20")]),
        visit.maybe("/v1/statements", [("occasion", record["id"]), ("limit", "20"), ("include", "actors")]),
    )
    names.learn(said)
    return {"reports": (reports or {}).get("items", []), "said": (said or {}).get("items", [])}


async def topic(visit: Visit, record: Mapping[str, Any], names: Names) -> Mapping[str, Any]:
    """What there is on a topic."""
    asked = [("topic", record["id"]), ("limit", "10"), ("count", "bounded"), ("include", "actors")]
    kinds = ("statements", "claims", "agreements", "events")
    found = await together(*(visit.maybe(f"/v1/{kind}", asked) for kind in kinds))
    names.learn(*found)
    return {"lists": [(kind, one) for kind, one in zip(kinds, found, strict=True) if one and one["items"]]}


MORE: Mapping[str, More] = {
    "statements": scale,
    "claims": scale,
    "actors": actors.more,
    "agreements": agreements.more,
    "events": event,
    "topics": topic,
}
TEMPLATES = {
    "statements": "statement.html",
    "claims": "statement.html",
    "actors": "actor.html",
    "agreements": "agreement.html",
}
# Parameters that a page takes for a part of its own; all others are the API's.
PARTS: Mapping[str, tuple[str, ...]] = {"actors": ("topic",)}
