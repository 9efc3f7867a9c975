"""What a new knowledge base starts with: the vocabularies and the dossiers of the seed folder, each published once."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, select

from app import ledger
from app.db import Database
from app.dossiers.publish import Published, prepare, publish
from app.ledger import Change, Difference
from app.models.revision import revision
from app.query.fields import Record
from app.times import Clock
from app.vocabularies import Vocabularies

BY = "chancery seed"


def terms(vocabularies: Vocabularies) -> Iterator[tuple[str, Record]]:
    """Every term of every vocabulary as a record."""
    for name, vocabulary in sorted(vocabularies.items()):
        for place, term in enumerate(vocabulary):
            yield (
                "term",
                {
                    "id": f"{name}:{term.id}",
                    "vocabulary": name,
                    "term": term.id,
                    "label": term.label,
                    "definition": term.definition,
                    "rank": term.rank,
                    "place": place,
                },
            )


def seed_vocabularies(database: Database, vocabularies: Vocabularies, *, clock: Clock) -> int | None:
    """Publish the vocabularies where they differ from those that stand; the revision, or None."""
    with database.read() as connection:
        found = ledger.difference(connection, terms(vocabularies), origin="vocabularies", why={})
    if not found:
        return None
    change = Change("vocabularies", BY, "Define the controlled vocabularies", "vocabularies")
    # One transaction: small, and a crash leaves no open revision behind.
    with database.write() as connection:
        number = ledger.start(connection, change, clock())
        ledger.put(
            connection,
            number,
            "term",
            [record for _, record in (*found.created, *found.updated)],
            origin="vocabularies",
        )
        for noun, reasons in found.retracted.items():
            ledger.retract(connection, number, noun, reasons)
        ledger.publish(connection, number, clock())
    return number


def seed(database: Database, folder: Path, vocabularies: Vocabularies, *, clock: Clock) -> list[Published]:
    """Publish the vocabularies, then each dossier of the folder; those that change nothing are no revision."""
    seed_vocabularies(database, vocabularies, clock=clock)
    told = []
    for file in sorted((folder / "dossiers").glob("*.y*ml")):
        data = file.read_bytes()
        with database.read() as connection:
            if published_before(connection, data):
                # What somebody changed by hand since then stays as they left it.
                told.append(Published(None, Difference()))
                continue
            prepared = prepare(connection, data, vocabularies, folder=file.parent)
        told.append(publish(database, prepared, by=BY, clock=clock, job={"load": str(file.resolve())}))
    return told


def published_before(connection: Connection, data: bytes) -> bool:
    """Whether this very file was published, and since then no other one of its dossier."""
    digest = sha256(data).hexdigest()
    kept = revision.c
    mine = select(kept.number, kept.origin).where(
        kept.digest == digest, kept.state == "published", kept.kind == "dossier"
    )
    row = connection.execute(mine.order_by(kept.number.desc()).limit(1)).first()
    if row is None:
        return False
    later = select(kept.number).where(kept.origin == row.origin, kept.state == "published", kept.number > row.number)
    return connection.execute(later.limit(1)).first() is None
