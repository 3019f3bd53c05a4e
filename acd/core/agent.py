"""Agents: what follows from the three stored facts availability, work and reachability (DESIGN section 4).

Lives here: derived state, eligibility, and the changes that concern an agent alone. Not here: whatever moves
an agent and a contact together (`reservation`), commands (`desk`). LOST_AFTER is DESIGN section 4's 15 s.
"""

from __future__ import annotations

from collections.abc import Mapping

from acd.core.rank.least_occupied import later
from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId
from ctiserver.model.routing import CALLBACK, INTERNAL, OUTBOUND, VOICE, CapacityConfig
from ctiserver.model.work import Agent, AgentState, Device, DeviceKind, agent_state
from ctiserver.model.world import World

LOST_AFTER = 15.0
"""Seconds that a ready agent may be unreachable before he is set not ready."""

Capacity = Mapping[str, CapacityConfig]
"""Medium -> how much of it at once; a medium that is not named: ONE_ALONE."""
ONE_ALONE = CapacityConfig()
SPOKEN = (VOICE, CALLBACK, OUTBOUND, INTERNAL)
"""Media for which his phone must ring."""
WORKING = (AgentState.RESERVED, AgentState.BUSY, AgentState.WRAP_UP)
"""What counts as work in an agent's occupancy."""

ELIGIBLE = "eligible"
"""The status of an agent who may get a voice contact; every other status is a reason why not."""


def lost_key(agent: AgentId) -> str:
    return f"acd.lost:{agent}"


def gone_key(agent: AgentId) -> str:
    return f"acd.gone:{agent}"


def is_gone(world: World, agent: Agent) -> bool:
    """He is no agent of the site any more, and nothing keeps him: the work he was in is done."""
    return agent.signed_in and not agent.work and agent.id not in world.agent_configs


def reachable(agent: Agent) -> bool:
    """His phone can be rung (a page's softphone is registered, the switch has a contact), and a desktop is linked."""
    device = agent.device
    return device is not None and device.registered and device.contact and agent.links >= 1


def reached(agent: Agent, medium: str) -> bool:
    """Whether an offer of this medium can get to him: a spoken one rings his phone, others need his desktop only."""
    return reachable(agent) if medium in SPOKEN else agent.links >= 1


state = agent_state
"""The derived CSTA agent state; its one definition is beside the data."""


_AT_WORK = {AgentState.BUSY: "busy", AgentState.RESERVED: "reserved", AgentState.WRAP_UP: "wrap_up"}


def status(agent: Agent, medium: str = VOICE, capacity: Capacity | None = None) -> str:
    """ELIGIBLE, or the first reason why the agent gets no contact of this medium now: the words of `Why.excluded`."""
    if not agent.signed_in:
        return "signed_out"
    if agent.work and not has_room(agent, medium, capacity):
        return _AT_WORK[state(agent)]
    if not agent.ready:
        return "not_ready"
    return ELIGIBLE if reached(agent, medium) else "unreachable"


def eligible(agent: Agent, medium: str = VOICE, capacity: Capacity | None = None) -> bool:
    return status(agent, medium, capacity) == ELIGIBLE


def has_room(agent: Agent, medium: str, capacity: Capacity | None = None) -> bool:
    """Whether everything in his hands allows an item of this medium beside it, and its own medium has room (oracles
    CC-1 to CC-7)."""
    capacity = capacity or {}
    same = 0
    for item in agent.work.values():
        if item.medium in SPOKEN and medium in SPOKEN:
            return False  # he has one phone
        if item.medium == medium:
            same += 1
        elif capacity.get(item.medium, ONE_ALONE).alone:
            return False
    return same < capacity.get(medium, ONE_ALONE).max


def apply(world: World, event: ev.AgentEvent) -> None:
    """Events of one agent. Wrap-up belongs to `reservation`, notes and dispositions to the journal's readers."""
    agent = world.agents.get(event.agent)
    if agent is None:
        return
    match event:
        case ev.AgentSignedIn():
            agent.signed_in = True
            agent.ready = False
            agent.reason = ""
            agent.chosen_by = ""
            agent.misses = 0
            agent.unreached = 0
            agent.handled_today = 0
            agent.tallies = {}
            agent.signed_in_at = event.at
            agent.idle_since = event.at
        case ev.AgentSignedOut():
            agent.signed_in = False
            agent.ready = False
            agent.reason = ""
            agent.chosen_by = ""
            agent.since = event.at
        case ev.AvailabilityChosen():
            if (agent.ready, agent.reason) != (event.ready, event.reason) and not agent.work:
                agent.since = event.at
            agent.ready = event.ready
            agent.reason = event.reason
            agent.chosen_by = event.by
            if event.ready:
                agent.misses = 0
                agent.unreached = 0
        case ev.DeviceTaken():
            _take(agent, event)
        case ev.DeviceReady():
            if agent.device is not None and agent.device.lease == event.lease:
                agent.device.registered = True
                agent.device.instance = event.instance
                agent.unreached = 0
        case ev.DeviceContactChanged():
            if agent.device is not None and agent.device.endpoint == event.endpoint:
                agent.device.contact = event.present
        case ev.DeviceReleased():
            if agent.device is not None and agent.device.lease == event.lease:
                agent.device = None
        case ev.DesktopLinkChanged():
            agent.links = event.links
        case ev.NoteWritten():
            item = agent.work.get(event.contact)
            if item is not None:
                item.note = event.text
        case ev.WrapUpStarted() | ev.WrapUpExtended() | ev.WrapUpEnded() | ev.DispositionSet():
            pass


def _take(agent: Agent, event: ev.DeviceTaken) -> None:
    """The same lease on a new page load keeps its endpoint and contact; its softphone registers anew."""
    if agent.device is not None and agent.device.lease == event.lease:
        agent.device.instance = event.instance
        agent.device.registered = False
        return
    agent.device = Device(
        lease=event.lease,
        endpoint=event.endpoint,
        instance=event.instance,
        registered=event.kind is not DeviceKind.BROWSER,
        contact=event.contact,
        since=event.at,
        kind=event.kind,
    )


def settle(world: World, agent: Agent, before: AgentState, at: float) -> None:
    """After any change: since when he is in his derived state, and the deadline of a ready agent out of reach."""
    now = state(agent)
    if now is not before:
        agent.since = at
        if (was := before in WORKING) is not (now in WORKING):
            agent.occupancy = later(agent.occupancy, at - agent.occupancy_at, working=was)
            agent.occupancy_at = at
    key = lost_key(agent.id)
    if agent.signed_in and agent.ready and not reachable(agent):
        if world.deadlines.get(key) is None:
            world.deadlines.set(key, at + LOST_AFTER)
    else:
        world.deadlines.drop(key)
    if is_gone(world, agent):
        world.deadlines.set(gone_key(agent.id), at)
    else:
        world.deadlines.drop(gone_key(agent.id))


def gone(world: World, name: AgentId, now: float) -> tuple[ev.Event, ...]:
    """His phone stays his: should he be an agent again, he only signs in."""
    agent = world.agents.get(name)
    return (ev.AgentSignedOut(agent=name, at=now),) if agent is not None and is_gone(world, agent) else ()


def lost(world: World, name: AgentId, now: float) -> tuple[ev.Event, ...]:
    """The deadline of an agent out of reach has passed."""
    agent = world.agents.get(name)
    if agent is None or not agent.signed_in or not agent.ready or reachable(agent):
        return ()
    return (ev.AvailabilityChosen(agent=name, ready=False, reason="device_lost", by="device_lost", at=now),)
