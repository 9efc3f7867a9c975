"""Which coded events datasets brought: narrow rows by number, the parts of actors in them, and what is counted ahead.

There are millions of them, so they are not kept as the curated records are (a version with a body): an event is a row of
numbers and short codes, keyed by a digest of what makes it itself, and everything that a page or a count needs stands in one index.

    coded_actor ──< coded_link >── actor      who a dataset's actor is here, each link with its reason
        │
        ├──< coded_part      an actor's events by day; with the counterpart and the code, so that pages and pairs need no join
        ├──< coded_actor_month, coded_actor_total, coded_actor_year, coded_active    what is counted ahead
        ├──< coded_counterpart                how often an actor met each other
    coded_event ──< coded_report              the records of the dataset that say it happened

Rows of the tables that count ahead are *additions*: each revision adds what it changed (and takes off what it closed), so that the
sum up to a revision is right for `as_of` too. But for coded_counterpart: there a row is the number itself from one revision
to another, so that an index holds the counterparts in the order of their numbers.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, SmallInteger, Table, Text, text

from app.models.base import key, local, metadata, reference, sharded

INITIATOR, RECIPIENT = 1, 2
NOBODY = -1  # the counterpart of who is alone in an event


def having(condition: str) -> dict[str, Any]:
    """What makes an index hold only the rows of a condition, on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


coded_actor = Table(
    "coded_actor",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", key(), nullable=False, comment="The dataset and the folded name: `icews:foreign-affairs-bangladesh`."),
    Column("dataset", key(), nullable=False),
    Column("name", key(), nullable=False, comment="The dataset's own name, kept whatever the actor is linked to."),
    Column("code", key(), comment="The dataset's own code."),
    Column("country", key(), comment="ISO 3166-1 alpha-2."),
    Column("sectors", Text, nullable=False, server_default="", comment="The dataset's own sectors, separated by '|'."),
    Column("folded", key(), nullable=False),
    Column("since", Integer, nullable=False),
    Index("uq_coded_actor_id", "id", unique=True),
    Index("ix_coded_actor_name", "dataset", "name", "number"),
    Index("ix_coded_actor_folded", "folded", "number"),
    info=reference(),
    comment="An actor as a dataset names it.",
)

coded_link = Table(
    "coded_link",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="The dataset's actor."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    Column("until", Integer),
    Column("actor", key(), nullable=False, comment="Who it is here: an id of actors."),
    Column("why", Text, nullable=False, comment="The rule that tied them."),
    Index("ix_coded_link_actor", "actor", "number"),
    info=reference(),
    comment="Who a dataset's actor is here; closing a link touches no event.",
)

coded_event = Table(
    "coded_event",
    metadata,
    Column(
        "number", BigInteger, primary_key=True, autoincrement=False, comment="A 63-bit digest of what makes it itself."
    ),
    Column("since", Integer, primary_key=True, autoincrement=False),
    Column("until", Integer),
    Column(
        "id",
        key(),
        nullable=False,
        comment="The dataset and its own id of the row that first told of it; where it has none, the number in hexadecimal.",
    ),
    Column("dataset", key(), nullable=False),
    Column("day", Integer, nullable=False, comment="Its first day, in days since 1970-01-01."),
    Column("last", Integer, nullable=False, comment="Its last day; the first for an event of one day."),
    Column("initiator", Integer, comment="A number of coded_actor."),
    Column("recipient", Integer, comment="A number of coded_actor."),
    Column("code", key(), comment="CAMEO code, leading zeros kept."),
    Column("label", key(), comment="The dataset's own label."),
    Column("plover", key()),
    Column("mode", key()),
    Column("contexts", Text, comment="The dataset's contexts, separated by '|'."),
    Column("quad", SmallInteger),
    Column("intensity", Float),
    Column("kind", key(), comment="Our event type, where it is plain."),
    Column("country", key(), comment="ISO 3166-1 alpha-2 of where it happened."),
    Column("place", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("reports", Integer, nullable=False, comment="The weights of its standing reports."),
    # By id, as pages are: at ten million events a day has 2,400, and to sort them took seven times as long as the page.
    Index("ix_coded_event_day", "day", "id"),
    Index("ix_coded_event_code", "code", "day", "number", **having("code IS NOT NULL")),
    # Only for datasets that have words and no codes, so that the others do not pay for it.
    Index("ix_coded_event_label", "label", "day", "number", **having("code IS NULL")),
    # The events of several days alone: how far before a period one may begin that reaches into it.
    Index("ix_coded_event_lasting", "day", "last", "number", **having("last > day")),
    # What a revision opened and closed, for whoever does the same elsewhere. Rows come in this order, so it grows at its end.
    Index("ix_coded_event_since", "since", "number"),
    Index("ix_coded_event_until", "until", "number", **having("until IS NOT NULL")),
    info=sharded("number"),
    sqlite_with_rowid=False,
    comment="An event that a dataset codes.",
)

coded_part = Table(
    "coded_part",
    metadata,
    Column("actor", Integer, primary_key=True, autoincrement=False, comment="A number of coded_actor."),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="The event."),
    Column("role", SmallInteger, primary_key=True, autoincrement=False, comment="1 initiator, 2 recipient."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    Column("until", Integer),
    Column("other", Integer, comment="The counterpart."),
    Column("code", key(), comment="The code; where the dataset has none its label, else its PLOVER type."),
    Column("once", SmallInteger, nullable=False, comment="0 in the second row of an actor who is its own counterpart."),
    # With all that a page's keys depend on: else a planner without statistics goes through the primary key, and all its rows.
    Index("ix_coded_part_code", "actor", "code", "day", "number", "once", "until"),
    Index("ix_coded_part_pair", "actor", "other", "day", "number", "once", "until", "code"),
    info=sharded("actor"),
    sqlite_with_rowid=False,
    comment="A part of an actor in a coded event.",
)

coded_report = Table(
    "coded_report",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="The event."),
    Column("native", key(), primary_key=True, comment="The dataset's own id of the row."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    Column("until", Integer),
    Column("reported", Integer, comment="When, in days since 1970-01-01."),
    Column("story", key()),
    Column("sentence", Integer),
    Column("publisher", Text),
    Column("url", Text),
    Column("weight", Integer, nullable=False, comment="How many reports it stands for; 0 for a mention."),
    # A row that comes again is found by its own id, wherever it belonged; and an event by the id of any of its reports.
    Index("ix_coded_report_native", "native", "number"),
    Index("ix_coded_report_since", "since", "number"),
    Index("ix_coded_report_until", "until", "number", **having("until IS NOT NULL")),
    info=sharded("number", "coded_event"),
    sqlite_with_rowid=False,
    comment="A record of a dataset that says an event happened; none where the dataset's rows have no id of their own.",
)


def sums(*more: str) -> list[Column[Any]]:
    """What is added up ahead; `more` are further numbers of events."""
    return [
        Column("events", Integer, nullable=False),
        Column("reports", Integer, nullable=False),
        Column("intensity", Float, nullable=False, comment="The sum over the events that have one."),
        Column("weighed", Integer, nullable=False, comment="How many events have an intensity."),
        *[Column(name, Integer, nullable=False, server_default="0", comment=ROLE_COMMENTS[name]) for name in more],
    ]


ROLE_COMMENTS = {
    "initiated": "How many of the events the actor initiates.",
    "received": "In how many of the events the actor is the recipient.",
}

coded_month = Table(
    "coded_month",
    metadata,
    Column("dataset", key(), primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False, comment="Months since January of year 0."),
    Column("code", key(), primary_key=True, comment="As in coded_part; '' for none."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    *sums(),
    info=sharded("month"),
    sqlite_with_rowid=False,
    comment="Additions to the number of events by dataset, month and code.",
)

coded_total = Table(
    "coded_total",
    metadata,
    Column("dataset", key(), primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False, comment="Months since January of year 0."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    *sums(),
    info=sharded("month"),
    sqlite_with_rowid=False,
    comment="Additions to the number of events by dataset and month.",
)

coded_actor_month = Table(
    "coded_actor_month",
    metadata,
    Column("actor", Integer, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False, comment="Months since January of year 0."),
    Column("code", key(), primary_key=True, comment="As in coded_part; '' for none."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    *sums("initiated", "received"),
    info=sharded("actor"),
    sqlite_with_rowid=False,
    comment="Additions to the number of an actor's events, in either role, by month and code.",
)

coded_actor_total = Table(
    "coded_actor_total",
    metadata,
    Column("actor", Integer, primary_key=True, autoincrement=False),
    Column("month", Integer, primary_key=True, autoincrement=False, comment="Months since January of year 0."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    *sums("initiated", "received"),
    info=sharded("actor"),
    sqlite_with_rowid=False,
    comment="Additions to the number of an actor's events by month.",
)

coded_actor_year = Table(
    "coded_actor_year",
    metadata,
    Column("actor", Integer, primary_key=True, autoincrement=False),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("code", key(), primary_key=True, comment="As in coded_part; '' for none."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    *sums("initiated", "received"),
    info=sharded("actor"),
    sqlite_with_rowid=False,
    comment="Additions to the number of an actor's events by year and code.",
)

coded_active = Table(
    "coded_active",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False, comment="-1 for all of them together."),
    Column("actor", Integer, primary_key=True, autoincrement=False),
    Column("since", Integer, primary_key=True, autoincrement=False),
    *sums("initiated", "received"),
    info=sharded("actor"),
    sqlite_with_rowid=False,
    comment="Additions to the number of events of every actor in a year: who is in it most.",
)

coded_counterpart = Table(
    "coded_counterpart",
    metadata,
    Column("actor", Integer, primary_key=True, autoincrement=False),
    Column("other", Integer, primary_key=True, autoincrement=False, comment="The counterpart; -1 for nobody."),
    Column("since", Integer, primary_key=True, autoincrement=False),
    Column("until", Integer),
    Column("events", Integer, nullable=False, comment="How many events they have in common, whoever acts."),
    Column("reports", Integer, nullable=False),
    Column("initiated", Integer, nullable=False, comment=ROLE_COMMENTS["initiated"]),
    Column("received", Integer, nullable=False, comment=ROLE_COMMENTS["received"]),
    # Who an actor met most, read from the end; what revisions have closed is passed over, which the index itself says.
    Index("ix_coded_counterpart_most", "actor", "events", "other", "since", "until"),
    info=sharded("actor"),
    sqlite_with_rowid=False,
    comment="How often an actor and another are in one event, from one revision to another.",
)

rejected_row = Table(
    "rejected_row",
    metadata,
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, nullable=False),
    Column("reason", key(), nullable=False),
    Column("detail", Text, nullable=False),
    Column("text", Text, nullable=False),
    info=local(),
    comment="A row of an imported file that was refused, with its text.",
)

# Whose rows a revision opens; what is counted ahead belongs to it too, and is not closed.
TABLES = (
    coded_link,
    coded_report,
    coded_part,
    coded_actor_month,
    coded_actor_total,
    coded_actor_year,
    coded_active,
    coded_counterpart,
    coded_month,
    coded_total,
    coded_event,
    coded_actor,
)

# Those that only imports write.
IMPORTED = tuple(table for table in TABLES if table is not coded_link)
