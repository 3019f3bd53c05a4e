"""The documents that a desktop is told, as types. Pure. Not here: what they say (`view`, `others`).

Times are epoch seconds; `Label` is a name in both languages.
"""

from __future__ import annotations

import msgspec

from agent_desktop import others
from ctiserver.model.facts import Customer
from ctiserver.model.site import DispositionConfig, Label, ReasonConfig
from ctiserver.model.talk import Side
from ctiserver.model.work import AgentState, DeviceKind, Notice, Task


class DeskPhoneDoc(msgspec.Struct, frozen=True, kw_only=True):
    """A phone beside the page, by its name."""

    id: str
    name: Label


class PhoneDoc(msgspec.Struct, frozen=True, kw_only=True):
    """What is his phone: a page, or one beside it (`desk`): a desk phone, or an outside number, which is its id."""

    kind: DeviceKind
    desk: DeskPhoneDoc | None
    lease: str
    instance: str
    registered: bool
    contact: bool


class UnansweredDoc(msgspec.Struct, frozen=True, kw_only=True):
    """The last call that he dialled, when it came to nothing. `name`: of the colleague whom he called."""

    number: str
    name: Label | None
    why: str
    at: float


class MeDoc(msgspec.Struct, frozen=True, kw_only=True):
    """The agent himself. `pending`: a break that he chose waits for the end of his work. `own_phone`: the desk phone
    that the sign-in gives him."""

    agent: str
    name: Label
    signed_in: bool
    state: AgentState
    since: float
    ready: bool
    reason: str
    chosen_by: str
    pending: bool
    phone: PhoneDoc | None
    own_phone: DeskPhoneDoc | None
    own_number: str
    links: int
    misses: int
    handled: int
    queues: tuple[str, ...]
    unanswered: UnansweredDoc | None
    notices: tuple[Notice, ...]
    """what a lead has told him, until he acknowledges it"""


class PhoneChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A desk phone that the agent may use. `there`: it can be rung; `own`: his by configuration; `user`: who has it."""

    id: str
    name: Label
    there: bool
    own: bool
    user: Label | None
    in_call: bool


class QueueNameDoc(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages need of a queue's configuration; times in seconds."""

    name: Label
    disposition_required: bool
    wrap_up_seconds: float
    service_level_seconds: float


class SiteDoc(msgspec.Struct, frozen=True, kw_only=True):
    """What all desktops of a site share: choices and names."""

    reasons: tuple[ReasonConfig, ...]
    dispositions: tuple[DispositionConfig, ...]
    queues: dict[str, QueueNameDoc]
    desk_phones: bool
    """whether the site has any"""
    outside: bool
    """whether outside numbers can be called"""


class QueueDoc(msgspec.Struct, frozen=True, kw_only=True):
    """Live figures of one queue. `longest_since`: arrival of the one who waits longest."""

    id: str
    name: Label
    waiting: int
    longest_since: float | None
    ready: int
    staffed: int
    talking: int


class CallerDoc(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    name: str


class CallbackDoc(msgspec.Struct, frozen=True, kw_only=True):
    """What a callback has behind it: tries so far of at most `of`, why the last one came to nothing ('' = none has),
    when the next is planned (None: now, or never)."""

    tries: int
    of: int
    last: str
    retry_at: float | None
    booked_at: float


class PartnerDoc(msgspec.Struct, frozen=True, kw_only=True):
    """The other agent of an internal call. `calls`: it is he who called."""

    agent: str
    name: Label
    calls: bool


class WorkDoc(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work of an agent: offer, talk (busy) or wrap-up. `calling`: the customer is being called,
    `unreached`: he was, in vain, and why; `called_since`: since when his phone is called (None: the agent's own is,
    or nobody's). `task` 'consult': another agent has called him in; `parties` are the others in the call, `side` says
    with whom the agent is whose talk it is."""

    contact: str
    conversation: str
    reservation: str | None
    kind: str
    since: float
    queue: str
    medium: str
    caller: CallerDoc
    dialled: str
    customer: Customer | None
    path: tuple[str, ...]
    data: dict[str, str]
    arrived_at: float
    queued_at: float
    ring_deadline: float | None
    confirmed: bool
    ringing: bool
    talking_since: float | None
    held: bool
    lost: bool
    recording: bool
    listened: bool
    until: float | None
    note: str
    calling: bool
    called_since: float | None
    unreached: bool
    unreached_why: str
    partner: PartnerDoc | None
    callback: CallbackDoc | None
    handed: tuple[others.HandedDoc, ...]
    task: Task
    side: Side
    parties: tuple[others.PartyDoc, ...]
    party_gone: others.PartyGoneDoc | None


Doc = MeDoc | SiteDoc | QueueDoc | WorkDoc
