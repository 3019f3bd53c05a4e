"""The ACD core with the real conversation and IVR cores on the fake switch: seeded days full of crossings.

The house of the other stories only plays the conversation core's part; here nobody plays. After every turn the floor
asks the checker. At the end everybody goes home: no contact, reservation, deadline or channel may be left.
"""

from __future__ import annotations

import random

import pytest

from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.work import ContactState, WorkKind
from tests.fakes.floor import Floor
from tests.scenarios.conftest import make_site

STAFF = ("1001", "1002", "1003")


class Day:
    """One day; every choice comes from `chance`."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.floor = Floor(make_site())
        self.callers: list[LegId] = []
        self.pages = 0
        self.losing = False
        self.floor.lost = lambda item: self.losing and isinstance(item, facts.DeviceContact)
        self.floor.calm = False
        for name in STAFF:
            self.floor.log_in(name)

    def step(self) -> None:
        floor, chance = self.floor, self.chance
        name = chance.choice(STAFF)
        agent = floor.agent(name)
        weights = {"call": 8, "press": 6, "leave": 4, "confirm": 6, "answer": 16, "reject": 3, "end_talk": 5}
        weights |= {"wrap": 8, "ready": 4, "break": 1, "reload": 2, "unlink": 1, "unregister": 1, "restart": 1}
        weights |= {"lost_leg": 1, "blind": 1}
        match chance.choices(list(weights), list(weights.values()))[0]:
            case "call":
                leg = LegId(f"sip-{len(self.callers)}")
                self.callers.append(floor.switch.call(leg, "95500"))
            case "press":
                if self.callers and self.callers[-1] in floor.switch.channels:
                    floor.switch.press(self.callers[-1], "1")
            case "leave":
                here = [leg for leg in self.callers if leg in floor.switch.channels]
                if here:
                    floor.switch.end(chance.choice(here))
            case "confirm":
                for item in list(agent.work.values()):
                    floor.command(cmd.ConfirmOffer, name, reservation=item.reservation)
            case "answer" | "reject" as how:
                for leg, endpoint in list(floor.switch.endpoint_of.items()):
                    if endpoint == f"d{name}" and floor.switch.channels.get(leg) in ("Down", "Ringing"):
                        if how == "answer":
                            floor.switch.answer(leg)
                        else:
                            floor.switch.end(leg, chance.choice([17, 21, 0, 20]))
            case "end_talk":
                for item in list(agent.work.values()):
                    floor.command(cmd.HangUpCall, name, conversation=item.conversation)
            case "wrap":
                for item in list(agent.work.values()):
                    if item.kind is WorkKind.WRAP_UP:
                        wanted = {"contact": item.contact, "disposition": "solved", "note": "", "ready": True}
                        floor.command(cmd.FinishWrapUp, name, **wanted)
            case "ready":
                self.back(name)
            case "break":
                floor.command(cmd.SetNotReady, name, reason="lunch")
            case "reload":
                self.pages += 1
                floor.reload(name, f"page-{self.pages}")
            case "unlink":
                floor.feed(facts.LinkChanged(agent=AgentId(name), links=0))
            case "unregister":
                floor.switch.unregister(f"d{name}")
            case "lost_leg":
                for leg, endpoint in list(floor.switch.endpoint_of.items()):
                    if endpoint == f"d{name}" and floor.switch.channels.get(leg) == "Up":
                        floor.switch.end(leg, chance.choice([0, 44, 127]))
            case "restart":
                floor.restart(lose_facts=chance.random() < 0.5)
            case _:
                self.losing = not self.losing
        floor.advance(chance.choice([0.0, 0.001, 0.005, 0.01, 0.1, 0.1, 0.5, 1.0, 3.0, 8.0, 21.0]))

    def back(self, name: str) -> None:
        """The agent sits down again with a working phone."""
        floor = self.floor
        device = floor.agent(name).device
        assert device is not None
        floor.feed(facts.LinkChanged(agent=AgentId(name), links=1))
        floor.feed(facts.DeviceContact(endpoint=device.endpoint, present=True, at=floor.now))
        floor.switch.register(device.endpoint)
        floor.command(cmd.PhoneReady, name, lease=device.lease, instance=device.instance)
        floor.command(cmd.SetReady, name)

    def go_home(self) -> None:
        floor = self.floor
        self.losing = False
        for name in STAFF:
            floor.command(cmd.SetNotReady, name, reason="lunch")
        floor.advance(5.0)
        floor.feed(floor.switch.seen())
        for leg in self.callers:
            floor.switch.end(leg)
        floor.advance(120.0)
        assert floor.world.contacts == {}
        assert floor.world.reservations == {}
        assert [key for key in floor.world.deadlines.as_dict() if key.startswith("acd.")] == []
        assert floor.world.conversations == {}
        assert floor.switch.channels == {}
        for name in STAFF:
            assert floor.agent(name).work == {}


@pytest.mark.parametrize("seed", range(12))
def test_a_day_with_everything_crossing(seed: int) -> None:
    day = Day(seed)
    for _ in range(250):
        day.step()
    day.go_home()
    floor = day.floor
    queued = [event for event in floor.events(ev.ContactQueued) if isinstance(event, ev.ContactQueued)]
    ended = [event for event in floor.events(ev.ContactEnded) if isinstance(event, ev.ContactEnded)]
    assert sorted(event.contact for event in queued) == sorted(event.contact for event in ended)
    assert any(event.reason is EndReason.ANSWERED for event in ended)
    assert all(contact.state is not ContactState.ENDED for contact in floor.world.contacts.values())


@pytest.mark.parametrize("seed", range(2))
def test_such_a_day_decided_again_gives_the_same_records(seed: int) -> None:
    day = Day(100 + seed)
    for _ in range(120):
        day.step()
    day.floor.check_journal()
