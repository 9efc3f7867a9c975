"""walk the days by id: the index of days holds the ids in order, so that a page of all events sorts nothing."""

from __future__ import annotations

from alembic import op

revision = "20261125m"
down_revision = "20261125l"
branch_labels = None
depends_on = None

TABLE, INDEX = "coded_event", "ix_coded_event_day"


def upgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.create_index(INDEX, TABLE, ["day", "id"])


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.create_index(INDEX, TABLE, ["day", "number"])
