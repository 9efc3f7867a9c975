"""The pages by their addresses: each asks the API what it needs and hands the answers to its template."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from app.explorer.pages import agreements, counts, home, lists, network, reader, records, search, timeline
from app.explorer.rendering import Page
from app.explorer.visit import Visit

View = Callable[[Visit, Mapping[str, str]], Awaitable[Page]]

# The order matters: a plain word comes before a path that takes any.
PAGES: tuple[tuple[str, View], ...] = (
    ("/", home.home),
    ("/search", search.search),
    ("/timeline", timeline.timeline),
    ("/network", network.network),
    ("/counts", counts.counts),
    ("/compare", agreements.compare),
    ("/changes", home.changes),
    ("/sources/{id}", reader.source),
    ("/{resource}", lists.listing),
    ("/{resource}/{id}", records.record),
)

__all__ = ["PAGES", "View"]
