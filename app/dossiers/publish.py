"""How a dossier becomes a revision: what it would change, then that and nothing else, published at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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
from app.writing import references

# Records written before a commit: the log that readers keep from being folded in stays small. What fits is one transaction, and
# a crash then leaves nothing behind, not even an open revision.
TRANSACTION_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A dossier that may be published, and what that would change."""

    dossier: Dossier
    digest: str
    difference: Difference
    renames: tuple[Rename, ...]
    text: str | None
    basis: int  # the revision that it was compared with
    again: Callable[[Connection], Prepared]  # prepares it once more, where another revision was published meanwhile

    @property
    def pairs(self) -> tuple[tuple[str, Any], ...]:
        """The records to be written, with their nouns."""
        return (*self.difference.created, *self.difference.updated)


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing a dossier did: the revision, or none where nothing changed."""

    revision: int | None
    difference: Difference


def prepare(
    connection: Connection,
    data: bytes,
    vocabularies: Vocabularies,
    *,
    folder: Path | None = None,
    most_bytes: int = document.MOST_BYTES,
) -> Prepared:
    """Check a dossier against the knowledge base. Raises BadDossier with every fault; writes nothing.

    `folder` is where `text_file`, the text of an open source, is looked for.
    """
    stands = known(connection, data)
    checked = check(data, vocabularies=vocabularies, known=stands, pinned_required=True, most_bytes=most_bytes)
    dossier = checked.accepted()
    text = open_text(dossier, folder)
    if text is not None:
        checked = check(data, vocabularies=vocabularies, known=stands, text=text, pinned_required=True)
        dossier = checked.accepted()
    basis = ledger.latest(connection)
    pairs = records(dossier, vocabularies)
    refuse_foreign(connection, dossier, data, vocabularies, pairs)
    why = {gone.id: gone.why for gone in dossier.retracted}
    moved = tuple(renames(dossier))
    why |= {move.old: f"It is {move.new} now." for move in moved}
    found = ledger.difference(connection, pairs, origin=dossier.id, why=why)
    refuse_gaps(connection, dossier, found, {move.old for move in moved})

    def again(now: Connection) -> Prepared:
        return prepare(now, data, vocabularies, folder=folder, most_bytes=most_bytes)

    return Prepared(dossier, sha256(data).hexdigest(), found, moved, text, basis, again)


def known(connection: Connection, data: bytes = b"") -> Callable[[str], str | None]:
    """A function that tells the noun of a record that stands.

    With `data`, the file that will ask, it looks up everything in it that may be an id at once: a large one names thousands.
    """
    words = [word.decode() for word in set(WORD.findall(data))]
    found: dict[str, str | None] = dict.fromkeys(words)
    found.update({id: noun for id, (noun, _) in ledger.origins(connection, words).items()})

    def noun(id: str) -> str | None:
        if id not in found:
            found[id] = ledger.origins(connection, [id]).get(id, (None, None))[0]
        return found[id]

    return noun


WORD = re.compile(rb"[A-Za-z0-9][A-Za-z0-9:._@-]*")  # whatever an id can be made of, and many words that are none


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
    connection: Connection, dossier: Dossier, data: bytes, vocabularies: Vocabularies, pairs: list[tuple[str, Any]]
) -> None:
    """Refuse ids that are not this dossier's to use: of records that somebody else published, or once of another noun."""
    ids = [record["id"] for _, record in pairs]
    taken = {
        id: f"{id} stands already, published by {f'the dossier or dataset {origin}' if origin else 'an edit'}. Refer to it without "
        "describing it again, or give this one another id."
        for id, (_, origin) in ledger.origins(connection, ids).items()
        if origin != dossier.id
    }
    taken |= {
        id: f"{id} was retracted by hand in revision {number}: {why} Leave it out, or put it back first (PUT, If-None-Match: *)."
        for id, (number, why) in ledger.retracted_by_hand(connection, ids).items()
    }
    once = ledger.nouns(connection, ids)
    for noun, record in pairs:
        other = once.get(record["id"], noun)
        if other != noun:
            taken[record["id"]] = (
                f"{record['id']} is or was the id of a {other}; ids are never reused, so this {noun} needs another one."
            )
    if not taken:
        return
    read = document.read(data, most_bytes=max(len(data), document.MOST_BYTES))
    reading = Reading.of(read, vocabularies, lambda _: None, None, pinned_required=False)
    faults = []
    for id, detail in taken.items():
        _, place = reading.defined.get(id, ("", None))
        faults.append(Fault(id, detail, "body", place.line if place else None, place.column if place else None))
    raise refusal(tuple(faults))


def refuse_gaps(connection: Connection, dossier: Dossier, difference: Difference, moved: set[str]) -> None:
    """Refuse to retract what records of other dossiers, or edits, name: they would lead nowhere."""
    gone = {id for reasons in difference.retracted.values() for id in reasons} - moved
    named = references.left_behind(connection, gone, dossier.id) if gone else {}
    if named:
        raise refusal(tuple(gap(id, others) for id, others in sorted(named.items())))


def gap(id: str, others: Sequence[str]) -> Fault:
    """That a record cannot go, since others name it."""
    who = f"{', '.join(others[:5])}{' and more' if len(others) > 5 else ''}"
    detail = f"{id} would be retracted, but {who}, not of this dossier, name it. Keep it here, or change those first."
    return Fault(id[:200], detail, "body", 1, 1)


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

    A crash leaves nothing, or of a large dossier an open revision that nobody sees and `resume` goes on with; a refusal or failure
    leaves nothing. Raises Conflict while another writer is at work.
    """
    if not prepared.difference:
        attach_open(database, prepared, clock)
        return Published(None, prepared.difference)
    change = Change("dossier", by, why or prepared.dossier.title, prepared.dossier.id, prepared.digest, job or {})
    if large(prepared):
        number = ledger.begin(database, change, clock, wait_seconds=wait_seconds)
        return publish_large(database, number, prepared, clock)
    try:
        with ledger.begun(database, change, clock, wait_seconds=wait_seconds) as (connection, number):
            prepared = fresh(connection, prepared)
            write(connection, number, prepared, prepared.pairs, clock)
            ledger.publish(connection, number, clock())
    except Nothing as nothing:
        return Published(None, nothing.difference)
    return Published(number, prepared.difference)


class Nothing(Exception):
    """Somebody else published meanwhile what this dossier would have changed: the transaction is taken back."""

    def __init__(self, difference: Difference) -> None:
        super().__init__()
        self.difference = difference


def fresh(connection: Connection, prepared: Prepared) -> Prepared:
    """The dossier compared with what stands now that no other writer can change it. Raises Nothing where that is the same."""
    if ledger.latest(connection) == prepared.basis:
        return prepared
    # Published as it was prepared, it would leave records that another writer changed meanwhile as that one left them.
    again = prepared.again(connection)
    if not again.difference:
        raise Nothing(again.difference)
    return again


def large(prepared: Prepared) -> bool:
    """Whether a dossier changes too much for one transaction."""
    return len(prepared.pairs) > TRANSACTION_RECORDS


def publish_large(database: Database, number: int, prepared: Prepared, clock: Clock) -> Published:
    """Fill an open revision in several transactions and publish it; what fails is abandoned, unless the database is gone."""
    try:
        with database.read() as connection:
            prepared = fresh(connection, prepared)
        fill(database, number, prepared, clock)
    except Nothing as nothing:
        drop(database, number)
        return Published(None, nothing.difference)
    except BaseException:
        with suppress(Exception):
            drop(database, number)
        raise
    return Published(number, prepared.difference)


def drop(database: Database, number: int) -> None:
    """Abandon an open revision."""
    with database.write() as connection:
        ledger.abandon(connection, number)


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
    """Write what a dossier changes into an open revision, in several transactions, and publish it with the last."""
    batches = list(ledger.batches(prepared.pairs, TRANSACTION_RECORDS)) or [[]]
    for some in batches[:-1]:
        with database.write() as connection:
            put(connection, number, some, prepared.dossier.id)
    with database.write() as connection:
        write(connection, number, prepared, batches[-1], clock)
        ledger.publish(connection, number, clock())


def write(
    connection: Connection, number: int, prepared: Prepared, pairs: Sequence[tuple[str, Any]], clock: Clock
) -> None:
    """Write records of a dossier, what it retracts and renames, and the text of its source where that is open."""
    put(connection, number, pairs, prepared.dossier.id)
    for noun, reasons in prepared.difference.retracted.items():
        ledger.retract(connection, number, noun, reasons)
    for move in prepared.renames:
        ledger.rename(connection, number, move.noun, move.old, move.new)
    if prepared.text is not None:
        texts.attach(connection, prepared.dossier.source.id, prepared.text, clock())


def put(connection: Connection, number: int, pairs: Sequence[tuple[str, Any]], origin: str) -> None:
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
