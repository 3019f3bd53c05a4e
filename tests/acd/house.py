"""A small call center in virtual time: the real ACD core, and a stand-in for the conversation core (`fake_calls`).

Lives here: what the stories in this folder share. After every turn the checker must find nothing, and folding the
recorded events must give the same world.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from acd.core import agent as agents, check
from acd.core.conduct import Conduct
from acd.core.engine import Acd
from ctiserver import turn
from ctiserver.model import commands as cmd, effects as fx, events as ev, facts, ids
from ctiserver.model.causes import ClearedBy, LegFailure
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.facts import Customer
from ctiserver.model.routing import GroupConfig
from ctiserver.model.site import (
    AgentConfig,
    DispositionConfig,
    Label,
    PhoneConfig,
    QueueConfig,
    ReasonConfig,
    SiteConfig,
)
from ctiserver.model.work import AgentState, Contact, Reservation
from ctiserver.model.world import World, WorldState
from tests.acd.fake_calls import FakeCalls, Says

START = 1_700_000_000.0
E = TypeVar("E", bound=ev.Event)


def label(name: str) -> Label:
    return Label(zh=name, en=name)


def queue(name: str, **more: Any) -> QueueConfig:
    return QueueConfig(id=name, name=label(name), **more)


def agent(name: str, *queues: str, **more: Any) -> AgentConfig:
    return AgentConfig(id=name, name=label(name), queues=queues or ("service",), **more)


def phone(name: str, contact: str = "") -> PhoneConfig:
    return PhoneConfig(id=name, name=label(name), contact=contact)


def site(
    queues: list[QueueConfig] | None = None,
    staff: list[AgentConfig] | None = None,
    phones: list[PhoneConfig] | None = None,
    groups: tuple[GroupConfig, ...] = (),
) -> SiteConfig:
    return SiteConfig(
        phones=tuple(phones or ()),
        groups=groups,
        queues=tuple(queues if queues is not None else [queue("service")]),
        agents=tuple(staff if staff is not None else [agent("1001"), agent("1002"), agent("1003")]),
        reasons=(ReasonConfig(id="lunch", name=label("lunch")), ReasonConfig(id="meeting", name=label("meeting"))),
        dispositions=(
            DispositionConfig(id="solved", name=label("solved")),
            DispositionConfig(id="sold", name=label("sold"), queues=("order",)),
        ),
    )


class House:
    """Drives the cores turn by turn. `log` has every event, `rings` every ring, `effects` every effect, `now` is the
    virtual time."""

    def __init__(self, config: SiteConfig | None = None, *, fold: bool = True) -> None:
        self.world = World(WorldState(switch_up=True))
        self.acd = Acd(self.world)
        self.conduct = Conduct(self.world)
        self.cores = (self.conduct, FakeCalls(), self.acd)
        self.now = START
        self.log: list[ev.Event] = []
        self.rings: list[ev.Originated] = []
        self.effects: list[fx.Effect] = []
        self.turn_events: tuple[ev.Event, ...] = ()
        self.inputs: list[tuple[float, Any]] = []
        self.callers = 0
        self.refused = ""
        """the code of the last command that was refused, where a story keeps it"""
        self.whole = True
        """false: the last turn broke something"""
        self._fold = fold
        self._shadow = World(WorldState(switch_up=True))
        self._shadow_cores = (FakeCalls(), Acd(self._shadow))
        self.take(facts.SiteLoaded(site=config or site()))

    # --- turns --------------------------------------------------------------------------------------

    def take(self, item: Any) -> tuple[ev.Event, ...]:
        """One turn; raises CommandRejected. Checks the world afterwards."""
        self.inputs.append((self.now, item))
        done = turn.run(self.world, self.cores, item, epoch="t", at=self.now, seed=1)
        self.turn_events = done.record.events
        self.log.extend(done.record.events)
        self.rings.extend(event for event in done.record.events if isinstance(event, ev.Originated))
        self.effects.extend(done.record.effects)
        self.whole = False
        faults = [fault.detail for fault in check.faults(self.world, self.acd.index)]
        assert faults == [], faults
        wrong = self.conduct.turned(self.world, ticked=isinstance(item, facts.Tick))
        assert wrong == [], wrong
        if self._fold:
            turn.fold(self._shadow, self._shadow_cores, done.record)
            assert encoded(self._shadow) == encoded(self.world), "folding the events gives another world"
        self.whole = True
        if done.rejected is not None:
            raise done.rejected
        return done.record.events

    def says(self, *events: ev.Event) -> tuple[ev.Event, ...]:
        return self.take(Says(events))

    def restart(self) -> None:
        """The server dies and comes back from a snapshot: the world is decoded, the index derived anew."""
        self.world = World(msgspec.msgpack.decode(msgspec.msgpack.encode(self.world.state()), type=WorldState))
        self.acd = Acd(self.world)
        self.conduct = Conduct(self.world)
        self.cores = (self.conduct, FakeCalls(), self.acd)

    def decided_again(self) -> list[ev.Event]:
        """The events of the recorded inputs, decided again from nothing."""
        world = World(WorldState(switch_up=True))
        cores = (FakeCalls(), Acd(world))
        events: list[ev.Event] = []
        for at, item in self.inputs:
            events.extend(turn.run(world, cores, item, epoch="t", at=at, seed=1).record.events)
        return events

    def wait(self, seconds: float) -> None:
        """Virtual time passes; every deadline fires at its own time."""
        until = self.now + seconds
        while (due := self.world.deadlines.next()) is not None and due <= until:
            self.now = max(self.now, due)
            self.take(facts.Tick())
        self.now = until

    def rejected(self, command: cmd.Command) -> Rejection:
        """The reason why the command is refused; nothing else may happen."""
        before = encoded(self.world)
        try:
            self.take(command)
        except CommandRejected as reason:
            assert self.turn_events == ()
            assert encoded(self.world) == before
            return reason.code
        raise AssertionError(f"{command} was accepted")

    # --- agents -------------------------------------------------------------------------------------

    def who(self, name: str) -> dict[str, Any]:
        """The fields that every command has."""
        return {"id": "x", "by": name, "agent": ids.AgentId(name)}

    def phone(self, name: str, lease: str = "") -> None:
        """The agent's page is linked, and its softphone registered."""
        held = ids.LeaseId(lease or f"lease-{name}")
        self.take(facts.LinkChanged(agent=ids.AgentId(name), links=1))
        self.take(cmd.TakeDevice(**self.who(name), lease=held, instance="page1"))
        self.take(facts.DeviceContact(endpoint=held, present=True, at=self.now))
        self.take(cmd.PhoneReady(**self.who(name), lease=held, instance="page1"))

    def ready(self, *names: str) -> None:
        """Sign in, phone, ready; a second apart, so the first is the longest idle."""
        for name in names:
            self.take(cmd.SignIn(**self.who(name)))
            self.phone(name)
            self.take(cmd.SetReady(**self.who(name)))
            self.now += 1.0

    def state(self, name: str) -> AgentState:
        return agents.state(self.world.agents[ids.AgentId(name)])

    def link(self, name: str, links: int) -> None:
        self.take(facts.LinkChanged(agent=ids.AgentId(name), links=links))

    # --- callers ------------------------------------------------------------------------------------

    def call(self, queue_name: str = "service", *, on: str = "", **more: Any) -> ids.ConversationId:
        """A caller arrives and his flow asks for an agent."""
        if not on:
            self.callers += 1
            on = f"cx-{self.callers:x}"
        conversation = ids.ConversationId(on)
        classes, manager = more.pop("classes", ()), more.pop("manager", "")
        happened: list[ev.Event] = [self._started(conversation, more.pop("number", ""))]
        if classes or manager:
            customer = Customer(id=f"u{on}", code=on, name="", classes=classes, manager=manager)
            happened.append(ev.CustomerIdentified(conversation=conversation, customer=customer))
        self.says(*happened, self.asks(conversation, queue_name, **more))
        return conversation

    def _started(self, conversation: ids.ConversationId, number: str = "") -> ev.ConversationStarted:
        return ev.ConversationStarted(
            conversation=conversation,
            interaction=ids.InteractionId(f"i{conversation}"),
            leg=ids.LegId(f"sip{conversation}"),
            dialled="95500",
            caller_number=number,
            caller_name="",
            at=self.now,
        )

    def asks(self, conversation: ids.ConversationId, queue_name: str, **more: Any) -> ev.QueueAsked:
        """What the flow says when it wants an agent for this caller."""
        return ev.QueueAsked(
            conversation=conversation,
            queue=ids.QueueId(queue_name),
            requires=more.get("requires", ""),
            priority=more.get("priority", 0.0),
            agent=more.get("agent"),
            data=more.get("data", {}),
            path=(),
            steps=more.get("steps", ()),
        )

    def chat(self, queue_name: str = "service") -> ids.ConversationId:
        """A contact of another medium, queued as it will be by the part that has such."""
        self.callers += 1
        conversation = ids.ConversationId(f"cx-{self.callers:x}")
        queued = ev.ContactQueued(
            contact=ids.ContactId(f"kchat-{self.callers:x}"),
            conversation=conversation,
            queue=ids.QueueId(queue_name),
            requires="",
            priority=0.0,
            only_agent=None,
            data={},
            path=(),
            medium="chat",
            queued_at=self.now,
            at=self.now,
        )
        self.says(self._started(conversation), queued)
        return conversation

    def contact(self, conversation: str) -> Contact:
        return next(c for c in self.world.contacts.values() if c.conversation == conversation)

    def offer(self, conversation: str) -> Reservation:
        """The conversation's present offer."""
        found = self.contact(conversation).reservation
        assert found is not None, "no offer"
        return self.world.reservations[found]

    def offered_to(self, conversation: str) -> str:
        (only,) = self.offer(conversation).agents
        return only

    def hang_up(self, conversation: ids.ConversationId, by: ClearedBy = ClearedBy.CUSTOMER) -> None:
        self.says(ev.CallCleared(conversation=conversation, by=by, cause=16, at=self.now))

    # --- legs ---------------------------------------------------------------------------------------

    def confirm(self, conversation: str) -> Reservation:
        """The desktop shows the offer, so it rings."""
        offer = self.offer(conversation)
        for name in offer.agents:
            self.take(cmd.ConfirmOffer(**self.who(name), reservation=offer.id))
        return offer

    def up(self, offer: Reservation, name: str = "") -> None:
        """The agent's leg is answered (the first agent's, if none is named)."""
        who = ids.AgentId(name) if name else next(iter(offer.agents))
        self.says(
            ev.AgentLegUp(
                conversation=offer.conversation,
                reservation=offer.id,
                agent=who,
                leg=offer.agents[who].leg or ids.LegId("?"),
                at=self.now,
            )
        )

    def failed(self, offer: Reservation, why: LegFailure, name: str = "") -> None:
        """The agent's leg is gone without an answer."""
        who = ids.AgentId(name) if name else next(iter(offer.agents))
        self.says(
            ev.AgentLegFailed(
                conversation=offer.conversation,
                reservation=offer.id,
                agent=who,
                leg=offer.agents[who].leg or ids.LegId("?"),
                failure=why,
                at=self.now,
            )
        )

    def cleared(self, offer: Reservation, name: str) -> None:
        """The leg of this offer is gone, and nobody says why."""
        who = ids.AgentId(name)
        leg = offer.agents[who].leg or ids.LegId("?")
        self.says(ev.ConnectionCleared(conversation=offer.conversation, leg=leg, agent=who, cause=0, at=self.now))

    def offer_is_withdrawing(self, offer: Reservation) -> bool:
        return offer.id in self.world.reservations and all(a.withdrawing for a in offer.agents.values())

    def ring_all(self, conversation: ids.ConversationId, *names: str) -> Reservation:
        """Offer a waiting contact to several agents at once, as the matcher does not do yet."""
        contact = self.contact(conversation)
        made = ev.OfferMade(
            reservation=ids.ReservationId("rall"),
            contact=contact.id,
            conversation=conversation,
            queue=contact.queue,
            agents=tuple(ids.AgentId(name) for name in names),
            confirm_by=self.now + 0.15,
            deadline=self.now + 20.15,
            why=ev.Why(rule="ring_all", chosen=(), candidates=(), excluded={}, tie_break=""),
            at=self.now,
        )
        self.says(*(self.available(name, True) for name in names), made)
        return self.world.reservations[made.reservation]

    def available(self, name: str, ready: bool) -> ev.AvailabilityChosen:
        reason = "" if ready else "lunch"
        return ev.AvailabilityChosen(agent=ids.AgentId(name), ready=ready, reason=reason, by=name, at=self.now)

    def talk(self, conversation: ids.ConversationId) -> str:
        """The offer is confirmed and answered; who talks."""
        offer = self.confirm(conversation)
        self.up(offer)
        talking = self.contact(conversation).agent
        assert talking is not None
        return talking

    def lost(self, conversation: ids.ConversationId, name: str) -> None:
        who = ids.AgentId(name)
        self.says(ev.AgentLegLost(conversation=conversation, agent=who, leg=ids.LegId("l"), at=self.now))

    def back(self, conversation: ids.ConversationId, name: str) -> None:
        who = ids.AgentId(name)
        self.says(ev.AgentLegBack(conversation=conversation, agent=who, leg=ids.LegId("l"), at=self.now))

    # --- what happened ------------------------------------------------------------------------------

    def seen(self, kind: type[E]) -> list[E]:
        return [event for event in self.log if isinstance(event, kind)]

    def just(self) -> list[str]:
        """The names of the last turn's events."""
        return [type(event).__name__ for event in self.turn_events]


def encoded(world: World) -> bytes:
    """The whole state but for the turn's number and time."""
    state = msgspec.structs.replace(world.state(), seq=0, now=0.0)
    return msgspec.msgpack.encode(state, order="deterministic")
