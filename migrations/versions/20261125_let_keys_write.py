"""let keys write: keys, the answers of retried writes, what waits for review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125d"
down_revision = "20261125c"
branch_labels = None
depends_on = None

# Text that sorts by code point on both databases.
key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "access_key",
        sa.Column("id", key, nullable=False, comment="The readable part of the key, by which it is recognised."),
        sa.Column("name", key, nullable=False, comment="Whose it is: every revision that it makes names it."),
        sa.Column("digest", key, nullable=False, comment="sha256 of the whole key, which is kept nowhere."),
        sa.Column("scopes", key, nullable=False, comment="read, write, admin: those given, joined by commas."),
        sa.Column("made_at", key, nullable=False, comment="RFC 3339, UTC."),
        sa.Column("expires_at", key, comment="RFC 3339, UTC; null for one that does not end by itself."),
        sa.Column("revoked_at", key, comment="RFC 3339, UTC; null while it is good."),
        sa.PrimaryKeyConstraint("id", name="pk_access_key"),
        sa.UniqueConstraint("name", name="uq_access_key_name"),
        comment="A key that reads or writes.",
    )
    op.create_table(
        "answered_write",
        sa.Column("key", key, nullable=False, comment="The id of the key that wrote."),
        sa.Column("id", key, nullable=False, comment="The Idempotency-Key that came with it."),
        sa.Column("digest", key, nullable=False, comment="sha256 of the request: another one is refused."),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", sa.Text, nullable=False, comment="As JSON."),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column(
            "expires_at", key, nullable=False, comment="RFC 3339, UTC: until then a repetition gets this answer."
        ),
        sa.PrimaryKeyConstraint("key", "id", name="pk_answered_write"),
        comment="The answer of a write, kept in the transaction that wrote, so that whoever asks again gets it and nothing is "
        "done twice.",
    )
    op.create_index("ix_answered_write_expires_at", "answered_write", ["expires_at", "id"])
    op.create_table(
        "proposal",
        sa.Column("id", key, nullable=False),
        sa.Column("state", key, nullable=False, comment="proposed, accepted or refused."),
        sa.Column("dossier", key, nullable=False, comment="The id of the dossier."),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False, comment="The dossier as it came."),
        sa.Column("digest", key, nullable=False, comment="sha256 of the dossier."),
        sa.Column("by", sa.Text, nullable=False, comment="The name of the key that proposed it."),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", key, nullable=False, comment="RFC 3339, UTC."),
        sa.Column("decided_by", sa.Text, comment="The name of the key that accepted or refused it."),
        sa.Column("decided_why", sa.Text),
        sa.Column("decided_at", key, comment="RFC 3339, UTC."),
        sa.Column(
            "revision", sa.Integer, comment="The revision that published it; null where it was not, or changed nothing."
        ),
        sa.CheckConstraint("state IN ('proposed', 'accepted', 'refused')", name=op.f("ck_proposal_state")),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_proposal_decided")),
        sa.PrimaryKeyConstraint("id", name="pk_proposal"),
        comment="A dossier that waits for somebody to accept or refuse it.",
    )
    op.create_index("ix_proposal_state", "proposal", ["state", "id"])


def downgrade() -> None:
    for name in ("proposal", "answered_write", "access_key"):
        op.drop_table(name)
