"""How everything is searched over HTTP: `/v1/search`, ranked hits of every type with snippets, facets and help for typos."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.answers import search
from app.query import cursor as cursors
from app.query.fields import Choice, Word
from app.query.params import LIST, READ, Parameter
from app.query.shapes import boolean, listed, maybe, number, obj, one_of, string, whole
from app.routes import reading
from app.routes.operations import Operation
from app.routes.reading import Pinned

LIMIT, CURSOR = (next(one for one in LIST if one.name == name) for name in ("limit", "cursor"))

PARAMETERS = (
    Parameter(
        "q",
        'What to look for: words, all of which must be there; a "phrase"; the beginning of a word with `*`. Case, accents and '
        "apostrophes do not matter, a word finds its plural, other signs part words.",
        Word(1000),
        "security guarantees",
    ),
    Parameter("type", "Only records of this type.", Choice(search.TYPES), "statement", repeats=True),
    LIMIT,
    CURSOR,
    Parameter(
        "count",
        "How many hits there are: not said, or counted. Either way a search looks no further than it ranks, and the answer says "
        "whether its number is exact.",
        Choice(("none", "bounded", "exact")),
        "bounded",
        default="none",
    ),
    *READ,
)

SNIPPET = obj(
    "A part of a record that holds words of the search.",
    {
        "field": string("The field it is from; full_text for the text of a source."),
        "text": string("The words, plain; `…` where something was left out."),
        "marks": listed(
            listed(whole()), "What was found, as pairs of code points in `text`: first, and after the last."
        ),
        "html": string("The same with `<mark>`, everything else escaped."),
        "start": whole("Of full_text: where in the text of the source it begins, in code points."),
    },
    optional=("start",),
)
HIT = obj(
    "A record that holds the words.",
    {
        "id": string(),
        "type": string("The record's noun."),
        "self": string("Its address."),
        "title": string("Its name, label or gloss."),
        "score": number("How well it fits, below 1; 0 where it was not ranked. Comparable within one answer."),
        "matched": listed(string(), "The fields that hold the words."),
        "why": string("In words, such as the name through which an actor was found."),
        "snippets": listed(one_of("Snippet")),
    },
)
KIND = obj(
    "How many hits of a type there are.",
    {
        "value": string("The type."),
        "n": whole(),
        "exact": boolean("False where counting stopped at a bound."),
        "items": string("The search for this type alone."),
    },
)
COMPONENTS = {"Snippet": SNIPPET, "Hit": HIT}


def operations() -> Iterator[Operation]:
    """The route."""
    yield Operation(
        "/v1/search",
        "search",
        "names",
        "Search everything",
        "Ranked hits across actors, statements, claims, agreements, provisions, events, relations, topics, places, offices and "
        "sources, their text included where it is at hand, with snippets. A name finds its actor through any alias. Coded events "
        "are found by the names of their actors and the labels of their codes, newest first.",
        searching,
        obj(
            "Hits.",
            {
                "items": listed(one_of("Hit")),
                "next_cursor": string("", null=True),
                "revision": whole(),
                "count": maybe("Count", "Null unless `count` was asked."),
                "facets": obj("By facet.", {"type": listed(KIND)}),
                "did_you_mean": listed(
                    obj("A search that finds something.", {"q": string(), "items": string("Its address.")}),
                    "Of an answer without hits: what may have been meant.",
                ),
                "ranking": string("How the hits are ordered, in words."),
                "coverage": one_of("Coverage"),
            },
        ),
        PARAMETERS,
        example="/v1/search?q=security%20guarantees&limit=2",
    )


def searching(request: Request) -> Response:
    """A page of hits."""
    here = reading.state(request)
    pairs = reading.pairs_of(request)
    values = reading.values_of(request, PARAMETERS, ("q", "what to look for", "/v1/search?q=Ukraine"))
    reading.representation(request, None, ())
    mark = fingerprint(pairs)
    walk, after = None, None
    if "cursor" in values:
        walk, key = cursors.read(values["cursor"], mark, (int, int, str))
        after = key_of(key)
    asked = search.Asked(
        q=values["q"],
        types=tuple(dict.fromkeys(values.get("type", ()))),
        limit=values.get("limit", here.settings.page_rows),
        count=values.get("count", "none") != "none",
        after=after,
        pairs=tuple(pairs),
        mark=mark,
    )

    def hits(connection: Connection, pinned: Pinned) -> Response:
        content = search.answer(connection, asked, pinned.view, here.coverage)
        return reading.said(pinned, content, links=reading.next_link(request, content["next_cursor"]))

    return reading.answered(request, hits, **reading.view_values(values), shows_words=True, walk=walk)


def fingerprint(pairs: list[tuple[str, str]]) -> str:
    """A short digest of the search that a cursor belongs to."""
    kept = sorted(pair for pair in pairs if pair[0] not in cursors.FREE)
    return sha256(orjson.dumps(["search", kept])).hexdigest()[:12]


def key_of(key: tuple[Any, ...]) -> tuple[int, int, str]:
    """The key of a cursor. Raises BadCursor for one that was forged."""
    stage, place, tie = key
    if stage not in (0, 1, 2) or (stage and not (tie.isascii() and tie.isdigit() and len(tie) < 20)):
        raise cursors.refused(
            "This cursor was changed. Take `next_cursor` of the page before as it is, or start without one."
        )
    return stage, place, tie
