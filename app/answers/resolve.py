"""Which actors a name can stand for, why, and which records a name in a filter reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from app.coded.actors import unlinked
from app.errors import AmbiguousName, Fault
from app.models.actor import actor, actor_name, office, tenure
from app.models.coded import coded_actor
from app.models.relation import relation
from app.models.topic import topic
from app.names import fold, government_forms, score, skeleton
from app.query.fields import Found, View
from app.query.page import by_resource
from app.query.plan import by_id, moved
from app.query.sql import standing
from app.resources import RESOURCES

# How well a name fits, from the best way of finding it to the worst. Filters take only what is found by the rules above LOOSE.
EXACT, RESPELT, FORM, FAMILY, LOOSE = 1.0, 0.95, 0.9, 0.85, 0.8
SHOWN = 50  # datasets' actors of one name that are told apart
NAMES_COMPARED = 50_000  # names that typo help looks at: 41 ms
OFFICES_COMPARED = 5_000
HONORIFICS = ("mr", "mrs", "ms", "dr", "sir", "president", "prime minister", "foreign minister", "chancellor")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An actor that a name can stand for."""

    actor: str
    name: str
    matched: str
    name_kind: str
    score: float
    why: str

    def as_json(self) -> dict[str, Any]:
        """The candidate as the contract shapes it."""
        return {
            "actor": self.actor,
            "name": self.name,
            "matched": self.matched,
            "name_kind": self.name_kind,
            "score": round(self.score, 3),
            "why": self.why,
        }


def candidates(
    connection: Connection, view: View, asked: str, *, kind: str | None = None, loose: bool = True
) -> list[Candidate]:
    """The actors that a name can stand for, best first; with `loose`, those that look like it too, and a state's government.

    Names from outside the source are used to find an actor in either view, and the answer says so; an actor that is
    outside knowledge altogether is found only in the enriched one.
    """
    found = next((some for rule in RULES if (some := rule(connection, view, asked))), [])
    if loose:
        if not found:
            found = _alike(connection, view, asked)
        found += _counterparts(
            connection, view, [one for one in found if one.score > LOOSE], {one.actor for one in found}
        )
    if kind is not None:
        kinds = _kinds(connection, view, [one.actor for one in found])
        found = [one for one in found if kinds.get(one.actor) == kind]
    return sorted(found, key=lambda one: (-one.score, one.actor))


def actors(connection: Connection, view: View, asked: str) -> Found:
    """What a filter that takes an actor looks for: the actor of that id or name, and its state or government.

    Raises AmbiguousName, with the candidates, for a name that several actors go by equally.
    """
    direct = by_id(connection, view, asked, RESOURCES["actors"])
    if direct.ids:
        return _reaching(connection, view, direct.ids[0], direct.said)
    found = candidates(connection, view, asked, loose=False)
    best = [one for one in found if one.score == found[0].score]
    if not best:
        near = tuple(one.matched for one in candidates(connection, view, asked)[:3])
        return Found((), near=near)
    if len(best) > 1:
        listed = ", ".join(f"{one.actor} ({one.why})" for one in best)
        raise AmbiguousName(
            f"{asked[:80]!r} stands for several actors: {listed}. Use one of these ids.",
            errors=[Fault("name", one.actor) for one in best],
        )
    only = best[0]
    return _reaching(connection, view, only.actor, f"{asked[:80]} is read as {only.actor} ({only.why})")


def records(connection: Connection, view: View, asked: str) -> Found:
    """What a filter that takes any record looks for: the record of that id, a topic's narrower ones, or an actor by name."""
    now = moved(connection, view, asked)
    home = by_resource(connection, {now or asked}, RESOURCES)
    if "topics" in home:
        return topics(connection, view, asked)
    if "actors" not in home:
        for name in home:
            return by_id(connection, view, asked, RESOURCES[name])
    return actors(connection, view, asked)


def topics(connection: Connection, view: View, asked: str) -> Found:
    """A topic and every narrower one."""
    start = by_id(connection, view, asked, RESOURCES["topics"])
    ids = list(start.ids)
    level = ids
    # A level at a time rather than a recursive query: a tree of topics is a few levels deep.
    while level:
        query = select(topic.c.id).where(topic.c.broader.in_(level), topic.c.id.not_in(ids), standing(topic, view))
        level = sorted(set(connection.scalars(query)))
        ids += level
    said = start.said or (f"{ids[0]} includes {', '.join(ids[1:])}" if len(ids) > 1 else "")
    return Found(tuple(ids), said)


def offices(connection: Connection, view: View, asked: str) -> Found:
    """The office of that id, or those of that title: "President" is several, "President of Ukraine" one."""
    direct = by_id(connection, view, asked, RESOURCES["offices"])
    folded = fold(asked)
    if direct.ids or not folded:
        return direct
    ids = tuple(sorted(id for id, forms in _offices(connection, view).items() if folded in forms))
    return Found(ids, f"{asked[:80]} is read as {', '.join(ids)}" if ids else "")


RESOLVERS = {"actors": actors, "topics": topics, "offices": offices, "*": records}


def _direct(connection: Connection, view: View, asked: str) -> list[Candidate]:
    """The actors found by a rule: the name itself, a usual respelling, a form of government, a family name."""
    folded, respelt = fold(asked), skeleton(asked)
    if not folded:
        return []
    name = actor_name.c
    alike = or_(name.folded == folded, name.skeleton == respelt) if respelt else name.folded == folded
    visible = and_(name.since <= view.revision, or_(name.until.is_(None), name.until > view.revision))
    query = select(actor_name).where(alike, visible)
    if not view.enrichment:
        query = query.where(name.outsider == 0)
    best: dict[str, tuple[float, Any, str]] = {}
    for row in connection.execute(query):
        value, why = _rated(row, folded, view)
        if row.id not in best or (value, -row.enrichment) > (best[row.id][0], -best[row.id][1].enrichment):
            best[row.id] = (value, row, why)
    names = _names(connection, view, best)
    return [
        Candidate(id, names.get(id, id), _shown(row, view, asked), row.kind, value, why)
        for id, (value, row, why) in best.items()
    ]


def _rated(row: Any, folded: str, view: View) -> tuple[float, str]:
    same = row.folded == folded
    kind = row.kind.replace("_", " ")
    name = f"a {kind}" if row.enrichment and not view.enrichment else f"{kind} {row.text!r}"
    if row.how == "family_name":
        value, why = FAMILY if same else FAMILY - 0.02, f"family name of {name}"
    elif same:
        value, why = EXACT, name
    else:
        value, why = RESPELT, f"usual respelling of {name}"
    return value, why + (" from outside the source" if row.enrichment else "")


def _shown(row: Any, view: View, asked: str) -> str:
    """The name that matched; one from outside the source only as it was asked, unless the reader wants enrichment."""
    return asked if row.enrichment and not view.enrichment else str(row.text)


def _government(connection: Connection, view: View, asked: str) -> list[Candidate]:
    """The government of a state that is asked for as "government of X" or "the X government", where no name says so.

    Where a government is no actor of its own here, its state stands for it.
    """
    folded = fold(asked)
    found: list[Candidate] = []
    for state in _states(folded):
        for one in _direct(connection, view, state):
            if folded not in government_forms(one.matched, ()):
                continue
            others = represented(connection, view, one.actor)
            kinds, names = _kinds(connection, view, [one.actor, *others]), _names(connection, view, others)
            governments = [other for other in others if kinds.get(other) == "government"]
            found += [
                replace(one, actor=other, name=names.get(other, other), score=FORM, why=f"government of {one.actor}")
                for other in governments
            ]
            if kinds.get(one.actor) == "state" and not governments:
                found.append(
                    replace(one, score=FORM - 0.02, why="the state, whose government is no actor of its own here")
                )
    return list({one.actor: one for one in found}.values())


def _titled(connection: Connection, view: View, asked: str) -> list[Candidate]:
    """The person whose name stands after a title, "President Trump", or who holds the office, "Prime Minister of Japan"."""
    folded = fold(asked)
    known = _offices(connection, view)
    held = [id for id, forms in known.items() if folded in forms[1:]]
    if held:
        return _holders(connection, view, asked, held)
    titles = {*HONORIFICS, *(forms[0] for forms in known.values())} - {""}
    for title in sorted(titles, key=len, reverse=True):
        if folded.startswith(f"{title} "):
            people = _direct(connection, view, folded.removeprefix(f"{title} "))
            kinds = _kinds(connection, view, [one.actor for one in people])
            return [
                replace(one, score=FAMILY - 0.03, why=f"{one.why}, after a title")
                for one in people
                if kinds.get(one.actor) == "person"
            ]
    return []


def _offices(connection: Connection, view: View) -> dict[str, tuple[str, ...]]:
    """The folded title of each office, and the ways in which it and its state are said together."""
    query = select(office.c.id, office.c.title, office.c.of).where(standing(office, view)).limit(OFFICES_COMPARED)
    found = connection.execute(query).all()
    states = _names(connection, view, {row.of for row in found if row.of})
    return {row.id: (fold(row.title), *_office_forms(fold(row.title), fold(states.get(row.of, "")))) for row in found}


def _office_forms(title: str, state: str) -> tuple[str, ...]:
    return (f"{title} of {state}", f"{title} of the {state}", f"{state}s {title}", f"{state} {title}") if state else ()


def _holders(connection: Connection, view: View, asked: str, offices: list[str]) -> list[Candidate]:
    query = select(tenure.c.id, tenure.c.office).where(tenure.c.office.in_(offices), standing(tenure, view))
    holders = {row.id: row.office for row in connection.execute(query)}
    names = _names(connection, view, holders)
    return [
        Candidate(id, names.get(id, id), asked, "description", FAMILY - 0.04, f"holds or held the office {held}")
        for id, held in holders.items()
    ]


def _in_datasets(connection: Connection, view: View, asked: str) -> list[Candidate]:
    """The actors that only datasets name, by that very name; those tied to an actor here are found as that one."""
    folded = fold(asked)
    query = select(coded_actor).where(coded_actor.c.folded == folded, unlinked(view)).limit(SHOWN)
    return [
        Candidate(row.id, row.name, row.name, "name", EXACT, f"name in the dataset {row.dataset}")
        for row in (connection.execute(query) if folded else ())
    ]


RULES = (_direct, _government, _titled, _in_datasets)


def _states(folded: str) -> Iterator[str]:
    """What may be the state in a form of government: its words without `government` and what goes with it."""
    words = folded.split()
    for government in ("government", "govt", "gov"):
        if words[:2] == [government, "of"] and len(words) > 2:
            yield " ".join(words[2:]).removeprefix("the ")
        elif words[-1:] == [government] and len(words) > 1:
            yield " ".join(words[:-1])
            yield " ".join(words[:-1]).removesuffix("s")


def _alike(connection: Connection, view: View, asked: str) -> list[Candidate]:
    """The actors with a name that looks like the one asked: help for typos, never taken by a filter."""
    name = actor_name.c
    visible = and_(name.since <= view.revision, or_(name.until.is_(None), name.until > view.revision))
    query = select(name.id, name.text, name.kind).where(visible).limit(NAMES_COMPARED)
    if not view.enrichment:
        # What is suggested is shown, so it has to be a name that the source gives.
        query = query.where(name.outsider == 0, name.enrichment == 0)
    best: dict[str, Candidate] = {}
    for row in connection.execute(query):
        value = score(asked, row.text)
        if value >= 0.75 and (row.id not in best or value * LOOSE > best[row.id].score):
            best[row.id] = Candidate(row.id, row.id, row.text, row.kind, value * LOOSE, f"looks like {row.text!r}")
    names = _names(connection, view, best)
    top = sorted(best.values(), key=lambda one: (-one.score, one.actor))[:10]
    return [
        Candidate(one.actor, names.get(one.actor, one.actor), one.matched, one.name_kind, one.score, one.why)
        for one in top
    ]


def _counterparts(connection: Connection, view: View, found: Sequence[Candidate], known: set[str]) -> list[Candidate]:
    """The state of each government found and the government of each state, as the second best reading of the name."""
    others: list[Candidate] = []
    for one in found:
        for other in represented(connection, view, one.actor):
            if other not in known:
                known.add(other)
                name = _names(connection, view, [other]).get(other, other)
                others.append(
                    Candidate(
                        other, name, one.matched, one.name_kind, one.score * 0.8, f"state or government of {one.actor}"
                    )
                )
    return others


def represented(connection: Connection, view: View, id: str) -> list[str]:
    """The state that a government represents, or the government that represents a state."""
    edge = relation.c
    ties = or_(edge.subject == id, edge.object == id)
    query = select(edge.subject, edge.object).where(edge.kind == "represents", ties, standing(relation, view))
    pairs = [(row.subject, row.object) for row in connection.execute(query)]
    kinds = _kinds(connection, view, [one for pair in pairs for one in pair])
    wanted = {"state", "government"}
    both = [pair for pair in pairs if {kinds.get(pair[0]), kinds.get(pair[1])} == wanted]
    return sorted({one for pair in both for one in pair} - {id})


def _reaching(connection: Connection, view: View, id: str, said: str) -> Found:
    others = represented(connection, view, id)
    if not others:
        return Found((id,), said)
    tie = f"{id} reaches {', '.join(others)} too, since one represents the other"
    return Found((id, *others), f"{said}; {tie}" if said else tie)


def _names(connection: Connection, view: View, ids: Any) -> dict[str, str]:
    query = select(actor.c.id, actor.c.name).where(actor.c.id.in_(sorted(ids)), standing(actor, view))
    return {row.id: row.name for row in connection.execute(query)}


def _kinds(connection: Connection, view: View, ids: Sequence[str]) -> dict[str, str]:
    query = select(actor.c.id, actor.c.kind).where(actor.c.id.in_(sorted(set(ids))), standing(actor, view))
    return {row.id: row.kind for row in connection.execute(query)}
