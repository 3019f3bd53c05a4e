"""The ACD core: agents, contacts, reservations, and who is offered what (ctiserver.model.turns.Core).

Lives here: how an item is decided on and an event applied. Not here: what they mean, which is looked up by type in
`follows`, `matches` and `applies`, nor any rule; those are in `agent`, `contact`, `entry`, `waiting`, `reservation`,
`outcomes`, `desk`, `devices` and `routing`.

`decide` works in two steps: what follows from the item itself, then a matching pass over what the item may have
changed. An event is decided on after all events of its decision are applied, so a pass looks at the world as it is.
What an item means is looked up by its type: most items of a turn mean nothing to the ACD, and that must cost nothing.
"""

from __future__ import annotations

from typing import get_args

from acd.core import (
    agent as agents,
    callback,
    consult,
    contact as contacts,
    desk,
    devices,
    follows,
    lead,
    outcomes,
    pickup,
    queue_rules,
    repair,
    transfer,
    waiting,
)
from acd.core.applies import APPLY
from acd.core.follows import FOLLOWS
from acd.core.index import Index
from acd.core.matches import MATCHES
from acd.core.routing import Pass
from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.ids import AgentId
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.work import Agent
from ctiserver.model.world import Ctx, World

_WHOLE: dict[type, None] = dict.fromkeys((*get_args(cmd.Command), facts.FaultsFound, ev.SiteChanged, ev.IndexRebuilt))
"""What `Acd._whole` decides on."""


class Acd:
    """The core. It owns no state: `index` is derived, and `rebuild` makes it anew (after recovery)."""

    def __init__(self, world: World | None = None) -> None:
        self.index = Index(world if world is not None else World())

    def rebuild(self, world: World) -> None:
        """Derive the index from the world: needed whenever the world was not changed through `apply`."""
        self.index = Index(world)

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        kind = type(item)
        follow, match = FOLLOWS.get(kind), MATCHES.get(kind)
        if follow is None and match is None:
            return self._whole(world, item, ctx) if kind in _WHOLE else NOTHING
        events = follow(self.index, world, item, ctx) if follow is not None else ()
        if match is not None and world.switch_up:
            found = Pass(world, self.index, ctx, changing=events)
            match(self.index, world, item, found)
            events = (*events, *found.events)
        return Decision(events) if events else NOTHING

    def _whole(self, world: World, item: Item, ctx: Ctx) -> Decision:
        """Items whose decision has effects too, and those after which everybody who waits is looked at."""
        if isinstance(item, cmd.BookCallback):
            return callback.by_lead(world, self.index, item, ctx)
        if isinstance(item, cmd.CancelCallback):
            return callback.cancel(world, item, ctx.now)
        if isinstance(item, cmd.DismissLost):  # only the books know whether there was such a one
            return Decision((ev.LostDismissed(contact=item.contact, by=item.by, at=ctx.now),))
        if isinstance(item, lead.COMMANDS):
            return lead.command(world, self.index, item, ctx)
        if isinstance(item, cmd.PickUpCall):
            return pickup.decide(world, item, ctx)
        if isinstance(item, cmd.TransferCall):
            return transfer.blind(world, self.index, item, ctx)
        if isinstance(item, cmd.ConsultCall | cmd.CompleteConsult | cmd.LeaveConference):
            return consult.command(world, self.index, item, ctx)
        if isinstance(item, cmd.Command):
            return desk.command(world, self.index, item, ctx)
        if isinstance(item, facts.FaultsFound):
            return repair.decide(world, self.index, item, ctx.now)
        if isinstance(item, ev.SiteChanged):
            phones = devices.site_changed(world, ctx.now)
            taken = outcomes.taken_away(world, ctx.now)
            left = follows.closed(world, list(world.contacts), ctx.now)
            rules = queue_rules.Rules(world, self.index, ctx)
            left = (*left, *(event for queue in world.queue_configs for event in rules.closing(queue)))
            found = Pass(world, self.index, ctx, changing=(*taken, *left))
            if world.switch_up:
                found.everything()
            after = follows.site_changed(self.index, world, found.planned, ctx.now)
            return Decision((*phones.events, *taken, *left, *found.events, *after), phones.effects)
        if isinstance(item, ev.IndexRebuilt):
            found = Pass(world, self.index, ctx)
            if world.switch_up:
                found.everything()
            return Decision((*found.events, *follows.rebuilt(self.index, world, found.planned, ctx.now)))
        return NOTHING

    def apply(self, world: World, event: ev.Event) -> None:
        change = APPLY.get(type(event))
        if change is not None:
            change(self.index, world, event)
        elif isinstance(event, ev.SiteChanged):
            self._apply_site(world, event)
        elif isinstance(event, ev.IndexRebuilt):
            self.rebuild(world)

    def _apply_site(self, world: World, event: ev.SiteChanged) -> None:
        """The clocks of who waits are set to what they ought to be by the new configuration."""
        before = {c.id: contacts.queue_config(world, c.queue).max_wait_seconds for c in world.contacts.values()}
        had_hours = tuple(world.calendars)
        world.site = event.site
        for config in event.site.agents:
            world.agents.setdefault(AgentId(config.id), Agent(id=AgentId(config.id)))
        for agent in world.agents.values():
            agents.settle(world, agent, agents.state(agent), world.now)
        for contact in world.contacts.values():
            world.deadlines.drop(waiting.over_key(contact.id))
            waiting.arm(world, contact)
            contacts.arm_maxwait_anew(world, contact, before[contact.id])
        queue_rules.site_changed(world, had_hours, world.now)
        self.rebuild(world)
