"""How a dossier waits for somebody to read it: kept as it came, compared with what stands whenever it is asked for, then decided.

What is proposed is no knowledge: no revision, no list and no search has it. Accepted, it is published against what stands then, by
whoever accepts it; what does not fit any more is refused with its faults, and goes on waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app import ledger
from app.dossiers import publish
from app.dossiers.publish import Prepared
from app.errors import BadDossier, Conflict, NotFound
from app.ledger import Change, stamp
from app.models.access import proposal
from app.vocabularies import Vocabularies
from app.writing import publishing
from app.writing.acts import Desk, Unchanged
from app.writing.retries import Answer, Asked

WAITING = "proposed"


def propose(desk: Desk, asked: Asked, prepared: Prepared, data: bytes, why: str | None) -> Answer:
    """Keep a dossier that is without faults now until somebody decides."""

    def work(connection: Connection) -> Answer:
        now = desk.clock()
        id = name_of(now, prepared.dossier.id)
        connection.execute(
            insert(proposal).values(
                id=id,
                state=WAITING,
                dossier=prepared.dossier.id,
                title=prepared.dossier.title,
                data=data.decode("utf-8-sig"),
                digest=prepared.digest,
                by=asked.by.name,
                why=why or prepared.dossier.title,
                at=stamp(now),
            )
        )
        told = {**as_json(found(connection, id)), "difference": publishing.difference(connection, prepared)}
        return Answer.of(201, told, Location=f"/v1/proposals/{id}")

    return desk.note(asked, work)


def name_of(now: datetime, dossier: str) -> str:
    """The id of a proposal: ids in order are proposals in the order in which they came."""
    return f"{stamp(now)[:-1].replace('-', '').replace(':', '').replace('T', '').replace('.', '')}-{dossier}"


def found(connection: Connection, id: str) -> Row[Any]:
    """A proposal. Raises NotFound."""
    row = connection.execute(select(proposal).where(proposal.c.id == id)).first()
    if row is None:
        raise NotFound(f"There is no proposal {id[:80]!r}. /v1/proposals lists those that there are.")
    return row


def as_json(row: Row[Any]) -> dict[str, Any]:
    """A proposal as the API shows it."""
    return {
        "id": row.id,
        "type": "proposal",
        "self": f"/v1/proposals/{row.id}",
        "state": row.state,
        "dossier": row.dossier,
        "title": row.title,
        "by": row.by,
        "why": row.why,
        "at": row.at,
        "decided": None
        if row.decided_at is None
        else {"by": row.decided_by, "why": row.decided_why, "at": row.decided_at},
        "revision": row.revision,
    }


def listed(connection: Connection, state: str | None, after: str, limit: int) -> list[dict[str, Any]]:
    """Proposals after an id, in the order in which they came, of one state or of all."""
    query = select(proposal).where(proposal.c.id > after).order_by(proposal.c.id).limit(limit)
    rows = connection.execute(query if state is None else query.where(proposal.c.state == state))
    return [as_json(row) for row in rows]


def shown(connection: Connection, id: str, vocabularies: Vocabularies) -> dict[str, Any]:
    """A proposal with what it would change now, or with the faults that it has come to have."""
    row = found(connection, id)
    told: dict[str, Any] = {**as_json(row), "difference": None, "faults": []}
    if row.state == WAITING:
        try:
            told["difference"] = publishing.difference(
                connection, publish.prepare(connection, row.data.encode(), vocabularies)
            )
        except BadDossier as error:
            told["faults"] = [fault.as_json() for fault in error.errors]
    return told


def records(
    connection: Connection, noun: str, vocabularies: Vocabularies, most: int, *, enrichment: bool
) -> Iterator[dict[str, Any]]:
    """The records of a noun that wait, each with its proposal: at most `most`, the oldest proposals first."""
    rows = connection.execute(select(proposal).where(proposal.c.state == WAITING).order_by(proposal.c.id).limit(100))
    for row in rows.all():
        try:
            prepared = publish.prepare(connection, row.data.encode(), vocabularies)
        except BadDossier:
            continue  # its own page says why
        for act, pairs in (("create", prepared.difference.created), ("update", prepared.difference.updated)):
            for other, record in pairs:
                if other != noun or (record.get("enrichment") and not enrichment):
                    continue
                if most <= 0:
                    return
                most -= 1
                seen: Mapping[str, Any] = record if enrichment else ledger.without_enrichment(record)
                where = {"id": row.id, "self": f"/v1/proposals/{row.id}", "act": act}
                yield {**seen, "type": noun, "proposal": where}


def accept(desk: Desk, asked: Asked, id: str, why: str, vocabularies: Vocabularies) -> Answer:
    """Publish a proposal against what stands now. Raises BadDossier where it does not fit any more, Conflict once decided."""
    with desk.database.read() as connection:
        row = waiting(connection, id)
    change = Change(
        "dossier", asked.by.name, f"{row.why} Proposed by {row.by}, accepted: {why}", row.dossier, row.digest
    )

    def work(connection: Connection, number: int) -> Answer:
        waiting(connection, id)
        prepared = publish.prepare(connection, row.data.encode(), vocabularies)
        if not prepared.difference:
            raise Unchanged(Answer.of(200, {}))
        publishing.fill(connection, number, prepared, desk)
        return decide(connection, desk, asked, id, "accepted", why, number)

    def nothing_new(connection: Connection) -> Answer:
        waiting(connection, id)
        return decide(connection, desk, asked, id, "accepted", why, None)

    return desk.act(asked, change, work, otherwise=nothing_new)


def turn_down(desk: Desk, asked: Asked, id: str, why: str) -> Answer:
    """Refuse a proposal, for a reason."""

    def work(connection: Connection) -> Answer:
        waiting(connection, id)
        return decide(connection, desk, asked, id, "refused", why, None)

    return desk.note(asked, work)


def waiting(connection: Connection, id: str) -> Row[Any]:
    """A proposal that is not decided. Raises Conflict where it is."""
    row = found(connection, id)
    if row.state != WAITING:
        raise Conflict(
            f"This proposal was {row.state} by {row.decided_by} on {row.decided_at}. Propose it again to have it decided anew."
        )
    return row


def decide(
    connection: Connection, desk: Desk, asked: Asked, id: str, state: str, why: str, number: int | None
) -> Answer:
    """Write down what became of a proposal."""
    values = {
        "state": state,
        "decided_by": asked.by.name,
        "decided_why": why,
        "decided_at": stamp(desk.clock()),
        "revision": number,
    }
    connection.execute(update(proposal).where(proposal.c.id == id, proposal.c.state == WAITING).values(**values))
    revision = ledger.latest(connection) if number is None else number
    return Answer.of(200, as_json(found(connection, id)), KB_Revision=str(revision))
