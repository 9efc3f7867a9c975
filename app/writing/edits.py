"""How one record is created, replaced or retracted: of the version that the writer saw, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from app import ledger
from app.answers.history import missing
from app.errors import BadRecord, ChanceryError, Conflict, Fault, InUse, LostRace, Moved, NoPrecondition
from app.ledger import Change
from app.models.source import passage
from app.query import page
from app.query.evidence import access
from app.query.fields import Record, Resource, View
from app.resources import NOUNS
from app.vocabularies import Vocabularies
from app.writing import lone, references
from app.writing.acts import Desk, Unchanged, read_back
from app.writing.retries import Answer, Asked

TagOf = Callable[[View, int], str]  # of a view and the count of accesses to texts: the ETag that a read of it has


@dataclass(frozen=True, slots=True)
class Precondition:
    """Which version a writer means: one with any of these ETags, whichever stands (`*`), or none at all."""

    tags: tuple[str, ...] = ()
    absent: bool = False

    def __bool__(self) -> bool:
        return bool(self.tags) or self.absent


@dataclass(frozen=True, slots=True)
class Edit:
    """One record and what is meant: at which address, of which version, as which reader sees it."""

    resource: Resource
    id: str
    precondition: Precondition
    enrichment: bool
    tag_of: TagOf
    why: str | None

    @property
    def address(self) -> str:
        """Where the record stands."""
        return page.address(self.resource, self.id)

    def view(self, revision: int) -> View:
        """What the writer sees."""
        return View(revision, self.enrichment)

    def tag(self, connection: Connection, revision: int) -> str:
        """The ETag of a read at a revision."""
        view = View(revision, self.enrichment, ledger.mark_of(connection, revision))
        return self.tag_of(view, access(connection) if self.resource.shows_words else 0)


# ── Of which version ────────────────────────────────────────────────────────────────────────────────────────────────


def check(connection: Connection, edit: Edit, *, creates: bool) -> int | None:
    """The revision of the version that stands, None where none does, once the precondition holds.

    Raises NoPrecondition, LostRace; Moved, Gone or NotFound where there is no record and none is made.
    """
    if not edit.precondition:
        new = " or, for a new one, If-None-Match: *" if creates else ""
        raise NoPrecondition(
            f"Say which version you mean: If-Match with the ETag that GET {edit.address} gives{new}. Nothing was changed."
        )
    latest = ledger.latest(connection)
    view = View(latest, enrichment=True)
    stands = ledger.current(connection, edit.resource, [edit.id], latest).get(edit.id)
    if stands is None:
        if edit.resource.stores and page.one(connection, edit.resource, view, edit.id) is not None:
            raise Conflict(f"{edit.id} comes from a dataset: import its file again to change it. Nothing was changed.")
        gone = missing(connection, edit.resource, view, edit.id, latest)
        if isinstance(gone, Moved) or not creates:
            raise gone
        if not edit.precondition.absent:
            raise LostRace(f"{gone.detail} If-Match needs one that stands; If-None-Match: * makes one.")
        return None
    since = stands[0]
    if edit.precondition.absent:
        raise lost(connection, edit, latest, f"{edit.id} stands already, since revision {since}.")
    if not any(holds(connection, edit, tag, since, latest) for tag in edit.precondition.tags):
        raise lost(
            connection,
            edit,
            latest,
            f"{edit.id} is not, or not any more, what If-Match says: it stands like this since {since}.",
        )
    return since


def holds(connection: Connection, edit: Edit, tag: str, since: int, latest: int) -> bool:
    """Whether an ETag is of the version that stands: the one that a read gave at any revision since then, or `since` itself."""
    if tag in ("*", f'"{since}"'):
        return True
    number = tag.strip('"').partition("-")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 10 and since <= int(number) <= latest):
        return False
    return tag == edit.tag(connection, int(number))


def lost(connection: Connection, edit: Edit, latest: int, detail: str) -> LostRace:
    """The refusal of an edit of another version, with the one that stands."""
    record = page.one(connection, edit.resource, edit.view(latest), edit.id)
    return LostRace(
        f"{detail} Nothing was changed. Read it again, make your change to that, and send its ETag.",
        headers={"ETag": edit.tag(connection, latest), "KB-Revision": str(latest)},
        current=record,
    )


# ── Put ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def put(desk: Desk, asked: Asked, edit: Edit, body: bytes, vocabularies: Vocabularies) -> Answer:
    """Create or replace a record: 201 or 200, with the record as it stands now."""
    with desk.database.read() as connection:
        # Those who have lost need not wait for their turn to be told.
        check(connection, edit, creates=True)
    change = Change("edit", asked.by.name, edit.why or f"Edit {edit.resource.noun} {edit.id}")

    def work(connection: Connection, number: int) -> Answer:
        return fill(connection, number, edit, body, vocabularies)

    return desk.act(asked, change, work, only=edit.resource.noun)


def fill(connection: Connection, number: int, edit: Edit, body: bytes, vocabularies: Vocabularies) -> Answer:
    """Fill a revision with one record. Raises Unchanged where it stands like this already."""
    since = check(connection, edit, creates=True)
    record = lone.read(connection, edit.resource, edit.id, body, vocabularies)
    stands = {} if since is None else orjson.loads(ledger.current(connection, edit.resource, [edit.id])[edit.id][1])
    if not edit.enrichment:
        record = beside(record, stands)
    if record == stands:
        latest = ledger.latest(connection)
        raise Unchanged(told(connection, edit, latest, 200))
    keep_proof(connection, edit.resource, record, stands)
    ledger.put(connection, number, edit.resource.noun, [record], origin=None)
    read_back(connection, number, edit.resource.noun, [record])
    return told(connection, edit, number, 201 if since is None else 200)


def told(connection: Connection, edit: Edit, revision: int, status: int) -> Answer:
    """The answer to an edit: the record as the writer's address shows it at the revision."""
    record = page.one(connection, edit.resource, edit.view(revision), edit.id)
    if record is None:
        raise ChanceryError(f"{edit.id} could not be read back as it was written. Nothing was changed.")
    answer = Answer.of(status, record, ETag=edit.tag(connection, revision), KB_Revision=str(revision))
    more = {"Link": f'<{edit.address}/revisions>; rel="version-history"'}
    more |= {"Location": edit.address} if status == 201 else {}
    return Answer(answer.status, answer.body, {**answer.headers, **more})


def beside(record: Record, stands: Record) -> dict[str, Any]:
    """A record that a reader without enrichment wrote, with the knowledge from outside that stands beside what they saw.

    Raises BadRecord where it holds such knowledge itself: who writes it has to see what there is of it.
    """
    plain = ledger.without_enrichment(record)
    if record.get("enrichment") or plain != record:
        detail = (
            "The record holds knowledge from outside its source (`enrichment`). Read and write it with ?enrichment=true, so that "
            "nothing is overwritten that you did not see."
        )
        raise BadRecord(detail, errors=[Fault("enrichment", detail, "body", 1, 1)])
    seen = ledger.without_enrichment(stands)
    if seen == plain:
        return dict(stands)
    return {name: with_outside(value, seen.get(name), stands.get(name)) for name, value in plain.items()}


def with_outside(value: Any, seen: Any, stands: Any) -> Any:
    """A value as it was written, or with the items from outside that its writer did not see."""
    if value == seen:
        return stands
    if isinstance(value, list):
        outside = (item for item in stands or () if isinstance(item, Mapping) and item.get("enrichment"))
        return [*value, *outside]
    return value


def keep_proof(connection: Connection, resource: Resource, record: Record, stands: Record) -> None:
    """Refuse to move what others prove themselves by: a passage that is cited, the text of a source that has passages."""
    if resource.noun == "passage":
        if stands:
            references.refuse(connection, "passage", record["id"])
        placed(connection, record)
    if resource.noun == "source" and stands:
        moved = [name for name in ("sha256", "characters") if record.get(name) != stands.get(name)]
        cut = select(passage.c.id).where(passage.c.source == record["id"], passage.c.until.is_(None)).limit(1)
        if moved and connection.execute(cut).first() is not None:
            raise InUse(f"{', '.join(moved)} cannot change: passages of {record['id']} are counted in that very text.")


def placed(connection: Connection, record: Record) -> None:
    """Refuse a passage that does not lie in its source."""
    source = orjson.loads(ledger.current(connection, NOUNS["source"], [record["source"]])[record["source"]][1])
    faults = []
    if not record["id"].startswith(f"{record['source']}:"):
        faults.append(
            Fault(
                "id", f"The id of a passage is its source's, a colon and a name: {record['source']}:p1s1.", "body", 1, 1
            )
        )
    if record["end"] <= record["start"] or record["end"] > (source.get("characters") or record["end"]):
        faults.append(
            Fault("end", f"It must be after `start` and within the {source['characters']} characters.", "body", 1, 1)
        )
    if faults:
        raise lone.refusal(tuple(faults))


# ── Retract ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def retract(desk: Desk, asked: Asked, edit: Edit) -> Answer:
    """Let a record stand no longer: it stays readable `as_of` before. Raises InUse while others refer to it."""
    with desk.database.read() as connection:
        check(connection, edit, creates=False)
    change = Change("retraction", asked.by.name, edit.why or "")

    def work(connection: Connection, number: int) -> Answer:
        check(connection, edit, creates=False)
        references.refuse(connection, edit.resource.noun, edit.id)
        ledger.retract(connection, number, edit.resource.noun, {edit.id: edit.why or ""})
        return retracted(edit, number)

    return desk.act(asked, change, work, only=edit.resource.noun)


def retracted(edit: Edit, number: int) -> Answer:
    """The answer to a retraction."""
    content = {
        "type": edit.resource.noun,
        "id": edit.id,
        "act": "retract",
        "why": edit.why,
        "revision": number,
        "self": f"/v1/revisions/{number}",
        "before": f"{edit.address}?as_of={number - 1}",
    }
    return Answer.of(200, content, KB_Revision=str(number))
