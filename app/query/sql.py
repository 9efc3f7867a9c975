"""How a plan is asked of the database: pure SQLAlchemy Core, the same on SQLite and PostgreSQL.

A page's statement is built once for all questions of one form, with places for their values: building it took three times as long
as asking it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import cache, reduce
from itertools import count as numbers
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Float,
    Integer,
    Row,
    Select,
    Table,
    Text,
    and_,
    bindparam,
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

from app.query import text_index
from app.query.fields import Asked, Bound, By, Facet, Filter, Holds, Is, On, Period, Present, Sort, View
from app.query.text import beginnings
from app.straight import rows as rows_of

if TYPE_CHECKING:
    from app.query.plan import Condition, Plan

LAST_INTEGER = 2**31 - 1
FEW = 1_000  # records that are named one by one: their ids are looked up faster than an index of words is joined
FORMS_MOST = 1_000  # of questions whose statement is kept; there are far fewer in use
BUILT: dict[Hashable, Select[Any]] = {}


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
        matching(line, Asked(line.values, others, view, connection, line.negated, line.itself, line.forms), plan)
        for line in plan.conditions
    ]
    if plan.period is not None:
        parts.append(period(plan))
    if plan.words:
        parts.append(holding(plan, connection))
    left_out = resource.leaves_out
    if left_out is not None and not any(line.filter.name == left_out.filter for line in plan.conditions):
        parts.append(left_out.column.not_in(left_out.values))
    return and_(*parts)


def holding(plan: Plan, connection: Connection) -> ColumnElement[bool]:
    """The records whose own words hold what `q` asks: by id where they are few; else each is looked at as it comes up."""
    resource, table = plan.resource, plan.resource.table
    terms = beginnings(plan.query.q or "")
    few = text_index.ids(connection, plan.view, terms, resource.noun, limit=FEW + 1)
    if len(few) <= FEW:
        return table.c.id.in_(few)
    if resource.texts:
        return table.c.id.in_(text_index.chosen(connection, plan.view, terms, resource.noun))
    # Words that so many hold: the page is full after a few records, in whatever order, and their words stand with them.
    return and_(*[table.c.words.like(f"%{escaped(word)}%", escape="\\") for word in plan.words])


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
        forms = line.forms or (None,) * len(line.values)
        each = [
            _matching(line, replace(asked, values=(value,), forms=(form,)), plan)
            for value, form in zip(line.values, forms, strict=True)
        ]
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
            # Given once at most.
            bound: ColumnElement[bool] = one.column >= values[0] if one.op == "from" else one.column < values[0]
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


def page(
    connection: Connection, plan: Plan, limit: int, after: tuple[Any, ...] | None
) -> tuple[Select[Any], dict[str, Any]]:
    """The statement of one page, see `rows`, and the values for its places."""
    asked = form(plan, after)
    if asked is None:
        return rows(plan, where(plan, connection), limit, after), {}
    key, values = asked
    statement = BUILT.get(key)
    if statement is None:
        kept, there = placed(plan, after)
        statement = rows(kept, where(kept, connection), place("limit", limit), there)
        if len(BUILT) >= FORMS_MOST:
            BUILT.clear()
        BUILT[key] = statement
    told = {f"p{n}": value for n, value in enumerate(values)}
    told["limit"], told["revision"] = limit, plan.view.revision
    return statement, told


def form(plan: Plan, after: tuple[Any, ...] | None) -> tuple[Hashable, list[Any]] | None:
    """What a page's statement depends on, and the values that only fill it in; None where that cannot be told apart."""
    if plan.words or plan.nothing:
        return None
    values: list[Any] = []
    lines = []
    for line in plan.conditions:
        if not fillable(line.filter):
            return None
        sizes = []
        for value in line.values:
            if type(value) is bool:
                return None  # no value of a column, but a choice between conditions
            if type(value) is tuple:
                values += value
                sizes.append(len(value))
            else:
                values.append(value)
                sizes.append(-1)
        lines.append((line.filter.name, line.negated, line.itself, tuple(sizes), line.forms))
    period = None
    if plan.period is not None:
        asked = plan.period
        period = (asked.lower is None, asked.upper is None, asked.certain, asked.undated)
        values += [day for day in (asked.lower, asked.upper) if day is not None]
    if after is not None:
        values += after
    pick = None if plan.pick is None else (plan.pick.which, plan.pick.name)
    sort = (plan.sort.name, plan.descending, after is not None)
    of = (plan.resource.name, plan.resource.table, plan.view.enrichment)
    return (of, tuple(lines), period, sort, pick), values


def fillable(line: Filter) -> bool:
    """Whether the values of a filter go into its condition as they are."""
    match line:
        case By():
            return line.form is not None
        case Present():
            return False
        case _:
            return True


def placed(plan: Plan, after: tuple[Any, ...] | None) -> tuple[Plan, tuple[Any, ...] | None]:
    """The plan and the key with a place instead of each value, in the order of `form`."""
    free = (f"p{n}" for n in numbers())

    def fill(value: Any) -> Any:
        return tuple(place(next(free), one) for one in value) if type(value) is tuple else place(next(free), value)

    conditions = tuple(replace(line, values=tuple(fill(value) for value in line.values)) for line in plan.conditions)
    period = plan.period
    if period is not None:
        bounds = {name: fill(day) for name in ("lower", "upper") if (day := getattr(period, name)) is not None}
        period = replace(period, **bounds)
    there = None if after is None else fill(after)
    view = View(place("revision", plan.view.revision), plan.view.enrichment)  # type: ignore[arg-type]
    return replace(plan, conditions=conditions, period=period, view=view), there


def place(name: str, value: Any) -> BindParameter[Any]:
    """A place for a value of this kind."""
    kind = BigInteger() if isinstance(value, int) else Float() if isinstance(value, float) else Text()
    return bindparam(name, type_=kind)


def rows(
    plan: Plan, condition: ColumnElement[bool], limit: int | BindParameter[Any], after: tuple[Any, ...] | None
) -> Select[Any]:
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
        here, there = tuple_(key, table.c.id), tuple_(*[held(value) for value in after])
        query = query.where(here < there if descending else here > there)
    directions = (key.desc(), table.c.id.desc()) if descending else (key, table.c.id)
    return query.order_by(*directions).limit(limit)


def held(value: Any) -> ColumnElement[Any]:
    """A value, or the place of one."""
    return value if isinstance(value, BindParameter) else literal(value)


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


def each_picked(plan: Plan, condition: ColumnElement[bool]) -> Select[Any]:
    """The same with their days, their sort key and the values of their group."""
    assert plan.pick is not None
    assert plan.resource.dated is not None
    table, dated = plan.resource.table, plan.resource.dated
    key = order(plan.sort, plan.descending).label("sort_key")
    days = (dated.first.label("first"), dated.last.label("last"))
    # Versions of other faces have the same id.
    query = select(table.c.id, *days, key, *[column.label(f"g{n}") for n, column in enumerate(plan.pick.per)])
    return query.where(table.c.id.in_(picked(plan, condition)), condition)


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


def by_ids(connection: Connection, table: Table, view: View, ids: Sequence[str]) -> Sequence[Row[Any]]:
    """The records of these ids that this reader sees."""
    return rows_of(connection, _by_ids(table, view.enrichment), {"ids": list(ids), "revision": view.revision})


@cache
def _by_ids(table: Table, enrichment: bool) -> Select[Any]:
    view = View(place("revision", 0), enrichment)  # type: ignore[arg-type]
    named = table.c.id.in_(bindparam("ids", expanding=True))
    return select(table.c.id, table.c.since, table.c.until, table.c.body).where(named, standing(table, view))
