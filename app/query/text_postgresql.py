"""How words are found in PostgreSQL: a tsvector for each row of `searchable`, with a GIN index.

The words come folded, so no parser or dictionary of PostgreSQL's sees them: vectors and queries are written as they are, each word
at its place. The labels A to D stand for the fields: names, glosses, the record's other words, ids of other records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.query.text import GAP, Term

CREATE: Final = (
    "CREATE TABLE search_words (number bigint NOT NULL CONSTRAINT pk_search_words PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE INDEX ix_search_words_words ON search_words USING gin (words)",
)
DROP: Final = "DROP TABLE IF EXISTS search_words"
INSERT: Final = "INSERT INTO search_words (number, words) VALUES (:number, CAST(:words AS tsvector))"
DELETE: Final = "DELETE FROM search_words WHERE number = :number"
SETTLE: Final = ("ANALYZE searchable", "ANALYZE search_words")
COUNT: Final = "SELECT count(*) FROM search_words"
FOUND: Final = "search_words JOIN searchable AS s ON s.number = search_words.number"
MATCH: Final = "search_words.words @@ CAST(:{asked} AS tsquery)"
NUMBER: Final = "search_words.number"

LABELS: Final = {"name": "A", "gloss": "B", "quote": "C", "text": "C", "linked": "D"}
LAST_PLACE: Final = 16_383  # a vector holds no places beyond
PLACES_MOST: Final = 255  # nor more of them for a word
BYTES_MOST: Final = 900_000  # nor more than a megabyte in all


def values(number: int, noun: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """What is inserted for a row of `searchable`."""
    places: dict[str, list[str]] = {}
    at, size = 0, 0
    for name, label in LABELS.items():
        for word in fields.get(name, "").split():
            at += 1
            if word == GAP or at > LAST_PLACE:
                continue
            size += 8 if word in places else len(word.encode()) + 16
            if size > BYTES_MOST:
                break
            places.setdefault(word, []).append(f"{at}{label}")
        at += 1
    held = [f"'{word}':{','.join(some[:PLACES_MOST])}" for word, some in places.items()]
    return {"number": number, "words": " ".join([f"'={noun}'", *held])}


def expression(terms: Sequence[Term], nouns: Iterable[str], *, own: bool) -> str:
    """The terms as a tsquery: all of them, within these nouns, and with `own` not in the ids of other records."""
    label = "ABC" if own else ""
    parts = [one(term, label) for term in terms]
    kinds = " | ".join(f"'={noun}'" for noun in nouns)
    return " & ".join([f"({kinds})", *parts] if kinds else parts)


def one(term: Term, label: str) -> str:
    """A term as a part of a tsquery."""
    if len(term.words) == 1 and not term.begins:
        return f"({' | '.join(word(form, label) for form in term.everything)})"
    last = len(term.words) - 1
    parts = (word(one_, ("*" if term.begins and at == last else "") + label) for at, one_ in enumerate(term.words))
    return f"({' <-> '.join(parts)})"


def word(held: str, label: str) -> str:
    """A word with the labels that it must have."""
    return f"'{held}':{label}" if label else f"'{held}'"
