"""How the log and lists are followed: the changes as JSON, live as server-sent events, and an Atom feed of any list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.answers import history
from app.errors import BadQuery, Fault
from app.formats import atom
from app.query import describe, page
from app.query.fields import Choice, Resource, Word
from app.query.params import READ, Parameter, Query, parse_plain, refuse
from app.query.plan import Plan, walk
from app.resources import RESOURCES
from app.routes import live, reading
from app.routes.asking import planned
from app.routes.operations import Operation
from app.routes.questions import LIMIT, paged, whole_list
from app.routes.reading import Pinned

CHANGES: Final = (
    Parameter("after", "A revision, or the position of a change: what came after it.", Word(40), "0"),
    LIMIT,
    Parameter("cursor", "The same as `after`: `next_cursor` of the page before.", Word(40), ""),
    Parameter(
        "format",
        "The representation: JSON oldest first, an Atom feed newest first, or events that follow the log live (sse).",
        Choice(("json", "atom", "sse")),
        "json",
        default="json",
    ),
    *READ,
)
# Which fields of a record are categories of its entry, and the scheme of each.
SCHEMES: Final[Mapping[str, str]] = {name: f"urn:chancery:{name}" for name in ("type", "kind", "topics")}


def operations() -> Iterator[Operation]:
    """The route."""
    yield Operation(
        "/v1/changes",
        "list_changes",
        "history",
        "Follow the changes",
        "One ordered feed of create, update, merge and retract, each with the record before and after, as published. As events "
        "(`Accept: text/event-stream`) it goes on live: each has its position as its id, and `Last-Event-ID` resumes after it.",
        changes,
        paged({"$ref": "#/components/schemas/Change"}, "Changes."),
        CHANGES,
        media=("application/json", live.MEDIA_TYPE, atom.MEDIA_TYPE),
        example="/v1/changes?after=1&limit=1",
    )


def changes(request: Request) -> Response:
    """The changes after a position: a page, a feed, or each as it comes."""
    here = reading.state(request)
    values = parse_plain(reading.pairs_of(request), CHANGES, here.vocabularies)
    representation = reading.representation(request, values.get("format"), ("json", "atom", "sse"))
    name = "cursor" if "cursor" in values else "after"
    if representation == "sse":
        return following(request, values, name)
    with here.database.read() as connection:
        pinned = reading.pin(
            request,
            connection,
            **reading.view_values(values),
            shows_words=False,
            representation=representation,
        )
        if representation == "atom":
            return changes_feed(request, connection, pinned, values)
        start = history.position(values.get(name, "0"), name)
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
        limit = values.get("limit", here.settings.page_rows)
        items, cursor = history.changes(connection, pinned.view, after=start, limit=limit)
    return reading.said(pinned, whole_list(pinned, items, cursor), links=reading.next_link(request, cursor))


def following(request: Request, values: Mapping[str, Any], name: str) -> Response:
    """The changes as events. Where a client comes back, `Last-Event-ID` says where, whatever its address says."""
    given = [one for one in ("as_of", "limit") if one in values]
    refuse([Fault(one, f"{one} ends the feed, and events follow it live; leave {one} out.") for one in given])
    resumed = request.headers.get("last-event-id", "").strip()
    if resumed:
        try:
            start = history.position(resumed, "Last-Event-ID")
        except BadQuery as error:
            raise BadQuery(error.detail, errors=[Fault("Last-Event-ID", error.detail, "header")]) from None
    else:
        start = history.position(values.get(name, "0"), name)
    here = reading.state(request)
    with here.database.read() as connection:
        pinned = reading.pin(request, connection, **reading.view_values(values), shows_words=False)
    headers = {"KB-Revision": str(pinned.view.revision), "Vary": "Accept"}
    return live.EventStream(request.app.state.followers, start, pinned.view.enrichment, headers)


def changes_feed(
    request: Request, connection: Connection, pinned: reading.Pinned, values: Mapping[str, Any]
) -> Response:
    """The changes as an Atom feed, newest revisions first, back to the position `after`."""
    here = reading.state(request)
    after = history.position(values.get("after", "0"))
    before = history.position(values["cursor"], "cursor") if "cursor" in values else None
    if (same := reading.unchanged(request, pinned)) is not None:
        return same
    items, older = history.newest_changes(
        connection, pinned.view, after=after, before=before, limit=values.get("limit", here.settings.page_rows)
    )
    return feed(
        request,
        connection,
        pinned,
        title="Changes of the knowledge base",
        entries=[atom.of_change(item) for item in items],
        cursor=older,
    )


def listing(request: Request, resource: Resource, query: Query) -> Response:
    """A list as an Atom feed: what was published last comes first."""
    here = reading.state(request)
    query = newest_first(query)

    def shown(connection: Connection, pinned: Pinned, asked: Plan) -> Response:
        found = page.answer(connection, asked, RESOURCES, here.bounds, here.coverage)
        log = history.log_of(connection, {item["since"] for item in found["items"]})
        names = {id: actor["name"] for id, actor in found["included"].get("actors", {}).items()}
        entries = [
            atom.of_record(
                item, updated=log[item["since"]].published_at, by=log[item["since"]].by, names=names, schemes=SCHEMES
            )
            for item in found["items"]
        ]
        return feed(
            request,
            connection,
            pinned,
            title=f"{describe.question(asked)}.",
            entries=entries,
            cursor=found["next_cursor"],
        )

    return planned(
        request,
        resource,
        query,
        shown,
        shows_words=resource.shows_words,
        representation="atom",
        walk=walk(resource, query),
    )


def newest_first(query: Query) -> Query:
    """The query in the order of a feed, with the speakers of what it finds. Refuses what a feed does not have."""
    given = [name for name, _ in query.pairs if name in ("sort", "facet", "count", "include", "fields")]
    refuse(
        [
            Fault(name, f"{name} is not possible with a feed, whose entries come newest first and whole. Leave it out.")
            for name in dict.fromkeys(given)
        ]
    )
    return replace(query, sort="-since", include=("speaker",), pairs=(*query.pairs, ("sort", "-since")))


def feed(
    request: Request,
    connection: Connection,
    pinned: reading.Pinned,
    *,
    title: str,
    entries: list[atom.Entry],
    cursor: str | None,
) -> Response:
    """The document; an empty feed was updated when the revision that it stands for was published."""
    pairs = [pair for pair in reading.pairs_of(request) if pair[0] not in ("cursor", "format")]
    newest = entries[0].updated if entries else None
    if newest is None:
        log = history.log_of(connection, {pinned.view.revision})
        newest = next((row.published_at for row in log.values()), atom.BEGINNING)
    around = atom.Feed(
        id=atom.feed_urn(address(request, sorted(pairs))),
        title=title,
        updated=newest,
        here=address(request, [*pairs, ("format", "atom")]),
        json=address(request, pairs),
        older=None if cursor is None else address(request, [*pairs, ("format", "atom"), ("cursor", cursor)]),
        base=reading.state(request).settings.base or "",
    )
    return reading.said(
        pinned,
        atom.document(around, entries),
        links=reading.next_link(request, cursor),
        media_type=atom.MEDIA_TYPE,
    )


def address(request: Request, pairs: list[tuple[str, str]]) -> str:
    """The path of a request with other parameters."""
    return request.url.path + (f"?{urlencode(pairs, safe=':@')}" if pairs else "")
