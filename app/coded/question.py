"""What a plan asks of the coded events: its filters in the terms of their tables, or that none of them can match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, bindparam, false, func, not_, or_, select, true

from app import straight
from app.codes import Codes, load
from app.codes.values import DATASETS
from app.models.coded import INITIATOR, RECIPIENT, coded_actor, coded_event, coded_link, coded_part, coded_report
from app.models.event import event
from app.query.fields import View
from app.query.once import Once
from app.query.params import AskedPeriod
from app.query.plan import Plan
from app.query.sql import standing
from app.query.text import beginnings
from app.settings import shipped

HEXADECIMAL = re.compile(r"[0-9a-f]{16}")
REPORTED = select(coded_report.c.number).where(coded_report.c.native.in_(bindparam("own", expanding=True))).distinct()
ROLES = {"initiator": INITIATOR, "recipient": RECIPIENT}
NUMBERS: Once[tuple[str, ...], frozenset[int]] = Once(20_000)  # which of the datasets' actors ids stand for
LONGEST: Once[None, int] = Once(500)  # the longest coded event
# What only curated events have: asked for, no coded event matches; excluded, all do.
CURATED_ONLY = ("place", "topic", "source")
COLUMNS = {"plover": "plover", "kind": "kind"}


@dataclass(frozen=True, slots=True)
class Coding:
    """What an event is coded as: one of `labels`, or something that begins with one of `prefixes`."""

    prefixes: tuple[str, ...]
    labels: tuple[str, ...]

    def on(self, code: Any) -> ColumnElement[bool]:
        """The condition on a code."""
        begins = [and_(code >= one, code < one + ":") for one in self.prefixes]  # ':' follows '9'
        return or_(false(), *begins, *([code.in_(self.labels)] if self.labels else []))


@dataclass(frozen=True, slots=True)
class Question:
    """A plan in the terms of the coded tables."""

    view: View
    parties: tuple[frozenset[int], ...] = ()  # each must take part, in any role of `roles`
    initiators: frozenset[int] | None = None
    recipients: frozenset[int] | None = None
    roles: tuple[int, ...] = ()
    codes: tuple[Coding, ...] = ()  # each must hold
    period: AskedPeriod | None = None
    span: int = 0  # the longest event, in days: how far before a period one may begin that reaches into it
    more: tuple[ColumnElement[bool], ...] = ()  # on coded_event only
    plain: bool = True  # whether nothing but parties, codes, a period and datasets is asked

    @property
    def driven(self) -> frozenset[int] | None:
        """The actors whose parts a page is read from; None where it is read from the events."""
        if self.initiators is not None:
            return self.initiators
        if self.parties:
            return min(self.parties, key=len)
        return self.recipients


def read(connection: Connection, plan: Plan) -> Question | None:
    """The question, or None where no coded event can match; worked out once for an answer."""
    known = plan.read.get("coded")
    if known is None or known[0] is not plan.conditions or known[1] is not plan.period:
        known = plan.read["coded"] = (plan.conditions, plan.period, _read(connection, plan))
    found: Question | None = known[2]
    return found


def _read(connection: Connection, plan: Plan) -> Question | None:
    if plan.nothing:
        return None
    told: dict[str, Any] = {"parties": (), "codes": (), "more": (), "plain": True}
    for line in plan.conditions:
        name, values = line.filter.name, line.values
        ids = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
        if name in CURATED_ONLY:
            if not line.negated:
                return None
        elif name == "status":
            if ("occurred" in values) is line.negated:
                return None
        elif name == "participant" and not line.negated:
            sets = tuple(numbers(connection, plan.view, value) for value in values)
            if not all(sets):
                return None
            told["parties"] += sets
        elif name in ROLES and not line.negated:
            found = numbers(connection, plan.view, ids)
            if not found:
                return None
            field = f"{name}s"
            told[field] = told[field] & found if field in told else found
        elif name == "role" and not line.negated:
            told["roles"] = tuple(ROLES[value] for value in values if value in ROLES)
            if not told["roles"]:
                return None
        elif name == "code" and not line.negated:
            if line.itself and len(set(values)) > 1:
                return None
            told["codes"] += (coding(values, itself=line.itself),)
        else:
            condition = other(connection, plan.view, name, values, ids, roles_of(plan))
            told["more"] += (not_(func.coalesce(condition, false())) if line.negated else condition,)
            told["plain"] = told["plain"] and name == "dataset"
    asked = Question(plan.view, period=plan.period, span=longest(connection, plan.view), **told)
    if plan.words:
        from app.coded.wording import narrowed as worded

        return worded(connection, asked, beginnings(plan.query.q or ""))
    return asked


def roles_of(plan: Plan) -> tuple[int, ...]:
    """The roles that a plan asks its participants for, among those that coded events have."""
    asked = (line.values for line in plan.conditions if line.filter.name == "role" and not line.negated)
    return tuple(ROLES[value] for values in asked for value in values if value in ROLES)


def other(
    connection: Connection, view: View, name: str, values: Sequence[Any], ids: Sequence[str], roles: tuple[int, ...]
) -> ColumnElement[bool]:
    """A condition on the event alone."""
    e = coded_event.c
    match name:
        case "participant":
            found = numbers(connection, view, ids)
            return or_(false(), *[e[role].in_(found) for role in ROLES if not roles or ROLES[role] in roles])
        case "initiator" | "recipient":
            return e[name].in_(numbers(connection, view, ids))
        case "role":
            return or_(*[e[value].is_not(None) for value in values if value in ROLES], false())
        case "code":
            return coding(tuple(values)).on(coded(coded_event))
        case "intensity_from":
            return and_(e.intensity >= max(values))
        case "intensity_before":
            return and_(e.intensity < min(values))
        case "after":
            return or_(false(), *[e.day > last for _, last in days(connection, view, ids) if last is not None])
        case "before":
            return or_(false(), *[e.last < first for first, _ in days(connection, view, ids) if first is not None])
        case "same_day_as":
            known = [first for first, last in days(connection, view, ids) if first is not None and first == last]
            return or_(false(), *[and_(e.day == day, e.last == day) for day in known])
        case "dataset":
            return e.dataset.in_(ids)
        case "quad":
            scheme = codes()
            classed = tuple(code for code in scheme.by_scheme["cameo"] if scheme.quad(code) in values)
            return or_(e.quad.in_(values), and_(e.quad.is_(None), coding(classed, itself=True).on(coded(coded_event))))
        case "country":
            return e.country.in_([value.upper() for value in values])
        case _:
            return e[COLUMNS[name]].in_(values)


def coded(table: Any) -> Any:
    """What an event is coded as: the code, or for a dataset without codes its label; parts and sums hold just that."""
    return func.coalesce(table.c.code, table.c.label, table.c.plover) if table is coded_event else table.c.code


@lru_cache(200)
def coding(asked: tuple[str, ...], *, itself: bool = False) -> Coding:
    """What is asked of the code: with `itself` that very code, else it and all below it."""
    known = codes()
    numbered = tuple(one for one in asked if one.isascii() and one.isdigit())
    # The same in a dataset that has codes and no words, or words and no codes.
    translated = [known.code_of(one) for one in asked if one not in numbered]
    exact = tuple(dict.fromkeys([*asked, *(code for code in translated if code)]))
    if not itself:
        return Coding(
            numbered, tuple(dict.fromkeys([*labels_of(asked), *(one for one in exact if one not in numbered)]))
        )
    own = [known.label(one, name) for one in exact if one.isdigit() for name in DATASETS]
    return Coding((), tuple(dict.fromkeys([*exact, *(label for label in own if label)])))


def labels_of(asked: Iterable[str]) -> tuple[str, ...]:
    """The labels that stand for codes in datasets that have only words, and those asked for themselves."""
    known = codes()
    within = [code for one in asked if one.isascii() and one.isdigit() for code in known.within(one)]
    found = [known.label(code, name) for code in within for name in DATASETS]
    return tuple(dict.fromkeys([*(label for label in found if label), *(one for one in asked if not one.isdigit())]))


@cache
def codes() -> Codes:
    """The codes that come with the software."""
    return load(shipped("seed") / "codes")


def candidates(connection: Connection, ids: Sequence[str]) -> list[int]:
    """The numbers under which events of these ids can be kept: the id is a report's own, or the number itself."""
    return [*own_numbers(ids), *reported(connection, ids)]


def own_numbers(ids: Sequence[str]) -> list[int]:
    """The numbers that ids are."""
    own = (id.partition(":")[2] for id in ids)
    return [number for one in own if HEXADECIMAL.fullmatch(one) and (number := int(one, 16)) < 2**63]


def reported(connection: Connection, ids: Sequence[str]) -> list[int]:
    """The numbers of the events that reports of these ids tell."""
    return [row[0] for row in straight.rows(connection, REPORTED, {"own": [id.partition(":")[2] for id in ids]})]


def numbers(connection: Connection, view: View, ids: Iterable[str]) -> frozenset[int]:
    """The datasets' actors that these ids stand for at a revision: those linked to them, and their own."""
    wanted = tuple(ids)
    return NUMBERS.get(connection, view, wanted, lambda: _numbers(connection, view, wanted))


def _numbers(connection: Connection, view: View, wanted: Sequence[str]) -> frozenset[int]:
    linked = select(coded_link.c.number).where(coded_link.c.actor.in_(wanted), stands(coded_link, view))
    own = select(coded_actor.c.number).where(coded_actor.c.id.in_(wanted), coded_actor.c.since <= view.revision)
    return frozenset(connection.scalars(linked)) | frozenset(connection.scalars(own))


def stands(table: Any, view: View) -> ColumnElement[bool]:
    """The rows of a coded table that stand at a revision; they have no faces.

    `+ 0` hides the index by revision: SQLite, which keeps no statistics here, took all rows from it to sort them for one page
    (11 s at ten million events, 0.08 s by the index of days).
    """
    return and_(table.c.since + 0 <= view.revision, or_(table.c.until.is_(None), table.c.until > view.revision))


# A revision that a statement is told when it is asked.
AT = View(bindparam("revision", type_=BigInteger()), False)  # type: ignore[arg-type]


def standing_then(table: Any) -> ColumnElement[bool]:
    """The same at `revision`, which is told when it is asked, of a table without an index by revision."""
    c = table.c
    then: Any = bindparam("revision")
    return and_(c.since <= then, or_(c.until.is_(None), c.until > then))


def days(connection: Connection, view: View, ids: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """The first and last day of events, coded ones and curated ones."""
    found: list[tuple[int | None, int | None]] = []
    curated = select(event.c.happened_first, event.c.happened_last).where(event.c.id.in_(ids), standing(event, view))
    coded = select(coded_event.c.day, coded_event.c.last).where(
        coded_event.c.number.in_(candidates(connection, ids)), coded_event.c.id.in_(ids), stands(coded_event, view)
    )
    for query in (curated, coded):
        found += [(row[0], row[1]) for row in connection.execute(query)]
    return found


def longest(connection: Connection, view: View) -> int:
    """How many days the longest coded event lasts beyond its first; remembered, since it changes with a revision only."""

    def find() -> int:
        # Read from an index that holds nothing but the events of several days, of which most datasets have none.
        lasting = coded_event.c.last > coded_event.c.day
        # `+ 0` hides the index by revision, in which a planner without statistics would rather look at all events.
        begun, until = coded_event.c.since + 0 <= view.revision, coded_event.c.until
        query = select(func.max(coded_event.c.last - coded_event.c.day)).where(
            lasting, begun, or_(until.is_(None), until > view.revision)
        )
        return connection.execute(query).scalar() or 0

    return LONGEST.get(connection, view, None, find)


def conditions(asked: Question, *, parts: bool) -> list[ColumnElement[bool]]:
    """The question as conditions on coded_event, and where a page is driven by an actor's parts, on coded_part."""
    e, p = coded_event.c, coded_part.c
    found: list[ColumnElement[bool]] = list(asked.more)
    day = p.day if parts else e.day
    if parts:
        found += [stands(coded_part, asked.view), *party_conditions(asked)]
        found += [one.on(p.code) for one in asked.codes]
    else:
        found.append(stands(coded_event, asked.view))
        found += [one.on(coded(coded_event)) for one in asked.codes]
        if asked.roles:
            found.append(
                or_(*[(e.initiator if role == INITIATOR else e.recipient).is_not(None) for role in asked.roles])
            )
    if asked.period is not None:
        found += period_conditions(asked, day)
    return found


def party_conditions(asked: Question) -> list[ColumnElement[bool]]:
    """Who acts, who is acted upon, who takes part in which role, beside the actor that drives the page."""
    p = coded_part.c
    found: list[ColumnElement[bool]] = []
    if asked.initiators is not None:
        found.append(p.role == INITIATOR)
        if asked.recipients is not None:
            found.append(p.other.in_(asked.recipients))
    elif asked.recipients is not None and not asked.parties:
        found.append(p.role == RECIPIENT)
    elif asked.recipients is not None:
        mine, theirs = and_(p.role == RECIPIENT, p.actor.in_(asked.recipients)), p.other.in_(asked.recipients)
        found.append(or_(mine, and_(p.role == INITIATOR, theirs)))
    if asked.parties and asked.initiators is None:
        # The driving actor's own part, once for each event.
        found.append(p.role.in_(asked.roles) if asked.roles else p.once == 1)
        if len(asked.roles) > 1:
            found.append(p.once == 1)
    elif asked.roles and not asked.parties:
        found.append(or_(p.role.in_(asked.roles), and_(p.other.is_not(None), (3 - p.role).in_(asked.roles))))
    found += [takes(one, asked.roles) for one in asked.parties]
    return found


def takes(actors: frozenset[int], roles: tuple[int, ...]) -> ColumnElement[bool]:
    """One of the actors takes part in a part's event, in one of the roles where some are asked for."""
    p = coded_part.c
    mine: ColumnElement[bool] = p.actor.in_(actors)
    theirs: ColumnElement[bool] = p.other.in_(actors)
    if roles:
        mine, theirs = and_(mine, p.role.in_(roles)), and_(theirs, (3 - p.role).in_(roles))
    return or_(mine, theirs)


def period_conditions(asked: Question, day: Any) -> list[ColumnElement[bool]]:
    """The dates asked for, as the plain bound on the day and, where events last longer, on their last one."""
    period = asked.period
    assert period is not None
    found: list[ColumnElement[bool]] = []
    last = coded_event.c.last
    if period.lower is not None:
        if period.certain:
            found.append(day >= period.lower)
        else:
            found.append(day >= period.lower - asked.span)
            if asked.span:
                found.append(last >= period.lower)
    if period.upper is not None:
        found.append(day < period.upper)
        if period.certain and asked.span:
            found.append(last < period.upper)
    return found or [true()]
