"""How events are counted over HTTP: `/v1/events/counts`, with every filter that the list of events takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.answers import counts
from app.errors import BadQuery, Fault
from app.query import cursor as cursors
from app.query import page
from app.query.fields import Choice, Whole, Word
from app.query.params import LIST, READ, Parameter, parameters, parse, parse_plain
from app.query.plan import Plan
from app.query.shapes import listed, number, obj, one_of, string, whole
from app.resources import RESOURCES
from app.routes import heavy, reading
from app.routes.asking import planned
from app.routes.operations import Operation
from app.routes.reading import Pinned

EVENTS = RESOURCES["events"]
CELLS_PAGE, CELLS_PAGE_MOST = 500, 10_000

OWN = (
    Parameter(
        "by",
        f"What to count by, separated by commas: {', '.join(counts.BY)}. Nothing counts all.",
        Word(200),
        "month,code",
    ),
    Parameter(
        "measure",
        "What is counted: events, the reports that say so, or the mean intensity.",
        Choice(counts.MEASURES),
        "reports",
        default="events",
    ),
    Parameter(
        "normalize",
        "Beside each number its share of `total`, the sum over all cells: shares of all pages add up to 1. An event that stands in "
        "several cells, as with participant, counts in each. A mean, such as intensity, has no share.",
        Choice(("share",)),
        "share",
    ),
    Parameter("limit", "Cells on a page.", Whole(1, CELLS_PAGE_MOST), "20", default=str(CELLS_PAGE)),
    Parameter("cursor", "`next_cursor` of the page before, with the same parameters.", Word(4000), ""),
)
NAMES = {one.name: one for one in OWN}
NOTHING = counts.Table((), 0, more=False)
# Of what a list takes, a table of numbers has only the revision, the enrichment and the words searched.
FILTERS = tuple(
    one
    for one in parameters(EVENTS)
    if one.name == "q" or one.name not in {one.name for one in (*LIST, *READ)} | {"pick", "per"}
)
TAKEN = {one.name: one for one in (*FILTERS, *READ)}

CELL = {
    **obj(
        "A cell: its values by the names of `by`, and its number.",
        {
            "n": number("The number; for intensity null where no event has one.", null=True),
            "share": number("Its share of the whole, where normalize=share asks for it."),
            "items": string("The request that lists its members; null for a cell without a value.", null=True),
        },
        optional=("share",),
    ),
    "additionalProperties": {"type": ["string", "integer", "null"]},
}


def operations() -> Iterator[Operation]:
    """The route."""
    yield Operation(
        "/v1/events/counts",
        "count_events",
        "events",
        "Count events",
        "One row a cell of `by`, each with the link that lists its members. Numbers are exact, at any revision.",
        counting,
        obj(
            "Counts of events.",
            {
                "items": listed(CELL),
                "next_cursor": string("", null=True),
                "revision": whole(),
                "by": listed(string()),
                "measure": string(),
                "total": number("The sum over all cells; for intensity, the number of cells."),
                "coverage": one_of("Coverage"),
            },
        ),
        (*FILTERS, *OWN, *READ),
        example="/v1/events/counts?by=year",
        prompt=True,  # what was counted ahead takes less than a thread does; the rest is postponed
    )


def counting(request: Request) -> Response:
    """The cells of a page."""
    here = reading.state(request)
    pairs = reading.pairs_of(request)
    others = [pair for pair in pairs if pair[0] not in NAMES]
    parse_plain(others, TAKEN, here.vocabularies)
    own = parse_plain([pair for pair in pairs if pair[0] in NAMES], NAMES, here.vocabularies)
    by, measure = counts.parse_by(own.get("by")), own.get("measure", "events")
    if "normalize" in own and measure == "intensity":
        detail = (
            "normalize=share is not possible with measure=intensity: a mean has no share of a whole. "
            "Leave normalize out, or count events or reports."
        )
        raise BadQuery(detail, errors=[Fault("normalize", detail)])
    query = parse(EVENTS, others, here.vocabularies, here.limits)
    reading.representation(request, None, ())
    mark = cursors.fingerprint(f"counts:{','.join(by)}:{measure}", query)
    start, walk = 0, None
    if "cursor" in own:
        walk, key = cursors.read(own["cursor"], mark, (int,))
        start = max(0, key[0])

    def counted(connection: Connection, pinned: Pinned, asked: Plan) -> Response:
        if counts.heavy(connection, asked, by, measure):
            heavy.only(request)
        limit = own.get("limit", CELLS_PAGE)
        found = NOTHING if asked.nothing else counts.table(connection, asked, by, measure, start, limit)
        coverage = page.coverage_of(
            connection, asked, RESOURCES, here.coverage, empty=not (found.rows or found.spans or start)
        )
        items = shown(asked, by, found, share="normalize" in own)
        cursor = cursors.write(pinned.view, mark, (start + limit,)) if found.more else None
        told = {
            "items": items,
            "next_cursor": cursor,
            "revision": pinned.view.revision,
            "by": list(by),
            "measure": measure,
            "total": found.total,
            "coverage": coverage,
        }
        return reading.said(pinned, told, links=reading.next_link(request, cursor))

    return planned(request, EVENTS, query, counted, shows_words=False, walk=walk)


def shown(
    asked: Plan, by: tuple[str, ...], found: counts.Table, *, share: bool
) -> list[dict[str, Any]] | orjson.Fragment:
    """The cells of a table as the API shows them."""
    if found.spans is not None and not share:
        return orjson.Fragment(counts.said(asked, by[0], found.spans))
    link, whole = counts.linker(asked, by), found.total if share else None
    rows = found.rows if found.spans is None else counts.rows_of(by[0], found.spans)
    return [cell(by, row, whole, link) for row in rows]


def cell(
    by: tuple[str, ...], row: counts.Row, total: float | None, link: Callable[[Sequence[Any]], str | None]
) -> dict[str, Any]:
    """A cell as the API shows it."""
    told: dict[str, Any] = dict(zip(by, row.values, strict=True))
    told["n"] = row.n
    if total is not None:
        told["share"] = round((row.n or 0) / total, 6) if total else 0.0
    told["items"] = link(row.values)
    return told
