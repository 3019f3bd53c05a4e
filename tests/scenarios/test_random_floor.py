"""Whole days by chance with all that live work has: leads in calls, consults, conferences, calls that agents make.

The days of test_random_days.py with more people in them: everything of those happens here too, moods of the switch and
kills of the server included. A failing day is played again with `FloorDay(SEED).play()`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ctiserver.calls.moves import seat_of_agent, seat_of_customer, seat_of_party, talking_leg
from ctiserver.model import commands as cmd, events as ev, facts, ids
from ctiserver.model.causes import MonitorMode
from ctiserver.model.ids import OUTSIDE_PARTY, BridgeId, LegId
from ctiserver.model.routing import OutboundConfig
from ctiserver.model.site import SiteConfig
from ctiserver.model.talk import Conversation, LegState, Place, live_leg, party
from ctiserver.model.work import Task, WorkKind
from tests.scenarios.test_random_days import AGENTS, Day, sites

LEADS = ("2001", "2002")
OUTSIDE = "02012345678"


def with_outside(site: SiteConfig) -> SiteConfig:
    trunk = OutboundConfig(trunk="192.0.2.2:5060", prefixes=("0",), ring_seconds=9.0, per_hour=30)
    return msgspec.structs.replace(site, outbound=trunk)


class FloorDay(Day):
    def __init__(self, seed: int, *, moody: bool = True, trace: bool = False) -> None:
        super().__init__(seed, moody=moody, trace=trace)
        self.floor.feed(facts.SiteLoaded(site=with_outside(sites()[0])))

    def likely(self) -> dict[Callable[[], None], int]:
        return super().likely() | {
            self.sit_down: 5,
            self.come: 8,
            self.with_the_lead: 12,
            self.call_in: 9,
            self.with_others: 12,
            self.dial: 4,
            self.outside: 7,
            self.send_on: 3,
            self.lead_page_goes: 1,
        }

    def some_call(self) -> ids.ConversationId:
        """Mostly one in which somebody talks."""
        world = self.floor.world
        talks = [c.id for c in world.conversations.values() if c.agent is not None and not c.cleared]
        return self.chance.choice(talks if talks and self.chance.random() < 0.9 else [*world.conversations, "cnone-1"])

    # ---- leads

    def sit_down(self) -> None:
        """A lead's page, loaded first or anew, or his desk phone."""
        seat = ids.seat(self.chance.choice(LEADS))
        if self.chance.random() < 0.2:
            self.say(cmd.UsePhone, seat, phone=self.chance.choice(("p2", "wall")), take_over=self.chance.random() < 0.5)
            return
        self.pages += 1
        lease, page = f"d{seat[1:]}", self.chance.choice((f"lead{self.pages}", "lead0"))
        self.say(cmd.TakeDevice, seat, lease=lease, instance=page, take_over=True)
        self.switch.register(lease)
        self.floor.settle()
        self.say(cmd.PhoneReady, seat, lease=lease, instance=page)

    def lead_page_goes(self) -> None:
        self.switch.unregister(f"d{self.chance.choice(LEADS)}")

    def come(self) -> None:
        seat, mode = ids.seat(self.chance.choice(LEADS)), self.chance.choice(list(MonitorMode))
        self.say(cmd.MonitorCall, seat, conversation=self.some_call(), mode=mode)

    def with_the_lead(self) -> None:
        """He changes, leaves, takes over; what he has taken over he holds, retrieves, sends on, ends."""
        seat, world = ids.seat(self.chance.choice(LEADS)), self.floor.world
        own = [
            c.id
            for c in world.conversations.values()
            if not c.cleared and (c.agent == seat or (c.monitor is not None and c.monitor.lead == seat))
        ]
        call = own[0] if own and self.chance.random() < 0.9 else self.some_call()
        match self.chance.randrange(10):
            case 0 | 1 | 2 | 3:
                self.say(cmd.ChangeMonitor, seat, conversation=call, mode=self.chance.choice(list(MonitorMode)))
            case 4:
                self.say(cmd.StopMonitor, seat, conversation=call)
            case 5:
                self.say(cmd.TakeOverCall, seat, conversation=call)
            case 6 | 7:
                self.say(self.chance.choice((cmd.HoldCall, cmd.RetrieveCall)), seat, conversation=call)
            case 8:
                self.say(cmd.HangUpCall, seat, conversation=call)
            case _:
                self.say(cmd.TransferCall, seat, conversation=call, **self.target())

    # ---- more than two

    def whose(self) -> tuple[str, ids.ConversationId]:
        """A call and mostly the agent whose talk it is."""
        call = self.some_call()
        found = self.floor.world.conversations.get(call)
        own = found.agent if found is not None and self.chance.random() < 0.9 else None
        return own or self.chance.choice(AGENTS), call

    def call_in(self) -> None:
        """A colleague, anybody of a queue, somebody outside."""
        agent, call = self.whose()
        colleague = {"to_agent": self.chance.choice(AGENTS)}
        others = ({"queue": "service"}, {"number": OUTSIDE})
        self.say(cmd.ConsultCall, agent, conversation=call, **self.chance.choice((colleague, colleague, *others)))

    def with_others(self) -> None:
        agent, call = self.whose()
        kinds = (cmd.SwapCall, cmd.CancelConsult, cmd.CompleteConsult, cmd.ConferenceCall, cmd.ConferenceCall)
        kind = self.chance.choice((*kinds, cmd.LeaveConference, cmd.DropParty))
        more = {"party": self.chance.choice((*AGENTS, OUTSIDE_PARTY))} if kind is cmd.DropParty else {}
        self.say(kind, agent, conversation=call, **more)

    # ---- outside

    def target(self) -> dict[str, str]:
        others = ({"to_agent": self.chance.choice(AGENTS)}, {"queue": "service"}, {"flow": "main"}, {"number": OUTSIDE})
        return self.chance.choice(others)

    def dial(self) -> None:
        to = self.chance.choice(({"number": OUTSIDE}, {"to_agent": self.chance.choice(AGENTS)}))
        self.say(cmd.MakeCall, self.chance.choice(AGENTS), **to)

    def send_on(self) -> None:
        agent, call = self.whose()
        self.say(cmd.TransferCall, agent, conversation=call, **self.target())

    def outside(self) -> None:
        """Somebody whom we call answers, is busy, hangs up."""
        if (leg := self.one([leg for leg in self.switch.channels if leg in self.switch.dialled])) is not None:
            if self.chance.random() < 0.6:
                self.switch.answer(leg)
            else:
                self.switch.end(leg, self.chance.choice((16, 17, 19, 21, 34)))

    def reload_site(self) -> None:
        self.floor.feed(facts.SiteLoaded(site=with_outside(self.chance.choice(sites()))))

    # ---- what must hold

    def sits(self, conversation: Conversation) -> None:
        """Every leg is where its conversation says, and a lead is heard by whom he means."""
        customer = conversation.legs.get(conversation.customer_leg)
        if customer is None or customer.away or conversation.place is Place.CALLING:
            return
        assert conversation.place not in (Place.NEW, Place.BOOKED), conversation
        self.at(customer.id, seat_of_customer(conversation))
        agent = talking_leg(conversation)
        if conversation.place is Place.TALKING:
            lead = conversation.monitor.leg if conversation.monitor is not None else None
            there = [leg for leg in self.switch.bridges[ids.talk_bridge(conversation.id)] if leg != lead]
            assert len(there) > 1, f"the customer is alone: {conversation}"
        if conversation.place in (Place.TALKING, Place.HELD) and agent is not None:
            self.at(agent.id, seat_of_agent(conversation))
        for one in conversation.parties:
            leg, seat = live_leg(conversation, one.agent), seat_of_party(conversation, one)
            if leg is not None and seat is not None:
                self.at(leg.id, seat)
        monitor = conversation.monitor
        if monitor is not None and conversation.legs[monitor.leg].state is LegState.CONNECTED:
            whispers, listens = monitor.mode is MonitorMode.WHISPER, monitor.mode is MonitorMode.LISTEN
            kind = ids.whisper_bridge if whispers else ids.talk_bridge
            self.at(monitor.leg, kind(conversation.id))
            assert (monitor.leg in self.switch.muted) is listens, conversation
            heard = [self.switch.snoops[name] for name in self.switch.snoops if ids.kind(name) == "w"]
            if whispers and agent is not None:
                assert agent.id in heard, conversation

    def at(self, leg: LegId, bridge: BridgeId | None) -> None:
        found = next((name for name, legs in self.switch.bridges.items() if leg in legs), None)
        assert found == bridge, f"{leg} is in {found}, not in {bridge}"

    def no_ghosts(self) -> None:
        """Every phone that rings or talks does so for a reason; who has a call in hand has a leg, or is being waited
        for."""
        world = self.floor.world
        for leg in self.phones():
            found = world.leg(leg)
            assert found is not None, leg
            conversation, known = found
            held = world.reservations.get(known.reservation) if known.reservation is not None else None
            offered = held.agents.get(known.agent) if held is not None and known.agent is not None else None
            lead = conversation.monitor is not None and conversation.monitor.leg == leg
            assert (
                lead
                or leg == conversation.customer_leg
                or known.agent == conversation.agent
                or party(conversation, known.agent) is not None
                or (offered is not None and not offered.closed)
            ), known
        for agent in world.agents.values():
            for item in agent.work.values():
                conversation = world.conversations[item.conversation]
                if item.kind is not WorkKind.BUSY or conversation.place is Place.CALLING or item.leaving:
                    continue
                up = [leg for leg in conversation.legs.values() if leg.agent == agent.id and leg.up_at]
                if agent.id == conversation.callee:
                    continue  # his leg is the customer's: gone, and all is over
                assert conversation.agent == agent.id or item.task is Task.CONSULT
                assert bool(up) != bool(item.lost_at), (item, conversation)

    def all_leave(self) -> None:
        for leg in list(self.switch.channels):
            self.switch.end(leg)
        self.floor.advance(2)
        for leg in list(self.switch.channels):  # whom a take-back has rung meanwhile
            self.switch.end(leg)

    def books(self) -> None:
        """Who entered a queue, was called or handed over left it once, for one reason."""
        assert self.named("contact", ev.ContactQueued, ev.CallMade, ev.ContactPassed) == self.named(
            "contact", ev.ContactEnded
        )
        assert self.named("conversation", ev.ConversationStarted, ev.CallMade) == self.named(
            "conversation", ev.CallCleared
        )
        assert self.named("conversation", ev.MonitorStarted) == self.named("conversation", ev.MonitorStopped)

    def named(self, what: str, *kinds: type[ev.Event]) -> list[str]:
        return sorted(getattr(event, what) for kind in kinds for event in self.floor.events(kind))


@pytest.mark.parametrize("moody", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_a_day_with_leads_consults_and_calls_outside_leaves_nothing_behind(seed: int, moody: bool) -> None:
    FloorDay(seed, moody=moody).play()
