"""Commands: what people ask for. Inputs of a turn; accepted, or refused with a typed reason.

`by` is the signed-in user the server knows from the session, never what the client claims. `agent` is whom
it is about (the same person, or a lead acting on somebody). `id` is the client's own command id, echoed in
the answer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from ctiserver.model.causes import MonitorMode
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LeaseId, QueueId, ReservationId

PageLoad = Annotated[str, msgspec.Meta(max_length=64)]
"""The word by which a page calls itself; it stays in the journal, so it has a length."""
SwitchReason = Annotated[str, msgspec.Meta(max_length=200)]

Message = Annotated[str, msgspec.Meta(max_length=500)]
"""It stays in the journal and on a banner."""
HeadStart = Annotated[float, msgspec.Meta(ge=0.0, le=86_400.0)]

Number = Annotated[str, msgspec.Meta(max_length=32)]
Name = Annotated[str, msgspec.Meta(max_length=64)]


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    id: str
    by: str
    agent: AgentId


class SignIn(_Command, frozen=True, kw_only=True):
    """Sign in to take work; starts not ready."""


class SignOut(_Command, frozen=True, kw_only=True):
    pass


class SetReady(_Command, frozen=True, kw_only=True):
    pass


class SetNotReady(_Command, frozen=True, kw_only=True):
    """With work in hand this is a pending break: it shows at once and holds when the work is done."""

    reason: str


class TakeDevice(_Command, frozen=True, kw_only=True):
    """Make the page the agent's phone. `instance` names one page load; `take_over` ends another holder's lease."""

    lease: LeaseId
    instance: PageLoad
    take_over: bool = False


class PhoneReady(_Command, frozen=True, kw_only=True):
    """The page's softphone is registered. A new `instance` in a call means: the page was reloaded, ring it again."""

    lease: LeaseId
    instance: PageLoad


class UsePhone(_Command, frozen=True, kw_only=True):
    """Make a desk phone the agent's device. `take_over`: although another agent who is signed in has it."""

    phone: str
    take_over: bool = False


class UseNumber(_Command, frozen=True, kw_only=True):
    """Make an outside number the agent's device ('' = the one that the site has for him). He accepts by a key."""

    number: Number = ""


class ReleaseDevice(_Command, frozen=True, kw_only=True):
    lease: LeaseId


class ConfirmOffer(_Command, frozen=True, kw_only=True):
    """The desktop has painted the offer: ring now."""

    reservation: ReservationId


class HoldCall(_Command, frozen=True, kw_only=True):
    conversation: ConversationId


class RetrieveCall(_Command, frozen=True, kw_only=True):
    conversation: ConversationId


class HangUpCall(_Command, frozen=True, kw_only=True):
    """The agent ends the conversation."""

    conversation: ConversationId


class MakeCall(_Command, frozen=True, kw_only=True):
    """Call an outside number or a colleague (exactly one). `queue`: whose dispositions the call has ('' = as the site
    says)."""

    number: Number = ""
    to_agent: AgentId = AgentId("")
    queue: str = ""


class PickUpCall(_Command, frozen=True, kw_only=True):
    """The agent takes a call that rings at a colleague of his queues; his own phone answers it by itself."""

    contact: ContactId


class TransferCall(_Command, frozen=True, kw_only=True):
    """Blind transfer: the customer goes to a queue, an agent, a flow or an outside number (exactly one), the agent is
    through with him."""

    conversation: ConversationId
    queue: str = ""
    to_agent: AgentId = AgentId("")
    flow: str = ""
    number: Number = ""


class MonitorCall(_Command, frozen=True, kw_only=True):
    """A team lead comes into a call: his phone is rung and answers by itself. `agent` is his seat (`ids.seat`), in this
    and the following four commands."""

    conversation: ConversationId
    mode: MonitorMode = MonitorMode.LISTEN


class ChangeMonitor(_Command, frozen=True, kw_only=True):
    conversation: ConversationId
    mode: MonitorMode


class StopMonitor(_Command, frozen=True, kw_only=True):
    conversation: ConversationId


class TakeOverCall(_Command, frozen=True, kw_only=True):
    """A lead who is in the call takes the agent's place; the agent is through with the customer and wraps up."""

    conversation: ConversationId


class DisconnectCall(_Command, frozen=True, kw_only=True):
    """A lead ends somebody's call."""

    conversation: ConversationId


class ConsultCall(_Command, frozen=True, kw_only=True):
    """Ask a colleague, anybody of a queue, or somebody at an outside number (exactly one of them): the customer has
    music, the other's phone rings. From a conference the others stay in it."""

    conversation: ConversationId
    to_agent: AgentId = AgentId("")
    queue: QueueId = QueueId("")
    number: Number = ""


class SwapCall(_Command, frozen=True, kw_only=True):
    """Talk with the customer while the colleague has music, or the other way round."""

    conversation: ConversationId


class CancelConsult(_Command, frozen=True, kw_only=True):
    """The colleague is let go; the agent talks with the customer again."""

    conversation: ConversationId


class CompleteConsult(_Command, frozen=True, kw_only=True):
    """The colleague has the customer from now on, the agent is through with him."""

    conversation: ConversationId


class ConferenceCall(_Command, frozen=True, kw_only=True):
    """The colleague who is being consulted joins the talk: all hear each other."""

    conversation: ConversationId


class LeaveConference(_Command, frozen=True, kw_only=True):
    """The agent leaves; who was called in first keeps the customer."""

    conversation: ConversationId


class DropParty(_Command, frozen=True, kw_only=True):
    """The agent takes one of the others out of the conference."""

    conversation: ConversationId
    party: AgentId


class WriteNote(_Command, frozen=True, kw_only=True):
    """The whole text of the contact's note (the last one wins); at most 4,000 characters."""

    contact: ContactId
    text: str


class FinishWrapUp(_Command, frozen=True, kw_only=True):
    contact: ContactId
    disposition: str
    note: str
    ready: bool
    """true: ready afterwards; false: not ready (reason kept or 'wrap_up')"""


class ExtendWrapUp(_Command, frozen=True, kw_only=True):
    contact: ContactId


class CloseQueue(_Command, frozen=True, kw_only=True):
    """The emergency switch: the queue is closed until it is opened again, whatever its hours say."""

    agent: AgentId = AgentId("")
    queue: QueueId
    reason: SwitchReason = ""


class OpenQueue(_Command, frozen=True, kw_only=True):
    """The queue follows its hours again."""

    agent: AgentId = AgentId("")
    queue: QueueId


class BookCallback(_Command, frozen=True, kw_only=True):
    """A lead has a caller called back who was lost. `of` is the contact that ended without an agent; the server knows
    what number it came from, where to, and in what queue it waited."""

    agent: AgentId = AgentId("")
    queue: QueueId
    number: Number
    name: Name = ""
    of: str = ""
    dialled: str = ""


class CancelCallback(_Command, frozen=True, kw_only=True):
    """A lead ends a booked callback that is not being called at this moment."""

    agent: AgentId = AgentId("")
    contact: ContactId


class DismissLost(_Command, frozen=True, kw_only=True):
    """A lead says that nobody is to call this lost caller back."""

    agent: AgentId = AgentId("")
    contact: ContactId


class Forced(StrEnum):
    READY = "ready"
    NOT_READY = "not_ready"
    SIGNED_OUT = "signed_out"


class ForceState(_Command, frozen=True, kw_only=True):
    """A lead puts an agent into a state. With work in hand ready and not ready are for afterwards; nobody is signed out
    of a call. `reason`: of not ready."""

    state: Forced
    reason: str = ""


class PullContact(_Command, frozen=True, kw_only=True):
    """A lead gives a waiting contact to this agent: he is offered it next, and for a while he alone."""

    contact: ContactId


class PrioritiseContact(_Command, frozen=True, kw_only=True):
    """A lead sets a waiting contact's head start."""

    agent: AgentId = AgentId("")
    contact: ContactId
    seconds: HeadStart


class SendMessage(_Command, frozen=True, kw_only=True):
    """A lead's message to agents; those who are signed in get it."""

    agent: AgentId = AgentId("")
    agents: tuple[AgentId, ...]
    text: Message


class ReadNotice(_Command, frozen=True, kw_only=True):
    """The agent has read what a lead told him."""

    notice: str


Command = (
    SignIn
    | SignOut
    | SetReady
    | SetNotReady
    | TakeDevice
    | PhoneReady
    | UsePhone
    | UseNumber
    | ReleaseDevice
    | ConfirmOffer
    | HoldCall
    | RetrieveCall
    | HangUpCall
    | MakeCall
    | PickUpCall
    | TransferCall
    | MonitorCall
    | ChangeMonitor
    | StopMonitor
    | TakeOverCall
    | DisconnectCall
    | ConsultCall
    | SwapCall
    | CancelConsult
    | CompleteConsult
    | ConferenceCall
    | LeaveConference
    | DropParty
    | WriteNote
    | FinishWrapUp
    | ExtendWrapUp
    | CloseQueue
    | OpenQueue
    | BookCallback
    | CancelCallback
    | DismissLost
    | ForceState
    | PullContact
    | PrioritiseContact
    | SendMessage
    | ReadNotice
)
