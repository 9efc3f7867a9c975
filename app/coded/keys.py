"""Which events an actor's page shows, read from the parts alone: an index that is ordered by day holds all that is asked.

A question becomes *ranges*, each a stretch of such an index: one for each of the actors, codes and counterparts of which any will
do. What the ranges hold is merged. Only days and numbers are read here; ties within a day are broken by id, which whoever asks
for a page looks up for the day that the page breaks off in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, product
from operator import eq, ge, gt, lt
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Text, and_, bindparam, or_, select

from app import straight
from app.coded.question import AT, Coding, Question, stands
from app.models.coded import INITIATOR, RECIPIENT, coded_part
from app.query.fields import View

P = coded_part.c
RANGES_MOST = 16  # beyond so many it is cheaper to look through fewer of them
AHEAD = 16  # Keys read beyond a page: its last day mostly ends within them, which saves a statement
ACTORS_MOST = 8  # beyond so many actors for one name their pages are sorted together rather than merged one by one


class Atom(NamedTuple):
    """A comparison of a column of the parts."""

    column: str
    op: str
    values: tuple[Any, ...]


COMPARED: Mapping[str, Any] = {"=": eq, ">=": ge, "<": lt, ">": gt}
Term = tuple[tuple[Atom, ...], ...]  # one of these, the atoms of each holding together
Key = tuple[int, int]  # day and number


def answers(asked: Question) -> bool:
    """Whether the parts alone can answer a question."""
    if asked.driven is None or asked.more or len(asked.driven) > ACTORS_MOST:
        return False
    period = asked.period
    # Where events last longer than a day, only they say when they end.
    return period is None or not asked.span or (period.lower is None and not period.certain)


def next_keys(connection: Connection, asked: Question, limit: int, start: int | None, *, down: bool) -> list[Key]:
    """The next events by day, from the day `start` on: `limit` of them, and all the others of the days at both ends."""
    several = [stretch(connection, asked.view, terms, limit, start, down=down) for terms in ranges(asked)]
    # Each is in order already; a number has one day.
    return several[0] if len(several) == 1 else sorted(set(chain.from_iterable(several)), reverse=down)


def stretch(
    connection: Connection, view: View, terms: Sequence[Term], limit: int, start: int | None, *, down: bool
) -> list[Key]:
    """The same of one range."""
    found: list[Key] = []
    if start is not None:
        found += read(connection, view, [*terms, only("day", "=", start)], None, down=down)
        terms = [*terms, only("day", "<" if down else ">", start)]
    first = read(connection, view, terms, limit + AHEAD, down=down)
    found += first
    if len(first) == limit + AHEAD and first[-1][0] == first[limit - 1][0]:
        day, number = first[-1]
        rest = [*terms, only("day", "=", day), only("number", "<" if down else ">", number)]
        found += read(connection, view, rest, None, down=down)
    return found


def read(connection: Connection, view: View, terms: Sequence[Term], limit: int | None, *, down: bool) -> list[Key]:
    """The keys of a range in order."""
    form = tuple(tuple(tuple((one.column, one.op, len(one.values)) for one in each) for each in term) for term in terms)
    values = [value for term in terms for each in term for one in each for value in one.values]
    told: dict[str, Any] = {f"p{n}": value for n, value in enumerate(values)}
    told["revision"] = view.revision
    if limit is not None:
        told["limit"] = limit
    return list(straight.tuples(connection, statement(form, limit is not None, down), told))


@lru_cache(1_000)
def statement(form: tuple[tuple[tuple[tuple[str, str, int], ...], ...], ...], limited: bool, down: bool) -> Select[Any]:
    """The statement of all ranges of one form, with places for their values: building one takes as long as asking it five times."""
    free = iter(range(1_000_000))

    def compared(column: str, op: str, size: int) -> ColumnElement[bool]:
        c = P[column]
        kind = Text() if column == "code" else BigInteger()
        places = [bindparam(f"p{next(free)}", type_=kind) for _ in range(size)]
        if op == "in":
            return c == places[0] if size == 1 else c.in_(places)
        return c.is_not(None) if op == "some" else COMPARED[op](c, places[0])

    where = [or_(*[and_(*[compared(*one) for one in each]) for each in term]) for term in form]
    query = select(P.day, P.number).where(*where, stands(coded_part, AT))
    query = query.order_by(P.day.desc(), P.number.desc()) if down else query.order_by(P.day, P.number)
    return query.limit(bindparam("limit", type_=BigInteger())) if limited else query


# ── A question as ranges ────────────────────────────────────────────────────────────────────────────────────────────


def ranges(asked: Question) -> Iterator[list[Term]]:
    """The ranges that together hold what is asked for; they may share events."""
    assert asked.driven is not None
    for actor in sorted(asked.driven):
        yield from split([only("actor", "in", actor), *terms_of(asked, actor)], RANGES_MOST // len(asked.driven))


def split(terms: list[Term], most: int) -> Iterator[list[Term]]:
    """A range as several, one for each counterpart and each code that any of is asked for: then each is a stretch of an index."""
    several = [n for n, term in enumerate(terms) if len(term) == 1 and len(term[0]) == 1 and splits(term[0][0])]
    sizes = 1
    for n in several:
        sizes *= len(terms[n][0][0].values)
    if not several or sizes > most:
        yield terms
        return
    choices = [[only(terms[n][0][0].column, "in", value) for value in terms[n][0][0].values] for n in several]
    for chosen in product(*choices):
        kept = list(terms)
        for n, term in zip(several, chosen, strict=True):
            kept[n] = term
        yield kept


def splits(one: Atom) -> bool:
    """Whether a comparison can be made one for each of its values, and that helps: an index is ordered by day after the column."""
    return one.op == "in" and one.column in ("other", "code") and len(one.values) > 1


def only(column: str, op: str, *values: Any) -> Term:
    """A term of one comparison."""
    return ((Atom(column, op, values),),)


def terms_of(asked: Question, actor: int) -> list[Term]:
    """What an actor's parts must be; the same as `question.conditions` says of any actor's."""
    found: list[Term] = []
    roles, recipients = asked.roles, asked.recipients
    if asked.initiators is not None:
        found.append(only("role", "in", INITIATOR))
        if recipients is not None:
            found.append(only("other", "in", *sorted(recipients)))
    elif recipients is not None and not asked.parties:
        found.append(only("role", "in", RECIPIENT))
    elif recipients is not None:
        theirs = (Atom("role", "in", (INITIATOR,)), Atom("other", "in", tuple(sorted(recipients))))
        mine = (Atom("role", "in", (RECIPIENT,)),)
        found.append((mine, theirs) if actor in recipients else (theirs,))
    if asked.parties and asked.initiators is None:
        if roles:
            found.append(only("role", "in", *roles))
        if len(roles) != 1:
            found.append(only("once", "in", 1))
    elif roles and not asked.parties:
        found.append(
            (
                (Atom("role", "in", roles),),
                (Atom("other", "some", ()), Atom("role", "in", opposite(roles))),
            )
        )
    for party in asked.parties:
        term = taking(party, roles, actor)
        if term is not None:
            found.append(term)
    found += [coded_as(one) for one in asked.codes]
    period = asked.period
    if period is not None and period.lower is not None:
        found.append(only("day", ">=", period.lower))
    if period is not None and period.upper is not None:
        found.append(only("day", "<", period.upper))
    return found


def taking(party: Iterable[int], roles: tuple[int, ...], actor: int) -> Term | None:
    """One of a party takes part in an actor's event, in one of the roles where some are asked for; None where that is plain."""
    mine = actor in frozenset(party)
    others = Atom("other", "in", tuple(sorted(party)))
    if not roles:
        return None if mine else ((others,),)
    theirs = (others, Atom("role", "in", opposite(roles)))
    return ((Atom("role", "in", roles),), theirs) if mine else (theirs,)


def opposite(roles: tuple[int, ...]) -> tuple[int, ...]:
    """The roles of the counterparts."""
    return tuple(INITIATOR + RECIPIENT - role for role in roles)


def coded_as(coding: Coding) -> Term:
    """The code begins with one of the prefixes or is one of the labels."""
    begins = [
        (Atom("code", ">=", (one,)), Atom("code", "<", (one + ":",))) for one in coding.prefixes
    ]  # ':' follows '9'
    exact = [(Atom("code", "in", coding.labels),)] if coding.labels or not begins else []
    return (*begins, *exact)
