"""The state of agents, contacts and reservations (owned by `acd.core`)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ctiserver.model.causes import EndReason
from ctiserver.model.ids import (
    AgentId,
    ContactId,
    ConversationId,
    LeaseId,
    LegId,
    QueueId,
    ReservationId,
)
from ctiserver.model.routing import VOICE, Algorithm, StepConfig


class AgentState(StrEnum):
    """The derived CSTA agent state (ECMA-269); never stored."""

    NULL = "null"
    NOT_READY = "not_ready"
    READY = "ready"
    RESERVED = "reserved"
    BUSY = "busy"
    WRAP_UP = "working_after_call"


class WorkKind(StrEnum):
    RESERVED = "reserved"
    BUSY = "busy"
    WRAP_UP = "wrap_up"


class Task(StrEnum):
    """What a thing in an agent's hands is."""

    CONTACT = "contact"
    CONSULT = "consult"  # a colleague asks him, or has him in a conference: there is no contact of his (yet)


class WorkItem(msgspec.Struct, kw_only=True):
    """One thing in an agent's hands. `until` is the wrap-up's deadline; of a consult, that of the pop, of the ring, of
    his return when his leg is lost, or of the end of his leg (0.0 otherwise). A consult's `contact` is the id that the
    customer's contact gets if he is handed to him, its `reservation` what his desktop confirms."""

    contact: ContactId
    conversation: ConversationId
    kind: WorkKind
    since: float
    reservation: ReservationId | None = None
    until: float = 0.0
    note: str = ""
    medium: str = VOICE
    lost_at: float = 0.0  # his leg vanished in the talk; 0.0 = it is there
    task: Task = Task.CONTACT
    leaving: bool = False  # a consult that is over: he is free when his leg's end is seen


class DeviceKind(StrEnum):
    BROWSER = "browser"
    DESK = "desk"
    OUTSIDE = "outside"


class Device(msgspec.Struct, kw_only=True):
    """What is the agent's phone: a browser page, a desk phone, or an outside number (of these two the lease is the
    endpoint, the instance is empty, and there is no page that would have to say that it is ready)."""

    lease: LeaseId
    endpoint: str
    instance: str
    registered: bool = False  # the page says its softphone is registered
    contact: bool = False  # the switch says that the endpoint has a contact; a desk phone at a fixed one always has
    since: float = 0.0
    kind: DeviceKind = DeviceKind.BROWSER


class Tally(msgspec.Struct, kw_only=True):
    """What an agent has done for one queue since he signed in: contacts offered and handled, seconds of work (talk and
    wrap-up), when he was last offered one and when he last ended one."""

    handled: int = 0
    work: float = 0.0
    offered_at: float = 0.0
    ended_at: float = 0.0


class LastDialled(msgspec.Struct, frozen=True, kw_only=True):
    """How the last call that an agent dialled came to nothing. `to_agent`: it was an internal one."""

    number: str
    to_agent: AgentId | None
    why: str
    at: float


class NoticeKind(StrEnum):
    """What an agent is told: a message, which state somebody else has put him into, or that a colleague took the call
    that rang for him."""

    MESSAGE = "message"
    READY = "ready"
    NOT_READY = "not_ready"
    SIGNED_OUT = "signed_out"
    PICKED_UP = "picked_up"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a lead tells an agent, kept until he acknowledges it. `by`: the user; `text`: the message, or the
    reason code of not ready."""

    id: str
    kind: NoticeKind
    by: str
    text: str
    at: float


class Agent(msgspec.Struct, kw_only=True):
    """One person: what he chose, what he works on, whether he can be reached (DESIGN section 4)."""

    id: AgentId
    signed_in: bool = False
    ready: bool = False
    reason: str = ""
    chosen_by: str = ""
    since: float = 0.0  # of the derived state
    signed_in_at: float = 0.0
    idle_since: float = 0.0  # end of his last contact, or sign-in: what 'longest idle' compares
    work: dict[ContactId, WorkItem] = {}
    device: Device | None = None
    links: int = 0
    misses: int = 0  # in a row
    unreached: int = 0  # rings in a row that his device, reachable as far as we see, did not get
    handled_today: int = 0  # since he signed in
    occupancy: float = 0.0  # share of his recent time at work, as of `occupancy_at` (acd.core.rank)
    occupancy_at: float = 0.0
    tallies: dict[QueueId, Tally] = {}
    dialled: tuple[float, ...] = ()  # when he called outside, in the last hour
    unanswered: LastDialled | None = None
    notices: list[Notice] = []  # not acknowledged yet, the latest last


_AT_WORK = {
    WorkKind.BUSY: AgentState.BUSY,
    WorkKind.RESERVED: AgentState.RESERVED,
    WorkKind.WRAP_UP: AgentState.WRAP_UP,
}
"""What shows of several things in his hands: the first of these."""


def agent_state(agent: Agent) -> AgentState:
    """The state that follows from what he chose and what he works on (DESIGN section 4)."""
    if not agent.signed_in:
        return AgentState.NULL
    if agent.work:
        kinds = [item.kind for item in agent.work.values()]
        for kind, shown in _AT_WORK.items():
            if kind in kinds:
                return shown
    return AgentState.READY if agent.ready else AgentState.NOT_READY


def in_call(agent: Agent) -> bool:
    """Whether his phone rings or talks, or is about to."""
    return any(item.kind is not WorkKind.WRAP_UP for item in agent.work.values())


class ContactState(StrEnum):
    """`SCHEDULED`: a callback whose customer did not answer; it waits again when its next try is due."""

    WAITING = "waiting"
    RESERVED = "reserved"
    CONNECTED = "connected"
    SCHEDULED = "scheduled"
    ENDED = "ended"


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """The wait that was predicted for a contact when it entered: seconds; from a place in the line."""

    place: int
    low: float
    high: float


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a contact a callback: whom to call, until when, how often it was tried, when the next try is due
    (0.0: now). `by`: '' = the caller himself, else the lead who booked it."""

    number: str
    booked_at: float
    keep_until: float
    by: str = ""
    tries: int = 0
    retry_at: float = 0.0
    last: str = ""  # why the last try came to nothing


class Contact(msgspec.Struct, kw_only=True):
    """One piece of work that must reach an agent. See `ContactQueued` for what it is made with."""

    id: ContactId
    conversation: ConversationId
    queue: QueueId
    requires: str
    priority: float
    queued_at: float  # what it ranks by
    entered_at: float  # when it entered this queue
    medium: str = VOICE
    number: str = ""
    customer: str = ""
    steps: tuple[StepConfig, ...] = ()
    step: int = 0
    stepped_at: float = 0.0  # when this step began
    opened: float = 0.0  # groups whose delay is at most this may have it
    algorithm: Algorithm | None = None
    rules: tuple[str, ...] = ()
    told_at: float = 0.0  # when it was last time to tell the caller something
    state: ContactState = ContactState.WAITING
    away: bool = False  # the caller is in the dialplan's apology: nobody can be connected to him now
    head: bool = False  # was offered and came back: goes before its peers
    been: tuple[QueueId, ...] = ()  # the queues that it was in, or was sent on from, before this one
    only_agent: AgentId | None = None
    prefer: AgentId | None = None
    prefer_until: float = 0.0  # until then he alone may have it; 0.0 = he is only asked first
    picked_by: AgentId | None = None  # whoever took it from a colleague's ring; asked before all others
    reservation: ReservationId | None = None
    agent: AgentId | None = None
    connected_at: float = 0.0
    offers: int = 0
    avoid: dict[AgentId, float] = {}  # who let an offer of it pass: not offered until then; 0.0 = only ranks last
    data: dict[str, str] = {}
    path: tuple[str, ...] = ()
    booking: Booking | None = None  # a callback's
    end_reason: EndReason | None = None
    callee: AgentId | None = None  # an internal call: the other agent, who is busy with it too
    unreached: str = ""  # why a call that we made came to nothing
    expected: Expected | None = None  # None: nobody could say, or it did not have to wait
    turns: float = 0.0  # seconds that the line stood still until its offers (acd.core.forecast)


class OfferedAgent(msgspec.Struct, kw_only=True):
    """One agent of a reservation. `ringing`: his leg was asked for and its end not seen; `withdrawing`: we ended it."""

    agent: AgentId
    leg: LegId | None = None  # his ringing leg, once it is originated
    confirmed: bool = False  # his desktop has painted the offer
    ringing: bool = False
    withdrawing: bool = False
    closed: bool = False


class Reservation(msgspec.Struct, kw_only=True):
    """The hold of one contact and 1..n agents with a deadline."""

    id: ReservationId
    contact: ContactId
    conversation: ConversationId
    agents: dict[AgentId, OfferedAgent]
    made_at: float
    confirm_by: float
    deadline: float
    won_by: AgentId | None = None
    decided: bool = False


class ClosedQueue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue that somebody has closed by hand."""

    by: str
    reason: str
    at: float


class Forecast(msgspec.Struct, kw_only=True):
    """What a queue's line has done lately (acd.core.forecast): seconds between two who are served while others wait
    (`gap`, over `starts` of them) and seconds from offer to answer (`ring`); when the line moved last and since when
    somebody has been in it (0.0 = nobody is); the two corrections of the interval, and whether the latest finished
    waits fell into theirs."""

    gap: float = 0.0
    starts: int = 0
    ring: float = 0.0
    moved_at: float = 0.0
    line_since: float = 0.0
    low: float = 0.0
    high: float = 0.0
    held: list[bool] = []


class Quarter(msgspec.Struct, kw_only=True):
    """What became of a queue's contacts in the 15 minutes from `start` on: answered within the service level's time
    (`good`), later (`late`), gone without an agent (`lost`)."""

    start: float
    good: int = 0
    late: int = 0
    lost: int = 0


class Book(msgspec.Struct, kw_only=True):
    """A queue's account: callers who asked for it, and how many of them left it, by reason; the others are here."""

    entered: int = 0
    ended: dict[EndReason, int] = {}
    quarters: list[Quarter] = []
    """of the last day, the latest last (acd.core.served)"""


class LastAgent(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a customer talked to last, and when."""

    agent: AgentId
    at: float
