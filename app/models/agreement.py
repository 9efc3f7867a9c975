"""Which instruments stand between parties, and what each lays down."""

from __future__ import annotations

from sqlalchemy import Column, Index, SmallInteger, Text

from app.models.base import child_table, day, key, link_table, record_table, sharded

agreement = record_table(
    "agreement",
    Column("kind", key(), nullable=False),
    Column("signing", key()),
    Column("occasion", key()),
    day("signed_first", "The first day on which it can have been signed."),
    day("signed_last", "The last day on which it can have been signed."),
    day("in_force_first", "The first day on which it can have been in force."),
    day("in_force_last", "The last day on which it can have been in force."),
    Index("ix_agreement_signed", "signed_first", "id"),
    placement=sharded("id"),
    comment="An instrument between parties.",
)

agreement_party = child_table(
    "agreement_party",
    agreement,
    Column("actor", key(), nullable=False),
    Column("role", key(), nullable=False),
    Index("ix_agreement_party_actor", "actor", "id"),
    comment="A party of an agreement.",
)

agreement_characterisation = child_table(
    "agreement_characterisation",
    agreement,
    Column("gloss", Text, nullable=False),
    Column("voice", key(), nullable=False),
    comment="How an agreement is characterised, and in whose voice.",
)

agreement_topic = link_table(agreement, "topic", comment="The topics of an agreement.")

provision = record_table(
    "provision",
    Column("agreement", key(), nullable=False),
    Column("type", key(), nullable=False),
    Column("provider", key()),
    Column("recipient", key()),
    Column("commitment", key()),
    Column("rank", SmallInteger, comment="The commitment's place on its scale, 0 to 8."),
    Index("ix_provision_agreement", "agreement", "id"),
    Index("ix_provision_type", "type", "agreement", "id"),
    placement=sharded("id"),
    comment="One thing an agreement lays down.",
)
