"""How ties between actors are asked for over HTTP: the network around some, and the chains that lead from one to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.answers import network, paths
from app.answers.network import Size, Start
from app.answers.ties import KINDS, Asked, Wanted, understood, who
from app.errors import BadQuery, Fault
from app.formats.graphs import graphs
from app.query.fields import Choice, Day, Ref, Whole, Word, YesNo
from app.query.params import DATES, READ, Parameter
from app.query.shapes import boolean, listed, maybe, number, obj, one_of, string, whole
from app.resources import RESOURCES
from app.routes import heavy, reading
from app.routes.operations import Operation
from app.routes.reading import Pinned, State

CENTRES_MOST = 20
TIES = ", ".join(KINDS)

FILTERS = (
    Parameter("from", "Only what may have happened from this day on. What has no date is left out.", Day(), "2024-06"),
    Parameter("before", "Only what may have happened before this day. What has no date is left out.", Day(), "2025-01"),
    *DATES,
    Parameter(
        "kind",
        f"Kinds of tie ({TIES}), or kinds of relations, events, agreements and statements; repeated, any of them.",
        Word(60),
        "relation",
        repeats=True,
    ),
    Parameter("kind.not", "None of these kinds.", Word(60), "office", repeats=True),
    Parameter(
        "status",
        "Statuses of relations and events; repeated, any of them. Other ties have none and are left out then.",
        Word(60),
        "asserted",
        repeats=True,
    ),
    Parameter(
        "status.not",
        "None of these statuses; `status.not=hypothetical&status.not=planned` leaves out what is only possible.",
        Word(60),
        "hypothetical",
        repeats=True,
    ),
    Parameter("dataset", "Only events of these datasets.", Ref("datasets"), "icews", repeats=True),
    Parameter(
        "members_on",
        "The day on which memberships and offices must hold; an organisation or coalition that is asked for brings its members of "
        "that day along.",
        Day(),
        "2025-08-18",
    ),
)
NETWORK = (
    Parameter(
        "actor", "Around whom: an id or a name; repeated, around all of them.", Ref("actors"), "Japan", repeats=True
    ),
    Parameter("depth", "How many ties away an actor may be.", Whole(1, network.DEPTH_MOST), "2", default="1"),
    *FILTERS,
    Parameter(
        "limit",
        "Edges of each node, those with the most records; ties by id.",
        Whole(1, network.EDGES_EACH_MOST),
        "20",
        default=str(network.EDGES_EACH),
    ),
    Parameter("nodes", "Nodes in all.", Whole(1, network.NODES_MOST), "100", default=str(network.NODES)),
    Parameter(
        "among",
        "Whether ties of the outermost nodes with each other come in; where this is not said, they do as long as there are at "
        f"most {network.AMONG_MOST} of them.",
        YesNo(),
        "true",
    ),
    Parameter("format", "The representation.", Choice(("json", "gexf", "graphml")), "json", default="json"),
    *READ,
)
PATHS = (
    Parameter("from_actor", "Where the chains begin: an id or a name.", Ref("actors"), "Ishiba"),
    Parameter("to_actor", "Where they end: an id or a name.", Ref("actors"), "Ukraine"),
    Parameter("max_length", "Links of a chain at most.", Whole(1, paths.LENGTH_MOST), "3", default=str(paths.LENGTH)),
    *FILTERS,
    Parameter("limit", "Chains at most.", Whole(1, paths.CHAINS_MOST), "1", default=str(paths.CHAINS)),
    *READ,
)

COUNTS = {
    "type": "object",
    "additionalProperties": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 2**31 - 1},
    "description": f"How many records there are of each kind: {TIES}.",
}
TIE = {
    "kind": string(f"{TIES}."),
    "type": string(
        "The type of a relation, the part of a statement's other actor (about, addressee, on_behalf_of), or an office.",
        null=True,
    ),
    "status": string("The status of relations and events; null for what has none.", null=True),
    "source": string("From whom, where the records have a direction.", null=True),
    "target": string("To whom.", null=True),
    "n": whole("How many records."),
    "hypothetical": boolean("Whether it is possible, proposed or planned, and not so."),
    "first": string("The first day that one of them can mean.", null=True, format="date"),
    "last": string(
        "The last day that one of them can mean; of coded events the day on which the last begins.",
        null=True,
        format="date",
    ),
    "items": string("The request that lists just these records."),
}
EDGE = {
    "source": string("An actor's id."),
    "target": string("The other's."),
    "n": whole("How many records tie them."),
    "counts": COUNTS,
    "hypothetical": boolean("Whether nothing ties them but what is possible, proposed or planned."),
    "first": string(
        "The first day of what is dated; null also where it was not looked up, see `left_out`.",
        null=True,
        format="date",
    ),
    "last": string("The last day.", null=True, format="date"),
}
ACTOR = {
    "id": string(),
    "type": string(),
    "self": string("Its address."),
    "name": string(),
    "kind": string("Null where only a dataset names it.", null=True),
    "dataset": string("The dataset that alone names it.", null=True),
}
COMPONENTS = {
    "Tie": obj("Records of one kind that tie two actors.", TIE),
    "RecordOfTie": obj(
        "A record that ties two actors.",
        {
            "id": string(),
            "type": string(),
            "self": string("Its address."),
            "gloss": string("", null=True),
            "date": maybe("Date", "When it happened, was signed or was said."),
            "evidence": listed(one_of("Evidence")),
        },
    ),
    "TieOfChain": obj(
        "Records of one kind that tie two actors, with one of them.",
        {**TIE, "record": maybe("RecordOfTie", "One of the records; all stand under `items`.")},
    ),
    "NetworkNode": obj(
        "An actor of a network.",
        {
            **ACTOR,
            "distance": whole("How many ties away from those asked for."),
            "degree": whole("Its edges here."),
            "neighbours": whole("How many actors it is tied to in all; null where that was not looked at.", null=True),
            "n": whole("The records of its edges here."),
            "counts": COUNTS,
        },
    ),
    "NetworkEdge": obj("What ties two actors.", {**EDGE, "ties": listed(one_of("Tie"))}),
    "ChainLink": obj("A link of a chain.", {**EDGE, "ties": listed(one_of("TieOfChain"))}),
    "Chain": obj(
        "A chain of ties from one actor to another.",
        {
            "length": whole("How many links."),
            "strength": number(
                "One divided by the sum, over its links, of one divided by the number of records; null for no link.",
                null=True,
            ),
            "hypothetical": boolean("Whether one of its links is."),
            "actors": listed(obj("An actor.", ACTOR)),
            "links": listed(one_of("ChainLink")),
        },
    ),
}


def operations() -> Iterator[Operation]:
    """The routes."""
    yield Operation(
        "/v1/network",
        "get_network",
        "ties",
        "Show the network around actors",
        "The actors that relations, events, agreements, statements, memberships and offices tie to those asked for, and what ties "
        "them: every number with the request that lists its records. Planned and hypothetical ties come in, marked; "
        "`status.not` leaves them out. With `from` or `before`, what has no date is left out unless `undated=true`.",
        showing,
        obj(
            "A network.",
            {
                "actors": listed(string(), "Those it is around."),
                "depth": whole(),
                "nodes": listed(one_of("NetworkNode"), "Nearest first."),
                "edges": listed(one_of("NetworkEdge"), "Those with the most records first."),
                "truncated": boolean("Whether a limit kept something out."),
                "left_out": obj(
                    "What limits kept out.",
                    {
                        "nodes": whole("Actors beyond `nodes`."),
                        "edges": whole("Neighbours beyond `limit`, added up over the nodes that were looked at."),
                        "among": whole("Outermost nodes whose ties with each other were not looked at."),
                        "dates": whole(
                            "Edges whose coded events were not looked up for their days: beyond the strongest 200."
                        ),
                    },
                ),
                "revision": whole(),
                "coverage": one_of("Coverage"),
            },
        ),
        NETWORK,
        media=("application/json", *(one.media_type for one in graphs().values())),
        example="/v1/network?actor=Zelenskyy",
    )
    yield Operation(
        "/v1/paths",
        "find_paths",
        "ties",
        "Find the shortest chains between two actors",
        "The shortest chains of ties, the strongest first, each link with what ties its ends and a record of each kind.",
        finding,
        obj(
            "Chains of ties.",
            {
                "items": listed(one_of("Chain")),
                "n": whole("How many shortest chains there are."),
                "length": whole("How many links the shortest have; null where there is none.", null=True),
                "max_length": whole(),
                "explored": whole("How many actors' ties were read."),
                "complete": boolean(
                    "False where the search stopped at its limit, so that there may be a chain after all."
                ),
                "revision": whole(),
                "coverage": one_of("Coverage"),
            },
        ),
        PATHS,
        example="/v1/paths?from_actor=Ishiba&to_actor=Zelenskyy&limit=1",
    )


def showing(request: Request) -> Response:
    """The network around some actors."""
    here = reading.state(request)
    pairs = reading.pairs_of(request)
    values = reading.values_of(request, NETWORK, ("actor", "around whom", "/v1/network?actor=Japan"))
    if len(values["actor"]) > CENTRES_MOST:
        detail = f"actor can be given {CENTRES_MOST} times at most."
        raise BadQuery(detail, errors=[Fault("actor", detail)])
    representation = reading.representation(request, values.get("format"), tuple(graphs()))
    size = Size(
        values.get("depth", 1),
        values.get("limit", network.EDGES_EACH),
        values.get("nodes", network.NODES),
        values.get("among"),
    )
    if (size.depth > 1 or size.among) and "if-none-match" not in request.headers:
        # Known before the database is asked; whoever has the answer already is told so without waiting for a turn.
        heavy.only(request)
    with here.database.read() as connection:
        pinned = reading.pin(
            request, connection, **reading.view_values(values), shows_words=False, representation=representation
        )
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
        asked = asked_of(here, connection, pinned, values, pairs)
        if size.depth > 1 or size.among or (asked.coded is not None and not asked.coded.whole):
            heavy.only(request)
        begin = network.start(connection, pinned.view, asked, values["actor"])
        keys = begin.keys
        if asked.wanted.members_on is not None and keys:
            keys = tuple(dict.fromkeys([*keys, *network.members(connection, asked, keys)]))
        graph = network.around(connection, asked, keys[: size.nodes], size)
        shown = network.told(asked, graph, text=representation == "json")
        names = [graph.names[key].id for key in begin.keys if key in graph.names]
        words = f"network around {' and '.join(names) or 'nobody'}, depth {size.depth}"
        notes = [*begin.notes, *network_notes(asked, graph, shown, names)]
        zero = None if shown.edges_n else "not_covered" if begin.unknown else "none_found"
        coverage = covered(here, connection, pinned, asked, words, zero, notes)
    left = network.left_out(graph)
    left["nodes"] += max(0, len(keys) - size.nodes)
    told = {
        "actors": names,
        "depth": size.depth,
        "nodes": shown.nodes,
        "edges": shown.edges,
        "truncated": any(left.values()),
        "left_out": left,
        "revision": pinned.view.revision,
        "coverage": coverage,
    }
    if representation == "json":
        return reading.said(pinned, told)
    chosen = graphs()[representation]
    answer = reading.said(pinned, b"".join(chosen.write(told)), media_type=chosen.media_type)
    name = f"network-r{pinned.view.revision}.{chosen.ending}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def finding(request: Request) -> Response:
    """The shortest chains between two actors."""
    here = reading.state(request)
    pairs = reading.pairs_of(request)
    example = "/v1/paths?from_actor=Ishiba&to_actor=Ukraine"
    values = reading.values_of(
        request, PATHS, ("from_actor", "where the chains begin", example), ("to_actor", "where they end", example)
    )
    reading.representation(request, None, ())
    most = values.get("max_length", paths.LENGTH)
    with here.database.read() as connection:
        pinned = reading.pin(request, connection, **reading.view_values(values), shows_words=True)
        if (same := reading.unchanged(request, pinned)) is not None:
            return same
        asked = asked_of(here, connection, pinned, values, pairs)
        heavy.only(request)
        ends = [
            network.start(connection, pinned.view, asked, [values[name]], name) for name in ("from_actor", "to_actor")
        ]
        found = paths.Found()
        if all(one.keys for one in ends):
            one, other = ends[0].keys[0], ends[1].keys[0]
            found = paths.between(connection, asked, one, other, most, values.get("limit", paths.CHAINS))
        chains = paths.told(connection, asked, found)
        notes = [note for one in ends for note in one.notes]
        notes += path_notes(connection, pinned, found, ends, most)
        zero = None if chains else "not_covered" if any(one.unknown for one in ends) else "none_found"
        words = f"chains of at most {most} ties from {values['from_actor']!r} to {values['to_actor']!r}"
        coverage = covered(here, connection, pinned, asked, words, zero, [*notes, *filter_notes(asked)])
    told = {
        "items": chains,
        "n": found.n,
        "length": found.length,
        "max_length": most,
        "explored": found.explored,
        "complete": found.complete,
        "revision": pinned.view.revision,
        "coverage": coverage,
    }
    return reading.said(pinned, told)


def asked_of(
    here: State, connection: Connection, pinned: Pinned, values: Mapping[str, Any], pairs: Sequence[tuple[str, str]]
) -> Asked:
    """Which ties are asked for. Raises BadQuery for bounds that hold nothing, and for kinds and statuses that do not exist."""
    written = dict(pairs)
    lower, upper = values.get("from"), values.get("before")
    if lower is not None and upper is not None and lower >= upper:
        detail = "before is exclusive and must be later than from."
        raise BadQuery(detail, errors=[Fault("before", detail)])
    given = [name for name in ("dates", "undated") if name in written]
    if given and lower is None and upper is None and written.get("undated") != "false":
        given = [name for name in given if (name, written[name]) != ("dates", "possible")]
        if given:
            detail = f"{given[0]} says how dates are compared; name from or before with it."
            raise BadQuery(detail, errors=[Fault(given[0], detail)])
    on = values.get("members_on")
    wanted = Wanted(
        period=None if lower is None and upper is None else (written.get("from", ""), written.get("before", "")),
        certain=values.get("dates") == "certain",
        undated=values.get("undated", False),
        status=tuple(dict.fromkeys(values.get("status", ()))),
        status_not=tuple(dict.fromkeys(values.get("status.not", ()))),
        kind=tuple(dict.fromkeys(values.get("kind", ()))),
        kind_not=tuple(dict.fromkeys(values.get("kind.not", ()))),
        dataset=tuple(dict.fromkeys(values.get("dataset", ()))),
        members_on=None if on is None else (on, written["members_on"]),
        carried=tuple((name, written[name]) for name in ("as_of", "enrichment") if name in written),
    )
    return understood(connection, pinned.view, wanted, here.vocabularies, lower, upper)


def covered(
    here: State,
    connection: Connection,
    pinned: Pinned,
    asked: Asked,
    words: str,
    zero: str | None,
    notes: Sequence[str],
) -> dict[str, Any]:
    """What was searched, as every list says it."""
    known = here.coverage.of(connection, RESOURCES["events"], pinned.view, RESOURCES)
    outside = "with" if pinned.view.enrichment else "without"
    told = "; ".join([words, *said(asked)])
    return {
        **known,
        "searched": "ties",
        "revision": pinned.view.revision,
        "query": f"{told}; {outside} enrichment; as of revision {pinned.view.revision}.",
        "zero": zero,
        "notes": list(notes),
    }


def said(asked: Asked) -> Iterator[str]:
    """What narrows the ties, in words."""
    wanted = asked.wanted
    if wanted.period is not None:
        lower, upper = wanted.period
        sure = "certainly" if wanted.certain else "possibly"
        yield sure + (f" from {lower}" if lower else "") + (f" before {upper}" if upper else "")
    for name, values, verb in (
        ("kind", wanted.kind, "is"),
        ("kind", wanted.kind_not, "is not"),
        ("status", wanted.status, "is"),
        ("status", wanted.status_not, "is not"),
        ("dataset", wanted.dataset, "is"),
    ):
        if values:
            yield f"{name} {verb} {' or '.join(values)}"
    if wanted.members_on is not None:
        yield f"members and office holders of {wanted.members_on[1]}"


def filter_notes(asked: Asked) -> list[str]:
    """What the filters leave out without being asked to."""
    told = []
    if asked.wanted.period is not None and not asked.wanted.undated:
        told.append("What has no date, relations among it, is left out; undated=true brings it in.")
    if asked.wanted.status:
        told.append("Only relations and events have a status; other ties are left out.")
    if asked.wanted.dataset:
        told.append("Only events come from datasets; other ties are left out.")
    return told


def network_notes(asked: Asked, graph: network.Graph, shown: network.Told, names: Sequence[str]) -> Iterator[str]:
    """What a reader of a network should know."""
    yield from filter_notes(asked)
    if names and not shown.edges_n:
        yield f"{' and '.join(names)}: known here, and nothing of what is asked ties anybody to it."
    if shown.unreal:
        yield "Edges marked hypothetical are only possible, proposed or planned; status.not leaves them out."
    if graph.among_left:
        yield f"Ties of the {graph.among_left} outermost nodes with each other are left out; among=true brings them in."


def path_notes(
    connection: Connection, pinned: Pinned, found: paths.Found, ends: Sequence[Start], most: int
) -> Iterator[str]:
    """Why there is no chain, or why it is none."""
    if found.length == 0:
        yield "Both are the same actor."
    if found.chains or not all(one.keys for one in ends):
        return
    if found.tieless:
        names = who(connection, pinned.view, found.tieless)
        for key in found.tieless:
            yield f"{names[key].id}: known here, and nothing of what is asked ties anybody to it."
    elif not found.complete:
        yield (
            f"The search stopped after the ties of {found.explored} actors, its limit being {paths.EXPLORED_MOST}; "
            "there may be a chain. Narrow the dates or kinds."
        )
    else:
        longer = f"; max_length can be {paths.LENGTH_MOST}." if most < paths.LENGTH_MOST else "."
        yield f"Both are known and tied to others, but no chain of at most {most} ties leads from one to the other{longer}"
