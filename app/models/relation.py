"""Which typed edges tie records together."""

from __future__ import annotations

from sqlalchemy import Column, Index

from app.models.base import key, record_table, sharded

relation = record_table(
    "relation",
    Column("subject", key(), nullable=False),
    Column("object", key(), nullable=False),
    Column("kind", key(), nullable=False),
    Column("status", key(), nullable=False),
    Column("via", key(), comment="The record that carries it."),
    Index("ix_relation_subject", "subject", "kind", "object", "id"),
    Index("ix_relation_object", "object", "kind", "subject", "id"),
    placement=sharded("id"),
    comment="A typed edge between two records.",
)
