"""Where words stand: the rows that a search looks in, kept in step with the versions of records, and found newest first.

Each row is a version of a record in one face, so what a reader sees of it is decided as for every other table. The two databases
find words in different ways, which stand in a file each; what is found is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    TextualSelect,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from app import straight
from app.models.search import known_word, searchable
from app.query import text_postgresql, text_sqlite
from app.query.fields import View
from app.query.text import GAP, WEIGHTS, Term

S = searchable.c
STEP: Final = 2**32  # numbers of a revision
PLACED: Final = 2**31  # from here on within a revision, a number says itself what it stands for
CHUNK: Final = 500
COLUMNS: Final = ("number", "noun", "id", "since", "face", "source", "start", *WEIGHTS)
SHOWN: Final = ", ".join(f"s.{name}" for name in COLUMNS)
NEVER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A version of a record as a search sees it: its folded words by weight."""

    noun: str
    id: str
    since: int
    face: int
    fields: Mapping[str, str]
    until: int | None = None
    source: str | None = None  # whose text the words are from
    start: int | None = None  # where in it
    place: int | None = None  # its number within the revision, where that says what it stands for


def engine(connection: Connection) -> ModuleType:
    """How this database finds words."""
    return text_postgresql if connection.dialect.name == "postgresql" else text_sqlite


# ── Keeping ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def make(connection: Connection) -> None:
    """Make the database's own index, empty, in the place of one that may be there; and empty what it stands on."""
    how = engine(connection)
    for statement in (how.DROP, *how.CREATE):
        connection.execute(text(statement))
    connection.execute(delete(searchable))
    connection.execute(delete(known_word))


def put(connection: Connection, entries: Iterable[Entry]) -> None:
    """Let these versions be found. Those without a word are left out."""
    how = engine(connection)
    grouped: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        if any(entry.fields.values()):
            grouped[entry.since].append(entry)
    for since, some in grouped.items():
        free = _free(connection, since)
        numbers = [
            since * STEP + (free + place if entry.place is None else PLACED + entry.place)
            for place, entry in enumerate(some)
        ]
        pairs = list(zip(numbers, some, strict=True))
        connection.execute(insert(searchable), [row(number, entry) for number, entry in pairs])
        rows = [how.values(number, entry.noun, entry.fields) for number, entry in pairs]
        connection.execute(text(how.INSERT), rows)
    _know(connection, [entry for some in grouped.values() for entry in some])


def settled(connection: Connection) -> None:
    """Let the database count what has come in, where much has: until PostgreSQL has, it reads the words last and not first."""
    for statement in engine(connection).SETTLE:
        connection.execute(text(statement))


def _free(connection: Connection, since: int) -> int:
    """The first number within a revision that no row has."""
    begin = since * STEP
    last = connection.execute(select(func.max(S.number)).where(S.number >= begin, S.number < begin + PLACED)).scalar()
    return 1 if last is None else last - begin + 1


def row(number: int, entry: Entry) -> dict[str, Any]:
    """A row of `searchable`."""
    own = {"noun": entry.noun, "id": entry.id, "since": entry.since, "face": entry.face, "until": entry.until}
    own |= {"source": entry.source, "start": entry.start}
    return {"number": number, **own, **{name: entry.fields.get(name, "") for name in WEIGHTS}}


def _know(connection: Connection, entries: Sequence[Entry]) -> None:
    """Note the words that can be meant by one that is mistyped: no numbers, no ids."""
    found = {
        (word, entry.source or "")
        for entry in entries
        for name, field in entry.fields.items()
        if name != "linked"
        for word in field.split()
        if worth_knowing(word)
    }
    # In one order everywhere, so that two writers cannot wait for each other.
    rows = [{"word": word, "source": source} for word, source in sorted(found)]
    if rows:
        told = "INSERT INTO known_word (word, source) VALUES (:word, :source) ON CONFLICT DO NOTHING"
        connection.execute(text(told), rows)


def worth_knowing(word: str) -> bool:
    """Whether a word can be meant by a mistyped one."""
    return 3 <= len(word) <= 40 and word.isalpha() and word != GAP


def closed(connection: Connection, number: int, ids: Sequence[str]) -> None:
    """Close the standing versions of these records."""
    connection.execute(update(searchable).where(S.id.in_(ids), S.until.is_(None)).values(until=number))


def taken_back(connection: Connection, number: int, ids: Sequence[str]) -> None:
    """Undo what a revision did to these records."""
    _remove(connection, and_(S.id.in_(ids), S.since == number))
    connection.execute(update(searchable).where(S.id.in_(ids), S.until == number).values(until=None))


def emptied(connection: Connection, number: int) -> None:
    """Undo everything that a revision did."""
    _remove(connection, and_(S.number >= number * STEP, S.number < (number + 1) * STEP))
    connection.execute(update(searchable).where(S.until == number).values(until=None))


def withdrawn(connection: Connection, source: str) -> None:
    """Forget the words of a source's text, at every revision."""
    _remove(connection, S.source == source)
    connection.execute(delete(known_word).where(known_word.c.source == source))


def _remove(connection: Connection, which: ColumnElement[bool]) -> None:
    how = engine(connection)
    while numbers := list(connection.scalars(select(S.number).where(which).limit(CHUNK))):
        connection.execute(text(how.DELETE), [{"number": number} for number in numbers])
        connection.execute(delete(searchable).where(S.number.in_(numbers)))


# ── Finding ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def find(
    connection: Connection,
    view: View,
    terms: Sequence[Term],
    *,
    limit: int,
    nouns: Sequence[str] = (),
    own: bool = False,
    before: int | None = None,
    but: str = "",
) -> Sequence[Row[Any]]:
    """The newest versions that hold all the terms and that this reader sees, with a number below `before`; newest first.

    With `own`, the ids of other records are not looked in. Rows of the noun `but` are passed over.
    """
    how = engine(connection)
    given = {"asked": how.expression(terms, nouns, own=own), "most": limit, "but": but, **seen(view, before)}
    return straight.rows(connection, finding(how), given)


@lru_cache
def finding(how: ModuleType) -> TextualSelect:
    """The statement for that."""
    found = f"{how.MATCH.format(asked='asked')} AND {how.NUMBER} < :before AND {SEEN} AND s.noun <> :but"
    statement = f"SELECT {SHOWN} FROM {how.FOUND} WHERE {found} ORDER BY {how.NUMBER} DESC LIMIT :most"  # noqa: S608
    return text(statement).columns(*[S[name] for name in COLUMNS])


def ids(connection: Connection, view: View, terms: Sequence[Term], noun: str, *, limit: int) -> list[str]:
    """The ids of versions of a noun whose own words hold all the terms, `limit` at most; a text's may come again."""
    how = engine(connection)
    found = f"{how.MATCH.format(asked='asked')} AND {how.NUMBER} < :before AND {SEEN}"
    # Without DISTINCT, and in an order: else PostgreSQL reads all of them, 400 ms rather than 4.
    statement = f"SELECT s.id FROM {how.FOUND} WHERE {found} ORDER BY {how.NUMBER} DESC LIMIT :most"  # noqa: S608
    given = {"asked": how.expression(terms, (noun,), own=True), "most": limit, **seen(view, None)}
    return list(connection.execute(text(statement), given).scalars())


def chosen(connection: Connection, view: View, terms: Sequence[Term], noun: str) -> TextualSelect:
    """The same as a statement, for use within another one."""
    how = engine(connection)
    seen_as = SEEN.replace(" :", " :q_").replace("(:", "(:q_")
    statement = f"SELECT s.id FROM {how.FOUND} WHERE {how.MATCH.format(asked='q_asked')} AND {seen_as}"  # noqa: S608
    one, other = view.faces
    given = {"q_asked": how.expression(terms, (noun,), own=True), "q_revision": view.revision}
    return text(statement).bindparams(**given, q_one=one, q_other=other).columns(S.id)


def each(
    connection: Connection, view: View, terms: Sequence[Term], nouns: Sequence[str], *, limit: int
) -> list[list[Row[Any]]]:
    """For each term by itself the rows of these nouns that hold it, number, noun and id, `limit` at most; one statement."""
    how = engine(connection)
    parts, given = [], {"most": limit, **seen(view, None)}
    for place, term in enumerate(terms):
        given[f"asked{place}"] = how.expression((term,), nouns, own=True)
        match = how.MATCH.format(asked=f"asked{place}")
        parts.append(
            f"SELECT * FROM (SELECT {place} AS term, s.number, s.noun, s.id FROM {how.FOUND} "  # noqa: S608
            f"WHERE {match} AND {SEEN} ORDER BY {how.NUMBER} DESC LIMIT :most) AS t{place}"
        )
    found: list[list[Row[Any]]] = [[] for _ in terms]
    for one in connection.execute(text(" UNION ALL ".join(parts)), given):
        found[one.term].append(one)
    return found


# COALESCE hides `until` from its index: PostgreSQL might read every row that stands, and look for the words then.
SEEN: Final = "s.since <= :revision AND COALESCE(s.until, 2147483647) > :revision AND s.face IN (:one, :other)"


def seen(view: View, before: int | None) -> dict[str, Any]:
    """What the statements are told of the reader. No row of a later revision has to be looked at: their numbers are higher."""
    upto = (view.revision + 1) * STEP
    one, other = view.faces
    return {"revision": view.revision, "one": one, "other": other, "before": min(upto, before or NEVER)}


def standing(view: View) -> ColumnElement[bool]:
    """The rows that this reader sees."""
    return and_(S.since <= view.revision, or_(S.until.is_(None), S.until > view.revision), S.face.in_(view.faces))


def near(connection: Connection, word: str, *, most: int) -> list[str]:
    """Words that are known and of about the length of a mistyped one, those with its first letter first."""
    c = known_word.c
    about = func.length(c.word).between(len(word) - 2, len(word) + 2)
    same = and_(c.word >= word[0], c.word < word[0] + "\U0010ffff")
    found = list(connection.scalars(select(c.word).where(same, about).distinct().limit(most)))
    if len(found) < most:
        found += connection.scalars(select(c.word).where(~same, about).distinct().limit(most - len(found)))
    return found
