"""The first tables: logins, customers, calls. A migration is frozen: later changes are later files."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    roles = op.create_table("roles", sa.Column("id", sa.String(16), nullable=False), sa.PrimaryKeyConstraint("id"))
    op.bulk_insert(roles, [{"id": "agent"}, {"id": "lead"}, {"id": "admin"}])
    op.create_table(
        "users",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), sa.ForeignKey("roles.id"), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("name_zh", sa.String(128), nullable=False),
        sa.Column("name_en", sa.String(128), nullable=False),
        sa.Column("agent_id", sa.String(64), unique=True),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
    _customers()
    _calls()


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("code", sa.String(32), nullable=False, unique=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("manager", sa.String(128), nullable=False),
    )
    customer = sa.ForeignKey("customers.id", ondelete="CASCADE")
    op.create_table(
        "customer_phones",
        sa.Column("customer_id", sa.String(64), customer, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("number", sa.String(32), nullable=False, index=True),
        sa.Column("raw", sa.String(64), nullable=False),
    )
    customer = sa.ForeignKey("customers.id", ondelete="CASCADE")
    op.create_table(
        "customer_notes",
        sa.Column("customer_id", sa.String(64), customer, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )


def _calls() -> None:
    op.create_table(
        "interactions",
        sa.Column("conversation", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), nullable=False, index=True),
        sa.Column("leg", sa.String(128), nullable=False),
        sa.Column("dialled", sa.String(64), nullable=False),
        sa.Column("caller_number", sa.String(64), nullable=False),
        sa.Column("caller_name", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.String(64)),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("answered_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("cleared_by", sa.String(16)),
        sa.Column("cause", sa.Integer),
    )
    op.create_table(
        "call_records",
        sa.Column("contact", sa.String(64), primary_key=True),
        sa.Column("conversation", sa.String(64), nullable=False, index=True),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("path", sa.JSON, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("queued_at", sa.Double, nullable=False),
        sa.Column("offered_at", sa.Double),
        sa.Column("offers", sa.Integer, nullable=False),
        sa.Column("connected_at", sa.Double),
        sa.Column("agent", sa.String(64)),
        sa.Column("ended_at", sa.Double),
        sa.Column("end_reason", sa.String(24)),
        sa.Column("disposition", sa.String(64), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("wrap_up_from", sa.Double),
        sa.Column("wrap_up_to", sa.Double),
    )
    op.create_index("ix_call_records_agent_queued_at", "call_records", ["agent", "queued_at"])
    op.create_index("ix_call_records_queued_at", "call_records", ["queued_at"])
    op.create_table(
        "recordings",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("conversation", sa.String(64), nullable=False, index=True),
        sa.Column("track", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("file", sa.String(128), nullable=False),
    )
    op.create_table(
        "projection_cursor",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("epoch", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
