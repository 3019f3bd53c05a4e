"""Calls between agents are in the records, too: of which medium a call was, and who else was in an internal one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call_records", sa.Column("medium", sa.String(16), nullable=False, server_default="voice"))
    op.add_column("call_records", sa.Column("callee", sa.String(64)))
    op.create_index("ix_call_records_callee_queued_at", "call_records", ["callee", "queued_at"])
