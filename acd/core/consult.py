"""Consult and conference: whom the agent may call in, and who has the customer when he goes.

Lives here: the colleague's part (he is reserved, rung, busy, free again without a wrap-up) and the contact that passes
to him. Not here: legs and bridges (`ctiserver.calls.parties`), whom a queue that is asked finds (`asking`). A colleague
who is asked has no contact: the thing in his hands has the id that the contact gets if the customer is handed to him.
Seconds: the queue's time to answer an offer, and the constants of offers; an outside number rings as long as any.
"""

from __future__ import annotations

from acd.core import agent as agents, contact as contacts, dial, outcomes, queue_rules, reservation
from acd.core.index import Index
from acd.core.routing import CONFIRM_WITHIN
from acd.core.transfer import LONGEST_PATH
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import Parted
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import OUTSIDE_PARTY, AgentId, ContactId
from ctiserver.model.routing import INTERNAL, MADE, VOICE
from ctiserver.model.talk import Conversation, Party, PartyState, Place, consulted, joined, live_leg, party
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.work import Agent, Contact, ContactState, Task, WorkItem, WorkKind
from ctiserver.model.world import Ctx, World

MOST = 8
"""Whom one agent may call in at the same time (our choice): a conference, not a rally."""

Command = cmd.ConsultCall | cmd.CompleteConsult | cmd.LeaveConference


def consult_key(agent: AgentId, item: ContactId) -> str:
    return f"acd.consult:{agent}:{item}"


# --- commands ---------------------------------------------------------------------------------------


def command(world: World, index: Index, item: Command, ctx: Ctx) -> Decision:
    """Raises CommandRejected."""
    conversation, contact = _talk(world, index, item)
    match item:
        case cmd.ConsultCall():
            return _ask(world, index, conversation, contact, item, ctx)
        case cmd.CompleteConsult():
            one = consulted(conversation)
            if one is None:
                raise CommandRejected(Rejection.NO_CONSULT)
            if one.state is not PartyState.CONSULTING or live_leg(conversation, one.agent) is None:
                raise CommandRejected(Rejection.CONSULT_RINGING)
            if one.number and joined(conversation):  # a colleague keeps the customer: put them together, and leave
                raise CommandRejected(Rejection.NOT_ALLOWED)
            return Decision(_passed(world, conversation, contact, one, ctx.now))
        case cmd.LeaveConference():
            if consulted(conversation) is not None:
                raise CommandRejected(Rejection.CONSULT_RUNNING)
            heir = _heir(conversation)
            if heir is None:
                raise CommandRejected(Rejection.NO_CONFERENCE)
            return Decision(_passed(world, conversation, contact, heir, ctx.now))


def _talk(world: World, index: Index, item: Command) -> tuple[Conversation, Contact]:
    """His own talk, with his leg up. Raises CommandRejected."""
    conversation = world.conversations.get(item.conversation)
    contact = index.live(item.conversation)
    if conversation is None or contact is None or conversation.cleared or contact.agent != item.agent:
        raise CommandRejected(Rejection.UNKNOWN_CALL)
    talking = contact.state is ContactState.CONNECTED and conversation.place is not Place.CALLING
    if not talking or conversation.agent != item.agent or live_leg(conversation, item.agent) is None:
        raise CommandRejected(Rejection.NOT_TALKING)
    return conversation, contact


def _ask(
    world: World, index: Index, conversation: Conversation, contact: Contact, item: cmd.ConsultCall, ctx: Ctx
) -> Decision:
    if [bool(whom) for whom in (item.to_agent, item.queue, item.number)].count(True) != 1:
        raise CommandRejected(Rejection.BAD_COMMAND, "exactly one of to_agent, queue, number")
    if contact.medium == INTERNAL:
        raise CommandRejected(Rejection.NOT_ALLOWED)
    if consulted(conversation) is not None:
        raise CommandRejected(Rejection.CONSULT_RUNNING)
    if joined(conversation) and conversation.place is not Place.TALKING:
        raise CommandRejected(Rejection.NOT_TALKING)
    if len(conversation.parties) >= MOST:
        raise CommandRejected(Rejection.TOO_MANY_PARTIES)
    leg = live_leg(conversation, item.agent)
    if leg is not None and leg.on_hold:
        raise CommandRejected(Rejection.HELD_ON_PHONE)
    if item.queue:
        return Decision((_queue_asked(world, index, conversation, item, ctx),))
    if item.number:
        return Decision(_outside_asked(world, conversation, item, ctx))
    _free(world, item)
    name = ctx.ids.contact()
    asked = ev.ConsultAsked(
        conversation=conversation.id,
        asked_by=item.agent,
        agent=item.to_agent,
        item=name,
        reservation=ctx.ids.reservation(),
        confirm_by=ctx.now + CONFIRM_WITHIN,
        at=ctx.now,
    )
    return Decision((asked,))


def _queue_asked(
    world: World, index: Index, conversation: Conversation, item: cmd.ConsultCall, ctx: Ctx
) -> ev.ConsultQueued:
    """Nobody is asked where no caller would be taken. Raises CommandRejected."""
    if item.queue not in world.queue_configs:
        raise CommandRejected(Rejection.UNKNOWN_TARGET, item.queue)
    if (refused := queue_rules.Rules(world, index, ctx).refuses(item.queue)) is not None:
        raise CommandRejected(Rejection.TARGET_CLOSED, refused.value)
    return ev.ConsultQueued(
        conversation=conversation.id,
        asked_by=item.agent,
        queue=item.queue,
        item=ctx.ids.contact(),
        deadline=ctx.now + contacts.queue_config(world, item.queue).max_wait_seconds,
        at=ctx.now,
    )


def _outside_asked(
    world: World, conversation: Conversation, item: cmd.ConsultCall, ctx: Ctx
) -> tuple[ev.Event, ...]:
    """By the rules of any outside call; there is no pop that he could be shown. Raises CommandRejected."""
    number = dial.outside_number(world, world.agents[item.agent], item.number, ctx.now)
    if party(conversation, OUTSIDE_PARTY) is not None:
        raise CommandRejected(Rejection.TOO_MANY_PARTIES)
    thing, deadline = ctx.ids.contact(), ctx.now + world.site.outbound.ring_seconds
    asked = ev.ConsultAsked(
        conversation=conversation.id,
        asked_by=item.agent,
        agent=OUTSIDE_PARTY,
        item=thing,
        reservation=ctx.ids.reservation(),
        confirm_by=deadline,
        at=ctx.now,
        number=number,
    )
    rung = ev.ConsultRing(
        conversation=conversation.id, agent=OUTSIDE_PARTY, item=thing, deadline=deadline, at=ctx.now
    )
    return asked, rung


def _free(world: World, item: cmd.ConsultCall) -> None:
    """Whether the colleague is there with nothing in his hands. One who is not ready may be asked: he is no stranger,
    and can say no. Raises CommandRejected."""
    found = world.agents.get(item.to_agent)
    if found is None or item.to_agent not in world.agent_configs or item.to_agent == item.agent:
        raise CommandRejected(Rejection.UNKNOWN_TARGET, item.to_agent)
    if not found.signed_in:
        raise CommandRejected(Rejection.TARGET_AWAY, item.to_agent)
    if not agents.has_room(found, VOICE, world.capacities.get(item.to_agent)):
        raise CommandRejected(Rejection.TARGET_BUSY, item.to_agent)
    if not agents.reachable(found):
        raise CommandRejected(Rejection.TARGET_UNREACHABLE, item.to_agent)


# --- who has the customer ---------------------------------------------------------------------------


def _heir(conversation: Conversation) -> Party | None:
    """Who keeps the customer when the agent leaves the conference: the first of those who are there, agents first."""
    there = [one for one in joined(conversation) if live_leg(conversation, one.agent) is not None]
    return next((one for one in there if not one.number), there[0] if there else None)


def _passed(world: World, conversation: Conversation, contact: Contact, to: Party, now: float) -> tuple[ev.Event, ...]:
    """The agent's contact was answered and ends; the other has a new one of the same conversation, as after a transfer.
    Whom the agent was consulting meanwhile is let go; by somebody outside everybody else, too (one may be lost just
    now, who would come back to nobody)."""
    agent = contact.agent or AgentId("")
    work = world.agents[agent].work.get(contact.id)
    asked = consulted(conversation)
    others = [one for one in conversation.parties if one is not to and (to.number or one is asked)]
    let_go = [ev.PartyLeft.of(conversation, one, Parted.OVER, now) for one in others]
    over = outcomes.caller_gone(world, contact, now)
    path = (*contact.path, f"consult:{agent}")[-LONGEST_PATH:]
    note = work.note if work is not None else ""
    leg = live_leg(conversation, to.agent)
    if to.number and leg is not None:
        outside = ev.PassedOutside(
            conversation=conversation.id,
            contact=contact.id,
            agent=agent,
            leg=leg.id,
            number=to.number,
            queue=contact.queue,
            note=note,
            data=dict(contact.data),
            path=path,
            at=now,
        )
        return (*let_go, outside, *over)
    passed = ev.ContactPassed(
        contact=to.item,
        conversation=conversation.id,
        queue=contact.queue,
        agent=to.agent,
        from_contact=contact.id,
        from_agent=agent,
        medium=contact.medium if contact.medium in MADE else VOICE,
        note=note,
        requires=contact.requires,
        priority=contact.priority,
        data=dict(contact.data),
        path=path,
        number=contact.number,
        customer=contact.customer,
        at=now,
    )
    return (*let_go, *over, passed)


def takeback_due(world: World, contact: Contact | None, now: float) -> tuple[ev.Event, ...]:
    """The lost agent did not come back. In a conference the customer stays with who is there."""
    conversation = world.conversations.get(contact.conversation) if contact is not None else None
    heir = _heir(conversation) if conversation is not None else None
    if contact is None or conversation is None or heir is None or contact.state is not ContactState.CONNECTED:
        return outcomes.takeback_due(world, contact, now)
    agent = contact.agent or AgentId("")
    item = world.agents[agent].work.get(contact.id)
    if item is None or not item.lost_at:
        return ()
    away = ev.AvailabilityChosen(agent=agent, ready=False, reason="device_lost", by="device_lost", at=now)
    return (away, *_passed(world, conversation, contact, heir, now))


def leg_lost(world: World, index: Index, event: ev.AgentLegLost, now: float) -> tuple[ev.Event, ...]:
    """He hung up in a conference: who is there keeps the customer."""
    contact, conversation = index.live(event.conversation), world.conversations.get(event.conversation)
    if not event.left or contact is None or conversation is None or contact.agent != event.agent:
        return ()
    heir = _heir(conversation)
    return _passed(world, conversation, contact, heir, now) if heir is not None else ()


# --- the colleague's part ---------------------------------------------------------------------------


def of(agent: Agent, conversation: str) -> WorkItem | None:
    """The consult of this conversation in his hands."""
    return next(
        (item for item in agent.work.values() if item.task is Task.CONSULT and item.conversation == conversation), None
    )


def confirmed(world: World, agent: Agent, item: cmd.ConfirmOffer, now: float) -> Decision | None:
    """His desktop has painted the pop: ring. None: what he confirms is no consult."""
    found = next(
        (work for work in agent.work.values() if work.task is Task.CONSULT and work.reservation == item.reservation),
        None,
    )
    if found is None:
        return None
    if found.leaving or found.kind is not WorkKind.RESERVED:
        raise CommandRejected(Rejection.UNKNOWN_OFFER)
    rung = _ring(world, agent, found, now)
    return Decision(rung) if rung else NOTHING


def _ring(world: World, agent: Agent, item: WorkItem, now: float) -> tuple[ev.Event, ...]:
    conversation = world.conversations.get(item.conversation)
    one = party(conversation, agent.id) if conversation is not None else None
    if conversation is None or one is None or one.state is not PartyState.ASKED:
        return ()
    contact = world.contacts.get(conversation.contact) if conversation.contact is not None else None
    seconds = contacts.queue_config(world, contact.queue).offer_seconds if contact is not None else 20.0
    return (
        ev.ConsultRing(
            conversation=conversation.id, agent=agent.id, item=item.contact, deadline=now + seconds, at=now
        ),
    )


def due(world: World, name: AgentId, thing: ContactId, now: float) -> tuple[ev.Event, ...]:
    """The pop was not confirmed, nobody answered, a lost leg did not come back, or the end of one was not seen."""
    agent = world.agents.get(name)
    item = agent.work.get(thing) if agent is not None else None
    if agent is None or item is None or item.task is not Task.CONSULT:
        return ()
    conversation = world.conversations.get(item.conversation)
    one = party(conversation, name) if conversation is not None else None
    if item.leaving or conversation is None or one is None:
        return (ev.WorkDropped(agent=name, contact=thing, at=now),)
    if one.state is PartyState.ASKED:
        return _ring(world, agent, item, now)
    return (ev.PartyLeft.of(conversation, one, Parted.MISSED if one.state is PartyState.RINGING else Parted.LOST, now),)


def leg_cleared(world: World, event: ev.ConnectionCleared, now: float) -> tuple[ev.Event, ...]:
    """The leg of one who is on his way out is gone: he is free."""
    agent = world.agents.get(event.agent) if event.agent is not None else None
    item = of(agent, event.conversation) if agent is not None else None
    if agent is None or item is None or not item.leaving or _has_leg(world, agent.id, item):
        return ()
    return (ev.WorkDropped(agent=agent.id, contact=item.contact, at=now),)


def _has_leg(world: World, agent: AgentId, item: WorkItem) -> bool:
    conversation = world.conversations.get(item.conversation)
    return conversation is not None and any(leg.agent == agent for leg in conversation.legs.values())


# --- apply ------------------------------------------------------------------------------------------


def apply(world: World, event: ev.ConsultAsked | ev.ConsultRing | ev.ConsultUp | ev.PartyLeft) -> None:
    """What it does to the colleague; the calls have applied it to the conversation before. One at an outside number is
    counted for him who asks."""
    if isinstance(event, ev.ConsultAsked) and event.number:
        dial.count(world, event.asked_by, event.at)
    agent = world.agents.get(event.agent)
    if agent is None:
        return
    if isinstance(event, ev.ConsultAsked):
        agent.work[event.item] = WorkItem(
            contact=event.item,
            conversation=event.conversation,
            kind=WorkKind.RESERVED,
            since=event.at,
            reservation=event.reservation,
            task=Task.CONSULT,
        )
        _until(world, event.agent, agent.work[event.item], event.confirm_by)
        return
    item = agent.work.get(event.item)
    if item is None:
        return
    match event:
        case ev.ConsultRing():
            _until(world, event.agent, item, event.deadline)
        case ev.ConsultUp():
            item.kind = WorkKind.BUSY
            item.since = event.at
            _until(world, event.agent, item, 0.0)
        case ev.PartyLeft() if _has_leg(world, event.agent, item):
            item.leaving = True
            item.lost_at = 0.0
            _until(world, event.agent, item, event.at + reservation.WITHDRAW_AFTER)
        case ev.PartyLeft():
            _until(world, event.agent, item, 0.0)
            del agent.work[event.item]
            agent.idle_since = event.at


def _until(world: World, agent: AgentId, item: WorkItem, at: float) -> None:
    item.until = at
    if at:
        world.deadlines.set(consult_key(agent, item.contact), at)
    else:
        world.deadlines.drop(consult_key(agent, item.contact))


def apply_lost(world: World, event: ev.AgentLegLost | ev.AgentLegBack) -> None:
    """The leg of one who was called in has vanished, or is back."""
    item = of(world.agents[event.agent], event.conversation)
    if item is None or item.leaving or item.kind is not WorkKind.BUSY:
        return
    if isinstance(event, ev.AgentLegBack):
        item.lost_at = 0.0
        _until(world, event.agent, item, 0.0)
    elif not item.lost_at:
        item.lost_at = event.at
        _until(world, event.agent, item, event.at + reservation.TAKE_BACK)


def apply_passed(world: World, event: ev.ContactPassed) -> None:
    world.contacts[event.contact] = Contact(
        id=event.contact,
        conversation=event.conversation,
        queue=event.queue,
        requires=event.requires,
        priority=event.priority,
        queued_at=event.at,
        entered_at=event.at,
        stepped_at=event.at,
        medium=event.medium,
        number=event.number,
        customer=event.customer,
        data=dict(event.data),
        path=event.path,
        state=ContactState.CONNECTED,
        agent=event.agent,
        connected_at=event.at,
    )
    agent = world.agents[event.agent]
    old = agent.work.get(event.contact)
    if old is not None:
        _until(world, event.agent, old, 0.0)
    agent.work[event.contact] = WorkItem(
        contact=event.contact,
        conversation=event.conversation,
        kind=WorkKind.BUSY,
        since=event.at,
        medium=event.medium,
    )
    agent.misses = 0
    agent.unreached = 0
    reservation.remember(world, world.contacts[event.contact], event.at)


def apply_dropped(world: World, event: ev.WorkDropped) -> None:
    world.deadlines.drop(consult_key(event.agent, event.contact))
