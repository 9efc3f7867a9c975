"""How several lists are asked one question together: what of each resource belongs to an actor, a topic and a span of time.

A question is put to each list in that list's own filters. So whatever is answered here can be listed there, and each part of an
answer carries the address that lists exactly its records.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Connection, select

from app.answers.resolve import RESOLVERS, actors
from app.answers.resolve import topics as resolve_topics
from app.errors import AmbiguousName, BadQuery, Fault
from app.models.dataset import dataset
from app.models.source import source
from app.query import page, sql
from app.query.fields import Found, Resource, View
from app.query.page import Bounds, Coverage
from app.query.params import parse
from app.query.plan import Plan, plan
from app.query.sql import standing
from app.resources import RESOURCES
from app.times import day_number, parse_day
from app.vocabularies import Vocabularies

CURATED = "none"  # as a dataset: the events that no dataset brought

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """How a list is asked: the filter that takes an actor, and the date that it is ordered by, where it has one."""

    resource: str
    actor: str
    dated: str | None


@dataclass(frozen=True, slots=True)
class Sought:
    """What is sought, as it was asked."""

    actor: str | None = None
    topics: tuple[str, ...] = ()
    lower: str | None = None
    upper: str | None = None
    dates: str = "possible"
    undated: bool = False
    statuses: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    types: tuple[str, ...] = ()  # none: all
    as_of: str | None = None
    descending: bool = False

    @property
    def bounded(self) -> bool:
        """Whether a span of time was given."""
        return self.lower is not None or self.upper is not None


@dataclass(frozen=True, slots=True)
class Part:
    """A list's share in an answer: its plan, the address that lists it, and whether the question leaves it out altogether."""

    noun: str
    line: Line
    plan: Plan
    address: str
    out: bool = False

    @property
    def resource(self) -> Resource:
        """The resource as it is declared, whatever of it the plan looks in."""
        return RESOURCES[self.line.resource]


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom and what the names in a question stand for."""

    actor: Found | None
    topics: Mapping[str, Found]

    @property
    def ids(self) -> frozenset[str]:
        """The actors sought: the one named, and its state or government."""
        return frozenset(self.actor.ids if self.actor is not None else ())


def reach(connection: Connection, view: View, sought: Sought) -> Reach:
    """Whom and what the names stand for. Raises AmbiguousName for an actor's name that stands for several."""
    try:
        found = None if sought.actor is None else actors(connection, view, sought.actor)
    except AmbiguousName as error:
        raise AmbiguousName(
            f"actor: {error.detail}", errors=[replace(fault, name="actor") for fault in error.errors]
        ) from None
    return Reach(found, {topic: resolve_topics(connection, view, topic) for topic in sought.topics})


def parts(
    connection: Connection, view: View, sought: Sought, lines: Mapping[str, Line], terms: Vocabularies
) -> tuple[Part, ...]:
    """The question put to each list that it is about, in the order of `lines`."""
    check(sought)
    return tuple(
        part(connection, view, sought, noun, line, terms)
        for noun, line in lines.items()
        if not sought.types or noun in sought.types
    )


def check(sought: Sought) -> None:
    """Refuse what contradicts itself, in the words of the question."""
    if CURATED in sought.datasets and len(set(sought.datasets)) > 1:
        detail = "dataset=none means the events of no dataset, so it stands alone. Leave it out, or the others."
        raise BadQuery(detail, errors=[Fault("dataset", detail)])


def part(connection: Connection, view: View, sought: Sought, noun: str, line: Line, terms: Vocabularies) -> Part:
    """The question put to one list."""
    resource = RESOURCES[line.resource]
    curated = sought.datasets == (CURATED,)
    pairs = list(filters(sought, noun, line))
    own = replace(resource, stores=()) if noun == "event" and curated else resource
    query = parse(own, pairs, terms)
    query = replace(query, sort=order(line, sought.descending), enrichment=view.enrichment)
    asked = plan(connection, own, query, view=view, terms=terms, resolvers=RESOLVERS, resources=RESOURCES)
    listed = [*pairs, *([("enrichment", "true")] if view.enrichment else [])]
    listed += [("as_of", sought.as_of)] if sought.as_of is not None else []
    if noun == "event" and curated:
        listed += [("dataset.not", name) for name in datasets(connection, view)]
    out = line.dated is None and sought.bounded and not sought.undated
    return Part(noun, line, asked, f"/v1/{resource.name}?{urlencode(listed, safe=':@')}".rstrip("?"), out)


def filters(sought: Sought, noun: str, line: Line) -> Iterable[tuple[str, str]]:
    """The question as a list's own parameters."""
    if sought.actor is not None:
        yield line.actor, sought.actor
    yield from (("topic", topic) for topic in sought.topics)
    if line.dated is not None and sought.bounded:
        if sought.lower is not None:
            yield f"{line.dated}_from", sought.lower
        if sought.upper is not None:
            yield f"{line.dated}_before", sought.upper
        if sought.dates != "possible":
            yield "dates", sought.dates
        if sought.undated:
            yield "undated", "true"
    if noun == "event":
        yield from (("status", status) for status in sought.statuses)
        yield from (("dataset", name) for name in sought.datasets if name != CURATED)


def order(line: Line, descending: bool) -> str:
    """The order of a list in which its dates run."""
    return ("-" if descending else "") + (line.dated or "id")


def again(sought: Sought, view: View, **instead: str | None) -> list[tuple[str, str]]:
    """The question as its own parameters, some of them replaced; None leaves one out."""
    given: dict[str, tuple[str, ...]] = {
        "actor": some(sought.actor),
        "topic": sought.topics,
        "from": some(sought.lower),
        "before": some(sought.upper),
        "dates": some(None if sought.dates == "possible" else sought.dates),
        "undated": some("true" if sought.undated else None),
        "type": sought.types,
        "status": sought.statuses,
        "dataset": sought.datasets,
        "enrichment": some("true" if view.enrichment else None),
        "as_of": some(sought.as_of),
    }
    return [
        (name, value)
        for name, values in {**given, **{n: some(v) for n, v in instead.items()}}.items()
        for value in values
    ]


def some(value: str | None) -> tuple[str, ...]:
    """A parameter's values: one, or none."""
    return () if value is None else (value,)


def datasets(connection: Connection, view: View) -> Sequence[str]:
    """The datasets that this reader sees."""
    query = select(dataset.c.id).where(standing(dataset, view)).order_by(dataset.c.id).limit(100)
    return list(connection.scalars(query))


def counted(connection: Connection, part: Part, mode: str, bounds: Bounds) -> dict[str, Any] | None:
    """How many records a part holds, or None where that was not asked."""
    if part.out:
        return None if mode == "none" else {"n": 0, "exact": True}
    if mode == "none":
        return None
    asked = replace(part.plan, query=replace(part.plan.query, count=mode))
    return page.counted(connection, asked, sql.where(part.plan, connection), bounds)


# ── What an answer says of its reach ────────────────────────────────────────────────────────────────────────────────


def coverage_of(
    connection: Connection, some: Sequence[Part], coverage: Coverage, *, empty: bool, notes: Iterable[str] = ()
) -> dict[str, Any]:
    """What was searched in all lists together, as a list says it of itself."""
    told = [
        page.coverage_of(
            connection, replace(part.plan, resource=part.resource), RESOURCES, coverage, empty=empty and not part.out
        )
        for part in some
    ]
    spans = [one["dates"] for one in told if one["dates"] is not None]
    firsts = [one["first"] for one in spans if one["first"] is not None]
    lasts = [one["last"] for one in spans if one["last"] is not None]
    zeros = {one["zero"] for one in told} - {None}
    return {
        "searched": ", ".join(one["searched"] for one in told),
        "sources": told[0]["sources"],
        "datasets": sorted({name for one in told for name in one["datasets"]}),
        "dates": {"first": min(firsts, default=None), "last": max(lasts, default=None)} if firsts or lasts else None,
        "revision": told[0]["revision"],
        "query": " ".join(one["query"] for one in told),
        "zero": None if not empty else "none_found" if "none_found" in zeros or not zeros else "not_covered",
        "notes": list(dict.fromkeys([*(note for one in told for note in renamed(one["notes"], some)), *notes])),
    }


def renamed(notes: Iterable[str], some: Sequence[Part]) -> Iterable[str]:
    """A list's notes in the words of the question: its own filter for the actor is called `actor` here."""
    names = {part.line.actor for part in some}
    for note in notes:
        name, colon, rest = note.partition(":")
        yield f"actor:{rest}" if colon and name in names else note


# ── What records of different kinds have in common ──────────────────────────────────────────────────────────────────


def date_of(record: Record, line: Line) -> Record | None:
    """The date that a record is placed by."""
    found: Record | None = record.get(line.dated) if line.dated is not None else None
    return found


def days_of(date: Record | None) -> tuple[int | None, int | None]:
    """The first and last day that a date can mean, as numbers."""
    ends = ((date or {}).get(end) for end in ("first", "last"))
    first, last = (None if one is None else day_number(parse_day(one)) for one in ends)
    return first, last


def precision(date: Record | None) -> str:
    """How exactly a date is known: day, month, year, span, open (one end is missing) or undated."""
    first, last = (date or {}).get("first"), (date or {}).get("last")
    if first is None and last is None:
        return "undated"
    if first is None or last is None:
        return "open"
    begin, end = parse_day(first), parse_day(last)
    if begin == end:
        return "day"
    if (begin.year, begin.month, begin.day) == (end.year, end.month, 1):
        return "month" if end.day == monthrange(end.year, end.month)[1] else "span"
    return "year" if first == f"{end.year:04d}-01-01" and last == f"{end.year:04d}-12-31" else "span"


def taking_part(record: Record, noun: str, known: frozenset[str]) -> list[dict[str, str]]:
    """Who has which part in a record; of what it is about, those that are `known` to be actors."""
    match noun:
        case "event":
            found = [(one["actor"], one["role"]) for one in record.get("participants") or ()]
        case "agreement":
            found = [(one["actor"], one["role"]) for one in record.get("parties") or ()]
        case "claim":
            subject = record.get("subject")
            found = [(subject, "subject")] if subject in known else []
            found += [(one, "about") for one in record.get("about") or () if one in known]
        case _:
            roles = ("speaker", "on_behalf_of", "addressee")
            found = [(record[role], role) for role in roles if record.get(role)]
            found += [(one, "about") for one in record.get("about") or () if one in known]
    return [{"actor": actor, "role": role} for actor, role in dict.fromkeys(found)]


def actors_among(connection: Connection, records: Iterable[Record]) -> frozenset[str]:
    """Which of the ids that statements and claims are about belong to actors; one statement."""
    ids = {one for record in records for one in (*(record.get("about") or ()), record.get("subject")) if one}
    return frozenset(page.by_resource(connection, ids, RESOURCES).get("actors", set()))


def reported(connection: Connection, view: View, records: Iterable[Record]) -> dict[str, Record]:
    """The publication date of each source that records cite first; one statement."""
    wanted = sorted({cited["source"] for record in records for cited in (record.get("evidence") or ())[:1]})
    if not wanted:
        return {}
    query = select(source.c.id, source.c.body).where(source.c.id.in_(wanted), standing(source, view))
    return {row.id: orjson.loads(row.body).get("published") for row in connection.execute(query)}


def entry(record: Record, part: Part, ids: frozenset[str], known: frozenset[str], when: Mapping[str, Any]) -> Record:
    """A record as an entry: the same few things of every kind, and its passages."""
    date = date_of(record, part.line)
    acting = taking_part(record, part.noun, known)
    cited = (record.get("evidence") or [None])[0]
    told: Record = {
        "type": part.noun,
        "id": record["id"],
        "self": record["self"],
        "gloss": record.get("gloss"),
        "kind": record.get("kind"),
        "status": record.get("status"),
        "date": date,
        "date_of": part.line.dated,
        "precision": precision(date),
        "undated": days_of(date) == (None, None),
        "reported": None if cited is None else {"source": cited["source"], "published": when.get(cited["source"])},
        "roles": list(dict.fromkeys(one["role"] for one in acting if one["actor"] in ids)),
        "actors": acting,
        "topics": record.get("topics") or [],
        "commitment": record.get("commitment"),
        "occasion": record.get("occasion"),
        "dataset": record.get("dataset"),
        "evidence": record.get("evidence") or [],
        "since": record["since"],
    }
    if record.get("enrichment"):
        told["enrichment"] = record["enrichment"]
    return told
