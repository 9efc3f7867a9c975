"""How words are found in SQLite: an FTS5 table without content, whose row ids are the numbers of `searchable`.

The words come folded, so the tokenizer has nothing to do but split at blanks: `ascii` takes every character beyond ASCII for a
letter, where `unicode61` knows the letters of 2012 only. FTS5's query language is never spoken by whoever searches: each word is
quoted, and a word holds nothing but letters and digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.query.text import OWN, WEIGHTS, Term

# Prefix indexes: whoever types into a box asks for one, two and three letters first. They cost a quarter of the index.
CREATE: Final = (
    "CREATE VIRTUAL TABLE search_words USING fts5("
    f"noun, {', '.join(WEIGHTS)}, content='', contentless_delete=1, tokenize='ascii', prefix='1 2 3')",
)
DROP: Final = "DROP TABLE IF EXISTS search_words"
INSERT: Final = (
    f"INSERT INTO search_words (rowid, noun, {', '.join(WEIGHTS)}) "  # noqa: S608 - names of our own
    f"VALUES (:number, :noun, {', '.join(f':{name}' for name in WEIGHTS)})"
)
DELETE: Final = "DELETE FROM search_words WHERE rowid = :number"
SETTLE: Final[tuple[str, ...]] = ()
COUNT: Final = "SELECT count(*) FROM search_words"
# CROSS: the words first, in the order of their rows, so that the newest come without sorting.
FOUND: Final = "search_words CROSS JOIN searchable AS s ON s.number = search_words.rowid"
MATCH: Final = "search_words MATCH :{asked}"
NUMBER: Final = "search_words.rowid"


def values(number: int, noun: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """What is inserted for a row of `searchable`."""
    return {"number": number, "noun": token(noun), **{name: fields.get(name, "") for name in WEIGHTS}}


def expression(terms: Sequence[Term], nouns: Iterable[str], *, own: bool) -> str:
    """The terms in FTS5's query language: all of them, within these nouns, and with `own` not in the ids of other records."""
    columns = " ".join(OWN if own else WEIGHTS)
    parts = [f"{{{columns}}} : ({' AND '.join(map(one, terms))})"]
    kinds = " OR ".join(f'"{token(noun)}"' for noun in nouns)
    return " AND ".join([f"noun : ({kinds})", *parts] if kinds else parts)


def one(term: Term) -> str:
    """A term in FTS5's query language."""
    if term.begins:
        return f'"{" ".join(term.words)}" *'
    forms = [f'"{form}"' for form in term.everything]
    return forms[0] if len(forms) == 1 else f"({' OR '.join(forms)})"


def token(noun: str) -> str:
    """A noun as one word."""
    return noun.replace("_", "")
