"""Who has listened to whom."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "monitor_log",
        sa.Column("id", sa.String(160), primary_key=True),
        sa.Column("at", sa.Double, nullable=False, index=True),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("conversation", sa.String(64), nullable=False),
        sa.Column("by_user", sa.String(64), nullable=False),
        sa.Column("listened", sa.String(64)),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
    )
