"""What sources report people saying, and what their authors assert in their own voice."""

from __future__ import annotations

from sqlalchemy import Column, Index, SmallInteger, Table, Text

from app.models.base import child_table, day, key, link_table, record_table, sharded

statement = record_table(
    "statement",
    Column("speaker", key(), nullable=False),
    Column("on_behalf_of", key()),
    Column("office", key()),
    Column("addressee", key()),
    Column("occasion", key()),
    Column("kind", key(), nullable=False),
    Column("form", key(), nullable=False),
    Column("modality", key()),
    Column("commitment", key()),
    Column("rank", SmallInteger, comment="The commitment's place on its scale, 0 to 8."),
    Column("quote", Text),
    day("said_first", "The first day on which it can have been said."),
    day("said_last", "The last day on which it can have been said."),
    Column("place", key(), nullable=False, comment="Source and position of its first passage: the order of reading."),
    Index("ix_statement_speaker", "speaker", "place", "id"),
    Index("ix_statement_place", "place", "id"),
    Index("ix_statement_said", "said_first", "id"),
    placement=sharded("id"),
    comment="An utterance that a source reports.",
)

claim = record_table(
    "claim",
    Column("subject", key()),
    Column("kind", key(), nullable=False),
    Column("modality", key()),
    Column("commitment", key()),
    Column("rank", SmallInteger, comment="The commitment's place on its scale, 0 to 8."),
    Column("place", key(), nullable=False, comment="Source and position of its first passage: the order of reading."),
    Index("ix_claim_place", "place", "id"),
    Index("ix_claim_subject", "subject", "id"),
    placement=sharded("id"),
    comment="Something the author of a source asserts in their own voice.",
)


def constraint_table(parent: Table) -> Table:
    """The constraints of a statement or claim: what it says it depends on."""
    return child_table(
        f"{parent.name}_constraint",
        parent,
        Column("family", key(), nullable=False),
        Column("gloss", Text, nullable=False),
        Column("voice", key(), nullable=False),
        Index(f"ix_{parent.name}_constraint_family", "family", "id"),
        comment=f"What a {parent.name} says it depends on.",
    )


statement_about = link_table(statement, "about", comment="The records a statement is about.")
statement_topic = link_table(statement, "topic", comment="The topics of a statement.")
statement_constraint = constraint_table(statement)
claim_about = link_table(claim, "about", comment="The records a claim is about.")
claim_topic = link_table(claim, "topic", comment="The topics of a claim.")
claim_constraint = constraint_table(claim)
