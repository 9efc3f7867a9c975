"""Who a dataset's actor is here: declared rules in a fixed order, each link kept with its reason, and kept apart when unsure.

    identifier     the actor is a country by its name or code, and a state here carries that country's ISO code
    government     `Government (Japan)`, and here a government represents that state
    name           the folded name is a listed name of exactly one actor here

A description ("the ministry") and a metonym ("Tokyo") name no actor for certain, nor does a family name alone. Links are versions:
closing one and opening another touches no event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from app import ledger
from app.errors import BadQuery
from app.importers.countries import countries, named
from app.models.actor import actor, actor_identifier, actor_name
from app.models.coded import coded_actor, coded_link
from app.models.relation import relation
from app.names import fold

ISO: Final = "iso3166-1-alpha2"
UNSURE: Final = ("metonym", "description")  # kinds of names that stand for somebody only where they are used
_GOVERNMENT: Final = re.compile(r"Government (?:\((.+)\)|of (.+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """Who somebody is here, and by which rule that was told."""

    actor: str
    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """The actors that stand here, as the rules look at them."""

    states: Mapping[str, str]  # ISO alpha-2 code to state
    governments: Mapping[str, str]  # state to the one government that represents it
    names: Mapping[str, str | None]  # folded name to the one actor of that name; None where several share it


def known(connection: Connection) -> Known:
    """The actors that stand now."""
    here = actor.c.until.is_(None)
    kinds = {row.id: row.kind for row in connection.execute(select(actor.c.id, actor.c.kind).where(here))}
    coded = select(actor_identifier.c.value, actor_identifier.c.id).where(
        actor_identifier.c.scheme == ISO, actor_identifier.c.until.is_(None)
    )
    states = _one_each((row.value.upper(), row.id) for row in connection.execute(coded) if kinds.get(row.id) == "state")
    acts = select(relation.c.object, relation.c.subject).where(
        relation.c.kind == "represents", relation.c.until.is_(None)
    )
    governments = _one_each(
        (row.object, row.subject)
        for row in connection.execute(acts)
        if kinds.get(row.subject) == "government" and kinds.get(row.object) == "state"
    )
    called = select(actor_name.c.folded, actor_name.c.id).where(
        actor_name.c.until.is_(None), actor_name.c.how == "listed", actor_name.c.kind.not_in(UNSURE)
    )
    names = _one_each((row.folded, row.id) for row in connection.execute(called))
    return Known(_sure(states), _sure(governments), names)


def _one_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for key, id in pairs:
        found[key] = id if found.get(key, id) == id else None
    return found


def _sure(found: Mapping[str, str | None]) -> dict[str, str]:
    return {key: id for key, id in found.items() if id is not None}


def link(known: Known, *, name: str | None, code: str | None, country: str | None) -> Link | None:
    """Who an actor of a dataset is here; None keeps it apart."""
    if country is not None and (state := known.states.get(country)) is not None:
        if named(name) == country:
            return Link(state, f"identifier: {name} is the country {country}, whose ISO code {state} carries")
        if code is not None and countries().alpha3.get(code) == country and (name is None or named(name) is not None):
            return Link(state, f"identifier: the code {code} is the country {country}, whose ISO code {state} carries")
    if name is None:
        return None
    if (match := _GOVERNMENT.fullmatch(name)) is not None:
        state = _state(known, match[1] or match[2])
        government = known.governments.get(state) if state is not None else None
        if government is not None:
            return Link(government, f"government: {name}, and {government} represents {state}")
    same = known.names.get(fold(name))
    return None if same is None else Link(same, f"name: {name} is a name of {same} and of nobody else here")


def _state(known: Known, name: str) -> str | None:
    country = named(name)
    by_code = known.states.get(country) if country is not None else None
    by_name = known.names.get(fold(name))
    return by_code or by_name


def relink(connection: Connection, revision: int, number: int, to: str | None, why: str) -> bool:
    """Let a dataset's actor be somebody else here from this revision on, or nobody; says whether that changed anything.

    Raises BadQuery for a number that no dataset's actor has, or an actor that does not stand.
    """
    ledger.hold(connection, revision)
    if connection.execute(select(coded_actor.c.number).where(coded_actor.c.number == number)).scalar() is None:
        raise BadQuery(f"No dataset has an actor of the number {number}.")
    if (
        to is not None
        and connection.execute(select(actor.c.id).where(actor.c.id == to, actor.c.until.is_(None)).limit(1)).scalar()
        is None
    ):
        raise BadQuery(f"There is no actor {to}.")
    mine = coded_link.c.number == number
    standing = connection.execute(select(coded_link.c.actor).where(mine, coded_link.c.until.is_(None))).scalar()
    if standing == to:
        return False
    # Within a revision the last word counts.
    connection.execute(delete(coded_link).where(mine, coded_link.c.since == revision))
    connection.execute(update(coded_link).where(mine, coded_link.c.until == revision).values(until=None))
    before = connection.execute(select(coded_link.c.actor).where(mine, coded_link.c.until.is_(None))).scalar()
    if before == to:
        return True
    connection.execute(update(coded_link).where(mine, coded_link.c.until.is_(None)).values(until=revision))
    if to is not None:
        connection.execute(insert(coded_link).values(number=number, since=revision, actor=to, why=why))
    return True


def reconcile(connection: Connection, revision: int, dataset: str | None = None) -> int:
    """Link actors of datasets that are kept apart and whom the rules tell by now; says how many."""
    ledger.hold(connection, revision)
    linked = select(coded_link.c.number).where(coded_link.c.until.is_(None))
    query = select(coded_actor).where(coded_actor.c.number.not_in(linked))
    if dataset is not None:
        query = query.where(coded_actor.c.dataset == dataset)
    here = known(connection)
    rows = []
    for row in connection.execute(query):
        found = link(here, name=row.name, code=row.code, country=row.country)
        # Closed in this very revision by somebody who knows better: leave it.
        if found is not None:
            rows.append({"number": row.number, "since": revision, "actor": found.actor, "why": found.why})
    closed = set(connection.scalars(select(coded_link.c.number).where(coded_link.c.until.is_not(None)).distinct()))
    rows = [row for row in rows if row["number"] not in closed]
    if rows:
        connection.execute(insert(coded_link), rows)
    return len(rows)
