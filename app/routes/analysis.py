"""How analysts' questions are asked over HTTP: what happened in time, where an actor stands, how agreements differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.answers import compare, positions, timeline, together
from app.answers.together import Sought
from app.errors import BadQuery, Fault
from app.formats import csv, formats
from app.query import cursor as cursors
from app.query.evidence import Texts
from app.query.fields import Choice, Day, Ref, Term, Word
from app.query.params import DATES, LIST, READ, Parameter, Query, nearest, shown
from app.query.shapes import boolean, listed, maybe, obj, one_of, string, whole
from app.routes import heavy, reading
from app.routes.lists import begun, only_whole
from app.routes.operations import Operation

LIMIT, CURSOR, COUNT = (next(one for one in LIST if one.name == name) for name in ("limit", "cursor", "count"))
INCLUDED = ("actors", "topics", "sources")
STREAMED = ("csv", "ndjson")

SPAN = (
    Parameter("from", "From this day on: when it was said, happened or was signed.", Day(), "2024"),
    Parameter("before", "Before this day.", Day(), "2026"),
    *DATES,
)
TOPIC = Parameter(
    "topic", "A topic, narrower ones included; repeated, any of them.", Ref("topics"), "security-guarantees", True
)
TIMELINE = (
    Parameter(
        "actor",
        "An actor, by id or name: what it took part in, is bound by, said, or was spoken of in.",
        Ref("actors"),
        "Japan",
    ),
    TOPIC,
    *SPAN,
    Parameter("type", "Only this kind of entry.", Choice(tuple(timeline.LINES)), "statement", True),
    Parameter(
        "status",
        "Which events come in, by status; planned and hypothetical ones do only where asked for. Nothing but events is narrowed.",
        Term("event_status"),
        "planned",
        True,
    ),
    Parameter(
        "dataset",
        "Which events come in, by dataset; `none`: those that no dataset brought. Nothing but events is narrowed.",
        Ref("datasets"),
        "none",
        True,
    ),
    Parameter("sort", "The order in time; undated entries stand last either way.", Choice(("date", "-date")), "-date"),
    Parameter(
        "include",
        f"Linked records to bring along, separated by commas: {', '.join(INCLUDED)}.",
        Word(200),
        "actors",
    ),
    Parameter("facet", "Counts by kind or by year, over all pages.", Choice(tuple(timeline.FACETS)), "year", True),
    COUNT,
    LIMIT,
    CURSOR,
    Parameter(
        "format",
        "The representation; other than json it is the whole timeline, streamed.",
        Choice(("json", *STREAMED)),
        "json",
        default="json",
    ),
    *READ,
)
POSITIONS = (
    Parameter(
        "actor",
        "Whose position, by id or name: what they say, what is said on their behalf, what is ascribed to them, what they signed.",
        Ref("actors"),
        "Japan",
    ),
    TOPIC,
    *SPAN,
    Parameter("type", "Only this kind of utterance.", Choice(tuple(positions.LINES)), "statement", True),
    Parameter(
        "commitment",
        "Only utterances of this level; without shifts, which lie between neighbours of the whole sequence.",
        Term("commitment_level"),
        "might",
        True,
    ),
    LIMIT,
    CURSOR,
    *READ,
)
COMPARE = (
    Parameter(
        "id",
        f"An agreement; {compare.FEWEST} to {compare.MOST} of them, each once.",
        Ref("agreements"),
        "japan-ukraine-accord-2024",
        True,
    ),
    Parameter(
        "fields", f"Only these groups of rows, separated by commas: {', '.join(compare.ROWS)}.", Word(200), "provision"
    ),
    Parameter("format", "The representation.", Choice(("json", "csv")), "json", default="json"),
    *READ,
)

ENTRY = {
    "type": string("event, agreement, statement or claim."),
    "id": string("The record's id."),
    "self": string("Its address."),
    "gloss": string("What it is, in a line.", null=True),
    "kind": string("The record's own kind.", null=True),
    "status": string("For an event: occurred, ongoing, planned, hypothetical or habitual.", null=True),
    "date": maybe("Date", "The date that places it; null where the source gives none."),
    "date_of": string("Which of the record's dates that is: said, happened or signed; null for a claim.", null=True),
    "precision": string("day, month, year, span, open (one end is missing) or undated."),
    "undated": boolean("Whether nothing is known of its time; such entries stand last."),
    "reported": maybe("Reported", "The source that it cites first, and when that was published: another clock."),
    "roles": listed(string(), "The parts that the actor asked for has in it."),
    "actors": listed(one_of("Acting"), "Every actor in it, with the part it has."),
    "topics": listed(string(), "Its topics."),
    "commitment": maybe("Commitment", "How strongly an act is committed to, where that is said."),
    "occasion": string("The event at which it was said or signed.", null=True),
    "dataset": string("The dataset that an event comes from.", null=True),
    "evidence": listed(one_of("Evidence")),
    "since": whole("The revision that opened this version."),
    "enrichment": maybe("Enrichment", "There only where the whole record comes from outside the cited sources."),
}
SHARE = obj(
    "How many records of a list belong to the answer, and the request that lists exactly them.",
    {"count": maybe("Count"), "items": string("Null where the question leaves the list out.", null=True)},
)
LEVEL = {
    "level": string("See /v1/vocabularies/commitment_level.", null=True),
    "rank": whole("Its place on the scale.", null=True),
}
FREE: dict[str, Any] = {"type": "object", "additionalProperties": True}


def paged(items: Mapping[str, Any], words: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of a page of entries."""
    return obj(
        words,
        {
            "items": {**listed(items), "maxItems": 500},
            "next_cursor": string("Null at the end.", null=True),
            "revision": whole("The revision that the whole walk is pinned to."),
            "count": maybe("Count"),
            "lists": {"type": "object", "additionalProperties": one_of("Share"), "description": "By resource."},
            **more,
            "coverage": one_of("Coverage"),
        },
    )


COMPONENTS = {
    "Reported": obj(
        "When it was reported.",
        {"source": string("The source's id."), "published": maybe("Date", "Null where unknown.")},
    ),
    "Acting": obj("An actor's part in a record.", {"actor": string("The actor's id."), "role": string("The part.")}),
    "Share": SHARE,
    "TimelineFacet": obj(
        "A kind or a year with how many entries it has.",
        {
            "value": string("", null=True),
            "n": whole(),
            "items": string("The request that lists them; null where none can.", null=True),
        },
    ),
    "TimelineEntry": obj("A record on a timeline.", ENTRY, optional=("enrichment",)),
    "TimelinePage": paged(
        one_of("TimelineEntry"),
        "A page of a timeline.",
        {
            "facets": {
                "type": "object",
                "additionalProperties": listed(one_of("TimelineFacet")),
                "description": "By facet. A year holds what lies wholly in it; null what may lie in several, or has no date.",
            },
            "included": {**FREE, "description": "Linked records by resource and id, each once."},
        },
    ),
    "LaidDown": obj(
        "What an agreement lays down.",
        {
            "id": string(),
            "self": string(),
            "type": string("The provision's type."),
            "gloss": string(),
            "commitment": maybe("Commitment"),
            "evidence": listed(one_of("Evidence")),
        },
    ),
    "Utterance": obj(
        "An utterance with its level: a statement, a claim that ascribes, or an agreement with the highest level it lays down.",
        {
            **ENTRY,
            "speaker": string("Who speaks, in a statement.", null=True),
            "office": string("The office the speaker held.", null=True),
            "on_behalf_of": string("For whom.", null=True),
            "modality": maybe("Modality"),
            "constraints": listed(one_of("Constraint")),
            "provisions": listed(one_of("LaidDown"), "What an agreement lays down."),
        },
        optional=("enrichment",),
    ),
    "ShiftEnd": obj(
        "One of the two utterances that a shift lies between.",
        {
            **{name: ENTRY[name] for name in ("type", "id", "self", "gloss", "date", "commitment")},
            "polarity": string("positive or negative.", null=True),
            "constraints": listed(string(), "Families of what it depends on."),
            "evidence": listed(one_of("Evidence")),
        },
    ),
    "DaysApart": obj(
        "Days between.", {"least": whole("At least."), "most": whole("At most; null where open.", null=True)}
    ),
    "Shift": obj(
        "Two neighbours that differ, where it is known which comes first.",
        {
            "topics": listed(string(), "The topics on which they are neighbours."),
            "order": string("time (one date ends before the other begins) or reading (both stand in one source)."),
            "direction": string(
                "firmer, softer or same; null where one of them has no level or names no act.", null=True
            ),
            "steps": whole("The difference of ranks.", null=True),
            "changes": listed(string(), "level, polarity_turned, constraint_added, constraint_dropped."),
            "constraints_added": listed(string(), "Families."),
            "constraints_dropped": listed(string(), "Families."),
            "days": maybe("DaysApart", "The time between; null where it is not known."),
            "caveats": listed(
                string(),
                "What not to overlook: "
                + "; ".join(f"{name}: {said}" for name, said in positions.CAVEATS.items())
                + ".",
            ),
            "words": string("The shift in a sentence."),
            "from": one_of("ShiftEnd"),
            "to": one_of("ShiftEnd"),
        },
    ),
    "LevelCount": obj(
        "A level with how many utterances have it, and the request that lists them.",
        {**LEVEL, "n": whole(), "items": string("", null=True)},
    ),
    "LevelOf": obj(
        "An utterance with nothing but its level.", {**LEVEL, "type": string(), "id": string(), "self": string()}
    ),
    "Current": obj(
        "The last utterance that names an act, as far as that is known.",
        {
            "in_time": maybe(
                "LevelOf", "Certainly later than every other dated one; null where two may be of one time."
            ),
            "in_reading": maybe("LevelOf", "Read last, where all stand in one source; this says nothing of time."),
        },
    ),
    "ShiftCount": obj(
        "The shifts of a topic in numbers.",
        {
            "n": whole("Neighbours that differ."),
            "firmer": whole(),
            "softer": whole(),
            "same": whole("Of the same level, differing in something else."),
            "compared": whole("Neighbours whose order is known."),
            "unordered": whole("Neighbours of which it is not known which comes first; never called a shift."),
        },
    ),
    "PositionSummary": obj(
        "An actor's utterances on a topic in numbers.",
        {
            "topic": string("Null for those without a topic.", null=True),
            "label": string("", null=True),
            "narrower": listed(string(), "The topics that are included in it."),
            "n": whole("Utterances."),
            "undated": whole("How many of them have no date."),
            "dates": one_of("DateSpan"),
            "current": one_of("Current"),
            "highest": maybe("LevelCount", "The firmest level, of those that name an act."),
            "lowest": maybe("LevelCount", "The least firm level, of those that name an act."),
            "levels": listed(one_of("LevelCount"), "Every level that occurs, the firmest first."),
            "shifts": one_of("ShiftCount"),
            "items": string("The request that lists them; null for those without a topic.", null=True),
        },
    ),
    "PositionPage": paged(
        one_of("Utterance"),
        "A page of positions: the utterances, the shifts that lead to them, and each topic in numbers.",
        {"shifts": listed(one_of("Shift")), "topics": listed(one_of("PositionSummary"))},
    ),
    "CompareEntry": obj(
        "What an agreement says to a matter.",
        {
            "value": string("The value: a term, a role, a duration, the gloss of a provision."),
            "id": string("The provision.", null=True),
            "self": string("Its address.", null=True),
            "gloss": string("In words.", null=True),
            "provider": string("Who gives; null where the source does not say.", null=True),
            "recipient": string("Who receives; null where the source does not say.", null=True),
            "quantity": string("How much; null where the source does not say.", null=True),
            "commitment": maybe("Commitment", "How strongly it binds."),
            "date": maybe("Date", "For the row of the signing."),
            "evidence": listed(one_of("Evidence")),
        },
    ),
    "CompareRow": obj(
        "A matter with what each agreement says to it.",
        {
            "group": string(f"{', '.join(compare.ROWS)}."),
            "key": string("The party, the topic or the type of provision.", null=True),
            "label": string("In words."),
            "mark": string("How many of the agreements say something: all, some, one or none."),
            "alike": {
                "type": ["boolean", "null"],
                "description": "Whether all say the same; null where not all say something, or only a reader can tell.",
            },
            "has": listed(string(), "The agreements that say something."),
            "lacks": listed(string(), "Those of which nothing is recorded; this is not to say that they exclude it."),
            "items": string("The request that lists a row's provisions.", null=True),
            "cells": {
                "type": "object",
                "additionalProperties": listed(one_of("CompareEntry")),
                "description": "By agreement; empty where nothing is recorded.",
            },
        },
    ),
    "CompareMatrix": obj(
        "Agreements side by side.",
        {
            "agreements": listed(one_of("Agreement"), "The columns, in the order asked for."),
            "rows": listed(one_of("CompareRow")),
            "marks": obj("Rows by mark.", {name: whole() for name in ("all", "some", "one", "none")}),
            "revision": whole(),
        },
    ),
}


def operations() -> Iterator[Operation]:
    """The routes."""
    yield Operation(
        "/v1/timeline",
        "timeline",
        "analysis",
        "Follow an actor or a topic in time",
        "Events, agreements, statements and claims in one order by their first possible day, undated ones last and marked. "
        "Coded events of datasets stand among them. `lists` leads to each kind by itself.",
        following,
        one_of("TimelinePage"),
        TIMELINE,
        media=("application/json", *(formats()[name].media_type.partition(";")[0] for name in STREAMED)),
        example="/v1/timeline?actor=Japan&type=agreement&type=statement&limit=2",
    )
    yield Operation(
        "/v1/positions",
        "positions",
        "analysis",
        "Show where an actor stands, and how that moved",
        "Each utterance with its level and passages in time order; the shifts between neighbours, each with both passages and "
        "what not to overlook; each topic in numbers. An order is claimed in time where the dates are apart, in reading where "
        "both stand in one source, and nowhere else.",
        standing,
        one_of("PositionPage"),
        POSITIONS,
        example="/v1/positions?actor=Ishiba&topic=security-guarantees&limit=2",
    )
    yield Operation(
        "/v1/agreements/compare",
        "compare_agreements",
        "agreements",
        "Compare agreements",
        "A matrix: a row a matter (kind, parties, dates, topics, types of provision), a column an agreement, each cell with its "
        "passages; what all have and what only one has is marked. An unknown id is 404, a retracted one 410, a renamed one 308 "
        "to the same comparison under its new id; the answer names each.",
        comparing,
        one_of("CompareMatrix"),
        COMPARE,
        media=("application/json", "text/csv"),
        problems=(308, 404, 406, 410, 414, 422, 500, 503),
    )


# ── Timeline and positions ──────────────────────────────────────────────────────────────────────────────────────────


def following(request: Request) -> Response:
    """A page of a timeline."""
    here, pairs = reading.state(request), reading.pairs_of(request)
    values = reading.values_of(request, TIMELINE)
    sought = sought_in(values, pairs)
    include = names(values.get("include"), INCLUDED, "include")
    representation = reading.representation(request, values.get("format"), STREAMED)
    if representation != "json":
        only_whole(Query(pairs=tuple(pairs)))
    mark = cursors.fingerprint("timeline", Query(pairs=tuple(pairs)))
    walk, after = pinned_by(values, mark, (int, int, str))
    with here.database.read() as connection:
        pinned = reading.pin(
            request,
            connection,
            **reading.view_values(values),
            shows_words=True,
            representation=representation,
            walk=walk,
        )
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
        reach = together.reach(connection, pinned.view, sought)
        parts = together.parts(connection, pinned.view, sought, timeline.LINES, here.vocabularies)
        step = timeline.Walk(rows_of(values, here), after, sought.descending)
        if representation == "json":
            content, key = timeline.answer(
                connection,
                pinned.view,
                parts,
                reach,
                step,
                sought=sought,
                count=values.get("count", "none"),
                facets=values.get("facet", ()),
                include=include,
                bounds=here.bounds,
                coverage=here.coverage,
            )
            return page_of(request, pinned, content, mark, key)
    whole = timeline.Walk(here.settings.chunk_rows, None, sought.descending)
    chunks = timeline.chunks(here.database.read, pinned.view, parts, reach, whole, most=values.get("limit"))
    return streamed(request, pinned, representation, chunks)


def streamed(
    request: Request, pinned: reading.Pinned, representation: str, chunks: Iterator[list[dict[str, Any]]]
) -> Response:
    """The whole timeline as a file."""
    chosen, told = formats()[representation], reading.headers(pinned)
    told["Content-Disposition"] = f'attachment; filename="timeline-r{pinned.view.revision}.{chosen.ending}"'
    if request.scope.get("head"):
        # Who asks for the headers only is not made to wait for the whole result.
        answer = Response(media_type=chosen.media_type, headers=told)
        del answer.headers["content-length"]
        return answer
    body = as_csv(chunks) if representation == "csv" else as_lines(chunks)
    heavy.only(request)
    parts = heavy.streamed(begun(body), reading.state(request).settings.heavy_requests)
    return StreamingResponse(parts, media_type=chosen.media_type, headers=told)


def as_csv(chunks: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """The header, then the rows of each chunk."""
    yield csv.lines([list(timeline.COLUMNS)])
    for chunk in chunks:
        yield csv.lines([[csv.cell(value) for value in row] for row in timeline.table(chunk)])


def as_lines(chunks: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """An entry a line."""
    for chunk in chunks:
        yield b"".join(orjson.dumps(item) + b"\n" for item in chunk)


def standing(request: Request) -> Response:
    """A page of positions."""
    here, pairs = reading.state(request), reading.pairs_of(request)
    values = reading.values_of(request, POSITIONS, ("actor", "whose position to show", "/v1/positions?actor=Japan"))
    sought = sought_in(values, pairs)
    reading.representation(request, None, ())
    mark = cursors.fingerprint("positions", Query(pairs=tuple(pairs)))
    walk, after = pinned_by(values, mark, (int,))
    start = after[0] if after is not None else 0
    if start < 0:
        raise cursors.refused("This cursor was changed. Take `next_cursor` of the page before as it is.")
    with here.database.read() as connection:
        pinned = reading.pin(request, connection, **reading.view_values(values), shows_words=True, walk=walk)
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
        reach = together.reach(connection, pinned.view, sought)
        parts = together.parts(connection, pinned.view, sought, positions.LINES, here.vocabularies)
        content, following_start = positions.answer(
            connection,
            pinned.view,
            sought,
            parts,
            reach,
            values.get("commitment", ()),
            start=start,
            limit=rows_of(values, here),
            coverage=here.coverage,
        )
    return page_of(request, pinned, content, mark, None if following_start is None else (following_start,))


def sought_in(values: Mapping[str, Any], pairs: Sequence[tuple[str, str]]) -> Sought:
    """What a request seeks; days as it wrote them, since the addresses of the lists repeat them."""
    given = dict(pairs)
    lower, upper = values.get("from"), values.get("before")
    if lower is not None and upper is not None and lower >= upper:
        detail = "before is exclusive and must be later than from."
        raise BadQuery(detail, errors=[Fault("before", detail)])
    return Sought(
        actor=values.get("actor"),
        topics=tuple(dict.fromkeys(values.get("topic", ()))),
        lower=given.get("from"),
        upper=given.get("before"),
        dates=values.get("dates", "possible"),
        undated=values.get("undated", False),
        statuses=tuple(dict.fromkeys(values.get("status", ()))),
        datasets=tuple(dict.fromkeys(values.get("dataset", ()))),
        types=tuple(dict.fromkeys(values.get("type", ()))),
        as_of=values.get("as_of"),
        descending=values.get("sort") == "-date",
    )


def rows_of(values: Mapping[str, Any], here: reading.State) -> int:
    """How many entries a page is to hold, within what this instance allows."""
    limit, most = values.get("limit", here.limits.page_rows), here.limits.page_rows_most
    if limit > most:
        detail = f"limit={limit} is not possible: it is a whole number from 1 to {most}."
        raise BadQuery(detail, errors=[Fault("limit", detail)])
    return int(limit)


def names(asked: str | None, allowed: Sequence[str], parameter: str) -> tuple[str, ...]:
    """Names separated by commas, each once and each allowed."""
    wanted = tuple(dict.fromkeys(part.strip() for part in (asked or "").split(",") if asked))
    for name in wanted:
        if name not in allowed:
            near = nearest(name, allowed) if name else None
            choice = f"The nearest is {near!r}." if near else f"There are: {', '.join(allowed)}."
            detail = f"{parameter}={shown(name)} is not possible. {choice}"
            raise BadQuery(detail, errors=[Fault(parameter, detail)])
    return wanted


def pinned_by(
    values: Mapping[str, Any], mark: str, types: tuple[type, ...]
) -> tuple[cursors.Walk | None, tuple[Any, ...] | None]:
    """The walk and the key that a cursor carries; neither without one."""
    return cursors.read(values["cursor"], mark, types) if "cursor" in values else (None, None)


def page_of(
    request: Request, pinned: reading.Pinned, content: dict[str, Any], mark: str, key: tuple[Any, ...] | None
) -> Response:
    """A page with its cursor."""
    cursor = None if key is None else cursors.write(pinned.view, mark, key)
    return reading.said(pinned, {**content, "next_cursor": cursor}, links=reading.next_link(request, cursor))


# ── Compare ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def comparing(request: Request) -> Response:
    """The matrix, as JSON or as a table."""
    here, pairs = reading.state(request), reading.pairs_of(request)
    values = reading.values_of(request, COMPARE)
    ids = tuple(values.get("id", ()))
    groups = names(values.get("fields"), compare.ROWS, "fields") or compare.ROWS
    compare.check(ids)
    representation = reading.representation(request, values.get("format"), ("csv",))
    with here.database.read() as connection:
        pinned = reading.pin(
            request, connection, **reading.view_values(values), shows_words=True, representation=representation
        )
        columns = compare.agreements(connection, pinned.view, pairs, pinned.latest, Texts(connection))
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
        rows = compare.matrix(connection, pinned.view, columns, groups, here.vocabularies)
    if representation == "csv":
        body = csv.lines([[csv.cell(value) for value in line] for line in compare.table(rows, ids)])
        return reading.said(pinned, body, media_type=csv.FORMAT.media_type)
    kept = [pair for pair in pairs if pair[0] in ("as_of", "enrichment")]
    told = [compare.as_json(row, ids, kept) for row in rows]
    content = {
        "agreements": columns,
        "rows": told,
        "marks": {name: total(told, name) for name in ("all", "some", "one", "none")},
        "revision": pinned.view.revision,
    }
    return reading.said(pinned, content)


def total(rows: Iterable[Mapping[str, Any]], mark: str) -> int:
    """How many rows have a mark."""
    return sum(row["mark"] == mark for row in rows)
