"""A whole call centre in virtual time: the real cores, the real turn, the fake switch. No task, no sleep.

`advance` runs facts and deadlines in the order of their time, as the live dispatcher does, and checks after every
turn that folding the records gives the live state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from acd.core import check
from acd.core.engine import Acd
from ctiserver import turn
from ctiserver.calls import audit
from ctiserver.calls.core import Calls
from ctiserver.model import commands as cmd, events as ev, facts, ids
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.faults import Fault
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LeaseId, LegId
from ctiserver.model.site import SiteConfig
from ctiserver.model.talk import Conversation
from ctiserver.model.turns import Input, Record
from ctiserver.model.work import Agent, Contact, DeviceKind, WorkItem
from ctiserver.model.world import World, WorldState
from ivr import runtime
from ivr.runtime import Ivr
from tests.fakes.switch import FakeSwitch, Refused

EPOCH = "test"


class Floor:
    """The server's heart with people around it."""

    def __init__(
        self, site: SiteConfig, *, prompt_seconds: float = 2.0, switch: FakeSwitch | None = None
    ) -> None:
        self.switch = switch if switch is not None else FakeSwitch(prompt_seconds=prompt_seconds)
        self.world = World()
        self.acd = Acd(self.world)
        self.cores = (Calls(), Ivr(), self.acd)
        self.records: list[Record] = []
        self.calm = True
        """The switch does what it is asked: then the auditor finds nothing once all is told."""
        self.lost: Callable[[Input], bool] = lambda _item: False
        self._commands = 0
        self.feed(facts.ServerStarted(version="test"))
        self.feed(facts.SiteLoaded(site=site))
        self.provision()
        self.feed(self.switch.seen())

    # ---- the loop

    @property
    def now(self) -> float:
        return self.switch.now

    def feed(self, item: Input) -> CommandRejected | None:
        """One turn and its effects; facts that effects cause wait for `advance`."""
        inputs: deque[Input] = deque((item,))
        rejected: CommandRejected | None = None
        while inputs:
            thing = inputs.popleft()
            done = turn.run(
                self.world, self.cores, thing, epoch=EPOCH, at=self.now, seed=self.world.seq + 1
            )
            rejected = rejected or done.rejected
            self.records.append(msgspec.msgpack.decode(msgspec.msgpack.encode(done.record), type=Record))
            for effect in done.record.effects:
                try:
                    self.switch.perform(effect)
                except Refused as refused:
                    inputs.append(
                        facts.EffectFailed(
                            conversation=getattr(effect, "conversation", None),
                            effect=type(effect).__name__,
                            target=_target(effect),
                            reason=str(refused),
                            status=refused.status,
                        )
                    )
            found = check.faults(self.world, self.acd.index)
            found += audit.deadlines(self.world) + runtime.faults(self.world)
            assert not found, found
        if self.calm and self.world.switch_up and not self.switch.busy():
            assert not self.audit(), self.audit()
        return rejected

    def advance(self, seconds: float) -> None:
        """Let time pass: facts and deadlines in order."""
        until = self.now + seconds
        while True:
            fact_at, due_at = self.switch.next_at(), self.world.deadlines.next()
            at = min((t for t in (fact_at, due_at) if t is not None), default=until + 1)
            if at > until:
                break
            self.switch.now = max(self.now, at)
            if fact_at is not None and fact_at == at:
                fact = self.switch.take()
                if not self.lost(fact):
                    self.feed(fact)
            else:
                self.feed(facts.Tick())
        self.switch.now = until

    def settle(self) -> None:
        """The next tenth of a second: what is under way arrives."""
        self.advance(0.1)

    def audit(self) -> list[Fault]:
        """What the auditor finds in one reading."""
        reading = self.switch.reading()
        return audit.faults(self.world, reading) + check.devices(self.world, reading.endpoints)

    # ---- people

    def command(self, kind: type[cmd.Command], agent: str, **fields: object) -> CommandRejected | None:
        self._commands += 1
        named = {"type": kind.__name__, "id": f"x{self._commands}", "by": agent or "x", "agent": agent} | fields
        return self.feed(msgspec.convert(named, type=kind))

    def log_in(self, agent: str, *, ready: bool = True) -> str:
        """Sign in with a browser phone; returns the endpoint."""
        lease = LeaseId(f"d{agent}")
        self.feed(facts.LinkChanged(agent=AgentId(agent), links=1))
        assert self.command(cmd.SignIn, agent) is None
        assert self.command(cmd.TakeDevice, agent, lease=lease, instance="page1", take_over=True) is None
        self.switch.register(lease)
        self.settle()
        assert self.command(cmd.PhoneReady, agent, lease=lease, instance="page1") is None
        if ready:
            assert self.command(cmd.SetReady, agent) is None
        return lease

    def sit(self, agent: str, phone: str, *, ready: bool = True) -> None:
        """Sign in with a desk phone that is there."""
        self.feed(facts.LinkChanged(agent=AgentId(agent), links=1))
        assert self.command(cmd.SignIn, agent) is None
        assert self.command(cmd.UsePhone, agent, phone=phone, take_over=True) is None
        if not self.switch.phones[phone].contact:
            self.switch.register(ids.desk_endpoint(phone))
        self.settle()
        if ready:
            assert self.command(cmd.SetReady, agent) is None

    def sit_outside(self, agent: str, *, number: str = "", ready: bool = True) -> None:
        """Sign in at an outside number: the site's for this agent, or this one."""
        self.feed(facts.LinkChanged(agent=AgentId(agent), links=1))
        assert self.command(cmd.SignIn, agent) is None
        assert self.command(cmd.UseNumber, agent, number=number) is None
        if ready:
            assert self.command(cmd.SetReady, agent) is None

    def reload(self, agent: str, instance: str) -> None:
        """The page is loaded anew: link and contact go and come, the new page says it is the phone."""
        lease = LeaseId(f"d{agent}")
        self.feed(facts.LinkChanged(agent=AgentId(agent), links=0))
        self.feed(facts.LinkChanged(agent=AgentId(agent), links=1))
        assert self.command(cmd.TakeDevice, agent, lease=lease, instance=instance, take_over=False) is None
        self.switch.register(lease)
        self.settle()
        assert self.command(cmd.PhoneReady, agent, lease=lease, instance=instance) is None

    def confirm(self, agent: str) -> None:
        """The agent's page has painted the offer."""
        item = self.work(agent)
        assert item.reservation is not None
        self.command(cmd.ConfirmOffer, agent, reservation=item.reservation)

    def restart(self, *, lose_facts: bool = True) -> None:
        """kill -9 and start: the world is folded from the records, the switch is compared."""
        if lose_facts:
            self.switch.forget_facts()
        self.world = World(self.refolded())
        self.acd = Acd(self.world)
        self.cores = (Calls(), Ivr(), self.acd)
        self.feed(facts.ServerStarted(version="test"))
        self.provision()
        self.feed(self.switch.seen())

    def provision(self) -> None:
        """What the link does at each connect: the phones' endpoints are there again."""
        devices = [agent.device for agent in self.world.agents.values() if agent.device is not None]
        self.switch.devices.update(d.endpoint for d in devices if d.kind is DeviceKind.BROWSER)
        self.switch.phones = {phone.id: phone for phone in self.world.site.phones}

    def feed_links(self, agent: str) -> None:
        """The agent's desktop is linked again after a restart."""
        device = self.agent(agent).device
        assert device is not None
        self.feed(facts.LinkChanged(agent=AgentId(agent), links=1))
        self.command(cmd.PhoneReady, agent, lease=device.lease, instance=device.instance)

    def refolded(self) -> WorldState:
        """The world from nothing but the records."""
        world = World()
        cores = (Calls(), Ivr(), Acd(world))
        for record in self.records:
            turn.fold(world, cores, record)
        return msgspec.msgpack.decode(msgspec.msgpack.encode(world.state()), type=WorldState)

    def replayed(self) -> list[Record]:
        """Every recorded input decided again."""
        world = World()
        cores = (Calls(), Ivr(), Acd(world))
        return [
            turn.run(world, cores, record.input, epoch=EPOCH, at=record.at, seed=record.seed).record
            for record in self.records
        ]

    def check_journal(self) -> None:
        """Folding the journal gives the live state; re-deciding it gives the same records (DESIGN section 8)."""
        live = msgspec.msgpack.decode(msgspec.msgpack.encode(self.world.state()), type=WorldState)
        assert msgspec.to_builtins(self.refolded()) == msgspec.to_builtins(live)
        assert self.replayed() == self.records

    # ---- looking

    def events(self, kind: type[ev.Event]) -> list[ev.Event]:
        return [event for record in self.records for event in record.events if isinstance(event, kind)]

    def agent(self, agent: str) -> Agent:
        return self.world.agents[AgentId(agent)]

    def work(self, agent: str) -> WorkItem:
        return next(iter(self.agent(agent).work.values()))

    def conversation(self) -> Conversation:
        return next(reversed(self.world.conversations.values()))

    def contact(self) -> Contact:
        return next(reversed(self.world.contacts.values()))

    def ringing_leg(self, agent: str) -> LegId:
        device = self.agent(agent).device
        endpoints = (f"d{agent}", device.endpoint if device is not None else "")
        number = ids.outside_number(endpoints[1])
        called = self.switch.endpoint_of if number is None else self.switch.dialled
        return next(
            leg
            for leg, whom in reversed(called.items())
            if whom in (*endpoints, number) and leg in self.switch.channels
        )


def _target(effect: object) -> str:
    from ctiserver.effects import target_of

    return target_of(effect)  # type: ignore[arg-type]


__all__ = ["CommandRejected", "ContactId", "ConversationId", "Floor", "Rejection", "ids"]
