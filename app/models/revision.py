"""Which changes were published, in which order, by whom and why; and what became of ids that are no longer in use."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, text

from app.models.base import key, metadata, reference

revision = Table(
    "revision",
    metadata,
    Column(
        "number", Integer, primary_key=True, autoincrement=False, comment="The knowledge base's clock; never reused."
    ),
    Column("state", key(), nullable=False, comment="open, published or abandoned."),
    Column("kind", key(), nullable=False, comment="What made it: vocabularies, dossier, import, edit, retraction."),
    Column("origin", key(), comment="The dossier or dataset it published."),
    Column("digest", key(), comment="sha256 of the file it was made from, so that a resume continues the same one."),
    Column("job", Text, nullable=False, comment="How to do it again, as JSON: what `chancery revisions resume` runs."),
    Column("by", Text, nullable=False, comment="Who: the key's name, or the user of the command line."),
    Column("why", Text, nullable=False, comment="The reason given."),
    Column("opened_at", key(), nullable=False, comment="RFC 3339, UTC."),
    Column("published_at", key(), comment="RFC 3339, UTC; null while open."),
    Column("counts", Text, nullable=False, comment="Records created, updated and retracted, by noun, as JSON."),
    CheckConstraint("state IN ('open', 'published', 'abandoned')", name="state"),
    CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published_at"),
    CheckConstraint("number > 0", name="number"),
    Index("ix_revision_published_at", "published_at"),
    # One writer at a time, kept by the database itself: a second open revision cannot be inserted.
    Index(
        "uq_revision_open",
        "state",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    info=reference(),
    comment="One published change of the knowledge base.",
)

record_id = Table(
    "record_id",
    metadata,
    Column("id", key(), primary_key=True),
    Column("noun", key(), nullable=False, comment="The noun whose record carries this id."),
    Column("since", Integer, nullable=False, comment="The revision that first used it."),
    info=reference(),
    comment="Every id a curated record ever had: ids are unique over all nouns and never reused.",
)

redirect = Table(
    "redirect",
    metadata,
    Column("id", key(), primary_key=True, comment="The id that was given up."),
    Column("since", Integer, primary_key=True, autoincrement=False, comment="The revision that renamed or merged it."),
    Column("until", Integer, comment="The revision that undid it."),
    Column("noun", key(), nullable=False),
    Column("now", key(), nullable=False, comment="The id to use instead."),
    Index("ix_redirect_since", "since", "id"),
    info=reference(),
    comment="Where a renamed or merged record went.",
)

retraction = Table(
    "retraction",
    metadata,
    Column("id", key(), primary_key=True),
    Column("since", Integer, primary_key=True, autoincrement=False, comment="The revision that retracted it."),
    Column("noun", key(), nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_retraction_since", "since", "id"),
    info=reference(),
    comment="Why a record was retracted.",
)
