"""read counterparts from one index: it also says from which revision to which a row stands, so that no row need be looked up."""

from __future__ import annotations

from alembic import op

revision = "20261125l"
down_revision = "20261125k"
branch_labels = None
depends_on = None

TABLE, INDEX = "coded_counterpart", "ix_coded_counterpart_most"


def upgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.create_index(INDEX, TABLE, ["actor", "events", "other", "since", "until"])


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.create_index(INDEX, TABLE, ["actor", "events", "other"])
