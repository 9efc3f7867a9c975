"""answer from coded events faster: indexes that pages, counts and abandoning want."""

from __future__ import annotations

revision = "20261125e"
down_revision = "20261125d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
