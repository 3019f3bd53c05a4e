"""What leads and administrators did, to whom."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lead_log",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at", sa.Double, nullable=False, index=True),
        sa.Column("by_user", sa.String(64), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(64)),
        sa.Column("conversation", sa.String(64)),
        sa.Column("contact", sa.String(64)),
        sa.Column("detail", sa.Text, nullable=False),
    )
