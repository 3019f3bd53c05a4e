"""Events of contacts and reservations (made by acd.core), with what ACD asks of calls and of flows.

Import them from `ctiserver.model.events`.
"""

from __future__ import annotations

import msgspec

from ctiserver.model.causes import EndReason, Unreached
from ctiserver.model.event_base import EventBase
from ctiserver.model.ids import AgentId, ContactId, ConversationId, InteractionId, QueueId, ReservationId
from ctiserver.model.routing import VOICE, Algorithm, StepConfig
from ctiserver.model.work import Booking


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One agent who could have been chosen, with the rank keys that were compared (smaller is better)."""

    agent: AgentId
    keys: tuple[float, ...]


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why this contact went to this agent: one record for each offer, small enough for the call path.

    `rule` is the algorithm, `candidates` the ten best with their keys (`names` says what each key is), `excluded` all
    other agents of the site counted by the first reason why not (`acd.core.explain` lists them one by one). `tie_break`
    is what decided between the last chosen and the next: a key's name, 'agent id' when all keys were equal, '' when
    there was nobody else.

    About the contact: the relaxation `step` in force and what it `requires`, the `rules` on its data that applied,
    the agent to `prefer`, the `priority` of its queue for the chosen agent's group (0: it is his own), when it was
    `due` in the fair order (epoch seconds, `acd.core.contact.due`), and whether it had come back to the head (`head`).
    """

    rule: str
    chosen: tuple[AgentId, ...]
    candidates: tuple[Candidate, ...]
    excluded: dict[str, int]
    tie_break: str
    names: tuple[str, ...] = ()
    step: int = 0
    requires: str = ""
    rules: tuple[str, ...] = ()
    prefer: AgentId | None = None
    priority: int = 1
    due: float = 0.0
    head: bool = False


class ContactQueued(EventBase, frozen=True, kw_only=True):
    """A contact waits from now on (`at`). `queued_at` is what it ranks by: earlier than `at` when it has waited
    elsewhere (`moved_from`: overflow, a booked callback). `requires`, `priority` (seconds of head start), `algorithm`
    and `prefer` are what flow and rules (`rules`: their ids) add to the queue's own; `steps` () = the queue's.
    `been`: the queues that sent it on.
    `step`, since when (0.0: `at`) and `opened` are where it goes on if it has waited before.
    `head`: he was promised somebody who did not come, and goes before his peers.
    `number` is the dialled one, `customer` the key under which the agent he talks to is remembered ('' = nobody)."""

    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    requires: str
    priority: float
    only_agent: AgentId | None
    data: dict[str, str]
    path: tuple[str, ...]
    at: float
    queued_at: float
    medium: str = VOICE
    number: str = ""
    customer: str = ""
    steps: tuple[StepConfig, ...] = ()
    algorithm: Algorithm | None = None
    prefer: AgentId | None = None
    prefer_until: float = 0.0
    rules: tuple[str, ...] = ()
    moved_from: ContactId | None = None
    been: tuple[QueueId, ...] = ()
    step: int = 0
    stepped_at: float = 0.0
    opened: float = 0.0
    booking: Booking | None = None
    head: bool = False


class ContactStepped(EventBase, frozen=True, kw_only=True):
    """The contact is at this relaxation step now; `why`: 'time', 'available' (too few agents) or 'predicted'."""

    contact: ContactId
    step: int
    why: str
    at: float


class ContactOpened(EventBase, frozen=True, kw_only=True):
    """The contact has waited `delay` seconds: groups with this delay may have it now."""

    contact: ContactId
    delay: float
    at: float


class PreferenceEnded(EventBase, frozen=True, kw_only=True):
    """The contact no longer waits for its preferred agent alone; he is still asked first."""

    contact: ContactId
    at: float


class ComfortDue(EventBase, frozen=True, kw_only=True):
    """ACD -> IVR: tell the waiting caller something: `prompt` ('' = none), his place in the queue's order (0 = not
    told), and between how many seconds he will still wait (`high` 0.0 = not told)."""

    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    prompt: str
    position: int
    low: float
    high: float
    at: float


class CallerTurnedAway(EventBase, frozen=True, kw_only=True):
    """A caller asked for this queue and did not enter it: his flow goes on, or he is sent on to the queue `to`."""

    conversation: ConversationId
    queue: QueueId
    reason: EndReason
    to: QueueId | None
    at: float


class QueueSwitched(EventBase, frozen=True, kw_only=True):
    """The emergency switch: the queue is closed whatever its hours say, or follows them again."""

    queue: QueueId
    closed: bool
    by: str
    reason: str
    at: float


class OfferMade(EventBase, frozen=True, kw_only=True):
    """Contact and agents are reserved for each other; desktops show the pop, the ring follows."""

    reservation: ReservationId
    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    agents: tuple[AgentId, ...]
    confirm_by: float
    deadline: float
    why: Why
    at: float


class OfferJoined(EventBase, frozen=True, kw_only=True):
    """Ring all: this agent, free by now, is rung too for an offer that is under way."""

    reservation: ReservationId
    contact: ContactId
    conversation: ConversationId
    agent: AgentId
    confirm_by: float
    at: float


class OfferConfirmed(EventBase, frozen=True, kw_only=True):
    reservation: ReservationId
    agent: AgentId
    at: float


class RingAsked(EventBase, frozen=True, kw_only=True):
    """ACD -> calls: ring this agent for this contact; `deadline` is absolute."""

    reservation: ReservationId
    contact: ContactId
    conversation: ConversationId
    agent: AgentId
    deadline: float


class RingCancelled(EventBase, frozen=True, kw_only=True):
    """ACD -> calls: stop ringing this agent. He stays reserved (withdrawing) until the leg's end is seen."""

    reservation: ReservationId
    conversation: ConversationId
    agent: AgentId


class OfferMissed(EventBase, frozen=True, kw_only=True):
    reservation: ReservationId
    contact: ContactId
    agent: AgentId
    at: float


class OfferRejected(EventBase, frozen=True, kw_only=True):
    reservation: ReservationId
    contact: ContactId
    agent: AgentId
    at: float


class OfferUnreachable(EventBase, frozen=True, kw_only=True):
    """The device could not be rung or vanished: not the agent's fault, not counted."""

    reservation: ReservationId
    contact: ContactId
    agent: AgentId
    at: float


class OfferWithdrawn(EventBase, frozen=True, kw_only=True):
    """The offer ended for another reason: caller gone, somebody else took it."""

    reservation: ReservationId
    contact: ContactId
    agent: AgentId
    at: float


class ReservationClosed(EventBase, frozen=True, kw_only=True):
    """No leg of it is left: agents are free of it."""

    reservation: ReservationId


class ContactRequeued(EventBase, frozen=True, kw_only=True):
    """Back to the head of its queue, keeping its arrival; `prefer` is asked first if reachable. `picked_up`: he took it
    from a colleague's ringing phone."""

    contact: ContactId
    prefer: AgentId | None
    at: float
    picked_up: bool = False


class ContactConnected(EventBase, frozen=True, kw_only=True):
    contact: ContactId
    conversation: ConversationId
    reservation: ReservationId
    agent: AgentId
    at: float


class ContactPassed(EventBase, frozen=True, kw_only=True):
    """The agent has handed his customer to one whom he had called in: his own contact has ended with this, `contact` is
    the new one, connected from the beginning. `note` is what he had written until then."""

    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    agent: AgentId
    from_contact: ContactId
    from_agent: AgentId
    medium: str
    note: str
    requires: str
    priority: float
    data: dict[str, str]
    path: tuple[str, ...]
    number: str
    customer: str
    at: float


class CallbackBooked(EventBase, frozen=True, kw_only=True):
    """A customer is to be called back: `conversation` begins with it, without any leg; ContactQueued follows.
    `asked_in` is the conversation in which he asked for it (None: a lead has booked it)."""

    contact: ContactId
    conversation: ConversationId
    interaction: InteractionId
    queue: QueueId
    number: str
    name: str
    dialled: str
    asked_in: ConversationId | None
    of: str
    """the contact that ended without an agent and is made good by this; '' = none"""
    by: str
    keep_until: float
    at: float


class CallMade(EventBase, frozen=True, kw_only=True):
    """An agent calls an outside number, or a colleague (`to_agent`): he is busy from now on. His own phone is rung
    first. `shown`: our number that the called sees; `queue`: whose dispositions the call has ('' = it is internal)."""

    contact: ContactId
    conversation: ConversationId
    interaction: InteractionId
    agent: AgentId
    medium: str
    queue: QueueId
    number: str
    to_agent: AgentId | None
    shown: str
    at: float


class LostDismissed(EventBase, frozen=True, kw_only=True):
    """Nobody is to call this lost caller back; `contact` is the one that ended without an agent."""

    contact: ContactId
    by: str
    at: float


class CallbackPlanned(EventBase, frozen=True, kw_only=True):
    """The customer was not reached: the next try is at `retry_at`. The agent's wrap-up follows."""

    contact: ContactId
    conversation: ConversationId
    agent: AgentId
    why: Unreached
    tries: int
    retry_at: float
    at: float


class CallbackDue(EventBase, frozen=True, kw_only=True):
    """The next try may begin: the contact waits again, in the place it has kept."""

    contact: ContactId
    at: float


class ContactEnded(EventBase, frozen=True, kw_only=True):
    """Exactly one per contact. For `answered` it comes when the talk ends."""

    contact: ContactId
    conversation: ConversationId
    queue: QueueId
    reason: EndReason
    at: float
