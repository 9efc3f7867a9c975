"""What a reader asks of a page: the address bar says it all, and every page asks our own API, at one revision."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import orjson

Pairs = Sequence[tuple[str, str]]
VIEW = ("as_of", "enrichment")  # what every link of a page carries on


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: status, headers in lower case, bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


Ask = Callable[[str], Awaitable[Answer]]


class Refused(Exception):
    """The API turned a question down that the page stands on; the page says what it said."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(slots=True)
class Visit:
    """One page being made: its path and parameters, and the revision that all of its answers stand for."""

    ask: Ask
    path: str
    pairs: Pairs
    revision: int | None = None  # of the first answer; every later one stands for it too
    kept: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.kept = {name: value for name, value in self.pairs if name in VIEW}

    def value(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return next((value for given, value in reversed(self.pairs) if given == name), default)

    def values(self, name: str) -> list[str]:
        """Every value of a parameter."""
        return [value for given, value in self.pairs if given == name]

    @property
    def own(self) -> list[tuple[str, str]]:
        """The parameters that are the page's own, less those of the view."""
        return [pair for pair in self.pairs if pair[0] not in VIEW]

    async def answer(self, path: str, pairs: Pairs = (), *, pinned: bool = True) -> Answer:
        """What the API answers at the page's revision and for its kind of reader; unpinned, of what has no revision."""
        view = {name: value for name, value in self.kept.items() if pinned or name != "as_of"}
        if pinned and self.revision is not None:
            view["as_of"] = str(self.revision)
        found = await self.ask(address(path, [*pairs, *view.items()]))
        if self.revision is None and found.headers.get("kb-revision", "").isdigit():
            self.revision = int(found.headers["kb-revision"])
        return found

    async def get(self, path: str, pairs: Pairs = (), *, pinned: bool = True) -> Any:
        """The JSON of an answer. Raises Refused for anything but 200."""
        found = await self.answer(path, pairs, pinned=pinned)
        if found.status != 200:
            raise Refused(found)
        return found.content

    async def maybe(self, path: str, pairs: Pairs = ()) -> Any | None:
        """The JSON of an answer, or None: for a part that a page can do without."""
        found = await self.answer(path, pairs)
        return found.content if found.status == 200 else None

    async def told(self, path: str, pairs: Pairs = ()) -> tuple[Any | None, str | None]:
        """The JSON of an answer, or None and the API's own words why there is none: for a part of a page."""
        found = await self.answer(path, pairs)
        if found.status == 200:
            return found.content, None
        return None, str(problem_of(found).get("detail") or "This part could not be answered.")

    def link(self, path: str, pairs: Pairs | Mapping[str, Any] = ()) -> str:
        """The address of another page, or of an answer of the API's, in the same view."""
        given = list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs)
        bare, _, query = path.partition("?")
        more = [(name, str(value)) for name, value in given if value is not None]
        tail = urlencode([*more, *self.kept.items()], safe=":@,")
        joined = "&".join(part for part in (query, tail) if part)
        return f"{bare}?{joined}" if joined else bare


def problem_of(answer: Answer) -> Mapping[str, Any]:
    """What a problem document says; nothing where an answer is none."""
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def address(path: str, pairs: Pairs) -> str:
    """A path with its parameters, the path perhaps having some already."""
    if not pairs:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(list(pairs))}"


def inside(id: str) -> str:
    """An id as a part of a path."""
    return quote(id, safe=":@")


async def together(*questions: Coroutine[Any, Any, Any]) -> list[Any]:
    """The answers of several questions, asked at the same time."""
    return list(await asyncio.gather(*questions))
