"""Which citations of a source stand up against its text, and each that does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.models.source import citation, passage, source
from app.query.evidence import Texts, digest_of
from app.query.fields import View
from app.query.sql import standing
from app.texts import difference


@dataclass(frozen=True, slots=True)
class Failure:
    """A passage that the text does not bear out, and what rests on it: `citations` counts what `cited_by` names once."""

    passage: str
    start: int
    end: int
    why: str
    cited_by: tuple[str, ...]
    citations: int

    def as_json(self) -> dict[str, Any]:
        """The failure as the API shows it."""
        return {
            "passage": self.passage,
            "start": self.start,
            "end": self.end,
            "why": self.why,
            "cited_by": list(self.cited_by),
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked of a source's citations; `mismatch` says why the text is not the very one that was annotated."""

    source: str
    text: bool
    passages: int
    citations: int
    checked: int
    failures: tuple[Failure, ...]
    mismatch: str | None = None

    @property
    def confirmed(self) -> int:
        """How many citations the text bears out."""
        return self.checked - sum(failure.citations for failure in self.failures)

    @property
    def holds(self) -> bool:
        """Whether there was a text, it is the one that was annotated, and every citation stands up."""
        return self.text and not self.failures and self.mismatch is None

    def as_json(self) -> dict[str, Any]:
        """The verification as the API shows it."""
        return {
            "source": self.source,
            "text_available": self.text,
            "digest_fits": self.mismatch is None if self.text else None,
            "passages": self.passages,
            "citations": self.citations,
            "checked": self.checked,
            "confirmed": self.confirmed,
            "failures": [failure.as_json() for failure in self.failures],
        }


def verify(connection: Connection, view: View, id: str, text: str | None = None) -> Verification:
    """Check every citation of a source against `text`, or against the text at hand, or say that there is none."""
    words = Texts(connection).text(id) if text is None else text
    spans = connection.execute(
        select(passage.c.id, passage.c.start, passage.c.end, passage.c.sha256)
        .where(passage.c.source == id, standing(passage, view))
        .order_by(passage.c.start, passage.c.id)
    ).all()
    cited: dict[str, list[str]] = {}
    query = select(citation.c.passage, citation.c.id).where(citation.c.source == id, standing(citation, view))
    for row in connection.execute(query.order_by(citation.c.id)):
        cited.setdefault(row.passage, []).append(row.id)
    citations = sum(len(ids) for ids in cited.values())
    if words is None:
        return Verification(id, False, len(spans), citations, 0, ())
    annotated = connection.execute(
        select(source.c.sha256, source.c.characters).where(source.c.id == id, standing(source, view))
    ).first()
    mismatch = None if annotated is None else difference(words, annotated.sha256, annotated.characters)
    return Verification(id, True, len(spans), citations, citations, tuple(failed(spans, words, cited)), mismatch)


def failed(spans: Iterable[Any], words: str, cited: dict[str, list[str]]) -> Iterable[Failure]:
    """The passages whose digest is not that of the text at their place."""
    for span in spans:
        if span.end > len(words):
            why = f"It ends at {span.end}, beyond the text's {len(words)} code points."
        elif digest_of(words[span.start : span.end]) != span.sha256:
            why = "The words at this place are not the ones that were cited: their digest differs."
        else:
            continue
        ids = cited.get(span.id, [])
        yield Failure(span.id, span.start, span.end, why, tuple(dict.fromkeys(ids)), len(ids))
