"""What is counted twice along `participant`: events between two actors of datasets that are one actor here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from app.coded.counts import CELLS_MOST, Cell, E, Number, counted, links
from app.coded.question import Question, stands
from app.models.coded import coded_counterpart
from app.query.fields import View
from app.query.once import Once

MEETING: Once[str, Mapping[str, frozenset[int]]] = Once(20)
AT_ONCE = 500  # numbers in one statement


def meeting(connection: Connection, view: View) -> Mapping[str, frozenset[int]]:
    """The actors of datasets who are one actor here and have events with each other, by that actor's id."""

    def find() -> Mapping[str, frozenset[int]]:
        linked = links(connection, view)
        often = Counter(linked.values())
        several = sorted(number for number, id in linked.items() if often[id] > 1)
        pairs = coded_counterpart.c
        found: defaultdict[str, set[int]] = defaultdict(set)
        for start in range(0, len(several), AT_ONCE):
            some = several[start : start + AT_ONCE]
            query = select(pairs.actor, pairs.other).where(pairs.actor.in_(some), stands(coded_counterpart, view))
            for actor, other in connection.execute(query):
                if other != actor and linked.get(other) == linked[actor]:
                    found[linked[actor]] |= {actor, other}
        return {id: frozenset(numbers) for id, numbers in found.items()}

    return MEETING.get(connection, view, "", find)


def twice(connection: Connection, asked: Question, by: Sequence[str], measure: str) -> dict[Cell, Number]:
    """What to take off the cells of `by`, who takes part being named by the id of the actor that it is here."""
    if "participant" not in by or len(asked.roles) == 1:
        return {}
    found: dict[Cell, Number] = {}
    others = [name for name in by if name != "participant"]
    place = list(by).index("participant")
    for id, numbers in meeting(connection, asked.view).items():
        both = (E.initiator.in_(sorted(numbers)), E.recipient.in_(sorted(numbers)), E.initiator != E.recipient)
        among = replace(asked, parties=(*asked.parties, numbers), more=(*asked.more, *both), plain=False)
        for cell, n in counted(connection, among, others, measure, CELLS_MOST).items():
            found[(*cell[:place], id, *cell[place:])] = n
    return found
