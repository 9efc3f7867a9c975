"""What an agreement's page shows beside the record, and several agreements side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.explorer.chart import bar
from app.explorer.rendering import Page
from app.explorer.visit import Visit, together
from app.explorer.words import Names


async def more(visit: Visit, record: Mapping[str, Any], names: Names) -> Mapping[str, Any]:
    """The provisions in full, how long it runs, and which others it can be compared with."""
    provisions, others = await together(
        visit.maybe("/v1/provisions", [("agreement", record["id"]), ("limit", "200"), ("include", "actors,evidence")]),
        visit.maybe("/v1/agreements", [("limit", "50"), ("fields", "gloss,kind")]),
    )
    names.learn(provisions)
    return {
        "provisions": (provisions or {}).get("items", []),
        "more_passages": ((provisions or {}).get("included") or {}).get("passages", {}),
        "others": [one for one in (others or {}).get("items", []) if one["id"] != record["id"]],
        "bar": bar(record),
    }


async def compare(visit: Visit, _: Mapping[str, str]) -> Page:
    """Two agreements and more, row by row."""
    if not visit.values("id"):
        every = await visit.get("/v1/agreements", [("limit", "200"), ("fields", "gloss,kind")])
        return Page("compare.html", "Compare agreements", {"choices": every["items"], "compared": None})
    compared = await visit.get("/v1/agreements/compare", visit.own)
    return Page(
        "compare.html", "Compare agreements", {"compared": compared, "names": Names().learn(compared), "choices": []}
    )
