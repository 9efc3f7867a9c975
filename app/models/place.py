"""Where things happen."""

from __future__ import annotations

from sqlalchemy import Column

from app.models.base import key, record_table, reference

place = record_table(
    "place",
    Column("kind", key(), nullable=False),
    Column("name", key(), nullable=False),
    Column("within", key(), comment="The place that holds this one."),
    Column("country", key(), comment="ISO 3166-1 alpha-2."),
    placement=reference(),
    comment="Where things happen.",
)
