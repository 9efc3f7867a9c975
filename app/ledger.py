"""How the knowledge base is written: revisions are opened, filled and published; nothing else writes records.

    open ── put, retract, rename … ──┬── publish   readers see all of it at once
                                     └── abandon   nobody ever sees any of it

A revision is filled with versions that carry its number, which is beyond what any reader asks for until it is published: many
transactions may fill it, and a crash leaves it invisible. At most one is open at a time, which the database itself enforces.

Invariants:  a version is never changed but for `until`, set once by the revision that closes it;
             a record has one standing version at most, in one face (whole) or two (plain, enriched);
             numbers grow and are never reused; the order of publication is the order of the numbers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Row,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from app import indexing
from app.coded import undoing
from app.db import Database, Locked
from app.errors import BadQuery, ChanceryError, Conflict
from app.models import coded
from app.models.base import ENRICHED, PLAIN, WHOLE
from app.models.revision import record_id, redirect, retraction, revision
from app.models.source import citation
from app.names import words
from app.query import text_index
from app.query.evidence import parts
from app.query.fields import Record, Resource
from app.resources import NOUNS
from app.times import parse_moment

LATEST = select(func.max(revision.c.number)).where(revision.c.state == "published")
NEWEST = (
    select(revision.c.number, revision.c.opened_at)
    .where(revision.c.state == "published")
    .order_by(revision.c.number.desc())
    .limit(1)
)
OPENED_AT = select(revision.c.opened_at).where(revision.c.number == bindparam("number", type_=Integer))
CHUNK = 500  # records a statement: bound parameters are limited (SQLite 32,766)
PUBLISHING = timedelta(minutes=1)  # longer than it takes from the stamp of a publication until readers see it

Clock = Callable[[], datetime]


class Busy(Conflict):
    """Another revision is open, so none can be opened now."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a revision is: who makes it, why, and how to do it again."""

    kind: str
    by: str
    why: str
    origin: str | None = None
    digest: str | None = None
    job: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """How records to be published differ from those that stand: (noun, record) pairs, and what would be retracted."""

    created: tuple[tuple[str, Record], ...] = ()
    updated: tuple[tuple[str, Record], ...] = ()
    same: int = 0
    retracted: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # noun → id → why

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or any(self.retracted.values()))

    def counts(self) -> dict[str, dict[str, int]]:
        """How many records are created, updated and retracted, by noun."""
        return {
            "created": dict(sorted(Counter(noun for noun, _ in self.created).items())),
            "updated": dict(sorted(Counter(noun for noun, _ in self.updated).items())),
            "retracted": {noun: len(reasons) for noun, reasons in sorted(self.retracted.items()) if reasons},
        }


# ── The clock ───────────────────────────────────────────────────────────────────────────────────────────────────────


def latest(connection: Connection) -> int:
    """The last published revision; 0 while the knowledge base is empty."""
    return connection.execute(LATEST).scalar() or 0


def newest(connection: Connection) -> tuple[int, str]:
    """The last published revision with its mark, see `marked`; 0 and none while the knowledge base is empty."""
    row = connection.execute(NEWEST).first()
    return (0, "") if row is None else (row.number, marked(row.opened_at))


def mark_of(connection: Connection, number: int) -> str:
    """The mark of a revision, see `marked`."""
    at = connection.execute(OPENED_AT, {"number": number}).scalar()
    return "" if at is None else marked(at)


def marked(opened_at: str) -> str:
    """What tells a revision from another one of its number, which a database has that was put back from a backup and went on.

    When it was opened rather than published: an edit's answer has its ETag before that.
    """
    return sha256(opened_at.encode()).hexdigest()[:8]


def revision_at(connection: Connection, asked: str, now: datetime) -> int:
    """The revision that `as_of` names: a number, the last one of a day (UTC), or the last one at a moment.

    Raises BadQuery for the future, and for what is none of the three.
    """
    newest = latest(connection)
    if asked.isascii() and asked.isdigit():
        # `2024` is a year to some; it is a revision here, as every bare number is: a year would need a day to end on.
        return _numbered(connection, asked, newest)
    moment = parse_moment(asked)
    if not isinstance(moment, datetime):
        if moment > now.date():
            raise BadQuery(f"as_of={asked} is in the future; the latest revision is {newest}.")
        upto = f"{moment.isoformat()}U"  # 'T' < 'U': everything of that day
    else:
        if moment > now:
            raise BadQuery(f"as_of={asked} is in the future; the latest revision is {newest}.")
        upto = stamp(moment)
    query = select(func.max(revision.c.number)).where(revision.c.state == "published", revision.c.published_at <= upto)
    return connection.execute(query).scalar() or 0


def _numbered(connection: Connection, asked: str, newest: int) -> int:
    if len(asked) > 10 or int(asked) > newest:
        raise BadQuery(f"as_of={asked[:20]} is in the future; the latest revision is {newest}.")
    # A number that was abandoned stands for the one before it: an answer names a revision that the log has.
    query = select(func.max(revision.c.number)).where(revision.c.state == "published", revision.c.number <= int(asked))
    return connection.execute(query).scalar() or 0


def stamp(moment: datetime) -> str:
    """A moment as text of one width, UTC, so that it sorts as text: 2026-01-31T09:30:00.000000Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def settled(asked: str, now: datetime) -> bool:
    """Whether an `as_of` stands for the same revision for ever.

    Not while its moment is younger than a publication takes: one may be under way that was stamped before it.
    """
    if asked.isascii() and asked.isdigit():
        return True
    moment, past = parse_moment(asked), now - PUBLISHING
    return moment < past if isinstance(moment, datetime) else moment < past.date()


# ── Opening, publishing, abandoning ─────────────────────────────────────────────────────────────────────────────────


def opened(connection: Connection) -> Row[Any] | None:
    """The revision that is open, if one is."""
    return connection.execute(select(revision).where(revision.c.state == "open")).first()


def writers(connection: Connection) -> set[str]:
    """Everybody who has published something."""
    return set(connection.scalars(select(revision.c.by).where(revision.c.state == "published").distinct()))


def start(connection: Connection, change: Change, now: datetime, *, number: int | None = None) -> int:
    """Open a revision, of the next number or of a later one that is given. Raises Busy while another one is open."""
    busy = opened(connection)
    if busy is not None:
        raise in_the_way(busy)
    following = (connection.execute(select(func.max(revision.c.number))).scalar() or 0) + 1
    if number is not None and number < following:
        raise Conflict(
            f"Revision {number} cannot be opened: the next number is {following}, and numbers are never used again."
        )
    number = number or following
    try:
        connection.execute(
            insert(revision).values(
                number=number,
                state="open",
                kind=change.kind,
                origin=change.origin,
                digest=change.digest,
                job=orjson.dumps(dict(change.job)).decode(),
                by=change.by,
                why=change.why,
                opened_at=stamp(now),
                counts="{}",
            )
        )
    except IntegrityError as error:
        raise Busy("Another writer opened a revision at the same moment. Nothing was written; try again.") from error
    return number


def in_the_way(row: Row[Any]) -> Busy:
    """The refusal of a writer while another's revision is open."""
    return Busy(
        f"Revision {row.number} ({row.kind}: {row.why}), opened {row.opened_at} by {row.by}, is still open, so nothing else can be "
        f"written. If its writer is at work, wait. If it died, run {mends(row)}."
    )


def occupied(database: Database) -> Busy | None:
    """The refusal of a writer who waited in vain: who it was that wrote, where the database can tell."""
    with suppress(ChanceryError), database.read() as connection:
        row = opened(connection)
        return None if row is None else in_the_way(row)
    return None


def mends(row: Row[Any]) -> str:
    """The commands that mend an open revision whose writer died."""
    again = "chancery mirror" if mirrored(row.job) is not None else f"chancery revisions resume {row.number}"
    return f"`{again}` to finish it or `chancery revisions abandon {row.number}` to drop it"


def mirrored(job: str) -> str | None:
    """What tells the mirror that opened a revision; None where none did."""
    found = orjson.loads(job).get("mirror")
    return found if isinstance(found, str) else None


@contextmanager
def begun(
    database: Database, change: Change, clock: Clock, *, wait_seconds: float = 0.0
) -> Iterator[tuple[Connection, int]]:
    """A transaction with a revision open in it, waiting up to `wait_seconds` for another writer to finish.

    Raises Busy, which says who writes, or Locked where nobody can tell: what one transaction does is not seen before it ends.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with database.write() as connection:
                number = start(connection, change, clock())
                yield connection, number
                return
        except Busy:
            if time.monotonic() >= deadline:
                raise
        except Locked as error:
            told = occupied(database)
            if told is None:
                raise
            raise told from error
        time.sleep(0.05)


def begin(database: Database, change: Change, clock: Clock, *, wait_seconds: float = 0.0) -> int:
    """Open a revision in a transaction of its own, waiting up to `wait_seconds` for another writer to finish."""
    with begun(database, change, clock, wait_seconds=wait_seconds) as (_, number):
        return number


def publish(
    connection: Connection,
    number: int,
    now: datetime,
    *,
    more: Mapping[str, Mapping[str, int]] | None = None,
    only: str | None = None,
) -> None:
    """Let readers see a revision, all of it at once. Raises Conflict where it is not open.

    `more` is what was counted elsewhere, by act and noun: the events of a dataset are too many to be counted again.
    `only` names the noun of all that it changed, where that is known.
    """
    # Always after the one before it, whatever the clock of the machine does: `as_of` a moment relies on that order.
    before = connection.execute(select(func.max(revision.c.published_at))).scalar()
    moment = stamp(now)
    if connection.execute(select(revision.c.kind).where(revision.c.number == number)).scalar() == "import":
        indexing.put_names(connection, number)
    if before is not None and moment <= before:
        moment = stamp(datetime.fromisoformat(before) + timedelta(microseconds=1))
    counts = orjson.dumps(tally(connection, number, more, only)).decode()
    done = connection.execute(
        update(revision)
        .where(revision.c.number == number, revision.c.state == "open")
        .values(state="published", published_at=moment, counts=counts)
    )
    if done.rowcount != 1:
        raise Conflict(f"Revision {number} is not open, so it cannot be published.")


def tally(
    connection: Connection,
    number: int,
    more: Mapping[str, Mapping[str, int]] | None = None,
    only: str | None = None,
) -> dict[str, dict[str, int]]:
    """How many records a revision created, updated and retracted, by noun, counted from the versions themselves."""
    told: dict[str, dict[str, int]] = {"created": {}, "updated": {}, "retracted": {}}
    for noun, n_fresh, n_closed, n_both in connection.execute(_tallied(only), {"number": number}):
        for name, n in (("created", n_fresh - n_both), ("updated", n_both), ("retracted", n_closed - n_both)):
            n += (more or {}).get(name, {}).get(noun, 0)
            if n:
                told[name][noun] = n
    return told


@cache
def _tallied(only: str | None) -> CompoundSelect[Any]:
    """The versions that a revision opened and closed, and the records of both, by noun or of one; one statement, made once.

    As three statements a noun it took half of the time of a single edit; PostgreSQL takes 8 ms to plan it for all nouns.
    """
    number = bindparam("number", type_=Integer)
    lines = []
    for noun, resource in sorted(NOUNS.items()):
        if only not in (None, noun):
            continue
        table = resource.table
        fresh = select(table.c.id).where(table.c.since == number, table.c.face != PLAIN)
        closed = select(table.c.id).where(table.c.until == number, table.c.face != PLAIN)
        counts = (
            select(func.count()).select_from(query.subquery()).scalar_subquery()
            for query in (fresh, closed, fresh.where(table.c.id.in_(closed)))
        )
        lines.append(select(literal(noun).label("noun"), *counts))
    return union_all(*lines)


def abandon(connection: Connection, number: int, *, coded_rows: bool = True) -> None:
    """Drop an open revision: what it wrote is deleted, what it closed stands again. Raises Conflict where it is not open.

    `coded_rows` says whether it may have written coded events.
    """
    mine = (revision.c.number == number, revision.c.state == "open")
    # The state first: a writer who is still at work is waited for, and finds it abandoned at the next step.
    if connection.execute(update(revision).where(*mine).values(state="abandoned")).rowcount != 1:
        raise Conflict(
            f"Revision {number} is not open; only an open one can be abandoned. `chancery revisions list` shows them."
        )
    empty(connection, number, coded_rows=coded_rows)


def empty(connection: Connection, number: int, *, coded_rows: bool = True) -> None:
    """Take back everything that an unpublished revision wrote and closed."""
    kind = connection.scalar(select(revision.c.kind).where(revision.c.number == number))
    # Only imports write coded events.
    if coded_rows and kind == "import":
        undoing.take_back(connection, number)
    for table in versioned():
        if table in coded.IMPORTED:
            continue
        connection.execute(delete(table).where(table.c.since == number))
        if "until" in table.c:
            connection.execute(update(table).where(table.c.until == number).values(until=None))
    for table in (retraction, record_id):
        connection.execute(delete(table).where(table.c.since == number))
    connection.execute(delete(coded.rejected_row).where(coded.rejected_row.c.revision == number))
    text_index.emptied(connection, number)


def forget(connection: Connection, number: int, *, coded_rows: bool = True) -> None:
    """Drop an open revision as if it had not been, so that its number is free: for a mirror, whose numbers are another's."""
    empty(connection, number, coded_rows=coded_rows)
    connection.execute(delete(revision).where(revision.c.number == number, revision.c.state == "open"))


def hold(connection: Connection, number: int) -> None:
    """Make sure, until the transaction ends, that a revision is open. Raises Conflict where it is not, or no more.

    Without this a writer whose revision was abandoned under its hands would write rows that later revisions show.
    """
    # FOR SHARE on PostgreSQL; SQLite has one writer at a time anyway.
    query = select(revision.c.state).where(revision.c.number == number).with_for_update(read=True)
    if connection.execute(query).scalar() != "open":
        raise Conflict(f"Revision {number} is not open any more: it was published or abandoned. Start again.")


def versioned() -> list[Table]:
    """Every table whose rows belong to the revision that opened them, children before parents."""
    tables = [table for resource in NOUNS.values() for table in reversed(resource.tables)]
    return [*tables, citation, redirect, *coded.TABLES]


# ── Filling ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def put(connection: Connection, number: int, noun: str, records: Iterable[Record], *, origin: str | None) -> None:
    """Make these records stand as they are given; what already stands so is left alone.

    Within a revision the last word counts: what it did to a record before is as if it had not been. Raises Conflict for an id
    that belongs to another noun.
    """
    resource = NOUNS[noun]
    hold(connection, number)
    for some in batches(records, CHUNK):
        some = list({record["id"]: record for record in some}.values())
        ids = [record["id"] for record in some]
        _take_back(connection, number, resource, ids)
        _own(connection, number, noun, ids)
        # What stands again under its old name leads nowhere else.
        moved = (redirect.c.id.in_(ids), redirect.c.until.is_(None))
        connection.execute(delete(redirect).where(redirect.c.since == number, *moved))
        connection.execute(update(redirect).where(*moved).values(until=number))
        before = current(connection, resource, ids)
        changed = [record for record in some if record["id"] not in before or differs(before[record["id"]][1], record)]
        _close(connection, number, resource, [record["id"] for record in changed if record["id"] in before])
        _insert(connection, number, resource, changed, origin)


def difference(
    connection: Connection, records: Iterable[tuple[str, Record]], *, origin: str, why: Mapping[str, str]
) -> Difference:
    """What publishing these records, and no others, as `origin` would change.

    What the origin has standing and does not name any more is retracted, with the reason in `why` or a plain one. What an open
    revision of somebody else wrote is not looked at: it may be abandoned.
    """
    created, updated, same = [], [], 0
    upto = latest(connection)
    kept: set[str] = set()
    grouped: dict[str, list[Record]] = {}
    for noun, record in records:
        grouped.setdefault(noun, []).append(record)
    for noun, some in grouped.items():
        for batch in batches(some, CHUNK):
            before = current(connection, NOUNS[noun], [record["id"] for record in batch], upto)
            for record in batch:
                kept.add(record["id"])
                stood = before.get(record["id"])
                if stood is None:
                    created.append((noun, record))
                elif differs(stood[1], record):
                    updated.append((noun, record))
                else:
                    same += 1
    gone: dict[str, dict[str, str]] = {}
    for id, noun in sorted(owned(connection, origin, upto).items()):
        if id not in kept:
            gone.setdefault(noun, {})[id] = why.get(id, f"{origin} does not hold it any more.")
    return Difference(tuple(created), tuple(updated), same, gone)


def current(
    connection: Connection, resource: Resource, ids: Sequence[str], upto: int | None = None
) -> dict[str, tuple[int, str]]:
    """These records whole, (since, body), as they stand: at a published revision, or what the open one did included."""
    if not ids:
        return {}
    table = resource.table
    query = select(table.c.id, table.c.since, table.c.body).where(
        table.c.id.in_(ids), _standing(table, upto), table.c.face != PLAIN
    )
    return {row.id: (row.since, row.body) for row in connection.execute(query)}


def retract(connection: Connection, number: int, noun: str, reasons: Mapping[str, str]) -> None:
    """Let these records stand no longer, each with the reason; those that do not stand are left alone."""
    resource = NOUNS[noun]
    hold(connection, number)
    for ids in batches(sorted(reasons), CHUNK):
        _take_back(connection, number, resource, ids)
        standing = sorted(current(connection, resource, ids))
        _close(connection, number, resource, standing)
        if standing:
            rows = [{"id": id, "since": number, "noun": noun, "why": reasons[id]} for id in standing]
            connection.execute(insert(retraction), rows)


def rename(connection: Connection, number: int, noun: str, old: str, new: str) -> None:
    """Let `old` lead to `new` from this revision on."""
    hold(connection, number)
    same = select(redirect.c.now).where(redirect.c.id == old, redirect.c.until.is_(None))
    if connection.execute(same).scalar() == new:
        return
    connection.execute(delete(redirect).where(redirect.c.id == old, redirect.c.since == number))
    connection.execute(update(redirect).where(redirect.c.id == old, redirect.c.until.is_(None)).values(until=number))
    connection.execute(insert(redirect).values(id=old, since=number, noun=noun, now=new))


def relink(connection: Connection, number: int, old: str, new: str, why: str, *, since: int | None = None) -> int:
    """Tie the actors of datasets that are tied to `old`, or that a revision `since` tied to it, to `new`; says how many."""
    hold(connection, number)
    kept = coded.coded_link.c
    query = select(coded.coded_link).where(kept.actor == old, kept.until.is_(None))
    rows = connection.execute(query if since is None else query.where(kept.since == since)).all()
    for some in batches([row.number for row in rows], CHUNK):
        mine = (kept.number.in_(some), kept.until.is_(None))
        connection.execute(update(coded.coded_link).where(*mine).values(until=number))
        fresh = [{"number": one, "since": number, "actor": new, "why": why} for one in some]
        connection.execute(insert(coded.coded_link), fresh)
    return len(rows)


def owned(connection: Connection, origin: str, upto: int) -> dict[str, str]:
    """The records that an origin (a dossier, a dataset) has standing at a revision: id to noun."""
    found: dict[str, str] = {}
    for noun, resource in NOUNS.items():
        table = resource.table
        query = select(table.c.id).where(table.c.origin == origin, _standing(table, upto)).distinct()
        found.update(dict.fromkeys(connection.scalars(query), noun))
    return found


def origins(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Which noun the records of these ids are that stand now, and what published them."""
    upto, known = latest(connection), nouns(connection, ids)
    # Only events of datasets have ids that are noted nowhere else: they are millions, and of their own form.
    grouped: dict[str, list[str]] = {}
    for id in ids:
        grouped.setdefault(known.get(id, "event"), []).append(id)
    found: dict[str, tuple[str, str | None]] = {}
    for noun, some in grouped.items():
        table = NOUNS[noun].table
        for chunk in batches(some, CHUNK):
            query = select(table.c.id, table.c.origin).where(table.c.id.in_(chunk), _standing(table, upto))
            found.update({row.id: (noun, row.origin) for row in connection.execute(query)})
    return found


def retracted_by_hand(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Which of these records do not stand because somebody retracted or merged them by an edit: the revision and the reason."""
    found: dict[str, tuple[int, str]] = {}
    for some in batches(ids, CHUNK):
        query = (
            select(retraction.c.id, retraction.c.noun, retraction.c.since, retraction.c.why)
            .join(revision, revision.c.number == retraction.c.since)
            .where(
                retraction.c.id.in_(some), revision.c.kind.in_(("retraction", "merge")), revision.c.state == "published"
            )
            .order_by(retraction.c.since)
        )
        rows = {row.id: row for row in connection.execute(query)}
        for noun in {row.noun for row in rows.values()}:
            gone = [id for id, row in rows.items() if row.noun == noun]
            stands = current(connection, NOUNS[noun], gone, latest(connection))
            later = _later_ends(connection, gone)
            found |= {
                id: (rows[id].since, rows[id].why) for id in gone if id not in stands and later[id] == rows[id].since
            }
    return found


def _later_ends(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """The last revision in which each of these records was retracted, by whomever."""
    query = (
        select(retraction.c.id, func.max(retraction.c.since)).where(retraction.c.id.in_(ids)).group_by(retraction.c.id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _standing(table: Table, upto: int | None) -> ColumnElement[bool]:
    """The versions that stand: at a published revision, or with None, those of the open one included."""
    if upto is None:
        return table.c.until.is_(None)
    return and_(table.c.since <= upto, or_(table.c.until.is_(None), table.c.until > upto))


def noun_of(connection: Connection, id: str) -> str | None:
    """The noun whose record carries, or once carried, this id."""
    return connection.execute(select(record_id.c.noun).where(record_id.c.id == id)).scalar()


def nouns(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The noun whose record carries, or once carried, each of these ids."""
    found: dict[str, str] = {}
    for some in batches(ids, CHUNK):
        query = select(record_id.c.id, record_id.c.noun).where(record_id.c.id.in_(some))
        found.update({row.id: row.noun for row in connection.execute(query)})
    return found


def _own(connection: Connection, number: int, noun: str, ids: Sequence[str]) -> None:
    """Note new ids, and refuse those that belong to another noun."""
    known = nouns(connection, ids)
    for id, other in known.items():
        if other != noun:
            raise Conflict(f"The id {id} belongs to a {other}; ids are never reused, so a {noun} needs another one.")
    fresh = [{"id": id, "noun": noun, "since": number} for id in dict.fromkeys(ids) if id not in known]
    if fresh:
        connection.execute(insert(record_id), fresh)


def _take_back(connection: Connection, number: int, resource: Resource, ids: Sequence[str]) -> None:
    """Undo what this very revision did to these records, if it did anything."""
    main = resource.table
    mine = or_(main.c.since == number, main.c.until == number)
    touched = list(connection.scalars(select(main.c.id).where(main.c.id.in_(ids), mine).distinct()))
    if not touched:
        return
    for table in (*reversed(resource.tables), citation):
        connection.execute(delete(table).where(table.c.id.in_(touched), table.c.since == number))
        connection.execute(update(table).where(table.c.id.in_(touched), table.c.until == number).values(until=None))
    for table in (retraction, record_id):
        connection.execute(delete(table).where(table.c.id.in_(touched), table.c.since == number))
    text_index.taken_back(connection, number, touched)


def _close(connection: Connection, number: int, resource: Resource, ids: Sequence[str]) -> None:
    """Close the standing versions of these records."""
    if not ids:
        return
    for table in (*reversed(resource.tables), citation):
        connection.execute(update(table).where(table.c.id.in_(ids), table.c.until.is_(None)).values(until=number))
    text_index.closed(connection, number, ids)


def _insert(
    connection: Connection, number: int, resource: Resource, records: Sequence[Record], origin: str | None
) -> None:
    rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in (*resource.tables, citation)}
    versions: list[tuple[dict[str, Any], Record]] = []
    for record in records:
        for face, seen in faces(record):
            key = {"id": record["id"], "since": number, "face": face}
            versions.append((key, seen))
            rows[resource.table].append({**key, "origin": origin, **columns(resource, seen)})
            for line in resource.fields:
                for child in line.rows:
                    rows[child.table] += [{**key, "n": n, **dict(row)} for n, row in enumerate(child.take(seen))]
            cited = enumerate(parts(seen))
            rows[citation] += [{**key, "n": n, "noun": resource.noun, **cites(part, item)} for n, (part, item) in cited]
    for table, some in rows.items():
        if some:
            connection.execute(insert(table), some)
    indexing.put(connection, resource, versions)


def columns(resource: Resource, record: Record) -> dict[str, Any]:
    """A version's own row: its body, its folded words, and the columns that filters and sorts need."""
    found = {keep.column.name: keep.take(record) for line in resource.fields for keep in line.keep}
    found |= {keep.column.name: keep.take(record) for keep in resource.keep}
    own = (line for line in resource.sought if line.weight != "linked")
    texts = (text for line in own for text in line.take(record))
    folded = [word for text in texts if text for word in words(text)]
    return {**found, "body": dumped(record), "words": "".join(f" {word}" for word in folded)}


def cites(part: str, item: Mapping[str, Any]) -> dict[str, str]:
    """A citation's columns."""
    return {"part": part, "passage": item["passage"], "source": item["source"], "support": item["support"]}


# ── Faces ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def faces(record: Record) -> Iterator[tuple[int, Record]]:
    """The faces in which a record is kept, see `app.models.base`."""
    if record.get("enrichment"):
        yield ENRICHED, record
        return
    plain = without_enrichment(record)
    if plain == record:
        yield WHOLE, record
    else:
        yield PLAIN, plain
        yield ENRICHED, record


def without_enrichment(record: Record) -> dict[str, Any]:
    """The record as its cited source tells it: items and dates from outside are gone, the source's time words stay."""
    return {name: _plain(value) for name, value in record.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value if not (isinstance(item, dict) and item.get("enrichment"))]
    if isinstance(value, dict):
        if value.get("basis") == "enrichment" or value.get("enrichment"):
            words = value.get("words")
            return None if words is None else {"edtf": None, "first": None, "last": None, "words": words, "basis": None}
        return {name: _plain(inner) for name, inner in value.items()}
    return value


def dumped(record: Record) -> str:
    """A record as JSON, in its own order: the order in which answers show it."""
    return orjson.dumps(record).decode()


def differs(body: str, record: Record) -> bool:
    """Whether a record says something else than the version that stands; the order of keys says nothing."""
    return body != dumped(record) and orjson.loads(body) != record


# ── Reading the log ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Step:
    """One record's part in a revision."""

    revision: int
    noun: str
    id: str
    act: str
    before: str | None
    after: str | None
    why: str | None = None
    now: str | None = None


def steps(
    connection: Connection,
    number: int,
    *,
    enrichment: bool,
    skip: int = 0,
    limit: int | None = None,
) -> list[Step]:
    """What a published revision did, in the order of nouns and ids, as a reader with or without enrichment sees it.

    What changed nothing for this reader is no step. `skip` and `limit` take a part of them: the bodies of the others stay unread.
    """
    wanted = (WHOLE, ENRICHED) if enrichment else (WHOLE, PLAIN)
    found: list[Step] = []
    # An old id may lead on without ever having been a record here.
    leads = connection.execute(select(redirect.c.noun, redirect.c.id).where(redirect.c.since == number)).all()
    for resource in NOUNS.values():
        ids = list(connection.scalars(_touched(resource.table, number, wanted)))
        moved = {row.id for row in leads if row.noun == resource.noun}
        if not moved <= set(ids):
            ids = sorted(moved.union(ids))
        some = ids[skip:] if limit is None else ids[skip : skip + limit - len(found)]
        skip = max(0, skip - len(ids))
        for chunk in batches(some, CHUNK):
            found += _steps_of(connection, number, resource, chunk, wanted)
        if limit is not None and len(found) >= limit:
            break
    return found


def _touched(table: Table, number: int, wanted: tuple[int, int]) -> Any:
    """The ids of the records that a revision changed for a reader of these faces, in their order."""
    fresh, closed = (func.max(case((column == number, 1), else_=0)) for column in (table.c.since, table.c.until))
    differ = func.min(table.c.body) != func.max(table.c.body)
    return (
        select(table.c.id)
        .where(or_(table.c.since == number, table.c.until == number), table.c.face.in_(wanted))
        .group_by(table.c.id)
        .having(or_(fresh + closed == 1, differ))
        .order_by(table.c.id)
    )


def _steps_of(
    connection: Connection, number: int, resource: Resource, ids: Sequence[str], wanted: tuple[int, int]
) -> Iterator[Step]:
    """What a revision did to these records, which it changed."""
    table = resource.table
    query = select(table.c.id, table.c.since, table.c.body).where(
        table.c.id.in_(ids), or_(table.c.since == number, table.c.until == number), table.c.face.in_(wanted)
    )
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for row in connection.execute(query):
        (after if row.since == number else before)[row.id] = row.body
    gone = [id for id in ids if id not in after]
    reasons, moves = _ends(connection, number, gone) if gone else ({}, {})
    for id in ids:
        act = (
            "update"
            if id in after and id in before
            else "create"
            if id in after
            else "merge"
            if id in moves
            else "retract"
        )
        yield Step(number, resource.noun, id, act, before.get(id), after.get(id), reasons.get(id), moves.get(id))


def _ends(connection: Connection, number: int, ids: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Why a revision let these records stand no longer, and where those lead that were renamed or merged."""
    told = select(retraction.c.id, retraction.c.why).where(retraction.c.id.in_(ids), retraction.c.since == number)
    leads = select(redirect.c.id, redirect.c.now).where(redirect.c.id.in_(ids), redirect.c.since == number)
    reasons = {row.id: row.why for row in connection.execute(told)}
    return reasons, {row.id: row.now for row in connection.execute(leads)}


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The items, `size` at a time."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
