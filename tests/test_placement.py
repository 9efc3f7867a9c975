"""Whether the schema keeps open the way to a distributed database: the rules of placement, read from the tables' own metadata."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Identity, Table, Text, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from app.models import metadata
from app.models.base import FIRST_DAY, LAST_DAY
from app.query.fields import Bound, Holds, Is, Present
from app.resources import NOUNS

TABLES = [pytest.param(table, id=table.name) for table in metadata.sorted_tables]
SHARDED = [
    pytest.param(table, id=table.name) for table in metadata.sorted_tables if table.info.get("placement") == "sharded"
]
# Read by the ledger, a revision at a time, and never a page at a time.
LOG_INDEXES = ("_until", "ix_revision_published_at", "uq_revision_open")


def collation(column: Column[Any]) -> str | None:
    """The collation that a column has on PostgreSQL."""
    kind = column.type.dialect_impl(postgresql.dialect())
    return getattr(kind, "collation", None)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_says_where_its_rows_live(table: Table) -> None:
    placement = table.info["placement"]

    assert placement in ("reference", "sharded", "local")
    assert ("by" in table.info) == (placement == "sharded")
    assert table.comment


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_a_primary_key_that_the_application_makes(table: Table) -> None:
    key = list(table.primary_key.columns)

    assert key
    assert table.autoincrement_column is None
    assert not any(isinstance(column.default, Identity) or column.identity for column in table.columns)
    assert "SERIAL" not in str(CreateTable(table).compile(dialect=postgresql.dialect()))


@pytest.mark.parametrize("table", SHARDED)
def test_what_must_be_unique_is_so_within_one_shard(table: Table) -> None:
    by = table.c[table.info["by"]]
    unique = [list(table.primary_key.columns)]
    unique += [list(one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)]
    unique += [list(index.columns) for index in table.indexes if index.unique]

    assert all(by in columns for columns in unique)
    assert not by.nullable


@pytest.mark.parametrize("table", TABLES)
def test_a_foreign_key_never_leaves_its_shard(table: Table) -> None:
    for constraint in table.constraints:
        if (
            not isinstance(constraint, ForeignKeyConstraint)
            or constraint.referred_table.info["placement"] == "reference"
        ):
            continue
        parent = constraint.referred_table
        pairs = [(element.parent.name, element.column.name) for element in constraint.elements]

        assert table.info["placement"] == "sharded"
        assert table.info["colocated"] == parent.name
        assert (table.info["by"], parent.info["by"]) in pairs


@pytest.mark.parametrize("table", SHARDED)
def test_a_colocated_table_is_spread_by_the_key_of_its_parent(table: Table) -> None:
    if "colocated" in table.info:
        parent = metadata.tables[table.info["colocated"]]

        assert parent.info["placement"] == "sharded"
        assert isinstance(table.c[table.info["by"]].type, type(parent.c[parent.info["by"]].type))


@pytest.mark.parametrize("table", TABLES)
def test_no_value_is_made_by_the_server(table: Table) -> None:
    defaults = [str(one.server_default.arg) for one in table.columns if one.server_default is not None]

    assert all(value in ("", "0") for value in defaults)
    assert not any(column.onupdate or column.server_onupdate or column.computed for column in table.columns)


@pytest.mark.parametrize("table", TABLES)
def test_text_that_is_looked_up_sorts_by_code_point(table: Table) -> None:
    keys = {column for index in table.indexes for column in index.columns} | set(table.primary_key.columns)
    texts = [column for column in keys if isinstance(column.type, Text)]

    assert all(collation(column) == "C" for column in texts)


@pytest.mark.parametrize("noun", NOUNS)
def test_what_lists_sort_and_filter_by_sorts_by_code_point(noun: str) -> None:
    resource = NOUNS[noun]
    columns = [sort.column for sort in resource.sorts] + [facet.column for facet in resource.facets]
    columns += [one.column for one in resource.filters if isinstance(one, (Is, Holds, Bound))]
    texts = [column for column in columns if isinstance(column.type, Text)]

    assert all(collation(column) == "C" for column in texts)
    assert not any(isinstance(one, Present) and one.column.table is not resource.table for one in resource.filters)


@pytest.mark.parametrize("table", TABLES)
def test_an_index_that_serves_pages_ends_in_the_id(table: Table) -> None:
    serving = [index for index in table.indexes if not str(index.name).endswith(LOG_INDEXES)]

    # A coded event's id is a number within the database; behind it may stand what a page reads and is not sorted by. Counterparts
    # are no records: an actor's own number is what they end in.
    for index in serving:
        names = [column.name for column in index.columns]
        while names[-1] in ("once", "since", "until", "code"):
            names.pop()
        assert names[-1] in ("id", "number") or (table.name == "coded_counterpart" and names[-1] == "other")


@pytest.mark.parametrize("table", TABLES)
def test_a_day_lies_within_the_years_that_both_databases_can_read_back(table: Table) -> None:
    checks = {str(one.sqltext) for one in table.constraints if isinstance(one, CheckConstraint)}
    days = [column for column in table.columns if column.name.endswith(("_first", "_last", "_day"))]

    assert all(f"{column.name} BETWEEN {FIRST_DAY} AND {LAST_DAY}" in checks for column in days)
