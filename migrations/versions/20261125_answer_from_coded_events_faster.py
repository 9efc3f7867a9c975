"""answer from coded events faster: numbers by month, by year and by counterpart are counted ahead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "20261125e"
down_revision = "20261125d"
branch_labels = None
depends_on = None

# Text that sorts by code point on both databases.
key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ACTORS = 500  # actors whose numbers are counted at once: what is sorted stays small
MONTH = "Months since January of year 0."
CODE = "As in coded_part; '' for none."
BY_MONTH = "Additions to the number of an actor's events, in either role, by month and code."
SUMMED = "The sum over the events that have one."
PAIRS, CODES = ("actor", "other", "day", "number"), ("actor", "code", "day", "number")
# The indexes of the parts that hold all that a page's keys depend on, with what they held before.
INDEXES = (
    ("ix_coded_part_code", CODES, (*CODES, "once", "until")),
    ("ix_coded_part_pair", PAIRS, (*PAIRS, "once", "until", "code")),
)
WEIGHED = "How many events have an intensity."
INITIATED = "How many of the events the actor initiates."
RECEIVED = "In how many of the events the actor is the recipient."


def upgrade() -> None:
    in_role = [
        sa.Column("initiated", sa.Integer, nullable=False, server_default="0", comment=INITIATED),
        sa.Column("received", sa.Integer, nullable=False, server_default="0", comment=RECEIVED),
    ]
    month = sa.Column("month", sa.Integer, autoincrement=False, nullable=False, comment=MONTH)
    code = sa.Column("code", key, nullable=False, comment=CODE)
    actor = whole("actor")
    since = whole("since")
    year = sa.Column("year", sa.Integer, autoincrement=False, nullable=False)
    years = sa.Column("year", sa.Integer, autoincrement=False, nullable=False, comment="-1 for all of them together.")
    with made_anew("coded_actor_month"):
        sums_table("coded_actor_month", [actor, month, code, since], in_role, BY_MONTH)
    sums_table(
        "coded_actor_total",
        [actor, month, since],
        in_role,
        "Additions to the number of an actor's events by month.",
    )
    sums_table(
        "coded_actor_year",
        [actor, year, code, since],
        in_role,
        "Additions to the number of an actor's events by year and code.",
    )
    sums_table(
        "coded_active",
        [years, actor, since],
        in_role,
        "Additions to the number of events of every actor in a year: who is in it most.",
    )
    sums_table(
        "coded_total",
        [sa.Column("dataset", key, nullable=False), month, since],
        [],
        "Additions to the number of events by dataset and month.",
    )
    op.create_table(
        "coded_counterpart",
        whole("actor"),
        sa.Column("other", sa.Integer, autoincrement=False, nullable=False, comment="The counterpart; -1 for nobody."),
        whole("since"),
        sa.Column("until", sa.Integer, nullable=True),
        sa.Column("events", sa.Integer, nullable=False, comment="How many events they have in common, whoever acts."),
        sa.Column("reports", sa.Integer, nullable=False),
        sa.Column("initiated", sa.Integer, nullable=False, comment=INITIATED),
        sa.Column("received", sa.Integer, nullable=False, comment=RECEIVED),
        sa.PrimaryKeyConstraint("actor", "other", "since", name=op.f("pk_coded_counterpart")),
        comment="How often an actor and another are in one event, from one revision to another.",
        sqlite_with_rowid=False,
    )
    for sql in counted():
        op.execute(sql)
    op.create_index("ix_coded_counterpart_most", "coded_counterpart", ["actor", "events", "other"])
    op.drop_table("coded_pair")
    for name, _, columns in INDEXES:
        op.drop_index(name, "coded_part")
        op.create_index(name, "coded_part", list(columns))


def downgrade() -> None:
    for name, columns, _ in INDEXES:
        op.drop_index(name, "coded_part")
        op.create_index(name, "coded_part", list(columns))
    op.create_table(
        "coded_pair",
        whole("actor"),
        whole("other"),
        whole("since"),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("reports", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("actor", "other", "since", name=op.f("pk_coded_pair")),
        comment="Additions to the number of events between two actors, whoever acts.",
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO coded_pair (actor, other, since, events, reports) "
        "SELECT actor, other, at, sum(events), sum(reports) FROM ("
        "SELECT actor, other, since AS at, events, reports FROM coded_counterpart UNION ALL "
        "SELECT actor, other, until, -events, -reports FROM coded_counterpart WHERE until IS NOT NULL"
        ") AS x WHERE other >= 0 GROUP BY actor, other, at HAVING sum(events) <> 0 OR sum(reports) <> 0"
    )
    op.drop_index("ix_coded_counterpart_most", "coded_counterpart")
    for table in ("coded_counterpart", "coded_total", "coded_active", "coded_actor_year", "coded_actor_total"):
        op.drop_table(table)
    # What was added only because the roles changed was no addition before.
    op.execute(
        "DELETE FROM coded_actor_month WHERE events = 0 AND reports = 0 AND weighed = 0 AND abs(intensity) <= 1e-9"
    )
    with made_anew("coded_actor_month"):
        op.create_table(
            "coded_actor_month",
            whole("actor"),
            sa.Column("month", sa.Integer, autoincrement=False, nullable=False, comment=MONTH),
            sa.Column("code", key, nullable=False, comment=CODE),
            whole("since"),
            sa.Column("events", sa.Integer, nullable=False),
            sa.Column("reports", sa.Integer, nullable=False),
            sa.Column("intensity", sa.Float, nullable=False),
            sa.Column("weighed", sa.Integer, nullable=False),
            sa.PrimaryKeyConstraint("actor", "month", "code", "since", name=op.f("pk_coded_actor_month")),
            comment=BY_MONTH,
            sqlite_with_rowid=False,
        )


@contextmanager
def made_anew(table: str) -> Iterator[None]:
    """Keep the rows of a table of additions while it is dropped and made again: SQLite would only append columns to its text."""
    columns = "actor, month, code, since, events, reports, intensity, weighed"
    op.execute(f"CREATE TABLE kept AS SELECT {columns} FROM {table}")  # noqa: S608
    op.drop_table(table)
    yield
    op.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM kept ORDER BY actor, month, code, since")  # noqa: S608
    op.drop_table("kept")


def whole(name: str) -> sa.Column[int]:
    """A number that is part of a key."""
    return sa.Column(name, sa.Integer, autoincrement=False, nullable=False)


def copied(column: sa.Column[object]) -> sa.Column[object]:
    """The same column for another table."""
    return sa.Column(
        column.name,
        column.type,
        autoincrement=False,
        nullable=False,
        server_default=None if column.server_default is None else "0",
        comment=column.comment,
    )


def sums_table(name: str, keys: list[sa.Column[object]], more: list[sa.Column[int]], comment: str) -> None:
    """A table of additions."""
    op.create_table(
        name,
        *[copied(column) for column in keys],
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("reports", sa.Integer, nullable=False),
        sa.Column("intensity", sa.Float, nullable=False, comment=SUMMED),
        sa.Column("weighed", sa.Integer, nullable=False, comment=WEIGHED),
        *[copied(column) for column in more],
        sa.PrimaryKeyConstraint(*[column.name for column in keys], name=op.f(f"pk_{name}")),
        comment=comment,
        sqlite_with_rowid=False,
    )


def counted() -> Iterator[sa.TextClause]:
    """What is counted from the parts and the additions that are there, a few actors at a time."""
    bind = op.get_bind()
    most = bind.execute(sa.text("SELECT max(number) FROM coded_actor")).scalar()
    month = (
        "CAST(strftime('%Y', day * 86400, 'unixepoch') AS INTEGER) * 12 "
        "+ CAST(strftime('%m', day * 86400, 'unixepoch') AS INTEGER) - 1"
        if bind.dialect.name == "sqlite"
        else "CAST(EXTRACT(YEAR FROM DATE '1970-01-01' + day) * 12 + EXTRACT(MONTH FROM DATE '1970-01-01' + day) - 1 AS INTEGER)"
    )
    for low in range(0, -1 if most is None else most + 1, ACTORS):
        span = f"actor BETWEEN {low} AND {low + ACTORS - 1}"
        for sql in (*by_month(span, month), by_counterpart(span)):
            yield sa.text(sql)
    sums = "sum(events), sum(reports), sum(intensity), sum(weighed)"
    yield sa.text(
        "INSERT INTO coded_total (dataset, month, since, events, reports, intensity, weighed) "  # noqa: S608
        f"SELECT dataset, month, since, {sums} FROM coded_month GROUP BY dataset, month, since"
    )


def in_role(columns: str, span: str) -> str:
    """Who initiates and who receives, as additions at the revisions that opened and closed the parts."""
    roles = "CASE role WHEN 1 THEN {one} ELSE 0 END AS initiated, CASE role WHEN 2 THEN {one} ELSE 0 END AS received"
    opened, closed = roles.format(one="1"), roles.format(one="-1")
    return (
        f"SELECT {columns}, since AS at, {opened} FROM coded_part WHERE {span} UNION ALL "  # noqa: S608
        f"SELECT {columns}, until AS at, {closed} FROM coded_part WHERE until IS NOT NULL AND {span}"
    )


def by_month(span: str, month: str) -> Iterator[str]:
    """The roles by month and code; from these the numbers by month, by year and in all."""
    yield (
        "INSERT INTO coded_actor_month (actor, month, code, since, events, reports, intensity, weighed, initiated, received) "  # noqa: S608
        "SELECT actor, month, code, at, 0, 0, 0, 0, sum(initiated), sum(received) FROM ("
        + in_role(f"actor, {month} AS month, COALESCE(code, '') AS code", span)
        + ") AS x GROUP BY actor, month, code, at HAVING sum(initiated) <> 0 OR sum(received) <> 0 "
        "ON CONFLICT (actor, month, code, since) DO UPDATE SET initiated = excluded.initiated, received = excluded.received"
    )
    columns = ("events", "reports", "intensity", "weighed", "initiated", "received")
    names, added = ", ".join(columns), ", ".join(f"sum({name})" for name in columns)
    for table, source, keys, values in (
        ("coded_actor_total", "coded_actor_month", "actor, month, since", "actor, month, since"),
        ("coded_actor_year", "coded_actor_month", "actor, year, code, since", "actor, month / 12, code, since"),
        ("coded_active", "coded_actor_total", "actor, year, since", "actor, month / 12, since"),
    ):
        yield (
            f"INSERT INTO {table} ({keys}, {names}) SELECT {values}, {added} FROM {source} WHERE {span} GROUP BY {values}"  # noqa: S608
        )
    yield (
        f"INSERT INTO coded_active (year, actor, since, {names}) "  # noqa: S608
        f"SELECT -1, actor, since, {added} FROM coded_actor_total WHERE {span} GROUP BY actor, since"
    )


def by_counterpart(span: str) -> str:
    """The additions of pairs as numbers from one revision to another."""
    numbers = ("events", "reports", "initiated", "received")
    summed = ", ".join(f"sum({name}) AS {name}" for name in numbers)
    so_far = ", ".join(f"sum({name}) OVER (PARTITION BY actor, other ORDER BY at) AS {name}" for name in numbers)
    return (
        f"INSERT INTO coded_counterpart (actor, other, since, until, {', '.join(numbers)}) "  # noqa: S608
        f"SELECT actor, other, at, next, {', '.join(numbers)} FROM ("
        f"SELECT actor, other, at, lead(at) OVER (PARTITION BY actor, other ORDER BY at) AS next, {so_far} FROM ("
        f"SELECT actor, other, at, {summed} FROM ("
        f"SELECT actor, other, since AS at, events, reports, 0 AS initiated, 0 AS received FROM coded_pair WHERE {span} UNION ALL "
        # What an actor has beyond its pairs, it has alone.
        f"SELECT actor, -1, since, events, reports, 0, 0 FROM coded_active WHERE year = -1 AND {span} UNION ALL "
        f"SELECT actor, -1, since, -events, -reports, 0, 0 FROM coded_pair WHERE {span} UNION ALL "
        "SELECT actor, other, at, 0, 0, initiated, received FROM ("
        + in_role("actor, COALESCE(other, -1) AS other", span)
        + ") AS parts) AS x GROUP BY actor, other, at "
        + "HAVING "
        + " OR ".join(f"sum({name}) <> 0" for name in numbers)
        + ") AS y) AS z WHERE events <> 0"
    )
