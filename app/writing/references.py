"""Which records refer to a record: asked before one goes or becomes another, so that nothing is left that leads nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import Any

import orjson
from sqlalchemy import Connection, func, or_, select

from app.errors import InUse
from app.models.base import PLAIN
from app.models.coded import coded_link
from app.models.source import citation
from app.query.evidence import parts
from app.query.fields import Link, Record, Resource
from app.query.page import ids_in
from app.resources import NOUNS

SHOWN = 20  # records that a refusal names


def to(connection: Connection, id: str) -> Iterator[tuple[str, Record]]:
    """The standing records that name an id, with their nouns.

    One statement a noun, which looks for the id in the records themselves: what they name stands there, and not all of it in
    columns. It costs a scan (0.1 s for 100,000 records), which a retraction is rare enough for.
    """
    for noun, resource in NOUNS.items():
        if not any(line.links for line in resource.fields):
            continue
        table = resource.table
        query = select(table.c.body).where(
            table.c.until.is_(None), table.c.face != PLAIN, table.c.body.contains(f'"{id}"', autoescape=True)
        )
        for body in connection.scalars(query.order_by(table.c.id)):
            record = orjson.loads(body)
            if record["id"] != id and id in set(named(resource, record)):
                yield noun, record


def left_behind(connection: Connection, gone: Set[str], but: str) -> dict[str, list[str]]:
    """Which of these records standing ones name that another origin than `but` published: their ids, with who names them."""
    found: dict[str, list[str]] = {}
    for noun, resource in NOUNS.items():
        if not any(line.links for line in resource.fields):
            continue
        table = resource.table
        others = or_(table.c.origin.is_(None), table.c.origin != but)
        query = select(table.c.body).where(table.c.until.is_(None), table.c.face != PLAIN, others)
        if len(gone) <= SHOWN:
            query = query.where(or_(*[table.c.body.contains(f'"{id}"', autoescape=True) for id in sorted(gone)]))
        for body in connection.scalars(query.order_by(table.c.id)):
            record = orjson.loads(body)
            for id in {*named(resource, record), *cited(record)} & gone:
                found.setdefault(id, []).append(f"{noun} {record['id']}")
    return found


def cited(record: Record) -> Iterator[str]:
    """Every passage that a record cites, its parts included."""
    return (item["passage"] for _, item in parts(record))


def named(resource: Resource, record: Record) -> Iterator[str]:
    """Every id that a record names."""
    for line in resource.fields:
        for link in line.links:
            yield from ids_in([dict(record)], line, link.at)


def citers(connection: Connection, id: str) -> list[str]:
    """The records that cite a passage anywhere within."""
    query = select(citation.c.noun, citation.c.id).where(citation.c.passage == id, citation.c.until.is_(None))
    return [
        f"{row.noun} {row.id}" for row in connection.execute(query.distinct().order_by(citation.c.noun, citation.c.id))
    ]


def linked(connection: Connection, id: str) -> int:
    """How many actors of datasets are tied to an actor."""
    query = select(func.count()).select_from(coded_link).where(coded_link.c.actor == id, coded_link.c.until.is_(None))
    return connection.execute(query).scalar_one()


def refuse(connection: Connection, noun: str, id: str) -> None:
    """Raise InUse where something refers to a record."""
    found = [f"{other} {record['id']}" for other, record in to(connection, id)]
    found += citers(connection, id) if noun == "passage" else []
    found = list(dict.fromkeys(found))
    n = linked(connection, id) if noun == "actor" else 0
    if n:
        found.append(f"{n} actors of datasets, which are tied to it")
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise InUse(
            f"{id} cannot go: {', '.join(found[:SHOWN])}{more} refer to it. Change or retract them first, or publish a "
            "dossier that does both."
        )


def replaced(resource: Resource, record: Record, change: Callable[[str], str]) -> dict[str, Any]:
    """A record with every id that it names put through a function."""
    told = dict(record)
    for line in resource.fields:
        for link in line.links:
            told[line.name] = _replaced(told.get(line.name), link, change)
    return told


def _replaced(value: Any, link: Link, change: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_replaced(item, link, change) for item in value]
    if isinstance(value, dict) and link.at is not None:
        inner = value.get(link.at)
        return {**value, link.at: change(inner)} if isinstance(inner, str) else value
    return change(value) if isinstance(value, str) and link.at is None else value
