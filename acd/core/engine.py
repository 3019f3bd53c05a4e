"""The ACD core: agents, contacts, reservations, and who is offered what (ctiserver.model.turns.Core).

Lives here: which function decides on which item, which one applies which event, and keeping the index in step.
Not here: any rule; those are in `agent`, `contact`, `reservation`, `outcomes`, `desk`, `devices` and `routing`.

`decide` works in two steps: what follows from the item itself, then a matching pass over what the item may have
changed. An event is decided on after all events of its decision are applied, so a pass looks at the world as it is.
"""

from __future__ import annotations

from acd.core import agent as agents
from acd.core import contact as contacts
from acd.core import desk, devices, outcomes, repair, reservation
from acd.core.index import Index
from acd.core.routing import Pass
from ctiserver.model import commands as cmd
from ctiserver.model import events as ev
from ctiserver.model import facts
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ContactId, ConversationId, ReservationId
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.work import Agent, Contact, ContactState
from ctiserver.model.world import Ctx, World


class Acd:
    """The core. It owns no state: `index` is derived, and `rebuild` makes it anew (after recovery)."""

    def __init__(self, world: World | None = None) -> None:
        self.index = Index(world if world is not None else World())

    def rebuild(self, world: World) -> None:
        """Derive the index from the world: needed whenever the world was not changed through `apply`."""
        self.index = Index(world)

    # --- decide -------------------------------------------------------------------------------------

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        if isinstance(item, cmd.Command):
            return desk.command(world, self.index, item, ctx.now)
        if isinstance(item, facts.FaultsFound):
            return repair.decide(world, self.index, item, ctx.now)
        phones = devices.site_changed(world, ctx.now) if isinstance(item, ev.SiteChanged) else NOTHING
        events = (*phones.events, *self._follows(world, item, ctx))
        matched = self._match(world, item, ctx)
        return Decision((*events, *matched), phones.effects) if events or matched or phones.effects else NOTHING

    def _follows(self, world: World, item: Item, ctx: Ctx) -> tuple[ev.Event, ...]:
        now = ctx.now
        match item:
            case facts.LinkChanged():
                return desk.link_changed(world, item, now)
            case facts.DeviceContact():
                return devices.contact_changed(world, self.index, item, now)
            case facts.SwitchSeen():
                return devices.switch_seen(world, self.index, item, now)
            case facts.ServerStarted():
                return desk.server_started(world, now)
            case ev.QueueAsked():
                live = self._live(world, item.conversation)
                return contacts.asked(world, item, live, self.index.waiting.get(item.queue, 0), ctx)
            case ev.AgentLegUp():
                return outcomes.leg_up(world, item, now)
            case ev.AgentLegFailed():
                return outcomes.leg_failed(world, item, now)
            case ev.ConnectionCleared():
                held = world.reservations.get(self.index.reservation_of_leg.get(item.leg, ReservationId("")))
                return outcomes.close_if_done(held) if held is not None else ()
            case ev.CallCleared() | ev.ConversationForgotten():
                contact = self._live(world, item.conversation)
                return outcomes.caller_gone(world, contact, now) if contact is not None else ()
            case ev.CallerAway():
                contact = self._live(world, item.conversation)
                return outcomes.caller_away(world, contact, now) if contact is not None else ()
            case ev.DeviceTaken():  # whatever rings for him rings elsewhere
                agent = world.agents.get(item.agent)
                return outcomes.out_of_reach(world, agent, now) if agent is not None else ()
            case (
                ev.DeviceReady()
                | ev.DeviceReleased()
                | ev.DeviceContactChanged()
                | ev.DesktopLinkChanged()
            ):
                agent = world.agents.get(item.agent)
                return outcomes.out_of_reach(world, agent, now) if agent and not agents.reachable(agent) else ()
            case ev.ContactRequeued() | ev.SiteChanged():
                return self._closed_queues(world, item, now)
            case ev.DeadlinePassed():
                return self._due(world, item.key, now)
            case _:
                return ()

    def _due(self, world: World, key: str, now: float) -> tuple[ev.Event, ...]:
        kind, _, rest = key.partition(":")
        name = ReservationId(rest)
        contact = world.contacts.get(ContactId(rest))
        match kind:
            case "acd.confirm":
                return outcomes.confirm_due(world, name, now)
            case "acd.offer":
                return outcomes.offer_due(world, name, now)
            case "acd.withdraw":
                held = world.reservations.get(name)
                return outcomes.close_if_done(held) if held is not None else ()
            case "acd.maxwait":
                return outcomes.wait_due(world, contact, now)
            case "acd.takeback":
                return outcomes.takeback_due(world, contact, now)
            case "acd.lost":
                return agents.lost(world, AgentId(rest), now)
            case "acd.wrap":
                agent, _, wrapped = rest.partition(":")
                return outcomes.wrap_due(world, AgentId(agent), ContactId(wrapped), now)
            case _:
                return ()

    def _closed_queues(
        self, world: World, item: ev.ContactRequeued | ev.SiteChanged, now: float
    ) -> tuple[ev.Event, ...]:
        """Nobody waits in a queue that is no longer there."""
        names = [item.contact] if isinstance(item, ev.ContactRequeued) else list(world.contacts)
        events: list[ev.Event] = []
        for name in names:
            contact = world.contacts.get(name)
            if contact is None or contact.state is not ContactState.WAITING:
                continue
            if not contacts.has_queue(world, contact.queue):
                events.extend(contacts.left(contact, EndReason.CLOSED, now))
        return tuple(events)

    def _live(self, world: World, conversation: ConversationId) -> Contact | None:
        """The conversation's contact that has not ended."""
        return world.contacts.get(self.index.contact_of.get(conversation, ContactId("")))

    # --- match --------------------------------------------------------------------------------------

    def _match(self, world: World, item: Item, ctx: Ctx) -> tuple[ev.Event, ...]:
        """Offer what the item may have made possible."""
        if not world.switch_up:
            return ()
        found = Pass(world, self.index, ctx)
        match item:
            case ev.ContactQueued() | ev.ContactRequeued():
                found.contact(item.contact)
            case (
                ev.AvailabilityChosen()
                | ev.DeviceReady()
                | ev.DeviceContactChanged()
                | ev.DesktopLinkChanged()
                | ev.WrapUpEnded()
                | ev.OfferMissed()
                | ev.OfferRejected()
                | ev.OfferUnreachable()
                | ev.OfferWithdrawn()
                | ev.AgentLegFailed()
                | ev.WorkDropped()
            ):
                found.agent(item.agent)
            case ev.ConnectionCleared() if item.agent is not None:
                found.agent(item.agent)
            case ev.CallerReturned():
                returned = self._live(world, item.conversation)
                if returned is not None:
                    found.contact(returned.id)
            case ev.SiteChanged() | ev.IndexRebuilt():
                found.everything()
            case ev.SwitchLinkChanged() if item.up:
                found.everything()  # while the switch was away nobody could be rung
            case ev.DeadlinePassed():
                kind, _, rest = item.key.partition(":")
                if kind == "acd.avoid":
                    found.contact(ContactId(rest.partition(":")[0]))
                elif kind == "acd.withdraw":
                    held = world.reservations.get(ReservationId(rest))
                    for name in held.agents if held is not None else ():
                        found.agent(name)
            case _:
                pass
        return tuple(found.events)

    # --- apply --------------------------------------------------------------------------------------

    def apply(self, world: World, event: ev.Event) -> None:
        match event:
            case ev.CallerAway() | ev.CallerReturned():
                contact = self._live(world, event.conversation)
                if contact is not None:
                    contact.away = isinstance(event, ev.CallerAway)
            case ev.DeskPhoneChanged():
                if event.present:
                    world.desk_phones[event.phone] = event.at
                else:
                    world.desk_phones.pop(event.phone, None)
            case ev.SiteChanged():
                world.site = event.site
                for config in event.site.agents:
                    world.agents.setdefault(AgentId(config.id), Agent(id=AgentId(config.id)))
                self.rebuild(world)
            case ev.DeadlinePassed():
                world.deadlines.drop(event.key)
                self._apply_due(world, event)
            case ev.ContactQueued():
                contacts.apply_queued(world, event)
                self._contact(world, event.contact)
            case ev.OfferMade():
                reservation.offer_made(world, event)
                self._contact(world, event.contact)
                for name in event.agents:
                    self._agent(world, name, event.at)
            case ev.Originated():
                if event.reservation is not None and event.reservation in world.reservations:
                    reservation.ring_changed(world, event)
                    self.index.reservation_of_leg[event.leg] = event.reservation
            case ev.OfferConfirmed() | ev.RingAsked() | ev.RingCancelled():
                reservation.ring_changed(world, event)
            case ev.OfferMissed() | ev.OfferRejected() | ev.OfferUnreachable() | ev.OfferWithdrawn():
                reservation.offer_ended(world, event)
                self._agent(world, event.agent, event.at)
            case ev.AgentLegFailed():
                reservation.leg_gone(world, event, event.reservation)
                self._agent(world, event.agent, event.at)
            case ev.ConnectionCleared():
                reservation.leg_gone(world, event, self.index.reservation_of_leg.get(event.leg))
                if event.agent is not None:
                    self._agent(world, event.agent, event.at)
            case ev.ReservationClosed():
                held = world.reservations.get(event.reservation)
                for offered in held.agents.values() if held is not None else ():
                    if offered.leg is not None:
                        self.index.reservation_of_leg.pop(offered.leg, None)
                reservation.closed(world, event)
            case ev.ContactRequeued():
                talked = world.contacts[event.contact].agent
                reservation.requeued(world, event)
                self._contact(world, event.contact)
                if talked is not None:
                    self._agent(world, talked, event.at)
            case ev.ContactConnected():
                reservation.connected(world, event)
                self._contact(world, event.contact)
                self._agent(world, event.agent, event.at)
            case ev.AgentLegLost() | ev.AgentLegBack():
                reservation.leg_lost(world, event, self._live(world, event.conversation))
            case ev.ContactEnded():
                reservation.ended(world, event)
                self.index.forget_conversation(event.conversation, event.contact)
                self._contact(world, event.contact)
            case ev.WrapUpStarted() | ev.WrapUpExtended() | ev.WrapUpEnded():
                reservation.wrap_up(world, event)
                if not isinstance(event, ev.WrapUpExtended):
                    self._agent(world, event.agent, event.at)
            case (
                ev.AgentSignedIn()
                | ev.AgentSignedOut()
                | ev.AvailabilityChosen()
                | ev.DeviceTaken()
                | ev.DeviceReady()
                | ev.DeviceContactChanged()
                | ev.DeviceReleased()
                | ev.DesktopLinkChanged()
                | ev.NoteWritten()
                | ev.DispositionSet()
            ):
                agents.apply(world, event)
                self._agent(world, event.agent, event.at)
            case (
                ev.FaultFound() | ev.DeadlineMended() | ev.WorkDropped() | ev.ContactForgotten() | ev.IndexRebuilt()
            ):
                self._apply_repair(world, event)
            case _:
                pass

    def _apply_repair(self, world: World, event: ev.AuditEvent) -> None:
        match event:
            case ev.DeadlineMended():
                if event.due is None:
                    world.deadlines.drop(event.key)
                else:
                    world.deadlines.set(event.key, event.due)
            case ev.WorkDropped():
                reservation.dropped(world, event)
                self._agent(world, event.agent, event.at)
            case ev.ContactForgotten():
                world.contacts.pop(event.contact, None)
                self._contact(world, event.contact)
            case ev.IndexRebuilt():
                self.rebuild(world)
            case ev.FaultFound():
                pass

    def _apply_due(self, world: World, event: ev.DeadlinePassed) -> None:
        kind, _, rest = event.key.partition(":")
        if kind == "acd.avoid":
            name, _, agent = rest.partition(":")
            contact = world.contacts.get(ContactId(name))
            if contact is not None and agent in contact.avoid:
                contact.avoid[AgentId(agent)] = 0.0
        elif kind == "acd.withdraw":
            held = world.reservations.get(ReservationId(rest))
            reservation.withdraw_due(world, ReservationId(rest))
            for name in held.agents if held is not None else ():
                self._agent(world, name, event.at)

    def _agent(self, world: World, name: AgentId, at: float) -> None:
        """After a change of the agent: what is derived from it, in the world and in the index."""
        agent = world.agents.get(name)
        if agent is not None:
            agents.settle(world, agent, self.index.seen[name].state, at)
            self.index.agent_changed(agent)

    def _contact(self, world: World, name: ContactId) -> None:
        self.index.contact_changed(name, world.contacts.get(name))
