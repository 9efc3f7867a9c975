"""What happened, happens, is planned or is imagined; and who took part. Coded events stand in `coded`."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, SmallInteger, Table

from app.models.base import day, key, link_table, metadata, ranges, record_table, sharded

event = record_table(
    "event",
    Column("kind", key(), nullable=False),
    Column("status", key(), nullable=False),
    Column("place", key()),
    Column("country", key(), comment="ISO 3166-1 alpha-2 of where it happened."),
    Column("initiator", key()),
    Column("recipient", key()),
    Column("cameo", key(), comment="CAMEO code, leading zeros kept."),
    Column("label", key(), comment="The dataset's own label of the code."),
    Column("plover", key()),
    Column("quad", SmallInteger),
    Column("intensity", Float),
    Column("dataset", key()),
    Column("reports", Integer, nullable=False, server_default="0", comment="How many records of a dataset say so."),
    day("happened_first", "The first day its date can mean."),
    day("happened_last", "The last day its date can mean."),
    Index("ix_event_happened", "happened_first", "id"),
    Index("ix_event_initiator", "initiator", "cameo", "happened_first", "id"),
    Index("ix_event_pair", "initiator", "recipient", "cameo", "happened_first", "id"),
    Index("ix_event_kind", "kind", "happened_first", "id"),
    placement=sharded("id"),
    comment="Something that happened, happens, is planned or is imagined.",
)

event_topic = link_table(event, "topic", comment="The topics of an event.")

# Spread by actor, not by event: an actor's page, pairs, first and last then touch one shard. So it has no foreign key to `event`.
event_participant = Table(
    "event_participant",
    metadata,
    Column("actor", key(), primary_key=True),
    Column("id", key(), primary_key=True, comment="The event."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    Column("face", SmallInteger, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("until", Integer),
    Column("role", key(), nullable=False),
    Column(
        "inferred", SmallInteger, nullable=False, comment="1 where the source implies the part rather than states it."
    ),
    (happened := day("happened_first", "As the event's, so that an actor's page is one range of one index.")),
    *ranges([happened]),
    Index("ix_event_participant_page", "actor", "happened_first", "id"),
    Index("ix_event_participant_event", "id"),
    Index("ix_event_participant_since", "since", "id"),
    Index("ix_event_participant_until", "until"),
    info=sharded("actor"),
    comment="A part that an actor has in an event.",
)
