"""What HTTP servers share: the keys under which a request carries its login, and the ports they need.

Lives here: Protocols and the plain values that cross them. Must not live here: SQL, handlers, passwords.
`ctiserver.api` fills the keys; `agent_desktop.server`, `crm.server` and others only read them. Times are epoch
seconds, UTC.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from aiohttp import web

from ctiserver.model.facts import Customer
from ctiserver.model.ids import AgentId
from ctiserver.model.principal import Permission, Principal, Role
from ctiserver.model.site import Label


class DatabaseUnavailable(Exception):
    """The database is away or too slow. Nothing was changed; trying again later makes sense."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may log in. `password_hash` is an argon2 hash, never a password."""

    id: str
    role: Role
    password_hash: str
    name: Label
    agent: AgentId | None


class StoredLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A login as it is kept: the SHA-256 (hex) of its token, never the token itself."""

    token_hash: str
    user: User
    csrf: str
    created_at: float
    seen_at: float


class CustomerRef(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    code: str


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One contact in a call list. Durations in seconds; 0.0 or None = did not happen. `medium`: 'outbound' and
    'internal' are calls that the agent dialled, an internal one to his colleague `callee`."""

    conversation: str
    contact: str
    queue: str
    caller_number: str
    caller_name: str
    customer: CustomerRef | None
    queued_at: float
    answered_at: float | None
    ended_at: float | None
    talk_seconds: float
    wrap_up_seconds: float
    end_reason: str
    agent: str | None
    disposition: str
    note: str
    recording: bool
    medium: str = "voice"
    callee: str | None = None


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's day up to `at`. `handled`: calls with customers that were answered and are over, with their talk and
    wrap-up in seconds; `internal`: calls with colleagues, whoever called, and their talk. `ready_seconds`: while he was
    set to ready, calls included; `ready`: he is so at `at`."""

    at: float
    handled: int
    talk_seconds: float
    longest_seconds: float
    wrap_up_seconds: float
    ready_seconds: float
    ready: bool
    missed: int
    internal: int = 0
    internal_seconds: float = 0.0


class MissedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A call that rang an agent in vain at `at`. `end_reason`: what became of the caller ('' = not over yet)."""

    contact: str
    conversation: str
    queue: str
    number: str
    name: str
    customer: CustomerRef | None
    at: float
    end_reason: str


class LostCaller(msgspec.Struct, frozen=True, kw_only=True):
    """A caller who went without an agent: `contact` waited from `queued_at` to `ended_at`. `callback_end`: how the
    callback ended that was booked for him and did not reach him ('' = none was, or it is under way)."""

    contact: str
    conversation: str
    queue: str
    number: str
    name: str
    customer: CustomerRef | None
    dialled: str
    queued_at: float
    ended_at: float
    reason: str
    callback_end: str


class OpenCallback(msgspec.Struct, frozen=True, kw_only=True):
    """A booked callback: `state` is waiting, reserved, connected or scheduled; `by` '' = the caller himself booked it;
    `last`: why the last try came to nothing."""

    contact: str
    conversation: str
    queue: str
    number: str
    name: str
    customer: CustomerRef | None
    state: str
    booked_at: float
    queued_at: float
    keep_until: float
    by: str
    tries: int
    of: int
    last: str
    retry_at: float | None


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log. `what`: the command's name, or ChangeSite, CloseQueue, OpenQueue; `detail`: what else
    belongs to it."""

    at: float
    by: str
    what: str
    agent: str | None
    conversation: str | None
    contact: str | None
    detail: str


class Users(Protocol):
    async def get(self, user: str) -> User | None: ...

    async def set_password_hash(self, user: str, password_hash: str) -> None: ...


class Logins(Protocol):
    """Stored logins; every method may raise DatabaseUnavailable."""

    async def load(self, seen_after: float) -> Sequence[StoredLogin]: ...

    async def add(self, login: StoredLogin) -> None: ...

    async def seen(self, seen: Sequence[tuple[str, float]]) -> None: ...

    async def remove(self, token_hashes: Sequence[str]) -> None: ...


class Calls(Protocol):
    """The call list and the right to hear recordings; may raise DatabaseUnavailable."""

    async def recent(
        self, agents: Sequence[AgentId] | None, limit: int, before: float | None, search: str = ""
    ) -> Sequence[CallRow]:
        """Newest first; `agents` None = everybody's. `search`: words that caller, customer or note must all have."""

    async def recording(self, conversation: str, agents: Sequence[AgentId] | None) -> str | None:
        """The file name of a conversation's recording, if one of `agents` took part in it (None: whoever did)."""


class Days(Protocol):
    """What an agent has done; may raise DatabaseUnavailable."""

    async def day(self, agent: AgentId, since: float, now: float) -> Day: ...

    async def missed(self, agent: AgentId, limit: int) -> Sequence[MissedOffer]:
        """Newest first."""


class LostCallers(Protocol):
    """The list of callers to call back; may raise DatabaseUnavailable."""

    async def open(self, since: float, limit: int) -> Sequence[LostCaller]:
        """Those who went since then, whom nobody has served, called back or dismissed; newest first."""

    async def get(self, contact: str) -> LostCaller | None: ...


class AuditLog(Protocol):
    """May raise DatabaseUnavailable."""

    async def lines(
        self, agents: Sequence[AgentId] | None, user: str, limit: int, before: float | None
    ) -> Sequence[AuditRow]:
        """Newest first; what was done to these agents (None: to anybody) or by this user."""


class Customers(Protocol):
    """The customers, read-only; may raise DatabaseUnavailable."""

    async def by_number(self, number: str) -> Customer | None: ...

    async def by_id(self, customer: str) -> Customer | None: ...

    async def with_phones(self, limit: int) -> Sequence[Customer]:
        """The first customers in order of their code, without history."""


class LoginWatch(Protocol):
    """For servers with long-lived sockets: they end with the login and keep it from idling out."""

    def on_end(self, session: str, call: Callable[[], None]) -> Callable[[], None]:
        """Call `call` once when the login ends (at once if it has); the answer unsubscribes."""

    def touch(self, session: str) -> None:
        """The person is still there."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """One address of a server. OpenAPI is generated from these.

    Without `login` anybody may ask; `access` asks for a permission as well. `query` and `body` are types: both are
    decoded and checked before the handler is called with (request, query, body), of these what there is. `statuses`
    are the answers besides success and besides those that come with being what it is (a login, a body, a socket);
    they carry `{code, message}`, or a `refusal`.
    """

    method: str
    path: str
    handler: Callable[..., Awaitable[web.StreamResponse]]
    summary: str
    access: Permission | None = None
    login: bool = True
    query: Any = None
    body: Any = None
    answer: Any = None
    answer_type: str = "application/json"
    refusal: Any = None
    statuses: tuple[int, ...] = ()
    websocket: bool = False


PRINCIPAL = web.RequestKey("principal", Principal)
"""Set on every request of a logged-in user; routes outside the public list never run without it."""

LOGIN_WATCH: web.AppKey[LoginWatch] = web.AppKey("login_watch", LoginWatch)

LOGIN_ENDED = 4401
"""WebSocket close code: the login is over."""

TOO_FAST = 4429
"""WebSocket close code: more frames a second than any page sends."""
