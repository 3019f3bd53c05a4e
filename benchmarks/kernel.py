"""What one decision of the routing kernel costs: `python -m benchmarks.kernel` (part of `make bench`).

Lives here: the worlds that are made, what is done in them, the clock. Not here: tables and plots (`kernel_report`).

A world has two halves. In the calm one agents are free and nobody waits; in the busy one everybody talks and callers
wait: a free agent beside a caller whom he may have does not exist between two turns. An agent has five neighbouring
skills and serves the five queues named like them. Every decision is a whole turn of the core: decided, applied, decided
again until nothing follows; inputs are what the server feeds. Times are CPU time of the thread, so that other programs
on the machine do not count (their use of its caches does).
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from acd.core.engine import Acd
from acd.sim.calls import drawn
from acd.sim.centre import Centre
from acd.sim.drive import Drive
from acd.sim.scenario import Kind, Scenario, Shift, Spread
from benchmarks import machine
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import ClearedBy
from ctiserver.model.ids import (
    AgentId,
    ContactId,
    ConversationId,
    InteractionId,
    LeaseId,
    LegId,
    QueueId,
    ReservationId,
)
from ctiserver.model.requirement import canonical
from ctiserver.model.site import AgentConfig, Label, QueueConfig, ReasonConfig, SiteConfig
from ctiserver.model.talk import Conversation
from ctiserver.model.work import Agent, Contact, ContactState, Device, WorkItem, WorkKind
from ctiserver.model.world import World, WorldState

NOW = 1_800_000_000.0
SKILLS = 5
SHAPES = {
    "one skill": lambda a, b, c: f"{a} >= 10",
    "and of three": lambda a, b, c: f"{a} >= 10 and {b} >= 10 and {c} >= 10",
    "or with not": lambda a, b, c: f"({a} >= 50 or {b} >= 50) and not trainee",
}
SIZES = (100, 300, 1_000, 3_000, 10_000)
IDLE = (0.01, 0.5)
DECISIONS = ("arrives, is served", "arrives, waits", "agent free", "rings", "answers", "hangs up waiting", "talk ends")


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One world's figures. `times`: decision -> CPU microseconds of each; `pauses`: milliseconds of garbage collections
    while it ran; `first`: microseconds of the slowest first call of a queue, which looks at each of its agents once."""

    shape: str
    agents: int
    waiting: int
    queues: int
    idle: float
    times: dict[str, list[float]]
    pauses: list[float]
    first: float


class Site(msgspec.Struct, frozen=True, kw_only=True):
    config: SiteConfig
    calm_queues: list[QueueId]
    busy_queues: list[QueueId]
    calm: list[AgentId]
    busy: list[AgentId]


def _label(name: str) -> Label:
    return Label(zh=name, en=name)


def site(shape: str, agents: int, queues: int, idle: float, chance: random.Random) -> Site:
    """`idle`: the share of the agents who are in the calm half, with as large a share of the queues."""
    calm = max(SKILLS, min(queues - SKILLS, round(queues * idle)))
    halves = [list(range(calm)), list(range(calm, queues))]
    configs = []
    for half in halves:
        for place, number in enumerate(half):
            named = [f"s{half[(place + more) % len(half)]}" for more in range(3)]
            configs.append(
                QueueConfig(
                    id=f"q{number}",
                    name=_label("q"),
                    requires=canonical(SHAPES[shape](*named)),
                    max_waiting=10**6,
                    disposition_required=False,
                )
            )
    free = max(1, round(agents * idle))
    staff: list[AgentConfig] = []
    groups: list[list[AgentId]] = [[], []]
    for number in range(agents):
        which = 0 if number < free else 1
        half = halves[which]
        base = chance.randrange(len(half))
        own = [half[(base + more) % len(half)] for more in range(SKILLS)]
        skills = {f"s{skill}": chance.randint(10, 100) for skill in own}
        if number % 10 == 9:
            skills["trainee"] = 1
        name = f"a{number:05d}"
        staff.append(AgentConfig(id=name, name=_label("a"), queues=tuple(f"q{n}" for n in own), skills=skills))
        groups[which].append(AgentId(name))
    return Site(
        config=SiteConfig(
            queues=tuple(configs), agents=tuple(staff), reasons=(ReasonConfig(id="break", name=_label("break")),)
        ),
        calm_queues=[QueueId(f"q{number}") for number in halves[0]],
        busy_queues=[QueueId(f"q{number}") for number in halves[1]],
        calm=groups[0],
        busy=groups[1],
    )


def _conversation(name: ConversationId) -> Conversation:
    return Conversation(
        id=name,
        interaction=InteractionId(name),
        customer_leg=LegId(f"l{name}"),
        dialled="95500",
        caller_number="",
        caller_name="",
        arrived_at=NOW,
        legs={},
    )


def world(made: Site, waiting: int, chance: random.Random) -> Drive:
    """The world as it is after a busy morning, put together directly: turn by turn it would take minutes."""
    state = WorldState(switch_up=True, site=made.config, now=NOW)
    drive = Drive({}, begin=NOW)
    drive.world = World(state)
    number = 0

    def contact(queue: QueueId, **more: object) -> Contact:
        nonlocal number
        number += 1
        conversation = ConversationId(f"x{number}")
        drive.world.conversations[conversation] = _conversation(conversation)
        at = NOW - 600.0 + 600.0 * number / (waiting + len(made.busy) + 1)
        found = Contact(
            id=ContactId(f"k-{number:x}"),
            conversation=conversation,
            queue=queue,
            requires="",
            priority=0.0,
            queued_at=at,
            entered_at=at,
            **more,  # type: ignore[arg-type]
        )
        drive.world.contacts[found.id] = found
        return found

    for name in (*made.calm, *made.busy):
        device = Device(lease=LeaseId(f"d{name}"), endpoint=f"d{name}", instance="", registered=True, contact=True)
        idle = NOW - chance.random() * 900
        agent = Agent(id=name, signed_in=True, ready=True, device=device, links=1, idle_since=idle)
        drive.world.agents[name] = agent
    for name in made.busy:
        queue = chance.choice(drive.world.agent_configs[name].queues)
        talk = contact(QueueId(queue), state=ContactState.CONNECTED, agent=name, connected_at=NOW - 60.0)
        drive.world.agents[name].work[talk.id] = WorkItem(
            contact=talk.id, conversation=talk.conversation, kind=WorkKind.BUSY, since=NOW - 60.0
        )
    for _ in range(waiting):
        one = contact(chance.choice(made.busy_queues))
        drive.world.deadlines.set(f"acd.maxwait:{one.id}", NOW + 3600.0)
    drive.acd = Acd(drive.world)
    return drive


class Bench:
    """One world and the people in it."""

    def __init__(self, made: Site, drive: Drive, chance: random.Random) -> None:
        self.site, self.drive, self.chance = made, drive, chance
        self.times: dict[str, list[float]] = {name: [] for name in DECISIONS}
        self._callers = 0
        self.waiting = [c.conversation for c in drive.world.contacts.values() if c.state is ContactState.WAITING]

    def _timed(self, decision: str, do: Callable[[], None]) -> None:
        begin = time.thread_time_ns()
        do()
        self.times[decision].append((time.thread_time_ns() - begin) / 1000.0)

    def arrive(self, decision: str, queue: QueueId) -> ConversationId:
        self._callers += 1
        name = ConversationId(f"y{self._callers}")
        self.drive.world.conversations[name] = _conversation(name)
        asked = ev.QueueAsked(
            conversation=name, queue=queue, requires="", priority=0.0, agent=None, data={}, path=()
        )
        self._timed(decision, lambda: self.drive.says(asked))
        return name

    def contact(self, conversation: ConversationId) -> Contact:
        return self.drive.world.contacts[self.drive.acd.index.contact_of[conversation]]

    def offered(self, conversation: ConversationId) -> tuple[ReservationId, AgentId] | None:
        held = self.contact(conversation).reservation
        if held is None:
            return None
        return held, next(iter(self.drive.world.reservations[held].agents))

    def serve(self, conversation: ConversationId, held: ReservationId, agent: AgentId) -> None:
        """The offer rings and is answered."""
        painted = cmd.ConfirmOffer(id="", by=agent, agent=agent, reservation=held)
        self._timed("rings", lambda: self.drive.take(painted))
        up = ev.AgentLegUp(conversation=conversation, reservation=held, agent=agent, leg=LegId("l"), at=self.drive.now)
        self._timed("answers", lambda: self.drive.says(up))

    def hang_up(self, decision: str, conversation: ConversationId) -> None:
        gone = ev.CallCleared(conversation=conversation, by=ClearedBy.CUSTOMER, cause=16, at=self.drive.now)
        self._timed(decision, lambda: self.drive.says(gone))
        del self.drive.world.conversations[conversation]

    def finish(self, agent: AgentId, decision: str) -> None:
        """His wrap-up is done."""
        (contact,) = self.drive.world.agents[agent].work
        done = cmd.FinishWrapUp(id="", by=agent, agent=agent, contact=contact, disposition="", note="", ready=True)
        self._timed(decision, lambda: self.drive.take(done))

    def open_up(self) -> float:
        """One call into each queue that has had none. Gives the time of the slowest in microseconds."""
        for queue in (*self.site.calm_queues, *self.site.busy_queues):
            name = self.arrive("arrives, waits", queue)
            held = self.offered(name)
            self.hang_up("hangs up waiting", name)
            if held is not None:  # it had not begun to ring
                assert not self.drive.world.agents[held[1]].work
        return max(self.times["arrives, waits"])

    def pick(self) -> ConversationId:
        """A waiting caller, any of them."""
        place = self.chance.randrange(len(self.waiting))
        self.waiting[place], self.waiting[-1] = self.waiting[-1], self.waiting[place]
        return self.waiting.pop()

    def round(self) -> None:
        """Seven decisions or more, after which there are as many agents, callers and free agents as before."""
        self.drive.now += 0.01
        name = self.arrive("arrives, is served", self.chance.choice(self.site.calm_queues))
        held = self.offered(name)
        if held is not None:
            self.serve(name, *held)
            self.hang_up("talk ends", name)
            self.finish(held[1], "agent free")
        else:  # no free agent of this queue in a small world
            self.hang_up("hangs up waiting", name)
        agent = self.chance.choice(self.site.busy)
        (item,) = self.drive.world.agents[agent].work.values()
        self.hang_up("talk ends", item.conversation)
        self.finish(agent, "agent free")
        got = list(self.drive.world.agents[agent].work.values())
        if not got:  # nobody waits whom he may have: he takes a break, so that who comes next waits
            self.drive.take(cmd.SetNotReady(id="", by=agent, agent=agent, reason="break"))
            self.site.busy.remove(agent)
        for item in got:
            if item.reservation is not None:
                self.serve(item.conversation, item.reservation, agent)
                self.waiting.remove(item.conversation)
        self.waiting.append(self.arrive("arrives, waits", self.chance.choice(self.site.busy_queues)))
        self.hang_up("hangs up waiting", self.pick())
        self.waiting.append(self.arrive("arrives, waits", self.chance.choice(self.site.busy_queues)))


def measure(shape: str, agents: int, waiting: int, queues: int, idle: float, rounds: int) -> Taken:
    chance = random.Random(f"{shape} {agents} {queues} {idle}")
    made = site(shape, agents, queues, idle, chance)
    drive = world(made, waiting, chance)
    bench = Bench(made, drive, chance)
    with collecting():
        first = bench.open_up()
    for _ in range(20):
        bench.round()
    bench.times = {name: [] for name in DECISIONS}
    with collecting() as pauses:
        for _ in range(rounds):
            bench.round()
    return Taken(
        shape=shape,
        agents=agents,
        waiting=waiting,
        queues=queues,
        idle=idle,
        times=bench.times,
        pauses=list(pauses),
        first=first,
    )


class collecting:
    """Garbage collection as in the server: what there is at the start is set aside (gc.freeze), the collector is on.
    Gives the list of its pauses in milliseconds."""

    def __enter__(self) -> list[float]:
        gc.collect()
        gc.freeze()
        self._pauses: list[float] = []
        self._since = 0
        gc.callbacks.append(self._heard)
        return self._pauses

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._heard)
        gc.unfreeze()

    def _heard(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._since = time.thread_time_ns()
        else:
            self._pauses.append((time.thread_time_ns() - self._since) / 1e6)


# --- a simulated day ------------------------------------------------------------------------------------


class SimulatedDay(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds`: CPU time; `steps`: inputs to the core, each decided and applied to the end."""

    agents: int
    calls: int
    steps: int
    seconds: float
    wall: float
    occupancy: float


def a_day(calls: int, agents: int = 1_000, queues: int = 20) -> SimulatedDay:
    """A whole day of this many calls: 12 hours at 100,000, fewer hours for fewer calls, so it is always as busy."""
    chance = random.Random(5)
    end = 12 * 3600.0 * calls / 100_000
    staff = []
    for number in range(agents):
        own = chance.sample(range(queues), SKILLS)
        skills = {f"s{skill}": chance.randint(10, 100) for skill in own}
        named = tuple(f"q{skill}" for skill in own)
        staff.append(AgentConfig(id=f"a{number:04d}", name=_label("a"), queues=named, skills=skills))
    kinds = tuple(
        Kind(
            id=f"k{number}",
            queue=f"q{number}",
            talk=Spread(mean=300.0),
            wrap=Spread(mean=60.0),
            patience=Spread(mean=180.0),
            answer=Spread(mean=3.0, sd=1.0),
            rates=((0.0, calls / queues / end * 3600.0),),
        )
        for number in range(queues)
    )
    scenario = Scenario(
        site=SiteConfig(
            queues=tuple(QueueConfig(id=f"q{n}", name=_label("q"), requires=f"s{n} >= 10") for n in range(queues)),
            agents=tuple(staff),
        ),
        kinds=kinds,
        shifts=tuple(Shift(agent=one.id, begin=0.0, end=end) for one in staff),
        end=end,
    )
    day = drawn(scenario, random.Random(1))
    centre = Centre(scenario, day)
    with collecting():
        wall, begin = time.perf_counter(), time.process_time()
        done = centre.run()
        seconds, wall = time.process_time() - begin, time.perf_counter() - wall
    return SimulatedDay(
        agents=agents,
        calls=len(day),
        steps=done.steps,
        seconds=seconds,
        wall=wall,
        occupancy=sum(done.busy) / sum(done.staffed),
    )


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`big`: the site of 1,000 queues; `growth`: ten queues, more and more agents."""

    machine: dict[str, object]
    python: str
    big: list[Taken]
    growth: list[Taken]
    day: SimulatedDay


def worlds(full: bool) -> Iterator[tuple[str, int, int, int, float, int]]:
    """The large site first, then growth."""
    for shape in SHAPES:
        for idle in IDLE:
            yield shape, 10_000, 10_000, 1_000, idle, 2_000 if full else 500
    for shape in SHAPES:
        for idle in IDLE:
            for size in SIZES:
                yield shape, size, size, 2 * SKILLS, idle, 1_000 if full else 300


def run(full: bool, say: Callable[[str], None]) -> Result:
    big, growth = [], []
    for shape, agents, waiting, queues, idle, rounds in worlds(full):
        taken = measure(shape, agents, waiting, queues, idle, rounds)
        (big if queues > 2 * SKILLS else growth).append(taken)
        gc.collect()
        say(f"{shape}, {agents} agents, {queues} queues, {idle:.0%} free")
    day = a_day(100_000 if full else 20_000)
    say(f"a day of {day.calls} calls: {day.seconds:.1f} s")
    return Result(machine=machine.describe(), python=sys.version.split()[0], big=big, growth=growth, day=day)


def main(argv: list[str]) -> int:
    from rich.console import Console

    from benchmarks import kernel_report

    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more of everything; renews docs/routing-benchmarks.md")
    parser.add_argument("--out", type=Path, help="where the JSON goes (default: the folder for temporary files)")
    got = parser.parse_args(argv)
    result = run(got.full, lambda text: print(text, file=sys.stderr, flush=True))
    kernel_report.show(result, Console(width=None if sys.stdout.isatty() else 160))
    out = got.out or Path(tempfile.gettempdir()) / "hollyhock-kernel.json"
    out.write_bytes(kernel_report.as_json(result))
    if got.full:
        kernel_report.publish(result)
    print(f"written to {kernel_report.PAGE if got.full else out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
