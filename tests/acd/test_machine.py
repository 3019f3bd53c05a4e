"""Hypothesis drives the ACD core with agents and callers coming and going, and facts lost, repeated, late, reordered.

After every turn the house checks DESIGN section 8 (`acd.core.check`) and that folding the events gives the same world.
At the end every deadline is run and nothing may be stuck; the sums per queue must be right.
"""

from __future__ import annotations

import copy
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from acd.core.engine import Acd
from ctiserver.model import commands as cmd, events as ev, facts, ids
from ctiserver.model.causes import ClearedBy, EndReason, LegFailure
from ctiserver.model.errors import CommandRejected
from ctiserver.model.site import SiteConfig
from ctiserver.model.turns import Decision, Item
from ctiserver.model.work import AgentState, ContactState, DeviceKind
from ctiserver.model.world import Ctx, World
from tests.acd.house import FakeCalls, House, agent, encoded, phone, queue, site

STAFF = ["1001", "1002", "1003", "1004"]
QUEUES = ["service", "order", "small"]

names = st.sampled_from(STAFF)
phones = st.sampled_from(["p1", "p2", "wall"])
positions = st.integers(0, 7)


def config(english: int) -> SiteConfig:
    return site(
        [
            queue("service", wrap_up_seconds=10.0, disposition_required=False),
            queue("order", requires="sales >= 50", priority=30.0, wrap_up_seconds=0.0),
            queue("small", max_waiting=2, max_wait_seconds=40.0, offer_seconds=5.0),
        ],
        [
            agent("1001", "service", "order", "small", skills={"sales": 60}, phone="p1"),
            agent("1002", "service", "order", skills={"sales": 40, "english": english}),
            agent("1003", "small", skills={"english": 90}, max_misses=2),
            agent("1004", "service", "small", max_misses=1),
        ],
        [phone("p1"), phone("p2"), phone("wall", contact="sip:wall@192.0.2.1:5060")][english > 90 :],
    )


class CallCenter(RuleBasedStateMachine):
    """Legs of the past are kept, so that facts about them can come again or much too late."""

    @initialize(present=st.lists(names, unique=True))
    def open(self, present: list[str]) -> None:
        self.house = House(config(50))
        self.calls: list[ids.ConversationId] = []
        self.house.ready(*present)

    # --- agents -------------------------------------------------------------------------------------

    def ask(self, command: cmd.Command) -> None:
        try:
            self.house.take(command)
        except CommandRejected:
            pass

    @rule(name=names)
    def come_to_work(self, name: str) -> None:
        self.ask(cmd.SignIn(**self.house.who(name)))
        device = self.house.world.agents[ids.AgentId(name)].device
        desk = device is not None and device.kind is DeviceKind.DESK
        lease = device.lease if device is not None and not desk else ids.LeaseId(f"lease-{name}")
        self.house.link(name, 1)
        self.ask(cmd.TakeDevice(**self.house.who(name), lease=lease, instance="p1"))
        self.house.take(facts.DeviceContact(endpoint=lease, present=True, at=self.house.now))
        self.ask(cmd.PhoneReady(**self.house.who(name), lease=lease, instance="p1"))
        self.ask(cmd.SetReady(**self.house.who(name)))

    @rule(name=names, what=st.sampled_from(["ready", "lunch", "out", "in"]))
    def choose(self, name: str, what: str) -> None:
        who = self.house.who(name)
        match what:
            case "ready":
                self.ask(cmd.SetReady(**who))
            case "lunch":
                self.ask(cmd.SetNotReady(**who, reason="lunch"))
            case "out":
                self.ask(cmd.SignOut(**who))
            case _:
                self.ask(cmd.SignIn(**who))

    @rule(name=names, links=st.integers(0, 2))
    def link(self, name: str, links: int) -> None:
        self.house.link(name, links)

    @rule(name=names, present=st.booleans())
    def phone_contact(self, name: str, present: bool) -> None:
        device = self.house.world.agents[ids.AgentId(name)].device
        endpoint = device.endpoint if device is not None else "nobody"
        self.house.take(facts.DeviceContact(endpoint=endpoint, present=present, at=self.house.now))

    @rule(name=names, phone=phones, over=st.booleans(), back=st.sampled_from([False, False, False, True]))
    def desk_phone(self, name: str, phone: str, over: bool, back: bool) -> None:
        who = self.house.who(name)
        if back:
            self.ask(cmd.ReleaseDevice(**who, lease=ids.LeaseId(ids.desk_endpoint(phone))))
        else:
            self.ask(cmd.UsePhone(**who, phone=phone, take_over=over))

    @rule(phone=phones, present=st.booleans())
    def desk_phone_contact(self, phone: str, present: bool) -> None:
        endpoint = ids.desk_endpoint(phone)
        self.house.take(facts.DeviceContact(endpoint=endpoint, present=present, at=self.house.now))

    @rule(name=names, ready=st.booleans(), extend=st.booleans())
    def wrap_up(self, name: str, ready: bool, extend: bool) -> None:
        for contact in list(self.house.world.agents[ids.AgentId(name)].work):
            who = self.house.who(name)
            self.ask(cmd.WriteNote(**who, contact=contact, text="note"))
            if extend:
                self.ask(cmd.ExtendWrapUp(**who, contact=contact))
            else:
                self.ask(cmd.FinishWrapUp(**who, contact=contact, disposition="solved", note="", ready=ready))

    # --- callers ------------------------------------------------------------------------------------

    @rule(
        name=st.sampled_from(QUEUES),
        english=st.sampled_from([0, 0, 50, 95]),
        only=st.sampled_from([None, None, None, "1001", "1003"]),
        priority=st.sampled_from([0.0, 100.0]),
    )
    def call(self, name: str, english: int, only: str | None, priority: float) -> None:
        requires = f"english >= {english}" if english else ""
        self.calls.append(self.house.call(name, requires=requires, agent=only, priority=priority))

    @rule(position=positions)
    def hang_up(self, position: int) -> None:
        if self.calls:
            self.house.hang_up(self.calls[-1 - position % len(self.calls)])

    @rule(position=positions)
    def end_talk(self, position: int) -> None:
        """The agent or the customer ends a talk."""
        talks = [c for c in self.house.world.contacts.values() if c.state is ContactState.CONNECTED]
        if talks:
            self.house.hang_up(talks[position % len(talks)].conversation, ClearedBy.AGENT)

    # --- legs ---------------------------------------------------------------------------------------

    def ring(self, position: int) -> ev.Originated | None:
        known = self.house.seen(ev.Originated)
        return known[-1 - position % len(known)] if known else None

    @rule(name=names)
    def confirm(self, name: str) -> None:
        for offer in list(self.house.world.reservations):
            self.ask(cmd.ConfirmOffer(**self.house.who(name), reservation=offer))

    @rule(talk=st.booleans())
    def answer(self, talk: bool) -> None:
        """The usual: an offer is shown and rings, and is answered if `talk`."""
        for offer in list(self.house.world.reservations.values())[:2]:
            for name in offer.agents:
                self.ask(cmd.ConfirmOffer(**self.house.who(name), reservation=offer.id))
            if talk:
                self.house.up(offer)

    @rule(position=positions)
    def leg_up(self, position: int) -> None:
        if (ring := self.ring(position)) is not None and ring.reservation is not None:
            self.house.says(
                ev.AgentLegUp(
                    conversation=ring.conversation,
                    reservation=ring.reservation,
                    agent=ring.agent,
                    leg=ring.leg,
                    at=self.house.now,
                )
            )

    @rule(position=positions, why=st.sampled_from(LegFailure), cleared=st.booleans())
    def leg_failed(self, position: int, why: LegFailure, cleared: bool) -> None:
        if (ring := self.ring(position)) is None or ring.reservation is None:
            return
        gone: list[ev.Event] = []
        if cleared:
            gone.append(
                ev.ConnectionCleared(
                    conversation=ring.conversation, leg=ring.leg, agent=ring.agent, cause=0, at=self.house.now
                )
            )
        if not cleared or why is not LegFailure.MISSED:
            gone.append(
                ev.AgentLegFailed(
                    conversation=ring.conversation,
                    reservation=ring.reservation,
                    agent=ring.agent,
                    leg=ring.leg,
                    failure=why,
                    at=self.house.now,
                )
            )
        self.house.says(*gone)

    @rule(position=positions, back=st.booleans())
    def leg_lost_or_back(self, position: int, back: bool) -> None:
        if (ring := self.ring(position)) is not None:
            (self.house.back if back else self.house.lost)(ring.conversation, ring.agent)

    # --- the house ----------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.05, 0.2, 1.0, 2.5, 6.0, 16.0, 25.0, 45.0]))
    def wait(self, seconds: float) -> None:
        self.house.wait(seconds)

    @rule(seconds=st.sampled_from([1.0, 30.0]))
    def sleep_through_deadlines(self, seconds: float) -> None:
        """The server was away: everything that became due fires in one turn."""
        self.house.now += seconds
        self.house.take(facts.Tick())

    @rule()
    def late_without_tick(self) -> None:
        """Inputs arrive before the timer has noticed what is due."""
        self.house.now += 3.0

    @rule(
        what=st.sampled_from(["restart", "seen", "skills", "take", "take", "release"]),
        name=names,
        other=st.booleans(),
        over=st.booleans(),
        english=st.sampled_from([0, 50, 95]),
    )
    def trouble(self, what: str, name: str, other: bool, over: bool, english: int) -> None:
        """What is rarer than the day's work."""
        house, who = self.house, self.house.who(name)
        lease = ids.LeaseId(f"lease-{name}" + "b" * other)
        page = "p2" if over else "p1"
        match what:
            case "restart":
                house.restart()
                house.take(facts.ServerStarted(version="2"))
            case "seen":
                present = tuple(f"lease-{known}" for known in STAFF if (known == name) is over)
                house.take(facts.SwitchSeen(channels=(), bridges=(), contacts=present))
            case "skills":
                house.take(facts.SiteLoaded(site=config(english)))
            case "take":
                self.ask(cmd.TakeDevice(**who, lease=lease, instance=page, take_over=over))
                house.take(facts.DeviceContact(endpoint=lease, present=True, at=house.now))
                self.ask(cmd.PhoneReady(**who, lease=lease, instance=page))
            case _:
                self.ask(cmd.ReleaseDevice(**who, lease=lease))

    # --- what must hold -----------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        house = self.house
        for name in STAFF:  # lunch: what is in hand runs out, nothing new begins
            self.ask(cmd.SetNotReady(**house.who(name), reason="lunch"))
        for contact in list(house.world.contacts.values()):
            if contact.state is ContactState.CONNECTED:
                house.hang_up(contact.conversation, ClearedBy.AGENT)
        house.wait(7300.0)
        assert house.world.contacts == {}
        assert house.world.reservations == {}
        assert house.world.deadlines.as_dict() == {}
        assert all(house.state(name) in (AgentState.NULL, AgentState.NOT_READY) for name in STAFF)
        self.sums()

    def sums(self) -> None:
        house = self.house
        entered = Counter(event.queue for event in house.seen(ev.ContactQueued))
        left = Counter(event.queue for event in house.seen(ev.ContactEnded))
        assert entered == left
        ended = Counter(event.contact for event in house.seen(ev.ContactEnded))
        assert all(count == 1 for count in ended.values())
        answered = {e.contact for e in house.seen(ev.ContactEnded) if e.reason is EndReason.ANSWERED}
        connected = {e.contact for e in house.seen(ev.ContactConnected)}
        assert answered <= connected
        for made in house.seen(ev.OfferMade):
            assert made.why.chosen == made.agents
            assert list(made.why.candidates) == sorted(made.why.candidates, key=lambda c: (c.keys, c.agent))


CallCenter.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestCallCenter = CallCenter.TestCase


@pytest.mark.parametrize("seed", range(4))
def test_a_long_busy_day_with_every_kind_of_trouble(seed: int) -> None:
    """Deeper than Hypothesis goes: one house, thousands of turns, the likely things likely."""
    chance = random.Random(seed)
    day = CallCenter()
    day.open(list(STAFF))
    what = {"call": 12, "answer": 14, "wait": 12, "wrap": 12, "come": 14, "end_talk": 10, "failed": 8}
    what |= {"hang_up": 2, "up": 2, "lost": 1, "link": 2, "contact": 2, "choose": 2, "trouble": 1}
    what |= {"late": 1, "sleep": 1, "confirm": 2}
    for _ in range(1200):
        name, place, coin = chance.choice(STAFF), chance.randrange(8), chance.random() < 0.5
        match chance.choices(list(what), list(what.values()))[0]:
            case "call":
                english = chance.choice([0, 0, 50, 95])
                only = chance.choice([None, None, None, None, "1001"])
                day.call(chance.choice(QUEUES), english, only, chance.choice([0.0, 0.0, 100.0]))
            case "answer":
                day.answer(chance.random() < 0.5)
            case "wait":
                day.wait(chance.choice([0.05, 0.2, 1.0, 1.0, 2.5, 6.0, 16.0]))
            case "wrap":
                day.wrap_up(name, chance.random() < 0.8, chance.random() < 0.2)
            case "come":
                day.come_to_work(name)
            case "hang_up":
                day.hang_up(place)
            case "end_talk":
                day.end_talk(place)
            case "up":
                day.leg_up(place)
            case "failed":
                day.leg_failed(place % 3, chance.choice(list(LegFailure)), coin)
            case "lost":
                day.leg_lost_or_back(place, coin)
            case "link":
                day.link(name, chance.randrange(3))
            case "contact":
                day.phone_contact(name, coin)
            case "choose":
                day.choose(name, chance.choice(["ready", "lunch", "out", "in"]))
            case "trouble":
                kind = chance.choice(["restart", "seen", "skills", "take", "release"])
                day.trouble(kind, name, chance.random() < 0.2, coin, chance.choice([0, 50, 95]))
            case "late":
                day.late_without_tick()
            case "sleep":
                day.sleep_through_deadlines(chance.choice([1.0, 30.0]))
            case _:
                day.confirm(name)
    day.teardown()
    seen = Counter(type(event).__name__ for event in day.house.log)
    assert day.house.decided_again() == day.house.log
    wanted = ("ContactConnected", "OfferMissed", "OfferRejected", "OfferUnreachable", "OfferWithdrawn")
    assert {kind: seen[kind] for kind in wanted if not seen[kind]} == {}


class WatchedAcd(Acd):
    """Looks after `decide`: it may only read."""

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        before, index = encoded(world), copy.deepcopy(self.index.snapshot())
        try:
            return super().decide(world, item, ctx)
        finally:
            assert encoded(world) == before
            assert self.index.snapshot() == index


def test_deciding_changes_nothing() -> None:
    chance = random.Random(5)
    day = CallCenter()
    day.open(list(STAFF))
    day.house.acd = WatchedAcd(day.house.world)
    day.house.cores = (FakeCalls(), day.house.acd)
    for _ in range(60):
        day.call(chance.choice(QUEUES), chance.choice([0, 50]), None, 0.0)
        day.answer(chance.random() < 0.6)
        day.leg_failed(chance.randrange(3), chance.choice(list(LegFailure)), chance.random() < 0.5)
        day.wait(chance.choice([0.2, 2.5, 21.0]))
        day.end_talk(0)
        day.come_to_work(chance.choice(STAFF))
    day.teardown()
