"""An agent's day: the offers that he missed, and when he was ready."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "missed_offers",
        sa.Column("reservation", sa.String(64), primary_key=True),
        sa.Column("agent", sa.String(64), primary_key=True),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("ix_missed_offers_agent_at", "missed_offers", ["agent", "at"])
    op.create_table(
        "availability",
        sa.Column("agent", sa.String(64), primary_key=True),
        sa.Column("since", sa.Double, primary_key=True),
        sa.Column("until", sa.Double),
        sa.Column("ready", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("chosen_by", sa.String(64), nullable=False),
    )
