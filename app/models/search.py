"""What a search looks in: the folded words of each version of a record by what they weigh, and every word there is.

The words stand here by field weight, which is what ranking needs on either database. Beside this table each database has an index
of its own over them, `search_words`, of a kind that the other does not have (an FTS5 table, a tsvector with GIN). It is made by the
migration, read and written in `app.query.text_sqlite` and `app.query.text_postgresql`, and can be made again at any time.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, SmallInteger, Table, Text

from app.models.base import key, metadata, reference, sharded
from app.models.coded import having

searchable = Table(
    "searchable",
    metadata,
    Column(
        "number",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="since * 2^32 and a number within it: newer revisions have higher ones.",
    ),
    Column("noun", key(), nullable=False, comment="The record's noun; coded_actor for an actor that a dataset names."),
    Column("id", key(), nullable=False),
    Column("since", Integer, nullable=False),
    Column("face", SmallInteger, nullable=False, comment="0 whole, 1 plain, 2 enriched."),
    Column("until", Integer),
    Column("source", key(), comment="The source whose text holds these words; they go when it is withdrawn."),
    Column("start", Integer, comment="Where in that text they begin, in code points."),
    Column("name", Text, nullable=False, server_default="", comment="Words of names, titles and labels."),
    Column("gloss", Text, nullable=False, server_default="", comment="Words of glosses and definitions."),
    Column("quote", Text, nullable=False, server_default="", comment="Words inside quotation marks."),
    Column(
        "text", Text, nullable=False, server_default="", comment="Other words of the record, or of a source's text."
    ),
    Column("linked", Text, nullable=False, server_default="", comment="Words of the ids of records it names."),
    Index("ix_searchable_id", "id", "number"),
    Index("ix_searchable_source", "source", "number", **having("source IS NOT NULL")),
    Index("ix_searchable_until", "until"),
    CheckConstraint("face IN (0, 1, 2)", name="face"),
    CheckConstraint("until IS NULL OR until > since", name="until"),
    info=sharded("number"),
    comment="A version of a record as a search sees it: its folded words by weight.",
)

known_word = Table(
    "known_word",
    metadata,
    Column("word", key(), primary_key=True),
    Column("source", key(), primary_key=True, comment="The source whose text holds it; '' for a word of records."),
    info=reference(),
    sqlite_with_rowid=False,
    comment="Every word that a search could find, to tell what was meant by one that it does not.",
)
