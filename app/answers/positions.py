"""Where an actor stands on a topic and how that moved: each utterance with its level, and the shifts between neighbours.

A position is derived, never stored. An order is only claimed where it is known: *in time* where one date ends before the other
begins, *in the order of reading* where both stand in one source. Between all others there is no shift, whatever their levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Connection, select

from app.answers import together
from app.answers.together import Line, Part, Reach, Sought
from app.errors import BadQuery, Fault
from app.models.agreement import provision
from app.models.topic import topic
from app.names import fold
from app.query import page
from app.query.evidence import Texts
from app.query.fields import View
from app.query.page import Coverage
from app.query.sql import LAST_INTEGER, standing
from app.resources import RESOURCES
from app.times import from_day_number

LINES = {
    "agreement": Line("agreements", "party", "signed"),
    "statement": Line("statements", "position_of", "said"),
    "claim": Line("claims", "position_of", None),
}
UTTERANCES_MOST = 2_000  # read whole, since a shift may lie between any two neighbours: 2,000 take 0.15 s
TOPICS_MOST = 20_000
TOPICS_SHOWN = 200

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Utterance:
    """A record as a position is made of it."""

    part: Part
    record: Record
    first: int | None
    last: int | None
    source: str | None
    start: int
    commitment: Record | None
    topics: frozenset[str]  # narrower and broader: every topic under which it would be listed

    @property
    def key(self) -> tuple[Any, ...]:
        """Its place in the order: by the first day, then as it is read; undated ones after all others."""
        day = self.first if self.first is not None else LAST_INTEGER
        return (day, self.source or "\U0010ffff", self.start, self.part.noun, self.record["id"])

    @property
    def level(self) -> str | None:
        """The name of its level."""
        return None if self.commitment is None else self.commitment["level"]

    @property
    def rank(self) -> int | None:
        """The place of its level on the scale."""
        return None if self.commitment is None else self.commitment["rank"]

    @property
    def polarity(self) -> str | None:
        """Whether it affirms or denies."""
        return (self.record.get("modality") or {}).get("polarity")

    @property
    def families(self) -> tuple[str, ...]:
        """The families of what it depends on."""
        return tuple(dict.fromkeys(one["family"] for one in self.record.get("constraints") or ()))

    @property
    def voice(self) -> tuple[str, str | None]:
        """Who is heard: this speaker, the author of a source, or an agreement."""
        return self.part.noun, self.record.get("speaker")


@dataclass(slots=True)
class Shift:
    """Two neighbours that differ, and the topics in which they are neighbours."""

    before: Utterance
    after: Utterance
    order: str
    topics: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Group:
    """A topic with the utterances on it, in order; without an id, those that have no topic."""

    id: str | None
    label: str | None
    narrower: tuple[str, ...]
    members: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the tree holds it."""

    label: str
    broader: str | None


def answer(
    connection: Connection,
    view: View,
    sought: Sought,
    parts: Sequence[Part],
    reach: Reach,
    levels: Sequence[str],
    *,
    start: int,
    limit: int,
    coverage: Coverage,
) -> tuple[dict[str, Any], int | None]:
    """The page, less its cursor, and the place that the next one goes on at."""
    tree = topics(connection, view)
    told = utterances(connection, view, parts, tree)
    grouped = groups(told, sought, reach, tree)
    moved = {} if levels else shifts(grouped)
    chosen = [one for one in told if not levels or one.level in levels]
    shown = chosen[start : start + limit]
    moves = [moved[key(one)] for one in shown if key(one) in moved]
    whole = [one for each in moves for one in each]
    texts = Texts(connection)
    texts.fill([*(one.record for one in shown), *(one.before.record for one in whole)])
    records = [one.record for one in shown]
    known = together.actors_among(connection, records) if records else frozenset()
    when = together.reported(connection, view, records)
    content = {
        "items": [utterance(one, reach, known, when) for one in shown],
        "shifts": [shift(one) for one in whole],
        "topics": [summary(one, sought, view) for one in grouped[:TOPICS_SHOWN]],
        "lists": {
            part.plan.resource.name: {
                "count": {"n": sum(one.part is part for one in told), "exact": True},
                "items": None if part.out else part.address,
            }
            for part in parts
        },
        "count": {"n": len(chosen), "exact": True},
        "revision": view.revision,
        "coverage": together.coverage_of(
            connection, parts, coverage, empty=not told, notes=notes(told, parts, reach, levels)
        ),
    }
    return content, start + limit if start + limit < len(chosen) else None


def key(one: Utterance) -> tuple[str, str]:
    """What tells an utterance from all others."""
    return one.part.noun, one.record["id"]


# ── What is read ────────────────────────────────────────────────────────────────────────────────────────────────────


def topics(connection: Connection, view: View) -> dict[str, Topic]:
    """The tree of topics; one statement."""
    query = select(topic.c.id, topic.c.broader, topic.c.label).where(standing(topic, view)).limit(TOPICS_MOST)
    return {row.id: Topic(row.label, row.broader) for row in connection.execute(query)}


def upwards(ids: Iterable[str], tree: Mapping[str, Topic]) -> frozenset[str]:
    """Topics with all broader ones: a question for any of these finds what is on one of the topics."""
    found: set[str] = set()
    for id in ids:
        at: str | None = id
        while at is not None and at not in found:
            found.add(at)
            at = tree[at].broader if at in tree else None
    return frozenset(found)


def utterances(connection: Connection, view: View, parts: Sequence[Part], tree: Mapping[str, Topic]) -> list[Utterance]:
    """Every utterance in order; a statement for each kind, and one for what the agreements lay down."""
    found: list[Utterance] = []
    for part in parts:
        if part.out:
            continue
        matches = page.matching(connection, part.plan, UTTERANCES_MOST + 1, None)
        if len(matches) + len(found) > UTTERANCES_MOST:
            detail = (
                f"There are more than {UTTERANCES_MOST} utterances; so many at most are compared at once. "
                "Narrow the question by topic, from, before or type."
            )
            raise BadQuery(detail, errors=[Fault("actor", detail)])
        records = [page.rendered(part.resource, match.row, view, {}) for match in matches]
        if part.noun == "agreement" and records:
            provisions = laid_down(connection, view, [record["id"] for record in records])
            for record in records:
                record["provisions"] = provisions.get(record["id"], [])
        found += [read(record, part, tree) for record in records]
    return sorted(found, key=lambda one: one.key)


def laid_down(connection: Connection, view: View, ids: Sequence[str]) -> dict[str, list[Record]]:
    """The provisions of agreements, briefly; one statement."""
    table = provision
    query = select(table.c.id, table.c.since, table.c.until, table.c.agreement, table.c.body).where(
        table.c.agreement.in_(ids), standing(table, view)
    )
    found: dict[str, list[Record]] = {}
    for row in connection.execute(query.order_by(table.c.agreement, table.c.id).limit(20 * UTTERANCES_MOST)):
        body = orjson.loads(row.body)
        brief = {name: body.get(name) for name in ("type", "gloss", "commitment", "evidence")}
        own = {"id": row.id, "self": page.address(RESOURCES["provisions"], row.id), **brief}
        found.setdefault(row.agreement, []).append(own)
    return found


def read(record: Record, part: Part, tree: Mapping[str, Topic]) -> Utterance:
    """A record as a position is made of it."""
    first, last = together.days_of(together.date_of(record, part.line))
    cited = (record.get("evidence") or [None])[0]
    commitment = record.get("commitment")
    if part.noun == "agreement":
        commitment = strongest(record["provisions"])
        record["commitment"] = commitment
    return Utterance(
        part=part,
        record=record,
        first=first,
        last=last,
        source=None if cited is None else cited["source"],
        start=0 if cited is None else cited["start"],
        commitment=commitment,
        topics=upwards(record.get("topics") or (), tree),
    )


def strongest(provisions: Sequence[Record]) -> Record | None:
    """The highest level among what an agreement lays down; toward what, each provision says."""
    ranked = [one["commitment"] for one in provisions if one["commitment"] is not None]
    top = max(ranked, key=lambda one: int(one["rank"]), default=None)
    return None if top is None else {"level": top["level"], "rank": top["rank"], "toward": None}


# ── What follows from it ────────────────────────────────────────────────────────────────────────────────────────────


def groups(told: Sequence[Utterance], sought: Sought, reach: Reach, tree: Mapping[str, Topic]) -> list[Group]:
    """The utterances by topic: those asked for, or else every topic that has some, narrower ones included."""
    members: dict[str, list[Utterance]] = {}
    for one in told:
        for id in one.topics:
            members.setdefault(id, []).append(one)
    asked = [found.ids[0] for found in reach.topics.values() if found.ids] if sought.topics else list(members)
    below: dict[str, list[str]] = {}
    for id in sorted(tree):
        for broader in upwards([id], tree) - {id}:
            below.setdefault(broader, []).append(id)
    found = [
        Group(id, tree[id].label if id in tree else None, tuple(below.get(id, ())), tuple(members.get(id, ())))
        for id in dict.fromkeys(asked)
    ]
    if not sought.topics and (bare := tuple(one for one in told if not one.topics)):
        found.append(Group(None, None, (), bare))
    return sorted(found, key=lambda group: (-len(group.members), group.id is None, group.id or ""))


def shifts(grouped: Sequence[Group]) -> dict[tuple[str, str], list[Shift]]:
    """Every shift, by the later one of its two; each pair once, with every topic in which it is one of neighbours."""
    found: dict[tuple[Any, Any], Shift] = {}
    for group in grouped:
        for before, after in pairwise(group.members):
            how = ordered(before, after)
            if how is not None and changes(before, after):
                pair = found.setdefault((key(before), key(after)), Shift(before, after, how))
                pair.topics += [group.id] if group.id is not None else []
    by_later: dict[tuple[str, str], list[Shift]] = {}
    for one in found.values():
        by_later.setdefault(key(one.after), []).append(one)
    for some in by_later.values():
        some.sort(key=lambda one: one.before.key)
    return by_later


def ordered(before: Utterance, after: Utterance) -> str | None:
    """In which order two neighbours are known to stand: time, reading, or in none."""
    if before.last is not None and after.first is not None and before.last < after.first:
        return "time"
    if before.source is not None and before.source == after.source and before.start < after.start:
        return "reading"
    return None


def changes(before: Utterance, after: Utterance) -> list[str]:
    """In what two utterances differ."""
    found = []
    if before.rank is not None and after.rank is not None and before.rank != after.rank:
        found.append("level")
    if before.polarity is not None and after.polarity is not None and before.polarity != after.polarity:
        found.append("polarity_turned")
    if set(after.families) - set(before.families):
        found.append("constraint_added")
    if set(before.families) - set(after.families):
        found.append("constraint_dropped")
    return found


def direction(before: Utterance, after: Utterance) -> str | None:
    """Where the level went: firmer, softer, same; None where one of the two has none, or names no act of one's own."""
    if before.rank is None or after.rank is None or (before.rank != after.rank and 0 in (before.rank, after.rank)):
        return None
    return "firmer" if after.rank > before.rank else "softer" if after.rank < before.rank else "same"


CAVEATS = {
    "reading_order": "the order is that of reading, and says nothing of time",
    "other_act": "the levels are not toward one named act",
    "other_voice": "two different voices are heard",
    "no_act": "one of the two names no act of one's own",
}


def caveats(before: Utterance, after: Utterance, order: str) -> list[str]:
    """What a reader must not overlook before calling it a change of mind."""
    toward = [fold((one.commitment or {}).get("toward") or "") for one in (before, after)]
    told = {
        "reading_order": order == "reading",
        "other_act": toward[0] != toward[1] or not toward[0],
        "other_voice": before.voice != after.voice,
        "no_act": 0 in (before.rank, after.rank),
    }
    return [name for name in CAVEATS if told[name]]


def apart(before: Utterance, after: Utterance) -> dict[str, int | None] | None:
    """How many days lie between, at least and at most; None where that is not known."""
    if before.last is None or after.first is None or before.last >= after.first:
        return None
    most = None if before.first is None or after.last is None else after.last - before.first
    return {"least": after.first - before.last, "most": most}


# ── How it is said ──────────────────────────────────────────────────────────────────────────────────────────────────


def utterance(one: Utterance, reach: Reach, known: frozenset[str], when: Mapping[str, Any]) -> Record:
    """An utterance as the API shows it."""
    record = one.record
    return {
        **together.entry(record, one.part, reach.ids, known, when),
        "speaker": record.get("speaker"),
        "office": record.get("office"),
        "on_behalf_of": record.get("on_behalf_of"),
        "modality": record.get("modality"),
        "constraints": record.get("constraints") or [],
        "provisions": record["provisions"] if one.part.noun == "agreement" else [],
    }


def end(one: Utterance) -> Record:
    """One of the two that a shift lies between."""
    return {
        "type": one.part.noun,
        "id": one.record["id"],
        "self": one.record["self"],
        "gloss": one.record.get("gloss"),
        "date": together.date_of(one.record, one.part.line),
        "commitment": one.commitment,
        "polarity": one.polarity,
        "constraints": list(one.families),
        "evidence": one.record.get("evidence") or [],
    }


def shift(one: Shift) -> Record:
    """A shift as the API shows it."""
    before, after = one.before, one.after
    warned = caveats(before, after, one.order)
    return {
        "topics": one.topics,
        "order": one.order,
        "direction": direction(before, after),
        "steps": None if before.rank is None or after.rank is None else after.rank - before.rank,
        "changes": changes(before, after),
        "constraints_added": [name for name in after.families if name not in before.families],
        "constraints_dropped": [name for name in before.families if name not in after.families],
        "days": apart(before, after),
        "caveats": warned,
        "words": words(one, warned),
        "from": end(before),
        "to": end(after),
    }


def words(one: Shift, warned: Sequence[str]) -> str:
    """A shift in a sentence."""
    before, after = one.before, one.after
    parts = []
    if "level" in changes(before, after):
        went = direction(before, after)
        parts.append(f"from {before.level} to {after.level}" + (f": {went}" if went is not None else ""))
    else:
        parts.append(f"still {after.level}" if after.level is not None else "no level to compare")
    if "polarity_turned" in changes(before, after):
        parts.append(f"polarity turned {after.polarity}")
    added = [name for name in after.families if name not in before.families]
    dropped = [name for name in before.families if name not in after.families]
    parts += [f"constraint added: {', '.join(added)}"] if added else []
    parts += [f"constraint dropped: {', '.join(dropped)}"] if dropped else []
    parts += [CAVEATS[name] for name in warned]
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def summary(group: Group, sought: Sought, view: View) -> Record:
    """A topic in numbers, each with the request that lists what it counts."""
    members = group.members
    acts = [one for one in members if one.rank] or [one for one in members if one.rank is not None]
    by_rank = {one.level: one.rank for one in members if one.rank is not None}
    pairs = list(pairwise(members))
    known = [(before, after) for before, after in pairs if ordered(before, after) is not None]
    went = [direction(before, after) for before, after in known if changes(before, after)]
    firsts = [one.first for one in members if one.first is not None]
    lasts = [one.last for one in members if one.last is not None]
    return {
        "topic": group.id,
        "label": group.label,
        "narrower": list(group.narrower),
        "n": len(members),
        "undated": sum(one.first is None and one.last is None for one in members),
        "dates": {"first": day(min(firsts, default=None)), "last": day(max(lasts, default=None))},
        "current": {"in_time": last_in_time(acts), "in_reading": last_in_reading(acts)},
        "highest": level(max(acts, key=rank, default=None), members, group, sought, view),
        "lowest": level(min(acts, key=rank, default=None), members, group, sought, view),
        "levels": [
            {
                "level": name,
                "rank": by_rank[name],
                "n": sum(one.level == name for one in members),
                "items": link(group, sought, view, ("commitment", name)),
            }
            for name in sorted(by_rank, key=lambda name: -(by_rank[name] or 0))
            if name is not None
        ],
        "shifts": {
            "n": len(went),
            "firmer": went.count("firmer"),
            "softer": went.count("softer"),
            "same": went.count("same"),
            "compared": len(known),
            "unordered": len(pairs) - len(known),
        },
        "items": link(group, sought, view),
    }


def day(number: int | None) -> str | None:
    """A day number as an ISO day."""
    return None if number is None else from_day_number(number).isoformat()


def rank(one: Utterance) -> int:
    """The place of a level on the scale, to compare by."""
    return one.rank or 0


def level(
    one: Utterance | None, members: Sequence[Utterance], group: Group, sought: Sought, view: View
) -> Record | None:
    """A level with how many utterances have it, and the request that lists them."""
    if one is None:
        return None
    return {
        "level": one.level,
        "rank": one.rank,
        "n": sum(each.level == one.level for each in members),
        "items": link(group, sought, view, ("commitment", one.level or "")),
    }


def last_in_time(acts: Sequence[Utterance]) -> Record | None:
    """The utterance that is certainly later than every other dated one; None where two may be of the same time."""
    dated = [one for one in acts if one.first is not None or one.last is not None]
    latest = max(dated, key=lambda one: -LAST_INTEGER if one.first is None else one.first, default=None)
    if latest is None or latest.first is None:
        return None
    certain = all(one.last is not None and one.last < latest.first for one in dated if one is not latest)
    return brief(latest) if certain else None


def last_in_reading(acts: Sequence[Utterance]) -> Record | None:
    """The utterance that is read last, where all stand in one source."""
    if not acts or len({one.source for one in acts}) > 1 or acts[0].source is None:
        return None
    last = max(acts, key=lambda one: one.start)
    return brief(last) if sum(one.start == last.start for one in acts) == 1 else None


def brief(one: Utterance) -> Record:
    """An utterance with nothing but its level."""
    named = {"type": one.part.noun, "id": one.record["id"], "self": one.record["self"]}
    return {"level": one.level, "rank": one.rank, **named}


def link(group: Group, sought: Sought, view: View, *more: tuple[str, str]) -> str | None:
    """The request that lists a group's utterances; None for those without a topic, which no filter can ask for."""
    if group.id is None:
        return None
    pairs = [*together.again(sought, view, topic=group.id), *more]
    return f"/v1/positions?{urlencode(pairs, safe=':@')}"


def notes(told: Sequence[Utterance], parts: Sequence[Part], reach: Reach, levels: Sequence[str]) -> list[str]:
    """What the answer leaves out, and where else the actor is heard."""
    found = []
    if any(part.out for part in parts):
        found.append(
            "Claims carry no date of their own, so a span of time leaves them out; undated=true brings them in."
        )
    if levels:
        found.append("Shifts are between neighbours of the whole sequence, so a choice of levels shows none.")
    others = sorted({str(one.record["on_behalf_of"]) for one in told if one.record.get("on_behalf_of")} - reach.ids)
    for other in others[:5]:
        found.append(f"Some of it is said on behalf of {other}, whose positions are /v1/positions?actor={other}.")
    return found
