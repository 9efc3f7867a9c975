"""How pages, counts and facets of coded events are read: from the index that fits the question, never by a scan of them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select
from sqlalchemy.sql.visitors import iterate

from app.coded.question import Question, candidates, codes, conditions, read, stands
from app.models.coded import coded_actor, coded_event, coded_link, coded_part, coded_report
from app.query.fields import Facet, Kept, Sort, Version, View
from app.query.plan import Plan
from app.query.sql import order
from app.times import from_day_number

E, P = coded_event.c, coded_part.c
# Beyond so many actors for one name their pages are sorted together rather than merged one by one.
MERGED_ACTORS = 8
COLUMNS: Mapping[str, Any] = {"happened": E.day, "kind": E.kind, "intensity": E.intensity, "since": E.since, "id": E.id}


class CodedEvents:
    """The coded events as a store of the events resource, see `app.query.fields.Store`."""

    def page(self, connection: Connection, plan: Plan, limit: int, after: tuple[Any, ...] | None) -> list[Kept]:
        """The next events after a key, in the plan's order."""
        asked = read(connection, plan)
        if asked is None:
            return []
        if plan.pick is not None:
            rows = picked(connection, plan, asked)
            return [Kept(row.sort_key, row.id, row) for row in rows if beyond(plan, row, after)][:limit]
        found: dict[int, Row[Any]] = {}
        for query in pages(plan, asked, limit, after):
            found.update({row.number: row for row in connection.execute(query)})
        return [Kept(row.sort_key, row.id, row) for row in found.values()]

    def count(self, connection: Connection, plan: Plan, most: int | None) -> int:
        """How many there are, no further than one more than `most`."""
        asked = read(connection, plan)
        if asked is None:
            return 0
        if plan.pick is not None:
            return len(picked(connection, plan, asked))
        query = numbers_of(asked)
        if most is not None:
            query = query.limit(most + 1)
        return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()

    def facet(self, connection: Connection, plan: Plan, line: Facet, most: int) -> dict[Any, int]:
        """How many events have each value of a facet."""
        from app.coded.counts import facet

        asked = read(connection, plan)
        return {} if asked is None else facet(connection, asked, line.name, most)

    def by_ids(self, connection: Connection, view: View, ids: Sequence[str]) -> list[Kept]:
        """The events of these ids that stand."""
        wanted = [id for id in ids if ":" in id]
        if not wanted:
            return []
        query = select(coded_event).where(
            E.number.in_(candidates(connection, wanted)), E.id.in_(wanted), stands(coded_event, view)
        )
        return [Kept(None, row.id, row) for row in connection.execute(query)]

    def bodies(self, connection: Connection, view: View, kept: Sequence[Kept]) -> dict[str, dict[str, Any]]:
        """The events as records, by id."""
        rows = [one.row for one in kept]
        actors = named(
            connection,
            view,
            {number for row in rows for number in (row.initiator, row.recipient) if number is not None},
        )
        return {row.id: record(row, actors) for row in rows}

    def versions(self, connection: Connection, view: View, id: str) -> Sequence[Version]:
        """Every version of an event that was published by then, oldest first."""
        query = select(coded_event).where(
            E.number.in_(candidates(connection, [id])), E.id == id, E.since <= view.revision
        )
        rows = connection.execute(query.order_by(E.since)).all()
        wanted = {number for row in rows for number in (row.initiator, row.recipient) if number is not None}
        actors = named(connection, view, wanted)
        return [Version(row.since, row.until, {"id": row.id, **record(row, actors)}) for row in rows]

    def dates(self, connection: Connection, view: View) -> tuple[int | None, int | None]:
        """The first and last day that the datasets cover."""
        here = stands(coded_event, view)
        first = connection.execute(select(E.day).where(here).order_by(E.day).limit(1)).scalar()
        latest = connection.execute(select(E.last).where(here).order_by(E.day.desc()).limit(1)).scalar()
        # One that began earlier may last longer; the index of those that last at all is short.
        lasting = connection.execute(select(func.max(E.last)).where(here, E.last > E.day)).scalar()
        return first, max((one for one in (latest, lasting) if one is not None), default=None)


def pages(plan: Plan, asked: Question, limit: int, after: tuple[Any, ...] | None) -> Iterable[Select[Any]]:
    """The statements that together hold the next page."""
    driven = asked.driven if plan.sort.name == "happened" else None
    if driven is None:
        yield ordered(plan, select(coded_event).where(*conditions_of(asked)), sort_key(plan), limit, after)
        return
    # A part keeps its version when only the event's reports change, so each is asked whether it stands.
    joined = select(coded_event).join(coded_part, E.number == P.number).where(stands(coded_event, asked.view))
    where = conditions(asked, parts=True)
    groups = [[number] for number in sorted(driven)] if len(driven) <= MERGED_ACTORS else [sorted(driven)]
    for group in groups:
        query = joined.where(P.actor == group[0] if len(group) == 1 else P.actor.in_(group), *where)
        yield ordered(plan, query, P.day, limit, after)


def conditions_of(asked: Question) -> list[ColumnElement[bool]]:
    """The question as conditions on coded_event alone; parties are looked up in their parts."""
    found = conditions(asked, parts=False)
    if asked.driven is not None:
        parts = select(P.number).where(
            P.actor.in_(sorted(asked.driven)), *[one for one in conditions(asked, parts=True) if on_parts(one)]
        )
        found.append(E.number.in_(parts))
    return found


def on_parts(condition: ColumnElement[bool]) -> bool:
    """Whether a condition speaks of coded_part alone."""
    tables = {getattr(one, "table", None) for one in iterate(condition)} - {None}
    return tables <= {coded_part}


def sort_key(plan: Plan) -> ColumnElement[Any]:
    """What the plan orders by, with the engine's own stand-ins for what has no value, so that keys of both places compare."""
    return order(Sort(plan.sort.name, "", COLUMNS[plan.sort.name]), plan.descending)


def ordered(plan: Plan, query: Select[Any], by: Any, limit: int, after: tuple[Any, ...] | None) -> Select[Any]:
    """A page of a query: row after row from the key on, ties by id."""
    down = plan.descending
    query = query.add_columns(by.label("sort_key"))
    if after is not None:
        value, id = after
        beyond = E.id < id if down else E.id > id
        if by is E.id:
            query = query.where(beyond)
        else:
            # The plain bound beside the comparison lets any engine start its range there.
            bound = by <= value if down else by >= value
            query = query.where(bound, or_(by < value if down else by > value, and_(by == value, beyond)))
    if by is E.id:
        return query.order_by(E.id.desc() if down else E.id).limit(limit)
    return query.order_by(by.desc() if down else by, E.id.desc() if down else E.id).limit(limit)


def numbers_of(asked: Question) -> Select[Any]:
    """The numbers of every event that a question asks for."""
    if asked.driven is None:
        return select(E.number).where(*conditions(asked, parts=False))
    where = conditions(asked, parts=True)
    query = select(P.number).where(P.actor.in_(sorted(asked.driven)), *where)
    if not all(on_parts(one) for one in where):
        query = query.join(coded_event, E.number == P.number).where(stands(coded_event, asked.view))
    return query.distinct() if len(asked.driven) > 1 else query


def picked(connection: Connection, plan: Plan, asked: Question) -> list[Row[Any]]:
    """The first or last event of each group that `per` names."""
    assert plan.pick is not None
    last = plan.pick.which == "last"
    if not plan.pick.per:
        # One event: the end of an index, in as many reads as a name has actors.
        narrow = replace(plan, pick=None, descending=last, sort=plan.resource.sorts[0])
        rows = [row for query in pages(narrow, asked, 1, None) for row in connection.execute(query)]
        best = sorted(rows, key=lambda row: (row.day, row.id), reverse=last)
        return best[:1]
    columns = {
        "initiator": (E.initiator,),
        "recipient": (E.recipient,),
        "code": (E.code,),
        "pair": (E.initiator, E.recipient),
    }[plan.pick.name or ""]
    order = (E.day.desc(), E.id.desc()) if last else (E.day, E.id)
    place = func.row_number().over(partition_by=columns, order_by=order).label("place")
    ranked = (
        select(E.number, E.since, place)
        .where(*conditions_of(asked), *[column.is_not(None) for column in columns])
        .subquery()
    )
    query = (
        select(coded_event, sort_key(plan).label("sort_key"))
        .join(ranked, and_(E.number == ranked.c.number, E.since == ranked.c.since))
        .where(ranked.c.place == 1)
    )
    rows = list(connection.execute(query))
    return sorted(rows, key=lambda row: (row.day, row.id), reverse=plan.descending)


def beyond(plan: Plan, row: Row[Any], after: tuple[Any, ...] | None) -> bool:
    """Whether a row comes after a key."""
    if after is None:
        return True
    here = (row.sort_key, row.id)
    return here < after if plan.descending else here > after


def named(connection: Connection, view: View, numbers: set[int]) -> dict[int, tuple[str, str]]:
    """Each number's actor here (the one linked to it, else its own id) and the dataset's own name for it."""
    if not numbers:
        return {}
    wanted = sorted(numbers)
    own = select(coded_actor.c.number, coded_actor.c.id, coded_actor.c.name).where(coded_actor.c.number.in_(wanted))
    found = {row.number: (row.id, row.name) for row in connection.execute(own)}
    linked = select(coded_link.c.number, coded_link.c.actor).where(
        coded_link.c.number.in_(wanted), stands(coded_link, view)
    )
    for row in connection.execute(linked):
        found[row.number] = (row.actor, found[row.number][1])
    return found


def record(row: Row[Any], actors: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    """A coded event as a record of the events resource, but for what every record has."""
    parts = [
        {"actor": actors[number][0], "role": role, "inferred": False, "name": actors[number][1]}
        for role, number in (("initiator", row.initiator), ("recipient", row.recipient))
        if number is not None
    ]
    return {
        "gloss": gloss(row, actors),
        "kind": row.kind,
        "status": "occurred",
        "happened": happened(row.day, row.last),
        "place": None,
        "venue": None,
        "purpose": None,
        "participants": parts,
        "codes": {"cameo": row.code or codes().code_of(row.label or ""), "plover": row.plover, "quad": row.quad},
        "intensity": row.intensity,
        "dataset": row.dataset,
        "reports": row.reports,
        "topics": [],
        "evidence": [],
        "label": row.label,
        "location": {"name": row.place, "country": row.country, "latitude": row.latitude, "longitude": row.longitude},
    }


def gloss(row: Row[Any], actors: Mapping[int, tuple[str, str]]) -> str:
    """An event in a line, made of the dataset's own words."""
    who = actors[row.initiator][1] if row.initiator is not None else "Somebody"
    whom = f" → {actors[row.recipient][1]}" if row.recipient is not None else ""
    return f"{who}: {row.label or row.code or row.plover or 'event'}{whom}"


@lru_cache(20_000)
def happened(first: int, last: int) -> dict[str, Any]:
    """The date of a coded event."""
    begin, end = from_day_number(first).isoformat(), from_day_number(last).isoformat()
    return {
        "edtf": begin if begin == end else f"{begin}/{end}",
        "first": begin,
        "last": end,
        "words": None,
        "basis": "stated",
    }


def reports(connection: Connection, view: View, id: str, after: str, limit: int) -> list[dict[str, Any]]:
    """The records of datasets that say an event happened, by their own ids."""
    c = coded_report.c
    event = select(E.number, E.dataset).where(
        E.number.in_(candidates(connection, [id])), E.id == id, stands(coded_event, view)
    )
    row = connection.execute(event).first()
    if row is None:
        return []
    query = select(coded_report).where(c.number == row.number, c.native > after, stands(coded_report, view))
    return [report(one, id, row.dataset) for one in connection.execute(query.order_by(c.native).limit(limit))]


def report(row: Row[Any], event: str, dataset: str) -> dict[str, Any]:
    """A report as the API shows it."""
    return {
        "id": f"{dataset}:{row.native}",
        "type": "report",
        "event": event,
        "dataset": dataset,
        "native": row.native,
        "reported": None if row.reported is None else from_day_number(row.reported).isoformat(),
        "story": row.story,
        "sentence": row.sentence,
        "publisher": row.publisher,
        "url": row.url,
        "weight": row.weight,
        "since": row.since,
    }
