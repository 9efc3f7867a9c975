"""How a dossier that came over HTTP is published, or what it would change is said: one transaction, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from app import ledger
from app.answers.history import changed
from app.dossiers import publish
from app.dossiers.publish import Nothing, Prepared
from app.errors import TooLarge
from app.ledger import Change, Difference
from app.query.page import address
from app.resources import NOUNS, RESOURCES
from app.writing.acts import Desk, Unchanged, read_back
from app.writing.retries import Answer, Asked


def published(desk: Desk, asked: Asked, prepared: Prepared, why: str | None) -> Answer:
    """Publish a dossier as one revision: 201, or 200 where it changes nothing."""
    if not prepared.difference:
        return desk.note(
            asked, lambda connection: told(200, prepared.dossier.id, prepared.difference, ledger.latest(connection))
        )
    change = Change("dossier", asked.by.name, why or prepared.dossier.title, prepared.dossier.id, prepared.digest)
    return desk.act(asked, change, lambda connection, number: fill(connection, number, prepared, desk))


def fill(connection: Connection, number: int, prepared: Prepared, desk: Desk) -> Answer:
    """Fill a revision with what a dossier changes. Raises Unchanged where that is nothing."""
    try:
        now = publish.fresh(connection, prepared)
    except Nothing as nothing:
        same = told(200, prepared.dossier.id, nothing.difference, ledger.latest(connection))
        raise Unchanged(same) from None
    publish.write(connection, number, now, now.pairs, desk.clock)
    grouped: dict[str, list[Any]] = {}
    for noun, record in now.pairs:
        grouped.setdefault(noun, []).append(record)
    for noun, records in grouped.items():
        read_back(connection, number, noun, records)
    return told(201, prepared.dossier.id, now.difference, number)


def told(status: int, dossier: str, difference: Difference, revision: int) -> Answer:
    """What the publication of a dossier is answered."""
    new = status == 201
    content = {
        "type": "publication",
        "dossier": dossier,
        "published": new,
        "revision": revision,
        "counts": difference.counts(),
        "unchanged": difference.same,
        "self": f"/v1/revisions/{revision}",
        "changes": f"/v1/changes?after={revision - 1}" if new else None,
    }
    headers = {"KB_Revision": str(revision)} | ({"Location": f"/v1/revisions/{revision}"} if new else {})
    return Answer.of(status, content, **headers)


def limited(prepared: Prepared, most: int) -> Prepared:
    """The dossier, where it makes no more records than are taken. Raises TooLarge otherwise."""
    n = len(prepared.pairs) + prepared.difference.same
    if n > most:
        raise TooLarge(
            f"The dossier makes {n:,} records; over HTTP at most {most:,} are possible. Split it, or use `chancery load`."
        )
    return prepared


def difference(connection: Connection, prepared: Prepared) -> dict[str, Any]:
    """What publishing a dossier would change, exactly: each record, and of one that stands each field before and after."""
    found = prepared.difference
    return {
        "type": "difference",
        "dossier": prepared.dossier.id,
        "revision": prepared.basis,
        "counts": found.counts(),
        "unchanged": found.same,
        "created": [{**named(noun, record["id"]), "after": record} for noun, record in found.created],
        "updated": [
            line for noun, record in found.updated for line in compared(connection, noun, record, prepared.basis)
        ],
        "retracted": [
            {**named(noun, id), "why": why} for noun, reasons in found.retracted.items() for id, why in reasons.items()
        ],
        "renamed": [{"type": move.noun, "id": move.old, "now": move.new} for move in prepared.renames],
    }


def named(noun: str, id: str) -> dict[str, Any]:
    """A record as a difference names it."""
    resource = NOUNS[noun]
    return {"type": noun, "id": id, "self": address(resource, id) if resource.name in RESOURCES else None}


def compared(connection: Connection, noun: str, record: Mapping[str, Any], basis: int) -> list[dict[str, Any]]:
    """The fields in which a record differs from the one that stands."""
    stands = ledger.current(connection, NOUNS[noun], [record["id"]], basis).get(record["id"])
    before: Mapping[str, Any] = {} if stands is None else orjson.loads(stands[1])
    fields = {name: {"before": before.get(name), "after": record.get(name)} for name in changed(before, record)}
    return [{**named(noun, record["id"]), "fields": fields}]
