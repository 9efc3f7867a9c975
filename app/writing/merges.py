"""How two actors that are one become one, and apart again: what named the one names the other, and the old id leads there.

The undo takes back what the merge did, field by field: what was written since then stays; where that stands in the way, it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from app import ledger
from app.answers.history import missing
from app.errors import BadQuery, Conflict, Fault, NotFound
from app.ledger import Change
from app.models.revision import redirect, revision
from app.query.fields import Record, Resource, View
from app.query.page import address
from app.resources import NOUNS
from app.writing import references
from app.writing.acts import Desk, read_back
from app.writing.retries import Answer, Asked

KIND = "merge"
NAMED = 20  # merges and fields that a refusal names


@dataclass(frozen=True, slots=True)
class Merge:
    """That a record is another one, and why."""

    resource: Resource
    id: str
    into: str
    why: str


def merge(desk: Desk, asked: Asked, one: Merge) -> Answer:
    """Let one record become another. Raises NotFound, Moved, Gone or BadQuery where that cannot be."""
    change = Change(KIND, asked.by.name, one.why)

    def work(connection: Connection, number: int) -> Answer:
        old, new = (standing(connection, one.resource, id) for id in (one.id, one.into))
        refuse(one, old, new)
        changed = put(connection, number, merged(connection, one, old, new))
        ends = {one.id: f"It is {one.into} now. {one.why}"}
        ledger.retract(connection, number, one.resource.noun, ends)
        ledger.rename(connection, number, one.resource.noun, one.id, one.into)
        changed += ledger.relink(connection, number, one.id, one.into, f"{one.id} is {one.into} now.")
        return told(number, "merge", one, changed)

    return desk.act(asked, change, work)


def standing(connection: Connection, resource: Resource, id: str) -> Record:
    """A record that stands, whole. Raises NotFound, Moved or Gone."""
    latest = ledger.latest(connection)
    found = ledger.current(connection, resource, [id], latest).get(id)
    if found is None:
        raise missing(connection, resource, View(latest, enrichment=True), id, latest)
    record: Record = orjson.loads(found[1])
    return record


def refuse(one: Merge, old: Record, new: Record) -> None:
    """Refuse what cannot be one."""
    if one.id == one.into:
        detail = f"{one.id} cannot be merged into itself. Name another {one.resource.noun}."
        raise BadQuery(detail, errors=[Fault("into", detail, "body")])
    if new.get("enrichment") and not old.get("enrichment"):
        detail = f"{one.into} is knowledge from outside the sources, {one.id} is not. Merge {one.into} into {one.id} instead."
        raise BadQuery(detail, errors=[Fault("into", detail, "body")])
    if old.get("kind") != new.get("kind"):
        detail = (
            f"{one.id} is of the kind {old.get('kind')}, {one.into} of the kind {new.get('kind')}: they cannot be one."
        )
        raise BadQuery(detail, errors=[Fault("into", detail, "body")])


def merged(
    connection: Connection, one: Merge, old: Record, new: Record
) -> Iterator[tuple[str, str | None, Record | None, str]]:
    """Every record that the merge changes: its noun, its origin, what it says then or None where it ends, and its id."""

    def change(id: str) -> str:
        return one.into if id == one.id else id

    survivor = joined(new, old)
    yield one.resource.noun, None, tidied(one.resource, references.replaced(one.resource, survivor, change)), one.into
    others = [(noun, record) for noun, record in references.to(connection, one.id) if record["id"] != one.into]
    origins = ledger.origins(connection, [record["id"] for _, record in others])
    for noun, record in others:
        after = tidied(NOUNS[noun], references.replaced(NOUNS[noun], record, change))
        _, origin = origins.get(record["id"], (noun, None))
        # A tie between the two is none any more.
        loop = noun == "relation" and after["subject"] == after["object"] and record["subject"] != record["object"]
        yield noun, origin, None if loop else after, record["id"]


def joined(new: Record, old: Record) -> dict[str, Any]:
    """The one record with what the other says besides: its names, the one it went by among them, and every other list."""
    outside = old.get("enrichment")

    def marked(item: Any) -> Any:
        return (
            {**item, "enrichment": outside}
            if outside and isinstance(item, dict) and not item.get("enrichment")
            else item
        )

    told = dict(new)
    for name, value in old.items():
        if isinstance(value, list) and not (name == "evidence" and outside):
            told[name] = [*new[name], *(marked(item) for item in value if item not in new[name])]
    known = {item["text"] for item in told.get("names", ())} | {new.get("name")}
    if "names" in told and old["name"] not in known:
        rests = {"evidence": old["evidence"], "enrichment": outside}
        told["names"] = [*told["names"], {"text": old["name"], "kind": "name", "language": None, **rests}]
    return told


def tidied(resource: Resource, record: Record) -> dict[str, Any]:
    """A record without what it says twice now, and without what it says of itself."""
    told = dict(record)
    for line in resource.fields:
        value = told.get(line.name)
        if isinstance(value, list) and line.links:
            kept: list[Any] = []
            for item in value:
                itself = any(
                    link.at and isinstance(item, dict) and item.get(link.at) == record["id"] for link in line.links
                )
                if item not in kept and not itself:
                    kept.append(item)
            told[line.name] = kept
    return told


def put(connection: Connection, number: int, changes: Iterable[tuple[str, str | None, Record | None, str]]) -> int:
    """Write records as they are given, those of one noun and origin together; says how many."""
    grouped: dict[tuple[str, str | None], list[Record]] = {}
    n = 0
    for noun, origin, record, id in list(changes):
        n += 1
        if record is None:
            ledger.retract(connection, number, noun, {id: "It tied a record to itself."})
        else:
            grouped.setdefault((noun, origin), []).append(record)
    for (noun, origin), records in grouped.items():
        ledger.put(connection, number, noun, records, origin=origin)
        read_back(connection, number, noun, records)
    return n


def told(number: int, act: str, one: Merge, changed: int) -> Answer:
    """What a merge or its undo is answered."""
    content = {
        "type": act,
        "id": one.id,
        "into": one.into,
        "why": one.why,
        "revision": number,
        "changed": changed,
        "self": f"/v1/revisions/{number}",
        "record": address(one.resource, one.into if act == "merge" else one.id),
        "changes": f"/v1/changes?after={number - 1}",
    }
    return Answer.of(200, content, KB_Revision=str(number))


# ── Apart again ─────────────────────────────────────────────────────────────────────────────────────────────────────


def undo(desk: Desk, asked: Asked, resource: Resource, id: str, why: str) -> Answer:
    """Take a merge back. Raises NotFound where the id was not merged, Conflict where what was written since stands in the way."""

    def work(connection: Connection, number: int) -> Answer:
        row = led(connection, resource, id)
        one = Merge(resource, id, row.now, why)
        refuse_midway(connection, one)
        standing(connection, resource, one.into)
        changed = put(connection, number, list(parted(connection, row.since)))
        changed += ledger.relink(connection, number, one.into, id, f"{id} is itself again.", since=row.since)
        return told(number, "unmerge", one, changed)

    return desk.act(asked, Change("edit", asked.by.name, why), work)


def led(connection: Connection, resource: Resource, id: str) -> Any:
    """The merge that an id went by. Raises NotFound."""
    query = (
        select(redirect.c.now, redirect.c.since)
        .join(revision, revision.c.number == redirect.c.since)
        .where(
            redirect.c.id == id, redirect.c.noun == resource.noun, redirect.c.until.is_(None), revision.c.kind == KIND
        )
    )
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"{id[:80]} was not merged into another {resource.noun}, so there is nothing to take back.")
    return row


def refuse_midway(connection: Connection, one: Merge) -> None:
    """Raise Conflict where what a record went into went into another one since, naming what to take back first."""
    way = (
        select(redirect.c.id, redirect.c.now, redirect.c.since)
        .where(redirect.c.id == one.into, redirect.c.until.is_(None))
        .cte(recursive=True)
    )
    further = select(redirect.c.id, redirect.c.now, redirect.c.since)
    way = way.union(further.join(way, redirect.c.id == way.c.now).where(redirect.c.until.is_(None)))
    query = select(way, revision.c.kind).join(revision, revision.c.number == way.c.since).order_by(way.c.since.desc())
    later = connection.execute(query).all()
    if not later:
        return
    acts = [
        f"DELETE {address(one.resource, row.id)}/merge"
        if row.kind == KIND
        else f"give {row.now} its id {row.id} back, which revision {row.since} took"
        for row in later
    ]
    rest = f", and {len(acts) - NAMED} before that" if len(acts) > NAMED else ""
    order = "Take that back first" if len(acts) == 1 else "Take back what came later first, in this order"
    raise Conflict(
        f"{one.id} went into {one.into}, which is {later[0].now} by now, so this merge cannot be taken back by itself. Nothing was "
        f"changed. {order}: {', '.join(acts[:NAMED])}{rest}. Then this one."
    )


def parted(connection: Connection, number: int) -> Iterator[tuple[str, str | None, Record | None, str]]:
    """What a merge changed, as it is without it. Raises Conflict, naming every field that stands in the way."""
    clashes: list[str] = []
    steps = ledger.steps(connection, number, enrichment=True)
    for step in steps:
        resource = NOUNS[step.noun]
        before = None if step.before is None else orjson.loads(step.before)
        after = None if step.after is None else orjson.loads(step.after)
        stands = ledger.current(connection, resource, [step.id]).get(step.id)
        now = None if stands is None else orjson.loads(stands[1])
        if before is None or (after is not None and now is None):
            continue  # made by it, or gone since then
        if after is None:
            if now is not None:
                clashes.append(f"{step.noun} {step.id} stands again already")
            yield step.noun, origin_before(connection, resource, step.id, number), before, step.id
            continue
        record, fields = without(before, after, now or {})
        clashes += [f"{name} of {step.noun} {step.id}" for name in fields]
        _, origin = ledger.origins(connection, [step.id])[step.id]
        as_it_was = origin_before(connection, resource, step.id, number) if record == before else origin
        yield step.noun, as_it_was, record, step.id
    if clashes:
        raise Conflict(
            f"The merge cannot be taken back by itself, since others wrote there meanwhile: {', '.join(clashes[:NAMED])}. Nothing "
            "was changed. Put these as they should be, and try again."
        )


def without(
    before: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """A record as it stands less what one change did to it, and the fields where that cannot be told apart."""
    told, clashes = dict(now), []
    for name in before:
        if before[name] == after.get(name):
            continue
        if now.get(name) == after.get(name):
            told[name] = before[name]
        elif isinstance(now.get(name), list) and isinstance(before[name], list):
            told[name] = unjoined(before[name], after[name], now[name])
        else:
            clashes.append(name)
    return told, clashes


def unjoined(before: Sequence[Any], after: Sequence[Any], now: Sequence[Any]) -> list[Any]:
    """A list as it stands without the items that a change added, and with those that it took."""
    added = [item for item in after if item not in before]
    taken = [item for item in before if item not in after and item not in now]
    return [*(item for item in now if item not in added), *taken]


def origin_before(connection: Connection, resource: Resource, id: str, number: int) -> str | None:
    """What had published the version of a record that a revision closed."""
    table = resource.table
    found: str | None = connection.execute(
        select(table.c.origin).where(table.c.id == id, table.c.until == number)
    ).scalar()
    return found
