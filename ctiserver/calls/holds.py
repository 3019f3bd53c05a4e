"""Hold: the caller has music while the agent holds, on his page or on his phone.

There is one hold of a talk, whoever set it. What the phone signals is a fact: its hold begins one (unless it is on
already), its resume ends it, also one that the page began: whoever resumes wants to talk. The page cannot end the
phone's own hold (nobody but the phone can), and is told so: the caller would come back into silence. Beside a
colleague whom he consults, to retrieve the customer is to swap; in a conference a phone's hold is its own affair.

| The talk is          | page holds | page retrieves | phone holds | phone resumes |
|----------------------|------------|----------------|-------------|---------------|
| on                   | held       | refused        | held        | -             |
| held by the page     | refused    | on             | by both     | -             |
| held by the phone    | refused    | refused        | -           | on            |
| held by both         | refused    | refused        | -           | on            |
"""

from __future__ import annotations

from ctiserver.calls import parties
from ctiserver.calls.moves import Plan, talking_leg
from ctiserver.model import events as ev
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import AgentId
from ctiserver.model.talk import Conversation, Leg, Place, Side, consulted, joined
from ctiserver.model.turns import NOTHING, Decision
from ctiserver.model.world import Ctx


def hold(plan: Plan, conversation: Conversation, agent: AgentId, ctx: Ctx) -> None:
    """The command of the page. Raises CommandRejected."""
    if conversation.place is not Place.TALKING or conversation.side is Side.CONSULTEE:
        raise CommandRejected(Rejection.NOT_TALKING)
    if consulted(conversation) is not None and joined(conversation):
        raise CommandRejected(Rejection.CONSULT_RUNNING)
    if talking_leg(conversation) is None:  # he is lost, and others talk with the customer
        raise CommandRejected(Rejection.NOT_TALKING)
    _begin(plan, conversation, agent, ctx)


def retrieve(plan: Plan, conversation: Conversation, agent: AgentId, ctx: Ctx) -> None:
    """The command of the page. Raises CommandRejected."""
    leg = talking_leg(conversation)
    if conversation.place is not Place.HELD or leg is None:
        raise CommandRejected(Rejection.NOT_ON_HOLD)
    if leg.on_hold:
        raise CommandRejected(Rejection.HELD_ON_PHONE)
    if conversation.side is Side.CONSULTEE:
        parties.swap(plan, conversation, leg, ctx)
        return
    _end(plan, conversation, agent, leg, ctx)


def by_phone(conversation: Conversation, leg: Leg, on: bool, ctx: Ctx) -> Decision:
    """The phone has put its side on hold, or resumed. A caller's own hold changes nothing: his side is his."""
    if leg.agent is None or leg.on_hold == on or leg.ending or conversation.cleared:
        return NOTHING
    plan = Plan()
    plan.events.append(ev.PhoneHeld(conversation=conversation.id, leg=leg.id, on=on, at=ctx.now))
    elsewhere = conversation.side is Side.CONSULTEE or bool(parties.heirs(conversation))
    if talking_leg(conversation) is leg and not elsewhere:
        if on and conversation.place is Place.TALKING:
            _begin(plan, conversation, leg.agent, ctx)
        elif not on and conversation.place is Place.HELD:
            _end(plan, conversation, leg.agent, leg, ctx)
    return plan.decision()


def _begin(plan: Plan, conversation: Conversation, agent: AgentId, ctx: Ctx) -> None:
    plan.events.append(ev.Held(conversation=conversation.id, agent=agent, at=ctx.now))
    plan.to_music(conversation)


def _end(plan: Plan, conversation: Conversation, agent: AgentId, leg: Leg, ctx: Ctx) -> None:
    plan.events.append(ev.Retrieved(conversation=conversation.id, agent=agent, at=ctx.now))
    plan.events.append(ev.Talking(conversation=conversation.id, leg=leg.id, at=ctx.now))
    plan.to_talk(conversation, leg.id)
