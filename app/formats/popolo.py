"""How actors are said as Popolo, the format of the Popolo project for people, organisations, posts and memberships.

Popolo knows people and organisations; states, governments, coalitions and groups become organisations with their kind as
`classification`. What it has no place for is left out: whether an actor is certain to exist, dates that are no plain year, month or
day, and actors that only datasets name, of whom nobody says which of the two they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final
from urllib.parse import quote

import orjson

from app.formats import Chunk, Format
from app.query.fields import Resource

MEDIA_TYPE: Final = "application/popolo+json"
DATE: Final = re.compile(r"\d{4}(-\d\d){0,2}")
SPOOL_BYTES: Final = 1_000_000  # beyond it, what comes later in the document waits on the disk
COPY_BYTES: Final = 100_000


def write(
    resource: Resource, chunks: Iterable[Chunk], fields: tuple[str, ...], *, base: str | None = None
) -> Iterator[bytes]:
    """One document; it is whole only with its closing bracket. People come as they are read, the rest after them."""
    posts: dict[str, dict[str, Any]] = {}
    with SpooledTemporaryFile(SPOOL_BYTES) as organizations, SpooledTemporaryFile(SPOOL_BYTES) as memberships:
        yield b'{"persons":['
        comma = b""
        for chunk in chunks:
            for record in chunk:
                kind = record.get("kind")
                if kind is None:
                    continue
                if kind == "person":
                    yield comma + orjson.dumps(party(record, base))
                    comma = b","
                else:
                    add(organizations, party(record, base) | {"classification": kind})
                for tenure in record.get("offices") or ():
                    post = posting(tenure)
                    posts[post["id"]] = post
                    add(memberships, holding(record, tenure))
                for one in record.get("memberships") or ():
                    add(memberships, belonging(record, one))
        yield b'],"organizations":['
        yield from copied(organizations)
        yield b'],"memberships":['
        yield from copied(memberships)
    yield b'],"posts":' + orjson.dumps(list(posts.values())) + b"}"


def party(record: Mapping[str, Any], base: str | None) -> dict[str, Any]:
    """A person or an organisation, without what tells them apart."""
    names = [one for one in record.get("names") or () if one["text"] != record.get("name")]
    cited = [one["passage"] for one in record.get("evidence") or ()]
    outside = {one["enrichment"]["source"] for one in (record, *names) if one.get("enrichment")}
    return {
        "id": record["id"],
        "name": record.get("name"),
        "other_names": [{"name": one["text"], "note": one["kind"], "lang": one["language"]} for one in names],
        "identifiers": [
            {"scheme": one["scheme"], "identifier": one["value"]} for one in record.get("identifiers") or ()
        ],
        "sources": [
            *({"url": f"{base or ''}/v1/passages/{quote(id, safe=':')}", "note": "cites"} for id in cited),
            *({"url": one, "note": "enrichment"} for one in sorted(outside) if one.startswith(("http://", "https://"))),
        ],
    }


def posting(tenure: Mapping[str, Any]) -> dict[str, Any]:
    """The post that is held."""
    return {
        "id": tenure["office"],
        "label": tenure["title"],
        "role": tenure["title"],
        "organization_id": tenure["of"],
    }


def holding(record: Mapping[str, Any], tenure: Mapping[str, Any]) -> dict[str, Any]:
    """Who holds a post."""
    return {
        **member(record),
        "organization_id": tenure["of"],
        "post_id": tenure["office"],
        "role": tenure["title"],
        **days(tenure),
    }


def belonging(record: Mapping[str, Any], membership: Mapping[str, Any]) -> dict[str, Any]:
    """Who belongs to what."""
    return {**member(record), "organization_id": membership["actor"], **days(membership)}


def member(record: Mapping[str, Any]) -> dict[str, Any]:
    """The party that is the member: a person by its id, an organisation by a reference."""
    if record.get("kind") == "person":
        return {"person_id": record["id"]}
    return {"member": {"@type": "Organization", "id": record["id"]}}


def days(span: Mapping[str, Any]) -> dict[str, str]:
    """The ends of a span that Popolo can say: a year, a month or a day, and nothing uncertain."""
    ends = {"start_date": span.get("from"), "end_date": span.get("until")}
    return {name: value for name, value in ends.items() if value is not None and DATE.fullmatch(value)}


def add(file: IO[bytes], item: Mapping[str, Any]) -> None:
    """Keep something for later, with a comma before it unless it is the first."""
    file.write((b"," if file.tell() else b"") + orjson.dumps(item))


def copied(file: IO[bytes]) -> Iterator[bytes]:
    """What was kept."""
    file.seek(0)
    yield from iter(lambda: file.read(COPY_BYTES), b"")


def of(base: str | None) -> Format:
    """The format, for the server at an address."""
    made: Callable[..., Iterator[bytes]] = partial(write, base=base) if base else write
    return Format("popolo", MEDIA_TYPE, "popolo.json", made)
