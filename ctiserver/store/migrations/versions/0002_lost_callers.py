"""Callers who went without an agent, for the list of those to be called back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lost_callers",
        sa.Column("contact", sa.String(64), primary_key=True),
        sa.Column("conversation", sa.String(64), nullable=False, index=True),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("ended_at", sa.Double, nullable=False, index=True),
        sa.Column("callback", sa.String(64)),
        sa.Column("closed_by", sa.String(64)),
        sa.Column("closed_at", sa.Double),
    )
    op.create_index("ix_interactions_caller_number", "interactions", ["caller_number"])
