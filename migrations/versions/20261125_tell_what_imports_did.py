"""tell what imports did: which coded events and reports a revision opened and closed is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125k"
down_revision = "20261125e"
branch_labels = None
depends_on = None

TABLES = ("coded_event", "coded_report")


def upgrade() -> None:
    closed = sa.text("until IS NOT NULL")
    for table in TABLES:
        op.create_index(f"ix_{table}_since", table, ["since", "number"])
        op.create_index(f"ix_{table}_until", table, ["until", "number"], sqlite_where=closed, postgresql_where=closed)


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_until", table)
        op.drop_index(f"ix_{table}_since", table)
