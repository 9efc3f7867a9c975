"""A list of records: the same question as over the API, its cards, its facets, and the next page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.explorer.rendering import Page
from app.explorer.visit import Visit, inside, together
from app.explorer.words import Names

FORMATS = ("csv", "ndjson", "parquet", "jsonld")
CARDS = 25  # on a page that does not say how many it wants
SHOWN_OF_FACET = 12  # values of a facet; of these alone the names are asked for
PASSED_BY = ("evidence",)  # cited on a record's own page


def links_of(dictionary: Mapping[str, Any]) -> str:
    """What to include so that every id in a list has a name."""
    return ",".join(one["name"] for one in dictionary["fields"] if one["links"] and one["name"] not in PASSED_BY)


async def listing(visit: Visit, path: Mapping[str, str]) -> Page:
    """A page of a resource. Every parameter is the API's, and means here what it means there."""
    name = inside(path["resource"])
    dictionary = await visit.get(f"/v1/resources/{name}")
    asked = [pair for pair in visit.own if pair[1] != ""]
    if visit.value("state") == "proposed":
        return await waiting(visit, name, dictionary, asked)
    more = [] if any(given == "limit" for given, _ in asked) else [("limit", str(CARDS))]
    facets = (
        [] if any(given == "facet" for given, _ in asked) else [("facet", one["name"]) for one in dictionary["facets"]]
    )
    include = links_of(dictionary)
    extra = [*more, *facets, ("count", "bounded"), *([("include", include)] if include else [])]
    first = not any(given == "cursor" for given, _ in asked)
    found = await visit.get(f"/v1/{name}", [*asked, *(extra if first else more + extra[-1:])])
    names = Names().learn(found)
    await name_facets(visit, found, names)
    shown = {given for given, _ in asked}
    values = {
        "resource": dictionary,
        "found": found,
        "names": names,
        "filters": [one for one in dictionary["filters"] if "." not in one["name"]],
        "asked": [pair for pair in asked if pair[0] not in ("cursor", "limit", "facet")],
        "shown": shown,
        "facet_values": SHOWN_OF_FACET,
        "next": [*(pair for pair in asked if pair[0] != "cursor"), ("cursor", found["next_cursor"])]
        if found["next_cursor"]
        else None,
        "formats": [(one, visit.link(f"/v1/{name}", [*asked, ("format", one)])) for one in FORMATS],
    }
    return Page("list.html", dictionary["name"].capitalize(), values)


async def waiting(visit: Visit, name: str, dictionary: Mapping[str, Any], asked: list[tuple[str, str]]) -> Page:
    """What is proposed and not decided: no knowledge yet, so it has no revision, no filter and no page of its own."""
    found = await visit.get(f"/v1/{name}", asked, pinned=False)
    names = Names().learn(found)
    return Page("waiting.html", f"Proposed {name}", {"resource": dictionary, "found": found, "names": names})


async def name_facets(visit: Visit, found: Mapping[str, Any], names: Names) -> None:
    """Learn what the ids among a list's facets are called; what has no record keeps its own word."""
    known = {"speaker", "on_behalf_of", "participant", "party", "initiator", "recipient", "subject", "object", "about"}
    wanted = {
        str(one["value"])
        for name, values in (found.get("facets") or {}).items()
        if name in known
        for one in values[:SHOWN_OF_FACET]
        if one["value"] not in names.known
    }
    asked = (visit.maybe(f"/v1/actors/{inside(id)}", [("fields", "name,kind")]) for id in sorted(wanted))
    names.add(record for record in await together(*asked) if record is not None)
