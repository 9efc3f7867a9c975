"""How an answer is said: a file a format, each turning chunks of records into chunks of bytes.

json   one page, with everything around it (in `app.routes`)
csv  ndjson  parquet  jsonld   the whole result, streamed
popolo   actors, streamed
atom   what was published last
gexf  graphml   a network
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.query.fields import Resource
from app.query.whole import Block, Chunk

__all__ = ["Block", "Chunk", "Format", "formats", "media_types"]


@dataclass(frozen=True, slots=True)
class Format:
    """A representation: its media type, its file name's ending, and how it is written."""

    name: str
    media_type: str
    ending: str
    write: Callable[[Resource, Iterable[Chunk], tuple[str, ...]], Iterator[bytes]]


def formats(base: str | None = None) -> Mapping[str, Format]:
    """The streamed formats by name; `base` is where the server is found, for those that say addresses."""
    from app.formats import csv, jsonld, ndjson, parquet, popolo

    found = (csv.FORMAT, ndjson.FORMAT, parquet.FORMAT, jsonld.of(base), popolo.of(base))
    return {one.name: one for one in found}


def media_types() -> Mapping[str, str]:
    """The media type of every representation, without its parameters."""
    from app.formats import atom
    from app.formats.graphs import graphs

    streamed = {one.name: one.media_type.partition(";")[0] for one in formats().values()}
    streamed |= {one.name: one.media_type for one in graphs().values()}
    return {"json": "application/json", **streamed, "atom": atom.MEDIA_TYPE, "sse": "text/event-stream"}
