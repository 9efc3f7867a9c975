"""How a plan is asked of the database: pure SQLAlchemy Core, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Integer,
    Select,
    Table,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
)

from app.query.fields import Asked, Bound, By, Facet, Holds, Is, On, Period, Present, Sort, View

if TYPE_CHECKING:
    from app.query.plan import Condition, Plan

LAST_INTEGER = 2**31 - 1


def standing(table: Table, view: View) -> ColumnElement[bool]:
    """The rows of a versioned table that this reader sees."""
    return and_(
        table.c.since <= view.revision,
        or_(table.c.until.is_(None), table.c.until > view.revision),
        table.c.face.in_(view.faces),
    )


def where(plan: Plan, connection: Connection) -> ColumnElement[bool]:
    """Everything a plan asks, as one condition on the resource's table."""
    resource, view = plan.resource, plan.view
    if plan.nothing:
        return false()
    others = beside(plan)
    parts = [standing(resource.table, view)]
    parts += [
        matching(line, Asked(line.values, others, view, connection, line.negated, line.itself), plan)
        for line in plan.conditions
    ]
    if plan.period is not None:
        parts.append(period(plan))
    parts += [resource.table.c.words.like(f"%{escaped(word)}%", escape="\\") for word in plan.words]
    left_out = resource.leaves_out
    if left_out is not None and not any(line.filter.name == left_out.filter for line in plan.conditions):
        parts.append(left_out.column.not_in(left_out.values))
    return and_(*parts)


def beside(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """The values of each filter, for the odd filter that means something else beside another."""
    found: dict[str, tuple[Any, ...]] = {}
    for line in plan.conditions:
        if not line.negated:
            found[line.filter.name] = (*found.get(line.filter.name, ()), *line.values)
    return found


def matching(line: Condition, asked: Asked, plan: Plan) -> ColumnElement[bool]:
    """One condition of a plan."""
    one = line.filter
    every = line.itself or (isinstance(one, By) and one.every)
    if every and len(line.values) > 1 and not (isinstance(one, Holds) and line.negated):
        # Negated, each of them is turned down: `not (a or b)`, never `not (a and b)`.
        each = [_matching(line, replace(asked, values=(value,)), plan) for value in line.values]
        condition = or_(*each) if line.negated else and_(*each)
    else:
        condition = _matching(line, asked, plan)
    # NOT of a null is null: what has no value does not have this one either, so it must stay in.
    return not_(func.coalesce(condition, false())) if line.negated else condition


def _matching(line: Condition, asked: Asked, plan: Plan) -> ColumnElement[bool]:
    one, values = line.filter, asked.values
    table = plan.resource.table
    match one:
        case Is():
            return one.column.in_(flat(values))
        case Holds():

            def holding(wanted: Sequence[Any]) -> ColumnElement[bool]:
                extra = true() if one.where is None else one.where
                return table.c.id.in_(
                    select(one.table.c.id).where(one.column.in_(wanted), extra, standing(one.table, asked.view))
                )

            if not one.every or line.negated:
                return holding(flat(values))
            return reduce(and_, [holding(flat((value,))) for value in values])
        case Bound():
            bound: ColumnElement[bool] = one.column >= max(values) if one.op == "from" else one.column < min(values)
            return bound
        case On():
            days = [
                and_(or_(one.first.is_(None), one.first <= day), or_(one.last.is_(None), one.last >= day))
                for day in values
            ]
            # Undated on both sides is not "open", it is unknown.
            return and_(or_(*days), or_(one.first.is_not(None), one.last.is_not(None)))
        case Present():
            return or_(*[one.column.is_not(None) if value else one.column.is_(None) for value in values])
        case By():
            made: ColumnElement[bool] = one.condition(asked)
            return made
        case Period():  # pragma: no cover - periods are parts of the plan, see `period`
            raise AssertionError("a period is no condition")


def period(plan: Plan) -> ColumnElement[bool]:
    """The dates asked for. A missing first or last day is open; a date without either is undated."""
    asked = plan.period
    assert asked is not None
    first, last, lower, upper = asked.line.first, asked.line.last, asked.lower, asked.upper
    dated = or_(first.is_not(None), last.is_not(None))
    if asked.certain:
        # Wholly inside: no day that it can mean lies outside. A missing end can be any day, so it fits only where no bound is.
        inside = [dated]
        if lower is not None:
            inside.append(first >= lower)
        if upper is not None:
            inside.append(last < upper)
        found = and_(*inside)
    else:
        overlap = [dated]
        if lower is not None:
            overlap.append(or_(last.is_(None), last >= lower))
        if upper is not None:
            overlap.append(or_(first.is_(None), first < upper))
        found = and_(*overlap)
    within = or_(found, and_(first.is_(None), last.is_(None))) if asked.undated else found
    if asked.line.first.table is plan.resource.table:
        return within
    # The date of a parent, such as that of a passage's source.
    other = asked.line.first.table
    assert isinstance(other, Table)
    return plan.resource.table.c[other.name].in_(select(other.c.id).where(within, standing(other, plan.view)))


def flat(values: Sequence[Any]) -> list[Any]:
    """The values, those of a reference being several ids each."""
    return [one for value in values for one in (value if isinstance(value, tuple) else (value,))]


def escaped(word: str) -> str:
    """A word for LIKE, its wildcards made plain."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def order(sort: Sort, descending: bool) -> ColumnElement[Any]:
    """What a page is ordered by before the id; what has no value comes last either way."""
    column = sort.column
    if not column.nullable:
        return column
    if isinstance(column.type, Integer):
        return func.coalesce(column, -LAST_INTEGER if descending else LAST_INTEGER)
    if isinstance(column.type, Float):
        return func.coalesce(column, -1e300 if descending else 1e300)
    # U+10FFFF sorts after every text, '' before; NULL flags keep a real value that is empty or highest apart.
    return case((column.is_(None), literal("" if descending else "\U0010ffff")), else_=column)


def rows(plan: Plan, condition: ColumnElement[bool], limit: int, after: tuple[Any, ...] | None) -> Select[Any]:
    """One page: id, since, until, body and the sort key, in order, `limit` rows after the key `after`."""
    table, sort, descending = plan.resource.table, plan.sort, plan.descending
    key = order(sort, descending)
    query = select(table.c.id, table.c.since, table.c.until, table.c.body, key.label("sort_key")).where(condition)
    if plan.pick is not None:
        query = query.where(table.c.id.in_(picked(plan, condition)))
    if sort.column is table.c.id:
        if after is not None:
            query = query.where(table.c.id < after[1] if descending else table.c.id > after[1])
        return query.order_by(table.c.id.desc() if descending else table.c.id).limit(limit)
    if after is not None:
        # Row comparison, not OFFSET: page 10,000 costs what page 1 costs.
        here, there = tuple_(key, table.c.id), tuple_(*[literal(value) for value in after])
        query = query.where(here < there if descending else here > there)
    directions = (key.desc(), table.c.id.desc()) if descending else (key, table.c.id)
    return query.order_by(*directions).limit(limit)


def picked(plan: Plan, condition: ColumnElement[bool]) -> Select[Any]:
    """The ids of the first or last dated record of each group that `per` names."""
    assert plan.pick is not None
    table, dated = plan.resource.table, plan.resource.dated
    assert dated is not None
    last = plan.pick.which == "last"
    when = (dated.last.desc(), table.c.id.desc()) if last else (dated.first, table.c.id)
    known = [column.is_not(None) for column in (dated.first, dated.last, *plan.pick.per)]
    number = func.row_number().over(partition_by=plan.pick.per or None, order_by=when)
    ranked = select(table.c.id, number.label("number")).where(condition, *known).subquery()
    return select(ranked.c.id).where(ranked.c.number == 1)


def matched(plan: Plan, condition: ColumnElement[bool]) -> Select[Any]:
    """The ids of every record that a plan asks for."""
    table = plan.resource.table
    query = select(table.c.id).where(condition)
    return query.where(table.c.id.in_(picked(plan, condition))) if plan.pick is not None else query


def count(plan: Plan, condition: ColumnElement[bool], most: int | None) -> Select[Any]:
    """How many there are; with `most`, no further than one more than that."""
    query = matched(plan, condition)
    return select(func.count()).select_from((query if most is None else query.limit(most + 1)).subquery())


def facet(plan: Plan, condition: ColumnElement[bool], line: Facet, most: int) -> Select[Any]:
    """The values of a facet with how many records have each, most frequent first."""
    column, table = line.column, line.column.table
    assert isinstance(table, Table)
    number = func.count(table.c.id.distinct()).label("n")
    members = table.c.id.in_(matched(plan, condition))
    rows_of = [column.is_not(None), members, standing(table, plan.view)]
    if line.beside is not None:
        rows_of.append(line.beside(beside(plan)))
    query = select(column.label("value"), number).where(*rows_of)
    return query.group_by(column).order_by(number.desc(), column).limit(most)


def by_ids(table: Table, view: View, ids: Sequence[str]) -> Select[Any]:
    """The records of these ids that this reader sees."""
    return select(table.c.id, table.c.since, table.c.until, table.c.body).where(
        table.c.id.in_(ids), standing(table, view)
    )
