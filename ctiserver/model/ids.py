"""Identifiers: what they look like and how they are made.

Ids that we make say whose they are: everything of a conversation begins with the conversation's id,
so a channel or a bridge found in Asterisk names its owner (DESIGN section 4). An inbound channel keeps
Asterisk's own id. Ids are made from the journal's epoch and the turn's sequence number, never from a
clock or a random source, so a replay makes the same ones.
"""

from __future__ import annotations

import re
from typing import NewType

ConversationId = NewType("ConversationId", str)
LegId = NewType("LegId", str)  # also the id of the Asterisk channel
BridgeId = NewType("BridgeId", str)
PlaybackId = NewType("PlaybackId", str)
AgentId = NewType("AgentId", str)
QueueId = NewType("QueueId", str)
ContactId = NewType("ContactId", str)
ReservationId = NewType("ReservationId", str)
LeaseId = NewType("LeaseId", str)
InteractionId = NewType("InteractionId", str)

_LEASE = re.compile(r"^d[0-9a-f]{16}$")
_MADE = re.compile(r"^[ckri][0-9a-z]{1,16}-([0-9a-f]{1,13})(?:-[0-9]+)?$")
_OURS = re.compile(r"^(c[0-9a-z]+-[0-9a-f]+(?:-[0-9]+)?)(?:\.([a-z]+)([0-9]*)|-([htcw]))$")


class Ids:
    """The id source of one turn: `epoch` names the journal, `seq` the record that will hold the turn."""

    __slots__ = ("_epoch", "_made", "_seq")

    def __init__(self, epoch: str, seq: int) -> None:
        self._epoch = epoch
        self._seq = seq
        self._made = 0

    def _next(self, letter: str) -> str:
        self._made += 1
        suffix = "" if self._made == 1 else f"-{self._made}"
        return f"{letter}{self._epoch}-{self._seq:x}{suffix}"

    def conversation(self) -> ConversationId:
        return ConversationId(self._next("c"))

    def contact(self) -> ContactId:
        return ContactId(self._next("k"))

    def notice(self) -> str:
        return self._next("n")

    def reservation(self) -> ReservationId:
        return ReservationId(self._next("r"))

    def interaction(self) -> InteractionId:
        return InteractionId(self._next("i"))


def made_in(thing: str) -> int:
    """The number of the record in which an id of ours was made; 0: it is none."""
    match = _MADE.match(thing)
    return int(match.group(1), 16) if match else 0


def agent_leg(conversation: ConversationId, number: int) -> LegId:
    return LegId(f"{conversation}.a{number}")


def consultee_leg(conversation: ConversationId, number: int) -> LegId:
    """The leg of an agent who is called in beside the one whose talk it is."""
    return LegId(f"{conversation}.b{number}")


def customer_leg(conversation: ConversationId, number: int) -> LegId:
    """The leg of a customer whom we call."""
    return LegId(f"{conversation}.c{number}")


def lead_leg(conversation: ConversationId, number: int) -> LegId:
    """The leg of a team lead who listens."""
    return LegId(f"{conversation}.l{number}")


def whisper_snoop(conversation: ConversationId, number: int) -> LegId:
    """The snoop on the agent's leg through which a lead hears both and speaks to the agent alone."""
    return LegId(f"{conversation}.w{number}")


def snoop_in(conversation: ConversationId) -> LegId:
    """The snoop channel that hears what the customer says."""
    return LegId(f"{conversation}.ri")


def snoop_out(conversation: ConversationId) -> LegId:
    """The snoop channel that hears what the customer hears."""
    return LegId(f"{conversation}.ro")


def tracks(conversation: ConversationId) -> tuple[LegId, LegId]:
    """The two tracks of its record, named as the snoops that make them."""
    return snoop_in(conversation), snoop_out(conversation)


def track(conversation: ConversationId, side: str, offset: int) -> LegId:
    """A track that begins `offset` milliseconds after the answer, because an earlier one of its side ('ri', 'ro') was
    lost."""
    return LegId(f"{conversation}.{side}{offset}")


SIDES = ("ri", "ro")
"""The kinds of the two tracks: what the customer says, what he hears."""


def track_offset(track: str) -> int:
    """Milliseconds after the answer at which the track begins."""
    match = _OURS.match(track)
    return int(match.group(3) or 0) if match else 0


def playback(conversation: ConversationId, number: int) -> PlaybackId:
    return PlaybackId(f"{conversation}.p{number}")


def holding_bridge(conversation: ConversationId) -> BridgeId:
    return BridgeId(f"{conversation}-h")


def talk_bridge(conversation: ConversationId) -> BridgeId:
    return BridgeId(f"{conversation}-t")


def consult_bridge(conversation: ConversationId) -> BridgeId:
    """Where the agent and whom he consults sit, without the customer."""
    return BridgeId(f"{conversation}-c")


def whisper_bridge(conversation: ConversationId) -> BridgeId:
    """Where a whispering lead's leg and his snoop sit."""
    return BridgeId(f"{conversation}-w")


_SEAT = "@"
"""No agent's id begins so (acd.config_rows), so a seat is never an agent."""


def seat(user: str) -> AgentId:
    """The place of a user who has a phone and takes no work: a team lead's, from which he listens."""
    return AgentId(f"{_SEAT}{user}")


def is_seat(agent: str) -> bool:
    """Whether this is a user's seat, not an agent."""
    return agent.startswith(_SEAT)


def user_of_seat(agent: str) -> str:
    """Whose seat it is."""
    return agent.removeprefix(_SEAT)


QUEUE_PARTY = AgentId("#queue")
"""Stands among the parties of a call for the agent of a queue who is not found yet; no agent's id begins so."""
OUTSIDE_PARTY = AgentId("#outside")
"""Stands among the parties of a call for somebody at an outside number who was called in: one at a time."""


_DESK = "desk-"


def desk_endpoint(phone: str) -> str:
    """The SIP endpoint of a desk phone, which is also its lease and its user name."""
    return f"{_DESK}{phone}"


def desk_phone(endpoint: str) -> str | None:
    """The desk phone whose endpoint this is; None for a browser's."""
    return endpoint.removeprefix(_DESK) if endpoint.startswith(_DESK) else None


_OUTSIDE = "out-"


def outside_endpoint(number: str) -> str:
    """The device of an agent who is called at an outside number: no endpoint of the switch, and no lease of a page."""
    return f"{_OUTSIDE}{number}"


def outside_number(endpoint: str) -> str | None:
    """The number of such a device; None for any other."""
    return endpoint.removeprefix(_OUTSIDE) if endpoint.startswith(_OUTSIDE) else None


def is_lease(thing: str) -> bool:
    """Whether it looks like the lease of an agent's browser, which is the name of its SIP endpoint too."""
    return _LEASE.match(thing) is not None


def owner(thing: str) -> ConversationId | None:
    """The conversation that a channel, bridge, playback or recording id of ours belongs to; None if not ours."""
    match = _OURS.match(thing)
    return ConversationId(match.group(1)) if match else None


def kind(thing: str) -> str:
    """What an id of ours names: 'a' agent leg, 'b' consultee's leg, 'c' called customer, 'l' lead's leg, 'w' whisper
    snoop or bridge, 'ri'/'ro' snoop, 'p' playback, 'h'/'t'/'c' bridge; '' if not ours."""
    match = _OURS.match(thing)
    return (match.group(2) or match.group(4)) if match else ""
