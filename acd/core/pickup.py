"""Pick-up: an agent takes a call that rings at a colleague of his queues.

Lives here: whose ring may be taken, and what becomes of the offer. Not here: the new offer, which the matching
pass makes as any other, to him first. Who waits and rings nowhere is not picked from the queue: whom he goes to is the
routing's to say.
"""

from __future__ import annotations

from acd.core import agent as agents, contact as contacts, outcomes, waiting
from acd.core.reservation import live_agents
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.work import ContactState, Notice, NoticeKind
from ctiserver.model.world import Ctx, World

_REFUSED = {"not_ready": Rejection.NOT_READY, "unreachable": Rejection.NO_PHONE}
"""By what `agents.status` says of him; else he has work in hand."""


def decide(world: World, item: cmd.PickUpCall, ctx: Ctx) -> Decision:
    """Raises CommandRejected. The colleagues are told who took it; it is no miss of theirs."""
    agent = world.agents.get(item.agent)
    if agent is None or item.agent not in world.agent_configs:
        raise CommandRejected(Rejection.UNKNOWN_AGENT)
    if not agent.signed_in:
        raise CommandRejected(Rejection.NOT_SIGNED_IN)
    contact = world.contacts.get(item.contact)
    reservation = world.reservations.get(contact.reservation) if contact is not None and contact.reservation else None
    if contact is None or reservation is None or contact.state is not ContactState.RESERVED:
        raise CommandRejected(Rejection.NOT_WAITING)
    rung = [offered.agent for offered in live_agents(reservation)]
    if item.agent in rung:
        return NOTHING  # it is at his own phone that it rings
    asked = waiting.hard(contact, contacts.queue_config(world, contact.queue))
    if contact.only_agent is not None or not waiting.may_have(world, item.agent, contact.queue, asked):
        raise CommandRejected(Rejection.CANNOT_SERVE)
    status = agents.status(agent, contact.medium, world.capacities.get(item.agent))
    if status != agents.ELIGIBLE:
        raise CommandRejected(_REFUSED.get(status, Rejection.IN_A_CALL), status)
    return Decision(
        (
            *outcomes.withdrawn(world, contact, ctx.now),
            ev.ContactRequeued(contact=contact.id, prefer=item.agent, picked_up=True, at=ctx.now),
            *(
                ev.AgentTold(
                    agent=name,
                    notice=Notice(
                        id=ctx.ids.notice(), kind=NoticeKind.PICKED_UP, by=item.agent, text="", at=ctx.now
                    ),
                    at=ctx.now,
                )
                for name in rung
            ),
        )
    )
