"""How an answer is said: a file a format, each turning chunks of records into chunks of bytes.

json   one page, with everything around it (in `app.routes`)
csv  ndjson  parquet  jsonld   the whole result, streamed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.query.fields import Resource

Chunk = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Format:
    """A representation: its media type, its file name's ending, and how it is written."""

    name: str
    media_type: str
    ending: str
    write: Callable[[Resource, Iterable[Chunk], tuple[str, ...]], Iterator[bytes]]


def formats() -> Mapping[str, Format]:
    """The streamed formats by name."""
    from app.formats import csv, jsonld, ndjson, parquet

    return {one.FORMAT.name: one.FORMAT for one in (csv, ndjson, parquet, jsonld)}
