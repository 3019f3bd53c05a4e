"""Waiting: what a waiting contact asks of an agent at this moment, and the deadlines that change it.

Lives here: relaxation steps, the delays of groups, the time for which a preferred agent alone may have it, and which
clocks run at all. Not here: what the caller is told meanwhile (`comfort`), who has it in the end (`routing`), how it
came into the queue (`entry`). All of a contact's waiting clocks run on while it is offered to somebody: only an answer
ends them (oracle RC-4).
"""

from __future__ import annotations

from collections.abc import Iterator

from acd.core import agent as agents, comfort
from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId, ContactId, QueueId
from ctiserver.model.requirement import Requirement, fits, joined
from ctiserver.model.routing import VOICE, StepConfig
from ctiserver.model.site import AgentConfig, QueueConfig
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import World

LOOK_AGAIN = 5.0
"""Seconds after which a step that ends by the predicted wait, and an overflow that nobody took, are looked at again
(our choice)."""


def step_key(contact: ContactId) -> str:
    return f"acd.step:{contact}"


def load_key(contact: ContactId) -> str:
    return f"acd.load:{contact}"


def over_key(contact: ContactId) -> str:
    return f"acd.over:{contact}"


def open_key(contact: ContactId) -> str:
    return f"acd.open:{contact}"


def prefer_key(contact: ContactId) -> str:
    return f"acd.prefer:{contact}"


# --- what it asks for now -----------------------------------------------------------------------------


def steps(contact: Contact, queue: QueueConfig) -> tuple[StepConfig, ...]:
    return contact.steps or queue.steps


def step(contact: Contact, queue: QueueConfig) -> StepConfig | None:
    """The step in force; None when it has none (any more)."""
    all_steps = steps(contact, queue)
    return all_steps[contact.step] if contact.step < len(all_steps) else None


def hard(contact: Contact, queue: QueueConfig) -> Requirement:
    """What is asked for whatever the step."""
    return joined(queue.requires, contact.requires)


def requirement(contact: Contact, queue: QueueConfig) -> Requirement:
    """What is asked for now."""
    now = step(contact, queue)
    return joined(queue.requires, contact.requires, now.requires) if now is not None else hard(contact, queue)


def alone(contact: Contact) -> AgentId | None:
    """The preferred agent while nobody else may have the contact."""
    return contact.prefer if contact.prefer_until else None


def admits(world: World, config: AgentConfig, contact: Contact) -> bool:
    """Whether the agent may have the contact as things stand: the named one, or one who serves the queue, whose group's
    delay is over and whose skills meet the requirement of the step in force."""
    if contact.only_agent is not None:
        return contact.only_agent == config.id
    queue = world.queue_configs.get(contact.queue)
    serves = world.serves.get(AgentId(config.id), {}).get(contact.queue)
    if queue is None or serves is None:
        return False
    if contact.prefer_until:
        return contact.prefer == config.id and fits(config.skills, hard(contact, queue))
    return serves.delay_seconds <= contact.opened and fits(config.skills, requirement(contact, queue))


# --- deadlines ----------------------------------------------------------------------------------------


def wanted(world: World, contact: Contact) -> Iterator[tuple[str, float]]:
    """The waiting clocks of a contact and when each is due by the configuration of now."""
    queue = world.queue_configs.get(contact.queue)
    if queue is None or contact.state not in (ContactState.WAITING, ContactState.RESERVED):
        return
    now = step(contact, queue)
    if now is not None and now.for_seconds:
        yield step_key(contact.id), contact.stepped_at + now.for_seconds
    if now is not None and now.wait_over_seconds:
        yield load_key(contact.id), world.now + LOOK_AGAIN
    delay = next((delay for delay in world.delays.get(contact.queue, ()) if delay > contact.opened), None)
    if delay is not None:
        yield open_key(contact.id), contact.entered_at + delay
    if contact.prefer_until:
        yield prefer_key(contact.id), contact.prefer_until
    said = comfort.next_at(contact, queue)
    if said is not None:
        yield comfort.key(contact.id), said
    over = overflow_at(contact, queue, contact.entered_at)
    if over is not None:
        yield over_key(contact.id), over


def overflow_at(contact: Contact, queue: QueueConfig, since: float) -> float | None:
    """When the contact may next go to another queue because it has waited long: after `since`, at the next rule's time;
    a rule whose time has come but that no queue took is tried again."""
    times = [contact.entered_at + rule.after_seconds for rule in queue.overflow if rule.after_seconds > 0]
    if not times or contact.only_agent is not None or contact.medium != VOICE or contact.connected_at:
        return None
    again = [since + LOOK_AGAIN] if min(times) <= since else []
    return min([*again, *(at for at in times if at > since)])


def arm(world: World, contact: Contact) -> None:
    """Set the clocks to what they ought to be, drop those that have no cause any more. Those that look again
    and again run on as they do."""
    due = dict(wanted(world, contact))
    for key in _keys(contact.id):
        running = world.deadlines.get(key)
        if key not in due:
            world.deadlines.drop(key)
        elif running is None or (running != due[key] and key not in (load_key(contact.id), over_key(contact.id))):
            world.deadlines.set(key, due[key])


def arm_new(world: World, contact: Contact) -> None:
    """The same for a contact that has just been made: none of its clocks runs yet."""
    for key, due in wanted(world, contact):
        world.deadlines.set(key, due)


def look_again(world: World, contact: Contact, kind: str, now: float) -> None:
    """A clock that looks more than once (`kind`: of load_key or over_key) was due: set it to when it looks next."""
    queue = world.queue_configs.get(contact.queue)
    if queue is None or contact.state not in (ContactState.WAITING, ContactState.RESERVED):
        return
    if kind == "acd.load":
        arm(world, contact)
    elif (at := overflow_at(contact, queue, now)) is not None:
        world.deadlines.set(over_key(contact.id), at)


def drop(world: World, contact: Contact) -> None:
    for key in _keys(contact.id):
        world.deadlines.drop(key)


def _keys(made: ContactId) -> tuple[str, ...]:
    return step_key(made), load_key(made), open_key(made), prefer_key(made), over_key(made), comfort.key(made)


# --- decisions ----------------------------------------------------------------------------------------


def step_due(contact: Contact | None, why: str, now: float) -> tuple[ev.Event, ...]:
    if contact is None or contact.state not in (ContactState.WAITING, ContactState.RESERVED):
        return ()
    return (ev.ContactStepped(contact=contact.id, step=contact.step + 1, why=why, at=now),)


def open_due(world: World, contact: Contact | None, now: float) -> tuple[ev.Event, ...]:
    if contact is None or contact.state not in (ContactState.WAITING, ContactState.RESERVED):
        return ()
    delay = next((delay for delay in world.delays.get(contact.queue, ()) if delay > contact.opened), None)
    return (ev.ContactOpened(contact=contact.id, delay=delay, at=now),) if delay is not None else ()


def prefer_due(contact: Contact | None, now: float) -> tuple[ev.Event, ...]:
    if contact is None or not contact.prefer_until:
        return ()
    return (ev.PreferenceEnded(contact=contact.id, at=now),)


def pointless(world: World, contact: Contact, now: float) -> tuple[ev.Event, ...]:
    """After a change of the site: nobody waits alone for one who can no longer have it."""
    queue = world.queue_configs.get(contact.queue)
    if queue is None or contact.prefer is None or not contact.prefer_until:
        return ()
    return () if may_have(world, contact.prefer, contact.queue, hard(contact, queue)) else prefer_due(contact, now)


def may_have(world: World, agent: AgentId, queue: QueueId, asked: Requirement) -> bool:
    """Whether this agent, who is signed in, may ever have a contact of the queue that asks for this."""
    config, live = world.agent_configs.get(agent), world.agents.get(agent)
    if config is None or live is None or queue not in world.serves.get(agent, {}):
        return False
    return live.signed_in and fits(config.skills, asked)


def preference_holds(world: World, agent: AgentId, queue: QueueId, asked: Requirement) -> bool:
    """Whether it makes sense that a caller begins to wait for this agent alone: he may have the call and, as far as we
    see, can be rung when he is free."""
    return may_have(world, agent, queue, asked) and agents.status(world.agents[agent]) != "unreachable"


# --- apply --------------------------------------------------------------------------------------------


def apply(world: World, event: ev.ContactStepped | ev.ContactOpened | ev.PreferenceEnded) -> None:
    contact = world.contacts.get(event.contact)
    if contact is None:
        return
    match event:
        case ev.ContactStepped():
            contact.step = event.step
            contact.stepped_at = event.at
            world.deadlines.drop(step_key(contact.id))
            world.deadlines.drop(load_key(contact.id))
        case ev.ContactOpened():
            contact.opened = event.delay
            world.deadlines.drop(open_key(contact.id))
        case ev.PreferenceEnded():
            contact.prefer_until = 0.0
            world.deadlines.drop(prefer_key(contact.id))
    arm(world, contact)
