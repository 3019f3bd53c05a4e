"""Events of conversations: legs, bridges, prompts, recordings (made by ctiserver.calls).

Import them from `ctiserver.model.events`.
"""

from __future__ import annotations

from ctiserver.model.causes import ClearedBy, LegFailure, Unreached
from ctiserver.model.event_base import EventBase
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
from ctiserver.model.talk import Role


class ConversationStarted(EventBase, frozen=True, kw_only=True):
    """A caller arrived at a configured number."""

    conversation: ConversationId
    interaction: InteractionId
    leg: LegId
    dialled: str
    caller_number: str
    caller_name: str
    at: float


class CustomerIdentified(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    customer: Customer | None


class Originated(EventBase, frozen=True, kw_only=True):
    """We are calling an agent. `take_back` = the agent's page was reloaded or lost, bring him back into the talk.
    `role` says whether it is his talk or he is called in beside another."""

    conversation: ConversationId
    leg: LegId
    agent: AgentId
    endpoint: str
    instance: str
    reservation: ReservationId | None
    take_back: bool
    at: float
    role: Role = Role.AGENT


class Delivered(EventBase, frozen=True, kw_only=True):
    """The agent's device rings."""

    conversation: ConversationId
    leg: LegId
    at: float


class Established(EventBase, frozen=True, kw_only=True):
    """The leg is connected (the customer's: answered by us; an agent's: he picked up)."""

    conversation: ConversationId
    leg: LegId
    at: float


class Queued(EventBase, frozen=True, kw_only=True):
    """The customer's leg waits with music (queue, hold or lost agent), in its own holding bridge."""

    conversation: ConversationId
    at: float


class Talking(EventBase, frozen=True, kw_only=True):
    """Customer and agent are in the talk bridge together."""

    conversation: ConversationId
    leg: LegId
    at: float


class Held(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    agent: AgentId
    at: float


class Retrieved(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    agent: AgentId
    at: float


class Transferred(EventBase, frozen=True, kw_only=True):
    """The agent has sent his customer on, blind: to a queue (`queue`), there perhaps to one agent (`to_agent`), to a
    `flow` or an outside `number` ('' = none). `contact` is the agent's, which ends with this; `note` is what he had
    written until then. `data` and `path` go with a customer who is sent outside, should he come back; `held`: he had
    music."""

    conversation: ConversationId
    contact: ContactId
    agent: AgentId
    from_queue: QueueId
    queue: QueueId | None
    to_agent: AgentId | None
    flow: str
    note: str
    at: float
    number: str = ""
    data: dict[str, str] = {}
    path: tuple[str, ...] = ()
    held: bool = False


class OutsideCalled(EventBase, frozen=True, kw_only=True):
    """The customer has music while the number is called to which his agent has sent him; `queue` has him back if nobody
    answers until `deadline`."""

    conversation: ConversationId
    agent: AgentId
    leg: LegId
    number: str
    queue: QueueId
    data: dict[str, str]
    path: tuple[str, ...]
    deadline: float
    at: float


class OutsideUnreached(EventBase, frozen=True, kw_only=True):
    """Calls -> ACD: nobody answered there; the customer, who has music, goes back to the head of `queue`."""

    conversation: ConversationId
    number: str
    queue: QueueId
    data: dict[str, str]
    path: tuple[str, ...]
    why: Unreached
    at: float


class PhoneHeld(EventBase, frozen=True, kw_only=True):
    """A phone itself has put its side on hold (`on`), or resumed. What follows for the talk is Held and Retrieved."""

    conversation: ConversationId
    leg: LegId
    on: bool
    at: float


class BridgeOpened(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    bridge: BridgeId


class BridgeClosed(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    bridge: BridgeId


class LegPlaced(EventBase, frozen=True, kw_only=True):
    """Where the switch says that the leg sits now."""

    conversation: ConversationId
    leg: LegId
    bridge: BridgeId | None


class LegSeenUp(EventBase, frozen=True, kw_only=True):
    """A look at the switch found an agent's leg answered; decided on when all that the look found has been applied."""

    conversation: ConversationId
    leg: LegId
    at: float


class LookLater(EventBase, frozen=True, kw_only=True):
    """A look has failed, or something that should be gone could not be removed: look in a moment. The conversation
    may be forgotten already."""

    conversation: ConversationId
    at: float


class PromptStarted(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    request: int
    playback: PlaybackId
    prompts: tuple[str, ...]
    interruptible: bool


class PromptEnded(EventBase, frozen=True, kw_only=True):
    """`finished`: played to its end, or it could not be played (`ok` false), or it was stopped by a digit."""

    conversation: ConversationId
    request: int
    ok: bool
    interrupted: bool


class DigitReceived(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    leg: LegId
    digit: str
    masked: bool
    at: float


class RecordingStarted(EventBase, frozen=True, kw_only=True):
    conversation: ConversationId
    names: tuple[str, ...]
    at: float


class RecordingEnded(EventBase, frozen=True, kw_only=True):
    """One track is complete in the switch."""

    conversation: ConversationId
    name: str
    seconds: float
    ok: bool


class CallerAway(EventBase, frozen=True, kw_only=True):
    """The caller is in the dialplan's apology: we were away. He comes back by himself, or gives up."""

    conversation: ConversationId
    at: float


class CallerReturned(EventBase, frozen=True, kw_only=True):
    """The caller entered our application again; he is put where he belongs, a flow repeats its wait."""

    conversation: ConversationId
    at: float


class HangUpBegun(EventBase, frozen=True, kw_only=True):
    """We asked the switch to end a leg; its end is still to be seen. `by` is who wanted it."""

    conversation: ConversationId
    leg: LegId
    by: ClearedBy


class HangUpSeen(EventBase, frozen=True, kw_only=True):
    """The switch says that the leg is about to end, and why."""

    conversation: ConversationId
    leg: LegId
    cause: int


class LookBegun(EventBase, frozen=True, kw_only=True):
    """An effect's outcome is unclear: we look at what the switch really holds. `looks` counts them."""

    conversation: ConversationId
    looks: int


class ConnectionCleared(EventBase, frozen=True, kw_only=True):
    """A leg is gone."""

    conversation: ConversationId
    leg: LegId
    agent: AgentId | None
    cause: int
    at: float


class CallCleared(EventBase, frozen=True, kw_only=True):
    """The customer's leg is gone: the conversation is over. Other legs are being ended."""

    conversation: ConversationId
    by: ClearedBy
    cause: int
    at: float


class ConversationForgotten(EventBase, frozen=True, kw_only=True):
    """Every leg, bridge and recording of an ended conversation is gone: the state drops it."""

    conversation: ConversationId


class CallRefused(EventBase, frozen=True, kw_only=True):
    """A caller was turned away before a conversation began (unknown number, overload)."""

    leg: LegId
    dialled: str
    cause: int
    at: float


class AgentLegUp(EventBase, frozen=True, kw_only=True):
    """Calls -> ACD: the agent answered the offer's ring (the SIP answer is the acceptance)."""

    conversation: ConversationId
    reservation: ReservationId
    agent: AgentId
    leg: LegId
    at: float


class AgentLegFailed(EventBase, frozen=True, kw_only=True):
    """Calls -> ACD: the ring ended without an answer; the leg is gone for sure."""

    conversation: ConversationId
    reservation: ReservationId
    agent: AgentId
    leg: LegId
    failure: LegFailure
    at: float


class AgentLegLost(EventBase, frozen=True, kw_only=True):
    """Calls -> ACD: the agent's leg vanished in the talk; the customer has music, or others to talk with. `left`: he
    hung up in a conference, which goes on without him."""

    conversation: ConversationId
    agent: AgentId
    leg: LegId
    at: float
    left: bool = False


class AgentLegBack(EventBase, frozen=True, kw_only=True):
    """Calls -> ACD: the lost agent is back in the talk."""

    conversation: ConversationId
    agent: AgentId
    leg: LegId
    at: float


class KeyAsked(EventBase, frozen=True, kw_only=True):
    """An agent at an outside number has answered and is asked for the key by which he accepts."""

    conversation: ConversationId
    leg: LegId
    playback: PlaybackId | None
    at: float


class KeyPressed(EventBase, frozen=True, kw_only=True):
    """He has accepted; he is there when the question is silent."""

    conversation: ConversationId
    leg: LegId
    at: float


class KeyPromptEnded(EventBase, frozen=True, kw_only=True):
    """The question is silent; with the key pressed he is there now."""

    conversation: ConversationId
    leg: LegId


class CustomerCalled(EventBase, frozen=True, kw_only=True):
    """We are calling the customer of a callback; the agent's leg is up and hears it ring, until `deadline`. `endpoint`:
    of an internal call, the device of the colleague who stands in the customer's place."""

    conversation: ConversationId
    contact: ContactId
    leg: LegId
    deadline: float
    endpoint: str = ""
    at: float


class CustomerUnreached(EventBase, frozen=True, kw_only=True):
    """Calls -> ACD: this try came to nothing; all legs are being ended."""

    conversation: ConversationId
    contact: ContactId
    agent: AgentId
    why: Unreached
    at: float
