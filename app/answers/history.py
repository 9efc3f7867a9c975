"""What became of a record and of the whole knowledge base: versions, revisions, and the ordered feed of changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import orjson
from sqlalchemy import Connection, Row, and_, or_, select

from app import ledger
from app.coded import stream
from app.errors import BadQuery, ChanceryError, Fault, Gone, Moved, NotFound
from app.models.base import ENRICHED
from app.models.coded import rejected_row
from app.models.revision import record_id, retraction, revision
from app.query.fields import Resource, Version, View
from app.query.page import address
from app.query.params import nearest, shown
from app.query.plan import moved
from app.resources import NOUNS, RESOURCES

ENDS = (".", "!", "?")  # of a sentence

IDS_COMPARED = 20_000  # ids that "did you mean" looks at


def missing(connection: Connection, resource: Resource, view: View, id: str, latest: int) -> ChanceryError:
    """Why a record cannot be shown: renamed, retracted, outside knowledge, not there yet, of another kind, or never here."""
    now = moved(connection, view, id)
    if now is not None:
        return Moved(f"{id} is {now} now.", to=address(resource, now))
    table = resource.table
    versions = connection.execute(select(table.c.since, table.c.until, table.c.face).where(table.c.id == id)).all()
    published = [row for row in versions if row.since <= latest]
    seen = [row for row in published if row.since <= view.revision]
    closed = [
        one.until for store in resource.stores for one in store.versions(connection, view, id) if one.until is not None
    ]
    if closed:
        last = max(closed)
        return Gone(f"{id} was taken back in revision {last}. It can still be read with as_of={last - 1}.")
    if any(row.face == ENRICHED and (row.until is None or row.until > view.revision) for row in seen):
        return NotFound(f"{id} is knowledge from outside the cited sources. Add enrichment=true to see it.")
    if seen:
        last = max(row.until for row in seen if row.until is not None)
        why = connection.execute(
            select(retraction.c.why).where(retraction.c.id == id, retraction.c.since == last)
        ).scalar()
        reason = f" The reason given: {why}{'' if why.endswith(ENDS) else '.'}" if why else ""
        return Gone(f"{id} was retracted in revision {last}.{reason} It can still be read with as_of={last - 1}.")
    if published:
        first = min(row.since for row in published)
        return NotFound(f"{id} was not here yet at revision {view.revision}; it came with revision {first}.")
    for store in resource.stores:
        for one in store.versions(connection, View(latest, view.enrichment), id):
            return NotFound(f"{id} was not here yet at revision {view.revision}; it came with revision {one.since}.")
    home = connection.execute(
        select(record_id.c.noun).where(record_id.c.id == id, record_id.c.since <= latest)
    ).scalar()
    if home is not None and home in NOUNS and NOUNS[home].name in RESOURCES:
        return NotFound(f"{id} is a {home}: see {address(NOUNS[home], id)}.")
    near = meant(connection, id, latest, resource.noun)
    hint = f" Did you mean {near}?" if near else f" /v1/{resource.name} lists what is here."
    return NotFound(f"There is no {resource.noun} {shown(id)!r}.{hint}")


def meant(connection: Connection, id: str, latest: int, noun: str | None = None) -> str | None:
    """The id of a record, of one noun or of any, that is most like one that nothing has."""
    ids = select(record_id.c.id).where(record_id.c.since <= latest)
    if noun is not None:
        ids = ids.where(record_id.c.noun == noun)
    return nearest(id, connection.scalars(ids.limit(IDS_COMPARED)))


def versions(connection: Connection, resource: Resource, view: View, id: str) -> list[dict[str, Any]]:
    """Every version of a record up to the view's revision, oldest first: what changed, who, when and why."""
    found = kept_versions(connection, resource, view, id)
    numbers = {
        number for one in found for number in (one.since, one.until) if number is not None and number <= view.revision
    }
    log = {
        row.number: row for row in connection.execute(select(revision).where(revision.c.number.in_(sorted(numbers))))
    }
    reasons = {row.since: row.why for row in connection.execute(select(retraction).where(retraction.c.id == id))}
    told: list[dict[str, Any]] = []
    before: Mapping[str, Any] | None = None
    for one, following in zip_longest(found, found[1:]):
        until = one.until if one.until is not None and one.until <= view.revision else None
        act = "create" if before is None else "update"
        told.append(
            {
                **entry(log[one.since], act),
                "since": one.since,
                "until": until,
                "changed": changed(before, one.record),
                "record": one.record,
            }
        )
        before = one.record
        if until is not None and (following is None or following.since != until):
            gone = entry(log[until], "retract")
            why = reasons.get(until, gone["why"])
            told.append({**gone, "why": why, "since": until, "until": None, "changed": [], "record": None})
            before = None
    return told


def kept_versions(connection: Connection, resource: Resource, view: View, id: str) -> list[Version]:
    """The versions of a record from wherever they are kept, oldest first."""
    table = resource.table
    query = (
        select(table.c.since, table.c.until, table.c.body)
        .where(table.c.id == id, table.c.face.in_(view.faces), table.c.since <= view.revision)
        .order_by(table.c.since)
    )
    found = [Version(row.since, row.until, orjson.loads(row.body)) for row in connection.execute(query)]
    for store in resource.stores if not found else ():
        found += store.versions(connection, view, id)
    return found


def entry(row: Row[Any], act: str) -> dict[str, Any]:
    """A revision's part in a history."""
    return {"revision": row.number, "act": act, "by": row.by, "why": row.why, "at": row.published_at}


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """The fields in which two versions differ; all that say something, for the first."""
    if before is None:
        return sorted(name for name, value in after.items() if value not in (None, []))
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def revision_json(row: Row[Any], *, coded: bool) -> dict[str, Any]:
    """A published revision as the API shows it; `coded` says whether it did something to coded events."""
    return {
        "number": row.number,
        "type": "revision",
        "self": f"/v1/revisions/{row.number}",
        "kind": row.kind,
        "origin": row.origin,
        "by": row.by,
        "why": row.why,
        "opened_at": row.opened_at,
        "published_at": row.published_at,
        "counts": orjson.loads(row.counts),
        "changes": f"/v1/changes?after={row.number - 1}",
        "events": f"/v1/revisions/{row.number}/events" if coded else None,
    }


def revisions(connection: Connection, upto: int, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Published revisions after `after` and up to `upto`, oldest first."""
    query = (
        select(revision)
        .where(revision.c.state == "published", revision.c.number > after, revision.c.number <= upto)
        .order_by(revision.c.number)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    coded = stream.touching(connection, {row.number: row.kind for row in rows})
    return [revision_json(row, coded=row.number in coded) for row in rows]


def of_number(connection: Connection, upto: int, text: str) -> int | None:
    """The number of the revision that a path names, where it was published by then."""
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10):
        return None
    number = int(text)
    query = select(revision.c.number).where(revision.c.number == number, revision.c.state == "published")
    return connection.execute(query).scalar() if number <= upto else None


def changes(
    connection: Connection, view: View, *, after: tuple[int, int], limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """The feed after a position, oldest first, and the position to go on from, or None at the end.

    A position is (revision, steps of it already seen). The order is that of publication, so no reader can skip anything.
    """
    number, seen = after
    told: list[dict[str, Any]] = []
    if seen == WHOLE_REVISION:
        number, seen = number + 1, 0
    while rows := log_from(connection, number, view.revision):
        for row in rows:
            skip = seen if row.number == number else 0
            more = limit + 1 - len(told)
            steps = ledger.steps(connection, row.number, enrichment=view.enrichment, skip=skip, limit=more)
            told += [step_json(row, place, step) for place, step in enumerate(steps, skip + 1)]
            if len(told) > limit:
                return told[:limit], told[limit - 1]["position"]
        number, seen = rows[-1].number + 1, 0
    return told, None


def newest_changes(
    connection: Connection, view: View, *, after: tuple[int, int], before: tuple[int, int] | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """The feed from its end back to `after`: the newest revision first, each in its own order; and where to go on, or None.

    `before` is (revision, steps of it already told) of the page before.
    """
    number, seen = (view.revision, 0) if before is None else before
    told: list[dict[str, Any]] = []
    if seen == WHOLE_REVISION:
        number, seen = number - 1, 0
    first = after[0] + 1 if after[1] == WHOLE_REVISION else after[0]
    while rows := log_until(connection, min(number, view.revision), first):
        for row in rows:
            skip = seen if row.number == number else 0
            if row.number == after[0]:
                skip = max(skip, after[1])
            more = limit + 1 - len(told)
            steps = ledger.steps(connection, row.number, enrichment=view.enrichment, skip=skip, limit=more)
            told += [step_json(row, place, step) for place, step in enumerate(steps, skip + 1)]
            if len(told) > limit:
                return told[:limit], told[limit - 1]["position"]
        number, seen = rows[-1].number - 1, 0
    return told, None


def log_until(connection: Connection, number: int, first: int) -> Sequence[Row[Any]]:
    """The few published revisions up to `number`, newest first, and none before `first`."""
    query = select(revision).where(
        revision.c.state == "published", revision.c.number <= number, revision.c.number >= first
    )
    return connection.execute(query.order_by(revision.c.number.desc()).limit(REVISIONS_READ)).all()


def log_of(connection: Connection, numbers: Collection[int]) -> Mapping[int, Row[Any]]:
    """The entries of these revisions."""
    query = select(revision).where(revision.c.number.in_(sorted(numbers)), revision.c.state == "published")
    return {row.number: row for row in connection.execute(query)}


def log_from(connection: Connection, number: int, upto: int) -> Sequence[Row[Any]]:
    """The next few published revisions, from `number` on: one answer never reads the whole log."""
    query = select(revision).where(
        revision.c.state == "published", revision.c.number >= number, revision.c.number <= upto
    )
    return connection.execute(query.order_by(revision.c.number).limit(REVISIONS_READ)).all()


REVISIONS_READ = 50
WHOLE_REVISION = -1  # a position after everything that a revision did


def step_json(row: Row[Any], place: int, step: ledger.Step) -> dict[str, Any]:
    """One change as the feed shows it."""
    noun = NOUNS[step.noun]
    return {
        "position": f"{row.number}.{place}",
        "revision": row.number,
        "act": step.act,
        "type": step.noun,
        "id": step.id,
        "self": address(noun, step.id) if noun.name in RESOURCES else None,
        "by": row.by,
        "why": step.why or row.why,
        "at": row.published_at,
        "now": step.now,
        "before": None if step.before is None else orjson.loads(step.before),
        "after": None if step.after is None else orjson.loads(step.after),
    }


def position(text: str, name: str = "after") -> tuple[int, int]:
    """The position that the parameter `name` gives: a revision, all of it seen, or `revision.step`."""
    number, dot, place = text.partition(".")
    valid = (
        number.isascii()
        and number.isdigit()
        and len(number) < 10
        and (not dot or (place.isascii() and place.isdigit() and len(place) < 10))
    )
    if not valid:
        detail = f"{name}={shown(text)} is no position. It is a revision, such as 3, or a change's `position`, such as 3.120."
        raise BadQuery(detail, errors=[Fault(name, detail)])
    return int(number), int(place) if dot else WHOLE_REVISION


def rejected(
    connection: Connection, view: View, dataset: str, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of a dataset that imports refused, in their order, after a position `revision.place`; and the next one."""
    number, place = position(after) if after is not None else (0, 0)
    row = rejected_row.c
    imports = select(revision.c.number).where(
        revision.c.origin == dataset, revision.c.state == "published", revision.c.number <= view.revision
    )
    query = select(rejected_row).where(
        row.revision.in_(imports), or_(row.revision > number, and_(row.revision == number, row.n > place))
    )
    found = connection.execute(query.order_by(row.revision, row.n).limit(limit + 1)).all()
    items = [
        {"revision": one.revision, "line": one.line, "reason": one.reason, "detail": one.detail, "text": one.text}
        for one in found[:limit]
    ]
    return items, f"{found[limit - 1].revision}.{found[limit - 1].n}" if len(found) > limit else None
