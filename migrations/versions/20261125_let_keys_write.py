"""let keys write: keys, the answers of retried writes, what waits for review."""

from __future__ import annotations

revision = "20261125d"
down_revision = "20261125c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
