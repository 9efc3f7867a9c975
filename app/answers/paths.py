"""How two actors are tied through others: the shortest chains between them, the strongest first, each link with a record of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Connection

from app.answers.network import OCCURRED, together, with_coded
from app.answers.ties import RESOURCE, Asked, Pair, Tie, Who, all_of, edge, ordered, place, who
from app.coded.ties import Ends, Key, ends, event_ids
from app.query import page
from app.query.evidence import Texts
from app.query.fields import View
from app.resources import RESOURCES

LENGTH, LENGTH_MOST = 4, 6
CHAINS, CHAINS_MOST = 5, 20
EXPLORED_MOST: Final = 20_000  # actors whose ties are read for one answer
COUNTED_MOST: Final = 2**31 - 1

Chain = tuple[
    float, tuple[str, ...], tuple[Key, ...]
]  # resistance, ids, ends: in the order in which the best come first


@dataclass(slots=True)
class Side:
    """What was reached from one end: how far each actor is, from whom it was reached and by how many records."""

    level: dict[Key, int]
    frontier: list[Key]
    depth: int = 0
    parents: dict[Key, dict[Key, int]] = field(default_factory=dict)
    told: dict[Pair, list[Tie]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The shortest chains, and how far the search went."""

    chains: tuple[Chain, ...] = ()
    n: int = 0  # how many there are
    length: int | None = None
    explored: int = 0
    complete: bool = True
    tieless: tuple[Key, ...] = ()
    told: Mapping[Pair, list[Tie]] = field(default_factory=dict)
    links: Mapping[Pair, int] = field(default_factory=dict)
    names: Mapping[Key, Who] = field(default_factory=dict)


def between(connection: Connection, asked: Asked, one: Key, other: Key, most: int, limit: int) -> Found:
    """The best of the shortest chains from one actor to another of at most `most` links.

    Both ends are widened a level at a time, the one with fewer actors at its rim first; each level is a fixed number of statements.
    """
    if one == other:
        names = who(connection, asked.view, [one])
        return Found(((0.0, (names[one].id,), (one,)),), 1, 0, names=names)
    here, there = Side({one: 0}, [one]), Side({other: 0}, [other])
    explored = 0
    while here.depth + there.depth < most and here.frontier and there.frontier:
        side, across = (here, there) if len(here.frontier) <= len(there.frontier) else (there, here)
        if explored + len(side.frontier) > EXPLORED_MOST:
            return Found(explored=explored, complete=False)
        explored += len(side.frontier)
        widen(connection, asked, side)
        # Whoever is met stands at the rim of both: a level nearer, and they would have been met before.
        met = [key for key in side.frontier if key in across.level]
        if met:
            return joined(connection, asked, here, there, met, limit, explored)
    tieless = [key for key, side in ((one, here), (other, there)) if not side.frontier and len(side.level) == 1]
    if tieless:
        for key, side in ((one, here), (other, there)):
            if side.depth == 0:
                widen(connection, asked, side)
                tieless += [key] if not side.frontier else []
    return Found(explored=explored, tieless=tuple(tieless))


def widen(connection: Connection, asked: Asked, side: Side) -> None:
    """Reach one level further."""
    told, coded = all_of(connection, asked, side.frontier)
    near = together(told, coded, side.frontier)
    side.told.update(told)
    side.depth += 1
    fresh: dict[Key, None] = {}
    for key in side.frontier:
        for end, n in near[key].items():
            if side.level.setdefault(end, side.depth) == side.depth:
                side.parents.setdefault(end, {})[key] = n
                fresh[end] = None
    side.frontier = list(fresh)


def joined(
    connection: Connection, asked: Asked, here: Side, there: Side, met: Sequence[Key], limit: int, explored: int
) -> Found:
    """The best chains through whoever was met from both ends."""
    needed = set(met) | behind(here, met) | behind(there, met)
    names = who(connection, asked.view, needed)
    forth, back = best(here, names, limit, needed), best(there, names, limit, needed)
    whole = (
        (round(resistance + rest, 12), ids + others[::-1][1:], keys + ends_[::-1][1:])
        for key in met
        for resistance, ids, keys in forth[key]
        for rest, others, ends_ in back[key]
    )
    chains = tuple(nsmallest(limit, whole, key=lambda chain: chain[:2]))
    ways, others = counted(here, needed), counted(there, needed)
    n = min(sum(ways[key] * others[key] for key in met), COUNTED_MOST)
    told = here.told | there.told
    links = {
        ordered(key, end): n
        for side in (here, there)
        for end, parents in side.parents.items()
        if end in needed
        for key, n in parents.items()
    }
    return Found(chains, n, here.depth + there.depth, explored, True, (), told, links, names)


def behind(side: Side, met: Iterable[Key]) -> set[Key]:
    """Everybody on the way from an end to those who were met."""
    found: set[Key] = set()
    level = set(met)
    while level:
        found |= level
        level = {parent for key in level for parent in side.parents.get(key, ())} - found
    return found


def best(side: Side, names: Mapping[Key, Who], limit: int, needed: set[Key]) -> dict[Key, list[Chain]]:
    """The best chains from an end to each actor that is needed; what a link resists is one by its number of records."""
    found: dict[Key, list[Chain]] = {}
    for key in sorted(side.level.keys() & needed, key=lambda one: side.level[one]):
        if side.level[key] == 0:
            found[key] = [(0.0, (names[key].id,), (key,))]
            continue
        candidates = (
            (round(resistance + 1 / n, 12), (*ids, names[key].id), (*keys, key))
            for parent, n in side.parents[key].items()
            for resistance, ids, keys in found[parent]
        )
        # Back from the other end, ids are compared from the actor outwards.
        found[key] = nsmallest(limit, candidates, key=lambda chain: (chain[0], chain[1][::-1]))
    return found


def counted(side: Side, needed: set[Key]) -> dict[Key, int]:
    """How many shortest chains lead from an end to each actor that is needed."""
    found: dict[Key, int] = {}
    for key in sorted(side.level.keys() & needed, key=lambda one: side.level[one]):
        found[key] = 1 if side.level[key] == 0 else sum(found[parent] for parent in side.parents[key])
    return found


# ── How it is told ──────────────────────────────────────────────────────────────────────────────────────────────────


def told(connection: Connection, asked: Asked, found: Found) -> list[dict[str, Any]]:
    """The chains with their links, each tie with one of its records."""
    pairs = list(dict.fromkeys(ordered(*both) for _, _, keys in found.chains for both in pairwise(keys)))
    ties = {pair: ties_of(asked, found, pair) for pair in pairs}
    days: dict[Pair, Ends] = {}
    if asked.coded is not None:
        able = [pair for pair in pairs if asked.links.of(pair[0]) and asked.links.of(pair[1])]
        days = ends(connection, asked.coded, asked.links, able)
    links = {pair: edge(asked, names_of(found, pair), dated(ties[pair], days.get(pair)), found.names) for pair in pairs}
    bring(connection, asked, links, ties, days)
    return [chain(found, one, links) for one in found.chains]


def names_of(found: Found, pair: Pair) -> tuple[Who, Who]:
    return found.names[pair[0]], found.names[pair[1]]


def ties_of(asked: Asked, found: Found, pair: Pair) -> list[Tie]:
    """What ties two neighbours of a chain."""
    own = found.told.get(pair, [])
    return sorted(with_coded(own, found.links[pair] - sum(tie.n for tie in own)), key=place)


def dated(ties: Sequence[Tie], days: Ends | None) -> list[Tie]:
    """The ties with the days of the coded events among them."""
    if days is None:
        return list(ties)
    return [
        tie._replace(
            first=days.first if tie.first is None else min(days.first, tie.first),
            last=days.last if tie.last is None else max(days.last, tie.last),
        )
        if (tie.kind, tie.status) == (OCCURRED.kind, OCCURRED.status)
        else tie
        for tie in ties
    ]


def bring(
    connection: Connection,
    asked: Asked,
    links: Mapping[Pair, dict[str, Any]],
    ties: Mapping[Pair, Sequence[Tie]],
    days: Mapping[Pair, Ends],
) -> None:
    """Give each tie one of its records: a curated one where there is one, else the latest coded event."""
    last = event_ids(connection, asked.view, [one.number for one in days.values()])
    wanted: dict[str, set[str]] = {}
    places: list[tuple[dict[str, Any], str, str]] = []
    for pair, link in links.items():
        for tie, shown in zip(ties[pair], link["ties"], strict=True):
            id = tie.sample if tie.sample is not None else last.get(days[pair].number) if pair in days else None
            shown["record"] = None
            if id is not None:
                resource = RESOURCE.get(tie.kind, "actors")
                wanted.setdefault(resource, set()).add(id)
                places.append((shown, resource, id))
    texts = Texts(connection)
    records = {name: by_id(connection, asked.view, name, ids, texts) for name, ids in sorted(wanted.items())}
    for shown, resource, id in places:
        record = records[resource].get(id)
        shown["record"] = None if record is None else short(record, shown)


def by_id(connection: Connection, view: View, name: str, ids: set[str], texts: Texts) -> dict[str, dict[str, Any]]:
    """The records of a resource by id."""
    matches = page.of_ids(connection, RESOURCES[name], view, sorted(ids))
    return {item["id"]: item for item in page.records(connection, RESOURCES[name], view, matches, texts)}


def short(record: Mapping[str, Any], tie: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a tie shows it: where it stands, when it was, and where that is said."""
    evidence, gloss = record["evidence"], record.get("gloss")
    if tie["kind"] == "membership":
        evidence = [one for item in record["memberships"] if item["actor"] == tie["target"] for one in item["evidence"]]
    elif tie["kind"] == "office":
        evidence = [one for item in record["offices"] if item["office"] == tie["type"] for one in item["evidence"]]
    when = {"event": "happened", "agreement": "signed", "statement": "said"}.get(tie["kind"], "")
    return {
        "id": record["id"],
        "type": record["type"],
        "self": record["self"],
        "gloss": gloss,
        "date": record.get(when),
        "evidence": evidence,
    }


def chain(found: Found, one: Chain, links: Mapping[Pair, dict[str, Any]]) -> dict[str, Any]:
    """A chain as the API shows it."""
    resistance, _, keys = one
    told = []
    for source, target in pairwise(keys):
        link = links[ordered(source, target)]
        told.append({**link, "source": found.names[source].id, "target": found.names[target].id})
    return {
        "length": len(keys) - 1,
        "strength": round(1 / resistance, 4) if resistance else None,
        "hypothetical": any(link["hypothetical"] for link in told),
        "actors": [actor(found.names[key]) for key in keys],
        "links": told,
    }


def actor(one: Who) -> dict[str, Any]:
    """An actor of a chain."""
    return {
        "id": one.id,
        "type": "actor",
        "self": one.address,
        "name": one.name,
        "kind": one.kind,
        "dataset": one.dataset,
    }
