"""Whether the stretches of an index that a page of an actor's events is read from hold just the events that were asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.coded import keys
from app.coded.question import Coding, Question
from app.models.coded import INITIATOR, RECIPIENT
from app.query.fields import View
from app.query.params import AskedPeriod
from app.resources import RESOURCES

VIEW = View(1, False)
DATED = RESOURCES["events"].dated
ROLES = ((), (INITIATOR,), (RECIPIENT,), (INITIATOR, RECIPIENT))


@dataclass(frozen=True)
class Event:
    """An event of a dataset: who, whom, as what, when."""

    number: int
    initiator: int
    recipient: int | None
    code: str
    day: int

    def parts(self) -> Iterator[dict[str, Any]]:
        """Its parts as they are kept: one for each who takes part."""
        told = {"number": self.number, "code": self.code, "day": self.day}
        yield {"actor": self.initiator, "role": INITIATOR, "other": self.recipient, "once": 1, **told}
        if self.recipient is not None:
            alone = 0 if self.recipient == self.initiator else 1
            yield {"actor": self.recipient, "role": RECIPIENT, "other": self.initiator, "once": alone, **told}

    def plays(self, actors: frozenset[int], roles: tuple[int, ...]) -> bool:
        """Whether one of the actors takes part, in one of the roles where some are asked for."""
        mine = {INITIATOR: self.initiator, RECIPIENT: self.recipient}
        return any(mine[role] in actors for role in roles or mine)


def holds(part: dict[str, Any], terms: list[keys.Term]) -> bool:
    return all(any(all(compared(part[one.column], one) for one in each) for each in term) for term in terms)


def compared(value: Any, one: keys.Atom) -> bool:
    if one.op == "some":
        return value is not None
    return value in one.values if one.op == "in" else value is not None and keys.COMPARED[one.op](value, one.values[0])


def wanted(event: Event, asked: Question) -> bool:
    """What the question means, said once more without ranges."""
    period = asked.period
    return (
        (asked.initiators is None or event.initiator in asked.initiators)
        and (asked.recipients is None or event.recipient in asked.recipients)
        and all(event.plays(party, asked.roles) for party in asked.parties)
        and all(event.code.startswith(one.prefixes or ("-",)) or event.code in one.labels for one in asked.codes)
        and (period is None or period.lower is None or event.day >= period.lower)
        and (period is None or period.upper is None or event.day < period.upper)
    )


def question(chance: random.Random) -> Question:
    """A question that the parts alone can answer."""

    def some() -> frozenset[int]:
        return frozenset(chance.sample(range(6), chance.randint(1, 2)))

    parties = tuple(some() for _ in range(chance.randint(0, 2)))
    initiators = some() if chance.random() < 0.3 else None
    recipients = some() if chance.random() < 0.3 or not (parties or initiators) else None
    codes = tuple(
        Coding(tuple(chance.sample(["01", "04", "041"], chance.randint(0, 2))), tuple(chance.sample(["042", "19"], 1)))
        for _ in range(chance.randint(0, 1))
    )
    assert DATED is not None
    period = AskedPeriod(DATED, chance.choice([None, 3]), chance.choice([None, 7])) if chance.random() < 0.5 else None
    roles = chance.choice(ROLES) if parties and initiators is None and recipients is None else ()
    return Question(VIEW, parties, initiators, recipients, roles, codes, period)


@pytest.mark.parametrize("seed", range(20))
def test_the_ranges_of_a_question_hold_what_it_asks_for_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    events = [
        Event(
            n,
            chance.randrange(6),
            chance.choice([None, *range(6)]),
            chance.choice(["01", "014", "04", "042", "19"]),
            n % 10,
        )
        for n in range(200)
    ]
    parts = [part for event in events for part in event.parts()]
    for _ in range(40):
        asked = question(chance)
        assert keys.answers(asked)

        ranges = list(keys.ranges(asked))

        found = {part["number"] for terms in ranges for part in parts if holds(part, terms)}
        assert found == {event.number for event in events if wanted(event, asked)}, asked
        assert len(ranges) <= keys.RANGES_MOST * keys.ACTORS_MOST


def test_a_question_of_many_actors_or_of_what_parts_do_not_hold_is_not_answered_from_them() -> None:
    assert DATED is not None
    many = frozenset(range(keys.ACTORS_MOST + 1))

    assert not keys.answers(Question(VIEW))
    assert not keys.answers(Question(VIEW, parties=(many,)))
    assert not keys.answers(Question(VIEW, parties=(frozenset({1}),), period=AskedPeriod(DATED, 3, None), span=2))
    assert keys.answers(Question(VIEW, parties=(frozenset({1}),), period=AskedPeriod(DATED, None, 3), span=2))


def test_a_statement_is_made_once_for_all_ranges_of_one_form() -> None:
    one = (((("actor", "in", 1),),), ((("code", ">=", 1), ("code", "<", 1)), (("code", "in", 2),)))

    assert keys.statement(one, True, False) is keys.statement(one, True, False)
    assert keys.statement(one, True, False) is not keys.statement(one, True, True)
