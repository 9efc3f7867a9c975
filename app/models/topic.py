"""What things are about, and the terms of the controlled vocabularies."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Text

from app.models.base import key, record_table, reference

topic = record_table(
    "topic",
    Column("label", key(), nullable=False),
    Column("broader", key()),
    Index("ix_topic_broader", "broader", "id"),
    placement=reference(),
    comment="What statements, claims, events and agreements are about (a SKOS concept).",
)

term = record_table(
    "term",
    Column("vocabulary", key(), nullable=False),
    Column("label", Text, nullable=False),
    Column("place", Integer, nullable=False, comment="Its place in the vocabulary."),
    Index("ix_term_vocabulary", "vocabulary", "place", "id"),
    placement=reference(),
    comment="A term of a controlled vocabulary.",
)
