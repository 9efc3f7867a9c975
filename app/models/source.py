"""Which documents are annotated, which spans of them are cited, and whose text is at hand."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text

from app.models.base import day, key, metadata, record_table, reference, sharded

source = record_table(
    "source",
    Column("title", key()),
    Column("publisher", key()),
    Column("language", key()),
    day("published_first", "The first day its date can mean."),
    day("published_last", "The last day its date can mean."),
    Column("sha256", key(), comment="Of the text's UTF-8 bytes."),
    Column("characters", Integer, comment="Its length in Unicode code points."),
    Column(
        "open",
        Integer,
        nullable=False,
        server_default="0",
        comment="1 where the licence lets everybody carry the text.",
    ),
    Index("ix_source_publisher", "publisher", "id"),
    placement=reference(),
    comment="A document somebody published.",
)

passage = record_table(
    "passage",
    Column("source", key(), nullable=False),
    Column("paragraph", Integer, nullable=False),
    Column("sentence", Integer, nullable=False),
    Column("start", Integer, nullable=False, comment="First code point, from 0."),
    Column("end", Integer, nullable=False, comment="The code point after the last."),
    Column("sha256", key(), nullable=False, comment="Of the exact text's UTF-8 bytes."),
    CheckConstraint('start >= 0 AND "end" > start', name="span"),
    Index("ix_passage_source_start", "source", "start", "id"),
    placement=sharded("id"),
    comment="A span of a source.",
)

source_text = Table(
    "source_text",
    metadata,
    Column("source", key(), primary_key=True),
    Column("sha256", key(), nullable=False, comment="The digest under which it was accepted."),
    Column("text", Text, nullable=False),
    Column("attached_at", key(), nullable=False, comment="RFC 3339, UTC."),
    info=reference(),
    comment="The text of a source, where it is at hand. Access, not knowledge: it has no revision.",
)

text_access = Table(
    "text_access",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column(
        "changes", Integer, nullable=False, comment="How often a text was attached or withdrawn: part of every ETag."
    ),
    CheckConstraint("id = 1", name="single"),
    info=reference(),
    comment="The counter of changes of access, one row.",
)

# Which records cite which passage. It stands apart from the nouns' own tables, since "what cites this?" crosses all of them.
citation = Table(
    "citation",
    metadata,
    Column("id", key(), primary_key=True, comment="The record that cites."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    Column("face", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("until", Integer),
    Column("noun", key(), nullable=False),
    Column("part", key(), nullable=False, comment="Which part of the record: the record itself is ''."),
    Column("passage", key(), nullable=False),
    Column("source", key(), nullable=False),
    Column("support", key(), nullable=False, comment="states, implies or mentions."),
    Index("ix_citation_passage", "passage", "id"),
    Index("ix_citation_source_noun", "source", "noun", "id"),
    Index("ix_citation_since", "since", "id"),
    Index("ix_citation_until", "until"),
    info=sharded("id"),
    comment="A record's evidence, a row each.",
)
