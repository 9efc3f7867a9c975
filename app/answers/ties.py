"""What ties actors to each other, by kind of record, how much of it there is, and which request lists just that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, literal, null, or_, select

from app import straight
from app.coded.ties import Coded, Key, Links, links, named, neighbours, spanning
from app.errors import BadQuery, Fault
from app.models.actor import actor, membership, tenure
from app.models.agreement import agreement, agreement_party
from app.models.event import event, event_participant
from app.models.relation import relation
from app.models.statement import statement, statement_about
from app.query import sql
from app.query.fields import View
from app.query.once import Once
from app.query.page import PLAIN
from app.query.page import day as iso
from app.query.params import AskedPeriod, nearest, parse, shown
from app.query.plan import plan
from app.query.sql import standing
from app.resources import RESOURCES
from app.resources.events import HAPPENED
from app.vocabularies import Vocabularies

KINDS: Final = ("relation", "event", "agreement", "statement", "membership", "office")
# Which vocabulary the records of a kind take their own kinds from, and whose filter of that name narrows them.
TYPES: Final = {
    "relation": "relation_type",
    "event": "event_type",
    "agreement": "agreement_kind",
    "statement": "statement_kind",
}
RESOURCE: Final = {"relation": "relations", "event": "events", "agreement": "agreements", "statement": "statements"}
DATED: Final = {"event": "happened", "agreement": "signed", "statement": "said"}
STATUSES: Final = {"relation": "relation_status", "event": "event_status"}
UNREAL: Final = ("hypothetical", "planned")

EVENTS: Final = ("event", None, "occurred")  # the kind, type and status of coded events

Pair = tuple[Key, Key]


class Tie(NamedTuple):  # thousands are made for an answer, and a dataclass takes four times as long
    """Records of one kind, type and status that tie two actors; with a direction where the records have one."""

    kind: str
    type: str | None
    status: str | None
    source: Key | None  # from whom to whom; None where both take part alike
    target: Key | None
    n: int
    first: int | None = None
    last: int | None = None
    sample: str | None = None  # the id of one of the records

    @property
    def hypothetical(self) -> bool:
        """Whether it is possible, proposed or planned, and not so."""
        return self.status in UNREAL


@lru_cache(10_000)
def shared(n: int) -> tuple[Tie, ...]:
    """The one tie of actors who share nothing but coded events: made once for a number, since thousands of edges have it."""
    return (Tie("event", None, "occurred", None, None, n),)


@lru_cache(10_000)
def counted(kind: str, n: int) -> dict[str, int]:
    """The counts of an edge with one tie; not to be changed."""
    return {kind: n}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which ties are asked for, as it was asked."""

    period: tuple[str, str] | None = None  # the bounds as written, '' for none
    certain: bool = False
    undated: bool = False
    status: tuple[str, ...] = ()
    status_not: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    kind_not: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    members_on: tuple[int, str] | None = None  # the day, and as written
    carried: tuple[tuple[str, str], ...] = ()  # what every link repeats: as_of and enrichment


@dataclass(frozen=True, slots=True)
class Asked:
    """The ties that are asked for, understood: by kind the condition on its records, and the parameters that list them."""

    view: View
    wanted: Wanted
    period: AskedPeriod | None
    where: Mapping[str, ColumnElement[bool] | None]
    pairs: Mapping[str, tuple[tuple[str, str], ...]]
    coded: Coded | None
    links: Links
    bases: dict[tuple[str, str | None, str | None], str] = field(default_factory=dict, compare=False)
    built: list[Select[Any]] = field(
        default_factory=list, compare=False
    )  # the statements of `curated`, made once for all levels


UNDERSTOOD: Once[tuple[Wanted, int | None, int | None], Asked] = Once(100)


def understood(
    connection: Connection, view: View, wanted: Wanted, terms: Vocabularies, lower: int | None, upper: int | None
) -> Asked:
    """What is asked, in the terms of each kind; worked out once for a revision: many ask the same of others.

    Raises BadQuery for a kind or status that does not exist.
    """
    key = (wanted, lower, upper)
    return UNDERSTOOD.get(connection, view, key, lambda: _understood(connection, view, wanted, terms, lower, upper))


def _understood(
    connection: Connection, view: View, wanted: Wanted, terms: Vocabularies, lower: int | None, upper: int | None
) -> Asked:
    known_in(
        "kind", (*wanted.kind, *wanted.kind_not), [*KINDS, *(id for name in TYPES.values() for id in terms[name].ids)]
    )
    statuses = [id for name in STATUSES.values() for id in terms[name].ids]
    known_in("status", (*wanted.status, *wanted.status_not), list(dict.fromkeys(statuses)))
    period = None
    if wanted.period is not None:
        period = AskedPeriod(HAPPENED, lower, upper, wanted.certain, wanted.undated)
    where: dict[str, ColumnElement[bool] | None] = {}
    pairs: dict[str, tuple[tuple[str, str], ...]] = {}
    for kind in KINDS:
        narrowed = narrowing(kind, wanted, terms)
        if narrowed is None:
            continue
        pairs[kind] = tuple(narrowed)
        where[kind] = condition(connection, view, kind, narrowed, terms) if kind in RESOURCE else None
    coded = None
    if "event" in where and terms_of(wanted.status, wanted.status_not, "occurred"):
        types = [one for one in wanted.kind if one not in KINDS] if "event" not in wanted.kind else []
        asked = Coded(
            view,
            period,
            wanted.dataset,
            tuple(one for one in types if one in terms["event_type"].ids),
            tuple(one for one in wanted.kind_not if one in terms["event_type"].ids),
        )
        coded = spanning(connection, asked)
    return Asked(view, wanted, period, where, pairs, coded, links(connection, view))


def known_in(name: str, asked: Iterable[str], known: Sequence[str]) -> None:
    """Refuse a value that does not exist, naming the nearest one."""
    for value in asked:
        if value not in known:
            near = nearest(value, known)
            detail = (
                f"{name}={shown(value)} is not possible. "
                + (f"Did you mean {near!r}? " if near else "")
                + f"There are: {', '.join(known)}."
            )
            raise BadQuery(detail, errors=[Fault(name, detail)])


def terms_of(asked: Sequence[str], refused: Sequence[str], value: str) -> bool:
    """Whether a value is among those asked for."""
    return (not asked or value in asked) and value not in refused


def narrowing(kind: str, wanted: Wanted, terms: Vocabularies) -> list[tuple[str, str]] | None:
    """The parameters that narrow a kind's list to what is asked, or None where nothing of that kind can be meant."""
    types = terms[TYPES[kind]].ids if kind in TYPES else ()
    own = [one for one in wanted.kind if one in types]
    if kind in wanted.kind_not or (wanted.kind and kind not in wanted.kind and not own):
        return None
    if wanted.dataset and kind != "event":
        return None
    pairs = [] if kind in wanted.kind else [("kind", one) for one in own]
    pairs += [("kind.not", one) for one in wanted.kind_not if one in types]
    if kind in STATUSES:
        there = terms[STATUSES[kind]].ids
        statuses = [one for one in there if terms_of(wanted.status, wanted.status_not, one)]
        if not statuses:
            return None
        # Named even where all are meant: the list of events leaves out some unless they are asked for.
        pairs += [("status", one) for one in statuses] if kind == "event" or len(statuses) < len(there) else []
    elif wanted.status:
        # What has no status has none of those asked for.
        return None
    if wanted.period is not None and kind == "relation" and not wanted.undated:
        return None
    if wanted.period is not None and kind in DATED:
        name, (lower, upper) = DATED[kind], wanted.period
        pairs += [(f"{name}_from", lower)] if lower else []
        pairs += [(f"{name}_before", upper)] if upper else []
        pairs += [("dates", "certain")] if wanted.certain else []
        pairs += [("undated", "true")] if wanted.undated else []
    return [*pairs, *(("dataset", one) for one in wanted.dataset)]


def condition(
    connection: Connection, view: View, kind: str, pairs: Sequence[tuple[str, str]], terms: Vocabularies
) -> ColumnElement[bool]:
    """What the list of those parameters would find: the very same condition, so that a count and its link cannot differ."""
    resource = RESOURCES[RESOURCE[kind]]
    query = replace(parse(resource, pairs, terms), enrichment=view.enrichment)
    made = plan(connection, resource, query, view=view, terms=terms, resolvers={}, resources=RESOURCES)
    return sql.where(made, connection)


# ── Ties ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ordered(one: Key, other: Key) -> Pair:
    """Two ends in the order in which a pair is kept."""
    if isinstance(one, str) is isinstance(other, str):
        return (one, other) if one <= other else (other, one)  # type: ignore[operator]
    return (one, other) if isinstance(one, str) else (other, one)


def curated(connection: Connection, asked: Asked, keys: Iterable[Key]) -> dict[Pair, list[Tie]]:
    """The ties that curated records make between these actors and any others, by pair; a statement a kind."""
    ids = sorted(key for key in keys if isinstance(key, str))
    found: dict[Pair, dict[tuple[Any, ...], Tie]] = {}
    if not ids:
        return {}
    if not asked.built:
        asked.built[:] = statements(asked)
    # Filled up with the last one, so that few different statements are prepared.
    told = {"ids": [*ids, *[ids[-1]] * ((1 << (len(ids) - 1).bit_length()) - len(ids))]}
    for query in asked.built:
        for kind, type, status, source, target, directed, n, first, last, sample in straight.tuples(
            connection, query, told
        ):
            pair = ordered(source, target)
            ends: tuple[Any, Any] = (source, target) if directed else (None, None)
            tie = Tie(kind, type, status, ends[0], ends[1], n, first, last, sample)
            # A mutual tie is found from both ends; each time it is the same.
            found.setdefault(pair, {})[(kind, type, status, *ends)] = tie
    return {pair: list(ties.values()) for pair, ties in found.items()}


def statements(asked: Asked) -> Iterator[Select[Any]]:
    """The statement of each kind: kind, type, status, the two ends, whether they are a direction, n, first, last, one id."""
    view = asked.view
    ids: Any = bindparam("ids", expanding=True)
    here = select(actor.c.id).where(standing(actor, view))
    if "relation" in asked.where:
        r = relation.c
        yield grouped(
            ("relation", r.kind, r.status),
            (r.subject, r.object),
            (r.id, None, None),
            *conditions_of(asked, "relation"),
            or_(r.subject.in_(ids), r.object.in_(ids)),
            r.subject.in_(here),
            r.object.in_(here),
        )
    if "event" in asked.where:
        one, other = event_participant.alias("one"), event_participant.alias("other")
        e = event.c
        yield mutual(
            one, other, event, ("event", null(), e.status), (e.happened_first, e.happened_last), asked, ids, here
        )
    if "agreement" in asked.where:
        one, other = agreement_party.alias("one"), agreement_party.alias("other")
        a = agreement.c
        yield mutual(
            one, other, agreement, ("agreement", null(), null()), (a.signed_first, a.signed_last), asked, ids, here
        )
    if "statement" in asked.where:
        s, about = statement.c, statement_about
        for role, target in (("about", about.c.about), ("addressee", s.addressee), ("on_behalf_of", s.on_behalf_of)):
            query = grouped(
                ("statement", literal(role), null()),
                (s.speaker, target),
                (s.id, s.said_first, s.said_last),
                *conditions_of(asked, "statement"),
                or_(s.speaker.in_(ids), target.in_(ids)),
                s.speaker.in_(here),
                target.in_(here),
            )
            yield query.join(about, and_(about.c.id == s.id, standing(about, view))) if role == "about" else query
    for kind, table, type, of in (
        ("membership", membership, null(), membership.c.organisation),
        ("office", tenure, tenure.c.office, tenure.c.of),
    ):
        if kind in asked.where:
            c = table.c
            within = [during(asked, c.from_first, c.until_last)]
            yield grouped(
                (kind, type, null()),
                (c.id, of),
                (c.id, c.from_first, c.until_last),
                standing(table, view),
                or_(c.id.in_(ids), of.in_(ids)),
                c.id.in_(here),
                of.in_(here),
                *within,
            )


def grouped(
    what: tuple[str, Any, Any], ends: tuple[Any, Any], record: tuple[Any, Any, Any], *where: Any
) -> Select[Any]:
    """The records of a kind by type, status and direction."""
    kind, type, status = what
    id, first, last = record
    keys = [one for one in (type, status, *ends) if not_constant(one)]
    return (
        select(
            literal(kind),
            type,
            status,
            *ends,
            literal(1),
            func.count(id.distinct()),
            null() if first is None else func.min(first),
            null() if last is None else func.max(last),
            func.min(id),
        )
        .where(*where, ends[0] != ends[1])
        .group_by(*keys)
    )


def conditions_of(asked: Asked, kind: str) -> list[ColumnElement[bool]]:
    """The condition on a kind's records."""
    one = asked.where[kind]
    return [] if one is None else [one]


def not_constant(one: Any) -> bool:
    """Whether a column has to be grouped by."""
    return hasattr(one, "table")


def mutual(
    one: Any,
    other: Any,
    record: Any,
    what: tuple[str, Any, Any],
    days: tuple[Any, Any],
    asked: Asked,
    ids: Any,
    here: Any,
) -> Select[Any]:
    """The records that two actors have a part in alike."""
    kind, type, status = what
    first, last = days
    keys = [column for column in (status, one.c.actor, other.c.actor) if not_constant(column)]
    return (
        select(
            literal(kind),
            type,
            status,
            one.c.actor,
            other.c.actor,
            literal(0),
            func.count(record.c.id.distinct()),
            func.min(first),
            func.max(last),
            func.min(record.c.id),
        )
        .join(record, record.c.id == one.c.id)
        .join(other, and_(other.c.id == one.c.id, other.c.actor != one.c.actor))
        .where(
            one.c.actor.in_(ids),
            *conditions_of(asked, kind),
            standing(one, asked.view),
            standing(other, asked.view),
            one.c.actor.in_(here),
            other.c.actor.in_(here),
        )
        .group_by(*keys)
    )


def during(asked: Asked, first: Any, last: Any) -> ColumnElement[bool]:
    """Whether a membership or office is valid on the day asked for, and within the dates; an end that is unknown is open."""
    found: list[ColumnElement[bool]] = [literal(1) == 1]
    if asked.wanted.members_on is not None:
        on = asked.wanted.members_on[0]
        found.append(and_(or_(first.is_(None), first <= on), or_(last.is_(None), last >= on)))
    period = asked.period
    if period is not None:
        dated = or_(first.is_not(None), last.is_not(None))
        lower, upper = period.lower, period.upper
        if period.certain:
            inside = [
                dated,
                *([first >= lower] if lower is not None else []),
                *([last < upper] if upper is not None else []),
            ]
        else:
            inside = [dated]
            inside += [or_(last.is_(None), last >= lower)] if lower is not None else []
            inside += [or_(first.is_(None), first < upper)] if upper is not None else []
        within = and_(*inside)
        found.append(or_(within, ~dated) if period.undated else within)
    return and_(*found)


def all_of(
    connection: Connection, asked: Asked, keys: Sequence[Key]
) -> tuple[dict[Pair, list[Tie]], dict[Key, dict[Key, int]]]:
    """What ties each of these to anybody: the ties of curated records by pair, and how many coded events it shares with whom."""
    coded = neighbours(connection, asked.coded, asked.links, keys) if asked.coded is not None else {}
    return curated(connection, asked, keys), coded


# ── How they are told ───────────────────────────────────────────────────────────────────────────────────────────────


class Who(NamedTuple):
    """An actor as it is named."""

    id: str
    name: str
    kind: str | None
    dataset: str | None
    quoted: str  # its id within an address

    @property
    def address(self) -> str:
        """Where its record stands."""
        return f"/v1/actors/{self.quoted}"


def called(id: str, name: str, kind: str | None, dataset: str | None) -> Who:
    """An actor as it is named, its id quoted once for all addresses that name it."""
    return Who(id, name, kind, dataset, quoted(id))


@lru_cache(10_000)
def quoted(id: str) -> str:
    """An id within an address."""
    return id if PLAIN.fullmatch(id) else quote(id, safe=":@")


def who(connection: Connection, view: View, keys: Iterable[Key]) -> dict[Key, Who]:
    """The actors of these ends by name."""
    told: dict[Key, Who] = {}
    keys = set(keys)
    ids = sorted(key for key in keys if isinstance(key, str))
    if ids:
        query = select(actor.c.id, actor.c.name, actor.c.kind).where(actor.c.id.in_(ids), standing(actor, view))
        told.update((id, called(id, name, kind, None)) for id, name, kind in connection.execute(query))
    numbers = [key for key in keys if isinstance(key, int)]
    told.update((number, called(id, name, None, dataset)) for number, id, name, dataset in named(connection, numbers))
    return told


def edge(asked: Asked, pair: tuple[Who, Who], ties: Sequence[Tie], names: Mapping[Key, Who]) -> dict[str, Any]:
    """An edge as the API shows it."""
    one, other = pair if pair[0].id <= pair[1].id else (pair[1], pair[0])
    told = [said(asked, tie, one, other, names) for tie in (sorted(ties, key=place) if len(ties) > 1 else ties)]
    if len(told) == 1:
        # The edges of coded events, of which there are thousands.
        only = told[0]
        n, counts, unreal, first, last = (
            only["n"],
            counted(only["kind"], only["n"]),
            only["hypothetical"],
            only["first"],
            only["last"],
        )
    else:
        counts = {}
        for tie in told:
            counts[tie["kind"]] = counts.get(tie["kind"], 0) + tie["n"]
        first = min((tie["first"] for tie in told if tie["first"] is not None), default=None)
        last = max((tie["last"] for tie in told if tie["last"] is not None), default=None)
        n, unreal = sum(counts.values()), all(tie["hypothetical"] for tie in told)
    return {
        "source": one.id,
        "target": other.id,
        "n": n,
        "counts": counts,
        "hypothetical": unreal,
        "first": first,
        "last": last,
        "ties": told,
    }


def place(tie: Tie) -> tuple[Any, ...]:
    """Where a tie stands among those of its edge: by kind, the most first."""
    return (KINDS.index(tie.kind), -tie.n, tie.type or "", tie.status or "", str(tie.source), str(tie.target))


def said(asked: Asked, tie: Tie, one: Who, other: Who, names: Mapping[Key, Who]) -> dict[str, Any]:
    """A tie as the API shows it, with the request that lists its records."""
    source = target = None
    if tie.source is not None and tie.target is not None:
        source, target = names[tie.source], names[tie.target]
    return {
        "kind": tie.kind,
        "type": tie.type,
        "status": tie.status,
        "source": None if source is None else source.id,
        "target": None if target is None else target.id,
        "n": tie.n,
        "hypothetical": tie.status in UNREAL,
        "first": iso(tie.first),
        "last": iso(tie.last),
        "items": items(asked, tie, source or one, target or other),
    }


@lru_cache(20_000)
def edge_text(base: str, n: int, first: int | None, last: int | None) -> str:
    """An edge of coded events alone as JSON, as `edge` shows it, from its number to the ids at the end of its link."""
    days = f'"first":{orjson.dumps(iso(first)).decode()},"last":{orjson.dumps(iso(last)).decode()}'
    return (
        f'"n":{n},"counts":{{"event":{n}}},"hypothetical":false,{days},'
        f'"ties":[{{"kind":"event","type":null,"status":"occurred","source":null,"target":null,"n":{n},"hypothetical":false,{days},'
        f'"items":"{base}participant.is='
    )


def events_base(asked: Asked) -> str:
    """How the requests begin that list coded events."""
    return asked.bases.get(EVENTS) or asked.bases.setdefault(EVENTS, base_of(asked, shared(1)[0]))


def items(asked: Asked, tie: Tie, source: Who, target: Who) -> str:
    """The request that lists exactly the records of a tie."""
    key = (tie.kind, tie.type, tie.status)
    base = asked.bases.get(key)
    if base is None:
        base = asked.bases[key] = base_of(asked, tie)
    mine, theirs = source.quoted, target.quoted
    match tie.kind:
        case "event":
            return f"{base}participant.is={mine}&participant.is={theirs}"
        case "relation":
            return f"{base}subject.is={mine}&object.is={theirs}"
        case "agreement":
            return f"{base}party.is={mine}&party.is={theirs}"
        case "statement":
            return f"{base}speaker.is={mine}&{tie.type}.is={theirs}"
        case "membership":
            return f"{base}id={mine}&member_of={theirs}"
        case _:
            return f"{base}id={mine}"


def base_of(asked: Asked, tie: Tie) -> str:
    """The beginning of the request that lists a tie's records, up to who is tied."""
    pairs = list(asked.pairs[tie.kind])
    if tie.kind in STATUSES:
        pairs = [pair for pair in pairs if pair[0] != "status"] + [("status", str(tie.status))]
    if tie.kind == "relation":
        pairs = [pair for pair in pairs if not pair[0].startswith("kind")] + [("kind", str(tie.type))]
    if tie.kind == "office":
        pairs.append(("holds_office", str(tie.type)))
    if tie.kind in ("membership", "office") and asked.wanted.members_on is not None:
        pairs.append(("valid_on", asked.wanted.members_on[1]))
    told = urlencode([*pairs, *asked.wanted.carried], safe=":@")
    return f"/v1/{RESOURCE.get(tie.kind, 'actors')}?{told}{'&' if told else ''}"
