"""How questions that are no lists are asked: names resolved, the data dictionary, vocabularies, the log, and citations verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response

from app.answers import dictionary, history, resolve, verification
from app.coded import store
from app.errors import NotFound
from app.query import cursor as cursors
from app.query import page, sql
from app.query.evidence import Texts
from app.query.fields import Match, Resource, Term, View, Word
from app.query.params import LIST, READ, Parameter, Query, parse_plain
from app.query.shapes import boolean, listed, maybe, number, obj, string, whole
from app.resources import PUBLIC, RESOURCES
from app.resources.topics import TERMS
from app.routes import reading
from app.routes.operations import Operation, PathParameter

LIMIT = next(one for one in LIST if one.name == "limit")
CURSOR = next(one for one in LIST if one.name == "cursor")

CANDIDATE = obj(
    "An actor that a name can stand for.",
    {
        "actor": string("The actor's id."),
        "name": string("The name it goes by here."),
        "matched": string("The name that matched."),
        "name_kind": string("name, title_name, metonym or description."),
        "score": number("How well it fits, 1 at best; a filter takes 0.8 and more."),
        "why": string("How it was found."),
    },
)
ANYTHING = {"type": ["object", "null"], "additionalProperties": True}


def paged(item: dict[str, Any], words: str, *, coverage: bool = False) -> dict[str, Any]:
    """The shape of a list that is no resource."""
    parts: dict[str, Any] = {"items": listed(item), "next_cursor": string("", null=True), "revision": whole()}
    if coverage:
        parts["coverage"] = {"$ref": "#/components/schemas/Coverage"}
    return obj(words, parts)


REVISION = obj(
    "A published revision.",
    {
        "number": whole(),
        "type": string(),
        "self": string(),
        "kind": string("vocabularies, dossier, import, edit, retraction or merge."),
        "origin": string("The dossier or dataset it published.", null=True),
        "by": string(),
        "why": string(),
        "opened_at": string("When its writer began; RFC 3339, UTC."),
        "published_at": string("RFC 3339, UTC."),
        "counts": {
            "type": "object",
            "additionalProperties": True,
            "description": "Records created, updated and retracted, by noun.",
        },
        "changes": string("What it changed."),
        "events": string("What it did to the events of datasets, as a stream; null where it did nothing.", null=True),
    },
)
STEP = obj(
    "One change.",
    {
        "position": string("Its place in the feed: pass it as `after` to go on from here."),
        "revision": whole(),
        "act": string("create, update, merge or retract."),
        "type": string("The noun."),
        "id": string(),
        "self": string("", null=True),
        "by": string(),
        "why": string(),
        "at": string("RFC 3339, UTC."),
        "now": string("The id that a merged or renamed record has now.", null=True),
        "before": ANYTHING,
        "after": ANYTHING,
    },
)
REPORT = obj(
    "A record of a coded dataset that says an event happened.",
    {
        "id": string(),
        "type": string(),
        "event": string(),
        "dataset": string(),
        "native": string("The dataset's own id."),
        "reported": string("The day it was reported.", null=True, format="date"),
        "story": string("", null=True),
        "sentence": whole("", null=True),
        "publisher": string("", null=True),
        "url": string("", null=True),
        "weight": whole("How many reports it stands for; 0 for a mention."),
        "since": whole(),
    },
)
REJECTED = obj(
    "A row of an imported file that was refused.",
    {
        "revision": whole("The import that refused it."),
        "line": whole("Its line in the file, from 1."),
        "reason": string("A short code, the same for the same cause."),
        "detail": string("What was read, and what is allowed."),
        "text": string("The row, its first 2,000 characters."),
    },
)
VERIFICATION = obj(
    "What was checked of a source's citations.",
    {
        "source": string(),
        "text_available": boolean(),
        "digest_fits": {"type": ["boolean", "null"], "description": "Whether the text is the one that was annotated."},
        "passages": whole(),
        "citations": whole(),
        "checked": whole(),
        "confirmed": whole(),
        "failures": listed(
            obj(
                "A passage that the text does not bear out.",
                {"passage": string(), "start": whole(), "end": whole(), "why": string(), "cited_by": listed(string())},
            )
        ),
        "revision": whole(),
    },
)
TERM = obj(
    "A term.",
    {
        "term": string(),
        "label": string(),
        "definition": string("", null=True),
        "rank": whole("", null=True),
        "since": whole(),
    },
)
PARAMETER = obj(
    "A parameter in words.",
    {
        "name": string(),
        "words": string(),
        "value": string(),
        "repeats": boolean(),
        "default": string("", null=True),
        "example": string("", null=True),
    },
)
SUMMARY = {"name": string(), "words": string(), "items": string(), "dictionary": string()}
DICTIONARY = obj(
    "What a resource offers.",
    {
        **SUMMARY,
        "fields": listed(obj("A field.", {"name": string(), "words": string(), "links": listed(string())})),
        "filters": listed(PARAMETER),
        "common": listed(PARAMETER),
        "sorts": listed(obj("An order.", {"name": string(), "words": string()})),
        "default_sort": string(),
        "facets": listed(
            obj("What can be counted by value.", {"name": string(), "words": string(), "example": string()})
        ),
    },
)

RESOLVE = (
    Parameter("name", "The name to resolve.", Word(500), "Tokyo"),
    Parameter("kind", "Only actors of this kind.", Term("actor_kind"), "government"),
    LIMIT,
    CURSOR,
    *READ,
)
REVISIONS = (LIMIT, CURSOR, *READ)


def operations() -> Iterator[Operation]:
    """The routes."""
    yield Operation(
        "/v1/resolve",
        "resolve",
        "names",
        "Resolve a name",
        "The actors that a name can stand for, best first, each with the reason: the name itself, a usual respelling, a "
        "family name, a capital that stands for its government. Nobody is an empty list.",
        resolving,
        paged(CANDIDATE, "Candidates.", coverage=True),
        RESOLVE,
        example="/v1/resolve?name=Tokyo",
    )
    yield Operation(
        "/v1/resources",
        "list_resources",
        "dictionary",
        "List the resources",
        "The resources in a line each, with links.",
        resources,
        paged(obj("A resource.", SUMMARY), "Resources."),
        READ,
        example="/v1/resources",
    )
    yield Operation(
        "/v1/resources/{name}",
        "get_resource",
        "dictionary",
        "Show what a resource offers",
        "Every field, filter, sort and facet in words, with requests that work.",
        resource,
        DICTIONARY,
        READ,
        (PathParameter("name", "A resource.", "statements"),),
        problems=(404, 406, 414, 422, 500, 503),
        example="/v1/resources/topics",
    )
    yield Operation(
        "/v1/vocabularies",
        "list_vocabularies",
        "dictionary",
        "List the vocabularies",
        "The names of the controlled vocabularies.",
        vocabularies,
        paged(obj("A vocabulary.", {"name": string(), "terms": string("Where its terms stand.")}), "Vocabularies."),
        READ,
        example="/v1/vocabularies",
    )
    yield Operation(
        "/v1/vocabularies/{name}",
        "get_vocabulary",
        "dictionary",
        "Show a vocabulary",
        "Its terms with definitions, in their own order.",
        vocabulary,
        obj("A vocabulary.", {"name": string(), "items": listed(TERM), "revision": whole()}),
        READ,
        (PathParameter("name", "A vocabulary.", "commitment_level"),),
        problems=(404, 406, 414, 422, 500, 503),
        example="/v1/vocabularies/commitment_level",
    )
    yield Operation(
        "/v1/revisions",
        "list_revisions",
        "history",
        "List the revisions",
        "Every published change of the knowledge base, oldest first.",
        revisions,
        paged({"$ref": "#/components/schemas/Revision"}, "Revisions."),
        REVISIONS,
        example="/v1/revisions",
    )
    yield Operation(
        "/v1/revisions/{number}",
        "get_revision",
        "history",
        "Show a revision",
        "One published change: who, when, why, how many records.",
        revision,
        {"$ref": "#/components/schemas/Revision"},
        READ,
        (PathParameter("number", "Its number.", "1"),),
        problems=(404, 406, 414, 422, 500, 503),
        example="/v1/revisions/1",
    )
    yield Operation(
        "/v1/sources/{id}/verification",
        "verify_source",
        "sources",
        "Verify a source's citations",
        "How many citations were checked against the text that is available here, and each that fails.",
        verifying,
        VERIFICATION,
        READ,
        (PathParameter("id", "The id of a source.", ""),),
        problems=(404, 406, 414, 422, 500, 503),
        example="/v1/sources/{first}/verification",
    )
    yield Operation(
        "/v1/datasets/{id}/rejected",
        "list_dataset_rejected",
        "datasets",
        "List the rows of a dataset that were refused",
        "Every row that an import refused, with its line, the reason and its text, in the order of import.",
        rejected,
        paged(REJECTED, "Refused rows."),
        (LIMIT, CURSOR, *READ),
        (PathParameter("id", "The id of a dataset.", ""),),
        problems=(404, 406, 414, 422, 500, 503),
    )
    yield Operation(
        "/v1/events/{id}/reports",
        "list_event_reports",
        "events",
        "List the reports of an event",
        "The records of coded datasets that say it happened; none for an event that a source reports.",
        reports,
        paged(REPORT, "Reports."),
        (LIMIT, CURSOR, *READ),
        (PathParameter("id", "The id of an event.", ""),),
        problems=(404, 406, 414, 422, 500, 503),
        example="/v1/events/{first}/reports",
    )


COMPONENTS = {
    "Revision": REVISION,
    "Change": STEP,
    "Version": obj(
        "A version of a record.",
        {
            "revision": whole(),
            "act": string("create, update or retract."),
            "by": string(),
            "why": string(),
            "at": string("RFC 3339, UTC."),
            "since": whole(),
            "until": whole("", null=True),
            "changed": listed(string(), "The fields that changed."),
            "record": ANYTHING,
        },
    ),
    "VersionPage": paged({"$ref": "#/components/schemas/Version"}, "The versions of a record."),
    "Coverage": obj(
        "What was searched.",
        {
            "searched": string("The resource."),
            "sources": listed(string(), "The sources it comes from, the first hundred."),
            "datasets": listed(string(), "The datasets it comes from, the first hundred."),
            "dates": {**maybe("DateSpan"), "description": "The dates that the records cover."},
            "revision": whole(),
            "query": string("The question in words."),
            "zero": string("For an empty list: none_found or not_covered.", null=True),
            "notes": listed(string(), "How names were read, what is not known here, what was left out."),
        },
    ),
    "DateSpan": obj(
        "A span of days.", {"first": string("", null=True, format="date"), "last": string("", null=True, format="date")}
    ),
}


def answer(
    request: Request,
    known: Sequence[Parameter],
    make: Any,
    *,
    shows_words: bool = False,
    walk: cursors.Walk | None = None,
) -> Response:
    """A plain read: its parameters, its revision, its ETag, and what `make(connection, pinned, values)` answers."""
    values = reading.values_of(request, known)
    reading.representation(request, None, ())

    def told(connection: Connection, pinned: reading.Pinned) -> Response:
        content = make(connection, pinned, values)
        return reading.said(pinned, content, links=reading.next_link(request, content.get("next_cursor")))

    return reading.answered(request, told, **reading.view_values(values), shows_words=shows_words, walk=walk)


def whole_list(pinned: reading.Pinned, items: list[Any], cursor: str | None = None) -> dict[str, Any]:
    """A list as every list is shaped."""
    return {"items": items, "next_cursor": cursor, "revision": pinned.view.revision}


def resolving(request: Request) -> Response:
    here = reading.state(request)
    values = parse_plain(reading.pairs_of(request), RESOLVE, here.vocabularies)
    walked = [(name, values[name]) for name in ("name", "kind") if name in values]
    mark = cursors.fingerprint("resolve", Query(pairs=tuple(walked)))
    walk, (start,) = cursors.read(values["cursor"], mark, (int,)) if "cursor" in values else (None, (0,))
    start = max(0, start)

    def make(connection: Any, pinned: reading.Pinned, values: Any) -> Any:
        if "name" not in values:
            reading.required("name", "the name to resolve", "/v1/resolve?name=Tokyo")
        found = resolve.candidates(connection, pinned.view, values["name"], kind=values.get("kind"))
        end = start + values.get("limit", here.settings.page_rows)
        cursor = cursors.write(pinned.view, mark, (end,)) if end < len(found) else None
        told = whole_list(pinned, [one.as_json() for one in found[start:end]], cursor)
        known = here.coverage.of(connection, RESOURCES["actors"], pinned.view, RESOURCES)
        zero = None if found else "none_found" if known["sources"] or known["datasets"] else "not_covered"
        query = f"actors by the name {values['name']!r}; as of revision {pinned.view.revision}."
        return {
            **told,
            "coverage": {**known, "revision": pinned.view.revision, "query": query, "zero": zero, "notes": []},
        }

    return answer(request, RESOLVE, make, walk=walk)


def resources(request: Request) -> Response:
    return answer(request, READ, lambda _, pinned, __: whole_list(pinned, [dictionary.summary(one) for one in PUBLIC]))


def resource(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in RESOURCES:
        raise NotFound(f"There is no resource of this name. There are: {', '.join(RESOURCES)}.")
    return answer(request, READ, lambda *_: dictionary.entry(RESOURCES[name]), shows_words=True)


def vocabularies(request: Request) -> Response:
    def make(connection: Any, pinned: reading.Pinned, _: Any) -> Any:
        names = dictionary.vocabularies(connection, pinned.view)
        return whole_list(pinned, [{"name": name, "terms": f"/v1/vocabularies/{name}"} for name in names])

    return answer(request, READ, make)


def vocabulary(request: Request) -> Response:
    name = request.path_params["name"]

    def make(connection: Any, pinned: reading.Pinned, _: Any) -> Any:
        names = dictionary.vocabularies(connection, pinned.view)
        if name not in names:
            raise NotFound(
                f"There is no vocabulary of this name. There are: {', '.join(names) or 'none at this revision'}."
            )
        table = TERMS.table
        query = select(table.c.id, table.c.since, table.c.until, table.c.body)
        rows = connection.execute(
            query.where(table.c.vocabulary == name, sql.standing(table, pinned.view)).order_by(table.c.place)
        ).all()
        matches = [Match(None, row.id, row) for row in rows]
        items = page.records(connection, TERMS, pinned.view, matches, Texts(connection))
        return {"name": name, "items": dictionary.vocabulary_terms(items), "revision": pinned.view.revision}

    return answer(request, READ, make)


def revisions(request: Request) -> Response:
    here = reading.state(request)

    def make(connection: Any, pinned: reading.Pinned, values: Any) -> Any:
        limit = values.get("limit", here.settings.page_rows)
        number, _ = history.position(values.get("cursor", "0"), "cursor")
        items = history.revisions(connection, pinned.view.revision, after=number, limit=limit + 1)
        cursor = str(items[limit - 1]["number"]) if len(items) > limit else None
        return whole_list(pinned, items[:limit], cursor)

    return answer(request, REVISIONS, make)


def revision(request: Request) -> Response:
    number = request.path_params["number"]

    def make(connection: Any, pinned: reading.Pinned, _: Any) -> Any:
        valid = number.isascii() and number.isdigit() and 0 < len(number) < 10
        items = history.revisions(connection, pinned.view.revision, after=int(number) - 1, limit=1) if valid else []
        if not items or items[0]["number"] != int(number):
            raise NotFound(
                f"There is no published revision of this number; the latest is {pinned.view.revision}. /v1/revisions lists them."
            )
        return items[0]

    return answer(request, READ, make)


def verifying(request: Request) -> Response:
    id = request.path_params["id"]

    def make(connection: Any, pinned: reading.Pinned, _: Any) -> Any:
        source = RESOURCES["sources"]
        here_it_is = reading.plausible(id) and sql.by_ids(connection, source.table, pinned.view, [id])
        if not here_it_is:
            raise history.missing(connection, source, pinned.view, id if reading.plausible(id) else "", pinned.latest)
        return {**verification.verify(connection, pinned.view, id).as_json(), "revision": pinned.view.revision}

    return answer(request, READ, make, shows_words=True)


def rejected(request: Request) -> Response:
    return belonging(request, RESOURCES["datasets"], history.rejected)


def reports(request: Request) -> Response:
    def some(
        connection: Connection, view: View, id: str, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        items = store.reports(connection, view, id, cursor or "", limit + 1)
        return items[:limit], items[limit - 1]["native"] if len(items) > limit else None

    return belonging(request, RESOURCES["events"], some)


def belonging(
    request: Request,
    resource: Resource,
    some: Callable[[Connection, View, str, str | None, int], tuple[list[dict[str, Any]], str | None]],
) -> Response:
    """A page of what belongs to one record: `some` gives it, and the cursor of the next."""
    here = reading.state(request)
    id = request.path_params["id"]

    def make(connection: Any, pinned: reading.Pinned, values: Any) -> Any:
        if not (reading.plausible(id) and page.of_ids(connection, resource, pinned.view, [id])):
            raise history.missing(connection, resource, pinned.view, id if reading.plausible(id) else "", pinned.latest)
        limit = values.get("limit", here.settings.page_rows)
        return whole_list(pinned, *some(connection, pinned.view, id, values.get("cursor"), limit))

    return answer(request, (LIMIT, CURSOR, *READ), make)
