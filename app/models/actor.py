"""Who can speak, sign, take part or be acted upon: actors, their names, offices, tenures and memberships."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Text

from app.models.base import child_table, day, key, record_table, reference

actor = record_table(
    "actor",
    Column("kind", key(), nullable=False),
    Column("name", key(), nullable=False),
    Column("existence", key(), nullable=False),
    Index("ix_actor_name", "name", "id"),
    Index("ix_actor_kind", "kind", "id"),
    placement=reference(),
    comment="Somebody who can speak, sign, take part or be acted upon.",
)

actor_name = child_table(
    "actor_name",
    actor,
    Column("text", Text, nullable=False),
    Column(
        "folded", key(), nullable=False, comment="The key for equality: case, width, accents and apostrophes folded."
    ),
    Column("skeleton", key(), nullable=False, comment="The folded name with usual respellings made equal."),
    Column("kind", key(), nullable=False),
    Column("language", key()),
    Column("how", key(), nullable=False, comment="listed, or how it was derived: family_name, government_form."),
    Column("enrichment", Integer, nullable=False, comment="1 where the name comes from outside the source."),
    Column("outsider", Integer, nullable=False, comment="1 where the whole actor comes from outside the source."),
    Index("ix_actor_name_folded", "folded", "id"),
    Index("ix_actor_name_skeleton", "skeleton", "id"),
    comment="A surface form under which people look for an actor.",
)

actor_identifier = child_table(
    "actor_identifier",
    actor,
    Column("scheme", key(), nullable=False),
    Column("value", key(), nullable=False),
    Index("ix_actor_identifier_value", "scheme", "value", "id"),
    comment="An actor's identifier in somebody else's scheme.",
)

tenure = child_table(
    "tenure",
    actor,
    Column("office", key(), nullable=False),
    Column("of", key(), comment="The state or body whose office it is."),
    day("from_first", "The first day on which it can have begun; null is unknown."),
    day("until_last", "The last day on which it can have ended; null is unknown or still held."),
    Index("ix_tenure_office", "office", "id"),
    comment="A person holds an office.",
)

membership = child_table(
    "membership",
    actor,
    Column("organisation", key(), nullable=False),
    day("from_first", "The first day on which it can have begun; null is unknown."),
    day("until_last", "The last day on which it can have ended; null is unknown or still held."),
    Index("ix_membership_organisation", "organisation", "id"),
    comment="An actor belongs to an organisation or coalition.",
)

office = record_table(
    "office",
    Column("title", key(), nullable=False),
    Column("of", key(), comment="The state or body whose office it is."),
    placement=reference(),
    comment="An office of a state or body.",
)
