"""What a lead does on the floor: forces a state, pulls or re-prioritises a waiting contact, sends a message.

Lives here: the decisions, and what their events change. Not here: who may do it to whom (`ctiserver.model.teams`, asked
at the edge), the end of a call (`ctiserver.calls`), skills and queues, which are the site's. Each accepted command that
changes anything is one `LeadActed`, whatever else it is.
"""

from __future__ import annotations

from acd.core import contact as contacts, devices, waiting
from acd.core.index import Index
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import AgentId, ContactId
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.work import Agent, Contact, ContactState, Notice, NoticeKind, WorkKind
from ctiserver.model.world import Ctx, World

PULL_SECONDS = 60.0
"""For so long a pulled contact is its agent's alone; then anybody may have it, he is still asked first (our choice)."""
MOST_NOTICES = 20
"""Unread notices of one agent; the oldest is forgotten first."""

COMMANDS = (cmd.ForceState, cmd.PullContact, cmd.PrioritiseContact, cmd.SendMessage, cmd.ReadNotice)
_KINDS = {
    cmd.Forced.READY: NoticeKind.READY,
    cmd.Forced.NOT_READY: NoticeKind.NOT_READY,
    cmd.Forced.SIGNED_OUT: NoticeKind.SIGNED_OUT,
}

LeadCommand = cmd.ForceState | cmd.PullContact | cmd.PrioritiseContact | cmd.SendMessage


def command(world: World, index: Index, item: LeadCommand | cmd.ReadNotice, ctx: Ctx) -> Decision:
    """Raises CommandRejected."""
    match item:
        case cmd.ForceState():
            return _force(world, item, ctx)
        case cmd.PullContact():
            return _pull(world, item, ctx.now)
        case cmd.PrioritiseContact():
            contact = _waiting(world, item.contact)
            if contact.priority == item.seconds:
                return NOTHING
            moved = ev.ContactPrioritised(contact=contact.id, priority=item.seconds, at=ctx.now)
            return Decision((_acted(item, ctx, contact=contact.id, detail=f"{item.seconds:g} s"), moved))
        case cmd.SendMessage():
            return _message(world, index, item, ctx)
        case cmd.ReadNotice():
            agent = world.agents.get(item.agent)
            if agent is None or all(notice.id != item.notice for notice in agent.notices):
                raise CommandRejected(Rejection.UNKNOWN_NOTICE)
            return Decision((ev.NoticeRead(agent=agent.id, notice=item.notice, at=ctx.now),))


def _force(world: World, item: cmd.ForceState, ctx: Ctx) -> Decision:
    agent = world.agents.get(item.agent)
    if agent is None:
        raise CommandRejected(Rejection.UNKNOWN_AGENT)
    if not agent.signed_in:
        raise CommandRejected(Rejection.NOT_SIGNED_IN)
    reason = item.reason if item.state is cmd.Forced.NOT_READY else ""
    if item.state is cmd.Forced.SIGNED_OUT:
        change = _sign_out(agent, ctx.now)
    else:
        ready = item.state is cmd.Forced.READY
        if ready and not agent.ready and agent.device is None:
            raise CommandRejected(Rejection.NO_PHONE)
        if not ready and all(known.id != reason for known in world.site.reasons):
            raise CommandRejected(Rejection.UNKNOWN_REASON)
        if (agent.ready, "" if ready else agent.reason) == (ready, reason):
            return NOTHING
        chosen = ev.AvailabilityChosen(agent=agent.id, ready=ready, reason=reason, by=item.by, at=ctx.now)
        change = Decision((chosen,))
    kind = _KINDS[item.state]
    acted = _acted(item, ctx, agent=agent.id, detail=" ".join(filter(None, (item.state.value, reason))))
    told = _told(agent.id, kind, item.by, reason, ctx)
    return Decision((acted, *change.events, told), change.effects)


def _sign_out(agent: Agent, now: float) -> Decision:
    """A call or an offer is never left behind; a wrap-up whose agent has gone home ends with him."""
    if any(work.kind is not WorkKind.WRAP_UP for work in agent.work.values()):
        raise CommandRejected(Rejection.WORK_IN_PROGRESS)
    over = tuple(ev.WrapUpEnded(agent=agent.id, contact=name, how="lead", at=now) for name in sorted(agent.work))
    out = ev.AgentSignedOut(agent=agent.id, at=now, why="lead")
    # Not ready first: the end of a wrap-up would make him free for the next call.
    away = (ev.AvailabilityChosen(agent=agent.id, ready=False, reason="", by="lead", at=now),) if over else ()
    if agent.device is None:
        return Decision((*away, *over, out))
    released = ev.DeviceReleased(agent=agent.id, lease=agent.device.lease, at=now)
    return Decision((*away, *over, out, released), devices.removal(agent.device))


def _waiting(world: World, name: ContactId) -> Contact:
    contact = world.contacts.get(name)
    if contact is None or contact.state in (ContactState.ENDED, ContactState.CONNECTED):
        raise CommandRejected(Rejection.NOT_WAITING)
    return contact


def _pull(world: World, item: cmd.PullContact, now: float) -> Decision:
    contact = _waiting(world, item.contact)
    if contact.state is not ContactState.WAITING:
        raise CommandRejected(Rejection.NOT_WAITING, contact.state.value)
    agent = world.agents.get(item.agent)
    if agent is None or item.agent not in world.agent_configs:
        raise CommandRejected(Rejection.UNKNOWN_AGENT)
    if not agent.signed_in:
        raise CommandRejected(Rejection.NOT_SIGNED_IN)
    asked = waiting.hard(contact, contacts.queue_config(world, contact.queue))
    if contact.only_agent is not None or not waiting.may_have(world, agent.id, contact.queue, asked):
        raise CommandRejected(Rejection.CANNOT_SERVE)
    acted = ev.LeadActed(by=item.by, what="PullContact", agent=agent.id, contact=contact.id, at=now)
    pulled = ev.ContactPulled(contact=contact.id, agent=agent.id, until=now + PULL_SECONDS, at=now)
    return Decision((acted, pulled))


def _message(world: World, index: Index, item: cmd.SendMessage, ctx: Ctx) -> Decision:
    """To those named who are signed in; nobody named: a mistake, since the edge knows who 'all' are."""
    if not item.text.strip() or not item.agents:
        raise CommandRejected(Rejection.BAD_COMMAND, "nobody, or nothing to say")
    if any(name not in index.site_agents for name in item.agents):
        raise CommandRejected(Rejection.UNKNOWN_AGENT)
    here = [name for name in dict.fromkeys(item.agents) if world.agents[name].signed_in]
    if not here:
        raise CommandRejected(Rejection.NOT_SIGNED_IN)
    one = here[0] if len(here) == 1 else None
    acted = _acted(item, ctx, agent=one, detail=f"{len(here)}: {item.text.strip()}"[:200])
    text = item.text.strip()
    return Decision((acted, *(_told(name, NoticeKind.MESSAGE, item.by, text, ctx) for name in here)))


def _told(agent: AgentId, kind: NoticeKind, by: str, text: str, ctx: Ctx) -> ev.AgentTold:
    notice = Notice(id=ctx.ids.notice(), kind=kind, by=by, text=text, at=ctx.now)
    return ev.AgentTold(agent=agent, notice=notice, at=ctx.now)


def _acted(
    item: LeadCommand,
    ctx: Ctx,
    *,
    agent: AgentId | None = None,
    contact: ContactId | None = None,
    detail: str = "",
) -> ev.LeadActed:
    return ev.LeadActed(by=item.by, what=type(item).__name__, agent=agent, contact=contact, detail=detail, at=ctx.now)


# --- apply --------------------------------------------------------------------------------------------


def told(index: Index, world: World, event: ev.AgentTold | ev.NoticeRead) -> None:
    """The last notices that he has not acknowledged."""
    agent = world.agents.get(event.agent)
    if agent is None:
        return
    if isinstance(event, ev.AgentTold):
        agent.notices = [*agent.notices[1 - MOST_NOTICES :], event.notice]
    else:
        agent.notices = [notice for notice in agent.notices if notice.id != event.notice]


def moved(index: Index, world: World, event: ev.ContactPulled | ev.ContactPrioritised) -> None:
    """Where the contact ranks from now on, and for whom it is kept."""
    contact = world.contacts.get(event.contact)
    if contact is None:
        return
    if isinstance(event, ev.ContactPulled):
        contact.prefer, contact.prefer_until, contact.head = event.agent, event.until, True
        if contact.avoid.pop(event.agent, None) is not None:
            world.deadlines.drop(contacts.avoid_key(contact.id, event.agent))
        waiting.arm(world, contact)
    else:
        contact.priority = event.priority
    index.contact_changed(contact.id, contact)
