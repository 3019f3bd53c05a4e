"""The state machine by which Hypothesis drives the ACD core: a call center where everything goes on at once.

Lives here: the site and the rules: agents and callers come and go at every point, facts are lost, repeated, late and
reordered, the site changes, the server restarts. Not here: how long it runs (test_machine, `python -m tests.torture
machine`), what must hold after every turn (`House.take`: acd.core.check, acd.core.conduct, folding).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from acd.core import agent as agents
from ctiserver.model import commands as cmd, events as ev, facts, ids
from ctiserver.model.causes import ClearedBy, EndReason, LegFailure, Unreached
from ctiserver.model.errors import CommandRejected
from ctiserver.model.faults import Fault, FaultKind
from ctiserver.model.routing import (
    MADE,
    Algorithm,
    CalendarConfig,
    CallbackConfig,
    CapacityConfig,
    ComfortConfig,
    GroupConfig,
    OutboundConfig,
    OverflowConfig,
    RuleConfig,
    ServesConfig,
    StepConfig,
)
from ctiserver.model.site import SiteConfig
from ctiserver.model.work import AgentState, ContactState, DeviceKind, WorkKind
from tests.acd.house import House, agent, label, phone, queue, site

STAFF = ["1001", "1002", "1003", "1004", "1005", "1006"]
QUEUES = ["service", "order", "small", "ring"]
CALLERS = ["201", "202", "203"]
SITES = 4
LONGEST = 120.0
"""Seconds of the longest wait in these queues."""

names = st.sampled_from(STAFF)
phones = st.sampled_from(["p1", "p2", "wall"])
positions = st.integers(0, 7)
STEPS = (
    StepConfig(requires="english >= 80", for_seconds=5.0),
    StepConfig(requires="english >= 40", for_seconds=10.0, available_below=2),
    StepConfig(requires="sales", wait_over_seconds=30.0),
    StepConfig(requires="not trainee", available_below=1),
)
EVERY_DAY = dict.fromkeys(
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("00:00-22:14", "22:15-22:17", "22:20-22:40", "23:00-24:00")
)
"""The house's day begins at 22:13:20 UTC."""


def config(number: int) -> SiteConfig:
    """One of SITES configurations: between them everything that can change live does. The second lacks a queue, a desk
    phone and an agent of the others."""
    kinds = list(Algorithm)
    chosen = [kinds[(place * 2 + number) % len(kinds)] for place in range(3)]
    few, hours = number == 1, "hours" if number >= 2 else ""
    queues = [
        queue(
            "service",
            wrap_up_seconds=10.0,
            disposition_required=False,
            algorithm=chosen[0],
            steps=STEPS if number % 2 else STEPS[1:],
            max_wait_seconds=LONGEST,
            overflow=(
                OverflowConfig(to="ring", after_seconds=20.0 + number),
                OverflowConfig(to="small", waiting_over=2) if not few else OverflowConfig(to="order", waiting_over=3),
                OverflowConfig(to="order", predicted_over_seconds=60.0),
            )[number % 2 :],
            callback=None if few else CallbackConfig(tries=2, retry_seconds=15.0, keep_seconds=100.0, max_open=3),
            comfort=ComfortConfig(prompt="wait", first_seconds=4.0, every_seconds=11.0, position=True, wait=True),
            rules=(
                RuleConfig(id="vip", when={"class": "vip"}, priority=60.0, algorithm=Algorithm.BEST_LONGEST_IDLE),
                RuleConfig(id="again", when={"data.again": "yes"}, prefer="last_agent", prefer_seconds=8.0),
                RuleConfig(id="key", when={"class": "key"}, prefer="account_manager", prefer_seconds=20.0),
            ),
        ),
        queue(
            "order",
            requires="sales >= 50",
            priority=30.0,
            wrap_up_seconds=0.0,
            algorithm=chosen[1],
            objective_seconds=10.0 * number,
            max_wait_seconds=LONGEST,
            calendar=hours,
            at_close="leave" if number == 3 else "serve",
            when_closed="service",
            when_no_agent="small" if not few else "",
        ),
        queue(
            "small",
            max_waiting=2,
            max_wait_seconds=40.0,
            offer_seconds=5.0,
            algorithm=chosen[2],
            when_full="ring" if number == 2 else "",
            no_agent_leaves=number == 0,
        ),
        queue(
            "ring",
            algorithm=Algorithm.RING_ALL,
            ring_at_most=3,
            offer_seconds=8.0,
            max_wait_seconds=LONGEST,
            at_close="leave" if number % 2 else "serve",
        ),
    ]
    day, night = (1, 2) if number % 2 else (2, 1)
    media = {"chat": CapacityConfig(max=3, alone=False)}
    groups = (
        GroupConfig(
            id="day",
            name=label("day"),
            serves=(
                ServesConfig(queue="service", priority=day, share=60.0),
                ServesConfig(queue="order", priority=night, share=20.0),
                ServesConfig(queue="ring", tier=2),
            ),
            capacity=media,
        ),
        GroupConfig(
            id="night",
            name=label("night"),
            serves=(
                ServesConfig(queue="order", priority=day, tier=2, share=80.0),
                ServesConfig(queue="service", priority=night, delay_seconds=7.0 + number, share=40.0),
                ServesConfig(queue="ring", delay_seconds=3.0),
                ServesConfig(queue="small", priority=night),
            ),
        ),
    )
    staff = [
        agent("1001", "small", group="day", skills={"sales": 60, "english": 85}, phone="p1"),
        agent("1002", group="day", skills={"sales": 40 + 20 * number, "english": 30 * number}),
        agent("1003", group="night", skills={"sales": 90, "english": 90}, max_misses=2),
        agent("1004", "small", group="night", skills={"sales": 50, "trainee": 1}, max_misses=1),
        agent("1005", "small", "ring", skills={"sales": 70}, wrap_up_seconds=3.0),
        agent("1006", "order", "service", "ring", skills={"english": 50, "sales": 50}, shares={"order": 10.0}),
    ]
    if few:
        queues = [one for one in queues if one.id != "small"]
        staff = [one for one in staff if one.id != "1005"]
    desks = [phone("p1"), phone("p2"), phone("wall", contact="sip:wall@192.0.2.1:5060")][few:]
    calendars = (CalendarConfig(id="hours", zone="UTC", week=EVERY_DAY),)
    outbound = OutboundConfig(trunk="192.0.2.2:5060", prefixes=("2",))
    made = site(queues, staff, desks, groups)
    return msgspec.structs.replace(made, calendars=calendars, outbound=outbound)


class CallCenter(RuleBasedStateMachine):
    """Legs of the past are kept, so that facts about them can come again or much too late."""

    steps = 0
    """rules run by all machines of this class"""
    events: Counter[str] = Counter()
    """what has happened in all of them"""

    @initialize(present=st.one_of(st.just(STAFF), st.lists(names, unique=True)), number=st.integers(0, SITES - 1))
    def open(self, present: list[str], number: int) -> None:
        self.house = House(config(0))
        self.calls: list[ids.ConversationId] = []
        self.house.ready(*present)
        self.house.take(facts.SiteLoaded(site=config(number)))

    def check_invariants(self, *given: Any, **more: Any) -> None:
        type(self).steps += 1
        super().check_invariants(*given, **more)  # type: ignore[no-untyped-call]

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
        """His own, or that of somebody who has one."""
        agents = self.house.world.agents
        if not agents[ids.AgentId(name)].work:
            at_it = (a.id for a in agents.values() if any(i.kind is WorkKind.WRAP_UP for i in a.work.values()))
            name = next(at_it, name)
        for contact in list(agents[ids.AgentId(name)].work):
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
        kind=st.sampled_from(["", "", "", "vip", "key"]),
        caller=st.sampled_from(CALLERS),
        own_steps=st.sampled_from([False, False, True]),
    )
    def call(
        self, name: str, english: int, only: str | None, priority: float, kind: str, caller: str, own_steps: bool
    ) -> None:
        self.calls.append(
            self.house.call(
                name,
                requires=f"english >= {english}" if english else "",
                agent=only,
                priority=priority,
                number=caller,
                classes=(kind,) if kind else (),
                manager="1003" if kind == "key" else "",
                data={"again": "yes"} if caller != CALLERS[0] else {},
                steps=STEPS[1:] if own_steps else (),
            )
        )

    @rule(name=st.sampled_from(QUEUES), missed=st.booleans())
    def chat(self, name: str, missed: bool) -> None:
        """Work of another medium, of which an agent may have several at once."""
        if ids.QueueId(name) not in self.house.world.queue_configs:
            return
        self.calls.append(self.house.chat(name))
        if missed:
            self.answer(talk=False, place=0)
            self.house.wait(20.0)

    @rule(name=st.sampled_from(QUEUES), late=st.booleans(), count=st.integers(2, 4))
    def rush(self, name: str, late: bool, count: int) -> None:
        """Several callers at once, some of them with a head start."""
        for place in range(count):
            head_start = 40.0 if (place % 2 == 1) is late else 0.0
            self.call(name, 0, None, head_start, "", CALLERS[place % len(CALLERS)], own_steps=False)

    @rule(position=positions, name=st.sampled_from(QUEUES))
    def ask_again(self, position: int, name: str) -> None:
        """A flow asks for an agent again: for a caller who waits, talks or has left, or too late."""
        if self.calls:
            self.house.says(self.house.asks(self.calls[-1 - position % len(self.calls)], name))

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

    @rule(position=positions, back=st.booleans())
    def apology(self, position: int, back: bool) -> None:
        """The caller is in the dialplan's apology, or comes back from it."""
        if self.calls:
            one, now = self.calls[-1 - position % len(self.calls)], self.house.now
            away, returned = ev.CallerAway(conversation=one, at=now), ev.CallerReturned(conversation=one, at=now)
            self.house.says(returned if back else away)

    @rule(position=positions)
    def leave_by_key(self, position: int) -> None:
        """The key may come twice, or when somebody is answering already, or after the call."""
        if self.calls:
            one = self.calls[-1 - position % len(self.calls)]
            self.house.says(ev.LeaveAsked(conversation=one, key="1"))

    @rule(position=positions, number=st.sampled_from(["", *CALLERS]))
    def book_callback(self, position: int, number: str) -> None:
        """By a caller who waits, talks or has left; or by a lead."""
        service = ids.QueueId("service")
        if self.calls and position < 6:
            one = self.calls[-1 - position % len(self.calls)]
            self.house.says(ev.CallbackAsked(conversation=one, queue=service, number=number))
        else:
            self.ask(cmd.BookCallback(**self.house.who("9000"), queue=service, number=number))

    @rule(position=positions, why=st.sampled_from([None, None, *Unreached]), late=st.booleans())
    def call_back(self, position: int, why: Unreached | None, late: bool) -> None:
        """The customer of a callback is called; None: he is reached. `late`: also when the agent has gone already."""
        booked = [c for c in self.house.world.contacts.values() if c.booking is not None]
        if late or any(c.state is ContactState.CONNECTED for c in booked):
            booked = [c for c in booked if late or c.state is ContactState.CONNECTED]
        if not booked:
            return
        one, now = booked[position % len(booked)], self.house.now
        if why is not None:
            who = one.agent or ids.AgentId("1001")
            self.house.says(
                ev.CustomerUnreached(conversation=one.conversation, contact=one.id, agent=who, why=why, at=now)
            )
        elif one.state is ContactState.CONNECTED:
            leg = ids.LegId(f"{one.conversation}.c1")
            self.house.says(
                ev.CustomerCalled(conversation=one.conversation, contact=one.id, leg=leg, deadline=now + 30.0, at=now)
            )

    @rule(
        name=names,
        place=positions,
        to=st.sampled_from(["20012345", "20012345", "0208888", *STAFF]),
        why=st.sampled_from([None, None, *Unreached]),
    )
    def dial(self, name: str, place: int, to: str, why: Unreached | None) -> None:
        """An agent, mostly one who has nothing in hand, calls a number or a colleague, who is reached (None) or not."""
        idle = [a.id for a in self.house.world.agents.values() if a.signed_in and agents.reachable(a) and not a.work]
        if idle and place:
            name = idle[place % len(idle)]
        self.ask(cmd.MakeCall(**self.house.who(name), number=to))
        if why is not None:
            self.not_reached(0, why)

    @rule(position=positions, why=st.sampled_from(list(Unreached)))
    def not_reached(self, position: int, why: Unreached) -> None:
        """Whom an agent has dialled, at any moment; the latest first."""
        made = [c for c in self.house.world.contacts.values() if c.medium in MADE]
        if made:
            one, now = made[-1 - position % len(made)], self.house.now
            who = one.agent or ids.AgentId("1001")
            self.house.says(
                ev.CustomerUnreached(conversation=one.conversation, contact=one.id, agent=who, why=why, at=now)
            )

    @rule(position=positions, back=st.booleans())
    def dialler_lost_or_back(self, position: int, back: bool) -> None:
        made = [c for c in self.house.world.contacts.values() if c.medium in MADE and c.agent is not None]
        if made:
            one = made[-1 - position % len(made)]
            (self.house.back if back else self.house.lost)(one.conversation, one.agent or "")

    @rule(position=positions)
    def cancel_callback(self, position: int) -> None:
        known = list(self.house.world.contacts)
        if known:
            contact = known[position % len(known)]
            self.ask(cmd.CancelCallback(**self.house.who("9000"), contact=contact))

    @rule(name=st.sampled_from(QUEUES), shut=st.booleans())
    def emergency_switch(self, name: str, shut: bool) -> None:
        who, target = self.house.who("1001"), ids.QueueId(name)
        self.ask(cmd.CloseQueue(**who, queue=target, reason="alarm") if shut else cmd.OpenQueue(**who, queue=target))

    # --- legs ---------------------------------------------------------------------------------------

    def ring(self, position: int) -> ev.Originated | None:
        known = self.house.rings
        return known[-1 - position % len(known)] if known else None

    @rule(name=names)
    def confirm(self, name: str) -> None:
        for offer in list(self.house.world.reservations):
            self.ask(cmd.ConfirmOffer(**self.house.who(name), reservation=offer))

    @rule(name=st.sampled_from(QUEUES), caller=st.sampled_from(CALLERS), place=positions)
    def serve(self, name: str, caller: str, place: int) -> None:
        """What there is most of: somebody calls, and whoever is offered it answers."""
        self.call(name, 0, None, 0.0, "", caller, own_steps=False)
        self.answer(talk=True, place=place)

    @rule(talk=st.booleans(), place=positions)
    def answer(self, talk: bool, place: int) -> None:
        """The usual: an offer is shown and rings, and is answered if `talk`, by any of those who are rung."""
        for offer in list(self.house.world.reservations.values())[:2]:
            for name in offer.agents:
                self.ask(cmd.ConfirmOffer(**self.house.who(name), reservation=offer.id))
            if talk:
                self.house.up(offer, list(offer.agents)[place % len(offer.agents)])

    @rule(place=positions)
    def refuse(self, place: int) -> None:
        """An offer is shown and rings, and one of those who are rung presses the red key."""
        for offer in list(self.house.world.reservations.values())[:1]:
            for name in offer.agents:
                self.ask(cmd.ConfirmOffer(**self.house.who(name), reservation=offer.id))
            self.house.failed(offer, LegFailure.REJECTED, list(offer.agents)[place % len(offer.agents)])

    @rule(cause=st.sampled_from(["page", "contact", "apology", "key", "caller", "late"]), which=positions)
    def crossing(self, cause: str, which: int) -> None:
        """An agent answers in the very moment in which his offer ends; best where others ring too."""
        house, offers = self.house, list(self.house.world.reservations.values())
        if not offers:
            return
        offer = max(offers, key=lambda one: len(one.agents))
        for one in offer.agents:
            self.ask(cmd.ConfirmOffer(**house.who(one), reservation=offer.id))
        name = list(offer.agents)[which % len(offer.agents)]
        device = house.world.agents[name].device
        match cause:
            case "page":
                house.link(name, 0)
            case "contact" if device is not None:
                house.take(facts.DeviceContact(endpoint=device.endpoint, present=False, at=house.now))
            case "apology":
                house.says(ev.CallerAway(conversation=offer.conversation, at=house.now))
            case "key":
                house.says(ev.LeaveAsked(conversation=offer.conversation, key="1"))
            case "caller":
                house.hang_up(offer.conversation)
            case _:
                house.wait(max(0.0, offer.deadline - house.now))
        house.up(offer, name)

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
        what=st.sampled_from(["restart", "seen", "site", "site", "take", "take", "release", "switch", "repair"]),
        name=names,
        other=st.booleans(),
        over=st.booleans(),
        number=st.integers(0, SITES - 1),
    )
    def trouble(self, what: str, name: str, other: bool, over: bool, number: int) -> None:
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
            case "site":
                house.take(facts.SiteLoaded(site=config(number)))
            case "take":
                self.ask(cmd.TakeDevice(**who, lease=lease, instance=page, take_over=over))
                house.take(facts.DeviceContact(endpoint=lease, present=True, at=house.now))
                self.ask(cmd.PhoneReady(**who, lease=lease, instance=page))
            case "switch":
                house.says(ev.SwitchLinkChanged(up=over or not house.world.switch_up))
            case "repair":
                house.take(facts.FaultsFound(faults=tuple(self.believed(number))))
            case _:
                self.ask(cmd.ReleaseDevice(**who, lease=lease))

    def believed(self, number: int) -> list[Fault]:
        """Faults that are none: a repair of what is whole must leave it whole."""
        world = self.house.world
        held, waits = list(world.reservations), [c.id for c in world.contacts.values() if c.agent is None]
        found = [Fault(kind=FaultKind.INDEX_BROKEN, target="pools")]
        found += [Fault(kind=FaultKind.RESERVATION_STUCK, target=name) for name in held[number : number + 1]]
        found += [Fault(kind=FaultKind.UNSERVED, target=name) for name in waits[number : number + 1]]
        return found

    # --- what must hold -----------------------------------------------------------------------------

    def teardown(self) -> None:
        """The day ends: what is in hand runs out, and then nothing may be left."""
        if not hasattr(self, "house") or not self.house.whole:
            return
        house = self.house
        house.says(ev.SwitchLinkChanged(up=True))
        for one in QUEUES:
            self.emergency_switch(one, shut=False)
        for name in STAFF:
            self.ask(cmd.SetNotReady(**house.who(name), reason="lunch"))
        for contact in list(house.world.contacts.values()):
            if contact.state is ContactState.CONNECTED:
                house.hang_up(contact.conversation, ClearedBy.AGENT)
        house.wait(2 * LONGEST)
        for contact in list(house.world.contacts.values()):  # wrap-ups that were extended
            assert contact.state is ContactState.ENDED
        house.wait(400.0)
        assert house.world.contacts == {}
        assert house.world.reservations == {}
        assert [key for key in house.world.deadlines.keys() if not key.startswith("acd.hours:")] == []
        assert all(house.state(name) in (AgentState.NULL, AgentState.NOT_READY) for name in STAFF)
        self.sums()
        assert house.decided_again() == house.log
        type(self).events.update(type(event).__name__ for event in house.log)
        type(self).events["turns of the core"] += len(house.inputs)
        ended = house.seen(ev.ContactEnded)
        type(self).events.update(event.reason.value for event in ended)
        type(self).events.update(event.reason.value + " at the door" for event in house.seen(ev.CallerTurnedAway))
        type(self).events.update(event.why.rule for event in house.seen(ev.OfferMade))

    def sums(self) -> None:
        house = self.house
        entered = Counter(event.queue for event in (*house.seen(ev.ContactQueued), *house.seen(ev.CallMade)))
        left = Counter(event.queue for event in house.seen(ev.ContactEnded))
        assert entered == left
        ended = Counter(event.contact for event in house.seen(ev.ContactEnded))
        assert all(count == 1 for count in ended.values())
        answered = {e.contact for e in house.seen(ev.ContactEnded) if e.reason is EndReason.ANSWERED}
        connected = {e.contact for e in (*house.seen(ev.ContactConnected), *house.seen(ev.CallMade))}
        assert answered <= connected
        for made in house.seen(ev.OfferMade):
            assert made.why.chosen == made.agents
            assert list(made.why.candidates) == sorted(made.why.candidates, key=lambda c: (c.keys, c.agent))
