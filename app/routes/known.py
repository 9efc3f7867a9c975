"""Which route answers a path without parameters: looked up, where the router would try sixty patterns one after another."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send


class Known(BaseRoute):
    """Stands before all other routes, and hands on to the one of this very path; to anything else it is no match."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        plain = [one for one in routes if isinstance(one, Route) and "{" not in one.path]
        self.routes = {(method, one.path): one for one in reversed(plain) for method in one.methods or ()}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether this very path has a route for the method."""
        found = self.routes.get((scope.get("method", ""), scope["path"])) if scope["type"] == "http" else None
        return (Match.NONE, {}) if found is None else found.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let that route answer."""
        await self.routes[scope["method"], scope["path"]].handle(scope, receive, send)
