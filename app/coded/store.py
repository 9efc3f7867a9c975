"""How pages, counts and facets of coded events are read: from the index that fits the question, never by a scan of them all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from orjson import Fragment
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.sql.visitors import iterate

from app import straight
from app.coded import keys
from app.coded.question import AT, Question, candidates, coded, codes, conditions, own_numbers, read, reported, stands
from app.models.coded import coded_actor, coded_event, coded_link, coded_part, coded_report, coded_total
from app.query import picks
from app.query.fields import Facet, Match, Picked, Resource, Sort, Store, Version, View
from app.query.once import Once
from app.query.page import rendered
from app.query.plan import Plan
from app.query.sql import order
from app.query.whole import Connect
from app.times import from_day_number

E, P = coded_event.c, coded_part.c
PAGE_MOST = 101  # events that are remembered at once
COLUMNS: Mapping[str, Any] = {"happened": E.day, "kind": E.kind, "intensity": E.intensity, "since": E.since, "id": E.id}


class Seen(NamedTuple):
    """An event as a revision shows it, rendered."""

    number: int
    id: str
    since: int
    until: None
    text: bytes
    said: Fragment  # the same text, as it goes into a page


BY_ID = select(coded_event).where(
    E.number.in_(bindparam("numbers", expanding=True)),
    E.id.in_(bindparam("ids", expanding=True)),
    stands(coded_event, AT),
)
STANDING = select(coded_event).where(E.number.in_(bindparam("numbers", expanding=True)), stands(coded_event, AT))
IDS = select(E.number, E.id).where(E.number.in_(bindparam("numbers", expanding=True)))
NAMES = select(coded_actor.c.number, coded_actor.c.id, coded_actor.c.name).where(
    coded_actor.c.number.in_(bindparam("numbers", expanding=True))
)
LINKED = select(coded_link.c.number, coded_link.c.actor).where(
    coded_link.c.number.in_(bindparam("numbers", expanding=True)), stands(coded_link, AT)
)
SEEN: Once[int, Match] = Once(16_000)  # events by their days, 1 KB each
TIES: Once[int, str] = Once(20_000)  # the ids of events that share a day with the end of a page
NAMED: Once[int, tuple[str, str]] = Once(40_000)


class CodedEvents:
    """The coded events as a store of the events resource, see `app.query.fields.Store`."""

    def page(self, connection: Connection, plan: Plan, limit: int, after: tuple[Any, ...] | None) -> list[Match]:
        """The next events after a key, in the plan's order."""
        asked = read(connection, plan)
        if asked is None:
            return []
        if plan.pick is None:
            return self.following(connection, plan, asked, limit, after)
        # One event: the end of an index.
        found = self.following(connection, plan, asked, 1, after)
        return latest(self, connection, asked, found) if plan.pick.which == "last" and asked.span else found

    def following(
        self, connection: Connection, plan: Plan, asked: Question, limit: int, after: tuple[Any, ...] | None
    ) -> list[Match]:
        """The same of all that a plan asks for, whatever it picks."""
        if plan.sort.name == "happened" and keys.answers(asked):
            kept = listed(self, connection, plan, asked, limit, after)
            if kept is not None:
                return kept
        found: dict[int, Row[Any]] = {}
        for query in pages(plan, asked, limit, after):
            found.update({row.number: row for row in connection.execute(query)})
        return [Match(row.sort_key, row.id, row, self) for row in found.values()]

    def count(self, connection: Connection, plan: Plan, most: int | None) -> int:
        """How many there are, no further than one more than `most`."""
        from app.coded.counts import counted_ahead

        asked = read(connection, plan)
        if asked is None:
            return 0
        held = counted_ahead(connection, asked, (), "events")
        if held is not None:
            return int(sum(held.values()))
        query = numbers_of(asked)
        if most is not None:
            query = query.limit(most + 1)
        return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()

    def heavy(self, connection: Connection, plan: Plan) -> bool:
        """Whether a page, its count or its facets come from a scan of very many events."""
        asked = read(connection, plan)
        return asked is not None and scans(connection, plan, asked)

    def picked(self, connection: Connection, plan: Plan) -> Iterator[Picked]:
        """The first or last event of each group of the plan's `pick`, as of the actors and codes that they show."""
        asked = read(connection, plan)
        return iter(()) if asked is None else picked(connection, plan, asked)

    def facet(self, connection: Connection, plan: Plan, line: Facet, most: int) -> dict[Any, int]:
        """How many events have each value of a facet."""
        from app.coded.counts import facet

        asked = read(connection, plan)
        return {} if asked is None else facet(connection, asked, line.name, most)

    def by_ids(self, connection: Connection, view: View, ids: Sequence[str]) -> list[Match]:
        """The events of these ids that stand."""
        wanted = [id for id in ids if ":" in id]
        if not wanted:
            return []
        # An id that is the event's own number needs no looking for; what is not found by it may be a report's.
        found = by_ids(connection, view, own_numbers(wanted), wanted)
        missing = list(set(wanted) - {row.id for row in found})
        if missing:
            found = [*found, *by_ids(connection, view, reported(connection, missing), missing)]
        return [Match(None, row.id, row, self) for row in found]

    def bodies(self, connection: Connection, view: View, kept: Sequence[Match]) -> dict[str, dict[str, Any]]:
        """The events as records, by id."""
        told = {one.id: orjson.loads(one.row.text) for one in kept if isinstance(one.row, Seen)}
        rows = [one.row for one in kept if not isinstance(one.row, Seen)]
        actors = named(connection, view, actors_in(rows))
        return told | {row.id: record(row, actors) for row in rows}

    def said(self, connection: Connection, resource: Resource, view: View, kept: Sequence[Match]) -> list[Fragment]:
        """The events as JSON, each made once for a revision."""
        rows = {one.row.number: one.row for one in kept if type(one.row) is not Seen}
        made = remembered(
            connection, view, rows, lambda some: seen(self, connection, view, resource, [rows[n] for n in some])
        )
        return [(one.row if type(one.row) is Seen else made[one.row.number].row).said for one in kept]

    def versions(self, connection: Connection, view: View, id: str) -> Sequence[Version]:
        """Every version of an event that was published by then, oldest first."""
        query = select(coded_event).where(
            E.number.in_(candidates(connection, [id])), E.id == id, E.since <= view.revision
        )
        rows = connection.execute(query.order_by(E.since)).all()
        wanted = {number for row in rows for number in (row.initiator, row.recipient) if number is not None}
        actors = named(connection, view, wanted)
        return [Version(row.since, row.until, {"id": row.id, **record(row, actors)}) for row in rows]

    def whole(self, connect: Connect, plan: Plan, size: int) -> Iterator[Any]:
        """All events in the plan's order as blocks of about `size`, each a short read."""
        from app.coded.bulk import blocks

        return blocks(connect, plan, size)

    def dates(self, connection: Connection, view: View) -> tuple[int | None, int | None]:
        """The first and last day that the datasets cover."""
        from app.coded.ahead import start_of

        # As of an earlier revision most events may not stand yet: to look for a day among all took 9 s of 461,329 events.
        c = coded_total.c
        held = (
            select(c.month).where(c.since <= view.revision).group_by(c.month).having(func.sum(c.events) > 0).subquery()
        )
        begin, end = connection.execute(select(func.min(held.c.month), func.max(held.c.month))).one()
        if begin is None:
            return None, None
        here = stands(coded_event, view)
        first = select(E.day).where(here, E.day >= start_of(begin)).order_by(E.day).limit(1)
        latest = select(E.last).where(here, E.day < start_of(end + 1)).order_by(E.day.desc()).limit(1)
        # One that began earlier may last longer; the index of those that last at all is short.
        lasting = select(func.max(E.last)).where(here, E.last > E.day)
        ends = [connection.execute(query).scalar() for query in (latest, lasting)]
        return connection.execute(first).scalar(), max((one for one in ends if one is not None), default=None)


def by_ids(connection: Connection, view: View, numbers: list[int], ids: list[str]) -> Sequence[Any]:
    """The events of these numbers and ids that stand."""
    return (
        straight.rows(connection, BY_ID, {"numbers": numbers, "ids": ids, "revision": view.revision}) if numbers else []
    )


def scans(connection: Connection, plan: Plan, asked: Question) -> bool:
    """Whether a plan asks for something that no index and no sum holds, of more events than are looked at in passing."""
    from app.coded.counts import heavy

    query = plan.query
    if query.pick is None and not query.facets and query.count == "none":
        plain = not asked.more or asked.plain
        return not (plain and plan.sort.name == "happened") and heavy(connection, asked, None)
    wanted = [(name,) for name in query.facets] + ([()] if query.count == "exact" else [])
    return (query.per is not None and heavy(connection, asked, None)) or any(
        heavy(connection, asked, one) for one in wanted
    )


def pages(plan: Plan, asked: Question, limit: int, after: tuple[Any, ...] | None) -> Iterable[Select[Any]]:
    """The statements that together hold the next page."""
    driven = asked.driven if plan.sort.name == "happened" else None
    if driven is None:
        yield ordered(plan, select(coded_event), conditions_of(asked), sort_key(plan), limit, after)
        return
    # A part keeps its version when only the event's reports change, so each is asked whether it stands.
    joined = select(coded_event).join(coded_part, E.number == P.number)
    where = [stands(coded_event, asked.view), *conditions(asked, parts=True)]
    groups = [[number] for number in sorted(driven)] if len(driven) <= keys.ACTORS_MOST else [sorted(driven)]
    for group in groups:
        own = P.actor == group[0] if len(group) == 1 else P.actor.in_(group)
        yield ordered(plan, joined, [own, *where], P.day, limit, after)


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


def ordered(
    plan: Plan,
    query: Select[Any],
    where: Sequence[ColumnElement[bool]],
    by: Any,
    limit: int,
    after: tuple[Any, ...] | None,
) -> Select[Any]:
    """A page of a query: row after row from the key on, ties by id."""
    down = plan.descending
    key = (by,) if by is E.id else (by, E.id)
    if after is not None:
        # Before all else: of several bounds on a day SQLite starts at the first one.
        query = query.where(beyond(by, after, down=down))
    query = query.add_columns(by.label("sort_key")).where(*where)
    return query.order_by(*[one.desc() if down else one for one in key]).limit(limit)


def beyond(by: Any, after: tuple[Any, ...], *, down: bool) -> ColumnElement[bool]:
    """What comes after a key."""
    value, id = after
    later: ColumnElement[bool] = E.id < id if down else E.id > id
    if by is E.id:
        return later
    if by is E.day:
        # A place in the index of days. Beside a plain bound SQLite would look up all that the day holds before it.
        key: Any = tuple_(by, E.id)
        place = tuple_(literal(value), literal(id))
        found: ColumnElement[bool] = key < place if down else key > place
        return found
    # The plain bound beside the comparison lets any engine start its range there.
    return and_(by <= value if down else by >= value, or_(by < value if down else by > value, and_(by == value, later)))


def numbers_of(asked: Question) -> Select[Any]:
    """The numbers of every event that a question asks for."""
    if asked.driven is None:
        return select(E.number).where(*conditions(asked, parts=False))
    where = conditions(asked, parts=True)
    query = select(P.number).where(P.actor.in_(sorted(asked.driven)), *where)
    if not all(on_parts(one) for one in where):
        query = query.join(coded_event, E.number == P.number).where(stands(coded_event, asked.view))
    return query.distinct() if len(asked.driven) > 1 else query


def picked(connection: Connection, plan: Plan, asked: Question) -> Iterator[Picked]:
    """The first or last event of each group that `per` names, a portion of the events at a time."""
    from app.coded.counts import as_code, links, portions

    assert plan.pick is not None
    last = plan.pick.which == "last"
    by = {"pair": ("initiator", "recipient")}.get(plan.pick.name or "", (plan.pick.name or "",))
    columns = [coded(coded_event) if name == "code" else E[name] for name in by]
    by_day = (E.last.desc(), E.id.desc()) if last else (E.day, E.id)
    place = func.row_number().over(partition_by=columns, order_by=by_day).label("place")
    held = [column.is_not(None) for column in columns]
    linked = links(connection, asked.view) if by != ("code",) else {}
    for portion in portions(connection, asked):
        where = [*conditions(asked, parts=False), *portion]
        if asked.driven is not None:
            where = [stands(coded_event, asked.view), E.number.in_(numbers_of(asked).where(*portion))]
        labels = [column.label(f"g{n}") for n, column in enumerate(columns)]
        key = sort_key(plan).label("sort_key")
        ranked = select(E.day, E.last, E.id, key, place, *labels).where(*where, *held).subquery()
        c = ranked.c
        rows = connection.execute(
            select(c.day, c.last, c.sort_key, c.id, *[c[one.name] for one in labels]).where(c.place == 1)
        ).all()
        picks.refuse(len(rows))
        groups = [row[4:] for row in rows]
        told: dict[Any, Any] = {}
        if by != ("code",):
            wanted = {number for group in groups for number in group} - linked.keys()
            # By their own ids where they are nobody here: those of curated events may be such.
            told = {**ids_of_actors(connection, asked.view, wanted), **linked}
        for row, group in zip(rows, groups, strict=True):
            shown = tuple(as_code(one) if by == ("code",) else told[one] for one in group)
            yield Picked(shown, row.day, row.last, row.sort_key, row.id)


def ids_of_actors(connection: Connection, view: View, numbers: set[int]) -> dict[int, str]:
    """The ids of actors by their numbers."""
    from app.coded.counts import ids

    return ids(connection, view, numbers)


def latest(store: Store, connection: Connection, asked: Question, found: Sequence[Match]) -> list[Match]:
    """The event that ends last, where events last: it may have begun before the one that begins last."""
    if not found:
        return []
    query = select(coded_event, E.day.label("sort_key")).where(
        *conditions_of(asked), E.day >= found[0].key - asked.span
    )
    row = connection.execute(query.order_by(E.last.desc(), E.id.desc()).limit(1)).first()
    return list(found) if row is None else [Match(row.sort_key, row.id, row, store)]


def listed(
    store: Store, connection: Connection, plan: Plan, asked: Question, limit: int, after: tuple[Any, ...] | None
) -> list[Match] | None:
    """The next events of a page by day, from the keys in the parts; None where the parts and the events do not agree.

    An event is read and rendered once for a revision; the keys cost a tenth of that.
    """
    down = plan.descending
    start, last_id = (None, None) if after is None else after
    found = keys.next_keys(connection, asked, limit, start, down=down)
    if start is not None:
        # Of the day that the page before broke off in, what comes after its last event.
        ids = ids_of(connection, plan.view, [number for day, number in found if day == start])
        found = [key for key in found if key[0] != start or (ids[key[1]] < last_id if down else ids[key[1]] > last_id)]
    found = cut(connection, plan, found, limit)

    def load(numbers: list[int]) -> dict[int, Match]:
        rows = straight.rows(connection, STANDING, {"numbers": numbers, "revision": plan.view.revision})
        return seen(store, connection, plan.view, plan.resource, rows)

    events = remembered(connection, plan.view, [number for _, number in found], load)
    return list(events.values()) if len(events) == len(found) else None


def cut(connection: Connection, plan: Plan, found: list[keys.Key], limit: int) -> list[keys.Key]:
    """As many keys as a page has; the day that it breaks off in is in the order of ids."""
    if len(found) <= limit:
        return found
    last = found[limit - 1][0]
    first, end = limit - 1, limit
    while first > 0 and found[first - 1][0] == last:
        first -= 1
    while end < len(found) and found[end][0] == last:
        end += 1
    if end == limit:
        return found[:limit]
    ids = ids_of(connection, plan.view, [number for _, number in found[first:end]])
    ties = sorted(found[first:end], key=lambda key: ids[key[1]], reverse=plan.descending)
    return [*found[:first], *ties[: limit - first]]


def remembered(
    connection: Connection, view: View, numbers: Collection[int], find: Callable[[list[int]], dict[int, Match]]
) -> dict[int, Match]:
    """Events by number, from memory where they are few: what is read in bulk would push out what is asked often."""
    return SEEN.many(connection, view, numbers, find) if len(numbers) <= PAGE_MOST else find(list(numbers))


def seen(store: Store, connection: Connection, view: View, resource: Resource, rows: Sequence[Any]) -> dict[int, Match]:
    """Rows as they are said, by number."""
    actors = named(connection, view, actors_in(rows))

    def one(row: Any) -> Seen:
        # Copied, since what orjson gives keeps the 8 KB that it was written into.
        text = bytes(memoryview(orjson.dumps(rendered(resource, row, view, {}, record(row, actors)))))
        return Seen(row.number, row.id, row.since, None, text, Fragment(text))

    return {row.number: Match(row.day, row.id, one(row), store) for row in rows}


def ids_of(connection: Connection, view: View, numbers: Sequence[int]) -> dict[int, str]:
    """The ids of events, which are the same in all their versions."""

    def find(some: list[int]) -> dict[int, str]:
        return {row.number: row.id for row in straight.rows(connection, IDS, {"numbers": some})}

    return TIES.many(connection, view, numbers, find) if len(numbers) <= PAGE_MOST else find(list(numbers))


def actors_in(rows: Iterable[Any]) -> set[int]:
    """The numbers of all actors in these events."""
    return {number for row in rows for number in (row.initiator, row.recipient) if number is not None}


def named(connection: Connection, view: View, numbers: set[int]) -> dict[int, tuple[str, str]]:
    """Each number's actor here (the one linked to it, else its own id) and the dataset's own name for it."""
    return NAMED.many(connection, view, numbers, lambda some: _named(connection, view, some))


def _named(connection: Connection, view: View, wanted: list[int]) -> dict[int, tuple[str, str]]:
    found = {number: (id, name) for number, id, name in straight.tuples(connection, NAMES, {"numbers": wanted})}
    for number, actor in straight.tuples(connection, LINKED, {"numbers": wanted, "revision": view.revision}):
        found[number] = (actor, found[number][1])
    return found


def record(row: Row[Any], actors: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    """A coded event as a record of the events resource, but for what every record has; `app.coded.bulk` says the same of many."""
    parts = [
        part(role, number, actors)
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
        "codes": coded_as(row.code, row.label, row.plover, row.quad),
        "intensity": row.intensity,
        "dataset": row.dataset,
        "reports": row.reports,
        "topics": [],
        "evidence": [],
        "label": row.label,
        "location": location(row.place, row.country, row.latitude, row.longitude),
    }


def gloss(row: Row[Any], actors: Mapping[int, tuple[str, str]]) -> str:
    """An event in a line, made of the dataset's own words."""
    doing = what(row.label, row.code, row.plover)
    return f"{who(row.initiator, actors)}: {doing}{whom(row.recipient, actors)}"


def part(role: str, number: int, actors: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    """An actor's part in an event."""
    return {"actor": actors[number][0], "role": role, "inferred": False, "name": actors[number][1]}


def who(number: int | None, actors: Mapping[int, tuple[str, str]]) -> str:
    """Who acts, in the dataset's own words."""
    return actors[number][1] if number is not None else "Somebody"


def whom(number: int | None, actors: Mapping[int, tuple[str, str]]) -> str:
    """Upon whom, where somebody is acted upon."""
    return f" → {actors[number][1]}" if number is not None else ""


def what(label: str | None, code: str | None, plover: str | None) -> str:
    """What is done."""
    return label or code or plover or "event"


def coded_as(code: str | None, label: str | None, plover: str | None, quad: int | None) -> dict[str, Any]:
    """The codes of an event; a label stands for its code in datasets that have words only."""
    return {"cameo": code or codes().code_of(label or ""), "plover": plover, "quad": quad}


def location(place: str | None, country: str | None, latitude: float | None, longitude: float | None) -> dict[str, Any]:
    """Where it happened."""
    return {"name": place, "country": country, "latitude": latitude, "longitude": longitude}


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
