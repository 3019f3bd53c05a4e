"""Events of whoever is called into a talk: consult, conference, and what ACD and calls ask of each other about it.

Import them from `ctiserver.model.events`.
"""

from __future__ import annotations

from ctiserver.model.causes import Parted
from ctiserver.model.event_base import EventBase
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LegId, QueueId, ReservationId
from ctiserver.model.talk import Conversation, Party, PartyState, Side, asks_next


class ConsultQueued(EventBase, frozen=True, kw_only=True):
    """ACD -> calls: `asked_by`, whose talk it is, asks for anybody of a queue, and hears it ring; he waits until
    `deadline` for the first who is free. `item` is the request's."""

    conversation: ConversationId
    asked_by: AgentId
    queue: QueueId
    item: ContactId
    deadline: float
    at: float


class ConsultAsked(EventBase, frozen=True, kw_only=True):
    """ACD -> calls: `asked_by`, whose talk it is, asks a colleague. He is reserved and shown the pop; `item` is the
    thing in his hands, `reservation` what his desktop confirms, by `confirm_by` at the latest he is rung. `queue`: he
    is the one whom a queue that was asked has found. `number`: `agent` is OUTSIDE_PARTY, rung until `confirm_by`."""

    conversation: ConversationId
    asked_by: AgentId
    agent: AgentId
    item: ContactId
    reservation: ReservationId
    confirm_by: float
    at: float
    queue: QueueId | None = None
    number: str = ""


class ConsultRing(EventBase, frozen=True, kw_only=True):
    """ACD -> calls: ring the colleague; `deadline` is absolute."""

    conversation: ConversationId
    agent: AgentId
    item: ContactId
    deadline: float
    at: float


class ConsultUp(EventBase, frozen=True, kw_only=True):
    """The colleague has answered: he and the agent who asked him are together, the customer has music."""

    conversation: ConversationId
    agent: AgentId
    item: ContactId
    leg: LegId
    at: float


class Swapped(EventBase, frozen=True, kw_only=True):
    """The agent is with the customer, or with the colleague whom he consults; the other one has music."""

    conversation: ConversationId
    agent: AgentId
    side: Side
    at: float


class Conferenced(EventBase, frozen=True, kw_only=True):
    """The consulted colleague is in the talk with agent and customer."""

    conversation: ConversationId
    agent: AgentId
    item: ContactId
    at: float


class PartyLeft(EventBase, frozen=True, kw_only=True):
    """Who was called in is not any more; `was` says how far he had come, `side` with whom the agent was then. His
    leg, if there is one, is being ended."""

    conversation: ConversationId
    agent: AgentId
    item: ContactId
    why: Parted
    was: PartyState
    side: Side
    at: float
    again: bool = False  # he let it pass, and the queue that was asked goes on looking

    @classmethod
    def of(cls, conversation: Conversation, one: Party, why: Parted, at: float) -> PartyLeft:
        """This party's, as he stands now."""
        return cls(
            conversation=conversation.id,
            agent=one.agent,
            item=one.item,
            why=why,
            was=one.state,
            side=conversation.side,
            at=at,
            again=asks_next(one, why),
        )


class PassedOutside(EventBase, frozen=True, kw_only=True):
    """ACD -> calls: the customer and whom the agent had called in at an outside number (`leg`) go on without him;
    `contact` is the agent's, which ends with this, `queue` its queue. Compare `ContactPassed`."""

    conversation: ConversationId
    contact: ContactId
    agent: AgentId
    leg: LegId
    number: str
    queue: QueueId
    note: str
    data: dict[str, str]
    path: tuple[str, ...]
    at: float
