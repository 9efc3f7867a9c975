"""Which record is the first or last of each group: over every place where records are kept, one for each group."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from app.errors import BadQuery, Fault
from app.query import sql
from app.query.fields import Picked
from app.query.once import Once
from app.query.plan import Plan

GROUPS_MOST: Final = 200_000  # a group takes 300 bytes while they are compared


class Winner(NamedTuple):
    """The record of a group, by what the plan sorts by."""

    key: Any
    id: str


WINNERS: Once[str, Sequence[Winner]] = Once(4)  # of walks and exports that are under way


def winners(connection: Connection, plan: Plan) -> Sequence[Winner]:
    """The record of each group, in ascending order; worked out once for a walk. Raises BadQuery for too many groups."""
    return WINNERS.get(connection, plan.view, plan.mark, lambda: tuple(sorted(_winners(connection, plan))))


def _winners(connection: Connection, plan: Plan) -> Iterable[Winner]:
    assert plan.pick is not None
    last = plan.pick.which == "last"
    best: dict[tuple[Any, ...], Picked] = {}
    own = (
        Picked(tuple(row[4:]), row.first, row.last, row.sort_key, row.id)
        for row in connection.execute(sql.each_picked(plan, sql.where(plan, connection)))
    )
    for some in (own, *(store.picked(connection, plan) for store in plan.resource.stores)):
        for one in some:
            before = best.get(one.group)
            if before is None or (
                (one.last, one.id) > (before.last, before.id)
                if last
                else (one.first, one.id) < (before.first, before.id)
            ):
                best[one.group] = one
        refuse(len(best))
    return [Winner(one.key, one.id) for one in best.values()]


def refuse(groups: int) -> None:
    """Refuse more groups than can be compared."""
    if groups > GROUPS_MOST:
        detail = f"There are more than {GROUPS_MOST:,} groups; no more are picked from at once. Narrow the filters."
        raise BadQuery(detail, errors=[Fault("per", detail)])


def following(found: Sequence[Winner], limit: int, after: tuple[Any, ...] | None, *, down: bool) -> list[Winner]:
    """The next of them after a key."""
    if down:
        end = len(found) if after is None else bisect_left(found, after)
        return list(reversed(found[max(0, end - limit) : end]))
    start = 0 if after is None else bisect_right(found, after)
    return list(found[start : start + limit])
