"""let records be searched: an index of their words."""

from __future__ import annotations

revision = "20261125c"
down_revision = "20261125b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
