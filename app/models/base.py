"""What every table shares: column types, the columns of a version, and where a table lives in a distributed database.

A record is stored as versions. A version is one row of its noun's table (`actor`, `statement`, …) and the rows of the noun's
children (`actor_name`, `statement_topic`, …). Each row says from which revision it holds (`since`) and which one closed it
(`until`, null while it stands), and which *face* of the record it is:

    face 0   the record as the source tells it, with nothing from outside: what both readers see
    face 1   the same record without its enrichment, where there is some: what a default read sees
    face 2   the record with its enrichment: what `enrichment=true` sees

So a filter never asks whether a value is outside knowledge: it looks at the faces of its reader, (0, 1) or (0, 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

WHOLE: Final = 0
PLAIN: Final = 1
ENRICHED: Final = 2

FIRST_DAY: Final = -719162  # 0001-01-01, in days since 1970-01-01
LAST_DAY: Final = 2932896  # 9999-12-31

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def key() -> TypeEngine[str]:
    """Text that sorts by code point on both databases, so that a page's ORDER BY and its `>` agree everywhere."""
    return Text().with_variant(Text(collation="C"), "postgresql")


def reference() -> dict[str, str]:
    """The placement of a small table that every node holds whole."""
    return {"placement": "reference"}


def sharded(by: str, colocated: str | None = None) -> dict[str, str]:
    """The placement of a table that is spread by the column `by`, beside the table `colocated` where one is named."""
    return {"placement": "sharded", "by": by, **({"colocated": colocated} if colocated else {})}


def local() -> dict[str, str]:
    """The placement of a table that belongs to one database server."""
    return {"placement": "local"}


def day(name: str, comment: str) -> Column[int | None]:
    """A calendar day as days since 1970-01-01 (SQLite: `date(x * 86400, 'unixepoch')`; PostgreSQL: `date '1970-01-01' + x`)."""
    return Column(name, Integer, comment=comment, info={"day": True})


def ranges(columns: Iterable[Any]) -> list[CheckConstraint]:
    """Keep days within the years 1 to 9999: what is beyond could be stored by one database and not be read back."""
    days = [column.name for column in columns if isinstance(column, Column) and column.info.get("day")]
    return [CheckConstraint(f"{name} BETWEEN {FIRST_DAY} AND {LAST_DAY}", name=f"{name}_range") for name in days]


def record_table(name: str, *columns: Any, placement: Mapping[str, str], comment: str) -> Table:
    """The table of a noun: a row a version and face, with the columns its filters and sorts need."""
    return Table(
        name,
        metadata,
        Column("id", key(), primary_key=True, comment="The record's id: readable, never reused."),
        Column(
            "since", Integer, primary_key=True, autoincrement=False, comment="The revision that opened this version."
        ),
        Column("face", SmallInteger, primary_key=True, autoincrement=False, comment="0 whole, 1 plain, 2 enriched."),
        Column("until", Integer, comment="The revision that closed this version; null while it stands."),
        Column("origin", key(), comment="What published it: the dossier's or dataset's id; null for an edit."),
        Column(
            "body", Text, nullable=False, comment="The record of this face as JSON, less what is computed when read."
        ),
        Column("words", Text, nullable=False, server_default="", comment="Folded words that `q` looks in."),
        *columns,
        *ranges(columns),
        Index(f"ix_{name}_since", "since", "id"),
        Index(f"ix_{name}_until", "until"),
        CheckConstraint("face IN (0, 1, 2)", name="face"),
        CheckConstraint("until IS NULL OR until > since", name="until"),
        info=dict(placement),
        comment=comment,
    )


def child_table(name: str, parent: Table, *columns: Any, comment: str) -> Table:
    """The table of a repeated part of a noun; its rows belong to one version of the parent and stand and fall with it."""
    placement = parent.info["placement"]
    return Table(
        name,
        metadata,
        Column("id", key(), primary_key=True, comment=f"The {parent.name} it belongs to."),
        Column("since", Integer, primary_key=True, autoincrement=False),
        Column("face", SmallInteger, primary_key=True, autoincrement=False),
        Column("n", Integer, primary_key=True, autoincrement=False, comment="Its place in the list, from 0."),
        Column("until", Integer),
        *columns,
        *ranges(columns),
        ForeignKeyConstraint(["id", "since", "face"], [parent.c.id, parent.c.since, parent.c.face]),
        Index(f"ix_{name}_since", "since", "id"),
        Index(f"ix_{name}_until", "until"),
        info=reference() if placement == "reference" else sharded("id", parent.name),
        comment=comment,
    )


def link_table(parent: Table, name: str, *, comment: str) -> Table:
    """A child table that only lists values, such as the topics of a statement."""
    return child_table(
        f"{parent.name}_{name}",
        parent,
        Column(name, key(), nullable=False),
        Index(f"ix_{parent.name}_{name}_{name}", name, "id"),
        comment=comment,
    )
