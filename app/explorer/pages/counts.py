"""Events counted over time, by actor and by code: drawn as bars, each of which leads to its records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.explorer.rendering import Page
from app.explorer.visit import Visit
from app.explorer.words import Names

BY = ("year", "month", "day", "initiator", "recipient", "participant", "code", "root", "quad", "dataset", "country")
SHOWN = "500"


async def counts(visit: Visit, _: Mapping[str, str]) -> Page:
    """The numbers, the bars, and the questions that a reader can go on with."""
    given = [pair for pair in visit.own if pair[1] != ""]
    asked = given if any(name == "by" for name, _ in given) else [("by", "year"), *given]
    limited = asked if any(name == "limit" for name, _ in asked) else [*asked, ("limit", SHOWN)]
    found = await visit.get("/v1/events/counts", limited)
    by = next(value for name, value in asked if name == "by")
    values = {
        "found": found,
        "asked": asked,
        "by": by,
        "columns": by.split(","),
        "measure": found["measure"],
        "bars": bars(found["items"]),
        "choices": BY,
        "next": [*(pair for pair in asked if pair[0] != "cursor"), ("cursor", found["next_cursor"])]
        if found.get("next_cursor")
        else None,
        "names": Names().learn(found),
    }
    return Page("counts.html", "Counts of events", values)


def bars(items: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each cell with its share of the longest bar, in percent."""
    most = max((abs(cell["n"] or 0) for cell in items), default=0) or 1
    return [{"cell": cell, "percent": round(100 * abs(cell["n"] or 0) / most, 1)} for cell in items]
