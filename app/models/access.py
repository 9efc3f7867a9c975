"""Who may write, which writes were answered before, and what waits for review: not what is known, but how it is kept."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from app.models.base import key, local, metadata

access_key = Table(
    "access_key",
    metadata,
    Column("id", key(), primary_key=True, comment="The readable part of the key, by which it is recognised."),
    Column("name", key(), nullable=False, comment="Whose it is: every revision that it makes names it."),
    Column("digest", key(), nullable=False, comment="sha256 of the whole key, which is kept nowhere."),
    Column("scopes", key(), nullable=False, comment="read, write, admin: those given, joined by commas."),
    Column("made_at", key(), nullable=False, comment="RFC 3339, UTC."),
    Column("expires_at", key(), comment="RFC 3339, UTC; null for one that does not end by itself."),
    Column("revoked_at", key(), comment="RFC 3339, UTC; null while it is good."),
    # A name stays taken after its key is revoked: the log would not say any more who made what.
    UniqueConstraint("name"),
    info=local(),
    comment="A key that reads or writes.",
)

answered_write = Table(
    "answered_write",
    metadata,
    Column("key", key(), primary_key=True, comment="The id of the key that wrote."),
    Column("id", key(), primary_key=True, comment="The Idempotency-Key that came with it."),
    Column("digest", key(), nullable=False, comment="sha256 of the request: another one is refused."),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False, comment="As JSON."),
    Column("body", Text, nullable=False),
    Column("expires_at", key(), nullable=False, comment="RFC 3339, UTC: until then a repetition gets this answer."),
    Index("ix_answered_write_expires_at", "expires_at", "id"),
    info=local(),
    comment="The answer of a write, kept in the transaction that wrote, so that whoever asks again gets it and nothing is "
    "done twice.",
)

proposal = Table(
    "proposal",
    metadata,
    Column("id", key(), primary_key=True),
    Column("state", key(), nullable=False, comment="proposed, accepted or refused."),
    Column("dossier", key(), nullable=False, comment="The id of the dossier."),
    Column("title", Text, nullable=False),
    Column("data", Text, nullable=False, comment="The dossier as it came."),
    Column("digest", key(), nullable=False, comment="sha256 of the dossier."),
    Column("by", Text, nullable=False, comment="The name of the key that proposed it."),
    Column("why", Text, nullable=False),
    Column("at", key(), nullable=False, comment="RFC 3339, UTC."),
    Column("decided_by", Text, comment="The name of the key that accepted or refused it."),
    Column("decided_why", Text),
    Column("decided_at", key(), comment="RFC 3339, UTC."),
    Column("revision", Integer, comment="The revision that published it; null where it was not, or changed nothing."),
    CheckConstraint("state IN ('proposed', 'accepted', 'refused')", name="state"),
    CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
    Index("ix_proposal_state", "state", "id"),
    info=local(),
    comment="A dossier that waits for somebody to accept or refuse it.",
)
