"""Two hundred calls under way at once and an auditor that looks all the time: nothing is wrong, and it finds nothing.

The switch does what it is asked, but everything takes its time: effects up to 1.2 s in their lanes, facts up to 0.5 s.
A single reading is full of differences; the second one and the lanes tell what is only under way.
"""

from __future__ import annotations

import random

import msgspec
import pytest

from acd.core import check
from ctiserver.model import commands as cmd
from ctiserver.model.faults import Fault
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.site import AgentConfig
from ctiserver.model.work import WorkKind
from tests.fakes.floor import Floor
from tests.fakes.moody import MoodySwitch
from tests.scenarios.conftest import label, make_site

CALLERS, AGENTS = 200, 60
CONFIRM = 1.0


class SlowSwitch(MoodySwitch):
    """Reliable and slow."""

    def took(self) -> float:
        return self.chance.choice((0.001, 0.3, 1.2))

    def told_after(self) -> float:
        return self.chance.choice((0.002, 0.1, 0.5))


class Rush:
    """Callers who come, press, wait, talk and go; agents who answer, hold, file and go on."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.switch = SlowSwitch(self.chance)
        site = make_site()
        names = [f"{1001 + n}" for n in range(AGENTS)]
        agents = tuple(AgentConfig(id=n, name=label(n), skills={"zh": 50}, queues=("service",)) for n in names)
        self.floor = Floor(msgspec.structs.replace(site, agents=agents), switch=self.switch)
        self.floor.calm = False
        self.calls = 0
        self.suspects = 0
        self.confirmed: list[Fault] = []
        for name in names:
            self.floor.log_in(name)
            self.floor.advance(1.0)

    def callers(self) -> list[LegId]:
        return [leg for leg in self.switch.channels if leg in self.switch.inbound]

    def step(self) -> None:
        callers = self.callers()
        if len(callers) < CALLERS:
            for _ in range(5):
                self.calls += 1
                self.switch.call(f"{self.calls}.1", "95500")
        for leg in self.chance.sample(callers, min(len(callers), 12)):
            self.switch.press(leg, "1")
        if len(callers) > CALLERS // 2:
            self.switch.end(self.chance.choice(callers))
        phones = [leg for leg, state in self.switch.channels.items() if state == "Ringing"]
        for leg in self.chance.sample(phones, min(len(phones), 3)):
            self.switch.answer(leg)
        for agent in self.chance.sample(list(self.floor.world.agents), 4):
            self.work(agent)

    def work(self, agent: AgentId) -> None:
        for item in list(self.floor.agent(agent).work.values()):
            if item.kind is WorkKind.WRAP_UP:
                self.floor.command(
                    cmd.FinishWrapUp, agent, contact=item.contact, disposition="solved", note="", ready=True
                )
            elif item.kind is WorkKind.BUSY:
                kind = self.chance.choice((cmd.HoldCall, cmd.RetrieveCall, cmd.RetrieveCall, cmd.HangUpCall))
                self.floor.command(kind, agent, conversation=item.conversation)

    def look(self) -> None:
        """One beat, with the rush going on between its two readings."""
        before = {fault.key: self.about(fault) for fault in self.floor.audit()}
        self.suspects += len(before)
        for _ in range(5):
            self.step()
            self.floor.advance(CONFIRM / 5)
        self.confirmed.extend(
            fault
            for fault in self.floor.audit()
            if before.get(fault.key) is not None and before[fault.key] == self.about(fault)
        )

    def about(self, fault: Fault) -> bytes | None:
        if not self.switch.idle(fault.conversation or fault.target):
            return None
        conversation = self.floor.world.conversations.get(fault.conversation) if fault.conversation else None
        return msgspec.msgpack.encode(conversation)


def test_two_hundred_busy_calls_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "faults", lambda *_: [])  # the house after every turn is the random days' business
    rush = Rush(1)
    for _ in range(60):
        rush.step()
        rush.floor.advance(0.1)
    assert len(rush.callers()) > CALLERS // 2
    for _ in range(12):
        rush.look()
    assert not rush.confirmed
    assert rush.suspects > 100, "a single reading would have cried wolf"
