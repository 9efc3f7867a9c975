"""let records be searched: an index of their words, filled with what stands and stood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import indexing

revision = "20261125c"
down_revision = "20261125b"
branch_labels = None
depends_on = None

# Text that sorts by code point on both databases.
key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "known_word",
        sa.Column("word", key, nullable=False),
        sa.Column("source", key, nullable=False, comment="The source whose text holds it; '' for a word of records."),
        sa.PrimaryKeyConstraint("word", "source", name=op.f("pk_known_word")),
        comment="Every word that a search could find, to tell what was meant by one that it does not.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "searchable",
        sa.Column(
            "number",
            sa.BigInteger,
            autoincrement=False,
            nullable=False,
            comment="since * 2^32 and a number within it: newer revisions have higher ones.",
        ),
        sa.Column(
            "noun",
            key,
            nullable=False,
            comment="The record's noun; coded_actor for an actor that a dataset names.",
        ),
        sa.Column("id", key, nullable=False),
        sa.Column("since", sa.Integer, nullable=False),
        sa.Column("face", sa.SmallInteger, nullable=False, comment="0 whole, 1 plain, 2 enriched."),
        sa.Column("until", sa.Integer, nullable=True),
        sa.Column(
            "source",
            key,
            nullable=True,
            comment="The source whose text holds these words; they go when it is withdrawn.",
        ),
        sa.Column("start", sa.Integer, nullable=True, comment="Where in that text they begin, in code points."),
        sa.Column("name", sa.Text, server_default="", nullable=False, comment="Words of names, titles and labels."),
        sa.Column("gloss", sa.Text, server_default="", nullable=False, comment="Words of glosses and definitions."),
        sa.Column("quote", sa.Text, server_default="", nullable=False, comment="Words inside quotation marks."),
        sa.Column(
            "text",
            sa.Text,
            server_default="",
            nullable=False,
            comment="Other words of the record, or of a source's text.",
        ),
        sa.Column(
            "linked", sa.Text, server_default="", nullable=False, comment="Words of the ids of records it names."
        ),
        sa.CheckConstraint("face IN (0, 1, 2)", name=op.f("ck_searchable_face")),
        sa.CheckConstraint("until IS NULL OR until > since", name=op.f("ck_searchable_until")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_searchable")),
        comment="A version of a record as a search sees it: its folded words by weight.",
    )
    op.create_index("ix_searchable_id", "searchable", ["id", "number"])
    op.create_index(
        "ix_searchable_source",
        "searchable",
        ["source", "number"],
        sqlite_where=sa.text("source IS NOT NULL"),
        postgresql_where=sa.text("source IS NOT NULL"),
    )
    op.create_index("ix_searchable_until", "searchable", ["until"])
    indexing.rebuild(op.get_bind())


def downgrade() -> None:
    op.execute("DROP TABLE search_words")
    op.drop_table("searchable")
    op.drop_table("known_word")
