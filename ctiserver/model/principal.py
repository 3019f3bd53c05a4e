"""Who is logged in and what his role allows: the ONE table of roles.

Pure values. Logging in, cookies and sessions live in ctiserver.api; the rows live in ctiserver.store.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ctiserver.model.ids import AgentId
from ctiserver.model.site import Label


class Role(StrEnum):
    AGENT = "agent"
    LEAD = "lead"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a route may ask for. A handler asks for a permission, never for a role."""

    TAKE_CALLS = "take_calls"
    OWN_CALLS = "own_calls"
    ALL_CALLS = "all_calls"
    CUSTOMERS = "customers"
    CONFIGURE = "configure"
    WHY = "why"
    """who waits, and why; of all queues"""
    SWITCH_QUEUES = "switch_queues"
    MONITOR = "monitor"
    """see who talks; listen, whisper, barge, take over, disconnect"""
    MONITOR_LOG = "monitor_log"
    """see who has listened to whom"""
    FLOOR = "floor"
    """the live board, and what a lead does from it; of the own teams (`ctiserver.model.teams`)"""


ROLES: dict[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset({Permission.TAKE_CALLS, Permission.OWN_CALLS, Permission.CUSTOMERS}),
    Role.LEAD: frozenset(
        {
            *(Permission.TAKE_CALLS, Permission.OWN_CALLS, Permission.ALL_CALLS, Permission.CUSTOMERS),
            Permission.WHY,
            Permission.SWITCH_QUEUES,
            Permission.MONITOR,
            Permission.FLOOR,
        }
    ),
    Role.ADMIN: frozenset(
        {
            *(Permission.OWN_CALLS, Permission.ALL_CALLS, Permission.CUSTOMERS, Permission.CONFIGURE),
            Permission.WHY,
            Permission.SWITCH_QUEUES,
            Permission.MONITOR_LOG,
            Permission.FLOOR,
        }
    ),
}


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The signed-in person behind a request.

    `session` names the login (not the secret token), so that sockets can end with it. `agent` is the agent he is,
    None for people who take no work.
    """

    session: str
    user: str
    role: Role
    name: Label
    agent: AgentId | None

    def may(self, permission: Permission) -> bool:
        return permission in ROLES[self.role]
