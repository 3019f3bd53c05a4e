"""A stand-in for the conversation core.

It does what that core promises to the ACD (a leg for every ring, the customer's leg gone = CallCleared) and nothing by
itself: legs answer, fail and end when the story says so.
"""

from __future__ import annotations

import msgspec

from ctiserver.model import events as ev, facts, ids
from ctiserver.model.talk import Conversation, Leg, LegState, Role
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.world import Ctx, World


class Says(msgspec.Struct, frozen=True):
    """An input of the stand-in: these events happened."""

    events: tuple[ev.Event, ...]


class FakeCalls:
    """What the ACD needs of the conversation core."""

    def decide(self, world: World, item: Item | Says, ctx: Ctx) -> Decision:
        match item:
            case Says():
                return Decision(item.events)
            case facts.SiteLoaded():
                return Decision((ev.SiteChanged(site=item.site),))
            case ev.RingAsked():
                conversation = world.conversations.get(item.conversation)
                if conversation is None or conversation.cleared:
                    return NOTHING
                leg = ids.agent_leg(item.conversation, conversation.legs_made + 1)
                return Decision(
                    (
                        ev.Originated(
                            conversation=item.conversation,
                            leg=leg,
                            agent=item.agent,
                            endpoint="",
                            instance="",
                            reservation=item.reservation,
                            take_back=False,
                            at=ctx.now,
                        ),
                    )
                )
            case _:
                return NOTHING

    def apply(self, world: World, event: ev.Event) -> None:
        match event:
            case ev.ConversationStarted():
                world.conversations[event.conversation] = Conversation(
                    id=event.conversation,
                    interaction=event.interaction,
                    customer_leg=event.leg,
                    dialled=event.dialled,
                    caller_number=event.caller_number,
                    caller_name=event.caller_name,
                    arrived_at=event.at,
                    legs={event.leg: Leg(id=event.leg, role=Role.CUSTOMER, state=LegState.CONNECTED, created_at=1.0)},
                )
            case ev.CallbackBooked():
                world.conversations[event.conversation] = Conversation(
                    id=event.conversation,
                    interaction=event.interaction,
                    customer_leg=ids.LegId(""),
                    dialled=event.dialled,
                    caller_number=event.number,
                    caller_name=event.name,
                    arrived_at=event.at,
                    legs={},
                    callback=True,
                )
            case ev.CallMade():
                world.conversations[event.conversation] = Conversation(
                    id=event.conversation,
                    interaction=event.interaction,
                    customer_leg=ids.LegId(""),
                    dialled=event.shown,
                    caller_number=event.number,
                    caller_name="",
                    arrived_at=event.at,
                    legs={},
                    callback=True,
                )
            case ev.CustomerCalled() if event.conversation in world.conversations:
                world.conversations[event.conversation].customer_leg = event.leg
            case ev.CustomerUnreached() if event.conversation in world.conversations:
                world.conversations[event.conversation].customer_leg = ids.LegId("")
            case ev.CallerAway() | ev.CallerReturned() if event.conversation in world.conversations:
                called = world.conversations[event.conversation]
                for leg in called.legs.values():
                    leg.away = isinstance(event, ev.CallerAway)
            case ev.Originated():
                world.conversations[event.conversation].legs_made += 1
            case ev.CallCleared() if event.conversation in world.conversations:
                world.conversations[event.conversation].cleared = True
            case ev.CustomerIdentified():
                world.conversations[event.conversation].customer = event.customer
            case ev.ConversationForgotten():
                world.conversations.pop(event.conversation, None)
            case ev.SwitchLinkChanged():
                world.switch_up = event.up
            case _:
                pass
