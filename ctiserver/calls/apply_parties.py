"""What each event does to those who were called in beside the agent (part of `apply`)."""

from __future__ import annotations

import msgspec

from ctiserver.model import events as ev
from ctiserver.model.ids import QUEUE_PARTY
from ctiserver.model.talk import Conversation, Handed, Party, PartyGone, PartyState, Role, SentOut, Side
from ctiserver.model.world import World

MOST_HANDED = 10
"""Agents of whom is kept that they had the customer before (our choice)."""

PartyEvent = (
    ev.ConsultQueued
    | ev.ConsultAsked
    | ev.ConsultRing
    | ev.ConsultUp
    | ev.Swapped
    | ev.Conferenced
    | ev.PartyLeft
)


def apply(conversation: Conversation, event: PartyEvent) -> None:
    match event:
        case ev.ConsultQueued():
            asked = Party(
                agent=QUEUE_PARTY,
                item=event.item,
                asked_by=event.asked_by,
                state=PartyState.WAITING,
                since=event.at,
                queue=event.queue,
                until=event.deadline,
            )
            _begin_consult(conversation, asked)
        case ev.ConsultAsked() if event.queue is not None:  # the queue has found him
            conversation.parties = tuple(
                msgspec.structs.replace(
                    one, agent=event.agent, item=event.item, state=PartyState.ASKED, since=event.at
                )
                if one.state is PartyState.WAITING
                else one
                for one in conversation.parties
            )
        case ev.ConsultAsked():
            asked = Party(
                agent=event.agent,
                item=event.item,
                asked_by=event.asked_by,
                state=PartyState.ASKED,
                since=event.at,
                number=event.number,
                until=event.confirm_by if event.number else 0.0,
            )
            _begin_consult(conversation, asked)
        case ev.ConsultRing():
            _becomes(conversation, event, PartyState.RINGING)
        case ev.ConsultUp():
            _becomes(conversation, event, PartyState.CONSULTING)
        case ev.Conferenced():
            _becomes(conversation, event, PartyState.JOINED)
            conversation.side = Side.CUSTOMER
        case ev.Swapped():
            conversation.side = event.side
        case ev.PartyLeft() if event.again:
            conversation.parties = tuple(
                msgspec.structs.replace(
                    one, agent=QUEUE_PARTY, state=PartyState.WAITING, let_pass=(*one.let_pass, event.agent)
                )
                if one.item == event.item
                else one
                for one in conversation.parties
            )
        case ev.PartyLeft():
            gone = next((one for one in conversation.parties if one.item == event.item), None)
            conversation.parties = tuple(one for one in conversation.parties if one.item != event.item)
            if event.was is not PartyState.JOINED:
                conversation.side = Side.CUSTOMER
            conversation.party_gone = PartyGone(
                agent=event.agent,
                why=event.why,
                at=event.at,
                queue=gone.queue if gone is not None else None,
                number=gone.number if gone is not None else "",
            )


def _begin_consult(conversation: Conversation, asked: Party) -> None:
    conversation.parties = (*conversation.parties, asked)
    conversation.side = Side.CONSULTEE
    conversation.party_gone = None


def _becomes(
    conversation: Conversation, event: ev.ConsultRing | ev.ConsultUp | ev.Conferenced, state: PartyState
) -> None:
    conversation.parties = tuple(
        msgspec.structs.replace(one, state=state, since=event.at) if one.item == event.item else one
        for one in conversation.parties
    )


def passed(world: World, conversation: Conversation, event: ev.ContactPassed | ev.PassedOutside) -> None:
    """One who was called in has the customer from now on."""
    if isinstance(event, ev.PassedOutside):
        _pass_outside(conversation, event)
    else:
        _pass(world, conversation, event)


def _pass_outside(conversation: Conversation, event: ev.PassedOutside) -> None:
    """Somebody outside has the customer, as one to whom he was sent blind and who has answered."""
    handed = Handed(
        contact=event.contact, agent=event.agent, queue=event.queue, note=event.note, at=event.at
    )
    conversation.handed = (*conversation.handed, handed)[-MOST_HANDED:]
    conversation.parties = tuple(one for one in conversation.parties if not one.number)
    conversation.side = Side.CUSTOMER
    conversation.party_gone = None
    conversation.agent = None
    conversation.sent_out = SentOut(
        leg=event.leg, number=event.number, queue=event.queue, data=event.data, path=event.path
    )
    leg = conversation.legs.get(event.leg)
    if leg is not None:
        leg.role = Role.OUTSIDE
        leg.agent = None


def _pass(world: World, conversation: Conversation, event: ev.ContactPassed) -> None:
    handed = Handed(
        contact=event.from_contact, agent=event.from_agent, queue=event.queue, note=event.note, at=event.at
    )
    conversation.handed = (*conversation.handed, handed)[-MOST_HANDED:]
    conversation.parties = tuple(one for one in conversation.parties if one.agent != event.agent)
    conversation.side = Side.CUSTOMER
    conversation.party_gone = None
    conversation.agent = event.agent
    conversation.contact = event.contact
    world.conversation_of_contact[event.contact] = conversation.id
    for leg in conversation.legs.values():
        if leg.agent == event.agent:
            leg.role = Role.AGENT
