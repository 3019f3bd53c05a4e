"""The desk: what agents command, and the facts about their desktops.

Lives here: the decisions on commands, on links and restarts. Not here: calls (hold, hang up, swap), which are
the conversation core's; what is whose phone (`devices`). Limits below are our own choice; reasons and dispositions come
from the site.
"""

from __future__ import annotations

from acd.core import consult, contact as contacts, devices, dial, outcomes
from acd.core.index import Index
from acd.core.reservation import live
from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.errors import CommandRejected, InvariantBroken, Rejection
from ctiserver.model.ids import ContactId, is_seat
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.work import Agent, Task, WorkItem, WorkKind
from ctiserver.model.world import Ctx, World

NOTE_LENGTH = 4000
"""Characters of a note."""
EXTENSION = 30.0
"""Seconds that one extension adds to a wrap-up."""
EXTENSIONS = 10
"""Extensions of one wrap-up at most, so that no wrap-up lasts for ever."""


def command(world: World, index: Index, item: cmd.Command, ctx: Ctx) -> Decision:
    """Accepted (possibly with nothing to do, when it is so already) or CommandRejected."""
    now = ctx.now
    match item:
        case cmd.HoldCall() | cmd.RetrieveCall() | cmd.HangUpCall():
            return NOTHING
        case cmd.MonitorCall() | cmd.ChangeMonitor() | cmd.StopMonitor():
            return NOTHING
        case cmd.TakeOverCall() | cmd.DisconnectCall():
            return NOTHING
        case cmd.SwapCall() | cmd.CancelConsult() | cmd.ConferenceCall() | cmd.DropParty():
            return NOTHING
        case cmd.CloseQueue() | cmd.OpenQueue():
            return _switch(world, item, now)
        case cmd.BookCallback() | cmd.CancelCallback() | cmd.DismissLost() | cmd.TransferCall() | cmd.PickUpCall():
            raise InvariantBroken(f"{type(item).__name__} is decided elsewhere")
        case cmd.ConsultCall() | cmd.CompleteConsult() | cmd.LeaveConference():
            raise InvariantBroken(f"{type(item).__name__} is decided elsewhere")
        case cmd.ForceState() | cmd.PullContact() | cmd.PrioritiseContact() | cmd.SendMessage() | cmd.ReadNotice():
            raise InvariantBroken(f"{type(item).__name__} is decided elsewhere")
        case _:
            pass
    if is_seat(item.agent):
        return _seat(world, index, item, now)
    agent = world.agents.get(item.agent)
    if agent is None or (item.agent not in index.site_agents and not agent.signed_in):
        raise CommandRejected(Rejection.UNKNOWN_AGENT)
    if isinstance(item, devices.Command):
        return devices.command(world, index, agent, item, now)
    if isinstance(item, cmd.SignIn):
        return NOTHING if agent.signed_in else _sign_in(world, index, agent, now)
    if not agent.signed_in:
        raise CommandRejected(Rejection.NOT_SIGNED_IN)
    match item:
        case cmd.SignOut():
            if must_stay(agent):
                raise CommandRejected(Rejection.WORK_IN_PROGRESS)
            return _sign_out(agent, now)
        case cmd.MakeCall():
            return dial.make(world, agent, item, ctx)
        case cmd.SetReady() | cmd.SetNotReady():
            return _availability(world, agent, item, now)
        case cmd.ConfirmOffer():
            return _confirm(world, agent, item, now)
        case cmd.WriteNote():
            return Decision(_note(agent, _own(agent, item.contact), item.text, now))
        case cmd.FinishWrapUp():
            return _finish(world, agent, item, now)
        case cmd.ExtendWrapUp():
            return _extend(world, agent, item)


def _seat(world: World, index: Index, item: cmd.Command, now: float) -> Decision:
    """A user who takes no work may have a phone all the same: a page or a desk phone, by the same rules. No outside
    number: customers' talk is not carried out of the house to be listened to."""
    if not isinstance(item, devices.Command):
        raise CommandRejected(Rejection.UNKNOWN_AGENT)
    if isinstance(item, cmd.UseNumber):
        raise CommandRejected(Rejection.NOT_ALLOWED)
    agent = world.agents.get(item.agent) or Agent(id=item.agent)
    return devices.command(world, index, agent, item, now)


def _switch(world: World, item: cmd.CloseQueue | cmd.OpenQueue, now: float) -> Decision:
    """The emergency switch. Who may use it is the edge's to say."""
    if item.queue not in world.queue_configs:
        raise CommandRejected(Rejection.UNKNOWN_QUEUE)
    closed = isinstance(item, cmd.CloseQueue)
    if closed is (item.queue in world.closed_queues):
        return NOTHING
    reason = item.reason if isinstance(item, cmd.CloseQueue) else ""
    return Decision((ev.QueueSwitched(queue=item.queue, closed=closed, by=item.by, reason=reason, at=now),))


def must_stay(agent: Agent) -> bool:
    """Nobody leaves with work in his hands."""
    return bool(agent.work)


def _availability(world: World, agent: Agent, item: cmd.SetReady | cmd.SetNotReady, now: float) -> Decision:
    """While he works this is for afterwards: it shows at once and holds when the work is done."""
    if isinstance(item, cmd.SetReady):
        if agent.ready:
            return NOTHING
        if agent.device is None:
            raise CommandRejected(Rejection.NO_PHONE)
        reason = ""
    else:
        if all(known.id != item.reason for known in world.site.reasons):
            raise CommandRejected(Rejection.UNKNOWN_REASON)
        if not agent.ready and agent.reason == item.reason:
            return NOTHING
        reason = item.reason
    chosen = ev.AvailabilityChosen(agent=agent.id, ready=not reason, reason=reason, by=item.by, at=now)
    return Decision((chosen,))


def _sign_in(world: World, index: Index, agent: Agent, now: float) -> Decision:
    """His own desk phone, if he has one and nobody works with it, becomes his device."""
    own = devices.own_phone(world, index, agent, now)
    return Decision((ev.AgentSignedIn(agent=agent.id, at=now), *own))


def _sign_out(agent: Agent, now: float) -> Decision:
    """The phone is given back with the sign-out, so that the next page gets it without a question."""
    out = ev.AgentSignedOut(agent=agent.id, at=now)
    if agent.device is None:
        return Decision((out,))
    released = ev.DeviceReleased(agent=agent.id, lease=agent.device.lease, at=now)
    return Decision((out, released), devices.removal(agent.device))


def _confirm(world: World, agent: Agent, item: cmd.ConfirmOffer, now: float) -> Decision:
    rung = consult.confirmed(world, agent, item, now)
    if rung is not None:
        return rung
    reservation = world.reservations.get(item.reservation)
    offered = reservation.agents.get(agent.id) if reservation is not None else None
    if reservation is None or offered is None or not live(offered):
        raise CommandRejected(Rejection.UNKNOWN_OFFER)
    if offered.confirmed:
        return NOTHING
    confirmed = ev.OfferConfirmed(reservation=reservation.id, agent=agent.id, at=now)
    if offered.ringing:  # the ring did not wait for it
        return Decision((confirmed,))
    return Decision((confirmed, outcomes.ring(world, reservation, offered, now)))


def _own(agent: Agent, contact: ContactId) -> WorkItem:
    """His own talk or wrap-up."""
    item = agent.work.get(contact)
    if item is None or item.kind is WorkKind.RESERVED or item.task is not Task.CONTACT:
        raise CommandRejected(Rejection.UNKNOWN_CALL)
    return item


def _note(agent: Agent, item: WorkItem, text: str, now: float) -> tuple[ev.Event, ...]:
    if len(text) > NOTE_LENGTH:
        raise CommandRejected(Rejection.NOTE_TOO_LONG)
    if text == item.note:
        return ()
    return (ev.NoteWritten(agent=agent.id, contact=item.contact, conversation=item.conversation, text=text, at=now),)


def _finish(world: World, agent: Agent, item: cmd.FinishWrapUp, now: float) -> Decision:
    work = agent.work.get(item.contact)
    contact = world.contacts.get(item.contact)
    if work is None or work.kind is not WorkKind.WRAP_UP or contact is None:
        raise CommandRejected(Rejection.NOT_IN_WRAP_UP)
    events: list[ev.Event] = []
    if item.disposition:
        known = [d for d in world.site.dispositions if d.id == item.disposition]
        if not known or (known[0].queues and contact.queue not in known[0].queues):
            raise CommandRejected(Rejection.UNKNOWN_DISPOSITION)
        events.append(
            ev.DispositionSet(
                agent=agent.id,
                contact=item.contact,
                conversation=work.conversation,
                disposition=item.disposition,
                at=now,
            )
        )
    elif contact.end_reason is EndReason.ANSWERED and (
        contacts.queue_config(world, contact.queue).disposition_required
    ):
        raise CommandRejected(Rejection.DISPOSITION_REQUIRED)
    events.extend(_note(agent, work, item.note, now))
    events.append(ev.WrapUpEnded(agent=agent.id, contact=item.contact, how="done", at=now))
    reason = "" if item.ready else (agent.reason or "wrap_up")
    events.append(ev.AvailabilityChosen(agent=agent.id, ready=item.ready, reason=reason, by=item.by, at=now))
    return Decision(tuple(events))


def _extend(world: World, agent: Agent, item: cmd.ExtendWrapUp) -> Decision:
    work = agent.work.get(item.contact)
    contact = world.contacts.get(item.contact)
    if work is None or work.kind is not WorkKind.WRAP_UP or contact is None:
        raise CommandRejected(Rejection.NOT_IN_WRAP_UP)
    usual = outcomes.wrap_up_seconds(world, contact, agent.id)
    until = min(work.until + EXTENSION, work.since + usual + EXTENSION * EXTENSIONS)
    if until <= work.until:
        raise CommandRejected(Rejection.NOT_ALLOWED)
    return Decision((ev.WrapUpExtended(agent=agent.id, contact=item.contact, until=until),))


# --- facts ------------------------------------------------------------------------------------------


def link_changed(world: World, fact: facts.LinkChanged, now: float) -> tuple[ev.Event, ...]:
    agent = world.agents.get(fact.agent)
    links = max(0, fact.links)
    if agent is None or agent.links == links:
        return ()
    return (ev.DesktopLinkChanged(agent=agent.id, links=links, at=now),)


def server_started(world: World, now: float) -> tuple[ev.Event, ...]:
    """No desktop is linked to a server that has just come up; registrations live on in the switch."""
    return tuple(
        ev.DesktopLinkChanged(agent=agent.id, links=0, at=now) for agent in world.agents.values() if agent.links
    )
