"""How a dossier becomes a revision: what it would change, then that and nothing else, published at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from app import ledger, texts
from app.db import Database
from app.dossiers import document
from app.dossiers.check import check, refusal
from app.dossiers.reading import Reading
from app.dossiers.records import Rename, records, renames
from app.dossiers.schema import Dossier
from app.errors import BadDossier, Conflict, Fault
from app.ledger import Change, Difference
from app.times import Clock
from app.vocabularies import Vocabularies

TRANSACTION_RECORDS = 2_000  # records written before a commit: what a reader's snapshot must outlive stays small


@dataclass(frozen=True, slots=True)
class Prepared:
    """A dossier that may be published, and what that would change."""

    dossier: Dossier
    digest: str
    difference: Difference
    renames: tuple[Rename, ...]
    text: str | None


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing a dossier did: the revision, or none where nothing changed."""

    revision: int | None
    difference: Difference


def prepare(connection: Connection, data: bytes, vocabularies: Vocabularies, *, folder: Path | None = None) -> Prepared:
    """Check a dossier against the knowledge base. Raises BadDossier with every fault; writes nothing.

    `folder` is where `text_file`, the text of an open source, is looked for.
    """
    checked = check(data, vocabularies=vocabularies, known=known(connection), pinned_required=True)
    dossier = checked.accepted()
    text = open_text(dossier, folder)
    if text is not None:
        checked = check(data, vocabularies=vocabularies, known=known(connection), text=text, pinned_required=True)
        dossier = checked.accepted()
    pairs = records(dossier, vocabularies)
    refuse_foreign(connection, dossier, data, vocabularies, [record["id"] for _, record in pairs])
    why = {gone.id: gone.why for gone in dossier.retracted}
    moved = tuple(renames(dossier))
    why |= {move.old: f"It is {move.new} now." for move in moved}
    found = ledger.difference(connection, pairs, origin=dossier.id, why=why)
    return Prepared(dossier, sha256(data).hexdigest(), found, moved, text)


def known(connection: Connection) -> Callable[[str], str | None]:
    """A function that tells the noun of a record that stands."""

    def noun(id: str) -> str | None:
        found = ledger.origins(connection, [id]).get(id)
        return None if found is None else found[0]

    return noun


def open_text(dossier: Dossier, folder: Path | None) -> str | None:
    """The text of an open source, read from the file that the dossier names. Raises BadDossier where it is not there."""
    name = dossier.source.text_file
    if dossier.source.text != "open" or name is None or folder is None:
        return None
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise BadDossier(
            "source.text_file must lie beside the dossier or below it.",
            errors=[Fault("source.text_file", "It leads outside.", "body")],
        )
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadDossier(
            f"source.text_file: {name} is not there or is not UTF-8; put the text beside the dossier.",
            errors=[Fault("source.text_file", "The file cannot be read as UTF-8.", "body")],
        ) from None


def refuse_foreign(
    connection: Connection, dossier: Dossier, data: bytes, vocabularies: Vocabularies, ids: list[str]
) -> None:
    """Refuse records that stand already, published by somebody else: a dossier describes its own and refers to others."""
    taken = {id: origin for id, (_, origin) in ledger.origins(connection, ids).items() if origin != dossier.id}
    if not taken:
        return
    reading = Reading.of(document.read(data), vocabularies, lambda _: None, None, pinned_required=False)
    faults = []
    for id, origin in taken.items():
        _, place = reading.defined.get(id, ("", None))
        owner = f"the dossier or dataset {origin}" if origin else "an edit"
        detail = f"{id} stands already, published by {owner}. Refer to it without describing it again, or give this one another id."
        faults.append(Fault(id, detail, "body", place.line if place else None, place.column if place else None))
    raise refusal(tuple(faults))


def publish(
    database: Database,
    prepared: Prepared,
    *,
    by: str,
    clock: Clock,
    why: str | None = None,
    job: Mapping[str, Any] | None = None,
    wait_seconds: float = 10.0,
) -> Published:
    """Publish what a dossier changes as one revision; nothing at all where it changes nothing.

    A crash leaves an open revision that nobody sees; `resume` goes on with it. Raises Conflict while another writer is at work.
    """
    dossier, found = prepared.dossier, prepared.difference
    if not found:
        attach_open(database, prepared, clock)
        return Published(None, found)
    change = Change("dossier", by, why or dossier.title, dossier.id, prepared.digest, job or {})
    number = ledger.begin(database, change, clock, wait_seconds=wait_seconds)
    fill(database, number, prepared, clock)
    return Published(number, found)


def resume(
    database: Database,
    number: int,
    data: bytes,
    vocabularies: Vocabularies,
    *,
    clock: Clock,
    folder: Path | None = None,
) -> None:
    """Go on with an open revision that a crash left behind. Raises Conflict where the dossier is not the same file any more."""
    with database.read() as connection:
        row = ledger.opened(connection)
        if row is None or row.number != number:
            raise Conflict(f"Revision {number} is not open. `chancery revisions list` shows what is.")
        if row.digest != sha256(data).hexdigest():
            raise Conflict(
                f"The dossier was changed since revision {number} was opened. "
                f"`chancery revisions abandon {number}`, then load it again."
            )
    # What the crash left half-written is not standing knowledge yet: drop it and write it again, under the same number.
    with database.write() as connection:
        ledger.empty(connection, number)
    with database.read() as connection:
        prepared = prepare(connection, data, vocabularies, folder=folder)
    fill(database, number, prepared, clock)


def fill(database: Database, number: int, prepared: Prepared, clock: Clock) -> None:
    """Write what a dossier changes into an open revision, and publish it."""
    dossier, found = prepared.dossier, prepared.difference
    pairs = [*found.created, *found.updated]
    batches = list(ledger.batches(pairs, TRANSACTION_RECORDS))
    for some in batches[:-1]:
        with database.write() as connection:
            put(connection, number, some, dossier.id)
    with database.write() as connection:
        put(connection, number, batches[-1] if batches else [], dossier.id)
        for noun, reasons in found.retracted.items():
            ledger.retract(connection, number, noun, reasons)
        for move in prepared.renames:
            ledger.rename(connection, number, move.noun, move.old, move.new)
        if prepared.text is not None:
            texts.attach(connection, dossier.source.id, prepared.text, clock())
        ledger.publish(connection, number, clock())


def put(connection: Connection, number: int, pairs: list[tuple[str, Any]], origin: str) -> None:
    """Write records, those of one noun together."""
    grouped: dict[str, list[Any]] = {}
    for noun, record in pairs:
        grouped.setdefault(noun, []).append(record)
    for noun, some in grouped.items():
        ledger.put(connection, number, noun, some, origin=origin)


def attach_open(database: Database, prepared: Prepared, clock: Clock) -> None:
    """Keep the text of an open source where it is not at hand, though nothing else changed."""
    if prepared.text is not None:
        with database.write() as connection:
            texts.attach(connection, prepared.dossier.source.id, prepared.text, clock())
