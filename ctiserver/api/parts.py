"""Everything the HTTP side needs from the rest of the server, as one frozen value.

The composition root fills it; handlers find it under `PARTS`. Nothing here does work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from aiohttp import web

from acd.core.queue_now import QueueNow
from ctiserver.api.rights import Rights
from ctiserver.model.commands import Command
from ctiserver.model.ids import AgentId
from ctiserver.model.site import Label, SiteConfig
from ctiserver.model.world import World
from ctiserver.ports_http import AuditLog, Calls, Customers, Days, Logins, LostCallers, OpenCallback, Route, Users
from ctiserver.ports_site import Sites
from ctiserver.ports_talks import MonitorLog, Talks
from ctiserver.ports_why import Whys
from ctiserver.store.passwords import Passwords


class HeldDevice(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a lease now, and the SIP endpoint that was provisioned for it."""

    agent: AgentId
    endpoint: str


class DialledNumber(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    name: Label


@dataclass(frozen=True, kw_only=True)
class DemoParts:
    """The caller page's needs; only a demo site has them.

    `provision_caller(endpoint, caller_number, caller_name)` makes a SIP endpoint of that name with the password
    `device_password(endpoint)`; `remove_caller(endpoint)` takes it away. Both have their own deadline and raise
    SwitchError.
    """

    provision_caller: Callable[[str, str, str], Awaitable[None]]
    remove_caller: Callable[[str], Awaitable[None]]
    site: Callable[[], SiteConfig]
    """the configuration in force"""
    captions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """prompt id -> language -> what it says"""
    limit: int = 10
    linger_seconds: float = 30.0
    """how long a call keeps its place after its socket closed, and before it is dialled"""


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """`submit` resolves when a command was accepted and raises CommandRejected when it was refused.

    `device(lease)` answers who holds a lease now. `sip_backend()` is Asterisk's WebSocket URL. `ready` are the checks
    that /readyz insists on, `watched` those it only reports; a check answers True while all is well. `socket_gone`
    hears that an agent's SIP socket ended. `logged_out` hears of a logout. `origins` are the allowed Origin values;
    empty = the request's own host.
    """

    users: Users
    logins: Logins
    passwords: Passwords
    calls: Calls
    days: Days
    lost: LostCallers
    customers: Customers
    submit: Callable[[Command], Awaitable[object]]
    device: Callable[[str], HeldDevice | None]
    device_password: Callable[[str], str]
    sip_backend: Callable[[], str]
    sip_domain: str
    recordings: Path
    static: Path
    now: Callable[[], float]
    ready: Mapping[str, Callable[[], bool]]
    watched: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    registered: Callable[[str, AgentId], None] = lambda _lease, _agent: None
    """hears that the phone of this lease is registered"""
    open_callbacks: Callable[[], Sequence[OpenCallback]] = tuple
    """the callbacks that are booked and not done, in the order in which they were booked"""
    queue_names: Callable[[], Mapping[str, Label]] = dict
    caught_up: Callable[[], Awaitable[object]] | None = None
    """waits a moment until the books hold what has happened so far"""
    socket_gone: Callable[[str, AgentId], None] = lambda _lease, _agent: None
    logged_out: Callable[[AgentId], Awaitable[None]] | None = None
    metrics: Callable[[], Awaitable[bytes]] | None = None
    """the page of figures"""
    demo: DemoParts | None = None
    sites: Sites | None = None
    """the editor of the site's configuration"""
    queues: Callable[[], tuple[QueueNow, ...]] = tuple
    """how the queues stand now"""
    whys: Whys | None = None
    """who waits, and why"""
    talks: Talks | None = None
    """who talks now, and who listens"""
    monitor_log: MonitorLog | None = None
    """who has listened to whom"""
    rights: Rights = field(default_factory=lambda: Rights(World))
    """what a lead may see and touch; of an empty world everything"""
    agent_names: Callable[[], Sequence[str]] = tuple
    """the ids of the site's agents"""
    audit: AuditLog | None = None
    """who did what to whom"""
    extra_routes: Sequence[Route | web.AbstractRouteDef] = ()
    """routes of the other servers; a plain aiohttp one needs a login and is not described"""
    origins: frozenset[str] = frozenset()
    secure_cookies: bool = False
    version: str = "0"


PARTS = web.AppKey("parts", ApiParts)


ROUTE_TABLE: web.AppKey[Mapping[tuple[str, str], Route]] = web.AppKey("route_table", dict)
