"""Who is tied to whom around an actor: a table that can be read, and a drawing of it."""

from __future__ import annotations

from collections.abc import Mapping

from app.explorer.rendering import Page
from app.explorer.visit import Visit
from app.explorer.words import Names

EDGES = "30"  # of a node: more can be asked for
OWN = ("view",)  # where a reader has zoomed to: the page's own, and no question to the API


async def network(visit: Visit, _: Mapping[str, str]) -> Page:
    """The page of a network. Its parameters are the API's; without an actor it asks for one."""
    asked = [pair for pair in visit.own if pair[1] != "" and pair[0] not in OWN]
    if not visit.value("actor"):
        choices = await visit.get("/v1/actors", [("limit", "50"), ("fields", "name,kind")])
        return Page("network.html", "Network", {"found": None, "choices": choices["items"], "asked": asked})
    more = [] if any(name == "limit" for name, _ in asked) else [("limit", EDGES)]
    found = await visit.get("/v1/network", [*asked, *more])
    names = Names()
    names.add(found["nodes"])
    values = {
        "found": found,
        "names": names,
        "asked": asked,
        "drawn": visit.link("/v1/network", [*asked, *more]),
        "formats": [(one, visit.link("/v1/network", [*asked, ("format", one)])) for one in ("gexf", "graphml")],
    }
    return Page("network.html", "Network", values)
