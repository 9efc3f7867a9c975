"""How the actors of datasets are asked for that nobody has tied to an actor here: by their own names, kept apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from orjson import Fragment
from sqlalchemy import BigInteger, ColumnElement, Connection, and_, bindparam, exists, false, func, null, or_, select

from app import straight
from app.coded.question import stands
from app.models.coded import coded_actor, coded_link
from app.names import fold
from app.query import text_index
from app.query.fields import Facet, Match, Picked, Resource, Version, View
from app.query.once import Once
from app.query.page import rendered
from app.query.plan import Plan
from app.query.text import beginnings

A = coded_actor.c
BY_ID = select(coded_actor, null().label("until")).where(
    A.id.in_(bindparam("ids", expanding=True)), A.since <= bindparam("revision", type_=BigInteger())
)
KNOWN: Once[str, Match] = Once(10_000)


class CodedActors:
    """The unlinked actors of datasets as a store of the actors resource, see `app.query.fields.Store`."""

    def page(self, connection: Connection, plan: Plan, limit: int, after: tuple[Any, ...] | None) -> Sequence[Match]:
        """The next actors after a key, in the plan's order."""
        condition = where(connection, plan)
        if condition is None:
            return []
        column, down = A[plan.sort.name], plan.descending
        query = select(coded_actor, null().label("until")).where(condition)
        if after is not None:
            value, id = after
            beyond = or_(
                column < value if down else column > value, and_(column == value, A.id < id if down else A.id > id)
            )
            query = query.where(beyond)
        order = (column.desc(), A.id.desc()) if down else (column, A.id)
        return [
            Match(row._mapping[column], row.id, row, self)
            for row in connection.execute(query.order_by(*order).limit(limit))
        ]

    def count(self, connection: Connection, plan: Plan, most: int | None) -> int:
        """How many there are, no further than one more than `most`."""
        condition = where(connection, plan)
        if condition is None:
            return 0
        query = select(A.number).where(condition)
        return connection.execute(
            select(func.count()).select_from((query if most is None else query.limit(most + 1)).subquery())
        ).scalar_one()

    def heavy(self, connection: Connection, plan: Plan) -> bool:
        """Never: there are thousands of them, not millions."""
        return False

    def picked(self, connection: Connection, plan: Plan) -> Sequence[Picked]:
        """None: actors have no dates to pick by."""
        return []

    def facet(self, connection: Connection, plan: Plan, line: Facet, most: int) -> Mapping[Any, int]:
        """None: a dataset does not say what kind of actor it names."""
        return {}

    def by_ids(self, connection: Connection, view: View, ids: Sequence[str]) -> Sequence[Match]:
        """The actors of these ids, linked ones too: their events still name them."""

        def find(some: list[str]) -> dict[str, Match]:
            told = {"ids": some, "revision": view.revision}
            return {row.id: Match(None, row.id, row, self) for row in straight.rows(connection, BY_ID, told)}

        return list(KNOWN.many(connection, view, [id for id in ids if ":" in id], find).values())

    def bodies(self, connection: Connection, view: View, kept: Sequence[Match]) -> Mapping[str, dict[str, Any]]:
        """The actors as records, by id."""
        return {one.id: body(one.row) for one in kept}

    def said(self, connection: Connection, resource: Resource, view: View, kept: Sequence[Match]) -> list[Fragment]:
        """The actors as JSON."""
        return [Fragment(orjson.dumps(rendered(resource, one.row, view, {}, body(one.row)))) for one in kept]

    def versions(self, connection: Connection, view: View, id: str) -> Sequence[Version]:
        """The one version of an actor: what a dataset calls it does not change."""
        rows = self.by_ids(connection, view, [id])
        return [Version(one.row.since, None, {"id": one.id, **body(one.row)}) for one in rows]

    def dates(self, connection: Connection, view: View) -> tuple[int | None, int | None]:
        """Actors have no dates."""
        return None, None


def where(connection: Connection, plan: Plan) -> ColumnElement[bool] | None:
    """The plan as a condition on the datasets' actors, or None where none of them can match."""
    if plan.nothing:
        return None
    found: list[ColumnElement[bool]] = [unlinked(plan.view)]
    if plan.words:
        named = text_index.chosen(connection, plan.view, beginnings(plan.query.q or ""), "coded_actor")
        found.append(A.id.in_(named))
    for line in plan.conditions:
        if line.filter.name in ("id", "name"):
            by_name = A.folded.in_([fold(value) for value in line.values])
            same = A.id.in_(line.values) if line.filter.name == "id" else by_name
            found.append(~same if line.negated else same)
        elif not line.negated:
            return None
    return and_(*found) if found else false()


def unlinked(view: View) -> ColumnElement[bool]:
    """The datasets' actors that nobody is here, at a revision."""
    linked = exists().where(coded_link.c.number == A.number, stands(coded_link, view))
    return and_(A.since <= view.revision, ~linked)


def body(row: Any) -> dict[str, Any]:
    """A dataset's actor as a record of the actors resource, but for what every record has."""
    return {
        "name": row.name,
        "kind": None,
        "names": [{"text": row.name, "kind": "name", "language": None, "evidence": [], "enrichment": None}],
        "identifiers": [{"scheme": row.dataset, "value": row.code, "evidence": [], "enrichment": None}]
        if row.code
        else [],
        "existence": "uncertain",
        "offices": [],
        "memberships": [],
        "evidence": [],
        "dataset": row.dataset,
        "country": row.country,
        "sectors": [one for one in row.sectors.split("|") if one],
    }
