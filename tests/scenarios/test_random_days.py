"""Whole days played by chance: callers and agents do anything at any moment, the switch has moods, the server dies.

Each seed is one day of everything at once. After each turn the properties of DESIGN section 8 hold (`Floor.feed`); when
the moods stop, every caller gets what his conversation says; when everybody has left, nothing is left. A failing day
is played again with `Day(SEED).play()`; its story belongs into test_found_by_chance.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.errors import CommandRejected
from ctiserver.model.faults import Fault
from ctiserver.model.ids import AgentId, LegId, desk_endpoint
from ctiserver.model.routing import ComfortConfig
from ctiserver.model.site import PhoneConfig, QueueConfig, SiteConfig
from ctiserver.model.talk import Conversation, Place
from ctiserver.model.work import WorkKind
from tests.fakes.floor import Floor
from tests.fakes.moody import MoodySwitch
from tests.scenarios.conftest import label, make_site

AGENTS = ("1001", "1002", "1003")
PHONES = (
    PhoneConfig(id="p1", name=label("p1")),
    PhoneConfig(id="p2", name=label("p2")),
    PhoneConfig(id="wall", name=label("wall"), contact="sip:wall@192.0.2.1"),
)
STEPS = 160
FLOW: dict[str, object] = {
    "format": 1,
    "id": "main",
    "title": {"zh": "test", "en": "test"},
    "languages": ["zh"],
    "start": "menu",
    "nodes": {
        "menu": {
            "type": "menu",
            "speech": [{"prompt": "menu"}],
            "choices": {"1": {"to": "service"}, "2": {"to": "patient"}},
            "exits": {"failed": "service", "error": "service"},
        },
        "service": {
            "type": "queue",
            "queue": "service",
            "keys": {"2": "patient", "9": "menu"},
            "exits": {"timed_out": "sorry", "full": "menu"},
        },
        "patient": {
            "type": "queue",
            "queue": "patient",
            "keys": {"9": "sorry"},
            "exits": {"timed_out": "service", "full": "sorry"},
        },
        "sorry": {"type": "play", "speech": [{"prompt": "menu"}], "exits": {}},
    },
}


def sites() -> tuple[SiteConfig, ...]:
    """The usual site; one that has lost an agent and the phone on the wall; one that has lost a queue."""
    usual = make_site(FLOW)
    queues = (
        QueueConfig(
            id="service",
            name=label("service"),
            requires="zh >= 10",
            offer_seconds=6,
            wrap_up_seconds=8,
            max_waiting=3,
            comfort=ComfortConfig(prompt="menu", first_seconds=1.0, every_seconds=4.0),
        ),
        QueueConfig(
            id="patient",
            name=label("patient"),
            offer_seconds=4,
            wrap_up_seconds=0,
            max_wait_seconds=12,
            priority=5,
            comfort=ComfortConfig(prompt="menu", first_seconds=0.0, every_seconds=1.0),  # it never stops talking
        ),
    )
    agents = tuple(
        msgspec.structs.replace(agent, queues=("service", "patient"), phone=own)
        for agent, own in zip(usual.agents, ("", "p1", "wall"), strict=True)
    )
    usual = msgspec.structs.replace(usual, queues=queues, agents=agents, phones=PHONES)
    return (
        usual,
        msgspec.structs.replace(usual, agents=agents[:2], phones=PHONES[:2]),
        msgspec.structs.replace(usual, queues=queues[:1]),
    )


class Day:
    """One seed's people. `moody`: the switch refuses, delays and repeats; else only people are at fault."""

    def __init__(self, seed: int, *, moody: bool = True, trace: bool = False) -> None:
        self.chance = random.Random(seed)
        self.switch = MoodySwitch(self.chance)
        self.floor = Floor(sites()[0], switch=self.switch)
        self.switch.mood = 1.0 if moody else 0.0
        self.floor.calm = not moody
        self.calls = 0
        self.pages = 0
        self.instance: dict[str, str] = {}
        self.trace = trace
        self.found = 0

    # ---- who there is

    def callers(self) -> list[LegId]:
        return [leg for leg in self.switch.channels if leg in self.switch.inbound and leg not in self.switch.away]

    def phones(self, *states: str) -> list[LegId]:
        return [
            leg
            for leg, state in self.switch.channels.items()
            if leg in self.switch.endpoint_of and (not states or state in states)
        ]

    def one(self, legs: list[LegId]) -> LegId | None:
        return self.chance.choice(legs) if legs else None

    def say(self, kind: type[cmd.Command], agent: str, **fields: object) -> CommandRejected | None:
        return self.floor.command(kind, agent, **fields)

    # ---- what callers do

    def call(self) -> None:
        if len(self.callers()) < 7:
            self.calls += 1
            leg = self.switch.call(f"{self.calls}.1", self.chance.choice(("95500",) * 9 + ("12345",)))
            if not self.switch.linked:  # nobody to take him: the dialplan's apology
                self.switch.forget(leg)
                self.switch.apologise(leg)

    def press(self) -> None:
        if (leg := self.one(self.callers())) is not None:
            self.switch.press(leg, self.chance.choice("11112229"))

    def caller_leaves(self) -> None:
        if (leg := self.one(self.callers())) is not None:
            self.switch.end(leg)

    def to_apology(self) -> None:
        talking = [leg for leg in self.callers() if self.switch.bridge_of(leg) == "t"]
        if (leg := self.one([leg for leg in self.callers() if leg not in talking])) is not None:
            self.switch.apologise(leg)

    def from_apology(self) -> None:
        if self.switch.linked and (leg := self.one(sorted(self.switch.away))) is not None:
            self.switch.back(leg)

    def gives_up(self) -> None:
        if (leg := self.one(sorted(self.switch.away))) is not None:
            self.switch.end(leg)

    # ---- what agents do

    def at_desk(self) -> None:
        """Whatever brings an agent nearer to work, or all of it at once."""
        agent = self.chance.choice(AGENTS)
        steps: list[Callable[[], object]] = [
            lambda: self.floor.feed(facts.LinkChanged(agent=AgentId(agent), links=1)),
            lambda: self.say(cmd.SignIn, agent),
            lambda: self.page(agent),
            lambda: self.registers(agent),
            lambda: self.floor.settle(),
            lambda: self.phone_ready(agent),
            lambda: self.say(cmd.SetReady, agent),
        ]
        for step in steps if self.chance.random() < 0.7 else self.chance.sample(steps, 3):
            step()

    def page(self, agent: str) -> None:
        self.pages += 1
        self.instance[agent] = f"page{self.pages}"
        lease = self.chance.choice((f"d{agent}", f"d{agent}", f"e{agent}"))
        take = self.chance.random() < 0.5
        self.say(cmd.TakeDevice, agent, lease=lease, instance=self.instance[agent], take_over=take)

    def registers(self, agent: str) -> None:
        device = self.floor.agent(agent).device
        if device is not None:
            self.switch.register(device.endpoint)

    def phone_ready(self, agent: str) -> None:
        device = self.floor.agent(agent).device
        if device is not None:
            self.say(cmd.PhoneReady, agent, lease=device.lease, instance=self.instance.get(agent, "page0"))

    def desk_phone(self) -> None:
        """An agent sits down at a desk phone, which may be there or come or go."""
        agent, phone = self.chance.choice(AGENTS), self.chance.choice(PHONES)
        endpoint = desk_endpoint(phone.id)
        if not phone.contact:
            self.chance.choice((self.switch.register, self.switch.register, self.switch.unregister))(endpoint)
        if self.chance.random() < 0.6:
            self.floor.feed(facts.LinkChanged(agent=AgentId(agent), links=1))
            self.say(cmd.UsePhone, agent, phone=phone.id, take_over=self.chance.random() < 0.5)
            self.say(cmd.SetReady, agent)

    def phone_holds(self) -> None:
        """The phone's own hold key, pressed at any moment, in any order."""
        if (leg := self.one(self.phones("Up"))) is not None:
            self.switch.hold(leg, on=self.chance.random() < 0.5)

    def page_goes(self) -> None:
        """The page is closed or loaded anew: link, contact and, some time, the leg's media are gone."""
        agent = self.chance.choice(AGENTS)
        self.floor.feed(facts.LinkChanged(agent=AgentId(agent), links=0))
        device = self.floor.agent(agent).device
        if device is not None and self.chance.random() < 0.7:
            self.switch.unregister(device.endpoint)
        if self.chance.random() < 0.6:
            self.at_desk()

    def availability(self) -> None:
        agent = self.chance.choice(AGENTS)
        match self.chance.randrange(6):
            case 0:
                self.say(cmd.SetNotReady, agent, reason="lunch")
            case 1 if self.chance.random() < 0.3:
                self.say(cmd.SignOut, agent)
            case 2 if self.floor.agent(agent).device is not None and self.chance.random() < 0.3:
                self.say(cmd.ReleaseDevice, agent, lease=self.floor.agent(agent).device.lease)  # type: ignore[union-attr]
            case _:
                self.say(cmd.SetReady, agent)

    def confirm(self) -> None:
        for agent in AGENTS:
            for item in list(self.floor.agent(agent).work.values()):
                if item.kind is WorkKind.RESERVED and item.reservation is not None:
                    self.say(cmd.ConfirmOffer, agent, reservation=item.reservation)

    def answer(self) -> None:
        if (leg := self.one(self.phones("Ringing", "Down"))) is not None:
            self.switch.answer(leg)

    def phone_ends(self) -> None:
        """Rejected, unreachable, hung up, lost: by the cause."""
        if (leg := self.one(self.phones())) is not None:
            self.switch.end(leg, self.chance.choice((16, 16, 17, 18, 19, 21, 44, 0)))

    def work(self) -> None:
        agent = self.chance.choice(AGENTS)
        for item in list(self.floor.agent(agent).work.values()):
            match self.chance.randrange(6):
                case 0 | 1:
                    self.say(cmd.HoldCall, agent, conversation=item.conversation)
                case 2 | 3:
                    self.say(cmd.RetrieveCall, agent, conversation=item.conversation)
                case 4 if self.chance.random() < 0.5:
                    self.say(cmd.HangUpCall, agent, conversation=item.conversation)
                case _:
                    self.say(cmd.WriteNote, agent, contact=item.contact, text=f"note {self.floor.now}")

    def wrap_up(self) -> None:
        agent = self.chance.choice(AGENTS)
        for item in list(self.floor.agent(agent).work.values()):
            if self.chance.random() < 0.3:
                self.say(cmd.ExtendWrapUp, agent, contact=item.contact)
            else:
                ready = self.chance.random() < 0.8
                self.say(
                    cmd.FinishWrapUp, agent, contact=item.contact, disposition="solved", note="done", ready=ready
                )

    def lead(self) -> None:
        """The lead does something to somebody, whether it makes sense or not."""
        agent, world = self.chance.choice(AGENTS), self.floor.world
        contact = self.chance.choice([*world.contacts, "knone-1"])
        read = self.floor.agent(agent).notices
        match self.chance.randrange(7):
            case 0:
                self.say(cmd.ForceState, agent, by="2001", state="ready")
            case 1:
                self.say(cmd.ForceState, agent, by="2001", state="not_ready", reason="lunch")
            case 2 if self.chance.random() < 0.3:
                self.say(cmd.ForceState, agent, by="2001", state="signed_out")
            case 3 if self.chance.random() < 0.5:
                conversation = self.chance.choice([*world.conversations, "cnone-1"])
                self.say(cmd.DisconnectCall, "~2001", by="2001", conversation=conversation)
            case 4 if self.chance.random() < 0.5:
                self.say(cmd.PickUpCall, agent, contact=contact)
            case 4:
                self.say(cmd.PullContact, agent, by="2001", contact=contact)
            case 5:
                seconds = self.chance.choice((0, 60, 900))
                self.say(cmd.PrioritiseContact, "", by="2001", contact=contact, seconds=seconds)
            case _ if read and self.chance.random() < 0.5:
                self.say(cmd.ReadNotice, agent, notice=read[0].id)
            case _:
                self.say(cmd.SendMessage, "", by="2001", agents=AGENTS, text="to all")

    # ---- what happens to the house

    def restart(self) -> None:
        """kill -9; the supervisor may have sent callers away meanwhile, people do what they do."""
        for _ in range(self.chance.randrange(4)):
            self.chance.choice((self.caller_leaves, self.to_apology, self.answer, self.phone_ends))()
        self.switch.linked = True
        self.floor.restart()

    def link_goes(self) -> None:
        if self.switch.linked:
            self.switch.linked = False
            self.floor.feed(facts.SwitchLost(reason="chance"))

    def link_comes(self) -> None:
        if not self.switch.linked:
            self.switch.linked = True
            self.floor.provision()
            self.floor.feed(self.switch.seen())

    def reload_site(self) -> None:
        self.floor.feed(facts.SiteLoaded(site=self.chance.choice(sites())))

    def auditor_looks(self) -> None:
        """As the real one: twice, and only what has not changed with nothing under way. Where the switch does what it
        is asked, all that it finds is what the house has just suffered; and a repair never does harm."""
        if not (self.switch.linked and self.floor.world.switch_up):
            return
        before = {fault.key: self.about(fault) for fault in self.floor.audit()}
        if not before:
            return
        self.floor.advance(1.0)
        if not (self.switch.linked and self.floor.world.switch_up):
            return
        faults = tuple(
            fault
            for fault in self.floor.audit()
            if before.get(fault.key) is not None and before[fault.key] == self.about(fault)
        )
        if faults:
            assert self.switch.mood, faults
            self.found += len(faults)
            self.floor.feed(facts.FaultsFound(faults=faults))

    def about(self, fault: Fault) -> bytes | None:
        if not self.switch.idle(fault.conversation or fault.target):
            return None
        conversation = self.floor.world.conversations.get(fault.conversation) if fault.conversation else None
        return msgspec.msgpack.encode(conversation)

    # ---- the day

    def likely(self) -> dict[Callable[[], None], int]:
        """What happens, and how often."""
        return {
            self.call: 12,
            self.press: 16,
            self.caller_leaves: 5,
            self.at_desk: 9,
            self.page_goes: 3,
            self.availability: 5,
            self.confirm: 10,
            self.answer: 16,
            self.phone_ends: 5,
            self.desk_phone: 3,
            self.phone_holds: 4,
            self.work: 9,
            self.wrap_up: 6,
            self.lead: 5,
            self.to_apology: 1,
            self.from_apology: 3,
            self.gives_up: 1,
            self.restart: 1,
            self.link_goes: 1,
            self.link_comes: 6,
            self.reload_site: 1,
            self.auditor_looks: 4,
        }

    def play(self) -> None:
        likely = self.likely()
        doings, weights = list(likely), list(likely.values())
        for _ in range(STEPS):
            doing = self.chance.choices(doings, weights)[0]
            if self.trace:
                print(f"{self.floor.now:.3f} {self.floor.world.seq} {doing.__name__}")
            doing()
            self.floor.advance(self.chance.choice((0.0, 0.001, 0.002, 0.01, 0.1, 0.1, 0.5, 2.0, 5.0)))
        self.calm()
        self.close()

    def calm(self) -> None:
        """The moods stop: three seconds later every leg is where its conversation says."""
        self.switch.mood = 0.0
        self.link_comes()
        self.floor.advance(3)
        while self.switch.busy():
            self.floor.advance(0.05)
        for conversation in self.floor.world.conversations.values():
            if not conversation.cleared:
                self.sits(conversation)
        self.no_ghosts()

    def sits(self, conversation: Conversation) -> None:
        if conversation.legs[conversation.customer_leg].away:
            return
        customer = self.switch.bridge_of(conversation.customer_leg)
        agents = [self.switch.bridge_of(leg.id) for leg in conversation.legs.values() if leg.agent and leg.up_at]
        session = self.floor.world.ivr.get(conversation.id)
        match conversation.place:
            case Place.TALKING:
                assert (customer, "t" in agents) == ("t", True), conversation
            case Place.HELD:
                assert (customer, "t" in agents) == ("h", True), conversation
            case Place.WAITING:
                assert customer == "h", conversation
            case Place.IVR:
                assert session is not None and session.waiting, conversation
                assert customer == "", conversation
            case Place.NEW:
                raise AssertionError(conversation)

    def no_ghosts(self) -> None:
        """Every phone that rings or talks does so for a reason, and every talk has its agent."""
        world = self.floor.world
        for leg in self.phones():
            found = world.leg(leg)
            assert found is not None, leg
            conversation, known = found
            held = world.reservations.get(known.reservation) if known.reservation is not None else None
            offered = held.agents.get(known.agent) if held is not None and known.agent is not None else None
            assert conversation.agent == known.agent or (offered is not None and not offered.closed), known
        for agent in world.agents.values():
            for item in agent.work.values():
                if item.kind is WorkKind.BUSY:
                    conversation = world.conversations[item.conversation]
                    legs = [leg for leg in conversation.legs.values() if leg.agent == agent.id and leg.up_at]
                    assert conversation.agent == agent.id
                    assert bool(legs) != bool(item.lost_at), (item, conversation)

    def books(self) -> None:
        """Who entered a queue left it once, for one reason."""
        entered, left, started, cleared = (
            [getattr(event, name) for event in self.floor.events(kind)]
            for kind, name in (
                (ev.ContactQueued, "contact"),
                (ev.ContactEnded, "contact"),
                (ev.ConversationStarted, "conversation"),
                (ev.CallCleared, "conversation"),
            )
        )
        assert sorted(entered) == sorted(left)
        assert sorted(started) == sorted(cleared)

    def all_leave(self) -> None:
        for leg in [leg for leg in self.switch.channels if leg in self.switch.inbound]:
            self.switch.end(leg)

    def close(self) -> None:
        """Everybody leaves; two minutes later nothing is left."""
        self.all_leave()
        self.floor.advance(120)
        world = self.floor.world
        assert self.switch.quiet(), (self.switch.channels, self.switch.bridges, self.switch.snoops, self.switch.playing)
        assert not world.conversations
        assert not world.contacts
        assert not world.reservations
        assert not world.ivr
        assert not world.conversation_of_leg
        assert not world.conversation_of_contact
        assert not [agent for agent in world.agents.values() if agent.work]
        assert not world.deadlines.as_dict()
        self.books()
        self.floor.check_journal()


@pytest.mark.parametrize("moody", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_a_day_by_chance_leaves_nothing_behind(seed: int, moody: bool) -> None:
    Day(seed, moody=moody).play()
