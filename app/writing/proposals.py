"""How a dossier waits for somebody to read it: kept as it came, compared with what stands whenever it is asked for, then decided.

What is proposed is no knowledge: no revision, no list and no search has it. Accepted, it is published against what stands then, by
whoever accepts it; what does not fit any more is refused with its faults, and goes on waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from app import ledger
from app.dossiers import document, publish
from app.dossiers.publish import Prepared
from app.errors import BadDossier, Conflict, Fault, NotFound
from app.ledger import Change, stamp
from app.models.access import proposal
from app.query.fields import View
from app.query.once import Once
from app.vocabularies import Vocabularies
from app.writing import publishing
from app.writing.acts import Desk, Unchanged
from app.writing.retries import Answer, Asked

WAITING = "proposed"
WAITING_MOST = 1_000  # proposals that wait at once: whoever writes more should find somebody to read them first
LISTED_BYTES = 2_000_000  # of proposals whose records a list shows: comparing one costs half a second a megabyte


@dataclass(frozen=True, slots=True)
class Compared:
    """A proposal beside what stands: the dossier that may be published, or why it may not."""

    prepared: Prepared | None
    faults: tuple[Fault, ...] = ()


COMPARED: Once[str, Compared] = Once(8)


def propose(desk: Desk, asked: Asked, one: Prepared, data: bytes, why: str | None) -> Answer:
    """Keep a dossier that is without faults now until somebody decides."""

    def work(connection: Connection) -> Answer:
        now = desk.clock()
        wait = select(func.count()).select_from(proposal).where(proposal.c.state == WAITING)
        if connection.execute(wait).scalar_one() >= WAITING_MOST:
            raise Conflict(f"{WAITING_MOST:,} proposals wait already. Accept or refuse some first.")
        id = name_of(now, one.dossier.id)
        connection.execute(
            insert(proposal).values(
                id=id,
                state=WAITING,
                dossier=one.dossier.id,
                title=one.dossier.title,
                data=data.decode("utf-8-sig"),
                digest=one.digest,
                by=asked.by.name,
                why=why or one.dossier.title,
                at=stamp(now),
            )
        )
        told = {**as_json(found(connection, id)), "difference": publishing.difference(connection, one)}
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
        found_now = compared(connection, row, vocabularies)
        told["faults"] = [fault.as_json() for fault in found_now.faults]
        if found_now.prepared is not None:
            told["difference"] = publishing.difference(connection, found_now.prepared)
    return told


def compared(connection: Connection, row: Row[Any], vocabularies: Vocabularies) -> Compared:
    """A proposal beside what stands now, worked out once for a revision."""

    def compare() -> Compared:
        try:
            return Compared(prepared(connection, row, vocabularies))
        except BadDossier as error:
            return Compared(None, error.errors)

    return COMPARED.get(connection, View(ledger.latest(connection), enrichment=True), row.id, compare)


def prepared(connection: Connection, row: Row[Any], vocabularies: Vocabularies) -> Prepared:
    """A proposal as a dossier that may be published. Raises BadDossier where it does not fit any more."""
    data = row.data.encode()
    return publish.prepare(connection, data, vocabularies, most_bytes=max(len(data), document.MOST_BYTES))


def records(
    connection: Connection, noun: str, vocabularies: Vocabularies, most: int, *, enrichment: bool
) -> Iterator[dict[str, Any]]:
    """The records of a noun that wait, each with its proposal: at most `most`, the oldest proposals first."""
    rows = connection.execute(select(proposal).where(proposal.c.state == WAITING).order_by(proposal.c.id).limit(100))
    left = LISTED_BYTES
    for row in rows.all():
        left -= len(row.data)
        if left < 0:
            return
        one = compared(connection, row, vocabularies).prepared
        if one is None:
            continue  # its own page says why
        for act, pairs in (("create", one.difference.created), ("update", one.difference.updated)):
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
        now = prepared(connection, row, vocabularies)
        if not now.difference:
            raise Unchanged(Answer.of(200, {}))
        publishing.fill(connection, number, now, desk)
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
