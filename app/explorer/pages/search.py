"""What is found for words: hits of every kind, each with the place where the words stand."""

from __future__ import annotations

from collections.abc import Mapping

from app.explorer.rendering import Page
from app.explorer.visit import Visit

SHOWN = "25"


async def search(visit: Visit, _: Mapping[str, str]) -> Page:
    """The page of a search. Its parameters are the API's; without words it asks for some."""
    asked = [pair for pair in visit.own if pair[1] != ""]
    if not visit.value("q").strip():
        return Page("search.html", "Search", {"found": None, "asked": asked})
    more = [] if any(name == "limit" for name, _ in asked) else [("limit", SHOWN)]
    found = await visit.get("/v1/search", [*asked, *more])
    values = {
        "found": found,
        "asked": asked,
        "next": [*(pair for pair in asked if pair[0] != "cursor"), ("cursor", found["next_cursor"])]
        if found["next_cursor"]
        else None,
    }
    return Page("search.html", "Search", values)
