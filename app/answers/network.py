"""Who is tied to whom around an actor: nodes and edges with counts, each edge with the requests that list what ties its ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Connection, and_, or_, select

from app.answers import resolve
from app.answers.ties import (
    KINDS,
    Asked,
    Pair,
    Tie,
    Who,
    all_of,
    curated,
    edge,
    edge_text,
    events_base,
    ordered,
    shared,
    who,
)
from app.coded import ties as coded_ties
from app.coded.question import numbers
from app.coded.ties import Key, ends, neighbours
from app.models.actor import actor, membership
from app.query.fields import Found, View
from app.query.plan import FOUND
from app.query.sql import standing

DEPTH_MOST: Final = 3  # beyond three steps everybody is there
EDGES_EACH, EDGES_EACH_MOST = 50, 500
NODES, NODES_MOST = 1_000, 2_000
AMONG_MOST: Final = 200  # outermost nodes whose ties with each other are shown without being asked for
EDGES_MOST: Final = 20_000
DATED_MOST: Final = 200  # edges whose coded events are looked up for their days: two short reads each
OCCURRED: Final = Tie("event", None, "occurred", None, None, 0)  # what coded events are to a pair


@dataclass(frozen=True, slots=True)
class Size:
    """How far a network goes."""

    depth: int = 1
    limit: int = EDGES_EACH  # edges of a node
    nodes: int = NODES
    among: bool | None = None  # whether ties among the outermost nodes are shown; None: where there are few


@dataclass(frozen=True, slots=True)
class Start:
    """The actors a network begins at, and how each was understood."""

    keys: tuple[Key, ...]
    notes: tuple[str, ...] = ()
    unknown: bool = False


@dataclass(slots=True)
class Graph:
    """What was found: how far each actor is, how many neighbours those have that were looked at, and the ties by pair.

    Most pairs share coded events and nothing else. Of those there are thousands, so all that is kept of one is how many it shares.
    """

    distance: dict[Key, int] = field(default_factory=dict)
    neighbours: dict[Key, int] = field(default_factory=dict)
    ties: dict[Pair, Sequence[Tie]] = field(default_factory=dict)
    coded: dict[Pair, int] = field(default_factory=dict)  # of pairs that are not among `ties`
    days: dict[Pair, tuple[int, int]] = field(default_factory=dict)  # the first and the last of the strongest of those
    names: dict[Key, Who] = field(default_factory=dict)
    nodes_left: set[Key] = field(default_factory=set)
    edges_left: int = 0
    among_left: int = 0
    undated: int = 0

    def has(self, pair: Pair) -> bool:
        """Whether an edge is shown."""
        return pair in self.coded or pair in self.ties


def start(connection: Connection, view: View, asked: Asked, given: Sequence[str], name: str = "actor") -> Start:
    """The actors that these ids and names stand for. Raises AmbiguousName with the candidates."""
    keys: dict[Key, None] = {}
    notes: list[str] = []
    unknown = False
    for value in given:
        found = found_as(connection, view, value)
        if not found.ids:
            near = f" Known are for example: {', '.join(found.near)}." if found.near else ""
            notes.append(f"{name}: nothing is known here by {value!r}.{near}")
            unknown = True
            continue
        id, *others = found.ids
        key = key_of(connection, view, asked, id)
        if key != id and isinstance(key, str):
            notes.append(f"{name}: {id} is {key} here.")
        elif found.said and not others:
            notes.append(f"{name}: {found.said}.")
        if others:
            notes.append(
                f"{name}: {id} is one node and {', '.join(others)} another, since one represents the other; "
                "name both to begin at both."
            )
        keys[key] = None
    return Start(tuple(keys), tuple(notes), unknown and not keys)


def found_as(connection: Connection, view: View, value: str) -> Found:
    """What an id or name stands for, as every filter reads it."""
    return FOUND.get(connection, view, ("actors", value), lambda: resolve.actors(connection, view, value))


def key_of(connection: Connection, view: View, asked: Asked, id: str) -> Key:
    """The end that an actor's id stands for: that of whoever a dataset's actor is here."""
    if ":" not in id:
        return id
    found = numbers(connection, view, (id,))
    return next((asked.links.actors.get(number, number) for number in sorted(found)), id)


def members(connection: Connection, asked: Asked, keys: Sequence[Key]) -> list[str]:
    """The members of organisations and coalitions on the day asked for."""
    assert asked.wanted.members_on is not None
    c, on = membership.c, asked.wanted.members_on[0]
    valid = and_(or_(c.from_first.is_(None), c.from_first <= on), or_(c.until_last.is_(None), c.until_last >= on))
    here = select(actor.c.id).where(standing(actor, asked.view))
    query = select(c.id).where(
        c.organisation.in_([key for key in keys if isinstance(key, str)]),
        valid,
        standing(membership, asked.view),
        c.id.in_(here),
    )
    return sorted(set(connection.scalars(query)))


def around(connection: Connection, asked: Asked, begin: Sequence[Key], size: Size) -> Graph:
    """The network around some actors, a level at a time, the strongest ties of each node first."""
    graph = Graph(dict.fromkeys(begin, 0))
    frontier: list[Key] = list(begin)
    for level in range(1, size.depth + 1):
        if not frontier:
            break
        frontier = step(connection, asked, graph, frontier, size, level)
    among(connection, asked, graph, frontier, size)
    strongest(graph)
    date(connection, asked, graph)
    graph.names.update(who(connection, asked.view, graph.distance.keys() - graph.names.keys()))
    return graph


def step(
    connection: Connection, asked: Asked, graph: Graph, frontier: Sequence[Key], size: Size, level: int
) -> list[Key]:
    """Add the strongest neighbours of each of these, and give those that are new."""
    told, coded, sizes = nearest_of(connection, asked, frontier, size.limit)
    near = together(told, coded, frontier)
    kept = strongest_of(connection, asked, graph, near, size.limit, sizes)
    distance = graph.distance
    fresh = list(dict.fromkeys(end for chosen in kept.values() for end in chosen if end not in distance))
    room = size.nodes - len(distance)
    if len(fresh) > room:
        best: dict[Key, int] = {}
        for key, chosen in kept.items():
            for end in chosen:
                best[end] = max(best.get(end, 0), near[key][end])
        graph.names.update(who(connection, asked.view, set(fresh) - graph.names.keys()))
        fresh.sort(key=lambda end: (-best[end], graph.names[end].id))
        graph.nodes_left |= set(fresh[max(room, 0) :])
        fresh = fresh[: max(room, 0)]
    distance.update(dict.fromkeys(fresh, level))
    add(graph, told, coded, kept)
    return fresh


def nearest_of(
    connection: Connection, asked: Asked, keys: Sequence[Key], limit: int
) -> tuple[dict[Pair, list[Tie]], dict[Key, dict[Key, int]], dict[Key, int]]:
    """What ties each of these to others: ties of curated records by pair, and coded events by end; where these are only the first
    ones, how many there are.
    """
    told, coded, sizes = curated(connection, asked, keys), {}, {}
    if asked.coded is not None:
        for key, (n, first) in coded_ties.strongest(connection, asked.coded, asked.links, keys, limit).items():
            sizes[key], coded[key] = n, first
        coded |= neighbours(connection, asked.coded, asked.links, [key for key in keys if key not in coded])
    return told, coded, sizes


def together(
    told: Mapping[Pair, Sequence[Tie]], coded: dict[Key, dict[Key, int]], frontier: Iterable[Key]
) -> dict[Key, dict[Key, int]]:
    """How many records tie each of these to each neighbour; what curated records add is added to a copy."""
    near = {key: coded.get(key, {}) for key in frontier}
    copied: set[Key] = set()
    for (one, other), ties in told.items():
        n = sum(tie.n for tie in ties)
        for key, end in ((one, other), (other, one)):
            if key in near:
                if key not in copied:
                    copied.add(key)
                    near[key] = dict(near[key])
                near[key][end] = near[key].get(end, 0) + n
    return near


def strongest_of(
    connection: Connection,
    asked: Asked,
    graph: Graph,
    near: Mapping[Key, Mapping[Key, int]],
    limit: int,
    sizes: Mapping[Key, int],
) -> dict[Key, list[Key]]:
    """The neighbours of each that are shown: those with the most records, ties by id; `sizes`: how many, where not all are here."""
    kept: dict[Key, list[Key]] = {}
    tied: dict[Key, list[Key]] = {}
    for key, own in near.items():
        n_all = graph.neighbours[key] = sizes.get(key, len(own))
        if n_all <= limit:
            kept[key] = list(own)
            continue
        graph.edges_left += n_all - limit
        least = sorted(own.values(), reverse=True)[limit - 1]
        most = [(end, n) for end, n in own.items() if n >= least]
        kept[key] = [end for end, n in most if n > least]
        tied[key] = [end for end, n in most if n == least]
    unnamed = {end for key, ends_ in tied.items() if len(kept[key]) + len(ends_) > limit for end in ends_}
    if unnamed - graph.names.keys():
        # With those kept, so that they need not be asked for again.
        sure = {end for ends_ in kept.values() for end in ends_}
        graph.names.update(who(connection, asked.view, (unnamed | sure) - graph.names.keys()))
    for key, ends_ in tied.items():
        room = limit - len(kept[key])
        kept[key] += ends_ if len(ends_) == room else sorted(ends_, key=lambda end: graph.names[end].id)[:room]
    return kept


def add(
    graph: Graph,
    told: Mapping[Pair, Sequence[Tie]],
    coded: Mapping[Key, Mapping[Key, int]],
    kept: Mapping[Key, Iterable[Key]],
) -> None:
    """Add the edges that are shown, with everything that ties their ends."""
    distance, alike = graph.distance, graph.coded
    for key, chosen in kept.items():
        own = coded.get(key, {})
        alone = type(key) is int  # curated records tie nobody whom only datasets name
        for end in chosen:
            if end not in distance:
                continue
            pair: Pair = ((key, end) if key < end else (end, key)) if alone and type(end) is int else ordered(key, end)  # type: ignore[operator]
            if pair in alike or pair in graph.ties:
                continue
            n = own.get(end, 0)
            here = None if alone else told.get(pair)
            if here:
                graph.ties[pair] = with_coded(here, n)
            else:
                alike[pair] = n


def with_coded(told: Sequence[Tie], n: int) -> list[Tie]:
    """A pair's ties with the coded events that it shares counted among those that occurred."""
    if not n:
        return list(told)
    rest = [tie for tie in told if (tie.kind, tie.status) != ("event", "occurred")]
    own = next((tie for tie in told if (tie.kind, tie.status) == ("event", "occurred")), None)
    both = OCCURRED if own is None else own
    both = both._replace(n=n + both.n)
    return [both, *rest]


def among(connection: Connection, asked: Asked, graph: Graph, outermost: Sequence[Key], size: Size) -> None:
    """Add the ties of the outermost nodes with each other."""
    if size.among is False or len(outermost) < 2:
        return
    if size.among is None and len(outermost) > AMONG_MOST:
        graph.among_left = len(outermost)
        return
    told, coded = all_of(connection, asked, outermost)
    all_near = together(told, coded, outermost)
    for key, own in all_near.items():
        graph.neighbours[key] = len(own)
    inside = {
        key: {end: n for end, n in own.items() if end in graph.distance and not graph.has(ordered(key, end))}
        for key, own in all_near.items()
    }
    counted = dict(graph.neighbours)
    kept = strongest_of(connection, asked, graph, inside, size.limit, {})
    graph.neighbours = counted
    add(graph, told, coded, kept)


def strongest(graph: Graph) -> None:
    """Keep no more edges than an answer may have."""
    left = len(graph.ties) + len(graph.coded) - EDGES_MOST
    if left > 0:
        sizes = {pair: sum(tie.n for tie in ties) for pair, ties in graph.ties.items()} | graph.coded
        best = set(sorted(sizes, key=lambda pair: (-sizes[pair], str(pair)))[:EDGES_MOST])
        graph.edges_left += left
        graph.ties = {pair: ties for pair, ties in graph.ties.items() if pair in best}
        graph.coded = {pair: n for pair, n in graph.coded.items() if pair in best}


def date(connection: Connection, asked: Asked, graph: Graph) -> None:
    """Give the strongest edges the first and last day of their coded events."""
    if asked.coded is None:
        return
    also = {pair: ties[0].n for pair, ties in graph.ties.items() if datable(asked, pair, ties)}
    able = [*also, *graph.coded]
    if len(able) > DATED_MOST:
        graph.undated = len(able) - DATED_MOST
        # Those with fewer records than the last of them need no names.
        least = sorted([*also.values(), *graph.coded.values()], reverse=True)[DATED_MOST - 1]
        sizes = {pair: n for some in (also, graph.coded) for pair, n in some.items() if n >= least}
        graph.names.update(who(connection, asked.view, graph.distance.keys() - graph.names.keys()))
        names = graph.names
        able = sorted(sizes, key=lambda pair: (-sizes[pair], names[pair[0]].id, names[pair[1]].id))[:DATED_MOST]
    for pair, found in ends(connection, asked.coded, asked.links, able).items():
        if pair not in also:
            graph.days[pair] = found.first, found.last
            continue
        tie, *rest = graph.ties[pair]
        first = found.first if tie.first is None else min(found.first, tie.first)
        last = found.last if tie.last is None else max(found.last, tie.last)
        graph.ties[pair] = [tie._replace(first=first, last=last), *rest]


def datable(asked: Asked, pair: Pair, ties: Sequence[Tie]) -> bool:
    """Whether coded events may be among those that tie a pair."""
    one, other = pair
    return ties[0].kind == "event" and (
        (type(one) is int and type(other) is int) or bool(asked.links.of(one) and asked.links.of(other))
    )


# ── How it is told ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Told:
    """A network as the API shows it; its edges may be JSON already."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]] | orjson.Fragment
    edges_n: int
    unreal: bool  # whether an edge is only possible, proposed or planned


def told(asked: Asked, graph: Graph, *, text: bool = False) -> Told:
    """The nodes, nearest first, and the edges, strongest first; `text` says the edges as JSON, as sooner can be done."""
    names = graph.names
    # By the place of their ids, edges sort without a comparison of text.
    keys = sorted(graph.distance, key=lambda key: names[key].id)
    named = [names[key] for key in keys]
    rank = {key: n for n, key in enumerate(keys)}
    degree, events = [0] * len(keys), [0] * len(keys)
    order: list[tuple[int, int, int]] = []
    for (key, end), n in graph.coded.items():
        one, other = rank[key], rank[end]
        degree[one] += 1
        degree[other] += 1
        events[one] += n
        events[other] += n
        order.append((-n, one, other) if one < other else (-n, other, one))
    rare: dict[tuple[int, int], dict[str, Any]] = {}  # edges of more than coded events
    for pair, ties in graph.ties.items():
        one, other = place = placed(rank, pair)
        degree[one] += 1
        degree[other] += 1
        rare[place] = edge(asked, (named[one], named[other]), ties, names)
        order.append((-rare[place]["n"], one, other))
    order.sort()
    days = {placed(rank, pair): (graph.coded[pair], *found) for pair, found in graph.days.items()}
    edges = lines(asked, named, order, days, rare) if text else shown(asked, named, order, days, rare)
    counts: list[dict[str, int]] = [{"event": n} if n else {} for n in events]
    for n, more in added_up(graph, rank).items():
        counts[n] = {kind: of for kind in KINDS if (of := more[kind] + (events[n] if kind == "event" else 0))}
    nodes: list[dict[str, Any]] = [
        {
            "id": one.id,
            "type": "actor",
            "self": one.address,
            "name": one.name,
            "kind": one.kind,
            "dataset": one.dataset,
            "distance": graph.distance[key],
            "degree": edges_n,
            "neighbours": graph.neighbours.get(key),
            "n": sum(own.values()),
            "counts": own,
        }
        for key, one, edges_n, own in zip(keys, named, degree, counts, strict=True)
    ]
    nodes.sort(key=farther)
    unreal = any(one["hypothetical"] for one in rare.values())
    return Told(nodes, edges, len(order), unreal)


def placed(rank: Mapping[Key, int], pair: Pair) -> tuple[int, int]:
    """The places of two ends, the first one first."""
    one, other = rank[pair[0]], rank[pair[1]]
    return (one, other) if one < other else (other, one)


Order = Sequence[tuple[int, int, int]]  # edges: less than nothing by the number of records, and the places of both ends
# By both places: the number of coded events, the day of the first and of the last.
Days = Mapping[tuple[int, int], tuple[int, int, int]]
Rare = Mapping[tuple[int, int], dict[str, Any]]


def lines(asked: Asked, named: Sequence[Who], order: Order, days: Days, rare: Rare) -> orjson.Fragment:
    """The edges as JSON. Thousands hold coded events alone, so what is the same for many is made once."""
    base = events_base(asked) if asked.coded is not None else ""
    ids = [f'"{one.id}"' if one.id == one.quoted else orjson.dumps(one.id).decode() for one in named]
    quoted = [one.quoted for one in named]
    undated = {n: edge_text(base, -n, None, None) for n in {n for n, _, _ in order}}

    def line(one: int, other: int, said: str) -> str:
        return f'{{"source":{ids[one]},"target":{ids[other]},{said}{quoted[one]}&participant.is={quoted[other]}"}}]}}'

    apart = {place: orjson.dumps(told).decode() for place, told in rare.items()}
    apart |= {place: line(*place, edge_text(base, *own)) for place, own in days.items()}
    told = [apart.get((one, other)) or line(one, other, undated[n]) for n, one, other in order]
    return orjson.Fragment(f"[{','.join(told)}]")


def shown(asked: Asked, named: Sequence[Who], order: Order, days: Days, rare: Rare) -> list[dict[str, Any]]:
    """The edges as the API shows them."""

    def coded(n: int, one: int, other: int) -> dict[str, Any]:
        _, first, last = days.get((one, other), (n, None, None))
        return edge(asked, (named[one], named[other]), (shared(n)[0]._replace(first=first, last=last),), {})

    return [rare.get((one, other)) or coded(-n, one, other) for n, one, other in order]


def added_up(graph: Graph, rank: Mapping[Key, int]) -> dict[int, Counter[str]]:
    """How many records of each kind the edges hold of each node that curated records tie to others."""
    counts: dict[int, Counter[str]] = {}
    for pair, ties in graph.ties.items():
        for key in pair:
            own = counts.setdefault(rank[key], Counter())
            for tie in ties:
                own[tie.kind] += tie.n
    return counts


def farther(node: Mapping[str, Any]) -> tuple[int, int, str]:
    """Where a node stands among the others."""
    return node["distance"], -node["n"], node["id"]


def left_out(graph: Graph) -> dict[str, int]:
    """What limits kept out of an answer."""
    return {
        "nodes": len(graph.nodes_left - graph.distance.keys()),
        "edges": graph.edges_left,
        "among": graph.among_left,
        "dates": graph.undated,
    }
