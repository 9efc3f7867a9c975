"""What a network says as a graph file: its attributes of nodes and edges, and text as XML can hold it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from xml.sax.saxutils import quoteattr  # nosec B406

Type = Literal["string", "integer", "boolean"]
Item = Mapping[str, Any]

# What XML 1.0 cannot hold in any way: most control characters, surrogates, and two that are no characters.
IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of nodes or of edges: its name, its type, and how its value is taken; None is left out."""

    name: str
    type: Type
    take: Callable[[Item], Any]


@dataclass(frozen=True, slots=True)
class GraphFormat:
    """A representation of networks: its media type, its file name's ending, and how it is written."""

    name: str
    media_type: str
    ending: str
    write: Callable[[Item], Iterator[bytes]]


def graphs() -> Mapping[str, GraphFormat]:
    """The formats of networks by name."""
    from app.formats import gexf, graphml

    return {one.FORMAT.name: one.FORMAT for one in (gexf, graphml)}


def plain(name: str) -> Callable[[Item], Any]:
    """A function that takes the value of that name."""
    return lambda item: item[name]


def counted(kind: str) -> Callable[[Item], Any]:
    """A function that takes how many records of a kind there are."""
    return lambda item: item["counts"].get(kind, 0)


def joined(name: str) -> Callable[[Item], Any]:
    """A function that takes each value of that name among an edge's ties once."""
    return lambda item: "|".join(dict.fromkeys(str(tie[name]) for tie in item["ties"] if tie[name] is not None)) or None


COUNTS: Final = tuple(
    Attribute(f"{kind}_n", "integer", counted(kind))
    for kind in ("relation", "event", "agreement", "statement", "membership", "office")
)
NODE: Final = (
    Attribute("kind", "string", plain("kind")),
    Attribute("dataset", "string", plain("dataset")),
    Attribute("distance", "integer", plain("distance")),
    Attribute("degree", "integer", plain("degree")),
    Attribute("neighbours", "integer", plain("neighbours")),
    Attribute("n", "integer", plain("n")),
    *COUNTS,
    Attribute("self_link", "string", plain("self")),  # networkx reads no attribute of the name `self`
)
EDGE: Final = (
    Attribute("n", "integer", plain("n")),
    *COUNTS,
    Attribute("hypothetical", "boolean", plain("hypothetical")),
    Attribute("first", "string", plain("first")),
    Attribute("last", "string", plain("last")),
    Attribute("kind", "string", joined("kind")),
    Attribute("type", "string", joined("type")),
    Attribute("status", "string", joined("status")),
    # Addresses hold no space.
    Attribute("items", "string", lambda item: " ".join(tie["items"] for tie in item["ties"])),
)


def text(value: Any) -> str:
    """A value as an attribute of XML, quoted; what XML cannot hold is shown as U+FFFD."""
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    return quoteattr(IMPOSSIBLE.sub("\ufffd", str(value)), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;", '"': "&quot;"})


def values(attributes: tuple[Attribute, ...], item: Item) -> Iterator[tuple[str, Any]]:
    """The attributes that an item has, by name."""
    for one in attributes:
        value = one.take(item)
        if value is not None:
            yield one.name, value


def described(network: Item) -> str:
    """A network in a line: around whom, how far, at which revision."""
    return f"{', '.join(network['actors'])}; depth {network['depth']}; revision {network['revision']}"
