"""What happened to an actor or a topic in time: a list that can be read, and a drawing of the whole that can be zoomed."""

from __future__ import annotations

from collections.abc import Mapping

from app.explorer.rendering import Page
from app.explorer.visit import Visit
from app.explorer.words import Names

TYPES = ("statement", "claim", "event", "agreement")
SHOWN = "100"
OWN = ("window",)  # where a reader has zoomed to: the page's own, and no question to the API


async def timeline(visit: Visit, _: Mapping[str, str]) -> Page:
    """The page of a timeline. Its parameters are the API's."""
    asked = [pair for pair in visit.own if pair[1] != "" and pair[0] not in OWN]
    more = [] if any(name == "limit" for name, _ in asked) else [("limit", SHOWN)]
    found = await visit.get("/v1/timeline", [*asked, *more, ("include", "actors,topics"), ("count", "bounded")])
    names = Names().learn(found)
    values = {
        "found": found,
        "names": names,
        "asked": asked,
        "types": TYPES,
        "drawn": visit.link("/v1/timeline", [pair for pair in asked if pair[0] not in ("cursor", "limit")]),
        "next": [*(pair for pair in asked if pair[0] != "cursor"), ("cursor", found["next_cursor"])]
        if found["next_cursor"]
        else None,
    }
    return Page("timeline.html", "Timeline", values)
