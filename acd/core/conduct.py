"""Conduct: the properties of DESIGN section 8 that no single state can show, asked of the events as they are applied.

Lives here: who may be offered what and in which order, who may win, that offers are decided in time and their legs gone
soon after, and the books of each queue. Not here: what one state must look like (`check`), any repair. Questions are
asked plainly, of the world and not of the index; the cost is that of looking at a queue's contacts at every offer.

`Conduct` looks like a core that decides nothing: put before the others it hears each event in the world as it was
before. It is for tests, simulations and journals read again, not for the running server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from acd.core import agent as agents, contact as contacts, reservation as reservations, waiting
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ContactId, QueueId, ReservationId
from ctiserver.model.routing import MADE
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import Ctx, World

EPSILON = 1e-6
"""Seconds: sums of floating point times differ in their last digits."""


class Books:
    """The account of one queue: `entered` = what has left for each end reason + what is still here."""

    __slots__ = ("entered", "left")

    def __init__(self) -> None:
        self.entered = 0
        self.left: Counter[EndReason] = Counter()


class Conduct:
    """What has been done wrong so far, as English sentences without personal data, in `wrong`."""

    def __init__(self, world: World) -> None:
        self.wrong: list[str] = []
        self.books: dict[QueueId, Books] = {}
        self._arrived: dict[ContactId, int] = {name: place for place, name in enumerate(world.contacts)}
        self._pause: dict[tuple[ContactId, AgentId], float] = {}
        self._leg_ends: dict[tuple[ReservationId, AgentId], float] = {}
        for contact in world.contacts.values():
            if contact.state is not ContactState.ENDED and contacts.counted(contact):
                self._book(contact.queue).entered += 1

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        return NOTHING

    def apply(self, world: World, event: ev.Event) -> None:
        match event:
            case ev.ContactQueued():
                self._book(event.queue).entered += 1
                if event.contact in world.contacts:
                    self.wrong.append(f"{event.contact} enters twice")
                self._arrived[event.contact] = max(self._arrived.values(), default=0) + 1
            case ev.ContactPassed():
                self._book(event.queue).entered += 0 if event.medium in MADE else 1
                if event.contact in world.contacts:
                    self.wrong.append(f"{event.contact} enters twice")
            case ev.ContactEnded():
                self._ended(world, event)
            case ev.OfferMade():
                self.wrong.extend(self._offer(world, event))
            case ev.OfferJoined():
                self.wrong.extend(self._joins(world, event))
            case ev.ContactConnected():
                self.wrong.extend(_won(world, event))
                self._forget_pauses(event.contact)
            case ev.OfferRejected() | ev.OfferUnreachable():
                self._pauses(world, event)
            case ev.RingCancelled():
                due = world.now + reservations.WITHDRAW_AFTER
                self._leg_ends.setdefault((event.reservation, event.agent), due)
            case _:
                pass

    def _book(self, queue: QueueId) -> Books:
        return self.books.setdefault(queue, Books())

    # --- ends -----------------------------------------------------------------------------------------

    def _ended(self, world: World, event: ev.ContactEnded) -> None:
        contact = world.contacts.get(event.contact)
        if contact is None or contacts.counted(contact):
            self._book(event.queue).left[event.reason] += 1
        self._arrived.pop(event.contact, None)
        if contact is None or contact.state is ContactState.ENDED:
            self.wrong.append(f"{event.contact} ends twice")
        elif contact.state is ContactState.CONNECTED and (contact.booking is not None or contact.medium in MADE):
            pass  # an agent called, the customer did not answer: it may end in any way
        elif (event.reason is EndReason.ANSWERED) is not (contact.state is ContactState.CONNECTED):
            self.wrong.append(f"{event.contact} was {contact.state.value} and ends {event.reason.value}")
        self._forget_pauses(event.contact)

    # --- offers ---------------------------------------------------------------------------------------

    def _offer(self, world: World, event: ev.OfferMade) -> Iterator[str]:
        contact = world.contacts[event.contact]
        if contact.state is not ContactState.WAITING or contact.away or _away(world, contact):
            yield f"{contact.id} is offered and does not wait, or its caller is away"
        for name in event.agents:
            yield from self._offered_to(world, contact, name, event.at)

    def _joins(self, world: World, event: ev.OfferJoined) -> Iterator[str]:
        contact, held = world.contacts[event.contact], world.reservations.get(event.reservation)
        if held is None or held.decided or contact.reservation != event.reservation or event.agent in held.agents:
            yield f"agent {event.agent} joins an offer of {contact.id} that he may not join"
        yield from self._offered_to(world, contact, event.agent, event.at)

    def _offered_to(self, world: World, contact: Contact, name: AgentId, at: float) -> Iterator[str]:
        agent = world.agents[name]
        if not agents.eligible(agent, contact.medium, world.capacities.get(name)):
            yield f"agent {name} is offered {contact.id} and can take nothing"
        config = world.agent_configs.get(name)
        if config is None or not waiting.admits(world, config, contact):
            yield f"agent {name} is offered {contact.id}, which he may not have"
        if at + EPSILON < self._pause.get((contact.id, name), 0.0):
            yield f"agent {name} is offered {contact.id} again too soon"
        yield from self._passed_over(world, contact, name)

    def _passed_over(self, world: World, contact: Contact, name: AgentId) -> Iterator[str]:
        """Contacts of the same queue that go before this one, wait, and may be had by the same agent: those that came
        back go first, then who is due earlier, then who came earlier."""
        config = world.agent_configs.get(name)
        mine = self._place(world, contact)
        for other in world.contacts.values():
            if other.queue != contact.queue or other.state is not ContactState.WAITING or other.away:
                continue
            if other.medium != contact.medium or _is_his(other) is not _is_his(contact):
                continue
            if other.avoid.get(name) or other.id in world.agents[name].work:
                continue
            if self._place(world, other) < mine and config is not None and waiting.admits(world, config, other):
                yield f"{contact.id} is offered to agent {name} before {other.id}"

    def _place(self, world: World, contact: Contact) -> tuple[bool, float, int]:
        queue = contacts.queue_config(world, contact.queue)
        due = contact.queued_at + queue.objective_seconds - queue.priority - contact.priority
        return (not contact.head, due, self._arrived.get(contact.id, 0))

    def _pauses(self, world: World, event: ev.OfferRejected | ev.OfferUnreachable) -> None:
        """Until when this contact is not for this agent: an offer's time after a rejection, a short pause after a ring
        that his reachable phone did not get."""
        contact = world.contacts.get(event.contact)
        if contact is None or contact.state is not ContactState.RESERVED:
            return
        if isinstance(event, ev.OfferRejected):
            pause = contacts.queue_config(world, contact.queue).offer_seconds
        else:
            pause = reservations.UNREACHABLE_PAUSE if agents.reachable(world.agents[event.agent]) else 0.0
        self._pause[contact.id, event.agent] = event.at + pause

    def _forget_pauses(self, contact: ContactId) -> None:
        for key in [key for key in self._pause if key[0] == contact]:
            del self._pause[key]

    # --- after the turn -------------------------------------------------------------------------------

    def turned(self, world: World, *, ticked: bool) -> list[str]:
        """What is wrong after a turn. `ticked`: the turn was a look at the clock, so nothing may be late."""
        here = Counter(
            c.queue for c in world.contacts.values() if c.state is not ContactState.ENDED and contacts.counted(c)
        )
        for queue, book in self.books.items():
            gone = sum(book.left.values())
            if book.entered != gone + here[queue]:
                self.wrong.append(f"queue {queue}: {book.entered} entered, {gone} left, {here[queue]} here")
        for key in [key for key in self._leg_ends if not _withdrawing(world, *key)]:
            del self._leg_ends[key]
        if ticked:
            self.wrong.extend(self._late(world))
        return self.wrong

    def _late(self, world: World) -> Iterator[str]:
        for held in world.reservations.values():
            for offered in reservations.live_agents(held):
                if (held.deadline if offered.ringing else held.confirm_by) <= world.now:
                    yield f"agent {offered.agent} of reservation {held.id} is not decided in time"
        for (name, agent), due in self._leg_ends.items():
            if due + EPSILON < world.now:
                yield f"agent {agent} of reservation {name} is still held for a leg that should be gone"


def _away(world: World, contact: Contact) -> bool:
    """What the calls know of the caller."""
    conversation = world.conversations.get(contact.conversation)
    leg = conversation.legs.get(conversation.customer_leg) if conversation is not None else None
    return leg is not None and leg.away and contact.booking is None


def _withdrawing(world: World, name: ReservationId, agent: AgentId) -> bool:
    held = world.reservations.get(name)
    offered = held.agents.get(agent) if held is not None else None
    return offered is not None and offered.withdrawing and not offered.closed


def _is_his(contact: Contact) -> bool:
    """Whether one agent alone may have it: of his own contacts he is offered first."""
    return contact.only_agent is not None or waiting.alone(contact) is not None


def _won(world: World, event: ev.ContactConnected) -> Iterator[str]:
    held, contact = world.reservations.get(event.reservation), world.contacts.get(event.contact)
    offered = held.agents.get(event.agent) if held is not None else None
    if held is None or offered is None or held.decided or not reservations.live(offered) or not offered.ringing:
        yield f"agent {event.agent} wins {event.contact} and is not rung for it"
    if contact is None or contact.state is not ContactState.RESERVED or contact.reservation != event.reservation:
        yield f"{event.contact} is connected and is not offered"
