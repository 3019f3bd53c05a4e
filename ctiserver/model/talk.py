"""The state of conversations: legs, where they sit, prompt, recording (owned by `ctiserver.calls`)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ctiserver.model.causes import ClearedBy, MonitorMode, Parted
from ctiserver.model.facts import Customer
from ctiserver.model.ids import (
    AgentId,
    BridgeId,
    ContactId,
    ConversationId,
    InteractionId,
    LegId,
    PlaybackId,
    QueueId,
    ReservationId,
)
from ctiserver.model.routing import Algorithm, StepConfig


class Role(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    LEAD = "lead"  # listens, whispers or barges; `agent` of such a leg is his seat
    OUTSIDE = "outside"  # to whom the customer was sent
    CONSULTEE = "consultee"  # called in beside the agent: he is consulted, or in the conference


class LegState(StrEnum):
    """CSTA connection states (ECMA-269) that a leg of ours can have."""

    INITIATED = "initiated"
    ALERTING = "alerting"
    CONNECTED = "connected"


class Place(StrEnum):
    """Where the customer's leg is meant to sit (DESIGN 5.1)."""

    NEW = "new"  # not answered yet
    BOOKED = "booked"  # a callback: there is no customer's leg
    CALLING = "calling"  # the customer's leg is being called, the agent hears it ring (or is about to)
    IVR = "ivr"  # in no bridge, prompts play on the channel
    WAITING = "waiting"  # own holding bridge, music: queue or lost agent
    HELD = "held"  # own holding bridge, music: the agent pressed hold
    TALKING = "talking"  # talk bridge


class Leg(msgspec.Struct, kw_only=True):
    """One party's connection. Times are epoch seconds, 0.0 = not yet."""

    id: LegId
    role: Role
    state: LegState
    created_at: float
    agent: AgentId | None = None
    endpoint: str = ""
    instance: str = ""
    reservation: ReservationId | None = None
    take_back: bool = False
    bridge: BridgeId | None = None
    up_at: float = 0.0
    away: bool = False  # in the dialplan's apology, not in our application
    ending: bool = False  # we asked for its end
    ending_cause: int = 0  # what LegEnding told us
    on_hold: bool = False  # the phone itself has put its side on hold
    asked: bool = False  # an agent at an outside number: he has answered and was asked for the key
    prompt: PlaybackId | None = None  # what asks him, while it plays
    key: bool = False  # he has pressed it


class KeptPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller who has left his queue without an agent would still have of it, should he book a callback."""

    contact: ContactId
    queue: QueueId
    requires: str
    steps: tuple[StepConfig, ...]
    step: int
    stepped_at: float
    opened: float
    priority: float
    queued_at: float
    algorithm: Algorithm | None
    rules: tuple[str, ...]
    only_agent: AgentId | None
    data: dict[str, str]
    path: tuple[str, ...]


class SentOut(msgspec.Struct, frozen=True, kw_only=True):
    """An outside number to which the customer was sent. `queue` has him back, with `data` and `path`, if nobody there
    answers."""

    leg: LegId
    number: str
    queue: QueueId
    data: dict[str, str]
    path: tuple[str, ...]


class TakenOver(msgspec.Struct, frozen=True, kw_only=True):
    """What the contact had whose talk a lead has taken over: it goes with the customer when he sends him on."""

    contact: ContactId
    queue: QueueId
    data: dict[str, str]
    path: tuple[str, ...]
    priority: float


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """An agent who has sent the customer on, and what he had written. `contact` is his; he may still wrap it up."""

    contact: ContactId
    agent: AgentId
    queue: QueueId
    note: str
    at: float


class Monitoring(msgspec.Struct, kw_only=True):
    """A team lead in the conversation: `lead` is his seat, `by` the user, `leg` his (ringing or there). While he
    whispers, `snoop` is the channel between him and the agent's leg `whispers_to` (None: not opened yet)."""

    lead: AgentId
    by: str
    mode: MonitorMode
    leg: LegId
    since: float
    mode_since: float
    snoop: LegId | None = None
    whispers_to: LegId | None = None


class PartyState(StrEnum):
    """How far somebody has come whom the agent calls in."""

    WAITING = "waiting"  # a queue is asked, and nobody of it is free
    ASKED = "asked"  # he is shown the pop, the ring follows
    RINGING = "ringing"
    CONSULTING = "consulting"  # with the agent alone, or with music while the agent has the customer
    JOINED = "joined"  # in the conference


class Side(StrEnum):
    """With whom the agent is while he consults somebody."""

    CUSTOMER = "customer"
    CONSULTEE = "consultee"


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """An agent who was called in by the agent whose talk it is. `item` is the thing in his hands: the contact that he
    has when the customer is handed to him.

    `queue`: the agent asked for anybody of this queue. While nobody is found `agent` is QUEUE_PARTY, `until` is the
    longest wait; `let_pass` are those who were asked and did not take it. `number`: not an agent but somebody outside
    (`agent` is OUTSIDE_PARTY), who is rung until `until`.
    """

    agent: AgentId
    item: ContactId
    asked_by: AgentId
    state: PartyState
    since: float
    queue: QueueId | None = None
    number: str = ""
    let_pass: tuple[AgentId, ...] = ()
    until: float = 0.0


class PartyGone(msgspec.Struct, frozen=True, kw_only=True):
    """The last one who was called in and is not there any more."""

    agent: AgentId
    why: Parted
    at: float
    queue: QueueId | None = None
    number: str = ""


class Conversation(msgspec.Struct, kw_only=True):
    """One talk with one customer; it lives while the customer's leg does, and a moment longer for tidying up.

    A callback's begins with the booking: `customer_leg` is '' while he is not called, and another leg at each try. One
    that an agent dials begins with his command; in an internal one the other agent has the customer's place.
    """

    id: ConversationId
    interaction: InteractionId
    customer_leg: LegId
    dialled: str
    caller_number: str
    caller_name: str
    arrived_at: float
    legs: dict[LegId, Leg]
    place: Place = Place.NEW
    answered_at: float = 0.0
    customer: Customer | None = None
    contact: ContactId | None = None  # the last one made of it
    agent: AgentId | None = None  # whose talk it is; stays while his leg is lost or he holds
    held: bool = False  # the agent pressed hold, on the page or on his phone; kept while his leg is lost
    bridges: tuple[BridgeId, ...] = ()
    legs_made: int = 0
    prompts_made: int = 0
    playing: PlaybackId | None = None
    playing_request: int = 0
    playing_stopped: bool = False
    recordings: tuple[str, ...] = ()  # live ones
    recorded: bool = False  # it was to be from the beginning: then it is to the end
    cleared: bool = False
    cleared_by: ClearedBy | None = None
    cleared_at: float = 0.0
    hang_up_by: ClearedBy | None = None  # who asked us to end it
    looks: int = 0  # how often an unclear effect made us look at the switch
    talking_since: float = 0.0
    handed: tuple[Handed, ...] = ()  # the latest last
    callback: bool = False  # the customer is called by us
    sent_out: SentOut | None = None
    made_by: AgentId | None = None  # an agent dialled it
    callee: AgentId | None = None  # an internal call: whose phone stands in the customer's place
    left: KeptPlace | None = None  # his last contact, if it ended without an agent
    monitor: Monitoring | None = None  # at most one lead at a time
    taken: TakenOver | None = None  # the lead who was one has the talk
    parties: tuple[Party, ...] = ()  # who was called in beside the agent, in the order of being asked
    side: Side = Side.CUSTOMER  # with whom the agent is; 'consultee' only while somebody is being consulted
    party_gone: PartyGone | None = None


def contacts_of(conversation: Conversation) -> tuple[ContactId, ...]:
    """The contacts of it that somebody may have in hand: the last one, and those of agents who have sent him on."""
    last = (conversation.contact,) if conversation.contact is not None else ()
    return (*dict.fromkeys(one.contact for one in conversation.handed), *last)


def party(conversation: Conversation, agent: AgentId | None) -> Party | None:
    """Whoever of those called in this agent is."""
    return next((one for one in conversation.parties if one.agent == agent), None)


def consulted(conversation: Conversation) -> Party | None:
    """Who is being consulted: at most one at a time, whoever is in the conference."""
    return next((one for one in conversation.parties if one.state is not PartyState.JOINED), None)


def asks_next(one: Party, why: Parted) -> bool:
    """Whether the next agent of the queue is asked in place of this one, who did not take it."""
    unanswered = one.state in (PartyState.ASKED, PartyState.RINGING)
    return one.queue is not None and unanswered and why in (Parted.REJECTED, Parted.MISSED, Parted.UNREACHABLE)


def own_deadline(conversation: Conversation) -> float:
    """Until when a queue or an outside number may be asked; 0.0: neither is (an agent's own deadlines are in his
    hands)."""
    one = consulted(conversation)
    if one is None or conversation.cleared:
        return 0.0
    waits = one.state is PartyState.WAITING or (one.number and one.state is not PartyState.CONSULTING)
    return one.until if waits else 0.0


def joined(conversation: Conversation) -> list[Party]:
    """Who is in the conference beside the agent."""
    return [one for one in conversation.parties if one.state is PartyState.JOINED]


def live_leg(conversation: Conversation, agent: AgentId | None) -> Leg | None:
    """This agent's connected leg, the newest if a reload has made a second one."""
    legs = [
        leg
        for leg in conversation.legs.values()
        if leg.agent == agent
        and agent is not None
        and leg.role is not Role.CUSTOMER
        and leg.state is LegState.CONNECTED
        and not leg.ending
    ]
    return legs[-1] if legs else None
