"""hold coded events: what datasets brought, the parts of actors in them, and what is counted ahead."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125b"
down_revision = "20261125a"
branch_labels = None
depends_on = None

# Text that sorts by code point on both databases.
key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TABLES = (
    "coded_actor",
    "coded_actor_month",
    "coded_event",
    "coded_link",
    "coded_month",
    "coded_pair",
    "coded_part",
    "coded_report",
    "rejected_row",
)


def upgrade() -> None:
    op.create_table(
        "coded_actor",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column(
            "id", key, nullable=False, comment="The dataset and the folded name: `icews:foreign-affairs-bangladesh`."
        ),
        sa.Column("dataset", key, nullable=False),
        sa.Column("name", key, nullable=False, comment="The dataset's own name, kept whatever the actor is linked to."),
        sa.Column("code", key, nullable=True, comment="The dataset's own code."),
        sa.Column("country", key, nullable=True, comment="ISO 3166-1 alpha-2."),
        sa.Column(
            "sectors",
            sa.Text,
            server_default="",
            nullable=False,
            comment="The dataset's own sectors, separated by '|'.",
        ),
        sa.Column("folded", key, nullable=False),
        sa.Column("since", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_coded_actor")),
        comment="An actor as a dataset names it.",
    )
    op.create_index("ix_coded_actor_folded", "coded_actor", ["folded", "number"])
    op.create_index("ix_coded_actor_name", "coded_actor", ["dataset", "name", "number"])
    op.create_index("uq_coded_actor_id", "coded_actor", ["id"], unique=True)

    op.create_table(
        "coded_actor_month",
        sa.Column("actor", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer, autoincrement=False, nullable=False, comment="Months since January of year 0."),
        sa.Column("code", key, nullable=False, comment="As in coded_part; '' for none."),
        sa.Column("since", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("reports", sa.Integer, nullable=False),
        sa.Column("intensity", sa.Float, nullable=False),
        sa.Column("weighed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("actor", "month", "code", "since", name=op.f("pk_coded_actor_month")),
        comment="Additions to the number of an actor's events, in either role, by month and code.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "coded_event",
        sa.Column(
            "number",
            sa.BigInteger,
            autoincrement=False,
            nullable=False,
            comment="A 63-bit digest of what makes it itself.",
        ),
        sa.Column("since", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("until", sa.Integer, nullable=True),
        sa.Column(
            "id",
            key,
            nullable=False,
            comment="The dataset and its own id of the row that first told of it; where it has none, the number in "
            "hexadecimal.",
        ),
        sa.Column("dataset", key, nullable=False),
        sa.Column("day", sa.Integer, nullable=False, comment="Its first day, in days since 1970-01-01."),
        sa.Column("last", sa.Integer, nullable=False, comment="Its last day; the first for an event of one day."),
        sa.Column("initiator", sa.Integer, nullable=True, comment="A number of coded_actor."),
        sa.Column("recipient", sa.Integer, nullable=True, comment="A number of coded_actor."),
        sa.Column("code", key, nullable=True, comment="CAMEO code, leading zeros kept."),
        sa.Column("label", key, nullable=True, comment="The dataset's own label."),
        sa.Column("plover", key, nullable=True),
        sa.Column("mode", key, nullable=True),
        sa.Column("contexts", sa.Text, nullable=True, comment="The dataset's contexts, separated by '|'."),
        sa.Column("quad", sa.SmallInteger, nullable=True),
        sa.Column("intensity", sa.Float, nullable=True),
        sa.Column("kind", key, nullable=True, comment="Our event type, where it is plain."),
        sa.Column("country", key, nullable=True, comment="ISO 3166-1 alpha-2 of where it happened."),
        sa.Column("place", sa.Text, nullable=True),
        sa.Column("latitude", sa.Float, nullable=True),
        sa.Column("longitude", sa.Float, nullable=True),
        sa.Column("reports", sa.Integer, nullable=False, comment="The weights of its standing reports."),
        sa.PrimaryKeyConstraint("number", "since", name=op.f("pk_coded_event")),
        comment="An event that a dataset codes.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_coded_event_code",
        "coded_event",
        ["code", "day", "number"],
        sqlite_where=sa.text("code IS NOT NULL"),
        postgresql_where=sa.text("code IS NOT NULL"),
    )
    op.create_index("ix_coded_event_day", "coded_event", ["day", "number"])
    op.create_index(
        "ix_coded_event_label",
        "coded_event",
        ["label", "day", "number"],
        sqlite_where=sa.text("code IS NULL"),
        postgresql_where=sa.text("code IS NULL"),
    )
    op.create_index(
        "ix_coded_event_lasting",
        "coded_event",
        ["day", "last", "number"],
        sqlite_where=sa.text("last > day"),
        postgresql_where=sa.text("last > day"),
    )

    op.create_table(
        "coded_link",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False, comment="The dataset's actor."),
        sa.Column("since", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("until", sa.Integer, nullable=True),
        sa.Column("actor", key, nullable=False, comment="Who it is here: an id of actors."),
        sa.Column("why", sa.Text, nullable=False, comment="The rule that tied them."),
        sa.PrimaryKeyConstraint("number", "since", name=op.f("pk_coded_link")),
        comment="Who a dataset's actor is here; closing a link touches no event.",
    )
    op.create_index("ix_coded_link_actor", "coded_link", ["actor", "number"])

    op.create_table(
        "coded_month",
        sa.Column("dataset", key, nullable=False),
        sa.Column("month", sa.Integer, autoincrement=False, nullable=False, comment="Months since January of year 0."),
        sa.Column("code", key, nullable=False, comment="As in coded_part; '' for none."),
        sa.Column("since", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("reports", sa.Integer, nullable=False),
        sa.Column("intensity", sa.Float, nullable=False, comment="The sum over the events that have one."),
        sa.Column("weighed", sa.Integer, nullable=False, comment="How many events have an intensity."),
        sa.PrimaryKeyConstraint("dataset", "month", "code", "since", name=op.f("pk_coded_month")),
        comment="Additions to the number of events by dataset, month and code.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "coded_pair",
        sa.Column("actor", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("other", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("since", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("reports", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("actor", "other", "since", name=op.f("pk_coded_pair")),
        comment="Additions to the number of events between two actors, whoever acts.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "coded_part",
        sa.Column("actor", sa.Integer, autoincrement=False, nullable=False, comment="A number of coded_actor."),
        sa.Column("day", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False, comment="The event."),
        sa.Column("role", sa.SmallInteger, autoincrement=False, nullable=False, comment="1 initiator, 2 recipient."),
        sa.Column("since", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("until", sa.Integer, nullable=True),
        sa.Column("other", sa.Integer, nullable=True, comment="The counterpart."),
        sa.Column(
            "code", key, nullable=True, comment="The code; where the dataset has none its label, else its PLOVER type."
        ),
        sa.Column(
            "once",
            sa.SmallInteger,
            nullable=False,
            comment="0 in the second row of an actor who is its own counterpart.",
        ),
        sa.PrimaryKeyConstraint("actor", "day", "number", "role", "since", name=op.f("pk_coded_part")),
        comment="A part of an actor in a coded event.",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_coded_part_code", "coded_part", ["actor", "code", "day", "number"])
    op.create_index("ix_coded_part_pair", "coded_part", ["actor", "other", "day", "number"])

    op.create_table(
        "coded_report",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False, comment="The event."),
        sa.Column("native", key, nullable=False, comment="The dataset's own id of the row."),
        sa.Column("since", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("until", sa.Integer, nullable=True),
        sa.Column("reported", sa.Integer, nullable=True, comment="When, in days since 1970-01-01."),
        sa.Column("story", key, nullable=True),
        sa.Column("sentence", sa.Integer, nullable=True),
        sa.Column("publisher", sa.Text, nullable=True),
        sa.Column("url", sa.Text, nullable=True),
        sa.Column("weight", sa.Integer, nullable=False, comment="How many reports it stands for; 0 for a mention."),
        sa.PrimaryKeyConstraint("number", "native", "since", name=op.f("pk_coded_report")),
        comment="A record of a dataset that says an event happened; none where the dataset's rows have no id of their own.",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_coded_report_native", "coded_report", ["native", "number"])

    op.create_table(
        "rejected_row",
        sa.Column("revision", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("n", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("reason", key, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("revision", "n", name=op.f("pk_rejected_row")),
        comment="A row of an imported file that was refused, with its text.",
    )


def downgrade() -> None:
    for name in TABLES:
        op.drop_table(name)
