"""Everything a plan asks for, a chunk at a time: whole results, which exports bring, in short reads that hold no connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from app.query.evidence import Texts
from app.query.page import Bounds, Record, chosen, matching, records
from app.query.plan import Plan, at

Connect = Callable[[], AbstractContextManager[Connection]]


def chunks(connect: Connect, plan: Plan, bounds: Bounds, *, most: int | None = None) -> Iterator[list[Record]]:
    """Every record of a plan, or the first `most`, a chunk at a time.

    Each chunk is a short read of its own, pinned to the plan's revision.
    """
    after, left = plan.after, most
    while left is None or left > 0:
        size = bounds.chunk_rows if left is None else min(left, bounds.chunk_rows)
        with connect() as connection:
            if plan.nothing:
                return
            found = matching(connection, at(plan, after), size, after)
            items = records(connection, plan.resource, plan.view, found, Texts(connection))
        if items:
            yield chosen(items, plan.query.fields)
        if len(found) < size:
            return
        after = (found[-1].key, found[-1].id)
        left = None if left is None else left - len(found)
