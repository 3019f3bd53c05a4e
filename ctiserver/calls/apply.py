"""What each event does to the state of conversations. The only place that changes it.

No decisions here: live work, recovery and replay all run this code (DESIGN section 1).
"""

from __future__ import annotations

from ctiserver.calls import apply_parties
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import ConversationId, LegId, is_seat
from ctiserver.model.talk import (
    Conversation,
    Handed,
    KeptPlace,
    Leg,
    LegState,
    Monitoring,
    Place,
    Role,
    SentOut,
    TakenOver,
    contacts_of,
    own_deadline,
)
from ctiserver.model.world import World

FORGET_AFTER = 10.0
"""Seconds that an ended conversation may wait for its last leg and recording (our choice). One that an agent still
has in hand (wrap-up) stays as long as that."""


NOBODY = LegId("")
"""The customer's leg of a callback while he is not called."""


LEAVING = (
    EndReason.REJECTED,
    EndReason.OVERFLOWED,
    EndReason.CLOSED,
    EndReason.TIMED_OUT,
    EndReason.LEFT_BY_KEY,
)
"""Ends after which the caller is still there, in his flow."""


LOOK_AFTER = 25.0
"""Seconds after which we look whether a caller in the apology is still there: it ends by itself after 20 s."""


LOOK_SOON = 1.0
"""Seconds until the first look at a caller who left without a word. Asterisk itself may have dropped him: 22.10.1 does
when a sound of the old codec meets his change to another (4 of 840 changes), and asks for no hang-up then."""


LOOK_AGAIN = 1.0
"""Seconds until a look that failed is made again, or a bridge that could not be closed is looked for (our choice)."""


OWN_RING = 15.0
"""Seconds that the phone of an agent who dials may ring; a page answers by itself within one."""

TAKE_BACK_AGAIN = 1.0
"""Seconds until a lost agent whose phone did not answer is rung again, while ACD keeps the talk for him (15 s)."""


def takeback_key(conversation: ConversationId) -> str:
    return f"calls.takeback:{conversation}"


def away_key(conversation: ConversationId) -> str:
    return f"calls.away:{conversation}"


def look_key(conversation: ConversationId) -> str:
    return f"calls.look:{conversation}"


def dial_key(conversation: ConversationId) -> str:
    return f"calls.dial:{conversation}"


LEAD_BACK = 15.0
"""Seconds that a lead who has taken a call over may be lost, as long as an agent may (acd.core.reservation)."""


def party_key(conversation: ConversationId) -> str:
    """A queue or an outside number is asked, and has not answered."""
    return f"calls.party:{conversation}"


def lead_key(conversation: ConversationId) -> str:
    return f"calls.lead:{conversation}"


def forget_key(conversation: ConversationId) -> str:
    return f"calls.forget:{conversation}"


def apply(world: World, event: ev.Event) -> None:
    """Change the world by one event; an event of an unknown conversation changes nothing."""
    match event:
        case ev.SwitchLinkChanged():
            world.switch_up = event.up
        case ev.DeadlinePassed():
            world.deadlines.drop(event.key)
        case ev.ConversationStarted():
            _start(world, event)
        case ev.CallbackBooked():
            _book(world, event)
        case ev.CallMade():
            _make(world, event)
        case ev.LookLater():
            world.deadlines.set(look_key(event.conversation), event.at + LOOK_AGAIN)
        case ev.ContactConnected():
            conversation = world.conversations.get(event.conversation)
            if conversation is not None:
                conversation.agent = event.agent
        case ev.ContactRequeued():
            contact = world.contacts.get(event.contact)
            conversation = world.conversations.get(contact.conversation) if contact is not None else None
            if conversation is not None:
                conversation.agent = None
                conversation.held = False
        case _:
            conversation = world.conversations.get(getattr(event, "conversation", ConversationId("")))
            if conversation is not None:
                _apply_to(world, conversation, event)


def _start(world: World, event: ev.ConversationStarted) -> None:
    leg = Leg(id=event.leg, role=Role.CUSTOMER, state=LegState.INITIATED, created_at=event.at)
    world.conversations[event.conversation] = Conversation(
        id=event.conversation,
        interaction=event.interaction,
        customer_leg=event.leg,
        dialled=event.dialled,
        caller_number=event.caller_number,
        caller_name=event.caller_name,
        arrived_at=event.at,
        legs={event.leg: leg},
    )
    world.conversation_of_leg[event.leg] = event.conversation


def _add_leg(world: World, conversation: Conversation, leg: Leg) -> None:
    """One that we make."""
    conversation.legs_made += 1
    conversation.legs[leg.id] = leg
    world.conversation_of_leg[leg.id] = conversation.id


def _monitor(world: World, conversation: Conversation, event: ev.MonitorStarted) -> None:
    leg = Leg(
        id=event.leg,
        role=Role.LEAD,
        state=LegState.INITIATED,
        created_at=event.at,
        agent=event.lead,
        endpoint=event.endpoint,
        instance=event.instance,
    )
    _add_leg(world, conversation, leg)
    conversation.monitor = Monitoring(
        lead=event.lead, by=event.by, mode=event.mode, leg=event.leg, since=event.at, mode_since=event.at
    )


def _book(world: World, event: ev.CallbackBooked) -> None:
    world.conversations[event.conversation] = Conversation(
        id=event.conversation,
        interaction=event.interaction,
        customer_leg=NOBODY,
        dialled=event.dialled,
        caller_number=event.number,
        caller_name=event.name,
        arrived_at=event.at,
        legs={},
        place=Place.BOOKED,
        callback=True,
    )


def _make(world: World, event: ev.CallMade) -> None:
    world.conversations[event.conversation] = Conversation(
        id=event.conversation,
        interaction=event.interaction,
        customer_leg=NOBODY,
        dialled=event.shown,
        caller_number=event.number,
        caller_name="",
        arrived_at=event.at,
        legs={},
        place=Place.CALLING,
        contact=event.contact,
        agent=event.agent,
        callback=True,
        made_by=event.agent,
        callee=event.to_agent,
    )
    world.conversation_of_contact[event.contact] = event.conversation
    world.deadlines.set(dial_key(event.conversation), event.at + OWN_RING)


def _send_out(world: World, conversation: Conversation, event: ev.OutsideCalled) -> None:
    leg = Leg(id=event.leg, role=Role.OUTSIDE, state=LegState.INITIATED, created_at=event.at)
    _add_leg(world, conversation, leg)
    conversation.sent_out = SentOut(
        leg=event.leg, number=event.number, queue=event.queue, data=event.data, path=event.path
    )
    world.deadlines.set(dial_key(conversation.id), event.deadline)


def _keep_place(world: World, conversation: Conversation, event: ev.ContactEnded) -> None:
    """He has left the queue and may still ask to be called back: then what he had there counts."""
    contact = world.contacts.get(event.contact)
    if contact is None or event.reason not in LEAVING or conversation.callback or contact.connected_at:
        return
    conversation.left = KeptPlace(
        contact=contact.id,
        queue=contact.queue,
        requires=contact.requires,
        steps=contact.steps,
        step=contact.step,
        stepped_at=contact.stepped_at,
        opened=contact.opened,
        priority=contact.priority,
        queued_at=contact.queued_at,
        algorithm=contact.algorithm,
        rules=contact.rules,
        only_agent=contact.only_agent,
        data=dict(contact.data),
        path=contact.path,
    )


def _apply_to(world: World, conversation: Conversation, event: ev.Event) -> None:
    match event:
        case ev.CustomerIdentified():
            conversation.customer = event.customer
        case ev.Originated():
            leg = Leg(
                id=event.leg,
                role=event.role,
                state=LegState.INITIATED,
                created_at=event.at,
                agent=event.agent,
                endpoint=event.endpoint,
                instance=event.instance,
                reservation=event.reservation,
                take_back=event.take_back,
            )
            _add_leg(world, conversation, leg)
        case ev.MonitorStarted():
            _monitor(world, conversation, event)
        case ev.MonitorChanged():
            if conversation.monitor is not None:
                conversation.monitor.mode = event.mode
                conversation.monitor.mode_since = event.at
        case ev.MonitorStopped():
            conversation.monitor = None
        case ev.CallTakenOver():
            leg = conversation.legs[event.leg]
            leg.role = Role.AGENT
            conversation.agent = event.lead
            conversation.held = False
            conversation.monitor = None
            conversation.taken = TakenOver(
                contact=event.contact, queue=event.queue, data=event.data, path=event.path, priority=event.priority
            )
            handed = Handed(
                contact=event.contact, agent=event.agent, queue=event.queue, note=event.note, at=event.at
            )
            conversation.handed = (*conversation.handed, handed)[-apply_parties.MOST_HANDED:]
            world.deadlines.drop(takeback_key(conversation.id))
        case ev.AgentLegLost() if is_seat(event.agent):
            world.deadlines.set(lead_key(conversation.id), event.at + LEAD_BACK)
        case ev.AgentLegBack():
            world.deadlines.drop(lead_key(conversation.id))
        case ev.WhisperOpened():
            conversation.legs_made += 1
            if conversation.monitor is not None:
                conversation.monitor.snoop = event.snoop
                conversation.monitor.whispers_to = event.leg
        case ev.WhisperClosed():
            if conversation.monitor is not None:
                conversation.monitor.snoop = None
                conversation.monitor.whispers_to = None
        case ev.Delivered():
            conversation.legs[event.leg].state = LegState.ALERTING
        case ev.Established():
            leg = conversation.legs[event.leg]
            leg.state = LegState.CONNECTED
            leg.up_at = event.at
            if leg.role is Role.OUTSIDE:
                world.deadlines.drop(dial_key(conversation.id))
            if leg.role is Role.CUSTOMER:
                conversation.answered_at = event.at
                if not conversation.callback:
                    conversation.place = Place.IVR
                world.deadlines.drop(dial_key(conversation.id))
        case ev.CustomerCalled():
            leg = Leg(
                id=event.leg,
                role=Role.CUSTOMER,
                state=LegState.INITIATED,
                created_at=event.at,
                endpoint=event.endpoint,
            )
            _add_leg(world, conversation, leg)
            conversation.customer_leg = event.leg
            conversation.place = Place.CALLING
            conversation.looks = 0
            world.deadlines.set(dial_key(conversation.id), event.deadline)
        case ev.KeyAsked():
            conversation.legs[event.leg].asked = True
            conversation.legs[event.leg].prompt = event.playback
            conversation.prompts_made += event.playback is not None
        case ev.KeyPressed():
            conversation.legs[event.leg].key = True
        case ev.KeyPromptEnded():
            conversation.legs[event.leg].prompt = None
        case ev.OutsideCalled():
            _send_out(world, conversation, event)
        case ev.OutsideUnreached():
            conversation.sent_out = None
            world.deadlines.drop(dial_key(conversation.id))
        case ev.CustomerUnreached():
            conversation.customer_leg = NOBODY
            conversation.agent = None
            conversation.place = Place.BOOKED
            world.deadlines.drop(dial_key(conversation.id))
            world.deadlines.drop(takeback_key(conversation.id))
        case ev.ContactEnded():
            _keep_place(world, conversation, event)
        case ev.ContactQueued():
            conversation.left = None
            sent_on = [one.contact for one in conversation.handed]  # somebody may still wrap one of these up
            for old in contacts_of(conversation):
                if old not in sent_on or old not in world.contacts:
                    world.conversation_of_contact.pop(old, None)
            conversation.contact = event.contact
            world.conversation_of_contact[event.contact] = conversation.id
        case ev.Queued():
            conversation.place = Place.WAITING
            conversation.looks = 0
        case ev.QueueRefused():
            if conversation.place is Place.WAITING:
                conversation.place = Place.IVR
                conversation.playing_stopped = True  # the calls core ends it as it takes him out of the music
        case ev.Talking():
            conversation.place = Place.TALKING
            conversation.held = False
            conversation.looks = 0
            conversation.talking_since = conversation.talking_since or event.at
        case ev.Held():
            conversation.place = Place.HELD
            conversation.held = True
        case ev.Transferred():
            conversation.agent = None
            conversation.taken = None
            conversation.held = False
            handed = Handed(
                contact=event.contact, agent=event.agent, queue=event.from_queue, note=event.note, at=event.at
            )
            conversation.handed = (*conversation.handed, handed)[-apply_parties.MOST_HANDED:]
            if event.flow:
                conversation.place = Place.IVR
            world.deadlines.drop(takeback_key(conversation.id))
            world.deadlines.drop(lead_key(conversation.id))
        case ev.ContactPassed() | ev.PassedOutside():
            apply_parties.passed(world, conversation, event)
            world.deadlines.drop(takeback_key(conversation.id))
        case (
            ev.ConsultQueued()
            | ev.ConsultAsked()
            | ev.ConsultRing()
            | ev.ConsultUp()
            | ev.Swapped()
            | ev.Conferenced()
            | ev.PartyLeft()
        ):
            apply_parties.apply(conversation, event)
            if until := own_deadline(conversation):
                world.deadlines.set(party_key(conversation.id), until)
            else:
                world.deadlines.drop(party_key(conversation.id))
        case ev.PhoneHeld():
            conversation.legs[event.leg].on_hold = event.on
        case ev.BridgeOpened():
            conversation.bridges = (*conversation.bridges, event.bridge)
        case ev.BridgeClosed():
            conversation.bridges = tuple(b for b in conversation.bridges if b != event.bridge)
        case ev.LegPlaced():
            if event.leg in conversation.legs:
                conversation.legs[event.leg].bridge = event.bridge
        case ev.PromptStarted():
            conversation.prompts_made += 1
            conversation.playing = event.playback
            conversation.playing_request = event.request
            conversation.playing_stopped = False
        case ev.PromptStopAsked():
            if conversation.playing_request == event.request:
                conversation.playing_stopped = True
        case ev.PromptEnded():
            conversation.playing = None
        case ev.RecordingStarted():
            conversation.recordings = event.names
            conversation.recorded = True
        case ev.RecordingEnded():
            conversation.recordings = tuple(name for name in conversation.recordings if name != event.name)
        case ev.CallerAway():
            leg = conversation.legs[conversation.customer_leg]
            world.deadlines.set(away_key(conversation.id), event.at + (LOOK_AFTER if leg.away else LOOK_SOON))
            leg.away = True
            conversation.playing = None
        case ev.CallerReturned():
            conversation.legs[conversation.customer_leg].away = False
            world.deadlines.drop(away_key(conversation.id))
        case ev.HangUpBegun():
            conversation.legs[event.leg].ending = True
            if event.leg == conversation.customer_leg and conversation.hang_up_by is None:
                conversation.hang_up_by = event.by
        case ev.HangUpSeen():
            conversation.legs[event.leg].ending_cause = event.cause
        case ev.LookBegun():
            conversation.looks = event.looks
        case ev.ConnectionCleared():
            gone = conversation.legs.pop(event.leg, None)
            if gone is not None and gone.take_back and not gone.up_at and gone.agent == conversation.agent:
                world.deadlines.set(takeback_key(conversation.id), world.now + TAKE_BACK_AGAIN)
            world.conversation_of_leg.pop(event.leg, None)
        case ev.CallCleared():
            world.deadlines.drop(away_key(conversation.id))
            world.deadlines.drop(dial_key(conversation.id))
            world.deadlines.drop(lead_key(conversation.id))
            world.deadlines.drop(party_key(conversation.id))
            conversation.cleared = True
            conversation.cleared_by = event.by
            conversation.cleared_at = event.at
            conversation.playing = None
            world.deadlines.set(forget_key(conversation.id), event.at + FORGET_AFTER)
        case ev.ConversationForgotten():
            for leg_id in conversation.legs:
                world.conversation_of_leg.pop(leg_id, None)
            for old in contacts_of(conversation):
                world.conversation_of_contact.pop(old, None)
            world.deadlines.drop(forget_key(conversation.id))
            world.deadlines.drop(takeback_key(conversation.id))
            del world.conversations[conversation.id]
        case _:
            pass
