"""How the customer's and the agents' legs are moved: one mechanism for queue, hold and a lost agent.

DESIGN 5.1: waiting and held customers sit in their own holding bridge (music that outlives us), a talk is a
mixing bridge of always two parties or more. `Plan` collects the events and effects of one decision.
"""

from __future__ import annotations

from ctiserver.model import effects as fx, events as ev, ids
from ctiserver.model.causes import NORMAL, ClearedBy
from ctiserver.model.ids import BridgeId, ConversationId, LegId, PlaybackId
from ctiserver.model.talk import (
    Conversation,
    Leg,
    Party,
    PartyState,
    Place,
    Role,
    Side,
    consulted,
    contacts_of,
    live_leg,
)
from ctiserver.model.turns import Decision
from ctiserver.model.world import World


class Plan:
    """Events and effects of one decision, in order."""

    __slots__ = ("effects", "events")

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.effects: list[fx.Effect] = []

    def decision(self) -> Decision:
        return Decision(tuple(self.events), tuple(self.effects))

    def open_bridge(self, conversation: Conversation, bridge: BridgeId, *, holding: bool) -> None:
        """Open the bridge unless the conversation has it."""
        asked = any(isinstance(effect, fx.OpenBridge) and effect.bridge == bridge for effect in self.effects)
        if bridge not in conversation.bridges and not asked:
            self.events.append(ev.BridgeOpened(conversation=conversation.id, bridge=bridge))
            self.effects.append(fx.OpenBridge(conversation=conversation.id, bridge=bridge, holding=holding))

    def close_bridge(self, conversation: Conversation, bridge: BridgeId) -> None:
        if bridge in conversation.bridges:
            self.events.append(ev.BridgeClosed(conversation=conversation.id, bridge=bridge))
            self.effects.append(fx.CloseBridge(conversation=conversation.id, bridge=bridge))

    def to_music(self, conversation: Conversation) -> None:
        """The customer's leg into its holding bridge; a playback is stopped and awaited first (a play blocks)."""
        bridge = ids.holding_bridge(conversation.id)
        self.open_bridge(conversation, bridge, holding=True)
        quiet = self.silence(conversation)
        self.effects.append(
            fx.JoinBridge(
                conversation=conversation.id, leg=conversation.customer_leg, bridge=bridge, holding=True, quiet=quiet
            )
        )

    def out_of(self, conversation: Conversation, bridge: BridgeId) -> None:
        """The customer's leg out of this bridge, which stays for the next time."""
        if conversation.legs[conversation.customer_leg].away:
            return
        self.effects.append(
            fx.LeaveBridge(
                conversation=conversation.id,
                leg=conversation.customer_leg,
                bridge=bridge,
                quiet=self.silence(conversation),
            )
        )

    def silence(self, conversation: Conversation) -> PlaybackId | None:
        """Stop what plays on the customer's leg; returns the playback whose end must be awaited."""
        if conversation.playing is not None and not conversation.playing_stopped:
            self.effects.append(fx.StopPlayback(conversation=conversation.id, playback=conversation.playing))
        return conversation.playing

    def to_talk(self, conversation: Conversation, agent_leg: LegId, *, customer: bool = True) -> None:
        """The agent's leg, then (unless he holds) the customer's into the talk bridge: no gap in the music."""
        bridge = ids.talk_bridge(conversation.id)
        self.open_bridge(conversation, bridge, holding=False)
        if conversation.legs[agent_leg].bridge != bridge:  # joining again would be leaving and entering: a click
            self.effects.append(
                fx.JoinBridge(conversation=conversation.id, leg=agent_leg, bridge=bridge, holding=False)
            )
        if customer:
            self.customer_to_talk(conversation)

    def customer_to_talk(self, conversation: Conversation) -> None:
        """The customer's leg alone: somebody is in the talk bridge already."""
        self.effects.append(
            fx.JoinBridge(
                conversation=conversation.id,
                leg=conversation.customer_leg,
                bridge=ids.talk_bridge(conversation.id),
                holding=False,
                quiet=self.silence(conversation),
            )
        )

    def seat(self, conversation: Conversation, leg: Leg | None, bridge: BridgeId) -> None:
        """The leg into this bridge of the conversation, wherever it sits now; one in the apology cannot be moved."""
        if leg is None or leg.away:
            return
        holding = bridge == ids.holding_bridge(conversation.id)
        self.open_bridge(conversation, bridge, holding=holding)
        quiet = self.silence(conversation) if leg.role is Role.CUSTOMER else None
        self.effects.append(
            fx.JoinBridge(conversation=conversation.id, leg=leg.id, bridge=bridge, holding=holding, quiet=quiet)
        )

    def hang_up(self, conversation: Conversation, leg: Leg, by: ClearedBy, cause: int = NORMAL) -> None:
        """End a leg unless we already asked for it. Of one that is in the apology nobody tells the end: we look."""
        if not leg.ending:
            self.events.append(ev.HangUpBegun(conversation=conversation.id, leg=leg.id, by=by))
            self.effects.append(fx.HangUpLeg(conversation=conversation.id, leg=leg.id, cause=cause))
            if leg.away:
                self.effects.append(look_at(conversation))


def look_at(conversation: Conversation) -> fx.LookAt:
    """The look that can tell of everything that the conversation has now."""
    tracks = (LegId(name) for name in conversation.recordings)
    snoop = conversation.monitor.snoop if conversation.monitor is not None else None
    snoops = (snoop,) if snoop is not None else ()
    return fx.LookAt(conversation=conversation.id, legs=(*conversation.legs, *tracks, *snoops))


def agent_legs(conversation: Conversation) -> list[Leg]:
    """The agents' legs that are not being ended, in the order they were made."""
    return [leg for leg in conversation.legs.values() if leg.role is Role.AGENT and not leg.ending]


def talking_leg(conversation: Conversation) -> Leg | None:
    """The connected leg of the agent whose talk it is (the newest, if a reload has made a second one)."""
    return live_leg(conversation, conversation.agent)


def seat_of_agent(conversation: Conversation) -> BridgeId | None:
    """Where the agent's leg sits; None: in no bridge, he hears the colleague's phone ring."""
    one = consulted(conversation)
    if one is None or conversation.side is Side.CUSTOMER:
        return ids.talk_bridge(conversation.id)
    return ids.consult_bridge(conversation.id) if one.state is PartyState.CONSULTING else None


def seat_of_party(conversation: Conversation, one: Party) -> BridgeId | None:
    """Where the leg of somebody who was called in sits: never alone in a mixing bridge; None: he is not there yet."""
    match one.state:
        case PartyState.JOINED:
            return ids.talk_bridge(conversation.id)
        case PartyState.CONSULTING if conversation.side is Side.CONSULTEE and talking_leg(conversation) is not None:
            return ids.consult_bridge(conversation.id)
        case PartyState.CONSULTING:
            return ids.holding_bridge(conversation.id)
        case _:
            return None


def seat_of_customer(conversation: Conversation) -> BridgeId | None:
    """None: a flow has him."""
    if conversation.place in (Place.WAITING, Place.HELD):
        return ids.holding_bridge(conversation.id)
    return ids.talk_bridge(conversation.id) if conversation.place is Place.TALKING else None


def live(world: World, name: ConversationId) -> Conversation | None:
    """The conversation, while its customer is there or expected."""
    found = world.conversations.get(name)
    return found if found is not None and not found.cleared else None


def in_hand(world: World, conversation: Conversation) -> bool:
    """Whether an agent still has a contact of it: then it stays, for his wrap-up shows it."""
    return any(contact in world.contacts for contact in contacts_of(conversation))
