"""How sources and their passages are asked for, and whether the text of a source is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from app.models.source import citation, passage, source, source_text
from app.query.evidence import Texts
from app.query.fields import (
    Asked,
    By,
    Facet,
    Field,
    Is,
    Keep,
    Link,
    Period,
    Ref,
    Resource,
    Sort,
    Sought,
    View,
    Whole,
    Word,
)
from app.query.shapes import at, date, items, listed, ref, string, term, text, whole
from app.query.sql import standing


def text_at_hand(connection: Connection, view: View, ids: list[str]) -> Mapping[str, Mapping[str, Any]]:
    """Whether each source's text is open, withheld, or attached here by somebody who holds it."""
    here = set(connection.scalars(select(source_text.c.source).where(source_text.c.source.in_(ids))))
    query = select(source.c.id, source.c.open).where(source.c.id.in_(ids), standing(source, view))
    opened = {row.id for row in connection.execute(query) if row.open}
    return {name: {"text": "open" if name in opened else "attached" if name in here else "withheld"} for name in ids}


def words_and_citers(connection: Connection, view: View, ids: list[str]) -> Mapping[str, Mapping[str, Any]]:
    """Each passage's words, where its text is at hand, and the records that cite it."""
    citers: dict[str, set[str]] = {name: set() for name in ids}
    cited = select(citation.c.passage, citation.c.id).where(citation.c.passage.in_(ids), standing(citation, view))
    for row in connection.execute(cited):
        citers[row.passage].add(row.id)
    texts = Texts(connection)
    spans = select(passage.c.id, passage.c.source, passage.c.start, passage.c.end, passage.c.sha256)
    rows = connection.execute(spans.where(passage.c.id.in_(ids), standing(passage, view))).all()
    texts.load(row.source for row in rows)
    return {
        row.id: {**texts.around(row.source, row.start, row.end, row.sha256), "cited_by": sorted(citers[row.id])}
        for row in rows
    }


def of_source(column: ColumnElement[Any]) -> Any:
    """A function that asks for passages by something of their source."""

    def condition(asked: Asked) -> ColumnElement[bool]:
        return passage.c.source.in_(select(source.c.id).where(column.in_(asked.values), standing(source, asked.view)))

    return condition


def is_source(asked: Asked) -> ColumnElement[bool]:
    return source.c.id.in_([one for ids in asked.values for one in ids])


def has_paragraph(asked: Asked) -> ColumnElement[bool]:
    """Sources with a cited passage in one of the paragraphs."""
    cited = select(passage.c.source).where(passage.c.paragraph.in_(asked.values), standing(passage, asked.view))
    return source.c.id.in_(cited)


PUBLISHED = Period("published", "When it was published.", source.c.published_first, source.c.published_last, "2025-08")

SOURCES = Resource(
    name="sources",
    noun="source",
    words="Documents that somebody published and that were annotated here; whether their text is at hand stands in `text`.",
    table=source,
    fields=(
        text("title", "Its title; null where it has none.", column=source.c.title),
        text("author", "Who wrote it, as the source says."),
        text("publisher", "Who published it.", column=source.c.publisher),
        date("published", "When it was published.", first=source.c.published_first, last=source.c.published_last),
        text("language", "BCP 47.", column=source.c.language),
        text("url", "Where it stands.", format="uri"),
        text("licence", "Under which licence; null where the source does not say."),
        text(
            "sha256", "Digest of the text's UTF-8 bytes: whoever holds this text can attach it.", column=source.c.sha256
        ),
        Field(
            "characters",
            "Length of the text in Unicode code points.",
            whole("", null=True),
            (Keep(source.c.characters, at("characters")),),
        ),
        Field("sentences", "Sentences in each paragraph.", listed(whole())),
        term("text", "Whether the text is at hand: open, withheld or attached.", "text_access"),
        items(
            "unrecorded",
            "Sentences that hold no record, each with the reason.",
            "Unrecorded",
            links=(Link("passages", "passage"),),
        ),
    ),
    filters=(
        By("source", "Its id.", Ref("sources"), is_source, "japan-ukraine-security-article"),
        By("paragraph", "It has a cited passage in this paragraph, from 1.", Whole(1), has_paragraph, "3"),
        Is("publisher", "Who published it.", source.c.publisher, Word(), "Reuters"),
        PUBLISHED,
        Is("language", "BCP 47.", source.c.language, Word(35), "en"),
    ),
    sorts=(
        Sort("published", "By date of publication; undated last.", source.c.published_first),
        Sort("title", "By title.", source.c.title),
        Sort("id", "By id.", source.c.id),
        Sort("since", "By the revision of the version.", source.c.since),
    ),
    facets=(Facet("publisher", source.c.publisher), Facet("language", source.c.language)),
    sought=(
        Sought("title", "name", lambda record: [record.get("title")]),
        Sought("author", "text", lambda record: [record.get("author")]),
        Sought("publisher", "text", lambda record: [record.get("publisher")]),
    ),
    texts=True,
    naming=("id",),
    keep=(Keep(source.c.open, lambda record: int(record.get("text") == "open")),),
    late=text_at_hand,
    dated=PUBLISHED,
)

PASSAGES = Resource(
    name="passages",
    noun="passage",
    words="Spans of a source that records cite: position, digest and, where the text is at hand, the words.",
    table=passage,
    fields=(
        ref("source", "The source it is a span of.", "sources", column=passage.c.source, null=False),
        Field("paragraph", "From 1.", whole(), (Keep(passage.c.paragraph, at("paragraph")),)),
        Field("sentence", "Within the paragraph, from 1.", whole(), (Keep(passage.c.sentence, at("sentence")),)),
        Field("start", "First code point, from 0.", whole(), (Keep(passage.c.start, at("start")),)),
        Field("end", "The code point after the last.", whole(), (Keep(passage.c.end, at("end")),)),
        text("sha256", "Digest of the exact text's UTF-8 bytes.", column=passage.c.sha256, null=False),
        Field("exact", "The words; null while the text is not available here.", string("", null=True), late=True),
        Field("prefix", "The 32 code points before.", string("", null=True), late=True),
        Field("suffix", "The 32 code points after.", string("", null=True), late=True),
        Field("cited_by", "The records that cite it.", listed(string()), links=(Link("*"),), late=True),
    ),
    filters=(
        Is("source", "The source it is a span of.", passage.c.source, Ref("sources"), "japan-ukraine-security-article"),
        Is("paragraph", "Paragraph, from 1.", passage.c.paragraph, Whole(1), "3"),
        Is("sentence", "Sentence within the paragraph, from 1.", passage.c.sentence, Whole(1), "1"),
        By("publisher", "Who published the source.", Word(), of_source(source.c.publisher), "Reuters"),
        By("language", "Language of the source, BCP 47.", Word(35), of_source(source.c.language), "en"),
        Period(
            "published", "When the source was published.", source.c.published_first, source.c.published_last, "2025-08"
        ),
    ),
    sorts=(
        Sort("start", "By position.", passage.c.start),
        Sort("id", "By id.", passage.c.id),
        Sort("since", "By the revision of the version.", passage.c.since),
    ),
    facets=(
        Facet("source", passage.c.source),
        Facet("paragraph", passage.c.paragraph),
        Facet("sentence", passage.c.sentence),
    ),
    # Access, not knowledge: there only where whoever makes the record knows the text.
    sought=(Sought("exact", "text", lambda record: [record.get("exact")]),),
    texts=True,
    late=words_and_citers,
)
