"""ALL SQL tables. Change them together with a new file in migrations/versions; a test compares the two.

Times are epoch seconds (UTC) as doubles, copied from the events' `at`; ids are the journal's. Call tables are a
projection of the journal: no foreign key leads out of them, because a customer or user may go and the call stays.
"""

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = sa.String(64)
_LABEL = sa.String(128)
_CODE = sa.String(64)


def _at(name: str, *, optional: bool = True) -> "sa.Column[float]":
    return sa.Column(name, sa.Double, nullable=optional)


ROLES = sa.Table("roles", METADATA, sa.Column("id", sa.String(16), primary_key=True))

USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("role", sa.String(16), sa.ForeignKey("roles.id"), nullable=False),
    sa.Column("password_hash", sa.String(256), nullable=False),
    sa.Column("name_zh", _LABEL, nullable=False),
    sa.Column("name_en", _LABEL, nullable=False),
    sa.Column("agent_id", _ID, unique=True),
)

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", _ID, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    _at("created_at", optional=False),
    _at("seen_at", optional=False),
)

CUSTOMERS = sa.Table(
    "customers",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("code", sa.String(32), nullable=False, unique=True),
    sa.Column("name", _LABEL, nullable=False),
    sa.Column("classes", sa.JSON, nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("manager", _LABEL, nullable=False),
)

CUSTOMER_PHONES = sa.Table(
    "customer_phones",
    METADATA,
    sa.Column("customer_id", _ID, sa.ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("number", sa.String(32), nullable=False, index=True),  # normalised, see crm.rules.phones
    sa.Column("raw", sa.String(64), nullable=False),
)

CUSTOMER_NOTES = sa.Table(
    "customer_notes",
    METADATA,
    sa.Column("customer_id", _ID, sa.ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    _at("at", optional=False),
    sa.Column("kind", _CODE, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

INTERACTIONS = sa.Table(
    "interactions",
    METADATA,
    sa.Column("conversation", _ID, primary_key=True),
    sa.Column("id", _ID, nullable=False, index=True),
    sa.Column("leg", sa.String(128), nullable=False),
    sa.Column("dialled", _ID, nullable=False),
    sa.Column("caller_number", _ID, nullable=False, index=True),
    sa.Column("caller_name", _ID, nullable=False),
    sa.Column("customer_id", _ID),
    _at("started_at", optional=False),
    _at("answered_at"),
    _at("ended_at"),
    sa.Column("cleared_by", sa.String(16)),
    sa.Column("cause", sa.Integer),
)

CALL_RECORDS = sa.Table(
    "call_records",
    METADATA,
    sa.Column("contact", _ID, primary_key=True),
    sa.Column("conversation", _ID, nullable=False, index=True),
    sa.Column("queue", _ID, nullable=False),
    sa.Column("path", sa.JSON, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    _at("queued_at", optional=False),
    _at("offered_at"),
    sa.Column("offers", sa.Integer, nullable=False),
    _at("connected_at"),
    sa.Column("agent", _ID),
    _at("ended_at"),
    sa.Column("end_reason", sa.String(24)),
    sa.Column("disposition", _ID, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    _at("wrap_up_from"),
    _at("wrap_up_to"),
    sa.Column("medium", sa.String(16), nullable=False, server_default="voice"),
    sa.Column("callee", _ID),  # the colleague who was called: of an internal call
    sa.Index("ix_call_records_agent_queued_at", "agent", "queued_at"),
    sa.Index("ix_call_records_callee_queued_at", "callee", "queued_at"),
    sa.Index("ix_call_records_queued_at", "queued_at"),
)

LOST_CALLERS = sa.Table(
    "lost_callers",
    METADATA,
    # One row a contact whose caller went without an agent, and what was done about it. Who it was is in `interactions`.
    sa.Column("contact", _ID, primary_key=True),
    sa.Column("conversation", _ID, nullable=False, index=True),
    sa.Column("queue", _ID, nullable=False),
    sa.Column("reason", sa.String(24), nullable=False),
    sa.Column("ended_at", sa.Double, nullable=False, index=True),
    sa.Column("callback", _ID),  # the contact that was booked for him
    sa.Column("closed_by", _ID),  # who booked it ('' = the caller himself) or dismissed it
    _at("closed_at"),
)

MONITOR_LOG = sa.Table(
    "monitor_log",
    METADATA,
    # One row an event of a team lead in a call: who listened to whom, how, when.
    sa.Column("id", sa.String(160), primary_key=True),  # made of the event, so that reading it again changes nothing
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("what", sa.String(16), nullable=False),  # started, joined, changed, moved, taken_over, stopped
    sa.Column("conversation", _ID, nullable=False),
    sa.Column("by_user", _ID, nullable=False),
    sa.Column("listened", _ID),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("why", sa.String(16), nullable=False),
)

RECORDINGS = sa.Table(
    "recordings",
    METADATA,
    # One row a track: the switch ends them one by one. Track 0 is what the customer says, 1 what he hears.
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("conversation", _ID, nullable=False, index=True),
    sa.Column("track", sa.Integer, nullable=False),
    _at("started_at", optional=False),
    sa.Column("seconds", sa.Double),
    sa.Column("state", sa.String(16), nullable=False),  # live, complete, failed
    sa.Column("file", sa.String(128), nullable=False),  # in the recordings folder, both tracks in one
)

MISSED_OFFERS = sa.Table(
    "missed_offers",
    METADATA,
    # An offer that rang an agent in vain; who called is in `call_records` and `interactions`.
    sa.Column("reservation", _ID, primary_key=True),
    sa.Column("agent", _ID, primary_key=True),
    sa.Column("contact", _ID, nullable=False),
    _at("at", optional=False),
    sa.Index("ix_missed_offers_agent_at", "agent", "at"),
)

AVAILABILITY = sa.Table(
    "availability",
    METADATA,
    # What an agent was set to, piece by piece from sign-in to sign-out; the piece of now has no end.
    sa.Column("agent", _ID, primary_key=True),
    sa.Column("since", sa.Double, primary_key=True),
    _at("until"),
    sa.Column("ready", sa.Boolean, nullable=False),
    sa.Column("reason", _CODE, nullable=False),
    sa.Column("chosen_by", _ID, nullable=False),
)

LEAD_LOG = sa.Table(
    "lead_log",
    METADATA,
    # One row a thing that a lead or an administrator did: the audit log. `id` is made of the record's time and number.
    sa.Column("id", _ID, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("by_user", _ID, nullable=False),
    sa.Column("what", _ID, nullable=False),
    sa.Column("agent", _ID),
    sa.Column("conversation", _ID),
    sa.Column("contact", _ID),
    sa.Column("detail", sa.Text, nullable=False),
)

PROJECTION_CURSOR = sa.Table(
    "projection_cursor",
    METADATA,
    sa.Column("name", _ID, primary_key=True),
    sa.Column("epoch", _ID, nullable=False),  # of the journal: a new journal counts from one again
    sa.Column("seq", sa.BigInteger, nullable=False),
)
