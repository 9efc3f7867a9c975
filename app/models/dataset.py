"""Which bodies of coded events were loaded from files."""

from __future__ import annotations

from sqlalchemy import Column, Integer

from app.models.base import day, key, record_table, reference

dataset = record_table(
    "dataset",
    Column("name", key(), nullable=False),
    Column("publisher", key()),
    Column("licence", key()),
    Column("release", key()),
    Column("events", Integer, nullable=False, server_default="0"),
    Column("reports", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    day("covers_first", "The first day its events cover."),
    day("covers_last", "The last day its events cover."),
    placement=reference(),
    comment="A body of coded events loaded from files.",
)
