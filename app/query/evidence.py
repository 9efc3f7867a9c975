"""Which words a citation stands for, where the text of its source is at hand.

Whether a text is at hand is access, not knowledge: it does not depend on the revision, so the words are put into an answer when
it is given and never stored with a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select

from app.models.source import source_text, text_access

CHANGES = select(text_access.c.changes)
CONTEXT = 32  # code points of `prefix` and `suffix`: enough to find the place by eye, too little to carry the text away


class Texts:
    """The texts at hand for one answer, read when first needed, a statement a source."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.texts: dict[str, str | None] = {}

    def text(self, source: str) -> str | None:
        """The text of a source, or None where it is not here."""
        if source not in self.texts:
            self.load([source])
        return self.texts[source]

    def load(self, sources: Iterable[str]) -> None:
        """Read several texts with one statement."""
        missing = sorted(set(sources) - self.texts.keys())
        if not missing:
            return
        query = select(source_text.c.source, source_text.c.text).where(source_text.c.source.in_(missing))
        found = {row.source: row.text for row in self.connection.execute(query)}
        self.texts.update({name: found.get(name) for name in missing})

    def exact(self, source: str, start: int, end: int, digest: str) -> str | None:
        """The cited words; None where the text is not here, or is not the one that was cited."""
        text = self.text(source)
        if text is None or end > len(text):
            return None
        words = text[start:end]
        return words if digest_of(words) == digest else None

    def around(self, source: str, start: int, end: int, digest: str) -> dict[str, str | None]:
        """`exact`, `prefix` and `suffix` of a citation (W3C Web Annotation, TextQuoteSelector)."""
        words, text = self.exact(source, start, end, digest), self.text(source)
        if words is None or text is None:
            return {"exact": None, "prefix": None, "suffix": None}
        return {"exact": words, "prefix": text[max(0, start - CONTEXT) : start], "suffix": text[end : end + CONTEXT]}

    def fill(self, records: list[dict[str, Any]]) -> None:
        """Put `exact` into every citation of these records, wherever it stands in them."""
        citations = [item for record in records for item in citations_in(record)]
        self.load(item["source"] for item in citations)
        for item in citations:
            support = item.pop("support", None)
            item["exact"] = self.exact(item["source"], item["start"], item["end"], item["sha256"])
            item["support"] = support


def digest_of(words: str) -> str:
    """sha256 of the words' UTF-8 bytes, in hexadecimal."""
    return sha256(words.encode()).hexdigest()


def citations_in(value: Any) -> Iterable[dict[str, Any]]:
    """Every citation within a record, in its order."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "evidence" and isinstance(inner, list):
                yield from inner
            elif isinstance(inner, (dict, list)):
                yield from citations_in(inner)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, (dict, list)):
                yield from citations_in(inner)


def parts(record: Mapping[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Every citation within a record with the part it supports: '' for the record itself, else the field's name."""
    for item in record.get("evidence") or ():
        yield "", item
    for name, inner in record.items():
        if name != "evidence" and isinstance(inner, (dict, list)):
            for item in citations_in(inner):
                yield name, item


def access(connection: Connection) -> int:
    """How often the access to a text changed: what stands beside the revision in every ETag."""
    return connection.execute(CHANGES).scalar() or 0
